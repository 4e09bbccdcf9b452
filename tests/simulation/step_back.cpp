// No row goes backwards: what each kind may never take back.
#include <algorithm>

#include "actors/broadcast/broadcast_machine.hpp"
#include "actors/channel/channel_machine.hpp"
#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversion/conversion_machine.hpp"
#include "actors/payment/payment_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/poller/poller_machine.hpp"
#include "actors/scheduler/scheduler_machine.hpp"
#include "actors/subscription/subscription_machine.hpp"
#include "actors/swap/swap.hpp"
#include "actors/wallet/wallet_machine.hpp"
#include "tests/simulation/checks.hpp"

namespace paygate::sim {

namespace {

template <class T>
bool forgot(const std::optional<T>& old, const std::optional<T>& next) {
  return old && (!next || *next != *old);
}
bool forgot(const std::string& old, const std::string& next) { return !old.empty() && next != old; }

std::string back(const payment& a, const payment& b) {
  if (a.status == payment_status::paid && b.status != payment_status::paid) return "paid stays paid";
  if (forgot(a.invoice_id, b.invoice_id)) return "the invoice is bound once";
  if (forgot(a.ends_at, b.ends_at)) return "the extension is known once";
  if (a.judged_at && !b.judged_at) return "a verdict is not forgotten";
  for (const auto& d : a.deposits) {
    const auto same = std::find_if(b.deposits.begin(), b.deposits.end(), [&](const auto& o) { return o.payment_id == d.payment_id; });
    if (same == b.deposits.end()) return "a deposit is not forgotten";
    if (forgot(d.settled_at, same->settled_at) || forgot(d.arrived_at, same->arrived_at)) return "a deposit is settled and arrives once";
    if (forgot(d.payout_id, same->payout_id)) return "a deposit is handed to one payout";
    if (d.settled_at && (d.gross_eth != same->gross_eth || d.gross_usd != same->gross_usd)) return "a settled value stays";
    if (d.status == provider_status::finished && same->status != provider_status::finished) return "finished stays finished";
  }
  return "";
}

bool leg_has_ended(const payout& a, const payout& b, const database& db) { return a.leg == 1 && b.leg == 2 && db.bought(a.swap_id); }
bool leg_has_ended(const conversion&, const conversion&, const database&) { return false; }

/// How far the money is: while it comes to us it is beyond the exchange, and not at an end.
template <class Status>
int progress(Status s) {
  if (s == Status::refunding || s == Status::receiving) return 2 * static_cast<int>(Status::exchanging) + 1;
  return 2 * static_cast<int>(s);
}

/// The way back: only when the wallet has committed that this intent was never signed and never will be, or the refund is on our chain.
template <class State>
std::string way_back(const State& a, const State& b, const database& db, const entity_ref& ref) {
  using status = decltype(a.status);
  if (b.swap_tries < a.swap_tries) return "tries are counted up";
  if (b.incoming_units != 0 && a.incoming_units == 0 && !db.refunded(a.swap_id) && !db.bought(a.swap_id)
      && a.incoming_hash == "0xback" + a.swap_id)
    return "what came is what the chain shows";
  if (!a.funding_released) return "";
  const auto asked = db.transfers.find(transfer_intent(a, ref));
  const bool dropped = asked != db.transfers.end() && asked->second.row.status == transfer_status::dropped;
  const bool proven = dropped || db.refunded(a.swap_id) || leg_has_ended(a, b, db);
  const bool moved = !b.funding_released || b.status < status::funding || b.status == status::failed || b.status == status::cancelled
                     || b.swap_id != a.swap_id;
  if (moved && !proven) return "no way back after the release";
  return "";
}

std::string back(const payout& a, const payout& b, const database& db, const entity_ref& ref) {
  using enum payout_status;
  if ((a.status == completed || a.status == failed || a.status == cancelled) && b.status != a.status) return "an end stays";
  if (forgot(a.completed_at, b.completed_at) || forgot(a.sent_told_at, b.sent_told_at)) return "what was told is not forgotten";
  if (auto why = way_back(a, b, db, ref); !why.empty()) return why;
  // The provider may end a hold well.
  const bool mended = a.status == needs_attention && (b.status == completed || b.status == receiving || b.status == refunding);
  if (a.funding_released && b.funding_released && b.swap_id == a.swap_id && !mended && progress(b.status) < progress(a.status))
    return "money in progress goes forward";
  return "";
}

std::string back(const conversion& a, const conversion& b, const database& db, const entity_ref& ref) {
  using enum conversion_status;
  if ((a.status == completed || a.status == failed || a.status == cancelled) && b.status != a.status) return "an end stays";
  if (forgot(a.completed_at, b.completed_at)) return "an end has one time";
  if (auto why = way_back(a, b, db, ref); !why.empty()) return why;
  const bool mended = a.status == needs_attention && (b.status == completed || b.status == receiving || b.status == refunding);
  if (a.funding_released && b.funding_released && b.swap_id == a.swap_id && !mended && progress(b.status) < progress(a.status))
    return "money in progress goes forward";
  if (a.status != claiming && (b.accruals != a.accruals || b.source != a.source || b.net != a.net)) return "a claim stays as it was";
  return "";
}

std::string back(const wallet& a, const wallet& b) {
  if (b.next_nonce < a.next_nonce) return "nonces are counted up";
  for (const auto& t : a.transfers)
    for (const auto& next : b.transfers)
      if (next.intent == t.intent)
        if (auto why = transfer_objection(t, next); !why.empty()) return t.intent + ": " + why;
  return "";
}

std::string back(const subscription& a, const subscription& b) {
  if (b.ends_at < a.ends_at) return "access is not shortened";
  for (const auto& p : a.periods)
    if (std::find(b.periods.begin(), b.periods.end(), p) == b.periods.end()) return "a period stays as it was";
  std::int64_t days = 0;
  for (const auto& p : b.periods) days += (p.ends_at - p.starts_at).count();
  return b.ends_at - b.starts_at <= std::chrono::microseconds(days) ? "" : "access is what was bought";
}

} // namespace

std::string step_back(const snapshot& old, const snapshot& next, const database& db, const entity_ref& ref) {
  if (old.index() != next.index()) return "a row keeps its kind";
  if (const auto* a = std::get_if<payment>(&old)) return back(*a, std::get<payment>(next));
  if (const auto* a = std::get_if<payout>(&old)) return back(*a, std::get<payout>(next), db, ref);
  if (const auto* a = std::get_if<conversion>(&old)) return back(*a, std::get<conversion>(next), db, ref);
  if (const auto* a = std::get_if<scheduler>(&old)) return std::get<scheduler>(next).round < a->round ? "rounds are counted up" : "";
  if (const auto* a = std::get_if<wallet>(&old)) return back(*a, std::get<wallet>(next));
  if (const auto* a = std::get_if<subscription>(&old)) return back(*a, std::get<subscription>(next));
  if (const auto* a = std::get_if<broadcast>(&old)) {
    const auto& b = std::get<broadcast>(next);
    if (a->ended_at && b.status != a->status) return "a broadcast that has ended stays so";
    return b.cursor < a->cursor || b.sent < a->sent || b.failed < a->failed ? "a broadcast goes forward" : "";
  }
  if (const auto* a = std::get_if<poller>(&old)) return std::get<poller>(next).next_offset < a->next_offset ? "the offset grows" : "";
  if (const auto* a = std::get_if<conversation>(&old)) {
    const auto& b = std::get<conversation>(next);
    return b.last_update_id < a->last_update_id || b.view_seq < a->view_seq ? "updates are handled in order" : "";
  }
  return "";
}

std::vector<effect> effects_of(const snapshot& state, const entity_ref& ref, timestamp now, const policy& rules) {
  if (const auto* s = std::get_if<payment>(&state)) return payment_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<subscription>(&state)) return subscription_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<channel>(&state)) return channel_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<conversation>(&state)) return conversation_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<payout>(&state)) return payout_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<conversion>(&state)) return conversion_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<scheduler>(&state)) return scheduler_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<wallet>(&state)) return wallet_kind::effects_due(*s, ref, now, rules);
  if (const auto* s = std::get_if<broadcast>(&state)) return broadcast_kind::effects_due(*s, ref, now, rules);
  return poller_kind::effects_due(std::get<poller>(state), ref, now, rules);
}

} // namespace paygate::sim
