#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "messages/policy.hpp"

namespace paygate {

/// A span of time in the settings file: "300ms", "5s", "15min", "24h". The same type as caf::timespan.
using setting_span = std::chrono::duration<std::int64_t, std::nano>;

/// How hard a provider's effect lane may press.
struct lane_setting {
  std::int64_t concurrency = 4; ///< Calls at once.
  std::int64_t rate = 0;        ///< Calls started per second; 0: no limit.
};

/// Every setting of the daemon with its default. What each means, with its unit, is said once, in `describe` (settings.cpp): that text is
/// `--help`. Decimal numbers are text and are read exactly; nothing here is ever a double.
struct settings {
  struct {
    std::string bind = "127.0.0.1";
    std::int64_t port = 8080;
    std::string port_file;
    std::string public_url = "http://127.0.0.1:8080";
    std::int64_t threads = 96;
    std::int64_t in_flight_max = 64;
    std::vector<std::string> trusted_proxies;
    std::vector<std::string> metrics_from;
    std::string cors_origin;
    setting_span read_timeout = std::chrono::seconds(5);
    std::int64_t rate_per_minute = 1'000;
    std::int64_t account_rate_per_minute = 1'000;
    std::int64_t auth_rate_per_15min = 100;
    setting_span ban = std::chrono::seconds(600);
  } http;
  struct {
    std::vector<std::string> allow_list;
  } ipn;
  struct {
    std::string bind = "127.0.0.1";
    std::int64_t port = 4242;
    std::string port_file;
    std::string advertise;
    std::string tls_dir;
  } cluster;
  struct {
    std::string nowpayments = "https://api.nowpayments.io";
    std::string changenow = "https://api.changenow.io";
    std::string telegram = "https://api.telegram.org";
    std::string sendgrid = "https://api.sendgrid.com";
    std::string coingecko = "https://api.coingecko.com";
    std::string cryptocompare = "https://min-api.cryptocompare.com";
    std::string oneinch = "https://api.1inch.dev";
  } base_url; ///< Keys "<provider>.base_url".
  struct {
    lane_setting nowpayments{8, 0}, changenow{8, 20}, telegram{8, 30}, ethereum{8, 0}, prices{4, 5}, sendgrid{4, 10};
  } lanes; ///< Keys "<provider>.concurrency" and "<provider>.rate".
  struct {
    setting_span connect = std::chrono::seconds(3);
    setting_span read = std::chrono::seconds(15);
    setting_span telegram_poll = std::chrono::seconds(25);
  } timeouts;
  struct {
    std::string mode = "polling";
  } telegram;
  struct {
    std::string min_usd = "5";
    std::string max_usd = "10000";
  } donations;
  struct {
    std::int64_t chain_id = 1;
    std::string usdt_contract;
  } ethereum;
  struct {
    std::string min_tolerance = "0.50";
    std::string fallback_tolerance = "0.75";
    setting_span invite_validity = std::chrono::hours(24);
    setting_span poll_first = std::chrono::seconds(30);
    setting_span poll_max = std::chrono::hours(1);
    std::string min_usd = "1.00";
  } payments;
  struct {
    std::vector<std::string> reminders{"72h", "24h"};
    setting_span grace = std::chrono::hours(0);
  } subscriptions;
  struct {
    std::int64_t platform_bps = 300;
  } fees;
  struct {
    std::string max_usd = "0";
    std::string daily_max_usd = "0";
    std::string daily_total_max_usd = "0";
    std::string funding = "pot";
    setting_span interval = std::chrono::minutes(5);
    setting_span address_delay = std::chrono::hours(24);
  } payouts;
  struct {
    std::string threshold_usd = "5.00";
    setting_span interval = std::chrono::minutes(15);
  } conversion;
  struct {
    setting_span auto_interval = std::chrono::hours(24);
    setting_span manual_interval = std::chrono::minutes(5);
  } broadcast;
  struct {
    setting_span interval = std::chrono::hours(24);
  } reconciliation;
  struct {
    std::string min_validity = "0.25";
    setting_span poll = std::chrono::seconds(5);
    std::int64_t tries_max = 5;
  } swaps;
  struct {
    std::int64_t confirmations = 2;
    std::int64_t incoming_confirmations = 1;
    std::string max_fee_gwei = "300";
    std::string gas_float_low = "0.005";
    std::string gas_float_high = "0.05";
    setting_span receipt_poll = std::chrono::seconds(2);
    setting_span resubmit_after = std::chrono::seconds(60);
  } wallet;
  struct {
    std::int64_t committers = 2;
    std::int64_t batch_max = 512;
  } database;
  struct {
    std::string name;
    setting_span lease_ttl = std::chrono::seconds(3);
  } node;
  struct {
    std::int64_t threads = 0;
    setting_span passivate_after = std::chrono::seconds(20);
    std::int64_t residents_max = 300'000;
  } runtime;
  struct {
    std::string from = "no-reply@localhost.localdomain";
    std::string from_name = "PayGatePrime";
  } mail;
  struct {
    std::int64_t memory_kib = 19'456;
    std::int64_t passes = 2;
    std::int64_t lanes = 1;
    std::int64_t at_once = 2;
    std::int64_t queue_max = 32;
  } passwords;
  struct {
    std::string level = "info";
    std::string format = "json";
  } log;
  // Command line and top of the file.
  std::string secrets_dir;
  bool sandbox = false;
  std::string crash_at; ///< Only with sandbox.
};

/// One setting, for registration, help and `config show`. `value` points into the struct it was described from.
struct setting_entry {
  std::string section; ///< Empty for the global ones.
  std::string name;
  std::variant<std::string*, std::int64_t*, bool*, setting_span*, std::vector<std::string>*> value;
  std::string unit;     ///< "" where the type says it all.
  std::string sentence; ///< What it does, as --help prints it.
  bool reloads = false; ///< A change in the file takes effect without a restart.
  std::string key() const { return section.empty() ? name : section + "." + name; }
};
std::vector<setting_entry> describe(settings& of);

/// What a new reading of the settings changed, by key.
struct setting_changes {
  std::vector<std::string> taken;        ///< "conversion.threshold_usd = \"5.00\"": those that reload; they are in `now` from then on.
  std::vector<std::string> need_restart; ///< Keys of those that do not.
};
/// Takes over into `now` what reloads. @pre validate(next) is empty.
setting_changes take_reloadable(settings& now, settings next);

/// "http.port = 8080": the present value as text, durations in the file's own notation.
std::string value_text(const setting_entry& entry);

/// Every fault at once, one sentence each that names the key, the value and what is expected; empty when all is well.
std::vector<std::string> validate(const settings& s);

/// The numbers that tune decisions. In sandbox mode (`s.sandbox`) polls are shortened, nothing else differs.
/// @pre validate(s) is empty.
policy policy_of(const settings& s, std::string wallet_address);

/// `node.name`, or its default: "node-" and the host's name.
std::string node_name(const settings& s);

/// `--help`: every setting with its default, grouped by section.
std::string help_text();

} // namespace paygate
