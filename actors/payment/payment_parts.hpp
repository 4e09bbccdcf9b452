#pragma once

#include <optional>
#include <string>

#include "actors/payment/payment_machine.hpp"

// Shared by the files of the payment machine, and by nobody else.
namespace paygate::payments {

using step = decision<payment>;

/// After so many polls without news an order that nobody began to pay is no longer looked for (about eight days), until it is poked.
inline constexpr std::uint32_t search_limit = 200;
/// Pokes that follow news of the provider closer than this change nothing.
inline constexpr seconds poke_distance{5};

/// An order that nobody began to pay keeps its use of a promo code for so long.
inline constexpr seconds promo_patience{std::chrono::hours(24)};

/// The pause before the next poll: payment_poll_first, doubled with each poll without news, up to payment_poll_max.
milliseconds poll_distance(std::uint32_t polls, const policy& rules);

/// Takes over what the provider says of one payment of this order: the first deposit or a further one. `from_api`: it is the provider's
/// own answer to a question of ours, which is final where an IPN may be incomplete.
void take_report(step& out, const provider_payment& report, bool from_api, const step_context& context);

/// Takes over the value of a finished deposit that had to be estimated from the price of one ETH.
void take_price(step& out, const std::string& payment_id, const usd_price& price, const step_context& context);

/// Takes over what the chain says of the provider's transfer to us.
void take_transfer(step& out, const std::string& payment_id, const transfer_seen& seen, const step_context& context);

/// Takes over the outcome of an effect that is still due.
void take_outcome(step& out, const effect_done& message, const step_context& context);

/// What the operator decides (spec 3.6).
verdict<payment> accept(const payment& state, const accept_payment& command, const step_context& context);
verdict<payment> refund(const payment& state, const refund_payment& command, const step_context& context);

/// What gathered with a predecessor.
verdict<payment> take_over(const payment& state, bool exists, const import_opening& command, const step_context& context);

/// The payout that gives back: "<order>.refund" for the first one, "<order>.refund2" for the second.
std::string refund_id_of(const payment& state, const std::string& order_id);
/// Marks a deposit whose value was given back by hand.
inline const std::string refunded_outside = "outside";

/// Shares a deposit between owner and platform, and gives the owner theirs. `from`: where its ETH stands in the books by now.
void credit(step& out, deposit& d, const std::string& from, const step_context& context);
/// "<kind>/<id>/<what>/<payment id>"
std::string entry_key(const step_context& context, const char* what, const deposit& d);
void add_posting(ledger_entry& entry, const std::string& account, int128 units);

/// The status that follows from the deposits alone, before anything was judged.
payment_status status_by_deposits(const payment& state);

/// The provider still has to decide about this deposit.
bool is_open(const deposit& d);
/// Finished, but what came in is not known: the provider has to be asked.
bool needs_reading(const deposit& d);
/// Finished, in ETH, but its dollar value is not known: price sources have to be asked.
bool needs_price(const deposit& d);
/// Its value was posted to the owner (and not only received).
bool is_credited(const deposit& d);
/// The provider gave it back before it reached us: it pays for nothing.
bool was_taken_back(const deposit& d);
/// Its value is posted, and nobody's: neither credited nor given back.
bool is_undecided(const deposit& d);

/// Lists a failure for the operator and puts it into the note of the step.
void list_failure(step& out, std::string code, std::string text);

deposit* find_deposit(payment& state, const std::string& payment_id);

// Texts to people, as HTML.
std::string invoice_description(const payment& state);
std::string pay_link_text(const payment& state);
std::string thanks_text(const payment& state); ///< To a donor.
std::string payment_remark(const payment& state); ///< What is remarkable about it, for whoever tells the subscriber.
std::string shortfall_text(const payment& state);
std::string refund_text(const payment& state, const std::string& order_id);
std::string owner_text(const payment& state);

} // namespace paygate::payments
