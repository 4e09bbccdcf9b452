#include "tests/simulation/node.hpp"

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
constexpr milliseconds lease_ttl{10'000};

template <class... Ts>
void tell(const caf::strong_actor_ptr& to, Ts&&... xs) {
  if (to) caf::anon_send(caf::actor_cast<caf::actor>(to), std::forward<Ts>(xs)...);
}

} // namespace

// --- outside ---

outside::outside(std::uint64_t seed, test::virtual_system& s)
    : system(s), w(seed), rates(fault_rates::drawn(w)), db(w), watch(w, db, rules), net(w, one_coin), coins(w, net), swaps(w, net, coins),
      gathering(w, db, coins, swaps), provider(w, rates, coins), persons(w, rates, provider) {
  net.is_stored = [this](const std::string& hash) { return db.holds_hash(hash); };
  db.before_write = [this, first = db.before_write](const step_record& step, const loaded_entity* old) {
    first(step, old);
    gathering.before(step, old);
  };
  db.after_write = [this, first = db.after_write](const step_record& step, const loaded_entity* old) {
    first(step, old);
    gathering.after(step);
  };
  db.bought = [this](const std::string& swap_id) { return coins.brought("0xout" + swap_id, false) > 0; };
  db.refunded = [this](const std::string& swap_id) {
    return coins.brought("0xback" + swap_id, false) + coins.brought("0xback" + swap_id, true) > 0;
  };
  static constexpr unsigned intensities[] = {0, 50, 100, 100, 200};
  w.intensity = intensities[w.random() % 5];
  rules.wallet_address = our_address;
  rules.confirmations = 2;
  rules.incoming_confirmations = 2;
  rules.max_fee_wei = 200'000'000'000;
  rules.gas_float_low = eth_amount::of_units(one_coin / 1000);
  rules.swap_tries_max = 8;
  rules.payment_poll_max = milliseconds(w.between(300'000, 1'200'000));
  rules.usdt_contract = usdt_address;
  rules.conversion_threshold = usd_amount::of_units(w.between(5, 120) * one_coin);
  rules.conversion_interval = milliseconds(w.between(60'000, 600'000));
  rules.payouts_interval = milliseconds(w.between(60'000, 300'000));
  rules.payout_funding_eth = w.chance(30);
  if (w.chance(20)) rules.payout_daily_max = usd_amount::of_units(w.between(40, 300) * one_coin);
  if (w.chance(20)) rules.payout_daily_total_max = usd_amount::of_units(w.between(60, 600) * one_coin);
  if (w.chance(30)) rules.payout_max = usd_amount::of_units(w.between(40, 200) * one_coin);
}

io_outcome outside::perform(const io_request& request) {
  if (auto* r = std::get_if<create_invoice>(&request)) return provider.create(*r);
  if (auto* r = std::get_if<get_payment>(&request)) return provider.look(*r);
  if (auto* r = std::get_if<find_payments>(&request)) return provider.find(*r);
  if (auto* r = std::get_if<get_swap_range>(&request)) return swaps.range(*r);
  if (auto* r = std::get_if<estimate_swap>(&request)) return swaps.estimate(*r);
  if (auto* r = std::get_if<create_swap>(&request)) return swaps.create(*r);
  if (auto* r = std::get_if<get_swap>(&request)) return swaps.look(*r);
  if (auto* r = std::get_if<send_message>(&request)) return persons.send(*r);
  if (auto* r = std::get_if<create_invite>(&request)) return persons.invite(*r);
  if (auto* r = std::get_if<get_chain_quote>(&request)) return net.quote(*r);
  if (auto* r = std::get_if<broadcast_tx>(&request)) return net.broadcast(*r);
  if (auto* r = std::get_if<get_receipts>(&request)) return net.receipts(*r);
  if (auto* r = std::get_if<get_transfer>(&request)) return coins.look(*r);
  if (auto* r = std::get_if<get_token_transfer>(&request)) return coins.look(*r);
  if (lane_of(request) == lane::books) return db.ask(request);
  if (std::holds_alternative<get_wallet>(request)) return net.look();
  if (std::holds_alternative<get_usd_price>(request)) return usd_price{3000 * one_coin, "model"};
  if (auto* r = std::get_if<sign_tx>(&request)) {
    auto made = net.sign(*r);
    if (active_fault == planted::broadcast_before_stored)
      if (const auto* tx = std::get_if<tx_signed>(&made)) net.broadcast({tx->raw, tx->hash});
    return made;
  }
  return done{};
}

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
    return {[=](wake_atom, std::int64_t from, std::int64_t to, std::uint32_t limit) { return n->on_scan(from, to, limit); }};
  }
  static caf::behavior leases(caf::event_based_actor*, node* n) {
    return {[=](take_atom) { return n->on_lease(true); }, [=](renew_atom) { return n->on_lease(false); },
            [=](release_atom) { return n->on_lease(false); }};
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
  static caf::behavior door(caf::event_based_actor* self, node* n, caf::actor router) {
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

node::node(outside& world, std::string name) : o_(world), name_(std::move(name)) {
  auto& system = o_.system.system();
  committer_ = system.spawn(node_actors::committer, this);
  loader_ = system.spawn(node_actors::loader, this);
  reader_ = system.spawn(node_actors::reader, this);
  leases_ = system.spawn(node_actors::leases, this);
  lanes_ = system.spawn(node_actors::lanes, this);
  router_ = spawn_router(system);
  ports_->committers = {caf::actor_cast<committer_actor>(committer_)};
  ports_->router = caf::actor_cast<router_actor>(router_);
  ports_->lanes.fill(caf::actor_cast<lane_actor>(lanes_));
  auto intake = spawn_intake(system, caf::actor_cast<lane_actor>(lanes_), ports_->router);
  intake_ = caf::actor_cast<caf::actor>(intake);
  ports_->lanes[static_cast<std::size_t>(lane::telegram_poll)] = intake;
  ports_->clock = o_.system.business();
  ports_->metrics = std::make_shared<test::no_metrics>();
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
  auto letters = first_letters(our_address);
  // Reconciliation lives on SQL and on whole blocks: it is proven in tests/store and tests/scenario.
  std::erase_if(letters, [](const envelope& letter) { return letter.to.kind == entity_kind::reconciliation; });
  bootstrap_ = spawn_bootstrap(system, ports_->router, std::move(letters));
  door_ = system.spawn(node_actors::door, this, router_);
}

node::~node() {
  alive_ = false;
  *self_ = nullptr;
  ports_->crash_point = nullptr;
  for (auto* a : {&bootstrap_, &keeper_, &door_, &router_, &intake_, &lanes_, &leases_, &reader_, &loader_, &committer_})
    caf::anon_send_exit(*a, caf::exit_reason::user_shutdown);
  o_.system.settle();
}

void node::die(const std::string& where) {
  if (!alive_) return;
  alive_ = false;
  ++o_.windows[where.substr(0, where.find(':'))];
  o_.db.dead_nodes.insert(name_);
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
    return later(milliseconds(o_.w.between(100, 2000)), [=, this] { o_.db.commit(*step, name_); });
  }
  if (o_.permille(o_.rates.commit_lost)) return answer(unknown);
  if (o_.permille(o_.rates.commit_late)) {
    // The server goes on with what it was told, whoever has hung up.
    o_.w.after(milliseconds(o_.w.between(1, 5'000)), [step, name = name_, &o = o_] { o.db.commit(*step, name); });
    return answer(unknown);
  }
  const auto result = o_.db.commit(*step, name_);
  if (crash()) return die("in_commit_after");
  answer(o_.permille(o_.rates.commit_unheard) ? unknown : result);
}

void node::on_load(const entity_ref& ref, const caf::strong_actor_ptr& sender) {
  if (!alive_) return;
  auto answer = std::make_shared<load_answer>();
  answer->ref = ref;
  answer->available = !o_.permille(o_.rates.load_fails);
  if (answer->available)
    answer->entity = o_.db.load(ref);
  else
    answer->entity.state = test::empty_snapshot(ref.kind);
  later(milliseconds(o_.w.between(0, 5)), [=] { tell(sender, load_answer_ptr(answer)); });
}

lease_answer_ptr node::on_lease(bool take) {
  auto answer = std::make_shared<lease_answer>();
  answer->available = alive_ && !cut_off_ && !o_.permille(o_.rates.lease_fails);
  if (!answer->available) return answer;
  auto& lease = o_.db.leases;
  const bool free = lease.holder.empty() || lease.expires <= o_.w.now || (o_.db.dead_nodes.count(lease.holder) && o_.w.chance(50));
  if (take && lease.holder != name_ && free) {
    lease.holder = name_;
    ++lease.epoch;
  }
  if (lease.holder != name_) return answer;
  lease.expires = o_.w.now + lease_ttl;
  answer->epochs.fill(lease.epoch);
  return answer;
}

wake_list_ptr node::on_scan(std::int64_t from, std::int64_t to, std::uint32_t limit) {
  const auto first = timestamp(std::chrono::microseconds(from)), last = timestamp(std::chrono::microseconds(to));
  auto list = std::make_shared<wake_list>();
  list->scanned_to = first;
  if (alive_ && !o_.permille(o_.rates.load_fails)) *list = o_.db.scan(first, last, limit);
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
