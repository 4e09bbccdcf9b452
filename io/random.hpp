#pragma once

#include <cstddef>

#include "crypto/encoding.hpp"

namespace paygate {

/// Bytes from the system's generator, fit for keys. Throws std::runtime_error when it has none.
bytes random_bytes(std::size_t count);

} // namespace paygate
