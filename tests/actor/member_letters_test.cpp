#include <catch2/catch.hpp>

#include "actors/runtime/member_letters.hpp"

using namespace paygate;

namespace {

chat_update update_of(member_change change, std::int64_t user = 7, std::string link_name = "", bool our_link = false) {
  chat_update u;
  u.update_id = 9;
  u.chat_id = u.user_id = user;
  u.user_name = "@ann";
  u.member.emplace();
  u.member->group_id = -1002;
  u.member->change = change;
  u.member->link = our_link ? "https://t.me/+abc" : "";
  u.member->link_name = std::move(link_name);
  u.member->our_link = our_link;
  return u;
}

const std::vector<channel_found> one = {{-1001, -1002, "Closed"}};

std::string words(const std::deque<envelope>& letters) {
  std::string text;
  for (const auto& letter : letters)
    text += (text.empty() ? "" : ", ") + to_text(letter.to) + " " + std::string(std::visit([](const auto& m) { return name_of(m); }, letter.body));
  return text;
}

} // namespace

TEST_CASE("an update about a member goes to their subscription, about the bot to the channel") {
  CHECK(words(letters_about(update_of(member_change::joined), one)) == "subscription/-1001:7 member_joined");
  CHECK(words(letters_about(update_of(member_change::left), one)) == "subscription/-1001:7 member_left");
  CHECK(words(letters_about(update_of(member_change::banned), one)) == "subscription/-1001:7 member_left");
  CHECK(words(letters_about(update_of(member_change::asks), one)) == "subscription/-1001:7 join_requested");
  CHECK(words(letters_about(update_of(member_change::rights), one)) == "channel/-1001 rights_changed");
  CHECK(letters_about(update_of(member_change::joined), {}).empty());
  // The open side: anybody comes and goes, but the bot's rights count.
  const std::vector<channel_found> open = {{-1002, -1003, "Other"}};
  CHECK(letters_about(update_of(member_change::joined), open).empty());
  CHECK(words(letters_about(update_of(member_change::rights), open)) == "channel/-1002 rights_changed");
}

TEST_CASE("who comes in by somebody else's link is named to both") {
  const auto letters = letters_about(update_of(member_change::joined, 8, "s7-3", true), one);
  CHECK(words(letters) == "subscription/-1001:8 member_joined, subscription/-1001:7 invite_spent");
  const auto& joined = std::get<member_joined>(std::get<subscription_message>(letters[0].body));
  CHECK((joined.our_link && joined.who == membership{-1001, -1002, 8, "@ann", "Closed"} && joined.update_id == 9));
  CHECK(words(letters_about(update_of(member_change::joined, 7, "s7-3", true), one)) == "subscription/-1001:7 member_joined");
  // A name like ours on somebody else's link says nothing.
  CHECK(words(letters_about(update_of(member_change::joined, 8, "s7-3", false), one)) == "subscription/-1001:8 member_joined");
  // With two open channels nobody is a stranger.
  const auto both = letters_about(update_of(member_change::joined, 8, "s7-3", true), {{-1001, -1002, "A"}, {-1009, -1002, "B"}});
  CHECK_FALSE(std::get<member_joined>(std::get<subscription_message>(both[0].body)).our_link);
  // Unless the link says by which of them it was sold: that one looks after who comes in by it.
  const auto sold = letters_about(update_of(member_change::joined, 8, "s7-3.1009", true), {{-1001, -1002, "A"}, {-1009, -1002, "B"}});
  CHECK(words(sold) == "subscription/-1001:8 member_joined, subscription/-1001:7 invite_spent, subscription/-1009:8 member_joined, "
                       "subscription/-1009:7 invite_spent");
  CHECK_FALSE(std::get<member_joined>(std::get<subscription_message>(sold[0].body)).our_link);
  CHECK(std::get<member_joined>(std::get<subscription_message>(sold[2].body)).our_link);
}

TEST_CASE("the name of an invite says whose it is") {
  CHECK(user_of_invite("s7-3") == 7);
  CHECK(user_of_invite("s7-3.1001") == 7);
  CHECK(channel_of_invite("s7-3.1001") == -1001);
  for (const char* other : {"", "s7-3", "s7-3.", "s7-3.x", "s7-3.-5", "s7-3.10x", "x7-3.1001", ".1001"}) CHECK(channel_of_invite(other) == 0);
  CHECK(user_of_invite("s4503599627370495-12") == 4503599627370495);
  for (const char* other : {"", "s", "s-3", "s7", "o-01ABC", "s0-1", "sx-1", "7-3"}) CHECK(user_of_invite(other) == 0);
}
