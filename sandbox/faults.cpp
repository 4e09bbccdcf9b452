#include "sandbox/faults.hpp"

#include <chrono>

namespace sandbox {
namespace {

constexpr std::pair<fault_mode, const char*> names[] = {
    {fault_mode::none, "none"},         {fault_mode::error, "error"},
    {fault_mode::timeout, "timeout"},   {fault_mode::timeout_after_success, "timeout_after_success"},
    {fault_mode::slow, "slow"},         {fault_mode::duplicate, "duplicate"},
    {fault_mode::nonsense, "nonsense"},
};

} // namespace

std::optional<fault_mode> parse_fault_mode(const std::string& text) {
  for (const auto& [mode, name] : names)
    if (text == name) return mode;
  return std::nullopt;
}

const char* name_of(fault_mode mode) {
  for (const auto& [known, name] : names)
    if (known == mode) return name;
  return "none";
}

void fault_board::put(fault_rule rule) {
  const std::lock_guard lock(mutex_);
  std::erase_if(rules_, [&](const fault_rule& old) { return old.provider == rule.provider && old.path == rule.path; });
  rule.dice.seed(rule.seed);
  if (rule.mode != fault_mode::none) rules_.push_back(std::move(rule));
  ++generation_;
  changed_.notify_all();
}

void fault_board::clear() {
  const std::lock_guard lock(mutex_);
  rules_.clear();
  ++generation_;
  changed_.notify_all();
}

fault fault_board::draw(const std::string& provider, const std::string& path, std::optional<fault_mode> only) {
  const std::lock_guard lock(mutex_);
  for (auto& rule : rules_) {
    if (rule.provider != "all" && rule.provider != provider) continue;
    if (path.find(rule.path) == std::string::npos || rule.left == 0 || (only && rule.mode != *only)) continue;
    if (rule.dice() % 1'000'000 >= rule.rate_ppm) continue;
    if (rule.left > 0) --rule.left;
    ++rule.struck;
    return {rule.mode, rule.status, rule.hold_ms};
  }
  return {};
}

void fault_board::hold(int ms) {
  std::unique_lock lock(mutex_);
  const auto start = generation_;
  changed_.wait_for(lock, std::chrono::milliseconds(ms), [&] { return stopped_ || generation_ != start; });
}

void fault_board::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

json fault_board::list() {
  const std::lock_guard lock(mutex_);
  json out = json::array();
  for (const auto& rule : rules_)
    out.push(json::object({{"provider", rule.provider},
                           {"mode", name_of(rule.mode)},
                           {"path", rule.path},
                           {"rate_ppm", rule.rate_ppm},
                           {"seed", rule.seed},
                           {"left", rule.left},
                           {"struck", rule.struck}}));
  return out;
}

} // namespace sandbox
