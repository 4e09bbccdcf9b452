#pragma once

#include "io/providers/http_call.hpp"
#include "io/providers/provider_faults.hpp"
#include "messages/io.hpp"

namespace paygate {

struct sendgrid_settings {
  http_settings http;
  secret_source api_key;
  std::string from, from_name; ///< mail.from, mail.from_name: a sender that SendGrid has verified.
};

/// Mails by SendGrid v3 (provider-apis 5.3), and the secrets of the links in them. Without a key a mail fails transiently with the code
/// "credentials": it is sent once there is one.
io_client make_sendgrid_client(sendgrid_settings settings);

} // namespace paygate
