#include "persistence/row_tables.hpp"

namespace paygate {

namespace {

template <class State>
void append_row(column_arrays& arrays, const step_record& step) {
  const auto* state = std::get_if<State>(&step.state);
  if (!state) throw codec_error("the snapshot of " + to_text(step.ref) + " is of another kind");
  const auto& header = step.header;
  arrays.begin_row();
  append_element(arrays.next(), step.ref.id);
  append_element(arrays.next(), header.version);
  append_element(arrays.next(), step.shard);
  append_element(arrays.next(), static_cast<std::int32_t>(state_version));
  append_element(arrays.next(), header.wake_at);
  append_element(arrays.next(), header.attempts);
  append_element(arrays.next(), header.last_error);
  append_element(arrays.next(), header.quarantine);
  append_element(arrays.next(), header.created_at);
  append_element(arrays.next(), header.updated_at);
  append_fields(arrays, *state);
}

template <class State>
loaded_entity read_row(const row_view& row) {
  loaded_entity loaded;
  int layout = 0;
  read_value(row.text(3), layout);
  if (layout > state_version) throw codec_error("the row was written by a newer program (layout " + std::to_string(layout) + ")");
  auto& header = loaded.header;
  read_value(row.text(1), header.version);
  if (!row.is_null(4)) read_value(row.text(4), header.wake_at.emplace());
  read_value(row.text(5), header.attempts);
  read_value(row.text(6), header.last_error);
  read_value(row.text(7), header.quarantine);
  read_value(row.text(8), header.created_at);
  read_value(row.text(9), header.updated_at);
  read_fields(row, static_cast<int>(entity_table::header_columns().size()), loaded.state.emplace<State>());
  return loaded;
}

template <std::size_t Index>
entity_table make_table() {
  using state = std::variant_alternative_t<Index, snapshot>;
  entity_table table;
  table.kind = static_cast<entity_kind>(Index);
  table.name = to_text(table.kind);
  table.fields = columns_of<state>();
  table.append = append_row<state>;
  table.read = read_row<state>;

  auto all = entity_table::header_columns();
  all.insert(all.end(), table.fields.begin(), table.fields.end());
  const auto source = unnest_list(all) + " AS u (" + name_list(all) + ")";
  table.insert_sql =
      "INSERT INTO " + table.name + " (" + name_list(all) + ") SELECT * FROM " + source + " ON CONFLICT (id) DO NOTHING RETURNING id";
  std::string changes;
  for (const auto& column : all) {
    if (column.name == "id" || column.name == "shard" || column.name == "created_at") continue;
    if (!changes.empty()) changes += ", ";
    changes += column.name + " = u." + column.name;
  }
  table.update_sql =
      "UPDATE " + table.name + " t SET " + changes + " FROM " + source + " WHERE t.id = u.id AND t.version = u.version - 1 RETURNING t.id";
  table.select_sql = "SELECT " + name_list(all) + " FROM " + table.name + " WHERE id = ANY($1::text[])";
  return table;
}

template <std::size_t... Indices>
std::array<entity_table, kind_count> make_tables(std::index_sequence<Indices...>) {
  return {make_table<Indices>()...};
}

template <std::size_t... Indices>
snapshot make_empty(std::size_t index, std::index_sequence<Indices...>) {
  snapshot made;
  ((index == Indices ? static_cast<void>(made.emplace<Indices>()) : void()), ...);
  return made;
}

} // namespace

const std::vector<column>& entity_table::header_columns() {
  static const std::vector<column> columns = {
      {"id", {"text"}},
      {"version", {"bigint"}},
      {"shard", {"smallint"}},
      {"state_version", {"smallint"}},
      {"wake_at", {"timestamptz", true}},
      {"attempts", {"integer"}},
      {"last_error", {"text"}},
      {"quarantine", {"text"}},
      {"created_at", {"timestamptz"}},
      {"updated_at", {"timestamptz"}},
  };
  return columns;
}

const std::array<entity_table, kind_count>& entity_tables() {
  static const auto tables = make_tables(std::make_index_sequence<kind_count>{});
  return tables;
}

snapshot empty_snapshot(entity_kind kind) { return make_empty(static_cast<std::size_t>(kind), std::make_index_sequence<kind_count>{}); }

std::string name_list(const std::vector<column>& columns, std::string_view prefix) {
  std::string list;
  for (const auto& column : columns) {
    if (!list.empty()) list += ", ";
    list += prefix;
    list += column.name;
  }
  return list;
}

std::string unnest_list(const std::vector<column>& columns) {
  std::string list = "unnest(";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) list += ", ";
    list += "$" + std::to_string(i + 1) + "::" + std::string(columns[i].type.name) + "[]";
  }
  return list + ")";
}

} // namespace paygate
