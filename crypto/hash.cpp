#include "crypto/hash.hpp"

#include <stdexcept>

#include <cryptopp/blake2.h>
#include <cryptopp/keccak.h>
#include <cryptopp/ripemd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace paygate {

namespace {

// HMAC() takes the key's length as int, and a null key as "the key of the last call".
template <std::size_t Size>
std::array<std::uint8_t, Size> hmac(const EVP_MD* digest, std::string_view key, byte_view data) {
  std::array<std::uint8_t, Size> result;
  unsigned length = 0;
  const char* key_data = key.empty() ? "" : key.data();
  if (!HMAC(digest, key_data, static_cast<int>(key.size()), data.data(), data.size(), result.data(), &length) || length != Size)
    throw std::runtime_error("OpenSSL cannot compute an HMAC");
  return result;
}

hash256 digest256(const EVP_MD* digest, byte_view data) {
  hash256 result;
  unsigned length = 0;
  if (EVP_Digest(data.data(), data.size(), result.data(), &length, digest, nullptr) != 1 || length != result.size())
    throw std::runtime_error("OpenSSL cannot compute a hash");
  return result;
}

} // namespace

hash256 keccak256(byte_view data) {
  hash256 result;
  CryptoPP::Keccak_256 keccak;
  keccak.Update(data.data(), data.size());
  keccak.Final(result.data());
  return result;
}

hash256 sha256(byte_view data) { return digest256(EVP_sha256(), data); }
hash256 sha512_256(byte_view data) { return digest256(EVP_sha512_256(), data); }

bytes blake2b(byte_view data, unsigned size) {
  bytes result(size);
  CryptoPP::BLAKE2b blake(false, size);
  blake.Update(data.data(), data.size());
  blake.Final(result.data());
  return result;
}

hash160 ripemd160(byte_view data) {
  hash160 result;
  CryptoPP::RIPEMD160 ripemd;
  ripemd.Update(data.data(), data.size());
  ripemd.Final(result.data());
  return result;
}

hash256 hmac_sha256(std::string_view key, byte_view data) { return hmac<32>(EVP_sha256(), key, data); }
hash512 hmac_sha512(std::string_view key, byte_view data) { return hmac<64>(EVP_sha512(), key, data); }

std::string sha256_hex(std::string_view data) { return hex_encode(sha256(as_bytes(data))); }
std::string hmac_sha256_hex(std::string_view key, std::string_view data) { return hex_encode(hmac_sha256(key, as_bytes(data))); }
std::string hmac_sha512_hex(std::string_view key, std::string_view data) { return hex_encode(hmac_sha512(key, as_bytes(data))); }

} // namespace paygate
