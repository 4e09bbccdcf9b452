#pragma once

#include "io/codec/ethereum_tx.hpp"

namespace paygate {

/// The client of the signer lane: answers sign_tx with the hot wallet's key. Permanent failures: "wrong_key" when `from` is not the key's
/// address (in whatever case), "invalid_tx" (see sighash), "not_supported" for any other request. Safe from several threads.
io_client make_signer(private_key key);

} // namespace paygate
