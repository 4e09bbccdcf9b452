#include "actors/runtime/shard.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include <caf/all.hpp>

#include "actors/runtime/backoff.hpp"
#include "actors/runtime/inspect.hpp"
#include "actors/runtime/resident.hpp"
#include "actors/runtime/stats.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using load_again_atom = caf::atom_constant<caf::atom("loadagain")>;
using gone_atom = caf::atom_constant<caf::atom("gone")>;

struct shard_state {
  std::uint32_t shard = 0;
  std::uint64_t epoch = 0;
  loader_actor loader;
  ports_ptr ports;
  std::unordered_map<ref_ptr, resident, ref_hash, ref_equal> residents;
  caf::typed_response_promise<bool> finished; ///< Of whoever hands the shard over.
  static inline const char* name = "shard";
};

using shard_pointer = caf::stateful_actor<shard_state>*;

class shard_shell {
public:
  explicit shard_shell(shard_pointer self) : self_(self) {}

  letter_promise deliver(const envelope_ptr& letter) {
    auto promise = self_->make_response_promise();
    auto& r = resident_of(letter->to);
    switch (r.where) {
    case residence::live: forward(r, letter, promise); break;
    case residence::quarantined: answer(promise, refused{refusal::quarantined, r.troubles().cause}); break;
    case residence::loading:
    case residence::leaving:
    case residence::backing_off:
    case residence::quarantining:
      if (auto& letters = r.waiting().letters; letters.size() < st().ports->limits.loading_max)
        letters.push_back({letter, promise});
      else
        answer(promise, refused{refusal::busy, "too many messages wait for this entity to be loaded"});
    }
    return promise;
  }

  void wake(const entity_ref& ref) {
    if (auto& r = resident_of(ref); r.where == residence::live) self_->send(r.actor, wake_atom::value);
  }

  text_promise inspect(const entity_ref& ref) {
    auto promise = self_->make_response_promise<std::string>();
    auto& r = resident_of(ref);
    if (r.where == residence::live)
      ask_text(r, promise);
    else if (r.where == residence::loading || r.where == residence::leaving)
      r.waiting().inspectors.push_back(promise);
    else
      promise.deliver(std::string(R"({"resident":false,"where":")") + where_text(r.where) + R"(","crashes":)" + std::to_string(r.crashes())
                      + "}");
    return promise;
  }

  std::string retry(const entity_ref& ref, const std::string& reason) {
    auto found = st().residents.find(ref);
    log(log_level::info, "operator_retry", {{"entity", to_text(ref)}, {"reason", reason}});
    if (found == st().residents.end() || found->second.where == residence::quarantined || found->second.where == residence::backing_off) {
      auto& r = resident_of(ref);
      r.troubles().crashes = 0;
      r.troubles().lifting = true;
      if (r.where != residence::loading) load(r);
      return R"({"done":"loading"})";
    }
    if (found->second.where == residence::live) self_->send(found->second.actor, retry_atom::value);
    return R"({"done":"retrying"})";
  }

  std::string restart(const entity_ref& ref, const std::string& reason) {
    log(log_level::info, "operator_restart", {{"entity", to_text(ref)}, {"reason", reason}});
    const auto found = st().residents.find(ref);
    if (found == st().residents.end()) {
      resident_of(ref);
      return R"({"done":true,"remark":"it was not in memory, and is being loaded"})";
    }
    auto& r = found->second;
    switch (r.where) {
    case residence::live: self_->send(r.actor, restart_atom::value); return R"({"done":true})";
    case residence::backing_off: load(r); return R"({"done":true,"remark":"it waited out a back-off, and is being loaded"})";
    case residence::loading:
    case residence::leaving: return R"({"done":true,"remark":"it is being loaded or leaves memory just now"})";
    case residence::quarantining:
    case residence::quarantined: break;
    }
    return R"({"error":{"code":"quarantined","text":"it is in quarantine: retry ends that"}})";
  }

  shard_stats_ptr stats() const {
    const auto& s = self_->state;
    auto stats = std::make_shared<shard_stats>();
    stats->shard = s.shard;
    stats->epoch = s.epoch;
    stats->residents = s.residents.size();
    std::array<std::array<std::uint64_t, residences>, std::size(enum_names<entity_kind>::values)> counts{};
    for (const auto& [ref, r] : s.residents) {
      ++counts[static_cast<std::size_t>(ref->kind)][static_cast<std::size_t>(r.where)];
      if (r.room) stats->waiting += r.room->letters.size();
    }
    for (std::size_t kind = 0; kind < counts.size(); ++kind)
      for (std::size_t where = 0; where < residences; ++where)
        if (counts[kind][where] != 0)
          stats->groups.push_back({static_cast<entity_kind>(kind), where_text(static_cast<residence>(where)), counts[kind][where]});
    return stats;
  }

  void moved() {
    for (auto& [ref, r] : st().residents)
      if (r.where == residence::live) self_->send(r.actor, moved_atom::value);
  }

  void on_loaded(const load_answer_ptr& answer_) {
    auto* r = find(answer_->ref);
    if (!r || r->where != residence::loading) return;
    if (!answer_->available) {
      log(log_level::warning, "load_failed", {{"entity", to_text(answer_->ref)}, {"error", answer_->error}});
      for (auto& w : std::exchange(r->waiting().letters, {}))
        answer(w.promise, refused{refusal::unavailable, "the database cannot be reached"});
      auto& failures = r->troubles().load_failures;
      failures = std::min(failures + 1, load_failures_max);
      return back_off(*r, failures);
    }
    if (r->ill) r->ill->load_failures = 0;
    if (r->crashes() >= st().ports->limits.crashes_max) return quarantine(*r, answer_->entity);
    if (!answer_->entity.header.quarantine.empty()) {
      if (r->is_lifting()) return lift_quarantine(*r, answer_->entity);
      r->troubles().cause = answer_->entity.header.quarantine;
      return rest_in_quarantine(*r);
    }
    activate(*r, loaded_ptr(answer_, &answer_->entity));
  }

  void on_idle(const ref_ptr& ref, std::uint64_t handled) {
    auto* r = find(*ref);
    // A message is still on its way to the entity: it stays.
    if (!r || r->where != residence::live || r->sent != handled) return;
    r->where = residence::leaving;
    self_->send(r->actor, passivate_atom::value);
  }

  void on_stays(const ref_ptr& ref) {
    if (auto* r = find(*ref); r && r->where == residence::leaving) settle(*r);
  }

  void on_reloading(const ref_ptr& ref) {
    if (auto* r = find(*ref)) r->reloading = true;
  }

  void on_poisoned(const ref_ptr& ref, const std::string& cause, const std::string& message) {
    auto* r = find(*ref);
    if (!r) return;
    r->troubles().cause = cause;
    r->troubles().message = message;
  }

  /// An activation ended. There is never a second one of the entity before this was said of the first.
  void on_gone(const ref_ptr& ref, const caf::error& reason) {
    auto found = st().residents.find(ref);
    if (found == st().residents.end()) return;
    auto* r = &found->second;
    if (r->where != residence::live && r->where != residence::leaving) return;
    r->actor = nullptr;
    if (r->where == residence::leaving && !reason) {
      if (!r->room)
        st().residents.erase(found);
      else
        load(*r);
      return;
    }
    st().ports->metrics->count("entity_restarts_total", to_text(r->ref->kind));
    const auto cause = r->ill && !r->ill->cause.empty() ? r->ill->cause : self_->system().render(reason);
    st().ports->board->restarted(r->ref, cause, self_->clock().now());
    if (std::exchange(r->reloading, false)) return on_reload(*r);
    on_crash(*r, reason);
  }

  /// Each activation starts anew what is due, messages to people included: at once the first time, then in growing distance.
  void on_reload(resident& r) {
    const auto now = st().ports->clock->now();
    auto& t = r.troubles();
    t.reloads = now - t.reloaded_at > reload_memory ? 0 : t.reloads + 1;
    t.reloaded_at = now;
    if (t.reloads == 0) return load(r);
    back_off(r, t.reloads);
  }

  void on_crash(resident& r, const caf::error& reason) {
    const auto now = st().ports->clock->now();
    auto& t = r.troubles();
    t.crashes = now - t.crashed_at > crash_memory ? 1 : t.crashes + 1;
    t.crashed_at = now;
    // An exception that the shell did not see comes without its cause.
    if (t.cause.empty()) t.cause = self_->system().render(reason);
    log(log_level::error, "entity_crashed", {{"entity", to_text(*r.ref)}, {"crashes", std::to_string(t.crashes)}, {"cause", t.cause}});
    if (t.crashes >= st().ports->limits.crashes_max) return load(r);
    back_off(r, t.crashes);
  }

  void on_restart(const ref_ptr& ref, std::uint64_t generation) {
    auto* r = find(*ref);
    if (r && r->where == residence::backing_off && r->troubles().generation == generation) load(*r);
  }

  /// The answer to a write of the shard's own: a quarantine, or the end of one.
  void on_committed(const committed& answer_) {
    auto* r = find(answer_.step->ref);
    if (!r || r->where != residence::quarantining) return;
    if (answer_.result.outcome != commit_outcome::committed) return back_off(*r, 1);
    if (!answer_.step->header.quarantine.empty()) return rest_in_quarantine(*r);
    r->troubles().lifting = false;
    load(*r);
  }

  void stop() {
    for (auto& [ref, r] : st().residents)
      if (r.actor) self_->send_exit(r.actor, caf::exit_reason::kill);
    self_->quit();
  }

  /// Asked once a second: tells how many messages wait, by the way.
  std::uint64_t count() {
    self_->mailbox().fetch_more();
    st().ports->metrics->gauge("mailbox_depth", std::to_string(st().shard), static_cast<std::int64_t>(self_->mailbox().size()));
    return st().residents.size();
  }

  /// The shard goes to another node: nothing new is taken, open steps are finished; answered when nobody is in memory any more.
  caf::typed_response_promise<bool> finish() {
    st().finished = self_->make_response_promise<bool>();
    auto& residents = st().residents;
    for (auto at = residents.begin(); at != residents.end();) {
      auto& r = at->second;
      if (r.actor) self_->send(r.actor, finish_atom::value);
      const bool stays = r.actor || r.where == residence::quarantining;
      if (!stays) refuse_waiting(r);
      at = stays ? std::next(at) : residents.erase(at);
    }
    self_->set_default_handler([](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
      return caf::make_error(caf::sec::runtime_error, "the shard goes to another node");
    });
    self_->become(
        [this_ = *this](deliver_atom, const envelope_ptr&) mutable { return this_.not_here(); },
        [this_ = *this](gone_atom, const ref_ptr& ref, const caf::error&) mutable { this_.forget(*ref); },
        [this_ = *this](const committed& answer_) mutable { this_.forget(answer_.step->ref); },
        [](const load_answer_ptr&) {}, [](wake_atom, const ref_ptr&) {}, [](idle_atom, const ref_ptr&, std::uint64_t) {},
        [](stays_atom, const ref_ptr&) {}, [](reload_atom, const ref_ptr&) {}, [](poisoned_atom, const ref_ptr&, const std::string&, const std::string&) {},
        [](restart_atom, const ref_ptr&, std::uint64_t) {}, [](moved_atom) {});
    auto promise = st().finished;
    end_if_empty();
    return promise;
  }

private:
  shard_state& st() { return self_->state; }

  static void answer(letter_promise& promise, entity_reply r) {
    if (promise.pending()) promise.deliver(std::make_shared<const entity_reply>(std::move(r)));
  }

  static entity_reply_ptr not_here() {
    return std::make_shared<const entity_reply>(refused{refusal::not_owner, "the shard goes to another node"});
  }

  static void refuse_waiting(resident& r) {
    const auto room = std::exchange(r.room, nullptr);
    if (!room) return;
    for (auto& w : room->letters) answer(w.promise, refused{refusal::not_owner, "the shard goes to another node"});
    for (auto& promise : room->inspectors) promise.deliver(std::string(R"({"resident":false,"where":"going to another node"})"));
  }

  void forget(const entity_ref& ref) {
    if (auto found = st().residents.find(ref); found != st().residents.end()) {
      refuse_waiting(found->second);
      st().residents.erase(found);
    }
    end_if_empty();
  }

  void end_if_empty() {
    if (st().residents.empty() && st().finished.pending()) st().finished.deliver(true);
  }

  resident* find(const entity_ref& ref) {
    auto found = st().residents.find(ref);
    return found == st().residents.end() ? nullptr : &found->second;
  }

  resident& resident_of(const entity_ref& ref) {
    auto& residents = st().residents;
    auto found = residents.find(ref);
    if (found != residents.end()) return found->second;
    auto shared = std::make_shared<const entity_ref>(ref);
    auto& r = residents.try_emplace(shared).first->second;
    r.ref = std::move(shared);
    load(r);
    return r;
  }

  void load(resident& r) {
    r.where = residence::loading;
    self_->send(st().loader, load_atom::value, r.ref);
  }

  void activate(resident& r, loaded_ptr loaded) {
    activation next{r.ref, st().shard, st().epoch, caf::actor_cast<caf::actor>(self_), st().ports, std::move(loaded)};
    r.actor = spawner_of(r.ref->kind)(self_->system(), std::move(next));
    // As a monitor, but it says whose end it is: no table from actors to entities is needed.
    r.actor->attach_functor([shard = caf::actor_cast<caf::actor_addr>(self_), ref = r.ref](const caf::error& reason) {
      if (auto to = caf::actor_cast<caf::actor>(shard)) caf::anon_send(to, gone_atom::value, ref, reason);
    });
    r.sent = 0;
    if (r.ill) {
      r.ill->lifting = false;
      r.ill->cause.clear();
    }
    settle(r);
  }

  /// It is there (again): hands over what waited.
  void settle(resident& r) {
    r.where = residence::live;
    const auto room = std::exchange(r.room, nullptr);
    if (!room) return;
    for (auto& w : room->letters) forward(r, w.letter, w.promise);
    for (auto& promise : room->inspectors) ask_text(r, promise);
  }

  void forward(resident& r, const envelope_ptr& letter, letter_promise promise) {
    ++r.sent;
    promise.delegate(r.actor, deliver_atom::value, letter);
  }

  void ask_text(resident& r, text_promise promise) {
    self_->request(r.actor, st().ports->limits.ask_timeout, inspect_atom::value)
        .then([promise](const std::string& text) mutable { promise.deliver(text); },
              [promise](const caf::error& e) mutable { promise.deliver(e); });
  }

  void back_off(resident& r, std::uint32_t crashes) {
    r.where = residence::backing_off;
    self_->delayed_send(self_, retry_pause(crashes, r.ref->id), load_again_atom::value, r.ref, ++r.troubles().generation);
  }

  // --- quarantine: a write of the shard's own, under the same guards as any step ---

  void write_header(resident& r, const loaded_entity& loaded, const char* word, std::string quarantine) {
    r.where = residence::quarantining;
    auto step = std::make_shared<step_record>();
    const auto now = st().ports->clock->now();
    step->ref = *r.ref;
    step->shard = st().shard;
    step->epoch = st().epoch;
    step->header = loaded.header;
    ++step->header.version;
    step->header.updated_at = now;
    step->header.quarantine = std::move(quarantine);
    step->state = loaded.state;
    step->message = word;
    // The history keeps the offending message, whatever becomes of the row.
    step->note = step->header.quarantine;
    if (!step->note.empty() && !r.troubles().message.empty()) step->note = r.troubles().message;
    std::visit([&](const auto& state) { step->from_status = step->to_status = to_text(state.status); }, loaded.state);
    self_->send(st().ports->committer(st().shard), commit_atom::value, step_ptr(std::move(step)));
  }

  void quarantine(resident& r, const loaded_entity& loaded) {
    st().ports->metrics->count("entities_quarantined_total", to_text(r.ref->kind));
    log(log_level::error, "entity_quarantined", {{"entity", to_text(*r.ref)}, {"cause", r.troubles().cause}, {"message", r.troubles().message}});
    if (loaded.header.version == 0) return rest_in_quarantine(r); // There is no row to mark: memory remembers.
    write_header(r, loaded, "quarantined", r.troubles().cause);
  }

  void lift_quarantine(resident& r, const loaded_entity& loaded) { write_header(r, loaded, "quarantine_lifted", {}); }

  void rest_in_quarantine(resident& r) {
    r.where = residence::quarantined;
    const auto room = std::exchange(r.room, nullptr);
    if (!room) return;
    for (auto& w : room->letters) answer(w.promise, refused{refusal::quarantined, r.troubles().cause});
    for (auto& promise : room->inspectors) promise.deliver(std::string(R"({"resident":false,"where":"quarantined"})"));
  }

  shard_pointer self_;
};

caf::behavior shard_behavior(shard_pointer self, std::uint32_t shard, std::uint64_t epoch, loader_actor loader, ports_ptr ports) {
  self->state.shard = shard;
  self->state.epoch = epoch;
  self->state.loader = std::move(loader);
  self->state.ports = std::move(ports);
  shard_shell shell(self);
  self->set_exit_handler([self](caf::exit_msg&) { shard_shell(self).stop(); });
  self->set_error_handler([shard](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "shard_error_message", {{"shard", std::to_string(shard)}, {"error", a->system().render(e)}});
  });
  self->set_default_handler([](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
    log(log_level::warning, "shard_unexpected_message", {{"message", caf::to_string(view.content())}});
    return caf::sec::unexpected_message;
  });
  return {
      [shell](deliver_atom, const envelope_ptr& letter) mutable { return shell.deliver(letter); },
      [shell](const load_answer_ptr& answer) mutable { shell.on_loaded(answer); },
      [shell](wake_atom, const ref_ptr& ref) mutable { shell.wake(*ref); },
      [shell](gone_atom, const ref_ptr& ref, const caf::error& reason) mutable { shell.on_gone(ref, reason); },
      [shell](idle_atom, const ref_ptr& ref, std::uint64_t handled) mutable { shell.on_idle(ref, handled); },
      [shell](stays_atom, const ref_ptr& ref) mutable { shell.on_stays(ref); },
      [shell](reload_atom, const ref_ptr& ref) mutable { shell.on_reloading(ref); },
      [shell](poisoned_atom, const ref_ptr& ref, const std::string& cause, const std::string& message) mutable {
        shell.on_poisoned(ref, cause, message);
      },
      [shell](load_again_atom, const ref_ptr& ref, std::uint64_t generation) mutable { shell.on_restart(ref, generation); },
      [shell](const committed& answer) mutable { shell.on_committed(answer); },
      [shell](inspect_atom, const ref_ptr& ref) mutable { return shell.inspect(*ref); },
      [shell](retry_atom, const ref_ptr& ref, const std::string& reason) mutable { return shell.retry(*ref, reason); },
      [shell](restart_atom, const ref_ptr& ref, const std::string& reason) mutable { return shell.restart(*ref, reason); },
      [shell](stats_atom) { return shell.stats(); },
      [shell](moved_atom) mutable { shell.moved(); },
      [shell](count_atom) mutable { return shell.count(); },
      [shell](finish_atom) mutable { return shell.finish(); },
  };
}

} // namespace

caf::actor spawn_shard(caf::actor_system& system, std::uint32_t shard, std::uint64_t epoch, loader_actor loader, ports_ptr ports) {
  return system.spawn(shard_behavior, shard, epoch, std::move(loader), std::move(ports));
}

} // namespace paygate
