#include <algorithm>
#include <map>

#include <caf/all.hpp>

#include "messages/log.hpp"
#include "persistence/database.hpp"
#include "persistence/lease_rows.hpp"
#include "persistence/reach.hpp"
#include "persistence/renewal_watch.hpp"

namespace paygate {

namespace {

using steady = std::chrono::steady_clock;

struct lease_state {
  static inline const char* name = "lease_keeper";
  lease_config config;
  node_identity self;
  std::unique_ptr<database_link> link;
  reach reached{std::chrono::milliseconds(0)};
  renewal_watch watch;
  std::string identity; ///< Empty: it was used up, a new one is needed.
  bool joined = false, draining = false;
  bool judged = false;             ///< What was read last was read by one who may judge.
  std::int64_t changes = -1;       ///< Of the cluster as it was read last.
  int unread = 0;                  ///< Heartbeats since then.
  std::vector<node_identity> near; ///< Other members of this machine.
  lease_answer known;              ///< What was answered last; goes on as long as nothing changes.
  lease_plan next;                 ///< By the same reading.
  steady::time_point housework_at{};
};

using lease_ptr = lease_actor::stateful_pointer<lease_state>;

enum class duty { take, renew };

// Besides the count of changes the whole cluster is read again after so many heartbeats.
constexpr int unread_max = 20;

// What stands in the way: holders and how many shards each has.
std::string describe(const cluster_view& view) {
  std::map<std::string, int> held;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    const auto* owner = view.owner_of(shard);
    if (owner && owner->identity != view.self) ++held[owner->name.empty() ? owner->identity : owner->name];
  }
  std::string text;
  for (const auto& [holder, shards] : held) {
    if (!text.empty()) text += "; ";
    text += std::to_string(shards) + " shards are held by " + holder;
  }
  return text;
}

/// The cluster as it is read now, and who has been silent by this process's clock. A little less than a ttl: that of the database has run
/// since a renewal was made, this one since it was seen.
cluster_rows read_rows(lease_state& state, pqxx::work& transaction) {
  auto rows = read_cluster(transaction, state.self);
  const auto now = steady::now();
  for (auto& node : rows.nodes) {
    state.watch.saw(node.member.identity, node.stamp, now);
    node.silent = state.watch.silence(node.member.identity, now) >= state.config.ttl * 2 / 3;
  }
  state.watch.forget(now - 10 * state.config.ttl);
  return rows;
}

/// Takes over into what is known and answered how the cluster is now, with what should be done next.
void learn(lease_state& state, const cluster_rows& rows, std::int64_t changes, bool may_judge) {
  auto& known = state.known;
  auto view = view_of(rows, state.identity, may_judge);
  known.epochs.fill(0);
  for (std::uint32_t shard = 0; shard < shard_count; ++shard)
    if (state.joined && rows.leases[shard].node == state.identity) known.epochs[shard] = rows.leases[shard].epoch;
  if (!known.view || *known.view != view) known.view = std::make_shared<const cluster_view>(std::move(view));
  state.next = plan_leases(rows, state.identity, may_judge);
  known.surplus = state.next.surplus;
  known.settled = state.next.settled && state.next.take.empty() && state.next.bury.empty();
  known.error = describe(*known.view);
  state.changes = changes;
  state.judged = may_judge;
  state.unread = 0;
  state.near.clear();
  for (const auto& node : rows.nodes) {
    const auto other = parse_node_identity(node.member.identity);
    if (!node.ended && !node.proven_dead && other && other->boot_id == state.self.boot_id && node.member.identity != state.identity)
      state.near.push_back(*other);
  }
}

void read(lease_state& state, pqxx::connection& connection, bool may_judge) {
  pqxx::work transaction(connection);
  // First the number, then what it counts: a change in between is read again.
  const auto changes = transaction.exec("SELECT changes FROM cluster_state")[0][0].as<std::int64_t>();
  const auto rows = read_rows(state, transaction);
  transaction.commit();
  learn(state, rows, changes, may_judge);
}

/// Why this node cannot be a member beside those: one that lives is called as it, to people or to CAF.
std::string objection(const lease_state& state, const cluster_rows& rows, bool may_judge) {
  for (const auto& node : rows.nodes) {
    const auto& other = node.member;
    if (is_dead(node, may_judge)) continue;
    const auto who = other.identity + (other.address.empty() ? "" : " at " + other.address);
    if (!state.config.name.empty() && other.name == state.config.name)
      return "another node is called " + other.name + " (" + who + "): give this one a node.name of its own";
    if (!state.config.caf_node.empty() && other.caf_node == state.config.caf_node)
      return "the node " + other.name + " (" + who + ") has the same CAF node id " + other.caf_node
             + " (same MAC address and process id, as in containers): give one of them a MAC address or a process id of its own";
  }
  return {};
}

void join(lease_state& state, pqxx::connection& connection, bool may_judge) {
  if (state.identity.empty()) {
    state.identity = make_node_identity();
    state.self = *parse_node_identity(state.identity);
    state.config.node.set(state.identity);
  } else if (renew_membership(connection, state.identity, state.config.ttl).alive) {
    state.joined = true; // The commit that we did not hear of was made.
    return;
  }
  pqxx::work transaction(connection);
  const auto changes = begin_change(transaction);
  auto rows = read_rows(state, transaction);
  std::vector<std::string> dead;
  for (const auto& node : rows.nodes)
    if (!node.ended && is_dead(node, may_judge)) dead.push_back(node.member.identity);
  if (bury(transaction, dead, rows) != dead.size()) return; // One of them renewed: look again.
  state.known.refused = objection(state, rows, may_judge);
  if (!state.known.refused.empty()) return;
  insert_node(transaction, state.config, state.identity, state.self, state.draining);
  rows = read_rows(state, transaction);
  transaction.commit();
  state.joined = true;
  log(log_level::info, "node_joined",
      {{"identity", state.identity}, {"name", state.config.name}, {"members", std::to_string(rows.nodes.size())}});
  learn(state, rows, changes, may_judge);
}

/// Buries who is dead and takes what is free, as far as it is this node's to do.
void change(lease_state& state, pqxx::connection& connection, bool may_judge) {
  pqxx::work transaction(connection);
  const auto changes = begin_change(transaction);
  auto rows = read_rows(state, transaction);
  auto next = plan_leases(rows, state.identity, may_judge);
  if (bury(transaction, next.bury, rows) != next.bury.size()) return; // One of them renewed: look again.
  for (const auto& identity : next.bury) log(log_level::warning, "node_declared_dead", {{"identity", identity}});
  if (!next.bury.empty()) {
    // For good, whatever becomes of the taking: a commit of the dead may still hold its rows.
    transaction.commit();
    return change(state, connection, may_judge);
  }
  if (!next.take.empty()) take_shards(transaction, state.identity, next.take, rows, state.config.state_version);
  rows = read_rows(state, transaction);
  transaction.commit();
  learn(state, rows, changes, may_judge);
}

bool neighbour_died(const lease_state& state) {
  return std::any_of(state.near.begin(), state.near.end(), [&](const auto& other) { return is_dead(other, state.self); });
}

void forget_identity(lease_state& state) {
  state.joined = false;
  state.identity.clear();
  state.known = {};
  state.changes = -1;
}

/// A process that stands still in the middle of sending a transaction is waited for by the server for ever, and by everybody who wants its
/// rows.
void end_stalled(lease_state& state, pqxx::connection& connection) {
  pqxx::work transaction(connection);
  const auto ended = transaction.exec_params(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() "
      "AND wait_event = 'ClientRead' AND state <> 'idle' AND xact_start < now() - $1::bigint * interval '1 millisecond' "
      "AND pg_terminate_backend(pid)",
      state.config.ttl.count());
  transaction.commit();
  if (!ended.empty()) log(log_level::warning, "stalled_sessions_ended", {{"sessions", std::to_string(ended.size())}});
}

/// What follows a heartbeat. The membership is pushed whatever becomes of this, so that a takeover that waits for somebody's commit costs
/// this node nothing.
void look(lease_state& state, pqxx::connection& connection, duty what, bool may_judge) {
  try {
    read(state, connection, may_judge);
    const bool due = !state.next.take.empty() || !state.next.bury.empty();
    if (what == duty::take && !state.draining && due) change(state, connection, may_judge);
  } catch (const std::exception& failure) {
    if (classify(connection.is_open(), failure) == database_fault::broken) throw;
    log(log_level::warning, "shards_not_taken", {{"error", words_of(failure)}});
    if (const auto* cut = dynamic_cast<const pqxx::sql_error*>(&failure); cut && cut->sqlstate() == "57014") end_stalled(state, connection);
    state.known.settled = false;
    state.changes = -1;
  }
}

void beat(lease_state& state, pqxx::connection& connection, duty what) {
  bool may_judge = state.reached.may_judge(steady::now());
  if (state.joined) {
    const auto asked = steady::now();
    const auto pulse = renew_membership(connection, state.identity, state.config.ttl);
    // This answer may end a stall of ours: then nobody is judged by what they did during it.
    state.reached.heard(asked, steady::now());
    may_judge = state.reached.may_judge(steady::now());
    for (const auto& [other, stamp] : pulse.others) state.watch.saw(other, stamp, steady::now());
    if (!pulse.alive) {
      log(log_level::error, "identity_was_declared_dead", {{"identity", state.identity}});
      forget_identity(state);
    } else if (pulse.changes == state.changes && may_judge == state.judged && !pulse.others_late && !neighbour_died(state)
               && ++state.unread < unread_max)
      return;
  }
  if (!state.joined) join(state, connection, may_judge);
  if (state.joined) look(state, connection, what, may_judge);
}

void drain(lease_state& state, pqxx::connection& connection) {
  if (!state.draining) {
    pqxx::work transaction(connection);
    begin_change(transaction);
    set_draining(transaction, state.identity);
    transaction.commit();
    state.draining = true;
  }
  beat(state, connection, duty::renew);
}

void give(lease_state& state, pqxx::connection& connection, const shard_list& shards) {
  pqxx::work transaction(connection);
  const auto changes = begin_change(transaction);
  free_shards(transaction, state.identity, shards);
  const auto rows = read_rows(state, transaction);
  transaction.commit();
  learn(state, rows, changes, state.judged);
}

void release(lease_state& state, pqxx::connection& connection) {
  pqxx::work transaction(connection);
  begin_change(transaction);
  shard_list all;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) all.push_back(shard);
  free_shards(transaction, state.identity, all);
  leave(transaction, state.identity);
  transaction.commit();
  forget_identity(state);
}

// The months to come get their partitions once a day, by whoever holds leases. Not being able to harms nobody: there is a default one.
void do_housework(lease_state& state) {
  const auto now = steady::now();
  if (now < state.housework_at) return;
  state.housework_at = now + std::chrono::hours(24);
  auto* connection = state.link->open();
  if (!connection) return;
  try {
    pqxx::work transaction(*connection);
    transaction.exec("SELECT make_transition_partitions(3)");
    forget_ended(transaction);
    transaction.commit();
  } catch (const std::exception& failure) {
    log(log_level::warning, "partitions_not_made", {{"error", words_of(failure)}});
  }
}

template <class Work>
lease_answer_ptr run(lease_state& state, Work work) {
  auto unavailable = [](std::string error) {
    auto answer = std::make_shared<lease_answer>();
    answer->available = false;
    answer->error = std::move(error);
    return answer;
  };
  const auto asked = steady::now();
  auto* connection = state.link->open();
  if (!connection) {
    state.reached.lost();
    return unavailable(state.link->error());
  }
  state.known.refused.clear();
  try {
    work(*connection);
  } catch (const std::exception& failure) {
    const auto words = words_of(failure);
    state.changes = -1; // Whatever was under way: read anew.
    if (classify(connection->is_open(), failure) == database_fault::broken) state.link->drop(words);
    // Unknown: what was held may still be. The caller's own clock decides how long it acts on it.
    state.reached.lost();
    return unavailable(words);
  }
  state.reached.heard(asked, steady::now());
  return std::make_shared<const lease_answer>(state.known);
}

lease_actor::behavior_type lease_behavior(lease_ptr self, lease_config config) {
  auto& state = self->state;
  const auto patience = std::to_string(std::max<std::int64_t>(config.ttl.count() / 3, 200));
  state.identity = *config.node.get();
  state.self = parse_node_identity(state.identity).value_or(node_identity{});
  state.link = std::make_unique<database_link>(config.dsn, "leases", [patience](pqxx::connection& connection) {
    pqxx::nontransaction session(connection);
    // Whoever stands still in the middle of a change would keep everybody else from making one.
    session.exec("SET synchronous_commit = off; SET idle_in_transaction_session_timeout = " + patience
                 + "; SET statement_timeout = " + patience);
  });
  state.reached = reach(config.ttl);
  state.config = std::move(config);
  state.housework_at = steady::now() + std::chrono::hours(1); // migrate() has just made them.
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_default_handler(caf::drop);
  const auto answer = [self](auto work) {
    auto got = run(self->state, [&](pqxx::connection& connection) { work(self->state, connection); });
    if (got->available) do_housework(self->state);
    return got;
  };
  return {
      [=](take_atom) { return answer([](lease_state& s, pqxx::connection& c) { beat(s, c, duty::take); }); },
      [=](renew_atom) { return answer([](lease_state& s, pqxx::connection& c) { beat(s, c, duty::renew); }); },
      [=](give_atom, const shard_list& shards) { return answer([&](lease_state& s, pqxx::connection& c) { give(s, c, shards); }); },
      [=](drain_atom) { return answer(drain); },
      [=](release_atom) { return answer(release); },
  };
}

} // namespace

lease_actor spawn_lease_keeper(caf::actor_system& system, lease_config config) {
  return system.spawn<caf::detached>(lease_behavior, std::move(config));
}

} // namespace paygate
