#pragma once

#include <caf/all.hpp>

#include "actors/runtime/ports.hpp"
#include "tests/simulation/checks.hpp"
#include "tests/simulation/cluster_watch.hpp"
#include "tests/simulation/gathering_watch.hpp"
#include "tests/simulation/keeper.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/people.hpp"
#include "tests/support/virtual_system.hpp"

namespace paygate::sim {

class node;

/// Everything outside the nodes: it goes on while they die.
struct outside {
  explicit outside(std::uint64_t seed);

  io_outcome perform(const io_request& request);
  bool permille(unsigned rate) { return w.faults && w.random() % 1000 < rate; }

  world w;
  fault_rates rates;
  policy rules;
  database db;
  cluster_watch truth;
  network net_between;
  checks watch;
  chain net;
  incoming coins;
  market swaps;
  gathering_watch gathering;
  nowpayments provider;
  people persons;
  std::map<std::string, int> windows; ///< Crashes by window, and what else happened to nodes.
  timestamp database_away_until{};
  bool same_machine = false; ///< Nodes can prove each other dead.
  /// The process that runs under this node's name; null while none does.
  std::function<node*(const std::string& name)> process_of;
};

/// One process: the real runtime over models, with a scheduler, timers and clocks of its own. When it dies its actors are dropped; nothing
/// of it reaches the outside any more.
class node {
public:
  node(outside& world, std::string name, int number);
  ~node();

  /// Dies here and now: whatever its actors still do in their graves reaches nobody.
  void die(const std::string& where);
  bool alive() const { return alive_; }
  /// Works on whatever there is, until nothing is left or it dies.
  void run();
  /// When its next timer goes off; nothing while it sleeps or has none.
  std::optional<timestamp> next_timer();
  /// Lets its clock follow the world's, and what is due go off.
  void follow();
  /// Stands still, as a process that is stopped does; goes on as if nothing had happened.
  void pause(milliseconds how_long);
  bool asleep() const { return truth_->asleep; }
  /// The network to the database is gone for a while.
  void cut_off(milliseconds how_long);
  bool reaches_database() const { return o_.w.now >= cut_until_ && o_.w.now >= o_.database_away_until; }
  /// It reaches the database again after so long. Two heartbeats, late by half a ttl each, may miss a shorter one.
  void database_is_back(milliseconds after) {
    if (after >= lease_ttl) truth_->reaches = o_.w.now;
  }
  /// Hands everything over, then ends.
  void leave();
  bool has_left() const { return left_; }
  const std::string& name() const { return name_; }
  const std::string& identity() const { return leases_of_.identity(); }

  /// Sends a message through the router; the answer comes later, or never.
  void ask(envelope letter, std::function<void(const entity_reply*)> answer);

private:
  friend struct node_actors;
  void pass(std::string_view window);
  void on_commit(const step_ptr& step, const caf::strong_actor_ptr& sender);
  void on_load(const entity_ref& ref, const caf::strong_actor_ptr& sender);
  void on_call(std::uint64_t id, const io_request_ptr& request);
  void finish_call(std::uint64_t id, io_outcome outcome, milliseconds back);
  void on_lease(std::uint64_t id, keeper::duty what, const shard_list& given);
  lease_answer_ptr turn_leases(keeper::duty what, const shard_list& given, timestamp asked);
  std::string next_identity();
  keeper::instant steady_at(timestamp at) const;
  void end();
  wake_list_ptr on_scan(std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards);
  void open_links();
  void close_links();
  void forward(const caf::actor& asker, std::uint64_t id, const std::string& to, const std::string& bytes);
  void later(milliseconds pause, std::function<void()> what);

  outside& o_;
  test::virtual_system system_;
  std::string name_;
  int number_, identities_ = 0;
  std::shared_ptr<process_truth> truth_ = std::make_shared<process_truth>();
  bool alive_ = true, left_ = false;
  timestamp born_, followed_, cut_until_{};
  std::int64_t drift_ = 0; ///< Of its own clock, in 10^-4.
  keeper leases_of_;
  timestamp lease_arrives_{}, lease_answers_{};
  std::array<timestamp, shard_count> gained_at_{};
  std::shared_ptr<node*> self_ = std::make_shared<node*>(this); ///< What is on its way asks this whether we still are.
  std::shared_ptr<entity_ports> ports_ = std::make_shared<entity_ports>();
  caf::actor committer_, loader_, reader_, leases_, lanes_, door_, exchange_, router_, keeper_, bootstrap_, intake_, bulk_;
  struct link {
    caf::actor there, here; ///< Stand-in for their exchange; what asks ours in their name.
  };
  std::map<std::string, link> links_; ///< By the peer's identity.
  std::map<std::uint64_t, std::function<void(const entity_reply*)>> asked_;
  std::uint64_t asks_ = 0;
};

} // namespace paygate::sim
