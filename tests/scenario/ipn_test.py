"""IPNs as they should not be. What each is answered, and that nothing is lost and nothing happens twice."""
import json
import threading
import unittest

from scenario import Buyer, WorldTest, fetch, wait


def body_of(order, **more):
    return {"payment_id": 5077125051, "invoice_id": 4522625843, "payment_status": "finished", "pay_address": "bc1qxyz", "price_amount": 30,
            "price_currency": "usd", "pay_amount": 0.0005, "actually_paid": 0.0005, "actually_paid_at_fiat": 30, "pay_currency": "btc",
            "order_id": order, "order_description": "x", "purchase_id": "6084744717", "outcome_amount": 0.00993, "outcome_currency": "eth"} | more


class bad_ipn(WorldTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = Buyer(cls.world, 6101).get_invoice()

    def kept(self, **wanted):
        condition = " AND ".join(f"{key} = '{value}'" for key, value in wanted.items())
        return self.world.database.rows(f"SELECT order_known, received FROM webhook_event WHERE {condition}")

    def test_1_a_bad_signature_is_401_and_counted(self):
        for signature in ("", "0" * 128, "zz", self.world.sign(json.dumps(body_of(self.buyer.order)))[:-2]):
            self.assertEqual(self.world.post_ipn(body_of(self.buyer.order), signature)[0], 401, signature)
        metrics = fetch(self.world.daemon_url + "/metrics")[2].decode()
        self.assertRegex(metrics, r'ipn_total\{[^}]*bad_signature[^}]*\} 4')

    def test_2_no_json_is_400(self):
        for body in ("", "{", "null", "[]", "{\"payment_id\":1,\"payment_id\":2}", "\xff\xfe", "{} trailing"):
            self.assertEqual(self.world.post_ipn(body.encode("latin-1"))[0], 400, body)

    def test_3_ten_megabytes_are_413(self):
        status = self.world.post_ipn(b'{"a":"' + b"x" * 10_000_000 + b'"}', "0" * 128, limit=20)[0]
        self.assertEqual(status, 413)

    def test_4_a_wrong_content_type_is_415(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            self.assertEqual(self.world.post_ipn(body_of(self.buyer.order), content_type=kind)[0], 415, kind)
        self.assertEqual(self.world.post_ipn(body_of(self.buyer.order, payment_status="waiting"), content_type="application/json; charset=utf-8")[0], 200)

    def test_5_an_unknown_order_is_kept_and_answered_200(self):
        for order in ("01ZZZZZZZZZZZZZZZZZZZZZZZZ", "no'such--order;", "x" * 300, ""):
            payment_id = 5077120000 + len(order)
            self.assertEqual(self.world.post_ipn(body_of(order, payment_id=payment_id))[0], 200, order)
            self.assertEqual(self.kept(payment_id=payment_id), [{"order_known": False, "received": 1}])

    def test_6_a_wrong_amount_or_currency_grants_nothing(self):
        wrong = Buyer(self.world, 6102).get_invoice()
        self.assertEqual(self.world.post_ipn(body_of(wrong.order, payment_id=5077130001, outcome_currency="btc"))[0], 200)
        wait("the operator to be asked", lambda: wrong.row()["status"] == "held")
        small = Buyer(self.world, 6103).get_invoice()
        self.assertEqual(self.world.post_ipn(body_of(small.order, payment_id=5077130002, actually_paid_at_fiat=1, outcome_amount=0.0003))[0], 200)
        wait("the verdict", lambda: small.row()["status"] == "underpaid")
        for buyer in (wrong, small):
            self.assertEqual(buyer.row()["invite_link"], "")

    def test_7_odd_numbers_verify_as_they_were_written(self):
        body = json.dumps(body_of(self.buyer.order, payment_status="confirming")).replace('"actually_paid": 0.0005', '"actually_paid": 5e-4')
        body = body.replace('"pay_amount": 0.0005', '"pay_amount": 0.00050')
        self.assertIn("5e-4", body)
        self.assertEqual(self.world.post_ipn(body)[0], 200)

    def test_8_repeated_and_out_of_order_change_nothing_twice(self):
        report = self.buyer.pay()
        order = next(i for i in self.world.sandbox.get("ipns") if self.buyer.order in i["body"] and "finished" in i["body"])
        self.buyer.get_invite()
        self.buyer.wait_payout()
        before = self.world.ctl("show", "payment", self.buyer.order)
        sent = [i for i in self.world.sandbox.get("ipns?limit=1000") if self.buyer.order in i["body"] and i["signature"]]
        for ipn in sent + sent[::-1] + [order] * 5:
            self.assertEqual(self.world.post_ipn(ipn["body"], ipn["signature"])[0], 200)
        after = self.world.ctl("show", "payment", self.buyer.order)
        self.assertEqual((before["row"]["status"], before["ledger"]), (after["row"]["status"], after["ledger"]))
        self.assertEqual(before["row"]["invite_link"], after["row"]["invite_link"])
        self.assertGreater(max(k["received"] for k in self.kept(payment_id=report["payment_id"])), 5)
        invites = {b["url"] for m in self.buyer.messages() for b in m["buttons"] if "t.me/+" in b.get("url", "")}
        self.assertEqual(len(invites), 1)
        self.assertTrue(self.world.ctl("ledger", "check")["balanced"])

    def test_9_many_at_once_are_answered_200_or_503_within_a_second(self):
        answers, lock = [], threading.Lock()

        def send(number):
            for i in range(20):
                try:
                    status, headers, _ = self.world.post_ipn(body_of(f"FLOOD{number}", payment_id=6_000_000_000 + number * 100 + i))
                except OSError as error:
                    status, headers = repr(error), {}
                with lock:
                    answers.append((status, headers.get("retry-after"), number * 100 + i))

        threads = [threading.Thread(target=send, args=(n,)) for n in range(80)]
        [t.start() for t in threads], [t.join() for t in threads]
        self.assertEqual(len(answers), 1600)
        self.assertLessEqual({a[0] for a in answers}, {200, 503})
        self.assertTrue(all(retry for status, retry, _ in answers if status == 503))
        taken = [number for status, _, number in answers if status == 200]
        kept = int(self.world.database.sql("SELECT count(*) FROM webhook_event WHERE order_id LIKE 'FLOOD%'"))
        self.assertGreaterEqual(kept, len(taken), "what was answered 200 is in the database")
        print(f"   {len(taken)} answered 200, {1600 - len(taken)} answered 503")


if __name__ == "__main__":
    unittest.main(verbosity=2)
