#pragma once

#include "tests/simulation/incoming.hpp"
#include "tests/simulation/rates.hpp"

namespace paygate::sim {

/// The payment provider: invoices, payments that go their way, IPNs that are repeated, reordered, late or lost.
class nowpayments {
public:
  nowpayments(world& w, const fault_rates& rates, incoming& coins) : w_(w), rates_(rates), coins_(coins) {}

  io_outcome create(const create_invoice& request);
  io_outcome look(const get_payment& request);
  io_outcome find(const find_payments& request);

  /// Hands an IPN to the node; tells whether it was answered 200.
  using ipn_answer = std::function<void(bool)>;
  std::function<void(const ipn_received&, ipn_answer)> deliver;

  /// A person opens the invoice's page and pays, in one of many ways.
  void pay(const std::string& url);
  bool knows(const std::string& url) const { return invoices_.count(url) != 0; }

  struct attempt {
    provider_payment truth;
    std::vector<provider_status> script; ///< What it will become, one after the other.
    std::size_t at = 0;
    int128 usd = 0;        ///< What really came in.
    bool reliable = false; ///< Its IPNs come in the end: nothing else would tell us.
    bool fiat_unknown = false;
    std::vector<provider_payment> past;
  };
  std::map<std::string, attempt> attempts; ///< By payment id.
  struct order_truth {
    int128 price = 0, finished_usd = 0;
    int finished = 0;
    bool foreign_outcome = false;
  };
  std::map<std::string, order_truth> orders; ///< What really was paid, by order.
  int open = 0;                              ///< Scripts and IPNs still under way.

private:
  struct invoice {
    std::string id, order_id;
    int128 price = 0;
    bool paid = false;
  };
  std::string begin(const invoice& of, const std::string& parent, int128 usd, int128 asked, std::vector<provider_status> script,
                    bool reliable);
  void next(const std::string& id);
  void tell(const std::string& id);
  void post(const ipn_received& ipn, bool reliable, int tries);

  world& w_;
  const fault_rates& rates_;
  incoming& coins_;
  std::map<std::string, invoice> invoices_; ///< By URL.
  int count_ = 0;
};

} // namespace paygate::sim
