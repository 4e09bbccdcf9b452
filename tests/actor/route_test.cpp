// Letters between nodes: routers, exchanges, shards and entities of several nodes on one thread of virtual time, one memory store for all,
// and links that do to letters what networks do. What real sockets add is in remote_test.cpp.
#include <catch2/catch.hpp>

#include "tests/actor/route_rig.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<asking_kind>; }

namespace {

/// How letters travel: each as a request, as to a node of the program before this one, or in packs.
struct by_requests {
  static constexpr bool packs = false;
};
struct in_packs {
  static constexpr bool packs = true;
};

using inspect_question = std::pair<std::string, std::string>; // Who, what.

struct node {
  std::string name;
  caf::actor router, exchange;
  shard_table shards;
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();
  std::shared_ptr<counted_metrics> metrics = std::make_shared<counted_metrics>();
  std::vector<inspect_question> questions;
};

/// Nodes "a", "b", ...; the shards are theirs in turn: shard 0 is a's, shard 1 is b's. Everybody is linked with everybody.
struct cluster {
  bool packs;
  virtual_system world;
  memory_store store;
  std::vector<std::unique_ptr<node>> nodes;
  std::map<std::pair<std::size_t, std::size_t>, link_ptr> links;
  std::map<std::pair<std::size_t, std::size_t>, caf::actor> fars; ///< A node's exchange, as another one sees it.
  std::array<std::size_t, shard_count> holder{};
  int refreshes = 0;
  bool keeper_answers = true; ///< A refresh brings the view as it is.
  caf::actor keeper;

  cluster(bool in_packs, std::size_t count, std::uint64_t seed = 1, route_limits limits = {}, std::size_t exchange_max = 1'024)
      : packs(in_packs), world(seed) {
    for (std::uint32_t s = 0; s < shard_count; ++s) holder[s] = s % count;
    keeper = world.own(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](refresh_atom) {
        ++refreshes;
        if (keeper_answers) self->send(caf::actor_cast<caf::actor>(self->current_sender()), view_atom::value, view_of(asker_of(self)));
      }};
    }));
    for (std::size_t i = 0; i < count; ++i) nodes.push_back(make_node(i, limits, exchange_max));
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j)
        if (i != j) link(i, j);
    for (std::size_t i = 0; i < count; ++i) tell_view(i);
    world.settle();
  }

  ~cluster() {
    for (auto& n : nodes)
      for (auto& s : n->shards)
        if (s) caf::anon_send_exit(s, caf::exit_reason::user_shutdown);
    world.settle();
  }

  std::size_t asker_of(caf::event_based_actor* self) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (self->current_sender() == nodes[i]->router) return i;
    return 0;
  }

  std::unique_ptr<node> make_node(std::size_t index, route_limits limits, std::size_t exchange_max) {
    auto n = std::make_unique<node>();
    n->name = std::string(1, static_cast<char>('a' + index));
    n->router = world.own(spawn_router(world.system(), n->metrics, limits));
    auto inspector = world.own(world.system().spawn([at = n.get()](caf::event_based_actor*) -> caf::behavior {
      return {[at](ctl_atom, const std::string& who, const std::string& what) {
        at->questions.emplace_back(who, what);
        return "\"" + at->name + "\"";
      }};
    }));
    n->exchange = world.own(spawn_exchange(world.system(), {n->router, inspector, n->metrics, exchange_max, 10s}));
    n->ports->committers = {world.own(store.spawn_committer(world.system()))};
    n->ports->router = caf::actor_cast<router_actor>(n->router);
    n->ports->clock = world.business();
    n->ports->metrics = n->metrics;
    auto loader = world.own(store.spawn_loader(world.system()));
    for (std::uint32_t s = 0; s < shard_count; ++s)
      if (holder[s] == index) n->shards[s] = spawn_shard(world.system(), s, 1, loader, n->ports);
    caf::anon_send(n->router, route_atom::value, std::make_shared<const shard_table>(n->shards));
    return n;
  }

  void link(std::size_t from, std::size_t to) {
    auto& l = links[{from, to}] = std::make_shared<link_state>();
    l->to = nodes[to]->exchange;
    auto proxy = world.own(world.system().spawn(link_behavior, l));
    fars[{from, to}] = proxy;
    caf::anon_send(nodes[from]->router, link_up_atom::value, nodes[to]->name, proxy, packs);
  }
  void cut(std::size_t from, std::size_t to) {
    caf::anon_send(nodes[from]->router, link_down_atom::value, nodes[to]->name);
    world.settle();
  }

  cluster_view_ptr view_of(std::size_t reader) {
    auto view = std::make_shared<cluster_view>();
    view->self = nodes[reader]->name;
    for (const auto& n : nodes) view->members.push_back({n->name, "node-" + n->name, "", n->name, 1, false});
    for (std::uint32_t s = 0; s < shard_count; ++s) view->owner[s] = static_cast<std::int16_t>(holder[s]);
    return view;
  }
  void tell_view(std::size_t to) {
    caf::send_as(keeper, nodes[to]->router, view_atom::value, view_of(to));
    world.settle();
  }

  /// The shard acts elsewhere from now on; nobody but the two is told.
  void move(std::uint32_t shard, std::size_t to) {
    auto& old = *nodes[holder[shard]];
    if (old.shards[shard]) caf::anon_send_exit(old.shards[shard], caf::exit_reason::user_shutdown);
    old.shards[shard] = nullptr;
    holder[shard] = to;
    auto loader = world.own(store.spawn_loader(world.system()));
    nodes[to]->shards[shard] = spawn_shard(world.system(), shard, 2, loader, nodes[to]->ports);
    for (auto* n : {&old, nodes[to].get()}) caf::anon_send(n->router, route_atom::value, std::make_shared<const shard_table>(n->shards));
    world.settle();
  }

  entity_reply tell(std::size_t at, const std::string& id, channel_message message, caf::timespan patience = 10s) {
    auto letter = std::make_shared<const envelope>(envelope{{entity_kind::channel, id}, std::move(message)});
    auto answer = world.ask<entity_reply_ptr>(nodes[at]->router, patience, deliver_atom::value, letter);
    return answer ? **answer : entity_reply{refused{refusal::invalid, "no answer"}};
  }
  entity_reply create(std::size_t at, const std::string& id, const std::string& title = "x", caf::timespan patience = 10s) {
    return tell(at, id, register_channel{asking_kind::terms(title)}, patience);
  }
  const channel& row(const std::string& id) { return std::get<channel>(store.rows.at({entity_kind::channel, id}).state); }
  std::uint64_t version(const std::string& id) {
    auto row = store.rows.find({entity_kind::channel, id});
    return row == store.rows.end() ? 0 : row->second.header.version;
  }
  std::int64_t sum(std::size_t at, const std::string& name) { return nodes[at]->metrics->sums[name]; }
};

bool is_ok(const entity_reply& reply) { return std::holds_alternative<ok>(reply); }
std::string code_of(const entity_reply& reply) {
  const auto* no = std::get_if<refused>(&reply);
  return no ? std::string(to_text(no->code)) : "none";
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

} // namespace

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
  // Another node answers in the place of the one that was asked, by every number there is.
  pack_writer forged;
  for (std::uint64_t number = 0; number < 100; ++number) forged.add(number, to_wire(remote_answer{entity_reply{ok{}}}));
  for (const auto& pack : forged.take()) caf::anon_send(c.nodes[0]->router, answers_atom::value, (c.fars[{0, 2}]), pack);
  c.world.settle();
  CHECK(c.sum(0, "letters_forwarded_total") == 0);
  c.world.run_for(5s);
  CHECK(c.sum(0, "letters_forward_failed_total{timeout}") == 20);
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
