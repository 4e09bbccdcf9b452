#include "actors/conversation/talk.hpp"

#include <algorithm>

namespace paygate::talk {

namespace {

/// A person cannot press faster than that for long; more than these are left to spin.
constexpr std::size_t callbacks_max = 16;

void keep_callback(conversation& s, std::string_view id, std::string_view words) {
  std::string line(id.substr(0, 64));
  if (line.find_first_of(" \n") != std::string::npos) return;
  if (!words.empty()) line += " " + std::string(words);
  if (callbacks_of(s).size() >= callbacks_max) s.open_callback.erase(0, s.open_callback.find('\n') + 1);
  s.open_callback += (s.open_callback.empty() ? "" : "\n") + line;
}

} // namespace

void owe(step& out, conversation_view view, std::string words) {
  auto& s = out.next;
  s.owed_view = view;
  s.words = std::move(words);
  s.edit_panel = false;
  ++s.view_seq;
  out.note = "shows " + std::string(to_text(view));
}

void owe_here(step& out, const chat_update& press, conversation_view view, std::string words) {
  owe(out, view, std::move(words));
  if (press.message_id == 0) return;
  out.next.panel_id = press.message_id;
  out.next.edit_panel = true;
}

void answer(step& out, const chat_update& press, std::string_view words) { keep_callback(out.next, press.callback_id, words); }

void answer_stale(step& out, const chat_update& press, std::string_view words) {
  answer(out, press, words);
  out.note = "a button of no use any more";
}

std::vector<open_callback> callbacks_of(const conversation& s) {
  std::vector<open_callback> all;
  for (std::string_view rest = s.open_callback; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    const auto space = std::min(line.find(' '), line.size());
    all.push_back({std::string(line.substr(0, space)), space < line.size() ? std::string(line.substr(space + 1)) : std::string()});
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return all;
}

void forget_callback(conversation& s, std::string_view id) {
  std::string kept;
  for (const auto& one : callbacks_of(s))
    if (one.id != id) kept += (kept.empty() ? "" : "\n") + one.id + (one.words.empty() ? "" : " " + one.words);
  s.open_callback = std::move(kept);
}

void leave(conversation& s) {
  s.status = conversation_status::idle;
  s.channel_id = 0;
  s.tier = 0;
  s.channel_title.clear();
  s.price = {};
  s.days = 0;
  s.order_id.clear();
  s.query = conversation_query::none;
  s.page = 0;
  s.amount.clear();
  s.donation_message.clear();
  s.field = form_field::none;
  s.promo_code.clear();
  s.promo_price = {};
  s.promo_good = false;
  s.trial_days = 0;
  s.post_html.clear();
  s.to_subscribers = false;
  s.promo_line.clear();
  s.terms.reset();
  s.found.reset();
}

std::optional<std::string_view> after(std::string_view data, std::string_view prefix) {
  if (!data.starts_with(prefix)) return std::nullopt;
  return data.substr(prefix.size());
}

std::optional<std::int64_t> number_of(std::string_view text) {
  const auto read = parse_integer(text);
  if (!read || *read > INT64_MAX || *read < INT64_MIN) return std::nullopt;
  return static_cast<std::int64_t>(*read);
}

std::optional<usd_amount> dollars_of(std::string_view text) {
  text = trim(text);
  if (text.starts_with('$')) text = trim(text.substr(1));
  if (text.empty() || text.size() > 16 || text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  const auto read = parse_decimal(text);
  if (!read || !read->exact || truncate_to(read->units, 2) != read->units) return std::nullopt;
  return usd_amount::of_units(read->units);
}

std::string dollars(usd_amount value) { return "$" + to_fixed(value.units(), 2); }

std::string days_text(std::int32_t days) { return std::to_string(days) + (days == 1 ? " day" : " days"); }

std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::string shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes)) + "…";
}

} // namespace paygate::talk
