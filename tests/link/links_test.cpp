// Whole nodes in one process, each with its own actor system, pump and certificate: links come up, break, come back; operators come in.
#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <thread>

#include <caf/all.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>

#include "io/link/doors.hpp"
#include "io/link/hand_over.hpp"
#include "io/link/links.hpp"
#include "io/link/roster.hpp"
#include "messages/cluster.hpp"
#include "messages/interfaces.hpp"
#include "messages/log.hpp"
#include "tests/link/link_rig.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

struct node_config : caf::actor_system_config {
  node_config() {
    config_file_path = "";
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
    set("middleman.heartbeat-interval", caf::timespan(1s));
    set("middleman.connection-timeout", caf::timespan(20s));
    add_link_types(*this);
  }
};

/// What the router of a node would see.
struct seen_links {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, caf::actor> up;
  std::map<std::string, int> ups, downs;

  template <class F>
  bool wait(F&& condition, std::chrono::milliseconds limit = patience) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, limit, std::forward<F>(condition));
  }
  bool wait_up(const std::string& identity, int times = 1) {
    return wait([&] { return ups[identity] >= times && up.contains(identity); });
  }
  bool wait_down(const std::string& identity, int times = 1) {
    return wait([&] { return downs[identity] >= times; });
  }
};

link_limits calm() {
  link_limits limits;
  limits.idle = 20s;
  return limits;
}

/// One node: identity "id-NAME" unless said otherwise.
struct node {
  explicit node(const std::string& name_, std::string certificate = {}, link_limits limits = calm())
      : name(name_), identity("id-" + name_), seen(std::make_shared<seen_links>()) {
    auto listener = system.spawn([s = seen](caf::event_based_actor*) -> caf::behavior {
      return {[s](link_up_atom, const std::string& who, const caf::actor& theirs, bool) {
                const std::lock_guard lock(s->mutex);
                s->up[who] = theirs;
                ++s->ups[who];
                s->changed.notify_all();
              },
              [s](link_down_atom, const std::string& who) {
                const std::lock_guard lock(s->mutex);
                s->up.erase(who);
                ++s->downs[who];
                s->changed.notify_all();
              }};
    });
    exchange = system.spawn([n = name](caf::event_based_actor*) -> caf::behavior {
      return {[n](const std::string& text) { return n + " got " + text; }, [](forward_atom, const std::string& bytes) { return bytes; }};
    });
    auto inspector = system.spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](ctl_atom, const std::string& who, const std::string& command) { return who + " asks " + command; }};
    });
    cluster_door_setup setup;
    setup.own = open_store(ours().folder(certificate.empty() ? "node/" + name : certificate));
    setup.listener = listener;
    setup.exchange = exchange;
    setup.inspector = inspector;
    setup.limits = limits;
    setup.dial_patience = 10s;
    setup.retry_max = 500ms;
    auto listening = listen_at("127.0.0.1", 0);
    if (auto* wrong = std::get_if<std::string>(&listening)) throw std::runtime_error(*wrong);
    port = std::get<0>(listening).second;
    links = open_cluster_door(system, std::move(std::get<0>(listening).first), std::move(setup));
    actors = {listener, exchange, inspector};
  }
  ~node() {
    stop();
    for (auto& actor : actors) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    const std::lock_guard lock(seen->mutex);
    seen->up.clear();
  }
  void stop() { caf::anon_send_exit(std::exchange(links, nullptr), caf::exit_reason::user_shutdown); }

  cluster_member member() const { return {identity, name, "127.0.0.1:" + std::to_string(port), caf::to_string(system.node()), 1, false}; }
  void see(std::vector<cluster_member> members) {
    auto view = std::make_shared<cluster_view>();
    view->self = identity;
    view->members = std::move(members);
    caf::anon_send(links, view_atom::value, cluster_view_ptr(view));
  }
  std::string ask(const std::string& whom, const std::string& text) {
    caf::actor to;
    {
      const std::lock_guard lock(seen->mutex);
      to = seen->up[whom];
    }
    std::string answer;
    caf::scoped_actor self{system};
    self->request(to, patience, text)
        .receive([&](std::string& s) { answer = std::move(s); }, [&](caf::error& e) { answer = system.render(e); });
    return answer;
  }

  std::string name, identity;
  node_config config;
  caf::actor_system system{config};
  std::shared_ptr<seen_links> seen;
  caf::actor exchange;
  std::vector<caf::actor> actors;
  caf::actor links;
  std::uint16_t port = 0;
};

void know_each_other(std::initializer_list<node*> nodes) {
  std::vector<cluster_member> members;
  for (const auto* n : nodes) members.push_back(n->member());
  for (auto* n : nodes) n->see(members);
}

/// Lines of the log by their event, as long as it lives.
struct log_watch {
  log_watch() {
    set_log_sink([l = lines](log_level, std::string_view event, std::initializer_list<log_field> fields) {
      std::string text(event);
      for (const auto& f : fields) text += " " + std::string(f.key) + "=" + f.value;
      const std::lock_guard lock(l->mutex);
      l->all.push_back(text);
      l->changed.notify_all();
    });
  }
  ~log_watch() { set_log_sink({}); }
  bool wait(const std::string& part) {
    std::unique_lock lock(lines->mutex);
    return lines->changed.wait_for(lock, patience, [&] {
      return std::any_of(lines->all.begin(), lines->all.end(), [&](const auto& line) { return line.find(part) != line.npos; });
    });
  }
  std::string all() {
    const std::lock_guard lock(lines->mutex);
    std::string text;
    for (const auto& line : lines->all) text += line + "\n";
    return text;
  }
  struct kept {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> all;
  };
  std::shared_ptr<kept> lines = std::make_shared<kept>();
};

/// An operator's tool: dials, hands over to its own BASP, and holds what stands behind the door.
struct operator_tool {
  explicit operator_tool(const std::string& folder, std::uint16_t port) : rig(folder, calm()) {
    auto answer = rig.dial("127.0.0.1:" + std::to_string(port));
    if (auto* wrong = std::get_if<std::string>(&answer)) {
      failure = *wrong;
      return;
    }
    opened = std::get<link_opened_ptr>(answer);
    rig.pump->start(opened->id, guard_rules{});
    self->request(basp_of(system), patience, caf::connect_atom_v, scribe_of(system, std::move(opened->plain)), no_port)
        .receive([&](caf::node_id& n, caf::strong_actor_ptr& found,
                     std::set<std::string>&) { door = caf::actor_cast<caf::actor>(found), server = n; },
                 [&](caf::error& e) { failure = system.render(e); });
  }
  std::string ask(const std::string& command, const caf::actor& whom, std::chrono::milliseconds limit = patience) {
    std::string result;
    self->request(whom, limit, ctl_atom::value, command)
        .receive([&](std::string& a) { result = std::move(a); }, [&](caf::error& e) { result = system.render(e); });
    return result;
  }
  node_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  pump_rig rig;
  link_opened_ptr opened;
  caf::actor door;
  caf::node_id server;
  std::string failure;
};

} // namespace

TEST_CASE("three nodes link each pair once, and talk both ways") {
  node a("a"), b("b"), c("c");
  know_each_other({&a, &b, &c});
  for (auto* n : {&a, &b, &c})
    for (auto* other : {&a, &b, &c})
      if (n != other) {
        REQUIRE(n->seen->wait_up(other->identity));
        CHECK(n->ask(other->identity, "hello from " + n->name) == other->name + " got hello from " + n->name);
      }
  // Views that say nothing new change nothing.
  know_each_other({&a, &b, &c});
  CHECK(a.ask(b.identity, "again") == "b got again");
  CHECK(a.seen->ups[b.identity] == 1);
  CHECK(a.seen->downs.empty());
}

TEST_CASE("a link that breaks is told, and comes back as a new one") {
  node a("a");
  auto b = std::make_unique<node>("b");
  know_each_other({&a, b.get()});
  REQUIRE(a.seen->wait_up("id-b"));
  b->stop();
  REQUIRE(a.seen->wait_down("id-b"));
  b = nullptr;
  // Another process of the same node: same name and certificate, a new identity, another port.
  node again("b");
  again.identity = "id-b2";
  know_each_other({&a, &again});
  REQUIRE(a.seen->wait_up("id-b2"));
  REQUIRE(again.seen->wait_up("id-a"));
  CHECK(a.ask("id-b2", "x") == "b got x");
  CHECK(again.ask("id-a", "y") == "a got y");
}

TEST_CASE("a connection that is cut comes back, and the handle with it") {
  link_limits hasty = calm();
  hasty.idle = 3s;
  node a("a", {}, hasty), b("b", {}, hasty);
  // Between them something that can be cut: a forwarder of bytes.
  const auto middle = listen_at("127.0.0.1", 0);
  const auto& listener = std::get<0>(middle);
  std::atomic<int> cuts{0}, accepted{0};
  std::atomic<bool> stop{false};
  std::thread forwarder([&] {
    unique_fd left, right;
    int cut = 0;
    while (!stop) {
      if (cut != cuts) cut = cuts, left.reset(), right.reset();
      if (!left) {
        left = unique_fd(accept4(listener.first.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (left) right = connect_to(b.port), ++accepted;
      } else {
        for (auto [from, to] : {std::pair{left.get(), right.get()}, {right.get(), left.get()}}) {
          char bytes[16384];
          const auto n = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
          if (n == 0) {
            left.reset(), right.reset();
            break;
          }
          if (n > 0) send_all(to, {bytes, static_cast<std::size_t>(n)});
        }
      }
      std::this_thread::yield();
    }
  });
  auto through = b.member();
  through.address = "127.0.0.1:" + std::to_string(listener.second);
  a.see({a.member(), through});
  b.see({a.member(), b.member()});
  for (int round = 1; round <= 3; ++round) {
    CHECK(a.seen->wait_up("id-b", round));
    CHECK(b.seen->wait_up("id-a", round));
    CHECK(a.ask("id-b", "round") == "b got round");
    CHECK(b.ask("id-a", "round") == "a got round");
    ++cuts;
    CHECK(a.seen->wait_down("id-b", round));
    CHECK(b.seen->wait_down("id-a", round));
  }
  stop = true;
  forwarder.join();
  CHECK(accepted >= 3);
}

TEST_CASE("only members come in, and only as who they are") {
  node a("a"), b("b");
  SECTION("one that the acceptor does not know waits until it does") {
    log_watch lines;
    a.see({a.member(), b.member()});
    CHECK(lines.wait("link_not_up node=b"));
    CHECK(lines.wait("node/a is no member that I know of"));
    b.see({a.member(), b.member()});
    CHECK(a.seen->wait_up("id-b"));
  }
  SECTION("one with another member's certificate") {
    node c("c", "node/b"); // Says that it is c, and can only show b's certificate.
    log_watch lines;
    know_each_other({&a, &c});
    CHECK(lines.wait("there is node/b, not node/c"));
    CHECK(a.seen->ups.empty());
  }
  SECTION("one that says it is another member") {
    node c("c");
    auto lie = c.member();
    lie.identity = "id-0"; // Lower than a's: it dials.
    c.identity = "id-0";
    log_watch lines;
    a.see({a.member(), {"id-0", "b", "", caf::to_string(c.system.node()), 1, false}, {"id-z", "c", "", "elsewhere", 1, false}});
    c.see({a.member(), lie});
    CHECK(lines.wait("why=node/c is not the CAF node " + caf::to_string(c.system.node())));
    CHECK(c.seen->ups.empty());
  }
  SECTION("one that left is dropped") {
    know_each_other({&a, &b});
    REQUIRE(a.seen->wait_up("id-b"));
    a.see({a.member()});
    CHECK(a.seen->wait_down("id-b"));
    CHECK(b.seen->wait_down("id-a"));
  }
  SECTION("a node with a new identity links anew") {
    know_each_other({&a, &b});
    REQUIRE(a.seen->wait_up("id-b"));
    REQUIRE(b.seen->wait_up("id-a"));
    b.identity = "id-b-later";
    know_each_other({&a, &b});
    CHECK(a.seen->wait_down("id-b"));
    CHECK(a.seen->wait_up("id-b-later"));
    CHECK(b.seen->wait_up("id-a", 2));
    CHECK(b.ask("id-a", "z") == "a got z");
  }
}

TEST_CASE("two members with the same CAF node id: the one that came later is refused, and the log says why") {
  node a("a"), b("b"), c("c");
  know_each_other({&a, &b});
  REQUIRE(a.seen->wait_up("id-b"));
  log_watch lines;
  auto twin = c.member();
  twin.caf_node = b.member().caf_node;
  twin.identity = "id-aa"; // Not the order of identities decides, but who was there first.
  a.see({a.member(), twin, b.member()});
  CHECK(lines.wait("same_caf_node node=c identity=id-aa caf_node=" + twin.caf_node));
  CHECK(a.ask("id-b", "still") == "b got still");
  CHECK(a.seen->ups.count("id-aa") == 0);

  cluster_view view;
  view.self = "id-b";
  view.members = {a.member(), twin, b.member()};
  CHECK(same_nodes(view, {}) == std::set<std::string>{"id-aa"}); // A node never refuses itself.
  view.members[1].name = "b";
  CHECK(same_nodes(view, {}).empty()); // The same node before it was started anew.
}

TEST_CASE("an operator asks under the name of the certificate, and reaches nothing but the door") {
  node a("a");
  operator_tool olga(ours().folder("operator/olga"), a.port);
  REQUIRE(olga.failure.empty());
  CHECK(olga.ask("who am I", olga.door) == "olga asks who am I");

  // With a tool of her own she sends to any actor of the process by its number: to the exchange, to the inspector, to the links.
  std::promise<void> reached;
  auto target = a.system.spawn(
      [&reached](caf::event_based_actor*) -> caf::behavior { return {[&reached](ctl_atom, const std::string&) { reached.set_value(); }}; });
  a.system.registry().put(target.id(), caf::actor_cast<caf::strong_actor_ptr>(target));
  auto& proxies = caf::actor_cast<caf::io::basp_broker*>(basp_of(olga.system))->instance.proxies();
  const auto forged = caf::actor_cast<caf::actor>(proxies.get_or_put(olga.server, target.id()));
  REQUIRE(forged);
  for (int i = 0; i < 3; ++i) caf::anon_send(forged, ctl_atom::value, std::string("forged"));
  CHECK(olga.ask("later", olga.door) == "olga asks later"); // What was sent before has been dealt with.
  CHECK(reached.get_future().wait_for(0s) == std::future_status::timeout);
  caf::anon_send_exit(target, caf::exit_reason::user_shutdown);

  CHECK_FALSE(operator_tool(strangers().folder("operator/olga"), a.port).failure.empty());
  CHECK_THAT(operator_tool(ours().folder("node/b"), a.port).failure, Catch::Contains("node/b is no member"));
}

TEST_CASE("an operator's own frames: a question as CAF writes it is answered, and whatever else comes ends the connection") {
  node a("a");
  // What CAF itself writes is what the guard wants to see, byte for byte.
  operator_tool olga(ours().folder("operator/olga"), a.port);
  REQUIRE(olga.failure.empty());
  std::vector<char> written;
  caf::binary_serializer sink(olga.system, written);
  std::vector<caf::strong_actor_ptr> stages;
  REQUIRE_FALSE(sink(stages, caf::make_message(ctl_atom::value, std::string("{}"))));
  const std::string question(written.begin(), written.end());
  CHECK(question.substr(0, 18) == std::string("\0\0\0\x0e@<>+@atom+@str", 18));

  const auto before = resident_bytes();
  log_watch lines;
  const auto door = olga.door.id();
  const auto opening = question.substr(0, 26);
  std::string other_atom = question,
              bomb = std::string("\0\0\0\x11@<>+@atom+@charbuf", 21) + question.substr(18, 8) + "\x8f\xff\xff\xff\x7f";
  other_atom[25] ^= 1;
  const std::vector<std::pair<std::string, bool>> said{
      {question, true},
      {other_atom, false},
      {bomb, false},
      {std::string("\0\0\0\x10@<>+@atom+@actor", 20) + question.substr(18, 8), false},
      {std::string("\0\0\0\x0b@<>+@error", 15) + std::string(60'000, '\1'), false},
      {opening + std::string(200'000, 'x'), false},
  };
  for (const auto& [payload, good] : said) {
    pump_rig tool(ours().folder("operator/olga"), calm());
    auto answer = tool.dial("127.0.0.1:" + std::to_string(a.port), "a");
    REQUIRE(std::holds_alternative<link_opened_ptr>(answer));
    const auto& opened = std::get<link_opened_ptr>(answer);
    tool.pump->start(opened->id, {});
    // A handshake of CAF's own, from a process that there is not.
    std::vector<char> hello;
    caf::binary_serializer greet(olga.system, hello);
    node_config other_config;
    caf::actor_system other(other_config);
    REQUIRE_FALSE(greet(other.node()));
    const auto hand = std::string(hello.begin(), hello.end());
    // The server's handshake names the door; the actor's number is in its payload's header.
    const auto greeting = read_some(opened->plain.get(), frame_guard::header_size);
    REQUIRE(greeting.size() == frame_guard::header_size);
    std::uint32_t size = 0;
    for (std::size_t i = 4; i < 8; ++i) size = size << 8 | static_cast<std::uint8_t>(greeting[i]);
    const auto rest = read_some(opened->plain.get(), size);
    caf::node_id server;
    std::vector<std::string> apps;
    caf::actor_id own_door = 0;
    caf::binary_deserializer source(olga.system, rest.data(), rest.size());
    REQUIRE_FALSE(source(server, apps, own_door));
    CHECK(own_door != door);
    send_all(opened->plain.get(), frame_header(1, static_cast<std::uint32_t>(hand.size())) + hand
                                      + frame_header(2, static_cast<std::uint32_t>(payload.size()), own_door) + payload);
    const auto end = tool.end_of(opened->id, good ? 1s : patience);
    INFO(end.value_or("it stands"));
    if (!good) CHECK(lines.wait(payload.size() > 150'000 ? "bytes is announced" : "of a kind that is not expected here"));
    if (good && end) FAIL(lines.all());
    CHECK(end.has_value() == !good);
  }
  CHECK(resident_bytes() < before + (64u << 20));
  CHECK(olga.ask("who am I", olga.door) == "olga asks who am I");
}

TEST_CASE("a node that came in and says no hello is ended, and so is one that is a member no more") {
  node a("a"), b("b");
  a.see({a.member(), {"id-0", "b", "", caf::to_string(b.system.node()), 1, false}}); // It would dial us.
  log_watch lines;
  pump_rig quiet(ours().folder("node/b"), calm());
  std::variant<link_opened_ptr, std::string> answer = std::string("not tried");
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!std::holds_alternative<link_opened_ptr>(answer) && std::chrono::steady_clock::now() < until)
    answer = quiet.dial("127.0.0.1:" + std::to_string(a.port), "a"); // Until the view has come.
  REQUIRE(std::holds_alternative<link_opened_ptr>(answer));
  const auto& opened = std::get<link_opened_ptr>(answer);
  quiet.pump->start(opened->id, {});
  SECTION("in silence") {
    CHECK(quiet.end_of(opened->id));
    CHECK(lines.wait("why=no hello in time"));
  }
  SECTION("not a member any more") {
    REQUIRE(read_some(opened->plain.get(), 1).size() == 1); // The links actor has it.
    a.see({a.member()});
    CHECK(quiet.end_of(opened->id));
    CHECK(lines.wait("why=node/b is no member that I know of"));
  }
}

TEST_CASE("each connection has one CAF node id, and an operator's is no other's") {
  auto members = std::make_shared<roster>();
  const peer_name olga{peer_role::person, "olga"}, otto{peer_role::person, "otto"};
  auto first = roster::checks_of(members, olga);
  CHECK_FALSE(first("node 1"));
  CHECK_FALSE(first("node 1"));
  CHECK_THAT(first("node 2").value_or(""), Catch::Contains("another CAF node"));
  CHECK_THAT(roster::checks_of(members, otto)("node 1").value_or(""), Catch::Contains("another connection"));
  CHECK_FALSE(roster::checks_of(members, otto)("node 2"));
  first = nullptr;
  CHECK_FALSE(roster::checks_of(members, otto)("node 1")); // It has ended.
}

TEST_CASE("a black-holed member keeps no other from being linked") {
  node a("a"), b("b");
  const auto hole = listen_at("127.0.0.1", 0); // Accepts nobody; the kernel shakes hands, and then there is silence.
  cluster_member gone{"id-gone", "gone", "127.0.0.1:" + std::to_string(std::get<0>(hole).second), "elsewhere", 1, false};
  a.see({a.member(), b.member(), gone});
  b.see({a.member(), b.member(), gone});
  CHECK(a.seen->wait_up("id-b"));
  CHECK(a.ask("id-b", "x") == "b got x");
  CHECK(a.seen->ups.count("id-gone") == 0);
}

TEST_CASE("a frame of 4 GB from a member ends its link and nothing else") {
  node a("a"), b("b");
  const auto before = resident_bytes();
  know_each_other({&a, &b});
  REQUIRE(b.seen->wait_up("id-a"));
  // The same certificate, on a connection of its own.
  pump_rig evil(ours().folder("node/b"), calm());
  auto answer = evil.dial("127.0.0.1:" + std::to_string(a.port), "a");
  REQUIRE(std::holds_alternative<link_opened_ptr>(answer));
  const auto& opened = std::get<link_opened_ptr>(answer);
  evil.pump->start(opened->id, {});
  REQUIRE(send_all(opened->plain.get(), frame_header(1, 0xffffffffu)));
  CHECK(evil.end_of(opened->id));
  CHECK(resident_bytes() < before + (64u << 20));
  CHECK(a.ask("id-b", "alive") == "b got alive");
}

TEST_CASE("large letters go through, larger than the limit end the link and it comes back") {
  node a("a"), b("b");
  know_each_other({&a, &b});
  REQUIRE(a.seen->wait_up("id-b"));
  REQUIRE(b.seen->wait_up("id-a"));
  const auto echo = [&](std::size_t size) {
    caf::scoped_actor self{a.system};
    std::size_t back = 0;
    self->request(a.seen->up["id-b"], 5s, forward_atom::value, std::string(size, 'x'))
        .receive([&](const std::string& bytes) { back = bytes.size(); }, [](const caf::error&) {});
    return back;
  };
  CHECK(echo(4u << 20) == 4u << 20);
  CHECK(echo(9u << 20) == 0);
  CHECK(a.seen->wait_up("id-b", 2));
  CHECK(b.seen->wait_up("id-a", 2));
  CHECK(a.ask("id-b", "back") == "b got back");
}
