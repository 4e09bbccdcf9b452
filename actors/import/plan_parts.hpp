#pragma once

#include <functional>
#include <set>

#include "actors/import/import_plan.hpp"

// Shared by the files that make an import's plan, and by nobody else.
namespace paygate::importing {

/// One row, by the names of its columns. A column that the table does not have is as one that is NULL.
class row {
public:
  row(const legacy_table& table, const std::vector<std::optional<std::string>>& values) : table_(table), values_(values) {}
  /// The value as it stands there; empty for NULL.
  std::string_view raw(std::string_view column) const;
  bool has(std::string_view column) const { return !raw(column).empty(); }
  const legacy_table& table() const { return table_; }

private:
  const legacy_table& table_;
  const std::vector<std::optional<std::string>>& values_;
};

/// A channel as it will be here, found by its closed channel: that is how the predecessor's other tables name it.
struct known_channel {
  channel terms;
  std::string key;
};

struct planner {
  const legacy_database& from;
  timestamp now;
  const policy& rules;
  import_plan plan{};
  std::map<std::string, std::string> accounts{};    ///< Account ids by the predecessor's user_id.
  std::map<std::int64_t, known_channel> channels{}; ///< By closed channel.
  std::set<std::string> in_flight_batches{};        ///< Ids of conversions and payout batches that are not over.

  /// Goes over a table's rows with their keys, the values of these columns joined by ":"; a row without a key, or with one that was there
  /// before, is a problem and left out.
  void each_row(std::string_view table, const std::vector<std::string_view>& key_columns,
                const std::function<void(const row&, const std::string& key)>& visit);
  void problem(const row& r, const std::string& key, std::string reason);
  void difference(const row& r, const std::string& key, std::string reason);
  void settled(const row& r);
  void want(import_stage stage, const row& r, const std::string& key, entity_ref to, any_message message);
  import_count& count_of(const std::string& table);

  // plan_people.cpp
  void owners();
  void all_channels();
  void subscriptions();
  void currencies();
  // plan_money.cpp
  void conversions_in_flight();
  void batches_in_flight();
  void payouts_in_flight();
  void openings();
};

} // namespace paygate::importing
