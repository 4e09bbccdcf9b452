#include "daemon/observer.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>

#include <caf/all.hpp>
#include <rapidjson/document.h>
#include <unistd.h>

#include "actors/account/account_machine.hpp"
#include "actors/broadcast/broadcast_machine.hpp"
#include "actors/channel/channel_machine.hpp"
#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversion/conversion_machine.hpp"
#include "actors/payment/payment_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/reconciliation/reconciliation_machine.hpp"
#include "actors/scheduler/scheduler_machine.hpp"
#include "actors/subscription/subscription_machine.hpp"
#include "actors/wallet/wallet_machine.hpp"
#include "messages/log.hpp"
#include "persistence/queries.hpp"

namespace paygate {

namespace {

using look_atom = caf::atom_constant<caf::atom("look")>;

struct observer_state {
  std::set<std::pair<std::string, std::string>> told; ///< Gauges that are not 0: who vanishes from an answer is 0.
  std::uint64_t looks = 0;
  static inline const char* name = "observer";
};

using observer_pointer = caf::stateful_actor<observer_state>*;

void tell_figures(observer_pointer self, const std::string& answer, metrics_sink& metrics, bool dynamic) {
  rapidjson::Document figures;
  figures.Parse(answer.c_str());
  if (!figures.IsArray()) {
    metrics.count("figures_failed_total", "");
    log(log_level::warning, "figures_not_read", {{"error", answer.substr(0, 500)}});
    return;
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (const auto& figure : figures.GetArray()) {
    if (!figure.IsArray() || figure.Size() != 3 || !figure[0].IsString() || !figure[1].IsString() || !figure[2].IsInt64()) continue;
    metrics.gauge(figure[0].GetString(), figure[1].GetString(), figure[2].GetInt64());
    if (dynamic) seen.emplace(figure[0].GetString(), figure[1].GetString());
  }
  if (!dynamic) return;
  for (const auto& [name, label] : self->state.told)
    if (seen.count({name, label}) == 0) metrics.gauge(name, label, 0);
  self->state.told = std::move(seen);
}

caf::behavior observer_behavior(observer_pointer self, reader_actor reader, std::shared_ptr<metrics_sink> metrics) {
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "observer_error_message", {{"error", a->system().render(e)}});
  });
  auto ask = [=](std::string_view name) {
    self->request(reader, std::chrono::seconds(20), query_atom::value, std::string(name), std::string("{}"))
        .then([=](const std::string& answer) { tell_figures(self, answer, *metrics, name == queries::figures); },
              [=](const caf::error&) { metrics->count("figures_failed_total", ""); });
  };
  self->send(self, look_atom::value);
  return {
      [=](look_atom) {
        ask(queries::figures);
        if (self->state.looks++ % 4 == 0) ask(queries::watch);
        self->delayed_send(self, std::chrono::seconds(15), look_atom::value);
      },
  };
}

template <class Kind>
void add_limits(std::vector<stuck_limit>& limits) {
  using state_type = typename Kind::state;
  using status_type = decltype(state_type{}.status);
  for (std::size_t i = 0; i < std::size(enum_names<status_type>::values); ++i) {
    state_type state;
    state.status = static_cast<status_type>(i);
    if (const auto after = Kind::stuck_after(state))
      limits.push_back({Kind::kind, std::string(enum_names<status_type>::values[i]), after->count()});
  }
}

/// A subscription is stuck by what it owes for its access, whatever its phase is: the limit's `status` is that.
void add_access_limits(std::vector<stuck_limit>& limits) {
  for (std::size_t i = 0; i < std::size(enum_names<subscription_access>::values); ++i) {
    subscription state;
    state.access = static_cast<subscription_access>(i);
    if (const auto after = subscription_kind::stuck_after(state))
      limits.push_back({entity_kind::subscription, std::string(enum_names<subscription_access>::values[i]), after->count()});
  }
}

/// An account is stuck by what it owes: a mail, or a word to a name. Names and sessions owe nothing.
void add_account_limit(std::vector<stuck_limit>& limits) {
  account state;
  state.owed_mails = "any";
  if (const auto after = account_kind::stuck_after(state)) limits.push_back({entity_kind::account, "owing", after->count()});
}

std::int64_t number_in(const char* path) {
  std::ifstream in(path);
  std::int64_t number = 0;
  return in >> number ? number : 0;
}

/// The second column of statm is what is in memory, in pages.
std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  in >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

/// What the process may have: its control group's limit, else the machine's memory.
std::int64_t memory_limit() {
  const std::int64_t machine = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const auto limit = number_in(path); limit > 0) return std::min(limit, machine);
  return machine;
}

} // namespace

caf::actor spawn_observer(caf::actor_system& system, reader_actor reader, std::shared_ptr<metrics_sink> metrics) {
  return system.spawn(observer_behavior, std::move(reader), std::move(metrics));
}

std::vector<stuck_limit> stuck_limits() {
  std::vector<stuck_limit> limits;
  add_limits<payment_kind>(limits);
  add_limits<payout_kind>(limits);
  add_limits<conversion_kind>(limits);
  add_limits<conversation_kind>(limits);
  add_limits<channel_kind>(limits);
  add_limits<wallet_kind>(limits);
  add_limits<scheduler_kind>(limits);
  add_limits<reconciliation_kind>(limits);
  add_limits<broadcast_kind>(limits);
  add_access_limits(limits);
  add_account_limit(limits);
  return limits;
}

process_figures::process_figures(std::shared_ptr<metrics_sink> metrics) : metrics_(std::move(metrics)), memory_max_(memory_limit()) {
  metrics_->gauge("build_info", PAYGATE_VERSION, 1);
  metrics_->gauge("process_start_timestamp_seconds", "", std::time(nullptr));
  // A rule on a counter that nobody has counted yet is silent: these exist from the start.
  for (const char* name : {"secret_faults_total", "database_errors_total", "figures_failed_total", "self_fenced_total"})
    metrics_->count(name, "", 0);
  for (const auto provider : enum_names<lane>::values) {
    for (const char* name : {"provider_calls_total", "provider_errors_total", "lane_put_off_total"}) metrics_->count(name, provider, 0);
    for (const char* name : {"circuit_open", "lane_queue"}) metrics_->gauge(name, provider, 0);
  }
  for (const auto kind : enum_names<entity_kind>::values)
    for (const char* name : {"effect_failures_total", "effects_put_off_total", "entity_restarts_total", "entities_quarantined_total"})
      metrics_->count(name, kind, 0);
  for (const auto outcome : enum_names<commit_outcome>::values) metrics_->count("commit_steps_total", outcome, 0);
  for (const char* name : {"wakes_held", "wake_lag_ms", "settings_faulty"}) metrics_->gauge(name, "", 0);
  for (const char* status : {"200", "500", "503"}) metrics_->count("http_responses_total", status, 0);
}

void process_figures::tell() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  const auto cpu_ms = std::int64_t{used.tv_sec} * 1000 + used.tv_nsec / 1'000'000;
  metrics_->count("process_cpu_milliseconds_total", "", cpu_ms - std::exchange(cpu_ms_, cpu_ms));
  const auto errors = static_cast<std::int64_t>(database_errors());
  metrics_->count("database_errors_total", "", errors - std::exchange(database_errors_, errors));
  metrics_->gauge("process_resident_memory_bytes", "", resident_bytes());
  metrics_->gauge("process_memory_limit_bytes", "", memory_max_);
  std::error_code unreadable;
  std::int64_t files = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", unreadable), end; !unreadable && at != end; at.increment(unreadable))
    ++files;
  metrics_->gauge("process_open_fds", "", files);
}

} // namespace paygate
