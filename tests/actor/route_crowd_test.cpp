// Letters between nodes in crowds: what is bounded, and what travels together.
#include <catch2/catch.hpp>

#include "tests/actor/route_cluster.hpp"

using namespace paygate;
using namespace paygate::test;

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<asking_kind>; }

TEMPLATE_TEST_CASE("a frozen peer delays nobody: its letters end in time, and it takes only so many", "", by_requests, in_packs) {
  route_limits limits;
  limits.in_flight_max = 10;
  cluster c(TestType::packs, 3, 1, limits);
  c.links[{0, 1}]->mode = link_mode::lose_letter;
  auto& self = c.world.self();
  using asked = decltype(self->request(c.nodes[0]->router, caf::infinite, deliver_atom::value, envelope_ptr()));
  std::vector<asked> open;
  for (int i = 0; i < 15; ++i)
    open.push_back(
        self->request(c.nodes[0]->router, caf::infinite, deliver_atom::value,
                      std::make_shared<const envelope>(envelope{{entity_kind::channel, id_in(1)}, channel_message{get_channel{}}})));
  c.world.settle();
  CHECK(c.sum(0, "letters_forward_failed_total{busy}") == 5);
  CHECK(is_ok(c.create(0, id_in(2), "x", 50ms)));
  CHECK(is_ok(c.create(0, id_in(0), "x", 50ms)));
  c.world.run_for(limits.patience);
  CHECK(c.sum(0, "letters_forward_failed_total{timeout}") == 10);
  std::map<std::string, int> codes;
  for (auto& o : open) {
    REQUIRE(self->has_next_message());
    o.receive([&](const entity_reply_ptr& reply) { ++codes[code_of(*reply)]; }, [](caf::error&) { FAIL("an error"); });
  }
  CHECK(codes == std::map<std::string, int>{{"busy", 5}, {"unavailable", 10}});
  // Its place is free again when it is back.
  c.links[{0, 1}]->mode = link_mode::pass;
  CHECK(is_ok(c.create(0, id_in(1))));
}

TEMPLATE_TEST_CASE("bytes under way to one node are bounded as letters are", "", by_requests, in_packs) {
  route_limits limits;
  limits.bytes_max = 1'000;
  cluster c(TestType::packs, 2, 1, limits);
  c.links[{0, 1}]->mode = link_mode::lose_letter;
  for (int i = 0; i < 5; ++i)
    caf::anon_send(c.nodes[0]->router, deliver_atom::value,
                   std::make_shared<const envelope>(envelope{
                       {entity_kind::channel, id_in(1)}, channel_message{register_channel{asking_kind::terms(std::string(400, 'x'))}}}));
  c.world.settle();
  CHECK(c.links[{0, 1}]->letters.size() == 3); // The third was begun below the limit.
  CHECK(c.sum(0, "letters_forward_failed_total{busy}") == 2);
}

TEST_CASE("a node that starts anew numbers its letters otherwise: what its last life was owed is no answer to them") {
  route_limits limits;
  limits.first_number = std::uint64_t{1} << 40;
  cluster c(true, 2, 1, limits);
  CHECK(is_ok(c.create(0, id_in(1))));
  CHECK(c.links[{0, 1}]->numbers == std::vector{limits.first_number + 1});
}

TEMPLATE_TEST_CASE("an exchange holds so many letters of one peer, and refuses more as busy", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2, 1, {}, 3);
  c.store.available = false; // Nobody is answered until the row is loaded.
  caf::anon_send_exit(c.nodes[1]->shards[1], caf::exit_reason::kill);
  auto owed = std::make_shared<std::vector<caf::typed_response_promise<entity_reply_ptr>>>();
  auto silent = c.world.own(c.world.system().spawn([owed](caf::event_based_actor* self) -> caf::behavior {
    return {[self, owed](deliver_atom, const envelope_ptr&) -> caf::result<entity_reply_ptr> {
      return owed->emplace_back(self->make_response_promise<entity_reply_ptr>());
    }};
  }));
  auto table = std::make_shared<shard_table>(c.nodes[1]->shards);
  (*table)[1] = silent;
  caf::anon_send(c.nodes[1]->router, route_atom::value, shard_table_ptr(table));
  c.world.settle();
  for (int i = 0; i < 5; ++i)
    caf::anon_send(c.nodes[0]->router, deliver_atom::value,
                   std::make_shared<const envelope>(envelope{{entity_kind::channel, id_in(1)}, channel_message{get_channel{}}}));
  c.world.settle();
  CHECK(c.sum(1, "letters_received_total{busy}") == 2);
  c.world.run_for(10s); // What nobody waits for any more gives its place back.
  CHECK(code_of(c.tell(0, id_in(1), get_channel{})) == "unavailable");
  CHECK(c.sum(1, "letters_received_total{busy}") == 2);
  owed->front().deliver(entity_reply_ptr(std::make_shared<const entity_reply>(ok{}))); // Too late: its letter was answered.
  c.world.settle();
  CHECK(c.sum(1, "letters_received_total{handled}") == 0);
  CHECK(c.sum(1, "letters_received_total{unanswered}") == 4);
  c.nodes[1]->shards[1] = nullptr;
}

TEMPLATE_TEST_CASE("a letter whose answer nobody owes any more is answered at once, not after its patience", "", by_requests, in_packs) {
  cluster c(TestType::packs, 2);
  auto forgetful = c.world.own(c.world.system().spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](deliver_atom, const envelope_ptr&) -> caf::result<entity_reply_ptr> {
      return self->make_response_promise<entity_reply_ptr>();
    }};
  }));
  auto table = std::make_shared<shard_table>(c.nodes[1]->shards);
  (*table)[1] = forgetful;
  caf::anon_send(c.nodes[1]->router, route_atom::value, shard_table_ptr(table));
  c.world.settle();
  auto asked =
      c.world.self()->request(c.nodes[0]->router, caf::infinite, deliver_atom::value,
                              std::make_shared<const envelope>(envelope{{entity_kind::channel, id_in(1)}, channel_message{get_channel{}}}));
  c.world.settle(); // No virtual time passes.
  REQUIRE(c.world.self()->has_next_message());
  asked.receive([](const entity_reply_ptr& reply) { CHECK(code_of(*reply) == "unavailable"); }, [](caf::error&) { FAIL("an error"); });
  CHECK(c.sum(1, "letters_received_total{unanswered}") == 1);
}

TEST_CASE("letters that gather travel together, and an answer counts only from the node that was asked") {
  cluster c(true, 3);
  c.links[{0, 1}]->mode = link_mode::lose_answer;
  for (int i = 0; i < 20; ++i)
    caf::anon_send(c.nodes[0]->router, deliver_atom::value,
                   std::make_shared<const envelope>(
                       envelope{{entity_kind::channel, id_in(1, "p" + std::to_string(i) + ".")}, channel_message{get_channel{}}}));
  c.world.settle();
  CHECK(c.links[{0, 1}]->letters.size() == 20);
  CHECK(c.links[{0, 1}]->packs < 20);
  // Another node answers in the place of the one that was asked, by every number that it could want.
  pack_writer forged;
  REQUIRE(c.links[{0, 1}]->numbers.size() == 20);
  for (const auto number : c.links[{0, 1}]->numbers) forged.add(number, to_wire(remote_answer{entity_reply{ok{}}}));
  for (const auto& pack : forged.take()) caf::anon_send(c.nodes[0]->router, answers_atom::value, (c.fars[{0, 2}]), pack);
  c.world.settle();
  CHECK(c.sum(0, "letters_forwarded_total") == 0);
  c.world.run_for(5s);
  CHECK(c.sum(0, "letters_forward_failed_total{timeout}") == 20);
}

TEST_CASE("while the machine is busy, a crowd's letters to one node wait for each other, and so do its answers") {
  bool busy = true;
  route_limits limits;
  limits.pause = {[&busy] { return busy ? 5u : 0u; }, 1ms, 3};
  cluster c(true, 2, 1, limits);
  const auto ask = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      caf::anon_send(c.nodes[0]->router, deliver_atom::value,
                     std::make_shared<const envelope>(
                         envelope{{entity_kind::channel, id_in(1, "p" + std::to_string(i) + ".")}, channel_message{get_channel{}}}));
      c.world.settle(); // One after the other: nothing but the pause brings them together.
    }
  };
  auto& there = *c.links[{0, 1}];
  SECTION("few do not wait") {
    ask(0, 2);
    CHECK(there.packs == 2);
    CHECK(c.sum(0, "letters_forwarded_total") == 2);
  }
  SECTION("a crowd does") {
    there.mode = link_mode::lose_answer; // So that letters stay under way.
    ask(0, 3);
    CHECK(there.packs == 2);
    ask(3, 20);
    CHECK(there.packs == 2);
    c.world.run_for(5ms);
    CHECK(there.packs == 3);
    CHECK(there.letters.size() == 20);
    c.world.run_for(5s);
    CHECK(c.sum(0, "letters_forward_failed_total{timeout}") == 20);
  }
  SECTION("nobody does when there is time to spare") {
    busy = false;
    there.mode = link_mode::lose_answer;
    ask(0, 20);
    CHECK(there.packs == 20);
  }
  SECTION("answers of a crowd") {
    std::vector<caf::typed_response_promise<entity_reply_ptr>> owed;
    auto slow = c.world.own(c.world.system().spawn([&owed](caf::event_based_actor* self) -> caf::behavior {
      return {[self, &owed](deliver_atom, const envelope_ptr&) -> caf::result<entity_reply_ptr> {
        return owed.emplace_back(self->make_response_promise<entity_reply_ptr>());
      }};
    }));
    auto table = std::make_shared<shard_table>(c.nodes[1]->shards);
    (*table)[1] = slow;
    caf::anon_send(c.nodes[1]->router, route_atom::value, shard_table_ptr(table));
    ask(0, 6);
    c.world.run_for(5ms);
    REQUIRE(owed.size() == 6);
    const auto answer = [&](std::size_t i) {
      owed[i].deliver(std::make_shared<const entity_reply>(ok{}));
      c.world.settle();
    };
    answer(0); // Five are left.
    answer(1);
    CHECK(there.answer_packs == 0);
    c.world.run_for(5ms);
    CHECK(there.answer_packs == 1);
    CHECK(c.sum(0, "letters_forwarded_total") == 2);
    answer(2); // Three.
    answer(3);
    answer(4);
    c.world.run_for(5ms);
    CHECK(there.answer_packs == 2);
    answer(5); // None: it goes at once.
    CHECK(there.answer_packs == 3);
    CHECK(c.sum(0, "letters_forwarded_total") == 6);
    caf::anon_send_exit(slow, caf::exit_reason::user_shutdown);
  }
}
