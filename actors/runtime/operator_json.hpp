#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <rapidjson/document.h>

#include "messages/channel.hpp"
#include "messages/replies.hpp"

// The operator's JSON: reading commands, writing answers.
namespace paygate {

/// How another node asks the inspector: no certificate has such a name.
inline constexpr const char* another_node = "@node";

/// The text of a member; empty when it is absent or no text. Numbers are taken as their text, so that ids may be written either way.
std::string text_of(const rapidjson::Value& object, const char* name);

/// A channel from {open_channel_id, closed_channel_id, open_title, closed_title, description, owner_chat_id, tiers: [{price_usd, days}],
/// donations, strategy, threshold_usd, payout: {ticker, network, address, extra_id}}, or the sentence that says what is wrong. Unknown
/// members are refused: a mistyped one must not be lost.
std::variant<channel, std::string> read_channel(const rapidjson::Value& object);

/// {"error":{"code":...,"text":...}}
std::string error_json(std::string_view code, std::string_view text);

/// {"done":true} or the refusal as error_json.
std::string reply_json(const entity_reply& reply);

/// A JSON text as a string literal with its quotes.
std::string json_text(std::string_view text);

} // namespace paygate
