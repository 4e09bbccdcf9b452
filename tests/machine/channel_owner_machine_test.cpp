// The owner's side of a channel: places, payout address, the end.
#include "actors/channel/channel_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const std::string other_address = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H";

channel owned(std::int64_t user = 7) {
  auto c = sample_channel();
  c.owner_user_id = user;
  c.owner_chat_id = user;
  return c;
}

machine<channel_kind> asked() {
  machine<channel_kind> m("-1001");
  m.send(register_channel{owned(), true});
  REQUIRE(m.state.status == channel_status::claiming);
  return m;
}

machine<channel_kind> selling() {
  auto m = asked();
  m.done_with("slot", owner_slot_seen{true, 3});
  REQUIRE(m.state.status == channel_status::registered);
  return m;
}

machine<channel_kind> moving() {
  auto m = selling();
  m.send(change_payout{m.state.payout_asset, other_address, "", "t9", true});
  REQUIRE(m.state.change.token == "t9");
  return m;
}

} // namespace

TEST_CASE("a new channel of an owner sells nothing before its place is sure") {
  auto m = asked();
  REQUIRE(m.rows<slot_claimed>().size() == 1);
  CHECK(m.rows<slot_claimed>()[0].owner_user_id == 7);
  CHECK_FALSE(m.rows<slot_claimed>()[0].granted);
  CHECK(m.due_words() == "slot");
  CHECK(code_of(m.send(get_channel{})) == "busy");
  CHECK(code_of(m.send(close_channel{7})) == "out_of_order");
  m.done_with("slot", owner_slot_seen{true, 9});
  CHECK(m.state.status == channel_status::registered);
  CHECK(m.owes("offer"));
  CHECK(std::holds_alternative<channel_view>(m.send(get_channel{})));
}

TEST_CASE("an owner with too many channels is told so, and may try again later") {
  auto m = asked();
  m.done_with("slot", owner_slot_seen{false, 10});
  CHECK(m.state.status == channel_status::refused);
  CHECK(m.due().empty());
  CHECK(std::get<refused>(m.send(get_channel{})).text.find("10 channels") != std::string::npos);
  m.send(register_channel{owned(), true});
  CHECK(m.state.status == channel_status::claiming);
  CHECK(m.rows<slot_claimed>().size() == 1);
}

TEST_CASE("an operator's word needs no free place, but takes one") {
  machine<channel_kind> m("-1001");
  m.send(register_channel{owned()});
  CHECK(m.state.status == channel_status::registered);
  REQUIRE(m.rows<slot_claimed>().size() == 1);
  CHECK(m.rows<slot_claimed>()[0].granted);
  // A private chat has its user's id.
  auto terms = sample_channel();
  terms.owner_chat_id = 41;
  machine<channel_kind> known("-1001");
  known.send(register_channel{terms});
  CHECK(known.state.owner_user_id == 41);
}

TEST_CASE("an owner who registers a closed channel anew confirms another payout address, too; a stranger's own counts at once") {
  auto m = selling();
  m.send(close_channel{7});
  m.done_with("holdings", channel_holdings{});
  REQUIRE(m.state.status == channel_status::closed);
  const auto before = m.state.payout_address;
  auto terms = owned();
  terms.payout_address = other_address;
  SECTION("by the owner") {
    m.send(register_channel{terms, true});
    CHECK(m.state.status == channel_status::claiming);
    CHECK(m.state.payout_address == before);
    SECTION("who has no place for it") {
      m.done_with("slot", owner_slot_seen{false, 10});
      REQUIRE(m.state.status == channel_status::refused);
      m.send(register_channel{terms, true});
      CHECK(m.state.payout_address == before);
    }
    m.done_with("slot", owner_slot_seen{true, 3});
    CHECK(m.state.change.address == other_address);
    CHECK_FALSE(m.state.change.confirmed);
    CHECK(m.request<send_message>("notice").chat_id == 7);
    CHECK(m.state.payout_address == before);
  }
  SECTION("by the owner, to the same place") {
    m.send(register_channel{owned(), true});
    CHECK(m.state.change.token.empty());
  }
  SECTION("by somebody else") {
    terms.owner_user_id = terms.owner_chat_id = 8;
    m.send(register_channel{terms, true});
    CHECK(m.state.payout_address == other_address);
    CHECK(m.state.change.token.empty());
  }
}

TEST_CASE("nobody changes what is registered by somebody else") {
  auto m = selling();
  CHECK(code_of(m.send(register_channel{owned(8), true})) == "conflict");
  CHECK(code_of(m.send(close_channel{8})) == "conflict");
  auto nobody = owned(0);
  CHECK(code_of(m.send(register_channel{nobody, true})) == "invalid");
  auto terms = owned();
  terms.description = "New";
  m.send(register_channel{terms, true});
  CHECK(m.state.description == "New");
  CHECK(m.rows<slot_claimed>().empty());
  // By the account that it belongs to as well; what belongs to both is either's.
  auto both = owned();
  both.owner_account = "acc";
  machine<channel_kind> shared("-1001");
  shared.send(register_channel{both, true});
  shared.done_with("slot", owner_slot_seen{true, 0});
  auto by_account = owned(0);
  by_account.owner_chat_id = 0;
  by_account.owner_account = "acc";
  by_account.description = "Newer";
  CHECK(shared.send(register_channel{by_account, true}) == entity_reply(ok{}));
  CHECK(shared.state.owner_user_id == 7);
  CHECK(shared.state.owner_chat_id == 7);
}

TEST_CASE("a channel without an owner stays on sale for whoever becomes its owner, and their address waits like any other") {
  auto nobodys = owned(0);
  nobodys.owner_chat_id = 0;
  machine<channel_kind> m("-1001");
  m.send(register_channel{nobodys});
  auto mine = owned(8);
  mine.payout_address = other_address;
  m.send(register_channel{mine, true});
  CHECK(m.state.status == channel_status::registered);
  CHECK(m.state.owner_user_id == 8);
  CHECK(m.state.payout_address == owned().payout_address);
  CHECK(m.state.change.address == other_address);
  REQUIRE(m.rows<slot_claimed>().size() == 1);
  CHECK(m.rows<slot_claimed>()[0].granted);
}

TEST_CASE("another payout address in the terms is not taken over but asked about") {
  auto m = selling();
  auto terms = owned();
  terms.payout_address = other_address;
  terms.description = "New";
  m.send(register_channel{terms, true});
  CHECK(m.state.payout_address == owned().payout_address);
  CHECK(m.state.description == "New");
  CHECK(m.state.change.address == other_address);
  const auto notice = m.request<send_message>("notice");
  CHECK(notice.chat_id == 7);
  CHECK(notice.html.find(other_address) != std::string::npos);
  const auto token = m.state.change.token;
  CHECK(std::get<std::string>(notice.buttons[0][0].target) == "payc:-1001:" + token);
  CHECK(std::get<std::string>(notice.buttons[0][1].target) == "payx:-1001:" + token);
  for (const auto& b : notice.buttons[0]) CHECK(std::get<std::string>(b.target).size() <= 64);
  m.send(register_channel{terms, true}); // Saved again: nothing new is asked for.
  CHECK_FALSE(m.last.changed);
  // An operator's word is taken at once.
  m.send(register_channel{terms});
  CHECK(m.state.payout_address == other_address);
}

TEST_CASE("a change of the payout address: every step against every time") {
  auto m = moving();
  const auto old = m.state.payout_address;
  m.send(change_payout{m.state.payout_asset, other_address, "", "t9", true}); // A repeat.
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(confirm_payout_change{"t8", 7})) == "conflict");
  CHECK(code_of(m.send(confirm_payout_change{"t9", 8})) == "conflict"); // Somebody else's press.
  CHECK(code_of(m.send(cancel_payout_change{"t9", 8})) == "conflict");
  CHECK(code_of(m.send(confirm_payout_change{"", 7})) == "conflict");
  m.send(settle_payout_change{"t9"}); // Too early.
  CHECK_FALSE(m.last.changed);
  m.now += std::chrono::hours(1);
  m.send(confirm_payout_change{"t9", 7});
  CHECK(m.state.change.confirmed);
  CHECK(*m.state.change.at == m.now + std::chrono::hours(24));
  CHECK(m.find("settle").not_before == *m.state.change.at);
  m.send(confirm_payout_change{"t9", 7});
  CHECK_FALSE(m.last.changed);
  m.now += std::chrono::hours(24) - std::chrono::seconds(1);
  m.send(settle_payout_change{"t9"});
  CHECK_FALSE(m.last.changed);
  CHECK(m.state.payout_address == old);
  m.now += std::chrono::seconds(1);
  CHECK(m.question("settle").to == m.self);
  m.send(std::get<channel_message>(m.question("settle").message));
  CHECK(m.state.payout_address == other_address);
  CHECK(m.state.change.token.empty());
  CHECK(m.request<send_message>("notice").html.find("go to another address now") != std::string::npos);
  m.done_with("notice", message_sent{1});
  CHECK_FALSE(m.owes("notice"));
  CHECK_FALSE(m.owes("settle"));
}

TEST_CASE("a change can be taken back until it has its effect, and is forgotten when nobody confirms it") {
  auto m = moving();
  m.send(confirm_payout_change{"t9", 7});
  m.send(cancel_payout_change{"t9", 7});
  CHECK(m.state.change == payout_change{});
  CHECK(m.state.owed_notice == channel_notice::payout_kept);
  CHECK_FALSE(m.owes("settle"));

  auto draining = moving();
  draining.send(close_channel{});
  CHECK(code_of(draining.send(cancel_payout_change{"", 7})) == "conflict");
  draining.send(cancel_payout_change{}); // By the web account, which names no token.
  CHECK(draining.state.change == payout_change{});
  CHECK(code_of(draining.send(cancel_payout_change{})) == "conflict");

  auto forgotten = moving();
  const auto old = forgotten.state.payout_address;
  forgotten.now += std::chrono::hours(24);
  CHECK(code_of(forgotten.send(confirm_payout_change{"t9", 7})) == "conflict");
  forgotten.send(settle_payout_change{"t9"});
  CHECK(forgotten.state.change.token.empty());
  CHECK(forgotten.state.payout_address == old);
  CHECK(forgotten.state.owed_notice == channel_notice::payout_lapsed);
}

TEST_CASE("an address that cannot be is refused; one that is confirmed by mail has no button") {
  auto m = selling();
  auto mistyped = other_address;
  mistyped.back() = 'B';
  CHECK(code_of(m.send(change_payout{m.state.payout_asset, mistyped, "", "t1", true})) == "invalid");
  CHECK(code_of(m.send(change_payout{m.state.payout_asset, other_address, "", "", true})) == "invalid");
  CHECK(code_of(m.send(change_payout{m.state.payout_asset, other_address, "", std::string(41, 'x'), true})) == "invalid");
  m.send(change_payout{m.state.payout_asset, m.state.payout_address, "", "t1", true}); // The same place.
  CHECK_FALSE(m.last.changed);
  m.send(change_payout{m.state.payout_asset, other_address, "", "a-secret-that-came-by-mail", false});
  CHECK(m.request<send_message>("notice").buttons.empty());
  CHECK(m.request<send_message>("notice").html.find("a-secret") == std::string::npos);
  machine<channel_kind> none("-1001");
  CHECK(code_of(none.send(change_payout{{"eth", "eth"}, "0x", "", "t1", true})) == "not_found");
}

TEST_CASE("a channel that is closed drains first: nothing is sold, everything is paid") {
  auto m = selling();
  m.send(close_channel{7});
  CHECK(m.state.status == channel_status::draining);
  CHECK(code_of(m.send(get_channel{})) == "not_found");
  CHECK_FALSE(m.owes("offer"));
  CHECK(m.owes("notice"));
  m.send(close_channel{7});
  CHECK_FALSE(m.last.changed);
  for (const auto& left :
       {channel_holdings{1, 0, 0, 0}, channel_holdings{0, 1, 0, 0}, channel_holdings{0, 0, 1, 0}, channel_holdings{0, 0, 0, 1}}) {
    m.done_with("holdings", left);
    CHECK_FALSE(m.last.changed);
  }
  m.done_with("holdings", channel_holdings{});
  CHECK(m.state.status == channel_status::closed);
  REQUIRE(m.rows<slot_returned>().size() == 1);
  CHECK(m.rows<slot_returned>()[0].channel_id == -1001);
  m.send(register_channel{owned(8), true}); // It is free for anybody who may.
  CHECK(m.state.status == channel_status::claiming);
  CHECK(m.state.owner_user_id == 8);

  auto again = selling();
  again.send(close_channel{0});
  CHECK(code_of(again.send(register_channel{owned(8), true})) == "conflict"); // What drains is still its owner's.
  // On sale again, in the place that it still has: were it refused one, its value would be anybody's to send elsewhere.
  auto moved = owned();
  moved.payout_address = other_address;
  again.send(register_channel{moved, true});
  CHECK(again.state.status == channel_status::registered);
  CHECK(again.rows<slot_claimed>().empty());
  CHECK(again.state.payout_address == owned().payout_address);
  CHECK(again.state.change.address == other_address);
  machine<channel_kind> none("-1001");
  CHECK(code_of(none.send(close_channel{})) == "not_found");
}

TEST_CASE("an owner who cannot be told is not told, and nothing waits for it") {
  auto m = moving();
  m.done_with("notice", no_way("blocked"));
  CHECK_FALSE(m.owes("notice"));
  CHECK(m.owes("settle"));
  auto terms = owned();
  terms.owner_chat_id = 0;
  machine<channel_kind> silent("-1001");
  silent.send(register_channel{terms});
  silent.send(change_payout{silent.state.payout_asset, other_address, "", "t1", true});
  CHECK_FALSE(silent.owes("notice"));
}
