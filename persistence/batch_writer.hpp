#pragma once

#include <span>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "messages/interfaces.hpp"

namespace paygate {

/// Settings and prepared statements of a connection that writes batches.
void prepare_batches(pqxx::connection& connection);

/// Writes the steps in one database transaction and commits it. Answers per step: committed, version_conflict or lease_lost; a step that
/// is not committed wrote nothing. Throws what the database throws, or codec_error: then nothing of the batch is written, unless classify()
/// says `broken`. @pre no two steps of one entity.
std::vector<commit_result> write_batch(pqxx::connection& connection, const std::string& node, std::span<const step_ptr> steps);

} // namespace paygate
