#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <rapidjson/document.h>

#include "messages/envelope.hpp"
#include "messages/ports.hpp"

// The operator's verbs that are told to one entity. Adding one adds a line to the table in operator_verbs.cpp.
namespace paygate {

/// A verb, read: whom it is told to, and what the operator should know besides what the entity answers.
struct order {
  envelope letter;    ///< To a wallet without an id: the hot wallet, whose address the caller knows.
  std::string remark;
};

/// There is a verb of that name.
bool is_order(std::string_view verb);

/// Reads {"verb", "id", ...}, or answers the error as JSON. @pre is_order
std::variant<order, std::string> read_order(const rapidjson::Value& command);

/// {"dry_run":true,...} of what would happen, or the refusal as error_json.
struct rehearsal;
std::string rehearsal_json(const entity_ref& target, const std::variant<rehearsal, refused>& result);

/// The command's own arguments as JSON, for the audit log: without verb, reason and who asks.
std::string arguments_json(const rapidjson::Value& command);

} // namespace paygate
