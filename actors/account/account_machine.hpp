#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// An owner's account: who may log in, which address and names are its own, and the mails it owes (spec 8). Pure.
struct account_kind {
  using state = account;
  using message = account_message;
  static constexpr entity_kind kind = entity_kind::account;

  static constexpr std::chrono::hours verify_life{24}, change_life{24}, unverified_life{24 * 7};
  static constexpr std::chrono::minutes reset_life{60}, link_life{15};
  /// Mails that anybody can make us send: three a minute apart, from then on one each 20 minutes. A token lives for longer than that, so
  /// who asks for mails in somebody else's name cannot keep a good one from them.
  static constexpr std::int32_t mails_free = 3;
  static constexpr std::chrono::minutes mails_apart{1}, mails_apart_later{20};

  /// Decides one message. Nothing that is answered to people who are not logged in tells whether there is such an account.
  static verdict<account> apply(const account& state, bool exists, const account_message& message, const step_context& context);

  /// One question to a name, one mail at a time, in the order in which they came to be owed; a mail with a link first owes its token. An
  /// account that is not confirmed in time closes.
  static std::vector<effect> effects_due(const account& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const account& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const account& state);
};

/// "verify:3,welcome:4" and the like: the first entry, empty when there is none.
std::string_view first_owed(std::string_view list);

} // namespace paygate
