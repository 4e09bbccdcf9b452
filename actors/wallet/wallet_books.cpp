#include <algorithm>

#include "actors/wallet/wallet_step.hpp"

// Differences between the chain and the ledger that a person has explained.
namespace paygate::wallets {

namespace {

constexpr std::size_t correction_text_max = 500;

} // namespace

verdict<wallet> step::on(const book_correction& m) {
  const bool named = !m.key.empty() && m.key.size() <= correction_text_max && m.key.find(' ') == m.key.npos;
  if (!named || m.reason.empty() || m.reason.size() > correction_text_max)
    return refused{refusal::invalid, "a correction needs a key without spaces and a reason"};
  const bool whole = m.currency == "eth" || (m.currency == "usdt" && m.units == truncate_to(m.units, 6));
  if (!whole || m.units == 0) return refused{refusal::invalid, "a correction books ETH or USDT, in units that they have"};
  const auto& allowed = accounts::correctable;
  if (std::find(allowed.begin(), allowed.end(), m.counter_account) == allowed.end())
    return refused{refusal::invalid, "a difference is not booked against " + m.counter_account};
  for (const auto& c : before_.corrections) {
    if (c.key != m.key) continue;
    const bool same = c.currency == m.currency && c.units == m.units && c.counter_account == m.counter_account;
    if (!same) return refused{refusal::conflict, "this key is known with another amount or account"};
    return finish();
  }
  // What is found at the opening is posted by it: nothing may be booked before.
  if (before_.status == wallet_status::opening) return refused{refusal::unavailable, "the wallet is being opened"};
  out_.next.corrections.push_back({m.key, before_.address, m.currency, m.units, m.counter_account, m.reason, context_.now});
  post("correction/" + m.key, m.reason, {{accounts::wallet, m.currency, m.units}, {m.counter_account, m.currency, -m.units}});
  out_.note = "correction " + m.key + ": " + to_decimal(m.units) + " " + m.currency + " against " + m.counter_account;
  return finish();
}

} // namespace paygate::wallets
