#include "tests/simulation/incoming.hpp"

#include <algorithm>

namespace paygate::sim {

namespace {
constexpr int128 token_unit = one_coin / 1'000'000;
const std::string somebody = "0x00000000000000000000000000000000000000bb";
} // namespace

void incoming::credit(const tx& t, int sign) {
  if (t.to != our_address) return;
  if (t.token.empty())
    net_.fund(sign * t.units);
  else
    net_.fund_tokens(sign * (t.units / token_unit));
}

io_outcome incoming::look(const get_transfer& request) {
  const auto at = all.find(request.hash);
  const bool known = at != all.end() && at->second.not_before <= w_.now;
  if (!known || w_.fault(10)) return io_failure{fault::transient, "not_found", "unknown transaction", std::nullopt};
  const auto& t = at->second;
  return transfer_seen{t.token.empty() ? t.to : t.token, t.token.empty() ? t.units : 0, t.depth, false};
}

io_outcome incoming::look(const get_token_transfer& request) {
  const auto at = all.find(request.hash);
  const bool known = at != all.end() && at->second.not_before <= w_.now;
  if (!known || w_.fault(10)) return io_failure{fault::transient, "not_found", "unknown transaction", std::nullopt};
  const auto& t = at->second;
  token_transfer_seen seen{{}, t.depth, false};
  if (t.depth > 0 && !t.token.empty()) seen.moved.push_back({t.token, somebody, t.to, t.units / token_unit});
  return seen;
}

void incoming::mine(std::uint64_t depth_wanted) {
  for (auto& [hash, t] : all) {
    if (t.depth == 0) {
      if (t.not_before > w_.now || w_.fault(30)) continue;
      credit(t, 1);
      t.depth = 1;
      continue;
    }
    const bool spare = t.token.empty() ? net_.balance() > t.units + one_coin / 2 : net_.tokens() >= t.units / token_unit;
    if (t.depth < depth_wanted && spare && w_.fault(10)) {
      credit(t, -1);
      t.depth = 0;
    } else
      ++t.depth;
  }
}

bool incoming::all_deep() const {
  return std::all_of(all.begin(), all.end(), [](const auto& t) { return t.second.depth > 3; });
}

int128 incoming::brought(const std::string& hash, bool token) const {
  const auto at = all.find(hash);
  if (at == all.end() || at->second.depth == 0 || at->second.to != our_address || token == at->second.token.empty()) return 0;
  return at->second.units;
}

} // namespace paygate::sim
