#include <algorithm>

#include "actors/channel/channel_terms.hpp"
#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversation/talk.hpp"

namespace paygate::talk {

namespace {

constexpr std::size_t message_max = 200; // Characters.
constexpr std::string_view stale_donation = "This offer is no longer valid.";

/// What is wrong with an amount; empty when nothing is.
std::string objection_to(usd_amount amount, const policy& rules) {
  if (amount < rules.donation_min) return "The least is " + dollars(rules.donation_min) + ".";
  if (amount > rules.donation_max) return "The most is " + dollars(rules.donation_max) + ".";
  return "";
}

/// The amount after a key; the same when the key cannot follow.
std::string typed(const std::string& amount, char key) {
  if (key == 'c') return "";
  if (key == 'b') return amount.substr(0, amount.empty() ? 0 : amount.size() - 1);
  const auto point = amount.find('.');
  if (key == '.') return point != std::string::npos ? amount : (amount.empty() ? "0." : amount + ".");
  if (point != std::string::npos) return amount.size() - point > 2 ? amount : amount + key;
  if (amount == "0") return std::string(1, key);
  return amount.size() >= 7 ? amount : amount + key;
}

void amount_known(step& out, usd_amount amount) {
  out.next.price = amount;
  out.next.amount.clear();
  out.next.status = conversation_status::writing_message;
}

void order(step& out) {
  auto& s = out.next;
  s.status = conversation_status::ordering;
  s.terms.reset(); // Of now, not of when the amounts were shown.
  s.owed_view = conversation_view::none;
  out.note = "ordered " + s.order_id;
}

void confirm(step& out, const chat_update& press, const policy& rules) {
  auto& s = out.next;
  const auto amount = dollars_of(s.amount.empty() ? "0" : s.amount);
  const auto why = amount ? objection_to(*amount, rules) : std::string("Please type an amount.");
  answer(out, press, why);
  if (!why.empty()) {
    out.note = "an amount that cannot be";
    return;
  }
  amount_known(out, *amount);
  owe_here(out, press, conversation_view::ask_message);
}

void press_key(step& out, const chat_update& press, std::string_view key, const policy& rules) {
  auto& s = out.next;
  if (key == "x") {
    answer(out, press);
    leave(s);
    return owe_here(out, press, conversation_view::cancelled);
  }
  if (s.status != conversation_status::typing_amount) return answer_stale(out, press, "The amount is settled already.");
  if (key == "ok") return confirm(out, press, rules);
  const auto next = typed(s.amount, key.front());
  if (next == s.amount)
    return answer_stale(out, press,
                        key == "b" || key == "c" ? "There is nothing to delete." : "That key cannot follow: two decimals are the most.");
  s.amount = next;
  answer(out, press);
  owe_here(out, press, conversation_view::keypad);
}

bool is_key(std::string_view key) {
  return key == "ok" || (key.size() == 1 && std::string_view("0123456789.bcx").find(key[0]) != std::string_view::npos);
}

/// What a button of a donation wants, when its order is the one that is open: "don:5", "amt", "key:7", "skip".
std::optional<std::string_view> wish_of(std::string_view data, const std::string& order_id) {
  if (order_id.empty() || !data.ends_with(":" + order_id)) return std::nullopt;
  return data.substr(0, data.size() - order_id.size() - 1);
}

bool is_about_donations(std::string_view data) {
  for (const char* prefix : {"don:", "amt:", "key:", "skip:"})
    if (data.starts_with(prefix)) return true;
  return false;
}

} // namespace

bool press_donation(step& out, const chat_update& press, const policy& rules) {
  auto& s = out.next;
  if (!is_about_donations(press.callback_data)) return false;
  const auto wish = s.tier == start_link::donation ? wish_of(press.callback_data, s.order_id) : std::nullopt;
  const auto preset = wish ? after(*wish, "don:") : std::nullopt;
  const auto key = wish ? after(*wish, "key:") : std::nullopt;
  if (s.status == conversation_status::ordering && wish) {
    answer(out, press);
    out.note = "pressed again";
  } else if (preset && std::any_of(std::begin(donation_presets), std::end(donation_presets), [&](int dollars) {
               return std::to_string(dollars) == *preset;
             })) {
    const auto amount = usd_amount::of_units(*number_of(*preset) * one_coin);
    const auto why = objection_to(amount, rules);
    answer(out, press, why);
    if (!why.empty()) return true;
    amount_known(out, amount);
    owe_here(out, press, conversation_view::ask_message);
  } else if (wish && *wish == "amt") {
    answer(out, press);
    s.status = conversation_status::typing_amount;
    s.amount.clear();
    owe_here(out, press, conversation_view::keypad);
  } else if (key && is_key(*key)) {
    press_key(out, press, *key, rules);
  } else if (wish && *wish == "skip" && s.status == conversation_status::writing_message) {
    answer(out, press);
    s.donation_message.clear();
    order(out);
  } else {
    answer(out, press, stale_donation);
    owe(out, conversation_view::help);
  }
  return true;
}

void say_amount(step& out, std::string_view text, const policy& rules) {
  auto& s = out.next;
  const auto amount = dollars_of(text);
  const auto again = s.status == conversation_status::typing_amount ? conversation_view::keypad : conversation_view::use_buttons;
  if (!amount) return owe(out, again, "Please use the buttons, or write an amount like 12.50.");
  if (auto why = objection_to(*amount, rules); !why.empty()) return owe(out, again, why);
  amount_known(out, *amount);
  owe(out, conversation_view::ask_message);
}

void say_message(step& out, std::string_view text) {
  const auto message = trim(text);
  if (message.empty()) return owe(out, conversation_view::ask_message, "Only a text can be sent along.");
  if (!is_clean(message)) return owe(out, conversation_view::ask_message, "That text has characters that no message can have.");
  if (const auto length = length_of(message); length > message_max)
    return owe(out, conversation_view::ask_message,
               "That message has " + std::to_string(length) + " characters, " + std::to_string(message_max) + " are the most.");
  out.next.donation_message = message;
  order(out);
}

std::string keypad_text(const conversation& s, const policy& rules) {
  return "🎁 Donate to <b>" + escape_html(s.channel_title) + "</b>\n\nAmount: <b>$" + (s.amount.empty() ? "0" : s.amount) + "</b>\nFrom "
         + dollars(rules.donation_min) + " to " + dollars(rules.donation_max) + ". Type it with the keys, then press Confirm.";
}

keyboard keypad_buttons(const conversation& s) {
  const auto key = [&](const char* text, const char* what) { return button{text, key_data(what, s.order_id), false}; };
  return {{key("1", "1"), key("2", "2"), key("3", "3")}, {key("4", "4"), key("5", "5"), key("6", "6")},
          {key("7", "7"), key("8", "8"), key("9", "9")}, {key(".", "."), key("0", "0"), key("⌫", "b")},
          {key("Clear", "c"), key("✅ Confirm", "ok")},   {key("Cancel", "x")}};
}

std::string ask_message_text(const conversation& s) {
  return "🎁 Your donation to <b>" + escape_html(s.channel_title) + "</b>: <b>" + dollars(s.price)
         + "</b>\n\nWrite a message to the owner, at most " + std::to_string(message_max)
         + " characters, or send the donation without one.";
}

keyboard ask_message_buttons(const conversation& s) {
  return {{button{"Send without a message", "skip:" + s.order_id, false}},
          {button{"Another amount", "amt:" + s.order_id, false}, button{"Cancel", key_data("x", s.order_id), false}}};
}

} // namespace paygate::talk
