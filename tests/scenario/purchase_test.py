"""A subscriber buys, from the offer to the owner's payout on the chain: through a swap, directly, with a repeated deposit, with too little."""
import decimal
import unittest

from scenario import DIRECT_CHANNEL, OWNER, SWAP_CHANNEL, Buyer, WorldTest, fetch, wait


class purchase(WorldTest):
    def bought(self, buyer):
        before = self.world.chain.balance(self.world.owner_address)
        payout = buyer.buy()
        gained = self.world.chain.balance(self.world.owner_address) - before
        self.assertGreater(gained, 0, "the owner's address is credited on the chain")
        self.assertEqual(decimal.Decimal(gained).scaleb(-18), decimal.Decimal(payout["amount_out"]), "with what the payout says")
        return payout

    def owner_is_told(self, *words):
        """Telegram limits messages to one chat: the owner's may come after everything else is done."""
        def heard():
            return any(m["from"] == "bot" and all(w in m["text"] for w in words) for m in self.world.sandbox.get(f"users/{OWNER}/messages"))
        wait("the owner to be told " + words[0], heard)

    def test_1_a_direct_payout_pays_the_owner_what_came_in_less_the_fee(self):
        buyer = Buyer(self.world, 6001, DIRECT_CHANNEL)
        payout = self.bought(buyer)
        deposit = self.world.ctl("show", "payment", buyer.order)["children"]["deposit"][0]
        gross, fee, net = (decimal.Decimal(deposit[k]) for k in ("gross_eth", "fee_eth", "net_eth"))
        self.assertEqual(gross, fee + net)
        self.assertEqual(net, decimal.Decimal(payout["source_eth"]))
        self.assertLess(abs(fee - gross * 3 / 100), decimal.Decimal("0.00001"), "3 % of the gross")
        self.assertEqual(payout["swap_id"], "")
        self.world.check_books()

    def test_2_a_payout_through_a_swap_is_followed_to_its_end(self):
        payout = self.bought(Buyer(self.world, 6002, SWAP_CHANNEL))
        swap = next(s for s in self.world.sandbox.get("swaps") if s["id"] == payout["swap_id"])
        self.assertEqual(swap["status"], "finished")
        self.assertTrue(payout["payout_hash"])
        to_payin = [t for t in self.world.chain.sent_by(self.world.wallet) if t["to"].lower() == payout["payin_address"].lower()]
        self.assertEqual(len(to_payin), 1)
        self.world.check_books()

    def test_3_the_invite_works_once_and_is_told_with_the_subscription(self):
        buyer = Buyer(self.world, 6003).get_invoice()
        buyer.pay()
        buyer.get_invite()
        self.world.sandbox.post("users/6003/join", invite_link=buyer.invite)
        with self.assertRaises(AssertionError, msg="nobody else gets in by it"):
            self.world.sandbox.post("users/6999/join", invite_link=buyer.invite)
        subscription = self.world.ctl("show", "subscription", f"{DIRECT_CHANNEL}:6003")["row"]
        self.assertEqual(subscription["status"], "active")
        self.owner_is_told("New Subscription Payment Received!", "User6003")
        buyer.wait_payout()

    def test_4_a_repeated_deposit_is_credited_to_its_order_and_paid_out(self):
        buyer = Buyer(self.world, 6004)
        self.bought(buyer)
        before = self.world.chain.balance(self.world.owner_address)
        self.assertEqual([i["http_status"] for i in buyer.pay(repeat=True)["ipns"]], [200] * 5)
        wait("both deposits", lambda: len([d for d in self.world.ctl("show", "payment", buyer.order)["children"]["deposit"] if d["settled_at"]]) == 2)
        wait("the second payout", lambda: self.world.chain.balance(self.world.owner_address) > before, 60)
        periods = self.world.ctl("show", "subscription", f"{DIRECT_CHANNEL}:6004")["children"]["subscription_period"]
        self.assertEqual(len(periods), 1, "never a second purchase")

    def test_5_too_little_is_underpaid_and_grants_nothing(self):
        buyer = Buyer(self.world, 6005).get_invoice()
        buyer.pay(status="finished", fraction="0.3")
        wait("the verdict", lambda: buyer.row()["status"] == "underpaid")
        wait("the subscriber to be told", lambda: any("missing" in m["text"] for m in buyer.messages()))
        self.assertEqual(buyer.row()["invite_link"], "")
        with self.assertRaises(AssertionError):
            buyer.row("payout")

    def test_6_a_finished_after_expired_is_honoured(self):
        buyer = Buyer(self.world, 6006).get_invoice()
        buyer.pay(statuses=["waiting", "expired"])
        wait("the end", lambda: buyer.row()["status"] == "expired")
        buyer.pay(statuses=["finished"])
        buyer.get_invite()
        buyer.wait_payout()

    def test_7_a_payment_without_ipns_is_found_by_polling(self):
        buyer = Buyer(self.world, 6007).get_invoice()
        buyer.pay(status="confirming")
        buyer.pay(status="finished", ipn=False)
        buyer.get_invite()
        buyer.wait_payout()

    def test_8_the_success_page_proves_nothing_and_the_status_page_shows_the_invite(self):
        buyer = Buyer(self.world, 6008).get_invoice()
        invoice = next(i for i in self.world.sandbox.get("invoices") if i["order_id"] == buyer.order)
        status, _, _ = fetch(invoice["success_url"])
        self.assertEqual(status, 200)
        self.assertEqual(buyer.row()["invite_link"], "")
        token = invoice["success_url"].split("token=")[1]
        state = f"{self.world.daemon_url}/api/payment-status/{buyer.order}?token="
        self.assertEqual(fetch(state + "forged")[0], 401)
        buyer.pay()
        buyer.get_invite()
        status, headers, body = fetch(state + token)
        self.assertEqual((status, headers["content-type"].split(";")[0]), (200, "application/json"))
        self.assertIn(buyer.invite.encode(), body)
        buyer.wait_payout()

    def test_9_a_donation_pays_the_owner_and_grants_nothing(self):
        buyer = Buyer(self.world, 6010).get_invoice(lambda buttons: buttons[-1])
        self.assertTrue(buyer.row()["donation"])
        buyer.pay()
        buyer.wait_payout()
        self.assertEqual(buyer.row()["invite_link"], "")
        self.owner_is_told("New Donation Received!", "User6010")

    def test_9_a_restart_keeps_everything_and_the_books_close(self):
        buyer = Buyer(self.world, 6009).get_invoice()
        self.assertEqual(self.world.paygated.end(), 0, "a clean end")
        self.world.start_daemon()
        buyer.pay()
        buyer.get_invite()
        buyer.wait_payout()
        wait("nothing under way", lambda: not [a for a in self.world.ctl("actors", "--kind", "payout") if a["status"] != "completed"], 60)
        for page in ("/health", "/metrics"):
            self.assertEqual(fetch(self.world.daemon_url + page)[0], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
