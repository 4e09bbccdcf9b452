#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/import.hpp"
#include "messages/policy.hpp"

namespace paygate {

/// What an import does, in this order: whoever is named later must be there before.
enum class import_stage : std::uint8_t { owners, channels, subscriptions, openings, in_flight };

/// One row of a predecessor and the message that takes it over. Its entity's id is made of the row's key, so that a repeat meets the first.
struct import_item {
  import_stage stage = import_stage::owners;
  std::string table, key;
  envelope letter;
};

/// A row that is not taken over, or not as it stands there.
struct import_finding {
  bool problem = false; ///< It is not taken over; else only something about it differs.
  std::string table, key, reason;
  bool operator==(const import_finding&) const = default;
};

struct import_count {
  std::string table;
  std::uint64_t rows = 0;    ///< All there are.
  std::uint64_t wanted = 0;  ///< To be taken over.
  std::uint64_t settled = 0; ///< Over and done with there: nothing to take over.
};

struct import_plan {
  std::vector<import_item> items;
  std::vector<import_finding> findings;
  std::vector<import_count>
      counts; ///< A table each, in the order of legacy_tables; those that are read only to understand others want nothing.
};

/// What is to be done to take a predecessor's database over. Pure: the same rows and rules make the same plan, with the same ids.
import_plan plan_import(const legacy_database& from, timestamp now, const policy& rules);

/// The id of what a row becomes: of its table and key alone.
std::string imported_id(std::string_view table, std::string_view key);

} // namespace paygate
