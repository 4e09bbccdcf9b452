#pragma once

#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>

#include "config/settings.hpp"

namespace paygate {

/// What the command line asks for besides running.
enum class run_mode : std::uint8_t {
  run,
  help,
  version,
  check,         ///< Reads settings and secrets, says what is wrong with them, and ends.
  wallet_address ///< Prints the address of the hot wallet's key and ends.
};

/// Settings on top of CAF's own configuration: one INI file, one command line, and CAF's options beside ours ([scheduler], [middleman]).
/// Stricter than CAF, which drops what it does not understand: an unknown key, a value of the wrong type, a key given twice and the
/// `section { ... }` form are errors here. Not movable: CAF's options point into `values`.
class configuration : public caf::actor_system_config {
public:
  configuration();
  configuration(configuration&&) = delete;

  settings values;
  run_mode mode = run_mode::run;
  std::string file; ///< --config-file, empty when there is none.

  /// Reads the file named by --config-file, then the rest of the command line, which wins; then checks (`validate`). Answers every fault
  /// found, a sentence each that names file or command line, key and what was expected; a file that is no INI stops the search early.
  std::vector<std::string> load(const std::vector<std::string>& arguments);
  std::vector<std::string> load(int argc, char** argv);

private:
  void load_file(const std::string& path, std::vector<std::string>& faults);
  void store_section(const std::string& path, const caf::settings& section, const std::string& prefix, std::vector<std::string>& faults);
  void load_argument(const std::string& argument, std::vector<std::string>& faults);
};

} // namespace paygate
