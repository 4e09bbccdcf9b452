#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

enum class scheduler_status : std::uint8_t {
  waiting, ///< For its time; then it looks at what has gathered.
  ranging, ///< Enough has gathered: the pair's minimum is asked for.
  creating ///< What is due is being created.
};
template <>
struct enum_names<scheduler_status> {
  static constexpr std::string_view type = "scheduler_status";
  static constexpr std::string_view values[] = {"waiting", "ranging", "creating"};
};

/// One of the singletons that start what is due: "conversions" and "payouts" from what has gathered, "broadcasts" the scheduled posts. The
/// snapshot.
struct scheduler {
  scheduler_status status = scheduler_status::waiting;
  std::int64_t round = 0; ///< Counts the looks; what is created is named by it, so that a repeat creates nothing twice.
  timestamp next_at{};    ///< Looks no earlier.
  std::optional<timestamp> looked_at;
  std::int64_t accruals = 0; ///< What it saw at the last look:
  usd_amount net;            ///< value,
  eth_amount pending;        ///< and ETH, of the pending accruals whose ETH has arrived.
  int128 most = 0;           ///< The most ETH that the exchange takes at once, when more is pending; 0: all is taken.
  std::int64_t created = 0;  ///< Conversions or payouts created so far.
  std::string reason;        ///< Why nothing was started at the last look; empty when something was.
  std::shared_ptr<const due_payouts_seen>
      due; ///< While creating payouts: what is still to be asked for. Not stored: read again after a restart.
  std::shared_ptr<const due_posts_seen> posts; ///< The same of broadcasts.
  bool operator==(const scheduler&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("round", self.round);
    f("next_at", self.next_at);
    f("looked_at", self.looked_at);
    f("accruals", self.accruals);
    f("net_usd", self.net);
    f("pending_eth", self.pending);
    f("most_eth", self.most);
    f("created", self.created);
    f("reason", self.reason);
  }
};

/// Command: starts it at the first start of the system; a repeat changes nothing.
struct start_scheduler {};
/// Command: looks now instead of at its time. Answers `ok`; while it is at work already that changes nothing.
struct run_scheduler {};

using scheduler_message = std::variant<effect_done, start_scheduler, run_scheduler>;

} // namespace paygate
