#include "addresses/address.hpp"
#include "io/http/api.hpp"

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
}

} // namespace paygate
