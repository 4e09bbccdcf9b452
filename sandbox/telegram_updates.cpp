#include <algorithm>

#include "sandbox/telegram.hpp"

namespace sandbox {

namespace {
constexpr auto poll_timeout_max = 50; // Seconds; the real server clamps to it.
}

void telegram::push(const std::string& kind, json body) {
  const bool by_default = kind != "chat_member";
  if (allowed_.empty() ? !by_default : !allowed_.contains(kind)) return;
  const auto id = next_update_++;
  updates_.push_back({id, json::object({{"update_id", id}, {kind, std::move(body)}})});
  core_.changed.notify_all();
}

telegram::outcome telegram::get_updates(const json& asked, lock_type& lock) {
  if (!webhook_url_.empty())
    return failure{409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"};
  if (asked["allowed_updates"].is_array()) {
    allowed_.clear();
    for (const auto& kind : asked["allowed_updates"].items()) allowed_.insert(kind.text());
  }
  const auto offset = asked["offset"].integer().value_or(0);
  const auto limit = std::clamp<std::int64_t>(asked["limit"].integer().value_or(100), 1, 100);
  const auto timeout = std::clamp<std::int64_t>(asked["timeout"].integer().value_or(0), 0, poll_timeout_max);
  if (offset > 0) {
    while (!updates_.empty() && updates_.front().id < offset) {
      last_confirmed_ = std::move(updates_.front());
      updates_.pop_front();
    }
  } else if (offset < 0) {
    while (static_cast<std::int64_t>(updates_.size()) > -offset) updates_.pop_front();
  }
  // The newer of two polls wins; the older one is told so.
  const auto mine = ++poll_;
  core_.changed.notify_all();
  core_.changed.wait_for(lock, std::chrono::seconds(timeout),
                         [&] { return core_.stopping || poll_ != mine || !updates_.empty() || !webhook_url_.empty(); });
  if (poll_ != mine)
    return failure{409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"};
  if (!webhook_url_.empty()) return failure{409, "Conflict: terminated by setWebhook request"};
  json out = json::array();
  const bool again = last_confirmed_ && core_.faults.draw("telegram", "update", fault_mode::duplicate).mode == fault_mode::duplicate;
  if (again) out.push(last_confirmed_->body);
  for (const auto& entry : updates_) {
    if (static_cast<std::int64_t>(out.size()) >= limit) break;
    out.push(entry.body);
  }
  return out;
}

telegram::outcome telegram::set_webhook(const json& asked) {
  const auto url = asked["url"].text();
  // http is allowed here as well: everything runs on one machine.
  if (!url.empty() && !url.starts_with("https://") && !url.starts_with("http://"))
    return failure{400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook"};
  const auto moment = std::chrono::steady_clock::now();
  if (webhook_set_ && moment - *webhook_set_ < std::chrono::seconds(1))
    return failure{429, "Too Many Requests: retry after 1", json::object({{"retry_after", 1}})};
  const auto secret = asked["secret_token"].text();
  const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  if (secret.size() > 256 || !std::all_of(secret.begin(), secret.end(), allowed))
    return failure{400, "Bad Request: secret token contains unallowed characters"};
  if (asked["allowed_updates"].is_array()) {
    allowed_.clear();
    for (const auto& kind : asked["allowed_updates"].items()) allowed_.insert(kind.text());
  }
  if (asked["drop_pending_updates"].text() == "true") updates_.clear();
  webhook_url_ = url;
  webhook_secret_ = secret;
  webhook_set_ = moment;
  webhook_error_.clear();
  core_.changed.notify_all();
  return json(true);
}

json telegram::webhook_info() const {
  json allowed = json::array();
  for (const auto& kind : allowed_) allowed.push(kind);
  json out = json::object({{"url", webhook_url_}, {"has_custom_certificate", false}, {"pending_update_count", updates_.size()}});
  if (!webhook_error_.empty()) out.set("last_error_date", unix_seconds(webhook_error_at_)).set("last_error_message", webhook_error_);
  if (!webhook_url_.empty()) out.set("max_connections", 40);
  return allowed_.empty() ? out : out.set("allowed_updates", allowed);
}

void telegram::deliver_webhook() {
  constexpr int pause_max_s = 60;
  int pause_s = 0;
  std::string last_url;
  lock_type lock(core_.mutex);
  while (!core_.stopping) {
    core_.changed.wait(lock, [&] { return core_.stopping || (!webhook_url_.empty() && !updates_.empty()); });
    if (core_.stopping) return;
    const auto next = updates_.front();
    const auto url = webhook_url_;
    const auto secret = webhook_secret_;
    if (url != last_url) pause_s = 0;
    last_url = url;
    lock.unlock();
    std::vector<std::pair<std::string, std::string>> headers;
    if (!secret.empty()) headers.emplace_back("X-Telegram-Bot-Api-Secret-Token", secret);
    const bool twice = core_.faults.draw("telegram", "update", fault_mode::duplicate).mode == fault_mode::duplicate;
    auto got = http_post(url, headers, next.body.dump(), 20'000);
    if (twice) got = http_post(url, headers, next.body.dump(), 20'000);
    core_.count(got.ok() ? "webhook.accepted" : "webhook.refused");
    lock.lock();
    if (got.ok()) {
      pause_s = 0;
      if (!updates_.empty() && updates_.front().id == next.id) updates_.pop_front();
      continue;
    }
    if (webhook_url_ == url) {
      webhook_error_ = got.status == 0 ? got.body : "Wrong response from the webhook: " + std::to_string(got.status);
      webhook_error_at_ = core_.now();
    }
    // The first repeat comes at once, then after 2, 4, 8 ... seconds.
    if (pause_s > 0) core_.changed.wait_for(lock, std::chrono::seconds(pause_s), [&] { return core_.stopping || webhook_url_ != url; });
    pause_s = std::min(pause_max_s, pause_s == 0 ? 2 : pause_s * 2);
  }
}

} // namespace sandbox
