// The Ethereum client against a real node: what the scripted nodes of provider_ethereum_test say is what anvil says.
#include <catch2/catch.hpp>

#include "actors/wallet/wallet_machine.hpp"
#include "io/codec/ethereum_tx.hpp"
#include "io/providers/ethereum.hpp"
#include "tests/support/anvil.hpp"

using namespace paygate;

namespace {

struct chain {
  test::anvil node;
  private_key key = std::move(*private_key::parse(test::anvil::rich_key));
  std::string us = address_of(key), to = "0x3535353535353535353535353535353535353535";
  ethereum_settings settings = [this] {
    ethereum_settings made;
    made.rpc_urls = [url = node.url()] { return std::vector{url}; };
    made.chain_id = test::anvil::chain_id;
    return made;
  }();
  io_client client = make_ethereum_client(settings);

  tx_signed signed_transfer(std::uint64_t nonce, int128 max_fee, int128 tip, int128 value = one_coin) {
    return std::get<tx_signed>(sign(tx_fields{test::anvil::chain_id, nonce, 21000, max_fee, tip, to, value, ""}, key));
  }
  std::string send(const tx_signed& tx) {
    const auto outcome = client(broadcast_tx{tx.raw, tx.hash});
    if (const auto* failure = std::get_if<io_failure>(&outcome)) return failure->code + ": " + failure->text;
    static constexpr const char* words[] = {"accepted", "nonce_too_low", "underpriced", "insufficient_funds"};
    return words[static_cast<int>(std::get<tx_broadcast>(outcome).answer)];
  }
};

} // namespace

TEST_CASE("a transfer is quoted, broadcast, and followed on a real node") {
  chain c;
  CHECK_FALSE(check_chain(c.settings));
  const auto quote = std::get<chain_quote>(c.client(get_chain_quote{c.us, c.to, one_coin, ""}));
  CHECK(quote.chain_id == test::anvil::chain_id);
  CHECK(quote.latest_nonce == 0);
  CHECK(quote.gas_limit == 21000);
  CHECK(quote.balance == 10'000 * one_coin);
  CHECK(quote.base_fee > 0);
  CHECK(quote.priority_fee > 0);

  const auto fee = 2 * quote.base_fee + quote.priority_fee;
  const auto tx = c.signed_transfer(0, fee, quote.priority_fee);
  CHECK(std::get<io_failure>(c.client(get_transfer{tx.hash})).code == "not_found");
  CHECK(c.send(tx) == "accepted");
  const auto is_mined = [&] { return !std::get<receipts_read>(c.client(get_receipts{c.us, {tx.hash}})).receipts.empty(); };
  for (int tries = 0; tries < 20'000 && !is_mined(); ++tries) {} // The node mines by itself, a moment later.
  CHECK(c.send(tx) == "nonce_too_low"); // Only the receipt tells that it was ours.
  CHECK(c.send(c.signed_transfer(1, fee, quote.priority_fee, 20'000 * one_coin)) == "insufficient_funds");
  CHECK(c.send(c.signed_transfer(1, 1, 1)) == "underpriced");
  const auto queued = c.signed_transfer(5, fee, quote.priority_fee); // Waits behind a gap.
  CHECK(c.send(queued) == "accepted");
  CHECK(c.send(queued) == "accepted");
  CHECK(std::get<transfer_seen>(c.client(get_transfer{queued.hash})).confirmations == 0);

  c.node.mine(2);
  const auto read = std::get<receipts_read>(c.client(get_receipts{c.us, {tx.hash, queued.hash}}));
  CHECK(read.latest_nonce == 1);
  REQUIRE(read.receipts.size() == 1);
  CHECK(read.receipts[0].hash == tx.hash);
  CHECK(read.receipts[0].gas_used == 21000);
  CHECK_FALSE(read.receipts[0].reverted);
  CHECK(read.head == read.receipts[0].block_number + 2);
  CHECK(std::get<transfer_seen>(c.client(get_transfer{tx.hash})) == transfer_seen{c.to, one_coin, 3, false});
  const auto seen = std::get<wallet_seen>(c.client(get_wallet{c.us}));
  CHECK(seen.latest_nonce == 1);
  CHECK(seen.balance == 9'999 * one_coin - 21000 * read.receipts[0].effective_gas_price);
}

TEST_CASE("15 digits before the point and 18 behind it reach a real chain unchanged, as ETH and as a token of 18 decimals") {
  chain c;
  const auto big = parse_decimal("123456789012345.123456789012345678")->units;
  REQUIRE(to_decimal(big) == "123456789012345.123456789012345678");
  c.node.rpc("anvil_setBalance", "[\"" + c.us + "\",\"0xffffffffffffffffffffffffffffff\"]"); // 120 bits: more than that.
  const auto quote = std::get<chain_quote>(c.client(get_chain_quote{c.us, c.to, big, ""}));
  CHECK(quote.balance == (int128(1) << 120) - 1);
  const auto fee = 2 * quote.base_fee + quote.priority_fee;
  const auto coins = c.signed_transfer(0, fee, quote.priority_fee, big);
  CHECK(c.send(coins) == "accepted");
  c.node.mine(1);
  CHECK(std::get<transfer_seen>(c.client(get_transfer{coins.hash})).value == big);
  CHECK(std::get<wallet_seen>(c.client(get_wallet{c.to})).balance == big);

  // The token of tests/support/usdt_token.py: what its units mean is the reader's business, so here they are 10^-18.
  const std::string token = "0x7070707070707070707070707070707070707070";
  c.node.rpc("anvil_setCode",
             "[\"" + token
                 + "\",\"0x60003560e01c806370a08231146100215763a9059cbb1461002e575b60006000fd5b6004355460005260206000f35b"
                   "60243533541061001b576024353354033355600435546024350160043555602435600052600435337fddf252ad1be2c89b69c2b068fc"
                   "378daa952ba7f163c4a11628f55a4df523b3ef60206000a300\"]");
  const auto word = [](const std::string& hex) { return "0x" + std::string(64 - hex.size(), '0') + hex; };
  c.node.rpc("anvil_setStorageAt",
             "[\"" + token + "\",\"" + word(c.us.substr(2)) + "\",\"" + word("ffffffffffffffffffffffffffffff") + "\"]");
  const auto call = erc20_transfer(c.to, big);
  const auto gas = std::get<chain_quote>(c.client(get_chain_quote{c.us, token, 0, call, token}));
  CHECK(gas.token_balance == (int128(1) << 120) - 1);
  const auto sent =
      std::get<tx_signed>(sign(tx_fields{test::anvil::chain_id, 1, gas.gas_limit, fee, quote.priority_fee, token, 0, call}, c.key));
  CHECK(c.send(sent) == "accepted");
  c.node.mine(1);
  const token_moved moved{token, c.us, c.to, big};
  const auto seen = std::get<token_transfer_seen>(c.client(get_token_transfer{sent.hash}));
  REQUIRE(seen.moved.size() == 1);
  CHECK(seen.moved[0] == moved);
  const auto read = std::get<receipts_read>(c.client(get_receipts{c.us, {sent.hash}}));
  REQUIRE(read.receipts.size() == 1);
  CHECK_FALSE(read.receipts[0].reverted);
  REQUIRE(read.receipts[0].moved.size() == 1);
  CHECK(read.receipts[0].moved[0] == moved);
  CHECK(std::get<chain_quote>(c.client(get_chain_quote{c.to, c.us, 0, "", token})).token_balance == big);
}
