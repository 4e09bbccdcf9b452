#include "messages/chat.hpp"
#include "messages/envelope.hpp"

namespace paygate {

namespace {

// Names of a variant's alternatives; a struct without an overload does not compile.
#define PAYGATE_WORD(type)                                                                                                                 \
  constexpr std::string_view word(const type&) { return #type; }
PAYGATE_WORD(create_invoice)
PAYGATE_WORD(get_payment)
PAYGATE_WORD(find_payments)
PAYGATE_WORD(get_swap_range)
PAYGATE_WORD(estimate_swap)
PAYGATE_WORD(create_swap)
PAYGATE_WORD(get_swap)
PAYGATE_WORD(send_message)
PAYGATE_WORD(answer_callback)
PAYGATE_WORD(create_invite)
PAYGATE_WORD(poll_updates)
PAYGATE_WORD(get_updates)
PAYGATE_WORD(sign_tx)
PAYGATE_WORD(get_chain_quote)
PAYGATE_WORD(broadcast_tx)
PAYGATE_WORD(get_receipts)
PAYGATE_WORD(get_transfer)
PAYGATE_WORD(get_wallet)
PAYGATE_WORD(get_transaction)
PAYGATE_WORD(get_wallet_books)
PAYGATE_WORD(get_usd_price)
PAYGATE_WORD(get_token_transfer)
PAYGATE_WORD(get_claim)
PAYGATE_WORD(get_gathered)
PAYGATE_WORD(get_due_payouts)
PAYGATE_WORD(find_arrival)
PAYGATE_WORD(get_allowance)
PAYGATE_WORD(arrival_seen)
PAYGATE_WORD(allowance_seen)
PAYGATE_WORD(io_failure)
PAYGATE_WORD(done)
PAYGATE_WORD(invoice_created)
PAYGATE_WORD(provider_payment)
PAYGATE_WORD(payments_listed)
PAYGATE_WORD(swap_range)
PAYGATE_WORD(swap_estimate)
PAYGATE_WORD(swap_created)
PAYGATE_WORD(swap_state)
PAYGATE_WORD(message_sent)
PAYGATE_WORD(invite_created)
PAYGATE_WORD(updates_handled)
PAYGATE_WORD(updates_received)
PAYGATE_WORD(tx_signed)
PAYGATE_WORD(chain_quote)
PAYGATE_WORD(tx_broadcast)
PAYGATE_WORD(receipts_read)
PAYGATE_WORD(transfer_seen)
PAYGATE_WORD(wallet_seen)
PAYGATE_WORD(transaction_seen)
PAYGATE_WORD(wallet_books_seen)
PAYGATE_WORD(usd_price)
PAYGATE_WORD(token_transfer_seen)
PAYGATE_WORD(claim_seen)
PAYGATE_WORD(gathered_seen)
PAYGATE_WORD(due_payouts_seen)
PAYGATE_WORD(ok)
PAYGATE_WORD(refused)
PAYGATE_WORD(payment_view)
PAYGATE_WORD(channel_view)
PAYGATE_WORD(subscription_extended)
PAYGATE_WORD(transfer_view)
PAYGATE_WORD(register_channel)
PAYGATE_WORD(get_channel)
PAYGATE_WORD(create_payment)
PAYGATE_WORD(ipn_received)
PAYGATE_WORD(payment_poked)
PAYGATE_WORD(get_payment_view)
PAYGATE_WORD(accept_payment)
PAYGATE_WORD(refund_payment)
PAYGATE_WORD(extend_subscription)
PAYGATE_WORD(update_received)
PAYGATE_WORD(request_payout)
PAYGATE_WORD(approve_payout)
PAYGATE_WORD(cancel_payout)
PAYGATE_WORD(reopen_payout)
PAYGATE_WORD(open_wallet)
PAYGATE_WORD(request_transfer)
PAYGATE_WORD(acknowledge_transfer)
PAYGATE_WORD(book_correction)
PAYGATE_WORD(sign_off_wallet)
PAYGATE_WORD(explain_nonce)
PAYGATE_WORD(release_transfer)
PAYGATE_WORD(start_polling)
PAYGATE_WORD(request_batch)
PAYGATE_WORD(import_opening)
PAYGATE_WORD(import_subscription)
PAYGATE_WORD(imported_swap)
PAYGATE_WORD(open_conversion)
PAYGATE_WORD(cancel_conversion)
PAYGATE_WORD(reopen_conversion)
PAYGATE_WORD(name_arrival)
PAYGATE_WORD(start_scheduler)
PAYGATE_WORD(run_scheduler)
PAYGATE_WORD(get_chain_state)
PAYGATE_WORD(get_wallet_history)
PAYGATE_WORD(list_payments)
PAYGATE_WORD(get_books_cut)
PAYGATE_WORD(get_audit_page)
PAYGATE_WORD(get_unknown_payments)
PAYGATE_WORD(get_unclaimed)
PAYGATE_WORD(get_unbooked)
PAYGATE_WORD(get_exception)
PAYGATE_WORD(chain_state)
PAYGATE_WORD(wallet_history)
PAYGATE_WORD(payments_page)
PAYGATE_WORD(books_cut)
PAYGATE_WORD(audit_page)
PAYGATE_WORD(unknown_payments)
PAYGATE_WORD(unclaimed_seen)
PAYGATE_WORD(unbooked_page)
PAYGATE_WORD(exception_seen)
PAYGATE_WORD(round_view)
PAYGATE_WORD(start_reconciliation)
PAYGATE_WORD(run_reconciliation)
PAYGATE_WORD(resolve_exception)
PAYGATE_WORD(edit_message)
PAYGATE_WORD(find_chat)
PAYGATE_WORD(check_rights)
PAYGATE_WORD(set_webhook)
PAYGATE_WORD(hand_over_updates)
PAYGATE_WORD(list_subscriptions)
PAYGATE_WORD(list_channels)
PAYGATE_WORD(list_donation_channels)
PAYGATE_WORD(channel_stats)
PAYGATE_WORD(get_owner_slot)
PAYGATE_WORD(get_channel_holdings)
PAYGATE_WORD(chat_found)
PAYGATE_WORD(rights_checked)
PAYGATE_WORD(subscriptions_listed)
PAYGATE_WORD(channels_listed)
PAYGATE_WORD(stats_seen)
PAYGATE_WORD(owner_slot_seen)
PAYGATE_WORD(channel_holdings)
PAYGATE_WORD(close_channel)
PAYGATE_WORD(change_payout)
PAYGATE_WORD(confirm_payout_change)
PAYGATE_WORD(cancel_payout_change)
PAYGATE_WORD(settle_payout_change)
PAYGATE_WORD(confirm_payout_by_mail)
PAYGATE_WORD(delete_message)
PAYGATE_WORD(send_batch)
PAYGATE_WORD(batch_sent)
PAYGATE_WORD(get_audience)
PAYGATE_WORD(audience_seen)
PAYGATE_WORD(get_recipients)
PAYGATE_WORD(recipients_seen)
PAYGATE_WORD(get_due_posts)
PAYGATE_WORD(due_posts_seen)
PAYGATE_WORD(claim_broadcast)
PAYGATE_WORD(post_placed)
PAYGATE_WORD(schedule_posts)
PAYGATE_WORD(start_broadcast)
PAYGATE_WORD(cancel_broadcast)
PAYGATE_WORD(pause_broadcast)
PAYGATE_WORD(resume_broadcast)
PAYGATE_WORD(revoke_invite)
PAYGATE_WORD(get_member)
PAYGATE_WORD(ban_member)
PAYGATE_WORD(unban_member)
PAYGATE_WORD(approve_join)
PAYGATE_WORD(find_channels)
PAYGATE_WORD(member_seen)
PAYGATE_WORD(channels_found)
PAYGATE_WORD(promo_price)
PAYGATE_WORD(access_given)
PAYGATE_WORD(rights_changed)
PAYGATE_WORD(report_rights)
PAYGATE_WORD(start_trial)
PAYGATE_WORD(ask_invite)
PAYGATE_WORD(member_joined)
PAYGATE_WORD(member_left)
PAYGATE_WORD(join_requested)
PAYGATE_WORD(invite_spent)
PAYGATE_WORD(turn_phase)
PAYGATE_WORD(rights_returned)
PAYGATE_WORD(find_other_access)
PAYGATE_WORD(other_access_seen)
PAYGATE_WORD(get_waiting)
PAYGATE_WORD(waiting_seen)
PAYGATE_WORD(list_promos)
PAYGATE_WORD(promos_listed)
PAYGATE_WORD(list_accounts)
PAYGATE_WORD(accounts_listed)
PAYGATE_WORD(set_promo)
PAYGATE_WORD(disable_promo)
PAYGATE_WORD(quote_promo)
PAYGATE_WORD(redeem_promo)
PAYGATE_WORD(release_promo)
PAYGATE_WORD(send_mail)
PAYGATE_WORD(make_secret)
PAYGATE_WORD(secret_made)
PAYGATE_WORD(name_view)
PAYGATE_WORD(login_view)
PAYGATE_WORD(account_view)
PAYGATE_WORD(session_view)
PAYGATE_WORD(open_account)
PAYGATE_WORD(address_wanted)
PAYGATE_WORD(begin_login)
PAYGATE_WORD(login_succeeded)
PAYGATE_WORD(get_account)
PAYGATE_WORD(ask_verification)
PAYGATE_WORD(ask_reset)
PAYGATE_WORD(confirm_email)
PAYGATE_WORD(reset_password)
PAYGATE_WORD(change_password)
PAYGATE_WORD(change_email)
PAYGATE_WORD(close_account)
PAYGATE_WORD(log_out_everywhere)
PAYGATE_WORD(offer_link)
PAYGATE_WORD(claim_link)
PAYGATE_WORD(link_telegram)
PAYGATE_WORD(unlink_telegram)
PAYGATE_WORD(get_account_channels)
PAYGATE_WORD(account_channels)
PAYGATE_WORD(lapse_account)
PAYGATE_WORD(reserve_name)
PAYGATE_WORD(confirm_name)
PAYGATE_WORD(release_name)
PAYGATE_WORD(find_name)
PAYGATE_WORD(open_session)
PAYGATE_WORD(rotate_session)
PAYGATE_WORD(close_session)
PAYGATE_WORD(expire_session)
#undef PAYGATE_WORD

// In a history "invoice_created" says more than "an effect is done".
std::string_view word(const effect_done& m) {
  return std::visit([](const auto& outcome) { return std::visit([](const auto& o) { return word(o); }, outcome); }, m.outcome);
}

struct lane_visitor {
  lane operator()(const create_invoice&) const { return lane::nowpayments; }
  lane operator()(const get_payment&) const { return lane::nowpayments; }
  lane operator()(const find_payments&) const { return lane::nowpayments; }
  lane operator()(const get_swap_range&) const { return lane::changenow; }
  lane operator()(const estimate_swap&) const { return lane::changenow; }
  lane operator()(const create_swap&) const { return lane::changenow; }
  lane operator()(const get_swap&) const { return lane::changenow; }
  lane operator()(const send_message&) const { return lane::telegram; }
  lane operator()(const answer_callback&) const { return lane::telegram; }
  lane operator()(const create_invite&) const { return lane::telegram; }
  lane operator()(const revoke_invite&) const { return lane::telegram; }
  lane operator()(const get_member&) const { return lane::telegram; }
  lane operator()(const ban_member&) const { return lane::telegram; }
  lane operator()(const unban_member&) const { return lane::telegram; }
  lane operator()(const approve_join&) const { return lane::telegram; }
  lane operator()(const find_channels&) const { return lane::books; }
  lane operator()(const poll_updates&) const { return lane::telegram_poll; }
  lane operator()(const get_updates&) const { return lane::telegram_poll; }
  lane operator()(const sign_tx&) const { return lane::signer; }
  lane operator()(const get_chain_quote&) const { return lane::ethereum; }
  lane operator()(const broadcast_tx&) const { return lane::ethereum; }
  lane operator()(const get_receipts&) const { return lane::ethereum; }
  lane operator()(const get_transfer&) const { return lane::ethereum; }
  lane operator()(const get_wallet&) const { return lane::ethereum; }
  lane operator()(const get_transaction&) const { return lane::ethereum; }
  lane operator()(const get_wallet_books&) const { return lane::books; }
  lane operator()(const get_usd_price&) const { return lane::prices; }
  lane operator()(const get_token_transfer&) const { return lane::ethereum; }
  lane operator()(const get_claim&) const { return lane::books; }
  lane operator()(const get_gathered&) const { return lane::books; }
  lane operator()(const get_due_payouts&) const { return lane::books; }
  lane operator()(const get_chain_state&) const { return lane::ethereum; }
  lane operator()(const get_wallet_history&) const { return lane::ethereum; }
  lane operator()(const list_payments&) const { return lane::nowpayments; }
  lane operator()(const get_books_cut&) const { return lane::books; }
  lane operator()(const get_audit_page&) const { return lane::books; }
  lane operator()(const get_unknown_payments&) const { return lane::books; }
  lane operator()(const get_unclaimed&) const { return lane::books; }
  lane operator()(const get_unbooked&) const { return lane::books; }
  lane operator()(const get_exception&) const { return lane::books; }
  lane operator()(const find_arrival&) const { return lane::books; }
  lane operator()(const get_allowance&) const { return lane::books; }
  lane operator()(const edit_message&) const { return lane::telegram; }
  lane operator()(const find_chat&) const { return lane::telegram; }
  lane operator()(const check_rights&) const { return lane::telegram; }
  lane operator()(const set_webhook&) const { return lane::telegram; }
  lane operator()(const hand_over_updates&) const { return lane::telegram_poll; }
  lane operator()(const list_subscriptions&) const { return lane::books; }
  lane operator()(const list_channels&) const { return lane::books; }
  lane operator()(const list_donation_channels&) const { return lane::books; }
  lane operator()(const channel_stats&) const { return lane::books; }
  lane operator()(const get_owner_slot&) const { return lane::books; }
  lane operator()(const get_channel_holdings&) const { return lane::books; }
  lane operator()(const delete_message&) const { return lane::telegram; }
  lane operator()(const send_batch&) const { return lane::telegram_bulk; }
  lane operator()(const get_audience&) const { return lane::books; }
  lane operator()(const get_recipients&) const { return lane::books; }
  lane operator()(const get_due_posts&) const { return lane::books; }
  lane operator()(const send_mail&) const { return lane::mail; }
  lane operator()(const make_secret&) const { return lane::mail; }
  lane operator()(const get_account_channels&) const { return lane::books; }
  lane operator()(const list_promos&) const { return lane::books; }
  lane operator()(const find_other_access&) const { return lane::books; }
  lane operator()(const get_waiting&) const { return lane::books; }
  lane operator()(const list_accounts&) const { return lane::books; }
};

} // namespace

lane lane_of(const io_request& request) { return std::visit(lane_visitor{}, request); }

std::string_view name_of(const io_request& request) {
  return std::visit([](const auto& r) { return word(r); }, request);
}

std::string_view name_of(const io_outcome& outcome) {
  return std::visit([](const auto& o) { return word(o); }, outcome);
}

namespace {
constexpr auto to_word = [](const auto& message) { return word(message); };
} // namespace

std::string_view name_of(const payment_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const subscription_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const channel_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const conversation_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const payout_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const wallet_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const poller_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const conversion_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const scheduler_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const reconciliation_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const broadcast_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const promo_code_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const account_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const login_name_message& message) { return std::visit(to_word, message); }
std::string_view name_of(const session_message& message) { return std::visit(to_word, message); }

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (char c : text) {
    switch (c) {
    case '&': escaped += "&amp;"; break;
    case '<': escaped += "&lt;"; break;
    case '>': escaped += "&gt;"; break;
    case '"': escaped += "&quot;"; break;
    default: escaped += c;
    }
  }
  return escaped;
}

} // namespace paygate
