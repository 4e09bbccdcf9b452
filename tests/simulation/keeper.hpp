#pragma once

#include "persistence/reach.hpp"
#include "tests/simulation/lease_table.hpp"

namespace paygate::sim {

/// What persistence/lease_keeper.cpp does with the tables, for one process: the same steps over lease_table instead of SQL.
class keeper {
public:
  using instant = reach::steady::time_point;
  /// `next_identity`: a fresh one at each call.
  keeper(lease_table& table, std::string name, std::function<std::string()> next_identity)
      : table_(table), name_(std::move(name)), next_identity_(std::move(next_identity)) {}

  enum class duty : std::uint8_t { take, renew, give, drain, release };
  /// One call that reached the database, sent at `asked` and answered at `answered` by the process's own steady clock.
  lease_answer_ptr work(duty what, const shard_list& given, instant asked, instant answered);
  /// One that did not.
  void lost() { reached_.lost(); }

  const std::string& identity() const { return identity_; }
  const lease_answer& known() const { return known_; }

private:
  void beat(bool take, bool may_judge);
  void join(bool may_judge);
  void learn(bool may_judge);

  lease_table& table_;
  std::string name_, identity_;
  std::function<std::string()> next_identity_;
  reach reached_{lease_ttl};
  bool joined_ = false, draining_ = false, judged_ = false;
  std::int64_t changes_ = -1;
  int unread_ = 0;
  lease_answer known_;
  lease_plan next_;
};

} // namespace paygate::sim
