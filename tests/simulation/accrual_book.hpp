#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "messages/conversion.hpp"
#include "messages/payout.hpp"
#include "messages/step.hpp"

namespace paygate::sim {

/// The table `accrual` with its claims, by the rules of sql/0110 in plain C++: tests/store feeds both the same and demands the same.
class accrual_book {
public:
  struct row : accrual_opened {
    std::int64_t id = 0;
    std::string conversion_id;
    usdt_amount net_usdt;
    timestamp created{};
    bool arrived = false; ///< Its deposit's ETH was seen.
    bool operator==(const row& other) const {
      return id == other.id && status == other.status && payout_id == other.payout_id && conversion_id == other.conversion_id
             && net_usdt == other.net_usdt && net_eth == other.net_eth;
    }
  };
  using rows_map = std::map<std::string, row>;

  void open(const accrual_opened& accrual, timestamp at, bool arrived);
  void arrived(const std::string& payment_id);
  void close(const accrual_closed& end);
  /// What a payout sold again before it ended without having paid: its accruals lie in ETH from then on.
  std::map<std::string, usdt_amount> resold; ///< By conversion: what was shared out by it and lies in no accrual any more.
  /// Both answer what the database itself posts.
  std::optional<ledger_entry> claim(const entity_ref& by, const claim_accruals& wanted);
  std::optional<ledger_entry> close(const std::string& conversion, usdt_amount received, eth_amount left);

  std::optional<claim_seen> claim_of(const std::string& claimant) const;
  gathered_seen gathered() const;
  /// What is free for a channel in one pot.
  struct pot {
    int128 units = 0;
    timestamp oldest = timestamp::max();
  };
  std::map<std::pair<std::int64_t, payout_pot>, pot> pots() const;

  rows_map rows; ///< By payment id.

private:
  std::map<std::string, claim_seen> claims_;
};

} // namespace paygate::sim
