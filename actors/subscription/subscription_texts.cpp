#include "actors/subscription/subscription_parts.hpp"
#include "messages/chat.hpp"
#include "messages/text.hpp"

namespace paygate::subscriptions {

namespace {

std::string title(const subscription& s) { return "<b>" + escape_html(s.channel_title) + "</b>"; }

std::string invited_text(const subscription& s) {
  const auto bought = !s.periods.empty() && s.periods.back().order_id != s.trial_order;
  std::string text = bought ? "Thank you, your payment is confirmed. ✅\n\n" : "Your trial has begun. ✅\n\n";
  if (s.asked) text.clear();
  return text + "Your invite to " + title(s) + ": " + escape_html(s.invite_link) + "\nIt works once and for a limited time.\nYour access lasts until "
         + moment_text(s.ends_at) + "." + s.remark;
}

} // namespace

std::string notice_text(const subscription& s) {
  switch (s.owed_notice) {
  case subscription_notice::none: return "";
  case subscription_notice::invited: return invited_text(s);
  case subscription_notice::extended:
    return "Thank you, your payment is confirmed. ✅\n\nYour access to " + title(s) + " lasts until " + moment_text(s.ends_at)
           + ". You are in already, there is nothing to do." + s.remark;
  case subscription_notice::admitted:
    return "You are in: welcome to " + title(s) + ". ✅\nYour access lasts until " + moment_text(s.ends_at) + "." + s.remark;
  case subscription_notice::present:
    return "You are a member of " + title(s) + " already. Your access lasts until " + moment_text(s.ends_at) + ".";
  case subscription_notice::ended:
    return "Your access to " + title(s) + " has ended. You are welcome to come back: press the button to renew.";
  case subscription_notice::misused:
    return "Somebody else came in to " + title(s)
           + " by your invite link. The link is personal. Ask for a fresh one with /subscriptions.";
  case subscription_notice::requested:
    return "You asked to be let in to " + title(s) + ". As soon as you have paid you are let in by yourself: press the button to see the offer.";
  }
  return "";
}

std::string reminder_text(const subscription& s) {
  return "Your access to " + title(s) + " ends on " + moment_text(s.ends_at)
         + ". Renew now and the new time begins where the old one ends: nothing is lost.";
}

} // namespace paygate::subscriptions
