#pragma once

#include <chrono>
#include <string>

namespace paygate {

/// An instant in UTC with PostgreSQL's resolution, so that a value survives the database unchanged.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;
using milliseconds = std::chrono::milliseconds;
using seconds = std::chrono::seconds;

/// ISO 8601 in UTC with microseconds: "2026-11-21T07:00:00.000000Z".
std::string to_text(timestamp at);

} // namespace paygate
