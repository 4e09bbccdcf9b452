#include "io/http/api.hpp"
#include "io/http/api_channel_shapes.hpp"

// Reading channels.
namespace paygate {

namespace {

api_handler reader_of(std::string_view query) {
  return [query](const api_call& call) { return answer_rows(call, query, 200); };
}

api_route read_route(std::string pattern, std::string name, std::string summary, std::string tag, shape_ptr shape, std::string_view query) {
  api_route route;
  route.method = "GET";
  route.pattern = std::move(pattern);
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = std::move(tag);
  if (route.pattern.find('{') != std::string::npos) route.path = {channel_id_field()};
  route.gives = {{200, std::move(shape), "As it is now.", true}};
  route.handler = reader_of(query);
  return route;
}

} // namespace

std::string etag_of(const std::string& json) {
  const auto document = parse_json(json);
  const auto edition = document ? json_text(*document, "edition") : std::nullopt;
  return edition ? '"' + *edition + '"' : std::string();
}

api_answer answer_rows(const api_call& call, std::string_view query, int status) {
  auto rows = ask_rows(call, query);
  if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
  auto json = std::get<std::string>(std::move(rows));
  auto etag = etag_of(json);
  return {status, std::move(json), std::move(etag), {}};
}

shape_ptr tiers_shape() {
  static const auto shape = make_shape("Tiers", {list_field("tiers", 0, 3, tier_shape(false), "What can be bought."), edition_field()});
  return shape;
}

shape_ptr payout_terms_shape() {
  static const auto shape =
      make_shape("PayoutTerms",
                 {object_field("payout", destination_shape(false), "Where value is paid to."),
                  object_field("payout_change", payout_change_shape(), "Another place that was asked for; null: none.").or_null(),
                  text_field("strategy", 1, 20, "When value is paid out.").among({"instant", "threshold"}),
                  amount_field("threshold_usd", "How much gathers before it is paid out, with the strategy threshold."), edition_field()});
  return shape;
}

void add_channel_api(std::vector<api_route>& routes) {
  auto all =
      read_route("/api/channels", "list_channels", "One's channels.", "channels",
                 make_shape("Channels", {list_field("items", 0, 1000, channel_shape(), "By when they were registered.")}), "api_channels");
  all.gives[0].etag = false;
  routes.push_back(std::move(all));
  routes.push_back(read_route("/api/channels/{id}", "get_channel", "A channel.", "channels", channel_shape(), "api_channel"));
  routes.push_back(read_route("/api/channels/{id}/tiers", "get_tiers", "What a channel sells.", "channels", tiers_shape(), "api_tiers"));
  routes.push_back(read_route("/api/channels/{id}/payout", "get_payout_terms", "When and where a channel's value is paid out.", "channels",
                              payout_terms_shape(), "api_payout"));
}

} // namespace paygate
