#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "actors/swap/swap.hpp"

// One step of an entity that waits for a transfer to us: what a swap bought, or a deposit that the provider sent back (spec 5, the way
// back). The provider only names a transaction; what came, and whether it was counted for something else already, the chain and our books
// say.
namespace paygate {

template <class State>
class arrival_step {
public:
  using status = decltype(State::status);

  /// `buys`: what this swap bought comes to us, and not to somebody else.
  verdict<State> arrival_named(const name_arrival& m, bool buys) {
    const auto& p = before_;
    const bool open = is_coming(p) || p.status == status::needs_attention;
    if (!open || p.swap_id.empty() || p.tx_hash.empty() || is_looking_at_books(p))
      return refused{refusal::out_of_order, "no transaction of an exchange is awaited"};
    if (!is_transaction_hash(m.hash)) return refused{refusal::invalid, "a transaction's hash is 0x and 64 hexadecimal digits"};
    const bool bought = p.provider_status == swap_status::finished;
    if (bought && !buys) return refused{refusal::out_of_order, "the exchange says that it has paid: nothing comes back to us"};
    auto& next = out_.next;
    next.status = bought ? status::receiving : status::refunding;
    next.incoming_hash = m.hash;
    next.incoming_named = next.incoming_units = 0;
    next.reason = "the operator says where to look: " + m.reason;
    out_.note = "arrival named: " + m.hash + "; " + m.reason;
    return finish();
  }

protected:
  arrival_step(const State& before, const step_context& context) : before_(before), context_(context) { out_.next = before; }
  ~arrival_step() = default;

  // --- what the entity makes of it ---

  /// What was bought is here.
  virtual void received(int128 units) = 0;
  /// The deposit is back, `lost` of it less: to be posted.
  virtual void refund_came(int128 units, int128 lost) = 0;
  /// A new swap may be tried with what is left.
  virtual void try_again(const std::string& why) = 0;
  /// It ends without having moved money for good: the money goes back. A person should know.
  virtual void fail(const std::string& code, const std::string& why) = 0;
  /// A person is called: `needs_attention`.
  virtual void called() {}

  // --- moves ---

  /// The provider names the transaction that brings what was bought.
  void expect_bought(status receiving, int128 named, const std::string& hash) {
    // Looked at already, and found to be none: only another transfer can be news.
    if (before_.status == status::needs_attention && hash == before_.incoming_hash) return;
    auto& p = out_.next;
    p.status = receiving;
    p.reason.clear();
    p.incoming_hash = hash;
    p.incoming_named = named;
    p.incoming_units = 0;
  }

  /// The provider says that it sent the deposit back: not more than a hint where to look.
  void expect_refund(const swap_state& seen) {
    auto& p = out_.next;
    p.status = status::refunding;
    p.incoming_hash = seen.refund_hash;
    p.incoming_named = seen.refund_amount.value_or(0);
    p.incoming_units = 0;
    p.reason = "the exchange says it sent the deposit back";
    p.reason += seen.refund_hash.empty() ? ", but names no transaction yet" : "; the chain is asked for " + seen.refund_hash;
  }

  void on_arrival(const io_outcome& outcome) {
    if (const auto* f = std::get_if<io_failure>(&outcome)) return note_reason("the chain: " + words(*f));
    std::uint64_t confirmations = 0;
    bool reverted = false;
    int128 units = 0;
    if (const auto* seen = std::get_if<transfer_seen>(&outcome)) {
      confirmations = seen->confirmations, reverted = seen->reverted;
      if (seen->to == incoming_address(before_)) units = seen->value;
    } else if (const auto* tokens = std::get_if<token_transfer_seen>(&outcome)) {
      confirmations = tokens->confirmations, reverted = tokens->reverted;
      units = usdt_units(*tokens);
    } else
      return;
    if (confirmations == 0) return;
    if (reverted) return attention("transfer_reverted", "the provider's transfer " + before_.incoming_hash + " was mined without effect");
    if (confirmations < std::max<std::uint64_t>(context_.rules.incoming_confirmations, 1)) return;
    if (units <= 0)
      return attention("nothing_received", "the transaction " + before_.incoming_hash + " that the provider names brought us no "
                                               + upper_ticker(incoming_asset(before_)));
    out_.next.incoming_units = units;
    out_.next.reason.clear();
  }

  /// Deep enough in the chain; the last question is whether it was counted already.
  void on_arrival_use(const io_outcome& outcome) {
    const auto* seen = std::get_if<arrival_seen>(&outcome);
    if (!seen) return;
    const auto units = before_.incoming_units;
    if (!seen->owner.empty())
      return attention("hash_used",
                       "the provider names the transaction " + before_.incoming_hash + ", which was counted for " + seen->owner);
    if (before_.status != status::refunding) {
      claim_arrival(units);
      return received(units);
    }
    const auto funded = funded_units(before_), named = before_.incoming_named;
    const auto differs = named > units ? named - units : units - named;
    if (units > funded || checked_add(units, units) < funded || (named > 0 && differs > rounding_max))
      return attention("refund_amount", to_decimal(funded) + " " + upper_ticker(incoming_asset(before_)) + " were deposited, "
                                            + (named > 0 ? to_decimal(named) + " are named as sent back, " : "") + to_decimal(units)
                                            + " came by " + before_.incoming_hash);
    claim_arrival(units);
    refund_came(units, funded - units);
    auto& p = out_.next;
    p.lost = checked_add(p.lost, funded - units);
    set_funded(p, 0); // Nothing is out any more, also when no swap is tried again.
    p.funding_released = false;
    if (p.settled_intent.empty()) p.wallet_address.clear(); // Else that wallet is still to be told.
    p.tx_hash.clear();
    p.nonce = -1;
    p.gas_used = 0;
    p.gas_fee = {};
    p.incoming_hash.clear();
    p.incoming_named = p.incoming_units = 0;
    const auto why = "the exchange sent the deposit back: " + to_decimal(units) + " of " + to_decimal(funded) + " "
                     + swap_from(before_).ticker + " came";
    if (p.swap_tries >= swap_tries_max(p, context_.rules))
      return fail("swap_tries", why + "; no swap succeeded in " + std::to_string(p.swap_tries) + " tries");
    try_again(why);
  }

  void attention(const std::string& code, const std::string& why) {
    out_.next.status = status::needs_attention;
    out_.next.reason = why;
    called();
    out_.rows.push_back(failure_listed{code, why});
  }

  void note_reason(const std::string& why) {
    // Once a person was called, why they were called stays.
    if (out_.next.status != status::needs_attention) out_.next.reason = why;
  }

  // --- small things ---

  static bool is_transaction_hash(const std::string& text) {
    return text.size() == 66 && text.starts_with("0x") && text.find_first_not_of("0123456789abcdef", 2) == text.npos;
  }

  static std::string words(const io_failure& f) { return f.text.empty() ? f.code : f.text; }

  void post(const std::string& what, std::string reason, std::vector<posting> postings) {
    std::erase_if(postings, [](const posting& p) { return p.units == 0; });
    if (!postings.empty()) out_.entries.push_back({to_text(context_.self) + "/" + what, std::move(reason), std::move(postings)});
  }

  verdict<State> finish() {
    out_.changed = !(out_.next == before_) || !out_.entries.empty();
    if (out_.note.empty() && out_.next.reason != before_.reason) out_.note = out_.next.reason;
    return std::move(out_);
  }

  const State& before_;
  const step_context& context_;
  decision<State> out_;

private:
  void claim_arrival(int128 units) { out_.rows.push_back(arrival_claimed{before_.incoming_hash, incoming_asset(before_).ticker, units}); }

  int128 usdt_units(const token_transfer_seen& seen) const {
    int128 units = 0;
    for (const auto& moved : seen.moved)
      if (moved.token == context_.rules.usdt_contract && moved.to == incoming_address(before_) && moved.units > 0
          && moved.units < token_units_max)
        units = checked_add(units, moved.units);
    return mul_div_floor(units, units_per_token_unit, 1);
  }

  static constexpr int128 units_per_token_unit = 1'000'000'000'000;                ///< The token's own unit, 10^-6, in ours.
  static constexpr int128 token_units_max = int128(1'000'000'000'000) * 1'000'000; ///< More is nonsense, and would leave 128 bits.
  static constexpr int128 rounding_max = one_coin / 1'000'000;                     ///< A provider may name its refund rounded.
};

} // namespace paygate
