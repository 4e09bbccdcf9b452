#include "actors/account/login_guard.hpp"

#include <algorithm>
#include <charconv>

namespace paygate {

namespace {

milliseconds pause_after(std::int64_t failures, std::int64_t free, milliseconds most) {
  if (failures < free) return milliseconds(0);
  return std::min(milliseconds(std::int64_t{1'000} << std::min<std::int64_t>(failures - free, 20)), most);
}

milliseconds left(timestamp next, timestamp now) { return next <= now ? milliseconds(0) : std::chrono::ceil<milliseconds>(next - now); }

std::string number(timestamp at) { return std::to_string(at.time_since_epoch().count()); }

std::string_view word(std::string_view& text, char end) {
  const auto found = std::min(text.find(end), text.size());
  const auto first = text.substr(0, found);
  text.remove_prefix(std::min(found + 1, text.size()));
  return first;
}

std::int64_t number(std::string_view& text) {
  const auto digits = word(text, ' ');
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

timestamp instant(std::string_view& text) { return timestamp(timestamp::duration(number(text))); }

} // namespace

login_guard::place& login_guard::at(std::string_view network) {
  const auto found = std::find_if(places.begin(), places.end(), [&](const place& p) { return p.network == network; });
  if (found != places.end()) return *found;
  const auto strangers = std::count_if(places.begin(), places.end(), [](const place& p) { return !p.known; });
  if (static_cast<std::size_t>(strangers) >= strangers_max) {
    // The one that was quiet for longest; what it may do next is bounded by all of them together.
    const auto oldest = std::min_element(places.begin(), places.end(), [](const place& a, const place& b) {
      return std::pair(a.known, a.last) < std::pair(b.known, b.last);
    });
    places.erase(oldest);
  }
  places.push_back({std::string(network), false, 0, {}, {}});
  return places.back();
}

milliseconds login_guard::begin(std::string_view network, timestamp now) {
  const auto found = std::find_if(places.begin(), places.end(), [&](const place& p) { return p.network == network; });
  const bool known = found != places.end() && found->known;
  const auto own = found == places.end() ? milliseconds(0) : left(found->next, now);
  const auto all = known ? milliseconds(0) : left(next, now);
  if (const auto wait = std::max(own, all); wait.count() > 0) return wait;
  auto& from = at(network);
  if (now - from.last > own_memory) from.failures = 0;
  from.last = now;
  from.next = now + pause_after(++from.failures, own_free, own_max);
  if (!known) {
    if (now - last > all_memory) failures = 0;
    last = now;
    next = now + pause_after(++failures, all_free, all_max);
  }
  return milliseconds(0);
}

void login_guard::succeed(std::string_view network, timestamp now) {
  auto& from = at(network);
  // Its own try was counted among those of strangers.
  if (!from.known && failures > 0) --failures;
  from = {std::string(network), true, 0, now, {}};
  const auto known = std::count_if(places.begin(), places.end(), [](const place& p) { return p.known; });
  if (static_cast<std::size_t>(known) <= known_max) return;
  const auto oldest = std::min_element(places.begin(), places.end(), [](const place& a, const place& b) {
    return std::pair(!a.known, a.last) < std::pair(!b.known, b.last);
  });
  places.erase(oldest);
}

std::string to_text(const login_guard& guard) {
  auto text = std::to_string(guard.failures) + ' ' + number(guard.last) + ' ' + number(guard.next);
  for (const auto& p : guard.places)
    text += ';' + p.network + ' ' + (p.known ? '1' : '0') + ' ' + std::to_string(p.failures) + ' ' + number(p.last) + ' ' + number(p.next);
  return text;
}

login_guard read_guard(std::string_view text) {
  login_guard guard;
  auto head = word(text, ';');
  guard.failures = number(head);
  guard.last = instant(head);
  guard.next = instant(head);
  while (!text.empty()) {
    auto entry = word(text, ';');
    login_guard::place p;
    p.network = word(entry, ' ');
    p.known = number(entry) == 1;
    p.failures = number(entry);
    p.last = instant(entry);
    p.next = instant(entry);
    guard.places.push_back(std::move(p));
  }
  return guard;
}

} // namespace paygate
