#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>

#include <caf/all.hpp>

#include "messages/log.hpp"
#include "persistence/batch_pace.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"
#include "persistence/row_tables.hpp"
#include "persistence/side_rows.hpp"

namespace paygate {

namespace {

using flush_atom = caf::atom_constant<caf::atom("flush")>;
using loader_impl = loader_actor::extend<caf::reacts_to<flush_atom>>;

constexpr std::size_t batch_max = 1024;

struct waiting_load {
  caf::strong_actor_ptr sender;
  std::shared_ptr<const entity_ref> ref;
};

struct loader_state {
  static inline const char* name = "loader";
  std::unique_ptr<basic_link<pipeline>> link;
  std::shared_ptr<metrics_sink> metrics;
  std::vector<waiting_load> waiting;
  batch_pace pace;
  bool flush_sent = false;
  bool gathering = false; ///< The flush was put off.
};

using loader_ptr = loader_impl::stateful_pointer<loader_state>;
using answer_map = std::unordered_map<std::string, std::shared_ptr<load_answer>>;

std::string select_children(const child_table& table, const std::string& rest) {
  return "SELECT " + name_list(table.fields) + " FROM " + table.name + rest;
}

std::unique_ptr<pipeline> connect_for_loads(const std::string& dsn) {
  std::vector<prepared_statement> all;
  for (const auto& table : entity_tables()) all.push_back({"load_" + table.name, table.select_sql});
  all.push_back({"deposits", select_children(deposit_table(), " WHERE order_id = ANY($1::text[]) ORDER BY seq")});
  all.push_back({"periods", select_children(subscription_period_table(), " WHERE subscription_id = ANY($1::text[]) ORDER BY seq")});
  all.push_back({"promo_uses", select_children(promo_use_table(), " WHERE promo_id = ANY($1::text[]) ORDER BY seq")});
  all.push_back({"drafts", select_children(channel_draft_table(), " WHERE conversation_id = ANY($1::text[]) AND open")});
  // Whoever lost an answer asks again, and a lost question arrives late: what was acknowledged within the hour comes along.
  all.push_back({"transfers", select_children(wallet_transfer_table(),
                                              " WHERE wallet = ANY($1::text[]) AND (acknowledged_at IS NULL OR acknowledged_at > now() - "
                                              "interval '1 hour') ORDER BY nonce < 0, nonce, seq")});
  all.push_back({"foreign", select_children(wallet_foreign_table(), " WHERE wallet = ANY($1::text[]) ORDER BY nonce")});
  all.push_back({"corrections", select_children(wallet_correction_table(), " WHERE wallet = ANY($1::text[]) ORDER BY seq")});
  // A row and its children are read at one moment, so that they belong to one version.
  return std::make_unique<pipeline>(complete_dsn(dsn, "loader"),
                                    session_setup
                                        + "; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "
                                          "SET default_transaction_read_only = on; SET default_transaction_isolation = 'repeatable read'",
                                    all);
}

void spoil(load_answer& answer, const std::string& error) {
  answer.available = false;
  answer.error = error;
  log(log_level::error, "row_not_readable", {{"entity", to_text(answer.ref)}, {"error", error}});
}

std::string id_array(const std::vector<std::string>& ids) {
  std::string text = "{";
  for (const auto& id : ids) {
    if (text.size() > 1) text += ',';
    append_element(text, id);
  }
  return text + "}";
}

// One statement of a load: which rows it brings, and what becomes of them.
struct question {
  statement what;
  std::function<void(const statement_result& rows)> read;
};

// Hands each row of a child table to the parent that it names; one that cannot be read spoils its parent's answer alone.
template <class Parent, class Child>
question children_of(const char* statement, const child_table& table, const std::string& ids, answer_map& answers,
                     std::vector<Child> Parent::*children) {
  return {{statement, {ids}}, [&table, &answers, children](const statement_result& rows) {
            for (std::size_t i = 0; i < rows.rows(); ++i) {
              const row_view row(rows, i);
              const auto parent_column =
                  std::find_if(table.fields.begin(), table.fields.end(), [&](const column& c) { return c.name == table.parent; });
              const auto found = answers.find(std::string(row.text(static_cast<int>(parent_column - table.fields.begin()))));
              if (found == answers.end()) continue;
              auto& answer = *found->second;
              try {
                Child child;
                read_fields(row, 0, child);
                if (auto* parent = std::get_if<Parent>(&answer.entity.state)) (parent->*children).push_back(std::move(child));
              } catch (const codec_error& failure) {
                spoil(answer, table.name + ": " + failure.what());
              }
            }
          }};
}

void ask_kind(entity_kind kind, answer_map& answers, std::vector<question>& questions) {
  const auto& table = table_of(kind);
  std::vector<std::string> ids;
  ids.reserve(answers.size());
  for (const auto& [id, answer] : answers) ids.push_back(id);
  const auto list = id_array(ids);
  questions.push_back({{"load_" + table.name, {list}}, [&table, &answers](const statement_result& rows) {
                         for (std::size_t i = 0; i < rows.rows(); ++i) {
                           const row_view row(rows, i);
                           auto& answer = *answers.at(std::string(row.text(0)));
                           try {
                             answer.entity = table.read(row);
                           } catch (const codec_error& failure) {
                             spoil(answer, failure.what());
                           }
                         }
                       }});
  if (kind == entity_kind::payment) questions.push_back(children_of("deposits", deposit_table(), list, answers, &payment::deposits));
  if (kind == entity_kind::subscription)
    questions.push_back(children_of("periods", subscription_period_table(), list, answers, &subscription::periods));
  if (kind == entity_kind::conversation) questions.push_back(children_of("drafts", channel_draft_table(), list, answers, &conversation::drafts));
  if (kind == entity_kind::promo_code) questions.push_back(children_of("promo_uses", promo_use_table(), list, answers, &promo_code::uses));
  if (kind == entity_kind::wallet) {
    questions.push_back(children_of("transfers", wallet_transfer_table(), list, answers, &wallet::transfers));
    questions.push_back(children_of("foreign", wallet_foreign_table(), list, answers, &wallet::foreign));
    questions.push_back(children_of("corrections", wallet_correction_table(), list, answers, &wallet::corrections));
  }
}

void read_all(pipeline& connection, std::array<answer_map, kind_count>& by_kind) {
  std::vector<question> questions;
  for (std::size_t kind = 0; kind < kind_count; ++kind)
    if (!by_kind[kind].empty()) ask_kind(static_cast<entity_kind>(kind), by_kind[kind], questions);
  std::vector<statement> statements;
  statements.reserve(questions.size());
  for (auto& each : questions) statements.push_back(std::move(each.what));
  const auto rows = connection.read(statements);
  for (std::size_t i = 0; i < questions.size(); ++i) questions[i].read(rows[i]);
}

void flush(loader_ptr self) {
  auto& state = self->state;
  const auto batch = std::exchange(state.waiting, {});
  if (batch.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  std::array<answer_map, kind_count> by_kind;
  std::string error;
  const auto reset = [&] {
    for (auto& answers : by_kind) answers.clear();
    for (const auto& load : batch) {
      auto& answer = by_kind.at(static_cast<std::size_t>(load.ref->kind))[load.ref->id];
      answer = std::make_shared<load_answer>();
      answer->ref = *load.ref;
      answer->entity.state = empty_snapshot(load.ref->kind);
    }
  };
  reset();
  if (auto* connection = state.link->open()) {
    try {
      read_all(*connection, by_kind);
    } catch (const std::exception& failure) {
      error = words_of(failure);
      reset();
      if (classify(connection->is_open(), failure) == database_fault::broken) state.link->drop(error);
    }
  } else {
    error = state.link->error();
  }
  const auto ended = std::chrono::steady_clock::now();
  state.pace.wrote(start, ended, batch.size());
  if (state.metrics) state.metrics->duration("load_duration", "", std::chrono::duration_cast<std::chrono::microseconds>(ended - start));
  for (const auto& load : batch) {
    const auto& answer = by_kind.at(static_cast<std::size_t>(load.ref->kind)).at(load.ref->id);
    if (!error.empty()) {
      answer->available = false;
      answer->error = error;
    }
    if (load.sender) caf::anon_send(caf::actor_cast<caf::actor>(load.sender), load_answer_ptr(answer));
  }
}

loader_impl::behavior_type loader_behavior(loader_ptr self, std::string dsn, std::shared_ptr<metrics_sink> metrics) {
  self->state.link = std::make_unique<basic_link<pipeline>>([dsn = std::move(dsn)] { return connect_for_loads(dsn); });
  self->state.metrics = std::move(metrics);
  self->set_exit_handler([self](caf::exit_msg& exit) {
    flush(self);
    self->quit(std::move(exit.reason));
  });
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_default_handler(caf::drop);
  return {
      [=](load_atom, const std::shared_ptr<const entity_ref>& ref) {
        auto& state = self->state;
        state.waiting.push_back({self->current_sender(), ref});
        if (state.waiting.size() >= batch_max) return flush(self);
        if (state.flush_sent) return;
        state.flush_sent = true;
        self->send(self, flush_atom::value);
      },
      [=](flush_atom) {
        auto& s = self->state;
        if (!std::exchange(s.gathering, true) && s.pace.rest(s.waiting.size())) return self->send(self, flush_atom::value);
        s.gathering = s.flush_sent = false;
        flush(self);
      },
  };
}

} // namespace

loader_actor spawn_loader(caf::actor_system& system, std::string dsn, std::shared_ptr<metrics_sink> metrics) {
  return system.spawn<caf::detached>(loader_behavior, std::move(dsn), std::move(metrics));
}

} // namespace paygate
