#pragma once

#include <chrono>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace paygate::test {

/// How a child ended. One of the two numbers is set.
struct process_end {
  int exit_code = -1;
  int signal = 0;
};

/// A child process of a test: started by argv (no shell), its output in a log file. It dies with the test's process and is killed by the
/// destructor. Failures throw std::runtime_error, with the end of the log where there is one.
class process {
public:
  /// `environment` is added to ours. argv[0] is a path.
  process(std::vector<std::string> argv, std::string log_file, const std::map<std::string, std::string>& environment = {});
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  pid_t pid() const { return pid_; } ///< 0 once it was waited for.
  bool running();                    ///< False as soon as it ended by itself.
  void signal(int number);           ///< A no-op once it ended.
  void kill_hard();                  ///< SIGKILL, and waits for the end.
  /// Waits for the end; throws when it does not come in time.
  process_end wait(std::chrono::milliseconds limit);
  std::string log_tail(std::size_t bytes = 4000) const;

private:
  pid_t pid_ = 0;
  process_end end_;
  std::string log_file_;
};

} // namespace paygate::test
