// Signing up to closing an account by the API's routes, over the real machines in memory.
#include <catch2/catch.hpp>

#include "io/http/api_identity.hpp"
#include "tests/io/identity_rig.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

const std::string mail = "ann@example.org", password = "correct horse battery";

std::string object(std::initializer_list<std::pair<std::string, std::string>> members) {
  std::string text;
  for (const auto& [name, value] : members) text += (text.empty() ? "{" : ",") + json_quoted(name) + ":" + json_quoted(value);
  return text + "}";
}
std::string login_of(const std::string& login, const std::string& with = password) {
  return object({{"login", login}, {"password", with}});
}

struct rig : identity_rig {
  void sign_up(const std::string& name = "Ann", const std::string& to = mail) {
    REQUIRE(status("POST", "auth/signup", object({{"user_name", name}, {"email", to}, {"password", password}})) == 202);
  }
  void activate() {
    sign_up();
    REQUIRE(status("POST", "auth/verify-email", object({{"token", mailed_token(mail)}})) == 200);
  }
  httplib::Response log_in(const std::string& login = "ann", const std::string& with = password) {
    auto response = call("POST", "auth/login", login_of(login, with));
    REQUIRE(response.status == 200);
    return response;
  }
};

} // namespace

TEST_CASE("an owner signs up, confirms, and logs in by name or address in any case") {
  rig r;
  r.sign_up();
  CHECK(r.status("POST", "auth/login", login_of("Ann")) == 401);
  CHECK(r.status("POST", "auth/verify-email", object({{"token", r.mailed_token(mail) + "x"}})) == 422);
  CHECK(r.status("POST", "auth/verify-email", object({{"token", r.mailed_token(mail)}})) == 200);
  CHECK(r.newest_subject(mail) == "Welcome to PayGatePrime");
  for (const auto* login : {"Ann", "ANN", "ann@example.org", "Ann@Example.ORG"}) {
    const auto tokens = r.log_in(login);
    const auto own = r.call("GET", "account", "", r.member(tokens, "access_token"));
    CHECK(own.status == 200);
    CHECK(r.member(own, "user_name") == "Ann");
    CHECK(own.body.find(R"("telegram_user_id":null)") != std::string::npos);
  }
  CHECK(r.status("GET", "account") == 401);
}

TEST_CASE("a taken name may be told, a taken address is told to its owner alone") {
  rig r;
  r.activate();
  CHECK(r.status("POST", "auth/signup", object({{"user_name", "aNN"}, {"email", "b@example.org"}, {"password", password}})) == 409);
  const auto asked = r.asked;
  const auto fresh = r.call("POST", "auth/signup", object({{"user_name", "bob"}, {"email", "bob@example.org"}, {"password", password}}));
  const auto work = r.asked - asked;
  const auto taken = r.call("POST", "auth/signup", object({{"user_name", "eve"}, {"email", "ANN@example.org"}, {"password", password}}));
  CHECK(r.asked - asked == 2 * work);
  CHECK(fresh.status == taken.status);
  CHECK(fresh.body == taken.body);
  CHECK(r.newest_subject(mail) == "You have an account already");
  CHECK(r.newest_subject("ANN@example.org").empty());
  for (const auto* name : {"bob", "eve"})
    CHECK(r.status("POST", "auth/signup", object({{"user_name", name}, {"email", "c@example.org"}, {"password", password}})) == 409);
  for (const auto* name : {"bob", "eve", "nobody"}) {
    const auto no = r.call("POST", "auth/login", login_of(name));
    CHECK(no.status == 401);
    CHECK(no.body == r.call("POST", "auth/login", login_of("ann", "a wrong one here")).body);
  }
  for (const auto* path : {"auth/forgot-password", "auth/resend-verification"})
    CHECK(r.call("POST", path, object({{"email", mail}})).body == r.call("POST", path, object({{"email", "nobody@example.org"}})).body);
  CHECK(r.newest_subject("nobody@example.org").empty());
}

TEST_CASE("a log-in of an unknown name does what one with a wrong password does") {
  rig r;
  r.activate();
  const auto cost = [&](const std::string& login) {
    const auto asked = r.asked;
    CHECK(r.status("POST", "auth/login", login_of(login, "a wrong one here")) == 401);
    return r.asked - asked;
  };
  CHECK(cost("ann") == cost("nobody"));
  // The same delays as well, from the same networks.
  for (const auto* login : {"ann", "nobody"}) {
    for (int i = 0; i < 4; ++i) CHECK(r.status("POST", "auth/login", login_of(login, "a wrong one here")) == 401);
    const auto wait = r.call("POST", "auth/login", login_of(login));
    CHECK(wait.status == 429);
    CHECK(wait.get_header_value("Retry-After") == "1");
    CHECK(r.status("POST", "auth/login", login_of(login), "", "198.51.100.200") == 429);
    CHECK(r.status("POST", "auth/login", login_of(login, "a wrong one here"), "", "203.0.113.1") == 401);
  }
  r.clock->at += std::chrono::seconds(1);
  r.log_in();
}

TEST_CASE("a refresh token is good once; one that comes again ends its family") {
  rig r;
  r.activate();
  const auto first = r.log_in(), other = r.log_in();
  const auto second = r.call("POST", "auth/refresh", "", r.member(first, "refresh_token"));
  CHECK(second.status == 200);
  CHECK(r.status("GET", "account", "", r.member(second, "access_token")) == 200);
  CHECK(r.status("POST", "auth/refresh", "", r.member(first, "refresh_token")) == 401);
  CHECK(r.status("POST", "auth/refresh", "", r.member(second, "refresh_token")) == 401);
  const auto third = r.call("POST", "auth/refresh", "", r.member(other, "refresh_token"));
  CHECK(third.status == 200);
  CHECK(r.status("POST", "auth/refresh", "", r.member(third, "access_token")) == 401);
  CHECK(r.status("GET", "account", "", r.member(third, "refresh_token")) == 401);
  CHECK(r.status("POST", "auth/logout", "", r.member(third, "refresh_token")) == 204);
  CHECK(r.status("POST", "auth/refresh", "", r.member(third, "refresh_token")) == 401);
  CHECK(r.status("POST", "auth/refresh") == 401);
}

TEST_CASE("tokens end by the clock") {
  rig r;
  r.activate();
  const auto tokens = r.log_in();
  r.clock->at += access_life;
  CHECK(r.status("GET", "account", "", r.member(tokens, "access_token")) == 401);
  const auto next = r.call("POST", "auth/refresh", "", r.member(tokens, "refresh_token"));
  CHECK(next.status == 200);
  r.clock->at += refresh_life;
  CHECK(r.status("POST", "auth/refresh", "", r.member(next, "refresh_token")) == 401);
}

TEST_CASE("logging out everywhere ends every session and what the account itself takes") {
  rig r;
  r.activate();
  const auto a = r.log_in(), b = r.log_in();
  CHECK(r.status("POST", "auth/logout-everywhere", "", r.member(a, "access_token")) == 204);
  for (const auto* tokens : {&a, &b}) {
    CHECK(r.status("GET", "account", "", r.member(*tokens, "access_token")) == 401);
    CHECK(r.status("POST", "auth/refresh", "", r.member(*tokens, "refresh_token")) == 401);
    CHECK(r.status("POST", "auth/logout-everywhere", "", r.member(*tokens, "access_token")) == 401);
  }
  CHECK(r.status("GET", "account", "", r.member(r.log_in(), "access_token")) == 200);
}

TEST_CASE("keys are changed without logging anybody out") {
  rig r;
  r.activate();
  const auto before = r.log_in();
  const auto old = r.secret;
  r.secret = std::string(40, 'n') + "\n" + old;
  CHECK(r.status("GET", "account", "", r.member(before, "access_token")) == 200);
  const auto after = r.call("POST", "auth/refresh", "", r.member(before, "refresh_token"));
  CHECK(after.status == 200);
  r.secret = std::string(40, 'n');
  CHECK(r.status("GET", "account", "", r.member(before, "access_token")) == 401);
  CHECK(r.status("GET", "account", "", r.member(after, "access_token")) == 200);
  r.secret.clear();
  CHECK(r.status("GET", "account", "", r.member(after, "access_token")) == 401);
  CHECK(r.status("POST", "auth/login", login_of("ann")) == 503);
}

TEST_CASE("address and password are changed by who knows the present password") {
  rig r;
  r.activate();
  const auto tokens = r.log_in();
  const auto access = r.member(tokens, "access_token");
  CHECK(r.status("PATCH", "account", object({{"current_password", "a wrong one"}, {"email", "new@example.org"}}), access) == 403);
  CHECK(r.status("PATCH", "account", object({{"current_password", password}}), access) == 422);
  CHECK(r.status("PATCH", "account", object({{"current_password", password}, {"password", "ann is my name"}}), access) == 422);
  const auto asked = r.call("PATCH", "account", object({{"current_password", password}, {"email", "new@example.org"}}), access);
  CHECK(asked.status == 200);
  CHECK(asked.body.find(R"("pending_email":"new@example.org")") != std::string::npos);
  CHECK(asked.body.find(R"("tokens":null)") != std::string::npos);
  CHECK(r.newest_subject(mail) == "Your e-mail address is about to change");
  CHECK(r.status("POST", "auth/verify-email", object({{"token", r.mailed_token("new@example.org")}})) == 200);
  CHECK(r.newest_subject(mail) == "Your e-mail address was changed");
  CHECK(r.status("POST", "auth/login", login_of(mail)) == 401);
  r.log_in("new@example.org");

  const auto changed = r.call("PATCH", "account", object({{"current_password", password}, {"password", "another long one"}}), access);
  CHECK(changed.status == 200);
  CHECK(r.status("GET", "account", "", access) == 401);
  CHECK(r.status("POST", "auth/refresh", "", r.member(tokens, "refresh_token")) == 401);
  const auto document = parse_json(changed.body);
  CHECK(r.status("GET", "account", "", json_text_or_empty((*document)["tokens"], "access_token")) == 200);
  CHECK(r.newest_subject("new@example.org") == "Your password was changed");
  r.log_in("ann", "another long one");
}

TEST_CASE("an account is changed by who has read it as it is") {
  rig r;
  r.activate();
  const auto access = r.member(r.log_in(), "access_token");
  const auto seen = r.call("GET", "account", "", access);
  const auto etag = seen.get_header_value("ETag");
  REQUIRE(etag.size() == 34);
  const auto wish = object({{"current_password", password}, {"email", "new@example.org"}});
  r.if_match.clear();
  CHECK(r.status("PATCH", "account", wish, access) == 428);
  r.if_match = "\"of something else\"";
  CHECK(r.status("PATCH", "account", wish, access) == 412);
  r.if_match = etag;
  r.locked = true;
  CHECK(r.status("PATCH", "account", wish, access) == 409);
  r.locked = false;
  CHECK(r.call("GET", "account", "", access).body == seen.body); // Nothing of that changed anything.
  const auto changed = r.call("PATCH", "account", wish, access);
  CHECK(changed.status == 200);
  CHECK(changed.get_header_value("ETag") != etag);
  CHECK(r.call("GET", "account", "", access).get_header_value("ETag") == changed.get_header_value("ETag"));
  CHECK(r.status("PATCH", "account", object({{"current_password", password}, {"email", "other@example.org"}}), access) == 412);
}

TEST_CASE("a forgotten password is set by the mail's link, once, and ends every session") {
  rig r;
  r.activate();
  const auto tokens = r.log_in();
  CHECK(r.status("POST", "auth/forgot-password", object({{"email", mail}})) == 202);
  const auto token = r.mailed_token(mail);
  CHECK(r.status("POST", "auth/verify-email", object({{"token", token}})) == 422); // One use is not another.
  CHECK(r.status("POST", "auth/reset-password", object({{"token", token}, {"password", "short"}})) == 422);
  CHECK(r.status("POST", "auth/reset-password", object({{"token", token}, {"password", "another long one"}})) == 200);
  CHECK(r.status("POST", "auth/reset-password", object({{"token", token}, {"password", "a third long one"}})) == 422);
  CHECK(r.status("GET", "account", "", r.member(tokens, "access_token")) == 401);
  CHECK(r.status("POST", "auth/refresh", "", r.member(tokens, "refresh_token")) == 401);
  r.log_in("ann", "another long one");
}

TEST_CASE("a closed account frees its names") {
  rig r;
  r.activate();
  const auto access = r.member(r.log_in(), "access_token");
  CHECK(r.status("DELETE", "account", object({{"current_password", "a wrong one"}}), access) == 403);
  CHECK(r.status("DELETE", "account", object({{"current_password", password}}), access) == 202);
  CHECK(r.newest_subject(mail) == "Your account is closed");
  CHECK(r.status("GET", "account", "", access) == 401);
  CHECK(r.status("POST", "auth/login", login_of("ann")) == 401);
  r.sign_up();
  CHECK(r.newest_subject(mail) == "Confirm your e-mail address");
}

TEST_CASE("a deep link joins the account with the Telegram user who follows and confirms it") {
  rig r;
  r.activate();
  const auto access = r.member(r.log_in(), "access_token");
  CHECK(r.status("POST", "account/telegram-link") == 401);
  const auto link = r.call("POST", "account/telegram-link", "", access);
  CHECK(link.status == 200);
  CHECK(r.member(link, "url") == "https://t.me/bot?start=x");
  CHECK(r.followed.tier == start_link::account);
  CHECK(r.followed.word.size() == start_link::word_max);
  const auto id = *id_of_bytes(r.followed.word.substr(0, 16));
  r.service.ports.ask({{entity_kind::account, id}, account_message{claim_link{sha256_hex(r.followed.word.substr(16)), 7001}}},
                      milliseconds(0));
  r.service.ports.ask({{entity_kind::account, id}, account_message{link_telegram{7001, "@ann"}}}, milliseconds(0));
  CHECK(r.member(r.call("GET", "account", "", access), "telegram_user_id") == "7001");
}

TEST_CASE("an imported owner logs in with bcrypt once, and with Argon2id from then on") {
  rig r;
  r.service.ports.ask(
      {{entity_kind::account, "01BCRYPT"},
       account_message{open_account{"old", "old@example.org", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", true}}},
      milliseconds(0));
  r.log_in("old", "U*U");
  CHECK(r.accounts.rows["01BCRYPT"].password_hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
  r.log_in("old", "U*U");
}

TEST_CASE("words that are none are refused before anybody is asked") {
  rig r;
  const auto asked = r.asked;
  for (const std::string word :
       {"'; DROP TABLE account; --", "<script>", "a b", "ab", "x,release mail:a@b.c", "\xf0\x9f\x98\x80name", "a\nb", ""}) {
    INFO(word);
    CHECK(r.status("POST", "auth/signup", object({{"user_name", word}, {"email", mail}, {"password", password}})) == 422);
    CHECK(r.status("POST", "auth/signup", object({{"user_name", "ann"}, {"email", word + "@example.org,b@c.de"}, {"password", password}}))
          == 422);
    CHECK(r.status("POST", "auth/verify-email", object({{"token", word}})) == 422);
  }
  for (const auto* bad : {"1234567890", "aaaaaaaaaaaa", "password123", "ann-is-my-name", "short"})
    CHECK(r.status("POST", "auth/signup", object({{"user_name", "ann"}, {"email", mail}, {"password", bad}})) == 422);
  CHECK(r.asked == asked);
}

TEST_CASE("a client's network is a /24 or a /48") {
  CHECK(login_network_of("203.0.113.77") == "203.0.113.0/24");
  CHECK(login_network_of("::ffff:203.0.113.77") == "203.0.113.0/24");
  CHECK(login_network_of("2001:db8:1:2:3::4") == "2001:db8:1::/48");
  CHECK(login_network_of("what") == "unknown");
}
