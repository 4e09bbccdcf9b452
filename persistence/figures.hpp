#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/ids.hpp"

namespace paygate {

/// How long an entity may be in a status before people look at it.
struct stuck_limit {
  entity_kind kind;
  std::string status;
  std::int64_t seconds = 0;
};

/// Replaces table `stuck_limit`; answers what is wrong, empty when nothing is.
std::string write_stuck_limits(const std::string& dsn, const std::vector<stuck_limit>& limits);

/// Errors that PostgreSQL or the way to it gave this process so far.
std::uint64_t database_errors();

} // namespace paygate
