#pragma once

#include <optional>
#include <string>

#include "messages/enums.hpp"
#include "messages/money.hpp"

namespace paygate {

/// NOWPayments' payment_status words (provider-apis 1.5). Anything else the provider may say is read as `waiting`: it proves nothing.
enum class provider_status : std::uint8_t { waiting, confirming, confirmed, sending, partially_paid, finished, failed, refunded, expired };

template <>
struct enum_names<provider_status> {
  static constexpr std::string_view type = "provider_status";
  static constexpr std::string_view values[]
    = {"waiting", "confirming", "confirmed", "sending", "partially_paid", "finished", "failed", "refunded", "expired"};
};

/// What NOWPayments says of a payment, from an IPN or from its API; ids as the decimal text of the raw token.
/// Amounts are truncated to 18 decimals; an absent or null number is nothing, which is not the same as 0.
struct provider_payment {
  std::string payment_id;
  std::string parent_payment_id; ///< Set on a repeated deposit to the same order.
  std::string invoice_id;
  std::string order_id;
  provider_status status = provider_status::waiting;
  std::string price_currency; ///< Lower case, as every currency here.
  std::optional<int128> price_amount;
  std::string pay_currency;
  std::optional<int128> pay_amount;
  std::optional<int128> actually_paid;
  std::optional<int128> actually_paid_at_fiat; ///< 0 means unknown (provider-apis 1.6).
  std::string outcome_currency;
  std::optional<int128> outcome_amount;
  std::string payin_hash;
  std::string payout_hash; ///< The transaction to our wallet; only the API tells it, no IPN does.
  bool operator==(const provider_payment&) const = default;
};

} // namespace paygate
