#include "actors/login_name/login_name_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

using names = machine<login_name_kind>;

std::string holder(const entity_reply& reply) {
  const auto* view = std::get_if<name_view>(&reply);
  return view ? view->account_id + (view->confirmed ? "!" : "") : "refused";
}

login_name in(login_name_status status, const names& m) {
  switch (status) {
  case login_name_status::free: return {};
  case login_name_status::reserved: return {status, "ann", m.now + std::chrono::hours(1)};
  case login_name_status::taken: return {status, "ann", std::nullopt};
  }
  return {};
}

} // namespace

TEST_CASE("every status against every message, of the holder and of a stranger") {
  struct row {
    login_name_status from;
    std::string who;
    std::string reserve, confirm, release; ///< Status and holder afterwards.
  };
  const row rows[] = {
    {login_name_status::free, "ann", "reserved ann", "taken ann", "free "},
    {login_name_status::reserved, "ann", "reserved ann", "taken ann", "free "},
    {login_name_status::reserved, "bob", "reserved ann", "reserved ann", "reserved ann"},
    {login_name_status::taken, "ann", "taken ann", "taken ann", "free "},
    {login_name_status::taken, "bob", "taken ann", "taken ann", "taken ann"},
  };
  for (const auto& row : rows) {
    const auto after = [&](const login_name_message& message) {
      names m("name:ann");
      m.state = in(row.from, m);
      m.exists = row.from != login_name_status::free;
      m.send(message);
      return std::string(to_text(m.state.status)) + " " + m.state.account_id;
    };
    INFO(to_text(row.from) << " " << row.who);
    CHECK(after(reserve_name{row.who}) == row.reserve);
    CHECK(after(confirm_name{row.who}) == row.confirm);
    CHECK(after(release_name{row.who}) == row.release);
    CHECK(after(find_name{}) == after(effect_done{"x", io_outcome(done{})}));
  }
}

TEST_CASE("of two who want a name one gets it, and a repeat is told the same") {
  names m("name:ann");
  CHECK(holder(m.send(find_name{})) == "");
  CHECK_FALSE(m.exists);
  CHECK(holder(m.send(reserve_name{"a1"})) == "a1");
  CHECK(holder(m.send(reserve_name{"a2"})) == "a1");
  CHECK(holder(m.send(reserve_name{"a1"})) == "a1");
  CHECK_FALSE(m.last.changed);
  CHECK(holder(m.send(confirm_name{"a2"})) == "a1");
  CHECK(holder(m.send(confirm_name{"a1"})) == "a1!");
  CHECK(holder(m.send(confirm_name{"a1"})) == "a1!");
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(reserve_name{""})) == "invalid");
}

TEST_CASE("a reservation lapses after a week, a confirmed name never") {
  names m("mail:a@b.cd");
  m.send(reserve_name{"a1"});
  m.now += login_name_kind::reservation - std::chrono::seconds(1);
  CHECK(holder(m.send(reserve_name{"a2"})) == "a1");
  m.now += std::chrono::seconds(1);
  CHECK(holder(m.send(find_name{})) == "");
  CHECK(holder(m.send(reserve_name{"a2"})) == "a2");
  CHECK(holder(m.send(confirm_name{"a1"})) == "a2");
  m.send(confirm_name{"a2"});
  m.now += std::chrono::hours(24 * 3650);
  CHECK(holder(m.send(reserve_name{"a3"})) == "a2!");
  m.send(release_name{"a2"});
  CHECK(holder(m.send(confirm_name{"a3"})) == "a3!");
}
