#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include <rapidjson/document.h>

namespace paygate::ctl {

/// The command line, read: what to ask the daemon and how to show what it says.
struct command {
  std::string address = "127.0.0.1:4242";
  bool json = false;   ///< Print the daemon's JSON instead of a table.
  bool follow = false; ///< tail: go on until interrupted.
  bool reconciles = false; ///< Goes on asking until the round, or the resolution of `subject`, is over (ctl/reconcile.hpp).
  std::string subject;
  std::string request; ///< JSON for the inspector.
  std::function<std::string(const rapidjson::Value&)> show;
};

struct usage { std::string text; bool asked_for = false; };

/// Reads the arguments (without the program's name). A usage with `asked_for` is --help; else it says what is wrong.
std::variant<command, usage> read_command(const std::vector<std::string>& arguments);

} // namespace paygate::ctl
