#include "actors/runtime/operator_verbs.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "actors/rehearse.hpp"
#include "actors/runtime/operator_json.hpp"
#include "actors/runtime/source_name.hpp"
#include "addresses/address.hpp"

namespace paygate {

namespace {

using object = rapidjson::Value;
using outcome = std::variant<order, std::string>;

/// A rehearsal needs none.
std::string reason_of(const object& c) {
  const bool dry = c.HasMember("dry_run") && c["dry_run"].IsBool() && c["dry_run"].GetBool();
  const auto reason = text_of(c, "reason");
  return reason.empty() && dry ? "dry run" : reason;
}

/// The entity of "kind" (when it is named) and "id".
std::variant<entity_ref, std::string> target_of(const object& c, entity_kind usual) {
  const auto id = text_of(c, "id"), name = text_of(c, "kind");
  if (id.empty()) return error_json("invalid", "an id is needed");
  const auto kind = name.empty() ? usual : parse_enum<entity_kind>(name).value_or(usual);
  if (!name.empty() && to_text(kind) != name) return error_json("invalid", "no kind is named \"" + name + "\"");
  return entity_ref{kind, id};
}

template <class Message>
outcome tell(const object& c, entity_kind kind, Message message) {
  auto to = target_of(c, kind);
  if (auto* wrong = std::get_if<std::string>(&to)) return std::move(*wrong);
  if (std::get<entity_ref>(to).kind != kind) return error_json("invalid", text_of(c, "verb") + " is for a " + std::string(to_text(kind)));
  return order{{std::get<entity_ref>(std::move(to)), any_message(std::move(message))}, {}};
}

outcome register_channel_order(const object& c) {
  const auto member = c.FindMember("channel");
  auto read =
      member == c.MemberEnd() ? std::variant<channel, std::string>{std::string("channel: is missing")} : read_channel(member->value);
  if (auto* wrong = std::get_if<std::string>(&read)) return error_json("invalid", *wrong);
  auto& terms = std::get<channel>(read);
  const auto id = std::to_string(terms.open_channel_id);
  return order{{{entity_kind::channel, id}, channel_message{register_channel{std::move(terms)}}}, {}};
}

outcome approve_order(const object& c) { return tell(c, entity_kind::payout, payout_message{approve_payout{reason_of(c)}}); }

outcome cancel_order(const object& c) {
  if (text_of(c, "kind") == to_text(entity_kind::conversion))
    return tell(c, entity_kind::conversion, conversion_message{cancel_conversion{reason_of(c)}});
  if (text_of(c, "kind") == to_text(entity_kind::broadcast))
    return tell(c, entity_kind::broadcast, broadcast_message{cancel_broadcast{reason_of(c)}});
  return tell(c, entity_kind::payout, payout_message{cancel_payout{reason_of(c)}});
}

outcome pause_broadcast_order(const object& c) { return tell(c, entity_kind::broadcast, broadcast_message{pause_broadcast{reason_of(c)}}); }

outcome resume_broadcast_order(const object& c) { return tell(c, entity_kind::broadcast, broadcast_message{resume_broadcast{}}); }

outcome send_broadcast_order(const object& c) {
  const auto channel_id = parse_integer(text_of(c, "channel"));
  if (!channel_id || *channel_id == 0 || *channel_id < INT64_MIN || *channel_id > INT64_MAX)
    return error_json("invalid", "the channel's id is a number");
  start_broadcast wanted;
  wanted.channel_id = static_cast<std::int64_t>(*channel_id);
  wanted.html = text_of(c, "html");
  wanted.what =
      wanted.html.empty() ? parse_enum<broadcast_what>(text_of(c, "what")).value_or(broadcast_what::offer) : broadcast_what::message;
  const auto target = text_of(c, "to");
  wanted.target = target == "subscribers" ? broadcast_target::subscribers : broadcast_target::channel;
  return tell(c, entity_kind::broadcast, broadcast_message{std::move(wanted)});
}

outcome accept_order(const object& c) { return tell(c, entity_kind::payment, payment_message{accept_payment{reason_of(c)}}); }

outcome refund_order(const object& c) {
  refund_payment command;
  command.reason = reason_of(c);
  command.outside = c.HasMember("outside") && c["outside"].IsBool() && c["outside"].GetBool();
  std::string remark;
  if (!command.outside) {
    const auto ticker = text_of(c, "currency"), network = text_of(c, "network");
    command.target = {ticker.empty() ? "eth" : ticker, network.empty() ? "eth" : network};
    command.address = text_of(c, "address");
    command.extra_id = text_of(c, "extra_id");
    if (command.address.empty()) return error_json("invalid", "a refund needs an address (or outside: it was given back by hand)");
    const auto seen = check_address(command.target.ticker, command.target.network, command.address, command.extra_id);
    if (!seen.is_good()) return error_json("invalid", "the address: " + seen.text);
    if (command.extra_id == no_memo) command.extra_id.clear();
    remark = seen.how == checked_by::checksum ? "the address's checksum is right"
                                              : "the address has no checksum that could be checked: only its form was";
  }
  auto made = tell(c, entity_kind::payment, payment_message{std::move(command)});
  if (auto* o = std::get_if<order>(&made)) o->remark = std::move(remark);
  return made;
}

outcome reopen_order(const object& c) {
  if (text_of(c, "kind") == to_text(entity_kind::conversion))
    return tell(c, entity_kind::conversion, conversion_message{reopen_conversion{reason_of(c)}});
  return tell(c, entity_kind::payout, payout_message{reopen_payout{reason_of(c)}});
}

outcome arrival_order(const object& c) {
  auto hash = text_of(c, "hash");
  std::transform(hash.begin(), hash.end(), hash.begin(),
                 [](char d) { return d >= 'A' && d <= 'F' ? static_cast<char>(d - 'A' + 'a') : d; });
  name_arrival named{std::move(hash), reason_of(c)};
  if (text_of(c, "kind") == to_text(entity_kind::conversion)) return tell(c, entity_kind::conversion, conversion_message{std::move(named)});
  return tell(c, entity_kind::payout, payout_message{std::move(named)});
}

outcome run_order(const object& c) {
  const auto id = text_of(c, "id");
  if (id != "conversions" && id != "payouts" && id != "broadcasts") return error_json("invalid", "run conversions, payouts or broadcasts");
  return tell(c, entity_kind::scheduler, scheduler_message{run_scheduler{}});
}

outcome to_wallet(wallet_message message) { return order{{{entity_kind::wallet, ""}, any_message(std::move(message))}, {}}; }

/// A nonce named by the operator; -1 when it is none.
std::int64_t nonce_of(const object& c) {
  const auto nonce = parse_integer(text_of(c, "nonce"));
  return nonce && *nonce >= 0 && *nonce < std::numeric_limits<std::int64_t>::max() ? static_cast<std::int64_t>(*nonce) : -1;
}

outcome wallet_sign_off_order(const object& c) {
  if (nonce_of(c) < 0) return error_json("invalid", "a nonce is needed");
  return to_wallet(sign_off_wallet{nonce_of(c), reason_of(c)});
}

outcome wallet_settle_order(const object& c) {
  if (nonce_of(c) < 0 || text_of(c, "intent").empty()) return error_json("invalid", "an intent and a nonce are needed");
  return to_wallet(explain_nonce{nonce_of(c), text_of(c, "hash"), text_of(c, "intent"), reason_of(c)});
}

outcome wallet_disown_order(const object& c) {
  if (nonce_of(c) < 0) return error_json("invalid", "a nonce is needed");
  return to_wallet(explain_nonce{nonce_of(c), text_of(c, "hash"), "", reason_of(c)});
}

outcome wallet_release_order(const object& c) { return to_wallet(release_transfer{text_of(c, "intent"), reason_of(c)}); }

outcome resolve_exception_order(const object& c) {
  const auto id = parse_integer(text_of(c, "id"));
  if (!id || *id <= 0 || *id > 1'000'000'000) return error_json("invalid", "an exception's id is a number");
  return order{
      {{entity_kind::reconciliation, "main"},
       reconciliation_message{resolve_exception{static_cast<std::int64_t>(*id), text_of(c, "as"), reason_of(c), text_of(c, "operator")}}},
      {}};
}

struct order_verb {
  std::string_view name;
  outcome (*read)(const object&);
};
constexpr std::array orders = {
    order_verb{"channel", register_channel_order},
    order_verb{"approve", approve_order},
    order_verb{"cancel", cancel_order},
    order_verb{"accept", accept_order},
    order_verb{"refund", refund_order},
    order_verb{"run", run_order},
    order_verb{"broadcast", send_broadcast_order},
    order_verb{"broadcast_pause", pause_broadcast_order},
    order_verb{"broadcast_resume", resume_broadcast_order},
    order_verb{"reopen", reopen_order},
    order_verb{"arrival", arrival_order},
    order_verb{"wallet_sign_off", wallet_sign_off_order},
    order_verb{"wallet_settle", wallet_settle_order},
    order_verb{"wallet_disown", wallet_disown_order},
    order_verb{"wallet_release", wallet_release_order},
    order_verb{"resolve_exception", resolve_exception_order},
};

const order_verb* find(std::string_view name) {
  const auto found = std::find_if(orders.begin(), orders.end(), [&](const order_verb& v) { return v.name == name; });
  return found == orders.end() ? nullptr : &*found;
}

} // namespace

bool is_order(std::string_view verb) { return find(verb) != nullptr; }

std::variant<order, std::string> read_order(const rapidjson::Value& command) { return find(text_of(command, "verb"))->read(command); }

std::string rehearsal_json(const entity_ref& target, const std::variant<rehearsal, refused>& result) {
  if (const auto* no = std::get_if<refused>(&result)) return error_json(to_text(no->code), no->text);
  const auto& would = std::get<rehearsal>(result);
  std::string json = R"({"dry_run":true,"target":)" + json_text(to_text(target)) + ",\"changes\":" + (would.changes ? "true" : "false")
                     + ",\"from_status\":" + json_text(would.from_status) + ",\"to_status\":" + json_text(would.to_status)
                     + ",\"note\":" + json_text(would.note) + ",\"postings\":[";
  bool first = true;
  for (const auto& entry : would.entries)
    for (const auto& p : entry.postings) {
      json += std::string(first ? "" : ",") + "{\"key\":" + json_text(entry.key) + ",\"account\":" + json_text(p.account)
              + ",\"currency\":" + json_text(p.currency) + ",\"units\":" + json_text(to_decimal(p.units)) + "}";
      first = false;
    }
  return json + "]}";
}

std::string arguments_json(const rapidjson::Value& command) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.StartObject();
  for (auto member = command.MemberBegin(); member != command.MemberEnd(); ++member) {
    const std::string_view name(member->name.GetString(), member->name.GetStringLength());
    if (name == "verb" || name == "reason" || name == "operator") continue;
    member->name.Accept(out);
    if (name == "from") { // A connection string: its password is nobody's business.
      const auto shown = public_name_of(text_of(command, "from"));
      out.String(shown.c_str(), static_cast<rapidjson::SizeType>(shown.size()));
    } else
      member->value.Accept(out);
  }
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace paygate
