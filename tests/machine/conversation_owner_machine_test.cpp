// The owner's form: from the first button to the channel that is registered; what is typed wrongly is said with what is expected.
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const channel_draft& draft(const chat& c) {
  REQUIRE(c.state.drafts.size() == 1);
  return c.state.drafts.front();
}

std::string read_again(const chat& c) { return c.seen().html; }

} // namespace

TEST_CASE("an owner registers a channel by the form") {
  chat c;
  c.says("/channels");
  CHECK(c.request<list_channels>("list").owner_user_id == 7);
  c.done_with("list", channels_listed{});
  c.presses(c.seen().data("Register"));
  CHECK(c.status() == "editing");
  CHECK(c.rows<channel_draft>().size() == 1);
  CHECK(c.seen().has("A new channel"));
  c.settled();
  c.presses("f:open_channel");
  CHECK(c.seen().edited);
  CHECK(c.seen().has("public channel"));
  c.settled();
  c.forwards(-1001, "Open & free");
  CHECK(draft(c).open_channel_id == -1001);
  CHECK(draft(c).open_title == "Open & free");
  CHECK(c.seen().has("Open &amp; free"));
  CHECK_FALSE(c.seen().edited); // Below what was typed, not above it.
  c.settled();
  c.fills("closed_channel", "t.me/c/1234567890/5");
  CHECK(draft(c).closed_channel_id == -1001234567890);
  c.fills("price_1", "9.99");
  c.fills("days_1", "7");
  c.presses("f:tier_2");
  c.settled();
  c.fills("coin", "XMR xmr");
  c.fills("address", sample_channel().payout_address);
  c.presses("f:strategy");
  c.settled();
  c.fills("threshold", "$75");
  c.fills("trial", "3");
  c.presses("f:save");
  CHECK(c.status() == "verifying");
  CHECK(c.request<check_rights>("rights") == check_rights{-1001, -1001234567890, 7});
  c.settled();
  c.done_with("rights", rights_checked{true, true, true, true, "Open & free", "Closed <club>", ""});
  CHECK(c.status() == "saving");
  const auto ask = c.question("save");
  CHECK(ask.to == entity_ref{entity_kind::channel, "-1001"});
  const auto& command = std::get<register_channel>(std::get<channel_message>(ask.message));
  CHECK(command.by_owner);
  const auto& terms = command.terms;
  CHECK(terms.owner_user_id == 7);
  CHECK(terms.owner_chat_id == 7);
  CHECK(terms.closed_title == "Closed <club>"); // Nobody typed it: Telegram knows.
  CHECK(terms.tiers[0] == tier{usd("9.99"), 7});
  CHECK(terms.tiers[1].days == 30);
  CHECK(terms.strategy == payout_strategy::threshold);
  CHECK(terms.threshold == usd("75"));
  CHECK(terms.trial_days == 3);
  CHECK(terms.payout_address == sample_channel().payout_address);
  c.answered("save", ok{});
  CHECK(c.status() == "settling");
  c.channel_answers("settle", own_channel());
  CHECK(c.status() == "idle");
  CHECK(c.seen().has("registered"));
  CHECK(c.state.drafts.empty());
  REQUIRE(c.rows<channel_draft>().size() == 1);
  CHECK_FALSE(c.rows<channel_draft>()[0].open);
}

TEST_CASE("what is typed wrongly is said, with what is expected, and nothing is lost") {
  struct row {
    std::string field, text, word;
  };
  const std::vector<row> rows = {
      {"open_channel", "my channel", "cannot read a channel"},
      {"open_channel", "1001", "cannot read a channel"},
      {"open_channel", "-1002", "other one of the two"},
      {"closed_channel", "-1001", "other one of the two"},
      {"open_title", "", "cannot be empty"},
      {"open_title", "two\nlines", "one line"},
      {"open_title", std::string(300, 'x'), "too long"},
      {"closed_title", "\xff", "characters"},
      {"description", std::string(2001, 'x'), "too long"},
      {"price_1", "ten", "no price"},
      {"price_1", "9.999", "no price"},
      {"price_1", "-5", "no price"},
      {"price_1", "1e3", "no price"},
      {"price_1", "0", "cannot be a price"},
      {"price_1", "99999999", "cannot be a price"},
      {"days_1", "0", "no number of days"},
      {"days_1", "many", "no number of days"},
      {"days_1", "99999999999999999999", "no number of days"},
      {"coin", "nothing", "do not know the coin"},
      {"coin", "usdt", "several networks"},
      {"coin", "usdt nowhere", "not paid out on"},
      {"address", "0x12", "cannot be used"},
      {"memo", "12", "cannot be used"},
      {"threshold", "0", "cannot be a price"},
      {"trial", "400", "no number of days"},
      {"trial", "-1", "no number of days"},
  };
  for (const auto& r : rows) {
    chat c;
    c.to_whole_form();
    const auto before = draft(c);
    c.to_field(r.field);
    c.says(r.text);
    CAPTURE(r.field, r.text, read_again(c));
    CHECK(c.status() == "entering");
    CHECK(c.view() == "ask_field");
    CHECK(c.seen().has(r.word));
    CHECK(c.seen().has("Expected:"));
    CHECK(draft(c) == before);
    c.settled();
    c.presses("f:back");
    CHECK(c.status() == "editing");
    CHECK(draft(c) == before);
  }
}

TEST_CASE("what is missing keeps the form from being saved, and is named") {
  struct row {
    void (*spoil)(channel_draft&);
    std::string word;
  };
  const std::vector<row> rows = {
      {[](channel_draft& d) { d.open_channel_id = 0; }, "the public channel is missing"},
      {[](channel_draft& d) { d.closed_channel_id = 0; }, "the private channel is missing"},
      {[](channel_draft& d) { d.tiers = {}; }, "all tiers are off"},
      {[](channel_draft& d) { d.payout_asset = {}; }, "the coin"},
      {[](channel_draft& d) { d.payout_address.clear(); }, "the address"},
      {[](channel_draft& d) { d.payout_address = "44x"; }, "the payout address"},
      {[](channel_draft& d) { d.strategy = payout_strategy::threshold, d.threshold = {}; }, "needs a threshold"},
  };
  for (const auto& r : rows) {
    chat c;
    c.to_whole_form();
    r.spoil(c.state.drafts.front());
    c.presses("f:save");
    CAPTURE(r.word);
    CHECK(c.status() == "editing");
    CHECK(c.seen().has("cannot be saved yet"));
    CHECK(c.seen().has(r.word));
    CHECK(c.seen().edited);
  }
}

TEST_CASE("a public name is looked up; one that nobody has is said to be so") {
  for (const char* text : {"@night_traders", "https://t.me/night_traders", "t.me/night_traders/12"}) {
    chat c;
    c.to_new_form();
    c.to_field("open_channel");
    c.says(text);
    REQUIRE(c.status() == "finding");
    CHECK(c.request<find_chat>("find").name == "@night_traders");
    auto none = c;
    c.done_with("find", chat_found{-1005, "Night Traders"});
    CHECK(draft(c).open_channel_id == -1005);
    CHECK(draft(c).open_title == "Night Traders");
    none.done_with("find", chat_found{});
    CHECK(none.status() == "entering");
    CHECK(none.seen().has("I cannot see a channel @night_traders"));
  }
}

TEST_CASE("missing rights, a refusal, too many channels: back to the form with the reason") {
  chat rights;
  rights.to_verifying();
  rights.done_with("rights", rights_checked{true, false, true, false, "", "", "You are no administrator of <that>."});
  CHECK(rights.status() == "editing");
  CHECK(rights.seen().has("You are no administrator of &lt;that&gt;."));
  CHECK(rights.seen().edited);

  chat conflict;
  conflict.to_saving();
  conflict.answered("save", refused{refusal::conflict, "this channel is registered by somebody else"});
  CHECK(conflict.status() == "editing");
  CHECK(conflict.seen().has("registered by somebody else"));

  chat many;
  many.to_settling();
  many.answered("settle", refused{refusal::conflict, "its owner has 10 channels already"});
  CHECK(many.status() == "editing");
  CHECK(many.seen().has("10 channels already"));
  CHECK(many.state.drafts.size() == 1);
}

TEST_CASE("an owner edits a channel: a draft until it is saved, and what the form does not know stays") {
  chat c;
  c.to_edit_form();
  CHECK(draft(c).registered);
  CHECK(draft(c).tiers == own_channel().tiers);
  c.presses("f:tier_1");
  c.settled();
  c.fills("description", "-");
  CHECK(draft(c).description.empty());
  c.presses("f:save");
  c.settled();
  c.done_with("rights", rights_checked{true, true, true, true, "", "", ""});
  auto now = own_channel();
  now.owner_account = "acc";
  c.channel_answers("current", now);
  const auto command = std::get<register_channel>(std::get<channel_message>(c.question("save").message));
  CHECK(command.terms.owner_account == "acc");
  CHECK(command.terms.tiers[0] == now.tiers[1]); // The tier that is left moves up.
  CHECK(command.terms.tiers[1].days == 0);
  CHECK(command.terms.description.empty());
  c.answered("save", ok{});
  CHECK(c.status() == "idle");
  CHECK(c.seen().has("saved"));

  chat stranger;
  stranger.presses("edit:-1001");
  auto others = own_channel();
  others.owner_user_id = 8;
  stranger.channel_answers("open", others);
  CHECK(stranger.status() == "idle");
  CHECK(stranger.seen().has("somebody else"));
  CHECK(stranger.state.drafts.empty());
}

TEST_CASE("a draft outlives everything but saving and discarding") {
  chat c;
  c.to_whole_form();
  const auto kept = draft(c);
  c.says("/cancel");
  CHECK(c.status() == "idle");
  CHECK(c.seen().has("kept"));
  c.settled();
  c.to_offer();
  c.settled();
  CHECK(draft(c) == kept);
  c.says("/channels");
  c.done_with("list", channels_listed{{{-1009, -1010, "Nine", "Ten", "offered"}}, false});
  CHECK(c.seen().data("not saved") == "draft");
  const auto other = c.seen().data("Nine");
  c.settled();
  c.presses(other); // Another channel: first what is open.
  CHECK(c.status() == "editing");
  CHECK(c.seen().has("not saved"));
  c.settled();
  c.presses("f:discard");
  CHECK(c.status() == "idle");
  CHECK(c.state.drafts.empty());
  CHECK_FALSE(c.rows<channel_draft>().front().open);
  c.settled();
  const auto callback = c.presses("f:donations");
  CHECK(c.said(callback).find("closed") != std::string::npos);
}

TEST_CASE("a button of a form that has moved does nothing, and says so") {
  chat c;
  c.to_new_form();
  const auto old = c.state.panel_id;
  c.fills("open_title", "Open");
  REQUIRE(c.state.panel_id != old);
  const auto before = draft(c);
  const auto callback = c.presses("f:donations", old);
  CHECK(c.said(callback).find("moved") != std::string::npos);
  CHECK(draft(c) == before);
  c.settled();
  c.presses("f:donations");
  CHECK(draft(c).donations != before.donations);
  CHECK(c.seen().edited);
}

TEST_CASE("a panel that is gone comes as a new message") {
  chat c;
  c.to_new_form();
  c.presses("f:donations");
  REQUIRE(c.seen().edited);
  c.done_with("view", no_way("gone"));
  CHECK_FALSE(c.seen().edited);
  CHECK(c.view() == "form");
  c.done_with("view", no_way("blocked"));
  CHECK_FALSE(c.owes("view"));
}

TEST_CASE("a network that needs a memo, an address of another network, a coin that changes") {
  chat c;
  c.to_whole_form();
  c.fills("coin", "xrp xrp");
  CHECK(draft(c).payout_address.empty()); // Another network's address is of no use any more.
  c.fills("address", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh");
  CHECK(draft(c).payout_address == "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh");
  c.presses("f:save");
  CHECK(c.seen().has("memo is required"));
  c.settled();
  c.fills("memo", "none");
  CHECK(draft(c).payout_extra_id == "none");
  c.presses("f:save");
  CHECK(c.status() == "verifying");
}

TEST_CASE("closing asks first, then tells the channel") {
  chat c;
  c.to_edit_form();
  c.presses("f:close");
  CHECK(c.seen().has("really"));
  c.settled();
  c.presses("f:really");
  CHECK(c.status() == "idle");
  CHECK(c.state.drafts.empty());
  const auto ask = c.question("errand");
  CHECK(ask.to == entity_ref{entity_kind::channel, "-1001"});
  CHECK(std::get<close_channel>(std::get<channel_message>(ask.message)).user_id == 7);
  c.answered("errand", ok{});
  CHECK_FALSE(c.owes("errand"));
}
