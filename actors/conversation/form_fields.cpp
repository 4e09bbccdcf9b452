#include <algorithm>

#include "actors/channel/channel_terms.hpp"
#include "actors/conversation/talk.hpp"
#include "addresses/address.hpp"

namespace paygate::talk {

namespace {

struct field_words {
  form_field field;
  const char* label;
  const char* prompt;
};
constexpr field_words all_words[] = {
    {form_field::none, "", ""},
    {form_field::open_channel, "Public channel",
     "Which is the public channel, where offers are posted? Forward me a message of it, or send its @name or its id (-100...). I must be "
     "an administrator there."},
    {form_field::closed_channel, "Private channel",
     "Which is the private channel, that people pay for? Forward me a message of it, or send its id (-100...) or a link to one of its "
     "messages (t.me/c/...). I must be an administrator there."},
    {form_field::open_title, "Title of the public channel", "What is the public channel called?"},
    {form_field::closed_title, "Title of the private channel", "What is the private channel called? Subscribers see this title."},
    {form_field::description, "Description", "What do subscribers get? A few sentences, or - for none."},
    {form_field::price_1, "Price of tier 1", "What does tier 1 cost, in US dollars? Like 9.99."},
    {form_field::days_1, "Days of tier 1", "How many days of access does tier 1 give? Like 30."},
    {form_field::price_2, "Price of tier 2", "What does tier 2 cost, in US dollars? Like 9.99."},
    {form_field::days_2, "Days of tier 2", "How many days of access does tier 2 give? Like 30."},
    {form_field::price_3, "Price of tier 3", "What does tier 3 cost, in US dollars? Like 9.99."},
    {form_field::days_3, "Days of tier 3", "How many days of access does tier 3 give? Like 30."},
    {form_field::coin, "Coin and network", "In which coin do you want to be paid, and on which network? Two words, like: usdt trx"},
    {form_field::address, "Address", "To which address are you paid? Paste it; its checksum is checked."},
    {form_field::memo, "Memo", "Which memo (tag, comment) does the wallet need? Send it, or none."},
    {form_field::threshold, "Threshold", "From which amount on are you paid, in US dollars? Like 50."},
    {form_field::trial, "Trial", "How many days may somebody stay for nothing, once? A number of days, or 0 for no trial."},
};

std::string lower(std::string_view text) {
  std::string made(text);
  for (auto& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

/// "-1001234567890", or a link to a message of a private channel: t.me/c/1234567890/5.
std::optional<std::int64_t> channel_id_of(std::string_view text) {
  if (const auto id = number_of(text)) return *id < 0 ? id : std::nullopt;
  for (const char* prefix : {"https://t.me/c/", "http://t.me/c/", "t.me/c/"})
    if (const auto rest = after(text, prefix)) return number_of("-100" + std::string(rest->substr(0, rest->find('/'))));
  return std::nullopt;
}

std::string take_channel(std::int64_t& into, std::int64_t other, std::string_view text) {
  const auto id = channel_id_of(text);
  if (!id) return "I cannot read a channel from that. Expected: a forwarded message of it, its @name, or its id like -1001234567890.";
  if (*id == other) return "That is the other one of the two channels already. Expected: two different channels.";
  into = *id;
  return "";
}

std::string take_title(std::string& into, std::string_view text) {
  if (text.empty()) return "A title cannot be empty. Expected: a text.";
  if (text.find('\n') != std::string_view::npos) return "A title has one line. Expected: a text without line breaks.";
  if (text.size() > title_max) return "That title is too long. Expected: at most " + std::to_string(title_max) + " letters.";
  if (!is_clean(text)) return "That title has characters that no message can have. Expected: a plain text.";
  into = text;
  return "";
}

std::string take_description(std::string& into, std::string_view text) {
  if (text.size() > description_max) return "That text is too long. Expected: at most " + std::to_string(description_max) + " letters.";
  if (!is_clean(text)) return "That text has characters that no message can have. Expected: a plain text.";
  into = text == "-" ? std::string_view() : text;
  return "";
}

std::string take_price(usd_amount& into, std::string_view text) {
  const auto price = dollars_of(text);
  if (!price) return "\"" + shortened(text, 40) + "\" is no price. Expected: dollars with at most 2 decimals, like 9.99.";
  if (!price->is_positive() || *price > price_max)
    return dollars(*price) + " cannot be a price. Expected: from $0.01 to " + dollars(price_max) + ".";
  into = *price;
  return "";
}

std::string take_days(std::int32_t& into, std::string_view text, std::int64_t least, std::int64_t most) {
  const auto days = number_of(text);
  if (!days || *days < least || *days > most)
    return "\"" + shortened(text, 40) + "\" is no number of days. Expected: from " + std::to_string(least) + " to " + std::to_string(most)
           + ".";
  into = static_cast<std::int32_t>(*days);
  return "";
}

std::string take_coin(channel_draft& draft, std::string_view text) {
  auto words = lower(text);
  for (auto& c : words)
    if (c == '/' || c == ',' || c == ':' || c == '(' || c == ')') c = ' ';
  const auto rest = trim(words);
  const auto space = std::min(rest.find(' '), rest.size());
  const asset wanted{std::string(rest.substr(0, space)), std::string(trim(rest.substr(space)))};
  const auto& all = listed_currencies();
  const auto same = [&](const listed_currency& c) {
    return c.ticker == wanted.ticker && (wanted.network.empty() || c.network == wanted.network);
  };
  std::string networks;
  for (const auto& c : all)
    if (c.ticker == wanted.ticker) networks += (networks.empty() ? "" : ", ") + c.network;
  if (networks.empty())
    return "I do not know the coin \"" + shortened(wanted.ticker, 20)
           + "\". Expected: a coin and its network, like usdt trx, btc btc or eth eth.";
  if (wanted.network.empty() && networks.find(',') != std::string::npos)
    return wanted.ticker + " is paid out on several networks. Expected: one of them as a second word: " + networks + ".";
  const auto found = std::find_if(all.begin(), all.end(), same);
  if (found == all.end())
    return wanted.ticker + " is not paid out on \"" + shortened(wanted.network, 20) + "\". Expected: one of " + networks + ".";
  const asset chosen{found->ticker, found->network};
  // Another network's address is of no use any more.
  if (chosen.network != draft.payout_asset.network) draft.payout_address.clear(), draft.payout_extra_id.clear();
  draft.payout_asset = chosen;
  return "";
}

/// A memo that is still to be given is no fault of the address.
std::string take_address(channel_draft& draft, std::string_view text) {
  if (draft.payout_asset.ticker.empty()) return "Please choose the coin and its network first: an address belongs to one.";
  const auto& pays = draft.payout_asset;
  auto seen = check_address(pays.ticker, pays.network, text, draft.payout_extra_id);
  if (seen.fault == address_fault::memo_missing) seen = check_address(pays.ticker, pays.network, text, no_memo);
  if (seen.fault == address_fault::memo_unused || seen.fault == address_fault::memo_malformed) {
    draft.payout_extra_id.clear();
    return take_address(draft, text);
  }
  if (!seen.is_good())
    return "That address cannot be used: " + seen.text + ". Expected: an address of " + pays.ticker + " on " + pays.network + ".";
  draft.payout_address = text;
  return "";
}

std::string take_memo(channel_draft& draft, std::string_view text) {
  if (draft.payout_address.empty()) return "Please give the address first: a memo belongs to one.";
  const auto memo = lower(text) == no_memo ? std::string(no_memo) : std::string(text);
  const auto seen = check_address(draft.payout_asset.ticker, draft.payout_asset.network, draft.payout_address, memo);
  if (!seen.is_good() && !(seen.fault == address_fault::memo_unused && memo == no_memo))
    return "That memo cannot be used: " + seen.text + ". Expected: the memo that the wallet shows with its address, or none.";
  draft.payout_extra_id = seen.fault == address_fault::memo_unused ? std::string() : memo;
  return "";
}

} // namespace

std::string_view label_of(form_field field) { return all_words[static_cast<std::size_t>(field)].label; }

std::string prompt_of(form_field field, const channel_draft& draft) {
  std::string text = all_words[static_cast<std::size_t>(field)].prompt;
  if (field == form_field::address && !draft.payout_asset.ticker.empty())
    text += " (" + draft.payout_asset.ticker + " on " + draft.payout_asset.network + ")";
  return text;
}

std::string take_field(channel_draft& draft, form_field field, std::string_view raw) {
  const auto text = trim(raw);
  auto& tiers = draft.tiers;
  switch (field) {
  case form_field::open_channel: return take_channel(draft.open_channel_id, draft.closed_channel_id, text);
  case form_field::closed_channel: return take_channel(draft.closed_channel_id, draft.open_channel_id, text);
  case form_field::open_title: return take_title(draft.open_title, text);
  case form_field::closed_title: return take_title(draft.closed_title, text);
  case form_field::description: return take_description(draft.description, text);
  case form_field::price_1: return take_price(tiers[0].price, text);
  case form_field::days_1: return take_days(tiers[0].days, text, 1, days_max);
  case form_field::price_2: return take_price(tiers[1].price, text);
  case form_field::days_2: return take_days(tiers[1].days, text, 1, days_max);
  case form_field::price_3: return take_price(tiers[2].price, text);
  case form_field::days_3: return take_days(tiers[2].days, text, 1, days_max);
  case form_field::coin: return take_coin(draft, text);
  case form_field::address: return take_address(draft, text);
  case form_field::memo: return take_memo(draft, text);
  case form_field::threshold: return take_price(draft.threshold, text);
  case form_field::trial: return take_days(draft.trial_days, text, 0, trial_days_max);
  case form_field::none: break;
  }
  return "Please choose first what to change.";
}

channel terms_of(const channel_draft& draft) {
  channel terms;
  terms.open_channel_id = draft.open_channel_id;
  terms.closed_channel_id = draft.closed_channel_id;
  terms.open_title = draft.open_title;
  terms.closed_title = draft.closed_title;
  terms.description = draft.description;
  std::size_t used = 0;
  for (const auto& tier : draft.tiers)
    if (tier.days > 0) terms.tiers[used++] = tier;
  terms.donations = draft.donations;
  terms.strategy = draft.strategy;
  terms.threshold = draft.threshold;
  terms.payout_asset = draft.payout_asset;
  terms.payout_address = draft.payout_address;
  terms.payout_extra_id = draft.payout_extra_id;
  terms.trial_days = draft.trial_days;
  return terms;
}

std::string objection_to(const channel_draft& draft) {
  if (draft.open_channel_id == 0) return "the public channel is missing";
  if (draft.closed_channel_id == 0) return "the private channel is missing";
  auto terms = terms_of(draft);
  if (terms.tiers[0].days == 0) return "all tiers are off: switch on one at least";
  if (terms.payout_asset.ticker.empty()) return "the coin that you want to be paid in is missing";
  if (terms.payout_address.empty()) return "the address that you want to be paid to is missing";
  // Telegram says what they are called when nobody else did.
  if (terms.open_title.empty()) terms.open_title = "?";
  if (terms.closed_title.empty()) terms.closed_title = "?";
  return objection_to_terms(terms);
}

} // namespace paygate::talk
