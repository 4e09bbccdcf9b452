#include "io/random.hpp"

#include <stdexcept>

#include <openssl/rand.h>

namespace paygate {

bytes random_bytes(std::size_t count) {
  bytes made(count);
  if (RAND_bytes(made.data(), static_cast<int>(count)) != 1) throw std::runtime_error("no randomness");
  return made;
}

} // namespace paygate
