#include "tests/store/store_support.hpp"

#include <map>
#include <numeric>

#include <stdexcept>

#include <pqxx/pqxx>

namespace paygate::test {

namespace {

// A promise of the actors themselves was broken: nothing after it means anything.
void demand(bool held, const std::string& what) {
  if (!held) throw std::runtime_error(what);
}

} // namespace

postgres_cluster& shared_cluster() {
  static postgres_cluster cluster({.fsync = false, .extra_conf = ""});
  return cluster;
}

std::string new_database() {
  static int count = 0;
  const auto dsn = shared_cluster().create_database("store_" + std::to_string(++count));
  const auto result = migrate(dsn);
  demand(result.error.empty(), result.error);
  return dsn;
}

store::store(std::string database_dsn, std::chrono::milliseconds ttl) : dsn(std::move(database_dsn)) {
  committer = spawn_committer(system, {dsn, identity}, metrics);
  loader = spawn_loader(system, dsn, metrics);
  reader = spawn_reader(system, dsn);
  leases = spawn_lease_keeper(system, {dsn, identity, ttl});
  epochs = take().epochs;
}

store::~store() {
  self->send_exit(committer, caf::exit_reason::user_shutdown);
  self->send_exit(loader, caf::exit_reason::user_shutdown);
  self->send_exit(reader, caf::exit_reason::user_shutdown);
  self->send_exit(leases, caf::exit_reason::user_shutdown);
  // A detached actor whose handle is held keeps the system from ending (CAF #1110).
  committer = nullptr;
  loader = nullptr;
  reader = nullptr;
  leases = nullptr;
  self_holder.reset();
}

std::vector<commit_result> store::commit(const std::vector<step_ptr>& steps) {
  std::map<const step_record*, commit_result> answers;
  for (const auto& step : steps) self->send(committer, commit_atom::value, step);
  bool timed_out = false;
  while (answers.size() < steps.size() && !timed_out)
    self->receive([&](const committed& done) { demand(answers.emplace(done.step.get(), done.result).second, "a step was answered twice"); },
                  caf::after(std::chrono::seconds(30)) >> [&] { timed_out = true; });
  demand(!timed_out, "a step was not answered");
  std::vector<commit_result> results;
  for (const auto& step : steps) results.push_back(answers.at(step.get()));
  return results;
}

commit_result store::commit(step_record step) {
  return commit(std::vector<step_ptr>{std::make_shared<step_record>(std::move(step))}).front();
}

load_answer store::load(const entity_ref& ref) {
  load_answer answer;
  bool timed_out = false;
  self->send(loader, load_atom::value, std::make_shared<const entity_ref>(ref));
  self->receive([&](const load_answer_ptr& got) { answer = *got; }, caf::after(std::chrono::seconds(30)) >> [&] { timed_out = true; });
  demand(!timed_out, "a load was not answered");
  return answer;
}

std::string store::query(const std::string& name, const std::string& arguments) {
  std::string answer;
  self->request(reader, std::chrono::seconds(20), query_atom::value, name, arguments)
      .receive([&](const std::string& got) { answer = got; }, [&](const caf::error& error) { answer = system.render(error); });
  return answer;
}

shard_list store::every_shard() {
  shard_list all(shard_count);
  std::iota(all.begin(), all.end(), 0u);
  return all;
}

wake_list store::wake(std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
  wake_list answer;
  self->request(reader, std::chrono::seconds(20), wake_atom::value, from, to, limit, shards)
      .receive([&](const wake_list_ptr& got) { answer = *got; }, [&](const caf::error& error) { demand(false, system.render(error)); });
  return answer;
}

std::string store::value(const std::string& statement) {
  pqxx::connection connection(dsn);
  pqxx::work transaction(connection);
  const auto rows = transaction.exec(statement);
  transaction.commit();
  return rows.empty() ? "" : rows[0][0].c_str();
}

step_record store::step_for(entity_kind kind, const std::string& id, std::uint64_t version, snapshot state) const {
  step_record step;
  step.ref = {kind, id};
  step.shard = shard_of(step.ref);
  step.epoch = epochs[step.shard];
  step.header.version = version;
  step.header.created_at = at_micros(some_micros);
  step.header.updated_at = at_micros(some_micros + static_cast<std::int64_t>(version));
  step.state = std::move(state);
  step.message = "test";
  step.from_status = "a";
  step.to_status = "b";
  return step;
}

namespace {

// Gives each field a value of its own, rising from field to field; texts need every kind of escaping.
struct filler {
  std::int64_t n = 0;
  void operator()(std::string_view name, std::string& value) {
    value = std::string(name) + " \"" + std::to_string(++n) + "\" \\ {,} NULL '\n\t\xc3\xa4\xf0\x9f\x92\xb0 ";
  }
  void operator()(std::string_view, bool& value) { ++n, value = !value; }
  void operator()(std::string_view, std::int64_t& value) { ++n, value = (n % 2 ? -1 : 1) * (1'001'234'567'890 + n); }
  void operator()(std::string_view, std::int32_t& value) { value = static_cast<std::int32_t>(2'000'000'000 + ++n); }
  void operator()(std::string_view, std::uint32_t& value) { value = static_cast<std::uint32_t>(2'000'000'000 + ++n); }
  // 15 digits before the point and 18 after it.
  void operator()(std::string_view, int128& value) {
    value = static_cast<int128>(123'456'789'012'345) * one_coin + 123'456'789'012'345'600 + ++n;
  }
  template <class Unit>
  void operator()(std::string_view name, money<Unit>& value) {
    int128 units = 0;
    (*this)(name, units);
    value = money<Unit>::of_units(units);
  }
  void operator()(std::string_view, timestamp& value) { value = at_micros(some_micros + 1'000'003 * ++n); }
  template <class T>
  void operator()(std::string_view name, std::optional<T>& value) {
    (*this)(name, value.emplace());
  }
  template <named_enum E>
  void operator()(std::string_view, E& value) {
    ++n, value = static_cast<E>(std::size(enum_names<E>::values) - 1);
  }
};

template <class T>
T filled(std::int64_t seed = 0) {
  T value;
  filler fill{seed};
  T::each_field(value, fill);
  return value;
}

deposit filled_deposit(const std::string& id, std::int64_t seed) {
  auto row = filled<deposit>(seed);
  row.order_id = id;
  row.fee_usd = usd_amount::of_units(7);
  row.net_usd = row.gross_usd - row.fee_usd;
  row.fee_eth = eth_amount::of_units(5);
  row.net_eth = row.gross_eth - row.fee_eth;
  row.refund_id.clear();
  return row;
}

// Given back instead of paid out.
deposit refunded_deposit(const std::string& id, std::int64_t seed) {
  auto row = filled<deposit>(seed);
  row.order_id = id;
  row.payout_id.clear();
  row.fee_usd = row.net_usd = {};
  row.fee_eth = row.net_eth = {};
  return row;
}

wallet_transfer filled_transfer(const std::string& id, std::int64_t nonce, transfer_status status, std::int64_t seed) {
  auto row = filled<wallet_transfer>(seed);
  row.wallet = id;
  row.nonce = nonce;
  row.status = status;
  row.gas_limit = 21'000;
  row.block_number = 17;
  row.gas_used = 20'999;
  if (nonce % 2 == 0) // A transfer pays ETH or a token, never both.
    row.token.clear(), row.token_value = {};
  else
    row.value = {};
  if (status == transfer_status::confirmed)
    row.acknowledged_at = at_micros(some_micros * 2); // Far ahead: lately, for the loader.
  else
    row.acknowledged_at.reset();
  return row;
}

} // namespace

snapshot filled_snapshot(entity_kind kind, const std::string& id) {
  switch (kind) {
  case entity_kind::payment: {
    auto state = filled<payment>();
    state.tier = 2;
    state.deposits = {filled_deposit(id, 100), refunded_deposit(id, 200)};
    return state;
  }
  case entity_kind::subscription: {
    auto state = filled<subscription>();
    state.periods = {filled<subscription_period>(100), filled<subscription_period>(200)};
    for (auto& period : state.periods) period.subscription_id = id;
    return state;
  }
  case entity_kind::channel: {
    auto state = filled<channel>();
    state.posts.cadence_day = 28;
    state.posts.cadence_hour = 23;
    state.trial_days = 7;
    return state;
  }
  case entity_kind::conversation: {
    auto state = filled<conversation>();
    state.drafts = {filled<channel_draft>(100)};
    state.drafts[0].conversation_id = id;
    state.drafts[0].open = true; // One that is not is not loaded.
    return state;
  }
  case entity_kind::payout: {
    auto state = filled<payout>();
    state.funded = state.source - eth_amount::of_units(1);
    state.nonce = 7;
    state.gas_used = 21'000;
    state.funded_usdt = state.source_usdt - usdt_amount::of_units(1);
    state.accruals = 2;
    state.leg = 2;
    state.lost = 1; // Of the pot, beside what is funded.
    return state;
  }
  case entity_kind::conversion: {
    auto state = filled<conversion>();
    state.accruals = 3;
    state.lost = 1;
    state.funded = state.source - eth_amount::of_units(1);
    state.nonce = 7;
    state.gas_used = 21'000;
    return state;
  }
  case entity_kind::scheduler: return filled<scheduler>();
  case entity_kind::reconciliation: return filled<reconciliation>();
  case entity_kind::broadcast: {
    auto state = filled<broadcast>();
    state.what = broadcast_what::message;
    state.html = "<b>words</b>";
    state.recipients = 9;
    state.sent = 5;
    state.failed = 3;
    state.skipped = 1;
    return state;
  }
  case entity_kind::promo_code: {
    auto state = filled<promo_code>();
    state.percent = 0; // A share or an amount.
    state.uses = {filled<promo_use>(100), filled<promo_use>(200)};
    for (auto& use : state.uses) use.promo_id = id;
    return state;
  }
  case entity_kind::account: return filled<account>();
  case entity_kind::login_name: return filled<login_name>();
  case entity_kind::session: return filled<session>();
  case entity_kind::wallet: {
    auto state = filled<wallet>();
    state.next_nonce = 12;
    state.transfers = {filled_transfer(id, 10, transfer_status::confirmed, 100), filled_transfer(id, 11, transfer_status::broadcast, 200),
                       filled_transfer(id, -1, transfer_status::queued, 300)};
    state.chain_nonce = 13;
    state.sign_off_nonce = 14;
    state.foreign = {filled<foreign_nonce>(600), filled<foreign_nonce>(700)};
    for (std::size_t i = 0; i < state.foreign.size(); ++i) {
      state.foreign[i].wallet = id;
      state.foreign[i].nonce = static_cast<std::int64_t>(i);
      state.foreign[i].block_number = state.foreign[i].gas_used = 9;
    }
    state.corrections = {filled<wallet_correction>(400), filled<wallet_correction>(500)};
    for (auto& correction : state.corrections) correction.wallet = id, correction.currency = "eth";
    return state;
  }
  case entity_kind::poller: {
    auto state = filled<poller>();
    return state;
  }
  }
  throw std::logic_error("no such kind");
}

std::vector<side_row> children_of(const snapshot& state) {
  std::vector<side_row> rows;
  if (const auto* p = std::get_if<payment>(&state)) rows.assign(p->deposits.begin(), p->deposits.end());
  if (const auto* s = std::get_if<subscription>(&state)) rows.assign(s->periods.begin(), s->periods.end());
  if (const auto* c = std::get_if<conversation>(&state)) rows.assign(c->drafts.begin(), c->drafts.end());
  if (const auto* c = std::get_if<promo_code>(&state)) rows.assign(c->uses.begin(), c->uses.end());
  if (const auto* w = std::get_if<wallet>(&state)) {
    rows.assign(w->transfers.begin(), w->transfers.end());
    rows.insert(rows.end(), w->foreign.begin(), w->foreign.end());
    rows.insert(rows.end(), w->corrections.begin(), w->corrections.end());
  }
  return rows;
}

} // namespace paygate::test
