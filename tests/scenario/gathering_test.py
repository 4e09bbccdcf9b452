"""Value gathers on threshold channels: payments -> conversion (ETH to USDT, really on the chain) -> batches -> payouts; the books equal the
chain in both currencies, and every unit that came is found again."""
import signal
import unittest

from scenario import OWNER, Buyer, WorldTest, wait
from gathering import D, TokenWorld  # Found by the path that scenario sets.

DIRECT, SWAPPED = -1001000000030, -1001000000040


class gathered(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = TokenWorld({"conversion": {"threshold_usd": '"110"', "interval": "2s"}, "payouts": {"interval": "2s"}},
                               TokenWorld.sandbox_with_token, channels=False)
        cls.failed = False
        cls.world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
        cls.direct = cls.world.add(DIRECT, "Dollars", "usdt", "eth", "threshold", "50")
        cls.swapped = cls.world.add(SWAPPED, "Elsewhere", "eth", "base", "threshold", "25")

    def test_1_below_the_threshold_it_waits_and_shows_why(self):
        Buyer(self.world, 6101, DIRECT).get_invoice().pay()
        reason = wait("the reason", lambda: "of $110.00 are pending" in self.world.ctl("show", "scheduler", "conversions")["row"]["reason"])
        self.assertTrue(reason)
        self.assertEqual(self.world.ctl("actors", "--kind", "conversion"), [])

    def test_2_what_has_gathered_is_converted_and_paid_out_in_batches(self):
        world = self.world
        buyers = [Buyer(world, 6102 + i, channel).get_invoice() for i, channel in enumerate((DIRECT, DIRECT, SWAPPED))]
        for buyer in buyers:
            buyer.pay()
        # A crash somewhere between claim and payout: what is claimed is neither lost nor claimed again.
        wait("a conversion", lambda: [a for a in world.ctl("actors", "--kind", "conversion")], 60)
        self.assertEqual(world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
        world.start_daemon()
        wait("USDT at the owner's address", lambda: world.usdt(self.direct), 120)
        wait("the swapped payout", lambda: world.chain.balance(self.swapped), 120)

        def quiet():
            kinds = [a for kind in ("payout", "conversion") for a in world.ctl("actors", "--kind", kind)]
            return kinds and all(a["status"] in ("completed", "cancelled") for a in kinds)
        wait("everything to end", quiet, 60)
        paid_direct = world.usdt(self.direct)
        conversions = world.database.rows("SELECT * FROM conversion WHERE status = 'completed'")
        self.assertGreater(len(conversions), 0)
        for row in conversions:
            self.assertEqual(world.database.sql(f"SELECT sum(net_usdt) = {row['received_usdt']} FROM accrual WHERE conversion_id = '{row['id']}'"), "t")
            self.assertGreater(row["market_rate"], row["achieved_rate"])
        batch = world.database.rows(f"SELECT * FROM payout WHERE channel_id = {DIRECT} AND status = 'completed'")
        self.assertEqual(sum(D(b["amount_out"]) for b in batch), paid_direct)
        self.assertEqual({b["pot"] for b in batch}, {"usdt"})
        self.assertGreaterEqual(paid_direct, 50)

    def test_3_the_books_equal_the_chain_in_both_currencies(self):
        world = self.world
        wait("USDT in the books to be the chain's", lambda: world.books("assets:wallet", "usdt") == world.usdt(world.wallet), 30)
        world.check_books()
        self.assertEqual(world.database.sql("SELECT count(*) FROM ledger_balance WHERE account LIKE 'liability:conversion:%' AND units <> 0"), "0")
        # What is still owed to owners in USDT is exactly what lies in the wallet.
        self.assertEqual(world.database.sql("SELECT coalesce(-sum(units), 0) = (SELECT coalesce(sum(units), 0) FROM ledger_posting WHERE account = "
                                            "'assets:wallet' AND currency = 'usdt') FROM ledger_posting WHERE account LIKE 'owner:%' AND currency = 'usdt'"), "t")
        self.assertEqual(world.database.sql("SELECT count(*) FROM failed_transaction WHERE resolved_at IS NULL"), "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
