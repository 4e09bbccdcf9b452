#include "tests/simulation/node.hpp"

#include "actors/runtime/bulk.hpp"
#include "actors/runtime/exchange.hpp"
#include "actors/runtime/intake.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/router.hpp"
#include "daemon/bootstrap.hpp"
#include "tests/simulation/planted.hpp"
#include "tests/support/empty_snapshot.hpp"

namespace paygate::sim {

namespace {

using result_atom = caf::atom_constant<caf::atom("result")>;
using call_promise = caf::typed_response_promise<call_answer_ptr>;
using lease_promise = caf::typed_response_promise<lease_answer_ptr>;

template <class... Ts>
void tell(const caf::strong_actor_ptr& to, Ts&&... xs) {
  if (to) caf::anon_send(caf::actor_cast<caf::actor>(to), std::forward<Ts>(xs)...);
}

} // namespace

// --- actors of the node ---

struct node_actors {
  struct lanes_state {
    std::map<std::uint64_t, call_promise> open;
    std::uint64_t last = 0;
  };

  static caf::behavior committer(caf::event_based_actor* self, node* n) {
    return {[=](commit_atom, const step_ptr& step) { n->on_commit(step, self->current_sender()); }};
  }
  static caf::behavior loader(caf::event_based_actor* self, node* n) {
    return {[=](load_atom, const std::shared_ptr<const entity_ref>& ref) { n->on_load(*ref, self->current_sender()); }};
  }
  static caf::behavior reader(caf::event_based_actor*, node* n) {
    return {[=](wake_atom, std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
              return n->on_scan(from, to, limit, shards);
            }};
  }
  struct leases_state {
    std::map<std::uint64_t, lease_promise> open;
    std::uint64_t last = 0;
  };
  static caf::behavior leases(caf::stateful_actor<leases_state>* self, node* n) {
    const auto ask = [=](keeper::duty what, const shard_list& given = {}) {
      auto promise = self->make_response_promise<lease_answer_ptr>();
      const auto id = ++self->state.last;
      self->state.open.emplace(id, promise);
      n->on_lease(id, what, given);
      return promise;
    };
    return {[=](take_atom) { return ask(keeper::duty::take); },
            [=](renew_atom) { return ask(keeper::duty::renew); },
            [=](give_atom, const shard_list& shards) { return ask(keeper::duty::give, shards); },
            [=](drain_atom) { return ask(keeper::duty::drain); },
            [=](release_atom) { return ask(keeper::duty::release); },
            [=](result_atom, std::uint64_t id, const lease_answer_ptr& answer) {
              if (auto open = self->state.open.extract(id)) open.mapped().deliver(answer);
            }};
  }
  static caf::behavior lanes(caf::stateful_actor<lanes_state>* self, node* n) {
    return {[=](call_atom, const io_request_ptr& request) {
              auto promise = self->make_response_promise<call_answer_ptr>();
              const auto id = ++self->state.last;
              self->state.open.emplace(id, promise);
              n->on_call(id, request);
              return promise;
            },
            [=](result_atom, std::uint64_t id, const call_answer_ptr& answer) {
              auto at = self->state.open.find(id);
              if (at == self->state.open.end()) return;
              at->second.deliver(answer);
              self->state.open.erase(at);
            }};
  }
  static caf::behavior door(caf::event_based_actor* self, node* n, router_actor router) {
    auto answered = [=](std::uint64_t id, const entity_reply* reply) {
      auto open = n->asked_.extract(id);
      if (open && n->alive_) open.mapped()(reply);
    };
    return {[=](deliver_atom, const envelope_ptr& letter, std::uint64_t id) {
      self->request(router, 10s, deliver_atom::value, letter)
          .then([=](const entity_reply_ptr& reply) { answered(id, reply.get()); }, [=](const caf::error&) { answered(id, nullptr); });
    }};
  }
};

namespace {

/// Business time on one machine: the world's, a little wrong.
struct skewed_clock : business_clock {
  skewed_clock(const world& of, milliseconds by) : w(of), skew(by) {}
  timestamp now() const override { return w.now + skew; }
  const world& w;
  milliseconds skew;
};

} // namespace

node::node(outside& world, std::string name, int number)
    : o_(world), system_(o_.w.random()), name_(std::move(name)), number_(number), born_(o_.w.now), followed_(o_.w.now),
      leases_of_(o_.db.table, name_, [this] { return next_identity(); }) {
  auto& system = system_.system();
  drift_ = o_.w.between(-100, 100);
  truth_->name = name_;
  truth_->reaches = o_.w.now;
  committer_ = system.spawn(node_actors::committer, this);
  loader_ = system.spawn(node_actors::loader, this);
  reader_ = system.spawn(node_actors::reader, this);
  leases_ = system.spawn(node_actors::leases, this);
  lanes_ = system.spawn(node_actors::lanes, this);
  ports_->metrics = std::make_shared<test::no_metrics>();
  router_ = spawn_router(system, ports_->metrics);
  exchange_ = spawn_exchange(system, {router_, nullptr, ports_->metrics});
  ports_->committers = {caf::actor_cast<committer_actor>(committer_)};
  ports_->router = caf::actor_cast<router_actor>(router_);
  ports_->lanes.fill(caf::actor_cast<lane_actor>(lanes_));
  auto intake = spawn_intake(system, caf::actor_cast<lane_actor>(lanes_), caf::actor_cast<lane_actor>(lanes_), ports_->router);
  intake_ = caf::actor_cast<caf::actor>(intake);
  ports_->lanes[static_cast<std::size_t>(lane::telegram_poll)] = intake;
  auto bulk = spawn_bulk(system, caf::actor_cast<lane_actor>(lanes_), ports_->metrics);
  bulk_ = caf::actor_cast<caf::actor>(bulk);
  ports_->lanes[static_cast<std::size_t>(lane::telegram_bulk)] = bulk;
  ports_->clock = std::make_shared<skewed_clock>(o_.w, milliseconds(o_.w.between(-1'000, 1'000)));
  ports_->rules = o_.rules;
  ports_->limits.passivate_after = milliseconds(o_.w.between(3'000, 20'000));
  if (o_.w.chance(30)) ports_->limits.inbox_max = 3;
  ports_->crash_point = [this](std::string_view window) { pass(window); };
  node_setup setup;
  setup.leases = caf::actor_cast<lease_actor>(leases_);
  setup.loader = caf::actor_cast<loader_actor>(loader_);
  setup.reader = caf::actor_cast<reader_actor>(reader_);
  setup.router = router_;
  setup.ports = ports_;
  setup.lease_ttl = lease_ttl;
  setup.waker.page = o_.w.chance(30) ? 2 : 100;
  keeper_ = spawn_node(system, std::move(setup));
  caf::anon_send(keeper_, watch_atom::value, router_);
  auto letters = first_letters(our_address);
  // Reconciliation lives on SQL and on whole blocks: it is proven in tests/store and tests/scenario.
  std::erase_if(letters, [](const envelope& letter) { return letter.to.kind == entity_kind::reconciliation; });
  bootstrap_ = spawn_bootstrap(system, ports_->router, std::move(letters));
  caf::anon_send(keeper_, watch_atom::value, bootstrap_);
  door_ = system.spawn(node_actors::door, this, ports_->router);
  open_links();
}

node::~node() {
  alive_ = false;
  *self_ = nullptr;
  ports_->crash_point = nullptr;
  system_.cancel_timers();
  close_links();
  for (auto* a :
       {&bootstrap_, &keeper_, &door_, &exchange_, &router_, &intake_, &bulk_, &lanes_, &leases_, &reader_, &loader_, &committer_})
    caf::anon_send_exit(*a, caf::exit_reason::user_shutdown);
  system_.settle();
}

void node::die(const std::string& where) {
  if (!alive_) return;
  alive_ = false;
  truth_->dead = true;
  ++o_.windows[where.substr(0, where.find(':'))];
}

void node::leave() {
  caf::anon_send(keeper_, leave_atom::value);
  // It ends, whether the database could be told or not.
  later(15s, [this] { end(); });
}

void node::end() {
  if (asleep()) return later(1s, [this] { end(); });
  left_ = true;
  die("left in silence");
}

// --- its time ---

void node::run() {
  for (std::size_t n = 0; alive_ && !asleep() && system_.step(); ++n)
    if (n > 2'000'000) return o_.w.demand(false, "the actors come to rest");
}

std::optional<timestamp> node::next_timer() {
  const auto timer = asleep() ? std::nullopt : system_.next_timer();
  if (!timer) return std::nullopt;
  const auto pace = 10'000'000 + drift_ * 1'000; // Its nanoseconds in ten of our milliseconds.
  return followed_ + std::chrono::microseconds((timer->count() * 10'000 + pace - 1) / pace);
}

void node::follow() {
  if (asleep()) return;
  const auto passed = o_.w.now - followed_;
  followed_ = o_.w.now;
  system_.advance(caf::timespan(passed.count() * (10'000 + drift_) / 10));
}

void node::pause(milliseconds how_long) {
  if (!alive_ || asleep()) return;
  truth_->asleep = true;
  later(how_long, [=, this] {
    truth_->asleep = false;
    truth_->woke_at = o_.w.now;
    database_is_back(how_long);
  });
}

void node::cut_off(milliseconds how_long) {
  cut_until_ = std::max(cut_until_, o_.w.now + how_long);
  later(how_long, [=, this] { database_is_back(how_long); });
}

void node::pass(std::string_view window) {
  if (alive_ && o_.w.faults && o_.w.random() % 100'000 < o_.rates.window_crash) die(std::string(window));
}

void node::later(milliseconds pause, std::function<void()> what) {
  o_.w.after(pause, [still = self_, what = std::move(what)] {
    if (*still && (*still)->alive_) what();
  });
}

void node::ask(envelope letter, std::function<void(const entity_reply*)> answer) {
  asked_[++asks_] = std::move(answer);
  caf::anon_send(door_, deliver_atom::value, std::make_shared<const envelope>(std::move(letter)), asks_);
}

// --- the database, as this node sees it ---

void node::on_commit(const step_ptr& step, const caf::strong_actor_ptr& sender) {
  if (!alive_) return;
  const auto answer = [&](commit_result result) {
    later(milliseconds(o_.w.between(0, 8)), [=] { tell(sender, committed{step, result}); });
  };
  const auto unknown = commit_result{commit_outcome::unknown, "the connection broke"};
  const auto crash = [&] { return o_.w.faults && o_.w.random() % 100'000 < o_.rates.window_crash; };
  if (crash()) return die("in_commit_before");
  if (active_fault == planted::effect_before_commit || (active_fault == planted::answer_before_stored && step->message == "ipn_received")) {
    tell(sender, committed{step, {}});
    return later(milliseconds(o_.w.between(100, 2000)), [=, this] { o_.db.commit(*step, identity()); });
  }
  if (!reaches_database() || o_.permille(o_.rates.commit_lost)) return answer(unknown);
  o_.truth.writes(identity(), *step);
  if (o_.permille(o_.rates.commit_late)) {
    // The server goes on with what it was told, whoever has hung up.
    o_.w.after(milliseconds(o_.w.between(1, 5'000)), [step, identity = identity(), &o = o_] { o.db.commit(*step, identity); });
    return answer(unknown);
  }
  const auto result = o_.db.commit(*step, identity());
  if (crash()) return die("in_commit_after");
  answer(o_.permille(o_.rates.commit_unheard) ? unknown : result);
}

void node::on_load(const entity_ref& ref, const caf::strong_actor_ptr& sender) {
  if (!alive_) return;
  auto answer = std::make_shared<load_answer>();
  answer->ref = ref;
  answer->available = reaches_database() && !o_.permille(o_.rates.load_fails);
  if (answer->available)
    answer->entity = o_.db.load(ref);
  else
    answer->entity.state = test::empty_snapshot(ref.kind);
  later(milliseconds(o_.w.between(0, 5)), [=] { tell(sender, load_answer_ptr(answer)); });
}

// --- leases, as the lease keeper asks for them ---

std::string node::next_identity() {
  auto identity = name_ + "@" + std::to_string(number_) + "." + std::to_string(++identities_);
  o_.truth.born(identity, truth_);
  return identity;
}

/// Its own steady clock.
keeper::instant node::steady_at(timestamp at) const {
  return keeper::instant(std::chrono::nanoseconds((at - born_).count() * (10'000 + drift_) / 10) + 1h);
}

void node::on_lease(std::uint64_t id, keeper::duty what, const shard_list& given) {
  if (!alive_) return;
  const auto way = [&] { return milliseconds(o_.permille(o_.rates.lease_fails) ? o_.w.between(20, 1'000) : o_.w.between(0, 10)); };
  const auto asked = o_.w.now;
  // In the order of asking: there is one connection. What was sent before it fell asleep arrives all the same.
  lease_arrives_ = std::max(lease_arrives_, o_.w.now + way());
  later(std::chrono::ceil<milliseconds>(lease_arrives_ - o_.w.now), [=, this, back = way()] {
    const auto answer = turn_leases(what, given, asked);
    lease_answers_ = std::max(lease_answers_, o_.w.now + back);
    later(std::chrono::ceil<milliseconds>(lease_answers_ - o_.w.now),
          [=, this] { caf::anon_send(leases_, result_atom::value, id, answer); });
    if (what == keeper::duty::release && answer->available) later(back + 1100ms, [this] { left_ = true, die("left"); });
  });
}

lease_answer_ptr node::turn_leases(keeper::duty what, const shard_list& given, timestamp asked) {
  if (!reaches_database() || o_.permille(o_.rates.lease_fails / 4)) {
    leases_of_.lost();
    auto nothing = std::make_shared<lease_answer>(leases_of_.known());
    nothing->available = active_fault == planted::no_self_fence;
    return nothing;
  }
  const auto before = leases_of_.known().epochs;
  const auto answer = leases_of_.work(what, given, steady_at(asked), steady_at(o_.w.now));
  for (std::uint32_t s = 0; s < shard_count; ++s)
    if (answer->epochs[s] != 0 && before[s] == 0) gained_at_[s] = o_.w.now;
  return answer;
}

wake_list_ptr node::on_scan(std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
  const auto first = timestamp(std::chrono::microseconds(from)), last = timestamp(std::chrono::microseconds(to));
  auto list = std::make_shared<wake_list>();
  list->scanned_to = first;
  if (alive_ && reaches_database() && !o_.permille(o_.rates.load_fails)) *list = o_.db.scan(first, last, limit, shards);
  if (active_fault == planted::lose_wake_on_handover)
    std::erase_if(list->refs, [this](const entity_ref& ref) {
      const auto gained = gained_at_[shard_of(ref)];
      return gained > born_ + lease_ttl && *o_.db.rows.at(ref).header.wake_at <= gained + 120s;
    });
  return list;
}

// --- calls to the outside ---

void node::on_call(std::uint64_t id, const io_request_ptr& request) {
  if (!alive_) return;
  o_.watch.called(*request);
  const auto which = lane_of(*request);
  const auto& rate = o_.rates.calls[static_cast<std::size_t>(which)];
  const bool local = which == lane::signer;
  const auto travel = [&] { return milliseconds(!local && o_.permille(rate.slow) ? o_.w.between(1'000, 150'000) : o_.w.between(1, 300)); };
  const auto there = travel(), back = travel();
  if (!local && o_.permille(rate.error)) return finish_call(id, io_failure{fault::transient, "http_503", "down", std::nullopt}, back);
  const auto timeout = io_failure{fault::unknown, "timeout", "", std::nullopt};
  if (!local && o_.permille(rate.lost)) return finish_call(id, timeout, back);
  const bool lie = !local && o_.permille(rate.lie);
  const auto arrive = [=, this, still = self_, &o = o_] {
    // What was on its way when the node died may arrive or not.
    const bool there_is_one = *still && (*still)->alive_;
    if (!there_is_one && o.w.chance(50)) return;
    const auto answer = [=](io_outcome outcome) {
      if (*still && (*still)->alive_) (*still)->finish_call(id, lie ? io_outcome{timeout} : std::move(outcome), back);
    };
    if (const auto* poll = std::get_if<get_updates>(request.get())) return o.persons.poll(*poll, answer);
    answer(o.perform(*request));
  };
  o_.w.after(there, arrive);
}

void node::finish_call(std::uint64_t id, io_outcome outcome, milliseconds back) {
  auto answer = std::make_shared<const call_answer>(call_answer{std::move(outcome)});
  later(back, [=, this] { caf::anon_send(lanes_, result_atom::value, id, answer); });
}

} // namespace paygate::sim
