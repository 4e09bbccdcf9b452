#include <algorithm>

#include "sandbox/changenow.hpp"

namespace sandbox {
namespace {

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }
json amount_or_null(const std::optional<decimal>& amount) { return amount ? js(*amount) : json(); }
json time_or_null(const std::optional<time_point>& at) { return at ? json(iso_time(*at)) : json(); }

} // namespace

reply changenow::create(const json& body) {
  const std::lock_guard lock(core_.mutex);
  auto found = pair_of(body);
  if (auto* refused = std::get_if<reply>(&found)) return *refused;
  const auto& which = std::get<pair>(found);
  auto made = quote_of(which, body);
  if (auto* refused = std::get_if<reply>(&made)) return *refused;
  auto numbers = std::get<quote>(made);
  if (!address_fits(*which.to, body["address"].text())) return cn_error(400, "not_valid_address", "Recipient address is not valid");
  if (const auto refund = body["refundAddress"].text(); !refund.empty() && !address_fits(*which.from, refund))
    return cn_error(400, "not_valid_refund_address", "Refund address is not valid");
  const auto rate_id = body["rateId"].text();
  if (which.fixed && rate_id.empty()) return cn_error(400, "not_valid_params", "rateId is required for the fixed-rate flow");
  if (which.fixed) {
    const auto rate = rates_.find(rate_id);
    if (rate == rates_.end() || rate->second.from != which.from || rate->second.to != which.to || rate->second.valid_until < core_.now())
      return cn_error(400, "not_valid_params", "Rate id is not valid or has expired");
    const bool same = which.reverse ? rate->second.to_amount == numbers.to_amount : rate->second.from_amount == numbers.from_amount;
    if (!same) return cn_error(400, "not_valid_params", "The amount differs from the one of the rate id");
    numbers.from_amount = rate->second.from_amount;
    numbers.to_amount = rate->second.to_amount;
  }
  cn_swap swap;
  swap.id = core_.random_hex(14);
  swap.flow = which.fixed ? "fixed-rate" : "standard";
  swap.type = which.reverse ? "reverse" : "direct";
  swap.from = which.from;
  swap.to = which.to;
  swap.expected_from = numbers.from_amount;
  swap.expected_to = numbers.to_amount;
  // Nobody's key: what is sent there stays there.
  swap.payin_address =
      which.from->address_form.starts_with("0x") ? "0x" + core_.random_hex(40) : core_.random_of("abcdefghkmnpqrstuvwxyz23456789", 34);
  swap.payout_address = body["address"].text();
  swap.extra_id = body["extraId"].text();
  swap.refund_address = body["refundAddress"].text();
  swap.refund_extra_id = body["refundExtraId"].text();
  swap.user_id = body["userId"].text();
  swap.created = swap.updated = core_.now();
  swap.valid_until = swap.created + std::chrono::seconds(core_.set.swap_validity_s);
  swap.stage = std::chrono::steady_clock::now();
  addresses_[swap.payin_address] = swap.id;
  core_.count("changenow.swaps");
  const json out = json::object({{"id", swap.id},
                                 {"fromAmount", js(swap.expected_from)},
                                 {"toAmount", js(swap.expected_to)},
                                 {"flow", swap.flow},
                                 {"type", swap.type},
                                 {"payinAddress", swap.payin_address},
                                 {"payoutAddress", swap.payout_address},
                                 {"payinExtraId", nullptr},
                                 {"payoutExtraId", text_or_null(swap.extra_id)},
                                 {"refundAddress", swap.refund_address},
                                 {"refundExtraId", swap.refund_extra_id},
                                 {"fromCurrency", swap.from->ticker},
                                 {"toCurrency", swap.to->ticker},
                                 {"fromNetwork", swap.from->network},
                                 {"toNetwork", swap.to->network}});
  swaps_.emplace(swap.id, std::move(swap));
  return answer(200, out);
}

json changenow::swap_json(const cn_swap& of) const {
  return json::object({{"id", of.id},
                       {"status", of.status},
                       {"actionsAvailable", of.status == "failed" || of.status == "expired"},
                       {"fromCurrency", of.from->ticker},
                       {"fromNetwork", of.from->network},
                       {"toCurrency", of.to->ticker},
                       {"toNetwork", of.to->network},
                       {"expectedAmountFrom", js(of.expected_from)},
                       {"expectedAmountTo", js(of.expected_to)},
                       {"amountFrom", amount_or_null(of.amount_from)},
                       {"amountTo", amount_or_null(of.amount_to)},
                       {"payinAddress", of.payin_address},
                       {"payoutAddress", of.payout_address},
                       {"payinExtraId", nullptr},
                       {"payoutExtraId", text_or_null(of.extra_id)},
                       {"refundAddress", text_or_null(of.refund_address)},
                       {"refundExtraId", text_or_null(of.refund_extra_id)},
                       {"createdAt", iso_time(of.created)},
                       {"updatedAt", iso_time(of.updated)},
                       {"depositReceivedAt", time_or_null(of.deposit_received)},
                       {"payinHash", text_or_null(of.payin_hash)},
                       {"payoutHash", text_or_null(of.payout_hash)},
                       {"refundHash", text_or_null(of.refund_hash)},
                       {"refundAmount", amount_or_null(of.refund_amount)},
                       {"userId", text_or_null(of.user_id)},
                       {"validUntil", iso_time(of.valid_until)},
                       {"fromLegacyTicker", of.from->paid_as},
                       {"toLegacyTicker", of.to->paid_as},
                       {"relatedExchangesInfo", json::array()},
                       {"repeatedExchangesInfo", json::array()},
                       {"orginalExchangeInfo", nullptr}});
}

reply changenow::read(const std::string& id) {
  const std::lock_guard lock(core_.mutex);
  const auto found = swaps_.find(id);
  if (found == swaps_.end()) return cn_error(400, "not_valid_params", "Not valid ID");
  return answer(200, swap_json(found->second));
}

reply changenow::list(const request& from) {
  const std::lock_guard lock(core_.mutex);
  const auto limit = json(from.parameter("limit")).integer().value_or(100);
  const auto offset = json(from.parameter("offset")).integer().value_or(0);
  if (limit <= 0 || offset < 0) return cn_error(400, "bad_params", "limit must be greater than 0");
  const auto address = from.parameter("payoutAddress");
  const auto user = from.parameter("userId");
  const auto wanted = from.parameter("requestId");
  std::vector<const cn_swap*> fitting;
  for (const auto& [id, swap] : swaps_)
    if ((address.empty() || swap.payout_address == address) && (user.empty() || swap.user_id == user) && (wanted.empty() || id == wanted)
        && (from.parameter("dateFrom").empty() || iso_time(swap.created) >= from.parameter("dateFrom"))
        && (from.parameter("dateTo").empty() || iso_time(swap.created) <= from.parameter("dateTo")))
      fitting.push_back(&swap);
  const bool upwards = from.parameter("sortDirection") == "ASC";
  std::sort(fitting.begin(), fitting.end(),
            [&](const cn_swap* a, const cn_swap* b) { return upwards ? a->created < b->created : b->created < a->created; });
  json rows = json::array();
  for (auto i = static_cast<std::size_t>(offset); i < fitting.size() && rows.size() < static_cast<std::size_t>(limit); ++i) {
    const auto& swap = *fitting[i];
    const auto side = [&](const coin* what, const std::string& where, const std::optional<decimal>& amount, const decimal& expected,
                          const std::string& hash) {
      return json::object({{"currency", what->paid_as},
                           {"address", where},
                           {"extraId", nullptr},
                           {"amount", amount_or_null(amount)},
                           {"expectedAmount", js(expected)},
                           {"hash", text_or_null(hash)}});
    };
    rows.push(json::object({{"createdAt", iso_time(swap.created)},
                            {"updatedAt", iso_time(swap.updated)},
                            {"exchangeId", "x" + swap.id},
                            {"requestId", swap.id},
                            {"status", swap.status},
                            {"validUntil", iso_time(swap.valid_until)},
                            {"flow", swap.flow},
                            {"payin", side(swap.from, swap.payin_address, swap.amount_from, swap.expected_from, swap.payin_hash)},
                            {"payout", side(swap.to, swap.payout_address, swap.amount_to, swap.expected_to, swap.payout_hash)},
                            {"refund", json::object({{"currency", swap.from->paid_as},
                                                     {"address", text_or_null(swap.refund_address)},
                                                     {"extra_id", nullptr},
                                                     {"hash", text_or_null(swap.refund_hash)}})},
                            {"partnerInfo", json::object({{"userId", text_or_null(swap.user_id)}, {"payload", nullptr}})}}));
  }
  return answer(200, json::object({{"count", fitting.size()}, {"exchanges", rows}}));
}

json changenow::list_swaps() {
  const std::lock_guard lock(core_.mutex);
  std::vector<const cn_swap*> by_time;
  for (const auto& [id, swap] : swaps_) by_time.push_back(&swap);
  std::sort(by_time.begin(), by_time.end(), [](const cn_swap* a, const cn_swap* b) { return a->created < b->created; });
  json out = json::array();
  for (const auto* swap : by_time) {
    json entry = swap_json(*swap);
    json deposits = json::array();
    for (const auto& deposit : swap->deposits)
      deposits.push(json::object(
          {{"hash", deposit.sent.hash}, {"from", deposit.sent.from}, {"amount", plain(deposit.amount)}, {"block", deposit.sent.block}}));
    entry.set("flow", swap->flow).set("type", swap->type).set("note", text_or_null(swap->note));
    out.push(entry.set("deposit_count", swap->deposits.size()).set("deposits", deposits));
  }
  return out;
}

reply changenow::force(const std::string& id, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  if (id == "next") {
    const auto fate = wish["status"].text();
    for (const char* known : {"failed", "refunded", "verifying", "expired"})
      if (fate == known) {
        fates_.push_back(fate);
        return answer(200, json::object({{"next", fates_.size()}}));
      }
    return answer(400, json::object({{"error", "no such end: " + fate}}));
  }
  const auto found = swaps_.find(id);
  if (found == swaps_.end()) return answer(404, json::object({{"error", "no such swap"}}));
  const auto status = wish["status"].text();
  for (const char* known : {"new", "waiting", "confirming", "exchanging", "sending", "failed", "refunded", "verifying", "expired"})
    if (status == known) {
      cn_swap& swap = found->second;
      if (status == "refunded" && swap.deposits.empty()) return answer(409, json::object({{"error", "nothing was deposited"}}));
      // The transfer of the refund comes first; the watcher then says refunded.
      if (status == "refunded") swap.note = "refund asked for by /control";
      move(swap, status == "refunded" ? "failed" : status);
      return answer(200, swap_json(swap));
    }
  return answer(400, json::object({{"error", "no such status: " + status}}));
}

json changenow::summary() {
  const std::lock_guard lock(core_.mutex);
  json by_status = json::object();
  std::size_t doubled = 0;
  for (const auto& [id, swap] : swaps_) {
    by_status.set(swap.status, by_status[swap.status].integer().value_or(0) + 1);
    doubled += swap.deposits.size() > 1 ? 1 : 0;
  }
  return json::object({{"swaps", swaps_.size()},
                       {"by_status", by_status},
                       {"addresses_with_several_deposits", doubled},
                       {"block", seen_ ? json(*seen_) : json()}});
}

void changenow::reset() {
  const std::lock_guard lock(core_.mutex);
  swaps_.clear();
  addresses_.clear();
  rates_.clear();
  fates_.clear();
}

} // namespace sandbox
