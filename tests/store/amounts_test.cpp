// Fifteen digits before the point and eighteen behind it: through every amount column there is, through the ledger, a claim, a
// distribution, and the JSON that the operator reads.
#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include "persistence/row_tables.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const std::string big = "123456789012345.123456789012345678";
const int128 big_units = parse_decimal(big)->units;

/// Sets every amount of a snapshot, whatever its currency.
struct enlarge {
  int& count;
  void operator()(std::string_view, int128& units) const { units = big_units, ++count; }
  template <class Unit>
  void operator()(std::string_view, money<Unit>& amount) const {
    amount = money<Unit>::of_units(big_units), ++count;
  }
  template <class Other>
  void operator()(std::string_view, Other&) const {}
};

template <class T>
int enlarged(T& state) {
  int count = 0;
  T::each_field(state, enlarge{count});
  return count;
}

void must(const commit_result& result) {
  INFO(result.error);
  REQUIRE(result.outcome == commit_outcome::committed);
}

std::size_t times(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++n;
  return n;
}

} // namespace

TEST_CASE("every amount column holds 15 digits before the point and 18 behind it, and shows them all") {
  store db(new_database());
  for (const auto kind :
       {entity_kind::payment, entity_kind::channel, entity_kind::payout, entity_kind::conversion, entity_kind::scheduler}) {
    INFO(to_text(kind));
    const std::string id = kind == entity_kind::channel ? "100" : "big";
    auto state = filled_snapshot(kind, id);
    if (auto* p = std::get_if<payment>(&state)) p->deposits.clear();
    int amounts = std::visit([](auto& s) { return enlarged(s); }, state);
    // What is lost and what is sent are within what was given.
    if (auto* p = std::get_if<payout>(&state)) p->lost = 0, p->leg = 1, --amounts;
    if (auto* c = std::get_if<conversion>(&state)) c->lost = 0, --amounts;
    CHECK(amounts > 0);
    must(db.commit(db.step_for(kind, id, 1, state)));
    const auto loaded = db.load({kind, id});
    CHECK((loaded.entity.state == state));
    // As text, with every digit: a JSON number would be cut by whoever reads it with doubles.
    const auto shown = db.query("show", R"({"kind":")" + std::string(to_text(kind)) + R"(","id":")" + id + "\"}");
    CHECK(times(shown, '"' + big + '"') == static_cast<std::size_t>(amounts));
  }
}

TEST_CASE("transfers, deposits, accruals, claims, shares and balances hold them too") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const std::string order = "order1";
  auto step = db.step_for(entity_kind::payment, order, 1, payment{});
  deposit d;
  enlarged(d);
  d.payment_id = "deposit1", d.order_id = order;
  d.arrived_at = d.settled_at = at_micros(some_micros);
  d.fee_usd = usd_amount::of_units(1), d.net_usd = d.gross_usd - d.fee_usd;
  d.fee_eth = eth_amount::of_units(1), d.net_eth = d.gross_eth - d.fee_eth;
  accrual_opened a;
  a.payment_id = d.payment_id, a.order_id = order, a.channel_id = -100;
  a.gross_usd = d.gross_usd, a.fee_usd = d.fee_usd, a.net_usd = d.net_usd;
  a.gross_eth = d.gross_eth, a.fee_eth = d.fee_eth, a.net_eth = d.net_eth;
  step.rows = {d, a};
  step.entries = {
      {"payment/order1/settled", "test", {{accounts::wallet, "eth", big_units}, {accounts::owner_available("-100"), "eth", -big_units}}}};
  must(db.commit(step));
  auto found = std::get<payment>(db.load({entity_kind::payment, order}).entity.state).deposits;
  REQUIRE(found.size() == 1);
  CHECK((found[0] == d));
  CHECK(db.query("balances").find("\"units\": \"" + big + '"') != std::string::npos);
  CHECK(db.query("balances").find("\"units\": \"-" + big + '"') != std::string::npos);
  CHECK(db.query("show", R"({"kind":"payment","id":"order1"})").find("\"actually_paid\": \"" + big + '"') != std::string::npos);

  auto open = db.step_for(entity_kind::conversion, "c1", 1, conversion{});
  open.rows = {claim_accruals{claim_scope::pending, 0, accounts::converting("c1")}};
  must(db.commit(open));
  const auto claim = std::get<claim_seen>(books(get_claim{"conversion/c1"}));
  CHECK(claim.eth == d.net_eth);
  CHECK(claim.net == d.net_usd);
  auto close = db.step_for(entity_kind::conversion, "c1", 2, conversion{});
  close.rows = {conversion_closed{usdt_amount::of_units(truncate_to(big_units, 6))}};
  must(db.commit(close));
  CHECK(db.value("SELECT trim_scale(net_usdt) FROM accrual") == "123456789012345.123456");

  auto wallet_state = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xaa"));
  wallet_state.transfers.clear();
  auto sends = db.step_for(entity_kind::wallet, "0xaa", 1, wallet_state);
  wallet_transfer t;
  enlarged(t);
  t.intent = "payout/1/1", t.wallet = "0xaa", t.to = "0xbb", t.memo = "x";
  t.token_value = {};
  sends.rows = {t};
  must(db.commit(sends));
  const auto sent = std::get<wallet>(db.load({entity_kind::wallet, "0xaa"}).entity.state).transfers;
  REQUIRE(sent.size() == 1);
  CHECK((sent[0] == t));
}
