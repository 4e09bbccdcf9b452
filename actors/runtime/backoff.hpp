#pragma once

#include <cstdint>
#include <string_view>

#include "messages/time.hpp"

namespace paygate {

/// Pause before try number `attempts` + 1: 1 s, doubling to 60 s, plus up to a quarter of jitter. The jitter is a hash of `seed` and the
/// attempt, so that many entities spread out and yet every run of a simulation repeats.
milliseconds retry_pause(std::uint32_t attempts, std::string_view seed);

/// Pause of a poll whose outcome changed nothing `quiet` times: `first` doubled with each, up to `most`.
milliseconds poll_pause(std::uint32_t quiet, milliseconds first, milliseconds most);

/// True for the failures worth a row write: the 1st, 2nd, 4th, 8th ... of a kind.
constexpr bool is_reported(std::uint32_t attempts) { return attempts != 0 && (attempts & (attempts - 1)) == 0; }
/// The same of a call for which there was no room: a crowd that waits its turn is no news, and must not become a crowd of commits.
constexpr bool is_put_off_reported(std::uint32_t put_offs) { return put_offs >= 8 && is_reported(put_offs); }

} // namespace paygate
