#pragma once

#include <string>
#include <vector>

#include "messages/step.hpp"
#include "persistence/pipeline.hpp"
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
const child_table& wallet_foreign_table();
const child_table& channel_draft_table();
const child_table& promo_use_table();

/// The prepared statements that the ones below name.
std::vector<prepared_statement> side_row_statements();

/// What these steps write besides their own rows. Throws codec_error.
void add_side_rows(std::vector<statement>& batch, const std::vector<const step_record*>& steps);

/// The ledger entries of these steps; an entry without postings is a codec_error.
void add_ledger(std::vector<statement>& batch, const std::vector<const step_record*>& steps);

} // namespace paygate
