#include "actors/payout/payout_machine.hpp"
#include "actors/payout/payout_texts.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds poll_max{30'000};
constexpr milliseconds attention_poll{60'000}, attention_poll_max{600'000};

asset eth() { return {"eth", "eth"}; }

effect quick(std::string key, io_request request) { return {std::move(key), std::move(request), timestamp{}, 1000ms, 60'000ms}; }

effect ask_wallet(std::string key, const std::string& wallet, wallet_message message, const policy& rules) {
  return {std::move(key), ask_entity{{entity_kind::wallet, wallet}, std::move(message)}, timestamp{}, rules.receipt_poll,
          std::max(rules.receipt_poll, 15'000ms)};
}

effect transfer(const payout& p, const entity_ref& self, const policy& rules) {
  const auto intent = transfer_intent(p, self);
  const auto channel = std::to_string(p.channel_id);
  request_transfer request{intent, p.swap_id.empty() ? p.address : p.payin_address, p.funded,
                           p.swap_id.empty() ? accounts::owner_held(channel) : accounts::in_swap(p.swap_id), sign_deadline(p, rules)};
  return ask_wallet(payout_keys::transfer(intent), p.wallet_address, std::move(request), rules);
}

void tell(std::vector<effect>& due, const payout& p, const entity_ref& self) {
  if (p.owner_chat_id == 0) return;
  const bool on_its_way = p.status == payout_status::confirming || p.status == payout_status::exchanging;
  if (on_its_way && !p.sent_told_at) due.push_back(quick(payout_keys::tell_sent, send_message{p.owner_chat_id, payout_texts::sent(p), {}}));
  const bool ended =
      p.status == payout_status::completed || p.status == payout_status::failed || p.status == payout_status::needs_attention;
  if (ended && !p.end_told_at)
    due.push_back(quick(payout_keys::tell_end(p), send_message{p.owner_chat_id, payout_texts::ended(p, self), {}}));
}

} // namespace

std::optional<timestamp> sign_deadline(const payout& p, const policy& rules) {
  if (p.swap_id.empty() || !p.valid_until || !p.quoted_at) return std::nullopt;
  const auto life = *p.valid_until - *p.quoted_at;
  return *p.valid_until - life * rules.swap_min_validity_bps / 20'000;
}

std::vector<effect> payout_kind::effects_due(const payout& p, const entity_ref& self, timestamp, const policy& rules) {
  std::vector<effect> due;
  // The wallet keeps a final transfer in memory until it is told that nobody will ask for it again.
  const bool settled = !p.settled_intent.empty();
  if (settled) due.push_back(ask_wallet(payout_keys::acknowledge(p), p.wallet_address, acknowledge_transfer{p.settled_intent}, rules));
  const auto poll = [&](std::string key, milliseconds first, milliseconds most) {
    due.push_back({std::move(key), io_request(get_swap{p.swap_id}), timestamp{}, first, std::max(first, most)});
  };
  switch (p.status) {
  case payout_status::requested: due.push_back(quick(payout_keys::range, get_swap_range{eth(), p.target})); break;
  case payout_status::estimating:
    due.push_back(quick(payout_keys::estimate(p), estimate_swap{eth(), p.target, swap_source(p).units()}));
    break;
  case payout_status::swapping:
    due.push_back(quick(payout_keys::create(p),
                        create_swap{eth(), p.target, swap_source(p).units(), p.address, p.extra_id, rules.wallet_address, p.rate_id}));
    break;
  case payout_status::funding:
    if (!p.funding_released)
      poll(payout_keys::expect(p), rules.swap_poll, poll_max);
    else if (!settled)
      due.push_back(transfer(p, self, rules));
    break;
  case payout_status::confirming: due.push_back(transfer(p, self, rules)); break;
  case payout_status::exchanging: poll(payout_keys::follow(p), rules.swap_poll, poll_max); break;
  case payout_status::needs_attention:
    if (is_still_followed(p)) poll(payout_keys::follow(p), attention_poll, attention_poll_max);
    break;
  case payout_status::awaiting_approval:
  case payout_status::completed:
  case payout_status::failed:
  case payout_status::cancelled: break;
  }
  tell(due, p, self);
  return due;
}

std::optional<timestamp> payout_kind::wakes_at(const payout&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> payout_kind::stuck_after(const payout& p) {
  switch (p.status) {
  case payout_status::requested:
  case payout_status::estimating:
  case payout_status::swapping: return 15min;
  case payout_status::funding:
  case payout_status::confirming: return 30min;
  case payout_status::exchanging: return 2h;
  case payout_status::needs_attention: return 0s;
  case payout_status::awaiting_approval:
  case payout_status::completed:
  case payout_status::failed:
  case payout_status::cancelled: break;
  }
  return std::nullopt;
}

} // namespace paygate
