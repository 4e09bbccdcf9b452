#pragma once
#include <string>
#include <vector>

#include "sandbox/core.hpp"
#include "sandbox/http.hpp"

namespace sandbox {

/// Stand-in for SendGrid's v3 mail/send; keeps what it is given.
class mail_desk {
public:
  explicit mail_desk(core& shared) : core_(shared) {}
  reply handle(const request& from, const std::string& path);
  json list(const std::string& to);
  void reset();

private:
  core& core_;
  std::vector<json> kept_;
};

/// Stand-ins for CoinGecko, CryptoCompare and 1inch. A price of 0 is not known, as there.
class price_desk {
public:
  explicit price_desk(core& shared) : core_(shared) {}
  reply coingecko(const request& from, const std::string& path);
  reply cryptocompare(const request& from, const std::string& path);
  reply oneinch(const request& from, const std::string& path);
  /// {"eth": "2900"}: the price for all; with "source": for that source only.
  reply put(const json& wish);

private:
  core& core_;
};

} // namespace sandbox
