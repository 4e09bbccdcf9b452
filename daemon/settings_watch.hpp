#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// Watches the settings file: a change that is free of faults takes effect where it can without a restart, one with faults changes nothing
/// and is an alarm. Safe from any thread.
class settings_watch {
public:
  /// `running` are the settings that the process runs by; `apply` is called with them after a change. @pre `arguments` gave `running`.
  settings_watch(settings& running, std::vector<std::string> arguments, std::string file, std::function<void(const settings&)> apply,
                 std::shared_ptr<metrics_sink> metrics);

  /// Reads the file again when it is another one than at the last look.
  void look();
  /// Reads it now, changed or not. What happened, as JSON: {"taken": [...], "need_restart": [...], "faults": [...]}.
  std::string reload();
  /// Every setting: [{"key", "value", "reloads"}].
  std::string show();

private:
  std::string read_again();

  std::mutex mutex_;
  settings& running_;
  std::vector<std::string> arguments_;
  std::string file_, seen_, last_look_;
  std::function<void(const settings&)> apply_;
  std::shared_ptr<metrics_sink> metrics_;
};

} // namespace paygate
