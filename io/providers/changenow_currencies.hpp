#pragma once

#include <string>
#include <variant>
#include <vector>

#include "io/providers/changenow.hpp"

namespace paygate {

/// A coin that ChangeNOW pays out at a fixed rate, on one network.
struct exchange_currency {
  std::string ticker, network, legacy_ticker, name;
  bool has_memo = false;
  bool operator==(const exchange_currency&) const = default;
};

/// GET /v2/exchange/currencies: the whole list. A list that is far too short to be true is a failure ("nonsense"). Blocks.
std::variant<std::vector<exchange_currency>, io_failure> read_exchange_currencies(const changenow_settings& settings);

/// {"items": [{ticker, network, legacy_ticker, name, has_memo}]}
std::string exchange_currencies_json(const std::vector<exchange_currency>& list);

} // namespace paygate
