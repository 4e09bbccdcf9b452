// After the faults have stopped and time has passed: everything must have ended, and well.
#include <algorithm>

#include "actors/payment/payment_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/wallet/wallet_machine.hpp"
#include "tests/simulation/simulation.hpp"

namespace paygate::sim {

/// It has come to an end, or to a person. A conversion whose provider names a transfer that never comes waits for it, and is shown as
/// stuck.
bool simulation::has_ended(const entity_ref&, const snapshot& state) const {
  // The provider says that it sent something, and the chain will never show it: it is waited for.
  const auto waits = [&](const auto& s) {
    using status = decltype(s.status);
    return (s.status == status::receiving || s.status == status::refunding) && o_.swaps.is_never_paid(s.swap_id);
  };
  if (const auto* p = std::get_if<payout>(&state))
    return waits(*p) || p->status == payout_status::completed || p->status == payout_status::failed || p->status == payout_status::cancelled
           || p->status == payout_status::needs_attention;
  using enum conversion_status;
  const auto& c = std::get<conversion>(state);
  return waits(c) || c.status == completed || c.status == failed || c.status == cancelled || c.status == needs_attention;
}

/// Nothing is under way any more; a cheap form of the verdict, asked often.
bool simulation::all_over() const {
  if (!o_.persons.at_rest() || o_.provider.open != 0 || !o_.coins.all_deep()) return false;
  for (const auto& [ref, row] : o_.db.rows) {
    if (const auto* p = std::get_if<payout>(&row.state)) {
      if (!has_ended(ref, row.state) || !p->settled_intent.empty()
          || (p->owner_chat_id != 0 && !p->end_told_at && p->status != payout_status::cancelled))
        return false;
    } else if (const auto* g = std::get_if<conversion>(&row.state)) {
      if (!has_ended(ref, row.state) || !g->settled_intent.empty()) return false;
    } else if (const auto* r = std::get_if<scheduler>(&row.state)) {
      // It has looked since the last change of what gathers, and found nothing to do.
      if (r->status != scheduler_status::waiting || !r->looked_at || *r->looked_at < o_.gathering.changed_at) return false;
    } else if (const auto* c = std::get_if<channel>(&row.state)) {
      if (c->offer_message_id == 0) return false;
    } else if (const auto* b = std::get_if<broadcast>(&row.state)) {
      if (!b->ended_at || (b->target == broadcast_target::channel && !b->placed)) return false;
    } else if (const auto* v = std::get_if<conversation>(&row.state)) {
      const bool works = v->status == conversation_status::looking_up || v->status == conversation_status::ordering;
      if (works || v->owed_view != conversation_view::none || !v->open_callback.empty()) return false;
    } else if (std::holds_alternative<subscription>(row.state)) {
      for (const auto& e : effects_of(o_.db.load(ref).state, ref, o_.w.now, o_.rules))
        if (e.not_before <= o_.w.now) return false;
    } else if (const auto* s = std::get_if<payment>(&row.state)) {
      const auto due = effects_of(o_.db.load(ref).state, ref, o_.w.now, o_.rules);
      // What waits for a person who never paid is looked for now and then; everything else must have come to an end.
      for (const auto& e : due)
        if (!e.key.starts_with("find@")) return false;
      if (s->status == payment_status::paid && !s->invited_at) return false;
      if (o_.provider.orders.count(ref.id) && o_.provider.orders.at(ref.id).finished > 0 && !s->judged_at) return false;
    }
  }
  for (const auto& [intent, t] : o_.db.transfers)
    if (!is_final(t.row.status) || !t.row.acknowledged_at) return false;
  return startable().empty();
}

void simulation::judge() {
  auto& w = o_.w;
  w.demand(o_.persons.at_rest(), "people get their pay link or lose patience");
  w.demand(o_.provider.open == 0, "the provider comes to an end with its IPNs: " + std::to_string(o_.provider.open));
  for (const auto& [ref, row] : o_.db.rows) {
    const auto name = to_text(ref);
    const auto due = effects_of(o_.db.load(ref).state, ref, w.now, o_.rules);
    w.demand(due.empty() || row.header.wake_at, name + ": whoever owes something is woken");
    if (ref.kind == entity_kind::wallet || ref.kind == entity_kind::poller || ref.kind == entity_kind::scheduler) continue;
    if (const auto* p = std::get_if<payout>(&row.state);
        ref.kind == entity_kind::conversion || (p && (p->status == payout_status::refunding || p->status == payout_status::receiving)))
      if (has_ended(ref, row.state)) continue;
    const bool listed = o_.db.listed(ref.kind, ref.id);
    for (const auto& e : due)
      if (!e.key.starts_with("find@") && !listed)
        w.demand(e.not_before > w.now - 30min, name + ": " + e.key + " is not owed for ever; last error: " + row.header.last_error);
  }
  judge_cluster();
  judge_payments();
  judge_payouts();
  judge_gathering();
  judge_chain();
  judge_books();
  judge_broadcasts();
}

/// Nobody is skipped: who was a subscriber when it began got it, or is counted as failed; and a channel has one offer.
void simulation::judge_broadcasts() {
  auto& w = o_.w;
  for (const auto& [ref, row] : o_.db.rows) {
    if (const auto* c = std::get_if<channel>(&row.state))
      w.demand(c->posts.retired.empty(), to_text(ref) + ": what was replaced is deleted");
    const auto* b = std::get_if<broadcast>(&row.state);
    if (!b) continue;
    const auto name = to_text(ref) + " is " + std::string(to_text(b->status));
    w.demand(b->ended_at.has_value(), name + ": a broadcast ends");
    if (b->status != broadcast_status::completed || b->target != broadcast_target::subscribers) continue;
    std::int64_t reached = 0, refused = 0;
    const auto all = o_.db.subscribers(b->channel_id, b->started_at);
    for (const auto& who : all) {
      const bool got = o_.persons.words.count({who.chat_id, b->html}) != 0;
      w.demand(got || o_.persons.blocking.count(who.chat_id) || b->failed > 0,
               name + ": user " + std::to_string(who.user_id) + " is not skipped");
      got ? ++reached : ++refused;
    }
    w.demand(b->sent <= reached && b->sent + b->failed >= static_cast<std::int64_t>(all.size()), name + ": the counts add up");
  }
}

/// In peace every shard is at home somewhere, and nobody has more than a fair share.
void simulation::judge_cluster() {
  std::map<std::string, std::size_t> held;
  for (const auto& s : slots_)
    if (s.process && s.process->alive()) held[s.process->identity()] = 0;
  for (std::uint32_t s = 0; s < shard_count; ++s) {
    const auto& holder = o_.db.table.holder_of(s);
    const auto at = held.find(holder.identity);
    o_.w.demand(at != held.end() && holder.expires > o_.w.now,
                "shard " + std::to_string(s) + " is held by a living node, not by " + holder.identity);
    if (at != held.end()) ++at->second;
  }
  for (const auto& [identity, shards] : held)
    o_.w.demand(shards <= (shard_count + held.size() - 1) / held.size(), identity + " holds a fair share, not " + std::to_string(shards));
}

void simulation::judge_payments() {
  auto& w = o_.w;
  std::map<std::string, std::int64_t> days_bought;
  for (const auto& [order, truth] : o_.provider.orders) {
    const auto* row = o_.db.find<payment>(entity_kind::payment, order);
    if (!row) continue; // An invoice whose order was never committed cannot be: see checks. It was paid by nobody.
    const auto p = std::get<payment>(o_.db.load({entity_kind::payment, order}).state);
    const auto is = order + " is " + std::string(to_text(p.status));
    if (truth.foreign_outcome) {
      w.demand(p.status == payment_status::held || truth.finished > 0 || !p.judged_at, is + ": a foreign outcome is held");
      continue;
    }
    if (truth.finished == 0) {
      w.demand(!p.judged_at && p.invite_link.empty() && !p.ends_at, is + ": nothing is granted for nothing");
      continue;
    }
    const bool good = truth.finished_usd >= truth.price * 78 / 100;
    w.demand(p.status == (good ? payment_status::paid : payment_status::underpaid), is + ": every payment is judged by what was paid");
    for (const auto& d : p.deposits) {
      if (d.status != provider_status::finished) continue;
      w.demand(d.settled_at.has_value(), is + ": deposit " + d.payment_id + " is settled");
      w.demand(d.arrived_at || o_.db.listed(entity_kind::payment, order), is + ": deposit " + d.payment_id + " arrives or is listed");
      w.demand((o_.db.accruals.rows.count(d.payment_id) != 0) == good, is + ": a credited deposit has its accrual");
      w.demand(!good || !d.payout_id.empty() || p.strategy == payout_strategy::threshold,
               is + ": deposit " + d.payment_id + " is handed to a payout");
      w.demand(d.payout_id.empty() || o_.db.find<payout>(entity_kind::payout, d.payout_id), is + ": its payout exists");
    }
    int finished = 0;
    for (const auto& d : p.deposits) finished += d.status == provider_status::finished;
    w.demand(finished == truth.finished, is + ": every finished deposit is known");
    if (!good) continue;
    w.demand(p.invited_at.has_value(), is + ": the subscriber is told");
    w.demand(p.owner_told_at || p.owner_chat_id == 0, is + ": the owner is told");
    if (p.donation) continue;
    w.demand(p.ends_at.has_value(), is + ": the subscription is extended");
    const auto sub = std::to_string(p.channel_id) + ":" + std::to_string(p.user_id);
    // Whoever is in already gets none.
    w.demand(p.invite_link.empty() || o_.persons.links.count(p.invite_link), is + ": its page shows a link that there is");
    const auto& all = o_.db.periods[sub];
    w.demand(std::count_if(all.begin(), all.end(), [&, &id = order](const auto& e) { return e.order_id == id; }) == 1,
             is + ": extended once");
    days_bought[sub] += p.days;
  }
  for (const auto& [sub, days] : days_bought) {
    const auto* s = o_.db.find<subscription>(entity_kind::subscription, sub);
    std::int64_t got = 0;
    for (const auto& e : o_.db.periods[sub]) got += std::chrono::duration_cast<std::chrono::hours>(e.ends_at - e.starts_at).count() / 24;
    w.demand(s && got == days, sub + ": access is as long as it was bought");
    const bool is_in = std::get<member_seen>(o_.persons.look({s->closed_channel_id, s->user_id})).status == member_status::member;
    using enum subscription_access;
    w.demand(is_in ? s->access == inside : s->access == invited || s->access == outside,
             sub + " is " + std::string(to_text(s->access)) + ": it knows whether its user is in");
    int good = 0;
    for (const auto& [url, link] : o_.persons.links)
      good += link.made.chat_id == s->closed_channel_id && !link.revoked && link.used_by == 0
              && link.made.name.starts_with("s" + std::to_string(s->user_id) + "-") && url == s->invite_link;
    w.demand(good == (s->access == invited), sub + ": the link that it has is good");
    for (const auto& [url, link] : o_.persons.links) w.demand(link.used_by == 0 || link.revoked, url + ": a used link is good no more");
  }
  for (const auto& [raw, times] : o_.db.webhooks) w.demand(times > 0, raw);
}

void simulation::judge_payouts() {
  auto& w = o_.w;
  for (const auto& [ref, row] : o_.db.rows) {
    const auto* p = std::get_if<payout>(&row.state);
    if (!p) continue;
    const auto is = to_text(ref) + " is " + std::string(to_text(p->status)) + " (" + p->reason + ")";
    w.demand(has_ended(ref, row.state), is + ": every payout ends; last error: " + row.header.last_error);
    const bool bad = p->status == payout_status::failed || p->status == payout_status::needs_attention;
    w.demand(!bad || (!p->reason.empty() && o_.db.listed(entity_kind::payout, ref.id)), is + ": it says why, and is listed");
    w.demand(p->settled_intent.empty(), is + ": its transfer is acknowledged");
    for (const auto& [id, a] : o_.db.accruals.rows)
      if (a.payout_id == ref.id)
        w.demand(a.status == (p->status == payout_status::completed ? accrual_status::paid : accrual_status::paying),
                 is + ": its accrual says so");
    if (p->status != payout_status::completed) continue;
    const bool token = p->pot == payout_pot::usdt;
    const auto funded = token ? p->funded_usdt.units() : p->funded.units();
    const auto [units, times] = o_.net.received(p->swap_id.empty() ? p->address : p->payin_address, 1, token);
    w.demand(times >= 1 && units >= funded, is + ": its transfer is on the chain");
    w.demand(p->swap_id.empty() || (times == 1 && units == funded), is + ": exactly one deposit was mined");
  }
}

void simulation::judge_chain() {
  auto& w = o_.w;
  std::map<std::pair<std::string, bool>, std::pair<int128, int>> paid;
  int spent = 0;
  for (const auto& [intent, t] : o_.db.transfers) {
    w.demand(is_final(t.row.status), intent + " settles; it is " + std::string(to_text(t.row.status)));
    w.demand(t.row.acknowledged_at.has_value(), intent + " is acknowledged");
    if (t.row.status != transfer_status::dropped) ++spent;
    const bool token = !t.row.token.empty();
    auto& to = paid[{t.row.to, token}];
    if (t.row.status == transfer_status::confirmed) to.first += token ? t.row.token_value.units() : t.row.value.units(), ++to.second;
  }
  for (const auto& [to, want] : paid)
    w.demand(o_.net.received(to.first, 1, to.second) == want, "exactly what is confirmed was mined to " + to.first);
  w.demand(static_cast<int>(o_.net.nonce()) == spent, "one nonce per signed intent");
  // Underpaid or held: whatever was not yet judged is on the chain, but not the wallet's in the books until it was seen.
  const auto same = [&](const char* currency, int128 on_chain) {
    const auto books = o_.db.balance(accounts::wallet, currency);
    w.demand(books == on_chain,
             std::string("the ledger's ") + currency + " is the chain's: " + to_decimal(books) + " and " + to_decimal(on_chain));
  };
  same("eth", o_.net.balance() - unbooked(false));
  same("usdt", o_.net.tokens() * (one_coin / 1'000'000) - unbooked(true));
}

} // namespace paygate::sim
