#pragma once

#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "messages/step.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

/// A table of rows that hang on an entity: the key is the first field of each_field; `parent` is the column that names the entity, and an
/// upsert that would move a row to another parent throws.
struct child_table {
  std::string name, parent;
  std::vector<column> fields;
  std::string upsert_sql;
};
const child_table& deposit_table();
const child_table& subscription_period_table();
const child_table& wallet_transfer_table();
const child_table& wallet_correction_table();

/// Makes the prepared statements of write_side_rows known to a new connection.
void prepare_side_rows(pqxx::connection& connection);

/// Writes the side rows of these steps; throws what the database throws, or codec_error.
void write_side_rows(pqxx::transaction_base& transaction, const std::vector<const step_record*>& steps);

/// Writes the ledger entries of these steps; an entry without postings is a codec_error.
void write_ledger(pqxx::transaction_base& transaction, const std::vector<const step_record*>& steps);

/// Runs a prepared statement over the arrays.
pqxx::result run_over(pqxx::transaction_base& transaction, const std::string& statement, column_arrays arrays);

} // namespace paygate
