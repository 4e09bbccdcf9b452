#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/setting_values.hpp"

namespace paygate {

namespace {

class fault_list {
public:
  void expect(bool good, const std::string& key, const std::string& value, const std::string& expected) {
    if (!good) all.push_back(key + " is " + value + ": expected " + expected + ".");
  }
  void range(const std::string& key, std::int64_t value, std::int64_t low, std::int64_t high) {
    expect(value >= low && value <= high, key, std::to_string(value),
           "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  void span(const std::string& key, setting_span value, setting_span low, setting_span high) {
    expect(value >= low && value <= high, key, span_text(value), "a duration from " + span_text(low) + " to " + span_text(high));
  }
  void url(const std::string& key, const std::string& value) {
    const auto at = value.find("://");
    const bool scheme = value.starts_with("http://") || value.starts_with("https://");
    expect(scheme && value.size() > at + 3 && !value.ends_with('/') && value.find_first_of(" \t\r\n\"") == std::string::npos, key,
           '"' + value + '"', "http://host or https://host, without a slash at the end");
  }
  void share(const std::string& key, const std::string& value) {
    expect(share_bps(value).has_value(), key, '"' + value + '"', "a share from 0 to 1 with at most 4 decimals, like \"0.50\"");
  }
  void amount(const std::string& key, const std::string& value, const std::string& unit) {
    expect(not_negative(value).has_value(), key, '"' + value + '"', "an amount in " + unit + ", not negative, like \"12.50\"");
  }
  void one_of(const std::string& key, const std::string& value, std::initializer_list<std::string_view> words) {
    std::string list;
    bool found = false;
    for (auto word : words) {
      list += (list.empty() ? "" : ", ") + std::string(word);
      found = found || word == value;
    }
    expect(found, key, '"' + value + '"', "one of " + list);
  }
  std::vector<std::string> all;
};

bool is_host_port(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0 || text.find_first_of(" \t/") != text.npos) return false;
  int port = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, port);
  return error == std::errc{} && end == last && port > 0 && port <= 65'535;
}

// An address or CIDR block. The server drops what is none, and an allow-list without entries allows everybody.
bool is_block(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = text.substr(0, slash);
  std::array<unsigned char, 16> bytes{};
  const bool v4 = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  if (!v4 && inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string::npos) return true;
  int bits = -1;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + slash + 1, last, bits);
  return error == std::errc{} && end == last && bits >= 0 && bits <= (v4 ? 32 : 128);
}

} // namespace

std::vector<std::string> validate(const settings& s) {
  using std::chrono::hours;
  using std::chrono::seconds;
  fault_list f;
  f.expect(!s.http.bind.empty(), "http.bind", "empty", "an address to listen on");
  f.range("http.port", s.http.port, 0, 65'535);
  f.url("http.public_url", s.http.public_url);
  f.range("http.threads", s.http.threads, 2, 1'024);
  f.range("http.in_flight_max", s.http.in_flight_max, 1, 10'000);
  // With as many requests in work as threads nobody is left to answer 503.
  f.expect(s.http.in_flight_max < s.http.threads, "http.in_flight_max", std::to_string(s.http.in_flight_max),
           "less than http.threads (" + std::to_string(s.http.threads) + ")");
  for (const auto& [key, list] : {std::pair{"http.trusted_proxies", &s.http.trusted_proxies},
                                  {"http.metrics_from", &s.http.metrics_from},
                                  {"ipn.allow_list", &s.ipn.allow_list}})
    for (const auto& block : *list) f.expect(is_block(block), key, '"' + block + '"', "addresses or CIDR blocks like 10.0.0.0/8");
  f.span("http.read_timeout", s.http.read_timeout, seconds(1), seconds(60));
  f.range("http.rate_per_minute", s.http.rate_per_minute, 0, 10'000'000);
  f.range("http.account_rate_per_minute", s.http.account_rate_per_minute, 0, 10'000'000);
  f.range("http.auth_rate_per_15min", s.http.auth_rate_per_15min, 0, 10'000'000);
  f.span("http.ban", s.http.ban, seconds(0), hours(24));
  f.expect(!s.cluster.bind.empty(), "cluster.bind", "empty", "an address to listen on");
  f.range("cluster.port", s.cluster.port, 0, 65'535);
  f.expect(s.cluster.advertise.empty() || is_host_port(s.cluster.advertise), "cluster.advertise", '"' + s.cluster.advertise + '"',
           "HOST:PORT");
  const auto& name = s.node.name;
  f.expect(name.size() <= 63 && std::all_of(name.begin(), name.end(), in_node_name), "node.name", '"' + name + '"',
           "at most 63 letters, digits and '-'");
  f.expect(s.crash_at.empty() || s.sandbox, "crash_at", '"' + s.crash_at + '"', "nothing without --sandbox");
  f.range("runtime.residents_max", s.runtime.residents_max, 1000, 100'000'000);
  f.one_of("log.level", s.log.level, {"debug", "info", "warning", "error"});
  f.one_of("log.format", s.log.format, {"json", "text"});
  settings copy = s;
  for (const auto& entry : describe(copy)) {
    if (entry.name == "base_url") f.url(entry.key(), *std::get<std::string*>(entry.value));
    if (entry.name == "concurrency") f.range(entry.key(), *std::get<std::int64_t*>(entry.value), 1, 256);
    if (entry.name == "rate") f.range(entry.key(), *std::get<std::int64_t*>(entry.value), 0, 100'000);
  }
  f.range("ethereum.chain_id", s.ethereum.chain_id, 1, INT64_MAX);
  f.span("timeouts.connect", s.timeouts.connect, std::chrono::milliseconds(100), seconds(60));
  f.span("timeouts.read", s.timeouts.read, std::chrono::milliseconds(100), seconds(50));
  f.span("timeouts.telegram_poll", s.timeouts.telegram_poll, seconds(0), seconds(50));
  f.share("payments.min_tolerance", s.payments.min_tolerance);
  f.share("payments.fallback_tolerance", s.payments.fallback_tolerance);
  f.span("payments.invite_validity", s.payments.invite_validity, seconds(60), hours(24 * 365));
  f.span("payments.poll_first", s.payments.poll_first, std::chrono::milliseconds(100), hours(24));
  f.span("payments.poll_max", s.payments.poll_max, s.payments.poll_first, hours(24 * 7));
  f.one_of("telegram.mode", s.telegram.mode, {"polling", "webhook"});
  f.amount("donations.min_usd", s.donations.min_usd, "USD");
  f.amount("donations.max_usd", s.donations.max_usd, "USD");
  const auto least = not_negative(s.donations.min_usd), most = not_negative(s.donations.max_usd);
  const bool in_cents = least && most && truncate_to(*least, 2) == *least && truncate_to(*most, 2) == *most;
  f.expect(in_cents && *least > 0 && *most >= *least && *most <= one_coin * 1'000'000, "donations.max_usd", '"' + s.donations.max_usd + '"',
           "at least donations.min_usd, which is above 0, both in cents, and at most 1000000");
  f.amount("payments.min_usd", s.payments.min_usd, "USD");
  f.expect(s.subscriptions.reminders.size() <= 8, "subscriptions.reminders", std::to_string(s.subscriptions.reminders.size()) + " of them", "at most 8");
  for (const auto& text : s.subscriptions.reminders)
    f.expect(span_of(text).has_value(), "subscriptions.reminders", '"' + text + '"', "durations like [\"72h\", \"24h\"] (h, min or s)");
  f.span("subscriptions.grace", s.subscriptions.grace, seconds(0), hours(24 * 365));
  f.range("fees.platform_bps", s.fees.platform_bps, 0, 10'000);
  f.amount("payouts.max_usd", s.payouts.max_usd, "USD");
  f.amount("payouts.daily_max_usd", s.payouts.daily_max_usd, "USD");
  f.amount("payouts.daily_total_max_usd", s.payouts.daily_total_max_usd, "USD");
  f.one_of("payouts.funding", s.payouts.funding, {"pot", "eth"});
  f.span("payouts.interval", s.payouts.interval, seconds(1), hours(24));
  f.span("payouts.address_delay", s.payouts.address_delay, seconds(0), hours(24 * 30));
  f.amount("conversion.threshold_usd", s.conversion.threshold_usd, "USD");
  f.span("conversion.interval", s.conversion.interval, seconds(1), hours(24 * 7));
  const auto& token = s.ethereum.usdt_contract;
  f.expect(token.empty()
               || (token.size() == 42 && token.starts_with("0x") && token.find_first_not_of("0123456789abcdefABCDEF", 2) == token.npos),
           "ethereum.usdt_contract", '"' + token + '"', "a contract's address, 0x and 40 hex digits");
  f.span("broadcast.auto_interval", s.broadcast.auto_interval, seconds(1), hours(24 * 365));
  f.span("broadcast.manual_interval", s.broadcast.manual_interval, seconds(0), hours(24 * 7));
  // A round reads the day's payments at the providers.
  if (s.reconciliation.interval != seconds(0)) f.span("reconciliation.interval", s.reconciliation.interval, std::chrono::minutes(10), hours(24 * 7));
  f.share("swaps.min_validity", s.swaps.min_validity);
  f.span("swaps.poll", s.swaps.poll, std::chrono::milliseconds(100), hours(1));
  f.range("swaps.tries_max", s.swaps.tries_max, 1, 100);
  f.range("wallet.confirmations", s.wallet.confirmations, 1, 1'000);
  f.range("wallet.incoming_confirmations", s.wallet.incoming_confirmations, 1, 1'000);
  f.expect(gwei_to_wei(s.wallet.max_fee_gwei).has_value(), "wallet.max_fee_gwei", '"' + s.wallet.max_fee_gwei + '"',
           "a fee in gwei with at most 9 decimals, not negative, like \"300\"");
  f.amount("wallet.gas_float_low", s.wallet.gas_float_low, "ETH");
  f.amount("wallet.gas_float_high", s.wallet.gas_float_high, "ETH");
  const auto low = not_negative(s.wallet.gas_float_low), high = not_negative(s.wallet.gas_float_high);
  f.expect(!low || !high || *high >= *low, "wallet.gas_float_high", '"' + s.wallet.gas_float_high + '"', "at least wallet.gas_float_low");
  f.span("wallet.receipt_poll", s.wallet.receipt_poll, std::chrono::milliseconds(50), hours(1));
  f.span("wallet.resubmit_after", s.wallet.resubmit_after, seconds(1), hours(24));
  f.expect(s.mail.from.find('@') != std::string::npos && s.mail.from.find_first_of(" <>\n") == std::string::npos, "mail.from",
           '"' + s.mail.from + '"', "a mail address");
  f.range("passwords.memory_kib", s.passwords.memory_kib, 128, 262'144);
  f.range("passwords.passes", s.passwords.passes, 1, 16);
  f.range("passwords.lanes", s.passwords.lanes, 1, 16);
  f.range("passwords.at_once", s.passwords.at_once, 1, 64);
  f.range("passwords.queue_max", s.passwords.queue_max, 1, 1'000);
  f.range("database.committers", s.database.committers, 1, 32);
  f.range("database.batch_max", s.database.batch_max, 1, 10'000);
  f.span("node.lease_ttl", s.node.lease_ttl, seconds(1), seconds(60));
  f.range("runtime.threads", s.runtime.threads, 0, 256);
  f.span("runtime.passivate_after", s.runtime.passivate_after, std::chrono::milliseconds(10), hours(24));
  return f.all;
}

} // namespace paygate
