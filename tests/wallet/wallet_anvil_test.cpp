// What can happen to a transfer between the wallet and a real node, anvil's: each story ends with exactly one transaction of the intent on
// the chain, or with none and the books saying so.
#include "tests/support/wallet_rig.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string owner = "0x00000000000000000000000000000000000000b1", other = "0x00000000000000000000000000000000000000c1",
                  contract = "0x00000000000000000000000000000000000000d1";
/// EVM code: refuses everything; answers everything with 10^12 and does nothing.
const char *refusing = "0x60006000fd", *yes_man = "0x64e8d4a5100060005260206000f3";

struct story {
  anvil node;
  wallet_rig w;
  story() : w({node.url()}) {}
  explicit story(std::vector<std::string> urls) : w(std::move(urls)) {}

  void mining(bool automatic) { node.rpc("evm_setAutomine", automatic ? "[true]" : "[false]"); }
  std::string balance(const std::string& of) const { return node.balance_hex(of); }
  std::string nonce() const { return node.rpc("eth_getTransactionCount", std::string("[\"") + anvil::rich + "\",\"latest\"]"); }
  void set_base_fee(int128 wei) {
    node.rpc("anvil_setNextBlockBaseFeePerGas", "[\"" + hex_of(wei) + "\"]");
    node.mine();
  }
  /// What the books say that the wallet holds is what it holds.
  void check_books() const { CHECK(hex_of(w.accounts.at("assets:wallet")) == balance(anvil::rich)); }
  /// Mines and turns until it is there.
  bool ends(const std::string& intent, transfer_status wanted) {
    return w.turn_until([&] {
      if (w.status(intent) == wanted) return true;
      node.mine();
      return false;
    });
  }
};

} // namespace

TEST_CASE("two transfers at once have two nonces, and each is mined once") {
  story s;
  s.mining(false);
  s.w.ask("payout/A/1", owner);
  s.w.ask("payout/B/1", other, eth("0.5"));
  REQUIRE(s.w.reaches("payout/B/1", transfer_status::broadcast));
  CHECK(s.w.transfer("payout/A/1").nonce == 0);
  CHECK(s.w.transfer("payout/B/1").nonce == 1);
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.ends("payout/B/1", transfer_status::confirmed));
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.balance(other) == hex_of(one_coin / 2));
  CHECK(s.nonce() == "0x2");
  s.check_books();
}

TEST_CASE("a nonce gap is filled: what the pool dropped is sent again, and the one behind it is mined, too") {
  story s;
  s.mining(false);
  s.w.ask("payout/A/1", owner);
  s.w.ask("payout/B/1", other);
  REQUIRE(s.w.reaches("payout/B/1", transfer_status::broadcast));
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::broadcast));
  s.node.rpc("anvil_dropTransaction", "[\"" + s.w.transfer("payout/A/1").hash + "\"]");
  s.node.mine(3);
  s.w.turn();
  CHECK(s.nonce() == "0x0"); // The second one waits behind the gap.
  const auto hash = s.w.transfer("payout/A/1").hash;
  s.w.now += 16s; // Time to broadcast again.
  CHECK(s.ends("payout/B/1", transfer_status::confirmed));
  CHECK(s.w.status("payout/A/1") == transfer_status::confirmed);
  CHECK(s.w.transfer("payout/A/1").hash == hash);
  CHECK(s.nonce() == "0x2");
  s.check_books();
}

TEST_CASE("a node that names a hash and forgets it: the same bytes are sent again, and mined once") {
  anvil node;
  rpc_proxy liar(node.url());
  wallet_rig w({liar.url()});
  liar.swallow = true;
  w.ask("payout/A/1", owner);
  REQUIRE(w.reaches("payout/A/1", transfer_status::broadcast));
  CHECK(liar.swallowed == 1);
  for (int i = 0; i < 3; ++i) w.now += 16s, node.mine(), w.turn();
  CHECK(liar.swallowed == 4);
  CHECK(w.status("payout/A/1") == transfer_status::broadcast);
  const auto hash = w.transfer("payout/A/1").hash;
  liar.swallow = false;
  w.now += 16s;
  w.turn();
  node.mine();
  CHECK(w.reaches("payout/A/1", transfer_status::confirmed));
  CHECK(w.transfer("payout/A/1").hash == hash);
  CHECK(node.balance_hex(owner) == hex_of(one_coin));
  CHECK(node.rpc("eth_getTransactionCount", std::string("[\"") + anvil::rich + "\",\"latest\"]") == "0x1");
}

TEST_CASE("a node that has fallen behind moves nothing: no second transaction, no pause, no wrong end") {
  anvil node;
  rpc_proxy lagging(node.url());
  wallet_rig w({lagging.url()});
  w.ask("payout/A/1", owner);
  REQUIRE(w.reaches("payout/A/1", transfer_status::broadcast));
  node.mine(2);
  REQUIRE(w.reaches("payout/A/1", transfer_status::confirmed)); // Now its old answers are those of nonce 1.
  w.ask("payout/B/1", owner);
  w.turn_until([&] { return w.status("payout/B/1") == transfer_status::broadcast; });
  lagging.frozen = true; // It shows nonce 1 and no receipt from here on.
  node.mine(5);
  for (int i = 0; i < 20; ++i) w.now += 10s, w.turn();
  CHECK(w.state.status == wallet_status::ready);
  CHECK(w.status("payout/B/1") == transfer_status::broadcast);
  CHECK(node.balance_hex(owner) == hex_of(2 * one_coin));
  lagging.frozen = false;
  CHECK(w.reaches("payout/B/1", transfer_status::confirmed));
  CHECK(node.balance_hex(owner) == hex_of(2 * one_coin));
}

TEST_CASE("of two nodes that disagree the one that lags is not believed when it would cost a nonce") {
  anvil node;
  rpc_proxy lagging(node.url());
  wallet_rig behind({lagging.url()});
  behind.ask("payout/A/1", owner);
  REQUIRE(behind.reaches("payout/A/1", transfer_status::broadcast));
  behind.turn();
  lagging.frozen = true;
  node.mine(3);
  // The same wallet, the good node second: the answers of the first are old, but they are answers.
  auto both = wallet_rig({lagging.url(), node.url()});
  CHECK(both.state.next_nonce <= 1);
  lagging.frozen = false;
  CHECK(behind.reaches("payout/A/1", transfer_status::confirmed));
  behind.ask("payout/B/1", other);
  REQUIRE(behind.reaches("payout/B/1", transfer_status::broadcast));
  CHECK(behind.transfer("payout/B/1").nonce == 1);
}

TEST_CASE("nonce too low because our own went through: the receipt decides, not the words") {
  story s;
  s.w.ask("payout/A/1", owner);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::signed_tx));
  // A crash lost the answer of the first broadcast.
  s.node.rpc("eth_sendRawTransaction", "[\"" + s.w.transfer("payout/A/1").raw + "\"]");
  s.node.mine();
  CHECK(std::get<tx_broadcast>(s.w.perform(s.w.request<broadcast_tx>("broadcast"))).answer == broadcast_answer::nonce_too_low);
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.nonce() == "0x1");
  s.check_books();
}

TEST_CASE("already known is as good as accepted") {
  story s;
  s.mining(false);
  s.w.ask("payout/A/1", owner);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::broadcast));
  const broadcast_tx again{s.w.transfer("payout/A/1").raw, s.w.transfer("payout/A/1").hash};
  CHECK(std::get<tx_broadcast>(s.w.perform(again)).answer == broadcast_answer::accepted);
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.nonce() == "0x1");
}

TEST_CASE("insufficient funds: before it is signed and after, it waits, says so, and goes on when it is refilled") {
  story s;
  s.node.set_balance(anvil::rich, hex_of(one_coin / 2));
  s.w.ask("payout/A/1", owner);
  s.w.turn(), s.w.turn();
  CHECK(s.w.state.alert.find("balance too low: 1 ETH to send, 0.5 ETH free") == 0);
  s.node.set_balance(anvil::rich, hex_of(one_coin + one_coin / 1000));
  s.w.turn();
  CHECK(s.w.state.alert.find("gas float too low") == 0);
  s.node.set_balance(anvil::rich, hex_of(2 * one_coin));
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::signed_tx));
  s.node.set_balance(anvil::rich, hex_of(one_coin / 2));
  s.w.turn();
  CHECK(s.w.state.alert.find("balance too low: the node wants more for nonce 0") == 0);
  CHECK(s.w.status("payout/A/1") == transfer_status::signed_tx);
  s.node.set_balance(anvil::rich, hex_of(2 * one_coin));
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.w.state.alert.empty());
  CHECK(s.balance(owner) == hex_of(one_coin));
}

TEST_CASE("a reorg takes a mined transfer out of the chain: it is sent again, and mined once") {
  story s;
  s.mining(false);
  s.w.ask("payout/A/1", owner);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::broadcast));
  s.node.mine(3); // So that there is something to take back.
  s.w.rules.confirmations = 12;
  REQUIRE(s.w.turn_until([&] { return s.w.transfer("payout/A/1").block_number != 0; }));
  REQUIRE(s.balance(owner) == hex_of(one_coin));
  s.node.rpc("anvil_reorg", "[3, []]"); // Three other blocks, without it.
  REQUIRE(s.balance(owner) == "0x0");
  REQUIRE(s.w.turn_until([&] { return s.w.transfer("payout/A/1").block_number == 0; }));
  CHECK(s.w.status("payout/A/1") == transfer_status::broadcast);
  s.w.now += 31s;
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.nonce() == "0x1");
  s.check_books();
}

TEST_CASE("a base fee above wallet.max_fee_gwei is waited out, before the first version and before a raise") {
  story s;
  s.w.rules.max_fee_wei = 30 * gwei;
  s.mining(false);
  s.set_base_fee(100 * gwei);
  s.w.ask("payout/A/1", owner);
  s.w.turn(), s.w.turn();
  CHECK(s.w.state.alert.find("fee cap") == 0);
  CHECK(s.w.status("payout/A/1") == transfer_status::queued);
  s.set_base_fee(5 * gwei);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::broadcast));
  CHECK(s.w.state.alert.empty());
  s.set_base_fee(100 * gwei); // Nothing of ours gets into such a block.
  s.w.now += 61s;
  s.w.turn();
  const auto first = s.w.transfer("payout/A/1").hash;
  for (int i = 0; i < 5; ++i) s.w.now += 61s, s.w.turn();
  CHECK(s.w.transfer("payout/A/1").max_fee <= 30 * gwei);
  CHECK(s.w.state.alert.find("fee cap: nonce 0 waits") == 0);
  s.set_base_fee(gwei);
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.nonce() == "0x1");
  CHECK_FALSE(first.empty());
}

TEST_CASE("a receiver that refuses: before it is signed nothing is sent; after, it is mined without effect and only gas is posted") {
  story s;
  s.node.rpc("anvil_setCode", "[\"" + contract + "\",\"" + refusing + "\"]");
  s.w.ask("payout/A/1", contract);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::dropped));
  CHECK(s.nonce() == "0x0");
  s.w.ask("payout/B/1", owner);
  REQUIRE(s.w.reaches("payout/B/1", transfer_status::signed_tx));
  s.node.rpc("anvil_setCode", "[\"" + owner + "\",\"" + refusing + "\"]"); // It had no code when it was quoted.
  CHECK(s.ends("payout/B/1", transfer_status::reverted));
  CHECK(s.balance(owner) == "0x0");
  CHECK(s.w.accounts["owner:-100:held"] == 0);
  CHECK(s.w.accounts["expense:gas"] > 0);
  s.check_books();
}

TEST_CASE("a token that says yes and moves nothing, and one that refuses when it is mined: neither is a transfer") {
  story s;
  s.node.rpc("anvil_setCode", "[\"" + contract + "\",\"" + yes_man + "\"]");
  const auto value = usdt_amount::of_units(5 * one_coin);
  s.w.ask_token("payout/A/1", owner, contract, value);
  CHECK(s.ends("payout/A/1", transfer_status::reverted)); // Mined with status 1, without a Transfer.
  s.w.ask_token("payout/B/1", owner, contract, value);
  REQUIRE(s.w.reaches("payout/B/1", transfer_status::signed_tx));
  s.node.rpc("anvil_setCode", "[\"" + contract + "\",\"" + refusing + "\"]");
  CHECK(s.ends("payout/B/1", transfer_status::reverted));
  CHECK(s.w.accounts["owner:-100:held"] == 0);
  s.check_books();
}

TEST_CASE("a restored backup: the chain's nonce is ahead, nothing is sent, and what was paid is settled by its transaction") {
  story s;
  s.w.ask("payout/A/1", owner);
  const auto backup = s.w.state; // Taken before A was signed.
  const auto books = s.w.accounts;
  REQUIRE(s.ends("payout/A/1", transfer_status::confirmed));
  const auto paid = s.w.transfer("payout/A/1").hash;
  s.w.ask("payout/B/1", other, eth("0.5"));
  REQUIRE(s.ends("payout/B/1", transfer_status::confirmed));
  const auto also_paid = s.w.transfer("payout/B/1").hash;

  s.w.state = backup;
  s.w.accounts = books;
  s.w.keys.clear();
  REQUIRE(s.w.turn_until([&] { return s.w.state.status == wallet_status::paused; }));
  CHECK(s.w.state.alert.find("the chain's nonce 2 is ahead of ours, 0") == 0);
  s.w.send(sign_off_wallet{2, "a backup was restored"});
  REQUIRE(s.w.turn_until([&] { return s.w.state.status == wallet_status::ready; }));
  s.w.ask("payout/B/1", other, eth("0.5")); // Asked for anew by whoever does not know that it was paid.
  for (int i = 0; i < 5; ++i) s.w.now += 1min, s.w.turn(), s.node.mine();
  CHECK(s.nonce() == "0x2");
  s.w.send(explain_nonce{0, paid, "payout/A/1", "seen on the chain"});
  s.w.send(explain_nonce{1, also_paid, "payout/B/1", "seen on the chain"});
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.ends("payout/B/1", transfer_status::confirmed));
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.balance(other) == hex_of(one_coin / 2));
  s.check_books();
  s.w.ask("payout/C/1", owner);
  CHECK(s.ends("payout/C/1", transfer_status::confirmed));
  CHECK(s.w.transfer("payout/C/1").nonce == 2);
  s.check_books();
}

TEST_CASE("a backup that forgot transfers in the pool: nobody takes their nonces before they are mined") {
  story s;
  const auto backup = s.w.state;
  const auto books = s.w.accounts;
  s.mining(false);
  s.w.ask("payout/A/1", owner);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::broadcast));
  s.w.state = backup;
  s.w.accounts = books;
  s.w.keys.clear();
  s.w.ask("payout/B/1", other); // Would have nonce 0, and then A nonce 1: paid twice.
  for (int i = 0; i < 5; ++i) s.w.turn();
  CHECK(s.w.status("payout/B/1") == transfer_status::queued);
  CHECK(s.w.state.alert.find("the node's pool holds nonce 0 of this wallet") == 0);
  s.node.mine();
  REQUIRE(s.w.turn_until([&] { return s.w.state.status == wallet_status::paused; }));
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.balance(other) == "0x0");
}
