#pragma once

#include <pqxx/pqxx>

#include "messages/step.hpp"

namespace paygate {

/// Makes the prepared statements of write_reconciliation_rows known to a new connection.
void prepare_reconciliation_rows(pqxx::connection& connection);

/// Writes what a round of reconciliation found, in the order of the step's rows; the work is set-based inside (sql/0150).
void write_reconciliation_rows(pqxx::transaction_base& transaction, const step_record& step);

} // namespace paygate
