// Letters between nodes: where they go, and how they are answered. What real sockets add is in remote_test.cpp.
#include <catch2/catch.hpp>

#include "tests/actor/route_cluster.hpp"

using namespace paygate;
using namespace paygate::test;

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<asking_kind>; }

TEMPLATE_TEST_CASE("a message to an entity of another node is answered after its step is committed there", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  const auto id = id_in(1);
  std::vector<std::string> order;
  c.nodes[1]->ports->crash_point = [&](std::string_view window) { order.emplace_back(window); };
  CHECK(is_ok(c.create(0, id, "hello")));
  CHECK(order == std::vector<std::string>{"before_commit", "after_commit"});
  CHECK(c.version(id) == 1);
  const auto view = c.tell(0, id, get_channel{});
  CHECK(std::get<channel_view>(view).terms->open_title == "hello");
  CHECK(code_of(c.tell(0, id_in(3, "none"), get_channel{})) == "not_found");
  CHECK(c.sum(0, "letters_forwarded_total") == 3);
  CHECK(c.sum(0, "letter_forward_seconds") == 3);
  CHECK(c.sum(1, "letters_received_total{handled}") == 3);
  CHECK(c.sum(1, "letters_forwarded_total") == 0);
}

TEMPLATE_TEST_CASE("a step whose commit fails on the other node is not answered as done", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  const auto id = id_in(1);
  c.store.faults = {commit_outcome::lease_lost};
  CHECK(code_of(c.create(0, id)) == "unavailable");
  CHECK(c.version(id) == 0);
  CHECK(is_ok(c.create(0, id)));
}

TEMPLATE_TEST_CASE("a letter that meets a shard that is being handed over waits for its new owner", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  c.keeper_answers = false;
  auto& old = *c.nodes[0];
  caf::anon_send_exit(std::exchange(old.shards[0], nullptr), caf::exit_reason::user_shutdown);
  caf::anon_send(old.router, route_atom::value, std::make_shared<const shard_table>(old.shards));
  auto& self = c.world.self();
  const auto letter = [&](const char* prefix) {
    return std::make_shared<const envelope>(
        envelope{{entity_kind::channel, id_in(0, prefix)}, channel_message{register_channel{asking_kind::terms("x")}}});
  };
  auto from_old = self->request(old.router, caf::infinite, deliver_atom::value, letter("a"));
  auto from_new = self->request(c.nodes[1]->router, caf::infinite, deliver_atom::value, letter("b"));
  c.world.run_for(300ms);
  CHECK_FALSE(self->has_next_message());
  CHECK(c.refreshes == 2);
  c.move(0, 1); // The new owner needs no view to know what it holds itself.
  REQUIRE(self->has_next_message());
  from_new.receive([](const entity_reply_ptr& reply) { CHECK(is_ok(*reply)); }, [](caf::error&) { FAIL("an error"); });
  CHECK_FALSE(self->has_next_message());
  c.tell_view(0);
  REQUIRE(self->has_next_message());
  from_old.receive([](const entity_reply_ptr& reply) { CHECK(is_ok(*reply)); }, [](caf::error&) { FAIL("an error"); });
}

TEMPLATE_TEST_CASE("a message to an entity that lives here crosses no link", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  CHECK(is_ok(c.create(0, id_in(0))));
  CHECK(c.links[{0, 1}]->letters.empty());
  CHECK(c.sum(0, "letters_forwarded_total") == 0);
}

TEMPLATE_TEST_CASE("a stale route learns the new owner from the old one, and keeps it", "", by_requests, in_packs) {
  cluster c(TestType::packs, 3);
  const auto id = id_in(1);
  c.move(1, 2);
  c.tell_view(1); // The old owner knows; the sender does not.
  CHECK(is_ok(c.create(0, id)));
  CHECK(c.links[{0, 1}]->letters.size() == 1);
  CHECK(c.links[{0, 2}]->letters.size() == 1);
  CHECK(c.links[{1, 2}]->letters.empty()); // Nobody passes it on.
  CHECK(c.sum(1, "letters_received_total{not_here}") == 1);
  CHECK(is_ok(c.create(0, id)));
  CHECK(c.links[{0, 1}]->letters.size() == 1);
  CHECK(c.refreshes == 0);
  c.move(1, 1); // A newer view counts more than what was learned before it.
  c.tell_view(0);
  CHECK(is_ok(c.create(0, id)));
  CHECK(c.links[{0, 1}]->letters.size() == 2);
  CHECK(c.links[{0, 2}]->letters.size() == 2);
}

TEMPLATE_TEST_CASE("when the old owner knows nobody, the sender asks for a fresh view and tries again", "", by_requests, in_packs) {
  cluster c(TestType::packs, 3);
  const auto id = id_in(1);
  c.move(1, 2);
  CHECK(is_ok(c.create(0, id)));
  CHECK(c.refreshes == 1);
  CHECK(c.version(id) == 1);
}

TEMPLATE_TEST_CASE("a letter whose owner nobody names is refused as unavailable, in time, and the database is not asked for each", "",
                   by_requests, in_packs) {
  cluster c(TestType::packs, 3);
  c.keeper_answers = false;
  c.move(1, 2);
  for (int i = 0; i < 50; ++i)
    caf::anon_send(c.nodes[0]->router, deliver_atom::value,
                   std::make_shared<const envelope>(envelope{{entity_kind::channel, id_in(1)}, channel_message{get_channel{}}}));
  CHECK(code_of(c.create(0, id_in(1), "x", 1500ms)) == "unavailable");
  CHECK(c.refreshes == 1);
  CHECK(c.sum(0, "letters_forward_failed_total{not_owner}") == 51);
}

TEMPLATE_TEST_CASE("two nodes that each name the other do not send a letter round and round", "", by_requests, in_packs) {
  cluster c(TestType::packs, 3);
  c.move(1, 0); // It is at a; b and c are made to believe otherwise.
  c.holder[1] = 2;
  c.tell_view(1);
  c.holder[1] = 1;
  c.tell_view(2);
  c.move(2, 2);
  const auto id = id_in(1);
  c.nodes[0]->shards[1] = nullptr;
  caf::anon_send(c.nodes[0]->router, route_atom::value, std::make_shared<const shard_table>(c.nodes[0]->shards));
  c.tell_view(0);
  CHECK(code_of(c.create(0, id)) == "unavailable");
  CHECK(c.links[{0, 1}]->letters.size() + c.links[{0, 2}]->letters.size() == route_limits{}.tries_max);
}

TEMPLATE_TEST_CASE("without a link or an owner a letter is refused at once", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  c.cut(0, 1);
  caf::scoped_actor& self = c.world.self();
  auto asked = self->request(c.nodes[0]->router, caf::infinite, deliver_atom::value,
                             std::make_shared<const envelope>(envelope{{entity_kind::channel, id_in(1)}, channel_message{get_channel{}}}));
  c.world.settle(); // No virtual time passes.
  REQUIRE(self->has_next_message());
  asked.receive([](const entity_reply_ptr& reply) { CHECK(code_of(*reply) == "unavailable"); }, [](caf::error&) { FAIL("an error"); });
}

TEMPLATE_TEST_CASE("a letter to a member that has just joined waits a little for the first link to it", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  c.cut(0, 1);
  c.nodes[1]->name = "b, in its next life";
  c.tell_view(0);
  caf::scoped_actor& self = c.world.self();
  const auto ask = [&] {
    return self->request(c.nodes[0]->router, caf::infinite, deliver_atom::value,
                         std::make_shared<const envelope>(
                             envelope{{entity_kind::channel, id_in(1)}, channel_message{register_channel{asking_kind::terms("x")}}}));
  };
  const auto answer = [&](auto& asked) {
    std::string code = "none";
    c.world.settle();
    if (self->has_next_message())
      asked.receive([&](const entity_reply_ptr& reply) { code = is_ok(*reply) ? "ok" : code_of(*reply); }, [](caf::error&) { FAIL("an error"); });
    return code;
  };
  auto late = ask();
  CHECK(answer(late) == "none");
  c.world.run_for(1s);
  c.tell_view(0); // Another view begins nothing anew.
  auto later = ask();
  c.world.run_for(999ms);
  CHECK(answer(late) == "none");
  c.world.run_for(1ms);
  CHECK(answer(late) == "unavailable");
  CHECK(answer(later) == "unavailable");
  auto too_late = ask();
  CHECK(answer(too_late) == "unavailable"); // Who never links keeps nobody waiting.

  c.nodes[1]->name = "b, in a third";
  c.tell_view(0);
  auto in_time = ask();
  c.world.run_for(300ms);
  CHECK(answer(in_time) == "none");
  c.link(0, 1);
  CHECK(answer(in_time) == "ok");
  c.cut(0, 1);
  auto met = ask();
  CHECK(answer(met) == "unavailable"); // Its node may be gone.
}

TEMPLATE_TEST_CASE("a link that is cut in the middle answers at once; the repeat is treated as the first", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  const auto id = id_in(1);
  c.links[{0, 1}]->mode = link_mode::lose_answer;
  caf::scoped_actor& self = c.world.self();
  auto asked = self->request(
      c.nodes[0]->router, caf::infinite, deliver_atom::value,
      std::make_shared<const envelope>(envelope{{entity_kind::channel, id}, channel_message{register_channel{asking_kind::terms("x")}}}));
  c.world.settle();
  CHECK(c.version(id) == 1); // It was handled; nobody here knows.
  REQUIRE_FALSE(self->has_next_message());
  c.cut(0, 1);
  REQUIRE(self->has_next_message());
  asked.receive([](const entity_reply_ptr& reply) { CHECK(code_of(*reply) == "unavailable"); }, [](caf::error&) { FAIL("an error"); });
  CHECK(c.sum(0, "letters_forward_failed_total{link_cut}") == 1);
  c.link(0, 1);
  c.world.settle();
  CHECK(is_ok(c.create(0, id)));
  CHECK(c.version(id) == 1);
}

TEMPLATE_TEST_CASE("an entity that asks one of another node asks again until it is answered, whatever the link does meanwhile", "",
                   by_requests, in_packs) {
  for (auto mode : {link_mode::lose_letter, link_mode::lose_answer, link_mode::garble_answer, link_mode::other_answer, link_mode::twice}) {
    cluster c(TestType::packs, 2);
    const auto asker = id_in(0), asked = id_in(1);
    c.links[{0, 1}]->mode = mode;
    CHECK(is_ok(c.create(0, asker, "ask:" + asked)));
    c.world.run_for(30s);
    if (mode != link_mode::twice) CHECK(c.row(asker).status == channel_status::registered);
    c.links[{0, 1}]->mode = link_mode::pass;
    c.world.run_for(10s); // It does not take longer to ask again than this, however often it was disappointed.
    CHECK(c.row(asker).status == channel_status::offered);
    CHECK(c.version(asked) == 1);
  }
}

TEMPLATE_TEST_CASE("an entity that asks while the link is down is through soon after it is up again", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  const auto asker = id_in(0), asked = id_in(1);
  c.cut(0, 1);
  CHECK(is_ok(c.create(0, asker, "ask:" + asked)));
  c.world.run_for(2min);
  CHECK(c.sum(0, "letters_forward_failed_total{no_link}") > 10);
  CHECK(c.version(asker) < 12); // Not a row for each try.
  c.link(0, 1);
  c.world.run_for(4s);
  CHECK(c.row(asker).status == channel_status::offered);
}

TEMPLATE_TEST_CASE("a peer that answers garbage costs its letters and nothing else", "", by_requests, in_packs) {
  cluster c(TestType::packs, 3);
  c.links[{0, 1}]->mode = link_mode::garble_answer;
  CHECK(code_of(c.create(0, id_in(1))) == "unavailable");
  CHECK(c.sum(0, "letters_forward_failed_total{nonsense}") == 1);
  c.links[{0, 1}]->mode = link_mode::other_answer;
  CHECK(code_of(c.create(0, id_in(1))) == "unavailable");
  CHECK(is_ok(c.create(0, id_in(2))));
  CHECK(is_ok(c.create(0, id_in(0))));
}

TEMPLATE_TEST_CASE("a peer that sends garbage is told so, and its letters start nothing", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  for (const auto& bytes : {std::string(), std::string("garbage"), std::string(1 << 20, '\1'), std::string("\x02\x02\x00", 3)}) {
    auto answer = c.world.ask<std::string>(c.nodes[1]->exchange, 5s, forward_atom::value, bytes);
    REQUIRE(answer);
    CHECK(std::holds_alternative<wire_error>(std::get<remote_answer>(read_answer(*answer))));
  }
  CHECK(c.sum(1, "letters_received_total{unreadable}") == 4);
  CHECK(c.store.loads == 0);
  auto odd = c.world.ask<std::string>(c.nodes[1]->exchange, 5s, std::string("a message that it does not know"));
  CHECK_FALSE(odd);
  CHECK(is_ok(c.create(0, id_in(1))));
}

TEMPLATE_TEST_CASE("a letter that may not travel is refused, never sent", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  CHECK(code_of(c.tell(0, id_in(1), channel_message{effect_done{"ask", entity_reply{ok{}}}})) == "invalid");
  CHECK(code_of(c.create(0, id_in(1), std::string(wire_max, 'x'))) == "invalid");
  CHECK(c.links[{0, 1}]->letters.empty());
}

TEMPLATE_TEST_CASE("operators look at, retry and ask about what is on other nodes", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  const auto id = id_in(1);
  CHECK(is_ok(c.create(0, id)));
  auto ref = std::make_shared<const entity_ref>(entity_ref{entity_kind::channel, id});
  CHECK(contains(*c.world.ask<std::string>(c.nodes[0]->router, 5s, inspect_atom::value, ref), "\"resident\":true"));
  CHECK(contains(*c.world.ask<std::string>(c.nodes[0]->router, 5s, retry_atom::value, ref, std::string("why")), "\"done\""));
  auto ask = [&](const std::string& node) {
    return *c.world.ask<std::string>(c.nodes[0]->router, 30s, ctl_atom::value, node, std::string("ann"), std::string("{}"));
  };
  CHECK(ask("node-b") == "\"b\"");
  CHECK(ask("b") == "\"b\"");
  CHECK(c.nodes[1]->questions
        == std::vector<inspect_question>{{"@node", "{}"}, {"@node", "{}"}}); // Whoever it names: it is a node that asks.
  CHECK(contains(ask("c"), "not_found"));
  CHECK(contains(*c.world.ask<std::string>(c.nodes[0]->router, 5s, peers_atom::value), R"("name":"node-b","linked":true,"under_way":0)"));
  c.cut(0, 1);
  CHECK(contains(ask("b"), "unavailable"));
  CHECK(contains(*c.world.ask<std::string>(c.nodes[0]->router, 5s, inspect_atom::value, ref), "unavailable"));
  CHECK(contains(*c.world.ask<std::string>(c.nodes[0]->router, 5s, peers_atom::value), "\"linked\":false"));
}

TEMPLATE_TEST_CASE("whatever links and shards do, every ask is answered in the end, and once", "", by_requests, in_packs) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    cluster c(TestType::packs, 3, seed);
    auto& random = c.world.random;
    std::vector<std::pair<std::string, std::string>> pairs;
    for (std::uint32_t i = 0; i < 12; ++i)
      pairs.emplace_back(id_in(static_cast<std::uint32_t>(random() % shard_count), "from" + std::to_string(i) + "."),
                         id_in(static_cast<std::uint32_t>(random() % shard_count), "to" + std::to_string(i) + "."));
    for (int round = 0; round < 25; ++round) {
      const auto from = random() % 3, to = (from + 1 + random() % 2) % 3;
      switch (random() % 4) {
      case 0: c.links[{from, to}]->mode = static_cast<link_mode>(random() % 6); break;
      case 1: c.cut(from, to); break;
      case 2: c.link(from, to); break;
      default: c.move(static_cast<std::uint32_t>(random() % shard_count), from);
      }
      if (random() % 4 == 0) c.tell_view(random() % 3);
      const auto& p = pairs[random() % pairs.size()];
      caf::anon_send(c.nodes[random() % 3]->router, deliver_atom::value,
                     std::make_shared<const envelope>(envelope{{entity_kind::channel, p.first},
                                                               channel_message{register_channel{asking_kind::terms("ask:" + p.second)}}}));
      c.world.run_for(milliseconds(random() % 3'000));
    }
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j)
        if (i != j) c.link(i, j);
      c.tell_view(i);
    }
    // Whoever was in memory on the old owner starts on the new one when it is asked or woken; here the test wakes all.
    for (const auto& p : pairs) REQUIRE(is_ok(c.create(0, p.first, "ask:" + p.second)));
    c.world.run_for(90s);
    for (const auto& p : pairs) {
      REQUIRE(c.row(p.first).status == channel_status::offered);
      REQUIRE(c.version(p.second) == 1);
    }
  }
}
