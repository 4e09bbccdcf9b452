#pragma once

#include <string>

#include <rapidjson/document.h>

// The daemon's answers as people want to see them: one function per verb's answer (those of more than a table are in print.hpp).
namespace paygate::ctl {

std::string show_done(const rapidjson::Value& answer);
std::string show_tail(const rapidjson::Value& list);
std::string show_actors(const rapidjson::Value& list);
std::string show_stuck(const rapidjson::Value& list);
std::string show_quarantined(const rapidjson::Value& list);
std::string show_failures(const rapidjson::Value& list);
std::string show_counts(const rapidjson::Value& list);
std::string show_settings(const rapidjson::Value& list);
std::string show_shards(const rapidjson::Value& list);
std::string show_balances(const rapidjson::Value& list);
std::string show_failed(const rapidjson::Value& list);
std::string show_exceptions(const rapidjson::Value& list);
std::string show_audit(const rapidjson::Value& list);
std::string show_pauses(const rapidjson::Value& list);
std::string show_nodes(const rapidjson::Value& answer);
std::string show_tree(const rapidjson::Value& answer);
/// With a line for each shard.
std::string show_tree_with_shards(const rapidjson::Value& answer);
std::string show_top(const rapidjson::Value& answer);
/// How an import ended, or how far it is: what became of each table, and every row that wants a look.
std::string show_import(const rapidjson::Value& job);
/// How a sweep or an import ended, or how far it is.
std::string show_job(const rapidjson::Value& job);
/// What each node answered.
std::string show_everywhere(const rapidjson::Value& answer);

} // namespace paygate::ctl
