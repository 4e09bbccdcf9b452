#include "io/codec/payout_address.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "io/codec/ethereum_address.hpp"

namespace paygate {

namespace {

// ChangeNOW's names of networks whose addresses are Ethereum's.
constexpr std::array<std::string_view, 14> evm_networks = {"eth",    "bsc", "matic",  "arbitrum", "op",   "base", "avaxc",
                                                           "cchain", "ftm", "zksync", "linea",    "celo", "etc",  "cro"};

bool is_word(std::string_view text, std::size_t least, std::size_t most) {
  return text.size() >= least && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

} // namespace

address_verdict check_payout_address(const asset& target, const std::string& address, const std::string& extra_id) {
  if (!extra_id.empty() && !is_word(extra_id, 1, 128)) return {"the extra id is no word of up to 128 characters", false};
  if (std::find(evm_networks.begin(), evm_networks.end(), target.network) == evm_networks.end()) {
    if (!is_word(address, 8, 128)) return {"\"" + address + "\" is no address: 8 to 128 characters without spaces", false};
    return {};
  }
  if (!extra_id.empty()) return {"addresses on " + target.network + " have no extra id", false};
  const auto bytes = parse_address(address);
  if (!bytes) return {"\"" + address + "\" is no address on " + target.network + ": 0x and 40 hex digits with a right checksum", false};
  if (std::all_of(bytes->begin(), bytes->end(), [](auto byte) { return byte == 0; })) return {"the zero address belongs to nobody", false};
  const auto digits = std::string_view(address).substr(2);
  const auto has = [&](char first, char last) {
    return std::any_of(digits.begin(), digits.end(), [=](char c) { return c >= first && c <= last; });
  };
  return {"", has('a', 'f') && has('A', 'F')};
}

} // namespace paygate
