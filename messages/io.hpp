#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "messages/chat.hpp"
#include "messages/enums.hpp"
#include "messages/io_account.hpp"
#include "messages/io_books.hpp"
#include "messages/io_bot.hpp"
#include "messages/io_ethereum.hpp"
#include "messages/io_reconciliation.hpp"
#include "messages/io_swap.hpp"
#include "messages/io_telegram.hpp"
#include "messages/money.hpp"
#include "messages/provider_payment.hpp"
#include "messages/time.hpp"

// What can be asked of the outside world, and what it can answer. A request is plain data without secrets: io/ adds keys, base URLs and
// signatures. Each request names its answer; any of them may end as io_failure instead.
namespace paygate {

// --- NOWPayments (provider-apis 1) ---

/// POST /v1/invoice -> invoice_created. No idempotency key: a repeat makes a second invoice, which is harmless until it is shown.
struct create_invoice {
  std::string order_id;
  usd_amount price;
  std::string description;
  bool operator==(const create_invoice&) const = default;
};
struct invoice_created {
  std::string invoice_id, invoice_url;
  bool operator==(const invoice_created&) const = default;
};

/// GET /v1/payment/{id} -> provider_payment.
struct get_payment {
  std::string payment_id;
  bool operator==(const get_payment&) const = default;
};

/// GET /v1/payment/?invoiceId= -> payments_listed; permanent failure "no_credentials" when the list credentials are not set.
struct find_payments {
  std::string invoice_id;
  bool operator==(const find_payments&) const = default;
};
struct payments_listed {
  std::vector<provider_payment> payments;
  bool operator==(const payments_listed&) const = default;
};

// --- Prices: CoinGecko, CryptoCompare, 1inch, by the rules of spec 3.8 ---

/// USD price of one coin -> usd_price.
struct get_usd_price {
  std::string currency;
  bool operator==(const get_usd_price&) const = default;
};
struct usd_price {
  int128 per_coin = 0;
  std::string source;
  bool operator==(const usd_price&) const = default;
};

// --- what can go wrong ---

enum class fault : std::uint8_t {
  transient, ///< It had no effect, or it only reads: try again later.
  unknown,   ///< It may have happened (a time-out after sending).
  permanent  ///< The other side refuses: trying the same again is pointless.
};
template <>
struct enum_names<fault> {
  static constexpr std::string_view type = "fault";
  static constexpr std::string_view values[] = {"transient", "unknown", "permanent"};
};

struct io_failure {
  fault kind = fault::transient;
  std::string code; ///< The provider's own code, or ours: "timeout", "connection", "http_503", "busy", "nonsense", ...
  std::string text; ///< The provider's own words, shortened, without secrets.
  std::optional<milliseconds> retry_after;
  bool operator==(const io_failure&) const = default;
};
struct done {
  bool operator==(const done&) const = default;
};

using io_request =
    std::variant<create_invoice, get_payment, find_payments, get_swap_range, estimate_swap, create_swap, get_swap, send_message,
                 answer_callback, create_invite, poll_updates, get_updates, sign_tx, get_chain_quote, broadcast_tx, get_receipts,
                 get_transfer, get_token_transfer, get_wallet, get_transaction, get_usd_price, get_claim, get_wallet_books, get_gathered,
                 get_due_payouts, find_arrival, get_allowance, get_chain_state, get_wallet_history, list_payments, get_books_cut,
                 get_audit_page, get_unknown_payments, get_unclaimed, get_unbooked, get_exception, edit_message, find_chat, check_rights,
                 set_webhook, hand_over_updates, list_subscriptions, list_channels, list_donation_channels, channel_stats, get_owner_slot,
                 get_channel_holdings, delete_message, send_batch, get_audience, get_recipients, get_due_posts,
                 revoke_invite, get_member, ban_member, unban_member, approve_join, find_channels, send_mail,
                 make_secret, get_account_channels, list_promos, find_other_access, get_waiting, list_accounts>;
using io_outcome =
    std::variant<io_failure, done, invoice_created, provider_payment, payments_listed, swap_range, swap_estimate, swap_created, swap_state,
                 message_sent, invite_created, updates_handled, updates_received, tx_signed, chain_quote, tx_broadcast, receipts_read,
                 transfer_seen, token_transfer_seen, wallet_seen, transaction_seen, usd_price, claim_seen, wallet_books_seen, gathered_seen,
                 due_payouts_seen, arrival_seen, allowance_seen, chain_state, wallet_history, payments_page, books_cut, audit_page,
                 unknown_payments, unclaimed_seen, unbooked_page, exception_seen, chat_found, rights_checked, subscriptions_listed,
                 channels_listed, stats_seen, owner_slot_seen, channel_holdings, batch_sent, audience_seen, recipients_seen, due_posts_seen, member_seen,
                 channels_found, secret_made, account_channels, promos_listed, other_access_seen, waiting_seen, accounts_listed>;

/// A provider's client (io/), called on a lane's own threads, several at once: it may block, up to its time-out. It throws nothing.
using io_client = std::function<io_outcome(const io_request&)>;

/// The effect lanes: one bounded, rate limited queue with its own threads and circuit breaker per outside system.
enum class lane : std::uint8_t { nowpayments, changenow, telegram, telegram_poll, ethereum, signer, prices, books, telegram_bulk, mail };
inline constexpr std::size_t lane_count = 10;
template <>
struct enum_names<lane> {
  static constexpr std::string_view type = "lane";
  static constexpr std::string_view values[] = {"nowpayments", "changenow", "telegram", "telegram_poll", "ethereum",
                                                "signer",      "prices",    "books",    "telegram_bulk", "mail"};
};

/// The lane that a request goes through, and its name for logs and metrics ("create_invoice").
lane lane_of(const io_request& request);
std::string_view name_of(const io_request& request);
std::string_view name_of(const io_outcome& outcome);

} // namespace paygate
