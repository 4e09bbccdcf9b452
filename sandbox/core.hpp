#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "sandbox/coins.hpp"
#include "sandbox/faults.hpp"
#include "sandbox/json.hpp"

namespace sandbox {

/// What the program was started with. An empty key is not checked on requests.
struct settings {
  std::string bind = "127.0.0.1";
  int port = 0;
  std::string port_file;
  std::string public_url; ///< Under which a browser reaches us; empty: http://bind:port.
  std::string rpc_url;    ///< Empty: no chain; transfers are made up.
  std::string hot_wallet;
  std::string daemon_url;
  std::string bot_name = "paygate_bot";
  std::string usdt_token;    ///< ERC-20 contract of usdt/eth; empty: not on the chain.
  std::map<std::string, std::string> tokens; ///< Other ERC-20 contracts on the chain, of 18 decimals, by ticker: paid out, not taken.
  std::string usdt_treasury; ///< Unlocked account that holds the tokens; empty: the account that pays ether.
  std::string ipn_secret, nowpayments_key, nowpayments_email, nowpayments_password, changenow_key, changenow_private_key, telegram_token,
      sendgrid_key;
  int ipn_delay_ms = 0; ///< Between two IPNs of one payment.
  int ipn_tries = 3;
  int ipn_interval_ms = 500;  ///< Between two tries of one IPN.
  int stage_ms = 300;         ///< Each step of a swap.
  int swap_validity_s = 1200; ///< In which the deposit has to come.
  int rate_validity_s = 600;  ///< In which a rateId can be used.
  bool auto_chats = true;     ///< Unknown negative chat ids become channels with the bot as administrator.
};

using time_point = std::chrono::system_clock::time_point;

/// "2026-01-02T03:04:05.678Z"
std::string iso_time(time_point at);
std::int64_t unix_seconds(time_point at);
/// "72h", "1d12h", "90s" or "1500ms"; nullopt for all else and for nothing.
std::optional<std::chrono::milliseconds> parse_span(const std::string& text);

/// One line of the request log.
struct log_line {
  std::uint64_t number = 0;
  time_point at;
  std::string provider, method, path, body, answer;
  int status = 0;
  std::int64_t ms = 0;
  std::string fault;
};

/// What all providers share. Everything but `set` (constant), `faults` (own lock) and `now()` is guarded by `mutex`;
/// nobody calls out while holding it.
class core {
public:
  explicit core(settings from);

  settings set;
  std::mutex mutex;
  std::condition_variable changed; ///< An update arrived, or the server stops.
  bool stopping = false;
  price_table prices;
  fault_board faults;

  time_point now() const { return std::chrono::system_clock::now() + std::chrono::milliseconds(shift_ms_.load()); }
  std::int64_t shift_ms() const { return shift_ms_.load(); }
  void shift(std::chrono::milliseconds by) { shift_ms_ += by.count(); }

  // With `mutex` held:
  std::string random_hex(std::size_t digits);
  std::string random_of(const std::string& alphabet, std::size_t length);
  std::uint64_t random_below(std::uint64_t limit) { return random_() % limit; }

  /// Own lock.
  void note(log_line line);
  json log(std::size_t limit, const std::string& provider, const std::string& path);
  json counters();
  void count(const std::string& name, std::int64_t by = 1);
  void clear_log();

private:
  std::atomic<std::int64_t> shift_ms_{0};
  std::mt19937_64 random_;
  std::mutex log_mutex_;
  std::deque<log_line> lines_;
  std::uint64_t next_line_ = 1;
  std::map<std::string, std::int64_t> counters_;
};

} // namespace sandbox
