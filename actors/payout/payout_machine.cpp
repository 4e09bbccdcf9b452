#include "actors/payout/payout_machine.hpp"

#include <algorithm>
#include <array>

namespace paygate {

namespace {

using namespace std::chrono_literals;

/// The provider says "pair inactive" for small amounts and in bad hours too: only when it says so all this time it is for good.
constexpr auto inactive_patience = 10min;

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), code) != list.end();
}

std::string words(const io_failure& f) { return f.text.empty() ? f.code : f.text; }

/// One message being handled: gathers the next state and what goes with it.
class step {
public:
  step(const payout& before, const step_context& context) : before_(before), context_(context) { out_.next = before; }

  // --- commands ---

  verdict<payout> on(const request_payout& m, bool exists) {
    const bool sound = !m.order_id.empty() && !m.address.empty() && !m.target.ticker.empty() && !m.target.network.empty();
    if (!sound || !m.source.is_positive()) return refused{refusal::invalid, "a payout needs an order, a coin, an address and an amount"};
    auto& p = out_.next;
    if (exists) {
      const request_payout first{p.channel_id, p.owner_chat_id, p.order_id, p.target, p.address, p.extra_id, p.source, p.net};
      if (first != m) return refused{refusal::conflict, "this payout was requested with other content"};
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
    post("held", "promised to a payout", {{available(), "eth", p.source.units()}, {held(), "eth", -p.source.units()}});
    const auto limit = context_.rules.payout_max;
    if (limit.is_positive() && p.net > limit) {
      p.status = payout_status::awaiting_approval;
      p.reason = "above the limit of $" + to_fixed(limit.units(), 2) + ": waits for the operator";
    } else
      start();
    return finish();
  }

  verdict<payout> on(const approve_payout& m) {
    auto& p = out_.next;
    if (p.approved) return finish();
    if (p.status != payout_status::awaiting_approval) return refused{refusal::out_of_order, "it does not await approval"};
    p.approved = true;
    out_.note = m.reason;
    start();
    return finish();
  }

  verdict<payout> on(const cancel_payout& m) {
    auto& p = out_.next;
    if (p.status == payout_status::cancelled) return finish();
    const bool over = p.status == payout_status::completed || p.status == payout_status::failed;
    if (over || p.funding_released) return refused{refusal::out_of_order, "it is over, or its money may have moved"};
    cancel(m.reason.empty() ? "cancelled by the operator" : m.reason);
    return finish();
  }

  // --- outcomes ---

  verdict<payout> on(const effect_done& m) {
    const auto& p = before_;
    const auto* reply = std::get_if<entity_reply>(&m.outcome);
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    if (!p.settled_intent.empty() && m.key == payout_keys::acknowledge(p)) {
      if (reply && std::holds_alternative<ok>(*reply)) out_.next.settled_intent.clear();
    } else if (reply) {
      const bool asked = p.status == payout_status::confirming || (p.status == payout_status::funding && p.funding_released);
      if (asked && p.settled_intent.empty() && m.key == payout_keys::transfer(transfer_intent(p, context_.self))) on_wallet(*reply);
    } else if (m.key == payout_keys::tell_sent)
      on_told(out_.next.sent_told_at, *io);
    else if (m.key == payout_keys::tell_end(p))
      on_told(out_.next.end_told_at, *io);
    else if (p.status == payout_status::requested && m.key == payout_keys::range)
      on_range(*io);
    else if (p.status == payout_status::estimating && m.key == payout_keys::estimate(p))
      on_estimate(*io);
    else if (p.status == payout_status::swapping && m.key == payout_keys::create(p))
      on_created(*io);
    else if (p.status == payout_status::funding && !p.funding_released && m.key == payout_keys::expect(p))
      on_expected(*io);
    else if ((p.status == payout_status::exchanging || is_still_followed(p)) && m.key == payout_keys::follow(p))
      on_followed(*io);
    return finish();
  }

private:
  // --- what is asked before money moves ---

  void on_range(const io_outcome& outcome) {
    if (const auto* f = std::get_if<io_failure>(&outcome)) return on_refusal(*f);
    const auto* range = std::get_if<swap_range>(&outcome);
    if (!range) return;
    const auto amount = swap_source(before_).units();
    if (amount <= 0 || amount < range->min) return cancel_below_minimum();
    if (range->max && amount > *range->max) return fail("out_of_range", "above the pair's maximum of " + to_decimal(*range->max) + " ETH");
    resume(payout_status::estimating);
  }

  void on_estimate(const io_outcome& outcome) {
    if (const auto* f = std::get_if<io_failure>(&outcome)) return on_refusal(*f);
    const auto* quote = std::get_if<swap_estimate>(&outcome);
    // A quote without a rate id is no fixed rate; one for another amount, or already over, is no answer: it is asked for again.
    if (!quote || quote->rate_id.empty() || quote->to_amount <= 0 || quote->from_amount != swap_source(before_).units()) return;
    if (quote->valid_until && *quote->valid_until <= context_.now) return;
    auto& p = out_.next;
    resume(payout_status::swapping);
    p.rate_id = quote->rate_id;
    p.quoted_at = context_.now;
    p.valid_until = quote->valid_until;
    p.quoted_amount = quote->to_amount;
    p.deposit_fee = std::max<int128>(quote->deposit_fee, 0);
    p.withdrawal_fee = std::max<int128>(quote->withdrawal_fee, 0);
  }

  void on_created(const io_outcome& outcome) {
    auto& p = out_.next;
    if (const auto* f = std::get_if<io_failure>(&outcome)) {
      // A rate that ran out is refused in many words; the clock says it in one.
      if (context_.now >= rate_end(p) || is_one_of(f->code, {"not_valid_params", "bad_params"}))
        return ++p.swap_tries, retry("the rate ran out before the swap was made: " + words(*f));
      return on_refusal(*f);
    }
    const auto* swap = std::get_if<swap_created>(&outcome);
    if (!swap || swap->swap_id.empty()) return;
    ++p.swap_tries;
    if (!swap->payin_extra_id.empty())
      return attention("payin_extra_id", "the provider wants a memo with an ETH deposit, which a transfer cannot carry");
    if (!is_evm_address(swap->payin_address)) return retry("the provider named no Ethereum address for the deposit");
    if (swap->from_amount != swap_source(before_).units()) return retry("the provider made a swap of another amount");
    if (swap->to_amount < mul_div_floor(p.quoted_amount, 9900, 10'000)) return retry("the provider did not keep the rate it quoted");
    resume(payout_status::funding);
    p.swap_id = swap->swap_id;
    p.payin_address = swap->payin_address;
    p.funded = eth_amount::of_units(swap->from_amount);
    p.quoted_amount = swap->to_amount;
  }

  void on_expected(const io_outcome& outcome) {
    auto& p = out_.next;
    if (const auto* f = std::get_if<io_failure>(&outcome)) return retry("the provider does not know the swap: " + words(*f));
    const auto* swap = std::get_if<swap_state>(&outcome);
    if (!swap || swap->swap_id != p.swap_id) return;
    p.provider_status = swap->status;
    if (swap->status == swap_status::expired || swap->status == swap_status::failed) return retry("the swap ended before it was funded");
    if (swap->status != swap_status::waiting && swap->status != swap_status::new_swap)
      return attention("foreign_deposit", "the swap is " + std::string(to_text(swap->status)) + " although nothing was sent");
    const auto end = swap->valid_until ? *swap->valid_until : rate_end(p);
    const auto life = end - *p.quoted_at, left = end - context_.now;
    if (life <= 0s || left * 10'000 < life * context_.rules.swap_min_validity_bps) return retry("too little of the rate's life is left");
    if (swap->status == swap_status::new_swap) return;
    p.valid_until = end;
    release();
  }

  /// A permanent refusal before the release: nothing was signed, so the money can go back.
  void on_refusal(const io_failure& f) {
    if (f.code == "deposit_too_small") return cancel_below_minimum();
    if (f.code == "out_of_range") return cancel("outside the pair's range: " + words(f));
    // Not the owner's fault and not the pair's: asked again until the operator has mended it, with the words shown.
    if (is_one_of(f.code, {"invalid_api_key", "credentials", "unauthorized", "forbidden", "http_401", "http_403", "http_404", "http_405",
                           "not_valid_refund_address", "fixed_rate_not_enabled", "nonsense"}))
      return note_reason(f.code + ": " + words(f));
    if (is_one_of(f.code, {"pair_is_inactive"})) {
      auto& since = out_.next.refused_since;
      if (!since) since = context_.now;
      if (context_.now - *since < inactive_patience) return note_reason(f.code + ": " + words(f));
    }
    fail(f.code, words(f));
  }

  // --- what the wallet says ---

  void on_wallet(const entity_reply& reply) {
    if (const auto* no = std::get_if<refused>(&reply)) {
      // `conflict` and `invalid` will not change by asking again; a wallet that is not open yet will.
      if (no->code == refusal::conflict || no->code == refusal::invalid)
        return attention("transfer_refused", "the wallet refuses: " + no->text);
      return note_reason("the wallet: " + no->text);
    }
    const auto* view = std::get_if<transfer_view>(&reply);
    const auto status = view ? parse_enum<transfer_status>(view->status) : std::nullopt;
    if (!status) return;
    auto& p = out_.next;
    const auto intent = transfer_intent(before_, context_.self);
    if (*status != transfer_status::queued && *status != transfer_status::dropped) p.nonce = view->nonce;
    switch (*status) {
    case transfer_status::queued:
    case transfer_status::prepared:
    case transfer_status::signed_tx: p.reason = view->alert; return;
    case transfer_status::broadcast:
      p.status = payout_status::confirming;
      p.tx_hash = view->tx_hash;
      p.reason = view->alert;
      return;
    case transfer_status::confirmed:
    case transfer_status::reverted:
      p.tx_hash = view->tx_hash;
      p.gas_used = view->gas_used;
      p.gas_fee = view->gas_fee;
      p.settled_intent = intent;
      if (*status == transfer_status::reverted)
        return attention("transfer_reverted", "the transfer was mined without effect; the money is still in the wallet");
      p.reason.clear();
      if (!p.swap_id.empty())
        p.status = payout_status::exchanging;
      else
        complete(p.funded.units(), view->tx_hash);
      return;
    case transfer_status::dropped:
      // Way back (a) of spec 5: the wallet has committed that no deposit was signed, and that none ever will be.
      p.settled_intent = intent;
      p.funding_released = false;
      if (p.swap_id.empty())
        fail("transfer_dropped", view->alert);
      else
        retry(view->alert);
      return;
    }
  }

  // --- what the provider says about a deposit that was sent ---

  void on_followed(const io_outcome& outcome) {
    auto& p = out_.next;
    if (const auto* f = std::get_if<io_failure>(&outcome)) return note_reason("the provider: " + words(*f));
    const auto* swap = std::get_if<swap_state>(&outcome);
    if (!swap || swap->swap_id != p.swap_id) return;
    const auto seen = before_.provider_status;
    const bool forgot = swap->status == swap_status::new_swap || swap->status == swap_status::waiting;
    // A provider that calls back a hold as "waiting" has said nothing new; forgetting the hold would end the watch.
    if (forgot && p.status == payout_status::needs_attention) return;
    p.provider_status = swap->status;
    switch (swap->status) {
    case swap_status::new_swap:
    case swap_status::waiting:
    case swap_status::confirming:
    case swap_status::exchanging:
    case swap_status::sending:
      // After a hold it may go on; the person who was called stays called until it ends.
      return;
    case swap_status::finished:
      // The hash may come a moment later than the word; whoever says it twice without one has none.
      if (swap->payout_hash.empty() && seen != swap_status::finished) return;
      return complete(swap->amount_to && *swap->amount_to > 0 ? *swap->amount_to : p.quoted_amount, swap->payout_hash);
    case swap_status::failed:
    case swap_status::verifying:
    case swap_status::expired:
      if (p.status == payout_status::needs_attention && seen == swap->status) return;
      return attention("swap_" + std::string(to_text(swap->status)),
                       "the exchange has the deposit, but calls the swap " + std::string(to_text(swap->status)) + " (" + p.swap_id + ")");
    case swap_status::refunded:
      return attention("swap_refunded", "the exchange says it refunded the deposit"
                                            + (swap->refund_amount ? " (" + to_decimal(*swap->refund_amount) + " ETH)" : "")
                                            + (swap->refund_hash.empty() ? "" : ", transaction " + swap->refund_hash));
    }
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

  /// Requested or approved: on its way.
  void start() {
    auto& p = out_.next;
    p.reason.clear();
    if (!is_plain_eth(p.target)) {
      p.status = payout_status::requested;
      if (swap_source(p).is_zero()) cancel_below_minimum();
      return;
    }
    if (!is_evm_address(p.address)) return fail("not_valid_address", "not an Ethereum address: " + p.address);
    p.status = payout_status::funding;
    p.funded = p.source;
    p.quoted_amount = p.source.units();
    release();
  }

  void release() {
    auto& p = out_.next;
    p.funding_released = true;
    p.wallet_address = context_.rules.wallet_address;
    p.reason.clear();
    out_.note = "the wallet may send " + to_decimal(p.funded) + " eth";
  }

  void resume(payout_status status) {
    out_.next.status = status;
    out_.next.reason.clear();
    out_.next.refused_since.reset();
  }

  /// A new quote and a new swap. Only while nothing is released.
  void retry(const std::string& why) {
    auto& p = out_.next;
    if (p.funding_released) return attention("internal", why);
    out_.note = why;
    if (p.swap_tries >= context_.rules.swap_tries_max)
      return attention("swap_tries", "no swap could be funded in " + std::to_string(p.swap_tries) + " tries; the last: " + why);
    p.status = payout_status::estimating;
    p.rate_id.clear();
    p.quoted_at.reset();
    p.valid_until.reset();
    p.quoted_amount = p.deposit_fee = p.withdrawal_fee = 0;
    p.swap_id.clear();
    p.payin_address.clear();
    p.payin_extra_id.clear();
    p.funded = {};
    p.provider_status = swap_status::new_swap;
    p.reason = why;
  }

  void complete(int128 amount_out, const std::string& hash) {
    auto& p = out_.next;
    p.status = payout_status::completed;
    p.completed_at = context_.now;
    p.end_told_at.reset();
    p.reason.clear();
    p.amount_out = amount_out;
    p.payout_hash = hash;
    out_.rows.push_back(accrual_closed{context_.self.id, accrual_status::paid});
    if (p.swap_id.empty()) return; // The wallet's own posting took the money from the owner's held account.
    const auto funded = p.funded.units();
    const auto fee = p.deposit_fee < funded ? p.deposit_fee : 0;
    if (fee > 0) post("fee", "the provider's fee, borne by the owner", {{held(), "eth", fee}, {spread(), "eth", -fee}});
    std::vector<posting> paid{{held(), "eth", funded - fee}};
    if (fee > 0) paid.push_back({spread(), "eth", fee});
    paid.push_back({accounts::in_swap(p.swap_id), "eth", -funded});
    post("completed", "the swap paid the owner", std::move(paid));
    const auto rest = p.source.units() - funded;
    if (rest > 0) post("remainder", "beyond the provider's 8 decimals", {{held(), "eth", rest}, {available(), "eth", -rest}});
  }

  void give_back() {
    const auto units = before_source();
    post("returned", "the payout ended without a transfer", {{held(), "eth", units}, {available(), "eth", -units}});
    out_.rows.push_back(accrual_closed{context_.self.id, accrual_status::pending});
  }

  void cancel_below_minimum() { cancel("below the pair's minimum"); }

  void cancel(const std::string& why) {
    out_.next.status = payout_status::cancelled;
    out_.next.reason = why;
    give_back();
  }

  void fail(const std::string& code, const std::string& why) {
    out_.next.status = payout_status::failed;
    out_.next.reason = why;
    out_.next.end_told_at.reset();
    give_back();
    out_.rows.push_back(failure_listed{code, why});
  }

  void attention(const std::string& code, const std::string& why) {
    out_.next.status = payout_status::needs_attention;
    out_.next.reason = why;
    out_.next.end_told_at.reset();
    out_.rows.push_back(failure_listed{code, why});
  }

  void note_reason(const std::string& why) {
    // Once a person was called, why they were called stays.
    if (out_.next.status != payout_status::needs_attention) out_.next.reason = why;
  }

  // --- small things ---

  int128 before_source() const { return out_.next.source.units(); }
  timestamp rate_end(const payout& p) const { return p.valid_until ? *p.valid_until : *p.quoted_at + context_.rules.swap_rate_life; }
  std::string available() const { return accounts::owner_available(std::to_string(out_.next.channel_id)); }
  std::string held() const { return accounts::owner_held(std::to_string(out_.next.channel_id)); }
  std::string spread() const { return accounts::owner_spread(std::to_string(out_.next.channel_id)); }

  void post(const std::string& what, std::string reason, std::vector<posting> postings) {
    out_.entries.push_back({to_text(context_.self) + "/" + what, std::move(reason), std::move(postings)});
  }

  verdict<payout> finish() {
    out_.changed = !(out_.next == before_) || !out_.entries.empty();
    if (out_.note.empty() && out_.next.reason != before_.reason) out_.note = out_.next.reason;
    return std::move(out_);
  }

  const payout& before_;
  const step_context& context_;
  decision<payout> out_;
};

} // namespace

bool is_plain_eth(const asset& target) { return target == asset{"eth", "eth"}; }

bool is_evm_address(std::string_view address) {
  if (address.size() != 42 || address.substr(0, 2) != "0x") return false;
  const auto digits = address.substr(2);
  return digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos && digits.find_first_not_of('0') != digits.npos;
}

std::string transfer_intent(const payout& state, const entity_ref& self) { return to_text(self) + "/" + std::to_string(state.swap_tries); }

eth_amount swap_source(const payout& state) { return eth_amount::of_units(truncate_to(state.source.units(), 8)); }

bool is_still_followed(const payout& p) {
  const bool open =
      p.provider_status != swap_status::new_swap && p.provider_status != swap_status::waiting && p.provider_status != swap_status::refunded;
  return p.status == payout_status::needs_attention && p.funding_released && !p.swap_id.empty() && open;
}

verdict<payout> payout_kind::apply(const payout& state, bool exists, const payout_message& message, const step_context& context) {
  step s(state, context);
  if (const auto* m = std::get_if<request_payout>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "no such payout"};
  if (const auto* m = std::get_if<approve_payout>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<cancel_payout>(&message)) return s.on(*m);
  return s.on(std::get<effect_done>(message));
}

} // namespace paygate
