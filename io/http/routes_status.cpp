#include "io/codec/json.hpp"
#include "io/codec/success_token.hpp"
#include "io/http/api.hpp"
#include "io/http/pages.hpp"
#include "io/http/service.hpp"

namespace paygate {

namespace {

constexpr milliseconds poke_deadline{400}, view_deadline{500};

void reply_page(httplib::Response& response, std::string html, int status = 200) {
  response.status = status;
  response.set_header("Content-Security-Policy", page_policy());
  response.set_header("X-Frame-Options", "DENY");
  response.set_content(std::move(html), "text/html; charset=utf-8");
}

entity_reply ask_payment(http_service& service, const std::string& order_id, payment_message message, milliseconds deadline) {
  return service.ports.ask({{entity_kind::payment, order_id}, any_message{std::move(message)}}, deadline);
}

void show_payment(http_service& service, const std::string& order_id, const std::string& token, httplib::Response& response) {
  payment_page page{order_id, token, "", "", ""};
  const auto reply = ask_payment(service, order_id, get_payment_view{}, view_deadline);
  if (const auto* view = std::get_if<payment_view>(&reply)) {
    page.status = view->inside ? "inside" : view->status;
    page.channel_title = view->channel_title;
    page.invite_link = view->invite_link;
  }
  reply_page(response, render_payment_page(page));
}

// The provider's redirect. It proves nothing: it only makes us ask the provider sooner.
void take_success(http_service& service, const httplib::Request& request, httplib::Response& response) {
  const auto token = request.get_param_value("token");
  const auto order_id = read_success_token(token, service.ports.success_key());
  if (!order_id) {
    service.ports.metrics->count("success_token_refused_total", "");
    reply_page(response,
               render_message_page("This link is not valid", "Please use the link that you came by, or write /subscriptions to the bot."),
               401);
    return;
  }
  ask_payment(service, *order_id, payment_poked{}, poke_deadline);
  show_payment(service, *order_id, token, response);
}

// Without a good token the page tells nothing but the order id it was given; its script then says that the link is not valid.
void show_processing(http_service& service, const httplib::Request& request, httplib::Response& response) {
  const auto order_id = request.get_param_value("order_id");
  const auto token = request.get_param_value("token");
  if (over_client_limit(service, client_of(service, request)))
    return reply_page(response, render_message_page("Too many requests", "Please wait some minutes."), 429);
  if (order_id.empty() || order_id.size() > 64)
    return reply_page(response, render_message_page("This link is not valid", "It names no order."), 400);
  const auto named = read_success_token(token, service.ports.success_key());
  if (named && *named == order_id) return show_payment(service, order_id, token, response);
  reply_page(response, render_payment_page({order_id, token, "unauthorized", "", ""}));
}

void write_link(json_writer& writer, std::string_view key, const std::string& link) {
  if (!link.empty()) return write_member(writer, key, link);
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.Null();
}

api_answer tell_status(const api_call& call) {
  const auto& order_id = call.params[0];
  const auto named = read_success_token(call.query("token"), call.service.ports.success_key());
  if (!named || *named != order_id) {
    auto answer = api_problem(401, "The token is not this order's.");
    answer.headers.emplace_back("WWW-Authenticate", "OrderToken");
    return answer;
  }
  const auto reply = ask_payment(call.service, order_id, get_payment_view{}, view_deadline);
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  const auto* view = std::get_if<payment_view>(&reply);
  if (view == nullptr) return api_busy();
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "order_id", order_id);
  write_member(writer, "status", view->status);
  write_bool(writer, "inside", view->inside);
  write_member(writer, "channel_title", view->channel_title);
  write_link(writer, "invoice_url", view->invoice_url);
  write_link(writer, "invite_link", view->invite_link);
  writer.EndObject();
  return {200, take_text(buffer), "", {}};
}

} // namespace

void add_status_routes(httplib::Server& server, http_service& service) {
  using request_t = const httplib::Request&;
  using response_t = httplib::Response&;
  server.Get("/webhooks/success/?", admitted(service, "success", [&service](request_t q, response_t r) { take_success(service, q, r); }));
  server.Get("/payment-processing/?", admitted(service, "page", [&service](request_t q, response_t r) { show_processing(service, q, r); }));
}

void add_status_api(std::vector<api_route>& routes) {
  api_route status;
  status.method = "GET";
  status.pattern = "/api/payment-status/{order_id}";
  status.name = "get_payment_status";
  status.summary = "How far a subscriber's order is; what the payment page asks.";
  status.tag = "payments";
  status.access = api_access::anyone;
  status.path = {text_field("order_id", 1, 64, "The order.").like("[A-Za-z0-9_-]+")};
  status.query = {text_field("token", 0, 300, "The order's own token, from its links.").optional()};
  status.gives = {{200,
                   make_shape("PaymentStatus", {text_field("order_id", 1, 64, "The order."), text_field("status", 1, 40, "Where it is."),
                                                boolean_field("inside", "Whether the subscriber is in the closed channel already."),
                                                text_field("channel_title", 0, 255, "What is paid for."),
                                                text_field("invoice_url", 1, 2000, "Where to pay.").or_null(),
                                                text_field("invite_link", 1, 2000, "The way in, once it is paid.").or_null()}),
                   "Where it is."}};
  status.fails = {401};
  status.handler = tell_status;
  routes.push_back(std::move(status));
}

} // namespace paygate
