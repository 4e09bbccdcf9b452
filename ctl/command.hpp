#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <variant>
#include <vector>

#include <rapidjson/document.h>

namespace paygate::ctl {

/// How answers are printed.
enum class output_form { table, json, ids };

/// What is done with the answer besides showing it (ctl/flows.hpp, ctl/reconcile.hpp).
enum class flow {
  once,
  pages,    ///< The rest of a long list is asked for, page by page.
  tail,     ///< Goes on until interrupted.
  top,      ///< The same, the screen anew each time.
  sweep,    ///< A verb over many: its progress, then its end.
  drain,    ///< Until the node holds no shard.
  reconcile ///< Until the round, or each exception's resolution, is over.
};

/// The command line, read: what to ask the daemon and how to show what it says.
struct command {
  struct ask {
    std::string request; ///< JSON for the inspector.
    std::string id;      ///< Of which of several ids it is; else empty.
  };
  std::string address = "127.0.0.1:4242";
  std::string tls_dir; ///< The operator's certificate.
  output_form output = output_form::table;
  flow does = flow::once;
  std::vector<ask> asks; ///< In this order, each after the answer to the one before.
  std::string answer;    ///< The answer itself, of a verb that needs no daemon.
  std::string arguments; ///< pages and tail: the question's arguments without limit and place, an object.
  std::size_t limit = 0; ///< pages: rows wanted; tail: rows to begin with.
  std::string ids;       ///< The members that name each row, for output_form::ids.
  std::function<std::string(const rapidjson::Value&)> show;

  bool json() const { return output == output_form::json; }
};

struct usage {
  std::string text;
  bool asked_for = false;
};

/// Reads the arguments (without the program's name) by the table of verbs (verbs.hpp). A usage with `asked_for` is --help, --man or
/// --completion; else it says what is wrong. `input` is read when ids are wanted from there.
std::variant<command, usage> read_command(const std::vector<std::string>& arguments, std::istream& input);

} // namespace paygate::ctl
