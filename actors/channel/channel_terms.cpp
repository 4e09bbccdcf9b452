#include "actors/channel/channel_terms.hpp"

#include <algorithm>

#include "addresses/address.hpp"
#include "messages/text.hpp"

namespace paygate {

bool is_clean(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 && c != '\n'; });
}

bool has_cents_only(usd_amount value) { return truncate_to(value.units(), 2) == value.units(); }

namespace {

constexpr std::size_t wallet_max = 256, ticker_max = 32;

bool is_word(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_lower(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::string objection_to_tiers(const channel& terms) {
  if (terms.tiers[0].days == 0) return "there is no tier 1";
  for (std::size_t i = 0; i < terms.tiers.size(); ++i) {
    const auto& tier = terms.tiers[i];
    const auto name = "tier " + std::to_string(i + 1);
    if (tier.days == 0) {
      if (!tier.price.is_zero()) return name + " has a price without days";
      continue;
    }
    if (i > 0 && terms.tiers[i - 1].days == 0) return name + " follows a tier that is not there";
    if (tier.days < 0 || tier.days > days_max) return name + " lasts from 1 to " + std::to_string(days_max) + " days";
    if (!tier.price.is_positive() || tier.price > price_max) return name + " costs from $0.01 to $1000000";
    if (!has_cents_only(tier.price)) return "the price of " + name + " has more than 2 decimals";
  }
  return "";
}

} // namespace

std::string objection_to_payout(const asset& target, const std::string& address, const std::string& extra_id) {
  if (!is_word(target.ticker, ticker_max) || !is_lower(target.ticker)) return "the payout ticker is missing or not lower case";
  if (!is_word(target.network, ticker_max) || !is_lower(target.network)) return "the payout network is missing or not lower case";
  if (!is_word(address, wallet_max)) return "the payout address is missing or malformed";
  // What is stored here is paid to, perhaps months later: a coin whose addresses nobody can judge is refused.
  if (const auto wallet = check_address(target.ticker, target.network, address, extra_id); !wallet.is_good())
    return "the payout address: " + wallet.text;
  return "";
}

std::string objection_to_terms(const channel& terms) {
  if (terms.closed_channel_id == 0) return "the closed channel's id is missing";
  if (terms.closed_channel_id == terms.open_channel_id) return "open and closed channel are the same";
  if (terms.open_title.empty() || terms.closed_title.empty()) return "a title is missing";
  if (terms.open_title.size() > title_max || terms.closed_title.size() > title_max) return "a title is too long";
  if (terms.description.size() > description_max) return "the description is too long";
  if (!is_clean(terms.open_title) || !is_clean(terms.closed_title) || !is_clean(terms.description))
    return "a text has characters that no message can have";
  if (auto why = objection_to_tiers(terms); !why.empty()) return why;
  if (auto why = objection_to_payout(terms.payout_asset, terms.payout_address, terms.payout_extra_id); !why.empty()) return why;
  if (terms.threshold.units() < 0 || terms.threshold > price_max || !has_cents_only(terms.threshold))
    return "the threshold is from $0 to $1000000, in cents";
  if (terms.strategy == payout_strategy::threshold && !terms.threshold.is_positive()) return "the threshold strategy needs a threshold";
  if (terms.trial_days < 0 || terms.trial_days > trial_days_max)
    return "a trial lasts from 1 to " + std::to_string(trial_days_max) + " days";
  return "";
}

} // namespace paygate
