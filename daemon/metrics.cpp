#include "daemon/metrics.hpp"

#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace paygate {

namespace {

constexpr std::size_t labels_max = 200;

struct metric_word {
  std::string_view name, label, help;
};

constexpr metric_word words[] = {
    {"http_responses_total", "status", "HTTP answers by status."},
    {"http_request_duration_seconds", "route", "Time from a request read to its answer."},
    {"ipn_total", "outcome", "NOWPayments notifications by what became of them."},
    {"success_token_refused_total", "", "Returns from the payment page with a token that is none."},
    {"commit_steps_total", "outcome", "Steps handed to the database by how it ended."},
    {"commit_duration", "", "One database transaction of steps."},
    {"commit_batch_steps", "", "Steps in the newest database transaction."},
    {"load_duration", "", "Reading entities from the database."},
    {"effect_failures_total", "kind", "Effects that failed and will be tried again."},
    {"entities", "kind", "Entities in memory."},
    {"entities_quarantined_total", "kind", "Entities taken out of service."},
    {"entity_restarts_total", "kind", "Entities restarted after they threw."},
    {"provider_calls_total", "provider", "Calls to a provider."},
    {"provider_errors_total", "provider", "Calls to a provider that failed."},
    {"provider_call_seconds", "provider", "Time that a provider took."},
    {"circuit_open", "provider", "1 while a provider's circuit breaker is open."},
    {"lane_queue", "provider", "Calls that wait for their provider's lane."},
    {"paused", "what", "1 while an operator's pause holds it back."},
    {"steps_refused_total", "reason", "Steps that the database refused; lease_lost: under an old epoch, or by an identity that is dead."},
    {"shards_held", "", "Shards that this node owns."},
    {"members", "", "Nodes in the cluster that are alive."},
    {"leases_taken_total", "", "Shards that this node took."},
    {"leases_lost_total", "", "Shards that others took from this node."},
    {"leases_given_total", "", "Shards that this node gave to others."},
    {"self_fenced_total", "", "Times that this node stopped acting because it could not renew its membership."},
    {"letters_forwarded_total", "", "Letters answered by an entity of another node."},
    {"letter_forward_seconds", "", "Time from such a letter to its answer."},
    {"letters_forward_failed_total", "reason", "Letters for another node that whoever waits has to send again."},
    {"letters_misrouted_total", "", "Letters sent to a node that no longer held their shard."},
    {"letters_received_total", "outcome", "Letters of other nodes by what became of them."},
    {"wakes_total", "", "Entities woken because their time had come."},
    {"link_opened_total", "role", "Connections let in or made, with nodes and operators."},
    {"link_refused_total", "certificate", "Connections turned away, by whether a certificate had been seen."},
    {"link_connections", "", "Connections of the cluster link, half open ones included."},
    {"links_up", "", "Other nodes that can be reached."},
    {"certificate_faults_total", "", "Certificates that were changed to something no good."},
    {"certificate_good_until_seconds", "", "The end of this node's certificate, in seconds since 1970."},
    {"wake_lag_ms", "", "How far the timers are behind, in milliseconds."},
};

std::string_view label_key(std::string_view name) {
  for (const auto& word : words)
    if (word.name == name && !word.label.empty()) return word.label;
  return "label";
}

std::string help_for(std::string_view name) {
  for (const auto& word : words)
    if (word.name == name) return std::string(word.help);
  return std::string(name);
}

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class T>
using text_map = std::unordered_map<std::string, T, text_hash, std::equal_to<>>;

/// All metrics of one type.
template <class Metric>
class metric_cache {
public:
  /// The metric, or nullptr when it must not be made. `make(full_name)` makes the family.
  template <class MakeFamily, class MakeMetric>
  Metric* get(std::string_view name, std::string_view label, MakeFamily&& make_family, MakeMetric&& make_metric) {
    {
      std::shared_lock lock(mutex_);
      if (const auto entry = entries_.find(name); entry != entries_.end())
        if (const auto found = entry->second.by_label.find(label); found != entry->second.by_label.end()) return found->second;
    }
    std::unique_lock lock(mutex_);
    auto& entry = entries_[std::string(name)];
    if (const auto found = entry.by_label.find(label); found != entry.by_label.end()) return found->second;
    if (entry.by_label.size() >= labels_max) return nullptr;
    if (entry.family == nullptr) entry.family = make_family();
    prometheus::Labels labels;
    if (!label.empty()) labels.emplace(std::string(label_key(name)), std::string(label));
    auto* metric = entry.family == nullptr ? nullptr : make_metric(*entry.family, labels);
    entry.by_label.emplace(std::string(label), metric);
    return metric;
  }

private:
  struct entry_type {
    prometheus::Family<Metric>* family = nullptr;
    text_map<Metric*> by_label;
  };
  std::shared_mutex mutex_;
  text_map<entry_type> entries_;
};

const prometheus::Histogram::BucketBoundaries second_buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                             0.25,   0.5,   1,      2.5,   5,    10,    30,   60};

std::string full_name(std::string_view name, std::string_view suffix = "") {
  std::string full = "paygate_" + std::string(name);
  if (!suffix.empty() && !name.ends_with(suffix)) full += suffix;
  return full;
}

} // namespace

struct prometheus_metrics::impl {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Throw};
  metric_cache<prometheus::Counter> counters;
  metric_cache<prometheus::Gauge> gauges;
  metric_cache<prometheus::Histogram> histograms;

  // The registry throws for a name that is taken by another type, and for one that Prometheus does not allow.
  template <class Builder>
  auto family(Builder builder, std::string_view name, std::string full) -> decltype(&builder.Register(registry)) {
    try {
      return &builder.Name(std::move(full)).Help(help_for(name)).Register(registry);
    } catch (const std::exception&) {
      return nullptr;
    }
  }
};

prometheus_metrics::prometheus_metrics() : impl_(std::make_unique<impl>()) {}
prometheus_metrics::~prometheus_metrics() = default;

void prometheus_metrics::count(std::string_view name, std::string_view label, std::int64_t n) {
  auto* counter = impl_->counters.get(
      name, label, [&] { return impl_->family(prometheus::BuildCounter(), name, full_name(name)); },
      [](auto& family, const auto& labels) { return &family.Add(labels); });
  if (counter != nullptr && n > 0) counter->Increment(static_cast<double>(n));
}

void prometheus_metrics::gauge(std::string_view name, std::string_view label, std::int64_t value) {
  auto* gauge = impl_->gauges.get(
      name, label, [&] { return impl_->family(prometheus::BuildGauge(), name, full_name(name)); },
      [](auto& family, const auto& labels) { return &family.Add(labels); });
  if (gauge != nullptr) gauge->Set(static_cast<double>(value));
}

void prometheus_metrics::duration(std::string_view name, std::string_view label, std::chrono::microseconds value) {
  auto* histogram = impl_->histograms.get(
      name, label, [&] { return impl_->family(prometheus::BuildHistogram(), name, full_name(name, "_seconds")); },
      [](auto& family, const auto& labels) { return &family.Add(labels, second_buckets); });
  if (histogram != nullptr) histogram->Observe(static_cast<double>(value.count()) / 1e6);
}

std::string prometheus_metrics::render() const { return prometheus::TextSerializer().Serialize(impl_->registry.Collect()); }

} // namespace paygate
