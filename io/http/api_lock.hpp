#pragma once

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
    taken_ = answer && json_bool(*answer, "taken").value_or(false);
  }
  ~change_lock() {
    if (taken_) ask("api_unlock");
  }
  change_lock(const change_lock&) = delete;
  change_lock& operator=(const change_lock&) = delete;
  bool taken() const { return taken_; }

private:
  std::string ask(std::string_view what) {
    return call_.service.ports.query(what, owner_arguments(call_, name_) + "}", milliseconds(2'000));
  }
  const api_call& call_;
  std::string name_;
  bool taken_ = false;
};

/// Whether the request's If-Match names this ETag.
inline bool if_match_holds(const api_call& call, const std::string& etag) {
  const auto wanted = call.header("If-Match");
  return wanted == "*" || wanted == etag;
}

} // namespace paygate
