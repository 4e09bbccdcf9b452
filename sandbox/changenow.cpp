#include "sandbox/changenow.hpp"

namespace sandbox {

reply cn_error(int status, const std::string& code, const std::string& message) {
  return answer(status, json::object({{"error", code}, {"message", message}}));
}

std::optional<reply> changenow::bad_key(const request& from, const std::string& path) const {
  const auto key = from.header("x-changenow-api-key");
  const bool is_private = !core_.set.changenow_private_key.empty() && key == core_.set.changenow_private_key;
  if (path == "/v2/exchanges")
    return is_private ? std::nullopt : std::optional(cn_error(403, "invalid_api_key", "Use private key for this endpoint"));
  if (key.empty()) return answer(401, json::object({{"message", "Unauthorized"}}));
  if (!core_.set.changenow_key.empty() && key != core_.set.changenow_key && !is_private)
    return cn_error(403, "invalid_api_key", "Invalid api key");
  return std::nullopt;
}

json changenow::parameters_of(const request& from) {
  json out = json::object();
  for (const auto& [name, value] : from.query) out.set(name, value);
  return out;
}

reply changenow::handle(const request& from, const std::string& path) {
  if (auto refused = bad_key(from, path)) return *refused;
  if (from.method == "POST") {
    const auto body = json::parse(from.body);
    if (!body || !body->is_object()) return cn_error(400, "bad_params", "The body is not JSON");
    if (path == "/v2/exchange") return create(*body);
    return cn_error(404, "not_found", "Not found");
  }
  if (from.method != "GET") return cn_error(404, "not_found", "Not found");
  const json asked = parameters_of(from);
  if (path == "/v2/exchange/currencies") return currencies();
  if (path == "/v2/exchange/available-pairs") return pairs();
  if (path == "/v2/exchange/min-amount") return range(asked, false);
  if (path == "/v2/exchange/range") return range(asked, true);
  if (path == "/v2/exchange/estimated-amount") return estimate(asked);
  if (path == "/v2/exchange/by-id") return read(from.parameter("id"));
  if (path == "/v2/validate/address") return validate(asked);
  if (path == "/v2/exchanges") return list(from);
  return cn_error(404, "not_found", "Not found");
}

std::variant<changenow::pair, reply> changenow::pair_of(const json& asked) const {
  const coin* from = find_coin(asked["fromCurrency"].text(), asked["fromNetwork"].text());
  const coin* to = find_coin(asked["toCurrency"].text(), asked["toNetwork"].text());
  if (from == nullptr || to == nullptr || from == to)
    return cn_error(400, "pair_is_inactive",
                    "Pair " + asked["fromCurrency"].text() + "-" + asked["toCurrency"].text() + " is temporarily unavailable");
  return pair{from, to, asked["flow"].text() == "fixed-rate", asked["type"].text() == "reverse"};
}

/// Worth 2 USD.
decimal changenow::minimum(const coin& from) const { return raise(decimal(2) / core_.prices.usd(from.priced_as), from.places); }

decimal changenow::market_rate(const pair& which) const {
  // A spread of 0.5 %.
  return core_.prices.usd(which.from->priced_as) / core_.prices.usd(which.to->priced_as) * decimal("0.995");
}

std::variant<changenow::quote, reply> changenow::quote_of(const pair& which, const json& asked) const {
  const decimal from_usd = core_.prices.usd(which.from->priced_as);
  const decimal to_usd = core_.prices.usd(which.to->priced_as);
  if (from_usd <= 0 || to_usd <= 0) return cn_error(400, "pair_is_inactive", "Pair is temporarily unavailable");
  quote out;
  // Network fees: 0.05 USD for taking the deposit, 0.30 USD for the payout.
  out.deposit_fee = cut(decimal("0.05") / from_usd, which.from->places);
  out.withdrawal_fee = cut(decimal("0.3") / to_usd, which.to->places);
  const decimal rate = market_rate(which);
  const auto given = decimal_of(asked[which.reverse ? "toAmount" : "fromAmount"]);
  if (!given || *given <= 0)
    return cn_error(400, "bad_params", std::string(which.reverse ? "toAmount" : "fromAmount") + " must be greater than 0");
  if (which.reverse) {
    out.to_amount = cut(*given, which.to->places);
    out.from_amount = raise((out.to_amount + out.withdrawal_fee) / rate + out.deposit_fee, which.from->places);
  } else {
    out.from_amount = cut(*given, which.from->places);
    out.to_amount = cut((out.from_amount - out.deposit_fee) * rate - out.withdrawal_fee, which.to->places);
  }
  const decimal least = minimum(*which.from);
  if (out.from_amount < least)
    return cn_error(400, "out_of_range", "Amount is less then minimal: " + js_number(least) + " " + which.from->ticker);
  if (out.to_amount <= 0) return cn_error(400, "deposit_too_small", "Out of min amount");
  return out;
}

reply changenow::range(const json& asked, bool with_maximum) {
  const std::lock_guard lock(core_.mutex);
  auto found = pair_of(asked);
  if (auto* refused = std::get_if<reply>(&found)) return *refused;
  const auto& which = std::get<pair>(found);
  json out = json::object({{"fromCurrency", which.from->ticker},
                           {"fromNetwork", which.from->network},
                           {"toCurrency", which.to->ticker},
                           {"toNetwork", which.to->network},
                           {"flow", which.fixed ? "fixed-rate" : "standard"},
                           {"minAmount", js(minimum(*which.from))}});
  if (with_maximum)
    out.set("maxAmount", which.fixed ? js(cut(decimal(250'000) / core_.prices.usd(which.from->priced_as), which.from->places)) : json());
  return answer(200, out);
}

reply changenow::estimate(const json& asked) {
  const std::lock_guard lock(core_.mutex);
  auto found = pair_of(asked);
  if (auto* refused = std::get_if<reply>(&found)) return *refused;
  const auto& which = std::get<pair>(found);
  auto made = quote_of(which, asked);
  if (auto* refused = std::get_if<reply>(&made)) return *refused;
  const auto& numbers = std::get<quote>(made);
  json rate_id;
  json valid_until;
  if (which.fixed) {
    const auto until = core_.now() + std::chrono::seconds(core_.set.rate_validity_s);
    valid_until = iso_time(until);
    if (asked["useRateId"].text() == "true") {
      rate_id = core_.random_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 32);
      rates_[rate_id.text()] = {which.from, which.to, numbers.from_amount, numbers.to_amount, until};
    }
  }
  return answer(200, json::object({{"fromCurrency", which.from->ticker},
                                   {"fromNetwork", which.from->network},
                                   {"toCurrency", which.to->ticker},
                                   {"toNetwork", which.to->network},
                                   {"flow", which.fixed ? "fixed-rate" : "standard"},
                                   {"type", which.reverse ? "reverse" : "direct"},
                                   {"rateId", rate_id},
                                   {"validUntil", valid_until},
                                   {"transactionSpeedForecast", "10-60"},
                                   {"warningMessage", nullptr},
                                   {"depositFee", js(numbers.deposit_fee)},
                                   {"withdrawalFee", js(numbers.withdrawal_fee)},
                                   {"userId", nullptr},
                                   {"fromAmount", js(numbers.from_amount)},
                                   {"toAmount", js(numbers.to_amount)}}));
}

reply changenow::currencies() {
  json out = json::array();
  for (const auto& c : all_coins())
    out.push(
        json::object({{"ticker", c.ticker},
                      {"name", c.name},
                      {"image", "https://content-api.changenow.io/uploads/" + c.paid_as + ".svg"},
                      {"hasExternalId", c.has_extra_id},
                      {"isExtraIdSupported", c.has_extra_id},
                      {"isFiat", false},
                      {"featured", c.ticker == "btc" || c.ticker == "eth"},
                      {"isStable", c.priced_as == "usdt" || c.priced_as == "usdc"},
                      {"supportsFixedRate", true},
                      {"network", c.network},
                      {"tokenContract", c.form == chain_form::token && !core_.set.usdt_token.empty() ? json(core_.set.usdt_token) : json()},
                      {"buy", true},
                      {"sell", true},
                      {"legacyTicker", c.paid_as}}));
  return answer(200, out);
}

reply changenow::pairs() {
  json out = json::array();
  for (const auto& from : all_coins())
    for (const auto& to : all_coins())
      if (&from != &to)
        out.push(json::object({{"fromCurrency", from.ticker},
                               {"fromNetwork", from.network},
                               {"toCurrency", to.ticker},
                               {"toNetwork", to.network},
                               {"flow", json::object({{"standard", true}, {"fixed-rate", true}})}}));
  return answer(200, out);
}

reply changenow::validate(const json& asked) {
  const coin* which = find_network(asked["currency"].text());
  if (which == nullptr) return cn_error(400, "not_valid_params", "Unknown currency");
  const bool good = address_fits(*which, asked["address"].text());
  return answer(200, json::object({{"result", good}, {"message", good ? json() : json("Invalid address")}}));
}

} // namespace sandbox
