#include "addresses/address.hpp"
#include "io/http/api.hpp"
#include "io/http/service.hpp"

namespace paygate {

namespace {

api_field currency_field() { return text_field("currency", 1, 32, "ChangeNOW's ticker, lower case.").like("[a-z0-9]+"); }
api_field network_field() { return text_field("network", 1, 32, "ChangeNOW's word for the network, lower case.").like("[a-z0-9]+"); }

api_answer validate_wallet(const api_call& call) {
  const auto check = check_address(call.query("currency"), call.query("network"), call.query("address"), call.query("memo"));
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_bool(writer, "valid", check.is_good());
  write_member(writer, "reason", name_of(check.fault));
  write_member(writer, "checked_by", name_of(check.how));
  write_member(writer, "text", check.text);
  writer.EndObject();
  return {200, take_text(buffer), "", {}};
}

constexpr milliseconds query_deadline{2'000};

/// What the program was built with: until the exchange's list was read for the first time.
std::string snapshot_json() {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "source", "snapshot");
  writer.Key("updated_at");
  writer.Null();
  writer.Key("items");
  writer.StartArray();
  for (const auto& coin : listed_currencies()) {
    writer.StartObject();
    write_member(writer, "currency", coin.ticker);
    write_member(writer, "network", coin.network);
    write_member(writer, "name", "");
    write_member(writer, "legacy_ticker", "");
    write_bool(writer, "has_memo", coin.memo != memo_need::none);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return take_text(buffer);
}

api_answer tell_networks(const api_call& call) {
  static const auto snapshot = snapshot_json();
  auto known = call.service.ports.query ? call.service.ports.query("currency_networks", "{}", query_deadline) : std::string("null");
  const bool none = known == "null" || known.starts_with("{\"error\"") || known.find("\"items\": []") != known.npos;
  return {200, none ? snapshot : std::move(known), "", {}};
}

} // namespace

void add_wallet_api(std::vector<api_route>& routes) {
  api_route validate;
  validate.method = "GET";
  validate.pattern = "/api/wallets/validate";
  validate.name = "validate_wallet";
  validate.summary = "Whether a text can be a wallet address of a network.";
  validate.tag = "wallets";
  validate.access = api_access::anyone;
  validate.query = {
      currency_field(), network_field(), text_field("address", 1, 256, "The address."),
      text_field("memo", 1, 128, "The memo or extra id, where the network has one; \"none\" when the wallet needs none.").optional()};
  validate.gives = {{200,
                     make_shape("WalletCheck", {boolean_field("valid", "Whether it can be paid to."),
                                                text_field("reason", 1, 40, "none, or what is wrong in a word."),
                                                text_field("checked_by", 1, 20, "How it was told: a mistyped character passes a pattern.")
                                                    .among({"nothing", "pattern", "checksum"}),
                                                text_field("text", 0, 500, "The same as a sentence.")}),
                     "The judgement."}};
  validate.handler = validate_wallet;
  routes.push_back(std::move(validate));
  api_route networks;
  networks.method = "GET";
  networks.pattern = "/api/mappings/currency-network";
  networks.name = "list_currency_networks";
  networks.summary = "The coins that can be paid out, each with its networks; the exchange's list, read daily.";
  networks.tag = "wallets";
  networks.access = api_access::anyone;
  const auto item =
      make_shape("CurrencyNetwork", {text_field("currency", 1, 32, "The ticker."), text_field("network", 1, 32, "The network."),
                                     text_field("name", 0, 100, "The coin's name, where it is known."),
                                     text_field("legacy_ticker", 0, 32, "One word for both (\"usdterc20\"), where there is one."),
                                     boolean_field("has_memo", "Whether its addresses have a memo.")});
  networks.gives = {{200,
                     make_shape("CurrencyNetworks", {text_field("source", 1, 20, "Whose list it is.").among({"exchange", "snapshot"}),
                                                     time_field("updated_at", "When the exchange's list was read.").or_null(),
                                                     list_field("items", 0, 100'000, item, "By ticker and network.")}),
                     "All of them.", false}};
  networks.handler = tell_networks;
  routes.push_back(std::move(networks));
}

} // namespace paygate
