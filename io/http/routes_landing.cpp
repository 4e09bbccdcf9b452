#include <algorithm>
#include <cctype>
#include <charconv>

#include "io/http/pages.hpp"
#include "io/http/service.hpp"

namespace paygate {

namespace {

constexpr milliseconds terms_deadline{500};

/// Programs that look at pages for somebody else. Who claims to be a browser is counted as one.
bool is_program(std::string agent) {
  std::transform(agent.begin(), agent.end(), agent.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (agent.empty()) return true;
  for (const char* word : {"bot", "crawl", "spider", "slurp", "preview", "facebookexternalhit", "whatsapp", "curl/", "wget/", "python-",
                           "go-http-client", "monitor"})
    if (agent.find(word) != agent.npos) return true;
  return false;
}

void reply_not_there(httplib::Response& response) {
  response.status = 404;
  response.set_header("Content-Security-Policy", page_policy());
  response.set_content(render_message_page("There is no such channel", "The link is wrong, or the channel no longer takes subscribers."),
                       "text/html; charset=utf-8");
}

void show_channel(http_service& service, const httplib::Request& request, httplib::Response& response) {
  const std::string text = request.matches[1];
  std::int64_t id = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc{} || std::to_string(id) != text)
    return reply_not_there(response);
  const auto reply = service.ports.ask({{entity_kind::channel, text}, channel_message{get_channel{}}}, terms_deadline);
  if (const auto* no = std::get_if<refused>(&reply))
    return no->code == refusal::not_found ? reply_not_there(response) : reply_refused(response, *no);
  const auto* view = std::get_if<channel_view>(&reply);
  if (view == nullptr) return reply_problem(response, 500, "Something went wrong.");
  landing_page page{view->terms->closed_title, view->terms->description, {}, ""};
  const auto link_to = [&](int tier) { return service.ports.deep_link ? service.ports.deep_link(start_link{id, tier}) : std::string(); };
  for (std::size_t i = 0; i < view->terms->tiers.size(); ++i)
    if (const auto& tier = view->terms->tiers[i]; tier.days != 0)
      page.tiers.push_back({tier.days, to_fixed(tier.price.units(), 2), link_to(static_cast<int>(i))});
  if (view->terms->donations) page.donate_link = link_to(start_link::donation);
  // The bot's name is asked for once: until Telegram has told it there is nowhere to send anybody.
  if (page.tiers.empty() || page.tiers.front().link.empty()) return reply_busy(response);
  if (request.method == "GET" && service.ports.visited && !is_program(request.get_header_value("User-Agent"))) service.ports.visited(id);
  response.headers.erase("Cache-Control"); // The default for everything else: no-store.
  response.set_header("Cache-Control", "public, max-age=60");
  response.set_header("Content-Security-Policy", page_policy());
  response.set_header("X-Frame-Options", "DENY");
  response.set_content(render_landing_page(page), "text/html; charset=utf-8");
}

} // namespace

void add_landing_routes(httplib::Server& server, http_service& service) {
  server.Get("/c/(-?[0-9]{1,20})/?",
             admitted(service, "landing", [&service](const httplib::Request& q, httplib::Response& r) { show_channel(service, q, r); }));
}

} // namespace paygate
