#pragma once

#include <vector>

#include "messages/step.hpp"
#include "persistence/pipeline.hpp"

namespace paygate {

/// The prepared statements that the one below names.
std::vector<prepared_statement> reconciliation_statements();

/// What a round of reconciliation found, in the order of the step's rows; the work is set-based inside (sql/0150). Throws codec_error.
void add_reconciliation_rows(std::vector<statement>& batch, const step_record& step);

} // namespace paygate
