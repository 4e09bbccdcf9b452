// Accounts: who may do what in which status, and the mails and names they owe.
#include <random>

#include "actors/account/account_parts.hpp"
#include "tests/machine/account_rig.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("signing up asks for the address first, then mails a link that confirms it") {
  rig m;
  m.open();
  CHECK(m.state.status == account_status::unverified);
  const auto mails = m.settle();
  CHECK(m.asked_of == std::vector<std::string>{"login_name/mail:ann@example.org confirm_name", "login_name/name:ann confirm_name"});
  CHECK(subjects(mails) == "Ann@Example.org: Confirm your e-mail address");
  CHECK(mails[0].text.find("https://pay.example/verify-email?token=A1.secret1") != std::string::npos);
  CHECK(m.state.verify_token == "digest1");
  CHECK(m.state.secret.empty());
  CHECK(code_of(m.send(get_account{})) == "not_found");
  CHECK(code_of(m.send(confirm_email{"digest0"})) == "invalid");
  CHECK(std::holds_alternative<ok>(m.send(confirm_email{"digest1"})));
  CHECK(m.state.status == account_status::active);
  CHECK(code_of(m.send(confirm_email{"digest1"})) == "invalid");
  CHECK(subjects(m.settle()) == "Ann@Example.org: Welcome to PayGatePrime");
  CHECK(std::get<account_view>(m.send(get_account{})).user_name == "Ann");
}

TEST_CASE("signing up with somebody's address ends in a mail to them, and keeps the user name reserved") {
  rig m;
  m.lost["mail:ann@example.org"] = "A0";
  m.open();
  CHECK(m.settle().empty());
  CHECK(m.asked_of == std::vector<std::string>{"login_name/mail:ann@example.org confirm_name", "account/A0 address_wanted"});
  CHECK(m.state.status == account_status::closed);
  CHECK(m.state.email.empty());
  CHECK(m.state.password_hash.empty());

  rig owner;
  owner.activate();
  owner.send(address_wanted{});
  CHECK(subjects(owner.settle()) == "Ann@Example.org: You have an account already");
  // An address that was never confirmed belongs to who reads its mail: they set a password of their own.
  rig unconfirmed;
  unconfirmed.open();
  unconfirmed.settle();
  unconfirmed.send(address_wanted{});
  CHECK(subjects(unconfirmed.settle()) == "Ann@Example.org: Set a new password");
  unconfirmed.send(reset_password{unconfirmed.digest(), "hash1", "n"});
  CHECK(unconfirmed.state.status == account_status::active);
  CHECK(unconfirmed.state.password_hash == "hash1");
}

TEST_CASE("a secret that was lost in a crash is made anew, and only the newer one is good") {
  rig m;
  m.open();
  while (!m.owes("secret:verify")) m.answered("name:", name_view{"A1", true});
  m.done_with("secret:verify", secret_made{"s1", "d1"});
  CHECK(m.owes("mail:verify"));
  m.state.secret.clear(); // Loaded from its row: plain secrets are not stored.
  CHECK_FALSE(m.owes("mail:verify"));
  m.done_with("secret:verify", secret_made{"s2", "d2"});
  CHECK(m.request<send_mail>("mail:verify").text.find("A1.s2") != std::string::npos);
  CHECK(code_of(m.send(confirm_email{"d1"})) == "invalid");
  CHECK(std::holds_alternative<ok>(m.send(confirm_email{"d2"})));
}

TEST_CASE("tokens end with their time") {
  rig m;
  m.open();
  m.settle();
  m.now += account_kind::verify_life;
  CHECK(code_of(m.send(confirm_email{m.digest()})) == "invalid");
  m.send(ask_verification{});
  CHECK(m.settle().size() == 1);
  m.now += account_kind::verify_life - std::chrono::seconds(1);
  CHECK(std::holds_alternative<ok>(m.send(confirm_email{m.digest()})));
  m.settle();
  m.send(ask_reset{});
  m.settle();
  m.now += account_kind::reset_life;
  CHECK(code_of(m.send(reset_password{m.digest(), "hash1", "n"})) == "invalid");
  CHECK(m.state.password_hash == "hash0");
}

TEST_CASE("an account that is never confirmed gives its names back after a week") {
  rig m;
  m.open();
  m.settle();
  m.send(lapse_account{});
  CHECK_FALSE(m.last.changed);
  m.now = *m.state.lapses_at;
  m.asked_of.clear();
  m.send(std::get<account_message>(m.question("lapse").message));
  CHECK(m.settle().empty());
  CHECK(m.asked_of == std::vector<std::string>{"login_name/name:ann release_name", "login_name/mail:ann@example.org release_name"});
  CHECK(m.state.status == account_status::closed);
  CHECK(m.state.user_name.empty());
}

TEST_CASE("a password that is reset ends every session, knows the network, and is told by mail") {
  rig m;
  m.activate();
  m.send(ask_reset{});
  const auto mails = m.settle();
  CHECK(subjects(mails) == "Ann@Example.org: Set a new password");
  CHECK(mails[0].html.find("/reset-password?token=A1.secret") != std::string::npos);
  const auto epoch = m.state.login_epoch;
  m.send(reset_password{m.digest(), "hash1", "203.0.113.0/24"});
  CHECK(m.state.password_hash == "hash1");
  CHECK(m.state.login_epoch == epoch + 1);
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your password was changed");
  CHECK(code_of(m.send(reset_password{m.digest(), "hash2", "n"})) == "invalid");
  CHECK(code_of(m.send(get_account{epoch})) == "conflict");
}

TEST_CASE("another address counts once it is confirmed; both are told") {
  rig m;
  m.activate();
  m.asked_of.clear();
  CHECK(std::get<account_view>(m.send(change_email{"new@example.org"})).pending_email == "new@example.org");
  CHECK(m.state.email == "Ann@Example.org");
  CHECK(subjects(m.settle())
        == "new@example.org: Confirm your new e-mail address; Ann@Example.org: Your e-mail address is about to change");
  m.send(confirm_email{m.digest()});
  CHECK(m.state.email == "new@example.org");
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your e-mail address was changed");
  CHECK(m.asked_of
        == std::vector<std::string>{"login_name/mail:new@example.org reserve_name", "login_name/mail:new@example.org confirm_name",
                                    "login_name/mail:ann@example.org release_name"});
}

TEST_CASE("an address that is somebody else's is told to them alone") {
  rig m;
  m.activate();
  m.asked_of.clear();
  m.lost["mail:bob@example.org"] = "B1";
  m.send(change_email{"bob@example.org"});
  CHECK(m.settle().empty());
  CHECK(m.asked_of == std::vector<std::string>{"login_name/mail:bob@example.org reserve_name", "account/B1 address_wanted"});
  CHECK(m.state.pending_email.empty());
  CHECK(m.state.change_token.empty());
}

TEST_CASE("a newer wish for an address replaces the older one and frees it") {
  rig m;
  m.activate();
  m.asked_of.clear();
  m.send(change_email{"one@example.org"});
  m.send(change_email{"two@example.org"});
  const auto mails = m.settle();
  CHECK(m.asked_of
        == std::vector<std::string>{"login_name/mail:one@example.org reserve_name", "login_name/mail:one@example.org release_name",
                                    "login_name/mail:two@example.org reserve_name"});
  CHECK(mails[0].to == "two@example.org");
  CHECK(m.state.pending_email == "two@example.org");
}

TEST_CASE("mails that anybody can ask for keep their distance, and a good token is always in the last one") {
  rig m;
  m.activate();
  int mails = 0;
  for (int minute = 0; minute < 24 * 60; ++minute) {
    m.send(ask_reset{});
    mails += static_cast<int>(m.settle().size());
    CHECK(m.state.reset_until > m.now);
    m.now += std::chrono::minutes(1);
  }
  CHECK(mails <= 3 + 24 * 3);
  CHECK(mails >= 60);
}

TEST_CASE("a phantom takes what an account takes, and owes nothing") {
  machine<account_kind> m("phantom-7");
  CHECK(std::get<login_view>(m.send(begin_login{"n"})).password_hash.empty());
  CHECK(m.state.status == account_status::phantom);
  CHECK(std::holds_alternative<ok>(m.send(ask_reset{})));
  CHECK(m.last.changed);
  CHECK(std::holds_alternative<ok>(m.send(ask_reset{})));
  CHECK_FALSE(m.last.changed);
  CHECK(m.due().empty());
  CHECK(code_of(m.send(login_succeeded{"n", "", ""})) == "conflict");
  CHECK(code_of(m.send(get_account{})) == "not_found");
  CHECK(code_of(m.send(reset_password{"", "hash", "n"})) == "invalid");
  CHECK(code_of(m.send(confirm_email{""})) == "invalid");
}

TEST_CASE("strangers and accounts are slowed down by the same rule") {
  rig known;
  known.activate();
  machine<account_kind> phantom("phantom-7");
  for (int i = 0; i < 60; ++i) {
    const auto a = std::get<login_view>(known.send(begin_login{"n" + std::to_string(i % 3)}));
    const auto b = std::get<login_view>(phantom.send(begin_login{"n" + std::to_string(i % 3)}));
    CHECK(a.wait == b.wait);
    known.now += std::chrono::milliseconds(700);
    phantom.now += std::chrono::milliseconds(700);
  }
}

TEST_CASE("who is held back by a name is not held back by the address: nobody learns that they belong together") {
  rig m;
  m.activate();
  for (int i = 0; i < 5; ++i) CHECK(std::get<login_view>(m.send(begin_login{"n", false})).wait.count() == 0);
  CHECK(std::get<login_view>(m.send(begin_login{"n", false})).wait.count() > 0);
  for (int i = 0; i < 5; ++i) CHECK(std::get<login_view>(m.send(begin_login{"n", true})).wait.count() == 0);
  CHECK(std::get<login_view>(m.send(begin_login{"n", true})).wait.count() > 0);
}

TEST_CASE("a mail whose link is void is not sent any more") {
  rig m;
  m.activate();
  m.send(change_email{"one@example.org"});
  m.answered("name:reserve", name_view{"A1", false});
  m.done_with("secret:change", secret_made{"s1", "d1"});
  m.send(change_email{"two@example.org"}); // Before the first mail went out.
  CHECK_FALSE(m.owes("mail:change"));
  const auto mails = m.settle();
  CHECK(subjects(mails) == "two@example.org: Confirm your new e-mail address; Ann@Example.org: Your e-mail address is about to change");
  CHECK(mails[0].text.find("s1") == std::string::npos);
  m.send(ask_reset{});
  m.done_with("secret:reset", secret_made{"s2", "d2"});
  m.send(change_password{"hash1"});
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your password was changed");
}

TEST_CASE("who logs in makes the network a known one, and an old hash a new one") {
  rig m;
  m.activate();
  m.send(begin_login{"home"});
  CHECK(code_of(m.send(login_succeeded{"home", "other", ""})) == "conflict");
  CHECK(std::get<account_view>(m.send(login_succeeded{"home", "hash0", "hash1"})).account_id == "A1");
  CHECK(m.state.password_hash == "hash1");
  CHECK(account_parts::read_guards(m.state.guard).by_name.places[0].known);
  CHECK(account_parts::read_guards(m.state.guard).by_mail.places[0].known);
  rig unconfirmed;
  unconfirmed.open();
  CHECK(std::get<login_view>(unconfirmed.send(begin_login{"home"})).password_hash.empty());
  CHECK(code_of(unconfirmed.send(login_succeeded{"home", "hash0", ""})) == "conflict");
}

TEST_CASE("a closed account gives its names back, says goodbye, and then names nobody") {
  rig m;
  m.activate();
  m.asked_of.clear();
  m.send(close_account{});
  CHECK(m.state.status == account_status::closing);
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your account is closed");
  CHECK(m.asked_of == std::vector<std::string>{"login_name/name:ann release_name", "login_name/mail:ann@example.org release_name"});
  CHECK(code_of(m.send(get_account{})) == "not_found");
  CHECK(m.state.email.empty());
  CHECK(m.state.password_hash.empty());
  CHECK(m.state.guard.empty());
  CHECK(m.due().empty());
}

TEST_CASE("an account with channels closes them first, and lives until the last has drained") {
  rig m;
  m.activate();
  m.channels = {{-1001, -1002}, 3};
  const auto epoch = m.state.login_epoch;
  m.send(close_account{});
  CHECK(m.state.login_epoch == epoch + 1);
  m.send(close_account{});
  CHECK_FALSE(m.last.changed);
  CHECK(m.settle().empty());
  CHECK(m.question("close:-1001").to == entity_ref{entity_kind::channel, "-1001"});
  CHECK(m.owes("close:-1002"));
  CHECK_FALSE(m.owes("channels"));
  m.answered("close:-1001", ok{});
  m.answered("close:-1002", refused{refusal::out_of_order, "not on sale"});
  m.channels = {{}, 1};
  m.done_with("channels", m.channels);
  CHECK_FALSE(m.last.changed);
  CHECK(m.state.status == account_status::closing);
  CHECK(std::get<account_view>(m.send(get_account{})).status == "closing");
  m.channels = {};
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your account is closed");
  CHECK(m.state.status == account_status::closed);
}

TEST_CASE("what a person wrote is escaped in a mail's HTML, and a mail that is refused does not hold up the next") {
  rig m;
  m.activate();
  m.send(offer_link{"L1"});
  m.send(claim_link{"L1", 7});
  m.send(link_telegram{7, "<b onload=x>\"&"});
  const auto mail = m.request<send_mail>("mail:linked");
  CHECK(mail.html.find("<b onload") == std::string::npos);
  CHECK(mail.html.find("&lt;b onload=x&gt;&quot;&amp;") != std::string::npos);
  m.send(change_password{"hash1"});
  m.done_with("mail:linked", no_way("http_400"));
  CHECK(m.rows<failure_listed>().size() == 1);
  CHECK(m.owes("mail:password"));
}

TEST_CASE("every status refuses what is not for it") {
  struct row {
    account_status status;
    std::string get, everywhere, password, email, close, link;
  };
  const row rows[] = {
      {account_status::phantom, "not_found", "not_found", "not_found", "not_found", "not_found", "not_found"},
      {account_status::unverified, "not_found", "not_found", "not_found", "not_found", "not_found", "not_found"},
      {account_status::active, "", "", "", "", "", ""},
      {account_status::closing, "", "", "", "", "", ""},
      {account_status::closed, "not_found", "not_found", "not_found", "not_found", "not_found", "not_found"},
  };
  for (const auto& row : rows) {
    const auto code = [&](const account_message& message) {
      rig m;
      m.activate();
      m.state.status = row.status;
      return code_of(m.send(message));
    };
    INFO(to_text(row.status));
    CHECK(code(get_account{}) == row.get);
    CHECK(code(log_out_everywhere{}) == row.everywhere);
    CHECK(code(change_password{"h"}) == row.password);
    CHECK(code(change_email{"x@example.org"}) == row.email);
    CHECK(code(close_account{}) == row.close);
    CHECK(code(offer_link{"L"}) == row.link);
    CHECK(code(ask_reset{}) == "");
    CHECK(code(ask_verification{}) == "");
    CHECK(code(address_wanted{}) == "");
    CHECK(code(begin_login{"n"}) == "");
  }
}

TEST_CASE("random lives of an account: what is owed ends, tokens are hashes, the epoch never falls") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 chance(seed);
    rig m;
    m.open();
    std::int64_t epoch = 0;
    for (int i = 0; i < 60; ++i) {
      const auto pick = chance() % 14;
      const auto name = "n" + std::to_string(chance() % 4);
      if (pick == 0) m.send(change_email{"x" + name + "@example.org"});
      if (pick == 1) m.lost["mail:x" + name + "@example.org"] = chance() % 2 ? "B1" : "A1";
      if (pick == 2) m.send(ask_reset{});
      if (pick == 3) m.send(confirm_email{m.digest()});
      if (pick == 4) m.send(reset_password{m.digest(), "h" + std::to_string(i), name});
      if (pick == 5) m.send(begin_login{name});
      if (pick == 6) m.send(login_succeeded{name, m.state.password_hash, ""});
      if (pick == 7) m.now += std::chrono::hours(chance() % 40);
      if (pick == 8) m.send(log_out_everywhere{});
      if (pick == 9) m.send(address_wanted{});
      if (pick == 10) m.send(change_password{"p" + std::to_string(i)});
      if (pick == 11 && chance() % 20 == 0) m.send(close_account{});
      if (pick >= 12) m.settle();
      INFO("seed " << seed << " step " << i);
      REQUIRE(m.state.login_epoch >= epoch);
      epoch = m.state.login_epoch;
      for (const auto* token : {&m.state.verify_token, &m.state.reset_token, &m.state.change_token})
        REQUIRE((token->empty() || token->starts_with("digest")));
      const bool named = !m.state.user_name.empty() && !m.state.email.empty() && !m.state.password_hash.empty();
      REQUIRE((named || m.state.status == account_status::closed));
    }
    m.settle();
    CHECK(m.state.owed_names.empty());
    CHECK(m.state.owed_mails.empty());
  }
}
