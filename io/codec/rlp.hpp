#pragma once

#include <optional>
#include <vector>

#include "crypto/encoding.hpp"
#include "messages/money.hpp"

// Recursive length prefix, Ethereum's serialisation: yellow paper, appendix B;
// https://ethereum.org/developers/docs/data-structures-and-encoding/rlp
namespace paygate {

/// The encoding of a byte string.
bytes rlp_string(byte_view data);

/// The encoding of a whole number: big endian without leading zeros, so 0 is the empty string. @pre value >= 0.
bytes rlp_integer(int128 value);
/// The same for a number of any size, given big endian; its leading zeros are dropped.
bytes rlp_integer(byte_view big_endian);

/// The encoding of a list of encoded items.
bytes rlp_list(const std::vector<bytes>& encoded_items);

struct rlp_item {
  bool is_list = false;
  bytes text;                  ///< Of a string.
  std::vector<rlp_item> items; ///< Of a list.
  bool operator==(const rlp_item&) const = default;
};

inline constexpr int rlp_depth_max = 32;

/// Reads one item that fills `encoded` exactly. Only the one encoding that the functions above write is taken: longer forms than needed,
/// bytes left over, lengths beyond the input and lists deeper than rlp_depth_max give nothing.
std::optional<rlp_item> rlp_decode(byte_view encoded);

} // namespace paygate
