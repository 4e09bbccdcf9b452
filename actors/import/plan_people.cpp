#include <algorithm>
#include <charconv>

#include "actors/channel/channel_machine.hpp"
#include "actors/import/legacy_value.hpp"
#include "actors/import/plan_parts.hpp"
#include "addresses/address.hpp"
#include "crypto/bcrypt.hpp"

// Owners, channels and subscriptions.
namespace paygate::importing {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

/// "sub_2_price"
std::string tier_column(int number, const char* what) { return "sub_" + std::to_string(number) + "_" + what; }

/// What is wrong with a channel's tiers; they are read into `terms`.
std::string read_tiers(const row& r, channel& terms) {
  std::size_t place = 0;
  for (int number = 1; number <= 3; ++number) {
    const auto price_text = r.raw(tier_column(number, "price")), days_text = r.raw(tier_column(number, "time"));
    // 0 is how the predecessor wrote that there is none.
    const auto days = whole_number(days_text);
    if (days_text.empty() || (days && *days == 0)) continue;
    const auto cents = price(price_text);
    const auto name = "tier " + std::to_string(number);
    if (!cents) return "the price of " + name + " is none";
    if (!days || *days < 0 || *days > 3660) return "the days of " + name + " are none";
    terms.tiers[place++] = {usd_amount::of_units(*cents), static_cast<std::int32_t>(*days)};
  }
  return place == 0 ? "it has no tier" : "";
}

std::int64_t owner_chat(const row& r) {
  for (const auto* column : {"notification_id", "created_by"})
    if (const auto chat = whole_number(r.raw(column)); chat && *chat > 0) return *chat;
  return 0;
}

/// What is wrong with a channel's row; it is read into `terms`.
std::string read_channel(const row& r, channel& terms) {
  const auto open = whole_number(r.raw("open_channel_id")), closed = whole_number(r.raw("closed_channel_id"));
  if (!open || *open >= 0) return "its open channel's id is none";
  if (!closed || *closed >= 0) return "its closed channel's id is none";
  terms.open_channel_id = *open;
  terms.closed_channel_id = *closed;
  const auto open_title = clean_text(r.raw("open_channel_title")), closed_title = clean_text(r.raw("closed_channel_title"));
  const auto about_closed = clean_text(r.raw("closed_channel_description")), about_open = clean_text(r.raw("open_channel_description"));
  if (!open_title || !closed_title || !about_closed || !about_open) return "a text of it has characters that no message can have";
  terms.open_title = open_title->empty() ? *closed_title : *open_title;
  terms.closed_title = closed_title->empty() ? *open_title : *closed_title;
  terms.description = about_closed->empty() ? *about_open : *about_closed;
  terms.owner_chat_id = owner_chat(r);
  if (auto wrong = read_tiers(r, terms); !wrong.empty()) return wrong;
  const auto strategy = lower(clean_text(r.raw("payout_strategy")).value_or("?"));
  if (strategy == "threshold")
    terms.strategy = payout_strategy::threshold;
  else if (!strategy.empty() && strategy != "instant")
    return "its payout strategy is neither instant nor threshold";
  if (r.has("payout_threshold_usd") && terms.strategy == payout_strategy::threshold) {
    const auto threshold = price(r.raw("payout_threshold_usd"));
    if (!threshold) return "its payout threshold is no amount";
    terms.threshold = usd_amount::of_units(*threshold);
  } else if (terms.strategy == payout_strategy::threshold)
    return "it has no payout threshold";
  terms.payout_asset = {lower(clean_text(r.raw("client_payout_currency")).value_or("")),
                        lower(clean_text(r.raw("client_payout_network")).value_or(""))};
  terms.payout_address = clean_text(r.raw("client_wallet_address")).value_or("");
  return "";
}

} // namespace

void planner::owners() {
  std::map<std::string, std::string> names; // Folded names and addresses, and whose they are.
  each_row("registered_users", {"user_id"}, [&](const row& r, const std::string& key) {
    if (!truth(r.raw("is_active")).value_or(true)) return settled(r);
    open_account command;
    command.user_name = clean_text(r.raw("username")).value_or("");
    command.email = clean_text(r.raw("email")).value_or("");
    command.password_hash = clean_text(r.raw("password_hash")).value_or("");
    command.email_verified = truth(r.raw("email_verified")).value_or(false);
    if (!is_user_name(command.user_name)) return problem(r, key, "its username cannot be one here");
    if (!is_mail_address(command.email)) return problem(r, key, "its email is no address");
    if (!is_bcrypt(command.password_hash)) return problem(r, key, "its password_hash is not bcrypt's");
    const auto id = imported_id(r.table().name, key);
    for (const auto& name : {name_id(command.user_name), mail_id(command.email)})
      if (const auto found = names.find(name); found != names.end())
        return problem(r, key, (name[0] == 'm' ? "its email is that of " : "its username is that of ") + found->second);
    names[name_id(command.user_name)] = names[mail_id(command.email)] = key;
    accounts[key] = id;
    want(import_stage::owners, r, key, {entity_kind::account, id}, account_message(std::move(command)));
  });
}

void planner::all_channels() {
  std::map<std::int64_t, std::string> open_ones;
  each_row("main_clients_database", {"open_channel_id"}, [&](const row& r, const std::string& key) {
    channel terms;
    if (auto wrong = read_channel(r, terms); !wrong.empty()) return problem(r, key, std::move(wrong));
    if (const auto before = open_ones.find(terms.open_channel_id); before != open_ones.end())
      return problem(r, key, "there is a row of this channel before it");
    if (const auto before = channels.find(terms.closed_channel_id); before != channels.end())
      return problem(r, key, "its closed channel is that of " + before->second.key);
    const auto owner = accounts.find(clean_text(r.raw("client_id")).value_or(""));
    if (owner != accounts.end()) terms.owner_account = owner->second;
    const entity_ref to{entity_kind::channel, std::to_string(terms.open_channel_id)};
    const channel_message command = register_channel{terms};
    const auto verdict = channel_kind::apply({}, false, command, {to, now, rules});
    if (const auto* no = std::get_if<refused>(&verdict)) return problem(r, key, no->text);
    if (owner == accounts.end()) difference(r, key, "its owner is no account that is taken over: they reach it by Telegram alone");
    open_ones[terms.open_channel_id] = key;
    channels[terms.closed_channel_id] = {terms, key};
    want(import_stage::channels, r, key, to, command);
  });
}

void planner::subscriptions() {
  each_row("private_channel_users_database", {"id"}, [&](const row& r, const std::string& key) {
    if (!truth(r.raw("is_active")).value_or(true)) return settled(r);
    const auto closed = whole_number(r.raw("private_channel_id"));
    const auto user = whole_number(r.raw("user_id"));
    if (!user || *user <= 0) return problem(r, key, "its user_id is none");
    const auto found = closed ? channels.find(*closed) : channels.end();
    if (found == channels.end()) return problem(r, key, "its channel is none that is taken over");
    const auto end = access_end(r.raw("expire_time"), r.raw("expire_date"));
    if (!end) return problem(r, key, "neither expire_time nor expire_date is a date");
    if (end->disagree) difference(r, key, "expire_time and expire_date disagree: the later one holds, " + to_text(end->at));
    if (end->at > last_end())
      difference(r, key, "it ends in " + to_text(end->at).substr(0, 4) + ": it is kept until " + to_text(last_end()));
    const auto& terms = found->second.terms;
    import_subscription command;
    command.order_id = imported_id(r.table().name, key);
    command.channel_id = terms.open_channel_id;
    command.closed_channel_id = terms.closed_channel_id;
    command.user_id = command.chat_id = *user; // A private chat has its user's id.
    command.channel_title = terms.closed_title;
    command.ends_at = std::min(end->at, last_end());
    const auto days = std::clamp<std::int64_t>(whole_number(r.raw("sub_time")).value_or(0), 0, 3660);
    command.starts_at = command.ends_at - std::chrono::days(days);
    want(import_stage::subscriptions, r, key,
         {entity_kind::subscription, std::to_string(command.channel_id) + ":" + std::to_string(command.user_id)},
         subscription_message(std::move(command)));
  });
}

/// The predecessor's pairs are not taken over: ours come from the exchange. What it had beyond them is said.
void planner::currencies() {
  each_row("currency_to_network", {"currency", "network"}, [&](const row& r, const std::string& key) {
    const auto ticker = lower(clean_text(r.raw("currency")).value_or("")), network = lower(clean_text(r.raw("network")).value_or(""));
    const auto& known = listed_currencies();
    const auto ours = std::any_of(known.begin(), known.end(), [&](const auto& c) { return c.ticker == ticker && c.network == network; });
    if (ours) return settled(r);
    difference(r, key, "this pair is not in our list of currencies");
  });
}

} // namespace paygate::importing
