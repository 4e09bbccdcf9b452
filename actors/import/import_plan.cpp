#include "actors/import/import_plan.hpp"

#include <algorithm>

#include "actors/import/legacy_value.hpp"
#include "actors/import/plan_parts.hpp"

namespace paygate {

namespace importing {

namespace {

constexpr std::size_t key_shown_max = 80;

/// A key for people: whatever stands there, it fits on a line.
std::string shown(std::string_view key) {
  std::string out;
  for (const char c : key.substr(0, key_shown_max)) out += c >= ' ' && c != 0x7f ? c : '?';
  return clean_text(out).value_or("(not readable)");
}

} // namespace

std::string_view row::raw(std::string_view column) const {
  const auto found = std::find(table_.columns.begin(), table_.columns.end(), column);
  if (found == table_.columns.end()) return {};
  const auto at = static_cast<std::size_t>(found - table_.columns.begin());
  return at < values_.size() && values_[at] ? std::string_view(*values_[at]) : std::string_view();
}

import_count& planner::count_of(const std::string& table) {
  for (auto& c : plan.counts)
    if (c.table == table) return c;
  return plan.counts.emplace_back(import_count{table, 0, 0, 0});
}

void planner::each_row(std::string_view name, const std::vector<std::string_view>& key_columns,
                       const std::function<void(const row&, const std::string&)>& visit) {
  for (const auto& table : from.tables) {
    if (table.name != name) continue;
    std::set<std::string> seen;
    for (const auto& values : table.rows) {
      const row r(table, values);
      std::string key;
      bool whole = true;
      for (const auto column : key_columns) {
        const auto part = clean_text(r.raw(column));
        whole = whole && part && !part->empty();
        key += (key.empty() ? "" : ":") + part.value_or("");
      }
      if (!whole)
        problem(r, "row " + std::to_string(&values - table.rows.data() + 1), "it has no usable " + std::string(key_columns.front()));
      else if (!seen.insert(key).second)
        problem(r, key, "there is a row with this key before it");
      else
        visit(r, key);
    }
  }
}

void planner::problem(const row& r, const std::string& key, std::string reason) {
  plan.findings.push_back({true, r.table().name, shown(key), std::move(reason)});
}
void planner::difference(const row& r, const std::string& key, std::string reason) {
  plan.findings.push_back({false, r.table().name, shown(key), std::move(reason)});
}
void planner::settled(const row& r) { ++count_of(r.table().name).settled; }
void planner::want(import_stage stage, const row& r, const std::string& key, entity_ref to, any_message message) {
  ++count_of(r.table().name).wanted;
  plan.items.push_back({stage, r.table().name, shown(key), {std::move(to), std::move(message)}});
}

} // namespace importing

import_plan plan_import(const legacy_database& from, timestamp now, const policy& rules) {
  importing::planner p{from, now, rules};
  for (const auto& table : from.tables) p.count_of(table.name).rows = table.rows.size();
  p.owners();
  p.all_channels();
  p.subscriptions();
  p.currencies();
  // Before the openings: what is in flight is none.
  p.conversions_in_flight();
  p.batches_in_flight();
  p.payouts_in_flight();
  p.openings();
  for (const auto& table : from.missing)
    p.plan.findings.push_back({false, table, "", "there is no such table: nothing is taken over from it"});
  std::stable_sort(p.plan.items.begin(), p.plan.items.end(), [](const auto& a, const auto& b) { return a.stage < b.stage; });
  return std::move(p.plan);
}

std::string imported_id(std::string_view table, std::string_view key) {
  return new_order_id(timestamp{}, "import/" + std::string(table) + "/" + std::string(key));
}

} // namespace paygate
