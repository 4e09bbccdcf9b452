#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "messages/time.hpp"

namespace paygate {

/// Business time: the real clock, or the sandbox's moved one. Safe from any thread. Leases never use it.
class business_clock {
public:
  virtual ~business_clock() = default;
  virtual timestamp now() const = 0;
};

/// Counters, gauges and durations for /metrics. Names are Prometheus names without the "paygate_" prefix; `label` is the value of the one
/// label that the metric has (a kind, a provider, an outcome), empty when it has none. Safe from any thread.
class metrics_sink {
public:
  virtual ~metrics_sink() = default;
  virtual void count(std::string_view name, std::string_view label, std::int64_t n = 1) = 0;
  virtual void gauge(std::string_view name, std::string_view label, std::int64_t value) = 0;
  virtual void duration(std::string_view name, std::string_view label, std::chrono::microseconds value) = 0;
};

/// What can be said of an address before anything is sent to it. A fault is a sentence; without one `by_checksum` says whether a checksum was
/// there to be checked, or only the form.
struct address_verdict {
  std::string fault;
  bool by_checksum = false;
};

} // namespace paygate
