#include "actors/session/session_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

struct rig : machine<session_kind> {
  rig() : machine("s1") { send(open_session{"ann", 3, "t0"}); }
};

} // namespace

TEST_CASE("each token is good once and makes the next") {
  rig m;
  CHECK(m.state.status == session_status::open);
  CHECK(std::get<session_view>(m.send(rotate_session{0, "t0", "t1", 3})) == session_view{"ann", 1});
  CHECK(std::get<session_view>(m.send(rotate_session{1, "t1", "t2", 3})) == session_view{"ann", 2});
  CHECK(m.state.token == "t2");
}

TEST_CASE("a token that comes again ends the family, in a step that is committed") {
  for (std::int64_t again : {0, 1}) {
    rig m;
    m.send(rotate_session{0, "t0", "t1", 3});
    m.send(rotate_session{1, "t1", "t2", 3});
    CHECK(code_of(m.send(rotate_session{again, "t" + std::to_string(again), "x", 3})) == "invalid");
    CHECK(m.last.changed);
    CHECK(m.state.status == session_status::revoked);
    CHECK(m.state.token.empty());
    CHECK(code_of(m.send(rotate_session{2, "t2", "t3", 3})) == "invalid");
    CHECK_FALSE(m.last.changed);
  }
}

TEST_CASE("a token of the right generation with other bytes ends the family as well") {
  rig m;
  CHECK(code_of(m.send(rotate_session{0, "forged", "t1", 3})) == "invalid");
  CHECK(m.state.status == session_status::revoked);
}

TEST_CASE("an account that moved on ends its sessions") {
  rig m;
  CHECK(code_of(m.send(rotate_session{0, "t0", "t1", 4})) == "invalid");
  CHECK(m.state.status == session_status::closed);
}

TEST_CASE("a session ends 30 days after its newest token, and by itself") {
  rig m;
  m.now += std::chrono::hours(24 * 29);
  m.send(rotate_session{0, "t0", "t1", 3});
  CHECK(m.find("expire").not_before == m.now + session_kind::life);
  m.send(expire_session{});
  CHECK_FALSE(m.last.changed);
  m.now += session_kind::life;
  CHECK(code_of(m.send(rotate_session{1, "t1", "t2", 3})) == "invalid");
  CHECK(m.state.status == session_status::expired);
  CHECK(m.due().empty());

  rig sleeps;
  sleeps.now += session_kind::life;
  sleeps.send(std::get<session_message>(sleeps.question("expire").message));
  CHECK(sleeps.state.status == session_status::expired);
}

TEST_CASE("logging out ends it, whatever it was") {
  machine<session_kind> none("s2");
  CHECK(std::holds_alternative<ok>(none.send(close_session{})));
  CHECK_FALSE(none.exists);
  CHECK(code_of(none.send(rotate_session{0, "t0", "t1", 3})) == "invalid");
  CHECK_FALSE(none.exists);
  rig m;
  m.send(close_session{});
  CHECK(m.state.status == session_status::closed);
  m.send(close_session{});
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(rotate_session{0, "t0", "t1", 3})) == "invalid");
}

TEST_CASE("a session is opened once") {
  rig m;
  CHECK(std::get<session_view>(m.send(open_session{"ann", 3, "t0"})) == session_view{"ann", 0});
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(open_session{"bob", 3, "t0"})) == "conflict");
  CHECK(code_of(m.send(open_session{"", 3, "t0"})) == "invalid");
}
