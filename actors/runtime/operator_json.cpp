#include "actors/runtime/operator_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace paygate {

namespace {

std::optional<std::int64_t> integer_of(const rapidjson::Value& object, const char* name) {
  const auto text = text_of(object, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<usd_amount> usd_of(const rapidjson::Value& object, const char* name) {
  const auto read = parse_decimal(text_of(object, name));
  if (!read || !read->exact) return std::nullopt;
  return usd_amount::of_units(read->units);
}

template <std::size_t N>
std::string unknown_member(const rapidjson::Value& object, const std::array<std::string_view, N>& known) {
  for (auto member = object.MemberBegin(); member != object.MemberEnd(); ++member) {
    const std::string_view name(member->name.GetString(), member->name.GetStringLength());
    if (std::find(known.begin(), known.end(), name) == known.end()) return std::string(name);
  }
  return {};
}

std::string read_tiers(const rapidjson::Value& list, channel& into) {
  if (!list.IsArray() || list.Empty() || list.Size() > into.tiers.size()) return "tiers: a list of 1 to 3 {price_usd, days} is needed";
  for (rapidjson::SizeType i = 0; i < list.Size(); ++i) {
    if (!list[i].IsObject()) return "tiers: each is an object {price_usd, days}";
    if (auto odd = unknown_member(list[i], std::array<std::string_view, 2>{"price_usd", "days"}); !odd.empty()) return "tiers: unknown member " + odd;
    const auto price = usd_of(list[i], "price_usd");
    const auto days = integer_of(list[i], "days");
    if (!price || !days || *days < 0 || *days > 36500) return "tiers: price_usd is a decimal and days a number of days";
    into.tiers[i] = {*price, static_cast<std::int32_t>(*days)};
  }
  return {};
}

std::string read_payout(const rapidjson::Value& object, channel& into) {
  if (!object.IsObject()) return "payout: an object {ticker, network, address, extra_id} is needed";
  if (auto odd = unknown_member(object, std::array<std::string_view, 4>{"ticker", "network", "address", "extra_id"}); !odd.empty())
    return "payout: unknown member " + odd;
  into.payout_asset = {text_of(object, "ticker"), text_of(object, "network")};
  into.payout_address = text_of(object, "address");
  into.payout_extra_id = text_of(object, "extra_id");
  return {};
}

} // namespace

std::string text_of(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd()) return {};
  if (member->value.IsString()) return {member->value.GetString(), member->value.GetStringLength()};
  if (member->value.IsInt64()) return std::to_string(member->value.GetInt64());
  return {};
}

std::variant<channel, std::string> read_channel(const rapidjson::Value& object) {
  static constexpr std::array<std::string_view, 12> known{"open_channel_id", "closed_channel_id", "open_title", "closed_title",
                                                          "description",     "owner_chat_id",     "tiers",      "donations",
                                                          "strategy",        "threshold_usd",     "payout",     "trial_days"};
  if (!object.IsObject()) return std::string("channel: an object is needed");
  if (auto odd = unknown_member(object, known); !odd.empty()) return "channel: unknown member " + odd;
  channel c;
  const auto open = integer_of(object, "open_channel_id"), closed = integer_of(object, "closed_channel_id");
  if (!open || !closed) return std::string("channel: open_channel_id and closed_channel_id are whole numbers");
  c.open_channel_id = *open;
  c.closed_channel_id = *closed;
  c.owner_chat_id = integer_of(object, "owner_chat_id").value_or(0);
  c.open_title = text_of(object, "open_title");
  c.closed_title = text_of(object, "closed_title");
  c.description = text_of(object, "description");
  if (!object.HasMember("tiers") || !object.HasMember("payout")) return std::string("channel: tiers and payout are needed");
  if (auto wrong = read_tiers(object["tiers"], c); !wrong.empty()) return wrong;
  if (auto wrong = read_payout(object["payout"], c); !wrong.empty()) return wrong;
  if (object.HasMember("donations")) {
    if (!object["donations"].IsBool()) return std::string("channel: donations is true or false");
    c.donations = object["donations"].GetBool();
  }
  if (object.HasMember("strategy")) {
    const auto strategy = parse_enum<payout_strategy>(text_of(object, "strategy"));
    if (!strategy) return std::string("channel: strategy is instant or threshold");
    c.strategy = *strategy;
  }
  if (object.HasMember("threshold_usd")) {
    const auto threshold = usd_of(object, "threshold_usd");
    if (!threshold) return std::string("channel: threshold_usd is a decimal, as text");
    c.threshold = *threshold;
  }
  if (object.HasMember("trial_days")) {
    const auto days = integer_of(object, "trial_days");
    // How many there may be is the channel's own matter.
    if (!days || *days < 0 || *days > 100'000) return std::string("channel: trial_days is a whole number");
    c.trial_days = static_cast<std::int32_t>(*days);
  }
  return c;
}

std::string json_text(std::string_view text) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return {buffer.GetString(), buffer.GetSize()};
}

std::string error_json(std::string_view code, std::string_view text) {
  return "{\"error\":{\"code\":" + json_text(code) + ",\"text\":" + json_text(text) + "}}";
}

std::string reply_json(const entity_reply& reply) {
  if (const auto* no = std::get_if<refused>(&reply)) return error_json(to_text(no->code), no->text);
  if (const auto* round = std::get_if<round_view>(&reply)) return "{\"round\":" + std::to_string(round->round) + "}";
  return R"({"done":true})";
}

} // namespace paygate
