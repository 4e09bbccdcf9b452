// The link's thread against real sockets: who comes in, who does not, and what those who mean harm cost.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <thread>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/link/link_rig.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

link_opened_ptr opened(const std::variant<link_opened_ptr, std::string>& answer) {
  if (const auto* wrong = std::get_if<std::string>(&answer)) throw std::runtime_error(*wrong);
  return std::get<link_opened_ptr>(answer);
}

/// A connection whose bytes pass: the dialer's end and the other one.
std::pair<link_opened_ptr, link_opened_ptr> started_between(pump_rig& client, pump_rig& server) {
  auto out = opened(client.dial(server.address()));
  auto in = server.next_opened();
  REQUIRE(in);
  server.pump->start(in->id, {});
  client.pump->start(out->id, {});
  return {out, in};
}

std::string refusal(const std::variant<link_opened_ptr, std::string>& answer) {
  return std::holds_alternative<std::string>(answer) ? std::get<std::string>(answer) : "";
}

link_limits patient() {
  link_limits limits;
  limits.idle = limits.stall = limits.linger = limits.handshake = patience;
  return limits;
}

/// A client of OpenSSL's own, with any context: for those that our link would not be.
struct plain_client {
  explicit plain_client(std::uint16_t port, SSL_CTX* context) : fd(connect_to(port)), ssl(SSL_new(context)) {
    SSL_set_fd(ssl, fd.get());
    const timeval limit{60, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~plain_client() { SSL_free(ssl); }
  /// True when the server lets us in: under TLS 1.3 a client only learns by reading.
  bool gets_in() {
    char byte = 0;
    return SSL_connect(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1;
  }
  unique_fd fd;
  SSL* ssl;
};

} // namespace

TEST_CASE("two nodes with good certificates talk, and each knows who the other is") {
  pump_rig server(ours().folder("node/a"), patient()), client(ours().folder("node/b"), patient());
  std::vector<std::string> asked;
  server.listen([&asked](const peer_name& peer) {
    asked.push_back(to_text(peer));
    return std::optional<std::string>();
  });
  const auto out = opened(client.dial(server.address(), "a"));
  const auto in = server.next_opened();
  REQUIRE(in);
  CHECK(asked == std::vector<std::string>{"node/b"});
  CHECK(to_text(in->peer) == "node/b");
  CHECK(to_text(out->peer) == "node/a");
  CHECK(in->address == "127.0.0.1");
  client.pump->start(out->id, {});
  REQUIRE(send_all(out->plain.get(), "hello"));
  server.pump->start(in->id, {}); // What came before is not lost.
  CHECK(read_some(in->plain.get(), 5) == "hello");
  REQUIRE(send_all(in->plain.get(), "and back"));
  CHECK(read_some(out->plain.get(), 8) == "and back");

  // One direction ends, the other goes on.
  shutdown(out->plain.get(), SHUT_WR);
  CHECK(read_to_end(in->plain.get()) == "");
  REQUIRE(send_all(in->plain.get(), "the last word"));
  in->plain.reset();
  CHECK(read_to_end(out->plain.get()).value_or("nothing") == "the last word");
  out->plain.reset();
  CHECK(server.end_of(in->id) == "closed");
  CHECK(client.end_of(out->id) == "closed");
}

TEST_CASE("who is not who they should be is turned away, with a reason where one is due") {
  pump_rig server(ours().folder("node/a"));
  server.listen([](const peer_name& peer) {
    const bool member = peer == peer_name{peer_role::node, "b"};
    return member ? std::nullopt : std::optional<std::string>(to_text(peer) + " is no member");
  });
  const auto at = server.address();
  SECTION("the dialer wants another name") {
    CHECK(refusal(pump_rig(ours().folder("node/b")).dial(at, "c")) == "there is node/a, not node/c");
  }
  SECTION("the acceptor does not know the name") {
    CHECK(refusal(pump_rig(ours().folder("node/c")).dial(at, "a")) == "refused by node/a: node/c is no member");
  }
  SECTION("an operator is no node") {
    CHECK(refusal(pump_rig(ours().folder("operator/b")).dial(at, "a")) == "refused by node/a: operator/b is no member");
  }
  SECTION("another authority: neither side trusts the other") {
    CHECK_THAT(refusal(pump_rig(strangers().folder("node/b")).dial(at, "a")), Catch::Contains("unable to get local issuer certificate"));
  }
  SECTION("no certificate, a stranger's certificate, TLS 1.2: by a client that checks nothing itself") {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    CHECK_FALSE(plain_client(server.port, context.get()).gets_in());
    const auto foreign = strangers().folder("node/b"), good = ours().folder("node/b");
    SSL_CTX_use_certificate_file(context.get(), (foreign + "/cert.pem").c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context.get(), (foreign + "/key.pem").c_str(), SSL_FILETYPE_PEM);
    CHECK_FALSE(plain_client(server.port, context.get()).gets_in());
    SSL_CTX_use_certificate_file(context.get(), (good + "/cert.pem").c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context.get(), (good + "/key.pem").c_str(), SSL_FILETYPE_PEM);
    CHECK(plain_client(server.port, context.get()).gets_in()); // So it is not the client's fault.
    SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
    CHECK_FALSE(plain_client(server.port, context.get()).gets_in());
    CHECK(server.next_opened());
  }
  SECTION("an operator's certificate makes no server") {
    // Somebody with an operator's certificate listens where node a should be.
    pump_rig impostor(ours().folder("operator/b"));
    impostor.listen();
    CHECK_THAT(refusal(pump_rig(ours().folder("node/b")).dial(impostor.address())), Catch::Contains("certificate purpose"));
  }
  CHECK(server.opened_count() <= 1);
  // The door is as good as before.
  CHECK(opened(pump_rig(ours().folder("node/b")).dial(at, "a")));
}

TEST_CASE("what speaks no TLS is dropped, what says nothing too, and the thread sleeps meanwhile") {
  link_limits limits;
  limits.handshake = 1500ms;
  pump_rig server(ours().folder("node/a"), limits);
  server.listen();
  std::vector<unique_fd> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(connect_to(server.port));
  // In the middle of a handshake, and then nothing.
  for (int i = 0; i < 5; ++i) CHECK(send_all(silent[static_cast<std::size_t>(i)].get(), std::string("\x16\x03\x01\x02\x00\x01", 6)));
  const auto loud = connect_to(server.port), garbage = connect_to(server.port), basp = connect_to(server.port);
  CHECK(send_all(loud.get(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(send_all(garbage.get(), std::string(100'000, '\xee')));
  CHECK(send_all(basp.get(), frame_header(1, 60) + std::string(60, 'x')));
  for (const auto* fd : {&loud, &garbage, &basp}) {
    const auto answer = read_to_end(fd->get());
    REQUIRE(answer);
    CHECK(answer->size() < 100); // At most an alert: nothing of BASP.
  }
  const auto before = thread_time("link");
  const auto rounds = server.pump->rounds();
  for (const auto& fd : silent) CHECK(read_to_end(fd.get())); // The deadline ends them.
  const auto spent = thread_time("link") - before;
  INFO("1.5 s of 20 silent connections took " << spent.count() / 1000 << " us of processor time");
  CHECK(spent < 200ms);
  // On a machine that is busy otherwise a thread that spins gets little time, and shows all the same.
  CHECK(server.pump->rounds() - rounds < 500);
  CHECK(server.opened_count() == 0);
}

TEST_CASE("a peer that falls silent after it was let in is dropped, and so is one that is never started") {
  link_limits limits;
  limits.idle = limits.handshake = 1000ms;
  pump_rig server(ours().folder("node/a"), limits), client(ours().folder("node/b"), patient());
  server.listen();
  const auto out = opened(client.dial(server.address()));
  const auto in = server.next_opened();
  REQUIRE(in);
  SECTION("started") {
    server.pump->start(in->id, {});
    client.pump->start(out->id, {});
    CHECK(server.end_of(in->id) == "silent");
  }
  SECTION("never started") {
    client.pump->start(out->id, {});
    CHECK(server.end_of(in->id));
  }
  CHECK(client.end_of(out->id));
}

TEST_CASE("an authenticated peer that announces 4 GB is cut off, and no memory is made for it") {
  pump_rig server(ours().folder("node/a"), patient()), client(ours().folder("node/b"), patient());
  server.listen();
  const auto before = resident_bytes();
  for (int i = 0; i < 5; ++i) {
    const auto out = opened(client.dial(server.address()));
    const auto in = server.next_opened();
    REQUIRE(in);
    server.pump->start(in->id, guard_rules{});
    client.pump->start(out->id, {});
    REQUIRE(send_all(out->plain.get(), frame_header(1, 4) + "abcd" + frame_header(2, 0xfffffff0u) + "and some"));
    const auto why = server.end_of(in->id);
    REQUIRE(why);
    CHECK_THAT(*why, Catch::Contains("a frame of 4294967280 bytes is announced"));
    CHECK(read_to_end(in->plain.get())->size() <= 36); // The frame before may have passed; the header did not.
    CHECK(client.end_of(out->id));
  }
  CHECK(resident_bytes() < before + (32u << 20));
}

TEST_CASE("garbage from an authenticated peer never reaches BASP") {
  pump_rig server(ours().folder("node/a"), patient()), client(ours().folder("node/b"), patient());
  server.listen();
  const auto out = opened(client.dial(server.address()));
  const auto in = server.next_opened();
  REQUIRE(in);
  server.pump->start(in->id, guard_rules{});
  client.pump->start(out->id, {});
  REQUIRE(send_all(out->plain.get(), std::string(200'000, '\xee')));
  CHECK_THAT(server.end_of(in->id).value_or(""), Catch::Contains("no frame: operation 238"));
  CHECK(read_to_end(in->plain.get()) == "");
}

TEST_CASE("a flood of half-open connections is capped, and a good peer still gets in") {
  link_limits limits = patient(); // So that no deadline helps.
  limits.half_open_max = 32;
  pump_rig server(ours().folder("node/a"), limits);
  server.listen();
  std::vector<unique_fd> flood;
  for (int i = 0; i < 200; ++i) flood.push_back(connect_to(server.port));
  // All but the youngest 32 are closed, without having said a word.
  for (std::size_t i = 0; i < 168; ++i) CHECK(read_to_end(flood[i].get()));
  pump_rig client(ours().folder("node/b"));
  const auto out = opened(client.dial(server.address(), "a"));
  CHECK(server.next_opened());
  std::size_t open = 0;
  for (const auto& fd : flood) {
    pollfd look{fd.get(), POLLIN, 0};
    if (poll(&look, 1, 0) == 0) ++open;
  }
  CHECK(open == 31); // The good one took a place when it came, and gave it back when it was authenticated.
}

TEST_CASE("a black hole delays nobody else") {
  // A listener that never accepts, with its queue full: further connects get no answer.
  unique_fd hole(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(bind(hole.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(listen(hole.get(), 0) == 0);
  getsockname(hole.get(), reinterpret_cast<sockaddr*>(&at), &size);
  const auto hole_port = ntohs(at.sin_port);
  std::vector<unique_fd> filling;
  const auto stuck = [](const unique_fd& fd) {
    pollfd wait{fd.get(), POLLOUT, 0};
    return poll(&wait, 1, 300) == 0;
  };
  socket_address to;
  std::memcpy(&to.storage, &at, sizeof at);
  to.size = sizeof at;
  do filling.push_back(std::move(std::get<unique_fd>(begin_connect(to))));
  while (!stuck(filling.back()) && filling.size() < 64);
  REQUIRE(filling.size() < 64);

  pump_rig server(ours().folder("node/a")), client(ours().folder("node/b"));
  server.listen();
  const auto lost = std::make_shared<std::promise<std::string>>();
  auto lost_answer = lost->get_future();
  for (int i = 0; i < 10; ++i) // The first of them tells.
    client.pump->dial({"127.0.0.1:" + std::to_string(hole_port), "x", 8s},
                      [lost, i](const std::variant<link_opened_ptr, std::string>& answer) {
                        if (i == 0)
                          lost->set_value(std::holds_alternative<std::string>(answer) ? std::get<std::string>(answer) : "connected");
                      });
  CHECK(opened(client.dial(server.address(), "a", 60s)));
  CHECK(lost_answer.wait_for(0s) == std::future_status::timeout); // Still hanging, and nobody waited for it.
  REQUIRE(lost_answer.wait_for(patience) == std::future_status::ready);
  CHECK(lost_answer.get() == "no connection in time");
}

TEST_CASE("a server that accepts and says nothing is given up at the dial's deadline; a wrong address at once") {
  pump_rig client(ours().folder("node/b"));
  const auto made = listen_at("127.0.0.1", 0);
  const auto port = std::get<0>(made).second;
  CHECK(refusal(client.dial("127.0.0.1:" + std::to_string(port), "a", 500ms)) == "no handshake in time");
  CHECK_THAT(refusal(client.dial("127.0.0.1:1", "a")), Catch::Contains("refused"));
  CHECK_THAT(refusal(client.dial("nonsense", "a")), Catch::Contains("expected HOST:PORT"));
  CHECK_FALSE(refusal(client.dial("no-such-host.invalid:4242", "a")).empty());
}

TEST_CASE("certificates are exchanged under standing connections") {
  certificate_folder made;
  const auto a = made.folder("node/a"), b = made.folder("node/b");
  const auto store = open_store(a);
  pump_rig client(b, patient());
  auto pump = std::make_shared<link_pump>(store, patient(), nullptr);
  std::promise<link_opened_ptr> came;
  std::atomic<int> seen{0};
  link_hooks hooks;
  hooks.opened = [&](link_opened_ptr in) {
    if (seen++ == 0) came.set_value(std::move(in));
  };
  const auto at = "127.0.0.1:" + std::to_string(std::get<std::uint16_t>(pump->listen("127.0.0.1", 0, hooks)));
  const auto out = opened(client.dial(at, "a"));
  const auto in = came.get_future().get();
  pump->start(in->id, {});
  client.pump->start(out->id, {});
  made.run({"node", "a"});
  REQUIRE(store->reload().changed);
  made.run({"new-authority"});
  made.run({"node", "a"});
  REQUIRE(store->reload().changed);
  CHECK(opened(pump_rig(b).dial(at, "a")));
  REQUIRE(send_all(out->plain.get(), "still here"));
  CHECK(read_some(in->plain.get(), 10) == "still here");
}

TEST_CASE("while the machine is busy the link rests between its rounds, and every word still comes") {
  auto limits = patient();
  limits.rest = 2ms;
  pump_rig server(ours().folder("node/a"), limits, [] { return true; }), client(ours().folder("node/b"), patient());
  server.listen();
  const auto [out, in] = started_between(client, server);
  const auto began = link_clock::now();
  const auto before = server.pump->rounds();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(send_all(out->plain.get(), "there"));
    REQUIRE(read_some(in->plain.get(), 5) == "there");
    REQUIRE(send_all(in->plain.get(), "back"));
    REQUIRE(read_some(out->plain.get(), 4) == "back");
  }
  const auto rounds = server.pump->rounds() - before;
  CHECK(rounds >= 10);
  CHECK((rounds - 1) * limits.rest <= link_clock::now() - began);
}

TEST_CASE("100 MB both ways at once, with a slow reader: every byte comes, little memory is held") {
  pump_rig server(ours().folder("node/a"), patient()), client(ours().folder("node/b"), patient());
  server.listen();
  const auto [out, in] = started_between(client, server);
  constexpr std::size_t total = 100u << 20;
  const auto byte_at = [](std::size_t i) { return static_cast<char>(i * 31 + (i >> 13)); };
  const auto write = [&](int fd) {
    std::string block(1u << 16, '\0');
    for (std::size_t at = 0; at < total; at += block.size()) {
      for (std::size_t i = 0; i < block.size(); ++i) block[i] = byte_at(at + i);
      if (!send_all(fd, block)) return;
    }
  };
  const auto before = resident_bytes();
  std::thread one(write, out->plain.get()), two(write, in->plain.get());
  // Nobody reads: the writers are held up, and what is under way stays small.
  const auto under_way = [&](int fd) {
    int n = 0;
    ioctl(fd, FIONREAD, &n);
    return n;
  };
  for (int still = 0, last = -1; still < 20;) {
    const int now = under_way(in->plain.get()) + under_way(out->plain.get());
    still = now == last && now > 0 ? still + 1 : 0;
    last = now;
    pollfd none{-1, 0, 0};
    poll(&none, 1, 10);
  }
  const auto held = resident_bytes();
  std::atomic<std::size_t> most{0};
  const auto read = [&](int fd) {
    std::size_t at = 0;
    while (at < total) {
      const auto block = read_some(fd, 1u << 16);
      if (block.empty()) break;
      for (std::size_t i = 0; i < block.size(); ++i)
        if (block[i] != byte_at(at + i)) return at + i;
      at += block.size();
      if (at % (8u << 20) < block.size()) most = std::max(most.load(), resident_bytes());
    }
    return at;
  };
  std::size_t there = 0, back = 0;
  const auto began = std::chrono::steady_clock::now();
  std::thread three([&] { there = read(in->plain.get()); });
  back = read(out->plain.get());
  three.join();
  one.join();
  two.join();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  WARN("2 x 100 MB in " << ms << " ms; resident +" << (held - std::min(held, before)) / 1024 << " KiB while nobody read, +"
                        << (most - std::min(most.load(), before)) / 1024 << " KiB at most");
  CHECK(there == total);
  CHECK(back == total);
  CHECK(held < before + (16u << 20));
  CHECK(most < before + (16u << 20));
}

TEST_CASE("one operator has eight connections at most; others still come in, and an IPv6 source counts by its /64") {
  pump_rig server(ours().folder("node/a")), olga(ours().folder("operator/olga")), otto(ours().folder("operator/otto"));
  server.listen();
  std::vector<link_opened_ptr> open;
  for (int i = 0; i < 8; ++i) {
    auto answer = olga.dial(server.address());
    REQUIRE(std::holds_alternative<link_opened_ptr>(answer));
    open.push_back(std::get<link_opened_ptr>(answer));
  }
  auto ninth = olga.dial(server.address());
  REQUIRE(std::holds_alternative<std::string>(ninth));
  CHECK_THAT(std::get<std::string>(ninth), Catch::Contains("too many connections of operator/olga"));
  CHECK(std::holds_alternative<link_opened_ptr>(otto.dial(server.address())));

  CHECK(network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9"));
  CHECK(network_of("2001:db8:1:2::9") != network_of("2001:db8:1:3::9"));
  CHECK(network_of("fe80::1%eth0") == network_of("fe80::2"));
  CHECK(network_of("10.0.0.1") == "10.0.0.1");
  CHECK(network_of("::ffff:10.0.0.1") != network_of("::ffff:10.0.0.2"));
}

TEST_CASE("a lost certificate is let in no more, what stands by it ends, and its name can be given another one") {
  certificate_folder made;
  pump_rig server(made.folder("node/a"), patient());
  server.listen();
  const auto lost = made.folder("operator/olga");
  pump_rig thief(lost, patient()), peter(made.folder("operator/peter"), patient());
  const auto out = opened(thief.dial(server.address(), "a")), other = opened(peter.dial(server.address(), "a"));
  const auto in = server.next_opened(), peters = server.next_opened();
  REQUIRE((in && peters));
  server.pump->start(in->id, {});
  server.pump->start(peters->id, {});
  made.run({"refuse", "operator/olga"});
  REQUIRE(server.store->reload().changed);
  CHECK_THAT(refusal(thief.dial(server.address(), "a")), Catch::Contains("operator/olga is on the list of refused ones"));
  CHECK_THAT(server.end_of(in->id).value_or(""), Catch::Contains("is on the list of refused ones"));
  CHECK_FALSE(server.end_of(peters->id, 100ms));
  made.run({"operator", "olga"});
  pump_rig olga(lost, patient());
  CHECK(opened(olga.dial(server.address(), "a")));
}

TEST_CASE("who was shaking hands when their certificate was refused is not let in either") {
  certificate_folder made;
  pump_rig server(made.folder("node/a"), patient());
  server.listen();
  const auto lost = made.folder("operator/olga");
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_use_certificate_file(context.get(), (lost + "/cert.pem").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context.get(), (lost + "/key.pem").c_str(), SSL_FILETYPE_PEM);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  auto *heard = BIO_new(BIO_s_mem()), *said = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), heard, said); // Its own from now on.
  SSL_set_connect_state(ssl.get());
  const auto unsent = [&] {
    std::string bytes(BIO_ctrl_pending(said), '\0');
    BIO_read(said, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  };
  // All is said but the last word, which has the certificate in it.
  const auto fd = connect_to(server.port);
  SSL_do_handshake(ssl.get());
  REQUIRE(send_all(fd.get(), unsent()));
  while (SSL_do_handshake(ssl.get()) != 1) {
    const auto byte = read_some(fd.get(), 1);
    REQUIRE(byte.size() == 1);
    BIO_write(heard, byte.data(), 1);
  }
  made.run({"refuse", "operator/olga"});
  REQUIRE(server.store->reload().changed);
  CHECK_FALSE(refusal(pump_rig(lost, patient()).dial(server.address(), "a")).empty()); // So the list is known.
  REQUIRE(send_all(fd.get(), unsent()));
  CHECK(read_to_end(fd.get()));
  CHECK(server.opened_count() == 0);
}
