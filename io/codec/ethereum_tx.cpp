#include "io/codec/ethereum_tx.hpp"

#include <stdexcept>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "addresses/ethereum_address.hpp"
#include "io/codec/rlp.hpp"

namespace paygate {

namespace {

// Made once, never destroyed; blinded against side channels. libsecp256k1 allows a constant context to be used by several threads.
const secp256k1_context* context() {
  static const secp256k1_context* const shared = [] {
    auto* made = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    std::array<std::uint8_t, 32> seed;
    if (RAND_bytes(seed.data(), static_cast<int>(seed.size())) != 1 || secp256k1_context_randomize(made, seed.data()) != 1)
      throw std::runtime_error("libsecp256k1 cannot be set up");
    OPENSSL_cleanse(seed.data(), seed.size());
    return made;
  }();
  return shared;
}

io_failure invalid(std::string text) { return io_failure{fault::permanent, "invalid_tx", std::move(text), {}}; }

std::optional<io_failure> problem_of(const tx_fields& tx) {
  if (tx.chain_id == 0) return invalid("no chain id");
  if (!parse_address(tx.to)) return invalid("the recipient is no address");
  if (tx.value < 0 || tx.max_fee < 0 || tx.max_priority_fee < 0) return invalid("a negative amount");
  if (tx.max_priority_fee > tx.max_fee) return invalid("the priority fee is above the maximal fee");
  return std::nullopt;
}

// The fields that are signed, in the order of EIP-1559. @pre problem_of(tx) found nothing.
std::vector<bytes> encoded_fields(const tx_fields& tx) {
  return {rlp_integer(static_cast<int128>(tx.chain_id)),
          rlp_integer(static_cast<int128>(tx.nonce)),
          rlp_integer(tx.max_priority_fee),
          rlp_integer(tx.max_fee),
          rlp_integer(static_cast<int128>(tx.gas_limit)),
          rlp_string(*parse_address(tx.to)),
          rlp_integer(tx.value),
          rlp_string(as_bytes(tx.data)),
          rlp_list({})};
}

bytes typed(const std::vector<bytes>& fields) {
  auto encoded = rlp_list(fields);
  encoded.insert(encoded.begin(), 0x02);
  return encoded;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

} // namespace

std::optional<private_key> private_key::parse(std::string_view hex) {
  hex = trimmed(hex);
  if (hex.starts_with("0x") || hex.starts_with("0X")) hex.remove_prefix(2);
  private_key key;
  if (hex.size() != 2 * key.secret_.size()) return std::nullopt;
  // Not by hex_decode: it would leave a copy of the secret on the heap.
  for (std::size_t i = 0; i < key.secret_.size(); ++i) {
    const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    key.secret_[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (secp256k1_ec_seckey_verify(context(), key.secret_.data()) != 1) return std::nullopt;
  return key;
}

private_key::private_key(private_key&& other) noexcept : secret_(other.secret_) {
  OPENSSL_cleanse(other.secret_.data(), other.secret_.size());
}

private_key& private_key::operator=(private_key&& other) noexcept {
  if (this != &other) {
    secret_ = other.secret_;
    OPENSSL_cleanse(other.secret_.data(), other.secret_.size());
  }
  return *this;
}

private_key::~private_key() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

std::string address_of(const private_key& key) {
  secp256k1_pubkey point;
  std::array<std::uint8_t, 65> text;
  auto length = text.size();
  if (secp256k1_ec_pubkey_create(context(), &point, key.secret_.data()) != 1
      || secp256k1_ec_pubkey_serialize(context(), text.data(), &length, &point, SECP256K1_EC_UNCOMPRESSED) != 1)
    throw std::runtime_error("address_of a key that was moved from");
  const auto hash = keccak256(byte_view(text).subspan(1)); // Without the byte that says "uncompressed".
  return hex_encode_0x(byte_view(hash).last(20));
}

std::variant<hash256, io_failure> sighash(const tx_fields& tx) {
  if (auto problem = problem_of(tx)) return *problem;
  return keccak256(typed(encoded_fields(tx)));
}

std::variant<tx_signed, io_failure> sign(const tx_fields& tx, const private_key& key) {
  if (auto problem = problem_of(tx)) return *problem;
  auto fields = encoded_fields(tx);
  const auto digest = keccak256(typed(fields));
  secp256k1_ecdsa_recoverable_signature signature;
  if (secp256k1_ecdsa_sign_recoverable(context(), &signature, digest.data(), key.secret_.data(), nullptr, nullptr) != 1)
    return io_failure{fault::permanent, "signing_failed", "libsecp256k1 refuses the key", {}};
  std::array<std::uint8_t, 64> r_s;
  int y_parity = 0;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), r_s.data(), &y_parity, &signature);
  // Bit 1 says that r overflowed the curve's order: the transaction format has no place for it, and nobody will ever see it.
  if (y_parity > 1) return io_failure{fault::permanent, "signing_failed", "r is beyond the order of the curve", {}};
  fields.push_back(rlp_integer(static_cast<int128>(y_parity)));
  fields.push_back(rlp_integer(byte_view(r_s).first(32)));
  fields.push_back(rlp_integer(byte_view(r_s).last(32)));
  const auto raw = typed(fields);
  return tx_signed{hex_encode_0x(raw), hex_encode_0x(keccak256(raw))};
}

} // namespace paygate
