#include "io/providers/prices.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>

#include "messages/log.hpp"
#include "messages/ports.hpp"

namespace paygate {

namespace {

constexpr int128 spread_max_percent = 5;

/// How each source calls a coin. `ticker` is NOWPayments' or ChangeNOW's, lower case; `token` is the contract on Ethereum, for 1inch.
struct coin {
  std::string_view ticker, coingecko, cryptocompare, token;
};
constexpr coin coins[] = {
    {"eth", "ethereum", "ETH", "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"},
    {"ethbase", "ethereum", "ETH", ""},
    {"etharb", "ethereum", "ETH", ""},
    {"ethbsc", "ethereum", "ETH", ""},
    {"btc", "bitcoin", "BTC", ""},
    {"wbtc", "wrapped-bitcoin", "WBTC", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"},
    {"usdt", "tether", "USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7"},
    {"usdterc20", "tether", "USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7"},
    {"usdttrc20", "tether", "USDT", ""},
    {"usdtbsc", "tether", "USDT", ""},
    {"usdtsol", "tether", "USDT", ""},
    {"usdtmatic", "tether", "USDT", ""},
    {"usdc", "usd-coin", "USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"},
    {"usdcerc20", "usd-coin", "USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"},
    {"usdcsol", "usd-coin", "USDC", ""},
    {"usdcbsc", "usd-coin", "USDC", ""},
    {"usdcmatic", "usd-coin", "USDC", ""},
    {"dai", "dai", "DAI", "0x6b175474e89094c44da98b954eedeac495271d0f"},
    {"ltc", "litecoin", "LTC", ""},
    {"bch", "bitcoin-cash", "BCH", ""},
    {"doge", "dogecoin", "DOGE", ""},
    {"trx", "tron", "TRX", ""},
    {"sol", "solana", "SOL", ""},
    {"xrp", "ripple", "XRP", ""},
    {"xlm", "stellar", "XLM", ""},
    {"xmr", "monero", "XMR", ""},
    {"ada", "cardano", "ADA", ""},
    {"dot", "polkadot", "DOT", ""},
    {"bnb", "binancecoin", "BNB", ""},
    {"bnbbsc", "binancecoin", "BNB", ""},
    {"ton", "the-open-network", "TON", ""},
    {"avax", "avalanche-2", "AVAX", ""},
    {"etc", "ethereum-classic", "ETC", ""},
    {"zec", "zcash", "ZEC", ""},
    {"dash", "dash", "DASH", ""},
    {"atom", "cosmos", "ATOM", ""},
    {"algo", "algorand", "ALGO", ""},
    {"near", "near", "NEAR", ""},
    {"xtz", "tezos", "XTZ", ""},
    {"shib", "shiba-inu", "SHIB", "0x95ad61b0a150d79219dcf64e1e6cc01f0b64c4ce"},
    {"pepe", "pepe", "PEPE", "0x6982508145454ce325ddbe47a25d4ec3d2311933"},
    {"link", "chainlink", "LINK", "0x514910771af9ca656af840dff83e8264ecf986ca"},
};

std::string key_of(const secret_source& source) { return source ? source() : std::string(); }

class price_client {
public:
  price_client(price_settings settings, const business_clock& clock)
      : settings_(std::move(settings)), clock_(clock), coingecko_(settings_.coingecko), cryptocompare_(settings_.cryptocompare),
        oneinch_(settings_.oneinch) {}

  io_outcome operator()(const get_usd_price& request) {
    if (request.currency == "usd") return usd_price{one_coin, "usd"};
    const auto found = std::find_if(std::begin(coins), std::end(coins), [&](const coin& c) { return c.ticker == request.currency; });
    if (found == std::end(coins)) return io_failure{fault::permanent, "unknown_currency", "no price source for this currency", {}};
    if (auto kept = kept_price(request.currency)) return std::move(*kept);
    auto price = ask(*found);
    if (auto* known = std::get_if<usd_price>(&price)) {
      std::lock_guard lock(mutex_);
      kept_[request.currency] = {*known, clock_.now()};
    }
    return price;
  }

  template <class Other>
  io_outcome operator()(const Other& request) {
    return wrong_lane(request);
  }

private:
  struct kept_entry {
    usd_price price;
    timestamp at{};
  };

  std::optional<usd_price> kept_price(const std::string& currency) {
    const auto now = clock_.now();
    std::lock_guard lock(mutex_);
    const auto found = kept_.find(currency);
    if (found == kept_.end() || now < found->second.at || now - found->second.at >= settings_.cache) return std::nullopt;
    return found->second.price;
  }

  io_outcome ask(const coin& c) {
    const auto first = from_coingecko(c), second = from_cryptocompare(c);
    if (first && second) {
      const auto low = std::min(*first, *second), high = std::max(*first, *second);
      if (mul_div_ceil(high - low, 100, low) <= spread_max_percent) return usd_price{*first, "coingecko"};
      log(log_level::warning, "price_spread",
          {{"currency", std::string(c.ticker)}, {"coingecko", to_decimal(*first)}, {"cryptocompare", to_decimal(*second)}});
      return usd_price{low, low == *first ? "coingecko" : "cryptocompare"};
    }
    if (first) return usd_price{*first, "coingecko"};
    if (second) return usd_price{*second, "cryptocompare"};
    if (const auto third = from_oneinch(c)) return usd_price{*third, "1inch"};
    return io_failure{fault::transient, "no_price", "no price source has an answer", {}};
  }

  std::optional<int128> from_coingecko(const coin& c) {
    const std::string id(c.coingecko);
    http_request call{.path = "/api/v3/simple/price",
                      .query = {{"ids", id}, {"vs_currencies", "usd"}, {"include_last_updated_at", "true"}, {"precision", "full"}},
                      .headers = {},
                      .body = {}};
    if (auto key = key_of(settings_.coingecko_key); !key.empty()) {
      const bool pro = settings_.coingecko.base_url.find("pro-api.") != std::string::npos;
      call.headers.emplace_back(pro ? "x-cg-pro-api-key" : "x-cg-demo-api-key", std::move(key));
    }
    const auto body = get(coingecko_, call);
    const auto* entry = body ? json_member(*body, id) : nullptr;
    if (!entry) return std::nullopt;
    if (const auto at = json_int(*entry, "last_updated_at")) {
      // By the real clock, not the business clock: the source knows nothing of a moved one.
      const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
      if (now - *at > settings_.age_max.count()) return std::nullopt;
    }
    return sane(json_decimal(*entry, "usd"));
  }

  std::optional<int128> from_cryptocompare(const coin& c) {
    http_request call{
        .path = "/data/price", .query = {{"fsym", std::string(c.cryptocompare)}, {"tsyms", "USD"}}, .headers = {}, .body = {}};
    if (const auto key = key_of(settings_.cryptocompare_key); !key.empty()) call.headers.emplace_back("authorization", "Apikey " + key);
    const auto body = get(cryptocompare_, call); // Its errors come with the status 200; they have no USD.
    return body ? sane(json_decimal(*body, "USD")) : std::nullopt;
  }

  std::optional<int128> from_oneinch(const coin& c) {
    const auto key = key_of(settings_.oneinch_key);
    if (c.token.empty() || key.empty()) return std::nullopt;
    const auto body = get(oneinch_, {.path = "/price/v1.1/1/" + std::string(c.token),
                                     .query = {{"currency", "USD"}},
                                     .headers = {{"Authorization", "Bearer " + key}},
                                     .body = {}});
    return body ? sane(json_decimal(*body, c.token)) : std::nullopt;
  }

  /// The JSON object that a source answers with success, or nothing.
  static std::optional<json_document> get(http_caller& http, const http_request& call) {
    auto called = http.call(call);
    const auto* answer = std::get_if<http_answer>(&called);
    if (!answer || answer->status != 200) return std::nullopt;
    auto body = parse_json(answer->body);
    if (!body || !body->IsObject()) return std::nullopt;
    return body;
  }

  static std::optional<int128> sane(std::optional<int128> price) { return price && *price > 0 ? price : std::nullopt; }

  const price_settings settings_;
  const business_clock& clock_;
  http_caller coingecko_, cryptocompare_, oneinch_;
  std::mutex mutex_;
  std::map<std::string, kept_entry> kept_;
};

} // namespace

io_client make_price_client(price_settings settings, const business_clock& clock) {
  auto client = std::make_shared<price_client>(std::move(settings), clock);
  return never_throwing([client](const io_request& request) { return std::visit([&](const auto& r) { return (*client)(r); }, request); });
}

} // namespace paygate
