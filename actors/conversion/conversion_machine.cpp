#include "actors/conversion/conversion_machine.hpp"

#include "actors/swap/reopen.hpp"
#include "actors/swap/swap_step.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;

/// One message being handled: gathers the next state and what goes with it.
class step final : public swap_step<conversion> {
public:
  step(const conversion& before, const step_context& context) : swap_step(before, context) {}

  // --- commands ---

  verdict<conversion> on(const open_conversion& m, bool exists) {
    if (exists) return finish();
    if (context_.rules.usdt_contract.empty())
      return refused{refusal::out_of_order, "ethereum.usdt_contract is not set: what comes could not be seen"};
    auto& c = out_.next;
    c = conversion{};
    c.threshold = m.threshold;
    c.address = context_.rules.wallet_address;
    out_.rows.push_back(claim_accruals{claim_scope::pending, 0, account(), m.most.units()});
    return finish();
  }

  /// As imported_swap of a payout: nothing can be done with it, and nothing is followed.
  verdict<conversion> on(const imported_swap& m, bool exists) {
    if (exists) return finish();
    auto& c = out_.next;
    c = conversion{};
    c.status = conversion_status::needs_attention;
    c.net = m.net;
    c.funding_released = true;
    c.reason = m.words;
    out_.rows.push_back(failure_listed{"imported_in_flight", m.words});
    out_.note = "taken over from the predecessor, in flight";
    return finish();
  }

  verdict<conversion> on(const cancel_conversion& m) {
    const auto& c = before_;
    if (c.status == status::cancelled) return finish();
    if (c.status == status::claiming) return refused{refusal::busy, "what it claimed is being read"};
    const bool over = c.status == status::completed || c.status == status::failed;
    if (over || c.funding_released) return refused{refusal::out_of_order, "it is over, or its money may have moved"};
    cancel(m.reason.empty() ? "cancelled by the operator" : m.reason);
    return finish();
  }

  verdict<conversion> on(const reopen_conversion& m) {
    const auto why = why_not_reopened(before_, "the next conversion takes what it had gathered");
    if (!why.empty()) return refused{refusal::out_of_order, why};
    reopen(out_.next);
    try_again("");
    out_.note = "reopened: " + m.reason;
    return finish();
  }

  // --- outcomes ---

  verdict<conversion> on(const effect_done& m) {
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    if (io && before_.status == status::claiming && m.key == conversion_keys::claim)
      on_claimed(*io);
    else
      on_swap(m);
    return finish();
  }

private:
  void on_claimed(const io_outcome& outcome) {
    const auto* claim = std::get_if<claim_seen>(&outcome);
    if (!claim) return;
    auto& c = out_.next;
    c.accruals = claim->accruals;
    c.net = claim->net;
    c.source = claim->eth;
    out_.note = "claimed " + std::to_string(c.accruals) + " accruals: " + to_decimal(c.source) + " eth, $" + to_decimal(c.net);
    if (c.accruals == 0) return cancel("there was nothing to claim any more");
    if (swap_units(c) <= 0 || !c.net.is_positive()) return below_minimum();
    c.status = status::requested;
  }

  /// The provider's word alone is no money: the chain is asked by the hash that it names.
  void paid(int128 units, const std::string& hash) override {
    auto& c = out_.next;
    if (hash.empty()) return note_reason("the provider calls the swap finished, but names no transfer yet");
    expect_bought(status::receiving, units, hash);
    if (c.status != status::receiving) return;
    c.amount_out = units;
    c.payout_hash = hash;
  }

  void received(int128 units) override {
    auto& c = out_.next;
    const auto received = usdt_amount::of_units(units);
    c.status = status::completed;
    c.completed_at = context_.now;
    c.reason.clear();
    c.received = received;
    c.market_rate = market_rate(c);
    c.achieved_rate = mul_div_floor(received.units(), one_coin, c.funded.units());
    out_.note = "received " + to_decimal(received) + " usdt for " + to_decimal(c.funded) + " eth";
    const auto source = source_units(c), funded = c.funded.units();
    post("sold", "the owners' ETH was sold; what the provider's decimals could not hold is the platform's",
         {{account(), "eth", source}, {accounts::in_swap(c.swap_id), "eth", -funded}, {accounts::rounding, "eth", funded - source}});
    // What the owners' dollars lost on the way: what the provider kept, by the quote, and the rest.
    const auto fee = checked_add(c.withdrawal_fee, mul_div_floor(c.deposit_fee, c.market_rate, one_coin));
    const auto spread = checked_sub(checked_sub(c.net.units(), received.units()), fee);
    post("costs", "provider fee and spread of the conversion, borne by the owners",
         {{accounts::provider_fee, "usdt", fee}, {accounts::spread, "usdt", spread}, {accounts::borne, "usdt", -checked_add(fee, spread)}});
    out_.rows.push_back(conversion_closed{received, {}});
  }

  void refund_came(int128 units, int128 lost) override {
    const auto& swap = before_.swap_id;
    post("refunded/" + swap, "the deposit came back; what the exchange kept of it is borne by the owners",
         {{accounts::wallet, "eth", units}, {account(), "eth", lost}, {accounts::in_swap(swap), "eth", -funded_units(before_)}});
    post("refund_cost/" + swap, "what the exchange kept of a deposit that it sent back",
         {{accounts::provider_fee, "eth", lost}, {accounts::borne, "eth", -lost}});
  }

  void sent(const std::string&) override { attention("internal", "a conversion without a swap"); }
  void below_minimum() override { cancel("below the pair's minimum"); }

  void cancel(const std::string& why) override {
    out_.next.status = status::cancelled;
    out_.next.reason = why;
    set_free();
  }

  void fail(const std::string& code, const std::string& why) override {
    out_.next.status = status::failed;
    out_.next.reason = why;
    set_free();
    const bool cost = out_.next.lost > 0;
    out_.rows.push_back(failure_listed{code, why + (cost ? "; nothing is converted until this failure is resolved" : "")});
  }

  /// The accruals are pending again, with the ETH that is left.
  void set_free() { out_.rows.push_back(conversion_closed{{}, eth_amount::of_units(source_units(out_.next))}); }

  std::string account() const { return accounts::converting(context_.self.id); }
};

} // namespace

int128 market_rate(const conversion& c) {
  const auto from = checked_sub(swap_units(c), c.deposit_fee);
  return from > 0 ? mul_div_floor(checked_add(c.quoted_amount, c.withdrawal_fee), one_coin, from) : 0;
}

verdict<conversion> conversion_kind::apply(const conversion& state, bool exists, const conversion_message& message,
                                           const step_context& context) {
  step s(state, context);
  if (const auto* m = std::get_if<open_conversion>(&message)) return s.on(*m, exists);
  if (const auto* m = std::get_if<imported_swap>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "no such conversion"};
  if (const auto* m = std::get_if<cancel_conversion>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<reopen_conversion>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<name_arrival>(&message)) return s.arrival_named(*m, true);
  return s.on(std::get<effect_done>(message));
}

std::vector<effect> conversion_kind::effects_due(const conversion& c, const entity_ref& self, timestamp, const policy& rules) {
  std::vector<effect> due;
  if (c.status == conversion_status::claiming) due.push_back(soon(conversion_keys::claim, get_claim{to_text(self)}));
  swap_due(due, c, self, rules);
  return due;
}

std::optional<timestamp> conversion_kind::wakes_at(const conversion&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> conversion_kind::stuck_after(const conversion& c) {
  switch (c.status) {
  case conversion_status::claiming:
  case conversion_status::requested:
  case conversion_status::estimating:
  case conversion_status::swapping: return 15min;
  case conversion_status::funding:
  case conversion_status::confirming:
  case conversion_status::refunding:
  case conversion_status::receiving: return 30min;
  case conversion_status::exchanging: return 2h;
  case conversion_status::needs_attention: return 0s;
  case conversion_status::completed:
  case conversion_status::failed:
  case conversion_status::cancelled: break;
  }
  return std::nullopt;
}

} // namespace paygate
