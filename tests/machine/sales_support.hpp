#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

// A shell for one machine without actors: applies, adopts what changed, and checks what must hold for every decision of every kind.
namespace paygate::test {

inline timestamp start_of_time() { return timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21)); }
inline usd_amount usd(std::string_view text) { return usd_amount::of_units(parse_decimal(text)->units); }
inline eth_amount eth(std::string_view text) { return eth_amount::of_units(parse_decimal(text)->units); }
inline io_failure no_way(std::string code = "forbidden") { return {fault::permanent, std::move(code), "no", std::nullopt}; }

/// A channel that sells 30 days for $10 and 90 days for $25, for the entity "-1001".
inline channel sample_channel(payout_strategy strategy = payout_strategy::instant) {
  channel c;
  c.open_channel_id = -1001;
  c.closed_channel_id = -1002;
  c.open_title = "Open & free";
  c.closed_title = "Closed <club>";
  c.description = "Signals";
  c.owner_chat_id = 900;
  c.tiers[0] = {usd("10"), 30};
  c.tiers[1] = {usd("25"), 90};
  c.strategy = strategy;
  if (strategy == payout_strategy::threshold) c.threshold = usd("50");
  c.payout_asset = {"xmr", "xmr"};
  c.payout_address = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A";
  return c;
}

/// True when the postings of each currency sum to zero, none is zero and none of its accounts is unnamed.
inline bool balances(const ledger_entry& entry) {
  std::map<std::string, int128> sums;
  for (const auto& p : entry.postings) {
    if (p.units == 0 || p.account.empty() || p.currency.empty()) return false;
    sums[p.currency] = checked_add(sums[p.currency], p.units);
  }
  return !entry.key.empty() && entry.postings.size() >= 2
         && std::all_of(sums.begin(), sums.end(), [](const auto& s) { return s.second == 0; });
}

template <class Kind>
struct machine {
  using state_type = typename Kind::state;
  using message_type = typename Kind::message;

  entity_ref self;
  state_type state{};
  bool exists = false;
  timestamp now = start_of_time();
  policy rules{};
  decision<state_type> last{};            ///< Of the newest message that was not refused.
  std::set<std::string> keys;             ///< Of all ledger entries so far.
  std::map<std::string, int128> accounts; ///< Balances, by account.

  explicit machine(std::string id) : self{Kind::kind, std::move(id)} { rules.wallet_address = "0xabc"; }

  entity_reply send(const message_type& message) {
    auto result = Kind::apply(state, exists, message, step_context{self, now, rules});
    if (const auto* no = std::get_if<refused>(&result)) {
      last = {};
      last.changed = false;
      return *no;
    }
    last = std::get<decision<state_type>>(std::move(result));
    if (exists && last.changed == (last.next == state)) FAIL("changed is not what changed");
    if (!last.changed && !last.entries.empty()) FAIL("postings without a change");
    for (const auto& entry : last.entries) {
      if (!balances(entry)) FAIL("an entry does not sum to zero: " << entry.key);
      if (!keys.insert(entry.key).second) FAIL("a ledger key came twice: " << entry.key);
      for (const auto& p : entry.postings) accounts[p.account] += p.units;
    }
    if (last.changed) state = last.next, exists = true;
    std::set<std::string> due_keys;
    if (exists)
      for (const auto& e : due())
        if (!due_keys.insert(e.key).second) FAIL("two effects with one key: " << e.key);
    return last.reply;
  }

  std::vector<effect> due() const { return Kind::effects_due(state, self, now, rules); }

  /// The keys of what is due and may start now, up to a ':' or '@', sorted, with spaces between.
  std::string due_words(bool also_later = false) const {
    std::vector<std::string> words;
    for (const auto& e : due())
      if (also_later || e.not_before <= now) words.push_back(e.key.substr(0, e.key.find_first_of(":@")));
    std::sort(words.begin(), words.end());
    std::string text;
    for (const auto& w : words) text += (text.empty() ? "" : " ") + w;
    return text;
  }

  /// The effect whose key begins so; fails the test when there is none.
  effect find(const std::string& prefix) const {
    for (const auto& e : due())
      if (e.key.starts_with(prefix)) return e;
    FAIL("no effect " << prefix << " is due, but: " << due_words(true));
    return {};
  }
  bool owes(const std::string& prefix) const {
    const auto all = due();
    return std::any_of(all.begin(), all.end(), [&](const effect& e) { return e.key.starts_with(prefix); });
  }
  template <class Request>
  Request request(const std::string& prefix) const {
    return std::get<Request>(std::get<io_request>(find(prefix).request));
  }
  ask_entity question(const std::string& prefix) const { return std::get<ask_entity>(find(prefix).request); }

  void done_with(const std::string& prefix, io_outcome outcome) { send(effect_done{find(prefix).key, std::move(outcome)}); }
  void answered(const std::string& prefix, entity_reply reply) { send(effect_done{find(prefix).key, std::move(reply)}); }

  template <class Row>
  std::vector<Row> rows() const {
    std::vector<Row> found;
    for (const auto& r : last.rows)
      if (const auto* row = std::get_if<Row>(&r)) found.push_back(*row);
    return found;
  }
};

inline std::string code_of(const entity_reply& reply) {
  if (const auto* no = std::get_if<refused>(&reply)) return std::string(to_text(no->code));
  return "";
}

} // namespace paygate::test
