#include "sandbox/coins.hpp"

#include <regex>

namespace sandbox {

const std::vector<coin>& all_coins() {
  static const std::string evm = "0x[0-9a-fA-F]{40}";
  static const std::string base58 = "[1-9A-HJ-NP-Za-km-z]";
  static const std::vector<coin> coins = {
      {"eth", "eth", "Ethereum", "eth", "eth", "ethereum", 8, chain_form::ether, false, evm},
      // Other EVM networks: on our one chain they are paid as ether too.
      {"eth", "base", "Ethereum (Base)", "ethbase", "eth", "ethereum", 8, chain_form::ether, false, evm},
      {"eth", "arbitrum", "Ethereum (Arbitrum One)", "etharb", "eth", "ethereum", 8, chain_form::ether, false, evm},
      {"eth", "op", "Ethereum (Optimism)", "ethop", "eth", "ethereum", 8, chain_form::ether, false, evm},
      {"usdt", "eth", "Tether (ERC20)", "usdterc20", "usdt", "tether", 6, chain_form::token, false, evm},
      {"usdc", "eth", "USD Coin", "usdc", "usdc", "usd-coin", 6, chain_form::none, false, evm},
      {"shib", "eth", "SHIBA INU (ERC20)", "shib", "shib", "shiba-inu", 8, chain_form::none, false, evm},
      {"pepe", "eth", "Pepe", "pepe", "pepe", "pepe", 8, chain_form::none, false, evm},
      {"btc", "btc", "Bitcoin", "btc", "btc", "bitcoin", 8, chain_form::none, false, "(bc1[a-z0-9]{25,87}|[13]" + base58 + "{25,34})"},
      {"ltc", "ltc", "Litecoin", "ltc", "ltc", "litecoin", 8, chain_form::none, false, "(ltc1[a-z0-9]{25,87}|[LM3]" + base58 + "{25,34})"},
      {"xmr", "xmr", "Monero", "xmr", "xmr", "monero", 8, chain_form::none, false, "[48]" + base58 + "{94}(" + base58 + "{11})?"},
      {"trx", "trx", "TRON", "trx", "trx", "tron", 6, chain_form::none, false, "T" + base58 + "{33}"},
      {"usdt", "trx", "Tether (TRC20)", "usdttrc20", "usdt", "tether", 6, chain_form::none, false, "T" + base58 + "{33}"},
      {"sol", "sol", "Solana", "sol", "sol", "solana", 8, chain_form::none, false, base58 + "{32,44}"},
      {"doge", "doge", "Dogecoin", "doge", "doge", "dogecoin", 8, chain_form::none, false, "D" + base58 + "{25,34}"},
      {"xrp", "xrp", "Ripple", "xrp", "xrp", "ripple", 6, chain_form::none, true, "r" + base58 + "{24,34}"},
      {"ton", "ton", "Toncoin", "ton", "ton", "the-open-network", 8, chain_form::none, true, "[UEk]Q[A-Za-z0-9_-]{46}"},
      {"bnb", "bsc", "Binance Coin", "bnbbsc", "bnb", "binancecoin", 8, chain_form::none, false, evm},
  };
  return coins;
}

const coin* find_coin(std::string_view ticker, std::string_view network) {
  for (const auto& c : all_coins())
    if (c.ticker == ticker && (network.empty() || c.network == network)) return &c;
  return nullptr;
}

const coin* find_payment_coin(std::string_view code) {
  for (const auto& c : all_coins())
    if (c.paid_as == code) return &c;
  return nullptr;
}

const coin* find_network(std::string_view network) {
  for (const auto& c : all_coins())
    if (c.network == network) return &c;
  return nullptr;
}

bool address_fits(const coin& which, const std::string& address) {
  return address.size() <= 128 && std::regex_match(address, std::regex(which.address_form));
}

price_table::price_table() {
  const std::pair<const char*, const char*> start[] = {{"eth", "3000"},     {"btc", "60000"},     {"usdt", "1"},   {"usdc", "1"},
                                                       {"shib", "0.00001"}, {"pepe", "0.000008"}, {"ltc", "80"},   {"xmr", "160"},
                                                       {"trx", "0.25"},     {"sol", "150"},       {"doge", "0.1"}, {"xrp", "0.5"},
                                                       {"ton", "5"},        {"bnb", "600"},       {"usd", "1"}};
  for (const auto& [key, usd] : start) set("", key, decimal(usd));
}

decimal price_table::usd(const std::string& key, const std::string& source) const {
  if (const auto own = prices_.find(source + "/" + key); own != prices_.end()) return own->second;
  const auto found = prices_.find("/" + key);
  return found == prices_.end() ? decimal(0) : found->second;
}

} // namespace sandbox
