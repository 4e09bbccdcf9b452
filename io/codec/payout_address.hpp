#pragma once

#include <string>

#include "messages/money.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// Whether something may be sent to this address: on networks of Ethereum's kind 20 bytes that are not all zero, with the checksum of
/// EIP-55 where the text has one (mixed case). On other networks only the form is looked at: printable, without spaces, of a sane length.
address_verdict check_payout_address(const asset& target, const std::string& address, const std::string& extra_id);

} // namespace paygate
