#pragma once

#include <string>
#include <vector>

#include <rapidjson/document.h>

namespace paygate::ctl {

/// The text of a JSON value as a person wants to see it: strings without quotes, null as nothing, the rest as JSON.
std::string plain(const rapidjson::Value& value);

/// A list of objects as an aligned table with these columns. Missing members are empty.
std::string table(const rapidjson::Value& list, const std::vector<std::string>& columns);

/// The answer of `show` for people: the row, its children, what is due, the history.
std::string entity_sheet(const rapidjson::Value& answer);

/// The answer of `trace` for people: each deposit of an order, hop by hop (trace.cpp).
std::string trace_report(const rapidjson::Value& answer);

/// One transition on a line.
std::string transition_line(const rapidjson::Value& t);

/// JSON with indentation.
std::string pretty(const rapidjson::Value& value);

} // namespace paygate::ctl
