#include "tests/simulation/checks.hpp"

#include <algorithm>

#include "actors/payment/payment_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/swap/swap.hpp"

namespace paygate::sim {

namespace {

std::string number(int128 n) { return to_integer_text(n); }

struct printer {
  std::string operator()(const create_invoice& r) const { return r.order_id + "|" + number(r.price.units()); }
  std::string operator()(const get_payment& r) const { return r.payment_id; }
  std::string operator()(const find_payments& r) const { return r.invoice_id; }
  std::string operator()(const get_swap_range& r) const { return r.to.ticker; }
  std::string operator()(const estimate_swap& r) const { return r.to.ticker + "|" + number(r.from_amount); }
  std::string operator()(const create_swap& r) const { return r.address + "|" + r.rate_id + "|" + number(r.from_amount); }
  std::string operator()(const get_swap& r) const { return r.swap_id; }
  std::string operator()(const send_message& r) const { return std::to_string(r.chat_id) + "|" + r.html; }
  std::string operator()(const answer_callback& r) const { return r.callback_id; }
  std::string operator()(const delete_message& r) const { return std::to_string(r.chat_id) + "|" + std::to_string(r.message_id); }
  std::string operator()(const send_batch& r) const { return std::to_string(r.chats.size()) + "|" + r.html; }
  std::string operator()(const get_audience& r) const { return std::to_string(r.channel_id) + "|" + to_text(r.at); }
  std::string operator()(const get_recipients& r) const { return std::to_string(r.channel_id) + "|" + std::to_string(r.after); }
  std::string operator()(const get_due_posts& r) const { return to_text(r.at); }
  std::string operator()(const create_invite& r) const { return std::to_string(r.chat_id) + "|" + r.name; }
  std::string operator()(const revoke_invite& r) const { return r.link; }
  std::string operator()(const get_member& r) const { return std::to_string(r.chat_id) + "|" + std::to_string(r.user_id); }
  std::string operator()(const ban_member& r) const { return std::to_string(r.chat_id) + "|" + std::to_string(r.user_id); }
  std::string operator()(const unban_member& r) const { return std::to_string(r.chat_id) + "|" + std::to_string(r.user_id); }
  std::string operator()(const approve_join& r) const { return std::to_string(r.chat_id) + "|" + std::to_string(r.user_id); }
  std::string operator()(const poll_updates& r) const { return std::to_string(r.offset); }
  std::string operator()(const get_updates& r) const { return std::to_string(r.offset); }
  std::string operator()(const sign_tx& r) const {
    return std::to_string(r.tx.nonce) + "|" + r.tx.to + "|" + number(r.tx.value) + "|" + number(r.tx.max_fee);
  }
  std::string operator()(const get_chain_quote& r) const { return r.to + "|" + number(r.value); }
  std::string operator()(const broadcast_tx& r) const { return r.raw; }
  std::string operator()(const get_receipts& r) const { return r.hashes.empty() ? "" : r.hashes.back(); }
  std::string operator()(const get_transfer& r) const { return r.hash; }
  std::string operator()(const get_wallet& r) const { return r.address; }
  std::string operator()(const get_usd_price& r) const { return r.currency; }
  std::string operator()(const get_token_transfer& r) const { return r.hash; }
  std::string operator()(const get_claim& r) const { return r.claimant; }
  std::string operator()(const get_gathered&) const { return {}; }
  std::string operator()(const get_due_payouts&) const { return {}; }
  std::string operator()(const find_arrival& r) const { return r.hash + "|" + r.currency; }
  std::string operator()(const get_allowance& r) const { return r.payout_id; }
  // Reconciliation has no part in the simulation: it lives on SQL and on whole blocks.
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }
};

} // namespace

std::string fingerprint(const io_request& request) {
  // The intake turns the poller's request into the plain one.
  const bool poll = std::holds_alternative<poll_updates>(request) || std::holds_alternative<get_updates>(request);
  return (poll ? std::string("updates") : std::string(name_of(request))) + ":" + std::visit(printer{}, request);
}

checks::checks(world& w, database& db, const policy& rules) : w_(w), db_(db), rules_(rules) {
  db.before_write = [this](const step_record& step, const loaded_entity* old) { before(step, old); };
  db.after_write = [this](const step_record& step, const loaded_entity* old) { after(step, old); };
}

void checks::before(const step_record& step, const loaded_entity* old) {
  const auto name = to_text(step.ref) + " " + step.message;
  w_.demand(step.epoch == db_.table.leases[step.shard].epoch, name + ": single writer, no commit under an old epoch");
  w_.demand(step.shard == shard_of(step.ref), name + ": in its shard");
  if (!step.writes_row) return;
  const auto version = old ? old->header.version : 0;
  w_.demand(step.header.version == version + 1, name + ": a version follows the one before");
  w_.demand(step.header.quarantine.empty(), name + ": nothing is quarantined: " + step.header.quarantine);
  if (old) {
    const auto why = step_back(old->state, step.state, db_, step.ref);
    w_.demand(why.empty(), name + ": no row goes backwards: " + why);
  }
  asked_for(step, old);
}

/// "payout/<id>/<try>": the one that asks for it has committed to exactly this, or to something later.
bool checks::released(const wallet_transfer& t) const {
  const auto slash = t.intent.find('/');
  const auto kind = parse_enum<entity_kind>(t.intent.substr(0, slash));
  const auto id = t.intent.substr(slash + 1, t.intent.rfind('/') - slash - 1);
  const auto asks = [&](const auto* p) {
    if (!p) return false;
    const auto to = p->swap_id.empty() ? p->address : p->payin_address;
    const bool exactly = transfer_intent(*p, {*kind, id}) == t.intent && t.to == to
                         && funded_units(*p) == (t.token.empty() ? t.value.units() : t.token_value.units());
    return (p->funding_released && exactly) || p->swap_tries > 0;
  };
  if (kind == entity_kind::payout) return asks(db_.find<payout>(*kind, id));
  return kind == entity_kind::conversion && asks(db_.find<conversion>(*kind, id));
}

/// What one entity asks another for rests on a commit of the asking one.
void checks::asked_for(const step_record& step, const loaded_entity* old) {
  const auto name = to_text(step.ref);
  if (const auto* c = std::get_if<conversation>(&step.state); c && c->status == conversation_status::ordering) ordered_.insert(c->order_id);
  if (!old && step.ref.kind == entity_kind::payment)
    w_.demand(ordered_.count(step.ref.id) != 0, name + ": an order was committed by its conversation first");
  if (const auto* p = std::get_if<payout>(&step.state); p && !old && !p->order_id.empty()) {
    const auto of = db_.load({entity_kind::payment, p->order_id});
    const auto& all = std::get<payment>(of.state).deposits;
    const bool owed = std::any_of(all.begin(), all.end(), [&](const deposit& d) {
      return d.settled_at && d.arrived_at && d.net_eth == p->source
             && payout_id_of(std::get<payment>(of.state), d, p->order_id) == step.ref.id;
    });
    w_.demand(owed, name + ": a payout takes exactly what arrived for its deposit");
  }
  for (const auto& side : step.rows) {
    if (const auto* t = std::get_if<wallet_transfer>(&side); t && !db_.transfers.count(t->intent)) {
      w_.demand(released(*t), t->intent + ": a transfer was released by its payout or conversion first");
    } else if (const auto* e = std::get_if<subscription_period>(&side)) {
      const auto* p = db_.find<payment>(entity_kind::payment, e->order_id);
      w_.demand(p && p->status == payment_status::paid, name + ": access is given for a paid order");
    }
  }
}

void checks::after(const step_record& step, const loaded_entity* old) {
  if (!step.entries.empty() || !step.rows.empty()) {
    std::map<std::string, int128> sums;
    for (const auto& [key, units] : db_.balances) sums[key.second] += units;
    for (const auto& [currency, sum] : sums) w_.demand(sum == 0, "the ledger sums to zero in " + currency + " after " + to_text(step.ref));
  }
  if (!step.writes_row) return;
  const auto now = db_.load(step.ref);
  owes(step, now);
  // State and rows cannot part. A conversation's terms live in memory alone; a wallet lets go of what was acknowledged a while ago.
  const auto name = to_text(step.ref) + " " + step.message;
  if (const auto* p = std::get_if<payment>(&step.state))
    w_.demand(*p == std::get<payment>(now.state), name + ": deposits as written");
  else if (const auto* s = std::get_if<subscription>(&step.state))
    w_.demand(*s == std::get<subscription>(now.state), name + ": periods as written");
  else if (const auto* v = std::get_if<wallet>(&step.state)) {
    for (const auto& t : v->transfers) w_.demand(db_.transfers.at(t.intent).row == t, name + ": transfer as written: " + t.intent);
    for (const auto& [intent, t] : db_.transfers)
      w_.demand(t.row.acknowledged_at
                    || std::any_of(v->transfers.begin(), v->transfers.end(), [&, &i = intent](const auto& o) { return o.intent == i; }),
                name + ": the wallet knows " + intent);
  }
}

/// Remembers what is owed from here on, and that somebody will wake it.
void checks::owes(const step_record& step, const loaded_entity& now) {
  // By the clock of the node that decided.
  const auto at = step.header.updated_at;
  const auto due = effects_of(now.state, step.ref, at, rules_);
  auto earliest = timestamp::max();
  for (const auto& e : due) {
    earliest = std::min(earliest, e.not_before);
    if (const auto* io = std::get_if<io_request>(&e.request)) owed_.insert(fingerprint(*io));
  }
  // A broadcast's terms and recipients live in memory alone; the bulk mailer takes its batches apart.
  if (std::holds_alternative<broadcast>(step.state))
    for (const auto& e : effects_of(step.state, step.ref, at, rules_)) {
      const auto* io = std::get_if<io_request>(&e.request);
      if (!io) continue;
      owed_.insert(fingerprint(*io));
      if (const auto* batch = std::get_if<send_batch>(io))
        for (const auto chat : batch->chats) owed_.insert(fingerprint(send_message{chat, batch->html, batch->buttons, urgency::broadcast}));
    }
  if (due.empty()) return;
  const auto& wake = step.header.wake_at;
  w_.demand(wake && *wake <= std::max(earliest, at + 125s), to_text(step.ref) + " " + step.message + ": owes something and has no wake-up");
}

void checks::called(const io_request& request) {
  w_.demand(owed_.count(fingerprint(request)) != 0, "no effect before its commit: " + fingerprint(request));
}

void checks::acknowledged(const std::string& raw) {
  w_.demand(db_.webhooks.count(raw) != 0, "an acknowledged IPN is in the store: " + raw);
}

void checks::mined(const chain& net) {
  std::map<std::pair<std::string, bool>, std::pair<int128, int>> wanted;
  for (const auto& [intent, t] : db_.transfers) {
    auto& to = wanted[{t.row.to, !t.row.token.empty()}];
    to.first += t.row.token.empty() ? t.row.value.units() : t.row.token_value.units();
    ++to.second;
  }
  for (const auto& [to, want] : wanted) {
    const auto [units, times] = net.received(to.first, 1, to.second);
    w_.demand(times <= want.second && units <= want.first, "at most one mined transfer per intent to " + to.first);
    w_.demand(times != want.second || units == want.first, "with the value of its intent to " + to.first);
  }
}

} // namespace paygate::sim
