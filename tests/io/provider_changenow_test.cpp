// ChangeNOW's client against a scripted server that speaks the wire format of provider-apis 2.
#include <catch2/catch.hpp>

#include "io/providers/changenow.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

changenow_settings at(const std::string& url) {
  return {{.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out}, [] { return std::string("cn-key"); }};
}

const asset eth{"eth", "eth"}, usdt{"usdt", "trx"};
int128 units(std::string_view text) { return parse_decimal(text)->units; }
create_swap swap_of(std::string_view from_amount) { return {eth, usdt, units(from_amount), "TAddress", "", "0xrefund", "rate-1"}; }

const char* const created_answer = R"({"id":"abc123","fromAmount":0.01234567,"toAmount":"31.5","flow":"fixed-rate","type":"direct",
  "payinAddress":"0xpayin","payoutAddress":"TAddress","payinExtraId":"","fromCurrency":"eth"})";

} // namespace

TEST_CASE("a range is asked with networks and fixed rate") {
  fake::provider server;
  const auto client = make_changenow_client(at(server.url()));
  server.script({200, R"({"fromCurrency":"eth","minAmount":0.0027,"maxAmount":null})", "application/json", {}});
  CHECK(std::get<swap_range>(client(get_swap_range{eth, usdt})) == swap_range{units("0.0027"), {}});
  const auto seen = server.last();
  CHECK(seen.path == "/v2/exchange/range");
  CHECK(seen.header("x-changenow-api-key") == "cn-key");
  CHECK(seen.parameter("fromCurrency") == "eth");
  CHECK(seen.parameter("fromNetwork") == "eth");
  CHECK(seen.parameter("toCurrency") == "usdt");
  CHECK(seen.parameter("toNetwork") == "trx");
  CHECK(seen.parameter("flow") == "fixed-rate");
  server.script({200, R"({"minAmount":1e-7,"maxAmount":14848580.123456789012345678})", "application/json", {}});
  CHECK(std::get<swap_range>(client(get_swap_range{eth, usdt})) == swap_range{100'000'000'000, units("14848580.123456789012345678")});
  server.script({200, R"({"maxAmount":1})", "application/json", {}});
  CHECK(fault_of(client(get_swap_range{eth, usdt})) == "transient nonsense");
}

TEST_CASE("an estimate brings the rate to be locked") {
  fake::provider server;
  const auto client = make_changenow_client(at(server.url()));
  server.script({200,
                 R"({"rateId":"rate-1","validUntil":"2026-11-21T07:20:00.000Z","depositFee":0.0001,"withdrawalFee":1.5,
    "fromAmount":0.01234567,"toAmount":31.500000000000000001,"warningMessage":null})",
                 "application/json",
                 {}});
  const auto estimate = std::get<swap_estimate>(client(estimate_swap{eth, usdt, units("0.01234567")}));
  CHECK(estimate.rate_id == "rate-1");
  CHECK(estimate.valid_until == parse_iso_time("2026-11-21T07:20:00Z"));
  CHECK(estimate.from_amount == units("0.01234567"));
  CHECK(estimate.to_amount == units("31.500000000000000001"));
  CHECK(estimate.deposit_fee == units("0.0001"));
  CHECK(estimate.withdrawal_fee == units("1.5"));
  const auto seen = server.last();
  CHECK(seen.path == "/v2/exchange/estimated-amount");
  CHECK(seen.parameter("fromAmount") == "0.01234567");
  CHECK(seen.parameter("useRateId") == "true");
  CHECK(seen.parameter("type") == "direct");
  server.script({200, R"({"rateId":null,"fromAmount":1,"toAmount":2})", "application/json", {}});
  CHECK(fault_of(client(estimate_swap{eth, usdt, one_coin})) == "transient nonsense");
}

TEST_CASE("amounts of more than 8 decimals are never sent") {
  fake::provider server;
  const auto client = make_changenow_client(at(server.url()));
  CHECK(fault_of(client(estimate_swap{eth, usdt, units("0.000000001")})) == "permanent too_precise");
  CHECK(fault_of(client(swap_of("1.123456789"))) == "permanent too_precise");
  CHECK(fault_of(client(swap_of("0"))) == "permanent not_positive");
  CHECK(server.requests().empty());
}

TEST_CASE("a swap is made with strings for amounts") {
  fake::provider server;
  const auto client = make_changenow_client(at(server.url()));
  server.script({200, created_answer, "application/json", {}});
  const auto created = std::get<swap_created>(client(swap_of("0.01234567")));
  CHECK(created == swap_created{"abc123", "0xpayin", "", units("0.01234567"), units("31.5")});
  const auto seen = server.last();
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/v2/exchange");
  CHECK(seen.body.find("\"fromAmount\":\"0.01234567\"") != std::string::npos);
  const auto body = seen.json();
  CHECK(json_text_or_empty(body, "address") == "TAddress");
  CHECK(json_text_or_empty(body, "refundAddress") == "0xrefund");
  CHECK(json_text_or_empty(body, "rateId") == "rate-1");
  CHECK(json_text_or_empty(body, "flow") == "fixed-rate");
  CHECK(json_text_or_empty(body, "fromNetwork") == "eth");
  CHECK(json_text_or_empty(body, "toNetwork") == "trx");
}

TEST_CASE("each way a swap can fail has its kind") {
  fake::provider server;
  const auto client = make_changenow_client(at(server.url()));
  const auto with = [&](fake::answer answer) {
    server.script(std::move(answer));
    return fault_of(client(swap_of("1")));
  };
  const auto error = [](int status, const std::string& code) {
    return fake::answer{status, R"({"error":")" + code + R"(","message":"words"})", "application/json", {}};
  };
  for (const char* code : {"out_of_range", "max_amount_exceeded"}) CHECK(with(error(400, code)) == "permanent out_of_range");
  CHECK(with(error(400, "deposit_too_small")) == "permanent deposit_too_small");
  CHECK(with(error(400, "pair_is_inactive")) == "permanent pair_is_inactive");
  CHECK(with(error(400, "not_valid_address")) == "permanent not_valid_address");
  CHECK(with(error(200, "not_valid_address")) == "permanent not_valid_address");
  CHECK(with(error(403, "invalid_api_key")) == "transient credentials");
  CHECK(with({401, R"({"message":"Unauthorized"})", "application/json", {}}) == "transient credentials");
  CHECK(with({200, R"({"error":404})", "application/json", {}}) == "permanent 404");
  CHECK(with({200, R"({"error":500,"message":"x"})", "application/json", {}}) == "unknown http_500");
  CHECK(with({200, R"({"error":{"a":1}})", "application/json", {}}) == "permanent error");
  CHECK(with({429, "{}", "application/json", {{"Retry-After", "2"}}}) == "transient http_429");
  CHECK(with({503, "<html></html>", "text/html", {}}) == "unknown http_503");
  CHECK(with({200, "<html></html>", "text/html", {}}) == "unknown nonsense");
  CHECK(with({200, R"({"id":"a","fromAmount":1,"toAmount":2})", "application/json", {}}) == "unknown nonsense");
  CHECK(with({200, R"({"id":"a","payinAddress":"p","fromAmount":1,"toAmount":2,"payoutAddress":"thief"})", "application/json", {}})
        == "unknown nonsense");
  fake::rude_server silent(fake::misbehaviour::hold);
  CHECK(fault_of(make_changenow_client(at(silent.url()))(swap_of("1"))) == "unknown timeout");
  CHECK(fault_of(make_changenow_client(at(silent.url()))(get_swap{"a"})) == "transient timeout");
}

TEST_CASE("a swap is followed") {
  fake::provider server;
  const auto client = make_changenow_client(at(server.url()));
  server.script({200,
                 R"({"id":"abc123","status":"finished","amountFrom":0.01234567,"amountTo":31.4,"expectedAmountTo":31.5,
    "payinHash":"0xin","payoutHash":"out","refundHash":null,"refundAmount":null,"validUntil":null})",
                 "application/json",
                 {}});
  const auto state = std::get<swap_state>(client(get_swap{"abc123"}));
  CHECK(server.last().path == "/v2/exchange/by-id");
  CHECK(server.last().parameter("id") == "abc123");
  CHECK(state.status == swap_status::finished);
  CHECK(state.amount_to == units("31.4"));
  CHECK(state.payin_hash == "0xin");
  CHECK(state.payout_hash == "out");
  CHECK(state.refund_hash.empty());
  CHECK_FALSE(state.refund_amount);
  for (const auto word : enum_names<swap_status>::values) {
    server.script({200, R"({"id":"a","status":")" + std::string(word) + R"("})", "application/json", {}});
    CHECK(to_text(std::get<swap_state>(client(get_swap{"a"})).status) == word);
  }
  server.script({200, R"({"id":"a","status":"dreaming"})", "application/json", {}});
  CHECK(fault_of(client(get_swap{"a"})) == "transient nonsense");
  server.script({200, R"({"id":"b","status":"finished"})", "application/json", {}});
  CHECK(fault_of(client(get_swap{"a"})) == "transient nonsense");
}
