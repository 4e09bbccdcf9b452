"""What an operator decides and sees: payments accepted and refunded, failures resolved, IPNs replayed, everything audited; and the trace of a
payment down to the transaction that really is on the chain."""
import decimal
import secrets
import subprocess
import unittest

from gathering_test import TokenWorld
from scenario import DIRECT_CHANNEL, SWAP_CHANNEL, Buyer, Unexpected, WorldTest, program, wait

D = decimal.Decimal
THRESHOLD_CHANNEL = -1001000000050


class operator(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = TokenWorld({"conversion": {"threshold_usd": '"25"', "interval": "2s"}, "payouts": {"interval": "2s"}}, TokenWorld.sandbox_with_token)
        cls.failed = False
        cls.gathered_to = cls.world.add(THRESHOLD_CHANNEL, "Slowly", "usdt", "eth", "threshold", "20")

    def run_ctl(self, *words, stdin=None):
        return subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.world.ctl_port}", *words], input=stdin,
                              capture_output=True, text=True, timeout=60)

    def underpaid(self, user):
        buyer = Buyer(self.world, user, DIRECT_CHANNEL).get_invoice()
        buyer.pay(status="finished", fraction="0.3")
        wait("the verdict", lambda: buyer.row()["status"] == "underpaid")
        return buyer

    def trace(self, payment):
        return self.world.ctl("trace", payment)["deposits"]

    def test_1_accepted_an_underpaid_payment_buys_what_was_ordered(self):
        buyer = self.underpaid(6401)
        would = self.world.ctl("payments", "accept", buyer.order, "--dry-run")
        self.assertEqual((would["dry_run"], would["from_status"], would["to_status"]), (True, "underpaid", "paid"))
        self.assertIn("liability:undecided", [p["account"] for p in would["postings"]])
        self.assertEqual(buyer.row()["status"], "underpaid", "a dry run changes nothing")
        self.world.ctl("payments", "accept", buyer.order, "--reason", "good will")
        buyer.get_invite()
        buyer.wait_payout()
        self.world.ctl("payments", "accept", buyer.order, "--reason", "again")
        late = self.run_ctl("payments", "refund", buyer.order, "--address", self.world.owner_address, "--reason", "too late")
        self.assertEqual((late.returncode, "out_of_order" in late.stderr), (1, True))
        lines = self.world.ctl("audit", "list", "--target", "payment/" + buyer.order)
        self.assertEqual([(a["verb"], a["result"]) for a in lines], [("refund", "out_of_order"), ("accept", "done"), ("accept", "done")])
        self.assertEqual(lines[2]["reason"], "good will")
        self.assertEqual(lines[2]["operator"], "test", "the name in the certificate")
        self.assertIn("@", lines[2]["source"], "the tool's own word of where it runs")

    def test_2_refunded_the_money_is_at_the_subscribers_address(self):
        buyer = self.underpaid(6402)
        wrong = self.run_ctl("payments", "refund", buyer.order, "--address", "0x52908400098527886E0F7030069857D2E4169Ee7", "--reason", "x")
        self.assertEqual((wrong.returncode, "checksum" in wrong.stderr), (1, True), wrong.stderr)
        to = "0x" + secrets.token_hex(20)
        gross = D(self.world.ctl("show", "payment", buyer.order)["children"]["deposit"][0]["gross_eth"])
        self.world.ctl("payments", "refund", buyer.order, "--address", to, "--reason", "they changed their mind")
        wait("the refund on the chain", lambda: self.world.chain.balance(to), 60)
        self.assertEqual(D(self.world.chain.balance(to)).scaleb(-18), gross)
        wait("the refund to be completed", lambda: self.world.ctl("show", "payout", buyer.order + ".refund")["row"]["status"] == "completed")
        wait("the subscriber to be told", lambda: any("being refunded" in m["text"] for m in buyer.messages()))
        self.assertEqual(self.world.ledger_wei("liability:undecided"), 0)
        hop = self.trace(buyer.order)[0]
        self.assertTrue(hop["refund"])
        self.assertEqual(D(hop["payout_amount"]), gross)

    def test_3_the_trace_of_an_instant_payment_ends_on_the_chain(self):
        for channel, user in ((DIRECT_CHANNEL, 6403), (SWAP_CHANNEL, 6404)):
            buyer = Buyer(self.world, user, channel)
            payout = buyer.buy()
            hop = wait("the whole trace", lambda: next((h for h in self.trace(buyer.order) if h["transfer_status"] == "confirmed"), None))
            self.adds_up(hop)
            self.assertEqual(hop["payout_put_in"], hop["net_eth"])
            self.assertEqual(D(hop["payout_amount"]), D(payout["amount_out"]))
            self.on_the_chain(hop, hop["transfer_recipient"], int(D(hop["transfer_eth"]).scaleb(18)))
            self.assertEqual(self.trace(hop["payment_id"]), self.trace(buyer.order), "by the provider's id as well")
        sheet = self.run_ctl("trace", buyer.order).stdout
        for part in ("order " + buyer.order, "platform's fee", "payout " + buyer.order, hop["transfer_hash"], hop["payout_hash"]):
            self.assertIn(part, sheet)
        self.assertEqual(self.run_ctl("trace", "nobody").returncode, 4)

    def test_4_the_trace_of_a_threshold_payment_leads_through_its_conversion(self):
        buyer = Buyer(self.world, 6405, THRESHOLD_CHANNEL).get_invoice()
        buyer.pay()
        hop = wait("the batch to end", lambda: next((h for h in self.trace(buyer.order) if h["payout_status"] == "completed"), None), 120)
        self.adds_up(hop)
        conversion = self.world.ctl("show", "conversion", hop["conversion_id"])["row"]
        self.assertEqual(D(hop["usdt_received"]), D(conversion["received_usdt"]), "it was the only one in it")
        self.assertEqual(hop["eth_sold"], hop["net_eth"])
        for account, share in (("expense:provider_fee", "conversion_fee_usdt"), ("expense:spread", "conversion_spread_usdt")):
            self.assertEqual(self.world.books(account, "usdt"), D(hop[share]), "all that the conversion cost is this payment's")
        lost = D(hop["conversion_fee_usdt"]) + D(hop["conversion_spread_usdt"])
        self.assertEqual(D(hop["net_usd"]) - lost, D(hop["usdt_received"]))
        self.assertEqual(hop["payout_put_in"], hop["usdt_received"])
        self.assertEqual(D(hop["payout_amount"]), self.world.usdt(self.gathered_to))
        self.on_the_chain(hop, self.world.token, 0)
        sold = self.world.chain.rpc("eth_getTransactionByHash", hop["conversion_tx_hash"])
        self.assertEqual(D(int(sold["value"], 16)).scaleb(-18), D(conversion["funded_eth"]))
        self.assertIsNotNone(self.world.chain.rpc("eth_getTransactionReceipt", hop["conversion_received_hash"]))

    def adds_up(self, hop):
        for unit in ("eth", "usd"):
            self.assertEqual(D(hop["gross_" + unit]), D(hop["fee_" + unit]) + D(hop["net_" + unit]))
        came = self.world.chain.rpc("eth_getTransactionByHash", hop["arrival_hash"])
        self.assertEqual(D(int(came["value"], 16)).scaleb(-18), D(hop["gross_eth"]))

    def on_the_chain(self, hop, to, wei):
        sent = self.world.chain.rpc("eth_getTransactionByHash", hop["transfer_hash"])
        self.assertEqual((sent["from"].lower(), sent["to"].lower(), int(sent["value"], 16)), (self.world.wallet, to.lower(), wei))
        receipt = self.world.chain.rpc("eth_getTransactionReceipt", hop["transfer_hash"])
        self.assertEqual((receipt["status"], int(receipt["blockNumber"], 16)), ("0x1", int(hop["transfer_block"])))

    def test_5_failures_are_listed_until_resolved(self):
        buyer = self.underpaid(6406)
        mine = [f for f in self.world.ctl("failed", "list") if f["entity_id"] == buyer.order]
        self.assertEqual([f["code"] for f in mine], ["underpaid"])
        number = str(mine[0]["id"])
        self.assertIn("failure", self.world.ctl("failed", "resolve", number, "--dry-run"))
        several = self.run_ctl("failed", "resolve", "-", "--reason", "talked to them", stdin=f"{number}\n999999999\n")
        self.assertEqual(several.returncode, 4, several.stderr)
        self.assertIn(number + ": done", several.stdout)
        self.assertEqual([f for f in self.world.ctl("failed", "list") if f["entity_id"] == buyer.order], [])
        kept = next(f for f in self.world.ctl("failed", "list", "--all") if str(f["id"]) == number)
        self.assertEqual(kept["resolution"], "talked to them")
        self.assertIn("already", self.world.ctl("failed", "resolve", number, "--reason", "again")["remark"])

    def test_6_an_unknown_id_is_not_found(self):
        for words in (("retry", "payout", "nobody"), ("payments", "accept", "nobody"), ("cancel", "payout", "nobody"), ("webhooks", "replay", "999999999")):
            for last in (("--reason", "test"), ("--dry-run",)):
                done = self.run_ctl(*words, *last)
                self.assertEqual(done.returncode, 4, (words, last, done.stdout, done.stderr))

    def test_7_an_ipn_that_was_kept_is_handled_again(self):
        buyer = Buyer(self.world, 6407, DIRECT_CHANNEL).get_invoice()
        buyer.pay()
        buyer.get_invite()
        buyer.wait_payout()
        kept = [w for w in self.world.ctl("webhooks", "list", "--order-id", buyer.order)]
        version = buyer.row()["version"]
        for ipn in kept:
            self.world.ctl("webhooks", "replay", str(ipn["id"]), "--reason", "test")
        self.assertEqual(buyer.row()["version"], version, "a repeat changes nothing")
        self.assertEqual([w["received"] for w in self.world.ctl("webhooks", "list", "--order-id", buyer.order)], [w["received"] for w in kept])

    def test_8_the_audit_log_cannot_be_changed_and_the_books_close(self):
        lines = self.world.ctl("audit", "list")
        self.assertTrue(all(a["result"] for a in lines), "each verb has its result")
        for change in ("UPDATE audit_log SET reason = 'x'", "DELETE FROM audit_log", "UPDATE audit_result SET code = 'x'", "DELETE FROM audit_result"):
            with self.assertRaisesRegex(Unexpected, "append-only"):
                self.world.database.sql(change)
        self.assertEqual(self.world.ctl("audit", "list"), lines)
        self.world.check_books()


if __name__ == "__main__":
    unittest.main(verbosity=2)
