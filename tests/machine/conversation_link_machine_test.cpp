// A web account is joined with the Telegram user who follows its link, sees with what, and says yes.
#include "crypto/hash.hpp"
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const std::string account_id = "01M7YKC44DBDEY4HC21W0HTJTT", token(14, '\x01');

start_link link() { return {0, start_link::account, *id_bytes(account_id) + token}; }
account_view ann() {
  account_view view;
  view.account_id = account_id;
  view.user_name = "ann<b>";
  return view;
}

} // namespace

TEST_CASE("an id travels as 16 bytes") {
  CHECK(id_bytes(account_id)->size() == 16);
  CHECK(id_of_bytes(*id_bytes(account_id)) == account_id);
  for (const std::string id : {"", "phantom-7", "81M7YKC44DBDEY4HC21W0HTJTT", "01M7YKC44DBDEY4HC21W0HTJTU", "01M7YKC44DBDEY4HC21W0HTJT"})
    CHECK_FALSE(id_bytes(id));
  CHECK(id_of_bytes(*id_bytes(new_order_id(start_of_time(), "x"))) == new_order_id(start_of_time(), "x"));
  CHECK_FALSE(id_of_bytes("short"));
}

TEST_CASE("following the link tells the account's name and asks; only the button joins") {
  chat c;
  c.follows(link());
  const auto claim = std::get<claim_link>(std::get<account_message>(c.question("errand:claim_link").message));
  CHECK(c.question("errand:claim_link").to == entity_ref{entity_kind::account, account_id});
  CHECK(claim == claim_link{sha256_hex(token), 7});
  CHECK(c.state.errand_token.find(token) == std::string::npos); // A token is kept as its hash.
  c.answered("errand:claim_link", ann());
  const auto asked = c.request<send_message>("view:");
  CHECK(asked.html.find("<b>ann&lt;b&gt;</b>") != std::string::npos);
  CHECK(std::get<std::string>(asked.buttons[0][0].target) == "join:" + account_id);
  CHECK_FALSE(c.owes("errand:"));
  c.done_with("view:", message_sent{77});
  c.presses("join:" + account_id);
  const auto join = std::get<link_telegram>(std::get<account_message>(c.question("errand:join_account").message));
  CHECK(join.user_id == 7);
  c.answered("errand:join_account", ok{});
  CHECK(c.request<send_message>("view:").html.find("is linked") != std::string::npos);
}

TEST_CASE("a link that is used up, cut short or of nobody joins nobody") {
  chat used;
  used.follows(link());
  used.answered("errand:claim_link", refused{refusal::invalid, "no"});
  CHECK(used.request<send_message>("view:").html.find("not valid any more") != std::string::npos);
  chat cut;
  cut.follows({0, start_link::account, "short"});
  CHECK_FALSE(cut.owes("errand:"));
  CHECK(cut.state.owed_view == conversation_view::unknown_link);
  chat late;
  late.presses("join:" + account_id);
  late.answered("errand:join_account", refused{refusal::invalid, "no"});
  CHECK(late.request<send_message>("view:").html.find("not valid any more") != std::string::npos);
  chat forged;
  forged.presses("join:../x");
  CHECK_FALSE(forged.owes("errand:"));
}

TEST_CASE("/account shows with whom one is joined, and undoes it") {
  chat c;
  c.says("/account");
  CHECK(c.request<list_accounts>("list") == list_accounts{7});
  c.done_with("list", accounts_listed{{{account_id, "ann<b>"}}});
  const auto shown = c.request<send_message>("view:");
  CHECK(shown.html.find("ann&lt;b&gt;") != std::string::npos);
  REQUIRE(shown.buttons.size() == 1);
  CHECK(std::get<std::string>(shown.buttons[0][0].target) == "unjoin:" + account_id);
  c.done_with("view:", message_sent{77});
  c.presses("unjoin:" + account_id);
  CHECK(c.question("errand:leave_account").to == entity_ref{entity_kind::account, account_id});
  CHECK(std::get<unlink_telegram>(std::get<account_message>(c.question("errand:leave_account").message)).user_id == 7);
  c.answered("errand:leave_account", ok{});
  CHECK(c.request<send_message>("view:").html.find("not linked") != std::string::npos);
}

TEST_CASE("who is joined with nobody is told so, and a button of an account that is gone as well") {
  chat c;
  c.says("/account");
  c.done_with("list", accounts_listed{});
  CHECK(c.request<send_message>("view:").html.find("No web account is linked") != std::string::npos);
  CHECK(c.request<send_message>("view:").buttons.empty());
  c.done_with("view:", message_sent{77});
  c.presses("unjoin:" + account_id);
  c.answered("errand:leave_account", refused{refusal::not_found, "no"});
  CHECK(c.request<send_message>("view:").html.find("does not exist any more") != std::string::npos);
  c.presses("unjoin:../x");
  CHECK_FALSE(c.owes("errand:"));
}
