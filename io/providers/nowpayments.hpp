#pragma once

#include "io/providers/provider_faults.hpp"

namespace paygate {

struct nowpayments_settings {
  http_settings http{.base_url = "https://api.nowpayments.io"};
  std::string public_url; ///< Where NOWPayments and browsers reach us: "https://pay.example.org".
  secret_source api_key;
  secret_source success_url_key; ///< Signs the token in success_url.
  secret_source email, password; ///< Of the dashboard, for listing only; may be empty functions or answer "".
};

/// NOWPayments API v1 (provider-apis 1): create_invoice, get_payment, find_payments.
/// Permanent failures carry NOWPayments' own code where it gives one; find_payments without credentials is permanent "no_credentials".
io_client make_nowpayments_client(nowpayments_settings settings);

} // namespace paygate
