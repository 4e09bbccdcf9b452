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
#include "messages/io_bot.hpp"
#include "messages/io_reconciliation.hpp"
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

// --- ChangeNOW v2 (provider-apis 2); always flow=fixed-rate, type=direct ---

/// GET /v2/exchange/range -> swap_range.
struct get_swap_range {
  asset from, to;
  bool operator==(const get_swap_range&) const = default;
};
struct swap_range {
  int128 min = 0;
  std::optional<int128> max;
  bool operator==(const swap_range&) const = default;
};

/// GET /v2/exchange/estimated-amount with useRateId -> swap_estimate.
struct estimate_swap {
  asset from, to;
  int128 from_amount = 0;
  bool operator==(const estimate_swap&) const = default;
};
struct swap_estimate {
  std::string rate_id;
  std::optional<timestamp> valid_until;
  int128 from_amount = 0, to_amount = 0, deposit_fee = 0, withdrawal_fee = 0;
  bool operator==(const swap_estimate&) const = default;
};

/// POST /v2/exchange -> swap_created. No idempotency key; a swap that nobody funds only expires.
struct create_swap {
  asset from, to;
  int128 from_amount = 0;
  std::string address, extra_id, refund_address, rate_id;
  bool operator==(const create_swap&) const = default;
};
struct swap_created {
  std::string swap_id, payin_address, payin_extra_id;
  int128 from_amount = 0, to_amount = 0;
  bool operator==(const swap_created&) const = default;
};

enum class swap_status : std::uint8_t {
  new_swap,
  waiting,
  confirming,
  exchanging,
  sending,
  finished,
  failed,
  refunded,
  verifying,
  expired
};
template <>
struct enum_names<swap_status> {
  static constexpr std::string_view type = "swap_status";
  static constexpr std::string_view values[] = {"new",      "waiting", "confirming", "exchanging", "sending",
                                                "finished", "failed",  "refunded",   "verifying",  "expired"};
};

/// GET /v2/exchange/by-id -> swap_state.
struct get_swap {
  std::string swap_id;
  bool operator==(const get_swap&) const = default;
};
struct swap_state {
  std::string swap_id;
  swap_status status = swap_status::new_swap;
  std::optional<int128> amount_from, amount_to;
  std::optional<timestamp> valid_until;
  std::string payin_hash, payout_hash, refund_hash;
  std::optional<int128> refund_amount;
  bool operator==(const swap_state&) const = default;
};

// --- Telegram (provider-apis 3); texts are HTML ---

/// What a message is to whom it is sent: an answer to what they just did, the access that they paid for, news, one of many posts.
/// Telegram's limits are shared out by it (actors/runtime/pace.hpp).
enum class urgency : std::uint8_t { answer, access, notice, broadcast };
template <>
struct enum_names<urgency> {
  static constexpr std::string_view type = "urgency";
  static constexpr std::string_view values[] = {"answer", "access", "notice", "broadcast"};
};

/// sendMessage -> message_sent. No idempotency: a repeat may send twice.
struct send_message {
  std::int64_t chat_id = 0;
  std::string html;
  keyboard buttons;
  urgency importance = urgency::answer;
  bool operator==(const send_message&) const = default;
};
struct message_sent {
  std::int64_t message_id = 0;
  bool operator==(const message_sent&) const = default;
};

/// deleteMessage -> done. A message that is not there (any more) counts as deleted.
struct delete_message {
  std::int64_t chat_id = 0, message_id = 0;
  bool operator==(const delete_message&) const = default;
};

/// The same message to many chats, by sendMessage with urgency::broadcast -> batch_sent. Run by the bulk mailer, which feeds the Telegram
/// lane a few at a time; it answers after a while with what it got done.
struct send_batch {
  std::vector<std::int64_t> chats;
  std::string html;
  keyboard buttons;
  bool operator==(const send_batch&) const = default;
};
enum class delivery : std::uint8_t {
  pending, ///< Not tried, or it failed for now: to be sent again.
  sent,
  refused, ///< For good: the person blocked the bot, or is gone.
  wrong    ///< Telegram refuses the message itself.
};
template <>
struct enum_names<delivery> {
  static constexpr std::string_view type = "delivery";
  static constexpr std::string_view values[] = {"pending", "sent", "refused", "wrong"};
};
struct batch_sent {
  std::vector<delivery> each; ///< In the order of the chats.
  std::string words;          ///< Telegram's, of the last one that was refused, wrong or failed.
  bool operator==(const batch_sent&) const = default;
};

/// answerCallbackQuery -> done. "query is too old" counts as done.
struct answer_callback {
  std::string callback_id, text;
  bool operator==(const answer_callback&) const = default;
};

/// createChatInviteLink with member_limit 1 -> invite_created. `name` (at most 32 characters) ties the link to its order.
struct create_invite {
  std::int64_t chat_id = 0;
  std::string name;
  timestamp expires_at{};
  bool operator==(const create_invite&) const = default;
};
struct invite_created {
  std::string link;
  bool operator==(const invite_created&) const = default;
};

/// revokeChatInviteLink -> done, also when the link is none any more. Whoever came in by it stays in.
struct revoke_invite {
  std::int64_t chat_id = 0;
  std::string link;
  bool operator==(const revoke_invite&) const = default;
};

/// getChatMember -> member_seen. Whom Telegram does not know there has `left`.
struct get_member { std::int64_t chat_id = 0, user_id = 0; bool operator==(const get_member&) const = default; };
enum class member_status : std::uint8_t { creator, administrator, member, left, kicked };
template <>
struct enum_names<member_status> {
  static constexpr std::string_view type = "member_status";
  static constexpr std::string_view values[] = {"creator", "administrator", "member", "left", "kicked"};
};
struct member_seen { member_status status = member_status::left; bool operator==(const member_seen&) const = default; };

/// banChatMember -> done. Permanent failures: "administrator" (they cannot be banned), "not_member" (Telegram does not know them there).
struct ban_member { std::int64_t chat_id = 0, user_id = 0; bool operator==(const ban_member&) const = default; };
/// unbanChatMember, only_if_banned -> done: they may come back; whoever is in stays in.
struct unban_member { std::int64_t chat_id = 0, user_id = 0; bool operator==(const unban_member&) const = default; };
/// approveChatJoinRequest -> done, also when they are in already. Permanent failure "no_request": they no longer ask.
struct approve_join { std::int64_t chat_id = 0, user_id = 0; bool operator==(const approve_join&) const = default; };

/// Long poll of getUpdates, each update handed to its conversation in order per chat, and confirmed to Telegram only when all are
/// committed -> updates_handled with the next offset. Run by the update intake, not by a provider client alone.
struct poll_updates {
  std::int64_t offset = 0;
  bool operator==(const poll_updates&) const = default;
};
struct updates_handled {
  std::int64_t next_offset = 0;
  std::uint32_t count = 0;
  bool operator==(const updates_handled&) const = default;
};

/// getUpdates alone -> updates_received.
struct get_updates {
  std::int64_t offset = 0;
  bool operator==(const get_updates&) const = default;
};
struct updates_received {
  std::vector<chat_update> updates;
  std::int64_t next_offset = 0;
  bool operator==(const updates_received&) const = default;
};

/// Updates that a webhook brought, handed over like those of a poll -> updates_handled, whose next_offset is `received`'s when all of them
/// are committed. Run by the update intake.
struct hand_over_updates {
  updates_received received;
  bool operator==(const hand_over_updates&) const = default;
};

// --- Ethereum (provider-apis 4) ---

/// What a transaction is made of before it is signed (EIP-1559). `data` is raw bytes: empty for a plain transfer.
struct tx_fields {
  std::uint64_t chain_id = 0, nonce = 0, gas_limit = 0;
  int128 max_fee = 0, max_priority_fee = 0; ///< Wei per gas.
  std::string to;                           ///< 0x..., 20 bytes.
  int128 value = 0;                         ///< Wei.
  std::string data;
  bool operator==(const tx_fields&) const = default;
};

/// Signs with the hot wallet's key (RFC 6979: the same fields give the same bytes) -> tx_signed. Fails permanently if the key is not
/// `from`'s.
struct sign_tx {
  std::string from;
  tx_fields tx;
  bool operator==(const sign_tx&) const = default;
};
struct tx_signed {
  std::string raw, hash;
  bool operator==(const tx_signed&) const = default;
}; ///< Both as 0x hex.

/// Reads what a wallet needs before it signs -> chain_quote. `gas_limit` is estimated for `to`/`value`/`data` with headroom.
struct get_chain_quote {
  std::string from, to;
  int128 value = 0;
  std::string data;
  std::string token{}; ///< A contract whose balance of `from` is wanted too; empty: none.
  bool operator==(const get_chain_quote&) const = default;
};
struct chain_quote {
  std::uint64_t chain_id = 0, latest_nonce = 0, gas_limit = 0;
  int128 base_fee = 0, priority_fee = 0, balance = 0; ///< Wei; base_fee is the next block's.
  int128 token_balance = 0;                           ///< In the token's own units.
  std::uint64_t pending_nonce = 0;                    ///< After what the node's pool holds of `from`.
  std::string refused{};                              ///< The receiver's code refuses this call, in its words: there is no gas_limit then.
  bool operator==(const chain_quote&) const = default;
};

/// eth_sendRawTransaction of stored bytes -> tx_broadcast. "already known" and its like are success; `nonce_too_low` says that the
/// nonce is used, by this transaction or another: only receipts decide which.
struct broadcast_tx {
  std::string raw, hash;
  bool operator==(const broadcast_tx&) const = default;
};
enum class broadcast_answer : std::uint8_t { accepted, nonce_too_low, underpriced, insufficient_funds };
struct tx_broadcast {
  broadcast_answer answer = broadcast_answer::accepted;
  bool operator==(const tx_broadcast&) const = default;
};

/// Receipts of every hash ever signed for a nonce, with the chain's height and our mined nonce at that moment -> receipts_read.
struct get_receipts {
  std::string from;
  std::vector<std::string> hashes;
  bool operator==(const get_receipts&) const = default;
};
/// An ERC-20 Transfer in a receipt's log. Addresses lower case.
struct token_moved {
  std::string token, from, to;
  int128 units = 0; ///< In the token's own units (USDT: 10^-6).
  bool operator==(const token_moved&) const = default;
};
struct receipt {
  std::string hash;
  std::uint64_t block_number = 0;
  bool reverted = false;
  std::uint64_t gas_used = 0;
  int128 effective_gas_price = 0;
  std::vector<token_moved> moved{};
  bool operator==(const receipt&) const = default;
};
struct receipts_read {
  std::uint64_t head = 0, latest_nonce = 0;
  std::vector<receipt> receipts; ///< Of those hashes that are in a block now.
  bool operator==(const receipts_read&) const = default;
};

/// A transfer by somebody else: the ETH that reached us -> transfer_seen. Transient failure while the node does not know it.
struct get_transfer {
  std::string hash;
  bool operator==(const get_transfer&) const = default;
};
struct transfer_seen {
  std::string to;
  int128 value = 0;
  std::uint64_t confirmations = 0; ///< 0: still pending.
  bool reverted = false;
  bool operator==(const transfer_seen&) const = default;
};

/// The tokens that a transaction moved, by its receipt -> token_transfer_seen. Transient failure while the node does not know it.
struct get_token_transfer {
  std::string hash;
  bool operator==(const get_token_transfer&) const = default;
};
struct token_transfer_seen {
  std::vector<token_moved> moved;
  std::uint64_t confirmations = 0; ///< 0: still pending.
  bool reverted = false;
  bool operator==(const token_transfer_seen&) const = default;
};

/// eth_getBalance at latest, with the mined nonce -> wallet_seen.
struct get_wallet {
  std::string address;
  std::string token{};     ///< A contract whose balance is wanted too; empty: none.
  std::uint64_t depth = 1; ///< How deep a nonce is to be settled: 1 is the newest block.
  bool operator==(const get_wallet&) const = default;
};
struct wallet_seen {
  int128 balance = 0;
  std::uint64_t latest_nonce = 0, head = 0;
  int128 token_balance = 0;        ///< In the token's own units.
  std::uint64_t settled_nonce = 0; ///< The mined nonce `depth` blocks deep.
  bool operator==(const wallet_seen&) const = default;
};

/// A transaction in full, with its receipt -> transaction_seen. Transient failure while the node does not know it.
struct get_transaction {
  std::string hash;
  bool operator==(const get_transaction&) const = default;
};
struct transaction_seen {
  std::string from, to; ///< Lower case; `to` is empty when it makes a contract.
  std::uint64_t nonce = 0;
  int128 value = 0;
  std::string data;                ///< 0x hex, lower case.
  std::uint64_t confirmations = 0; ///< 0: still pending; what follows is unknown then.
  std::uint64_t block_number = 0;
  bool reverted = false;
  std::uint64_t gas_used = 0;
  int128 effective_gas_price = 0;
  std::vector<token_moved> moved{};
  bool operator==(const transaction_seen&) const = default;
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

// --- mail: SendGrid v3 (provider-apis 5.3) ---

/// POST /v3/mail/send -> done, when it was queued there. No idempotency key: a repeat may come twice.
struct send_mail {
  std::string to, subject, text, html;
  bool operator==(const send_mail&) const = default;
};
/// 32 bytes from the system's generator for a link in a mail -> secret_made.
struct make_secret { bool operator==(const make_secret&) const = default; };
struct secret_made {
  std::string secret; ///< base64url.
  std::string hash;   ///< SHA-256 of that text, in hex: what may be stored.
  bool operator==(const secret_made&) const = default;
};

// --- what has gathered: our own books, read by persistence/ ---

/// What an entity claimed by `claim_accruals` -> claim_seen. Transient failure "not_found" while there is no such claim.
struct get_claim {
  std::string claimant;
  bool operator==(const get_claim&) const = default;
}; ///< to_text(entity_ref).
struct claim_seen {
  std::int64_t accruals = 0;
  usd_amount net;   ///< Their value when they were judged,
  eth_amount eth;   ///< the net ETH of the unconverted ones,
  usdt_amount usdt; ///< the USDT shares of the converted ones.
  bool operator==(const claim_seen&) const = default;
};

/// Whose the wallet's coins are -> wallet_books_seen.
struct get_wallet_books {
  bool operator==(const get_wallet_books&) const = default;
};
struct wallet_books_seen {
  int128 ledger = 0;    ///< `assets:wallet` in ETH.
  int128 owed = 0;      ///< What of it is not the platform's: all liabilities, less what is on its way to us or in a swap.
  int128 incoming = 0;  ///< ETH on its way: the chain may show it before the ledger does.
  int128 owed_usdt = 0; ///< What of `assets:wallet` in USDT is not the platform's.
  bool operator==(const wallet_books_seen&) const = default;
};

/// The pending accruals of all channels whose ETH has arrived -> gathered_seen.
struct get_gathered {
  bool operator==(const get_gathered&) const = default;
};
struct gathered_seen {
  std::int64_t accruals = 0;
  usd_amount net;
  eth_amount eth;
  bool operator==(const gathered_seen&) const = default;
};

/// The channels that are to be paid from what has gathered (spec 5) -> due_payouts_seen: a threshold channel whose converted USD value
/// reached its threshold, an instant channel whose pot reached the least amount that its pair is known to take. A channel one of
/// whose payouts failed is left out until that failure is resolved. At most `limit`, those with the oldest accruals first.
struct get_due_payouts {
  std::uint32_t limit = 200;
  bool operator==(const get_due_payouts&) const = default;
};
/// In what the accruals that a payout claims lie: each pot pays its own.
enum class payout_pot : std::uint8_t { eth, usdt };
template <>
struct enum_names<payout_pot> {
  static constexpr std::string_view type = "payout_pot";
  static constexpr std::string_view values[] = {"eth", "usdt"};
};
struct due_payout {
  std::int64_t channel_id = 0, owner_chat_id = 0;
  asset target;
  std::string address, extra_id;
  payout_pot pot = payout_pot::usdt;
  bool operator==(const due_payout&) const = default;
};
struct due_payouts_seen {
  std::vector<due_payout> due;
  bool operator==(const due_payouts_seen&) const = default;
};

/// What a transaction on the chain was counted for already -> arrival_seen.
struct find_arrival {
  std::string hash, currency;
  bool operator==(const find_arrival&) const = default;
};
struct arrival_seen {
  std::string owner;
  bool operator==(const arrival_seen&) const = default;
}; ///< "payout/...", "payment/..."; empty: nothing.

/// Whether a payout got a part of the daily limits -> allowance_seen. Transient failure "not_found" while it has claimed none.
struct get_allowance {
  std::string payout_id;
  bool operator==(const get_allowance&) const = default;
};
struct allowance_seen {
  bool granted = false;
  usd_amount channel, total; ///< What others had of the last 24 hours when it was claimed: of its channel, and of all.
  bool operator==(const allowance_seen&) const = default;
};

/// How many subscribers a broadcast has -> audience_seen: whose access to the channel had begun and not ended `at` that instant.
struct get_audience {
  std::int64_t channel_id = 0;
  timestamp at{};
  bool operator==(const get_audience&) const = default;
};
struct audience_seen {
  std::int64_t recipients = 0;
  bool operator==(const audience_seen&) const = default;
};

/// The next of them after the user `after`, by user id -> recipients_seen; those whose access ended meanwhile are left out.
struct get_recipients {
  std::int64_t channel_id = 0;
  timestamp at{};
  std::int64_t after = 0;
  std::uint32_t limit = 0;
  bool operator==(const get_recipients&) const = default;
};
struct recipient {
  std::int64_t user_id = 0, chat_id = 0;
  bool operator==(const recipient&) const = default;
};
struct recipients_seen {
  std::vector<recipient> people;
  bool operator==(const recipients_seen&) const = default;
};

/// The scheduled posts that are due `at` that instant and not under way -> due_posts_seen, those due first first.
struct get_due_posts {
  timestamp at{};
  std::uint32_t limit = 200;
  bool operator==(const get_due_posts&) const = default;
};
enum class broadcast_what : std::uint8_t {
  offer,    ///< The tiers, in the open channel.
  donation, ///< The donate button, in the closed channel.
  message   ///< The owner's own words.
};
template <>
struct enum_names<broadcast_what> {
  static constexpr std::string_view type = "broadcast_what";
  static constexpr std::string_view values[] = {"offer", "donation", "message"};
};
struct due_post {
  std::int64_t channel_id = 0;
  broadcast_what what = broadcast_what::offer;
  timestamp due_at{};
  bool operator==(const due_post&) const = default;
};
struct due_posts_seen {
  std::vector<due_post> due;
  bool operator==(const due_posts_seen&) const = default;
};
// --- our own tables ---

/// The registered channels that this one is the open or the closed side of -> channels_found; those closed to new sales included.
struct find_channels { std::int64_t channel_id = 0; bool operator==(const find_channels&) const = default; };
struct channel_found {
  std::int64_t open_channel_id = 0, closed_channel_id = 0;
  std::string closed_title;
  bool operator==(const channel_found&) const = default;
};
struct channels_found { std::vector<channel_found> channels; bool operator==(const channels_found&) const = default; };

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
                 make_secret>;
using io_outcome =
    std::variant<io_failure, done, invoice_created, provider_payment, payments_listed, swap_range, swap_estimate, swap_created, swap_state,
                 message_sent, invite_created, updates_handled, updates_received, tx_signed, chain_quote, tx_broadcast, receipts_read,
                 transfer_seen, token_transfer_seen, wallet_seen, transaction_seen, usd_price, claim_seen, wallet_books_seen, gathered_seen,
                 due_payouts_seen, arrival_seen, allowance_seen, chain_state, wallet_history, payments_page, books_cut, audit_page,
                 unknown_payments, unclaimed_seen, unbooked_page, exception_seen, chat_found, rights_checked, subscriptions_listed,
                 channels_listed, stats_seen, owner_slot_seen, channel_holdings, batch_sent, audience_seen, recipients_seen, due_posts_seen, member_seen,
                 channels_found, secret_made>;

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
