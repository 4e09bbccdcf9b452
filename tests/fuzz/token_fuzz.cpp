// Tokens of links and of the API: nothing is accepted that was not made with the key, whatever was changed about one that was.
#include <string>

#include "crypto/encoding.hpp"
#include "io/codec/start_link.hpp"
#include "io/codec/success_token.hpp"
#include "io/codec/token.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace paygate;

namespace {

const timestamp now{std::chrono::seconds(1'800'000'000)};

/// Access tokens of the API: the text as it came, and one of ours with a byte changed.
void try_access(std::string_view text, std::uint8_t where, std::uint8_t what) {
  const token_keys unknown{"a key by which nothing is made here", "nor by this one"}, keys{"the key of what is made here", ""};
  fuzz::promise(std::holds_alternative<token_fault>(verify_access(text, now, unknown)), "an access token is forged by nobody");
  fuzz::promise(std::holds_alternative<token_fault>(verify_refresh(text, now, unknown)), "a refresh token is forged by nobody");
  fuzz::promise(std::holds_alternative<token_fault>(verify_access(text, now, {})), "without a key nothing is good");
  identity who;
  who.account_id = "01J0";
  who.login_epoch = where;
  who.session_id = "s";
  const auto token = make_access_token(who, now, keys);
  const auto read = verify_access(token, now, keys);
  fuzz::promise(std::holds_alternative<identity>(read) && std::get<identity>(read) == who, "our own access token is read");
  fuzz::promise(std::holds_alternative<token_fault>(verify_refresh(token, now, keys)), "an access token is no refresh token");
  fuzz::promise(std::holds_alternative<token_fault>(verify_access(token, now + access_life, keys)), "its time runs out");
  // Claims of any kind, signed by us.
  auto odd = token.substr(0, token.find('.') + 1) + base64url_encode(as_bytes(text));
  odd += "." + sign_hs256(odd, keys.current);
  const auto opened = verify_access(odd, now, keys);
  if (const auto* claimed = std::get_if<identity>(&opened)) fuzz::promise(!claimed->account_id.empty(), "who has no name is nobody");
  const auto renewed = verify_refresh(odd, now, keys);
  if (const auto* claimed = std::get_if<refresh_claim>(&renewed))
    fuzz::promise(!claimed->account_id.empty() && !claimed->session_id.empty(), "a session has its name and its owner");
  auto changed = token;
  changed[(where * 3u) % changed.size()] = static_cast<char>(what);
  fuzz::promise(changed == token || std::holds_alternative<token_fault>(verify_access(changed, now, keys)),
                "a changed access token is refused");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  // Of another key than those below: the fuzzer learns what is compared with what.
  const std::string unknown = "a key by which nothing is made here", key = "the key of what is made here";
  fuzz::promise(!read_success_token(text, unknown), "a success token is forged by nobody");
  fuzz::promise(!read_start_payload(text, unknown), "a start payload is forged by nobody");
  fuzz::promise(!read_success_token(text, ""), "an empty key accepts nothing");
  if (size < 3) return 0;
  try_access(text, data[0], data[1]);
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
