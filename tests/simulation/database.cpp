#include "tests/simulation/database.hpp"

#include <algorithm>

#include "actors/wallet/wallet_machine.hpp"
#include "tests/simulation/planted.hpp"
#include "tests/support/empty_snapshot.hpp"

namespace paygate::sim {

std::string transfer_objection(const wallet_transfer& old, const wallet_transfer& next) {
  if (next.wallet != old.wallet || next.to != old.to || next.value != old.value) return "wallet, recipient and value never change";
  if (next.token != old.token || next.token_value != old.token_value) return "token and value never change";
  if (next.memo != old.memo) return "the account that pays never changes";
  if (old.nonce >= 0 && next.nonce != old.nonce) return "a nonce never changes";
  if (!old.raw.empty() && (next.raw.empty() || next.hash.empty())) return "signed bytes are never forgotten";
  if (next.status < old.status) return "a status never goes back";
  if (is_final(old.status) && (next.status != old.status || next.hash != old.hash || next.gas_used != old.gas_used)) return "it is final";
  if (next.status == transfer_status::dropped && old.status != transfer_status::queued && old.status != transfer_status::dropped)
    return "it has a nonce and cannot be dropped";
  if (next.acknowledged_at && !is_final(old.status)) return "only a final transfer is acknowledged";
  if (old.acknowledged_at && next.acknowledged_at != old.acknowledged_at) return "it is acknowledged once";
  return "";
}

std::string database::object_ledger(const step_record& step) const {
  std::set<std::string> fresh;
  for (const auto& entry : step.entries) {
    if (ledger_keys_.count(entry.key) || !fresh.insert(entry.key).second) return "ledger key used twice: " + entry.key;
    if (entry.postings.empty()) return "ledger entry without postings: " + entry.key;
    std::map<std::string, int128> sums;
    for (const auto& p : entry.postings) {
      if (p.units == 0 || p.account.empty() || p.currency.empty()) return "empty posting in " + entry.key;
      sums[p.currency] += p.units;
    }
    for (const auto& [currency, sum] : sums)
      if (sum != 0) return "ledger entry does not balance: " + entry.key;
  }
  return "";
}

std::string database::object_row(const step_record& step) const {
  if (!step.writes_row) return "";
  if (const auto* p = std::get_if<payment>(&step.state)) {
    const bool judged = p->status == payment_status::underpaid || p->status == payment_status::held || p->status == payment_status::paid;
    if (judged && !p->judged_at) return "judged_has_time";
  } else if (const auto* s = std::get_if<subscription>(&step.state)) {
    if (s->access == subscription_access::invited && (s->invite_link.empty() || !s->invite_expires_at)) return "invited_has_link";
    if (s->access == subscription_access::admitting && !s->requested_at) return "asking_has_time";
  } else if (const auto* out = std::get_if<payout>(&step.state)) {
    const bool sent =
        out->status == payout_status::confirming || out->status == payout_status::exchanging || out->status == payout_status::completed;
    if (out->funded > out->source) return "funded_within_source";
    if (out->funded_usdt > out->source_usdt) return "funded_within_source_usdt";
    const bool token = out->pot == payout_pot::usdt;
    const auto spent = out->lost + (token ? out->funded_usdt.units() : out->funded.units());
    if (out->lost < 0 || spent > (token ? out->source_usdt.units() : out->source.units())) return "funded_within_rest";
    if (sent && out->tx_hash.empty()) return "sent_has_transaction";
  }
  return object_gathering(step);
}

std::string database::object_gathering(const step_record& step) const {
  const auto* c = std::get_if<conversion>(&step.state);
  if (!c) return "";
  using enum conversion_status;
  const bool sent = c->status == confirming || c->status == exchanging || c->status == receiving || c->status == completed;
  if (c->lost < 0 || c->lost + c->funded.units() > c->source.units()) return "funded_within_rest";
  if (sent && c->tx_hash.empty()) return "sent_has_transaction";
  if (c->status != completed) return "";
  if (!c->received.is_positive()) return "completed_has_received";
  for (const auto& [ref, row] : rows) {
    const auto* other = std::get_if<conversion>(&row.state);
    if (other && ref != step.ref && other->status == completed && other->payout_hash == c->payout_hash) return "conversion_payout_hash";
  }
  return "";
}

std::string database::objection(const step_record& step) const {
  if (auto why = object_ledger(step); !why.empty()) return why;
  if (auto why = object_row(step); !why.empty()) return why;
  const bool guarded = active_fault != planted::forget_intent && active_fault != planted::new_nonce;
  // Parents are written before children, in whatever order the step names them.
  std::set<std::string> new_deposits;
  for (const auto& side : step.rows)
    if (const auto* d = std::get_if<deposit>(&side)) new_deposits.insert(d->payment_id);
  for (const auto& side : step.rows) {
    if (const auto* d = std::get_if<deposit>(&side)) {
      const auto owner = deposit_owner_.find(d->payment_id);
      if (owner != deposit_owner_.end() && owner->second != d->order_id) return "deposit of another order: " + d->payment_id;
      const bool shared = d->gross_eth == d->fee_eth + d->net_eth && d->gross_usd == d->fee_usd + d->net_usd;
      if (d->settled_at && !shared && !(d->fee_eth.is_zero() && d->net_eth.is_zero())) return "shares do not sum: " + d->payment_id;
    } else if (const auto* p = std::get_if<subscription_period>(&side)) {
      const auto owner = period_owner_.find(p->order_id);
      if (owner != period_owner_.end() && owner->second != p->subscription_id) return "period of another subscription: " + p->order_id;
      if (p->ends_at < p->starts_at) return "ends_after_start";
    } else if (const auto* t = std::get_if<wallet_transfer>(&side)) {
      const bool token = !t->token.empty();
      if (token ? !t->value.is_zero() || !t->token_value.is_positive() : !t->value.is_positive() || !t->token_value.is_zero())
        return "pays_something";
      if (t->nonce < 0 && t->status != transfer_status::queued && t->status != transfer_status::dropped) return "prepared_has_nonce";
      if (t->nonce >= 0)
        for (const auto& [intent, other] : transfers)
          if (intent != t->intent && other.row.nonce == t->nonce) return "two transfers share a nonce";
      const auto old = transfers.find(t->intent);
      if (guarded && old != transfers.end())
        if (auto why = transfer_objection(old->second.row, *t); !why.empty()) return t->intent + ": " + why;
    } else if (const auto* came = std::get_if<arrival_claimed>(&side)) {
      if (const auto who = counted_for(came->hash, came->currency); !who.empty()) return came->hash + " was counted for " + who;
    } else if (const auto* a = std::get_if<accrual_opened>(&side)) {
      if (accruals.rows.count(a->payment_id)) return "accrual exists: " + a->payment_id;
      if (!deposit_owner_.count(a->payment_id) && !new_deposits.count(a->payment_id)) return "accrual without deposit: " + a->payment_id;
      if (a->gross_eth != a->fee_eth + a->net_eth || a->gross_usd != a->fee_usd + a->net_usd) return "accrual shares do not sum";
    }
  }
  return "";
}

commit_result database::commit(const step_record& step, const std::string& node) {
  const bool holds = table.holds(node, step.shard, step.epoch);
  if (!holds && active_fault != planted::skip_epoch_guard) return {commit_outcome::lease_lost, "the lease is gone"};
  const auto at = rows.find(step.ref);
  const auto version = at == rows.end() ? 0 : at->second.header.version;
  if (step.writes_row && version + 1 != step.header.version && active_fault != planted::skip_version_guard)
    return {commit_outcome::version_conflict, "the row is at " + std::to_string(version)};
  if (auto why = objection(step); !why.empty()) {
    w_.demand(false, to_text(step.ref) + ": the database refuses " + step.message + ": " + why);
    return {commit_outcome::poison, why};
  }
  const auto before = at == rows.end() ? loaded_entity{} : load(step.ref);
  if (before_write) before_write(step, at == rows.end() ? nullptr : &before);
  write(step);
  ++commits;
  if (after_write) after_write(step, at == rows.end() ? nullptr : &before);
  return {};
}

void database::post(const ledger_entry& entry) {
  ledger_keys_.insert(entry.key);
  for (const auto& p : entry.postings) balances[{p.account, p.currency}] += p.units;
}

void database::write_row(const step_record& step) {
  auto& row = rows[step.ref];
  row = {step.header, step.state};
  if (auto* p = std::get_if<payment>(&row.state)) p->deposits.clear();
  if (auto* s = std::get_if<subscription>(&row.state)) s->periods.clear();
  if (auto* v = std::get_if<wallet>(&row.state)) v->transfers.clear();
  if (auto* c = std::get_if<conversation>(&row.state)) c->terms.reset();
  if (auto* s = std::get_if<scheduler>(&row.state)) s->due.reset(), s->posts.reset();
  if (auto* b = std::get_if<broadcast>(&row.state)) b->page.reset(), b->terms.reset();
}

void database::write_side(const step_record& step, const side_row& side) {
  if (const auto* d = std::get_if<deposit>(&side)) {
    deposit_owner_[d->payment_id] = d->order_id;
    if (d->arrived_at) accruals.arrived(d->payment_id);
    auto& all = deposits[d->order_id];
    const auto old = std::find_if(all.begin(), all.end(), [&](const auto& o) { return o.payment_id == d->payment_id; });
    old == all.end() ? all.push_back(*d) : void(*old = *d);
  } else if (const auto* p = std::get_if<subscription_period>(&side)) {
    period_owner_[p->order_id] = p->subscription_id;
    auto& all = periods[p->subscription_id];
    const auto old = std::find_if(all.begin(), all.end(), [&](const auto& o) { return o.order_id == p->order_id; });
    old == all.end() ? all.push_back(*p) : void(*old = *p);
  } else if (const auto* t = std::get_if<wallet_transfer>(&side)) {
    auto& kept = transfers[t->intent];
    if (kept.row.intent.empty()) kept.seq = transfers.size();
    kept.row = *t;
  } else if (const auto* e = std::get_if<webhook_event>(&side)) {
    ++webhooks[e->raw];
  } else if (const auto* a = std::get_if<accrual_opened>(&side)) {
    const auto& of = deposits[a->order_id];
    const bool here = std::any_of(of.begin(), of.end(), [&](const auto& o) { return o.payment_id == a->payment_id && o.arrived_at; });
    accruals.open(*a, w_.now, here);
  } else if (const auto* end = std::get_if<accrual_closed>(&side)) {
    accruals.close(*end);
  } else if (const auto* came = std::get_if<arrival_claimed>(&side)) {
    arrivals[{came->hash, came->currency}] = to_text(step.ref);
  } else if (const auto* part = std::get_if<allowance_claimed>(&side)) {
    allow(step.ref.id, *part);
  } else if (std::holds_alternative<allowance_returned>(side)) {
    allowances[step.ref.id].returned = true;
  } else if (const auto* f = std::get_if<failure_listed>(&side)) {
    failures[step.ref] = *f;
  }
}

void database::write(const step_record& step) {
  if (step.writes_row) write_row(step);
  for (const auto& entry : step.entries) post(entry);
  for (const auto& side : step.rows) write_side(step, side);
  // What is set free comes before what claims.
  for (const auto& side : step.rows)
    if (const auto* end = std::get_if<conversion_closed>(&side))
      if (const auto entry = accruals.close(step.ref.id, end->received, end->left)) post(*entry);
  for (const auto& side : step.rows)
    if (const auto* wanted = std::get_if<claim_accruals>(&side))
      if (const auto entry = accruals.claim(step.ref, *wanted)) post(*entry);
}

// --- what the books tell ---

io_outcome database::ask(const io_request& request) const {
  if (const auto* r = std::get_if<get_claim>(&request)) {
    const auto claim = accruals.claim_of(r->claimant);
    return claim ? io_outcome{*claim} : io_failure{fault::transient, "not_found", "", std::nullopt};
  }
  if (const auto* r = std::get_if<find_arrival>(&request)) return arrival_seen{counted_for(r->hash, r->currency)};
  if (const auto* r = std::get_if<get_allowance>(&request)) {
    const auto at = allowances.find(r->payout_id);
    return at != allowances.end() ? io_outcome{at->second.seen} : io_failure{fault::transient, "not_found", "", std::nullopt};
  }
  if (const auto* r = std::get_if<find_channels>(&request)) {
    channels_found found;
    for (const auto& [ref, row] : rows)
      if (const auto* c = std::get_if<channel>(&row.state); c && (c->closed_channel_id == r->channel_id || c->open_channel_id == r->channel_id))
        found.channels.push_back({c->open_channel_id, c->closed_channel_id, c->closed_title});
    return found;
  }
  if (const auto* r = std::get_if<find_other_access>(&request)) {
    other_access_seen seen;
    for (const auto& [ref, row] : rows)
      if (const auto* s = std::get_if<subscription>(&row.state); s && s->user_id == r->user_id && s->closed_channel_id == r->closed_channel_id
                                                                 && s->channel_id != r->channel_id && s->ends_at > std::max(r->at, seen.ends_at))
        seen = {s->channel_id, s->ends_at};
    return seen;
  }
  if (const auto* r = std::get_if<get_waiting>(&request)) {
    std::set<std::int64_t> users;
    for (const auto& [ref, row] : rows)
      if (const auto* s = std::get_if<subscription>(&row.state);
          s && s->channel_id == r->channel_id && !s->trouble.empty() && s->user_id > r->after)
        users.insert(s->user_id);
    waiting_seen seen;
    for (const auto user : users)
      if (seen.user_ids.size() < r->limit) seen.user_ids.push_back(user);
    return seen;
  }
  if (std::holds_alternative<get_gathered>(request)) return accruals.gathered();
  if (std::holds_alternative<get_wallet_books>(request)) return wallet_books();
  if (const auto* r = std::get_if<get_due_posts>(&request)) return due_posts(*r);
  if (const auto* r = std::get_if<get_audience>(&request))
    return audience_seen{static_cast<std::int64_t>(subscribers(r->channel_id, r->at).size())};
  if (const auto* r = std::get_if<get_recipients>(&request)) {
    recipients_seen seen;
    for (const auto& one : subscribers(r->channel_id, r->at))
      if (one.user_id > r->after && seen.people.size() < r->limit) seen.people.push_back(one);
    return seen;
  }
  return due(std::get<get_due_payouts>(request).limit);
}

std::vector<recipient> database::subscribers(std::int64_t channel_id, timestamp at) const {
  std::map<std::int64_t, std::int64_t> found;
  for (const auto& [ref, row] : rows)
    if (const auto* s = std::get_if<subscription>(&row.state); s && s->channel_id == channel_id && s->starts_at <= at && s->ends_at > at)
      found[s->user_id] = s->chat_id;
  std::vector<recipient> all;
  for (const auto& [user, chat] : found) all.push_back({user, chat});
  return all;
}

due_posts_seen database::due_posts(const get_due_posts& request) const {
  std::vector<std::pair<timestamp, due_post>> found;
  for (const auto& [ref, row] : rows) {
    const auto* c = std::get_if<channel>(&row.state);
    if (!c || (c->status != channel_status::registered && c->status != channel_status::offered)) continue;
    for (const auto& [what, at] :
         {std::pair{broadcast_what::offer, c->posts.offer_due_at}, {broadcast_what::donation, c->posts.donation_due_at}})
      if (at && *at <= request.at && !rows.count({entity_kind::broadcast, scheduled_broadcast_id(c->open_channel_id, what, *at)}))
        found.emplace_back(*at, due_post{c->open_channel_id, what, *at});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  due_posts_seen seen;
  for (const auto& [at, post] : found)
    if (seen.due.size() < request.limit) seen.due.push_back(post);
  return seen;
}

wallet_books_seen database::wallet_books() const {
  wallet_books_seen seen;
  for (const auto& [key, units] : balances) {
    const auto& [account, currency] = key;
    const bool asset = account.starts_with("assets:");
    if (currency == "eth" && account == accounts::wallet) seen.ledger += units;
    if (currency == "eth" && account == accounts::incoming) seen.incoming += units;
    if (account == accounts::wallet || !(asset || account.starts_with("owner:") || account.starts_with("liability:"))) continue;
    if (currency == "eth") seen.owed -= units;
    if (currency == "usdt") seen.owed_usdt -= units;
  }
  return seen;
}

std::string database::counted_for(const std::string& hash, const std::string& currency) const {
  if (const auto at = arrivals.find({hash, currency}); at != arrivals.end()) return at->second;
  for (const auto& [order, all] : deposits)
    for (const auto& d : all)
      if (currency == "eth" && d.arrived_at && !hash.empty() && d.payout_hash == hash) return "payment/" + order;
  return "";
}

void database::allow(const std::string& id, const allowance_claimed& wanted) {
  usd_amount channel, total;
  for (const auto& [other, a] : allowances) {
    if (other == id || !a.seen.granted || a.returned || a.at <= w_.now - 24h) continue;
    total = total + a.net;
    if (a.channel == wanted.channel_id) channel = channel + a.net;
  }
  const auto fits = [&](usd_amount had, usd_amount most) { return !most.is_positive() || had + wanted.net <= most; };
  const bool granted = wanted.approved || (fits(channel, wanted.channel_max) && fits(total, wanted.total_max));
  const auto known = allowances.find(id);
  if (known == allowances.end())
    allowances[id] = {wanted.channel_id, wanted.net, w_.now, false, {granted, channel, total}};
  else if (wanted.approved)
    known->second.seen.granted = true, known->second.at = w_.now;
}

due_payouts_seen database::due(std::uint32_t limit) const {
  // As in persistence/books.cpp: the newest word of a day about the pair's minimum, and no channel with an open failure.
  const auto minimum = [&](const channel& c, payout_pot of) {
    std::pair<timestamp, int128> newest{w_.now - 24h, 0};
    for (const auto& [ref, row] : rows)
      if (const auto* p = std::get_if<payout>(&row.state))
        if (p->target == c.payout_asset && p->pot == of && p->pair_minimum > 0 && row.header.updated_at > newest.first)
          newest = {row.header.updated_at, p->pair_minimum};
    return newest.second;
  };
  const auto failed = [&](std::int64_t id) {
    return std::any_of(failures.begin(), failures.end(), [&](const auto& f) {
      const auto* p = f.first.kind == entity_kind::payout ? find<payout>(entity_kind::payout, f.first.id) : nullptr;
      return p && p->status == payout_status::failed && p->channel_id == id;
    });
  };
  std::vector<std::pair<timestamp, due_payout>> found;
  for (const auto& [key, pot] : accruals.pots()) {
    const auto* c = find<channel>(entity_kind::channel, std::to_string(key.first));
    if (!c || pot.units <= 0 || c->payout_address.empty() || pot.units < minimum(*c, key.second) || failed(key.first)) continue;
    const bool reached = key.second == payout_pot::usdt && pot.units >= c->threshold.units();
    if (c->strategy != payout_strategy::instant && !reached) continue;
    found.push_back({pot.oldest, {key.first, c->owner_chat_id, c->payout_asset, c->payout_address, c->payout_extra_id, key.second}});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.first, a.second.channel_id, a.second.pot) < std::tuple(b.first, b.second.channel_id, b.second.pot);
  });
  due_payouts_seen seen;
  for (auto& [oldest, each] : found)
    if (seen.due.size() < limit) seen.due.push_back(std::move(each));
  return seen;
}

loaded_entity database::load(const entity_ref& ref) const {
  const auto at = rows.find(ref);
  if (at == rows.end()) return {{}, test::empty_snapshot(ref.kind)};
  auto found = at->second;
  if (auto* p = std::get_if<payment>(&found.state)) {
    if (const auto all = deposits.find(ref.id); all != deposits.end()) p->deposits = all->second;
  } else if (auto* s = std::get_if<subscription>(&found.state)) {
    if (const auto all = periods.find(ref.id); all != periods.end()) s->periods = all->second;
  } else if (auto* v = std::get_if<wallet>(&found.state)) {
    std::vector<const transfer_row*> list;
    for (const auto& [intent, t] : transfers)
      if (t.row.wallet == ref.id && (!t.row.acknowledged_at || w_.now - *t.row.acknowledged_at < 1h)) list.push_back(&t);
    std::sort(list.begin(), list.end(), [](const auto* a, const auto* b) {
      return std::tuple(a->row.nonce < 0, a->row.nonce, a->seq) < std::tuple(b->row.nonce < 0, b->row.nonce, b->seq);
    });
    for (const auto* t : list) v->transfers.push_back(t->row);
  }
  return found;
}

wake_list database::scan(timestamp from, timestamp to, std::uint32_t limit, const shard_list& shards) const {
  std::vector<std::pair<timestamp, const entity_ref*>> due;
  for (const auto& [ref, row] : rows) {
    const auto& wake = row.header.wake_at;
    if (!wake || !row.header.quarantine.empty() || *wake <= from || *wake > to) continue;
    if (std::find(shards.begin(), shards.end(), shard_of(ref)) == shards.end()) continue;
    due.emplace_back(*wake, &ref);
  }
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  wake_list list;
  auto last = to;
  for (const auto& [at, ref] : due) {
    // WITH TIES: a page ends where the next row is of a later instant.
    if (list.refs.size() >= limit && at != last) break;
    const bool forgotten = active_fault == planted::drop_wake_up && std::hash<std::string>{}(to_text(*ref)) % 3 == 0;
    list.refs.push_back(forgotten ? entity_ref{entity_kind::poller, "main"} : *ref);
    last = at;
  }
  list.more = list.refs.size() >= limit && last < to;
  list.scanned_to = list.more ? last : to;
  return list;
}

bool database::holds_hash(const std::string& hash) const {
  return std::any_of(transfers.begin(), transfers.end(), [&](const auto& t) {
    const auto all = hashes_of(t.second.row);
    return std::find(all.begin(), all.end(), hash) != all.end();
  });
}

} // namespace paygate::sim
