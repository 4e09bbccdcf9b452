#include "actors/payout/payout_machine.hpp"

#include <algorithm>

#include "actors/swap/reopen.hpp"
#include "actors/swap/swap_step.hpp"

namespace paygate {

namespace {

/// One message being handled: gathers the next state and what goes with it.
class step final : public swap_step<payout> {
public:
  step(const payout& before, const step_context& context) : swap_step(before, context) {}

  // --- commands ---

  verdict<payout> on(const request_payout& m, bool exists) {
    const bool sound = !m.order_id.empty() && !m.address.empty() && !m.target.ticker.empty() && !m.target.network.empty();
    if (!sound || !m.source.is_positive()) return refused{refusal::invalid, "a payout needs an order, a coin, an address and an amount"};
    auto& p = out_.next;
    if (exists) {
      const request_payout first{p.channel_id, p.owner_chat_id, p.order_id, p.target, p.address, p.extra_id, p.source, p.net, p.refund};
      // The owner may be paid elsewhere since then: where it was first to go holds.
      auto repeat = m;
      if (!m.refund) repeat.target = p.target, repeat.address = p.address, repeat.extra_id = p.extra_id;
      if (first != repeat) return refused{refusal::conflict, "this payout was requested with other content"};
      return finish();
    }
    p = payout{};
    p.channel_id = m.channel_id;
    p.owner_chat_id = m.owner_chat_id;
    p.order_id = m.order_id;
    p.target = m.target;
    p.address = m.address;
    p.extra_id = m.extra_id;
    p.source = m.source;
    p.net = m.net;
    p.refund = m.refund;
    post("held", p.refund ? "promised to a refund" : "promised to a payout",
         {{available(), "eth", p.source.units()}, {held(), "eth", -p.source.units()}});
    check_limit();
    return finish();
  }

  /// What it pays is claimed by the step itself; how much that is it learns by its first effect.
  verdict<payout> on(const request_batch& m, bool exists) {
    const auto& t = m.terms;
    const bool sound = t.channel_id != 0 && !t.address.empty() && !t.target.ticker.empty() && !t.target.network.empty();
    if (!sound) return refused{refusal::invalid, "a batch needs a channel, a coin and an address"};
    if (exists) return finish(); // The terms may have changed since: the first ones hold.
    auto& p = out_.next;
    p = payout{};
    p.status = payout_status::claiming;
    p.channel_id = t.channel_id;
    p.owner_chat_id = t.owner_chat_id;
    p.target = t.target;
    p.address = t.address;
    p.extra_id = t.extra_id;
    p.pot = t.pot;
    p.accruals = 0;
    const auto scope = t.pot == payout_pot::usdt ? claim_scope::converted_of_channel : claim_scope::pending_of_channel;
    out_.rows.push_back(claim_accruals{scope, t.channel_id, held()});
    return finish();
  }

  /// As if it had been released to be signed: so nothing of it can be cancelled, reopened or paid. Without a swap nothing is followed.
  verdict<payout> on(const imported_swap& m, bool exists) {
    if (exists) return finish();
    auto& p = out_.next;
    p = payout{};
    p.status = payout_status::needs_attention;
    p.channel_id = m.channel_id;
    p.target = m.target;
    p.address = m.address;
    p.net = m.net;
    p.accruals = 0;
    p.funding_released = true;
    p.end_told_at = context_.now;
    p.reason = m.words;
    out_.rows.push_back(failure_listed{"imported_in_flight", m.words});
    out_.note = "taken over from the predecessor, in flight";
    return finish();
  }

  verdict<payout> on(const approve_payout& m) {
    auto& p = out_.next;
    if (p.approved) return finish();
    if (p.status != payout_status::awaiting_approval) return refused{refusal::out_of_order, "it does not await approval"};
    p.approved = true;
    out_.note = m.reason;
    if (has_daily_limit()) out_.rows.push_back(allowance(true));
    start();
    return finish();
  }

  verdict<payout> on(const cancel_payout& m) {
    auto& p = out_.next;
    if (p.status == payout_status::cancelled) return finish();
    if (p.status == payout_status::claiming) return refused{refusal::busy, "what it claimed is being read"};
    const bool over = p.status == payout_status::completed || p.status == payout_status::failed;
    if (over || p.funding_released) return refused{refusal::out_of_order, "it is over, or its money may have moved"};
    cancel(m.reason.empty() ? "cancelled by the operator" : m.reason);
    return finish();
  }

  verdict<payout> on(const reopen_payout& m) {
    const auto why = why_not_reopened(before_, before_.refund ? "ask for the refund again (payments refund)"
                                                              : "the next payout takes it once the failure is resolved (failed resolve)");
    if (!why.empty()) return refused{refusal::out_of_order, why};
    reopen(out_.next);
    try_again("");
    start();
    out_.note = "reopened: " + m.reason;
    return finish();
  }

  // --- outcomes ---

  verdict<payout> on(const effect_done& m) {
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    if (io && m.key == payout_keys::tell_sent)
      on_told(out_.next.sent_told_at, *io);
    else if (io && m.key == payout_keys::tell_end(before_))
      on_told(out_.next.end_told_at, *io);
    else if (io && before_.status == payout_status::claiming && m.key == payout_keys::claim)
      on_claimed(*io);
    else if (io && before_.status == payout_status::limiting && m.key == payout_keys::allowance)
      on_allowance(*io);
    else if (io && wants_second_minimum(before_) && m.key == payout_keys::second_range)
      on_second_range(*io);
    else
      on_swap(m);
    return finish();
  }

private:
  void on_claimed(const io_outcome& outcome) {
    const auto* claim = std::get_if<claim_seen>(&outcome);
    if (!claim) return;
    auto& p = out_.next;
    p.accruals = claim->accruals;
    p.net = claim->net;
    if (p.pot == payout_pot::usdt)
      p.source_usdt = claim->usdt;
    else
      p.source = claim->eth;
    out_.note = "claimed " + std::to_string(p.accruals) + " accruals: " + to_decimal(source_units(p)) + " " + std::string(to_text(p.pot));
    if (p.accruals == 0 || source_units(p) <= 0) return cancel("there was nothing to claim any more");
    // The predecessor's two hops: first the USDT for ETH. Who wants USDT gets it as it is.
    if (p.pot == payout_pot::usdt && context_.rules.payout_funding_eth && !is_direct(p)) p.leg = 1;
    check_limit();
  }

  void on_allowance(const io_outcome& outcome) {
    const auto* seen = std::get_if<allowance_seen>(&outcome);
    if (!seen) return;
    if (seen->granted) return start();
    auto& p = out_.next;
    const auto& rules = context_.rules;
    p.status = payout_status::awaiting_approval;
    p.reason = "above the daily limit: within 24 hours $" + to_fixed(seen->channel.units(), 2) + " went to the channel";
    if (rules.payout_daily_max.is_positive()) p.reason += " (limit $" + to_fixed(rules.payout_daily_max.units(), 2) + ")";
    p.reason += ", $" + to_fixed(seen->total.units(), 2) + " to all";
    if (rules.payout_daily_total_max.is_positive()) p.reason += " (limit $" + to_fixed(rules.payout_daily_total_max.units(), 2) + ")";
    p.reason += ": waits for the operator";
  }

  /// Selling what the second leg then cannot send on would only cost the owner.
  void on_second_range(const io_outcome& outcome) {
    if (const auto* f = std::get_if<io_failure>(&outcome)) return on_refusal(*f);
    if (const auto* range = std::get_if<swap_range>(&outcome)) out_.next.second_minimum = std::max<int128>(range->min, 0);
  }

  void on_told(std::optional<timestamp>& told_at, const io_outcome& outcome) {
    if (told_at) return;
    const auto* f = std::get_if<io_failure>(&outcome);
    if (!f && !std::holds_alternative<message_sent>(outcome)) return;
    // An owner who blocked the bot cannot be told; that must not keep the payout alive.
    if (f) out_.note = "the owner cannot be told: " + words(*f);
    told_at = context_.now;
  }

  // --- moves ---

  void check_limit() {
    auto& p = out_.next;
    const auto limit = context_.rules.payout_max;
    if (!limit.is_positive() || p.net <= limit) {
      if (!has_daily_limit()) return start();
      p.status = payout_status::limiting;
      out_.rows.push_back(allowance(false));
      return;
    }
    p.status = payout_status::awaiting_approval;
    p.reason = "above the limit of $" + to_fixed(limit.units(), 2) + ": waits for the operator";
  }

  bool has_daily_limit() const {
    return context_.rules.payout_daily_max.is_positive() || context_.rules.payout_daily_total_max.is_positive();
  }
  allowance_claimed allowance(bool approved) const {
    const auto& p = out_.next;
    return {p.channel_id, p.net, context_.rules.payout_daily_max, context_.rules.payout_daily_total_max, approved};
  }

  /// Requested or approved: on its way.
  void start() {
    auto& p = out_.next;
    p.reason.clear();
    if (!is_direct(p)) {
      p.status = payout_status::requested;
      if (p.leg == 1 && is_plain_eth(p.target)) p.second_minimum = 0; // No second pair.
      if (swap_units(p) == 0) below_minimum();
      return;
    }
    if (!is_evm_address(p.address)) return fail("not_valid_address", "not an Ethereum address: " + p.address);
    p.status = payout_status::funding;
    set_funded(p, source_units(p));
    p.quoted_amount = source_units(p);
    release();
  }

  void sent(const std::string& hash) override { complete(funded_units(out_.next), hash); }
  void paid(int128 units, const std::string& hash) override {
    if (before_.leg != 1) return complete(units, hash);
    // It was paid to ourselves: the provider's word alone is no money.
    if (hash.empty()) return note_reason("the provider calls the swap finished, but names no transfer yet");
    expect_bought(payout_status::receiving, units, hash);
  }

  /// The first leg has ended: from here on the pot is the ETH that came.
  void received(int128 units) override {
    const auto& swap = before_.swap_id;
    const auto sold = source_units(before_), funded = funded_units(before_);
    const auto fee = before_.deposit_fee < funded ? before_.deposit_fee : 0;
    post("fee/" + swap, "the provider's fee of the first leg, borne by the owner", {{held(), "usdt", fee}, {spread(), "usdt", -fee}});
    post("sold", "the owner's USDT was sold for ETH",
         {{held(), "usdt", funded - fee}, {spread(), "usdt", fee}, {accounts::in_swap(swap), "usdt", -funded}});
    post("unsold", "beyond the provider's decimals", {{held(), "usdt", sold - funded}, {available(), "usdt", funded - sold}});
    post("bought", "the ETH that came for it", {{accounts::wallet, "eth", units}, {held(), "eth", -units}});
    post("bought_fee", "what the provider kept of it by its quote, borne by the owner",
         {{accounts::provider_fee, "eth", before_.withdrawal_fee}, {accounts::borne, "eth", -before_.withdrawal_fee}});
    auto& p = out_.next;
    p.first_swap_id = swap;
    p.first_tx_hash = before_.tx_hash;
    p.first_payout_hash = before_.incoming_hash;
    out_.note = "sold " + to_decimal(funded) + " usdt for " + to_decimal(units) + " eth";
    p.leg = 2;
    p.pot = payout_pot::eth;
    p.source = eth_amount::of_units(units);
    p.lost = 0;
    p.pair_minimum = 0;
    ++p.swap_tries; // A new try has a new intent.
    p.funding_released = false;
    p.gas_used = 0;
    p.gas_fee = {};
    p.incoming_hash.clear();
    p.incoming_named = p.incoming_units = 0;
    try_again("");
    start();
  }

  void refund_came(int128 units, int128 lost) override {
    const auto& swap = before_.swap_id;
    post("refund_cost/" + swap, "what the exchange kept of a deposit that it sent back",
         {{held(), currency(), lost}, {spread(), currency(), -lost}});
    post("refunded/" + swap, "the deposit came back",
         {{accounts::wallet, currency(), units},
          {spread(), currency(), lost},
          {accounts::in_swap(swap), currency(), -funded_units(before_)}});
  }

  bool is_too_little(const swap_estimate& quote) override {
    auto& p = out_.next;
    const auto least = mul_div_ceil(std::max<int128>(p.second_minimum, 0), 21, 20); // The rate may move between the legs.
    if (p.leg != 1 || quote.to_amount >= least) return false;
    p.pair_minimum = std::max(p.pair_minimum, mul_div_ceil(swap_units(p), least, quote.to_amount));
    return true;
  }

  void complete(int128 amount_out, const std::string& hash) {
    auto& p = out_.next;
    p.status = payout_status::completed;
    p.completed_at = context_.now;
    p.end_told_at.reset();
    p.reason.clear();
    p.amount_out = amount_out;
    p.payout_hash = hash;
    if (!p.refund) out_.rows.push_back(accrual_closed{context_.self.id, accrual_status::paid});
    if (p.swap_id.empty()) return; // The wallet's own posting took the money from the held account.
    const auto funded = funded_units(p);
    if (p.refund)
      return post("completed", "the swap gave the subscriber's money back; what the provider's decimals cannot hold is the platform's",
                  {{held(), currency(), source_units(p)},
                   {accounts::in_swap(p.swap_id), currency(), -funded},
                   {accounts::rounding, currency(), funded - source_units(p)}});
    const auto fee = p.deposit_fee < funded ? p.deposit_fee : 0;
    post("fee", "the provider's fee, borne by the owner", {{held(), currency(), fee}, {spread(), currency(), -fee}});
    post("completed", "the swap paid the owner",
         {{held(), currency(), funded - fee}, {spread(), currency(), fee}, {accounts::in_swap(p.swap_id), currency(), -funded}});
    const auto rest = source_units(p) - funded;
    post("remainder", "beyond the provider's decimals", {{held(), currency(), rest}, {available(), currency(), -rest}});
  }

  void give_back() {
    const auto units = source_units(out_.next);
    const auto& p = out_.next;
    post("returned", "the payout ended without a transfer", {{held(), currency(), units}, {available(), currency(), -units}});
    if (has_daily_limit()) out_.rows.push_back(allowance_returned{});
    if (p.refund) { // It lies undecided again: nobody's accrual. The whole of it, because the whole is refunded when it is asked anew.
      post("made_whole", "what exchanges kept of a refund that failed is the platform's loss",
           {{accounts::loss, currency(), p.lost}, {available(), currency(), -p.lost}});
      return;
    }
    accrual_closed free{context_.self.id, p.pot == payout_pot::usdt ? accrual_status::converted : accrual_status::pending};
    free.resold = p.leg == 2;
    if (p.lost != 0 || free.resold) free.left = units;
    out_.rows.push_back(std::move(free));
  }

  void minimum_is(int128 units) override { out_.next.pair_minimum = units; }
  void below_minimum() override {
    // The subscriber was told that money comes, and nobody's next batch pays it: a person has to know.
    if (out_.next.refund) return fail("below_minimum", "the refund is below the pair's minimum: give it back as another coin");
    cancel("below the pair's minimum");
  }

  void cancel(const std::string& why) override {
    out_.next.status = payout_status::cancelled;
    out_.next.reason = why;
    give_back();
  }

  void fail(const std::string& code, const std::string& why) override {
    out_.next.status = payout_status::failed;
    out_.next.reason = why;
    out_.next.end_told_at.reset();
    give_back();
    out_.rows.push_back(failure_listed{code, why});
  }

  void called() override { out_.next.end_told_at.reset(); }

  // --- small things ---

  std::string currency() const { return std::string(to_text(out_.next.pot)); }
  std::string available() const {
    return out_.next.refund ? accounts::undecided : accounts::owner_available(std::to_string(out_.next.channel_id));
  }
  std::string held() const { return held_account(out_.next); }
  std::string spread() const {
    return out_.next.refund ? accounts::provider_fee : accounts::owner_spread(std::to_string(out_.next.channel_id));
  }
};

} // namespace

bool is_plain_eth(const asset& target) { return target == eth_on_eth; }

std::string held_account(const payout& state) {
  return state.refund ? accounts::refunding : accounts::owner_held(std::to_string(state.channel_id));
}

bool wants_second_minimum(const payout& p) { return p.leg == 1 && p.status == payout_status::requested && p.second_minimum < 0; }

bool is_direct(const payout& state) { return state.target == swap_from(state); }

verdict<payout> payout_kind::apply(const payout& state, bool exists, const payout_message& message, const step_context& context) {
  step s(state, context);
  if (const auto* m = std::get_if<request_payout>(&message)) return s.on(*m, exists);
  if (const auto* m = std::get_if<request_batch>(&message)) return s.on(*m, exists);
  if (const auto* m = std::get_if<imported_swap>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "no such payout"};
  if (const auto* m = std::get_if<approve_payout>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<cancel_payout>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<reopen_payout>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<name_arrival>(&message)) return s.arrival_named(*m, state.leg == 1);
  return s.on(std::get<effect_done>(message));
}

} // namespace paygate
