#include "tests/support/process.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace paygate::test {

process::process(std::vector<std::string> argv, std::string log_file, const std::map<std::string, std::string>& environment)
    : log_file_(std::move(log_file)) {
  // All memory is taken before the fork: a child of a program with threads must not allocate.
  std::vector<std::string> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!environment.contains(text.substr(0, text.find('=')))) variables.push_back(text);
  }
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  std::vector<char*> words, settings;
  for (auto& word : argv) words.push_back(word.data());
  for (auto& variable : variables) settings.push_back(variable.data());
  words.push_back(nullptr);
  settings.push_back(nullptr);

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed: " + std::string(std::strerror(errno)));
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(126);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = ::open(log_file_.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  if (in < 0 || out < 0) ::_exit(126);
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::dup2(out, 2);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(words[0], words.data(), settings.data());
  ::_exit(127);
}

process::~process() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool process::running() {
  if (pid_ == 0) return false;
  int status = 0;
  const pid_t found = ::waitpid(pid_, &status, WNOHANG);
  if (found == 0 || (found < 0 && errno == EINTR)) return true;
  pid_ = 0;
  if (WIFEXITED(status))
    end_ = {WEXITSTATUS(status), 0};
  else
    end_ = {-1, WTERMSIG(status)};
  return false;
}

void process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

void process::kill_hard() {
  signal(SIGKILL);
  wait(std::chrono::seconds(10));
}

process_end process::wait(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (running()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("the process does not end: " + log_tail());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return end_;
}

std::string process::log_tail(std::size_t bytes) const {
  std::ifstream file(log_file_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.size() <= bytes ? text : text.substr(text.size() - bytes);
}

} // namespace paygate::test
