#include "io/http/pages.hpp"

#include <algorithm>

#include "crypto/encoding.hpp"
#include "crypto/hash.hpp"
#include "messages/chat.hpp"

namespace paygate {

namespace {

constexpr std::string_view style = R"css(
:root{color-scheme:light dark;--line:#d5d9e0;--ink:#17202c;--soft:#5b6675;--ground:#f4f6f9;--card:#fff;--deep:#1f6feb}
@media(prefers-color-scheme:dark){:root{--line:#30363d;--ink:#e6edf3;--soft:#9aa5b1;--ground:#0d1117;--card:#161b22}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:16px;background:var(--ground);
color:var(--ink);font:16px/1.5 system-ui,sans-serif}main{width:100%;max-width:430px;background:var(--card);border:1px solid var(--line);
border-radius:14px;padding:28px 24px}h1{font-size:22px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
p{margin:8px 0}.soft{color:var(--soft);font-size:14px;overflow-wrap:anywhere}#text{font-size:18px;margin-top:18px}
.join{display:block;text-align:center;background:var(--deep);color:#fff;text-decoration:none;font-weight:600;padding:14px;
border-radius:10px;margin:18px 0 6px}[hidden]{display:none}
#bar{height:4px;border-radius:2px;background:var(--line);overflow:hidden;margin-top:18px}
#bar i{display:block;height:100%;width:40%;background:var(--deep);animation:go 1.6s ease-in-out infinite}
@keyframes go{from{margin-left:-40%}to{margin-left:100%}}@media(prefers-reduced-motion:reduce){#bar i{animation:none;width:100%}}
)css";

// Reads its data from attributes and writes by textContent only: nothing from outside is ever parsed as HTML or script.
constexpr std::string_view script = R"js(
(function(){
var main=document.querySelector("main"),d=main.dataset,by=function(id){return document.getElementById(id)};
var words=JSON.parse(d.words),wait=2000,timer=0;
function show(p){
by("text").textContent=words[p.inside?"inside":p.status]||words[""];
if(p.channel_title)by("title").textContent=p.channel_title;
if(p.invite_link&&p.invite_link.indexOf("https://")===0){by("join").href=p.invite_link;by("join").hidden=false;by("once").hidden=false;by("bar").hidden=true;return false}
if(p.inside){by("bar").hidden=true;return false}
return true}
function again(){clearTimeout(timer);timer=setTimeout(ask,wait)}
function ask(){
fetch("/api/payment-status/"+encodeURIComponent(d.order)+"?token="+encodeURIComponent(d.token),{cache:"no-store"}).then(function(r){
if(r.status===401){by("text").textContent=words.unauthorized;by("bar").hidden=true;return null}
return r.ok?r.json():{status:""}}).then(function(p){if(p&&show(p))again()}).catch(again)}
ask();
})();
)js";

// What each status means to the person who pays.
constexpr std::pair<std::string_view, std::string_view> words[] = {
    {"", "We are looking for your payment."},
    {"created", "Your order is being prepared."},
    {"waiting", "Waiting for your payment."},
    {"confirming", "Your payment was seen. Waiting for the network to confirm it."},
    {"confirmed", "Your payment is confirmed. It is being passed on."},
    {"sending", "Your payment is confirmed. It is being passed on."},
    {"partially_paid", "Less arrived than was asked for. Please look at the payment page for the rest."},
    {"failed", "The payment failed. If coins have left your wallet, please write to the channel's owner."},
    {"refunded", "The payment was sent back to you."},
    {"expired", "The payment's time ran out. If you have paid all the same, it will still be counted when it arrives."},
    {"underpaid", "Less arrived than the price. We have told the channel's owner and will be in touch in Telegram."},
    {"held", "Your payment arrived and is being looked at by a person."},
    {"paid", "Paid. Thank you! Your invite link is being made."},
    {"inside", "Paid. Thank you! You are in already, there is nothing to do."},
    {"unauthorized", "This link is not valid. Please use the link that you came by, or write /subscriptions to the bot."},
};

std::string_view words_for(std::string_view status) {
  for (const auto& [word, text] : words)
    if (word == status) return text;
  return words[0].second;
}

std::string words_json() {
  std::string json = "{";
  for (const auto& [word, text] : words) json += (json.size() > 1 ? ",\"" : "\"") + std::string(word) + "\":\"" + std::string(text) + '"';
  return json + "}";
}

std::string csp_hash(std::string_view text) {
  const auto hash = sha256(as_bytes(text));
  auto base64 = base64url_encode(hash);
  for (char& c : base64) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (base64.size() % 4 != 0) base64 += '=';
  return "'sha256-" + base64 + "'";
}

std::string head(std::string_view title, bool reload) {
  std::string html = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                     "content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\"><title>";
  html += escape_html(title);
  html += "</title>";
  if (reload) html += "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>";
  html += "<style>";
  html += style;
  html += "</style></head><body>";
  return html;
}

} // namespace

std::string render_payment_page(const payment_page& page) {
  static const auto all_words = escape_html(words_json());
  const bool invited = page.invite_link.starts_with("https://");
  auto html = head("Payment", !invited);
  html += "<main data-order=\"" + escape_html(page.order_id) + "\" data-token=\"" + escape_html(page.token) + "\" data-words=\"" + all_words
          + "\"><h1 id=\"title\">" + (page.channel_title.empty() ? "Your payment" : escape_html(page.channel_title))
          + "</h1><p class=\"soft\">Order " + escape_html(page.order_id) + "</p><p id=\"text\" role=\"status\">";
  html += words_for(page.status);
  html += "</p><div id=\"bar\"" + std::string(invited ? " hidden" : "") + "><i></i></div><a class=\"join\" id=\"join\" rel=\"noreferrer\"";
  html += invited ? " href=\"" + escape_html(page.invite_link) + "\">" : " hidden>";
  html += "Join the channel</a><p class=\"soft\" id=\"once\"" + std::string(invited ? "" : " hidden")
          + ">The link works once. You have it in Telegram as well.</p></main><script>";
  html += script;
  return html + "</script></body></html>";
}

std::string render_landing_page(const landing_page& page) {
  auto html = head(page.title, false) + "<main><h1>" + escape_html(page.title) + "</h1>";
  // A blank line begins a paragraph, as it does in Telegram.
  for (std::size_t at = 0; at < page.description.size();) {
    const auto end = std::min(page.description.find("\n\n", at), page.description.size());
    if (end > at) html += "<p>" + escape_html(std::string_view(page.description).substr(at, end - at)) + "</p>";
    at = end + 2;
  }
  const auto button = [&](const std::string& link, const std::string& text) {
    if (link.starts_with("https://")) html += "<a class=\"join\" rel=\"noreferrer\" href=\"" + escape_html(link) + "\">" + text + "</a>";
  };
  for (const auto& tier : page.tiers)
    button(tier.link, std::to_string(tier.days) + (tier.days == 1 ? " day - $" : " days - $") + escape_html(tier.price));
  button(page.donate_link, "🎁 Donate");
  return html + "<p class=\"soft\">You pay in the coin that you like, and get your invite link in Telegram.</p></main></body></html>";
}

std::string render_message_page(std::string_view title, std::string_view text) {
  return head(title, false) + "<main><h1>" + escape_html(title) + "</h1><p>" + escape_html(text) + "</p></main></body></html>";
}

std::string page_head(std::string_view title) { return head(title, false); }

std::string policy_for(std::string_view of) {
  return "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; style-src " + csp_hash(style)
         + "; script-src " + csp_hash(of);
}

const std::string& page_policy() {
  static const std::string policy = policy_for(script);
  return policy;
}

} // namespace paygate
