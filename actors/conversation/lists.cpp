#include "actors/conversation/talk.hpp"
#include "messages/text.hpp"

namespace paygate::talk {

namespace {

constexpr std::uint32_t page_size = 5, donation_page_size = 8;
constexpr std::int32_t page_max = 10'000;
constexpr std::size_t button_text_max = 40;

std::string id_of(std::int64_t channel) { return std::to_string(channel); }

std::string subscriptions_text(const subscriptions_listed& found, std::int32_t page) {
  if (found.subscriptions.empty() && page == 0)
    return "You have no subscription yet. Open a channel that offers one and press a button under its post.";
  std::string text = "<b>Your subscriptions</b>";
  for (const auto& one : found.subscriptions) {
    text += "\n\n<b>" + escape_html(one.channel_title) + "</b>\n";
    text += one.status == "expired" ? "Ended " + moment_text(one.ends_at) : "Until " + moment_text(one.ends_at);
    if (one.status == "grace") text += " (over: renew it now to stay)";
  }
  return text;
}

keyboard subscriptions_buttons(const subscriptions_listed& found) {
  keyboard rows;
  for (const auto& one : found.subscriptions) {
    if (one.status != "expired") rows.push_back(button_line("🔗 New invite: ", one.channel_title, "inv:" + id_of(one.channel_id)));
    if (one.on_sale) rows.push_back(button_line("🔁 Renew: ", one.channel_title, "renew:" + id_of(one.channel_id)));
  }
  return rows;
}

std::string channels_text(conversation_query query, const channels_listed& found, std::int32_t page) {
  const bool none = found.channels.empty() && page == 0;
  if (query == conversation_query::donations)
    return none ? "No channel takes donations at the moment." : "🎁 <b>Whom do you want to donate to?</b>";
  if (none) return "You have no channel here yet. Make me an administrator of your public and your private channel, then register them.";
  if (query == conversation_query::broadcasts) return "📣 <b>Which channel is it about?</b>";
  std::string text = "<b>Your channels</b>";
  for (const auto& one : found.channels) {
    text += "\n\n<b>" + escape_html(one.open_title) + "</b> → " + escape_html(one.closed_title);
    if (one.status == "draining") text += "\nClosed to new sales";
    if (one.status == "claiming") text += "\nBeing registered";
    if (one.status == "registered") text += "\nThe offer is not posted yet";
  }
  return text;
}

keyboard channels_buttons(conversation_query query, const channels_listed& found) {
  keyboard rows;
  for (const auto& one : found.channels)
    if (query == conversation_query::donations)
      rows.push_back(button_line("", one.closed_title, "give:" + id_of(one.channel_id)));
    else if (query == conversation_query::broadcasts) {
      if (one.status == "registered" || one.status == "offered")
        rows.push_back(button_line("📣 ", one.open_title, "post:" + id_of(one.channel_id)));
    } else if (one.status != "claiming")
      rows.push_back(button_line("✏️ ", one.open_title, "edit:" + id_of(one.channel_id)));
  return rows;
}

std::string stats_text(const stats_seen& found, std::int32_t page) {
  if (found.channels.empty() && page == 0) return "You have no channel here yet: /channels registers one.";
  std::string text = "📊 <b>Your channels</b>";
  for (const auto& one : found.channels) {
    text += "\n\n<b>" + escape_html(one.title) + "</b>";
    if (one.status == "draining" || one.status == "closed") text += " (" + one.status + ")";
    text += "\nSubscribers: " + std::to_string(one.subscribers);
    text += "\nPayments: " + std::to_string(one.payments) + ", of them donations: " + std::to_string(one.donations);
    text += "\nCame in: " + dollars(one.gross) + ", in the last 30 days: " + dollars(one.gross_month) + " ("
            + std::to_string(one.payments_month) + (one.payments_month == 1 ? " payment)" : " payments)");
    text += "\nOn its way to you: " + dollars(one.pending) + "\nPaid out: " + dollars(one.paid);
  }
  return text;
}

/// What the list holds, as three things: text, buttons, and whether there is another page.
struct shown {
  std::string text;
  keyboard buttons;
  bool more = false;
};

shown show(const conversation& s) {
  if (!s.found) return {};
  if (const auto* found = std::get_if<subscriptions_listed>(s.found.get()))
    return {subscriptions_text(*found, s.page), subscriptions_buttons(*found), found->more};
  if (const auto* found = std::get_if<channels_listed>(s.found.get()))
    return {channels_text(s.query, *found, s.page), channels_buttons(s.query, *found), found->more};
  if (const auto* found = std::get_if<promos_listed>(s.found.get())) return {promos_text(*found, s.page), promos_buttons(s, *found), false};
  if (const auto* found = std::get_if<accounts_listed>(s.found.get())) return {accounts_text(*found), accounts_buttons(*found), false};
  if (const auto* found = std::get_if<stats_seen>(s.found.get())) return {stats_text(*found, s.page), {}, found->more};
  return {};
}

/// "page:<query>:<n>".
std::optional<std::pair<conversation_query, std::int32_t>> page_of(std::string_view data) {
  const auto rest = after(data, "page:");
  const auto colon = rest ? rest->find(':') : std::string_view::npos;
  if (colon == std::string_view::npos) return std::nullopt;
  const auto query = parse_enum<conversation_query>(rest->substr(0, colon));
  const auto page = number_of(rest->substr(colon + 1));
  if (!query || *query == conversation_query::none || *query == conversation_query::promo_codes
      || *query == conversation_query::accounts || !page || *page < 0 || *page > page_max)
    return std::nullopt;
  return std::pair{*query, static_cast<std::int32_t>(*page)};
}

} // namespace

std::vector<button> button_line(std::string_view what, const std::string& title, std::string data) {
  return {button{std::string(what) + shortened(title, button_text_max), std::move(data), false}};
}

void begin_list(step& out, conversation_query query) {
  auto& s = out.next;
  leave(s);
  s.status = conversation_status::listing;
  s.query = query;
  s.owed_view = conversation_view::none;
  s.edit_panel = false;
  s.words.clear();
  ++s.view_seq; // The question is a new one.
  out.note = "lists " + std::string(to_text(query));
}

bool press_list(step& out, const chat_update& press) {
  const auto wanted = page_of(press.callback_data);
  if (!wanted) return false;
  answer(out, press);
  begin_list(out, wanted->first);
  out.next.page = wanted->second;
  if (press.message_id != 0) {
    out.next.panel_id = press.message_id;
    out.next.edit_panel = true;
  }
  return true;
}

io_request list_request(const conversation& s) {
  const auto page = static_cast<std::uint32_t>(s.page);
  switch (s.query) {
  case conversation_query::subscriptions: return list_subscriptions{s.user_id, page * page_size, page_size};
  case conversation_query::broadcasts:
  case conversation_query::own_channels: return list_channels{s.user_id, page * page_size, page_size};
  case conversation_query::promo_codes: return list_promos{s.user_id, s.channel_id, page * page_size, page_size};
  case conversation_query::accounts: return list_accounts{s.user_id};
  case conversation_query::stats: return channel_stats{s.user_id, 0, page * page_size, page_size};
  case conversation_query::donations:
  case conversation_query::none: break;
  }
  return list_donation_channels{page * donation_page_size, donation_page_size};
}

void list_found(step& out, const io_outcome& outcome) {
  const bool here = out.next.edit_panel;
  out.next.found = std::make_shared<const io_outcome>(outcome);
  owe(out, conversation_view::list, std::exchange(out.next.words, {}));
  out.next.edit_panel = here;
}

std::string list_text(const conversation& s) {
  auto text = show(s).text;
  if (s.page > 0) text += "\n\nPage " + std::to_string(s.page + 1);
  return text;
}

keyboard list_buttons(const conversation& s) {
  auto [text, rows, more] = show(s);
  const auto turn = [&](const char* text_of_it, std::int32_t page) {
    return button{text_of_it, "page:" + std::string(to_text(s.query)) + ":" + std::to_string(page), false};
  };
  std::vector<button> pages;
  if (s.query == conversation_query::promo_codes) return rows; // They have their own.
  if (s.page > 0) pages.push_back(turn("« Back", s.page - 1));
  if (more) pages.push_back(turn("More »", s.page + 1));
  if (!pages.empty()) rows.push_back(std::move(pages));
  if (s.query == conversation_query::own_channels) {
    if (!s.drafts.empty()) rows.push_back({button{"✏️ Go on with what is not saved", "draft", false}});
    rows.push_back({button{"➕ Register a channel", "new", false}});
  }
  return rows;
}

} // namespace paygate::talk
