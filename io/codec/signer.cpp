#include "io/codec/signer.hpp"

#include <exception>
#include <memory>

#include "addresses/ethereum_address.hpp"

namespace paygate {

io_client make_signer(private_key key) {
  // std::function copies what it holds; a key is never copied.
  const auto shared = std::make_shared<const private_key>(std::move(key));
  return [shared, address = address_of(*shared)](const io_request& request) -> io_outcome {
    const auto* wanted = std::get_if<sign_tx>(&request);
    if (!wanted) return io_failure{fault::permanent, "not_supported", "the signer only signs", {}};
    if (!same_address(wanted->from, address))
      return io_failure{fault::permanent, "wrong_key", "the key is the one of " + address + ", not of " + wanted->from, {}};
    try {
      auto result = sign(wanted->tx, *shared);
      if (auto* failure = std::get_if<io_failure>(&result)) return std::move(*failure);
      return std::get<tx_signed>(std::move(result));
    } catch (const std::exception& error) {
      return io_failure{fault::transient, "signing_failed", error.what(), {}};
    }
  };
}

} // namespace paygate
