#include "tests/link/link_rig.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/support/postgres_cluster.hpp"

namespace paygate::test {

namespace fs = std::filesystem;

certificate_folder::certificate_folder() {
  char name[] = "/tmp/paygate-certificates-XXXXXX";
  if (!mkdtemp(name)) throw std::runtime_error("mkdtemp failed");
  path_ = name;
  run({"authority"});
}

certificate_folder::~certificate_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string certificate_folder::folder(const std::string& who) {
  const auto slash = who.find('/');
  if (!fs::exists(path_ + "/" + who)) run({who.substr(0, slash), who.substr(slash + 1)});
  return path_ + "/" + who;
}

void certificate_folder::run(const std::vector<std::string>& words) {
  std::vector<std::string> argv{PAYGATE_CERTIFICATES, path_};
  argv.insert(argv.end(), words.begin(), words.end());
  process child(argv, path_ + "/log");
  if (child.wait(patience).exit_code != 0) throw std::runtime_error("deploy/certificates: " + child.log_tail());
}

certificate_folder& ours() {
  static certificate_folder folder;
  return folder;
}

certificate_folder& strangers() {
  static certificate_folder folder;
  return folder;
}

std::shared_ptr<credential_store> open_store(const std::string& folder) {
  auto opened = credential_store::open(folder, {});
  if (auto* wrong = std::get_if<std::string>(&opened)) throw std::runtime_error(*wrong);
  return std::get<0>(opened);
}

link_hooks pump_rig::hooks() {
  link_hooks made;
  made.opened = [t = told_](link_opened_ptr opened) {
    const std::lock_guard lock(t->mutex);
    t->opened.push_back(std::move(opened));
    t->changed.notify_all();
  };
  made.closed = [t = told_](std::uint64_t id, std::string why) {
    const std::lock_guard lock(t->mutex);
    t->closed[id] = std::move(why);
    t->changed.notify_all();
  };
  return made;
}

void pump_rig::listen(admit_fn admit) {
  auto with = hooks();
  with.admit = std::move(admit);
  auto taken = pump->listen("127.0.0.1", 0, std::move(with));
  if (auto* wrong = std::get_if<std::string>(&taken)) throw std::runtime_error(*wrong);
  port = std::get<std::uint16_t>(taken);
}

std::variant<link_opened_ptr, std::string> pump_rig::dial(const std::string& address, std::optional<std::string> node,
                                                          std::chrono::milliseconds limit) {
  auto promise = std::make_shared<std::promise<std::variant<link_opened_ptr, std::string>>>();
  auto future = promise->get_future();
  pump->dial({address, std::move(node), limit},
             [promise](std::variant<link_opened_ptr, std::string> answer) { promise->set_value(std::move(answer)); });
  if (future.wait_for(limit + patience) != std::future_status::ready) throw std::runtime_error("dial never answers");
  return future.get();
}

link_opened_ptr pump_rig::next_opened(std::chrono::milliseconds limit) {
  std::unique_lock lock(told_->mutex);
  if (!told_->changed.wait_for(lock, limit, [this] { return told_->opened.size() > told_->taken; })) return nullptr;
  return told_->opened[told_->taken++];
}

std::size_t pump_rig::opened_count() {
  const std::lock_guard lock(told_->mutex);
  return told_->opened.size();
}

std::optional<std::string> pump_rig::end_of(std::uint64_t id, std::chrono::milliseconds limit) {
  std::unique_lock lock(told_->mutex);
  if (!told_->changed.wait_for(lock, limit, [this, id] { return told_->closed.contains(id); })) return std::nullopt;
  return told_->closed[id];
}

unique_fd connect_to(std::uint16_t port) {
  unique_fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("connect: " + error_text(errno));
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!bytes.empty() && std::chrono::steady_clock::now() < until) {
    const auto n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return false;
    pollfd wait{fd, POLLOUT, 0};
    poll(&wait, 1, 1000);
  }
  return bytes.empty();
}

std::string read_some(int fd, std::size_t size, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::string all;
  while (all.size() < size) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd wait{fd, POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) break;
    char bytes[65536];
    const auto n = recv(fd, bytes, std::min(sizeof bytes, size - all.size()), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) break;
    if (n > 0) all.append(bytes, static_cast<std::size_t>(n));
  }
  return all;
}

std::optional<std::string> read_to_end(int fd, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::string all;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd wait{fd, POLLIN, 0};
    if (left <= 0 || poll(&wait, 1, static_cast<int>(left)) <= 0) return std::nullopt;
    char bytes[65536];
    const auto n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0)
      all.append(bytes, static_cast<std::size_t>(n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
      return all; // A reset is an end, too.
  }
}

std::chrono::nanoseconds thread_time(const std::string& name) {
  std::int64_t total = 0;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::string comm;
    std::int64_t ran = 0;
    std::ifstream(task.path() / "comm") >> comm;
    std::ifstream(task.path() / "schedstat") >> ran;
    if (comm == name) total += ran;
  }
  return std::chrono::nanoseconds(total);
}

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::string frame_header(std::uint8_t operation, std::uint32_t size, std::uint64_t to, std::uint8_t flags) {
  std::string header(32, '\0');
  header[0] = static_cast<char>(operation);
  header[3] = static_cast<char>(flags);
  for (std::size_t i = 0; i < 4; ++i) header[4 + i] = static_cast<char>(size >> (24 - 8 * i) & 0xff);
  for (std::size_t i = 0; i < 8; ++i) header[24 + i] = static_cast<char>(to >> (56 - 8 * i) & 0xff);
  return header;
}

} // namespace paygate::test
