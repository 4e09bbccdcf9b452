#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

enum class session_status : std::uint8_t {
  open,
  closed,  ///< Logged out, here or everywhere.
  revoked, ///< A refresh token was used twice: one of the two who had it is a thief.
  expired
};
template <>
struct enum_names<session_status> {
  static constexpr std::string_view type = "session_status";
  static constexpr std::string_view values[] = {"open", "closed", "revoked", "expired"};
};

/// The family of refresh tokens that one log-in began: the snapshot. Only the newest is good; an older one ends the family.
struct session {
  session_status status = session_status::open;
  std::string account_id;
  std::int64_t login_epoch = 0; ///< The account's when it was opened.
  std::int64_t generation = 0;  ///< Of the newest token.
  std::string token;            ///< Its SHA-256 in hex.
  timestamp opened_at{}, expires_at{};
  bool operator==(const session&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("account_id", self.account_id);
    f("login_epoch", self.login_epoch);
    f("generation", self.generation);
    f("token", self.token);
    f("opened_at", self.opened_at);
    f("expires_at", self.expires_at);
  }
};

/// Command: begins it with a first token. Answers the session_view.
struct open_session {
  std::string account_id;
  std::int64_t login_epoch = 0;
  std::string token;
  bool operator==(const open_session&) const = default;
};
/// Command: a token of that generation was shown, the next one takes its place. Answers the session_view, or `invalid`: the session is
/// over, and if the token was an older one it ended just now. `login_epoch` is the account's present one.
struct rotate_session {
  std::int64_t generation = 0;
  std::string token, next_token;
  std::int64_t login_epoch = 0;
  bool operator==(const rotate_session&) const = default;
};
/// Command: logs out. `ok`, also when there is no such session.
struct close_session {};
/// Command, of the session itself: its time is over.
struct expire_session {};

using session_message = std::variant<effect_done, open_session, rotate_session, close_session, expire_session>;

} // namespace paygate
