// Every state of a conversation meets every kind of update: none of the pairs may be a dead end. What a pair has to fulfil is checked by
// rules, because the table has some thousand rows; those whose outcome matters by itself are in the other tests.
#include <functional>
#include <random>

#include "actors/conversation/talk.hpp"
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

struct named_state {
  std::string name;
  std::function<void(chat&)> reach;
};

struct named_update {
  std::string name;
  std::function<void(chat&)> come;
  bool is_press = false;
};

std::vector<named_state> all_states() {
  std::vector<named_state> all = {
      {"none", [](chat&) {}},
      {"idle", [](chat& c) { c.says("/start"), c.settled(); }},
      {"looking_up",
       [](chat& c) {
         c.follows({-1001, 1});
       }},
      {"looking_up a choice",
       [](chat& c) {
         c.follows({-1001, start_link::choice});
       }},
      {"choice owed",
       [](chat& c) {
         c.follows({-1001, start_link::choice}), c.channel_answers("look_up");
       }},
      {"choice shown",
       [](chat& c) {
         c.follows({-1001, start_link::choice}), c.channel_answers("look_up"), c.settled();
       }},
      {"offered, owed", [](chat& c) { c.to_offer(); }},
      {"offered", [](chat& c) { c.to_offer(), c.settled(); }},
      {"offered a donation", [](chat& c) { c.to_offer(start_link::donation), c.settled(); }},
      {"ordering", [](chat& c) { c.to_ordering(); }},
      {"ordering with terms", [](chat& c) { c.to_ordering(), c.channel_answers("terms"); }},
      {"ordered", [](chat& c) { c.to_ordering(), c.channel_answers("terms"), c.answered("order", payment_view{}), c.settled(); }},
      {"listing", [](chat& c) { c.says("/subscriptions"); }},
      {"list owed", [](chat& c) { c.says("/channels"), c.done_with("list", channels_listed{}); }},
      {"list shown", [](chat& c) { c.says("/channels"), c.done_with("list", channels_listed{}), c.settled(); }},
      {"typing_amount", [](chat& c) { c.to_keypad(); }},
      {"writing_message", [](chat& c) { c.to_message(); }},
      {"ordering a donation", [](chat& c) { c.to_message(), c.presses("skip:" + c.state.order_id); }},
      {"opening", [](chat& c) { c.presses("edit:-1001"); }},
      {"editing a new one", [](chat& c) { c.to_new_form(); }},
      {"editing", [](chat& c) { c.to_edit_form(); }},
      {"closing", [](chat& c) { c.to_edit_form(), c.presses("f:close"), c.settled(); }},
      {"finding", [](chat& c) { c.to_new_form(), c.to_field("open_channel"), c.says("@night_traders"); }},
      {"verifying", [](chat& c) { c.to_verifying(); }},
      {"saving", [](chat& c) { c.to_saving(); }},
      {"saving with terms",
       [](chat& c) {
         c.to_edit_form(), c.presses("f:save"), c.done_with("rights", rights_checked{true, true, true, true, "", "", ""});
         c.channel_answers("current", own_channel());
       }},
      {"settling", [](chat& c) { c.to_settling(); }},
      {"addressing", [](chat& c) { c.presses("post:-1001"); }},
      {"writing_post", [](chat& c) { c.to_writing_post(); }},
      {"confirming_post", [](chat& c) { c.to_confirming_post(); }},
      {"claiming_post", [](chat& c) { c.to_confirming_post(), c.presses("b:channel"); }},
      {"posting", [](chat& c) { c.to_confirming_post(), c.presses("b:subscribers"), c.channel_answers("claim", own_channel()); }},
      {"entering_code", [](chat& c) { c.to_offer(), c.settled(), c.presses("code:" + c.state.order_id), c.settled(); }},
      {"quoting", [](chat& c) { c.to_offer(), c.settled(), c.presses("code:" + c.state.order_id), c.says("spring"); }},
      {"trying", [](chat& c) { c.to_trial(); }},
      {"trying with terms", [](chat& c) { c.to_trial(), c.channel_answers("trial_terms", trial_channel()); }},
      {"promo list owed", [](chat& c) { c.presses("promos:-1001"), c.done_with("list", chat::promo_list()); }},
      {"promo list shown", [](chat& c) { c.to_promos(); }},
      {"entering_promo", [](chat& c) { c.to_entering_promo(); }},
      {"setting_promo", [](chat& c) { c.to_setting_promo(); }},
      {"setting_promo with terms", [](chat& c) { c.to_setting_promo(), c.channel_answers("promo_terms", own_channel()); }},
      {"disabling_promo", [](chat& c) { c.to_promos(), c.presses("promo-:-1001:SPRING"); }},
      {"disabling_promo with terms",
       [](chat& c) {
         c.to_promos(), c.presses("promo-:-1001:SPRING"), c.channel_answers("promo_terms", own_channel());
       }},
      {"a draft left", [](chat& c) { c.to_new_form(), c.says("/cancel"), c.settled(); }},
      {"an errand", [](chat& c) { c.presses("inv:-1001"); }},
      {"blocked", [](chat& c) { c.says("/help"), c.done_with("view", no_way("blocked")); }},
  };
  for (auto field : enum_names<form_field>::values)
    if (field != "none")
      all.push_back({"entering " + std::string(field), [field](chat& c) { c.to_new_form(), c.to_field(std::string(field)); }});
  return all;
}

std::vector<named_update> all_updates() {
  std::vector<named_update> all = {
      {"a tier's link",
       [](chat& c) {
         c.follows({-1001, 0});
       }},
      {"a donation's link",
       [](chat& c) {
         c.follows({-1001, start_link::donation});
       }},
      {"a link with a code",
       [](chat& c) {
         c.follows({-1001, 0, "SPRING"});
       }},
      {"a choice's link",
       [](chat& c) {
         c.follows({-1001, start_link::choice});
       }},
      {"an odd link",
       [](chat& c) {
         c.follows({-1001, 7});
       }},
      {"a forged link", [](chat& c) { c.follows_forged(); }},
      {"a forwarded post", [](chat& c) { c.forwards(-1009, "Nine <9>"); }},
  };
  for (const char* text : {"/start",
                           "/help",
                           "/cancel",
                           "/donate",
                           "/subscriptions",
                           "/channels",
                           "/stats",
                           "/broadcast",
                           "/stats@paygate_bot",
                           "/nonsense",
                           "hello <b>",
                           "12.50",
                           "0",
                           "99999",
                           "",
                           " ",
                           "-1001234567890",
                           "@some_channel",
                           "t.me/c/1234567890/5",
                           "usdt trx",
                           "SPRING 20% 100 2099-12-31",
                           "SPRING $0",
                           "SPRING <b>",
                           "none",
                           "\xff\xfe"})
    all.push_back({"text " + std::string(text), [text](chat& c) { c.says(text); }});
  all.push_back({"a long text", [](chat& c) { c.says(std::string(4096, 'x')); }});
  for (const char* data : {"",
                           "junk",
                           "pay:",
                           "pay:01OTHER",
                           "don:5:",
                           "don:5:01OTHER",
                           "amt:01OTHER",
                           "key:1:01OTHER",
                           "skip:01OTHER",
                           "tier:-1001:1",
                           "tier:-1001:9",
                           "tier:x",
                           "renew:-1001",
                           "renew:",
                           "give:-1001",
                           "inv:-1001",
                           "inv:",
                           "payc:-1001:t1",
                           "payx:-1001:t1",
                           "payc:-1001",
                           "page:subscriptions:1",
                           "page:own_channels:0",
                           "page:none:0",
                           "page:stats:-1",
                           "page:x",
                           "promos:-1001",
                           "promos:-1001:1",
                           "promos:-1001:-1",
                           "promos:",
                           "promo+:-1001",
                           "promo+:x",
                           "promo-:-1001:SPRING",
                           "promo-:-1001:<b>",
                           "promo-:-1001",
                           "page:promo_codes:0",
                           "post:-1001",
                           "post:",
                           "b:",
                           "b:channel",
                           "b:subscribers",
                           "b:again",
                           "b:cancel",
                           "edit:-1001",
                           "edit:",
                           "new",
                           "draft",
                           "f:",
                           "f:none",
                           "f:nonsense",
                           "f:save",
                           "f:discard",
                           "f:close",
                           "f:really",
                           "f:back",
                           "f:donations",
                           "f:strategy",
                           "f:tier_1",
                           "f:tier_2",
                           "f:tier_9",
                           "f:open_channel",
                           "f:price_1",
                           "f:memo"})
    all.push_back({"press " + std::string(data), [data](chat& c) { c.presses(data); }, true});
  for (const char* key : {"pay:", "don:25:", "don:7:", "amt:", "skip:", "key:1:", "key:.:", "key:b:", "key:c:", "key:ok:", "key:x:",
                          "key:zz:", "key::", "code:", "trial:", "back:"})
    all.push_back({"press " + std::string(key) + "<this order>", [key](chat& c) { c.presses(key + c.state.order_id); }, true});
  all.push_back({"press f:save elsewhere", [](chat& c) { c.presses("f:save", 3); }, true});
  all.push_back({"press without a message", [](chat& c) { c.presses("f:donations", 0); }, true});
  all.push_back({"press of 500 bytes", [](chat& c) { c.presses(std::string(500, 'x')); }, true});
  return all;
}

bool is_ours(conversation_status status) {
  switch (status) {
  case conversation_status::looking_up:
  case conversation_status::ordering:
  case conversation_status::listing:
  case conversation_status::opening:
  case conversation_status::finding:
  case conversation_status::verifying:
  case conversation_status::saving:
  case conversation_status::settling:
  case conversation_status::addressing:
  case conversation_status::claiming_post:
  case conversation_status::quoting:
  case conversation_status::trying:
  case conversation_status::setting_promo:
  case conversation_status::disabling_promo:
  case conversation_status::posting: return true;
  default: return false;
  }
}

/// True when every tag that is opened is closed, and nothing else looks like one: Telegram would refuse the message.
bool is_good_html(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < html.size(); ++i) {
    if (html[i] == '&') {
      const auto end = html.find(';', i);
      const auto name = end == std::string::npos ? "" : html.substr(i + 1, end - i - 1);
      if (name != "amp" && name != "lt" && name != "gt" && name != "quot") return false;
    }
    if (html[i] != '<') continue;
    const auto end = html.find('>', i);
    if (end == std::string::npos) return false;
    const auto tag = html.substr(i + 1, end - i - 1);
    if (!tag.starts_with('/')) {
      open.push_back(tag);
    } else if (open.empty() || open.back() != tag.substr(1))
      return false;
    else
      open.pop_back();
    if (tag != "b" && tag != "/b" && tag != "code" && tag != "/code") return false;
  }
  return open.empty();
}

/// What must hold in any state.
std::string fault_of(const chat& c) {
  const auto& s = c.state;
  if (!c.exists) return "";
  if (s.open_callback.size() > 4096) return "too many callbacks are open";
  if (s.drafts.size() > 1) return "more than one draft";
  if (talk::is_form(s.status) && s.drafts.empty()) return "a form without a draft";
  if (s.price.units() < 0) return "a negative price";
  const auto due = c.due();
  const bool question = std::any_of(due.begin(), due.end(), [](const effect& e) {
    return !e.key.starts_with("view:") && !e.key.starts_with("answer:") && !e.key.starts_with("errand:");
  });
  const bool view = std::any_of(due.begin(), due.end(), [](const effect& e) { return e.key.starts_with("view:"); });
  if (is_ours(s.status) && !question && !view) return "our turn, and nothing is due";
  if (is_ours(s.status) != conversation_kind::stuck_after(s).has_value() && !view && s.open_callback.empty()
      && s.errand == conversation_errand::none)
    return "the watch over stuck work is wrong";
  for (const auto& e : due) {
    const auto* io = std::get_if<io_request>(&e.request);
    if (!io) continue;
    std::string html;
    keyboard buttons;
    if (const auto* m = std::get_if<send_message>(io)) html = m->html, buttons = m->buttons;
    if (const auto* m = std::get_if<edit_message>(io)) html = m->html, buttons = m->buttons;
    if (std::holds_alternative<send_message>(*io) || std::holds_alternative<edit_message>(*io)) {
      if (html.empty() || html.size() > 4096) return "a message of " + std::to_string(html.size()) + " bytes";
      if (!is_good_html(html)) return "HTML that Telegram refuses: " + html;
    }
    for (const auto& row : buttons)
      for (const auto& b : row)
        if (const auto& data = std::get<std::string>(b.target); data.empty() || data.size() > 64 || b.text.empty())
          return "a button with data " + data;
    if (const auto* a = std::get_if<answer_callback>(io); a && a->text.size() > 200) return "a callback's answer is too long: " + a->text;
  }
  return "";
}

/// A restart: what is not stored is gone.
chat restarted(chat c) {
  c.state.terms.reset();
  c.state.found.reset();
  return c;
}

/// Everything that is asked is refused: our work has to end, whatever it was.
std::string ends_when_refused(chat c) {
  for (int i = 0; i < 40; ++i) {
    const auto due = c.due();
    if (due.empty()) return is_ours(c.state.status) ? "our turn for ever" : "";
    const auto& first = due.front();
    if (std::holds_alternative<ask_entity>(first.request))
      c.send(effect_done{first.key, entity_reply(refused{refusal::not_found, "it is <gone>"})});
    else
      c.send(effect_done{first.key, io_outcome(no_way("gone"))});
    if (!c.last.changed) return "a refusal of " + first.key + " changes nothing";
    if (auto why = fault_of(c); !why.empty()) return why;
  }
  return "it never ends";
}

} // namespace

TEST_CASE("every state meets every kind of update: there is no dead end") {
  int pairs = 0;
  for (const auto& from : all_states())
    for (const auto& update : all_updates()) {
      chat c;
      from.reach(c);
      const auto before = c.state;
      update.come(c);
      ++pairs;
      CAPTURE(from.name, update.name, c.status(), c.view());
      REQUIRE(fault_of(c) == "");
      REQUIRE(c.state.last_update_id == c.next_update - 1);
      // The person gets something: an answer to the button, a view, or work of ours that ends in one.
      const auto callback = "answer:cb" + std::to_string(c.next_update - 1);
      REQUIRE(c.owes(update.is_press ? callback : is_ours(c.state.status) ? "" : "view:"));
      if (update.is_press && c.status() == to_text(before.status) && c.state.view_seq == before.view_seq && c.state.errand == before.errand
          && c.state.order_id == before.order_id)
        CHECK(
            (!c.request<answer_callback>(callback).text.empty() || c.status() == "ordering")); // Then the answer says why nothing happens.
      REQUIRE(ends_when_refused(c) == "");
      REQUIRE(fault_of(restarted(c)) == "");
      REQUIRE(ends_when_refused(restarted(c)) == "");
      // The ways back.
      auto again = c;
      again.says("/start");
      REQUIRE(again.status() == "idle");
      REQUIRE(again.view() == "help");
      auto cancelled = c;
      cancelled.says("/cancel");
      if (cancelled.status() != "idle") cancelled.says("/cancel"); // First back to the form, then out of it.
      REQUIRE(cancelled.status() == "idle");
      REQUIRE(cancelled.owes("view:"));
    }
  CHECK(pairs > 3000);
  std::set<std::string> reached;
  for (const auto& from : all_states()) {
    chat c;
    from.reach(c);
    reached.insert(c.status());
  }
  for (auto status : enum_names<conversation_status>::values) CHECK(reached.count(std::string(status)) == 1);
}

TEST_CASE("any row of updates, answers, failures and restarts keeps the rules") {
  const auto updates = all_updates();
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    chat c;
    std::string orders;
    for (int i = 0; i < 60; ++i) {
      CAPTURE(seed, i);
      const auto pick = random() % 10;
      const auto due = c.exists ? c.due() : std::vector<effect>{};
      if (pick < 5 || due.empty()) {
        updates[random() % updates.size()].come(c);
      } else if (pick == 5) {
        c = restarted(c);
      } else {
        const auto& one = due[random() % due.size()];
        const auto* io = std::get_if<io_request>(&one.request);
        if (const auto* asked = std::get_if<ask_entity>(&one.request)) {
          const auto* order = std::get_if<payment_message>(&asked->message);
          if (order) {
            const auto& made = std::get<create_payment>(*order);
            if (made.tier == start_link::donation)
              CHECK((made.donation_price >= usd("5") && made.donation_price <= usd("10000") && made.donation_message.size() <= 800));
          }
          entity_reply reply = refused{refusal::conflict, "no <way>"};
          if (random() % 4)
            reply = order ? entity_reply(payment_view{})
                    : std::holds_alternative<channel_message>(asked->message)
                            && std::holds_alternative<get_channel>(std::get<channel_message>(asked->message))
                        ? entity_reply(channel_view{std::make_shared<const channel>(own_channel())})
                        : entity_reply(ok{});
          c.send(effect_done{one.key, reply});
        } else if (random() % 4 == 0)
          c.send(effect_done{one.key, io_outcome(no_way(random() % 2 ? "blocked" : "gone"))});
        else if (std::holds_alternative<send_message>(*io))
          c.send(effect_done{one.key, io_outcome(message_sent{c.next_message++})});
        else if (std::holds_alternative<check_rights>(*io))
          c.send(effect_done{one.key, io_outcome(rights_checked{true, true, random() % 2 == 0, true, "O", "C", "In <b>"})});
        else if (std::holds_alternative<find_chat>(*io))
          c.send(effect_done{one.key, io_outcome(chat_found{random() % 2 ? -1005 : 0, "Found"})});
        else if (std::holds_alternative<list_subscriptions>(*io))
          c.send(effect_done{one.key, io_outcome(subscriptions_listed{{{-1001, std::string(250, '<'), "active", c.now, true}}, true})});
        else if (std::holds_alternative<channel_stats>(*io))
          c.send(effect_done{
              one.key, io_outcome(stats_seen{{{-1001, "A & B", "offered", 1, 2, 3, 4, usd("1"), usd("2"), usd("3"), usd("4")}}, false})});
        else if (std::holds_alternative<list_channels>(*io) || std::holds_alternative<list_donation_channels>(*io))
          c.send(effect_done{one.key, io_outcome(channels_listed{{{-1001, -1002, "A & B", "C <d>", "offered"}}, true})});
        else if (std::holds_alternative<list_accounts>(*io))
          c.send(effect_done{one.key, io_outcome(accounts_listed{{{"01M7YKC44DBDEY4HC21W0HTJTT", std::string(60, '<')}}})});
        else if (std::holds_alternative<list_promos>(*io))
          c.send(effect_done{one.key, io_outcome(random() % 4 ? chat::promo_list() : promos_listed{})});
        else
          c.send(effect_done{one.key, io_outcome(done{})});
      }
      const auto why = fault_of(c);
      if (!why.empty()) FAIL(why);
    }
    c.says("/start");
    CHECK(c.status() == "idle");
  }
}
