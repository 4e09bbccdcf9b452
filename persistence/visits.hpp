#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "messages/time.hpp"

namespace paygate {

/// Counts the visits of landing pages in memory, and adds what has come together to table `landing_visit` (by channel and day) now and
/// then. Safe from any thread. A clean stop flushes; a crash loses the visits since the last flush: they are worth no durable step each.
class visit_book {
public:
  explicit visit_book(std::string dsn);
  ~visit_book();

  void add(std::int64_t channel_id, timestamp at);
  /// Writes what has come together; false when the database did not take it: it is kept, and written the next time.
  bool flush();

private:
  struct part;
  std::unique_ptr<part> part_;
};

} // namespace paygate
