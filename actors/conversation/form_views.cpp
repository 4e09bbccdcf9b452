#include "actors/conversation/talk.hpp"

namespace paygate::talk {

namespace {

std::string named(const std::string& text) { return text.empty() ? "—" : escape_html(text); }

std::string channel_line(const char* what, std::int64_t id, const std::string& title) {
  std::string text = "\n" + std::string(what) + ": ";
  if (id == 0) return text + "—";
  return text + (title.empty() ? "" : "<b>" + escape_html(title) + "</b> ") + "(" + std::to_string(id) + ")";
}

button line(std::string text, std::string_view what) { return {std::move(text), "f:" + std::string(what), false}; }

button line(form_field field) { return line(std::string(label_of(field)), to_text(field)); }

form_field shifted(form_field first, std::size_t tier) { return static_cast<form_field>(static_cast<std::size_t>(first) + 2 * tier); }

} // namespace

std::string form_text(const channel_draft& draft) {
  std::string text = draft.registered ? "✏️ <b>Your channel</b>" : "➕ <b>A new channel</b>";
  text += "\n" + channel_line("Public", draft.open_channel_id, draft.open_title);
  text += channel_line("Private", draft.closed_channel_id, draft.closed_title);
  text += "\nDescription: " + named(draft.description);
  for (std::size_t i = 0; i < draft.tiers.size(); ++i) {
    const auto& tier = draft.tiers[i];
    text += "\nTier " + std::to_string(i + 1) + ": " + (tier.days == 0 ? "off" : dollars(tier.price) + " for " + days_text(tier.days));
  }
  text += "\nDonations: " + std::string(draft.donations ? "on" : "off");
  text += "\nTrial: " + (draft.trial_days == 0 ? std::string("none") : days_text(draft.trial_days));
  const auto& pays = draft.payout_asset;
  text += "\nPaid in: " + (pays.ticker.empty() ? std::string("—") : escape_html(pays.ticker + " on " + pays.network));
  text += "\nPaid to: " + (draft.payout_address.empty() ? std::string("—") : "<code>" + escape_html(draft.payout_address) + "</code>");
  if (!draft.payout_extra_id.empty()) text += "\nMemo: <code>" + escape_html(draft.payout_extra_id) + "</code>";
  text +=
      draft.strategy == payout_strategy::instant ? "\nPayouts: after each payment" : "\nPayouts: from " + dollars(draft.threshold) + " on";
  return text + "\n\nNothing is changed before you press “Save all changes”.";
}

keyboard form_buttons(const channel_draft& draft) {
  keyboard rows;
  if (!draft.registered) rows.push_back({line(form_field::open_channel), line(form_field::closed_channel)});
  rows.push_back({line("Public title", "open_title"), line("Private title", "closed_title")});
  rows.push_back({line(form_field::description), line(form_field::trial)});
  for (std::size_t i = 0; i < draft.tiers.size(); ++i) {
    const auto number = std::to_string(i + 1);
    if (draft.tiers[i].days == 0)
      rows.push_back({line("Switch tier " + number + " on", "tier_" + number)});
    else
      rows.push_back({line("Tier " + number + " off", "tier_" + number), line("Price", to_text(shifted(form_field::price_1, i))),
                      line("Days", to_text(shifted(form_field::days_1, i)))});
  }
  rows.push_back({line(draft.donations ? "Donations off" : "Donations on", "donations")});
  rows.push_back({line(form_field::coin), line(form_field::address), line(form_field::memo)});
  if (draft.strategy == payout_strategy::instant)
    rows.push_back({line("Gather payouts up to a threshold", "strategy")});
  else
    rows.push_back({line("Pay after each payment", "strategy"), line(form_field::threshold)});
  rows.push_back({line("✅ Save all changes", "save"), line("🗑 Discard", "discard")});
  if (draft.registered)
    rows.push_back(
        {button{"🏷 Promo codes", "promos:" + std::to_string(draft.open_channel_id), false}, line("⛔ Close the channel", "close")});
  return rows;
}

} // namespace paygate::talk
