#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

// Inside actors/conversation only: what its files share. Each file is one thing that people and the bot talk about. The functions change
// the step that is being decided; none of them knows a clock, chance or anything outside.
namespace paygate::talk {

using step = decision<conversation>;

/// Owes a view. `words` are said with it: plain text, escaped when they are shown.
void owe(step& out, conversation_view view, std::string words = {});
/// The same, in the place of the message whose button was pressed.
void owe_here(step& out, const chat_update& press, conversation_view view, std::string words = {});

/// The callback is answered, silently or with a sentence of at most 200 bytes.
void answer(step& out, const chat_update& press, std::string_view words = {});
/// ... that says that the button is of no use any more, and nothing else changes.
void answer_stale(step& out, const chat_update& press, std::string_view words);

struct open_callback {
  std::string id, words;
};
std::vector<open_callback> callbacks_of(const conversation& s);
void forget_callback(conversation& s, std::string_view id);

/// Whatever is going on is over. The owner's draft stays.
void leave(conversation& s);

/// The rest of `data` after a prefix; nothing when it begins otherwise.
std::optional<std::string_view> after(std::string_view data, std::string_view prefix);
/// A whole decimal number without anything around it.
std::optional<std::int64_t> number_of(std::string_view text);
/// An amount with at most two decimals, perhaps with a $ before it.
std::optional<usd_amount> dollars_of(std::string_view text);
std::string dollars(usd_amount value);    ///< "$12.50"
std::string days_text(std::int32_t days); ///< "1 day", "30 days"
/// Unicode characters of a text that is_clean.
std::size_t length_of(std::string_view text);
std::string_view trim(std::string_view text);
/// At most so many bytes, cut between characters.
std::string shortened(std::string_view text, std::size_t bytes);

// --- offer.cpp: from a link to an order ---
void follow(step& out, const start_link& link);
bool press_offer(step& out, const chat_update& press, const policy& rules); ///< false: not about an offer.
void channel_answered(step& out, const std::shared_ptr<const channel>& terms, const step_context& context);
void not_for_sale(step& out);
void order_answered(step& out);

// --- extras.cpp: promo codes and trials beside an offer ---
bool press_extra(step& out, const chat_update& press);
void say_code(step& out, std::string_view text);
std::string code_of(std::string_view raw); ///< As codes are written; empty when that cannot be one.
void code_answered(step& out, const entity_reply& reply);
void trial_answered(step& out, const entity_reply& reply); ///< Of the channel, then of the subscription.
std::string price_text(const conversation& s);
usd_amount price_of(const conversation& s); ///< What Pay says.
void add_extras(keyboard& rows, const conversation& s);
ask_entity quote_request(const conversation& s);
ask_entity trial_request(const conversation& s);

// --- promos.cpp: an owner's promo codes ---
bool press_promo(step& out, const chat_update& press);
void say_promo(step& out, std::string_view text, timestamp now);
void promo_answered(step& out, const entity_reply& reply); ///< Of the channel, then of the code.
ask_entity promo_request(const conversation& s);
std::string promos_text(const promos_listed& found, std::int32_t page);
keyboard promos_buttons(const conversation& s, const promos_listed& found);
std::string ask_promo_text();
keyboard ask_promo_buttons(const conversation& s);

// --- donation.cpp: the keypad and the message ---
bool press_donation(step& out, const chat_update& press, const policy& rules);
void say_amount(step& out, std::string_view text, const policy& rules);
void say_message(step& out, std::string_view text);
std::string keypad_text(const conversation& s, const policy& rules);
keyboard keypad_buttons(const conversation& s);
std::string ask_message_text(const conversation& s);
keyboard ask_message_buttons(const conversation& s);

// --- lists.cpp: what our tables say ---
void begin_list(step& out, conversation_query query);
bool press_list(step& out, const chat_update& press);
io_request list_request(const conversation& s);
void list_found(step& out, const io_outcome& outcome);
std::string list_text(const conversation& s);
keyboard list_buttons(const conversation& s);
/// A line of its own for a title, which is never too long for one.
std::vector<button> button_line(std::string_view what, const std::string& title, std::string data);

// --- errands.cpp: buttons that ask another entity ---
bool press_errand(step& out, const chat_update& press);
ask_entity errand_request(const conversation& s);
void errand_answered(step& out, const entity_reply& reply);

// --- accounts.cpp: web accounts that are joined with this person ---
/// 16 bytes of a web account's id, and its token: the account is asked who it is.
void follow_account_link(step& out, std::string_view word);
std::string link_text(const conversation& s);
keyboard link_buttons(const conversation& s);
std::string accounts_text(const accounts_listed& found);
keyboard accounts_buttons(const accounts_listed& found);

// --- owner_form.cpp: registering and editing a channel ---
bool press_form(step& out, const chat_update& press, const entity_ref& self);
void say_field(step& out, const chat_update& update);
void cancel_form(step& out);
bool is_form(conversation_status status);
void form_opened(step& out, const channel& terms, const entity_ref& self);
void name_found(step& out, const chat_found& found);
void rights_found(step& out, const rights_checked& rights);
void form_answered(step& out, const entity_reply& reply); ///< While saving or settling.
register_channel save_request(const conversation& s);

// --- broadcast.cpp: the owner's own words to a channel or its subscribers ---
bool press_broadcast(step& out, const chat_update& press, const step_context& context);
void say_post(step& out, const chat_update& update);
void channel_addressed(step& out, const entity_reply& reply);
void broadcast_answered(step& out, const entity_reply& reply); ///< Of the channel, then of the broadcast.
start_broadcast broadcast_request(const conversation& s);
std::string ask_post_text(const conversation& s);
std::string preview_text(const conversation& s);
keyboard preview_buttons();

// --- form_fields.cpp, form_views.cpp ---
/// Takes a text for the field into the draft; what is wrong and what is expected, when it cannot be.
std::string take_field(channel_draft& draft, form_field field, std::string_view text);
/// What is expected.
std::string prompt_of(form_field field, const channel_draft& draft);
std::string_view label_of(form_field field);
/// The terms that the draft stands for: tiers that are off are left out.
channel terms_of(const channel_draft& draft);
/// What keeps the draft from being saved; empty when nothing does.
std::string objection_to(const channel_draft& draft);
std::string form_text(const channel_draft& draft);
keyboard form_buttons(const channel_draft& draft);

} // namespace paygate::talk
