#pragma once

#include "actors/conversation/conversation_machine.hpp"
#include "tests/machine/sales_support.hpp"

namespace paygate::test {

/// The owner in these tests is the person in the chat: user 7.
inline channel own_channel() {
  auto c = sample_channel();
  c.owner_user_id = 7;
  c.owner_chat_id = 7;
  c.status = channel_status::offered;
  c.offer_message_id = 55;
  return c;
}

/// It lets people in for a week for nothing.
inline channel trial_channel() {
  auto c = sample_channel();
  c.trial_days = 7;
  return c;
}

/// A person in front of the bot: numbers the updates, and sees which message has the buttons.
struct chat : machine<conversation_kind> {
  std::int64_t next_update = 100, next_message = 500;
  chat() : machine("7") {}

  chat_update update() {
    chat_update u;
    u.update_id = next_update++;
    u.chat_id = u.user_id = 7;
    u.user_name = "@ann";
    return u;
  }
  void says(std::string text) {
    auto u = update();
    u.text = std::move(text);
    send(update_received{u});
  }
  void follows(start_link link) {
    auto u = update();
    u.text = "/start x";
    u.start = link;
    send(update_received{u});
  }
  void follows_forged() {
    auto u = update();
    u.text = "/start forged";
    u.bad_start = true;
    send(update_received{u});
  }
  void forwards(std::int64_t channel_id, std::string title) {
    auto u = update();
    u.text = "a post";
    u.shared_chat_id = channel_id;
    u.shared_title = std::move(title);
    send(update_received{u});
  }
  /// Presses a button of the message that has the newest ones. Answers the callback's id.
  std::string presses(std::string data, std::int64_t message_id = -1) {
    auto u = update();
    u.callback_id = "cb" + std::to_string(u.update_id);
    u.callback_data = std::move(data);
    u.message_id = message_id < 0 ? state.panel_id : message_id;
    send(update_received{u});
    return u.callback_id;
  }
  void channel_answers(const std::string& prefix, channel terms = sample_channel()) {
    answered(prefix, channel_view{std::make_shared<const channel>(std::move(terms))});
  }

  /// Telegram takes the owed view, if any.
  void shown() {
    if (!owes("view")) return;
    if (std::holds_alternative<edit_message>(std::get<io_request>(find("view").request)))
      done_with("view", done{});
    else
      done_with("view", message_sent{next_message++});
  }
  /// ... and the answers to buttons.
  void settled() {
    shown();
    while (owes("answer")) done_with("answer", done{});
    shown();
  }
  struct message {
    std::string html;
    keyboard buttons;
    bool edited = false;
    bool has(const std::string& text) const { return html.find(text) != std::string::npos; }
    /// The data of the button whose text contains that.
    std::string data(const std::string& text) const {
      for (const auto& row : buttons)
        for (const auto& b : row)
          if (b.text.find(text) != std::string::npos) return std::get<std::string>(b.target);
      FAIL("no button " << text << " under: " << html);
      return "";
    }
  };
  message seen() const {
    const auto request = std::get<io_request>(find("view").request);
    if (const auto* edit = std::get_if<edit_message>(&request)) return {edit->html, edit->buttons, true};
    const auto& sent = std::get<send_message>(request);
    return {sent.html, sent.buttons, false};
  }
  std::string said(const std::string& callback) const { return request<answer_callback>("answer:" + callback).text; }
  std::string view() const { return std::string(to_text(state.owed_view)); }
  std::string status() const { return std::string(to_text(state.status)); }

  void to_offer(int tier = 0) {
    follows({-1001, tier});
    channel_answers("look_up");
    REQUIRE(state.status == conversation_status::offered);
  }
  void to_ordering() {
    to_offer();
    presses(pay_data(state.order_id));
    REQUIRE(state.status == conversation_status::ordering);
  }
  void to_keypad() {
    to_offer(start_link::donation);
    settled();
    presses("amt:" + state.order_id);
    settled();
    REQUIRE(status() == "typing_amount");
  }
  void to_message() {
    to_offer(start_link::donation);
    settled();
    presses(donation_data(25, state.order_id));
    settled();
    REQUIRE(status() == "writing_message");
  }
  void to_new_form() {
    presses("new");
    settled();
    REQUIRE(status() == "editing");
  }
  void to_edit_form() {
    presses("edit:-1001");
    channel_answers("open", own_channel());
    settled();
    REQUIRE(status() == "editing");
  }
  void to_field(const std::string& name) {
    presses("f:" + name);
    settled();
    REQUIRE(status() == "entering");
  }
  void fills(const std::string& name, const std::string& text) {
    to_field(name);
    says(text);
    settled();
  }
  /// A form in which nothing is missing.
  void to_whole_form() {
    to_new_form();
    fills("open_channel", "-1001");
    fills("closed_channel", "-1002");
    fills("open_title", "Open & free");
    fills("closed_title", "Closed <club>");
    fills("coin", "xmr xmr");
    fills("address", sample_channel().payout_address);
    REQUIRE(status() == "editing");
  }
  void to_verifying() {
    to_whole_form();
    presses("f:save");
    REQUIRE(status() == "verifying");
    settled();
  }
  void to_saving() {
    to_verifying();
    done_with("rights", rights_checked{true, true, true, true, "Open", "Closed", ""});
    REQUIRE(status() == "saving");
  }
  void to_trial() {
    follows({-1001, 0});
    channel_answers("look_up", trial_channel());
    settled();
    presses("trial:" + state.order_id);
    REQUIRE(status() == "trying");
  }
  void to_writing_post() {
    presses("post:-1001");
    channel_answers("address", own_channel());
    settled();
    REQUIRE(status() == "writing_post");
  }
  void to_confirming_post() {
    to_writing_post();
    says("Big <news> & more");
    settled();
    REQUIRE(status() == "confirming_post");
  }
  /// The list of channel -1001's codes, with one that is open and one that is not.
  void to_promos() {
    presses("promos:-1001");
    done_with("list", promo_list());
    settled();
  }
  static promos_listed promo_list() {
    return {{{"SPRING", false, 20, {}, 3, 100, 1, std::nullopt},
             {"OLD-ONE", true, 0, usd_amount::of_units(5 * one_coin), 0, 10, 2, start_of_time() + std::chrono::hours(240)}},
            false,
            "Open & free"};
  }
  void to_entering_promo() {
    presses("promo+:-1001");
    settled();
    REQUIRE(status() == "entering_promo");
  }
  void to_setting_promo(std::string line = "spring 20%") {
    to_entering_promo();
    says(std::move(line));
    REQUIRE(status() == "setting_promo");
  }
  void to_settling() {
    to_saving();
    answered("save", ok{});
    REQUIRE(status() == "settling");
  }
};

} // namespace paygate::test
