#include "actors/rehearse.hpp"

#include "actors/account/account_machine.hpp"
#include "actors/broadcast/broadcast_machine.hpp"
#include "actors/channel/channel_machine.hpp"
#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversion/conversion_machine.hpp"
#include "actors/login_name/login_name_machine.hpp"
#include "actors/payment/payment_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/poller/poller_machine.hpp"
#include "actors/promo_code/promo_code_machine.hpp"
#include "actors/reconciliation/reconciliation_machine.hpp"
#include "actors/scheduler/scheduler_machine.hpp"
#include "actors/session/session_machine.hpp"
#include "actors/subscription/subscription_machine.hpp"
#include "actors/wallet/wallet_machine.hpp"

namespace paygate {

namespace {

using result = std::variant<rehearsal, refused>;

template <class Kind>
bool try_kind(result& out, const loaded_entity& loaded, const envelope& letter, const step_context& context) {
  const auto* message = std::get_if<typename Kind::message>(&letter.body);
  if (letter.to.kind != Kind::kind || !message) return false;
  const auto& state = std::get<typename Kind::state>(loaded.state);
  const auto exists = loaded.header.version != 0;
  auto verdict = Kind::apply(state, exists, *message, context);
  if (auto* no = std::get_if<refused>(&verdict)) {
    out = std::move(*no);
    return true;
  }
  auto& yes = std::get<decision<typename Kind::state>>(verdict);
  out = rehearsal{yes.changed || !yes.rows.empty() || !yes.entries.empty(), exists ? std::string(to_text(state.status)) : std::string(),
                  std::string(to_text(yes.next.status)), std::move(yes.note), std::move(yes.entries)};
  return true;
}

template <class... Kinds>
result try_kinds(const loaded_entity& loaded, const envelope& letter, const step_context& context) {
  result out = refused{refusal::wrong_kind, "no message for a " + std::string(to_text(letter.to.kind))};
  static_cast<void>((try_kind<Kinds>(out, loaded, letter, context) || ...));
  return out;
}

} // namespace

result rehearse(const loaded_entity& loaded, const envelope& letter, timestamp now, const policy& rules) {
  return try_kinds<payment_kind, subscription_kind, channel_kind, conversation_kind, payout_kind, wallet_kind, poller_kind, conversion_kind,
                   scheduler_kind, reconciliation_kind, broadcast_kind, promo_code_kind, account_kind, login_name_kind, session_kind>(loaded, letter, step_context{letter.to, now, rules});
}

} // namespace paygate
