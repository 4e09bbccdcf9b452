#include "persistence/node_identity.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "persistence/persistence.hpp"

namespace paygate {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct process_stat {
  char state = '?';
  std::int64_t start = 0;
};

// Field 3 and field 22 of /proc/<pid>/stat; the name in field 2 may hold blanks and parentheses.
std::optional<process_stat> read_stat(std::int64_t pid) {
  const auto line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const auto end = line.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(end + 1));
  process_stat stat;
  rest >> stat.state;
  std::string field;
  for (int i = 4; i <= 21; ++i) rest >> field;
  if (!(rest >> stat.start)) return std::nullopt;
  return stat;
}

std::int64_t thread_count(std::int64_t pid) {
  std::error_code error;
  std::int64_t count = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    ++count;
  return count;
}

bool read_number(const std::string& text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

} // namespace

std::optional<node_identity> parse_node_identity(const std::string& text) {
  std::istringstream parts(text);
  node_identity identity;
  std::string pid, start, random;
  if (!std::getline(parts, identity.boot_id, '/') || !std::getline(parts, identity.pid_namespace, '/') || !std::getline(parts, pid, '/')
      || !std::getline(parts, start, '/') || !std::getline(parts, random) || random.empty())
    return std::nullopt;
  if (!read_number(pid, identity.pid) || !read_number(start, identity.process_start)) return std::nullopt;
  return identity;
}

bool is_dead(const node_identity& other, const node_identity& self) {
  if (other.boot_id.empty() || other.boot_id != self.boot_id || other.pid_namespace != self.pid_namespace || other.pid <= 0) return false;
  // kill(2) sees processes that /proc may hide (hidepid).
  if (::kill(static_cast<pid_t>(other.pid), 0) != 0 && errno == ESRCH) return true;
  const auto stat = read_stat(other.pid);
  if (!stat) return false;
  if (stat->start != other.process_start) return true;
  // A zombie without further threads only waits to be reaped.
  return (stat->state == 'Z' || stat->state == 'X') && thread_count(other.pid) <= 1;
}

std::string make_node_identity() {
  struct stat space {};
  std::string inode = "0";
  if (::stat("/proc/self/ns/pid", &space) == 0) inode = std::to_string(space.st_ino);
  const auto own = read_stat(::getpid());
  std::random_device entropy;
  char random[17];
  std::snprintf(random, sizeof random, "%08x%08x", entropy(), entropy());
  return first_line("/proc/sys/kernel/random/boot_id") + "/" + inode + "/" + std::to_string(::getpid()) + "/"
         + std::to_string(own ? own->start : 0) + "/" + random;
}

} // namespace paygate
