#pragma once

#include <string>

// What is made from the table of verbs for people and their shell.
namespace paygate::ctl {

/// What --help prints.
std::string help_text();
/// paygatectl(1) as troff, for man.
std::string man_text();
/// A completion script for bash: verbs, their options, and values that are known: kinds, lanes, levels.
std::string bash_completion();

} // namespace paygate::ctl
