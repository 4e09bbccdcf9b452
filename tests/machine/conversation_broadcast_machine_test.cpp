// /broadcast: the owner's own words, seen before they are sent.
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("an owner sends their own words: choose, write, look, say to whom") {
  for (const auto& [button, target] :
       {std::pair{"To the public channel", broadcast_target::channel}, {"To every subscriber", broadcast_target::subscribers}}) {
    chat c;
    c.says("/broadcast");
    CHECK(c.request<list_channels>("list").owner_user_id == 7);
    c.done_with("list",
                channels_listed{{{-1001, -1002, "Open & free", "Closed", "offered"}, {-1003, -1004, "Closing", "C", "draining"}}, false});
    CHECK(c.seen().buttons.size() == 1); // What is not on sale sends nothing.
    const auto choice = c.seen().data("Open & free");
    c.settled();
    c.presses(choice);
    CHECK(c.question("address").to == entity_ref{entity_kind::channel, "-1001"});
    c.channel_answers("address", own_channel());
    CHECK(c.view() == "ask_post");
    c.settled();
    c.says("  Big <news> & more ");
    CHECK(c.seen().has("Big &lt;news&gt; &amp; more"));
    const auto pressed = c.seen().data(button);
    c.settled();
    c.presses(pressed);
    CHECK(c.status() == "claiming_post");
    const auto claim = std::get<claim_broadcast>(std::get<channel_message>(c.question("claim").message));
    CHECK_FALSE(claim.scheduled);
    c.channel_answers("claim", own_channel());
    const auto ask = c.question("post");
    CHECK(ask.to == entity_ref{entity_kind::broadcast, claim.broadcast_id}); // The one that was claimed.
    const auto start = std::get<start_broadcast>(std::get<broadcast_message>(ask.message));
    CHECK(start.channel_id == -1001);
    CHECK(start.target == target);
    CHECK(start.what == broadcast_what::message);
    CHECK(start.html == "Big &lt;news&gt; &amp; more");
    CHECK_FALSE(start.scheduled);
    c.answered("post", ok{});
    CHECK(c.status() == "idle");
    CHECK(c.seen().has("📣"));
    CHECK(c.state.post_html.empty());
  }
}

TEST_CASE("what its author formatted stays so, as far as Telegram would take it") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Big &lt;<b>news</b>&gt; &amp; <a href=\"https://x.y/?a=1&amp;b\">more</a>", "Big &lt;<b>news</b>&gt; &amp; <a href=\"https://x.y/?a=1&amp;b\">more</a>"},
      {"", "Big &lt;news&gt; &amp; more"},
      {"<b>Big", "Big &lt;news&gt; &amp; more"},                // Not closed: nobody would get it.
      {"<script>x</script>", "Big &lt;news&gt; &amp; more"},
      {"<b>" + std::string(5000, 'x') + "</b>", "Big &lt;news&gt; &amp; more"},
      {"<b>\x01</b>", "Big &lt;news&gt; &amp; more"},
  };
  for (const auto& [html, sent] : rows) {
    chat c;
    c.to_writing_post();
    auto update = c.update();
    update.text = "Big <news> & more";
    update.html = html;
    c.send(update_received{update});
    REQUIRE(c.status() == "confirming_post");
    CHECK(c.state.post_html == sent);
    CHECK(c.seen().has(sent));
  }
  chat longer; // What is read counts, not the tags.
  longer.to_writing_post();
  auto update = longer.update();
  update.text = std::string(3500, 'x');
  update.html = "<tg-spoiler>" + update.text + "</tg-spoiler>";
  longer.send(update_received{update});
  CHECK(longer.status() == "confirming_post");
}

TEST_CASE("what cannot be sent is said with what is expected") {
  for (const auto& [text, word] :
       {std::pair{std::string(), "Only a text"}, {std::string(3501, 'x'), "3501 characters"}, {std::string("\xff"), "characters"}}) {
    chat c;
    c.to_writing_post();
    c.says(text);
    CHECK(c.status() == "writing_post");
    CHECK(c.seen().has(word));
    CHECK(c.seen().has("Expected:"));
  }
  chat whole;
  whole.to_writing_post();
  whole.says(std::string(3500, '<')); // Escaped it is longer, read it is not.
  CHECK(whole.status() == "confirming_post");
}

TEST_CASE("too soon, somebody else's, sent already") {
  chat soon;
  soon.to_confirming_post();
  soon.presses("b:channel");
  const auto first = std::get<claim_broadcast>(std::get<channel_message>(soon.question("claim").message)).broadcast_id;
  soon.settled();
  soon.answered("claim", refused{refusal::conflict, "broadcasts of a channel are at least 5 minutes apart"});
  CHECK(soon.status() == "confirming_post");
  CHECK(soon.seen().has("5 minutes apart"));
  CHECK(soon.seen().edited);
  soon.settled();
  soon.presses("b:channel");
  CHECK(std::get<claim_broadcast>(std::get<channel_message>(soon.question("claim").message)).broadcast_id != first);

  chat stranger;
  stranger.presses("post:-1001");
  auto others = own_channel();
  others.owner_user_id = 8;
  stranger.channel_answers("address", others);
  CHECK(stranger.status() == "idle");
  CHECK(stranger.seen().has("somebody else"));

  chat again;
  again.to_confirming_post();
  again.presses("b:again");
  CHECK(again.status() == "writing_post");
  CHECK(again.seen().edited);
  again.settled();
  again.says("other words");
  again.settled();
  again.presses("b:cancel");
  CHECK(again.status() == "idle");
  again.settled();
  const auto callback = again.presses("b:channel");
  CHECK(again.said(callback).find("/broadcast") != std::string::npos);
  CHECK_FALSE(again.owes("claim"));
}
