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

/// Whether what gathered with the predecessor for `there` may be owed to the channel that is registered here under the same id: it sells
/// the same closed channel, and is paid to the same place or belongs to the same owner. Whoever was first to register it here may be
/// anybody who administers it.
inline bool is_successor(const channel& here, const channel& there) {
  const bool same_place = here.payout_asset == there.payout_asset && here.payout_address == there.payout_address
                          && here.payout_extra_id == there.payout_extra_id;
  const auto user = there.owner_user_id != 0 ? there.owner_user_id : there.owner_chat_id; // A private chat has its user's id.
  const bool same_owner =
      (user > 0 && here.owner_user_id == user) || (!there.owner_account.empty() && here.owner_account == there.owner_account);
  return here.closed_channel_id == there.closed_channel_id && here.status != channel_status::refused && (same_place || same_owner);
}

/// The id of what a row becomes: of its table and key alone.
std::string imported_id(std::string_view table, std::string_view key);

} // namespace paygate
