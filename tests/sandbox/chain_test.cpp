// What really moves on a chain: the payers' ether, the deposit of a swap, the owner's payout, a refund. Needs anvil.
#include "tests/sandbox/sandbox_fixture.hpp"

#include <csignal>
#include <fstream>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/chain_client.hpp"
#include "sandbox/http.hpp"

using sandbox::json;

namespace {

/// anvil on a port of its own for the length of a test.
struct anvil {
  anvil() {
    const int finder = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in free{};
    free.sin_family = AF_INET;
    free.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof free;
    REQUIRE(bind(finder, reinterpret_cast<sockaddr*>(&free), length) == 0);
    REQUIRE(getsockname(finder, reinterpret_cast<sockaddr*>(&free), &length) == 0);
    port = ntohs(free.sin_port);
    close(finder);
    pid = fork();
    if (pid == 0) {
      execl(PAYGATE_ANVIL, "anvil", "--port", std::to_string(port).c_str(), "--silent", "--max-persisted-states", "0", nullptr);
      _exit(127);
    }
    for (int i = 0; i < 1000 && !rpc("eth_blockNumber", "[]").is_string(); ++i) usleep(10'000);
  }
  ~anvil() {
    kill(pid, SIGTERM);
    waitpid(pid, nullptr, 0);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
  json rpc(const std::string& method, const std::string& params) const {
    const auto got =
        sandbox::http_post(url(), {}, R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}", 5000);
    return json::parse(got.body).value_or(json())["result"];
  }
  sandbox::decimal balance(const std::string& of) const {
    return sandbox::from_units(*sandbox::parse_quantity(rpc("eth_getBalance", "[\"" + of + "\",\"latest\"]").text()), 18);
  }
  json pay(const std::string& to, const std::string& amount) const {
    const auto wei = sandbox::hex_quantity(sandbox::units_of(*sandbox::parse_decimal(amount), 18));
    const auto from = rpc("eth_accounts", "[]").items()[0].text();
    return rpc("eth_sendTransaction", json::array({json::object({{"from", from}, {"to", to}, {"value", wei}})}).dump());
  }
  int port = 0;
  pid_t pid = 0;
};

constexpr auto hot_wallet = "0x1111111111111111111111111111111111111111";
constexpr auto owner = "0x2222222222222222222222222222222222222222";
constexpr auto refund = "0x3333333333333333333333333333333333333333";
const httplib::Headers key = {{"x-changenow-api-key", "k"}};

struct chain_fixture : anvil, sandbox_fixture {
  chain_fixture() : sandbox_fixture(with(url())) {}
  static sandbox::settings with(const std::string& url) {
    auto set = standard();
    set.rpc_url = url;
    set.hot_wallet = hot_wallet;
    set.stage_ms = 60;
    return set;
  }
  json swap(const std::string& from, const std::string& amount, const std::string& to, const std::string& address) {
    const auto made = post(
        "/changenow/v2/exchange",
        json::object({{"fromCurrency", from}, {"toCurrency", to}, {"fromAmount", amount}, {"address", address}, {"refundAddress", refund}})
            .dump(),
        key);
    REQUIRE(made.status == 200);
    return made.body;
  }
  json wait_for(const std::string& id, const std::string& status) {
    json seen;
    for (int i = 0; i < 1000; ++i) {
      seen = get("/changenow/v2/exchange/by-id?id=" + id, key).body;
      if (seen["status"].text() == status) return seen;
      usleep(10'000);
    }
    FAIL("never " << status << ": " << seen.dump());
    return seen;
  }
};

constexpr auto btc = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";

} // namespace

TEST_CASE_METHOD(chain_fixture, "what_was_paid_arrives_in_the_hot_wallet_before_the_last_ipn") {
  ipn_receiver daemon;
  const auto made = post("/nowpayments/v1/invoice",
                         R"({"price_amount":30,"price_currency":"usd","ipn_callback_url":")" + daemon.url() + "\"}", {{"x-api-key", "k"}});
  const auto paid = post("/control/invoices/" + made.body["id"].text() + "/pay", R"({"pay_currency":"btc"})");
  REQUIRE(paid.status == 200);
  CHECK(paid.body["outcome_amount"].text() == "0.00993");
  CHECK(sandbox::plain(balance(hot_wallet)) == "0.00993");
  CHECK(rpc("eth_getTransactionReceipt", "[\"" + paid.body["payout_hash"].text() + "\"]")["status"].text() == "0x1");
}

TEST_CASE_METHOD(chain_fixture, "a_swap_moves_only_by_a_real_deposit") {
  const auto made = swap("eth", "0.01", "btc", btc);
  const auto id = made["id"].text();
  wait_for(id, "waiting");
  pay(made["payinAddress"].text(), "0.01");
  const auto done = wait_for(id, "finished");
  CHECK(done["payoutHash"].text().size() == 64);
  CHECK(done["amountFrom"].text() == "0.01");
  pay(made["payinAddress"].text(), "0.01");
  for (int i = 0; i < 500 && get("/control/swaps").body.items()[0]["deposit_count"].text() != "2"; ++i) usleep(10'000);
  CHECK(get("/control/swaps").body.items()[0]["deposit_count"].text() == "2");
}

TEST_CASE_METHOD(chain_fixture, "a_late_deposit_comes_back") {
  const auto made = swap("eth", "0.01", "btc", btc);
  wait_for(made["id"].text(), "waiting");
  post("/control/clock", R"({"advance":"1h"})");
  wait_for(made["id"].text(), "expired");
  pay(made["payinAddress"].text(), "0.01");
  const auto back = wait_for(made["id"].text(), "refunded");
  CHECK(balance(refund) == *sandbox::decimal_of(back["refundAmount"]));
  CHECK(sandbox::plain(balance(refund)) == "0.00998334");
}

TEST_CASE_METHOD(chain_fixture, "a_standard_swap_takes_what_came") {
  const auto made = swap("eth", "0.02", "btc", btc);
  wait_for(made["id"].text(), "waiting");
  pay(made["payinAddress"].text(), "0.01");
  CHECK(wait_for(made["id"].text(), "finished")["amountFrom"].text() == "0.01");
}
