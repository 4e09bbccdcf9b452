#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "messages/interfaces.hpp"
#include "persistence/pipeline.hpp"

namespace paygate {

/// A connection that writes batches. Throws statement_failed.
std::unique_ptr<pipeline> connect_for_batches(const std::string& dsn);

/// Writes the steps in one database transaction and commits it. Answers per step: committed, version_conflict or lease_lost; a step that
/// is not committed wrote nothing. Throws statement_failed or codec_error: then nothing of the batch is written, unless classify() says
/// `broken`. @pre no two steps of one entity.
std::vector<commit_result> write_batch(pipeline& connection, const std::string& node, std::span<const step_ptr> steps);

} // namespace paygate
