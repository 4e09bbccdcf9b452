// An owner's promo codes in the bot: listed, made by one line, disabled; never another owner's.
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

set_promo wish(const chat& c) { return std::get<set_promo>(std::get<promo_code_message>(c.question("promo:").message)); }

} // namespace

TEST_CASE("from the form to the list, to a new code, and back") {
  chat c;
  c.to_edit_form();
  CHECK_FALSE(c.state.drafts.empty());
  c.presses("f:donations"); // The form is shown anew: its buttons are seen.
  const auto list = c.seen().data("Promo codes");
  CHECK(list == "promos:-1001");
  c.settled();
  c.presses(list);
  CHECK(c.request<list_promos>("list") == list_promos{7, -1001, 0, 5});
  c.done_with("list", chat::promo_list());
  const auto seen = c.seen();
  CHECK(seen.edited);
  CHECK(seen.has("Promo codes of Open &amp; free"));
  CHECK(seen.has("<code>SPRING</code>\n20% off, used 3 of 100 times, each subscriber once"));
  CHECK(seen.has("<code>OLD-ONE</code> (disabled)\n$5.00 off, used 0 of 10 times, each subscriber at most 2 times, until 20"));
  const auto make = seen.data("New code"), back = seen.data("To the channel");
  CHECK(seen.data("Disable SPRING") == "promo-:-1001:SPRING");
  for (const auto& row : seen.buttons)
    for (const auto& b : row) CHECK(b.text.find("OLD-ONE") == std::string::npos); // It is disabled already.
  c.settled();
  c.presses(make);
  CHECK(c.status() == "entering_promo");
  CHECK(c.seen().has("SPRING 20%"));
  c.settled();
  c.says(" summer-1  $2.50 50 x2 2099-12-31 ");
  CHECK(c.question("promo_terms").to == entity_ref{entity_kind::channel, "-1001"});
  c.channel_answers("promo_terms", own_channel());
  CHECK(c.question("promo:").to == entity_ref{entity_kind::promo_code, "-1001:SUMMER-1"});
  const auto terms = wish(c);
  CHECK(terms.channel_id == -1001);
  CHECK(terms.code == "SUMMER-1");
  CHECK(terms.percent == 0);
  CHECK(terms.fixed == usd("2.50"));
  CHECK(terms.uses_max == 50);
  CHECK(terms.uses_per_user == 2);
  CHECK(to_text(terms.expires_at.value()).starts_with("2100-01-01T00:00:00")); // The last day is a whole one.
  c.answered("promo:", ok{});
  c.done_with("list", chat::promo_list());
  CHECK(c.seen().has("✅ SUMMER-1 can be used now."));
  CHECK(c.seen().has("<code>SPRING</code>"));
  c.settled();
  CHECK(c.status() == "idle");
  // What was not saved in the form is still there.
  c.presses(back);
  CHECK(c.status() == "editing");
  CHECK_FALSE(c.state.drafts.front().donations);
}

TEST_CASE("what is not said has its usual meaning") {
  const std::vector<std::tuple<std::string, std::int32_t, std::string, std::int32_t, std::int32_t, bool>> rows = {
      {"SPRING 20%", 20, "0", 100, 1, false},         {"spring 100% once", 100, "0", 100, 1, false},
      {"SPRING 7 $5", 0, "5", 7, 1, false},           {"SPRING\n$0.01  10000", 0, "0.01", 10'000, 1, false},
      {"SPRING 2099-01-31 1%", 1, "0", 100, 1, true}, {"SPRING 1% x250", 1, "0", 250, 250, false}, // As often as one may, all may.
  };
  for (const auto& [line, percent, fixed, uses, per_user, ends] : rows) {
    chat c;
    c.to_setting_promo(line);
    c.channel_answers("promo_terms", own_channel());
    INFO(line);
    const auto terms = wish(c);
    CHECK(terms.code == "SPRING");
    CHECK(terms.percent == percent);
    CHECK(terms.fixed == usd(fixed));
    CHECK(terms.uses_max == uses);
    CHECK(terms.uses_per_user == per_user);
    CHECK(terms.expires_at.has_value() == ends);
  }
}

TEST_CASE("what is wrong with a line is said, and the next one is awaited") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", "nothing is no code"},
      {"AB 20%", "\"AB\" is no code"},
      {"SPRÜNG 20%", "is no code: it has 3 to 24"},
      {std::string(25, 'A') + " 20%", "is no code"},
      {"SPRING", "does not say what the code gives"},
      {"SPRING 100", "does not say what the code gives"},
      {"SPRING 0%", "\"0%\" is no share"},
      {"SPRING 101%", "is no share"},
      {"SPRING 2.5%", "is no share"},
      {"SPRING %", "is no share"},
      {"SPRING $0", "\"$0\" is no amount"},
      {"SPRING $1.005", "is no amount"},
      {"SPRING $", "is no amount"},
      {"SPRING 20% $5", "says twice what the code gives"},
      {"SPRING 20% 0", "\"0\" is no number of uses"},
      {"SPRING 20% 10001", "from 1 to 10000"},
      {"SPRING 20% 99999999999999999999", "is no number of uses"},
      {"SPRING 20% 5 6", "twice how many orders"},
      {"SPRING 20% x0", "is no number of uses"},
      {"SPRING 20% once x2", "twice how often one subscriber"},
      {"SPRING 20% 5 x6", "cannot use the code more often"},
      {"SPRING 20% 2026-02-30", "there is no day"},
      {"SPRING 20% 2026-13-01", "there is no day"},
      {"SPRING 20% 0000-01-01", "there is no day"},
      {"SPRING 20% 2001-01-01", "its last day is over"},
      {"SPRING 20% 2099-01-01 2099-01-02", "twice when the code ends"},
      {"SPRING 20% tomorrow <b>", "I do not understand &quot;tomorrow&quot;"},
      {"SPRING 20% " + std::string(300, 'x'), "too long"},
      {"SPRING 20% \xff", "characters"},
  };
  for (const auto& [line, word] : rows) {
    chat c;
    c.to_entering_promo();
    c.says(line);
    INFO(line);
    CHECK(c.status() == "entering_promo");
    CHECK(c.state.promo_line.empty());
    // The words are escaped where they are shown.
    const auto said = c.seen().html;
    CHECK((said.find(word) != std::string::npos || said.find(escape_html(word)) != std::string::npos));
    CHECK(c.seen().has("SPRING 20%")); // What is expected.
    c.settled();
    c.says("SPRING 20%");
    CHECK(c.status() == "setting_promo");
  }
}

TEST_CASE("what the code itself refuses is said, and the next line is awaited") {
  chat c;
  c.to_setting_promo("SPRING 20%");
  c.channel_answers("promo_terms", own_channel());
  c.answered("promo:", refused{refusal::invalid, "its end is <past>"});
  CHECK(c.status() == "entering_promo");
  CHECK(c.seen().has("This code cannot be set: its end is &lt;past&gt;."));
}

TEST_CASE("nobody sets or disables a code of somebody else's channel, or of one that is none") {
  for (const bool sets : {true, false})
    for (const std::int64_t owner : {std::int64_t{0}, std::int64_t{8}}) {
      chat c;
      if (sets)
        c.to_setting_promo();
      else
        c.to_promos(), c.presses("promo-:-1001:SPRING");
      auto terms = own_channel();
      terms.owner_user_id = owner;
      c.channel_answers("promo_terms", terms);
      CHECK(c.status() == "idle");
      CHECK(c.seen().has("registered by somebody else"));
      CHECK_FALSE(c.owes("promo"));
    }
  chat gone;
  gone.to_setting_promo();
  gone.answered("promo_terms", refused{refusal::not_found, "the channel is not on sale"});
  CHECK(gone.seen().has("not on sale any more"));
  chat other;
  other.presses("promos:-1009");
  other.done_with("list", promos_listed{});
  CHECK(other.seen().has("not yours"));
  CHECK(other.seen().buttons.empty());
}

TEST_CASE("a code is disabled by its button, and the list says so in its place") {
  chat c;
  c.to_promos();
  const auto panel = c.state.panel_id;
  c.presses("promo-:-1001:SPRING");
  CHECK(c.status() == "disabling_promo");
  c.channel_answers("promo_terms", own_channel());
  const auto asked = c.question("promo:");
  CHECK(asked.to == entity_ref{entity_kind::promo_code, "-1001:SPRING"});
  CHECK(std::holds_alternative<disable_promo>(std::get<promo_code_message>(asked.message)));
  c.answered("promo:", ok{});
  c.done_with("list", promos_listed{{}, false, "Open"});
  CHECK(c.request<edit_message>("view").message_id == panel);
  CHECK(c.seen().has("✅ Nobody can use SPRING from now on."));
  CHECK(c.seen().has("There is none yet."));
  chat unknown;
  unknown.presses("promo-:-1001:SPRING");
  unknown.channel_answers("promo_terms", own_channel());
  unknown.answered("promo:", refused{refusal::not_found, "there is no such code"});
  unknown.done_with("list", promos_listed{{}, false, "Open"});
  CHECK(unknown.seen().has("SPRING cannot be disabled: there is no such code."));
}

TEST_CASE("a restart loses nothing: the line stays, the channel is asked again") {
  chat c;
  c.to_setting_promo("SPRING 20% 5");
  c.channel_answers("promo_terms", own_channel());
  c.state.terms.reset(); // Not stored.
  CHECK(c.owes("promo_terms"));
  c.channel_answers("promo_terms", own_channel());
  CHECK(wish(c).uses_max == 5);
  c.answered("promo:", ok{});
  c.done_with("list", chat::promo_list());
  c.state.found.reset();
  c.done_with("list", chat::promo_list());
  CHECK(c.seen().has("SPRING can be used now"));
}

TEST_CASE("many codes come in pages of their channel") {
  chat c;
  auto page = chat::promo_list();
  page.more = true;
  c.presses("promos:-1001:1");
  CHECK(c.request<list_promos>("list") == list_promos{7, -1001, 5, 5});
  c.done_with("list", page);
  CHECK(c.seen().data("More") == "promos:-1001:2");
  CHECK(c.seen().data("Back") == "promos:-1001:0");
}
