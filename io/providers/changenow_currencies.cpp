#include "io/providers/changenow_currencies.hpp"

#include <algorithm>

#include "io/codec/json.hpp"

namespace paygate {

namespace {

constexpr std::size_t least = 5; // Whatever the exchange gives up, it is not all but a few.
constexpr std::size_t word_max = 32, name_max = 100;

bool is_word(const std::string& text) {
  return !text.empty() && text.size() <= word_max
         && std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::optional<exchange_currency> currency_of(const json_value& value) {
  exchange_currency one{json_text_or_empty(value, "ticker"), json_text_or_empty(value, "network"),
                        json_text_or_empty(value, "legacyTicker"), json_text_or_empty(value, "name"),
                        json_bool(value, "hasExternalId").value_or(false)};
  if (!is_word(one.ticker) || !is_word(one.network)) return std::nullopt;
  if (json_bool(value, "isFiat").value_or(false) || !json_bool(value, "buy").value_or(true)) return std::nullopt;
  if (!json_bool(value, "supportsFixedRate").value_or(true)) return std::nullopt;
  if (one.name.size() > name_max) one.name.clear();
  if (!is_word(one.legacy_ticker)) one.legacy_ticker.clear();
  return one;
}

} // namespace

std::variant<std::vector<exchange_currency>, io_failure> read_exchange_currencies(const changenow_settings& settings) {
  http_caller http(settings.http);
  http_request request;
  request.path = "/v2/exchange/currencies";
  request.query = {{"active", "true"}, {"flow", "fixed-rate"}};
  request.headers = {{"x-changenow-api-key", settings.api_key()}};
  auto answer = http.call(request);
  if (auto* failure = std::get_if<io_failure>(&answer)) return std::move(*failure);
  const auto& came = std::get<http_answer>(answer);
  if (came.status != 200)
    return io_failure{fault::transient, "http_" + std::to_string(came.status), "the list of currencies is not given", came.retry_after};
  const auto body = parse_json(came.body);
  std::vector<exchange_currency> list;
  if (body && body->IsArray())
    for (rapidjson::SizeType i = 0; i < body->Size(); ++i)
      if (auto one = currency_of((*body)[i])) list.push_back(std::move(*one));
  if (list.size() < least) return io_failure{fault::transient, "nonsense", "a list of hardly any currencies", std::nullopt};
  return list;
}

std::string exchange_currencies_json(const std::vector<exchange_currency>& list) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  writer.Key("items");
  writer.StartArray();
  for (const auto& one : list) {
    writer.StartObject();
    write_member(writer, "ticker", one.ticker);
    write_member(writer, "network", one.network);
    write_member(writer, "legacy_ticker", one.legacy_ticker);
    write_member(writer, "name", one.name);
    write_bool(writer, "has_memo", one.has_memo);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return take_text(buffer);
}

} // namespace paygate
