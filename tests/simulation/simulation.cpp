#include "tests/simulation/simulation.hpp"

#include <iostream>

#include "messages/log.hpp"

namespace paygate::sim {

simulation::simulation(std::uint64_t seed) : o_(seed) {
  o_.w.now = timestamp(std::chrono::hours(24 * 365 * 50));
  o_.process_of = [this](const std::string& name) -> node* {
    for (auto& s : slots_)
      if (s.name == name && s.process && s.process->alive()) return s.process.get();
    return nullptr;
  };
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
  slots_.clear();
  set_log_sink({});
}

/// Some node that lives, it may be asleep: where the load balancer sends somebody.
node* simulation::any() {
  std::vector<node*> alive;
  for (auto& s : slots_)
    if (s.process && s.process->alive()) alive.push_back(s.process.get());
  return alive.empty() ? nullptr : alive[o_.w.random() % alive.size()];
}

/// One that is at work.
node* simulation::acting() {
  auto* n = any();
  return n && !n->asleep() ? n : nullptr;
}

void simulation::boot(std::size_t index) {
  auto& s = slots_[index];
  if (!s.process) s.process = std::make_unique<node>(o_, s.name, ++born_);
}

void simulation::bury(std::size_t index) {
  auto& s = slots_[index];
  const bool left = s.process->has_left();
  s.process.reset();
  s.stays_away = left && o_.w.faults;
  const auto pause = left ? o_.w.between(5'000, 300'000) : o_.w.between(200, 20'000);
  o_.w.after(milliseconds(pause), [this, index] { boot(index); });
}

void simulation::settle() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& process = slots_[i].process;
    if (!process) continue;
    process->run();
    // Nothing of a dead process has an effect.
    if (!process->alive()) bury(i);
  }
}

/// Goes to the next thing to happen, in the outside or by a timer of an actor.
bool simulation::advance() {
  settle();
  const auto agenda = o_.w.next();
  if (!agenda) return false;
  auto timer = timestamp::max();
  for (auto& s : slots_)
    if (s.process)
      if (const auto next = s.process->next_timer()) timer = std::min(timer, *next);
  const bool agenda_first = *agenda <= timer;
  o_.w.now = std::max(o_.w.now, std::min(*agenda, timer));
  for (auto& s : slots_)
    if (s.process) s.process->follow();
  return agenda_first ? o_.w.turn() : true;
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

/// What happens to nodes and between them while there is trouble.
void simulation::trouble_nodes(milliseconds trouble) {
  auto& w = o_.w;
  const auto sometime = [&](std::function<void()> what) { w.after(milliseconds(w.between(1'000, trouble.count())), std::move(what)); };
  const auto how_long = [&w] { return milliseconds(w.chance(50) ? w.between(500, 12'000) : w.between(12'000, 90'000)); };
  for (unsigned i = 0; i < o_.rates.crashes; ++i) sometime([this] { crash("random"); });
  for (unsigned i = 0; i < o_.rates.pauses; ++i)
    sometime([=, this] {
      if (auto* n = acting()) ++o_.windows["node asleep"], n->pause(how_long());
    });
  for (unsigned i = 0; i < o_.rates.cuts; ++i)
    sometime([=, this] {
      auto* n = any();
      if (!n) return;
      const auto& other = slots_[o_.w.random() % slots_.size()].name;
      if (other == n->name() || o_.w.chance(30))
        ++o_.windows["node without database"], n->cut_off(how_long());
      else
        ++o_.windows["nodes without each other"], o_.net_between.cut(n->name(), other, how_long());
    });
  for (unsigned i = 0; i < o_.rates.outages; ++i)
    sometime([=, this] {
      const auto span = how_long();
      ++o_.windows["database away"];
      o_.database_away_until = std::max(o_.database_away_until, o_.w.now + span);
      o_.w.after(span, [this, span] {
        for (auto& s : slots_)
          if (s.process) s.process->database_is_back(span);
      });
    });
  for (unsigned i = 0; i < o_.rates.leaves; ++i)
    sometime([this] {
      if (auto* n = acting(); n && slots_.size() > 1) n->leave();
    });
}

void simulation::deliver(const ipn_received& ipn, const nowpayments::ipn_answer& answer) {
  auto* n = any();
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
  // Some clusters are born whole, others grow.
  const auto size = w.chance(25) ? 1 : w.chance(30) ? 2 : 3;
  for (int i = 1; i <= size; ++i) slots_.push_back({"node-" + std::to_string(i), nullptr});
  for (std::size_t i = 0; i < slots_.size(); ++i)
    w.after(milliseconds(i == 0 ? 1 : w.between(1, w.chance(50) ? 2'000 : 400'000)), [this, i] { boot(i); });
  found_business();
  const auto trouble = milliseconds(w.between(600'000, 1'500'000));
  trouble_nodes(trouble);
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
    if (w.now > peace + 5min && all_over()) break;
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
  for (const auto& [what, n] : o_.truth.seen) result.counts["lease " + what] += n;
  for (const auto& [what, n] : o_.net_between.seen) result.counts["letter " + what] += n;
  result.counts["nodes " + std::to_string(slots_.size())] = 1;
  for (const auto& [intent, t] : o_.db.transfers) {
    result.counts["transfer " + std::string(to_text(t.row.status))] += 1;
    result.counts["transfer raised"] += !t.row.old_hashes.empty();
  }
}

} // namespace paygate::sim
