#include "tests/simulation/cluster_watch.hpp"

namespace paygate::sim {

using namespace std::chrono_literals;

cluster_watch::cluster_watch(world& w, lease_table& table) : w_(w), table_(table) {
  table_.buried = [this](const auto& victim, const std::string& by) { buried(victim, by); };
  table_.taken = [this](std::uint32_t shard, const auto& holder, const std::string& taker) { taken(shard, holder, taker); };
  table_.renewed = [this](const std::string& identity) {
    w_.demand(declared_dead_.count(identity) == 0, identity + ": a dead identity never returns");
  };
}

void cluster_watch::born(const std::string& identity, std::shared_ptr<process_truth> process) { processes_[identity] = std::move(process); }

const process_truth* cluster_watch::truth(const std::string& identity) const {
  const auto at = processes_.find(identity);
  return at == processes_.end() ? nullptr : at->second.get();
}

void cluster_watch::buried(const lease_table::member& victim, const std::string& by) {
  declared_dead_.emplace(victim.identity, w_.now);
  const auto* self = truth(by);
  const auto* other = truth(victim.identity);
  ++seen[other->dead ? "of the dead" : other->asleep ? "of a sleeper" : "of the silent"];
  if (other->dead) return;
  const auto what = by + " declares " + victim.identity + " dead: ";
  w_.demand(victim.expires <= w_.now, what + "nobody is dead before its time has run out");
  // Its clock may be fast.
  w_.demand(self->reaches + lease_ttl * 98 / 100 <= w_.now, what + "nobody judges who could not have renewed for a ttl itself");
}

void cluster_watch::taken(std::uint32_t shard, const lease_table::member& holder, const std::string& taker) {
  const auto what = "shard " + std::to_string(shard) + " goes from " + holder.identity + " to " + taker + ": ";
  w_.demand(declared_dead_.count(taker) == 0, what + "a dead identity never returns");
  w_.demand(holder.identity.empty() || holder.left || holder.dead, what + "nobody takes what a living node holds");
}

void cluster_watch::writes(const std::string& identity, const step_record& step) {
  if (table_.holds(identity, step.shard, step.epoch)) return;
  const auto* self = truth(identity);
  // Only who has just woken up, and does not know yet, has an excuse.
  ++seen["stale steps of a sleeper"];
  w_.demand(self && self->woke_at != timestamp{} && self->woke_at + 1s >= w_.now,
            to_text(step.ref) + " " + step.message + ": " + identity + " stops acting before its shard can be another's");
}

} // namespace paygate::sim
