#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paygate {

// What the success URL and the status page carry: base64url(order id) "." base64url(HMAC-SHA256 over the order id), by
// SUCCESS_URL_SIGNING_KEY. It lets its bearer see one order; it proves no payment and does not expire.

std::string make_success_token(std::string_view order_id, std::string_view key);

/// The order id if we made the token with this key; nothing for anything else, and for everything when the key is empty.
std::optional<std::string> read_success_token(std::string_view token, std::string_view key);

} // namespace paygate
