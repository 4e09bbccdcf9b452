"""Payouts and conversions when things go otherwise, in one daemon that never restarts: settings that reload, deposits that the exchange sends
back, two legs, the daily limit. After each the books equal the chain in both currencies."""
import decimal
import json
import os
import secrets
import signal
import unittest

from scenario import OWNER, RICH, Buyer, World, WorldTest, wait
from harness import Unexpected
import usdt_token  # Found by the path that scenario sets.

GATHERS, INSTANT = -1001000000050, -1001000000060
D = decimal.Decimal


class PayoutWorld(World):
    def __init__(self, *arguments, **named):
        self.tuned = {"conversion": {"threshold_usd": '"1000"', "interval": "2s"}, "payouts": {"interval": "2s"}}
        super().__init__(*arguments, **named)

    def write_settings(self, more, **where):
        merged = {"ethereum": {"chain_id": 31337, "usdt_contract": f'"{self.token}"'}}
        for source in (self.tuned, more):
            for section, lines in source.items():
                merged[section] = merged.get(section, {}) | lines
        return super().write_settings(merged, **where)

    def sandbox_with_token(self):
        self.token = usdt_token.deploy(self.chain, RICH, returns_bool=True)  # The other kind is that of gathering_test.
        return {"--usdt-token": self.token, "--usdt-treasury": RICH}

    def tune(self, section, **values):
        """Changes the settings file of the running daemon, and waits until it has taken it."""
        self.tuned[section] = self.tuned.get(section, {}) | values
        self.write_settings({}, file="paygated.ini.new")
        os.rename(self.path("paygated.ini.new"), self.path("paygated.ini"))
        for name, value in values.items():
            wait(f"{section}.{name} to reload", lambda: self.setting(f"{section}.{name}") == value)

    def setting(self, key):
        return next(s["value"] for s in self.ctl("config", "show") if s["key"] == key)

    def add(self, channel, title, ticker, network, strategy, threshold="0"):
        address = "0x" + secrets.token_hex(20)
        with open(self.path("channel.json"), "w") as file:
            json.dump({"open_channel_id": channel, "closed_channel_id": channel - 1, "open_title": title, "closed_title": title + " (members)",
                       "description": "A channel of the test.", "owner_chat_id": OWNER, "strategy": strategy, "threshold_usd": threshold,
                       "tiers": [{"price_usd": "30", "days": 30}],
                       "payout": {"ticker": ticker, "network": network, "address": address}}, file)
        self.ctl("channels", "add", "--file", self.path("channel.json"), "--reason", "test")
        return address

    def usdt(self, address):
        return D(usdt_token.balance(self.chain, self.token, address)).scaleb(-6)

    def books(self, account, currency):
        found = [b["units"] for b in self.ctl("ledger", "balances") if b["account"] == account and b["currency"] == currency]
        return D(found[0]) if found else D(0)

    def check_all_books(self):
        wait("USDT in the books to be the chain's", lambda: self.books("assets:wallet", "usdt") == self.usdt(self.wallet), 30)
        self.check_books()

    def batches(self, where="true"):
        return self.database.rows(f"SELECT * FROM payout WHERE channel_id = {GATHERS} AND {where} ORDER BY created_at")

    def wait_batch(self, after):
        """The newest batch of the gathering channel, once it is completed and there are more than `after` of them."""
        def look():
            found = self.batches("status = 'completed'")
            return found[-1] if len(found) > after else None
        return wait("a batch to be paid", look, 120, 0.2)


class payouts(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = PayoutWorld({}, PayoutWorld.sandbox_with_token, channels=False)
        cls.failed = False
        cls.world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
        cls.gathers = cls.world.add(GATHERS, "Gathers", "eth", "base", "threshold", "20")
        cls.instant = cls.world.add(INSTANT, "At once", "eth", "eth", "instant")
        cls.process = cls.world.paygated.process.pid

    def test_1_a_lower_threshold_in_the_file_starts_a_conversion_and_a_refund_of_its_deposit_is_tried_again(self):
        world = self.world
        Buyer(world, 6201, GATHERS).get_invoice().pay()
        wait("the reason", lambda: "of $1000.00 are pending" in world.ctl("show", "scheduler", "conversions")["row"]["reason"])
        self.assertEqual(world.ctl("actors", "--kind", "conversion"), [])
        world.sandbox.post("swaps/next", status="refunded")
        world.tune("conversion", threshold_usd='"10"')
        done = wait("a conversion", lambda: world.database.rows("SELECT * FROM conversion WHERE status = 'completed'"), 120)[0]
        self.assertGreater(D(done["lost"]), 0)
        self.assertEqual(done["swap_tries"], 2)
        swaps = {s["id"]: s for s in world.sandbox.get("swaps")}
        came_back = next(s for s in swaps.values() if s["status"] == "refunded")
        self.assertEqual(D(str(done["lost"])), D(str(came_back["amountFrom"])) - D(str(came_back["refundAmount"])))
        self.assertEqual(world.database.sql(f"SELECT units = {came_back['refundAmount']} FROM chain_arrival WHERE hash = '{came_back['refundHash']}'"), "t")
        self.assertEqual(world.database.sql(f"SELECT sum(net_usdt) = {done['received_usdt']} FROM accrual WHERE conversion_id = '{done['id']}'"), "t")

    def test_2_a_batch_whose_usdt_came_back_is_paid_with_what_is_left(self):
        world = self.world
        first = world.wait_batch(0)
        self.assertEqual((first["pot"], first["leg"]), ("usdt", 0))
        world.sandbox.post("swaps/next", status="refunded")  # The next deposit is of the conversion or of the batch: both have to do.
        world.sandbox.post("swaps/next", status="refunded")
        Buyer(world, 6202, GATHERS).get_invoice().pay()
        paid = world.wait_batch(1)
        self.assertEqual(world.database.sql(f"SELECT count(*) FROM accrual WHERE payout_id = '{paid['id']}' AND status = 'paid'"), "1")
        self.assertEqual(D(world.chain.balance(self.gathers)).scaleb(-18), sum(D(str(b["amount_out"])) for b in world.batches("status = 'completed'")))
        came_back = [s["id"] for s in world.sandbox.get("swaps") if s["status"] == "refunded"]
        self.assertEqual(len(came_back), 3)  # That of the first test, and both of this one: each is in the books, once.
        for swap in came_back:
            self.assertEqual(world.database.sql(f"SELECT count(*) FROM ledger_entry WHERE key LIKE '%/refunded/{swap}'"), "1")
        world.check_all_books()

    def test_3_funding_by_eth_sells_the_usdt_first(self):
        world = self.world
        before = len(world.batches("status = 'completed'"))
        world.tune("payouts", funding='"eth"')
        Buyer(world, 6203, GATHERS).get_invoice().pay()
        paid = world.wait_batch(before)
        self.assertEqual((paid["pot"], paid["leg"]), ("eth", 2))
        swaps = {s["id"]: s for s in world.sandbox.get("swaps")}
        first, second = swaps[paid["first_swap_id"]], swaps[paid["swap_id"]]
        self.assertEqual((first["fromCurrency"], first["toCurrency"], first["payoutAddress"]), ("usdt", "eth", world.wallet))
        self.assertEqual((second["fromCurrency"], second["toNetwork"], second["payoutAddress"]), ("eth", "base", self.gathers))
        self.assertEqual(D(str(paid["source_eth"])), D(str(first["amountTo"])))  # What really came is what the second leg may spend.
        self.assertEqual(paid["first_payout_hash"], first["payoutHash"])
        keys = world.database.sql(f"SELECT string_agg(substr(key, length('payout/{paid['id']}/') + 1), ' ' ORDER BY id) FROM ledger_entry "
                                  f"WHERE kind = 'payout' AND entity_id = '{paid['id']}'")
        for wanted in ("sold", "bought", "completed"):
            self.assertIn(wanted, keys.split())
        world.check_all_books()

    def test_4_above_the_daily_limit_the_operator_is_asked(self):
        world = self.world
        world.tune("payouts", daily_max_usd='"40"')
        first, second = Buyer(world, 6204, INSTANT).get_invoice(), Buyer(world, 6205, INSTANT).get_invoice()
        first.pay()
        first.wait_payout()
        second.pay()
        row = wait("the second to wait for approval",
                   lambda: next((r for r in [second.row("payout")] if r["status"] == "awaiting_approval"), None), 60)
        self.assertIn("above the daily limit", row["reason"])
        self.assertEqual(world.chain.balance(self.instant), int(D(str(first.row("payout")["amount_out"])) * 10**18))
        world.ctl("payouts", "approve", second.order, "--reason", "known owner")
        second.wait_payout()
        world.check_all_books()

    def test_5_a_file_with_a_fault_changes_nothing_and_is_an_alarm(self):
        world = self.world
        with open(world.path("paygated.ini"), "a") as file:
            file.write('[conversion]\ninterval=soon\n')
        self.assertTrue(wait("the alarm", lambda: "settings_not_reloaded" in world.paygated.tail(10000)))
        self.assertEqual(world.setting("conversion.threshold_usd"), '"10"')
        answer = world.ctl("config", "reload", "--reason", "test")["nodes"][0]
        self.assertTrue(answer["faults"])
        world.tune("conversion", threshold_usd='"12"')
        world.paygated.process.send_signal(signal.SIGHUP)
        again = world.ctl("config", "reload", "--reason", "test")["nodes"][0]
        self.assertEqual((again["taken"], again["need_restart"], again["faults"]), ([], [], []))
        world.ctl("run", "conversions", "--reason", "test")
        self.assertEqual(world.paygated.process.pid, self.process)
        self.assertTrue(world.paygated.alive())
        done = world.database.sql("SELECT min(id) FROM conversion WHERE status = 'completed'")
        try:
            world.ctl("cancel", "conversion", done, "--reason", "test")
            self.fail("a conversion whose money moved cannot be cancelled")
        except Unexpected as refused:
            self.assertIn("money may have moved", str(refused))


if __name__ == "__main__":
    unittest.main(verbosity=2)
