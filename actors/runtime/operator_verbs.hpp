#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include <rapidjson/document.h>

#include "messages/envelope.hpp"
#include "messages/ports.hpp"

// The operator's verbs that are told to one entity. Adding one adds a line to the table in operator_verbs.cpp.
namespace paygate {

using address_check = std::function<address_verdict(const asset& target, const std::string& address, const std::string& extra_id)>;

/// A verb, read: whom it is told to, and what the operator should know besides what the entity answers.
struct order {
  envelope letter;
  std::string remark;
};

/// There is a verb of that name.
bool is_order(std::string_view verb);

/// Reads {"verb", "id", ...}, or answers the error as JSON. @pre is_order
std::variant<order, std::string> read_order(const rapidjson::Value& command, const address_check& check);

/// {"dry_run":true,...} of what would happen, or the refusal as error_json.
struct rehearsal;
std::string rehearsal_json(const entity_ref& target, const std::variant<rehearsal, refused>& result);

/// The command's own arguments as JSON, for the audit log: without verb, reason and who asks.
std::string arguments_json(const rapidjson::Value& command);

} // namespace paygate
