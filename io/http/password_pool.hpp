#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "io/codec/password.hpp"

namespace paygate {

/// Where passwords are hashed: a few threads of their own and a short queue, so that a crowd that logs in takes neither all cores nor all
/// memory. Callers wait; one that finds the queue full is told so at once.
class password_pool {
public:
  password_pool(argon2_cost cost, std::size_t threads, std::size_t queue_max);
  ~password_pool();
  password_pool(const password_pool&) = delete;
  password_pool& operator=(const password_pool&) = delete;

  /// Nothing: the queue is full.
  std::optional<std::string> hash(const std::string& password);
  /// An empty hash is nobody's: the same work is done, and nothing matches.
  std::optional<password_verdict> check(const std::string& password, const std::string& hash);

private:
  bool run(std::function<void()> work);
  void serve();

  const argon2_cost cost_;
  const std::size_t queue_max_;
  const std::string nobody_; ///< Of a password that nobody knows.
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace paygate
