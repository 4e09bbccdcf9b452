// Deep links and success tokens: what we made is read back, everything else is nothing.
#include <random>

#include <catch2/catch.hpp>

#include "crypto/encoding.hpp"
#include "io/codec/start_link.hpp"
#include "io/codec/success_token.hpp"

using namespace paygate;

namespace {

constexpr auto* key = "a key of the bot";

// Each text that differs from `text` in one bit of what it encodes.
template <class F>
void each_corruption(const std::string& text, F&& f) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      f(changed);
    }
  }
}

} // namespace

TEST_CASE("any start link survives, in few characters that Telegram allows") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 2000; ++i) {
    const start_link link{static_cast<std::int64_t>(random()), static_cast<int>(random() % 6) - 3,
                          std::string(random() % (start_link::word_max + 1), 'w')};
    const auto payload = make_start_payload(link, key);
    REQUIRE(payload.size() <= 64);
    REQUIRE(payload.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos);
    REQUIRE(read_start_payload(payload, key) == link);
    CHECK(read_start_payload(payload, " a key of the bot\n") == link);
  }
}

TEST_CASE("a start link that was changed in any bit gives nothing") {
  for (const start_link link : {start_link{-1001234567890, 0}, start_link{-1001234567890, start_link::donation}, start_link{1, 2},
                                start_link{-5, start_link::choice}, start_link{-5, 0, "SPRING"},
                                start_link{0, start_link::account, "0123456789abcdef0123456789abcd"}}) {
    const auto payload = make_start_payload(link, key);
    each_corruption(payload, [](const std::string& changed) { CHECK_FALSE(read_start_payload(changed, key)); });
    auto data = *base64url_decode(payload);
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
      data[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      CHECK_FALSE(read_start_payload(base64url_encode(data), key));
      data[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    }
    for (std::size_t length = 0; length < payload.size(); ++length) CHECK_FALSE(read_start_payload(payload.substr(0, length), key));
    CHECK_FALSE(read_start_payload(payload + "A", key));
    CHECK_FALSE(read_start_payload(payload + "=", key));
    CHECK_FALSE(read_start_payload(payload, "another key"));
  }
}

TEST_CASE("a tier that does not exist is no link, though signed; an empty key signs nothing") {
  CHECK_FALSE(read_start_payload(make_start_payload({5, 3}, key), key));
  CHECK_FALSE(read_start_payload(make_start_payload({5, 0}, ""), ""));
  CHECK_FALSE(read_start_payload(make_start_payload({5, 0}, ""), " \n"));
}

TEST_CASE("any order id survives its success token") {
  std::mt19937_64 random(12);
  for (int i = 0; i < 500; ++i) {
    std::string order_id(random() % 40, '\0');
    for (char& c : order_id) c = static_cast<char>(random());
    REQUIRE(read_success_token(make_success_token(order_id, key), key) == order_id);
  }
}

TEST_CASE("a success token that was changed in any bit gives nothing") {
  const auto token = make_success_token("01JD6Z3K8Q0000000000000000", key);
  CHECK(read_success_token(token, "a key of the bot\n") == "01JD6Z3K8Q0000000000000000");
  each_corruption(token, [](const std::string& changed) { CHECK_FALSE(read_success_token(changed, key)); });
  for (std::size_t length = 0; length < token.size(); ++length) CHECK_FALSE(read_success_token(token.substr(0, length), key));
  for (const auto* text : {"", ".", "..", "a.b", "MDFK."}) CHECK_FALSE(read_success_token(text, key));
  CHECK_FALSE(read_success_token(token + "A", key));
  CHECK_FALSE(read_success_token(token + ".A", key));
  CHECK_FALSE(read_success_token(token, "another key"));
  CHECK_FALSE(read_success_token(make_success_token("o-1", ""), ""));
}

TEST_CASE("one key's link and token are not each other's") {
  const auto token = make_success_token("o-1", key);
  CHECK_FALSE(read_start_payload(token.substr(token.find('.') + 1), key));
  CHECK_FALSE(read_start_payload(token, key));
}
