#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/chain_client.hpp"
#include "sandbox/core.hpp"
#include "sandbox/http.hpp"

namespace sandbox {

/// One exchange. `stage` is when the status was reached, on the steady clock: stages last real milliseconds,
/// deadlines follow the business clock.
struct cn_swap {
  struct deposit {
    chain_transfer sent;
    decimal amount;
  };
  std::string id, status = "new", flow, type, payin_address, payout_address, extra_id, refund_address, refund_extra_id, user_id;
  const coin* from = nullptr;
  const coin* to = nullptr;
  decimal expected_from, expected_to;
  std::optional<decimal> amount_from, amount_to, refund_amount;
  std::string payin_hash, payout_hash, refund_hash, note;
  std::vector<deposit> deposits; ///< All that ever came to the address.
  std::optional<time_point> deposit_received;
  time_point created, updated, valid_until;
  std::chrono::steady_clock::time_point stage;
  bool paying = false; ///< A transfer of ours is under way.
};

/// Stand-in for ChangeNOW's API v2 (provider-apis.md, section 2). A swap moves only by a real transfer to its address.
class changenow {
public:
  changenow(core& shared, chain_client* chain) : core_(shared), chain_(chain) {}

  /// `path` without the base, for instance "/v2/exchange".
  reply handle(const request& from, const std::string& path);
  /// One look at the chain and at every swap. Called by one thread, a few times a second.
  void tick();

  // The control interface.
  json list_swaps();
  /// {"status": "verifying" | "failed" | "refunded" | ...}: what the provider's staff would do. The id "next" means the next swap that gets
  /// its deposit: it is met by that status instead of being exchanged.
  reply force(const std::string& id, const json& wish);
  json summary();
  void reset();

private:
  struct pair {
    const coin* from;
    const coin* to;
    bool fixed;
    bool reverse;
  };
  struct locked_rate {
    const coin* from;
    const coin* to;
    decimal from_amount, to_amount;
    time_point valid_until;
  };
  struct quote {
    decimal from_amount, to_amount, deposit_fee, withdrawal_fee;
  };
  struct errand {
    std::string swap;
    const coin* what;
    std::string to;
    decimal amount;
    bool refund;
  };

  std::optional<reply> bad_key(const request& from, const std::string& path) const;
  static json parameters_of(const request& from);
  std::variant<pair, reply> pair_of(const json& asked) const;
  decimal minimum(const coin& from) const;
  /// The price without fees.
  decimal market_rate(const pair& which) const;
  std::variant<quote, reply> quote_of(const pair& which, const json& asked) const;
  reply range(const json& asked, bool with_maximum);
  reply estimate(const json& asked);
  reply create(const json& body);
  reply read(const std::string& id);
  reply currencies();
  reply pairs();
  reply validate(const json& asked);
  reply list(const request& from);
  json swap_json(const cn_swap& of) const;

  bool on_chain(const coin& which) const;
  void look_at_chain();
  void take(const chain_transfer& sent, int places, chain_form form);
  void move(cn_swap& swap, const std::string& status);
  std::optional<errand> advance(cn_swap& swap);
  std::optional<errand> start_refund(cn_swap& swap);
  void run(const errand& what);
  std::string made_up_hash(const coin& of);

  core& core_;
  chain_client* chain_;
  std::map<std::string, cn_swap> swaps_;
  std::map<std::string, std::string> addresses_; ///< Lowercase deposit address to swap.
  std::map<std::string, locked_rate> rates_;
  std::vector<std::string> fates_; ///< Of the next deposits: what happens to their swaps.
  std::optional<std::uint64_t> seen_; ///< The last block looked at.
};

reply cn_error(int status, const std::string& code, const std::string& message);

} // namespace sandbox
