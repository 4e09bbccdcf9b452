#include "persistence/visits.hpp"

#include <algorithm>

#include "persistence/database.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

constexpr const char* add_sql = "INSERT INTO landing_visit (channel_id, day, visits, last_at) SELECT * FROM unnest($1::bigint[], "
                                "$2::date[], $3::bigint[], $4::timestamptz[]) "
                                "ON CONFLICT (channel_id, day) DO UPDATE SET visits = landing_visit.visits + EXCLUDED.visits, last_at = "
                                "greatest(landing_visit.last_at, "
                                "EXCLUDED.last_at)";

struct tally {
  std::int64_t visits = 0;
  timestamp last_at{};
};
using tallies = std::map<std::pair<std::int64_t, std::string>, tally>; ///< By channel and day.

void merge(tallies& into, const tallies& more) {
  for (const auto& [key, t] : more) {
    auto& kept = into[key];
    kept.visits += t.visits;
    kept.last_at = std::max(kept.last_at, t.last_at);
  }
}

} // namespace

struct visit_book::part {
  explicit part(std::string dsn) : link(std::move(dsn), "visits", [](pqxx::connection& c) { c.prepare("add_visits", add_sql); }) {}

  void write(const tallies& taken) {
    column_arrays arrays(4);
    for (const auto& [key, t] : taken) {
      arrays.begin_row();
      append_element(arrays.next(), key.first);
      append_element(arrays.next(), key.second);
      append_element(arrays.next(), t.visits);
      append_element(arrays.next(), t.last_at);
    }
    const auto lists = arrays.finish();
    pqxx::work transaction(*link.open());
    transaction.exec_prepared("add_visits", lists[0], lists[1], lists[2], lists[3]);
    transaction.commit();
  }

  std::mutex counting, writing;
  tallies all;
  database_link link;
};

visit_book::visit_book(std::string dsn) : part_(std::make_unique<part>(std::move(dsn))) {}
visit_book::~visit_book() = default;

void visit_book::add(std::int64_t channel_id, timestamp at) {
  const std::lock_guard lock(part_->counting);
  auto& t = part_->all[{channel_id, to_text(at).substr(0, 10)}];
  ++t.visits;
  t.last_at = std::max(t.last_at, at);
}

bool visit_book::flush() {
  const std::lock_guard one(part_->writing);
  tallies taken;
  {
    const std::lock_guard lock(part_->counting);
    taken.swap(part_->all);
  }
  if (taken.empty()) return true;
  try {
    if (part_->link.open()) {
      part_->write(taken);
      return true;
    }
  } catch (const std::exception& failure) {
    part_->link.drop(words_of(failure));
  }
  const std::lock_guard lock(part_->counting);
  merge(part_->all, taken);
  return false;
}

} // namespace paygate
