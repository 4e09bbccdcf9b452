#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <rapidjson/document.h>

#include "ctl/command.hpp"

namespace paygate::ctl {

/// The command line after its verb: the words and the options that the verb knows.
struct given {
  std::vector<std::string> words;
  std::map<std::string, std::string> options; ///< A flag is "true".
  bool has(const std::string& name) const { return options.count(name) != 0; }
  std::string option(const std::string& name) const {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
  }
};

enum class verb_class { look, steer, local }; ///< `local`: answered by the tool itself; `request` makes the answer.

/// A verb of the tool. Help, man page, shell completion and the reading of the command line are made from this.
struct verb {
  verb_class does;
  const char* name;    ///< "payments accept"
  const char* words;   ///< What follows: "KIND ID", also as KIND/ID. The last one of a verb that steers may be "-": one per line of input.
  const char* options; ///< "--kind K --stuck": with a value when one follows.
  const char* help;
  /// The inspector's command for these words, or what is wrong.
  std::variant<std::string, usage> (*request)(const verb& self, const given& line);
  const char* asks; ///< For `request`: the inspector's verb, or the name of the question.
  std::string (*show)(const rapidjson::Value& answer);
  const char* ids = ""; ///< The members that name a row, joined by "/"; empty: there are none.
  flow then = flow::once;
};

const std::vector<verb>& verbs();

/// The options that every verb has, and those of all that steer.
extern const char* const everywhere_options;
extern const char* const steering_options;

/// The verb that these words begin with: the one with the longest name. `length` is set to the words of its name.
const verb* find_verb(const std::vector<std::string>& words, std::size_t& length);

std::vector<std::string> split_words(const std::string& text);

/// The question's arguments for these options, as JSON; or what is wrong with them.
std::variant<std::string, usage> arguments_of(const given& line, bool with_limit);

/// It is told to one entity by kind and id, and with --all to all that a filter fits.
bool goes_over_many(const verb& v);

} // namespace paygate::ctl
