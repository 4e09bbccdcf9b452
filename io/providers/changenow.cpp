#include "io/providers/changenow.hpp"

#include <algorithm>
#include <memory>

namespace paygate {

namespace {

constexpr int decimals_max = 8;

/// The error in a body, at whatever status: {"error": "code" or a number, "message": "..."}. The code is empty when only a message is
/// there.
std::optional<provider_error> error_in(const std::optional<json_document>& body, std::string_view key) {
  if (!body) return std::nullopt;
  const auto message = json_text(*body, "message");
  std::string code;
  if (const auto* error = json_member(*body, "error")) code = error->IsObject() ? "error" : json_text(*error).value_or("");
  if (code.empty() && !message) return std::nullopt;
  return provider_error{provider_words(code, {key}), provider_words(message.value_or(code), {key})};
}

/// The number that stands for a status in `error`, as ChangeNOW's gateway writes it.
std::optional<int> status_in(std::string_view code) {
  const auto number = code.size() == 3 ? parse_integer(code) : std::nullopt;
  if (!number || *number < 400 || *number > 599) return std::nullopt;
  return static_cast<int>(*number);
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_outside_range(std::string_view code) { return code == "out_of_range" || code == "max_amount_exceeded"; }

class changenow_client {
public:
  explicit changenow_client(changenow_settings settings) : settings_(std::move(settings)), http_(settings_.http) {}

  io_outcome operator()(const get_swap_range& request) {
    return ask(pair_call("/v2/exchange/range", request.from, request.to), [](const json_value& body) -> io_outcome {
      const auto min = json_decimal(body, "minAmount");
      if (!min) return nonsense(http_effect::reads, "a range without minAmount");
      return swap_range{*min, json_decimal(body, "maxAmount")};
    });
  }

  io_outcome operator()(const estimate_swap& request) {
    if (auto refused = amount_refused(request.from_amount)) return *refused;
    auto call = pair_call("/v2/exchange/estimated-amount", request.from, request.to);
    call.query.insert(call.query.end(), {{"fromAmount", to_decimal(request.from_amount)}, {"type", "direct"}, {"useRateId", "true"}});
    return ask(call, [](const json_value& body) -> io_outcome {
      const auto from_amount = json_decimal(body, "fromAmount"), to_amount = json_decimal(body, "toAmount");
      auto rate_id = json_text_or_empty(body, "rateId");
      if (!from_amount || !to_amount || rate_id.empty()) return nonsense(http_effect::reads, "an estimate without amounts or rateId");
      return swap_estimate{std::move(rate_id),
                           json_time(body, "validUntil"),
                           *from_amount,
                           *to_amount,
                           json_decimal(body, "depositFee").value_or(0),
                           json_decimal(body, "withdrawalFee").value_or(0)};
    });
  }

  io_outcome operator()(const create_swap& request) {
    if (auto refused = amount_refused(request.from_amount)) return *refused;
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_member(writer, "fromCurrency", request.from.ticker);
    write_member(writer, "fromNetwork", request.from.network);
    write_member(writer, "toCurrency", request.to.ticker);
    write_member(writer, "toNetwork", request.to.network);
    write_member(writer, "fromAmount", to_decimal(request.from_amount));
    write_member(writer, "toAmount", "");
    write_member(writer, "address", request.address);
    write_member(writer, "extraId", request.extra_id);
    write_member(writer, "refundAddress", request.refund_address);
    write_member(writer, "refundExtraId", "");
    write_member(writer, "flow", "fixed-rate");
    write_member(writer, "type", "direct");
    write_member(writer, "rateId", request.rate_id);
    writer.EndObject();
    const http_request call{
        .effect = http_effect::creates, .method = "POST", .path = "/v2/exchange", .query = {}, .headers = {}, .body = take_text(buffer)};
    return ask(call, [&](const json_value& body) -> io_outcome {
      const auto from_amount = json_decimal(body, "fromAmount"), to_amount = json_decimal(body, "toAmount");
      swap_created created{json_text_or_empty(body, "id"), json_text_or_empty(body, "payinAddress"),
                           json_text_or_empty(body, "payinExtraId"), from_amount.value_or(0), to_amount.value_or(0)};
      if (created.swap_id.empty() || created.payin_address.empty() || !from_amount || !to_amount)
        return nonsense(http_effect::creates, "a swap without id, payinAddress or amounts");
      // The other side must send to whom we named: a mix-up here is money lost.
      const auto payout_address = json_text(body, "payoutAddress");
      if (payout_address && !equal_but_for_case(*payout_address, request.address))
        return nonsense(http_effect::creates, "a swap that pays another address");
      return created;
    });
  }

  io_outcome operator()(const get_swap& request) {
    return ask({.path = "/v2/exchange/by-id", .query = {{"id", request.swap_id}}, .headers = {}, .body = {}},
               [&](const json_value& body) -> io_outcome {
                 const auto word = json_text_or_empty(body, "status");
                 // "hold" is what ChangeNOW's own pages call a swap that waits for its compliance check.
                 const auto status = word == "hold" ? swap_status::verifying : parse_enum<swap_status>(word);
                 const auto id = json_text(body, "id");
                 if (!status || (id && *id != request.swap_id))
                   return nonsense(http_effect::reads, "a swap of no known status, or another one");
                 return swap_state{request.swap_id,
                                   *status,
                                   json_decimal(body, "amountFrom"),
                                   json_decimal(body, "amountTo"),
                                   json_time(body, "validUntil"),
                                   json_text_or_empty(body, "payinHash"),
                                   json_text_or_empty(body, "payoutHash"),
                                   json_text_or_empty(body, "refundHash"),
                                   json_decimal(body, "refundAmount")};
               });
  }

  template <class Other>
  io_outcome operator()(const Other& request) {
    return wrong_lane(request);
  }

private:
  static http_request pair_call(std::string path, const asset& from, const asset& to) {
    return {.path = std::move(path),
            .query = {{"fromCurrency", from.ticker},
                      {"fromNetwork", from.network},
                      {"toCurrency", to.ticker},
                      {"toNetwork", to.network},
                      {"flow", "fixed-rate"}},
            .headers = {},
            .body = {}};
  }

  static std::optional<io_failure> amount_refused(int128 units) {
    if (units <= 0) return io_failure{fault::permanent, "not_positive", "an amount must be positive", {}};
    if (truncate_to(units, decimals_max) != units) return io_failure{fault::permanent, "too_precise", "ChangeNOW takes 8 decimals", {}};
    return std::nullopt;
  }

  /// Calls; `read` gets the body of a success.
  template <class F>
  io_outcome ask(http_request call, F&& read) {
    const auto key = settings_.api_key();
    call.headers.emplace_back("x-changenow-api-key", key);
    auto called = http_.call(call);
    if (auto* failure = std::get_if<io_failure>(&called)) return *failure;
    auto& answer = std::get<http_answer>(called);
    const auto body = parse_json(answer.body);
    const bool success = answer.status >= 200 && answer.status < 300;
    const auto error = error_in(body, key);
    if (success && (!error || error->code.empty())) {
      if (!body || !body->IsObject()) return nonsense(call.effect, "no JSON object");
      return read(*body);
    }
    if (error && is_outside_range(error->code)) return io_failure{fault::permanent, "out_of_range", error->words, {}};
    if (error && error->code == "invalid_api_key") return io_failure{fault::transient, "credentials", error->words, {}};
    // An error under the status 200 is as if the status said it.
    if (success) answer.status = status_in(error->code).value_or(400);
    return status_failure(answer, call.effect, error);
  }

  const changenow_settings settings_;
  http_caller http_;
};

} // namespace

io_client make_changenow_client(changenow_settings settings) {
  auto client = std::make_shared<changenow_client>(std::move(settings));
  return never_throwing([client](const io_request& request) { return std::visit([&](const auto& r) { return (*client)(r); }, request); });
}

} // namespace paygate
