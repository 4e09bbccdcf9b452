#include "actors/payout/payout_machine.hpp"
#include "actors/payout/payout_texts.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;

void tell(std::vector<effect>& due, const payout& p, const entity_ref& self) {
  if (p.owner_chat_id == 0 || p.refund) return; // A refund is the operator's matter; its payment tells the subscriber.
  const bool on_its_way = p.leg != 1 && (p.status == payout_status::confirming || p.status == payout_status::exchanging);
  if (on_its_way && !p.sent_told_at)
    due.push_back(soon(payout_keys::tell_sent, send_message{p.owner_chat_id, payout_texts::sent(p), {}, urgency::notice}));
  const bool ended =
      p.status == payout_status::completed || p.status == payout_status::failed || p.status == payout_status::needs_attention;
  if (ended && !p.end_told_at)
    due.push_back(soon(payout_keys::tell_end(p), send_message{p.owner_chat_id, payout_texts::ended(p, self), {}, urgency::notice}));
}

} // namespace

std::vector<effect> payout_kind::effects_due(const payout& p, const entity_ref& self, timestamp, const policy& rules) {
  std::vector<effect> due;
  if (p.status == payout_status::claiming) due.push_back(soon(payout_keys::claim, get_claim{to_text(self)}));
  if (p.status == payout_status::limiting) due.push_back(soon(payout_keys::allowance, get_allowance{self.id}));
  if (wants_second_minimum(p))
    due.push_back(soon(payout_keys::second_range, get_swap_range{eth_on_eth, p.target}));
  else
    swap_due(due, p, self, rules, held_account(p));
  tell(due, p, self);
  return due;
}

std::optional<timestamp> payout_kind::wakes_at(const payout&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> payout_kind::stuck_after(const payout& p) {
  switch (p.status) {
  case payout_status::claiming:
  case payout_status::limiting:
  case payout_status::requested:
  case payout_status::estimating:
  case payout_status::swapping: return 15min;
  case payout_status::funding:
  case payout_status::confirming:
  case payout_status::refunding:
  case payout_status::receiving: return 30min;
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
