// A predecessor's rows and what is made of them: the values by table, the plan by whole databases with hostile rows among good ones, and
// what the entities do with the messages of an import, the second time as well.
#include "actors/conversion/conversion_machine.hpp"
#include "actors/import/import_plan.hpp"
#include "actors/import/legacy_value.hpp"
#include "actors/payment/payment_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/runtime/source_name.hpp"
#include "actors/subscription/subscription_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::importing;
using namespace paygate::test;

namespace {

const std::string paid_to = "0x52908400098527886e0f7030069857d2e4169ee7", hash = "$2b$12$" + std::string(53, 'a');

using values = std::map<std::string, std::optional<std::string>>;

legacy_table table_of(const std::string& name, const std::vector<values>& rows) {
  legacy_table table{name, {}, {}};
  for (const auto& row : rows)
    for (const auto& [column, value] : row)
      if (std::find(table.columns.begin(), table.columns.end(), column) == table.columns.end()) table.columns.push_back(column);
  for (const auto& row : rows) {
    auto& line = table.rows.emplace_back();
    for (const auto& column : table.columns) line.push_back(row.contains(column) ? row.at(column) : std::nullopt);
  }
  return table;
}

values with(values base, const values& changes) {
  for (const auto& [column, value] : changes) base[column] = value;
  return base;
}

values owner(const values& changes = {}) {
  return with({{"user_id", "u1"},
               {"username", "olga"},
               {"email", "olga@example.org"},
               {"password_hash", hash},
               {"is_active", "t"},
               {"email_verified", "t"}},
              changes);
}
values a_channel(const values& changes = {}) {
  return with({{"id", "1"},
               {"open_channel_id", "-1001\n"},
               {"closed_channel_id", "-1002"},
               {"open_channel_title", "Open"},
               {"closed_channel_title", "Closed <b>&'; DROP TABLE payment; --"},
               {"closed_channel_description", "Signals"},
               {"sub_1_price", "29.990000000000002"},
               {"sub_1_time", "30"},
               {"sub_2_price", "0"},
               {"sub_2_time", "0"},
               {"client_wallet_address", paid_to},
               {"client_payout_currency", "USDT"},
               {"client_payout_network", "ETH"},
               {"payout_strategy", "threshold"},
               {"payout_threshold_usd", "50"},
               {"client_id", "u1"},
               {"notification_id", "77"}},
              changes);
}
values a_subscriber(const values& changes = {}) {
  return with({{"id", "1"},
               {"private_channel_id", "-1002"},
               {"user_id", "7"},
               {"sub_time", "30"},
               {"expire_time", "1798761600"},
               {"is_active", "t"}},
              changes);
}
values gathered(const values& changes = {}) {
  return with({{"id", "1"},
               {"client_id", "-1002"},
               {"user_id", "7"},
               {"accumulated_eth", "9.70"},
               {"pending_payout_eth", "0.0031"},
               {"accumulated_amount_usdt", "9.7"},
               {"conversion_status", "pending"},
               {"status", "pending"}},
              changes);
}

import_plan plan_of(std::vector<legacy_table> tables) {
  legacy_database db;
  db.tables = std::move(tables);
  return plan_import(db, start_of_time(), {});
}

/// "problem table key: reason" of each.
std::vector<std::string> findings(const import_plan& plan) {
  std::vector<std::string> all;
  for (const auto& f : plan.findings)
    all.push_back(std::string(f.problem ? "problem " : "difference ") + f.table + " " + f.key + ": " + f.reason);
  return all;
}

bool finds(const import_plan& plan, const std::string& words) {
  for (const auto& f : findings(plan))
    if (f.find(words) != f.npos) return true;
  for (const auto& f : findings(plan)) UNSCOPED_INFO(f);
  return false;
}

std::size_t items(const import_plan& plan, import_stage stage) {
  return static_cast<std::size_t>(std::count_if(plan.items.begin(), plan.items.end(), [&](const auto& i) { return i.stage == stage; }));
}

template <class Message, class Variant>
Message first(const import_plan& plan, import_stage stage) {
  for (const auto& item : plan.items)
    if (item.stage == stage) return std::get<Message>(std::get<Variant>(item.letter.body));
  FAIL("nothing of that stage");
  return {};
}

timestamp at(int y, unsigned m, unsigned d, int h = 0, int min = 0) {
  return timestamp{std::chrono::sys_days(std::chrono::year(y) / std::chrono::month(m) / std::chrono::day(d)) + std::chrono::hours(h)
                   + std::chrono::minutes(min)};
}

} // namespace

TEST_CASE("a predecessor's amounts are decimals above zero, whatever stands there") {
  struct line {
    const char *raw, *units;
  };
  for (const auto& l : {line{"10.50", "10.5"},
                        {" 0.0031\n", "0.0031"},
                        {"1e-7", "0.0000001"},
                        {"0.30000000000000004", "0.30000000000000004"},
                        {"0", ""},
                        {"-5", ""},
                        {"NaN", ""},
                        {"nan", ""},
                        {"Infinity", ""},
                        {"-Infinity", ""},
                        {"1e400", ""},
                        {"1000000000", ""},
                        {"", ""},
                        {"0x10", ""},
                        {"1,5", ""},
                        {"$5", ""},
                        {"1e-30", ""}}) {
    INFO(l.raw);
    const auto read = positive_amount(l.raw);
    CHECK((read ? to_decimal(*read) : "") == l.units);
  }
  CHECK(to_decimal(price("29.990000000000002").value()) == "29.99");
  CHECK(to_decimal(price("29.99").value()) == "29.99");
  CHECK_FALSE(price("29.995"));
  CHECK_FALSE(price("0.000000001"));
}

TEST_CASE("a predecessor's dates are instants in several forms, and nothing else") {
  struct line {
    const char* raw;
    std::optional<timestamp> at;
  };
  const std::vector<line> lines{{"1798761600", at(2027, 1, 1)},
                                {" 1798761600\n", at(2027, 1, 1)},
                                {"1798761600000", at(2027, 1, 1)},
                                {"1798761600000000", at(2027, 1, 1)},
                                {"1.7987616e9", at(2027, 1, 1)},
                                {"1798761600.0", at(2027, 1, 1)},
                                {"2027-01-01T00:00:00Z", at(2027, 1, 1)},
                                {"2027-01-01 02:30:00+02:30", at(2027, 1, 1)},
                                {"2026-12-31 22:00:00-02", at(2027, 1, 1)},
                                {"2027-01-01 00:00", at(2027, 1, 1)},
                                {"9999-12-31T23:59:00Z", at(9999, 12, 31, 23, 59)},
                                {"infinity", at(9999, 12, 31)},
                                {"2027-02-29", std::nullopt},
                                {"2027-13-01", std::nullopt},
                                {"01/02/2027", std::nullopt},
                                {"-5", std::nullopt},
                                {"0", std::nullopt},
                                {"NaN", std::nullopt},
                                {"1e300", std::nullopt},
                                {"10000-01-01", std::nullopt},
                                {"2027-01-01T25:00:00Z", std::nullopt},
                                {"2027-01-01T00:00:00Z; DROP", std::nullopt},
                                {"", std::nullopt}};
  for (const auto& l : lines) {
    INFO(l.raw);
    const auto read = instant(l.raw);
    CHECK(read.has_value() == l.at.has_value());
    if (read && l.at) CHECK(to_text(read->at) == to_text(*l.at));
  }
  const auto end = [](const char* time, const char* date) {
    const auto read = access_end(time, date);
    return read ? to_text(read->at).substr(0, 16) + (read->disagree ? " !" : "") : std::string();
  };
  CHECK(end("12:30:00", "2027-01-01") == "2027-01-01T12:30");
  CHECK(end("", "2027-01-01") == "2027-01-02T00:00"); // The day itself is paid for.
  CHECK(end("1798761600", "2027-01-01") == "2027-01-01T00:00");
  CHECK(end("1798761600", "2027-03-01T00:00:00Z") == "2027-03-01T00:00 !");
  CHECK(end("soon", "2027-01-01T08:00:00Z") == "2027-01-01T08:00");
  CHECK(end("soon", "later").empty());
}

TEST_CASE("texts, addresses and names are read without trust") {
  CHECK(clean_text(" a \n") == "a");
  CHECK(clean_text("a\nb") == "a\nb");
  for (const auto& bad :
       {std::string("a\0b", 3), std::string("a\\u0000b"), std::string("a\\x00"), std::string("\xff\xfe"), std::string("a\x1b[2J")})
    CHECK_FALSE(clean_text(bad));
  CHECK(is_mail_address("a.b+c@example.org"));
  for (const auto* bad : {"", "a", "@b.c", "a@b", "a@b@c.d", "a b@c.d", "a@b.c,d@e.f", "a@b.c\nBcc: d@e.f"})
    CHECK_FALSE(is_mail_address(bad));
  CHECK(is_user_name("olga_7"));
  for (const auto* bad : {"", "ab", "<script>", "Robert'); DROP TABLE", "ol ga"}) CHECK_FALSE(is_user_name(bad));
  CHECK(whole_number("-1001234567890.0\n") == -1001234567890);
  for (const auto* bad : {"", "x", "1.5", "99999999999999999999", "NaN"}) CHECK_FALSE(whole_number(bad));
}

TEST_CASE("good rows become the messages that take them over") {
  const auto plan = plan_of(
      {table_of("registered_users", {owner()}), table_of("main_clients_database", {a_channel()}),
       table_of("private_channel_users_database", {a_subscriber()}),
       table_of("payout_accumulation",
                {gathered(), gathered({{"id", "2"}, {"conversion_status", "completed"}, {"accumulated_amount_usdt", "9.1234567"}})})});
  CHECK(findings(plan).empty());
  const auto account = first<open_account, account_message>(plan, import_stage::owners);
  CHECK(account.user_name == "olga");
  CHECK(account.password_hash == hash);
  CHECK(account.email_verified);
  const auto terms = first<register_channel, channel_message>(plan, import_stage::channels).terms;
  CHECK(terms.open_channel_id == -1001);
  CHECK(terms.closed_channel_id == -1002);
  CHECK(terms.closed_title == "Closed <b>&'; DROP TABLE payment; --"); // A text is a text: it is escaped where it is shown.
  CHECK(terms.tiers[0] == tier{usd("29.99"), 30});
  CHECK(terms.tiers[1].days == 0);
  CHECK(terms.strategy == payout_strategy::threshold);
  CHECK(terms.threshold == usd("50"));
  CHECK(terms.payout_asset == asset{"usdt", "eth"});
  CHECK(terms.owner_chat_id == 77);
  CHECK(terms.owner_account == plan.items.at(0).letter.to.id);
  const auto access = first<import_subscription, subscription_message>(plan, import_stage::subscriptions);
  CHECK(access.channel_id == -1001); // Their table names the closed one.
  CHECK(access.ends_at == at(2027, 1, 1));
  CHECK(access.starts_at == at(2026, 12, 2));
  REQUIRE(items(plan, import_stage::openings) == 2);
  const auto opening = first<import_opening, payment_message>(plan, import_stage::openings);
  CHECK(opening.net == usd("9.70"));
  CHECK(opening.eth == eth("0.0031"));
  CHECK(opening.usdt.is_zero());
  const auto converted = std::get<import_opening>(std::get<payment_message>(plan.items.back().letter.body));
  CHECK(converted.usdt.units() == parse_decimal("9.123456")->units); // USDT has 6 decimals.
  CHECK(converted.eth.is_zero());
}

TEST_CASE("the same rows make the same ids, and another row another one") {
  const auto one = plan_of({table_of("registered_users", {owner(), owner({{"user_id", "u2"}, {"username", "ida"}, {"email", "i@d.a"}})})});
  const auto two = plan_of({table_of("registered_users", {owner({{"password_hash", "$2y$10$" + std::string(53, 'b')}})})});
  REQUIRE(one.items.size() == 2);
  CHECK(one.items[0].letter.to == two.items.at(0).letter.to);
  CHECK(one.items[0].letter.to != one.items[1].letter.to);
}

TEST_CASE("hostile rows are named with their key and reason, and the good ones beside them are taken") {
  struct row_case {
    const char* table;
    values changed;
    const char* words; ///< Of the finding.
  };
  const std::vector<row_case> cases{
      {"registered_users", {{"user_id", std::nullopt}}, "problem registered_users row 2: it has no usable user_id"},
      {"registered_users", {{"user_id", "u1"}, {"username", "other"}}, "u1: there is a row with this key before it"},
      {"registered_users", {{"username", "other"}, {"email", "OLGA@Example.org"}}, "u2: its email is that of u1"},
      {"registered_users", {{"username", "OLGA"}, {"email", "x@y.z"}}, "u2: its username is that of u1"},
      {"registered_users", {{"username", "<script>"}}, "u2: its username cannot be one here"},
      {"registered_users", {{"username", "ida"}, {"email", std::nullopt}}, "u2: its email is no address"},
      {"registered_users", {{"username", "ida"}, {"email", "i@d.a"}, {"password_hash", "plain"}}, "u2: its password_hash is not bcrypt's"},
      {"main_clients_database", {{"open_channel_id", "-1001.0"}}, "-1001.0: there is a row of this channel before it"},
      {"main_clients_database", {{"closed_channel_id", "-1002"}}, "its closed channel is that of -1001"},
      {"main_clients_database", {{"open_channel_id", "1001"}}, "1001: its open channel's id is none"},
      {"main_clients_database", {{"sub_1_price", "NaN"}}, "the price of tier 1 is none"},
      {"main_clients_database", {{"sub_1_price", "-5"}}, "the price of tier 1 is none"},
      {"main_clients_database", {{"sub_1_price", std::nullopt}}, "the price of tier 1 is none"},
      {"main_clients_database", {{"sub_1_time", "1.5"}}, "the days of tier 1 are none"},
      {"main_clients_database", {{"sub_1_time", "0"}}, "it has no tier"},
      {"main_clients_database", {{"payout_threshold_usd", "-1"}}, "its payout threshold is no amount"},
      {"main_clients_database", {{"payout_strategy", "daily"}}, "its payout strategy is neither"},
      {"main_clients_database", {{"closed_channel_title", "a\\u0000b"}}, "characters that no message can have"},
      {"main_clients_database", {{"client_wallet_address", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"}}, "this is a Tron address"},
      {"main_clients_database", {{"client_wallet_address", std::nullopt}}, "the payout address"},
      {"main_clients_database", {{"client_id", "nobody"}}, "difference main_clients_database -2001: its owner is no account"},
      {"private_channel_users_database", {{"private_channel_id", "-1001"}}, "2: its channel is none that is taken over"},
      {"private_channel_users_database", {{"user_id", "-7"}}, "its user_id is none"},
      {"private_channel_users_database", {{"expire_time", "soon"}}, "neither expire_time nor expire_date is a date"},
      {"private_channel_users_database",
       {{"expire_time", "9999-12-31T00:00:00Z"}},
       "difference private_channel_users_database 2: it ends in 9999"},
      {"private_channel_users_database", {{"expire_date", "2027-12-31"}}, "expire_time and expire_date disagree"},
      {"payout_accumulation", {{"client_id", "-9"}}, "its channel is none that is taken over"},
      {"payout_accumulation", {{"accumulated_eth", "NaN"}}, "accumulated_eth (its net US dollars) is no amount"},
      {"payout_accumulation", {{"accumulated_eth", "-4"}}, "accumulated_eth (its net US dollars) is no amount"},
      {"payout_accumulation", {{"pending_payout_eth", std::nullopt}}, "it is not converted, and pending_payout_eth is no amount"},
      {"payout_accumulation", {{"pending_payout_eth", "-0.1"}}, "pending_payout_eth is no amount"},
      {"payout_accumulation",
       {{"conversion_status", "completed"}, {"accumulated_amount_usdt", "0.0000001"}},
       "accumulated_amount_usdt is no amount"},
      {"payout_accumulation", {{"conversion_status", "swapping"}}, "it is being converted by the predecessor"},
      {"payout_accumulation", {{"conversion_status", "failed"}}, "its conversion failed with the predecessor"},
      {"payout_accumulation", {{"status", "swapping"}}, "it is being paid out by the predecessor"},
      {"payout_accumulation", {{"batch_conversion_id", "b-1"}}, "it is being converted by the predecessor"},
      {"payout_accumulation", {{"payout_batch_id", "p-1"}}, "it is being paid out by the predecessor"},
      {"payout_accumulation", {{"payout_batch_id", "p-0"}}, "it is not marked as paid out, and names a payout that is not under way: p-0"},
      {"payout_accumulation", {{"payout_batch_id", "p-9"}}, "names a payout that is not under way: p-9"},
      {"payout_accumulation",
       {{"batch_conversion_id", "b-0"}},
       "it is not marked as converted, and names a conversion that is not under way: b-0"},
      {"payout_accumulation", {{"client_wallet_address", "0x00000000000000000000000000000000000000b0"}}, "its wallet is not its channel's"},
  };
  for (const auto& c : cases) {
    std::map<std::string, std::vector<values>> tables{
        {"registered_users", {owner()}},
        {"main_clients_database", {a_channel()}},
        {"private_channel_users_database", {a_subscriber()}},
        {"payout_accumulation", {gathered()}},
        {"batch_conversions",
         {{{"batch_conversion_id", "b-1"}, {"conversion_status", "swapping"}},
          {{"batch_conversion_id", "b-0"}, {"conversion_status", "completed"}}}},
        {"payout_batches", {{{"batch_id", "p-1"}, {"status", "processing"}}, {{"batch_id", "p-0"}, {"status", "completed"}}}}};
    const std::string name = c.table;
    const values second = name == "registered_users"        ? owner({{"user_id", "u2"}})
                          : name == "main_clients_database" ? a_channel({{"open_channel_id", "-2001"}, {"closed_channel_id", "-2002"}})
                          : name == "private_channel_users_database" ? a_subscriber({{"id", "2"}, {"user_id", "8"}})
                                                                     : gathered({{"id", "2"}});
    tables[name].push_back(with(second, c.changed));
    std::vector<legacy_table> all;
    for (const auto table : legacy_tables)
      if (tables.contains(std::string(table))) all.push_back(table_of(std::string(table), tables[std::string(table)]));
    const auto plan = plan_of(std::move(all));
    INFO(c.words);
    CHECK(finds(plan, c.words));
    CHECK(plan.findings.size() == 1);
    for (const auto stage : {import_stage::owners, import_stage::channels, import_stage::subscriptions, import_stage::openings})
      CHECK(items(plan, stage) >= 1);
    const bool problem = plan.findings.at(0).problem;
    CHECK(plan.items.size() == (problem ? 6u : 7u));
  }
}

TEST_CASE("what is over is left alone, and what is under way is shown and not acted on") {
  const auto plan =
      plan_of({table_of("main_clients_database", {a_channel({{"client_id", "u1"}})}),
               table_of("private_channel_users_database", {a_subscriber({{"is_active", "f"}})}),
               table_of("payout_accumulation", {gathered({{"status", "paid_out"}}), gathered({{"id", "2"}, {"is_paid_out", "t"}})}),
               table_of("split_payout_request", {{{"unique_id", "s-2"}}, {{"unique_id", "s-9"}}}),
               table_of("split_payout_que", {{{"unique_id", "s-1"}, {"status", "completed"}},
                                             {{"unique_id", "s-2"},
                                              {"status", "executing"},
                                              {"swap_id", "cn7"},
                                              {"closed_channel_id", "-1002"},
                                              {"to_currency", "XMR"},
                                              {"to_network", "XMR"},
                                              {"payout_address", "4A"}}})});
  CHECK(items(plan, import_stage::subscriptions) == 0);
  CHECK(items(plan, import_stage::openings) == 0);
  REQUIRE(items(plan, import_stage::in_flight) == 1);
  const auto swap = first<imported_swap, payout_message>(plan, import_stage::in_flight);
  CHECK(swap.channel_id == -1001);
  CHECK(swap.target == asset{"xmr", "xmr"});
  CHECK(swap.words.find("swap_id cn7") != swap.words.npos);
  CHECK(finds(plan, "s-9: it was asked for and is in no queue"));
  for (const auto& c : plan.counts)
    if (c.table == "payout_accumulation") CHECK(c.settled == 2);
}

TEST_CASE("the predecessor's words are cut between characters") {
  std::string error = "x";
  for (int i = 0; i < 100; ++i) error += "\u00e9"; // Two bytes each: the limit falls into the middle of one.
  const auto plan = plan_of(
      {table_of("batch_conversions", {{{"batch_conversion_id", "b-1"}, {"conversion_status", "swapping"}, {"error_message", error}}})});
  const auto swap = first<imported_swap, conversion_message>(plan, import_stage::in_flight);
  CHECK(clean_text(swap.words));
  CHECK(swap.words.find("error_message x\u00e9") != swap.words.npos);
}

TEST_CASE("of a connection string only the place and the user are ever shown") {
  struct line {
    const char *dsn, *shown;
  };
  for (const auto& l : {line{"postgresql://olga:s3cret@db.example:5432/old", "postgresql://db.example:5432/old"},
                        {"postgres://db/old?password=s3cret&sslmode=require", "postgresql://db/old"},
                        {"postgres://olga:s3cr@t@db/old", "(not shown)"},
                        {"postgres://olga@db/old?password=s3@cret", "(not shown)"},
                        {"postgres://olga:s3?cret@db/old", "(not shown)"},
                        {"host=db password=s3cret dbname=old", "host=db dbname=old"},
                        {"host=db password = 's3 cret host=x' user=olga", "host=db user=olga"},
                        {"password='s3\\' dbname=cret' port=5432", "port=5432"},
                        {"dbname=postgres://olga:s3cret@db/old", "(not shown)"},
                        {"s3cret", "(not shown)"},
                        {"", "(not shown)"}}) {
    INFO(l.dsn);
    CHECK(public_name_of(l.dsn) == l.shown);
  }
}

// --- what entities do with it ---

namespace {

import_opening opening(bool covered, const char* of_eth = "0.5", const char* of_usdt = "0") {
  import_opening o;
  o.terms = sample_channel();
  o.user_id = 7;
  o.net = usd("1000");
  o.eth = eth(of_eth);
  o.usdt = usdt_amount::of_units(parse_decimal(of_usdt)->units);
  o.covered = covered;
  o.source = "payout_accumulation/17";
  return o;
}

} // namespace

TEST_CASE("what gathered is owed to the predecessor's channel, and to nobody who registered its id here first") {
  auto there = sample_channel();
  there.owner_chat_id = 77;
  there.owner_account = "acc";
  struct line {
    const char* what;
    void (*change)(channel&);
    bool good;
  };
  for (const auto& l :
       {line{"the same", [](channel&) {}, true},
        {"another wallet of the owner's", [](channel& c) { c.payout_address = "0xb0"; }, true},
        {"of the account alone", [](channel& c) { c.payout_address = "0xb0", c.owner_user_id = 5; }, true},
        {"of the user alone", [](channel& c) { c.payout_address = "0xb0", c.owner_account.clear(); }, true},
        {"the owner's wallet", [](channel& c) { c.owner_user_id = 5, c.owner_account = "other"; }, true},
        {"somebody's", [](channel& c) { c.payout_address = "0xb0", c.owner_user_id = 5, c.owner_account = "other"; }, false},
        {"nobody's", [](channel& c) { c.payout_address = "0xb0", c.owner_user_id = 0, c.owner_account.clear(); }, false},
        {"another closed channel", [](channel& c) { c.closed_channel_id = -9; }, false},
        {"never registered", [](channel& c) { c.status = channel_status::refused; }, false}}) {
    INFO(l.what);
    auto here = there;
    here.owner_user_id = 77;
    l.change(here);
    CHECK(is_successor(here, there) == l.good);
  }
  auto unknown = there; // The predecessor knew neither user nor account.
  unknown.owner_chat_id = 0;
  unknown.owner_account.clear();
  auto elsewhere = unknown;
  elsewhere.payout_address = "0xb0";
  CHECK_FALSE(is_successor(elsewhere, unknown));
}

TEST_CASE("an opening that is covered is owed from equity and gathers as any accrual") {
  machine<payment_kind> m("OPENING");
  CHECK(code_of(m.send(opening(true))).empty());
  CHECK(m.accounts["owner:-1001:available"] == -eth("0.5").units());
  CHECK(m.accounts["equity:opening:-1001"] == eth("0.5").units());
  REQUIRE(m.rows<accrual_opened>().size() == 1);
  CHECK(m.rows<accrual_opened>()[0].status == accrual_status::pending);
  CHECK(m.rows<accrual_opened>()[0].net_eth == eth("0.5"));
  REQUIRE(m.rows<deposit>().size() == 1);
  CHECK(m.rows<deposit>()[0].arrived_at.has_value());
  CHECK(m.rows<failure_listed>().empty());
  CHECK(m.due().empty()); // Nobody is told, asked or paid by it.
  CHECK_FALSE(payment_kind::stuck_after(m.state));
  for (const bool covered : {true, false}) {
    m.send(opening(covered));
    CHECK_FALSE(m.last.changed);
    CHECK(m.last.rows.empty());
  }
  CHECK(code_of(m.send(opening(true, "0.6"))) == "conflict");
}

TEST_CASE("an opening that is not covered is still to come, until it is") {
  machine<payment_kind> m("OPENING");
  m.send(opening(false));
  CHECK(m.accounts["assets:opening:-1001"] == eth("0.5").units());
  CHECK_FALSE(m.state.deposits.at(0).arrived_at.has_value()); // No claim takes what has not arrived.
  REQUIRE(m.rows<failure_listed>().size() == 1);
  CHECK(m.rows<failure_listed>()[0].code == "opening_not_covered");
  CHECK(m.due().empty());
  m.now += std::chrono::hours(1);
  m.send(opening(false));
  CHECK_FALSE(m.last.changed);
  CHECK(m.last.rows.empty());
  m.send(opening(true));
  CHECK(m.accounts["assets:opening:-1001"] == 0);
  CHECK(m.accounts["equity:opening:-1001"] == eth("0.5").units());
  CHECK(m.accounts["owner:-1001:available"] == -eth("0.5").units());
  CHECK(m.state.deposits.at(0).arrived_at == m.now);
  CHECK(m.rows<accrual_opened>().empty());
}

TEST_CASE("USDT that was converted before is owed as USDT") {
  machine<payment_kind> m("OPENING");
  m.send(opening(true, "0", "9.123456"));
  REQUIRE(m.rows<accrual_opened>().size() == 1);
  CHECK(m.rows<accrual_opened>()[0].status == accrual_status::converted);
  CHECK(to_decimal(m.rows<accrual_opened>()[0].net_usdt) == "9.123456");
  CHECK(m.rows<accrual_opened>()[0].net_eth.is_zero());
  REQUIRE(m.last.entries.size() == 1);
  CHECK(m.last.entries[0].postings[0].currency == "usdt");
  CHECK(code_of(m.send(opening(true, "0", "9.123457"))) == "conflict");
  machine<payment_kind> other("OTHER");
  CHECK(code_of(other.send(opening(true, "0", "9.1234567"))) == "invalid");
  CHECK(code_of(other.send(opening(true, "1", "1"))) == "invalid");
  CHECK(code_of(other.send(opening(true, "0", "0"))) == "invalid");
}

TEST_CASE("an order of ours is not taken over, and an opening is nobody's order") {
  machine<payment_kind> m("ORDER");
  create_payment order;
  order.terms = sample_channel();
  order.chat_id = order.user_id = 7;
  m.send(order);
  CHECK(code_of(m.send(opening(true))) == "conflict");
  machine<payment_kind> o("OPENING");
  o.send(opening(true));
  const refund_payment back{{"eth", "eth"}, paid_to, "", "x", false};
  CHECK(code_of(o.send(back)) == "out_of_order");
  o.send(accept_payment{"x"});
  CHECK_FALSE(o.last.changed);
}

TEST_CASE("a swap in flight is a person's matter: nothing is done with it, whatever is asked") {
  imported_swap swap{-1001, {"xmr", "xmr"}, "4A", usd("10"), "split_payout_que s-2"};
  machine<payout_kind> p("SWAP");
  p.send(swap);
  CHECK(p.state.status == payout_status::needs_attention);
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.last.entries.empty());
  CHECK(p.due().empty());
  p.send(swap);
  CHECK_FALSE(p.last.changed);
  CHECK(p.last.rows.empty());
  CHECK(code_of(p.send(reopen_payout{"x"})) == "out_of_order");
  CHECK(code_of(p.send(cancel_payout{"x"})) == "out_of_order");
  CHECK(code_of(p.send(approve_payout{"x"})) == "out_of_order");
  CHECK(code_of(p.send(name_arrival{"0x" + std::string(64, 'a'), "x"})) == "out_of_order");
  CHECK(p.due().empty());
  machine<conversion_kind> c("SWAP");
  c.send(swap);
  CHECK(c.state.status == conversion_status::needs_attention);
  CHECK(c.rows<failure_listed>().size() == 1);
  CHECK(c.due().empty());
  c.send(swap);
  CHECK_FALSE(c.last.changed);
  CHECK(code_of(c.send(reopen_conversion{"x"})) == "out_of_order");
  CHECK(code_of(c.send(cancel_conversion{"x"})) == "out_of_order");
  CHECK(code_of(c.send(name_arrival{"0x" + std::string(64, 'a'), "x"})) == "out_of_order");
}

TEST_CASE("access that was bought before keeps its end; two rows are one access until the later one") {
  machine<subscription_kind> m("-1001:7");
  import_subscription access{"ROW1", -1001, -1002, 7, 7, "", "Closed", m.now - std::chrono::days(10), m.now + std::chrono::days(20)};
  m.send(access);
  CHECK(m.state.ends_at == access.ends_at);
  CHECK(m.state.starts_at == access.starts_at);
  m.send(access);
  CHECK_FALSE(m.last.changed);
  auto later = access;
  later.order_id = "ROW2";
  later.ends_at += std::chrono::days(5);
  m.send(later);
  CHECK(m.state.ends_at == later.ends_at);
  auto earlier = access;
  earlier.order_id = "ROW3";
  earlier.ends_at -= std::chrono::days(5);
  m.send(earlier);
  CHECK(m.state.ends_at == later.ends_at);
  CHECK(m.state.periods.size() == 3);
  auto renewed = access; // The same row, which ends later now.
  renewed.ends_at += std::chrono::days(30);
  m.send(renewed);
  CHECK(m.state.ends_at == renewed.ends_at);
  CHECK(m.state.starts_at == access.starts_at);
  CHECK(m.state.periods.size() == 3);
  CHECK(m.state.periods[0].ends_at == renewed.ends_at);
  REQUIRE(m.rows<subscription_period>().size() == 1);
  m.send(access);
  CHECK_FALSE(m.last.changed);
  earlier.order_id.clear();
  CHECK(code_of(m.send(earlier)) == "invalid");
  earlier.order_id = "ROW4";
  earlier.user_id = 8;
  CHECK(code_of(m.send(earlier)) == "invalid");
}
