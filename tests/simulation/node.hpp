#pragma once

#include <caf/all.hpp>

#include "actors/runtime/ports.hpp"
#include "tests/simulation/checks.hpp"
#include "tests/simulation/gathering_watch.hpp"
#include "tests/simulation/people.hpp"
#include "tests/support/virtual_system.hpp"

namespace paygate::sim {

/// Everything outside the node: it goes on while nodes die.
struct outside {
  outside(std::uint64_t seed, test::virtual_system& s);

  io_outcome perform(const io_request& request);
  bool permille(unsigned rate) { return w.faults && w.random() % 1000 < rate; }

  test::virtual_system& system;
  world w;
  fault_rates rates;
  policy rules;
  database db;
  checks watch;
  chain net;
  incoming coins;
  market swaps;
  gathering_watch gathering;
  nowpayments provider;
  people persons;
  std::map<std::string, int> windows; ///< Crashes by window.
};

/// One process: the real runtime over models. When it dies its actors are dropped; nothing of it reaches the outside any more.
class node {
public:
  node(outside& world, std::string name);
  ~node();

  /// Dies here and now: whatever its actors still do in their graves reaches nobody.
  void die(const std::string& where);
  bool alive() const { return alive_; }
  /// The network to the lease table is gone, as for a process that was frozen and goes on.
  void cut_off() { cut_off_ = true; }
  const std::string& name() const { return name_; }

  /// Sends a message through the router; the answer comes later, or never.
  void ask(envelope letter, std::function<void(const entity_reply*)> answer);

private:
  friend struct node_actors;
  void pass(std::string_view window);
  void on_commit(const step_ptr& step, const caf::strong_actor_ptr& sender);
  void on_load(const entity_ref& ref, const caf::strong_actor_ptr& sender);
  void on_call(std::uint64_t id, const io_request_ptr& request);
  void finish_call(std::uint64_t id, io_outcome outcome, milliseconds back);
  lease_answer_ptr on_lease(bool take);
  wake_list_ptr on_scan(std::int64_t from, std::int64_t to, std::uint32_t limit);
  void later(milliseconds pause, std::function<void()> what);

  outside& o_;
  std::string name_;
  bool alive_ = true, cut_off_ = false;
  std::shared_ptr<node*> self_ = std::make_shared<node*>(this); ///< What is on its way asks this whether we still are.
  std::shared_ptr<entity_ports> ports_ = std::make_shared<entity_ports>();
  caf::actor committer_, loader_, reader_, leases_, lanes_, door_, router_, keeper_, bootstrap_, intake_;
  std::map<std::uint64_t, std::function<void(const entity_reply*)>> asked_;
  std::uint64_t asks_ = 0;
};

} // namespace paygate::sim
