#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include "persistence/row_tables.hpp"
#include "persistence/side_rows.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

// "name type nullable" of each column, from the database's own catalogue.
std::vector<std::string> columns_in_database(store& db, const std::string& table) {
  const auto text =
      db.value("SELECT string_agg(column_name || ' ' || CASE WHEN data_type = 'USER-DEFINED' THEN udt_name WHEN data_type = "
               "'timestamp with time zone' THEN 'timestamptz' WHEN data_type = 'numeric' THEN 'numeric(' || numeric_precision || ',' || "
               "numeric_scale || ')' ELSE data_type END || ' ' || is_nullable, ';' ORDER BY ordinal_position) "
               "FROM information_schema.columns WHERE table_name = '"
               + table + "'");
  std::vector<std::string> columns;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find(';', from), text.size());
    columns.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return columns;
}

std::vector<std::string> described(const std::vector<column>& columns) {
  std::vector<std::string> list;
  for (const auto& column : columns)
    list.push_back(column.name + " " + std::string(column.type.name) + (column.type.name == "numeric" ? "(38,18)" : "")
                   + (column.type.nullable ? " YES" : " NO"));
  return list;
}

template <named_enum E>
void check_enum(store& db) {
  std::string labels;
  for (auto label : enum_names<E>::values) labels += (labels.empty() ? "" : ",") + std::string(label);
  CHECK(db.value("SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = '"
                 + std::string(enum_names<E>::type) + "'::regtype")
        == labels);
}

// Field by field, so that a failure names the field.
template <class T>
void check_equal(const T& a, const T& b) {
  std::vector<std::pair<std::string, std::string>> left, right;
  const auto collect = [](auto& list) {
    return [&list](std::string_view name, const auto& field) {
      std::string text;
      append_element(text, field);
      list.emplace_back(name, text);
    };
  };
  T::each_field(a, collect(left));
  T::each_field(b, collect(right));
  CHECK(left == right);
}

} // namespace

// By name: a column that came later stands last in the table, whatever its place in the struct.
std::vector<std::string> sorted(std::vector<std::string> columns) {
  std::sort(columns.begin(), columns.end());
  return columns;
}

TEST_CASE("the tables have exactly the columns that each_field lists") {
  store db(new_database());
  for (const auto& table : entity_tables()) {
    INFO(table.name);
    auto wanted = entity_table::header_columns();
    wanted.insert(wanted.end(), table.fields.begin(), table.fields.end());
    CHECK(sorted(columns_in_database(db, table.name)) == sorted(described(wanted)));
  }
  for (const auto* table : {&deposit_table(), &subscription_period_table(), &wallet_transfer_table(), &wallet_correction_table(),
                            &wallet_foreign_table(), &promo_use_table()}) {
    INFO(table->name);
    auto wanted = table->fields;
    wanted.push_back({"seq", {"bigint"}}); // Order of arrival: the table's own.
    CHECK(sorted(columns_in_database(db, table->name)) == sorted(described(wanted)));
  }
  CHECK(sorted(columns_in_database(db, "channel_draft")) == sorted(described(channel_draft_table().fields)));
  check_enum<channel_notice>(db);
  check_enum<conversation_query>(db);
  check_enum<conversation_errand>(db);
  check_enum<form_field>(db);
  check_enum<entity_kind>(db);
  check_enum<payment_status>(db);
  check_enum<provider_status>(db);
  check_enum<payout_strategy>(db);
  check_enum<channel_status>(db);
  check_enum<subscription_status>(db);
  check_enum<subscription_access>(db);
  check_enum<subscription_notice>(db);
  check_enum<promo_code_status>(db);
  check_enum<promo_state>(db);
  check_enum<conversation_status>(db);
  check_enum<conversation_view>(db);
  check_enum<payout_status>(db);
  check_enum<swap_status>(db);
  check_enum<wallet_status>(db);
  check_enum<transfer_status>(db);
  check_enum<poller_status>(db);
  check_enum<payout_pot>(db);
  check_enum<conversion_status>(db);
  check_enum<scheduler_status>(db);
  check_enum<accrual_status>(db);
}

TEST_CASE("every kind comes back as it was written, inserted and updated") {
  store db(new_database());
  for (std::size_t index = 0; index < kind_count; ++index) {
    const auto kind = static_cast<entity_kind>(index);
    INFO(to_text(kind));
    const std::string id = "id/" + std::string(to_text(kind)) + " \"\\{},'";
    const auto missing = db.load({kind, id});
    CHECK(missing.available);
    CHECK(missing.entity.header.version == 0);
    CHECK(missing.entity.state == empty_snapshot(kind));

    // A row of defaults where the checks allow one, then every field at another value.
    const auto full = filled_snapshot(kind, id);
    auto first = db.step_for(kind, id, 1, empty_snapshot(kind));
    if (kind == entity_kind::subscription || kind == entity_kind::payment) CHECK(first.rows.empty());
    REQUIRE(db.commit(first).error == "");
    CHECK(db.load({kind, id}).entity.state == empty_snapshot(kind));

    auto second = db.step_for(kind, id, 2, full);
    second.rows = children_of(full);
    second.header.wake_at = at_micros(some_micros + 999);
    second.header.attempts = 4;
    second.header.last_error = "why \\ \"this\"";
    second.header.quarantine = "because";
    const auto result = db.commit(second);
    INFO(result.error);
    REQUIRE(result.outcome == commit_outcome::committed);
    const auto loaded = db.load({kind, id});
    INFO(loaded.error);
    REQUIRE(loaded.available);
    std::visit([&]<class T>(const T& wanted) { check_equal(std::get<T>(loaded.entity.state), wanted); }, full);
    CHECK(loaded.entity.state == full);
    const auto& header = loaded.entity.header;
    CHECK(header.version == 2);
    CHECK(header.wake_at == second.header.wake_at);
    CHECK(header.attempts == 4);
    CHECK(header.last_error == second.header.last_error);
    CHECK(header.quarantine == "because");
    CHECK(header.created_at == first.header.created_at);
    CHECK(header.updated_at == second.header.updated_at);
  }
}

TEST_CASE("the database is full of non-default values after an insert alone") {
  store db(new_database());
  for (std::size_t index = 0; index < kind_count; ++index) {
    const auto kind = static_cast<entity_kind>(index);
    auto step = db.step_for(kind, "fresh", 1, filled_snapshot(kind, "fresh"));
    step.rows = children_of(step.state);
    REQUIRE(db.commit(step).error == "");
    CHECK(db.load({kind, "fresh"}).entity.state == step.state);
  }
}

TEST_CASE("amounts survive every digit") {
  store db(new_database());
  const char* amounts[] = {"14848580.123456789012345678",
                           "999999999999999.999999999999999999",
                           "0.000000000000000001",
                           "99999999999999999999.999999999999999999",
                           "18446744073709551616",
                           "18446744073709551615.1",
                           "0",
                           "1",
                           "0.5"};
  int n = 0;
  for (const auto* text : amounts) {
    payout state;
    state.amount_out = parse_decimal(text)->units;
    state.deposit_fee = -state.amount_out;
    const auto id = "amount" + std::to_string(++n);
    REQUIRE(db.commit(db.step_for(entity_kind::payout, id, 1, state)).error == "");
    CHECK(std::get<payout>(db.load({entity_kind::payout, id}).entity.state) == state);
    CHECK(db.value("SELECT trim_scale(amount_out) FROM payout WHERE id = '" + id + "'") == text);
  }
  payout too_much;
  too_much.amount_out = parse_decimal("100000000000000000000")->units;
  CHECK(db.commit(db.step_for(entity_kind::payout, "too much", 1, too_much)).outcome == commit_outcome::poison);
}

TEST_CASE("array elements are written as PostgreSQL reads them") {
  const auto element = [](const auto& value) {
    std::string text;
    append_element(text, value);
    return text;
  };
  CHECK(element(at_micros(some_micros)) == "2026-11-21T07:00:00.123456Z");
  CHECK(element(at_micros(-1)) == "1969-12-31T23:59:59.999999Z");
  CHECK(element(std::string("a\"b\\c")) == "\"a\\\"b\\\\c\"");
  CHECK(element(static_cast<int128>(-1)) == "-0.000000000000000001");
  CHECK(element(-one_coin * 3 / 2) == "-1.5");
  CHECK_THROWS_AS(element(std::string("a\0b", 3)), codec_error);
  CHECK_THROWS_AS(element(timestamp::max()), codec_error);
  timestamp at;
  for (const auto* text : {"2026-11-21 07:00:00.123456+00", "2026-11-21 07:00:00.1+00", "2026-11-21 07:00:00+00"}) {
    read_value(text, at);
    CHECK(at >= at_micros(some_micros - 123'456));
  }
  CHECK_THROWS_AS(read_value("2026-11-21 07:00:00+01", at), codec_error);
  payment_status status{};
  CHECK_THROWS_AS(read_value("no such", status), codec_error);
}

TEST_CASE("a row of a newer program is not taken over") {
  store db(new_database());
  REQUIRE(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).error == "");
  db.value("UPDATE poller SET state_version = 2");
  const auto loaded = db.load({entity_kind::poller, "main"});
  CHECK_FALSE(loaded.available);
  CHECK(loaded.error.find("newer program") != std::string::npos);
}

TEST_CASE("a wallet is loaded with what is not acknowledged or was lately, by nonce and then by arrival") {
  store db(new_database());
  const auto full = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xw"));
  auto step = db.step_for(entity_kind::wallet, "0xw", 1, full);
  std::vector<wallet_transfer> all;
  for (int nonce = 4; nonce >= 0; --nonce) {
    auto transfer = full.transfers[0];
    transfer.intent = "t" + std::to_string(nonce);
    transfer.nonce = nonce;
    transfer.acknowledged_at.reset();
    if (nonce == 0) transfer.acknowledged_at = at_micros(some_micros / 2); // Long ago.
    if (nonce == 1) transfer.acknowledged_at = full.transfers[0].acknowledged_at;
    if (nonce == 2) transfer.status = transfer_status::broadcast;
    if (nonce == 4) transfer.status = transfer_status::reverted;
    all.insert(all.begin(), transfer);
    step.rows.push_back(transfer);
  }
  for (int i = 0; i < 2; ++i) {
    auto transfer = full.transfers[2];
    transfer.intent = std::to_string(9 - i);
    all.push_back(transfer);
    step.rows.push_back(transfer);
  }
  REQUIRE(db.commit(step).error == "");
  const auto loaded = std::get<wallet>(db.load({entity_kind::wallet, "0xw"}).entity.state);
  CHECK(loaded.transfers == std::vector<wallet_transfer>(all.begin() + 1, all.end()));
}

TEST_CASE("many loads at once are each answered, also for what is not there") {
  store db(new_database());
  std::vector<step_ptr> steps;
  for (int i = 0; i < 300; ++i) {
    payment state;
    state.user_id = i;
    steps.push_back(std::make_shared<step_record>(db.step_for(entity_kind::payment, "p" + std::to_string(i), 1, state)));
  }
  for (const auto& result : db.commit(steps)) REQUIRE(result.outcome == commit_outcome::committed);
  for (int i = 0; i < 600; ++i)
    db.self->send(db.loader, load_atom::value,
                  std::make_shared<const entity_ref>(entity_ref{entity_kind::payment, "p" + std::to_string(i)}));
  int found = 0;
  for (int i = 0; i < 600; ++i)
    db.self->receive([&](const load_answer_ptr& answer) {
      CHECK(answer->available);
      if (answer->entity.header.version == 0) return;
      ++found;
      CHECK(answer->ref.id == "p" + std::to_string(std::get<payment>(answer->entity.state).user_id));
    });
  CHECK(found == 300);
}
