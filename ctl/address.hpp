#pragma once

#include <string>

#include <rapidjson/document.h>

namespace paygate::ctl {

/// What `address check` says by the rules built into this program: JSON as a daemon would give it, an error as {"error": {"code", "text"}}.
std::string check_json(const std::string& currency, const std::string& network, const std::string& address, const std::string& memo);

/// How many pairs of the currency snapshot are checked how.
std::string coverage_json();

/// Both for people.
std::string show_check(const rapidjson::Value& answer);
std::string show_coverage(const rapidjson::Value& answer);

} // namespace paygate::ctl
