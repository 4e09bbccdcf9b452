#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

enum class login_name_status : std::uint8_t { free, reserved, taken };
template <>
struct enum_names<login_name_status> {
  static constexpr std::string_view type = "login_name_status";
  static constexpr std::string_view values[] = {"free", "reserved", "taken"};
};

/// A user name or an e-mail address that at most one account has: "name:<folded>" or "mail:<folded>". The snapshot. That it is an entity
/// makes two who want it at once wait for each other; no unique index, which would refuse a whole batch of strangers' steps.
struct login_name {
  login_name_status status = login_name_status::free;
  std::string account_id;
  std::optional<timestamp> until; ///< A reservation's end: whoever made it never came back.
  bool operator==(const login_name&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("account_id", self.account_id);
    f("until", self.until);
  }
};

/// Command: the name is to be that account's. Answers the name_view: whose it is now. A repeat changes nothing.
struct reserve_name {
  std::string account_id;
  bool operator==(const reserve_name&) const = default;
};
/// Command: the account that reserved it has it for good. Answers the name_view: another's when the reservation had lapsed and the name
/// went away.
struct confirm_name {
  std::string account_id;
  bool operator==(const confirm_name&) const = default;
};
/// Command: the account does not need it any more. `ok`, also when it is not that account's.
struct release_name {
  std::string account_id;
  bool operator==(const release_name&) const = default;
};
/// Command: answers the name_view.
struct find_name {};

using login_name_message = std::variant<effect_done, reserve_name, confirm_name, release_name, find_name>;

} // namespace paygate
