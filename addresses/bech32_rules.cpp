// Networks whose addresses are bech32 and nothing but a hash or a key in it: the Cosmos family and its like.
#include <algorithm>

#include "addresses/encodings.hpp"
#include "addresses/rule.hpp"

namespace paygate::addresses {

namespace {

struct bech32_format {
  std::string prefix;
  std::vector<std::size_t> sizes; ///< Of the data, in bytes.
  bech32_kind kind = bech32_kind::bech32;
  std::string test_prefix{};
};

verdict check_bech32(std::string_view text, const bech32_format& format) {
  const auto read = read_bech32(text);
  if (!read) return bad(address_fault::malformed);
  if (read->prefix != format.prefix) {
    if (!format.test_prefix.empty() && read->prefix == format.test_prefix) return bad(address_fault::test_network);
    // cosmosvaloper1..., cosmosvalconspub1...: of this network, and nobody's wallet.
    const bool right_sum = read->kind != bech32_kind::neither;
    if (right_sum && read->prefix.starts_with(format.prefix + "val")) return bad(address_fault::not_payable);
    return bad(right_sum ? address_fault::other_network : address_fault::malformed);
  }
  if (read->kind != format.kind) return bad(address_fault::wrong_checksum);
  const auto data = five_to_eight(read->values);
  const bool fits = data && std::find(format.sizes.begin(), format.sizes.end(), data->size()) != format.sizes.end();
  return fits ? good() : bad(address_fault::malformed);
}

verdict check_avalanche_x(std::string_view text, const bech32_format& format) {
  if (text.starts_with("C-") || text.starts_with("P-")) return bad(address_fault::not_payable);
  return text.starts_with("X-") ? check_bech32(text.substr(2), format) : bad(address_fault::malformed);
}

} // namespace

void add_bech32_rules(std::vector<rule>& rules) {
  const auto add = [&](std::string name, std::string title, judge check) {
    rules.push_back({std::move(name), std::move(title), checked_by::checksum, std::move(check)});
  };
  const auto plain = [](bech32_format format) {
    return [format = std::move(format)](std::string_view text) { return check_bech32(text, format); };
  };
  // An account is 20 bytes; a module's or contract's may be 32 (ADR-028).
  const struct {
    const char *prefix, *title;
  } cosmos_chains[] = {{"cosmos", "a Cosmos Hub address"}, {"osmo", "an Osmosis address"},  {"axelar", "an Axelar address"},
                       {"core", "a Coreum address"},       {"akash", "an Akash address"},   {"band", "a Band address"},
                       {"kava", "a Kava address"},         {"terra", "a Terra address"},    {"sei", "a Sei address"},
                       {"celestia", "a Celestia address"}, {"fetch", "a Fetch.ai address"}, {"bbn", "a Babylon address"},
                       {"cro", "a Cronos POS address"},    {"inj", "an Injective address"}, {"thor", "a THORChain address"},
                       {"juno", "a Juno address"},         {"secret", "a Secret address"},  {"dydx", "a dYdX address"},
                       {"stars", "a Stargaze address"},    {"noble", "a Noble address"}};
  for (const auto& chain : cosmos_chains)
    add(std::string("cosmos:") + chain.prefix, chain.title, plain({chain.prefix, {20, 32}, bech32_kind::bech32}));
  add("zilliqa", "a Zilliqa address", plain({"zil", {20}, bech32_kind::bech32, "tzil"}));
  add("klever", "a Klever address", plain({"klv", {32}, bech32_kind::bech32}));
  add("multiversx", "a MultiversX address", plain({"erd", {32}, bech32_kind::bech32}));
  add("chia", "a Chia address", plain({"xch", {32}, bech32_kind::bech32m, "txch"}));
  add("avalanche_x", "an Avalanche X-Chain address",
      [format = bech32_format{"avax", {20}, bech32_kind::bech32, "fuji"}](std::string_view text) {
        return check_avalanche_x(text, format);
      });
  // Two chains with addresses of Ethereum's form under a second name.
  const auto or_evm = [](bech32_format format) {
    return [format = std::move(format)](std::string_view text) {
      return best({check_bech32(text, format), find_rule("evm")->check(text)});
    };
  };
  add("harmony", "a Harmony address", or_evm({"one", {20}, bech32_kind::bech32, "tone"}));
  add("iotex", "an IoTeX address", or_evm({"io", {20}, bech32_kind::bech32, "it"}));
}

} // namespace paygate::addresses
