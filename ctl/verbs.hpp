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

enum class verb_class { look, steer };

/// A verb of the tool. Help, the reading of the command line and (one day) the shell's completion are made from this.
struct verb {
  verb_class does;
  const char* name;    ///< "payments accept"
  const char* words;   ///< What follows: "KIND ID". The last one of a verb that steers may be "-": one per line of standard input.
  const char* options; ///< "--kind K --stuck": with a value when one follows.
  const char* help;
  /// The inspector's command for these words, or what is wrong.
  std::variant<std::string, usage> (*request)(const verb& self, const given& line);
  const char* asks; ///< For `request`: the inspector's verb, or the name of the question.
  std::string (*show)(const rapidjson::Value& answer);
};

const std::vector<verb>& verbs();

/// What --help prints.
std::string help_text();

} // namespace paygate::ctl
