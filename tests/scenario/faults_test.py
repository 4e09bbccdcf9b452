"""Providers that are down, slow, silent after they did it, or talk nonsense; PostgreSQL restarted under load. Everything waits, shows it,
and goes on by itself when the fault is gone."""
import signal
import threading
import time
import unittest

from scenario import DIRECT_CHANNEL, SWAP_CHANNEL, Buyer, WorldTest, fetch, wait

MODES = ("error", "timeout", "timeout_after_success", "slow", "nonsense")


class provider_faults(WorldTest):
    user = 6200

    def one_fault_each(self, provider, channel):
        """A purchase for each mode, all at once in time: the fault strikes some of the provider's calls, then is gone."""
        for mode in MODES:
            with self.subTest(provider=provider, mode=mode):
                type(self).user += 1
                self.world.sandbox.fault(provider, mode, count=3, ms=4000)
                buyer = Buyer(self.world, self.user, channel, limit=60)
                buyer.get_invoice().pay()
                buyer.get_invite()
                buyer.wait_payout(90)
                self.world.sandbox.no_faults()
                self.assertEqual(buyer.row()["status"], "paid")

    def test_1_nowpayments(self):
        self.one_fault_each("nowpayments", DIRECT_CHANNEL)

    def test_2_changenow(self):
        self.one_fault_each("changenow", SWAP_CHANNEL)

    def test_3_telegram(self):
        self.one_fault_each("telegram", DIRECT_CHANNEL)

    def test_4_a_provider_that_is_down_is_shown_and_waited_for(self):
        self.world.sandbox.fault("changenow", "error", status=503)
        buyer = Buyer(self.world, 6290, SWAP_CHANNEL).get_invoice()
        buyer.pay()
        buyer.get_invite()

        def shown():
            live = self.world.ctl("show", "payout", buyer.order).get("live") or {}
            return [e for e in live.get("effects", []) if e["attempts"] > 0 and e.get("last_error")]
        self.assertTrue(wait("the trouble to be shown", shown))
        wait("the trouble to be written down", lambda: self.world.ctl("actors", "--stuck"))
        self.world.sandbox.no_faults()
        self.world.ctl("retry", "payout", buyer.order, "--reason", "the provider is back")
        buyer.wait_payout(30)

    def test_5_a_hanging_ethereum_node_is_waited_for(self):
        node = self.world.chain.child.process
        buyers = [Buyer(self.world, 6280 + i, DIRECT_CHANNEL).get_invoice() for i in range(3)]
        for buyer in buyers:
            buyer.pay()
        node.send_signal(signal.SIGSTOP)
        time.sleep(6)
        node.send_signal(signal.SIGCONT)
        for buyer in buyers:
            buyer.wait_payout(60)

    def test_6_the_books_close_and_each_intent_was_sent_once(self):
        self.world.check_books()
        sent = self.world.chain.sent_by(self.world.wallet)
        self.assertEqual(len(sent), len(self.world.ctl("actors", "--kind", "payout", "--limit", "1000")))


class database_restart(WorldTest):
    def test_postgresql_restarted_under_load_loses_nothing_acknowledged(self):
        buyers = [Buyer(self.world, 6300 + i, DIRECT_CHANNEL, limit=90).get_invoice() for i in range(4)]
        stop, acknowledged, refused = threading.Event(), [], []

        def load(number):
            """IPNs of unknown orders, without a pause: each is either kept and answered 200, or refused."""
            i = 0
            while not stop.is_set():
                payment_id = 7_000_000_000 + number * 1_000_000 + i
                i += 1
                body = {"payment_id": payment_id, "payment_status": "waiting", "order_id": f"LOAD{number}", "price_amount": 1, "price_currency": "usd"}
                try:
                    status = self.world.post_ipn(body)[0]
                except OSError as error:
                    status = str(error)
                (acknowledged if status == 200 else refused).append(payment_id if status == 200 else status)

        workers = [threading.Thread(target=load, args=(n,)) for n in range(4)] + [threading.Thread(target=b.pay) for b in buyers]
        [w.start() for w in workers]
        for end in (self.world.database.stop, self.world.database.crash, self.world.database.stop):
            time.sleep(1.5)
            end()
            time.sleep(0.5)
            self.world.database.start()
        time.sleep(2)
        stop.set()
        [w.join() for w in workers]
        self.assertTrue(self.world.paygated.alive(), "the daemon goes on by itself")
        wait("the daemon to be ready again", lambda: fetch(self.world.daemon_url + "/ready")[0] == 200)
        kept = set(self.world.database.sql("SELECT payment_id FROM webhook_event WHERE order_id LIKE 'LOAD%'").split())
        lost = [p for p in acknowledged if str(p) not in kept]
        print(f"   {len(acknowledged)} acknowledged, {len(refused)} refused meanwhile ({sorted(set(map(str, refused)))})")
        self.assertEqual(lost, [])
        self.assertGreater(len(acknowledged), 100)
        for buyer in buyers:
            buyer.get_invite()
            buyer.wait_payout(90)
        self.world.check_books()


if __name__ == "__main__":
    unittest.main(verbosity=2)
