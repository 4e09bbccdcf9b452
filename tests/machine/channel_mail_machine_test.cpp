// The mails about where a channel's value is paid to: a link that confirms, and what the account is told of it all.
#include "actors/channel/channel_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const std::string other_address = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H";
const std::string third_address = "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A";

using channel_rig = machine<channel_kind>;

account_view ann() {
  account_view view;
  view.account_id = "acc";
  view.status = "active";
  view.email = "ann@example.org";
  return view;
}

/// On sale, of the account "acc"; `chat`: 0 when the owner has none with the bot.
channel_rig selling(std::int64_t chat = 7) {
  auto terms = sample_channel();
  terms.owner_chat_id = terms.owner_user_id = chat;
  terms.owner_account = "acc";
  channel_rig m("-1001");
  m.rules.public_url = "https://pay.example";
  m.send(register_channel{terms});
  return m;
}

void ask(channel_rig& m, const std::string& address = other_address, const std::string& token = "t9") {
  m.send(change_payout{m.state.payout_asset, address, "", token, true, "acc"});
  REQUIRE(m.state.change.token == token);
}

/// The mail on its way, up to the point where the provider is asked.
send_mail prepared(channel_rig& m, const std::string& hash = "hash1") {
  const auto question = m.question("address:");
  CHECK(question.to == entity_ref{entity_kind::account, "acc"});
  CHECK(std::holds_alternative<get_account>(std::get<account_message>(question.message)));
  m.answered("address:", ann());
  if (m.owes("secret:")) m.done_with("secret:", secret_made{"plain-" + hash, hash});
  return m.request<send_mail>("mail:");
}

void mailed(channel_rig& m, const std::string& hash = "hash1") {
  prepared(m, hash);
  m.done_with("mail:", done{});
  CHECK_FALSE(m.owes("mail:"));
  CHECK_FALSE(m.owes("address:"));
}

} // namespace

TEST_CASE("a change is confirmed by the mail's link, takes effect after the delay, and each step is told by mail") {
  auto m = selling(0); // Without a chat the mail is the only way.
  const auto old = m.state.payout_address;
  ask(m);
  CHECK_FALSE(m.state.change.in_telegram);
  CHECK_FALSE(m.owes("notice"));
  const auto mail = prepared(m);
  CHECK(mail.to == "ann@example.org");
  CHECK(mail.subject == "Confirm the new payout address");
  CHECK(mail.text.find("https://pay.example/confirm-payout?token=-1001.plain-hash1\n") != std::string::npos);
  CHECK(mail.text.find("xmr on xmr: " + other_address) != std::string::npos);
  CHECK(mail.html.find("href=\"https://pay.example/confirm-payout?token=-1001.plain-hash1\"") != std::string::npos);
  m.done_with("mail:", done{});
  CHECK(m.state.mail.secret.empty());
  CHECK(code_of(m.send(confirm_payout_by_mail{"hash2"})) == "invalid");
  CHECK(code_of(m.send(confirm_payout_by_mail{""})) == "invalid");
  m.send(confirm_payout_by_mail{"hash1"});
  CHECK(m.state.change.confirmed);
  CHECK(*m.state.change.at == m.now + std::chrono::hours(24));
  m.send(confirm_payout_by_mail{"hash1"});
  CHECK_FALSE(m.last.changed); // Pressed twice.
  const auto warned = prepared(m);
  CHECK(warned.subject == "Your payout address is about to change");
  CHECK(warned.text.find("2026-11-22 00:00 UTC") != std::string::npos);
  m.done_with("mail:", done{});
  CHECK(m.state.payout_address == old);
  m.now += std::chrono::hours(24);
  m.send(settle_payout_change{"t9"});
  CHECK(m.state.payout_address == other_address);
  const auto told = prepared(m);
  CHECK(told.subject == "Your payout address was changed");
  CHECK(told.text.find(other_address) != std::string::npos);
  m.done_with("mail:", done{});
  CHECK(code_of(m.send(confirm_payout_by_mail{"hash1"})) == "invalid"); // Of no change any more.
}

TEST_CASE("the link dies with its change: taken back, replaced, too late") {
  auto back = selling();
  ask(back);
  mailed(back);
  back.send(cancel_payout_change{"t9"});
  CHECK(code_of(back.send(confirm_payout_by_mail{"hash1"})) == "invalid");
  CHECK(back.state.mail.owed == channel_notice::none);

  auto replaced = selling();
  ask(replaced);
  mailed(replaced);
  replaced.state.payout_address = other_address;
  ask(replaced, third_address, "t10");
  CHECK(code_of(replaced.send(confirm_payout_by_mail{"hash1"})) == "invalid");
  mailed(replaced, "hash2");
  CHECK(code_of(replaced.send(confirm_payout_by_mail{"hash1"})) == "invalid");
  CHECK(replaced.send(confirm_payout_by_mail{"hash2"}) == entity_reply(ok{}));

  auto late = selling();
  ask(late);
  mailed(late);
  late.now += std::chrono::hours(24);
  CHECK(code_of(late.send(confirm_payout_by_mail{"hash1"})) == "invalid");
  late.send(settle_payout_change{"t9"});
  CHECK(late.state.change.token.empty());
  CHECK(late.state.payout_address != other_address);

  channel_rig none("-1001");
  CHECK(code_of(none.send(confirm_payout_by_mail{"hash1"})) == "invalid");
  CHECK(code_of(none.send(confirm_payout_by_mail{""})) == "invalid");
}

TEST_CASE("button and mail confirm the same change; who was first is told to both") {
  auto m = selling();
  ask(m);
  CHECK(m.state.change.in_telegram);
  CHECK(m.request<send_message>("notice").html.find("here or by the link in the mail") != std::string::npos);
  m.answered("address:", ann());
  m.send(confirm_payout_change{"t9", 7});
  // The mail with the link was not sent yet, and has nothing to confirm any more.
  const auto mail = prepared(m);
  CHECK(mail.subject == "Your payout address is about to change");
  CHECK(mail.text.find("token=") == std::string::npos);
  CHECK(code_of(m.send(confirm_payout_by_mail{""})) == "invalid");
}

TEST_CASE("an account without a confirmed address gets no mail, and nothing waits for it") {
  auto m = selling();
  ask(m);
  m.answered("address:", refused{refusal::busy, "later"});
  CHECK_FALSE(m.last.changed);
  m.answered("address:", refused{refusal::not_found, "there is no such account"});
  CHECK(m.state.mail.owed == channel_notice::none);
  m.send(confirm_payout_change{"t9", 7});
  CHECK(m.state.change.confirmed);

  auto nobodys = selling();
  nobodys.state.owner_account.clear();
  nobodys.send(change_payout{nobodys.state.payout_asset, other_address, "", "t9", true});
  CHECK_FALSE(nobodys.owes("address:"));
  CHECK(nobodys.request<send_message>("notice").html.find("mail") == std::string::npos);
  // By its owner in the bot: the account that it was registered with is told.
  auto bot = selling();
  bot.send(change_payout{bot.state.payout_asset, other_address, "", "t9", true});
  CHECK(bot.question("address:").to.id == "acc");
}

TEST_CASE("the channel's own account confirms and is told, whichever account asks") {
  auto m = selling();
  // One that was joined with the owner's Telegram user later, perhaps by a trick.
  m.send(change_payout{m.state.payout_asset, other_address, "", "t9", true, "other"});
  CHECK(m.question("address:").to.id == "acc");
  // Registered in the bot, it has none: then its owner confirms in the chat, and without a chat the one that asks does by mail.
  auto bots = selling();
  bots.state.owner_account.clear();
  bots.send(change_payout{bots.state.payout_asset, other_address, "", "t9", true, "other"});
  CHECK_FALSE(bots.owes("address:"));
  CHECK(bots.state.change.in_telegram);
  auto alone = selling();
  alone.state.owner_account.clear(), alone.state.owner_chat_id = 0;
  alone.send(change_payout{alone.state.payout_asset, other_address, "", "t9", true, "other"});
  CHECK(alone.question("address:").to.id == "other");
}

TEST_CASE("a restart loses the secret and makes another; a mail that is refused for good holds nothing up") {
  auto m = selling();
  ask(m);
  prepared(m);
  m.state.mail.email.clear(), m.state.mail.secret.clear(); // As loaded.
  CHECK(prepared(m, "hash2").text.find("token=-1001.plain-hash2") != std::string::npos);
  CHECK(code_of(m.send(confirm_payout_by_mail{"hash1"})) == "invalid");
  m.done_with("mail:", no_way("http_400"));
  CHECK(m.rows<failure_listed>().size() == 1);
  CHECK_FALSE(m.owes("mail:"));
  CHECK(m.owes("settle"));
  m.send(confirm_payout_by_mail{"hash2"});
  CHECK(m.state.change.confirmed);
}

TEST_CASE("what the mail needs is nobody else's to see") {
  auto m = selling();
  ask(m);
  prepared(m);
  REQUIRE_FALSE(m.state.mail.secret.empty());
  const auto seen = std::get<channel_view>(m.send(get_channel{}));
  CHECK(seen.terms->mail.secret.empty());
  CHECK(seen.terms->mail.email.empty());
  std::string stored;
  channel::each_field(m.state, [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) stored += std::string(name) + "=" + value + "\n";
  });
  CHECK(stored.find("change_mail_token=hash1\n") != std::string::npos);
  CHECK(stored.find("plain-hash1") == std::string::npos);
  CHECK(stored.find("ann@example.org") == std::string::npos);
}

TEST_CASE("the mail about an address that took effect survives the channel's end; one about a change does not") {
  auto m = selling();
  ask(m);
  m.send(confirm_payout_change{"t9", 7});
  m.now += std::chrono::hours(24);
  m.send(settle_payout_change{"t9"});
  m.send(close_channel{});
  m.done_with("holdings", channel_holdings{});
  CHECK(m.state.status == channel_status::closed);
  CHECK(prepared(m).subject == "Your payout address was changed");
  auto open = selling();
  ask(open);
  open.send(close_channel{});
  open.done_with("holdings", channel_holdings{});
  CHECK_FALSE(open.owes("address:"));
}
