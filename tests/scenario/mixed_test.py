#!/usr/bin/env python3
"""25 payments on four channels (two paid out at once, two by threshold; to ETH, BTC, USDT and a SHIB-like coin; paid in all four) -> conversions
-> batches -> payouts, with a SIGKILL in the middle. Then the ledger checks, each owner has what the payouts say, and every unit that came in is
found again in payouts, fees, gas, spread or balances. Prints where everything went; `deploy/scenario` builds first."""
import collections
import concurrent.futures
import signal
import unittest

from scenario import OWNER, RICH, Buyer, WorldTest, wait
import gathering  # Found by the path that scenario sets.
import usdt_token

ETH, BTC, USDT, SHIB = -1001000000210, -1001000000220, -1001000000230, -1001000000240
PAID_IN = ("eth", "usdterc20", "btc", "shib")
PAYMENTS, THRESHOLD = 25, 45
# 15 digits before the point and 18 behind it: what was paid in the SHIB-like coin reaches the books, and whoever looks, as it is.
SHIB_PAID = "123456789012345.123456789012345678"


def with_shib(world):
    """A second token on the chain: 18 decimals, returns a bool."""
    world.shib = usdt_token.deploy(world.chain, RICH, returns_bool=True, supply=10**36)
    return gathering.TokenWorld.sandbox_with_token(world) | {"--token": "shib=" + world.shib}


class mixed(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = gathering.TokenWorld({"conversion": {"threshold_usd": f'"{THRESHOLD}"', "interval": "2s"}, "payouts": {"interval": "2s"}},
                                         with_shib, channels=False)
        cls.failed = False
        world = cls.world
        world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
        world.sandbox.post("limits", overall_per_s=1000, chat_per_min=60000, group_per_min=60000, burst=1000)
        cls.owners = {ETH: (world.add(ETH, "Ether at once", "eth", "eth", "instant"), "eth"),
                      BTC: (world.add(BTC, "Bitcoin at once", "btc", "btc", "instant", address="bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"), None),
                      USDT: (world.add(USDT, "Dollars from 50", "usdt", "eth", "threshold", "50", price="19.99"), "usdt"),
                      SHIB: (world.add(SHIB, "Dogs from 40", "shib", "eth", "threshold", "40", price="24.5"), None)}

    def buy(self, number):
        channel = (ETH, BTC, USDT, SHIB)[number % 4]
        buyer = Buyer(self.world, 6300 + number, channel, limit=120).get_invoice()
        coin = PAID_IN[number // 4 % 4]
        more = {"actually_paid": SHIB_PAID, "exact": True} if coin == "shib" else {}
        report = buyer.pay(pay_currency=coin, **more)
        self.assertEqual({i["http_status"] for i in report["ipns"]}, {200})
        buyer.coin = coin
        return buyer

    def test_1_payments_come_in_and_gather_while_the_daemon_is_killed(self):
        world = self.world
        with concurrent.futures.ThreadPoolExecutor(5) as crowd:
            first = [crowd.submit(self.buy, n) for n in range(12)]
            buyers = [b.result() for b in first]
            wait("a conversion", lambda: world.ctl("actors", "--kind", "conversion"), 60)
            self.assertEqual(world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
            world.start_daemon()
            buyers += list(crowd.map(self.buy, range(12, PAYMENTS)))
        type(self).buyers = buyers
        for buyer in buyers:
            buyer.get_invite()
        world.wait_quiet(THRESHOLD)
        self.assertEqual(world.database.sql("SELECT count(*) FROM payment WHERE status = 'paid'"), str(PAYMENTS))
        self.assertEqual(world.database.sql("SELECT count(*) FROM accrual"), str(PAYMENTS))

    def test_2_everybody_is_paid_from_the_right_pot(self):
        world, sql = self.world, self.world.database.sql
        self.assertEqual(sql("SELECT count(*) FROM failed_transaction WHERE resolved_at IS NULL"), "0")
        self.assertGreaterEqual(int(sql("SELECT count(*) FROM conversion WHERE status = 'completed'")), 2)
        pots = collections.defaultdict(set)
        for row in world.database.rows("SELECT channel_id, pot FROM payout WHERE status = 'completed'"):
            pots[row["channel_id"]].add(row["pot"])
        self.assertEqual(pots, {ETH: {"eth"}, BTC: {"eth"}, USDT: {"usdt"}, SHIB: {"usdt"}})
        self.assertEqual(sql(f"SELECT count(*) FROM payout WHERE channel_id = {ETH} AND status = 'completed'"), "7")
        self.assertEqual(sql(f"SELECT count(*) FROM payout WHERE channel_id = {BTC} AND status = 'completed'"), "6")
        gathering.check_owners(world, self.owners)
        paid = sql(f"SELECT sum(amount_out)::text FROM payout WHERE channel_id = {SHIB} AND status = 'completed'")
        self.assertEqual(gathering.D(usdt_token.balance(world.chain, world.shib, self.owners[SHIB][0])).scaleb(-18), gathering.D(paid))
        for channel in (BTC, SHIB):  # By the exchange's own record of its swap as well; Bitcoin's chain is one that we do not see.
            for row in world.database.rows(f"SELECT swap_id, amount_out::text FROM payout WHERE channel_id = {channel} AND status = 'completed'"):
                swap = next(s for s in world.sandbox.get("swaps") if s["id"] == row["swap_id"])
                self.assertEqual(swap["status"], "finished")
                self.assertEqual(gathering.D(str(swap["amountTo"])), gathering.D(row["amount_out"]), swap)

    def test_3_eighteen_decimals_come_through(self):
        world = self.world
        paid = world.database.rows("SELECT pay_currency, count(*) AS n, min(actually_paid)::text AS least, max(actually_paid)::text AS most FROM deposit"
                                   " GROUP BY pay_currency")
        self.assertEqual({r["pay_currency"] for r in paid}, set(PAID_IN))
        shib = next(r for r in paid if r["pay_currency"] == "shib")
        self.assertEqual((shib["least"], shib["most"]), (SHIB_PAID, SHIB_PAID))
        buyer = next(b for b in self.buyers if b.coin == "shib")
        self.assertEqual(world.ctl("show", "payment", buyer.order)["children"]["deposit"][0]["actually_paid"], SHIB_PAID)
        on_the_wire = [i["body"] for i in world.sandbox.get("ipns?limit=10000") if SHIB_PAID in i["body"]]
        self.assertGreater(len(on_the_wire), 0, "as a JSON number in the IPNs")

    def test_4_every_unit_is_found_again(self):
        world = self.world
        wait("the ledger to agree with the chain", lambda: world.ledger_wei() == world.chain.balance(world.wallet))
        transfers = gathering.check_transfers(world)
        gathering.check_gathered(world)
        world.check_books()
        say = lambda line: print(line, flush=True)
        say(f"\n{PAYMENTS} payments on 4 channels, {transfers} transfers on the chain, {world.database.sql('SELECT count(*) FROM transition')} steps")
        for row in world.database.rows("SELECT c.open_title AS title, c.strategy, c.payout_ticker AS coin, count(DISTINCT p.id) AS payouts,"
                                       " sum(p.amount_out)::text AS amount FROM channel c JOIN payout p ON p.channel_id = c.open_channel_id"
                                       " WHERE p.status = 'completed' GROUP BY 1, 2, 3 ORDER BY 1"):
            say(f"   {row['title']:18} {row['strategy']:10} {row['payouts']:2d} payouts  {gathering.D(row['amount']).normalize():>30f} {row['coin']}")
        for row in world.database.rows("SELECT id, accruals, funded_eth::text AS eth, received_usdt::text AS usdt, market_rate::text AS market,"
                                       " achieved_rate::text AS achieved FROM conversion WHERE status = 'completed' ORDER BY completed_at"):
            short = {k: gathering.D(row[k]).normalize() for k in ("eth", "usdt", "market", "achieved")}
            say(f"   conversion {row['id']:6} {row['accruals']:2d} accruals  {short['eth']:f} ETH -> {short['usdt']:f} USDT"
                f"  (market {short['market']:.2f}, achieved {short['achieved']:.2f})")
        gathering.print_account(world, say)
        found = world.ctl("reconcile", "--wait", codes=(0, 5))
        self.assertEqual(found["exceptions"], [])
        say("   reconcile: no difference to the chain, NOWPayments and ChangeNOW; not seen: " + "; ".join(found["not_seen"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
