// The kinds of the simulated node: the real ones, with six wrapped so that a planted fault can be switched on.
#include <algorithm>

#include "actors/broadcast/broadcast_machine.hpp"
#include "actors/conversion/conversion_machine.hpp"
#include "actors/kinds.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/runtime/entity_actor.hpp"
#include "actors/scheduler/scheduler_machine.hpp"
#include "actors/subscription/subscription_machine.hpp"
#include "actors/wallet/wallet_machine.hpp"
#include "tests/simulation/planted.hpp"

namespace paygate {

namespace {

using sim::active_fault;
using sim::planted;

template <class State>
void believe_refund(decision<State>* yes) {
  if (active_fault != planted::refund_by_word || !yes || yes->next.status != decltype(State::status)::refunding) return;
  if (!yes->next.incoming_hash.empty() && yes->next.incoming_units == 0) yes->next.incoming_units = yes->next.incoming_named;
}

struct faulty_payout : payout_kind {
  static verdict<payout> apply(const payout& state, bool exists, const payout_message& message, const step_context& context) {
    auto result = payout_kind::apply(state, exists, message, context);
    auto* yes = std::get_if<decision<payout>>(&result);
    // "It takes long: better try again."
    const bool impatient = active_fault == planted::revert_in_progress && yes && state.status == payout_status::exchanging
                           && yes->next.status == payout_status::exchanging && context.now - *state.quoted_at > std::chrono::minutes(2);
    if (impatient) {
      yes->changed = true;
      yes->next.status = payout_status::estimating;
      yes->next.funding_released = false;
      yes->next.settled_intent.clear();
    }
    believe_refund(yes);
    if (active_fault == planted::refund_whole && yes)
      for (auto& row : yes->rows)
        if (auto* end = std::get_if<accrual_closed>(&row); end && !end->resold) end->left.reset();
    // "ETH is as good as USDT."
    if (active_fault == planted::wrong_pot && yes && state.status == payout_status::claiming && yes->next.status == payout_status::requested
        && yes->next.pot == payout_pot::usdt) {
      yes->next.pot = payout_pot::eth;
      yes->next.source = eth_amount::of_units(yes->next.source_usdt.units() / 3000);
      yes->next.source_usdt = {};
    }
    return result;
  }
};

struct faulty_conversion : conversion_kind {
  static verdict<conversion> apply(const conversion& state, bool exists, const conversion_message& message, const step_context& context) {
    auto result = conversion_kind::apply(state, exists, message, context);
    auto* yes = std::get_if<decision<conversion>>(&result);
    if (!yes) return result;
    believe_refund(yes);
    if (active_fault == planted::refund_whole)
      for (auto& row : yes->rows)
        if (auto* end = std::get_if<conversion_closed>(&row)) end->left = state.source;
    if (active_fault == planted::provider_amount && state.status == conversion_status::receiving
        && yes->next.status == conversion_status::completed) {
      yes->next.received = usdt_amount::of_units(truncate_to(state.amount_out, 6));
      for (auto& row : yes->rows)
        if (auto* end = std::get_if<conversion_closed>(&row)) end->received = yes->next.received;
    }
    // "It failed, so the money must still be here."
    if (active_fault == planted::way_back_without_proof && state.status == conversion_status::exchanging
        && yes->next.status == conversion_status::needs_attention) {
      yes->next.status = conversion_status::cancelled;
      yes->rows = {conversion_closed{{}, state.source}};
    }
    return result;
  }
};

struct faulty_scheduler : scheduler_kind {
  static verdict<scheduler> apply(const scheduler& state, bool exists, const scheduler_message& message, const step_context& context) {
    auto result = scheduler_kind::apply(state, exists, message, context);
    auto* yes = std::get_if<decision<scheduler>>(&result);
    // "It was created, so the next may be, too": twice for one look.
    const bool created = yes && state.status == scheduler_status::creating && yes->next.status == scheduler_status::waiting;
    if (active_fault == planted::scheduler_twice && created && yes->next.created > state.created)
      yes->next.status = scheduler_status::creating;
    return result;
  }
};

struct faulty_broadcast : broadcast_kind {
  static verdict<broadcast> apply(const broadcast& state, bool exists, const broadcast_message& message, const step_context& context) {
    auto result = broadcast_kind::apply(state, exists, message, context);
    auto* yes = std::get_if<decision<broadcast>>(&result);
    // "The page was read, so they all have it."
    if (active_fault == planted::skip_recipient && yes && yes->next.page && !state.page && yes->next.page->people.size() > 1)
      yes->next.cursor = yes->next.page->people.front().user_id;
    return result;
  }
};

struct faulty_subscription : subscription_kind {
  static verdict<subscription> apply(const subscription& state, bool exists, const subscription_message& message,
                                     const step_context& context) {
    if (active_fault == planted::forget_join && exists && std::holds_alternative<member_joined>(message))
      return decision<subscription>{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
    if (active_fault == planted::keep_used_link) {
      auto result = subscription_kind::apply(state, exists, message, context);
      if (auto* yes = std::get_if<decision<subscription>>(&result)) {
        yes->next.spent_links.clear();
        yes->changed = !(exists && yes->next == state);
      }
      return result;
    }
    if (active_fault != planted::forget_period) return subscription_kind::apply(state, exists, message, context);
    auto forgetful = state;
    forgetful.periods.clear();
    return subscription_kind::apply(forgetful, exists, message, context);
  }
};

struct faulty_wallet : wallet_kind {
  static verdict<wallet> apply(const wallet& state, bool exists, const wallet_message& message, const step_context& context) {
    if (active_fault == planted::forget_intent)
      if (const auto* asked = std::get_if<request_transfer>(&message)) {
        auto forgetful = state;
        std::erase_if(forgetful.transfers, [&](const auto& t) { return t.intent == asked->intent && is_final(t.status); });
        return wallet_kind::apply(forgetful, exists, message, context);
      }
    // "Whatever comes is new."
    if (active_fault == planted::forward_twice_acts_twice)
      if (const auto* asked = std::get_if<request_transfer>(&message)) {
        const auto same = [&](const auto& t) { return t.intent == asked->intent; };
        auto again = *asked;
        if (std::any_of(state.transfers.begin(), state.transfers.end(), same)) again.intent += "/again";
        return wallet_kind::apply(state, exists, wallet_message{again}, context);
      }
    auto result = wallet_kind::apply(state, exists, message, context);
    if (active_fault == planted::new_nonce) sign_anew(result, state, message);
    return result;
  }

private:
  static void sign_anew(verdict<wallet>& result, const wallet& state, const wallet_message& message) {
    const auto* outcome = std::get_if<effect_done>(&message);
    const auto* io = outcome ? std::get_if<io_outcome>(&outcome->outcome) : nullptr;
    const auto* sent = io ? std::get_if<tx_broadcast>(io) : nullptr;
    auto* yes = std::get_if<decision<wallet>>(&result);
    if (!yes || !sent || sent->answer != broadcast_answer::nonce_too_low) return;
    for (auto& t : yes->next.transfers) {
      if (is_final(t.status) || t.nonce < 0) continue;
      if (outcome->key != wallet_keys::broadcast(t) && outcome->key != wallet_keys::rebroadcast(t)) continue;
      t.nonce = yes->next.next_nonce++;
      t.raw.clear();
      t.hash.clear();
      t.broadcast_at.reset();
      t.status = transfer_status::prepared;
      yes->changed = true;
      std::erase_if(yes->rows, [](const side_row& row) { return std::holds_alternative<wallet_transfer>(row); });
      yes->rows.emplace_back(t);
      return;
    }
  }
};

} // namespace

spawn_entity_fn spawner_of(entity_kind kind) {
  switch (kind) {
  case entity_kind::payment: return spawn_payment;
  case entity_kind::subscription: return spawn_entity<faulty_subscription>;
  case entity_kind::channel: return spawn_channel;
  case entity_kind::conversation: return spawn_conversation;
  case entity_kind::payout: return spawn_entity<faulty_payout>;
  case entity_kind::wallet: return spawn_entity<faulty_wallet>;
  case entity_kind::poller: return spawn_poller;
  case entity_kind::conversion: return spawn_entity<faulty_conversion>;
  case entity_kind::scheduler: return spawn_entity<faulty_scheduler>;
  case entity_kind::reconciliation: return spawn_reconciliation;
  case entity_kind::broadcast: return spawn_entity<faulty_broadcast>;
  case entity_kind::promo_code: return spawn_promo_code;
  case entity_kind::account: return spawn_account;
  case entity_kind::login_name: return spawn_login_name;
  case entity_kind::session: return spawn_session;
  }
  std::abort();
}

} // namespace paygate
