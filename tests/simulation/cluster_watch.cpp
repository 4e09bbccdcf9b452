#include "tests/simulation/cluster_watch.hpp"

namespace paygate::sim {

using namespace std::chrono_literals;

cluster_watch::cluster_watch(world& w, lease_table& table) : w_(w), table_(table) {
  table_.taken = [this](std::uint32_t shard, const lease_table::lease& before, const lease_table::member& taker, bool expired) {
    taken(shard, before, taker, expired);
  };
  table_.pushed = [this](const std::string& identity) { pushed(identity); };
}

void cluster_watch::born(const std::string& identity, std::shared_ptr<process_truth> process) { processes_[identity] = std::move(process); }

const process_truth* cluster_watch::truth(const std::string& identity) const {
  const auto at = processes_.find(identity);
  return at == processes_.end() ? nullptr : at->second.get();
}

void cluster_watch::taken(std::uint32_t shard, const lease_table::lease& before, const lease_table::member& taker, bool expired) {
  if (before.holder == 0) return;
  const auto& holder = table_.members[before.holder];
  const auto what = "shard " + std::to_string(shard) + " goes from " + holder.identity + " to " + taker.identity + ": ";
  w_.demand(declared_dead_.count(taker.identity) == 0, what + "a dead identity never returns");
  const auto* self = truth(taker.identity);
  const auto* other = truth(holder.identity);
  if (!expired) {
    // Its holder has left, its identity was declared dead before, or its process is.
    const bool gave_up = holder.left || declared_dead_.count(holder.identity);
    w_.demand(gave_up || other->dead, what + "a lease that is nobody's has no living holder");
    return;
  }
  ++seen[other->dead ? "from the dead" : other->asleep ? "from a sleeper" : "from the silent"];
  w_.demand(before.expires <= w_.now, what + "no lease is taken before it has expired");
  w_.demand(self->reaches + lease_ttl * 98 / 100 <= w_.now, what + "nobody takes over who could not have renewed for a ttl itself"); // Its clock may be fast.
  declared_dead_.emplace(holder.identity, w_.now);
}

void cluster_watch::pushed(const std::string& identity) {
  w_.demand(declared_dead_.count(identity) == 0, identity + ": a dead identity never returns");
}

void cluster_watch::writes(const std::string& identity, const step_record& step) {
  if (table_.holds(identity, step.shard, step.epoch)) return;
  const auto* self = truth(identity);
  // It was given back in this very moment; or it has just woken up and does not know yet. Nobody else has an excuse.
  const bool taken = declared_dead_.count(identity) != 0;
  ++seen[taken ? "stale steps of a sleeper" : "stale steps at a handover"];
  w_.demand(!taken || (self && self->woke_at + 1s >= w_.now),
            to_text(step.ref) + " " + step.message + ": " + identity + " stops acting before its lease can be taken");
}

} // namespace paygate::sim
