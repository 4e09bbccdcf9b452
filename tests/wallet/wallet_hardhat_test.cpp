// Stuck transactions on a node that holds the rule for replacements: 10 % more of both fees, or it refuses.
#include "tests/support/hardhat.hpp"
#include "tests/support/wallet_rig.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string owner = "0x00000000000000000000000000000000000000b1", other = "0x00000000000000000000000000000000000000c1";

struct story {
  hardhat node;
  wallet_rig w{{node.url()}};

  std::string balance(const std::string& of) const { return node.rpc("eth_getBalance", "[\"" + of + "\",\"latest\"]"); }
  std::string nonce() const { return node.rpc("eth_getTransactionCount", std::string("[\"") + anvil::rich + "\",\"latest\"]"); }
  std::string pooled() const { return node.rpc("eth_getTransactionCount", std::string("[\"") + anvil::rich + "\",\"pending\"]"); }
  bool ends(const std::string& intent, transfer_status wanted) {
    return w.turn_until([&] {
      if (w.status(intent) == wanted) return true;
      node.mine();
      return false;
    });
  }
  /// Sends another version of a transfer past the wallet, with its fees in thousandths of the old ones.
  std::string send_version(const wallet_transfer& t, int max_fee, int priority_fee) {
    tx_fields tx{31337,
                 static_cast<std::uint64_t>(t.nonce),
                 21'000,
                 t.max_fee * max_fee / 1000,
                 t.priority_fee * priority_fee / 1000,
                 t.to,
                 t.value.units(),
                 ""};
    const auto signed_one = std::get<tx_signed>(w.perform(sign_tx{w.self.id, tx}));
    const auto outcome = w.perform(broadcast_tx{signed_one.raw, signed_one.hash});
    if (const auto* f = std::get_if<io_failure>(&outcome)) return f->code + ": " + f->text;
    static constexpr const char* words[] = {"accepted", "nonce_too_low", "underpriced", "insufficient_funds"};
    return words[static_cast<int>(std::get<tx_broadcast>(outcome).answer)];
  }
};

} // namespace

TEST_CASE("a stuck transfer is replaced: the node takes the wallet's raise, and refuses one of 9 % of either fee") {
  story s;
  s.w.ask("payout/A/1", owner);
  REQUIRE(s.w.reaches("payout/A/1", transfer_status::broadcast));
  const auto old = s.w.transfer("payout/A/1");
  CHECK(s.send_version(old, 1090, 1090) == "underpriced");
  CHECK(s.send_version(old, 1125, 1090) == "underpriced");
  CHECK(s.send_version(old, 1090, 1125) == "underpriced");
  s.w.now += 61s;
  REQUIRE(s.w.turn_until([&] { return s.w.transfer("payout/A/1").hash != old.hash && s.w.transfer("payout/A/1").broadcast_at; }));
  const auto raised = s.w.transfer("payout/A/1");
  CHECK(raised.max_fee * 100 >= old.max_fee * 110);
  CHECK(raised.priority_fee * 100 >= old.priority_fee * 110);
  CHECK(raised.old_hashes == old.hash);
  CHECK(s.node.rpc("eth_getTransactionByHash", "[\"" + old.hash + "\"]") == "null"); // It took the old one's place,
  CHECK(s.node.rpc("eth_getTransactionByHash", "[\"" + raised.hash + "\"]") != "null");
  CHECK(s.pooled() == "0x1"); // and stands beside nothing.
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.w.transfer("payout/A/1").hash == raised.hash);
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.nonce() == "0x1");
}

TEST_CASE("a pool that knows it already, a second transfer behind a stuck one, and the old version mined after all") {
  story s;
  s.w.ask("payout/A/1", owner);
  s.w.ask("payout/B/1", other, eth("0.5"));
  REQUIRE(s.w.reaches("payout/B/1", transfer_status::broadcast));
  CHECK(s.w.status("payout/A/1") == transfer_status::broadcast);
  const auto old = s.w.transfer("payout/A/1");
  CHECK(std::get<tx_broadcast>(s.w.perform(broadcast_tx{old.raw, old.hash})).answer == broadcast_answer::accepted);
  CHECK(s.pooled() == "0x2");
  // Raised and signed, but mined before the new version reached the node: nonce too low, and the old hash counts.
  s.w.now += 61s;
  REQUIRE(s.w.turn_until([&] { return s.w.transfer("payout/A/1").hash != old.hash; }));
  s.node.mine();
  const auto raised = s.w.transfer("payout/A/1");
  if (!raised.broadcast_at)
    CHECK(std::get<tx_broadcast>(s.w.perform(broadcast_tx{raised.raw, raised.hash})).answer == broadcast_answer::nonce_too_low);
  CHECK(s.ends("payout/A/1", transfer_status::confirmed));
  CHECK(s.ends("payout/B/1", transfer_status::confirmed));
  CHECK(s.w.transfer("payout/A/1").hash == old.hash);
  CHECK(s.balance(owner) == hex_of(one_coin));
  CHECK(s.balance(other) == hex_of(one_coin / 2));
  CHECK(s.nonce() == "0x2");
  CHECK(hex_of(s.w.accounts["assets:wallet"]) == s.balance(anvil::rich));
}
