#include "sandbox/control.hpp"

namespace sandbox {
namespace {

reply wrong(int status, const std::string& why) { return answer(status, json::object({{"error", why}})); }

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> out;
  std::string part;
  for (const char c : path + "/") {
    if (c != '/') {
      part += c;
    } else if (!part.empty()) {
      out.push_back(std::move(part));
      part.clear();
    }
  }
  return out;
}

} // namespace

reply control_desk::handle(const request& from) {
  auto way = segments(from.path);
  way.erase(way.begin()); // "control"
  if (way.empty()) return wrong(404, "no such control");
  if (from.method == "GET") return get(from, way);
  const auto body = from.body.empty() ? std::optional(json::object()) : json::parse(from.body);
  if (!body || !body->is_object()) return wrong(400, "the body is no JSON object");
  return post(*body, way);
}

reply control_desk::get(const request& from, const std::vector<std::string>& way) {
  const auto number = [&](const char* name, std::int64_t standard) { return json(from.parameter(name)).integer().value_or(standard); };
  const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(1, number("limit", 100)));
  if (way[0] == "state") return state();
  if (way[0] == "invoices") return answer(200, payments_.list_invoices());
  if (way[0] == "payments") return answer(200, payments_.list_payments());
  if (way[0] == "ipns") return answer(200, payments_.ipns(limit));
  if (way[0] == "swaps") return answer(200, swaps_.list_swaps());
  if (way[0] == "mails") return answer(200, mails_.list(from.parameter("to")));
  if (way[0] == "faults") return answer(200, core_.faults.list());
  if (way[0] == "log") return answer(200, core_.log(limit, from.parameter("provider"), from.parameter("path")));
  if (way[0] == "deliveries") return chats_.deliveries(from.parameter("text"));
  const auto id = way.size() == 3 ? json(way[1]).integer() : std::nullopt;
  if (!id) return wrong(404, "no such control");
  if (way[0] == "users" && way[2] == "messages") return chats_.person_sees(*id, number("after", 0));
  if (way[0] == "users" && way[2] == "answers") return chats_.callback_answers(*id);
  if (way[0] == "chats" && way[2] == "messages") return chats_.chat_shows(*id, number("after", 0), number("all", 0) != 0);
  if (way[0] == "chats" && way[2] == "members") return chats_.chat_members(*id, from.parameter("status"));
  return wrong(404, "no such control");
}

reply control_desk::post(const json& body, const std::vector<std::string>& way) {
  if (way[0] == "faults") return put_fault(body);
  if (way[0] == "clock") return advance_clock(body);
  if (way[0] == "prices") return prices_.put(body);
  if (way[0] == "reset") return reset();
  if (way[0] == "ipn") return payments_.send_any_ipn(body);
  if (way[0] == "limits") return chats_.put_limits(body);
  if (way[0] == "chats" && way.size() == 1) return chats_.put_chat(body);
  if (way[0] == "chats" && way.size() == 2 && way[1] == "bulk") return chats_.put_chats(body);
  if (way[0] == "users" && way.size() == 2 && way[1] == "bulk") return chats_.put_users(body);
  if (way[0] == "chats" && way.size() == 3 && way[2] == "links")
    if (const auto id = json(way[1]).integer()) return chats_.put_link(*id, body);
  if (way[0] == "chats" && way.size() == 3 && way[2] == "rights")
    if (const auto id = json(way[1]).integer()) return chats_.put_rights(*id, body);
  if (way[0] == "swaps" && way.size() == 2) return swaps_.force(way[1], body);
  if ((way[0] == "invoices" || way[0] == "payments") && way.size() == 3 && way[2] == "pay")
    if (const auto id = json(way[1]).integer()) return payments_.pay(*id, body);
  if ((way[0] == "invoices" || way[0] == "payments") && way.size() == 3 && way[2] == "alter")
    if (const auto id = json(way[1]).integer()) return payments_.alter(*id, body);
  if (way[0] == "users" && way.size() == 3) return post_user(body, way);
  return wrong(404, "no such control");
}

reply control_desk::post_user(const json& body, const std::vector<std::string>& way) {
  const auto id = json(way[1]).integer();
  if (!id || *id <= 0) return wrong(400, "a user's id is a positive number");
  if (way[2] == "send") return chats_.person_sends(*id, body);
  if (way[2] == "press") return chats_.person_presses(*id, body);
  if (way[2] == "open") return chats_.person_opens(*id, body);
  if (way[2] == "join" || way[2] == "request_join") return chats_.person_joins(*id, body);
  if (way[2] == "leave") return chats_.person_leaves(*id, body);
  if (way[2] == "block") return chats_.person_blocks(*id, true);
  if (way[2] == "unblock") return chats_.person_blocks(*id, false);
  return wrong(404, "a user does not know how to " + way[2]);
}

reply control_desk::put_fault(const json& body) {
  fault_rule rule;
  rule.provider = body["provider"].text_or("all");
  const auto mode = parse_fault_mode(body["mode"].text_or("none"));
  if (!mode) return wrong(400, "no such mode: " + body["mode"].text());
  rule.mode = *mode;
  rule.path = body["path"].text();
  const auto rate = body["rate"].is_null() ? std::optional(decimal(1)) : decimal_of(body["rate"]);
  if (!rate || *rate < 0 || *rate > 1) return wrong(400, "rate must be from 0 to 1");
  rule.rate_ppm = units_of(*rate, 6).convert_to<std::uint64_t>();
  rule.seed = static_cast<std::uint64_t>(body["seed"].integer().value_or(1));
  rule.status = static_cast<int>(body["status"].integer().value_or(500));
  rule.left = body["count"].integer().value_or(-1);
  rule.hold_ms = static_cast<int>(body["ms"].integer().value_or(*mode == fault_mode::slow ? 2'000 : 20'000));
  if (rule.provider == "all" && rule.mode == fault_mode::none && rule.path.empty()) {
    core_.faults.clear();
  } else {
    core_.faults.put(std::move(rule));
  }
  return answer(200, json::object({{"ok", true}, {"faults", core_.faults.list()}}));
}

reply control_desk::advance_clock(const json& body) {
  const auto by = parse_span(body["advance"].text());
  if (!by) return wrong(400, "advance must be a span such as 72h, 90m, 10s or 1d12h");
  const auto daemon = body["daemon_url"].text_or(core_.set.daemon_url);
  if (!daemon.empty()) {
    const auto got = http_post(daemon + "/internal/sandbox/clock", {}, json::object({{"advance_ms", by->count()}}).dump(), 10'000);
    if (!got.ok()) return answer(got.status == 0 ? 502 : got.status, json::object({{"error", "the daemon refused"}, {"daemon", got.body}}));
  }
  core_.shift(*by);
  return answer(200,
                json::object({{"ok", true}, {"now", iso_time(core_.now())}, {"shift_ms", core_.shift_ms()}, {"daemon", !daemon.empty()}}));
}

reply control_desk::state() {
  return answer(200, json::object({{"now", iso_time(core_.now())},
                                   {"shift_ms", core_.shift_ms()},
                                   {"nowpayments", payments_.summary()},
                                   {"changenow", swaps_.summary()},
                                   {"telegram", chats_.summary()},
                                   {"faults", core_.faults.list()},
                                   {"counters", core_.counters()}}));
}

reply control_desk::reset() {
  core_.faults.clear();
  payments_.reset();
  swaps_.reset();
  chats_.reset();
  mails_.reset();
  core_.clear_log();
  const std::lock_guard lock(core_.mutex);
  core_.prices = price_table();
  return answer(200, json::object({{"ok", true}}));
}

} // namespace sandbox
