#include <algorithm>

#include "actors/channel/channel_terms.hpp"
#include "actors/conversation/talk.hpp"
#include "addresses/address.hpp"

namespace paygate::talk {

namespace {

const usd_amount usual_price = usd_amount::of_units(10 * one_coin), usual_threshold = usd_amount::of_units(50 * one_coin);
constexpr std::int32_t usual_days = 30;

/// The draft is written whenever it changes, by the step that changes it.
void keep(step& out, const channel_draft& draft) {
  out.next.drafts = {draft};
  out.rows.emplace_back(draft);
}

void drop(step& out) {
  auto closed = out.next.drafts.front();
  closed.open = false;
  out.next.drafts.clear();
  out.rows.emplace_back(std::move(closed));
}

void back_to_form(step& out, std::string words = {}) {
  auto& s = out.next;
  s.status = conversation_status::editing;
  s.field = form_field::none;
  s.terms.reset();
  owe(out, conversation_view::form, std::move(words));
}

void back_to_form_here(step& out, const chat_update& press, std::string words = {}) {
  back_to_form(out);
  owe_here(out, press, conversation_view::form, std::move(words));
}

/// The answer to work of ours: where the form was when "Save all changes" was pressed.
void back_to_panel(step& out, std::string words) {
  back_to_form(out, std::move(words));
  out.next.edit_panel = out.next.panel_id != 0;
}

void finish(step& out) {
  auto& s = out.next;
  const auto& draft = s.drafts.front();
  std::string words = "✅ All changes are saved.";
  if (!draft.registered)
    words = "✅ Your channel is registered. The offer will stand in it in a moment; /channels changes it, /stats shows what it earns.";
  const bool here = s.panel_id != 0;
  drop(out);
  leave(s);
  owe(out, conversation_view::note, std::move(words));
  s.edit_panel = here;
}

void toggle_tier(channel_draft& draft, std::size_t index) {
  auto& tier = draft.tiers[index];
  tier = tier.days > 0 ? paygate::tier{} : paygate::tier{usual_price, usual_days};
}

/// Changes that a button alone makes; false when `what` is none.
bool toggle(channel_draft& draft, std::string_view what) {
  if (what == "donations")
    draft.donations = !draft.donations;
  else if (what == "tier_1" || what == "tier_2" || what == "tier_3")
    toggle_tier(draft, static_cast<std::size_t>(what.back() - '1'));
  else if (what == "strategy") {
    draft.strategy = draft.strategy == payout_strategy::instant ? payout_strategy::threshold : payout_strategy::instant;
    if (draft.threshold.is_zero()) draft.threshold = usual_threshold;
  } else
    return false;
  return true;
}

void press_save(step& out, const chat_update& press) {
  if (auto why = objection_to(out.next.drafts.front()); !why.empty()) {
    answer(out, press, "Not yet: something is missing.");
    return back_to_form_here(out, press, "This cannot be saved yet: " + why + ".");
  }
  answer(out, press, "One moment: I look at your channels.");
  out.next.status = conversation_status::verifying;
  out.next.field = form_field::none;
  out.next.owed_view = conversation_view::none;
  ++out.next.view_seq; // The question is a new one.
  out.next.panel_id = press.message_id;
  out.note = "saves the form";
}

void press_line(step& out, const chat_update& press, std::string_view what) {
  auto& s = out.next;
  auto draft = s.drafts.front();
  if (what == "save") return press_save(out, press);
  answer(out, press);
  if (what == "discard") {
    drop(out);
    leave(s);
    return owe_here(out, press, conversation_view::note, "Your changes are discarded.");
  }
  if (what == "close" && draft.registered) return owe_here(out, press, conversation_view::confirm_close);
  if (what == "really" && draft.registered && s.errand == conversation_errand::none) {
    s.errand = conversation_errand::close_channel;
    s.errand_channel_id = draft.open_channel_id;
    drop(out);
    leave(s);
    return owe_here(out, press, conversation_view::note, "The channel is being closed.");
  }
  const auto field = parse_enum<form_field>(what);
  const bool is_id = field == form_field::open_channel || field == form_field::closed_channel;
  if (field && *field != form_field::none && !(is_id && draft.registered)) {
    s.status = conversation_status::entering;
    s.field = *field;
    return owe_here(out, press, conversation_view::ask_field);
  }
  if (toggle(draft, what)) keep(out, draft);
  back_to_form_here(out, press);
}

void open_new(step& out, const entity_ref& self) {
  leave(out.next);
  channel_draft draft;
  draft.conversation_id = self.id;
  draft.tiers[0] = {usual_price, usual_days};
  keep(out, draft);
  back_to_form(out);
}

/// A forwarded message says which channel it comes from, and what that is called.
std::string take_shared(channel_draft& draft, form_field field, const chat_update& update) {
  auto why = take_field(draft, field, std::to_string(update.shared_chat_id));
  auto& title = field == form_field::open_channel ? draft.open_title : draft.closed_title;
  if (why.empty() && title.empty())
    take_field(draft, field == form_field::open_channel ? form_field::open_title : form_field::closed_title, update.shared_title);
  return why;
}

/// "@name" or a link to a public channel; empty for anything else.
std::string public_name_of(std::string_view text) {
  for (const char* prefix : {"https://t.me/", "http://t.me/", "t.me/", "@"}) {
    const auto rest = after(text, prefix);
    if (!rest || rest->starts_with("c/") || rest->starts_with('+')) continue;
    const auto name = rest->substr(0, rest->find_first_of("/?"));
    const bool good = name.size() >= 4 && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                      });
    if (good) return "@" + std::string(name);
  }
  return "";
}

void field_taken(step& out, const channel_draft& draft, const std::string& why) {
  auto& s = out.next;
  if (!why.empty()) {
    s.status = conversation_status::entering;
    return owe(out, conversation_view::ask_field, why);
  }
  const auto label = std::string(label_of(s.field));
  keep(out, draft);
  back_to_form(out, "✔ " + label + " is noted.");
}

} // namespace

bool is_form(conversation_status status) {
  switch (status) {
  case conversation_status::editing:
  case conversation_status::entering:
  case conversation_status::finding:
  case conversation_status::verifying:
  case conversation_status::saving:
  case conversation_status::settling: return true;
  default: return false;
  }
}

bool press_form(step& out, const chat_update& press, const entity_ref& self) {
  auto& s = out.next;
  const std::string_view data = press.callback_data;
  const auto edited = after(data, "edit:");
  const auto channel = edited ? number_of(*edited).value_or(0) : 0;
  const auto line = after(data, "f:");
  if (data != "new" && data != "draft" && channel == 0 && !line) return false;
  const bool works =
      s.status == conversation_status::verifying || s.status == conversation_status::saving || s.status == conversation_status::settling;
  if (works) {
    answer_stale(out, press, "One moment, please: your changes are being saved.");
  } else if (line) {
    const bool in_use = !s.drafts.empty() && is_form(s.status) && (press.message_id == 0 || press.message_id == s.panel_id);
    if (!in_use)
      answer_stale(out, press,
                   s.drafts.empty() ? "This form is closed. /channels opens it anew."
                                    : "This form has moved: use its newest message, or /channels.");
    else
      press_line(out, press, *line);
  } else if (!s.drafts.empty()) {
    const auto same = data == "draft" || (s.drafts.front().registered && s.drafts.front().open_channel_id == channel);
    answer(out, press);
    leave(s);
    back_to_form(out, same ? "" : "You have changes that are not saved. Save or discard them first.");
  } else if (channel != 0) {
    answer(out, press);
    leave(s);
    s.status = conversation_status::opening;
    s.channel_id = channel;
    s.owed_view = conversation_view::none;
    ++s.view_seq; // The question is a new one.
    out.note = "opens the form";
  } else if (data == "new") {
    answer(out, press);
    open_new(out, self);
  } else
    answer_stale(out, press, "There is nothing unsaved. /channels shows your channels.");
  return true;
}

void say_field(step& out, const chat_update& update) {
  auto& s = out.next;
  auto draft = s.drafts.front();
  const bool is_id = s.field == form_field::open_channel || s.field == form_field::closed_channel;
  if (is_id && update.shared_chat_id != 0) {
    const auto why = take_shared(draft, s.field, update);
    return field_taken(out, draft, why);
  }
  if (is_id) {
    if (auto name = public_name_of(trim(update.text)); !name.empty()) {
      s.status = conversation_status::finding;
      s.amount = std::move(name);
      s.owed_view = conversation_view::none;
      ++s.view_seq; // The question is a new one.
      out.note = "looks a channel up";
      return;
    }
  }
  const auto why = take_field(draft, s.field, update.text);
  field_taken(out, draft, why);
}

void name_found(step& out, const chat_found& found) {
  auto& s = out.next;
  auto draft = s.drafts.front();
  const auto name = std::exchange(s.amount, {});
  if (found.chat_id == 0)
    return field_taken(out, draft,
                       "I cannot see a channel " + name
                           + ". Expected: a public channel's @name, or make me an administrator first and forward a message of it.");
  chat_update shared;
  shared.shared_chat_id = found.chat_id;
  shared.shared_title = found.title;
  const auto why = take_shared(draft, s.field, shared);
  field_taken(out, draft, why);
}

void cancel_form(step& out) {
  auto& s = out.next;
  if (s.status == conversation_status::entering || s.status == conversation_status::finding) {
    s.amount.clear();
    return back_to_form(out, "Nothing was changed.");
  }
  leave(s);
  owe(out, conversation_view::note, "The form is closed. What you changed is kept: /channels goes on with it.");
}

void form_opened(step& out, const channel& terms, const entity_ref& self) {
  auto& s = out.next;
  leave(s);
  if (terms.owner_user_id == 0 || terms.owner_user_id != s.user_id)
    return owe(out, conversation_view::note, "This channel is registered by somebody else.");
  channel_draft draft;
  draft.conversation_id = self.id;
  draft.registered = true;
  draft.open_channel_id = terms.open_channel_id;
  draft.closed_channel_id = terms.closed_channel_id;
  draft.open_title = terms.open_title;
  draft.closed_title = terms.closed_title;
  draft.description = terms.description;
  draft.tiers = terms.tiers;
  draft.donations = terms.donations;
  draft.strategy = terms.strategy;
  draft.threshold = terms.threshold;
  draft.payout_asset = terms.payout_asset;
  draft.payout_address = terms.payout_address;
  // A wallet that needs no memo where its network has them was said to need none.
  const auto& pays = terms.payout_asset;
  const bool needs_word =
      terms.payout_extra_id.empty() && check_address(pays.ticker, pays.network, terms.payout_address).fault == address_fault::memo_missing;
  draft.payout_extra_id = needs_word ? std::string(no_memo) : terms.payout_extra_id;
  draft.trial_days = terms.trial_days;
  keep(out, draft);
  back_to_form(out, terms.change.token.empty() ? "" : "Another payout address is under way: " + terms.change.address);
}

void rights_found(step& out, const rights_checked& rights) {
  auto& s = out.next;
  if (!rights.good()) return back_to_panel(out, "This cannot be saved: " + rights.words);
  auto draft = s.drafts.front();
  auto named = draft;
  if (named.open_title.empty()) take_field(named, form_field::open_title, rights.open_title);
  if (named.closed_title.empty()) take_field(named, form_field::closed_title, rights.closed_title);
  if (named.open_title.empty() || named.closed_title.empty()) return back_to_panel(out, "This cannot be saved yet: a title is missing.");
  if (named != draft) keep(out, named);
  s.status = conversation_status::saving;
  s.terms.reset();
  out.note = "the rights are there";
}

register_channel save_request(const conversation& s) {
  const auto& draft = s.drafts.front();
  auto terms = terms_of(draft);
  if (draft.registered && s.terms) {
    // What the form does not know stays as it is.
    auto all = *s.terms;
    all.closed_channel_id = terms.closed_channel_id;
    all.open_title = terms.open_title;
    all.closed_title = terms.closed_title;
    all.description = terms.description;
    all.tiers = terms.tiers;
    all.donations = terms.donations;
    all.strategy = terms.strategy;
    all.threshold = terms.threshold;
    all.payout_asset = terms.payout_asset;
    all.payout_address = terms.payout_address;
    all.payout_extra_id = terms.payout_extra_id;
    all.trial_days = terms.trial_days;
    terms = std::move(all);
  } else
    terms.owner_chat_id = s.chat_id;
  terms.owner_user_id = s.user_id;
  return {std::move(terms), true};
}

void form_answered(step& out, const entity_reply& reply) {
  auto& s = out.next;
  if (const auto* no = std::get_if<refused>(&reply)) return back_to_panel(out, "This cannot be saved: " + no->text + ".");
  const bool registered = s.drafts.front().registered;
  if (const auto* view = std::get_if<channel_view>(&reply); view && s.status == conversation_status::saving) {
    s.terms = view->terms;
    out.note = "terms read";
    return;
  }
  if (s.status == conversation_status::saving && !registered) {
    s.status = conversation_status::settling;
    out.note = "asked for";
    return;
  }
  finish(out);
}

} // namespace paygate::talk
