#include "persistence/reconciliation_rows.hpp"

#include "persistence/side_rows.hpp"

namespace paygate {

namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

struct writer {
  pqxx::transaction_base& transaction;
  const step_record& step;

  std::string at() const {
    std::string text;
    append_element(text, step.header.updated_at);
    return text;
  }

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
    const auto a = arrays.finish();
    transaction.exec_prepared("note_movements", static_cast<std::int64_t>(row.first), static_cast<std::int64_t>(row.last), a[0], a[1], a[2],
                              a[3], a[4], a[5], a[6], a[7]);
  }
  void operator()(const movements_matched& row) const { transaction.exec_prepared("match_movements", row.cut); }
  void operator()(const movement_claimed& row) const { transaction.exec_prepared("claim_movement", lower(row.hash), row.subject); }
  void operator()(const exception_found& row) const {
    transaction.exec_prepared("raise_exception", row.round, at(), std::string(to_text(row.kind)), row.subject, row.currency,
                              to_decimal(row.expected), to_decimal(row.actual), to_decimal(row.gas), lower(row.hash), row.explanation,
                              to_decimal(row.wallet_eth), to_decimal(row.wallet_usdt), row.entry);
  }
  void operator()(const round_closed& row) const { transaction.exec_prepared("close_round", row.round, at()); }
  void operator()(const exception_resolved& row) const {
    transaction.exec_prepared("resolve_exception", row.id, row.way, row.reason, row.by, at(), row.correction);
  }
  template <class Other>
  void operator()(const Other&) const {} // Any kind's: written by side_rows.cpp.
};

} // namespace

void prepare_reconciliation_rows(pqxx::connection& connection) {
  connection.prepare("note_movements", "SELECT note_movements($1::bigint, $2::bigint, $3::text[], $4::integer[], $5::text[], $6::numeric[], "
                                       "$7::numeric[], $8::bigint[], $9::timestamptz[], $10::text[])");
  connection.prepare("match_movements", "SELECT match_movements($1::bigint)");
  connection.prepare("claim_movement", "UPDATE chain_movement SET subject = $2 WHERE hash = $1 AND NOT booked AND subject = ''");
  connection.prepare("raise_exception",
                     "SELECT raise_exception($1::bigint, $2::timestamptz, $3::exception_kind, $4, $5, $6::numeric, $7::numeric, $8::numeric, "
                     "$9, $10, $11::numeric, $12::numeric, $13::bigint)");
  connection.prepare("close_round", "SELECT close_round($1::bigint, $2::timestamptz)");
  connection.prepare("resolve_exception", "SELECT resolve_exception($1::bigint, $2, $3, $4, $5::timestamptz, $6)");
}

void write_reconciliation_rows(pqxx::transaction_base& transaction, const step_record& step) {
  for (const auto& row : step.rows) std::visit(writer{transaction, step}, row);
}

} // namespace paygate
