#include <algorithm>

#include "actors/wallet/wallet_machine.hpp"

namespace paygate {

namespace {

/// At least 12.5 % more (nodes want 10 %), and never the same.
int128 bumped(int128 fee) { return std::max(mul_div_ceil(fee, 1125, 1000), checked_add(fee, 1)); }

} // namespace

std::optional<gas_fees> first_fees(const chain_quote& q, int128 cap) {
  auto max_fee = checked_add(checked_add(q.base_fee, q.base_fee), q.priority_fee);
  if (cap > 0) max_fee = std::min(max_fee, cap);
  if (max_fee <= 0 || checked_add(q.base_fee, q.priority_fee) > max_fee) return std::nullopt;
  return gas_fees{max_fee, q.priority_fee};
}

std::optional<gas_fees> raised_fees(const gas_fees& old, const chain_quote& q, int128 cap) {
  const auto least_max = bumped(old.max_fee), least_priority = bumped(old.priority_fee);
  auto priority = std::max(least_priority, q.priority_fee);
  auto max_fee = std::max({least_max, checked_add(checked_add(q.base_fee, q.base_fee), priority)});
  if (cap > 0) max_fee = std::min(max_fee, cap);
  priority = std::min(priority, max_fee);
  if (max_fee < least_max || priority < least_priority) return std::nullopt;
  return gas_fees{max_fee, priority};
}

} // namespace paygate
