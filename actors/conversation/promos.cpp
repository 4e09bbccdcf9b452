#include <algorithm>

#include "actors/channel/channel_terms.hpp"
#include "actors/conversation/talk.hpp"
#include "messages/text.hpp"

// An owner's promo codes: listed, made by one line, disabled by a button. What a code may be is the code's own matter; here the line is
// read, and made sure whose channel it is.
namespace paygate::talk {

namespace {

constexpr std::int32_t uses_standard = 100, page_max = 10'000;
constexpr std::size_t line_max = 200;

/// A line as it was read; `wrong` says what is the matter with it, and the rest is worth nothing then.
struct promo_terms {
  std::string wrong, code;
  std::int32_t percent = 0, uses = 0, per_user = 0; ///< 0: not said.
  usd_amount fixed;
  std::optional<timestamp> expires_at;
};

std::string quoted(std::string_view text) { return "\"" + shortened(text, 40) + "\""; }

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (line = trim(line); !line.empty(); line = trim(line)) {
    const auto end = std::min(line.find_first_of(" \t\r\n"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool looks_like_day(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && is_digits(text.substr(0, 4)) && is_digits(text.substr(5, 2))
         && is_digits(text.substr(8, 2));
}

/// The end of that day, UTC; nothing when there is no such day.
std::optional<timestamp> end_of_day(std::string_view text) {
  const auto part = [&](std::size_t at, std::size_t size) { return static_cast<unsigned>(number_of(text.substr(at, size)).value_or(0)); };
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(part(0, 4))), std::chrono::month(part(5, 2)),
                                        std::chrono::day(part(8, 2))};
  if (!day.ok() || day.year() < std::chrono::year(2000)) return std::nullopt;
  return timestamp(std::chrono::sys_days(day) + std::chrono::days(1));
}

/// A whole number from 1 to `most`; 0 when it is none.
std::int32_t count_of(std::string_view text, std::int32_t most) {
  const auto number = is_digits(text) && text.size() <= 9 ? number_of(text).value_or(0) : 0;
  return number <= most ? static_cast<std::int32_t>(number) : 0;
}

/// One word behind the code; what is wrong with it.
std::string take_word(promo_terms& terms, std::string_view word) {
  const bool gives = terms.percent != 0 || !terms.fixed.is_zero();
  if (word.ends_with('%') || word.starts_with('$')) {
    if (gives) return "it says twice what the code gives";
    if (word.ends_with('%')) {
      terms.percent = count_of(word.substr(0, word.size() - 1), 100);
      return terms.percent != 0 ? "" : quoted(word) + " is no share: a whole number from 1% to 100%";
    }
    const auto amount = dollars_of(word.substr(1));
    if (!amount || !amount->is_positive()) return quoted(word) + " is no amount: like $5 or $2.50";
    terms.fixed = *amount;
    return "";
  }
  if (looks_like_day(word)) {
    if (terms.expires_at) return "it says twice when the code ends";
    terms.expires_at = end_of_day(word);
    return terms.expires_at ? "" : "there is no day " + quoted(word);
  }
  if (word == "once" || (word.starts_with('x') && is_digits(word.substr(1)))) {
    if (terms.per_user != 0) return "it says twice how often one subscriber may use the code";
    terms.per_user = word == "once" ? 1 : count_of(word.substr(1), promo_code::uses_limit);
    return terms.per_user != 0 ? "" : quoted(word) + " is no number of uses: from x1 to x" + std::to_string(promo_code::uses_limit);
  }
  if (is_digits(word)) {
    if (terms.uses != 0) return "it says twice how many orders may use the code";
    terms.uses = count_of(word, promo_code::uses_limit);
    return terms.uses != 0 ? "" : quoted(word) + " is no number of uses: from 1 to " + std::to_string(promo_code::uses_limit);
  }
  return "I do not understand " + quoted(word);
}

promo_terms read_line(std::string_view line) {
  promo_terms terms;
  const auto words = words_of(line);
  if (!words.empty()) terms.code = code_of(words.front());
  if (terms.code.empty()) {
    terms.wrong = (words.empty() ? "nothing" : quoted(words.front())) + " is no code: it has 3 to 24 of the letters A-Z, digits, - and _";
    return terms;
  }
  for (std::size_t i = 1; i < words.size(); ++i)
    if (terms.wrong = take_word(terms, words[i]); !terms.wrong.empty()) return terms;
  if (terms.percent == 0 && terms.fixed.is_zero())
    terms.wrong = "it does not say what the code gives: a share like 20% or an amount like $5";
  if (terms.uses == 0) terms.uses = std::max(uses_standard, terms.per_user);
  if (terms.per_user == 0) terms.per_user = 1;
  if (terms.wrong.empty() && terms.per_user > terms.uses)
    terms.wrong = "one subscriber cannot use the code more often than it is used at all";
  return terms;
}

void list_codes(step& out, std::int64_t channel, std::int32_t page, std::string words = {}) {
  begin_list(out, conversation_query::promo_codes);
  out.next.channel_id = channel;
  out.next.page = page;
  out.next.words = std::move(words);
}

void ask_again(step& out, std::string words) {
  out.next.status = conversation_status::entering_promo;
  out.next.promo_line.clear();
  out.next.terms.reset();
  owe(out, conversation_view::ask_promo, std::move(words));
}

/// "<channel>" or "<channel>:<rest>"; channel 0 when it is neither.
std::pair<std::int64_t, std::string_view> channel_and_rest(std::string_view data) {
  const auto colon = std::min(data.find(':'), data.size());
  return {number_of(data.substr(0, colon)).value_or(0), data.substr(std::min(colon + 1, data.size()))};
}

std::string terms_text(const listed_promo& one) {
  auto text = one.percent != 0 ? std::to_string(one.percent) + "% off" : dollars(one.fixed) + " off";
  text += ", used " + std::to_string(one.uses) + " of " + std::to_string(one.uses_max) + " times";
  text += one.uses_per_user == 1 ? ", each subscriber once" : ", each subscriber at most " + std::to_string(one.uses_per_user) + " times";
  if (one.expires_at) text += ", until " + moment_text(*one.expires_at);
  return text;
}

} // namespace

bool press_promo(step& out, const chat_update& press) {
  auto& s = out.next;
  const std::string_view data = press.callback_data;
  const auto list = after(data, "promos:"), make = after(data, "promo+:"), disable = after(data, "promo-:");
  if (!list && !make && !disable) return false;
  const auto [channel, rest] = channel_and_rest(list ? *list : make ? *make : *disable);
  const auto page = list && !rest.empty() ? number_of(rest).value_or(-1) : 0;
  const auto code = disable ? code_of(rest) : std::string();
  const bool works = s.status == conversation_status::setting_promo || s.status == conversation_status::disabling_promo
                     || s.status == conversation_status::verifying || s.status == conversation_status::saving
                     || s.status == conversation_status::settling;
  if (channel == 0 || page < 0 || page > page_max || (disable && code.empty())) {
    answer_stale(out, press, "I do not know that button.");
  } else if (works) {
    answer_stale(out, press, "One moment, please: something else is not done yet.");
  } else if (list) {
    answer(out, press);
    list_codes(out, channel, static_cast<std::int32_t>(page));
    if (press.message_id != 0) {
      s.panel_id = press.message_id;
      s.edit_panel = true;
    }
  } else if (make) {
    answer(out, press);
    leave(s);
    s.status = conversation_status::entering_promo;
    s.channel_id = channel;
    owe(out, conversation_view::ask_promo);
  } else {
    answer(out, press);
    leave(s);
    s.status = conversation_status::disabling_promo;
    s.channel_id = channel;
    s.promo_line = code;
    s.owed_view = conversation_view::none;
    s.panel_id = press.message_id;
    ++s.view_seq; // The question is a new one.
    out.note = "disables a code";
  }
  return true;
}

void say_promo(step& out, std::string_view text, timestamp now) {
  const auto line = trim(text);
  const auto again = [](const std::string& why) { return "This is no promo code yet: " + why + "."; };
  if (line.size() > line_max || !is_clean(line)) return ask_again(out, again("it is too long, or has characters that no line can have"));
  const auto terms = read_line(line);
  if (!terms.wrong.empty()) return ask_again(out, again(terms.wrong));
  if (terms.expires_at && *terms.expires_at <= now) return ask_again(out, again("its last day is over"));
  auto& s = out.next;
  s.status = conversation_status::setting_promo;
  s.promo_line = line;
  s.terms.reset();
  s.owed_view = conversation_view::none;
  ++s.view_seq; // The question is a new one.
  out.note = "sets a code";
}

void promo_answered(step& out, const entity_reply& reply) {
  auto& s = out.next;
  const auto channel = s.channel_id;
  const bool sets = s.status == conversation_status::setting_promo;
  const auto* no = std::get_if<refused>(&reply);
  if (!s.terms) {
    const auto* view = std::get_if<channel_view>(&reply);
    if (view && view->terms && view->terms->owner_user_id != 0 && view->terms->owner_user_id == s.user_id) {
      s.terms = view->terms;
      out.note = "terms read";
      return;
    }
    leave(s);
    return owe(out, conversation_view::note,
               view ? "This channel is registered by somebody else." : "This channel is not on sale any more.");
  }
  if (no && sets) return ask_again(out, "This code cannot be set: " + no->text + ".");
  const auto code = sets ? read_line(s.promo_line).code : s.promo_line;
  // The list shows how it is now.
  if (no) return list_codes(out, channel, 0, code + " cannot be disabled: " + no->text + ".");
  const auto panel = sets ? 0 : s.panel_id; // A line that was typed stands below the list by now.
  list_codes(out, channel, 0, sets ? "✅ " + code + " can be used now." : "✅ Nobody can use " + code + " from now on.");
  s.edit_panel = panel != 0;
}

ask_entity promo_request(const conversation& s) {
  const auto id = std::to_string(s.channel_id) + ":";
  if (s.status == conversation_status::disabling_promo)
    return {{entity_kind::promo_code, id + s.promo_line}, promo_code_message(disable_promo{})};
  const auto terms = read_line(s.promo_line);
  set_promo command;
  command.channel_id = s.channel_id;
  command.code = terms.code;
  command.percent = terms.percent;
  command.fixed = terms.fixed;
  command.uses_max = terms.uses;
  command.uses_per_user = terms.per_user;
  command.expires_at = terms.expires_at;
  return {{entity_kind::promo_code, id + terms.code}, promo_code_message(std::move(command))};
}

std::string promos_text(const promos_listed& found, std::int32_t page) {
  if (found.channel_title.empty()) return "This channel is not yours, or not registered any more.";
  std::string text = "🏷 <b>Promo codes of " + escape_html(found.channel_title) + "</b>";
  if (found.codes.empty() && page == 0) return text + "\n\nThere is none yet. A code lowers the price for whoever knows it.";
  for (const auto& one : found.codes)
    text += "\n\n<code>" + escape_html(one.code) + "</code>" + (one.disabled ? " (disabled)" : "") + "\n" + terms_text(one);
  return text;
}

keyboard promos_buttons(const conversation& s, const promos_listed& found) {
  const auto id = std::to_string(s.channel_id);
  keyboard rows;
  if (found.channel_title.empty()) return rows;
  for (const auto& one : found.codes)
    if (!one.disabled) rows.push_back({button{"⛔ Disable " + one.code, "promo-:" + id + ":" + one.code, false}});
  std::vector<button> pages;
  if (s.page > 0) pages.push_back({"« Back", "promos:" + id + ":" + std::to_string(s.page - 1), false});
  if (found.more) pages.push_back({"More »", "promos:" + id + ":" + std::to_string(s.page + 1), false});
  if (!pages.empty()) rows.push_back(std::move(pages));
  rows.push_back({button{"➕ New code", "promo+:" + id, false}});
  rows.push_back({button{"« To the channel", "edit:" + id, false}});
  return rows;
}

std::string ask_promo_text() {
  return "🏷 Write the code in one line: its name, and what it gives, like\n\n<code>SPRING 20%</code>\n<code>SPRING $5 50 2026-12-31 "
         "x2</code>\n\n"
         "Behind these, as you like: how many orders may use it ("
         + std::to_string(uses_standard)
         + " if you do not say), its last day (UTC), and how often one subscriber may use it (<code>once</code> if you do not say). A code "
           "that is there already gets these terms, and can be used again.\n\n/cancel leaves everything as it is.";
}

keyboard ask_promo_buttons(const conversation& s) { return {{button{"« Back", "promos:" + std::to_string(s.channel_id), false}}}; }

} // namespace paygate::talk
