#include "tests/simulation/simulation.hpp"

#include <iostream>

#include "messages/log.hpp"

namespace paygate::sim {

simulation::simulation(std::uint64_t seed) : system_(seed), o_(seed, system_) {
  o_.w.now = system_.business()->now();
  o_.provider.deliver = [this](const ipn_received& ipn, const nowpayments::ipn_answer& answer) { deliver(ipn, answer); };
  o_.db.after_write = [this, check = o_.db.after_write](const step_record& step, const loaded_entity* before) {
    const auto line = to_text(o_.w.now).substr(11, 12) + " " + to_text(step.ref) + " " + step.message + ": " + step.from_status + " -> "
                      + step.to_status + " (" + step.note + ")\n";
    for (const unsigned char c : line) trace_hash_ = (trace_hash_ ^ c) * 1'099'511'628'211u;
    if (trace) std::cerr << line;
    check(step, before);
  };
  // What the runtime itself calls an error is one.
  set_log_sink([this](log_level, std::string_view event, std::initializer_list<log_field> fields) {
    const bool bad = event == "step_threw" || event == "step_poisoned" || event == "entity_quarantined" || event == "entity_crashed"
                     || event == "update_refused" || event.ends_with("_unexpected_message");
    if (!bad && !trace) return;
    std::string text(event);
    for (const auto& f : fields) text += " " + std::string(f.key) + "=" + f.value;
    if (trace) std::cerr << to_text(o_.w.now).substr(11, 12) << "   " << text << "\n";
    o_.w.demand(!bad, "no entity is in trouble: " + text);
  });
}

simulation::~simulation() {
  nodes_.clear();
  set_log_sink({});
}

node* simulation::acting() { return !nodes_.empty() && nodes_.front()->alive() ? nodes_.front().get() : nullptr; }

void simulation::settle() {
  for (std::size_t n = 0; system_.step(); ++n) {
    if (n > 2'000'000) return o_.w.demand(false, "the actors come to rest");
    // Nothing of a dead process has an effect, so it may be buried a little later.
    if (n % 64 == 0 && !nodes_.empty() && !nodes_.front()->alive()) break;
  }
  for (auto n = nodes_.begin(); n != nodes_.end();) n = (*n)->alive() ? std::next(n) : nodes_.erase(n);
  if (!nodes_.empty() || restart_due_) return;
  restart_due_ = true;
  system_.cancel_timers();
  o_.w.after(milliseconds(born_ == 0 ? 1 : o_.w.between(200, 20'000)), [this] {
    restart_due_ = false;
    nodes_.push_front(std::make_unique<node>(o_, "node" + std::to_string(++born_)));
  });
}

/// Goes to the next thing to happen, in the outside or by a timer of an actor.
bool simulation::advance() {
  settle();
  const auto timer = system_.next_timer();
  const auto agenda = o_.w.next();
  if (!agenda) return false;
  const auto pause = std::max(caf::timespan{0}, std::chrono::duration_cast<caf::timespan>(*agenda - o_.w.now));
  if (timer && *timer < pause) {
    system_.advance(*timer);
    o_.w.now = system_.business()->now();
    return true;
  }
  system_.advance(pause);
  return o_.w.turn();
}

void simulation::every(milliseconds pause, std::function<void()> what) {
  o_.w.after(pause, [this, pause, what] {
    what();
    every(pause, what);
  });
}

void simulation::crash(const char* where) {
  if (auto* n = acting()) n->die(where);
}

/// A second node takes the shards while the first one, frozen for a while, goes on as if nothing had happened.
void simulation::take_over() {
  auto* old = acting();
  if (!old) return;
  old->cut_off();
  o_.db.leases.expires = o_.w.now;
  ++o_.windows["taken_over"];
  nodes_.push_front(std::make_unique<node>(o_, "node" + std::to_string(++born_)));
  o_.w.after(milliseconds(o_.w.between(1'000, 30'000)), [this, name = old->name()] {
    for (auto& n : nodes_)
      if (n->name() == name) n->die("zombie");
  });
}

void simulation::deliver(const ipn_received& ipn, const nowpayments::ipn_answer& answer) {
  auto* n = acting();
  if (!n) return o_.w.after(50ms, [answer] { answer(false); });
  // The one answer may get lost: the connection, or the process, may break.
  auto heard = std::make_shared<bool>(false);
  n->ask({{entity_kind::payment, ipn.payment.order_id}, payment_message(ipn)}, [this, ipn, answer, heard](const entity_reply* reply) {
    if (std::exchange(*heard, true)) return;
    const bool taken = reply && std::holds_alternative<ok>(*reply);
    if (taken) o_.watch.acknowledged(ipn.raw);
    answer(taken && !o_.permille(o_.rates.ipn_lost / 4));
  });
  o_.w.after(11s, [answer, heard] {
    if (!std::exchange(*heard, true)) answer(false);
  });
}

run_result simulation::play() {
  auto& w = o_.w;
  run_result result;
  every(12s, [this] {
    o_.net.mine();
    o_.coins.mine(o_.rules.incoming_confirmations);
    o_.watch.mined(o_.net);
  });
  every(7s, [this] { o_.swaps.turn(); });
  found_business();
  const auto trouble = milliseconds(w.between(600'000, 1'500'000));
  for (unsigned i = 0; i < o_.rates.crashes; ++i) w.after(milliseconds(w.between(1'000, trouble.count())), [this] { crash("random"); });
  for (unsigned i = 0; i < o_.rates.takeovers; ++i) w.after(milliseconds(w.between(1'000, trouble.count())), [this] { take_over(); });
  if (w.chance(30))
    w.after(milliseconds(w.between(60'000, 600'000)), [this] {
      ipn_received ipn;
      ipn.payment.payment_id = "77";
      ipn.payment.order_id = "NOBODYS";
      ipn.raw = "ipn of nobody";
      deliver(ipn, [](bool) {});
    });
  every(milliseconds(w.between(60'000, 240'000)), [this] { operate(); });
  const auto peace = w.now + trouble;
  const auto end = peace + 8h;
  auto look = peace;
  w.at(peace, [this] { o_.w.faults = false; });
  w.at(end, [] {});
  while (w.broken.empty() && w.now < end && advance()) {
    if (w.now < look) continue;
    look = w.now + 20s;
    if (w.now > peace && all_over()) break;
  }
  if (w.broken.empty()) judge();
  if (!w.broken.empty()) result.broken = w.broken.front() + " (at " + to_text(w.now) + ")";
  result.commits = o_.db.commits;
  result.trace = trace_hash_;
  count(result);
  return result;
}

void simulation::count(run_result& result) const {
  for (const auto& [ref, row] : o_.db.rows)
    std::visit([&](const auto& s) { ++result.counts[std::string(to_text(ref.kind)) + " " + std::string(to_text(s.status))]; }, row.state);
  for (const auto& [where, n] : o_.windows) result.counts["crash " + where] += n;
  for (const auto& [intent, t] : o_.db.transfers) {
    result.counts["transfer " + std::string(to_text(t.row.status))] += 1;
    result.counts["transfer raised"] += !t.row.old_hashes.empty();
  }
}

} // namespace paygate::sim
