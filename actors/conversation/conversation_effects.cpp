#include "actors/conversation/conversation_machine.hpp"
#include "messages/channel.hpp"
#include "messages/chat.hpp"

namespace paygate {

namespace {

std::string days_text(std::int32_t days) { return std::to_string(days) + (days == 1 ? " day" : " days"); }

std::string view_text(const conversation& s) {
  const auto title = "<b>" + escape_html(s.channel_title) + "</b>";
  switch (s.owed_view) {
  case conversation_view::offer:
    if (s.tier == start_link::donation) return "🎁 Donate to " + title + ".\n\nChoose an amount:";
    return title + "\n\nPrice: $" + to_fixed(s.price.units(), 2) + "\nAccess: " + days_text(s.days)
           + "\n\nPress Pay to get a payment link. You can pay in more than 150 coins.";
  case conversation_view::unknown_link:
    return "This link is not valid. Please open the channel again and use the buttons under its newest post.";
  case conversation_view::not_for_sale: return "This offer is not on sale any more. Please look for a newer post in the channel.";
  case conversation_view::use_buttons: return "Please use the buttons under the offer above. Send /start to begin anew, /help for help.";
  case conversation_view::help:
  case conversation_view::none: break;
  }
  return "I sell access to private channels.\n\nOpen a channel that offers it and press a button under its post: I show you the price, "
         "and when you have paid I send you an invite link.\n\n/start begins anew\n/help shows this text";
}

keyboard view_buttons(const conversation& s) {
  if (s.owed_view != conversation_view::offer) return {};
  if (s.tier != start_link::donation) return {{button{"Pay $" + to_fixed(s.price.units(), 2), pay_data(s.order_id), false}}};
  keyboard rows(1);
  for (int dollars : donation_presets) {
    if (rows.back().size() == 3) rows.emplace_back();
    rows.back().push_back(button{"$" + std::to_string(dollars), donation_data(dollars, s.order_id), false});
  }
  return rows;
}

effect ask(std::string key, entity_ref to, any_message message) {
  return {std::move(key), ask_entity{std::move(to), std::move(message)}, timestamp{}, milliseconds(1'000), milliseconds(60'000)};
}

effect ask_channel(const conversation& s, std::string key) {
  return ask(std::move(key), {entity_kind::channel, std::to_string(s.channel_id)}, channel_message(get_channel{}));
}

effect place_order(const conversation& s) {
  create_payment order;
  order.terms = *s.terms;
  order.tier = s.tier;
  if (s.tier == start_link::donation) order.donation_price = s.price;
  order.chat_id = s.chat_id;
  order.user_id = s.user_id;
  order.user_name = s.user_name;
  return ask("order:" + s.order_id, {entity_kind::payment, s.order_id}, payment_message(std::move(order)));
}

} // namespace

std::string pay_data(const std::string& order_id) { return "pay:" + order_id; }
std::string donation_data(int dollars, const std::string& order_id) { return "don:" + std::to_string(dollars) + ":" + order_id; }

std::vector<effect> conversation_kind::effects_due(const conversation& state, const entity_ref&, timestamp, const policy&) {
  std::vector<effect> due;
  if (!state.open_callback.empty()) {
    const auto stale = state.open_callback.front() == '!';
    const auto id = stale ? state.open_callback.substr(1) : state.open_callback;
    due.push_back({"answer:" + id, io_request(answer_callback{id, stale ? "This offer is no longer valid." : ""}), timestamp{},
                   milliseconds(1'000), milliseconds(60'000)});
  }
  // Keys carry the number of the view or update that caused them: an answer to an older question finds nobody.
  if (state.status == conversation_status::looking_up) due.push_back(ask_channel(state, "look_up:" + std::to_string(state.view_seq)));
  if (state.status == conversation_status::ordering)
    due.push_back(state.terms ? place_order(state) : ask_channel(state, "terms:" + state.order_id));
  if (state.owed_view != conversation_view::none)
    due.push_back({"view:" + std::to_string(state.view_seq), io_request(send_message{state.chat_id, view_text(state), view_buttons(state)}),
                   timestamp{}, milliseconds(1'000), milliseconds(60'000)});
  return due;
}

std::optional<timestamp> conversation_kind::wakes_at(const conversation&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> conversation_kind::stuck_after(const conversation& state) {
  if (state.status == conversation_status::looking_up || state.status == conversation_status::ordering) return std::chrono::minutes(2);
  if (state.owed_view != conversation_view::none || !state.open_callback.empty()) return std::chrono::minutes(10);
  return std::nullopt;
}

} // namespace paygate
