#include <cstdlib>

#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversation/talk.hpp"

namespace paygate {

namespace {

std::string offer_text(const conversation& s) {
  const auto title = "<b>" + escape_html(s.channel_title) + "</b>";
  if (s.tier == start_link::donation) return "🎁 Donate to " + title + ".\n\nChoose an amount:";
  return title + "\n\nPrice: " + talk::price_text(s) + "\nAccess: " + talk::days_text(s.days)
         + "\n\nPress Pay to get a payment link. You can pay in more than 150 coins.";
}

std::string help_text() {
  return "I sell access to private channels.\n\nOpen a channel that offers it and press a button under its post: I show you the price, "
         "and when you have paid I send you an invite link.\n\n/subscriptions shows yours: when they end, a new invite, renewing\n"
         "/donate gives something to a channel that you like\n\nYou own a channel?\n/channels registers and changes it\n"
         "/broadcast sends your own words\n/stats shows what it earns\n/account shows the web accounts linked to you, and unlinks them\n\n/cancel stops what is going on\n/help shows this text";
}

std::string view_text(const conversation& s, const policy& rules) {
  switch (s.owed_view) {
  case conversation_view::offer: return offer_text(s);
  case conversation_view::unknown_link:
    return "This link is not valid. Please open the channel again and use the buttons under its newest post.";
  case conversation_view::not_for_sale: return "This offer is not on sale any more. Please look for a newer post in the channel.";
  case conversation_view::use_buttons:
    return "Please use the buttons under the offer above. Send /start to begin anew, /cancel to stop, /help for help.";
  case conversation_view::cancelled: return "It is cancelled. /help shows what I can do.";
  case conversation_view::choice:
    return "<b>" + escape_html(s.terms->closed_title) + "</b>"
           + (s.terms->description.empty() ? "" : "\n\n" + escape_html(s.terms->description)) + "\n\nChoose how long you want access:";
  case conversation_view::keypad: return talk::keypad_text(s, rules);
  case conversation_view::ask_message: return talk::ask_message_text(s);
  case conversation_view::list: return talk::list_text(s);
  case conversation_view::form: return talk::form_text(s.drafts.front());
  case conversation_view::ask_field: return escape_html(talk::prompt_of(s.field, s.drafts.front())) + "\n\n/cancel leaves it as it is.";
  case conversation_view::confirm_close:
    return "⛔ Do you really want to close <b>" + escape_html(s.drafts.front().open_title)
           + "</b>? Nothing is sold any more. Those who have paid keep their access until its end, and what is yours is paid out to you.";
  case conversation_view::ask_code: return "🏷 Which code do you have? Write it.";
  case conversation_view::ask_post: return talk::ask_post_text(s);
  case conversation_view::ask_promo: return talk::ask_promo_text();
  case conversation_view::preview_post: return talk::preview_text(s);
  case conversation_view::note:
  case conversation_view::confirm_link: return "";
  case conversation_view::help:
  case conversation_view::none: break;
  }
  return help_text();
}

/// What is said with a view stands above it.
std::string whole_text(const conversation& s, const policy& rules) {
  if (s.owed_view == conversation_view::confirm_link) return talk::link_text(s);
  auto text = view_text(s, rules);
  if (s.words.empty()) return text;
  return escape_html(s.words) + (text.empty() ? "" : "\n\n" + text);
}

keyboard offer_buttons(const conversation& s, const policy& rules) {
  if (s.tier != start_link::donation) {
    keyboard rows{{button{"Pay " + talk::dollars(talk::price_of(s)), pay_data(s.order_id), false}}};
    talk::add_extras(rows, s);
    return rows;
  }
  keyboard rows(1);
  for (int dollars : donation_presets) {
    const auto amount = usd_amount::of_units(dollars * one_coin);
    if (amount < rules.donation_min || amount > rules.donation_max) continue;
    if (rows.back().size() == 3) rows.emplace_back();
    rows.back().push_back(button{"$" + std::to_string(dollars), donation_data(dollars, s.order_id), false});
  }
  if (rows.back().empty()) rows.pop_back();
  rows.push_back({button{"Another amount", "amt:" + s.order_id, false}});
  return rows;
}

keyboard choice_buttons(const channel& terms) {
  const auto id = std::to_string(terms.open_channel_id);
  keyboard rows;
  for (std::size_t i = 0; i < terms.tiers.size(); ++i)
    if (const auto& tier = terms.tiers[i]; tier.days > 0)
      rows.push_back(
          {button{talk::days_text(tier.days) + " - " + talk::dollars(tier.price), "tier:" + id + ":" + std::to_string(i), false}});
  if (terms.donations) rows.push_back({button{"🎁 Donate", "give:" + id, false}});
  return rows;
}

keyboard view_buttons(const conversation& s, const policy& rules) {
  switch (s.owed_view) {
  case conversation_view::offer: return offer_buttons(s, rules);
  case conversation_view::choice: return choice_buttons(*s.terms);
  case conversation_view::keypad: return talk::keypad_buttons(s);
  case conversation_view::ask_message: return talk::ask_message_buttons(s);
  case conversation_view::list: return talk::list_buttons(s);
  case conversation_view::form: return talk::form_buttons(s.drafts.front());
  case conversation_view::ask_code: return {{button{"« Back", "back:" + s.order_id, false}}};
  case conversation_view::preview_post: return talk::preview_buttons();
  case conversation_view::ask_promo: return talk::ask_promo_buttons(s);
  case conversation_view::confirm_link: return talk::link_buttons(s);
  case conversation_view::ask_field: return {{button{"« Back", "f:back", false}}};
  case conversation_view::confirm_close: return {{button{"Yes, close it", "f:really", false}, button{"« Back", "f:back", false}}};
  case conversation_view::none:
  case conversation_view::help:
  case conversation_view::unknown_link:
  case conversation_view::not_for_sale:
  case conversation_view::use_buttons:
  case conversation_view::cancelled:
  case conversation_view::ask_post:
  case conversation_view::note: break;
  }
  return {};
}

effect ask(std::string key, entity_ref to, any_message message) {
  return {std::move(key), ask_entity{std::move(to), std::move(message)}, timestamp{}, milliseconds(1'000), milliseconds(60'000)};
}

effect call(std::string key, io_request request) {
  return {std::move(key), std::move(request), timestamp{}, milliseconds(1'000), milliseconds(60'000)};
}

effect ask_channel(std::int64_t channel, std::string key) {
  return ask(std::move(key), {entity_kind::channel, std::to_string(channel)}, channel_message(get_channel{}));
}

effect place_order(const conversation& s) {
  create_payment order;
  order.terms = *s.terms;
  order.tier = s.tier;
  if (s.tier == start_link::donation) {
    order.donation_price = s.price;
    order.donation_message = s.donation_message;
  } else if (s.promo_good)
    order.promo_code = s.promo_code;
  order.chat_id = s.chat_id;
  order.user_id = s.user_id;
  order.user_name = s.user_name;
  return ask("order:" + s.order_id, {entity_kind::payment, s.order_id}, payment_message(std::move(order)));
}

effect save(const conversation& s, const std::string& seq) {
  const auto& draft = s.drafts.front();
  if (draft.registered && !s.terms) return ask_channel(draft.open_channel_id, "current:" + seq);
  return ask("save:" + seq, {entity_kind::channel, std::to_string(draft.open_channel_id)}, channel_message(talk::save_request(s)));
}

/// The question that our work waits for. Keys carry the number of the view or update that caused them: an answer to an older one finds
/// nobody.
std::optional<effect> question_due(const conversation& s) {
  const auto seq = std::to_string(s.view_seq);
  switch (s.status) {
  case conversation_status::looking_up:
    if (s.terms) return std::nullopt;
    return ask_channel(s.channel_id, "look_up:" + seq);
  case conversation_status::ordering: return s.terms ? place_order(s) : ask_channel(s.channel_id, "terms:" + s.order_id);
  case conversation_status::listing:
    if (s.found) return std::nullopt;
    return call("list:" + seq, talk::list_request(s));
  case conversation_status::opening: return ask_channel(s.channel_id, "open:" + seq);
  case conversation_status::finding: return call("find:" + seq, find_chat{s.amount});
  case conversation_status::verifying:
    return call("rights:" + seq, check_rights{s.drafts.front().open_channel_id, s.drafts.front().closed_channel_id, s.user_id});
  case conversation_status::saving: return save(s, seq);
  case conversation_status::settling: return ask_channel(s.drafts.front().open_channel_id, "settle:" + seq);
  case conversation_status::addressing: return ask_channel(s.channel_id, "address:" + seq);
  case conversation_status::claiming_post:
    return ask("claim:" + s.order_id, {entity_kind::channel, std::to_string(s.channel_id)},
               channel_message(claim_broadcast{s.order_id, broadcast_what::message, false}));
  case conversation_status::posting:
    return ask("post:" + s.order_id, {entity_kind::broadcast, s.order_id}, broadcast_message(talk::broadcast_request(s)));
  case conversation_status::quoting: {
    auto asked = talk::quote_request(s);
    return ask("quote:" + seq, std::move(asked.to), std::move(asked.message));
  }
  case conversation_status::trying: {
    if (!s.terms) return ask_channel(s.channel_id, "trial_terms:" + s.order_id);
    auto asked = talk::trial_request(s);
    return ask("trial:" + s.order_id, std::move(asked.to), std::move(asked.message));
  }
  case conversation_status::setting_promo:
  case conversation_status::disabling_promo: {
    if (!s.terms) return ask_channel(s.channel_id, "promo_terms:" + seq);
    auto asked = talk::promo_request(s);
    return ask("promo:" + seq, std::move(asked.to), std::move(asked.message));
  }
  case conversation_status::entering_promo:
  case conversation_status::entering_code:
  case conversation_status::writing_post:
  case conversation_status::confirming_post:
  case conversation_status::idle:
  case conversation_status::offered:
  case conversation_status::typing_amount:
  case conversation_status::writing_message:
  case conversation_status::editing:
  case conversation_status::entering: break;
  }
  return std::nullopt;
}

/// Whether a question of ours is open: by the status alone, so that it can be told of one whose rows are not there.
bool is_asking(const conversation& s) {
  switch (s.status) {
  case conversation_status::looking_up: return !s.terms;
  case conversation_status::listing: return !s.found;
  case conversation_status::ordering:
  case conversation_status::opening:
  case conversation_status::finding:
  case conversation_status::verifying:
  case conversation_status::saving:
  case conversation_status::settling:
  case conversation_status::addressing:
  case conversation_status::claiming_post:
  case conversation_status::posting:
  case conversation_status::quoting:
  case conversation_status::setting_promo:
  case conversation_status::disabling_promo:
  case conversation_status::trying: return true;
  case conversation_status::entering_promo:
  case conversation_status::entering_code:
  case conversation_status::writing_post:
  case conversation_status::confirming_post:
  case conversation_status::idle:
  case conversation_status::offered:
  case conversation_status::typing_amount:
  case conversation_status::writing_message:
  case conversation_status::editing:
  case conversation_status::entering: return false;
  }
  std::abort(); // No such status: memory is corrupt.
}

/// What the view shows is there: some of it is not stored, and asked for again after a restart.
bool can_show(const conversation& s) {
  switch (s.owed_view) {
  case conversation_view::none: return false;
  case conversation_view::choice: return s.terms != nullptr;
  case conversation_view::list: return s.found != nullptr;
  default: return true;
  }
}

effect show(const conversation& s, const policy& rules) {
  auto text = whole_text(s, rules);
  auto buttons = view_buttons(s, rules);
  const auto key = "view:" + std::to_string(s.view_seq);
  if (s.edit_panel && s.panel_id != 0) return call(key, edit_message{s.chat_id, s.panel_id, std::move(text), std::move(buttons)});
  return call(key, send_message{s.chat_id, std::move(text), std::move(buttons)});
}

} // namespace

std::string pay_data(const std::string& order_id) { return "pay:" + order_id; }
std::string donation_data(int dollars, const std::string& order_id) { return "don:" + std::to_string(dollars) + ":" + order_id; }
std::string key_data(std::string_view key, const std::string& order_id) { return "key:" + std::string(key) + ":" + order_id; }

std::vector<effect> conversation_kind::effects_due(const conversation& state, const entity_ref&, timestamp, const policy& rules) {
  std::vector<effect> due;
  for (auto& one : talk::callbacks_of(state)) {
    auto key = "answer:" + one.id;
    due.push_back(call(std::move(key), answer_callback{std::move(one.id), std::move(one.words)}));
  }
  if (auto question = question_due(state)) due.push_back(std::move(*question));
  if (state.errand != conversation_errand::none) {
    auto asked = talk::errand_request(state);
    due.push_back(ask("errand:" + std::string(to_text(state.errand)) + ":" + std::to_string(state.errand_channel_id), std::move(asked.to),
                      std::move(asked.message)));
  }
  if (can_show(state)) due.push_back(show(state, rules));
  return due;
}

std::optional<timestamp> conversation_kind::wakes_at(const conversation&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> conversation_kind::stuck_after(const conversation& state) {
  if (is_asking(state) || state.errand != conversation_errand::none) return std::chrono::minutes(2);
  if (state.owed_view != conversation_view::none || !state.open_callback.empty()) return std::chrono::minutes(10);
  return std::nullopt;
}

} // namespace paygate
