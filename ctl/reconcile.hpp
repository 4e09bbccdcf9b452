#pragma once

#include "ctl/command.hpp"
#include "ctl/link.hpp"

namespace paygate::ctl {

/// Runs a round of reconciliation to its end, or resolves an exception, and prints what came of it; the program's exit code.
int reconcile(const command& c, daemon_link& daemon);

} // namespace paygate::ctl
