#pragma once

#include <cstdint>
#include <string>

namespace paygate {

/// Who calls the API, by an access token that was good.
struct identity {
  std::string account_id;
  bool email_verified = false;
  std::int64_t login_epoch = 0; ///< The account's at log-in; what is done to the account itself wants it to be the present one.
  std::string session_id;
  bool operator==(const identity&) const = default;
};

} // namespace paygate
