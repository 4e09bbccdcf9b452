#pragma once

#include <array>

namespace paygate::ctl {

enum exit_code { done = 0, refused = 1, wrong_usage = 2, no_daemon = 3, not_found = 4, exceptions_open = 5 };

struct exit_meaning {
  int code;
  const char* meaning;
};

/// What --help and the man page say of them. With several ids: the highest of them.
inline constexpr std::array exit_meanings = {
    exit_meaning{done, "done"},
    exit_meaning{refused, "refused by the daemon, or by some of the entities that a verb went over"},
    exit_meaning{wrong_usage, "wrong usage; nobody was asked"},
    exit_meaning{no_daemon, "no daemon answered"},
    exit_meaning{not_found, "there is no such thing, or nothing that the filter fits"},
    exit_meaning{exceptions_open, "reconcile: differences are open; import: rows were not taken over"},
};

} // namespace paygate::ctl
