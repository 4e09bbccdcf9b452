#pragma once

#include "io/providers/provider_faults.hpp"

namespace paygate {

class business_clock;

struct price_settings {
  http_settings coingecko{.base_url = "https://api.coingecko.com"};
  http_settings cryptocompare{.base_url = "https://min-api.cryptocompare.com"};
  http_settings oneinch{.base_url = "https://api.1inch.dev"};
  secret_source coingecko_key, cryptocompare_key, oneinch_key; ///< May be empty functions or answer "": CoinGecko and CryptoCompare then
                                                               ///< are asked without a key, 1inch is not asked.
  seconds cache{60};
  seconds age_max{600}; ///< An older price is none, where the source tells its age.
};

/// get_usd_price by the rules of spec 3.8: CoinGecko and CryptoCompare are asked, 1inch when neither answers; where two answer and differ
/// by more than 5 %, that is logged and the lower one used, else the first. Answers are kept for `cache` by `clock`, which must outlive the
/// client. Permanent "unknown_currency" for a coin that no source is known for; else transient "no_price".
io_client make_price_client(price_settings settings, const business_clock& clock);

} // namespace paygate
