#pragma once

#include "actors/subscription/subscription_machine.hpp"
#include "tests/machine/sales_support.hpp"

namespace paygate::test {

/// A subscription of user 7 to channel -1001, whose closed side is -1002.
struct membership_of_ann : machine<subscription_kind> {
  membership_of_ann() : machine("-1001:7") {}

  static extend_subscription order(std::string id, int days = 30) {
    extend_subscription e;
    e.order_id = std::move(id);
    e.channel_id = -1001;
    e.closed_channel_id = -1002;
    e.user_id = 7;
    e.chat_id = 7;
    e.user_name = "@ann";
    e.channel_title = "Closed <club>";
    e.days = days;
    return e;
  }
  static start_trial trial(std::string id, int days = 7) {
    return {std::move(id), -1001, -1002, 7, 7, "@ann", "Closed <club>", days};
  }
  static membership who(std::int64_t user = 7) { return {-1001, -1002, user, "@ann", "Closed <club>"}; }

  std::string status() const { return std::string(to_text(state.status)); }
  std::string access() const { return std::string(to_text(state.access)); }

  /// Everything that is owed now but `except`, taken well: `inside` is what Telegram says when it is asked.
  void settle(bool inside, const std::string& except = "-") {
    for (int i = 0; i < 50; ++i) {
      const auto all = due();
      const auto next = std::find_if(all.begin(), all.end(), [&](const effect& e) { return e.not_before <= now && !e.key.starts_with(except); });
      if (next == all.end()) return;
      take(*next, inside);
    }
    FAIL("it does not come to rest: " << due_words());
  }
  void take(const effect& e, bool inside) {
    if (const auto* ask = std::get_if<ask_entity>(&e.request)) {
      if (ask->to == self)
        send(std::get<subscription_message>(ask->message));
      else
        send(effect_done{e.key, entity_reply(ok{})});
      return;
    }
    const auto& request = std::get<io_request>(e.request);
    if (std::holds_alternative<create_invite>(request))
      send(effect_done{e.key, io_outcome(invite_created{"https://t.me/+" + std::to_string(++links)})});
    else if (std::holds_alternative<find_other_access>(request))
      send(effect_done{e.key, io_outcome(elsewhere)});
    else if (std::holds_alternative<get_member>(request))
      send(effect_done{e.key, io_outcome(member_seen{inside ? member_status::member : member_status::left})});
    else if (const auto* message = std::get_if<send_message>(&request)) {
      said.push_back(message->html);
      send(effect_done{e.key, io_outcome(message_sent{1})});
    } else
      send(effect_done{e.key, io_outcome(done{})});
  }
  /// The one effect whose key begins so ended like this.
  void failed(const std::string& prefix, std::string code) { done_with(prefix, no_way(std::move(code))); }

  void buy(std::string id = "A", int days = 30) { send(order(std::move(id), days)); }
  /// Bought, invited and inside.
  void be_inside(int days = 30) {
    buy("A", days);
    settle(false);
    send(member_joined{++update, who(), state.invite_link, true});
    settle(true);
  }
  /// To the end of access, the phase turned, nothing else done.
  void expire() {
    now = state.ends_at + rules.grace;
    send(turn_phase{});
  }
  bool heard(const std::string& words) const {
    return std::any_of(said.begin(), said.end(), [&](const std::string& s) { return s.find(words) != std::string::npos; });
  }

  /// Looked for at the end, and found inside without another access: to be put out.
  void be_found_inside() {
    done_with("look", member_seen{member_status::member});
    done_with("compare", other_access_seen{});
  }

  int links = 0;
  other_access_seen elsewhere{}; ///< What they have in another channel.
  std::int64_t update = 100;
  std::vector<std::string> said;
};

} // namespace paygate::test
