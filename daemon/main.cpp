// paygated: reads settings and secrets, runs one node until it is told to stop.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <thread>

#include <sched.h>
#include <sys/prctl.h>

#include <caf/io/middleman.hpp>

#include "daemon/log.hpp"
#include "daemon/program.hpp"
#include "io/codec/ethereum_tx.hpp"
#include "io/link/hand_over.hpp"
#include "messages/log.hpp"

namespace {

using namespace paygate;

enum exit_code { stopped = 0, not_clean = 1, refuses_to_start = 2 };

int refuse(const std::vector<std::string>& faults) {
  for (const auto& fault : faults) std::fprintf(stderr, "paygated: %s\n", fault.c_str());
  return refuses_to_start;
}

/// Signals are taken by the main thread alone, between two ticks.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

/// Answers why it cannot go on; nothing when it was told to end.
std::optional<std::string> run_until_signal(program& daemon, const sigset_t& signals) {
  for (;;) {
    if (auto refused = daemon.refusal()) return refused;
    const timespec second{1, 0};
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGTERM || signal == SIGINT) return std::nullopt;
    daemon.tick(signal == SIGHUP);
  }
}

/// Should an actor refuse to end, the process ends all the same, and says so.
void start_watchdog() {
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::seconds(25));
    std::fprintf(stderr, "paygated: did not end within 25 s of being told to; ending the hard way\n");
    std::_Exit(not_clean);
  }).detach();
}

/// A thread that is woken waits for a free processor instead of taking one from whoever runs: a step wakes several, and each such change in
/// its middle costs more than it wins. With a processor free, nothing changes. Threads inherit it.
void yield_to_who_runs() {
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_BATCH, &none) != 0) log(log_level::info, "no_batch_scheduling", {{"error", std::strerror(errno)}});
}

/// The actor system's destructor would wait for threads that sit in a provider's long poll.
[[noreturn]] void end_process(int code) {
  std::fflush(nullptr);
  std::_Exit(code);
}

int run(configuration& config, std::vector<std::string> arguments) {
  // From here on secrets are in memory: no core dump, and no other process of our user may look.
  prctl(PR_SET_DUMPABLE, 0);
  secret_store secrets(config.values.secrets_dir);
  if (auto faults = secrets.load(); !faults.empty()) return refuse(faults);
  if (config.mode == run_mode::check) return stopped;
  if (config.mode == run_mode::wallet_address) {
    std::printf("%s\n", address_of(*private_key::parse(secrets.get("HOST_WALLET_PRIVATE_KEY"))).c_str());
    return stopped;
  }
  start_log(config.values, secrets);
  yield_to_who_runs();
  const auto signals = block_signals();
  config.caf::actor_system_config::load<caf::io::middleman>();
  add_link_types(config);
  program daemon(config, secrets, std::move(arguments));
  if (auto wrong = daemon.start()) end_process(refuse({*wrong}));
  log(log_level::info, "started", {{"public_url", config.values.http.public_url}});
  const auto refused = run_until_signal(daemon, signals);
  log(log_level::info, "stopping");
  start_watchdog();
  const bool clean = daemon.stop();
  if (refused) end_process(refuse({*refused}));
  log(log_level::info, "stopped", {{"clean", clean ? "true" : "false"}});
  end_process(clean ? stopped : not_clean);
}

} // namespace

int main(int argc, char** argv) {
  configuration config;
  const auto faults = config.load(argc, argv);
  if (!faults.empty()) return refuse(faults);
  switch (config.mode) {
  case run_mode::help: std::fputs(help_text().c_str(), stdout); return stopped;
  case run_mode::version: std::puts("paygated 0.1.0"); return stopped;
  case run_mode::run:
  case run_mode::check:
  case run_mode::wallet_address: break;
  }
  return run(config, std::vector<std::string>(argv + 1, argv + argc));
}
