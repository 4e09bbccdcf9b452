#include "io/codec/json.hpp"
#include "io/codec/success_token.hpp"
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

void tell_status(http_service& service, const httplib::Request& request, httplib::Response& response) {
  const std::string order_id = request.matches[1];
  const auto named = read_success_token(request.get_param_value("token"), service.ports.success_key());
  if (!named || *named != order_id) return reply_problem(response, 401, "The token is not this order's.");
  const auto reply = ask_payment(service, order_id, get_payment_view{}, view_deadline);
  if (const auto* no = std::get_if<refused>(&reply)) return reply_refused(response, *no);
  const auto* view = std::get_if<payment_view>(&reply);
  if (view == nullptr) return reply_problem(response, 500, "Something went wrong.");
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "order_id", order_id);
  write_member(writer, "status", view->status);
  if (view->inside) write_bool(writer, "inside", true);
  write_member(writer, "channel_title", view->channel_title);
  write_link(writer, "invoice_url", view->invoice_url);
  write_link(writer, "invite_link", view->invite_link);
  writer.EndObject();
  reply_json(response, take_text(buffer));
}

} // namespace

void add_status_routes(httplib::Server& server, http_service& service) {
  using request_t = const httplib::Request&;
  using response_t = httplib::Response&;
  server.Get("/api/payment-status/([A-Za-z0-9_-]{1,64})/?",
             admitted(service, "payment_status", [&service](request_t q, response_t r) { tell_status(service, q, r); }));
  server.Get("/webhooks/success/?", admitted(service, "success", [&service](request_t q, response_t r) { take_success(service, q, r); }));
  server.Get("/payment-processing/?", admitted(service, "page", [&service](request_t q, response_t r) { show_processing(service, q, r); }));
  server.Options("/api/payment-status/([A-Za-z0-9_-]{1,64})/?", [](request_t, response_t r) {
    r.set_header("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
    r.set_header("Access-Control-Max-Age", "600");
    r.status = 204;
  });
}

} // namespace paygate
