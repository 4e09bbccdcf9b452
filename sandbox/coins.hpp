#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/amounts.hpp"

namespace sandbox {

/// How a coin moves on our own chain: as ether, as the configured token, or not at all.
enum class chain_form { none, ether, token };

/// One coin on one network, with the names each service has for it.
struct coin {
  std::string ticker;  ///< ChangeNOW's.
  std::string network; ///< ChangeNOW's.
  std::string name;
  std::string paid_as;   ///< NOWPayments' code, ChangeNOW's legacy ticker.
  std::string priced_as; ///< Key of the price table.
  std::string gecko_id;  ///< CoinGecko's id.
  int places;            ///< Decimals that the services print.
  chain_form form;
  bool has_extra_id;
  std::string address_form; ///< Regular expression of its addresses.
};

const std::vector<coin>& all_coins();
/// By ChangeNOW's names; an empty network means the coin's first one.
const coin* find_coin(std::string_view ticker, std::string_view network);
const coin* find_payment_coin(std::string_view code);
const coin* find_network(std::string_view network);
bool address_fits(const coin& which, const std::string& address);

/// USD per coin. Each price source can be given its own figure, so that they disagree.
class price_table {
public:
  price_table();
  void set(const std::string& source, const std::string& key, decimal usd) { prices_[source + "/" + key] = std::move(usd); }
  /// 0: not known.
  decimal usd(const std::string& key, const std::string& source = "") const;

private:
  std::map<std::string, decimal> prices_;
};

} // namespace sandbox
