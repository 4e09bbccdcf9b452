#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paygate {

/// A table of a predecessor's database, every value as the database prints it.
struct legacy_table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows; ///< Nothing: NULL.
};

/// What an import starts from.
struct legacy_database {
  std::string error; ///< Why it could not be read; empty when it was.
  std::vector<legacy_table> tables;
  std::vector<std::string> missing; ///< Tables that it does not have.
};

/// The tables that are read, in this order.
inline constexpr std::string_view legacy_tables[] = {"registered_users",     "main_clients_database", "private_channel_users_database",
                                                     "payout_accumulation",  "batch_conversions",     "payout_batches",
                                                     "split_payout_request", "split_payout_que",      "processed_payments",
                                                     "broadcast_manager",    "currency_to_network"};

} // namespace paygate
