// BLAKE-256, the finalist of the SHA-3 competition: https://www.aumasson.jp/blake/ ("SHA-3 proposal BLAKE", version 1.3). No library of
// Debian's has it; BLAKE2 is another hash.
#include <bit>

#include "crypto/hash.hpp"

namespace paygate {

namespace {

using word = std::uint32_t;

constexpr word pi_digits[16] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89,
                                0x452821e6, 0x38d01377, 0xbe5466cf, 0x34e90c6c, 0xc0ac29b7, 0xc97c50dd, 0x3f84d5b5, 0xb5470917};
constexpr int permutation[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};
constexpr std::size_t block_size = 64;
constexpr int rounds = 14;

struct blake256_state {
  word h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

  /// `bits`: how many bits of the message lie in this block and those before it; 0 for a block that is padding only.
  void compress(const std::uint8_t* block, std::uint64_t bits) {
    word m[16], v[16];
    for (int i = 0; i < 16; ++i)
      m[i] = word(block[4 * i]) << 24 | word(block[4 * i + 1]) << 16 | word(block[4 * i + 2]) << 8 | word(block[4 * i + 3]);
    for (int i = 0; i < 8; ++i) v[i] = h[i], v[8 + i] = pi_digits[i];
    v[12] ^= word(bits), v[13] ^= word(bits), v[14] ^= word(bits >> 32), v[15] ^= word(bits >> 32);
    for (int round = 0; round < rounds; ++round) {
      const auto& order = permutation[round % 10];
      const auto mix = [&](int i, int a, int b, int c, int d) {
        const int left = order[2 * i], right = order[2 * i + 1];
        v[a] += v[b] + (m[left] ^ pi_digits[right]), v[d] = std::rotr(v[d] ^ v[a], 16);
        v[c] += v[d], v[b] = std::rotr(v[b] ^ v[c], 12);
        v[a] += v[b] + (m[right] ^ pi_digits[left]), v[d] = std::rotr(v[d] ^ v[a], 8);
        v[c] += v[d], v[b] = std::rotr(v[b] ^ v[c], 7);
      };
      for (int i = 0; i < 4; ++i) mix(i, i, 4 + i, 8 + i, 12 + i);
      for (int i = 0; i < 4; ++i) mix(4 + i, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (int i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[8 + i];
  }
};

} // namespace

hash256 blake256(byte_view data) {
  blake256_state state;
  const std::uint64_t bits = data.size() * 8;
  std::size_t at = 0;
  for (; data.size() - at >= block_size; at += block_size) state.compress(data.data() + at, (at + block_size) * 8);
  // A one bit, zeros, a one bit, the length; in one block or two.
  bytes tail(data.begin() + static_cast<std::ptrdiff_t>(at), data.end());
  const bool message_in_last = !tail.empty(), one_block = tail.size() < block_size - 8;
  tail.push_back(0x80);
  tail.resize(one_block ? block_size : 2 * block_size);
  tail[tail.size() - 9] |= 1;
  for (int i = 0; i < 8; ++i) tail[tail.size() - 1 - static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(bits >> (8 * i));
  state.compress(tail.data(), message_in_last ? bits : 0);
  if (!one_block) state.compress(tail.data() + block_size, 0);
  hash256 result;
  for (std::size_t i = 0; i < 32; ++i) result[i] = static_cast<std::uint8_t>(state.h[i / 4] >> (24 - 8 * (i % 4)));
  return result;
}

} // namespace paygate
