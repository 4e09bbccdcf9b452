#include <algorithm>

#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversation/talk.hpp"

namespace paygate::talk {

namespace {

constexpr std::size_t code_min = 3, code_max = 24;

void ask_again(step& out, std::string words) {
  out.next.status = conversation_status::entering_code;
  out.next.promo_code.clear();
  out.next.promo_good = false;
  owe(out, conversation_view::ask_code, std::move(words));
}

} // namespace

std::string code_of(std::string_view raw) {
  std::string code(trim(raw));
  for (auto& c : code)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const bool good = code.size() >= code_min && code.size() <= code_max && std::all_of(code.begin(), code.end(), [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  return good ? code : std::string();
}

bool press_extra(step& out, const chat_update& press) {
  auto& s = out.next;
  const std::string_view data = press.callback_data;
  const bool code = data.starts_with("code:"), trial = data.starts_with("trial:"), back = data.starts_with("back:");
  if (!code && !trial && !back) return false;
  const auto order = data.substr(data.find(':') + 1);
  const bool open = !s.order_id.empty() && order == s.order_id && s.days > 0
                    && (s.status == conversation_status::offered || s.status == conversation_status::entering_code);
  if (!open) {
    answer_stale(out, press, "This offer is no longer valid.");
  } else if (code) {
    answer(out, press);
    s.status = conversation_status::entering_code;
    owe(out, conversation_view::ask_code);
  } else if (back) {
    answer(out, press);
    s.status = conversation_status::offered;
    owe_here(out, press, conversation_view::offer);
  } else if (s.trial_days > 0) {
    answer(out, press);
    s.status = conversation_status::trying;
    s.terms.reset();
    s.owed_view = conversation_view::none;
    out.note = "tries";
  } else
    answer_stale(out, press, "There is no trial here.");
  return true;
}

void say_code(step& out, std::string_view text) {
  auto code = code_of(text);
  if (code.empty()) return ask_again(out, "That is no code. Expected: 3 to 24 letters and digits, as it was given to you.");
  auto& s = out.next;
  s.promo_code = std::move(code);
  s.promo_good = false;
  s.status = conversation_status::quoting;
  s.owed_view = conversation_view::none;
  ++s.view_seq; // The question is a new one.
  out.note = "asks for a code";
}

void code_answered(step& out, const entity_reply& reply) {
  auto& s = out.next;
  if (const auto* no = std::get_if<refused>(&reply))
    return ask_again(out, no->code == refusal::not_found ? "There is no such code here." : "This code cannot be used: " + no->text + ".");
  const auto* quoted = std::get_if<promo_price>(&reply);
  if (!quoted) return ask_again(out, "This code cannot be used.");
  s.promo_price = quoted->price;
  s.promo_good = true;
  s.status = conversation_status::offered;
  owe(out, conversation_view::offer);
}

void trial_answered(step& out, const entity_reply& reply) {
  auto& s = out.next;
  if (const auto* view = std::get_if<channel_view>(&reply); view && view->terms && view->terms->trial_days > 0) {
    s.terms = view->terms;
    out.note = "terms read";
    return;
  }
  const auto* no = std::get_if<refused>(&reply);
  const bool begun = std::holds_alternative<subscription_extended>(reply);
  std::string words = begun ? "Your trial has begun. The invite comes in a moment; /subscriptions shows when it ends."
                            : "There is no trial for you: " + (no ? no->text : std::string("the channel offers none")) + ".";
  leave(s);
  owe(out, conversation_view::note, std::move(words));
}

usd_amount price_of(const conversation& s) { return s.promo_good ? s.promo_price : s.price; }

std::string price_text(const conversation& s) {
  if (!s.promo_good) return dollars(s.price);
  return dollars(s.promo_price) + " with the code " + escape_html(s.promo_code) + " (instead of " + dollars(s.price) + ")";
}

void add_extras(keyboard& rows, const conversation& s) {
  if (s.trial_days > 0) rows.push_back({button{"Try it for " + days_text(s.trial_days), "trial:" + s.order_id, false}});
  rows.push_back({button{s.promo_good ? "Another code" : "I have a code", "code:" + s.order_id, false}});
}

ask_entity quote_request(const conversation& s) {
  return {{entity_kind::promo_code, std::to_string(s.channel_id) + ":" + s.promo_code},
          promo_code_message(quote_promo{s.user_id, s.price})};
}

ask_entity trial_request(const conversation& s) {
  const auto& terms = *s.terms;
  start_trial command;
  command.order_id = s.order_id;
  command.channel_id = terms.open_channel_id;
  command.closed_channel_id = terms.closed_channel_id;
  command.user_id = s.user_id;
  command.chat_id = s.chat_id;
  command.user_name = s.user_name;
  command.channel_title = terms.closed_title;
  command.days = terms.trial_days;
  return {{entity_kind::subscription, std::to_string(s.channel_id) + ":" + std::to_string(s.user_id)},
          subscription_message(std::move(command))};
}

} // namespace paygate::talk
