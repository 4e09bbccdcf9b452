#pragma once

#include <set>

#include "actors/import/import_plan.hpp"
#include "actors/runtime/inspector_shell.hpp"

// An import while it goes on: what the plan wants, item by item, told to the entities.
namespace paygate::inspecting {

struct import_job {
  std::uint64_t id = 0;
  bool dry = false, finished = false;
  std::string from; ///< The connection string. Never shown.
  std::string error;
  import_plan plan;
  struct tally {
    std::uint64_t taken = 0, known = 0;
  };
  std::map<std::string, tally> tables; ///< What became of the items, by table.
  std::set<std::int64_t> channels;     ///< Those that are here and are the predecessor's: what gathered may be owed to them.
  std::size_t next = 0, under_way = 0;
  int128 free_eth = 0, free_usdt = 0; ///< What the wallet holds for nobody yet.
  answer_fn then;                     ///< Told the end.
};

} // namespace paygate::inspecting
