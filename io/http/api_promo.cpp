#include "io/codec/json.hpp"
#include "io/http/api.hpp"
#include "io/http/api_channel_shapes.hpp"
#include "io/http/service.hpp"

// Promo codes of a channel. The code's own rules decide what can be; here is only whose channel it is.
namespace paygate {

namespace {

constexpr milliseconds ask_deadline{5'000};

api_field code_field() { return text_field("code", 3, 24, "What subscribers type: A-Z, 0-9, '-' and '_'.").like("[A-Z0-9_-]+"); }

std::vector<api_field> term_fields() {
  return {integer_field("percent", 0, 100, "So much off, in percent; or"), amount_field("fixed_usd", "so many dollars off: one of the two."),
          integer_field("uses_max", 1, promo_code::uses_limit, "How many orders may use it."),
          integer_field("uses_per_user", 1, promo_code::uses_limit, "How many of one subscriber."),
          time_field("expires_at", "From then on nobody can use it; null: no end.").or_null()};
}

shape_ptr promo_shape() {
  static const auto shape = [] {
    std::vector<api_field> fields{code_field(), text_field("status", 1, 20, "Whether it can be used.").among({"open", "disabled"})};
    for (auto& field : term_fields()) fields.push_back(std::move(field));
    fields.push_back(integer_field("uses", 0, promo_code::uses_limit, "How many orders use it now."));
    return make_shape("PromoCode", std::move(fields));
  }();
  return shape;
}

shape_ptr promo_terms_shape() {
  static const auto shape = [] {
    std::vector<api_field> fields;
    for (auto& field : term_fields()) fields.push_back(field.optional());
    return make_shape("PromoTerms", std::move(fields));
  }();
  return shape;
}

shape_ptr promo_list_shape() {
  static const auto shape = make_shape("PromoCodes", {list_field("items", 0, 100'000, promo_shape(), "By code.")});
  return shape;
}

api_answer read_code(const api_call& call, int status) {
  auto rows = ask_rows(call, "api_promo_code", ",\"code\":" + json_quoted(call.params[1]));
  if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
  return {status, std::get<std::string>(std::move(rows)), "", {}};
}

entity_reply ask_code(const api_call& call, promo_code_message message) {
  return call.service.ports.ask({{entity_kind::promo_code, call.params[0] + ":" + call.params[1]}, any_message{std::move(message)}}, ask_deadline);
}

api_answer put_code(const api_call& call) {
  if (auto seen = answer_rows(call, "api_channel", 200); seen.status != 200) return seen;
  const auto number = [&](const char* name, std::int64_t standard) {
    return static_cast<std::int32_t>(json_int(*call.body, name).value_or(standard));
  };
  set_promo wish;
  wish.channel_id = std::stoll(call.params[0]);
  wish.code = call.params[1];
  wish.percent = number("percent", 0);
  wish.fixed = usd_amount::of_units(json_decimal(*call.body, "fixed_usd").value_or(0));
  wish.uses_max = number("uses_max", 100);
  wish.uses_per_user = number("uses_per_user", 1);
  if (const auto ends = json_text(*call.body, "expires_at")) wish.expires_at = parse_iso_time(*ends);
  const auto reply = ask_code(call, std::move(wish));
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return read_code(call, 200);
}

api_answer disable_code(const api_call& call) {
  if (auto seen = read_code(call, 200); seen.status != 200) return seen;
  const auto reply = ask_code(call, disable_promo{});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return read_code(call, 200);
}

api_route promo_route(std::string method, bool one, std::string name, std::string summary, api_access access, shape_ptr gives, api_handler handler) {
  api_route route;
  route.method = std::move(method);
  route.pattern = one ? "/api/channels/{id}/promo-codes/{code}" : "/api/channels/{id}/promo-codes";
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = "channels";
  route.access = access;
  route.path = {channel_id_field()};
  if (one) route.path.push_back(code_field());
  route.gives = {{200, std::move(gives), "As it is now.", false}};
  route.handler = std::move(handler);
  return route;
}

} // namespace

void add_promo_api(std::vector<api_route>& routes) {
  routes.push_back(promo_route("GET", false, "list_promo_codes", "A channel's promo codes.", api_access::owner, promo_list_shape(),
                               [](const api_call& call) -> api_answer {
                                 auto rows = ask_rows(call, "api_promo_codes");
                                 if (auto* problem = std::get_if<api_answer>(&rows)) return std::move(*problem);
                                 return {200, std::get<std::string>(std::move(rows)), "", {}};
                               }));
  auto put = promo_route("PUT", true, "put_promo_code", "Makes a promo code, or changes its terms and opens it again.",
                         api_access::verified_owner, promo_shape(), put_code);
  put.takes = promo_terms_shape();
  routes.push_back(std::move(put));
  routes.push_back(promo_route("DELETE", true, "disable_promo_code", "Nobody can use the code from now on.", api_access::verified_owner,
                               promo_shape(), disable_code));
}

} // namespace paygate
