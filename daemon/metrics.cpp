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

constexpr std::size_t labels_max = 300;

struct metric_word {
  std::string_view name, label, help;
};

constexpr metric_word words[] = {
    {"http_responses_total", "status", "HTTP answers by status."},
    {"http_request_duration_seconds", "route", "Time from a request read to its answer."},
    {"ipn_total", "outcome", "NOWPayments notifications by what became of them."},
    {"telegram_webhook_total", "outcome", "Updates that Telegram sent to the webhook, by what became of them."},
    {"success_token_refused_total", "", "Returns from the payment page with a token that is none."},
    {"commit_steps_total", "outcome", "Steps handed to the database by how it ended."},
    {"commit_duration", "", "One database transaction of steps."},
    {"commit_batch_steps", "", "Steps in the newest database transaction."},
    {"load_duration", "", "Reading entities from the database."},
    {"effect_failures_total", "kind", "Effects that failed and will be tried again."},
    {"entities_resident", "", "Entities in memory."},
    {"effects_put_off_total", "kind", "Effects that found no room in their lane and come again."},
    {"lane_put_off_total", "provider", "Calls that a lane sent away for want of room."},
    {"messages_joined_total", "provider", "Notices that went out together with another one, because their chat's limit was reached."},
    {"broadcast_messages_total", "delivery", "Messages of broadcasts to subscribers by what became of them."},
    {"mailbox_depth", "shard", "Messages that wait in a shard's mailbox."},
    {"settings_faults_total", "", "Settings files that could not be taken over."},
    {"settings_faulty", "", "1 while the settings file is not the one in use, because it has faults."},
    {"secret_faults_total", "", "Secrets that changed to something unusable; the last good one is kept."},
    {"database_errors_total", "", "Errors of PostgreSQL or of the way to it."},
    {"figures_failed_total", "", "Looks at the figures that could not be made."},
    {"wakes_held", "", "1 while nobody is woken because too many entities are in memory."},
    {"build_info", "version", "1; the label is the version."},
    {"process_start_timestamp_seconds", "", "When the process started."},
    {"process_cpu_milliseconds_total", "", "CPU time that the process used."},
    {"process_resident_memory_bytes", "", "Memory of the process."},
    {"process_memory_limit_bytes", "", "Memory that the process may have: its control group's limit, else the machine's."},
    {"process_open_fds", "", "Open files and sockets."},
    {"payments_last_hour", "", "Orders of the last hour that are paid."},
    {"payments_day", "status", "Orders of the last 24 hours, the newest 20000 at most."},
    {"payouts_day", "status", "Payouts of the last 24 hours, the newest 20000 at most."},
    {"conversions", "status", "Conversions."},
    {"conversions_week", "status", "Conversions of the last 7 days."},
    {"conversion_last_completed_timestamp_seconds", "",
     "The last completed conversion; before the first one: the oldest pending accrual; 0: neither."},
    {"revenue_day_usd_cents", "", "Gross value that was judged good in the last 24 hours."},
    {"platform_fee_day_usd_cents", "", "The platform's part of it."},
    {"pending_usd_cents", "", "Net value that waits to be converted."},
    {"pending_accruals", "", "Accruals that wait to be converted."},
    {"in_flight", "state", "Payments, payouts and conversions with work due, by kind and status."},
    {"failures_open", "", "Failures that nobody has resolved."},
    {"reconcile_exceptions_open", "", "Differences between books, chain and providers that nobody has resolved."},
    {"entities_stuck", "kind", "Entities that are in their status for longer than their machine allows."},
    {"entities_in_quarantine", "kind", "Entities out of service until an operator retries them."},
    {"wallet_paused", "", "1 while the wallet waits for the operator's sign-off."},
    {"wallet_transfers_wait", "", "1 while transfers wait for ETH or USDT."},
    {"wallet_low_balance", "", "1 while the gas float or the balance is too low."},
    {"wallet_gas_float_gwei", "", "ETH that is the platform's own, when a transfer was last weighed; in 10^-9 ETH."},
    {"wallet_balance_eth_gwei", "", "ETH of the hot wallet by the ledger; in 10^-9 ETH."},
    {"wallet_balance_usdt_micro", "", "USDT of the hot wallet by the ledger; in 10^-6 USDT."},
    {"wallet_nonce_next", "", "The nonce that the wallet gives out next."},
    {"wallet_nonce_gap", "", "How far the chain's nonce is ahead of ours."},
    {"wallet_transfers", "status", "Transfers that are not final."},
    {"wallet_transfers_held", "", "Transfers that wait for the operator."},
    {"rounding_error_units", "", "What the shares of the last week's conversions miss or exceed; in 10^-6 USDT. Must be 0."},
    {"ledger_unbalanced_entries", "", "Of the newest 5000 ledger entries, those that do not sum to 0. Must be 0."},
    {"database_connections", "application", "Connections to the database, by who has them."},
    {"database_connections_max", "", "Connections that PostgreSQL allows."},
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
