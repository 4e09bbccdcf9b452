#pragma once

#include <string>
#include <vector>

#include <rapidjson/document.h>

namespace paygate::ctl {

/// Answers `address check` and `address coverage` from the rules built into this program: JSON as a daemon would give it, an error as
/// {"error": {"code", "text"}}. Empty when the words are none of these verbs.
std::string address_answer(const std::vector<std::string>& words, const std::string& currency, const std::string& network,
                           const std::string& memo);

/// Either answer for people.
std::string show_address_answer(const rapidjson::Value& answer);

} // namespace paygate::ctl
