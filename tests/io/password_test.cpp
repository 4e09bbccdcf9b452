// Argon2id against the reference implementation's vectors, bcrypt against Openwall's; and the pool that runs them.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include "io/codec/password.hpp"
#include "io/http/password_pool.hpp"

using namespace paygate;

namespace {
const argon2_cost cheap{256, 2, 1};
}

TEST_CASE("hashes are those of the reference implementation") {
  CHECK(hash_password("password", cheap, as_bytes("somesalt")) == "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
  CHECK(hash_password("password", {65'536, 2, 1}, as_bytes("somesalt"))
        == "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHApl8ArZWb2GRPPc");
}

TEST_CASE("a password matches its own hash alone, and one of another cost is outdated") {
  const auto hash = hash_password("correct horse", cheap, as_bytes("0123456789abcdef"));
  CHECK(check_password("correct horse", hash, cheap).matches);
  CHECK_FALSE(check_password("correct horse", hash, cheap).outdated);
  CHECK(check_password("correct horse", hash, {512, 2, 1}).outdated);
  CHECK_FALSE(check_password("Correct horse", hash, cheap).matches);
  CHECK_FALSE(check_password("Correct horse", hash, {512, 2, 1}).outdated);
  CHECK_FALSE(check_password("", hash, cheap).matches);
  CHECK(hash != hash_password("correct horse", cheap, as_bytes("0123456789abcdeF")));
}

TEST_CASE("bcrypt of imported owners is accepted, and is to be renewed") {
  const std::pair<std::string, std::string> vectors[] = {
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
    {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
    {"U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
  };
  for (const auto& [password, hash] : vectors) {
    CHECK(is_password_hash(hash));
    CHECK(check_password(password, hash, cheap).matches);
    CHECK(check_password(password, hash, cheap).outdated);
    CHECK_FALSE(check_password(password + "x", hash, cheap).matches);
    CHECK_FALSE(check_password(std::string(password) + '\0', hash, cheap).matches);
  }
}

TEST_CASE("what is no hash of ours matches nothing, and costs nothing") {
  for (const std::string hash :
       {"", "x", "*", "plain", "$1$abc$def", "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$argon2i$v=19$m=256,t=2,p=1$c29t$AAAA",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=99999,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "$argon2id$v=19$m=256", "$2b$05$"}) {
    INFO(hash);
    CHECK_FALSE(is_password_hash(hash));
    CHECK_FALSE(check_password("", hash, cheap).matches);
    CHECK_FALSE(check_password("password", hash, cheap).matches);
  }
}

TEST_CASE("nobody's password matches nothing") {
  password_pool pool(cheap, 1, 4);
  CHECK_FALSE(pool.check("", "")->matches);
  CHECK_FALSE(pool.check("anything", "")->matches);
  const auto hash = pool.hash("something");
  CHECK(pool.check("something", *hash)->matches);
  CHECK(*pool.hash("something") != *hash);
}

TEST_CASE("a crowd is refused when the queue is full, and nobody waits for ever") {
  password_pool pool({8'192, 2, 1}, 2, 4);
  std::atomic<int> done{0}, refused{0};
  std::vector<std::thread> crowd;
  for (int i = 0; i < 40; ++i) crowd.emplace_back([&] { pool.hash("password") ? ++done : ++refused; });
  for (auto& one : crowd) one.join();
  CHECK(done + refused == 40);
  CHECK(done >= 4);
  CHECK(refused >= 1);
}
