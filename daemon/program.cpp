#include "daemon/program.hpp"

#include <cstdio>
#include <fstream>

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "actors/rehearse.hpp"
#include "actors/runtime/bulk.hpp"
#include "actors/runtime/entity.hpp"
#include "actors/runtime/exchange.hpp"
#include "actors/runtime/inspector.hpp"
#include "actors/runtime/intake.hpp"
#include "actors/runtime/lane.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/pause_watch.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "daemon/bootstrap.hpp"
#include "daemon/cluster.hpp"
#include "daemon/crash_point.hpp"
#include "daemon/currency_watch.hpp"
#include "daemon/health.hpp"
#include "daemon/log.hpp"
#include "daemon/observer.hpp"
#include "daemon/providers.hpp"
#include "daemon/settings_watch.hpp"
#include "io/codec/ethereum_tx.hpp"
#include "io/codec/ipn.hpp"
#include "io/codec/signer.hpp"
#include "io/codec/token.hpp"
#include "io/http/password_pool.hpp"
#include "io/http/server.hpp"
#include "io/random.hpp"
#include "messages/log.hpp"
#include "persistence/machine_pressure.hpp"
#include "persistence/persistence.hpp"
#include "persistence/visits.hpp"

namespace paygate {

namespace {

/// Far from the end of all numbers.
std::uint64_t any_number() {
  std::uint64_t number = 0;
  for (const auto byte : random_bytes(6)) number = number << 8 | byte;
  return number;
}

constexpr std::size_t api_connections = 4;

milliseconds whole_ms(setting_span span) { return std::chrono::duration_cast<milliseconds>(span); }

lane_limits limits_of(const lane_setting& s) {
  lane_limits limits;
  limits.workers = static_cast<std::uint32_t>(s.concurrency);
  limits.rate = static_cast<std::uint32_t>(s.rate);
  limits.burst = std::max(limits.rate, 1u);
  return limits;
}

/// Telegram's: its rate is that of all nodes together, and chats have limits of their own.
lane_limits messenger(const lane_setting& s) {
  auto limits = limits_of({s.concurrency, 0});
  limits.pace.per_second = static_cast<std::uint32_t>(s.rate);
  return limits;
}

/// A lane that never pauses itself: one long poll, or local work.
lane_limits unbroken(std::uint32_t workers) {
  lane_limits limits;
  limits.workers = workers;
  limits.failures_max = 0;
  return limits;
}

/// Writes a port where a script waits for it; complete at once, so that nobody reads half a number.
void write_port_file(const std::string& path, int port) {
  if (path.empty()) return;
  {
    std::ofstream file(path + ".new");
    file << port << "\n";
  }
  std::rename((path + ".new").c_str(), path.c_str());
}

/// What Telegram takes as a secret token.
bool is_webhook_secret(const std::string& text) {
  return !text.empty() && text.size() <= 256
         && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

} // namespace

struct program::parts {
  explicit parts(configuration& config) : system(config) {}

  caf::actor_system system;
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();
  loader_actor loader;
  reader_actor reader, operator_reader;
  lease_actor leases;
  importer_actor importer;
  caf::actor router, node, pauses, bootstrap, inspector, exchange, observer, currencies;
  std::unique_ptr<cluster_part> cluster;
  std::vector<lane_actor> lanes;
  std::shared_ptr<settings_watch> watch;
  std::unique_ptr<process_figures> process;
  std::unique_ptr<visit_book> visits;
  std::unique_ptr<health_probe> health;
  std::unique_ptr<http_server> http;
};

program::program(configuration& config, secret_store& secrets, std::vector<std::string> arguments)
    : config_(config), secrets_(secrets), arguments_(std::move(arguments)) {}
program::~program() = default;

std::optional<std::string> program::start() {
  const auto& s = config_.values;
  auto crash_point = make_crash_point(s.crash_at);
  if (const auto* wrong = std::get_if<std::string>(&crash_point)) return *wrong;
  const auto wallet_address = address_of(*private_key::parse(secrets_.get("HOST_WALLET_PRIVATE_KEY")));
  if (auto wrong = check_outside(wallet_address)) return wrong;

  parts_ = std::make_unique<parts>(config_);
  // Its port is part of what this node says of itself to the others.
  auto cluster = cluster_part::prepare(s, metrics_);
  if (auto* wrong = std::get_if<std::string>(&cluster)) return std::move(*wrong);
  parts_->cluster = std::move(std::get<0>(cluster));
  start_lanes();
  start_actors(wallet_address, std::get<crash_point_fn>(crash_point));
  auto wrong = start_doors();
  // What is started must be told to end: the actor system waits for it.
  if (wrong) stop();
  return wrong;
}

std::optional<std::string> program::check_outside(const std::string& wallet_address) {
  if (config_.values.telegram.mode == "webhook" && !is_webhook_secret(secrets_.get("TELEGRAM_WEBHOOK_SECRET")))
    return "telegram.mode is webhook: TELEGRAM_WEBHOOK_SECRET must have 1 to 256 of A-Z, a-z, 0-9, '_' and '-'";
  const auto migrated = migrate(secrets_.get("DATABASE_URL"));
  if (!migrated.error.empty()) return "the database cannot be used: " + secrets_.redact(migrated.error);
  log(log_level::info, "database_ready", {{"schema", std::to_string(migrated.version)}, {"applied", std::to_string(migrated.applied)}});
  const auto& of = config_.values;
  const auto unwritten = write_settings_in_use(secrets_.get("DATABASE_URL"), {{"payouts.max_usd", of.payouts.max_usd},
                                                                              {"payouts.daily_max_usd", of.payouts.daily_max_usd},
                                                                              {"conversion.threshold_usd", of.conversion.threshold_usd}});
  if (!unwritten.empty()) log(log_level::warning, "settings_not_written", {{"error", secrets_.redact(unwritten)}});
  const auto no_limits = write_stuck_limits(secrets_.get("DATABASE_URL"), stuck_limits());
  if (!no_limits.empty()) log(log_level::warning, "stuck_limits_not_written", {{"error", secrets_.redact(no_limits)}});
  // A node that is away may come back; one on another chain would sign for the wrong one.
  if (auto failure = check_chain(ethereum_of(config_.values, secrets_))) {
    if (failure->kind == fault::permanent) return "ETHEREUM_RPC_URL does not fit ethereum.chain_id: " + failure->text;
    log(log_level::warning, "chain_not_checked", {{"error", failure->code + ": " + failure->text}});
  }
  log(log_level::info, "hot_wallet", {{"address", wallet_address}});
  return std::nullopt;
}

void program::start_lanes() {
  auto& p = *parts_;
  const auto& s = config_.values;
  auto lane_for = [&](lane which, io_client client, lane_limits limits) {
    auto made = spawn_lane(p.system, which, std::move(client), limits, metrics_, p.ports->pauses);
    p.lanes.push_back(made);
    p.ports->lanes[static_cast<std::size_t>(which)] = made;
    return made;
  };
  lane_for(lane::nowpayments, make_nowpayments_client(nowpayments_of(s, secrets_)), limits_of(s.lanes.nowpayments));
  lane_for(lane::changenow, make_changenow_client(changenow_of(s, secrets_)), limits_of(s.lanes.changenow));
  const auto telegram = lane_for(lane::telegram, make_telegram_client(telegram_of(s, secrets_)), messenger(s.lanes.telegram));
  p.ports->lanes[static_cast<std::size_t>(lane::telegram_bulk)] = p.lanes.emplace_back(spawn_bulk(p.system, telegram, metrics_));
  lane_for(lane::ethereum, make_ethereum_client(ethereum_of(s, secrets_)), limits_of(s.lanes.ethereum));
  lane_for(lane::prices, make_price_client(prices_of(s, secrets_), *clock_), limits_of(s.lanes.prices));
  lane_for(lane::mail, make_sendgrid_client(sendgrid_of(s, secrets_)), limits_of(s.lanes.sendgrid));
  lane_for(lane::signer, make_signer(*private_key::parse(secrets_.get("HOST_WALLET_PRIVATE_KEY"))), unbroken(1));
  lane_for(lane::books, make_books_client(secrets_.get("DATABASE_URL")), unbroken(1));
  lane_for(lane::telegram_poll, make_telegram_client(telegram_of(s, secrets_)), unbroken(1));
}

void program::start_actors(const std::string& wallet_address, crash_point_fn crash_point) {
  auto& p = *parts_;
  const auto& s = config_.values;
  const auto dsn = secrets_.get("DATABASE_URL");
  const identity_slot identity{make_node_identity()};
  for (std::int64_t i = 0; i < s.database.committers; ++i)
    p.ports->committers.push_back(
        spawn_committer(p.system, committer_config{dsn, identity, static_cast<std::size_t>(s.database.batch_max)}, metrics_));
  p.loader = spawn_loader(p.system, dsn, metrics_);
  p.reader = spawn_reader(p.system, dsn);
  p.operator_reader = spawn_reader(p.system, dsn);
  lease_config membership{dsn, identity, whole_ms(s.node.lease_ttl)};
  membership.name = node_name(s);
  membership.address = p.cluster->address();
  membership.caf_node = caf::to_string(p.system.node());
  p.leases = spawn_lease_keeper(p.system, std::move(membership));
  p.router = spawn_router(p.system, metrics_, route_limits{.pause = {machine_pressure}, .first_number = any_number()});

  p.ports->router = caf::actor_cast<router_actor>(p.router);
  p.ports->clock = clock_;
  p.ports->metrics = metrics_;
  p.ports->rules = policy_of(s, wallet_address);
  p.ports->limits.passivate_after = whole_ms(s.runtime.passivate_after);
  p.ports->crash_point = std::move(crash_point);
  p.ports->pauses->set(pause_set::everything()); // Until the table was read.
  std::vector<caf::actor> own_lanes;
  for (const auto& lane : p.ports->lanes) own_lanes.push_back(caf::actor_cast<caf::actor>(lane));
  auto& poll_lane = p.ports->lanes[static_cast<std::size_t>(lane::telegram_poll)];
  poll_lane = spawn_intake(p.system, poll_lane, p.ports->lanes[static_cast<std::size_t>(lane::books)], p.ports->router);
  p.lanes.push_back(poll_lane);

  node_setup setup;
  setup.leases = p.leases;
  setup.loader = p.loader;
  setup.reader = p.reader;
  setup.router = p.router;
  setup.ports = p.ports;
  setup.lease_ttl = whole_ms(s.node.lease_ttl);
  setup.waker.residents_max = static_cast<std::size_t>(s.runtime.residents_max);
  setup.on_refused = [this](const std::string& why) { refusal_.store(std::make_shared<const std::string>(why)); };
  p.node = spawn_node(p.system, std::move(setup));
  caf::anon_send(p.node, watch_atom::value, p.router);
  caf::anon_send(p.node, watch_atom::value, caf::actor_cast<caf::actor>(p.ports->lanes[static_cast<std::size_t>(lane::telegram)]));
  p.pauses = spawn_pause_watch(p.system, p.reader, p.node, p.ports);
  p.bootstrap = spawn_bootstrap(p.system, p.ports->router, first_letters(wallet_address));
  caf::anon_send(p.node, watch_atom::value, p.bootstrap);
  p.process = std::make_unique<process_figures>(metrics_);
  p.observer = spawn_observer(p.system, spawn_reader(p.system, dsn), metrics_);
  p.watch = std::make_shared<settings_watch>(
      config_.values, arguments_, config_.file,
      [ports = p.ports, wallet_address](const settings& now) {
        ports->rules = policy_of(now, wallet_address);
        set_log_level(now.log.level);
      },
      metrics_);
  p.importer = spawn_importer(p.system, dsn);
  const ipn_reader read_ipn = [](std::string_view body) { return parse_provider_payment(body); };
  inspector_setup inspects;
  inspects.reader = p.operator_reader;
  inspects.router = p.router;
  inspects.loader = p.loader;
  inspects.ports = p.ports;
  inspects.rehearse = rehearse;
  inspects.read_ipn = read_ipn;
  inspects.importer = p.importer;
  inspects.plan_import = plan_import;
  inspects.config = [watch = p.watch](bool reload) { return reload ? watch->reload() : watch->show(); };
  inspects.log_level = [](const std::string& level) {
    return level.empty() || set_log_level(level) ? std::string(log_level_now()) : std::string();
  };
  inspects.node = p.node;
  inspects.pauses = p.pauses;
  inspects.lanes = std::move(own_lanes);
  inspects.identity = *identity.get();
  inspects.name = node_name(s);
  p.inspector = spawn_inspector(p.system, std::move(inspects));
  p.exchange = spawn_exchange(p.system, exchange_setup{.router = p.router, .inspector = p.inspector, .metrics = metrics_, .pause = {machine_pressure}});
}

std::optional<std::string> program::start_doors() {
  auto& p = *parts_;
  const auto& s = config_.values;
  cluster_door_setup door;
  door.listener = p.router;
  door.inspector = p.inspector;
  door.exchange = p.exchange;
  door.busy = [] { return machine_pressure() > 0; };
  p.cluster->open(p.system, std::move(door));
  if (p.cluster->links()) caf::anon_send(p.node, watch_atom::value, p.cluster->links());
  if (p.cluster->port() != 0) write_port_file(s.cluster.port_file, p.cluster->port());

  p.health = std::make_unique<health_probe>(p.system, p.reader, p.node, p.bootstrap, p.router);
  http_server_settings hs;
  hs.threads = static_cast<std::size_t>(s.http.threads);
  hs.in_flight_max = static_cast<std::size_t>(s.http.in_flight_max);
  hs.trusted_proxies = s.http.trusted_proxies;
  hs.metrics_from = s.http.metrics_from;
  hs.ipn_allow_list = s.ipn.allow_list;
  hs.cors_origin = s.http.cors_origin;
  hs.read_timeout = whole_ms(s.http.read_timeout);
  hs.per_client = {s.http.rate_per_minute, std::chrono::minutes(1), whole_ms(s.http.ban)};
  hs.per_account = {s.http.account_rate_per_minute, std::chrono::minutes(1), milliseconds(0)};
  hs.auth = {s.http.auth_rate_per_15min, std::chrono::minutes(15), milliseconds(0)};
  http_server_ports hp;
  hp.ask = ask_through(p.system, p.ports->router);
  hp.status = [&p] { return p.health->look(); };
  hp.metrics_text = [this] { return metrics_->render(); };
  // Where updates are polled nobody else has any business sending them.
  if (s.telegram.mode == "webhook") {
    hp.take_update = [take = take_updates_through(p.system, p.ports->lanes[static_cast<std::size_t>(lane::telegram_poll)]), of = telegram_of(s, secrets_)](std::string_view body,
                                                                                                             milliseconds timeout) {
      auto received = read_webhook_update(body, of);
      if (!received) return update_taken::unreadable;
      if (received->updates.empty()) return update_taken::taken;
      return take(std::move(*received), timeout) ? update_taken::taken : update_taken::busy;
    };
    hp.webhook_secret = [this] { return secrets_.get("TELEGRAM_WEBHOOK_SECRET"); };
  }
  hp.ipn_secret = [this] { return secrets_.get("NOWPAYMENTS_IPN_SECRET"); };
  hp.success_key = [this] { return secrets_.get("SUCCESS_URL_SIGNING_KEY"); };
  hp.internal_key = [this] { return secrets_.get("INTERNAL_SIGNING_KEY"); };
  hp.ethereum_secret = [this] { return secrets_.get("ETHEREUM_RPC_WEBHOOK_SECRET"); };
  hp.look_again = [router = p.router](const entity_ref& ref) {
    caf::anon_send(router, retry_atom::value, std::make_shared<const entity_ref>(ref), std::string("the Ethereum node's notice"));
  };
  hp.call = [this](io_request request, milliseconds timeout) -> io_outcome {
    auto lane = parts_->ports->lanes[static_cast<std::size_t>(lane_of(request))];
    caf::scoped_actor self{parts_->system};
    io_outcome outcome = io_failure{fault::transient, "timeout", "no answer in time", std::nullopt};
    self->request(lane, timeout, call_atom::value, std::make_shared<const io_request>(std::move(request)))
        .receive([&](const call_answer_ptr& answer) { outcome = answer->outcome; }, [](const caf::error&) {});
    return outcome;
  };
  hp.query = make_api_reader(secrets_.get("DATABASE_URL"), api_connections);
  p.currencies = spawn_currency_watch(p.system, hp.query, [of = changenow_of(s, secrets_)] { return read_exchange_currencies(of); });
  p.visits = std::make_unique<visit_book>(secrets_.get("DATABASE_URL"));
  hp.deep_link = make_deep_linker(telegram_of(s, secrets_));
  hp.visited = [this, &p](std::int64_t channel_id) { p.visits->add(channel_id, clock_->now()); };
  hp.accounts.token_secret = [this] { return secrets_.get("JWT_SECRET_KEY"); };
  hp.accounts.phantom_key = [this] { return secrets_.get("INTERNAL_SIGNING_KEY"); };
  hp.accounts.passwords = std::make_shared<password_pool>(password_cost_of(s), static_cast<std::size_t>(s.passwords.at_once),
                                                          static_cast<std::size_t>(s.passwords.queue_max));
  hp.verify_access = [this](const std::string& token) -> std::variant<identity, std::string> {
    auto verified = verify_access(token, clock_->now(), parse_token_keys(secrets_.get("JWT_SECRET_KEY")));
    if (const auto* why = std::get_if<token_fault>(&verified)) return std::string(to_text(*why));
    return std::get<identity>(std::move(verified));
  };
  hp.metrics = metrics_;
  hp.clock = clock_;
  if (s.sandbox)
    hp.advance_clock = [this, node = p.node](milliseconds by) {
      clock_->advance(by);
      caf::anon_send(node, moved_atom::value);
      return clock_->now();
    };
  p.http = std::make_unique<http_server>(std::move(hs), std::move(hp));
  const auto listening = p.http->start(s.http.bind, static_cast<std::uint16_t>(s.http.port));
  if (const auto* wrong = std::get_if<std::string>(&listening)) return *wrong;
  write_port_file(s.http.port_file, std::get<std::uint16_t>(listening));
  log(log_level::info, "listening",
      {{"http", std::to_string(std::get<std::uint16_t>(listening))}, {"cluster", std::to_string(p.cluster->port())}});
  return std::nullopt;
}

void program::tick(bool reload) {
  if (reload)
    parts_->watch->reload();
  else
    parts_->watch->look();
  const auto report = secrets_.reload();
  for (const auto& name : report.changed) log(log_level::info, "secret_changed", {{"name", name}});
  for (const auto& fault : report.faults) {
    metrics_->count("secret_faults_total", "");
    log(log_level::error, "secret_not_reloaded", {{"fault", fault}});
  }
  parts_->process->tell();
  parts_->visits->flush();
  parts_->cluster->look();
  caf::scoped_actor self{parts_->system};
  self->request(parts_->router, std::chrono::seconds(1), count_atom::value)
      .receive([&](std::uint64_t n) { metrics_->gauge("entities_resident", "", static_cast<std::int64_t>(n)); }, [](caf::error&) {});
}

std::optional<std::string> program::refusal() const {
  const auto why = refusal_.load();
  return why ? std::optional(*why) : std::nullopt;
}

bool program::stop() {
  auto& p = *parts_;
  // First what brings work in, then the entities, then what they use.
  if (p.http) p.http->stop();
  if (p.visits && !p.visits->flush()) log(log_level::warning, "visits_lost", {});
  caf::scoped_actor self{p.system};
  bool clean = false;
  // Letters go to and fro until the last shard is another's.
  self->request(p.node, std::chrono::seconds(14), leave_atom::value).receive([&](bool released) { clean = released; }, [](caf::error&) {});
  if (p.cluster) p.cluster->close();
  for (const auto& actor : {p.exchange, p.bootstrap, p.observer, p.currencies, p.inspector, p.pauses, p.node, p.router})
    self->send_exit(actor, caf::exit_reason::user_shutdown);
  for (const auto& lane : p.lanes) self->send_exit(lane, caf::exit_reason::user_shutdown);
  // What was handed to a committer is still written: wait for them, and for nobody else.
  for (const auto& committer : p.ports->committers) {
    self->monitor(committer);
    self->send_exit(committer, caf::exit_reason::user_shutdown);
  }
  for (std::size_t ended = 0; ended < p.ports->committers.size(); ++ended) {
    bool in_time = true;
    self->receive([](const caf::down_msg&) {}, caf::after(std::chrono::seconds(5)) >> [&] { in_time = false; });
    if (!in_time) return false;
  }
  return clean;
}

} // namespace paygate
