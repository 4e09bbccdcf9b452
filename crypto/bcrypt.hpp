#pragma once

#include <string_view>

namespace paygate {

/// The text of a bcrypt hash that we are willing to check: "$2b$12$" ("2a", "2y") and 53 characters, of a cost between 4 and 14: each more
/// doubles the time that a log-in takes. Source: crypt(5), "bcrypt".
bool is_bcrypt(std::string_view text);

} // namespace paygate
