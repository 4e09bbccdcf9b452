#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "messages/interfaces.hpp"
#include "tests/machine/money_world.hpp"
#include "tests/simulation/accrual_book.hpp"
#include "tests/simulation/lease_table.hpp"

namespace paygate::sim {

/// PostgreSQL as the runtime sees it: every guard of sql/ and of the batch writer, in memory. Rows and children are stored apart, so that a
/// step that changes one and forgets the other is seen.
class database {
public:
  explicit database(world& w) : table(w), w_(w) {}

  /// One transaction: all of the step, or nothing. `node` is the identity under which it is written.
  commit_result commit(const step_record& step, const std::string& node);
  loaded_entity load(const entity_ref& ref) const;
  wake_list scan(timestamp from, timestamp to, std::uint32_t limit, const shard_list& shards) const;

  lease_table table;

  struct transfer_row {
    wallet_transfer row;
    std::size_t seq = 0;
  };
  std::map<entity_ref, loaded_entity> rows;                        ///< Without children.
  std::map<std::string, std::vector<deposit>> deposits;            ///< By order.
  std::map<std::string, std::vector<subscription_period>> periods; ///< By subscription.
  std::map<std::string, transfer_row> transfers;                   ///< By intent.
  std::map<std::string, int> webhooks;                             ///< Raw body: times received.
  accrual_book accruals;
  std::map<std::pair<std::string, std::string>, std::string> arrivals; ///< By hash and currency: who counted it.
  struct allowance {
    std::int64_t channel = 0;
    usd_amount net;
    timestamp at{};
    bool returned = false;
    allowance_seen seen;
  };
  std::map<std::string, allowance> allowances;                    ///< By payout.
  std::map<entity_ref, failure_listed> failures;                  ///< Open ones.
  std::map<std::pair<std::string, std::string>, int128> balances; ///< By account and currency.
  std::uint64_t commits = 0;

  int128 balance(const std::string& account, const std::string& currency = "eth") const {
    const auto at = balances.find({account, currency});
    return at == balances.end() ? 0 : at->second;
  }
  /// Whether a swap's refund is on our chain: part of the outside, asked by the checks.
  std::function<bool(const std::string& swap_id)> refunded = [](const std::string&) { return false; };
  std::function<bool(const std::string& swap_id)> bought = [](const std::string&) { return false; }; ///< The same of what it paid to us.
  /// What the lane of the books answers.
  io_outcome ask(const io_request& request) const;

  template <class State>
  const State* find(entity_kind kind, const std::string& id) const {
    const auto at = rows.find({kind, id});
    return at == rows.end() ? nullptr : &std::get<State>(at->second.state);
  }
  bool holds_hash(const std::string& hash) const;
  bool listed(entity_kind kind, const std::string& id) const { return failures.count({kind, id}) != 0; }

  /// Sees every step that is about to be written, with the row before it (null: none). Sees it again when it is in.
  std::function<void(const step_record&, const loaded_entity*before)> before_write, after_write;

  /// Whose access to the channel had begun and not ended then, by user id.
  std::vector<recipient> subscribers(std::int64_t channel_id, timestamp at) const;

private:
  std::string objection(const step_record& step) const;
  std::string object_ledger(const step_record& step) const;
  std::string object_row(const step_record& step) const;
  std::string object_gathering(const step_record& step) const;
  void write(const step_record& step);
  void write_row(const step_record& step);
  void write_side(const step_record& step, const side_row& side);
  void post(const ledger_entry& entry);
  void allow(const std::string& id, const allowance_claimed& wanted);
  wallet_books_seen wallet_books() const;
  std::string counted_for(const std::string& hash, const std::string& currency) const;
  due_payouts_seen due(std::uint32_t limit) const;
  due_posts_seen due_posts(const get_due_posts& request) const;

  world& w_;
  std::set<std::string> ledger_keys_;
  std::map<std::string, std::string> deposit_owner_, period_owner_;
};

/// Why sql/0001 and sql/0100 refuse this change of a transfer; empty when they do not.
std::string transfer_objection(const wallet_transfer& old, const wallet_transfer& next);

} // namespace paygate::sim
