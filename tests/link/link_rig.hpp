#pragma once

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/link/pump.hpp"
#include "tests/support/process.hpp"

namespace paygate::test {

/// However slow the machine is, what is waited for comes within this, or is taken for never coming.
inline constexpr auto patience = std::chrono::seconds(60);

/// A private authority with the certificates that deploy/certificates makes of it. `folder("node/a")` makes one when it is not there yet.
class certificate_folder {
public:
  certificate_folder();
  ~certificate_folder();
  certificate_folder(const certificate_folder&) = delete;
  certificate_folder& operator=(const certificate_folder&) = delete;

  std::string folder(const std::string& who);
  /// Runs deploy/certificates with these words after the folder; throws when it fails.
  void run(const std::vector<std::string>& words);
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

/// Certificates that all tests of a program share, and those of another authority.
certificate_folder& ours();
certificate_folder& strangers();

std::shared_ptr<credential_store> open_store(const std::string& folder);

/// A pump and what it told.
class pump_rig {
public:
  explicit pump_rig(const std::string& folder, link_limits limits = {}, std::function<bool()> busy = [] { return false; })
      : store(open_store(folder)), pump(std::make_shared<link_pump>(store, limits, nullptr, std::move(busy))) {
    pump->on_closed(hooks().closed);
  }

  /// Listens on a free port of 127.0.0.1 for whom `admit` lets in.
  void listen(admit_fn admit = {});
  std::string address() const { return "127.0.0.1:" + std::to_string(port); }

  /// Dials and waits for the answer.
  std::variant<link_opened_ptr, std::string> dial(const std::string& address, std::optional<std::string> node = {},
                                                  std::chrono::milliseconds patience_ = patience);
  /// The next that came in; null when nobody does.
  link_opened_ptr next_opened(std::chrono::milliseconds limit = patience);
  std::size_t opened_count();
  /// Why a connection ended; nothing when it does not.
  std::optional<std::string> end_of(std::uint64_t id, std::chrono::milliseconds limit = patience);

  std::shared_ptr<credential_store> store;
  std::shared_ptr<link_pump> pump;
  std::uint16_t port = 0;

private:
  link_hooks hooks();

  struct told {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<link_opened_ptr> opened;
    std::size_t taken = 0;
    std::map<std::uint64_t, std::string> closed;
  };
  std::shared_ptr<told> told_ = std::make_shared<told>();
};

/// A plain TCP connection to 127.0.0.1, without a word said.
unique_fd connect_to(std::uint16_t port);
bool send_all(int fd, std::string_view bytes);
/// What comes until the other side ends; nothing when it does not within the limit.
std::optional<std::string> read_to_end(int fd, std::chrono::milliseconds limit = patience);
/// Exactly so many bytes; fewer when the other side ends or the limit is over.
std::string read_some(int fd, std::size_t size, std::chrono::milliseconds limit = patience);

/// Time on a processor of all threads with this name.
std::chrono::nanoseconds thread_time(const std::string& name);
/// Of this process, now.
std::size_t resident_bytes();

/// A BASP header.
std::string frame_header(std::uint8_t operation, std::uint32_t size, std::uint64_t to = 0, std::uint8_t flags = 0);

} // namespace paygate::test
