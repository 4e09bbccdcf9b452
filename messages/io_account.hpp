#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What owners' accounts ask of the mail provider and of our own tables.
namespace paygate {

// --- mail: SendGrid v3 (provider-apis 5.3) ---

/// POST /v3/mail/send -> done, when it was queued there. No idempotency key: a repeat may come twice.
struct send_mail {
  std::string to, subject, text, html;
  bool operator==(const send_mail&) const = default;
};
/// 32 bytes from the system's generator for a link in a mail -> secret_made.
struct make_secret {
  bool operator==(const make_secret&) const = default;
};
struct secret_made {
  std::string secret; ///< base64url.
  std::string hash;   ///< SHA-256 of that text, in hex: what may be stored.
  bool operator==(const secret_made&) const = default;
};

/// The channels of a web account that are not closed -> account_channels.
struct get_account_channels {
  std::string account_id;
  bool operator==(const get_account_channels&) const = default;
};
struct account_channels {
  std::vector<std::int64_t> selling; ///< Those that still take orders.
  std::int64_t open = 0;             ///< All that are not closed for good: they owe or are owed something.
  bool operator==(const account_channels&) const = default;
};

} // namespace paygate
