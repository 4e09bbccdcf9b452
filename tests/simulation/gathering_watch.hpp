#pragma once

#include "tests/simulation/database.hpp"
#include "tests/simulation/market.hpp"

namespace paygate::sim {

/// What must hold at every moment where value gathers: who may take an accrual, what a claim and a share are worth, which pot pays whom.
class gathering_watch {
public:
  gathering_watch(world& w, database& db, const incoming& coins, const market& swaps) : w_(w), db_(db), coins_(coins), swaps_(swaps) {}

  void before(const step_record& step, const loaded_entity* old);
  void after(const step_record& step);

  timestamp changed_at{}; ///< The last time that something was accrued, claimed, shared out or set free.

private:
  void called_for(const step_record& step);
  void pays_from_its_pot(const step_record& step, const wallet_transfer& t);
  void moved(const step_record& step, const accrual_book::row* was, const accrual_book::row& is);
  void claimed(const step_record& step);
  void shared(const step_record& step, usdt_amount received);

  world& w_;
  database& db_;
  const incoming& coins_;
  const market& swaps_;
  accrual_book::rows_map known_;
  std::set<std::int64_t> conversion_rounds_, payout_rounds_; ///< In which a scheduler had decided to create something.
  std::map<std::string, std::string> created_;               ///< What a round created, by round (and channel and pot).
};

} // namespace paygate::sim
