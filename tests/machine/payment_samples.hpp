#pragma once

#include "actors/payment/payment_machine.hpp"
#include "tests/machine/sales_support.hpp"

namespace paygate::test {

/// An order of $10 for 30 days, or a donation, and what the provider says of it.
struct purchase : machine<payment_kind> {
  explicit purchase(payout_strategy strategy = payout_strategy::instant, bool donation = false) : machine("01ORDER0000000000000000ABC") {
    order.terms = sample_channel(strategy);
    order.tier = donation ? start_link::donation : 0;
    if (donation) order.donation_price = usd("10");
    order.chat_id = order.user_id = 7;
    order.user_name = "@ann<";
  }

  create_payment order;

  void to_waiting() {
    send(order);
    done_with("invoice", invoice_created{"111", "https://pay/111"});
    done_with("pay_link", message_sent{1});
  }

  /// A report with good figures: $10.00 paid, 0.004 ETH out.
  provider_payment report(provider_status status, std::string payment_id = "5001") const {
    provider_payment p;
    p.payment_id = std::move(payment_id);
    p.invoice_id = "111";
    p.order_id = self.id;
    p.status = status;
    p.price_currency = "usd";
    p.price_amount = usd("10").units();
    p.pay_currency = "btc";
    p.pay_amount = eth("0.0001").units();
    p.actually_paid = p.pay_amount;
    p.actually_paid_at_fiat = usd("10").units();
    p.outcome_currency = "eth";
    p.outcome_amount = eth("0.004").units();
    return p;
  }
  provider_payment finished(std::string dollars, std::string ether, std::string payment_id = "5001") const {
    auto p = report(provider_status::finished, std::move(payment_id));
    p.actually_paid_at_fiat = usd(dollars).units();
    p.outcome_amount = eth(ether).units();
    return p;
  }
  entity_reply ipn(const provider_payment& p) { return send(ipn_received{p, "raw of " + p.payment_id}); }
  /// The channel says where its owner is paid now.
  void placed(const channel& terms) { answered("place:", channel_view{std::make_shared<const channel>(terms)}); }
  void placed() { placed(order.terms); }
  std::string status() const { return std::string(to_text(state.status)); }
  int128 balance(const std::string& account) const {
    auto found = accounts.find(account);
    return found == accounts.end() ? 0 : found->second;
  }
};

} // namespace paygate::test
