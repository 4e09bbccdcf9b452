#include "ctl/print.hpp"

namespace paygate::ctl {

namespace {

/// One deposit's way, as lines of "what  how much".
class report {
public:
  explicit report(const rapidjson::Value& hop) : hop_(hop) {}

  std::string get(const char* name) const {
    const auto found = hop_.FindMember(name);
    return found == hop_.MemberEnd() ? std::string() : plain(found->value);
  }
  bool has(const char* name) const { return !get(name).empty(); }

  void head(const std::string& words) { text_ += "\n  " + words + "\n"; }
  /// A line, unless there is nothing to say.
  void line(const std::string& what, const std::string& value) {
    if (value.empty()) return;
    text_ += "    " + what + std::string(what.size() < 22 ? 22 - what.size() : 1, ' ') + value + "\n";
  }
  void amount(const std::string& what, const char* name, const std::string& unit) {
    if (has(name)) line(what, get(name) + " " + unit);
  }
  const std::string& text() const { return text_; }

private:
  const rapidjson::Value& hop_;
  std::string text_;
};

void deposit_hop(report& r) {
  r.head("payment " + r.get("payment_id") + "  " + r.get("settled_at"));
  r.amount("sent", "actually_paid", r.get("pay_currency"));
  r.line("subscriber's tx", r.get("payin_hash"));
  if (r.has("settled_at")) {
    r.line("came in", r.get("gross_eth") + " eth = $" + r.get("gross_usd"));
    r.line("platform's fee", r.get("fee_eth") + " eth = $" + r.get("fee_usd"));
    r.line("owner's", r.get("net_eth") + " eth = $" + r.get("net_usd"));
  }
  r.line("provider's tx to us", r.get("arrival_hash"));
  r.line("arrived", r.get("arrived_at"));
  r.line("gathered", r.get("accrual_status"));
}

void conversion_hop(report& r) {
  if (!r.has("conversion_id")) return;
  r.head("conversion " + r.get("conversion_id") + " " + r.get("conversion_status") + " (this payment's share)  " + r.get("converted_at"));
  r.amount("sold", "eth_sold", "eth");
  r.amount("received", "usdt_received", "usdt");
  r.amount("rate quoted", "conversion_rate_quoted", "usdt per eth");
  r.amount("rate of the market", "conversion_rate_market", "usdt per eth");
  r.amount("rate achieved", "conversion_rate_achieved", "usdt per eth");
  r.amount("provider's fee", "conversion_fee_usdt", "usdt");
  r.amount("spread", "conversion_spread_usdt", "usdt");
  r.amount("gas (platform's)", "conversion_gas_eth", "eth");
  r.line("swap", r.get("conversion_swap_id"));
  r.line("our tx", r.get("conversion_tx_hash"));
  r.line("provider's tx to us", r.get("conversion_received_hash"));
}

void payout_hop(report& r) {
  if (!r.has("payout_id")) return;
  const auto what = r.get("refund") == "true" ? "refund " : "payout ";
  const auto coin = r.get("target_ticker"), pot = r.get("pot");
  r.head(what + r.get("payout_id") + " " + r.get("payout_status") + " (this payment's share)  " + r.get("paid_out_at"));
  r.amount("put in", "payout_put_in", r.get("payout_put_in_currency"));
  r.line("sold first: swap", r.get("first_leg_swap_id"));
  r.line("sold first: our tx", r.get("first_leg_tx_hash"));
  r.line("sold first: tx to us", r.get("first_leg_received_hash"));
  r.amount("quoted", "payout_quoted", coin);
  r.amount("paid", "payout_amount", coin + " (" + r.get("target_network") + ")");
  r.amount("rate quoted", "payout_rate_quoted", coin + " per " + pot);
  r.amount("rate achieved", "payout_rate_achieved", coin + " per " + pot);
  r.amount("deposit fee", "payout_deposit_fee", pot);
  r.amount("withdrawal fee", "payout_withdrawal_fee", coin);
  r.amount("gas (platform's)", "payout_gas_eth", "eth");
  r.line("to", r.get("address") + (r.has("extra_id") ? " memo " + r.get("extra_id") : ""));
  r.line("swap", r.get("payout_swap_id"));
  r.line("tx to the recipient", r.get("payout_hash"));
}

void transfer_hop(report& r) {
  if (!r.has("transfer_intent")) return;
  r.head("transfer " + r.get("transfer_intent") + " " + r.get("transfer_status") + " (as a whole)  " + r.get("broadcast_at"));
  const bool token = r.get("transfer_eth") == "0";
  r.amount("value", token ? "transfer_usdt" : "transfer_eth", token ? "usdt" : "eth");
  r.line("to", r.get("transfer_recipient"));
  r.line("nonce, block", r.get("transfer_nonce") + ", " + r.get("transfer_block"));
  r.amount("gas", "transfer_gas_eth", "eth");
  r.line("tx", r.get("transfer_hash"));
}

} // namespace

std::string trace_report(const rapidjson::Value& answer) {
  if (!answer.IsObject() || !answer.HasMember("deposits")) return pretty(answer);
  const report order(answer);
  auto text =
      "order " + order.get("order_id") + "  " + order.get("status") + "  $" + order.get("price_usd") + "  " + order.get("channel") + "\n";
  if (order.get("decision") != "none") text += "  " + order.get("decision") + " by the operator: " + order.get("decision_reason") + "\n";
  if (answer["deposits"].Empty()) text += "  nothing was paid yet\n";
  for (const auto& hop : answer["deposits"].GetArray()) {
    report r(hop);
    deposit_hop(r);
    conversion_hop(r);
    payout_hop(r);
    transfer_hop(r);
    text += r.text();
  }
  return text;
}

} // namespace paygate::ctl
