// An account and the Telegram user with whom it is joined.
#include "tests/machine/account_rig.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("a link to Telegram is good once, and repeats of it are") {
  rig m;
  m.activate();
  CHECK(code_of(m.send(claim_link{"", 7})) == "invalid");
  CHECK(code_of(m.send(link_telegram{7, "@ann"})) == "invalid");
  m.send(offer_link{"L1"});
  CHECK(code_of(m.send(link_telegram{7, "@ann"})) == "invalid");
  CHECK(code_of(m.send(claim_link{"L2", 7})) == "invalid");
  CHECK(std::get<account_view>(m.send(claim_link{"L1", 7})).user_name == "Ann");
  CHECK(m.state.telegram_user_id == 0);
  CHECK(code_of(m.send(claim_link{"L1", 8})) == "invalid"); // Used up.
  CHECK(code_of(m.send(link_telegram{8, "@eve"})) == "invalid");
  CHECK(std::get<account_view>(m.send(claim_link{"L1", 7})).user_name == "Ann");
  CHECK_FALSE(m.last.changed);
  CHECK(std::holds_alternative<ok>(m.send(link_telegram{7, "@ann"})));
  CHECK(m.state.telegram_user_id == 7);
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your account is linked to Telegram");
  CHECK(std::holds_alternative<ok>(m.send(link_telegram{7, "@ann"})));
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(link_telegram{8, "@eve"})) == "invalid");
  m.send(offer_link{"L3"});
  m.send(claim_link{"L3", 8});
  m.now += account_kind::link_life;
  CHECK(code_of(m.send(link_telegram{8, "@eve"})) == "invalid");
  m.send(offer_link{"L4"});
  m.now += account_kind::link_life;
  CHECK(code_of(m.send(claim_link{"L4", 8})) == "invalid");
}

TEST_CASE("who is linked can undo it: every session ends, and the account is told") {
  rig m;
  CHECK(code_of(m.send(unlink_telegram{7})) == "not_found");
  m.activate();
  m.send(offer_link{"L1"});
  m.send(claim_link{"L1", 7});
  m.send(link_telegram{7, "@ann"});
  m.settle();
  const auto epoch = m.state.login_epoch;
  for (const std::int64_t other : {8, 0}) {
    CHECK(std::holds_alternative<ok>(m.send(unlink_telegram{other})));
    CHECK_FALSE(m.last.changed);
  }
  CHECK(std::holds_alternative<ok>(m.send(unlink_telegram{7})));
  CHECK(m.state.telegram_user_id == 0);
  CHECK(m.state.login_epoch == epoch + 1);
  CHECK(std::get<account_view>(m.send(get_account{})).telegram_name.empty());
  CHECK(subjects(m.settle()) == "Ann@Example.org: Your account is not linked to Telegram any more");
  CHECK(std::holds_alternative<ok>(m.send(unlink_telegram{7})));
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(link_telegram{7, "@ann"})) == "invalid"); // It takes a new link.
}
