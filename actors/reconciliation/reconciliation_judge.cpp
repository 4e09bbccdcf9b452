#include <algorithm>

#include "actors/reconciliation/reconciliation_machine.hpp"

// The sentences of reconciliation: what differs, and what most likely is the cause.
namespace paygate::reconciling {

namespace {

std::string coin(const std::string& currency) {
  std::string text = currency;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}
std::string worth(int128 units, const std::string& currency) { return to_decimal(units) + " " + coin(currency); }

bool same_hash(const std::string& a, const std::string& b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

exception_found about(const audit_item& item, exception_kind kind, int128 actual, std::string explanation) {
  exception_found found;
  found.kind = kind;
  found.subject = item.subject;
  found.currency = item.currency;
  found.expected = item.units;
  found.actual = actual;
  found.hash = item.hash;
  found.explanation = std::move(explanation);
  found.entry = item.entry;
  return found;
}

std::string words(const io_failure& failure) { return failure.text.empty() ? failure.code : failure.text; }

/// The provider refuses to tell for a cause that has nothing to do with the item.
bool says_nothing(const io_failure& failure) {
  return failure.kind != fault::permanent || failure.code == "credentials" || failure.code == "invalid_api_key"
         || failure.code == "unauthorized" || failure.code == "forbidden" || failure.code == "http_401" || failure.code == "http_403";
}

} // namespace

std::optional<exception_found> judge_receipt(const audit_item& item, const receipt* found) {
  if (item.what == audited::paid_out) {
    if (found && !found->reverted) return std::nullopt;
    return about(item, exception_kind::missing_payout, 0,
                 "the exchange ended " + item.subject + " with transaction " + item.hash + ", "
                     + (found ? "which was mined without effect" : "which the chain does not know")
                     + ": the owner has not been paid by it; ask the exchange for the real one");
  }
  if (!found) {
    auto missing = about(item, exception_kind::missing_payout, 0,
                         "the books say that " + item.subject + " sent " + worth(item.units, item.currency) + " by transaction " + item.hash
                             + ", but the chain does not know it: the chain was reorganised far back, or the row was changed by hand");
    // The wallet still has what the books say it sent, and the gas.
    const auto value = item.reverted ? 0 : item.units;
    (item.currency == "eth" ? missing.wallet_eth : missing.wallet_usdt) = value;
    missing.wallet_eth = checked_add(missing.wallet_eth, item.gas);
    return missing;
  }
  if (found->reverted == item.reverted) return std::nullopt;
  auto differs = about(item, exception_kind::missing_payout, item.reverted ? item.units : 0,
                       "the books say that " + item.subject + " was mined " + (item.reverted ? "without effect" : "well") + " as "
                           + item.hash + ", the chain says the opposite");
  if (item.reverted) differs.expected = 0;
  const auto more = item.reverted ? -item.units : item.units;
  (item.currency == "eth" ? differs.wallet_eth : differs.wallet_usdt) = more;
  return differs;
}

std::optional<exception_found> judge_payment(const audit_item& item, const io_outcome& said) {
  const auto wrong = [&](int128 actual, const std::string& what) {
    return about(item, exception_kind::wrong_provider_amount, actual,
                 "NOWPayments' record of payment " + item.id + " " + what + ", our books say " + worth(item.units, item.currency)
                     + ": the provider corrected its record after its notice, or the notice was not true");
  };
  if (const auto* failure = std::get_if<io_failure>(&said)) {
    if (says_nothing(*failure)) return std::nullopt;
    return wrong(0, "cannot be read (" + words(*failure) + ")");
  }
  const auto* p = std::get_if<provider_payment>(&said);
  if (!p) return std::nullopt;
  const auto amount = p->outcome_amount.value_or(0);
  if (!p->outcome_currency.empty() && p->outcome_currency != item.currency)
    return wrong(0, "says that it came as " + worth(amount, p->outcome_currency));
  if (p->outcome_amount && amount != item.units) return wrong(amount, "says that " + worth(amount, item.currency) + " came");
  // A part payment that the provider passed on is in the books as well, as nobody's yet.
  if (p->status != provider_status::finished && p->status != provider_status::partially_paid)
    return wrong(amount, "calls it " + std::string(to_text(p->status)));
  return std::nullopt;
}

std::optional<exception_found> judge_swap(const audit_item& item, const io_outcome& said) {
  if (const auto* failure = std::get_if<io_failure>(&said)) {
    if (says_nothing(*failure)) return std::nullopt;
    return about(item, exception_kind::missing_payout, 0,
                 "we call " + item.subject + " completed, but ChangeNOW does not know its swap " + item.id + " (" + words(*failure) + ")");
  }
  const auto* s = std::get_if<swap_state>(&said);
  if (!s) return std::nullopt;
  const auto name = "ChangeNOW's record of swap " + item.id + " (" + item.subject + ") ";
  if (s->status != swap_status::finished)
    return about(item, exception_kind::missing_payout, 0,
                 "we call " + item.subject + " completed, but ChangeNOW calls its swap " + item.id + " " + std::string(to_text(s->status))
                     + ": it took its word back, and the money may never have been paid out");
  if (!s->payout_hash.empty() && !item.hash.empty() && !same_hash(s->payout_hash, item.hash))
    return about(item, exception_kind::missing_payout, item.units,
                 name + "names transaction " + s->payout_hash + " as its end, our books name " + item.hash);
  if (s->amount_to && *s->amount_to != item.units)
    return about(item, exception_kind::wrong_provider_amount, *s->amount_to,
                 name + "says that " + worth(*s->amount_to, item.currency) + " was paid out, our books say "
                     + worth(item.units, item.currency) + ": the provider corrected its record after it had told us another amount");
  if (s->amount_from && *s->amount_from != item.sent) {
    auto found = about(item, exception_kind::wrong_provider_amount, *s->amount_from,
                       name + "says that " + worth(*s->amount_from, item.sent_currency) + " was deposited, our wallet sent "
                           + worth(item.sent, item.sent_currency));
    found.currency = item.sent_currency;
    found.expected = item.sent;
    return found;
  }
  return std::nullopt;
}

std::optional<exception_found> judge_movement(const unbooked& item) {
  const bool token = item.usdt != 0 && item.eth == 0;
  const auto where = " (block " + std::to_string(item.block) + ")";
  exception_found found;
  found.subject = item.hash;
  found.hash = item.hash;
  found.currency = token ? "usdt" : "eth";
  found.actual = token ? item.usdt : item.eth;
  found.gas = item.gas;
  if (!item.subject.empty()) {
    if (!item.gross || *item.gross == item.eth) return std::nullopt;
    found.kind = exception_kind::wrong_provider_amount;
    found.subject = item.subject;
    found.expected = *item.gross;
    found.explanation = "NOWPayments said that " + worth(*item.gross, "eth") + " was sent for " + item.subject + ", its transaction "
                        + item.hash + where + " brought " + worth(item.eth, "eth") + ": it is not booked until a person decides";
    return found;
  }
  if (item.gas == 0 && item.eth >= 0 && item.usdt >= 0) {
    found.kind = exception_kind::foreign_deposit;
    found.explanation =
        worth(found.actual, found.currency) + " came from " + item.counterparty + " by transaction " + item.hash + where
        + ": no payment, swap or refund of ours names it; most likely somebody sent it to the wallet directly, or put gas money in";
    return found;
  }
  found.kind = exception_kind::manual_transfer;
  found.explanation =
      "transaction " + item.hash + where + " sent " + worth(-found.actual, found.currency) + " from the wallet to " + item.counterparty
      + " and paid " + worth(item.gas, "eth")
      + " of gas; we never signed it: somebody used the wallet's key elsewhere, or a backup was restored that does not know it";
  return found;
}

std::optional<exception_found> judge_balance(const std::string& currency, int128 chain, int128 ledger, int128 explained,
                                             std::uint64_t block) {
  const auto difference = checked_sub(checked_sub(chain, ledger), explained);
  if (difference == 0) return std::nullopt;
  exception_found found;
  found.kind = exception_kind::wallet_balance;
  found.subject = "wallet/" + currency;
  found.currency = currency;
  found.actual = difference;
  found.explanation =
      "at block " + std::to_string(block) + " the wallet has " + worth(chain, currency) + ", the books say " + worth(ledger, currency)
      + (explained == 0 ? std::string() : ", " + worth(explained, currency) + " of the difference is explained") + ": "
      + worth(difference, currency)
      + (difference > 0 ? " came by a way that blocks do not show, most likely from a contract, or was posted out by hand"
                        : " is missing; most likely an entry was posted by hand, or what was posted is no longer on the chain");
  return found;
}

exception_found unknown_at_provider(const provider_payment& listed) {
  exception_found found;
  found.kind = exception_kind::unknown_payment;
  found.subject = "nowpayments/" + listed.payment_id;
  found.currency = listed.outcome_currency.empty() ? "eth" : listed.outcome_currency;
  found.actual = listed.outcome_amount.value_or(0);
  found.hash = listed.payout_hash;
  found.explanation = "NOWPayments lists payment " + listed.payment_id + " of order \"" + listed.order_id + "\" as "
                      + std::string(to_text(listed.status))
                      + ", and we have no deposit of it: its notices never came, or another program uses the same account";
  return found;
}

} // namespace paygate::reconciling
