// Who does business in a simulated world: owners with their channels, people who buy, an operator who approves, cancels and hurries.
#include "tests/simulation/simulation.hpp"

namespace paygate::sim {

void simulation::register_channels() {
  bool open = false;
  for (const auto& c : channels_) {
    const auto id = std::to_string(c.open_channel_id);
    const auto* known = o_.db.find<channel>(entity_kind::channel, id);
    if (known) continue;
    open = true;
    if (auto* n = acting()) n->ask({{entity_kind::channel, id}, channel_message(register_channel{c})}, [](const entity_reply*) {});
  }
  if (open) o_.w.after(3s, [this] { register_channels(); });
}

void simulation::found_business() {
  auto& w = o_.w;
  static const asset coins[] = {{"eth", "eth"}, {"eth", "base"}, {"usdt", "eth"}};
  const auto count = w.between(1, 3);
  for (int i = 0; i < count; ++i) {
    channel c;
    c.open_channel_id = -1000 - i;
    c.closed_channel_id = -2000 - i;
    c.open_title = "Open " + std::to_string(i);
    c.closed_title = "Closed <" + std::to_string(i) + ">";
    c.description = "words";
    c.owner_chat_id = w.chance(70) ? 900 + i : 0;
    c.tiers[0] = {usd_amount::of_units(30 * one_coin), 30};
    c.tiers[1] = {usd_amount::of_units(w.between(50, 300) * one_coin), 90};
    c.payout_asset = coins[w.random() % 3];
    c.payout_address = "0x00000000000000000000000000000000000b0b0" + std::to_string(i);
    if (w.chance(55)) {
      c.strategy = payout_strategy::threshold;
      c.threshold = usd_amount::of_units(w.between(10, 120) * one_coin);
    }
    if (w.chance(10)) o_.persons.blocking.insert(900 + i);
    channels_.push_back(c);
  }
  register_channels();
  // More subscribers than one chunk has, who do nothing but read.
  const std::int64_t readers = w.chance(25) ? w.between(60, 130) : 0;
  for (std::int64_t user = 5'000; user < 5'000 + readers; ++user) {
    subscription s;
    s.channel_id = channels_.front().open_channel_id;
    s.closed_channel_id = channels_.front().closed_channel_id;
    s.user_id = s.chat_id = user;
    s.starts_at = w.now;
    s.ends_at = w.now + 24h * 30;
    entity_header header;
    header.version = 1;
    o_.db.rows[{entity_kind::subscription, std::to_string(s.channel_id) + ":" + std::to_string(user)}] = {header, s};
    if (w.chance(5)) o_.persons.blocking.insert(user);
  }
  const auto people = w.between(1, 6);
  for (int i = 0; i < people; ++i) {
    const auto& c = channels_[w.random() % channels_.size()];
    const int tier = w.chance(15) ? start_link::donation : static_cast<int>(w.random() % 2);
    o_.persons.add(10 + i, {c.open_channel_id, tier}, milliseconds(w.between(120'000, 900'000)));
    if (w.chance(5)) o_.persons.blocking.insert(10 + i);
  }
}

/// The operator: approves what waits, now and then cancels something or hurries a scheduler. In peace only approves.
void simulation::operate() {
  auto* n = acting();
  if (!n) return;
  auto& w = o_.w;
  const auto nobody = [](const entity_reply*) {};
  if (w.faults && w.chance(40)) {
    const auto id = std::to_string(++broadcasts_);
    start_broadcast wanted{channels_[w.random() % channels_.size()].open_channel_id, broadcast_what::message,
                           w.chance(70) ? broadcast_target::subscribers : broadcast_target::channel, "News " + id, false};
    n->ask({{entity_kind::broadcast, "news" + id}, broadcast_message(wanted)}, nobody);
  }
  if (w.faults && broadcasts_ > 0 && w.chance(15)) {
    const entity_ref ref{entity_kind::broadcast, "news" + std::to_string(broadcasts_)};
    if (w.chance(30))
      n->ask({ref, broadcast_message(cancel_broadcast{"enough"})}, nobody);
    else
      n->ask({ref, broadcast_message(pause_broadcast{"wait"})}, nobody);
  }
  std::vector<entity_ref> found;
  for (const auto& [ref, row] : o_.db.rows) {
    const auto* b = std::get_if<broadcast>(&row.state);
    if (b && (b->status == broadcast_status::paused || b->wish == broadcast_wish::pause))
      n->ask({ref, broadcast_message(resume_broadcast{})}, nobody);
    const auto* p = std::get_if<payout>(&row.state);
    if (p && p->status == payout_status::awaiting_approval && w.chance(50)) n->ask({ref, payout_message(approve_payout{"seen"})}, nobody);
    if (ref.kind == entity_kind::payout || ref.kind == entity_kind::conversion) found.push_back(ref);
    // Whoever lost something on a way back is given up now and then: what is left goes back to its owners.
    const auto* c = std::get_if<conversion>(&row.state);
    if (c && c->lost > 0 && w.chance(50)) n->ask({ref, conversion_message(cancel_conversion{"given up"})}, nobody);
    if (p && p->lost > 0 && w.chance(50)) n->ask({ref, payout_message(cancel_payout{"given up"})}, nobody);
  }
  if (!w.faults) return;
  if (w.chance(30))
    n->ask({{entity_kind::scheduler, w.chance(50) ? "payouts" : "conversions"}, scheduler_message(run_scheduler{})}, nobody);
  if (found.empty() || !w.chance(25)) return;
  const auto& ref = found[w.random() % found.size()];
  if (ref.kind == entity_kind::payout)
    n->ask({ref, payout_message(cancel_payout{"by the operator"})}, nobody);
  else
    n->ask({ref, conversion_message(cancel_conversion{"by the operator"})}, nobody);
}

} // namespace paygate::sim
