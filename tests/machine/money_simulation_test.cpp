// The payout and the wallet together, in a world that delays, loses, repeats, lies and crashes. Real step functions, the real table of
// running effects, a store that keeps only what was committed. Each seed is one world; a failing one is printed and replays exactly.
#include <cstdlib>

#include <catch2/catch.hpp>

#include "actors/payout/payout_machine.hpp"
#include "actors/runtime/effects_running.hpp"
#include "actors/wallet/wallet_machine.hpp"
#include "tests/machine/money_world.hpp"

namespace paygate::sim {

namespace {

using reply_fn = std::function<void(entity_reply)>;

struct parts {
  explicit parts(std::uint64_t seed) : w(seed), net(w, one_coin / 20), swaps(w, net), db(w) {
    net.is_stored = [this](const std::string& hash) { return db.holds(hash); };
    rules.wallet_address = our_address;
    rules.confirmations = 2;
    rules.max_fee_wei = 200'000'000'000;
    rules.gas_float_low = eth_amount::of_units(one_coin / 1000);
    rules.swap_tries_max = 8;
  }
  world w;
  chain net;
  exchange swaps;
  store db;
  policy rules;
  std::function<void(const ask_entity&, reply_fn)> route;
  std::map<std::string, int> told;

  io_outcome perform(const io_request& request) {
    if (auto* r = std::get_if<get_swap_range>(&request)) return swaps.range(*r);
    if (auto* r = std::get_if<estimate_swap>(&request)) return swaps.estimate(*r);
    if (auto* r = std::get_if<create_swap>(&request)) return swaps.create(*r);
    if (auto* r = std::get_if<get_swap>(&request)) return swaps.look(*r);
    if (auto* r = std::get_if<sign_tx>(&request)) return net.sign(*r);
    if (auto* r = std::get_if<get_chain_quote>(&request)) return net.quote(*r);
    if (auto* r = std::get_if<broadcast_tx>(&request)) return net.broadcast(*r);
    if (auto* r = std::get_if<get_receipts>(&request)) return net.receipts(*r);
    if (std::holds_alternative<get_wallet>(request)) return net.look();
    if (std::holds_alternative<get_wallet_books>(request)) return books_of(db.balances);
    if (w.fault(5)) return io_failure{fault::permanent, "403", "bot was blocked by the user", std::nullopt};
    return message_sent{1};
  }
};

/// The rules of the runtime's shell for one entity: decide, commit, act.
template <class Kind>
class shell {
public:
  shell(parts& p, entity_ref self) : p_(p), self_(std::move(self)) { load(); }

  void deliver(const typename Kind::message& message, const reply_fn& reply) {
    if (!up_) return reply(refused{refusal::unavailable, "down"});
    decide(message, reply);
  }

  void crash() {
    if (!up_) return;
    up_ = false;
    ++generation_;
    effects_ = {};
    p_.w.after(milliseconds(p_.w.between(100, 20'000)), [this] {
      up_ = true;
      load();
      act();
    });
  }

private:
  void load() {
    const auto row = [&] {
      if constexpr (std::is_same_v<Kind, payout_kind>)
        return p_.db.load_payout(self_.id);
      else
        return p_.db.load_wallet();
    }();
    exists_ = row.exists;
    data_ = row.state;
  }

  void decide(const typename Kind::message& message, const reply_fn& reply) {
    verdict<typename Kind::state> result;
    try {
      result = Kind::apply(data_, exists_, message, step_context{self_, p_.w.now, p_.rules});
    } catch (const std::exception& e) {
      p_.w.demand(false, std::string("no step throws: ") + e.what());
      return;
    }
    if (auto* no = std::get_if<refused>(&result)) return reply(*no);
    auto& yes = std::get<decision<typename Kind::state>>(result);
    if (!yes.changed && yes.rows.empty() && yes.entries.empty()) {
      reply(yes.reply);
      return;
    }
    if (p_.w.fault(2)) return crash(); // Before the commit.
    p_.db.commit(self_.id, yes);
    if (p_.w.fault(2)) return crash(); // After it: nobody hears of it.
    if (yes.changed) {
      data_ = yes.next;
      exists_ = true;
    }
    reply(yes.reply);
    act();
  }

  void act() {
    effects_.reconcile(exists_ ? Kind::effects_due(data_, self_, p_.w.now, p_.rules) : std::vector<effect>{});
    start();
  }

  void start() {
    for (auto* r : effects_.start(p_.w.now)) launch(r->call, r->what);
    const auto next = effects_.next_start();
    if (next)
      p_.w.at(std::max(*next, p_.w.now), [this, g = generation_] {
        if (g == generation_) start();
      });
  }

  void launch(std::uint64_t call, const effect& what) {
    auto& w = p_.w;
    const auto lost = io_failure{fault::unknown, "timeout", "", std::nullopt};
    const auto travel = [&] { return milliseconds(w.fault(10) ? w.between(1000, 30'000) : w.between(10, 300)); };
    if (w.fault(6)) return answer(call, what.key, io_outcome{lost}, travel());
    w.after(travel(), [this, call, what, g = generation_, lost, back = travel()] {
      // What was on its way when the node died may arrive or not.
      if (g != generation_ && p_.w.chance(50)) return;
      if (const auto* question = std::get_if<ask_entity>(&what.request)) {
        p_.route(*question, [this, call, what, g, lost, back](const entity_reply& reply) {
          const auto* no = std::get_if<refused>(&reply);
          const bool busy = no && no->code == refusal::unavailable;
          if (g == generation_) answer(call, what.key, busy || p_.w.fault(6) ? outcome(io_outcome{lost}) : outcome(reply), back);
        });
        // The other side may die before it answers.
        p_.w.after(60'000ms, [this, call, what, g, lost] {
          if (g == generation_) hear(call, what.key, io_outcome{lost});
        });
        return;
      }
      const auto result = p_.perform(std::get<io_request>(what.request));
      if (g == generation_) answer(call, what.key, p_.w.fault(6) ? outcome(io_outcome{lost}) : outcome(result), back);
    });
  }

  using outcome = decltype(effect_done::outcome);

  void answer(std::uint64_t call, const std::string& key, outcome result, milliseconds back) {
    p_.w.after(back, [this, call, key, result, g = generation_] {
      if (g == generation_) hear(call, key, result);
    });
  }

  void hear(std::uint64_t call, const std::string& key, const outcome& result) {
    const auto nobody = [](const entity_reply&) {};
    const auto* io = std::get_if<io_outcome>(&result);
    const auto* failure = io ? std::get_if<io_failure>(io) : nullptr;
    auto* r = effects_.answered(call);
    if (!r) {
      // An answer that waited in the inbox while the step was committed that made it void: the machine itself must see that.
      if (p_.w.fault(10) && !(failure && failure->kind != fault::permanent)) decide(effect_done{key, result}, nobody);
      return;
    }
    if (failure && failure->kind != fault::permanent) {
      effects_.failed(*r, failure->code, failure->retry_after, p_.w.now, self_.id);
      return start();
    }
    effects_.succeeded(*r, p_.w.now);
    decide(effect_done{key, result}, nobody);
    start();
  }

  parts& p_;
  entity_ref self_;
  typename Kind::state data_;
  bool exists_ = false, up_ = true;
  std::uint64_t generation_ = 1;
  effects_running effects_;
};

std::string address_of(int n) { return "0x00000000000000000000000000000000000b0b0" + std::to_string(n); }

bool has_ended(const payout& p) {
  return p.status == payout_status::completed || p.status == payout_status::failed || p.status == payout_status::cancelled
         || p.status == payout_status::needs_attention;
}

class run {
public:
  explicit run(std::uint64_t seed) : p(seed), bank(p, {entity_kind::wallet, our_address}) {
    p.route = [this](const ask_entity& question, const reply_fn& reply) {
      bank.deliver(std::get<wallet_message>(question.message), reply);
    };
  }

  void play() {
    auto& w = p.w;
    bank.deliver(open_wallet{our_address}, [](const auto&) {});
    every(12s, [this] { p.net.mine(); });
    every(7s, [this] { p.swaps.turn(); });
    every(5s, [this] { open_again(); });
    const auto count = w.between(1, 4);
    for (int i = 0; i < count; ++i) order(i);
    for (int i = 0; i < 3; ++i) w.after(milliseconds(w.between(1000, 2'400'000)), [this] { w_crash(); });
    // The gas float runs low at times, and is refilled.
    w.after(milliseconds(w.between(600'000, 2'000'000)), [this] {
      p.net.fund(one_coin / 10);
      p.db.post({{"test/refill", "", {{accounts::wallet, "eth", one_coin / 10}, {accounts::float_equity, "eth", -one_coin / 10}}}});
    });
    const auto peace = w.now + 40min;
    w.at(peace, [this] { p.w.faults = false; });
    while (w.turn() && w.broken.empty() && !(w.now > peace && all_over()) && w.now < peace + 12h) {
    }
    if (w.broken.empty()) judge();
  }

  parts p;

private:
  void every(milliseconds pause, std::function<void()> what) {
    p.w.after(pause, [this, pause, what] {
      what();
      every(pause, what);
    });
  }

  void open_again() {
    if (!p.db.the_wallet) bank.deliver(open_wallet{our_address}, [](const auto&) {});
  }

  void w_crash() {
    if (p.w.chance(50)) bank.crash();
    for (auto& [id, entity] : payouts)
      if (p.w.chance(30)) entity->crash();
  }

  void order(int i) {
    auto& w = p.w;
    const auto id = "01J" + std::to_string(i);
    request_payout m;
    m.channel_id = -100 - i;
    m.owner_chat_id = w.chance(50) ? 7 : 0;
    m.order_id = id;
    m.target = w.chance(35) ? asset{"eth", "eth"} : asset{"xmr", "xmr"};
    m.address = address_of(i);
    m.source = eth_amount::of_units(w.chance(10) ? one_coin / 200 + 7 : one_coin / 50 * w.between(1, 10) + w.between(0, 9'999'999'999));
    m.net = usd_amount::of_units(10 * one_coin);
    if (w.chance(5)) p.net.refusing.insert(m.address);
    if (w.chance(5)) p.net.reverting.insert(m.address);
    // Its own pot: the ETH of this payment is seen on the chain, and owed to the owner.
    w.after(milliseconds(w.between(10'000, 900'000)), [this, m, id] { begin(m, id); });
    wanted.insert(id);
  }

  void begin(const request_payout& m, const std::string& id) {
    if (!p.db.the_wallet || p.db.the_wallet->status == wallet_status::opening) return p.w.after(10s, [this, m, id] { begin(m, id); });
    p.net.fund(m.source.units());
    p.db.post({{"test/" + id,
                "",
                {{accounts::wallet, "eth", m.source.units()},
                 {accounts::owner_available(std::to_string(m.channel_id)), "eth", -m.source.units()}}}});
    payouts[id] = std::make_unique<shell<payout_kind>>(p, entity_ref{entity_kind::payout, id});
    insist(m, id);
  }

  /// The payment asks until it has heard `ok`; a repeat changes nothing.
  void insist(const request_payout& m, const std::string& id) {
    auto heard = std::make_shared<bool>(false);
    payouts[id]->deliver(m, [heard](const entity_reply& r) { *heard = std::holds_alternative<ok>(r); });
    if (!*heard || p.w.fault(30)) p.w.after(5s, [this, m, id] { insist(m, id); });
  }

  bool all_over() {
    for (const auto& id : wanted) {
      const auto at = p.db.payouts.find(id);
      if (at == p.db.payouts.end() || !is_over(at->second) || !at->second.settled_intent.empty()) return false;
    }
    for (const auto& [intent, t] : p.db.transfers)
      if (!is_final(t.status)) return false;
    return true;
  }

  /// This exchange never names the transaction of a refund: such a payout waits for ever, visibly, and its money stays held.
  static bool is_over(const payout& end) { return has_ended(end) || end.status == payout_status::refunding; }

  void judge() {
    auto& w = p.w;
    for (const auto& id : wanted) {
      const auto at = p.db.payouts.find(id);
      if (at == p.db.payouts.end()) return w.demand(false, id + " was never begun");
      const auto& end = at->second;
      w.demand(is_over(end), id + " ends; it is " + std::string(to_text(end.status)) + ": " + end.reason);
      const bool given_back = end.status == payout_status::failed || end.status == payout_status::cancelled;
      const bool held = end.status == payout_status::needs_attention || end.status == payout_status::refunding;
      const auto channel = std::to_string(end.channel_id);
      w.demand(held || p.db.balances[accounts::owner_held(channel)] == 0, id + ": nothing stays held");
      w.demand(p.db.balances[accounts::owner_spread(channel)] == 0, id + ": the spread account is passed through");
      w.demand(!given_back || -p.db.balances[accounts::owner_available(channel)] == end.source.units(),
               id + ": all is back with the owner");
      w.demand(p.db.closed[id] == (held ? 0 : 1), id + ": its accrual is closed once");
      const auto [units, times] = p.net.received(end.address);
      if (is_plain_eth(end.target)) {
        w.demand(times == (end.status == payout_status::completed ? 1 : 0), id + ": one transfer if completed, else none");
        w.demand(times == 0 || units == end.source.units(), id + ": the transfer has the right value");
      } else if (end.status == payout_status::completed) {
        const auto [deposit, deposits] = p.net.received(end.payin_address);
        w.demand(deposits == 1 && deposit == end.funded.units(), id + ": exactly one deposit was mined");
      }
    }
    int spent = 0;
    for (const auto& [intent, t] : p.db.transfers) {
      w.demand(is_final(t.status), intent + " settles; it is " + std::string(to_text(t.status)) + ", alert: " + p.db.the_wallet->alert);
      const auto [units, times] = p.net.received(t.to);
      w.demand(times == (t.status == transfer_status::confirmed ? 1 : 0), intent + ": exactly one mined transfer if confirmed, else none");
      w.demand(times == 0 || units == t.value.units(), intent + ": with the right value");
      w.demand(t.acknowledged_at.has_value(), intent + " is acknowledged");
      if (t.status != transfer_status::dropped) ++spent;
    }
    w.demand(static_cast<int>(p.net.nonce()) == spent, "one nonce per signed intent");
    w.demand(p.db.balances[accounts::wallet] == p.net.balance(), "the ledger's wallet is the chain's balance");
    for (const auto& [id, s] : p.swaps.swaps) {
      const auto known = p.db.balances[accounts::in_swap(id)];
      w.demand(known == 0 || p.net.received(s.made.payin_address).second == 1, id + ": an open swap account has its deposit");
    }
  }

  shell<wallet_kind> bank;
  std::map<std::string, std::unique_ptr<shell<payout_kind>>> payouts;
  std::set<std::string> wanted;
};

} // namespace

TEST_CASE("money goes out exactly once, whatever is lost, late, repeated or dead") {
  const auto* only = std::getenv("PAYGATE_SEED");
  const auto* many = std::getenv("PAYGATE_SEEDS");
  const std::uint64_t first = only ? std::strtoull(only, nullptr, 10) : 1;
  const std::uint64_t count = only ? 1 : many ? std::strtoull(many, nullptr, 10) : 2000;
  std::map<std::string, int> ends;
  int failures = 0, dropped = 0, raised = 0;
  for (auto seed = first; seed < first + count && failures < 5; ++seed) {
    auto world = std::make_unique<run>(seed);
    world->play();
    if (!world->p.w.broken.empty()) {
      ++failures;
      FAIL_CHECK("PAYGATE_SEED=" << seed << ": " << world->p.w.broken.front());
    }
    for (const auto& [id, end] : world->p.db.payouts) ++ends[std::string(to_text(end.status))];
    for (const auto& [intent, t] : world->p.db.transfers) {
      dropped += t.status == transfer_status::dropped;
      raised += !t.old_hashes.empty();
    }
  }
  // A world in which the hard cases do not come up proves nothing.
  std::string seen = "dropped " + std::to_string(dropped) + ", raised " + std::to_string(raised);
  for (const auto& [status, n] : ends) seen += ", " + status + " " + std::to_string(n);
  INFO(seen);
  if (only) WARN(seen);
  if (count >= 1000 && failures == 0) {
    for (const auto* status : {"completed", "failed", "cancelled", "needs_attention", "refunding"}) CHECK(ends[status] > 0);
    CHECK(dropped > 0);
    CHECK(raised > 0);
    WARN(seen);
  }
}

} // namespace paygate::sim
