#pragma once

#include <string>
#include <string_view>

namespace paygate {

/// A connection string of PostgreSQL without its secrets, for the audit log: where it leads and as whom, and nothing else of it. What could
/// be read in two ways is not shown at all.
std::string public_name_of(std::string_view dsn);

} // namespace paygate
