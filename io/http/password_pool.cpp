#include "io/http/password_pool.hpp"

#include <future>

#include "io/random.hpp"

namespace paygate {

namespace {
constexpr std::size_t salt_size = 16;
} // namespace

password_pool::password_pool(argon2_cost cost, std::size_t threads, std::size_t queue_max)
    : cost_(cost), queue_max_(queue_max), nobody_(hash_password(as_text(random_bytes(32)), cost, random_bytes(salt_size))) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

password_pool::~password_pool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void password_pool::serve() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

bool password_pool::run(std::function<void()> work) {
  auto task = std::make_shared<std::packaged_task<void()>>(std::move(work));
  auto ended = task->get_future();
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= queue_max_) return false;
    queue_.push_back([task] { (*task)(); });
  }
  work_.notify_one();
  ended.get(); // Rethrows what the work threw.
  return true;
}

std::optional<std::string> password_pool::hash(const std::string& password) {
  std::string made;
  if (!run([&] { made = hash_password(password, cost_, random_bytes(salt_size)); })) return std::nullopt;
  return made;
}

std::optional<password_verdict> password_pool::check(const std::string& password, const std::string& hash) {
  password_verdict verdict;
  if (!run([&] { verdict = check_password(password, hash.empty() ? nobody_ : hash, cost_); })) return std::nullopt;
  if (hash.empty()) verdict = {};
  return verdict;
}

} // namespace paygate
