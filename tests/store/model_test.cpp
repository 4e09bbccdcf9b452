// The simulation's database in memory and the real one in SQL are the same where value gathers: both are fed the same random steps, and
// every answer, every accrual and every balance must be equal after each of them.
#include <catch2/catch.hpp>

#include <random>

#include <caf/all.hpp>

#include "tests/simulation/database.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

class twins {
public:
  explicit twins(std::uint64_t seed) : real(new_database()), w(seed), model(w), books(make_books_client(real.dsn)) {
    model.table.give_all(real.node, 0);
    // The database's own clock, because it asks "within a day".
    w.now = at_micros(std::stoll(real.value("SELECT (extract(epoch FROM now()) * 1000000)::bigint")));
  }

  void play(int steps) {
    for (std::int64_t id = -1; id >= -3; --id) enter_channel(id);
    for (int i = 0; i < steps && w.broken.empty(); ++i) {
      w.now += std::chrono::milliseconds(w.between(1, 50));
      const auto what = w.between(0, 99);
      if (what < 40)
        accrue();
      else if (what < 50)
        arrive();
      else if (what < 60)
        convert();
      else if (what < 72)
        end_conversion();
      else if (what < 84)
        pay();
      else
        end_payout();
      compare();
    }
    for (const auto& broken : w.broken) FAIL_CHECK(broken);
  }

  std::map<std::string, int> seen;

private:
  void commit(step_record step, const char* what) {
    INFO(what);
    step.header.updated_at = step.header.created_at = w.now;
    ++seen[what];
    model.table.give_all(real.node, step.epoch);
    const auto real_answer = real.commit(step);
    INFO(real_answer.error);
    CHECK(real_answer.outcome == commit_outcome::committed);
    CHECK(model.commit(step, real.node).outcome == real_answer.outcome);
  }

  void enter_channel(std::int64_t id) {
    class channel c;
    c.open_channel_id = id;
    c.owner_chat_id = 7;
    c.strategy = id == -1 ? payout_strategy::instant : payout_strategy::threshold;
    c.threshold = usd_amount::of_units(w.between(1, 40) * one_coin);
    c.payout_asset = id == -2 ? asset{"usdt", "eth"} : asset{"btc", "btc"};
    c.payout_address = "somewhere";
    commit(real.step_for(entity_kind::channel, std::to_string(id), 1, c), "channel");
  }

  /// From a unit to a fortune, now and then nothing: the shapes that rounding dislikes.
  int128 amount() {
    const auto shape = w.between(0, 9);
    if (shape == 0) return w.between(1, 9);
    if (shape == 1) return one_coin * w.between(1, 1'000'000) + w.between(0, 999'999'999);
    if (shape <= 5) return one_coin / 10 * 97; // Alike: ties.
    return one_coin / 100 * w.between(1, 3000);
  }

  void accrue() {
    const auto n = std::to_string(++orders);
    auto step = real.step_for(entity_kind::payment, "order" + n, 1, payment{});
    deposit d;
    d.payment_id = "deposit" + n;
    d.order_id = "order" + n;
    if (w.chance(80)) d.arrived_at = w.now;
    accrual_opened a;
    a.payment_id = d.payment_id;
    a.order_id = d.order_id;
    a.channel_id = -w.between(1, 3);
    a.gross_usd = a.net_usd = usd_amount::of_units(amount());
    a.gross_eth = a.net_eth = eth_amount::of_units(amount());
    step.rows = {d, a};
    step.entries = {{"payment/" + d.order_id + "/settled",
                     "test",
                     {{accounts::wallet, "eth", a.net_eth.units()},
                      {accounts::owner_available(std::to_string(a.channel_id)), "eth", -a.net_eth.units()}}}};
    if (!d.arrived_at) waiting.push_back(d);
    commit(std::move(step), "accrued");
  }

  void arrive() {
    if (waiting.empty()) return;
    auto d = waiting.back();
    waiting.pop_back();
    d.arrived_at = w.now;
    auto step = real.step_for(entity_kind::payment, d.order_id, 2, payment{});
    step.rows = {d};
    commit(std::move(step), "arrived");
  }

  void convert() {
    const auto id = "c" + std::to_string(++conversions);
    auto step = real.step_for(entity_kind::conversion, id, 1, conversion{});
    step.rows = {claim_accruals{claim_scope::pending, 0, accounts::converting(id), most()}};
    commit(std::move(step), "claimed by a conversion");
    open_conversions.push_back(id);
  }

  void end_conversion() {
    if (open_conversions.empty()) return;
    const auto at = open_conversions.begin() + static_cast<std::ptrdiff_t>(w.random() % open_conversions.size());
    const auto id = *at;
    open_conversions.erase(at);
    const auto claim = std::get<claim_seen>(books(get_claim{"conversion/" + id}));
    auto step = real.step_for(entity_kind::conversion, id, 2, conversion{});
    const bool comes = claim.net.is_positive() && w.chance(70);
    const auto received = comes ? one_coin / 1'000'000 * w.between(1, w.chance(30) ? 20 : 900'000'000) : 0;
    // Less is left when the exchange kept something of a deposit that it sent back.
    const auto lost = w.chance(50) ? 0 : mul_div_floor(claim.eth.units(), w.between(0, 100), 100);
    step.rows = {conversion_closed{usdt_amount::of_units(received), comes ? eth_amount{} : claim.eth - eth_amount::of_units(lost)}};
    commit(std::move(step), comes ? "shared out" : "set free");
  }

  void pay() {
    payout p;
    p.channel_id = -w.between(1, 3);
    p.pot = w.chance(50) ? payout_pot::usdt : payout_pot::eth;
    p.target = p.channel_id == -2 ? asset{"usdt", "eth"} : asset{"btc", "btc"};
    if (w.chance(40)) p.pair_minimum = one_coin * w.between(1, 30);
    const auto id = std::to_string(p.channel_id) + "." + std::to_string(++payouts);
    auto step = real.step_for(entity_kind::payout, id, 1, p);
    step.rows = {claim_accruals{p.pot == payout_pot::usdt ? claim_scope::converted_of_channel : claim_scope::pending_of_channel,
                                p.channel_id, accounts::owner_held(std::to_string(p.channel_id)), most()}};
    commit(std::move(step), "claimed by a payout");
    open_payouts.emplace_back(id, p);
  }

  /// The most that is claimed at once, if there is such a limit.
  int128 most() { return w.chance(70) ? 0 : one_coin * w.between(1, 60); }

  void end_payout() {
    if (open_payouts.empty()) return;
    auto [id, p] = open_payouts.back();
    open_payouts.pop_back();
    const auto kind = w.between(0, 2);
    p.status = kind == 0 ? payout_status::completed : kind == 1 ? payout_status::cancelled : payout_status::failed;
    if (kind == 0) p.tx_hash = "0x1";
    auto step = real.step_for(entity_kind::payout, id, 2, p);
    const auto free = p.pot == payout_pot::usdt ? accrual_status::converted : accrual_status::pending;
    accrual_closed end{id, kind == 0 ? accrual_status::paid : free, {}, false};
    const auto claim = std::get<claim_seen>(books(get_claim{"payout/" + id}));
    const bool usdt = p.pot == payout_pot::usdt;
    if (kind != 0 && w.chance(50)) {
      const auto all = usdt ? claim.usdt.units() : claim.eth.units();
      end.left = truncate_to(mul_div_floor(all, w.between(1, 100), 100), usdt ? 6 : 18);
      if (usdt && w.chance(40)) end.status = accrual_status::pending, end.resold = true, end.left = amount();
      ++seen[end.resold ? "resold" : "given back with a loss"];
    }
    step.rows = {end};
    if (kind == 2 && w.chance(20)) step.rows.push_back(failure_listed{"no", "no"});
    commit(std::move(step), kind == 0 ? "paid" : "given back");
  }

  void compare() {
    for (const auto& request : {io_request(get_gathered{}), io_request(get_due_payouts{})})
      w.demand(books(request) == model.ask(request), std::string(name_of(request)) + " is answered alike");
    std::string rows;
    std::map<std::int64_t, const sim::accrual_book::row*> by_id;
    for (const auto& [payment, a] : model.accruals.rows) by_id[a.id] = &a;
    for (const auto& [id, a] : by_id) {
      rows += a->payment_id + " " + std::string(to_text(a->status)) + " c=" + a->conversion_id + " p=" + a->payout_id + " "
              + to_decimal(a->net_usdt) + " " + to_decimal(a->net_eth) + "\n";
      for (const auto& claimant : {"conversion/" + a->conversion_id, "payout/" + a->payout_id})
        if (claimant.back() != '/') w.demand(books(get_claim{claimant}) == model.ask(get_claim{claimant}), "claim of " + claimant);
    }
    const auto stored =
        real.value("SELECT coalesce(string_agg(payment_id || ' ' || status || ' c=' || conversion_id || ' p=' || payout_id || ' ' || "
                   "trim_scale(net_usdt) || ' ' || trim_scale(net_eth) || E'\\n', '' ORDER BY id), '') FROM accrual");
    w.demand(stored == rows, "the accruals are alike:\n" + stored + "and in memory\n" + rows);
    std::string sums;
    for (const auto& [key, units] : model.balances)
      if (units != 0) sums += key.first + " " + key.second + " " + to_decimal(units) + "\n";
    const auto posted =
        real.value("SELECT coalesce(string_agg(a || ' ' || c || ' ' || trim_scale(u) || E'\\n', '' ORDER BY a COLLATE \"C\", c), '') FROM "
                   "(SELECT account AS a, currency AS c, sum(units) AS u FROM ledger_posting GROUP BY 1, 2 HAVING sum(units) <> 0) q");
    w.demand(posted == sums, "the balances are alike:\n" + posted + "and in memory\n" + sums);
  }

  store real;
  sim::world w;
  sim::database model;
  io_client books;
  std::vector<deposit> waiting;
  std::vector<std::string> open_conversions;
  std::vector<std::pair<std::string, payout>> open_payouts;
  int orders = 0, conversions = 0, payouts = 0;
};

} // namespace

TEST_CASE("where value gathers, the simulated database and PostgreSQL are one") {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    auto both = std::make_unique<twins>(seed);
    both->play(90);
    for (const auto& [what, n] : both->seen) seen[what] += n;
  }
  for (const auto* what : {"accrued", "arrived", "claimed by a conversion", "shared out", "set free", "claimed by a payout", "paid",
                           "given back", "resold", "given back with a loss"}) {
    INFO(what);
    CHECK(seen[what] > 2);
  }
}
