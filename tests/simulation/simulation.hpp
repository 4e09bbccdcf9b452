#pragma once

#include <list>
#include <memory>

#include "tests/simulation/node.hpp"
#include "tests/simulation/planted.hpp"

namespace paygate::sim {

/// What a run came to, for the summary.
struct run_result {
  std::string broken; ///< The first broken promise; empty when all held.
  std::uint64_t commits = 0;
  std::map<std::string, int> counts; ///< Ends of payouts and payments, crashes by window, ...
  std::uint64_t trace = 0;           ///< A hash over every committed step with its time and words.
};

/// One world from one seed: trouble for a while, then peace until everything has ended, then the verdict.
class simulation {
public:
  explicit simulation(std::uint64_t seed);
  ~simulation();
  run_result play();
  /// Prints each committed step; for replays of one seed.
  bool trace = false;

private:
  void settle();
  bool advance();
  void every(milliseconds pause, std::function<void()> what);
  void found_business();
  void register_channels();
  void deliver(const ipn_received& ipn, const nowpayments::ipn_answer& answer);
  void crash(const char* where);
  void boot(std::size_t slot);
  void bury(std::size_t slot);
  void trouble_nodes(milliseconds trouble);
  node* acting();
  node* any();
  void judge_cluster();
  bool all_over() const;
  void judge();
  void judge_payments();
  void judge_payouts();
  void judge_chain();
  void judge_gathering();
  void judge_books();
  void judge_broadcasts();
  void operate();
  bool has_ended(const entity_ref& ref, const snapshot& state) const;
  int128 unbooked(bool token) const;
  std::string startable() const;
  void count(run_result& result) const;

  outside o_;
  /// A place for a node, of a name that is stable; its process comes and goes.
  struct slot {
    std::string name;
    std::unique_ptr<node> process;
    bool stays_away = false; ///< It has left, until the time of peace.
  };
  std::vector<slot> slots_;
  int born_ = 0, broadcasts_ = 0;
  std::vector<channel> channels_;
  std::uint64_t trace_hash_ = 14'695'981'039'346'656'037u;
};

} // namespace paygate::sim
