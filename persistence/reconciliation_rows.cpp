#include "persistence/reconciliation_rows.hpp"

#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

struct writer {
  std::vector<statement>& batch;
  const step_record& step;

  std::string at() const {
    std::string text;
    append_element(text, step.header.updated_at);
    return text;
  }
  void add(const char* name, std::vector<std::string> parameters) const { batch.push_back({name, std::move(parameters)}); }

  void operator()(const movements_seen& row) const {
    column_arrays arrays(8);
    for (const auto& m : row.movements) {
      arrays.begin_row();
      append_element(arrays.next(), lower(m.hash));
      append_element(arrays.next(), m.line);
      append_element(arrays.next(), m.currency);
      append_element(arrays.next(), m.units);
      append_element(arrays.next(), m.gas);
      append_element(arrays.next(), m.block);
      append_element(arrays.next(), m.at);
      append_element(arrays.next(), m.counterparty);
    }
    auto parameters = arrays.finish();
    parameters.insert(parameters.begin(), {std::to_string(row.first), std::to_string(row.last)});
    add("note_movements", std::move(parameters));
  }
  void operator()(const movements_matched& row) const { add("match_movements", {std::to_string(row.cut)}); }
  void operator()(const movement_claimed& row) const { add("claim_movement", {lower(row.hash), row.subject}); }
  void operator()(const exception_found& row) const {
    add("raise_exception", {std::to_string(row.round), at(), std::string(to_text(row.kind)), row.subject, row.currency,
                            to_decimal(row.expected), to_decimal(row.actual), to_decimal(row.gas), lower(row.hash), row.explanation,
                            to_decimal(row.wallet_eth), to_decimal(row.wallet_usdt), std::to_string(row.entry)});
  }
  void operator()(const round_closed& row) const { add("close_round", {std::to_string(row.round), at()}); }
  void operator()(const exception_resolved& row) const {
    add("resolve_exception", {std::to_string(row.id), row.way, row.reason, row.by, at(), row.correction});
  }
  template <class Other>
  void operator()(const Other&) const {} // Any kind's: written by side_rows.cpp.
};

} // namespace

std::vector<prepared_statement> reconciliation_statements() {
  return {
      {"note_movements",
       "SELECT note_movements($1::bigint, $2::bigint, $3::text[], $4::integer[], $5::text[], $6::numeric[], $7::numeric[], "
       "$8::bigint[], $9::timestamptz[], $10::text[])"},
      {"match_movements", "SELECT match_movements($1::bigint)"},
      {"claim_movement", "UPDATE chain_movement SET subject = $2 WHERE hash = $1 AND NOT booked AND subject = ''"},
      {"raise_exception",
       "SELECT raise_exception($1::bigint, $2::timestamptz, $3::exception_kind, $4, $5, $6::numeric, $7::numeric, $8::numeric, "
       "$9, $10, $11::numeric, $12::numeric, $13::bigint)"},
      {"close_round", "SELECT close_round($1::bigint, $2::timestamptz)"},
      {"resolve_exception", "SELECT resolve_exception($1::bigint, $2, $3, $4, $5::timestamptz, $6)"},
  };
}

void add_reconciliation_rows(std::vector<statement>& batch, const step_record& step) {
  for (const auto& row : step.rows) std::visit(writer{batch, step}, row);
}

} // namespace paygate
