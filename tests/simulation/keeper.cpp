#include "tests/simulation/keeper.hpp"

#include <algorithm>

#include "tests/simulation/planted.hpp"

namespace paygate::sim {

void keeper::learn(bool may_judge) {
  const auto rows = table_.rows();
  auto view = view_of(rows, identity_, may_judge);
  known_.epochs.fill(0);
  for (std::uint32_t s = 0; s < shard_count; ++s)
    if (joined_ && rows.leases[s].node == identity_) known_.epochs[s] = rows.leases[s].epoch;
  if (!known_.view || *known_.view != view) known_.view = std::make_shared<const cluster_view>(std::move(view));
  next_ = plan_leases(rows, identity_, may_judge);
  known_.surplus = next_.surplus;
  known_.settled = next_.settled && next_.take.empty() && next_.bury.empty();
  changes_ = table_.changes;
  judged_ = may_judge;
  unread_ = 0;
}

void keeper::join(bool may_judge) {
  if (identity_.empty()) identity_ = next_identity_();
  auto rows = table_.rows();
  std::vector<std::string> dead;
  for (const auto& node : rows.nodes)
    if (is_dead(node, may_judge)) dead.push_back(node.member.identity);
  if (!table_.bury(dead, identity_)) return;
  for (const auto& node : rows.nodes)
    if (!is_dead(node, may_judge) && node.member.name == name_) {
      known_.refused = "another node is called " + name_;
      return;
    }
  table_.join(identity_, name_, draining_);
  joined_ = true;
  learn(may_judge);
}

void keeper::beat(bool take, bool may_judge) {
  if (joined_) {
    const auto pulse = table_.renew(identity_);
    const auto near_died = [this] {
      return std::any_of(table_.members.begin() + 1, table_.members.end(),
                         [this](const auto& m) { return !m.left && !m.dead && table_.is_gone(m.identity); });
    };
    if (!pulse.alive) {
      joined_ = false;
      identity_.clear();
      known_ = {};
      changes_ = -1;
    } else if (table_.changes == changes_ && may_judge == judged_ && !pulse.others_late && !near_died() && ++unread_ < 20)
      return;
  }
  if (!joined_) join(may_judge);
  if (!joined_) return;
  learn(may_judge);
  if (!take || draining_ || (next_.take.empty() && next_.bury.empty())) return;
  if (!table_.bury(next_.bury, identity_)) return;
  if (!next_.take.empty()) table_.take(identity_, next_.take);
  learn(may_judge);
}

lease_answer_ptr keeper::work(duty what, const shard_list& given, instant asked, instant answered) {
  const bool may_judge = active_fault == planted::take_over_after_outage || reached_.may_judge(asked);
  known_.refused.clear();
  switch (what) {
  case duty::take: beat(true, may_judge); break;
  case duty::renew: beat(false, may_judge); break;
  case duty::give:
    table_.free(identity_, given);
    learn(judged_);
    break;
  case duty::drain:
    if (!draining_ && joined_) table_.drain(identity_);
    draining_ = true;
    beat(false, may_judge);
    break;
  case duty::release:
    if (joined_) table_.leave(identity_);
    joined_ = false;
    identity_.clear();
    known_ = {};
    break;
  }
  reached_.heard(asked, answered);
  return std::make_shared<const lease_answer>(known_);
}

} // namespace paygate::sim
