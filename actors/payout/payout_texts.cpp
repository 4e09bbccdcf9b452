#include "actors/payout/payout_texts.hpp"

#include <algorithm>
#include <cctype>

#include "messages/chat.hpp"

namespace paygate::payout_texts {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string coin(const asset& a) {
  const auto ticker = upper(a.ticker), network = upper(a.network);
  return escape_html(ticker == network ? ticker : ticker + " (" + network + ")");
}

std::string worth(const payout& p) {
  const auto given = p.pot == payout_pot::usdt ? p.source_usdt.units() : p.source.units();
  const auto held = to_decimal(checked_sub(given, p.lost)) + (p.pot == payout_pot::usdt ? " USDT" : " ETH");
  return held + " ($" + to_fixed(p.net.units(), 2) + " USD)";
}

std::string where(const payout& p) {
  auto text = "Address: <code>" + escape_html(p.address) + "</code>";
  if (!p.extra_id.empty()) text += "\nMemo: <code>" + escape_html(p.extra_id) + "</code>";
  return text;
}

std::string number(const entity_ref& self) { return "\nPayout: <code>" + escape_html(self.id) + "</code>"; }

} // namespace

std::string sent(const payout& p) {
  return "📤 <b>Payout sent</b>\n\n" + worth(p) + " is on its way to you as " + coin(p.target) + ".\n" + where(p);
}

std::string ended(const payout& p, const entity_ref& self) {
  if (p.status == payout_status::completed)
    return "✅ <b>Payout completed</b>\n\nAmount: " + to_decimal(p.amount_out) + " " + coin(p.target) + "\n" + where(p)
           + (p.payout_hash.empty() ? "" : "\nTransaction: <code>" + escape_html(p.payout_hash) + "</code>") + number(self);
  if (p.status == payout_status::failed)
    return "❌ <b>Payout failed</b>\n\n" + worth(p) + " could not be paid out as " + coin(p.target) + ".\n" + where(p)
           + "\nReason: " + escape_html(p.reason) + "\nThe money is back on your balance." + number(self);
  return "⚠️ <b>Payout needs attention</b>\n\n" + worth(p) + ", to be paid out as " + coin(p.target) + ", is held up.\n" + where(p)
         + "\nReason: " + escape_html(p.reason) + "\nWe are looking into it; you need not do anything." + number(self);
}

} // namespace paygate::payout_texts
