// Tokens of links and of the API: nothing is accepted that was not made with the key, whatever was changed about one that was.
#include <string>

#include "io/codec/start_link.hpp"
#include "io/codec/success_token.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace paygate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  // Of another key than those below: the fuzzer learns what is compared with what.
  const std::string unknown = "a key by which nothing is made here", key = "the key of what is made here";
  fuzz::promise(!read_success_token(text, unknown), "a success token is forged by nobody");
  fuzz::promise(!read_start_payload(text, unknown), "a start payload is forged by nobody");
  fuzz::promise(!read_success_token(text, ""), "an empty key accepts nothing");
  if (size < 3) return 0;
  // One of ours, with one byte changed: the first two say which one, and how.
  const auto order = std::string(text.substr(2, 40));
  const auto token = make_success_token(order, key);
  fuzz::promise(read_success_token(token, key) == order, "our own token is read");
  auto changed = token;
  changed[data[0] % changed.size()] = static_cast<char>(data[1]);
  fuzz::promise(changed == token || !read_success_token(changed, key), "a changed success token is refused");
  start_link link;
  link.channel_id = static_cast<std::int64_t>(data[0]) * -1'000'003 - data[1];
  link.tier = data[2] % 3;
  const auto payload = make_start_payload(link, key);
  fuzz::promise(read_start_payload(payload, key) == link, "our own payload is read");
  auto other = payload;
  other[data[0] % other.size()] = static_cast<char>(data[1]);
  fuzz::promise(other == payload || !read_start_payload(other, key), "a changed payload is refused");
  return 0;
}
