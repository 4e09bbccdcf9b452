#pragma once

#include "ctl/command.hpp"
#include "ctl/link.hpp"

namespace paygate::ctl {

/// Asks and prints as command::does says; the exit code (exit_codes.hpp).
int run(const command& c, daemon_link& daemon);

/// Prints an answer of the daemon, or its error.
int print_answer(const command& c, const std::string& answer);

} // namespace paygate::ctl
