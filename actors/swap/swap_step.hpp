#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "actors/swap/arrival_step.hpp"

// One step of an entity that sells what it may spend through a fixed-rate swap: a payout or a conversion. The rules of spec 5 (bound before
// funded, a quote that ran out before anything was signed is asked again, the way back) stand here once.
namespace paygate {

/// `State` has the swap's fields (see messages/conversion.hpp) and a status with the swap's stations. The derived step says what the ends
/// mean. The next state is `out_.next`.
template <class State>
class swap_step : public arrival_step<State> {
public:
  using base = arrival_step<State>;
  using typename base::status;

protected:
  using base::attention, base::before_, base::context_, base::fail, base::note_reason, base::out_, base::words;

  swap_step(const State& before, const step_context& context) : base(before, context) {}
  ~swap_step() = default;

  // --- what the entity makes of it ---

  /// The pair does not take so little. Nothing was signed: the money goes back.
  virtual void below_minimum() = 0;
  /// It ends before money moved: the money goes back.
  virtual void cancel(const std::string& why) = 0;
  /// The provider says that it paid `units` of the target. With an empty hash only when it said so twice.
  virtual void paid(int128 units, const std::string& hash) = 0;
  /// A transfer without a swap was mined.
  virtual void sent(const std::string& hash) = 0;
  /// What the pair takes at least, told by the provider.
  virtual void minimum_is(int128) {}
  /// The quote is no use although the pair takes the amount.
  virtual bool is_too_little(const swap_estimate&) { return false; }

  // --- outcomes ---

  /// Handles the outcome of an effect of `swap_due`; one that belongs to another stage changes nothing.
  void on_swap(const effect_done& m) {
    const auto& p = before_;
    const auto* reply = std::get_if<entity_reply>(&m.outcome);
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    if (!p.settled_intent.empty() && m.key == swap_keys::acknowledge(p)) {
      if (reply && std::holds_alternative<ok>(*reply)) out_.next.settled_intent.clear();
    } else if (reply) {
      const bool asked = p.status == status::confirming || (p.status == status::funding && p.funding_released);
      if (asked && p.settled_intent.empty() && m.key == swap_keys::transfer(transfer_intent(p, context_.self))) on_wallet(*reply);
    } else if (p.status == status::requested && m.key == swap_keys::range)
      on_range(*io);
    else if (p.status == status::estimating && m.key == swap_keys::estimate(p))
      on_estimate(*io);
    else if (p.status == status::swapping && m.key == swap_keys::create(p))
      on_created(*io);
    else if (p.status == status::funding && !p.funding_released && m.key == swap_keys::expect(p))
      on_expected(*io);
    else if ((p.status == status::exchanging || is_awaiting_refund(p) || is_still_followed(p)) && m.key == swap_keys::follow(p))
      on_followed(*io);
    else if (is_looking_at_chain(p) && m.key == swap_keys::arrival(p))
      base::on_arrival(*io);
    else if (is_looking_at_books(p) && m.key == swap_keys::used(p))
      base::on_arrival_use(*io);
  }

  // --- moves ---

  /// The wallet may send: from here on nothing is quoted anew.
  void release() {
    auto& p = out_.next;
    p.funding_released = true;
    if (p.wallet_address.empty()) p.wallet_address = context_.rules.wallet_address;
    p.reason.clear();
    out_.note = "the wallet may send " + to_decimal(funded_units(p)) + " " + swap_from(p).ticker;
  }

  /// A permanent refusal before the release: nothing was signed, so the money can go back.
  void on_refusal(const io_failure& f) {
    if (f.code == "deposit_too_small") return below_minimum();
    if (f.code == "out_of_range") return cancel("outside the pair's range: " + words(f));
    // Nobody's fault who waits for it and not the pair's: asked again until the operator has mended it, with the words shown.
    if (is_one_of(f.code, {"invalid_api_key", "credentials", "unauthorized", "forbidden", "http_401", "http_403", "http_404", "http_405",
                           "not_valid_refund_address", "fixed_rate_not_enabled", "nonsense"}))
      return note_reason(f.code + ": " + words(f));
    if (f.code == "pair_is_inactive") {
      auto& since = out_.next.refused_since;
      if (!since) since = context_.now;
      if (context_.now - *since < inactive_patience) return note_reason(f.code + ": " + words(f));
    }
    fail(f.code, words(f));
  }

  /// A deposit is back: the pair may not take what is left of it.
  void try_again(const std::string& why) final {
    out_.note = why;
    forget_swap(status::requested, why);
  }

  void forget_swap(status next, const std::string& why) {
    auto& p = out_.next;
    p.status = next;
    p.rate_id.clear();
    p.quoted_at.reset();
    p.valid_until.reset();
    p.quoted_amount = p.deposit_fee = p.withdrawal_fee = 0;
    p.swap_id.clear();
    p.wallet_address.clear();
    p.tx_hash.clear();
    p.nonce = -1;
    p.payin_address.clear();
    p.payin_extra_id.clear();
    set_funded(p, 0);
    p.provider_status = swap_status::new_swap;
    p.reason = why;
  }

private:
  static bool is_one_of(std::string_view code, std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), code) != list.end();
  }
  timestamp rate_end(const State& p) const { return p.valid_until ? *p.valid_until : *p.quoted_at + context_.rules.swap_rate_life; }

  // --- what is asked before money moves ---

  void on_range(const io_outcome& outcome) {
    if (const auto* f = std::get_if<io_failure>(&outcome)) return on_refusal(*f);
    const auto* range = std::get_if<swap_range>(&outcome);
    if (!range) return;
    minimum_is(range->min);
    const auto amount = swap_units(before_);
    if (amount <= 0 || amount < range->min) return below_minimum();
    if (range->max && amount > *range->max)
      return fail("out_of_range", "above the pair's maximum of " + to_decimal(*range->max) + " " + swap_from(before_).ticker);
    resume(status::estimating);
  }

  void on_estimate(const io_outcome& outcome) {
    if (const auto* f = std::get_if<io_failure>(&outcome)) return on_refusal(*f);
    const auto* quote = std::get_if<swap_estimate>(&outcome);
    // A quote without a rate id is no fixed rate; one for another amount, or already over, is no answer: it is asked for again.
    if (!quote || quote->rate_id.empty() || quote->to_amount <= 0 || quote->from_amount != swap_units(before_)) return;
    if (quote->valid_until && *quote->valid_until <= context_.now) return;
    if (is_too_little(*quote)) return below_minimum();
    auto& p = out_.next;
    resume(status::swapping);
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
      return attention("payin_extra_id", "the provider wants a memo with the deposit, which a transfer cannot carry");
    if (!is_evm_address(swap->payin_address)) return retry("the provider named no Ethereum address for the deposit");
    if (swap->from_amount != swap_units(before_)) return retry("the provider made a swap of another amount");
    if (swap->to_amount < mul_div_floor(p.quoted_amount, 9900, 10'000)) return retry("the provider did not keep the rate it quoted");
    resume(status::funding);
    p.swap_id = swap->swap_id;
    p.wallet_address = context_.rules.wallet_address; // Named to the provider as the refund address.
    p.payin_address = swap->payin_address;
    set_funded(p, swap->from_amount);
    p.quoted_amount = swap->to_amount;
  }

  void on_expected(const io_outcome& outcome) {
    using namespace std::chrono_literals;
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

  // --- what the wallet says ---

  void on_wallet(const entity_reply& reply) {
    if (const auto* no = std::get_if<refused>(&reply)) {
      // `conflict` and `invalid` will not change by asking again; a wallet that is not open yet will.
      if (no->code == refusal::conflict || no->code == refusal::invalid)
        return attention("transfer_refused", "the wallet refuses: " + no->text);
      return note_reason("the wallet: " + no->text);
    }
    const auto* view = std::get_if<transfer_view>(&reply);
    const auto seen = view ? parse_enum<transfer_status>(view->status) : std::nullopt;
    if (!seen) return;
    auto& p = out_.next;
    const auto intent = transfer_intent(before_, context_.self);
    if (*seen != transfer_status::queued && *seen != transfer_status::dropped) p.nonce = view->nonce;
    switch (*seen) {
    case transfer_status::queued:
    case transfer_status::prepared:
    case transfer_status::signed_tx: p.reason = view->alert; return;
    case transfer_status::broadcast:
      p.status = status::confirming;
      p.tx_hash = view->tx_hash;
      p.reason = view->alert;
      return;
    case transfer_status::confirmed:
    case transfer_status::reverted:
      p.tx_hash = view->tx_hash;
      p.gas_used = view->gas_used;
      p.gas_fee = view->gas_fee;
      p.settled_intent = intent;
      if (*seen == transfer_status::reverted)
        return attention("transfer_reverted", "the transfer was mined without effect; the money is still in the wallet");
      p.reason.clear();
      if (!p.swap_id.empty())
        p.status = status::exchanging;
      else
        sent(view->tx_hash);
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
    if (forgot && p.status == status::needs_attention) return;
    // It said that it sent the deposit back, and is asked by which transaction: only that is news, or that it went the other way after all.
    const bool ended = swap->status == swap_status::finished || (swap->status == swap_status::refunded && !swap->refund_hash.empty());
    if (p.status == status::refunding && !ended) return;
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
      return paid(swap->amount_to && *swap->amount_to > 0 ? *swap->amount_to : p.quoted_amount, swap->payout_hash);
    case swap_status::failed:
    case swap_status::verifying:
    case swap_status::expired:
      if (p.status == status::needs_attention && seen == swap->status) return;
      return attention("swap_" + std::string(to_text(swap->status)),
                       "the exchange has the deposit, but calls the swap " + std::string(to_text(swap->status)) + " (" + p.swap_id + ")");
    case swap_status::refunded: return base::expect_refund(*swap);
    }
  }

  void resume(status next) {
    out_.next.status = next;
    out_.next.reason.clear();
    out_.next.refused_since.reset();
  }

  /// A new quote and a new swap. Only while nothing is released.
  void retry(const std::string& why) {
    auto& p = out_.next;
    if (p.funding_released) return attention("internal", why);
    out_.note = why;
    if (p.swap_tries >= swap_tries_max(p, context_.rules))
      return attention("swap_tries", "no swap could be funded in " + std::to_string(p.swap_tries) + " tries; the last: " + why);
    forget_swap(status::estimating, why);
  }

  /// The provider says "pair inactive" for small amounts and in bad hours too: only when it says so all this time it is for good.
  static constexpr auto inactive_patience = std::chrono::minutes(10);
};

} // namespace paygate
