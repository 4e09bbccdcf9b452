#pragma once

#include <optional>

#include "io/codec/json.hpp"
#include "io/http/api.hpp"
#include "io/http/service.hpp"

namespace paygate {

/// One change of a thing at a time: an ETag that was good when it was compared still is when the change is made. Lets go however the
/// change ends. `name`: a channel's id, "account/<id>".
class change_lock {
public:
  change_lock(const api_call& call, std::string name) : call_(call), name_(std::move(name)) {
    const auto answer = parse_json(ask("api_lock"));
    taken_ = answer ? json_bool(*answer, "taken") : std::nullopt;
  }
  ~change_lock() {
    if (taken_.value_or(false)) ask("api_unlock");
  }
  change_lock(const change_lock&) = delete;
  change_lock& operator=(const change_lock&) = delete;
  /// Why there may be no change now: another one is under way, or nobody knows.
  std::optional<api_answer> refusal(const std::string& what) const {
    if (!taken_) return api_busy();
    return *taken_ ? std::nullopt : std::optional(api_problem(409, "The " + what + " is being changed by another request."));
  }

private:
  std::string ask(std::string_view what) {
    return call_.service.ports.query(what, owner_arguments(call_, name_) + "}", milliseconds(2'000));
  }
  const api_call& call_;
  std::string name_;
  std::optional<bool> taken_; ///< Nothing: the database did not answer.
};

/// Whether the request's If-Match names this ETag.
inline bool if_match_holds(const api_call& call, const std::string& etag) {
  const auto wanted = call.header("If-Match");
  return wanted == "*" || wanted == etag;
}

} // namespace paygate
