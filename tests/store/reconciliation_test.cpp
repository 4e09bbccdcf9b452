// What reconciliation reads and writes, against a real PostgreSQL: the cut of the ledger, movements of the chain and what names them,
// exceptions that are raised once.
#include <catch2/catch.hpp>

#include <thread>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const std::string wallet_address = "0xabc";
int128 units(std::string_view text) { return parse_decimal(text)->units; }

void must(const commit_result& result) {
  INFO(result.error);
  REQUIRE(result.outcome == commit_outcome::committed);
}

/// The rounds of "main": each step writes these rows.
struct rounds {
  store& db;
  std::uint64_t version = 0;
  reconciliation state{};
  void write(std::vector<side_row> rows) {
    auto step = db.step_for(entity_kind::reconciliation, "main", ++version, state);
    step.rows = std::move(rows);
    must(db.commit(step));
  }
};

chain_movement movement(std::string hash, std::string_view amount, std::uint64_t block, std::int32_t line = -1,
                        std::string_view gas = "0") {
  chain_movement m;
  m.hash = std::move(hash), m.line = line, m.currency = line < 0 ? "eth" : "usdt", m.units = units(amount), m.gas = units(gas);
  m.block = block, m.at = at_micros(some_micros), m.counterparty = "0xother";
  return m;
}

exception_found difference(std::string subject, std::string_view actual, std::int64_t round) {
  exception_found e;
  e.round = round, e.kind = exception_kind::foreign_deposit, e.subject = e.hash = std::move(subject), e.currency = "eth",
  e.actual = units(actual);
  e.explanation = "it came";
  return e;
}

ledger_entry wallet_entry(const std::string& key, std::string_view amount, const std::string& currency = "eth") {
  return {key, "test", {{accounts::wallet, currency, units(amount)}, {accounts::float_equity, currency, -units(amount)}}};
}

/// A deposit that names this transaction; booked with `arrived`.
void enter_deposit(store& db, const std::string& id, const std::string& hash, std::string_view gross, bool arrived) {
  auto step = db.step_for(entity_kind::payment, "order" + id, 1, payment{});
  deposit d;
  d.payment_id = id, d.order_id = "order" + id, d.status = provider_status::finished, d.outcome_currency = "eth", d.payout_hash = hash;
  d.gross_eth = eth_amount::of_units(units(gross)), d.settled_at = at_micros(some_micros);
  if (arrived) d.arrived_at = at_micros(some_micros);
  step.rows = {d};
  step.entries = {{"payment/order" + id + "/settled/" + id, "test", {{accounts::incoming, "eth", 1}, {accounts::fee_income, "eth", -1}}}};
  if (arrived) step.entries.push_back(wallet_entry("payment/order" + id + "/arrived/" + id, gross));
  must(db.commit(step));
}

template <class Answer, class Request>
Answer asked(const io_client& books, Request request) {
  const auto answer = books(request);
  if (const auto* failure = std::get_if<io_failure>(&answer)) FAIL(failure->code << ": " << failure->text);
  return std::get<Answer>(answer);
}

} // namespace

TEST_CASE("a cut holds every entry up to its id and none that comes later") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  CHECK(asked<books_cut>(books, get_books_cut{}) == books_cut{});
  enter_deposit(db, "1", "0x1", "0.5", true);
  // A transaction that took its ids and is slow to commit: the cut waits for it, and does not pass it over.
  pqxx::connection slow(db.dsn);
  auto open = std::make_unique<pqxx::work>(slow);
  open->exec("INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version) VALUES ('slow', now(), 'r', 'wallet', 'w', 1)");
  enter_deposit(db, "2", "0x2", "0.25", true);
  books_cut cut;
  std::thread reader([&] { cut = asked<books_cut>(books, get_books_cut{}); });
  pqxx::connection watcher(db.dsn);
  for (bool waits = false; !waits;) {
    pqxx::nontransaction look(watcher);
    waits =
        look.exec1("SELECT count(*) > 0 FROM pg_locks WHERE relation = 'ledger_entry'::regclass AND mode = 'ShareLock' AND NOT granted")[0]
            .as<bool>();
  }
  open->exec("INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), * FROM (VALUES (1, 'assets:wallet', 'usdt', 3), (2, 'x', "
             "'usdt', -3)) AS p");
  open->commit();
  open.reset();
  reader.join();
  CHECK(to_decimal(cut.eth) == "0.75");
  CHECK(to_decimal(cut.usdt) == "3");
  CHECK(cut.entry == std::stoll(db.value("SELECT max(id) FROM ledger_entry")));
}

TEST_CASE("movements are named by what we know, booked by the cut, and give way to a reorganised chain") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  rounds main{db};
  enter_deposit(db, "1", "0xAA", "0.5", true);
  const auto cut = asked<books_cut>(books, get_books_cut{});
  enter_deposit(db, "2", "0xbb", "0.25", true); // Booked, but after the cut.
  enter_deposit(db, "3", "0xcc", "0.1", false);
  main.write({movements_seen{1,
                             10,
                             {movement("0xaa", "0.5", 3), movement("0xbb", "0.25", 4), movement("0xCC", "0.09", 5),
                              movement("0xdd", "0.7", 6), movement("0xdd", "4", 6, 2), movement("0xee", "-0.2", 7, -1, "0.01")}},
              movements_matched{cut.entry}});
  auto page = asked<unbooked_page>(books, get_unbooked{"", cut.entry});
  REQUIRE(page.items.size() == 4);
  CHECK(page.items[0].hash == "0xbb");
  CHECK(page.items[0].subject == "deposit/2");
  CHECK(page.items[0].gross == units("0.25"));
  CHECK(page.items[1].subject == "deposit/3");
  CHECK(page.items[1].eth == units("0.09"));
  CHECK(page.items[1].gross == units("0.1"));
  CHECK(page.items[2].subject == "");
  CHECK(page.items[2].eth == units("0.7"));
  CHECK(page.items[2].usdt == units("4"));
  CHECK(page.items[3].gas == units("0.01"));
  CHECK_FALSE(page.more);
  page = asked<unbooked_page>(books, get_unbooked{"0xbb", cut.entry, 2});
  CHECK(page.items.size() == 2);
  CHECK(page.more);

  // Only what came in and is nobody's is asked about.
  auto unclaimed = asked<unclaimed_seen>(books, get_unclaimed{});
  CHECK(unclaimed.hashes == std::vector<std::string>{"0xdd"});
  main.write({movement_claimed{"0xDD", "conversion/c1"}});
  CHECK(asked<unclaimed_seen>(books, get_unclaimed{}).hashes.empty());
  // The next round finds the later entry booked, and a block that lost a transaction.
  main.write({movements_seen{5, 12, {movement("0xee", "-0.2", 8, -1, "0.01")}},
              movements_matched{asked<books_cut>(books, get_books_cut{}).entry}});
  page = asked<unbooked_page>(books, get_unbooked{"", 1'000});
  REQUIRE(page.items.size() == 1);
  CHECK(page.items[0].hash == "0xee");
  CHECK(page.items[0].block == 8);
  CHECK(db.value("SELECT string_agg(hash, ' ' ORDER BY hash) FROM chain_movement WHERE booked") == "0xaa 0xbb");
}

TEST_CASE("an exception is raised once, not again once it was resolved with the same figures, and closes when it vanished") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  rounds main{db};
  const auto open = [&] { return db.value("SELECT count(*) FROM reconcile_exception WHERE resolved_at IS NULL"); };
  main.write({movements_seen{1, 9, {movement("0xdd", "0.7", 6)}}, difference("0xdd", "0.7", 1), round_closed{1}});
  main.write({difference("0xdd", "0.7", 2), round_closed{2}});
  CHECK(db.value("SELECT count(*) || ' ' || min(round) || ' ' || max(seen_round) FROM reconcile_exception") == "1 1 2");
  auto seen = asked<exception_seen>(books, get_exception{1});
  CHECK(seen.open);
  CHECK(seen.eth == units("0.7"));
  CHECK(std::get<io_failure>(books(get_exception{99})).code == "not_found");

  // Resolved by a correction: the movement is booked by that entry, once a cut holds it.
  main.write({exception_resolved{1, "float", "mine", "me", "wallet/0xabc/correction/exception/1/eth"}});
  CHECK(open() == "0");
  CHECK_FALSE(asked<exception_seen>(books, get_exception{1}).open);
  CHECK(db.value("SELECT subject FROM chain_movement") == "exception/1");
  main.write({movements_matched{1'000}});
  CHECK(db.value("SELECT booked FROM chain_movement") == "f");
  auto wallet_step = db.step_for(entity_kind::wallet, wallet_address, 1, wallet{});
  wallet_step.entries = {wallet_entry("wallet/0xabc/correction/exception/1/eth", "0.7")};
  must(db.commit(wallet_step));
  main.write({movements_matched{1'000}});
  CHECK(db.value("SELECT booked FROM chain_movement") == "t");
  // The same figures again are the same thing; other figures are news, and news that does not come again has vanished.
  main.write({difference("0xdd", "0.7", 3), round_closed{3}});
  CHECK(open() == "0");
  // Gone for a round and back: news again.
  main.write({difference("0xdd", "0.7", 5), round_closed{5}});
  CHECK(open() == "1");
  main.write({exception_resolved{2, "explained", "known", "me", ""}});
  main.write({difference("0xdd", "0.8", 6), round_closed{6}});
  CHECK(open() == "1");
  main.write({round_closed{7}});
  CHECK(open() == "0");
  CHECK(db.value("SELECT resolution || ' ' || resolved_by FROM reconcile_exception ORDER BY id DESC LIMIT 1") == "vanished reconcile");
  main.write({difference("0xdd", "0.8", 8), round_closed{8}}); // It came back.
  CHECK(open() == "1");

  // What no movement stands for is part of what the balances are explained by, until a correction books it.
  auto missing = difference("transfer/x", "0", 9);
  missing.kind = exception_kind::missing_payout, missing.hash = "0xff", missing.wallet_eth = units("0.101");
  main.state.round = 9;
  main.write({missing});
  CHECK(asked<unbooked_page>(books, get_unbooked{"", 0}).other_eth == units("0.101"));
  const auto id = std::stoll(db.value("SELECT max(id) FROM reconcile_exception"));
  CHECK(asked<exception_seen>(books, get_exception{id}).eth == units("0.101"));
  main.write({exception_resolved{id, "float", "mine", "me", "wallet/0xabc/correction/exception/1/eth"}});
  CHECK(asked<unbooked_page>(books, get_unbooked{"", 1'000}).other_eth == 0);
  CHECK(asked<unbooked_page>(books, get_unbooked{"", 0}).other_eth == units("0.101")); // A cut before the correction.
}

TEST_CASE("the audit walks the ledger: what became final since, what is recent, and what an exception is open about") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  rounds main{db};
  enter_deposit(db, "1", "0x1", "0.5", true);
  enter_deposit(db, "2", "0x2", "0.25", false);
  payout p;
  p.status = payout_status::completed, p.swap_id = "s1", p.tx_hash = "0x3", p.payout_hash = "0x4", p.target = {"usdt", "eth"};
  p.amount_out = units("7"), p.source = p.funded = eth_amount::of_units(units("0.1"));
  auto step = db.step_for(entity_kind::payout, "p1", 1, p);
  step.entries = {{"payout/p1/completed", "test", {{"a", "eth", 1}, {"b", "eth", -1}}}};
  must(db.commit(step));
  auto state = filled_snapshot(entity_kind::wallet, wallet_address);
  auto paid = db.step_for(entity_kind::wallet, wallet_address, 1, state);
  paid.rows = children_of(state);
  const auto& t = std::get<wallet>(state).transfers.at(0);
  paid.entries = {wallet_entry("wallet/" + wallet_address + "/" + t.intent + "/gas", "-0.001")};
  must(db.commit(paid));
  const auto last = asked<books_cut>(books, get_books_cut{}).entry;

  get_audit_page ask;
  ask.last = last, ask.since = at_micros(some_micros) + std::chrono::hours(1);
  const auto words = [](const audit_page& page) {
    std::string text;
    for (const auto& i : page.items) text += i.subject + ":" + std::to_string(static_cast<int>(i.what)) + " ";
    return text;
  };
  auto page = asked<audit_page>(books, ask);
  CHECK(words(page) == "deposit/1:1 deposit/2:1 payout/p1:2 payout/p1:3 transfer/" + t.intent + ":0 ");
  CHECK_FALSE(page.more);
  CHECK(page.next == last);
  CHECK(page.items[2].units == units("7"));
  CHECK(page.items[2].sent == units("0.1"));
  CHECK(page.items[4].hash == t.hash);
  ask.limit = 1;
  page = asked<audit_page>(books, ask);
  CHECK(words(page) == "deposit/1:1 ");
  CHECK(page.more);
  ask.after = page.next;
  CHECK(words(asked<audit_page>(books, ask)) == "deposit/2:1 ");
  // Known already, and not recent: only what is open.
  ask = {0, last, last, ask.since, 40};
  CHECK(words(asked<audit_page>(books, ask)) == "");
  auto e = difference("deposit/2", "0.3", 1);
  e.kind = exception_kind::wrong_provider_amount, e.entry = asked<audit_page>(books, get_audit_page{0, 0, last, {}, 40}).items.at(1).entry;
  main.write({e});
  CHECK(words(asked<audit_page>(books, ask)) == "deposit/2:1 ");
  ask.since = at_micros(some_micros);
  CHECK(words(asked<audit_page>(books, ask)).starts_with("deposit/1:1 "));
  CHECK(asked<unknown_payments>(books, get_unknown_payments{{"2", "9", "1"}}).ids == std::vector<std::string>{"9"});
}
