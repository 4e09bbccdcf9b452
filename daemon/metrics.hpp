#pragma once

#include <memory>
#include <string>

#include "messages/ports.hpp"

namespace paygate {

/// /metrics by prometheus-cpp. Metrics come into being at their first use; afterwards a call is two look-ups under a shared lock.
/// Names get the prefix "paygate_", durations the suffix "_seconds" unless they have it. What the one label is called is looked up by the
/// metric's name. A name used as two types, and labels beyond 300 of one metric, are dropped: a mistake in counting must not cost more.
class prometheus_metrics final : public metrics_sink {
public:
  prometheus_metrics();
  ~prometheus_metrics() override;
  void count(std::string_view name, std::string_view label, std::int64_t n = 1) override;
  void gauge(std::string_view name, std::string_view label, std::int64_t value) override;
  void duration(std::string_view name, std::string_view label, std::chrono::microseconds value) override;

  /// Prometheus' text format, 0.0.4.
  std::string render() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace paygate
