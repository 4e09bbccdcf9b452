#include "sandbox/mail_and_prices.hpp"

#include <algorithm>
#include <cctype>

#include "sandbox/chain_client.hpp"

namespace sandbox {
namespace {

reply mail_error(int status, const std::string& message, json field = {}) {
  return answer(status,
                json::object({{"errors", json::array({json::object({{"message", message}, {"field", field}, {"help", nullptr}})})}}));
}

/// Empty: the contents can be sent. Plain text stands before HTML.
std::string wrong_content(const json& mail) {
  if (mail["content"].size() == 0) return mail.has("template_id") ? "" : "The content parameter is required.";
  bool html = false;
  for (const auto& part : mail["content"].items()) {
    if (part["type"].text().empty()) return "The content type is required for each content.";
    if (part["value"].text().empty()) return "The content value must be a string at least one character in length.";
    if (part["type"].text() == "text/plain" && html)
      return "If present, text/plain and text/html may only be provided once, and text/plain must come first.";
    html = html || part["type"].text() == "text/html";
  }
  return "";
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == ',') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

} // namespace

reply mail_desk::handle(const request& from, const std::string& path) {
  if (path != "/v3/mail/send") return mail_error(404, "not found");
  if (from.method != "POST") return mail_error(405, "method not allowed");
  const auto bearer = from.header("authorization");
  if (!bearer.starts_with("Bearer ") || (!core_.set.sendgrid_key.empty() && bearer.substr(7) != core_.set.sendgrid_key))
    return mail_error(401, "The provided authorization grant is invalid, expired, or revoked");
  const auto body = json::parse(from.body);
  if (!body || !body->is_object()) return mail_error(400, "Bad Request");
  const auto& groups = (*body)["personalizations"];
  if (groups.size() == 0)
    return mail_error(400, "The personalizations field is required and must have at least one personalization.", "personalizations");
  std::vector<std::string> addresses;
  constexpr std::size_t recipients_max = 1000;
  for (const auto& group : groups.items()) {
    if (group["to"].size() == 0)
      return mail_error(
          400,
          "The to array is required for all personalization objects, and must have at least one email object with a valid email address.",
          "personalizations.0.to");
    for (const auto& to : group["to"].items()) {
      const auto address = to["email"].text();
      if (address.find('@') == std::string::npos)
        return mail_error(400, "Does not contain a valid address.", "personalizations.0.to.0.email");
      if (std::find(addresses.begin(), addresses.end(), address) != addresses.end())
        return mail_error(400, "Each email address in the personalization block should be unique between to, cc, and bcc.",
                          "personalizations");
      addresses.push_back(address);
    }
  }
  if ((*body)["from"]["email"].text().find('@') == std::string::npos)
    return mail_error(400, "The from object must be provided for every email send.", "from.email");
  if ((*body)["subject"].text().empty() && groups.items()[0]["subject"].text().empty())
    return mail_error(400, "The subject is required.", "subject");
  if (auto wrong = wrong_content(*body); !wrong.empty()) return mail_error(400, wrong, "content");
  if (addresses.size() > recipients_max)
    return mail_error(400, "The maximum number of recipients (to, cc and bcc) is 1000.", "personalizations");
  if ((*body)["mail_settings"]["sandbox_mode"]["enable"].is_true()) return {200, "", "text/plain"};
  const std::lock_guard lock(core_.mutex);
  json to = json::array();
  for (const auto& address : addresses) to.push(address);
  reply out{202, "", "text/plain"};
  out.headers.emplace_back("X-Message-Id", core_.random_hex(22));
  kept_.push_back(json::object({{"at", iso_time(core_.now())},
                                {"message_id", out.headers.back().second},
                                {"to", to},
                                {"from", (*body)["from"]["email"]},
                                {"subject", (*body)["subject"].text_or(groups.items()[0]["subject"].text())},
                                {"content", (*body)["content"]}}));
  core_.count("sendgrid.mails");
  return out;
}

json mail_desk::list(const std::string& to) {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  for (const auto& mail : kept_) {
    const auto& all = mail["to"].items();
    if (to.empty() || std::any_of(all.begin(), all.end(), [&](const json& address) { return address.text() == to; })) out.push(mail);
  }
  return out;
}

void mail_desk::reset() {
  const std::lock_guard lock(core_.mutex);
  kept_.clear();
}

reply price_desk::coingecko(const request& from, const std::string& path) {
  if (path == "/api/v3/ping") return answer(200, json::object({{"gecko_says", "(V3) To the Moon!"}}));
  if (path != "/api/v3/simple/price")
    return answer(404, json::object({{"error", "Incorrect path. Please check https://www.coingecko.com/api/"}}));
  if (from.parameter("vs_currencies").empty()) return answer(422, json::object({{"error", "Missing parameter vs_currencies"}}));
  const std::lock_guard lock(core_.mutex);
  json out = json::object();
  for (const auto& id : split(from.parameter("ids")))
    for (const auto& c : all_coins()) {
      if (c.gecko_id != id) continue;
      json entry = json::object();
      for (const auto& currency : split(from.parameter("vs_currencies"))) {
        const auto unit = core_.prices.usd(currency, "coingecko");
        const auto usd = core_.prices.usd(c.priced_as, "coingecko");
        if (unit > 0 && usd > 0) entry.set(currency, js(usd / unit));
      }
      if (from.parameter("include_last_updated_at") == "true") entry.set("last_updated_at", unix_seconds(core_.now()) - 10);
      out.set(id, entry);
    }
  return answer(200, out);
}

reply price_desk::cryptocompare(const request& from, const std::string& path) {
  const auto error = [](const std::string& why) {
    return answer(200, json::object({{"Response", "Error"},
                                     {"Message", why},
                                     {"HasWarning", false},
                                     {"Type", 2},
                                     {"RateLimit", json::object()},
                                     {"Data", json::object()}}));
  };
  if (path != "/data/price") return error("Path does not exist");
  const std::lock_guard lock(core_.mutex);
  const auto usd = core_.prices.usd(lowercase(from.parameter("fsym")), "cryptocompare");
  if (usd <= 0) return error("There is no data for the symbol " + from.parameter("fsym") + " .");
  json out = json::object();
  for (const auto& symbol : split(from.parameter("tsyms")))
    if (const auto unit = core_.prices.usd(lowercase(symbol), "cryptocompare"); unit > 0) out.set(symbol, js(usd / unit));
  if (out.size() == 0) return error("There is no data for any of the toSymbols " + from.parameter("tsyms") + " .");
  return answer(200, out);
}

reply price_desk::oneinch(const request& from, const std::string& path) {
  static const std::pair<const char*, const char*> known[] = {
      {"0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "eth"},  {"0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "eth"},
      {"0xdac17f958d2ee523a2206206994597c13d831ec7", "usdt"}, {"0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", "btc"},
      {"0x95ad61b0a150d79219dcf64e1e6cc01f0b64c4ce", "shib"}, {"0x6982508145454ce325ddbe47a25d4ec3d2311933", "pepe"}};
  const std::string base = "/price/v1.1/1/";
  if (!path.starts_with(base)) return answer(404, json::object({{"statusCode", 404}, {"error", "Not Found"}}));
  const std::lock_guard lock(core_.mutex);
  json out = json::object();
  for (const auto& address : split(path.substr(base.size()))) {
    std::string key = !core_.set.usdt_token.empty() && lowercase(core_.set.usdt_token) == lowercase(address) ? "usdt" : "";
    for (const auto& [contract, priced_as] : known)
      if (contract == lowercase(address)) key = priced_as;
    const auto usd = core_.prices.usd(key, "1inch");
    // Without a currency the price is in wei of ETH.
    const auto eth = core_.prices.usd("eth", "1inch");
    const bool in_usd = lowercase(from.parameter("currency")) == "usd";
    if (usd > 0) out.set(lowercase(address), in_usd ? plain(usd) : units_of(usd / eth, 18).str());
  }
  return answer(200, out);
}

reply price_desk::put(const json& wish) {
  const std::lock_guard lock(core_.mutex);
  for (const auto& [key, value] : wish.members()) {
    if (key == "source") continue;
    const auto usd = decimal_of(value);
    if (!usd || *usd < 0) return answer(400, json::object({{"error", "no price: " + key}}));
  }
  for (const auto& [key, value] : wish.members())
    if (key != "source") core_.prices.set(wish["source"].text(), key, *decimal_of(value));
  return answer(200, json::object({{"ok", true}}));
}

} // namespace sandbox
