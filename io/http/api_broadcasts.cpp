#include <charconv>

#include "io/http/api.hpp"
#include "io/http/api_channel_shapes.hpp"
#include "io/http/service.hpp"

// Broadcasts: an owner's own, when the regular posts are sent, what was sent.
namespace paygate {

namespace {

constexpr milliseconds ask_deadline{5'000}, state_deadline{2'000};

shape_ptr broadcast_shape() {
  static const auto shape =
      make_shape("Broadcast",
                 {text_field("id", 1, 128, "The broadcast."), telegram_id_field("channel_id", "Its channel."),
                  text_field("status", 1, 20, "Where it is."),
                  text_field("what", 1, 20, "The offer, the donation post, or the owner's words.").among({"offer", "donation", "message"}),
                  text_field("target", 1, 20, "To whom.").among({"channel", "subscribers"}),
                  boolean_field("scheduled", "By the schedule, not by the owner."), text_field("html", 0, 20000, "The owner's words."),
                  integer_field("recipients", 0, 9'007'199'254'740'991, "How many there are."),
                  integer_field("sent", 0, 9'007'199'254'740'991, "How many got it."),
                  integer_field("failed", 0, 9'007'199'254'740'991, "How many could not be reached."),
                  integer_field("skipped", 0, 9'007'199'254'740'991, "How many were left out."),
                  text_field("reason", 1, 2000, "Why it ended as it did.").or_null(), time_field("created_at", "When it was asked for."),
                  time_field("ended_at", "When it ended.").or_null()});
  return shape;
}

shape_ptr schedule_shape() {
  static const auto shape =
      make_shape("Schedule", {text_field("cadence", 1, 20, "When offer and donation post are sent anew.")
                                  .among({"automatic", "daily", "weekly", "monthly", "off"}),
                              integer_field("day", 1, 28, "Weekly: 1 (Monday) to 7; monthly: 1 to 28."),
                              integer_field("hour", 0, 23, "In UTC."), time_field("next_offer_at", "When the next offer is due.").or_null(),
                              time_field("next_donation_at", "When the next donation post is due.").or_null()});
  return shape;
}

/// The same for repeats of a request with a key, wherever they are answered: its time is when the first one came.
std::string broadcast_id_of(const api_call& call) {
  const auto& seed = call.idempotency_seed;
  std::int64_t first = 0;
  const auto at = seed.rfind('|');
  if (at != seed.npos) std::from_chars(seed.data() + at + 1, seed.data() + seed.size(), first);
  return new_order_id(first > 0 ? timestamp(std::chrono::seconds(first)) : call.service.ports.clock->now(), "broadcast " + seed);
}

api_answer start(const api_call& call) {
  const auto channel_id = json_text_or_empty(*call.body, "channel_id");
  const auto rows = call.service.ports.query("api_channel", owner_arguments(call, channel_id) + "}", state_deadline);
  if (rows == "null") return api_problem(404, "There is no such channel of yours.");
  if (rows.starts_with("{\"error\"")) return api_busy();
  const auto what = *parse_enum<broadcast_what>(json_text_or_empty(*call.body, "what"));
  const auto target = parse_enum<broadcast_target>(json_text_or_empty(*call.body, "target")).value_or(broadcast_target::channel);
  const auto id = broadcast_id_of(call);
  const auto ask = [&](entity_ref to, any_message message) {
    return call.service.ports.ask({std::move(to), std::move(message)}, ask_deadline);
  };
  const auto claimed = ask({entity_kind::channel, channel_id}, channel_message(claim_broadcast{id, what, false}));
  if (const auto* no = std::get_if<refused>(&claimed))
    return no->code == refusal::not_found ? api_problem(409, "The channel is not on sale.") : api_refused(*no);
  start_broadcast wish;
  wish.channel_id = json_int(*call.body, "channel_id").value_or(0);
  wish.what = what;
  wish.target = target;
  wish.html = json_text_or_empty(*call.body, "html");
  const auto reply = ask({entity_kind::broadcast, id}, broadcast_message(std::move(wish)));
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  auto json = call.service.ports.query("api_broadcast", owner_arguments(call, id) + "}", state_deadline);
  if (json == "null" || json.starts_with("{\"error\"")) return api_busy();
  return {201, std::move(json), "", {{"Location", "/api/broadcasts/" + id}}};
}

api_answer list(const api_call& call) {
  const auto channel = call.query("channel_id");
  return page_reader("api_broadcasts", "before", channel.empty() ? "" : ",\"channel\":" + json_quoted(channel))(call);
}

api_answer read_row(const api_call& call, std::string_view query, int status) {
  auto rows = ask_rows(call, query);
  if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
  return {status, std::get<std::string>(std::move(rows)), "", {}};
}

api_answer cancel(const api_call& call) {
  if (auto seen = read_row(call, "api_broadcast", 200); seen.status != 200) return seen;
  const auto reply = call.service.ports.ask(
      {{entity_kind::broadcast, call.params[0]}, any_message{broadcast_message(cancel_broadcast{"by the owner"})}}, ask_deadline);
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return read_row(call, "api_broadcast", 202);
}

api_answer put_schedule(const api_call& call) {
  if (auto seen = read_row(call, "api_schedule", 200); seen.status != 200) return seen;
  schedule_posts wish;
  wish.cadence = *parse_enum<post_cadence>(json_text_or_empty(*call.body, "cadence"));
  wish.day = static_cast<std::int32_t>(json_int(*call.body, "day").value_or(1));
  wish.hour = static_cast<std::int32_t>(json_int(*call.body, "hour").value_or(9));
  const auto reply = call.service.ports.ask({{entity_kind::channel, call.params[0]}, any_message{channel_message(wish)}}, ask_deadline);
  if (const auto* no = std::get_if<refused>(&reply))
    return no->code == refusal::not_found ? api_problem(409, "The channel is not on sale.") : api_refused(*no);
  return read_row(call, "api_schedule", 200);
}

api_route route_of(std::string method, std::string pattern, std::string name, std::string summary, api_access access, int status,
                   shape_ptr shape, api_handler handler) {
  api_route route;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = "broadcasts";
  route.access = access;
  route.gives = {{status, std::move(shape), "As it is now.", false}};
  route.handler = std::move(handler);
  return route;
}

} // namespace

void add_broadcast_api(std::vector<api_route>& routes) {
  const auto id = text_field("id", 1, 128, "The broadcast.").like("[A-Za-z0-9._-]+");
  auto make = route_of("POST", "/api/broadcasts", "start_broadcast",
                       "Sends something to a channel or its subscribers; at least some minutes after the one before.",
                       api_access::verified_owner, 201, broadcast_shape(), start);
  make.takes = make_shape("NewBroadcast",
                          {telegram_id_field("channel_id", "The channel."),
                           text_field("what", 1, 20, "What.").among({"offer", "donation", "message"}),
                           text_field("target", 1, 20, "To whom: the channel unless told.").among({"channel", "subscribers"}).optional(),
                           text_field("html", 0, 4096, "With `message`: the words, in Telegram's HTML.").optional()});
  make.creates = true;
  make.fails = {404, 409};
  routes.push_back(std::move(make));
  auto all = route_of("GET", "/api/broadcasts", "list_broadcasts", "What was sent, newest first.", api_access::owner, 200,
                      page_of(broadcast_shape()), list);
  all.query = paging_fields();
  all.query.push_back(telegram_id_field("channel_id", "Of this channel only.").optional());
  routes.push_back(std::move(all));
  auto one = route_of("GET", "/api/broadcasts/{id}", "get_broadcast", "A broadcast.", api_access::owner, 200, broadcast_shape(),
                      [](const api_call& call) { return read_row(call, "api_broadcast", 200); });
  one.path = {id};
  routes.push_back(std::move(one));
  auto stop = route_of("DELETE", "/api/broadcasts/{id}", "cancel_broadcast", "Sends no more of it.", api_access::verified_owner, 202,
                       broadcast_shape(), cancel);
  stop.path = {id};
  stop.fails = {409};
  routes.push_back(std::move(stop));
  auto when = route_of("GET", "/api/channels/{id}/schedule", "get_schedule", "When a channel's posts are sent anew.", api_access::owner,
                       200, schedule_shape(), [](const api_call& call) { return read_row(call, "api_schedule", 200); });
  when.path = {channel_id_field()};
  routes.push_back(std::move(when));
  auto set = route_of("PUT", "/api/channels/{id}/schedule", "put_schedule", "Sets when a channel's posts are sent anew.",
                      api_access::verified_owner, 200, schedule_shape(), put_schedule);
  set.path = {channel_id_field()};
  set.takes =
      make_shape("NewSchedule", {text_field("cadence", 1, 20, "How often.").among({"automatic", "daily", "weekly", "monthly", "off"}),
                                 integer_field("day", 1, 28, "Weekly: 1 (Monday) to 7; monthly: 1 to 28.").optional(),
                                 integer_field("hour", 0, 23, "In UTC; 9 unless told.").optional()});
  set.fails = {409};
  routes.push_back(std::move(set));
}

} // namespace paygate
