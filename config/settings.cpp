#include "config/settings.hpp"
#include "config/setting_values.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace paygate {

namespace {

struct value_printer {
  std::string operator()(const std::string* text) const { return '"' + *text + '"'; }
  std::string operator()(const std::int64_t* number) const { return std::to_string(*number); }
  std::string operator()(const bool* flag) const { return *flag ? "true" : "false"; }
  std::string operator()(const setting_span* span) const { return span_text(*span); }
  std::string operator()(const std::vector<std::string>* list) const {
    std::string text = "[";
    for (const auto& item : *list) text += (text.size() > 1 ? ", \"" : "\"") + item + '"';
    return text + "]";
  }
};

void describe_edges(settings& s, std::vector<setting_entry>& all) {
  auto add = [&](const char* section, const char* name, auto& value, const char* unit, const char* sentence) {
    all.push_back({section, name, &value, unit, sentence});
  };
  add("", "secrets-dir", s.secrets_dir, "", "Folder with one file per secret; a secret without a file is taken from the environment.");
  add("", "sandbox", s.sandbox, "", "Runs against paygate-sandbox: polls are short and business time can be moved. Never with real money.");
  add("", "crash_at", s.crash_at, "", "Only with --sandbox, for tests: WINDOW:COUNT, the instant at which the process kills itself.");
  add("http", "bind", s.http.bind, "", "Address the HTTP server listens on.");
  add("http", "port", s.http.port, "", "Port of the HTTP server; 0 takes a free one.");
  add("http", "port_file", s.http.port_file, "", "File that the port really taken is written to; empty: none.");
  add("http", "public_url", s.http.public_url, "", "Where browsers and providers reach us, without a slash at the end.");
  add("http", "threads", s.http.threads, "", "Threads, and so connections served at once.");
  add("http", "in_flight_max", s.http.in_flight_max, "", "Requests in work at once; more are answered 503 with Retry-After.");
  add("http", "trusted_proxies", s.http.trusted_proxies, "", "Addresses or CIDR blocks whose X-Forwarded-For is believed.");
  add("http", "metrics_from", s.http.metrics_from, "", "Addresses or CIDR blocks besides loopback that may read /metrics.");
  add("http", "cors_origin", s.http.cors_origin, "", "Origin of the web page that may call /api; empty: none.");
  add("http", "read_timeout", s.http.read_timeout, "duration",
      "Longest time that a client may take to send one request, and to take its answer.");
  add("http", "rate_per_minute", s.http.rate_per_minute, "1/min", "Requests of one client (IPv4 address, IPv6 /64) per minute, but webhooks; more ban it. 0: no limit.");
  add("http", "account_rate_per_minute", s.http.account_rate_per_minute, "1/min", "Requests of one account per minute; more are answered 429. 0: no limit.");
  add("http", "auth_rate_per_15min", s.http.auth_rate_per_15min, "1/15 min", "Log-ins, sign-ups and the like of one client per 15 minutes, on all nodes together. 0: no limit.");
  add("http", "ban", s.http.ban, "duration", "How long a client that was over http.rate_per_minute is answered 429.");
  add("ipn", "allow_list", s.ipn.allow_list, "", "Addresses or CIDR blocks that IPNs may come from; empty: any (the signature decides).");
  add("cluster", "bind", s.cluster.bind, "",
      "Address by which other nodes and paygatectl come in. Whoever has no certificate is turned away.");
  add("cluster", "port", s.cluster.port, "", "Port for them; 0 takes a free one.");
  add("cluster", "port_file", s.cluster.port_file, "", "File that the cluster port really taken is written to; empty: none.");
  add("cluster", "advertise", s.cluster.advertise, "", "HOST:PORT at which other nodes reach this one; empty: cluster.bind and the port.");
  add("cluster", "tls_dir", s.cluster.tls_dir, "",
      "Folder with ca.pem, cert.pem and key.pem (deploy/certificates makes it); empty: neither nodes nor paygatectl can come in.");
  add("log", "level", s.log.level, "", "Least level that is logged: debug, info, warning or error. Can be changed at run time.");
  add("log", "format", s.log.format, "", "json (one object per line) or text.");
}

void describe_providers(settings& s, std::vector<setting_entry>& all) {
  auto add = [&](const char* section, const char* name, auto& value, const char* unit, const char* sentence) {
    all.push_back({section, name, &value, unit, sentence});
  };
  auto lane = [&](const char* section, lane_setting& limits) {
    add(section, "concurrency", limits.concurrency, "", "Calls to it at once.");
    add(section, "rate", limits.rate, "1/s", "Calls to it started per second; 0: no limit.");
  };
  add("nowpayments", "base_url", s.base_url.nowpayments, "", "NOWPayments' API, without /v1.");
  lane("nowpayments", s.lanes.nowpayments);
  add("changenow", "base_url", s.base_url.changenow, "", "ChangeNOW's API, without /v2.");
  lane("changenow", s.lanes.changenow);
  add("telegram", "base_url", s.base_url.telegram, "", "Telegram's Bot API.");
  add("telegram", "concurrency", s.lanes.telegram.concurrency, "", "Calls to it at once; a quarter of them is kept free of broadcasts.");
  add("telegram", "rate", s.lanes.telegram.rate, "1/s", "Calls in any second by all nodes together; 0: no limit, nor one of chats.");
  add("telegram", "mode", s.telegram.mode, "",
      "How updates come: polling, or webhook (Telegram sends them to http.public_url/telegram-webhook, which it must reach by HTTPS). The "
      "daemon tells Telegram itself.");
  add("sendgrid", "base_url", s.base_url.sendgrid, "", "SendGrid's API, without /v3.");
  lane("sendgrid", s.lanes.sendgrid);
  add("mail", "from", s.mail.from, "", "Sender of our mails: an address that SendGrid has verified.");
  add("mail", "from_name", s.mail.from_name, "", "The sender's name.");
  add("passwords", "memory_kib", s.passwords.memory_kib, "KiB", "Argon2id's memory for one password; a stored hash of another cost is renewed at log-in.");
  add("passwords", "passes", s.passwords.passes, "", "Argon2id's passes.");
  add("passwords", "lanes", s.passwords.lanes, "", "Argon2id's lanes.");
  add("passwords", "at_once", s.passwords.at_once, "", "Passwords hashed at once.");
  add("passwords", "queue_max", s.passwords.queue_max, "", "Passwords that wait for that; more are answered 503 with Retry-After.");
  add("coingecko", "base_url", s.base_url.coingecko, "", "CoinGecko's API, asked first for prices.");
  add("cryptocompare", "base_url", s.base_url.cryptocompare, "", "CryptoCompare's API, asked second for prices.");
  add("oneinch", "base_url", s.base_url.oneinch, "", "1inch's API, asked last for prices.");
  lane("prices", s.lanes.prices);
  add("ethereum", "chain_id", s.ethereum.chain_id, "", "Chain that the RPC nodes must serve; another one refuses to start.");
  add("ethereum", "usdt_contract", s.ethereum.usdt_contract, "",
      "USDT's contract; empty: Tether's own on chain 1, and on any other chain nothing is converted.");
  lane("ethereum", s.lanes.ethereum);
  add("timeouts", "connect", s.timeouts.connect, "duration", "Longest wait for a connection to a provider.");
  add("timeouts", "read", s.timeouts.read, "duration", "Longest silence of a provider in the middle of an answer.");
  add("timeouts", "telegram_poll", s.timeouts.telegram_poll, "duration", "How long Telegram may hold a getUpdates call; at most 50 s.");
}

void describe_money(settings& s, std::vector<setting_entry>& all) {
  auto add = [&](const char* section, const char* name, auto& value, const char* unit, const char* sentence) {
    all.push_back({section, name, &value, unit, sentence});
  };
  add("payments", "min_tolerance", s.payments.min_tolerance, "share",
      "Least share of the price that counts as paid, by the provider's figures.");
  add("payments", "fallback_tolerance", s.payments.fallback_tolerance, "share",
      "The same when the value is only estimated from price sources.");
  add("payments", "invite_validity", s.payments.invite_validity, "duration", "How long an invite link can be used.");
  add("payments", "poll_first", s.payments.poll_first, "duration",
      "Silence after which a payment is first read at the provider; doubled each time.");
  add("payments", "poll_max", s.payments.poll_max, "duration", "Longest distance between two such reads.");
  add("donations", "min_usd", s.donations.min_usd, "USD", "Least donation.");
  add("donations", "max_usd", s.donations.max_usd, "USD", "Greatest donation.");
  add("payments", "min_usd", s.payments.min_usd, "USD",
      "No promo code takes a price below this, but to nothing: the provider refuses smaller payments.");
  add("subscriptions", "reminders", s.subscriptions.reminders, "durations", "So long before its end a subscriber is reminded of it.");
  add("subscriptions", "grace", s.subscriptions.grace, "duration", "Access goes on for so long after the end.");
  add("fees", "platform_bps", s.fees.platform_bps, "1/100 %", "The platform's fee of each payment in basis points.");
  add("payouts", "max_usd", s.payouts.max_usd, "USD", "A payout above this waits for approval; 0: no limit.");
  add("payouts", "daily_max_usd", s.payouts.daily_max_usd, "USD",
      "What goes to one channel within 24 hours above this waits for approval; 0: no limit. Counted from when a limit is set.");
  add("payouts", "daily_total_max_usd", s.payouts.daily_total_max_usd, "USD",
      "The same for all channels together; 0: as payouts.daily_max_usd.");
  add("payouts", "funding", s.payouts.funding, "",
      "What a batch of converted value is paid from: pot (its USDT) or eth (the USDT is sold for ETH first, the ETH for the owner's "
      "coin).");
  add("payouts", "interval", s.payouts.interval, "duration", "Distance between two looks for channels whose value has gathered.");
  add("payouts", "address_delay", s.payouts.address_delay, "duration",
      "After an owner has confirmed another payout address it takes effect so much later.");
  add("conversion", "threshold_usd", s.conversion.threshold_usd, "USD", "Pending net value from which on ETH is converted to USDT.");
  add("conversion", "interval", s.conversion.interval, "duration", "Distance between two looks whether that much is pending.");
  add("broadcast", "auto_interval", s.broadcast.auto_interval, "duration",
      "Between two scheduled posts of a channel whose owner has set no other schedule.");
  add("broadcast", "manual_interval", s.broadcast.manual_interval, "duration",
      "Least time between two broadcasts of an owner to one channel.");
  add("reconciliation", "interval", s.reconciliation.interval, "duration",
      "From one comparison of the books with chain and providers to the next, 10m to 168h; 0s: only by paygatectl reconcile.");
  add("swaps", "min_validity", s.swaps.min_validity, "share", "Share of the rate's life that must be left when the deposit is sent.");
  add("swaps", "poll", s.swaps.poll, "duration", "Distance between two looks at a swap.");
  add("swaps", "tries_max", s.swaps.tries_max, "", "Swaps tried for one payout before a person has to look.");
  add("wallet", "confirmations", s.wallet.confirmations, "blocks", "Blocks, its own included, after which our transaction is final.");
  add("wallet", "incoming_confirmations", s.wallet.incoming_confirmations, "blocks", "The same for ETH that reached us.");
  add("wallet", "max_fee_gwei", s.wallet.max_fee_gwei, "gwei", "Cap of the fee per gas; 0: none.");
  add("wallet", "gas_float_low", s.wallet.gas_float_low, "ETH", "Below this much ETH of the platform's own new transfers wait.");
  add("wallet", "gas_float_high", s.wallet.gas_float_high, "ETH",
      "What the operator refills the gas float to; the alert stays until then.");
  add("wallet", "receipt_poll", s.wallet.receipt_poll, "duration", "Distance between two looks for a receipt.");
  add("wallet", "resubmit_after", s.wallet.resubmit_after, "duration", "A transaction unmined for so long gets higher fees.");
  add("database", "committers", s.database.committers, "", "Connections that write steps.");
  add("database", "batch_max", s.database.batch_max, "", "Steps in one database transaction, at most.");
  add("node", "name", s.node.name, "",
      "What this node is called in the cluster, the same over restarts; empty: \"node-\" and the host's name.");
  add("node", "lease_ttl", s.node.lease_ttl, "duration",
      "How long this node owns its shards after it was last heard of: a dead one is replaced that late. The same on all nodes.");
  add("runtime", "threads", s.runtime.threads, "", "Threads that run entities; 0: half as many as there are processors, at least one.");
  add("runtime", "passivate_after", s.runtime.passivate_after, "duration", "An entity with nothing to do for so long leaves memory.");
  add("runtime", "residents_max", s.runtime.residents_max, "",
      "While more entities are in memory, those whose time has come wait in their rows.");
}

milliseconds in_ms(setting_span span) { return std::chrono::duration_cast<milliseconds>(span); }

} // namespace

std::vector<setting_entry> describe(settings& of) {
  std::vector<setting_entry> all;
  describe_edges(of, all);
  describe_providers(of, all);
  describe_money(of, all);
  // What steps are given anew each time, and the log's level; all else is built into parts that live as long as the process. Not
  // reconciliation.interval: nobody would wake reconciliation for it.
  for (auto& entry : all)
    for (const char* section : {"payments", "donations", "subscriptions", "fees", "payouts", "conversion", "broadcast", "swaps", "wallet"})
      if (entry.section == section || entry.key() == "log.level") entry.reloads = true;
  return all;
}

setting_changes take_reloadable(settings& now, settings next) {
  setting_changes changes;
  auto ours = describe(now), theirs = describe(next);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (value_text(ours[i]) == value_text(theirs[i])) continue;
    if (!ours[i].reloads) {
      changes.need_restart.push_back(ours[i].key());
      continue;
    }
    std::visit([&](auto* value) { *value = *std::get<decltype(value)>(theirs[i].value); }, ours[i].value);
    changes.taken.push_back(ours[i].key() + " = " + value_text(ours[i]));
  }
  return changes;
}

std::string value_text(const setting_entry& entry) { return std::visit(value_printer{}, entry.value); }

policy policy_of(const settings& s, std::string wallet_address) {
  policy p;
  p.public_url = s.http.public_url;
  p.min_tolerance_bps = *share_bps(s.payments.min_tolerance);
  p.fallback_tolerance_bps = *share_bps(s.payments.fallback_tolerance);
  p.invite_validity = std::chrono::duration_cast<seconds>(s.payments.invite_validity);
  p.payment_poll_first = in_ms(s.payments.poll_first);
  p.payment_poll_max = in_ms(s.payments.poll_max);
  p.incoming_confirmations = static_cast<std::uint64_t>(s.wallet.incoming_confirmations);
  p.donation_min = usd_amount::of_units(*not_negative(s.donations.min_usd));
  p.donation_max = usd_amount::of_units(*not_negative(s.donations.max_usd));
  p.price_min = usd_amount::of_units(*not_negative(s.payments.min_usd));
  p.reminders.clear();
  for (const auto& text : s.subscriptions.reminders) p.reminders.push_back(*span_of(text));
  p.grace = std::chrono::duration_cast<seconds>(s.subscriptions.grace);
  p.platform_bps = s.fees.platform_bps;
  p.payout_max = usd_amount::of_units(*not_negative(s.payouts.max_usd));
  p.payout_daily_max = usd_amount::of_units(*not_negative(s.payouts.daily_max_usd));
  p.payout_daily_total_max = usd_amount::of_units(*not_negative(s.payouts.daily_total_max_usd));
  if (p.payout_daily_total_max.is_zero()) p.payout_daily_total_max = p.payout_daily_max;
  p.payout_funding_eth = s.payouts.funding == "eth";
  p.payouts_interval = in_ms(s.payouts.interval);
  p.payout_address_delay = std::chrono::duration_cast<seconds>(s.payouts.address_delay);
  if (s.telegram.mode == "webhook") p.telegram_webhook_url = s.http.public_url + "/telegram-webhook";
  p.conversion_threshold = usd_amount::of_units(*not_negative(s.conversion.threshold_usd));
  p.conversion_interval = in_ms(s.conversion.interval);
  p.usdt_contract = s.ethereum.usdt_contract;
  if (p.usdt_contract.empty() && s.ethereum.chain_id == 1) p.usdt_contract = "0xdac17f958d2ee523a2206206994597c13d831ec7";
  for (auto& c : p.usdt_contract)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  p.broadcast_auto_interval = in_ms(s.broadcast.auto_interval);
  p.broadcast_manual_interval = in_ms(s.broadcast.manual_interval);
  p.reconciliation_interval = in_ms(s.reconciliation.interval);
  p.swap_min_validity_bps = *share_bps(s.swaps.min_validity);
  p.swap_poll = in_ms(s.swaps.poll);
  p.swap_tries_max = static_cast<std::uint32_t>(s.swaps.tries_max);
  p.wallet_address = std::move(wallet_address);
  p.chain_id = static_cast<std::uint64_t>(s.ethereum.chain_id);
  p.confirmations = static_cast<std::uint64_t>(s.wallet.confirmations);
  p.max_fee_wei = *gwei_to_wei(s.wallet.max_fee_gwei);
  p.receipt_poll = in_ms(s.wallet.receipt_poll);
  p.resubmit_after = in_ms(s.wallet.resubmit_after);
  p.gas_float_low = eth_amount::of_units(*not_negative(s.wallet.gas_float_low));
  p.gas_float_high = eth_amount::of_units(*not_negative(s.wallet.gas_float_high));
  if (s.sandbox) {
    p.payment_poll_first = std::min(p.payment_poll_first, milliseconds(3'000));
    p.payment_poll_max = std::min(p.payment_poll_max, milliseconds(30'000));
    p.swap_poll = std::min(p.swap_poll, milliseconds(500));
    p.conversion_interval = std::min(p.conversion_interval, milliseconds(5'000));
    p.payouts_interval = std::min(p.payouts_interval, milliseconds(5'000));
    p.broadcast_look = std::min(p.broadcast_look, milliseconds(5'000));
    p.receipt_poll = std::min(p.receipt_poll, milliseconds(300));
    p.resubmit_after = std::min(p.resubmit_after, milliseconds(15'000));
  }
  return p;
}

std::string node_name(const settings& s) {
  if (!s.node.name.empty()) return s.node.name;
  char host[64] = {};
  gethostname(host, sizeof host - 1);
  std::string name = std::string("node-") + host;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !in_node_name(c); }, '-');
  return name.substr(0, 63);
}

std::string help_text() {
  settings defaults;
  std::string text =
      "paygated: channel subscriptions paid in any coin.\n\n"
      "usage: paygated [--config-file=FILE] [--secrets-dir=DIR] [--sandbox] [--check] [--section.name=value ...]\n\n"
      "  --config-file=FILE  settings in INI form: [section] lines, name=value lines, ';' comments, texts in \"quotes\"\n"
      "  --check             read and check settings and secrets, then exit\n"
      "  --wallet-address    print the address of HOST_WALLET_PRIVATE_KEY and exit\n"
      "  --version           print the version and exit\n"
      "  --help              this text\n\n"
      "A setting on the command line wins over the file, the file over the default.\n"
      "Those marked [reloads] take effect when the file changes (or by SIGHUP, or paygatectl config reload), the others at the\n"
      "next start. A file with a fault changes nothing: the last good values stay, and the fault is logged.\n";
  std::string section = "-";
  for (const auto& entry : describe(defaults)) {
    if (entry.section != section) {
      section = entry.section;
      text += section.empty() ? "\nGlobal (above the first section of the file)\n" : "\n[" + section + "]\n";
    }
    text += "  " + entry.key() + " = " + value_text(entry) + (entry.unit.empty() ? "" : "  (" + entry.unit + ")")
            + (entry.reloads ? "  [reloads]" : "") + "\n      " + entry.sentence + "\n";
  }
  return text;
}

} // namespace paygate
