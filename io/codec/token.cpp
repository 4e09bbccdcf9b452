#include "io/codec/token.hpp"

#include "crypto/hash.hpp"
#include "io/codec/json.hpp"

namespace paygate {

namespace {

constexpr std::size_t token_max = 2048;

std::int64_t unix_seconds(timestamp at) { return std::chrono::floor<seconds>(at.time_since_epoch()).count(); }

std::string encode(const json_buffer& buffer) { return base64url_encode(as_bytes(std::string_view(buffer.GetString(), buffer.GetSize()))); }

std::string header_of(std::string_view key) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "alg", "HS256");
  write_member(writer, "typ", "JWT");
  write_member(writer, "kid", key_id(key));
  writer.EndObject();
  return encode(buffer);
}

void write_times(json_writer& writer, timestamp now, seconds life) {
  write_int(writer, "iat", unix_seconds(now));
  write_int(writer, "nbf", unix_seconds(now));
  write_int(writer, "exp", unix_seconds(now) + life.count());
}

std::string finish(const json_buffer& payload, const token_keys& keys) {
  const auto text = header_of(keys.current) + "." + encode(payload);
  return text + "." + sign_hs256(text, keys.current);
}

std::optional<json_document> decode(std::string_view part) {
  const auto raw = base64url_decode(part);
  auto document = raw ? parse_json(as_text(*raw)) : std::nullopt;
  if (!document || !document->IsObject()) return std::nullopt;
  return document;
}

/// The key that the header names, or why there is none. Only our own header is taken: "none", RS256 and the like are told apart from it
/// before any key is looked at, and a header that asks for more ("crit", "jwk") asks in vain.
std::variant<std::string, token_fault> key_of(std::string_view part, const token_keys& keys) {
  const auto header = decode(part);
  if (!header) return token_fault::malformed;
  const auto* alg = json_member(*header, "alg");
  if (!alg || json_text_or_empty(*header, "alg") != "HS256") return token_fault::algorithm;
  const auto kid = json_text_or_empty(*header, "kid");
  if (kid.empty() || header->HasMember("crit")) return token_fault::unknown_key;
  for (const auto& key : {keys.current, keys.previous})
    if (!key.empty() && kid == key_id(key)) return key;
  return token_fault::unknown_key;
}

/// The claims of a token that is ours, of that use and good now.
std::variant<json_document, token_fault> open(std::string_view token, std::string_view use, timestamp now, const token_keys& keys) {
  const auto first = token.find('.'), last = token.rfind('.');
  if (token.size() > token_max || first == token.npos || first == last || token.find('.', first + 1) != last) return token_fault::malformed;
  const auto key = key_of(token.substr(0, first), keys);
  if (const auto* why = std::get_if<token_fault>(&key)) return *why;
  if (!constant_time_equal(sign_hs256(token.substr(0, last), std::get<std::string>(key)), token.substr(last + 1)))
    return token_fault::signature;
  auto claims = decode(token.substr(first + 1, last - first - 1));
  if (!claims) return token_fault::malformed;
  if (json_text_or_empty(*claims, "use") != use) return token_fault::other_use;
  const auto issued = json_int(*claims, "iat"), from = json_int(*claims, "nbf"), until = json_int(*claims, "exp");
  if (!issued || !from || !until) return token_fault::malformed;
  const auto at = unix_seconds(now);
  if (at >= *until) return token_fault::expired;
  if (*from > at + clock_leeway.count() || *issued > at + clock_leeway.count()) return token_fault::not_yet;
  return std::move(*claims);
}

} // namespace

std::string_view to_text(token_fault why) {
  switch (why) {
  case token_fault::malformed: return "malformed";
  case token_fault::algorithm: return "algorithm";
  case token_fault::unknown_key: return "unknown_key";
  case token_fault::signature: return "signature";
  case token_fault::expired: return "expired";
  case token_fault::not_yet: return "not_yet";
  case token_fault::other_use: return "other_use";
  }
  return "";
}

token_keys parse_token_keys(std::string_view secret) {
  const auto text = trimmed(secret);
  const auto line = std::min(text.find('\n'), text.size());
  token_keys keys{std::string(trimmed(text.substr(0, line))), {}};
  const auto rest = trimmed(text.substr(line));
  keys.previous = trimmed(rest.substr(0, std::min(rest.find('\n'), rest.size())));
  return keys;
}

std::string key_id(std::string_view key) { return sha256_hex("paygate token key\n" + std::string(key)).substr(0, 12); }

std::string sign_hs256(std::string_view signed_text, std::string_view key) {
  return base64url_encode(hmac_sha256(key, as_bytes(signed_text)));
}

std::string make_access_token(const identity& who, timestamp now, const token_keys& keys) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "use", "access");
  write_member(writer, "sub", who.account_id);
  write_member(writer, "sid", who.session_id);
  write_bool(writer, "verified", who.email_verified);
  write_int(writer, "epoch", who.login_epoch);
  write_times(writer, now, access_life);
  writer.EndObject();
  return finish(buffer, keys);
}

std::string make_refresh_token(const refresh_claim& claim, byte_view nonce, timestamp now, const token_keys& keys) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "use", "refresh");
  write_member(writer, "sub", claim.account_id);
  write_member(writer, "sid", claim.session_id);
  write_int(writer, "gen", claim.generation);
  write_member(writer, "jti", base64url_encode(nonce));
  write_times(writer, now, refresh_life);
  writer.EndObject();
  return finish(buffer, keys);
}

std::variant<identity, token_fault> verify_access(std::string_view token, timestamp now, const token_keys& keys) {
  auto opened = open(token, "access", now, keys);
  if (const auto* why = std::get_if<token_fault>(&opened)) return *why;
  const auto& claims = std::get<json_document>(opened);
  const auto epoch = json_int(claims, "epoch");
  const auto verified = json_bool(claims, "verified");
  identity who{json_text_or_empty(claims, "sub"), verified.value_or(false), epoch.value_or(0), json_text_or_empty(claims, "sid")};
  if (who.account_id.empty() || !epoch || !verified) return token_fault::malformed;
  return who;
}

std::variant<refresh_claim, token_fault> verify_refresh(std::string_view token, timestamp now, const token_keys& keys) {
  auto opened = open(token, "refresh", now, keys);
  if (const auto* why = std::get_if<token_fault>(&opened)) return *why;
  const auto& claims = std::get<json_document>(opened);
  const auto generation = json_int(claims, "gen");
  refresh_claim claim{json_text_or_empty(claims, "sub"), json_text_or_empty(claims, "sid"), generation.value_or(0)};
  if (claim.account_id.empty() || claim.session_id.empty() || !generation) return token_fault::malformed;
  return claim;
}

} // namespace paygate
