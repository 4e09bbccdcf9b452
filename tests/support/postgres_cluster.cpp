#include "tests/support/postgres_cluster.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <memory>
#include <netinet/in.h>
#include <pwd.h>
#include <random>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace paygate::test {

namespace fs = std::filesystem;

namespace {

const std::string bin = "/usr/lib/postgresql/15/bin/";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct server_user {
  uid_t uid;
  gid_t gid;
};

// PostgreSQL refuses to run as root.
const server_user* user() {
  static const std::unique_ptr<server_user> found = [] {
    std::unique_ptr<server_user> result;
    if (::geteuid() == 0) {
      auto* entry = ::getpwnam("postgres");
      if (!entry) throw std::runtime_error("no user postgres on this machine");
      result = std::make_unique<server_user>(server_user{entry->pw_uid, entry->pw_gid});
    }
    return result;
  }();
  return found.get();
}

// Starts a program as the server's user; its output goes to `log`.
pid_t spawn(const std::vector<std::string>& command, const std::string& log) {
  const auto* as = user();
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid > 0) return pid;
  const int out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (as && (::setgroups(0, nullptr) != 0 || ::setgid(as->gid) != 0 || ::setuid(as->uid) != 0)) ::_exit(126);
  if (::chdir("/") != 0) ::_exit(126);
  ::setenv("LC_ALL", "C", 1);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

void run(const std::vector<std::string>& command, const std::string& log) {
  int status = 0;
  const pid_t pid = spawn(command, log);
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error(command[0] + " failed: " + read_file(log));
}

void give_to_server(const std::string& path) {
  if (const auto* as = user(); as && ::chown(path.c_str(), as->uid, as->gid) != 0) throw std::runtime_error("chown failed: " + path);
}

// The result of initdb, made once per program.
const std::string& template_folder() {
  static const auto folder = [] {
    auto made = std::make_shared<temporary_folder>("paygate-initdb");
    give_to_server(made->path());
    run({bin + "initdb", "-D", made->path() + "/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"},
        made->path() + "/log");
    return made;
  }();
  return folder->path();
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto stat = read_file(entry.path().string() + "/stat");
    const auto end = stat.rfind(')');
    int ppid = 0;
    char state = 0;
    if (end != std::string::npos && std::sscanf(stat.c_str() + end + 1, " %c %d", &state, &ppid) == 2 && ppid == parent)
      found.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return found;
}

} // namespace

temporary_folder::temporary_folder(const std::string& prefix) {
  std::string pattern = "/tmp/" + prefix + "-XXXXXX";
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  ::chmod(pattern.c_str(), 0755);
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

int free_port() {
  // Below the range that the kernel gives to outgoing connections, or one of those takes it while its server restarts.
  std::random_device random;
  std::uniform_int_distribution<int> below_ephemeral{10'000, 31'999};
  for (int tries = 0; tries < 1000; ++tries) {
    const int port = below_ephemeral(random);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool free = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (fd >= 0) ::close(fd);
    if (free) return port;
  }
  throw std::runtime_error("no free TCP port");
}

postgres_cluster::postgres_cluster(cluster_options options) : options_(std::move(options)), port_(free_port()) {
  std::string pattern = "/tmp/paygate-pg-XXXXXX";
  const auto& ready = template_folder();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  folder_ = pattern;
  ::chmod(folder_.c_str(), 0755);
  give_to_server(folder_);
  run({"/bin/cp", "-a", ready + "/data", folder_ + "/data"}, folder_ + "/log");
  std::ofstream conf(folder_ + "/data/postgresql.conf", std::ios::app);
  conf << "\nlisten_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '" << folder_ << "'\n"
       << "fsync = " << (options_.fsync ? "on" : "off") << "\n"
       << options_.extra_conf << "\n";
  conf.close();
  start();
}

postgres_cluster::~postgres_cluster() {
  try {
    kill_hard();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "postgres_cluster: %s\n", error.what());
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string postgres_cluster::dsn(const std::string& database) const {
  return "host=" + folder_ + " port=" + std::to_string(port_) + " user=postgres dbname=" + database;
}

std::string postgres_cluster::tcp_dsn(const std::string& database) const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " user=postgres dbname=" + database;
}

std::string postgres_cluster::create_database(const std::string& name) {
  sql("CREATE DATABASE " + name);
  return dsn(name);
}

std::string postgres_cluster::sql(const std::string& statement, const std::string& database) const {
  std::string quoted = "'";
  for (char c : statement) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  quoted += "'";
  const auto command = bin + "psql -XAtq -v ON_ERROR_STOP=1 -d '" + dsn(database) + "' -c " + quoted + " 2>&1";
  auto* pipe = ::popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("psql does not start");
  std::string output;
  char buffer[4096];
  while (auto n = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
  const int status = ::pclose(pipe);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  if (status != 0) throw std::runtime_error("psql: " + output);
  return output;
}

void postgres_cluster::start() {
  if (pid_ != 0) return;
  const auto log = folder_ + "/log";
  pid_ = spawn({bin + "postgres", "-D", folder_ + "/data"}, log);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      throw std::runtime_error("postgres ended at its start: " + read_file(log));
    }
    // The last line of postmaster.pid says "ready" once connections are taken.
    const auto state = read_file(folder_ + "/data/postmaster.pid");
    if (state.rfind(std::to_string(pid_) + "\n", 0) == 0 && state.find("ready") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("postgres did not start in time: " + read_file(log));
}

void postgres_cluster::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGINT);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

void postgres_cluster::kill_hard() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGSTOP); // No new children while they are listed.
  auto family = children_of(pid_);
  family.push_back(pid_);
  for (auto process : family) ::kill(process, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  // Its children are init's now; the shared memory is free once they are gone.
  for (auto process : family)
    for (int i = 0; i < 2000 && ::kill(process, 0) == 0; ++i) {
      const auto stat = read_file("/proc/" + std::to_string(process) + "/stat");
      if (stat.find(") Z ") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void postgres_cluster::freeze() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGSTOP);
  for (auto process : children_of(pid_)) ::kill(process, SIGSTOP);
}

void postgres_cluster::thaw() {
  if (pid_ == 0) return;
  for (auto process : children_of(pid_)) ::kill(process, SIGCONT);
  ::kill(pid_, SIGCONT);
}

} // namespace paygate::test
