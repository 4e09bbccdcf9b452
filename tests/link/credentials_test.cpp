// What is wrong with a folder of certificates is said at the start; when it changes, the last good one stays until a good one comes.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "tests/link/link_rig.hpp"

using namespace paygate;
using namespace paygate::test;
namespace fs = std::filesystem;

namespace {

/// A copy of a folder that may be spoilt.
struct spoilt_folder {
  explicit spoilt_folder(const std::string& of) : path(ours().path() + "/spoilt") {
    fs::remove_all(path);
    fs::copy(fs::canonical(of), path);
  }
  void put(const std::string& name, const std::string& from) {
    fs::remove(path + "/" + name);
    fs::copy(from + "/" + name, path + "/" + name);
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(path + "/" + name) << text; }
  std::string path;
};

std::string fault_of(const std::string& folder, credential_store::wanted who = {}) {
  auto opened = credential_store::open(folder, who);
  return std::holds_alternative<std::string>(opened) ? std::get<std::string>(opened) : "";
}

} // namespace

TEST_CASE("a name is read from its URI, and nothing else passes for one") {
  CHECK(parse_peer_uri("paygate://node/a-1.b_C") == peer_name{peer_role::node, "a-1.b_C"});
  CHECK(parse_peer_uri("paygate://operator/olga") == peer_name{peer_role::person, "olga"});
  for (const char* bad : {"", "paygate://node/", "paygate://node/a/b", "paygate://node/a b", "paygate://nodes/a", "http://node/a",
                          "paygate://operator", "PAYGATE://node/a", "paygate://node/\xc3\xa4"})
    CHECK_FALSE(parse_peer_uri(bad));
  CHECK_FALSE(parse_peer_uri(std::string("paygate://node/a\0b", 18)));
  CHECK_FALSE(parse_peer_uri("paygate://node/" + std::string(65, 'a')));
}

TEST_CASE("a good folder says who it is of and until when") {
  const auto store = open_store(ours().folder("node/a"));
  CHECK(to_text(store->current()->self()) == "node/a");
  CHECK(store->current()->good_until() > 1'700'000'000);
  CHECK(fault_of(ours().folder("node/a"), {peer_role::node, "a"}).empty());
  CHECK_THAT(fault_of(ours().folder("node/a"), {peer_role::node, "b"}), Catch::Contains("cert.pem is of node/a; wanted is node/b"));
  CHECK_THAT(fault_of(ours().folder("operator/olga"), {peer_role::node, ""}), Catch::Contains("cert.pem is of operator/olga"));
}

TEST_CASE("each fault of a folder is named") {
  const auto good = ours().folder("node/a"), other = ours().folder("node/b"), foreign = strangers().folder("node/a");
  CHECK_THAT(fault_of("/nowhere"), Catch::Contains("/nowhere: it cannot be opened: No such file"));
  {
    spoilt_folder f(good);
    fs::remove(f.path + "/ca.pem");
    CHECK_THAT(fault_of(f.path), Catch::Contains("ca.pem cannot be read: No such file"));
    f.write("ca.pem", "nothing");
    CHECK_THAT(fault_of(f.path), Catch::Contains("ca.pem has no certificate"));
    f.put("ca.pem", foreign);
    CHECK_THAT(fault_of(f.path), Catch::Contains("cert.pem is not good under ca.pem: unable to get local issuer certificate"));
  }
  {
    spoilt_folder f(good);
    f.put("key.pem", other);
    CHECK_THAT(fault_of(f.path), Catch::Contains("key.pem is not the key of cert.pem"));
    fs::permissions(f.path + "/key.pem", fs::perms::group_read, fs::perm_options::add);
    CHECK_THAT(fault_of(f.path), Catch::Contains("key.pem may be read by others (mode 0640)"));
    fs::permissions(f.path + "/key.pem", fs::perms::owner_read | fs::perms::owner_write);
    f.write("key.pem", "nothing");
    CHECK_THAT(fault_of(f.path), Catch::Contains("key.pem has no key"));
    f.write("cert.pem", std::string(100'000, 'x'));
    CHECK_THAT(fault_of(f.path), Catch::Contains("cert.pem is too long"));
  }
  {
    spoilt_folder f(good);
    // The authority's own certificate has no name.
    fs::copy(ours().path() + "/authority/cert.pem", f.path + "/cert.pem", fs::copy_options::overwrite_existing);
    fs::copy(ours().path() + "/authority/key.pem", f.path + "/key.pem", fs::copy_options::overwrite_existing);
    CHECK_THAT(fault_of(f.path), Catch::Contains("the certificate has no name of ours"));
  }
  ours().run({"node", "old", "--from", "20200101000000Z", "--until", "20200201000000Z"});
  CHECK_THAT(fault_of(ours().path() + "/node/old"), Catch::Contains("certificate has expired"));
}

TEST_CASE("a changed folder is taken over; a bad one is said once and changes nothing") {
  certificate_folder made;
  const auto folder = made.folder("node/a");
  const auto store = open_store(folder);
  const auto first = store->current();
  CHECK_FALSE(store->reload().changed);

  made.run({"node", "a"});
  auto report = store->reload();
  CHECK(report.changed);
  CHECK(report.fault.empty());
  const auto second = store->current();
  CHECK(second->fingerprint() != first->fingerprint());

  const auto cert = fs::canonical(folder).string() + "/cert.pem";
  fs::rename(cert, cert + ".away");
  std::vector<std::string> faults;
  for (int look = 0; look < 5; ++look)
    if (auto fault = store->reload().fault; !fault.empty()) faults.push_back(fault);
  REQUIRE(faults.size() == 1);
  CHECK_THAT(faults.front(), Catch::Contains("cert.pem cannot be read"));
  CHECK(store->current() == second);

  // A certificate that does not fit its key: somebody may be between two files. At the second look it is a fault.
  fs::copy(fs::canonical(made.folder("node/b")) / "cert.pem", cert);
  CHECK(store->reload().fault.empty());
  CHECK_THAT(store->reload().fault, Catch::Contains("key.pem is not the key of cert.pem"));
  CHECK(store->reload().fault.empty());
  CHECK(store->current() == second);

  fs::rename(cert + ".away", cert);
  report = store->reload();
  CHECK(report.fault.empty());
  CHECK(store->current() == second);
}

TEST_CASE("an authority is replaced in three steps, at each of which old and new trust each other") {
  certificate_folder made;
  const auto a = made.folder("node/a"), b = made.folder("node/b");
  const auto good_pair = [&] {
    pump_rig server(a), client(b);
    server.listen();
    auto dialed = client.dial(server.address(), "a");
    return std::holds_alternative<link_opened_ptr>(dialed);
  };
  made.run({"new-authority"});
  CHECK(good_pair());
  made.run({"node", "a"});
  CHECK(good_pair()); // New against old.
  CHECK_THROWS(made.run({"retire-authority"}));
  made.run({"node", "b"});
  made.run({"retire-authority"});
  CHECK(good_pair());
}

TEST_CASE("a list of refused certificates: what was made for a name up to a second") {
  const auto list = std::get<refused_list>(refused_list::parse("# lost in a train\nnode/a 100\r\n\noperator/olga 50\nnode/a 80"));
  CHECK(list.size() == 2);
  CHECK(list.why({peer_role::node, "a"}, 100));
  CHECK_FALSE(list.why({peer_role::node, "a"}, 101));
  CHECK_FALSE(list.why({peer_role::person, "a"}, 1));
  CHECK_FALSE(list.why({peer_role::node, "olga"}, 1));
  CHECK(list.why({peer_role::person, "olga"}, 50) == "the certificate of operator/olga is on the list of refused ones");
  for (const char* bad : {"node/a", "node/a ", "node/a x", "node/a 1x", "a 1", "node/ 1", "person/a 1", "node/a 1 2", " node/a 1", "node/a 99999999999999999999"})
    CHECK(std::holds_alternative<std::string>(refused_list::parse(std::string("node/b 1\n") + bad)));
}

TEST_CASE("the list of refused certificates is read with the folder, survives its exchange, and a malformed one is a fault") {
  certificate_folder made;
  const auto folder = made.folder("node/a");
  made.folder("operator/olga");
  const auto store = open_store(folder);
  CHECK(store->current()->refused().size() == 0);
  made.run({"refuse", "operator/olga"});
  CHECK(store->reload().changed);
  CHECK(store->current()->refused().size() == 1);
  made.run({"node", "a"});
  made.run({"new-authority"});
  CHECK(store->reload().changed);
  CHECK(store->current()->refused().size() == 1);
  CHECK_THROWS(made.run({"refuse", "olga"}));
  std::ofstream(fs::canonical(folder).string() + "/refused") << "olga";
  store->reload();
  CHECK_THAT(store->reload().fault, Catch::Contains("refused: line 1 is not understood"));
  CHECK(store->current()->refused().size() == 1); // The last good one counts.
}
