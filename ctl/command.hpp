#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <variant>
#include <vector>

#include <rapidjson/document.h>

namespace paygate::ctl {

/// The command line, read: what to ask the daemon and how to show what it says.
struct command {
  struct ask {
    std::string request; ///< JSON for the inspector.
    std::string id;      ///< Of which of several ids it is; else empty.
  };
  std::string address = "127.0.0.1:4242";
  std::string tls_dir;   ///< The operator's certificate.
  bool json = false;     ///< Print the daemon's JSON instead of a table.
  bool follow = false;   ///< tail: go on until interrupted.
  std::vector<ask> asks; ///< In this order, each after the answer to the one before.
  std::string answer;    ///< The answer itself, of a verb that needs no daemon.
  bool reconciles = false; ///< Goes on asking until the round, or each exception's resolution, is over (ctl/reconcile.hpp).
  std::function<std::string(const rapidjson::Value&)> show;
};

struct usage {
  std::string text;
  bool asked_for = false;
};

/// Reads the arguments (without the program's name) by the table of verbs (verbs.hpp). A usage with `asked_for` is --help; else it says
/// what is wrong. `input` is read when ids are wanted from there.
std::variant<command, usage> read_command(const std::vector<std::string>& arguments, std::istream& input);

} // namespace paygate::ctl
