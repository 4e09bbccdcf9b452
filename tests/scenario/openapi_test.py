"""/api/openapi.json proven true: the document that the running daemon serves is walked by an owner with channels, subscribers, payments and payouts.
Every operation is called with success and with each error that it documents; an independent validator judges the document, and each answer by it.
"""
import concurrent.futures
import json
import os
import subprocess
import unittest

from scenario import ROOT, Buyer, World, WorldTest, fetch, wait
from api_walk import Api, Owner  # Found by the path that scenario sets.
from people import Stage

OLGA, BOB = 7001, 7002
SWAPPED, GATHERED, SHORT_LIVED, STRANGERS = -1001000000710, -1001000000720, -1001000000730, -1001000000740
RATE = 300
NOWHERE = -1001000000799

# Documented, and not to be had from outside at will.
NOT_TO_BE_HAD = {
    ("delete_channel", 409): "for the moment in which a channel is being registered",
    ("get_openapi", 503): "when too many are in work: http_server_test has that",
    ("validate_wallet", 503): "the same: it asks nobody",
    ("list_currency_networks", 503): "the same: without the database it tells the shipped list",
}


# Members that may be null, and are so here.
NEVER_FILLED = ["memo", "reason", "next_cursor", "updated_at", "items[].payout_change", "AccountChanged.account.telegram_user_id", "AccountChanged.account.telegram_name"]


class openapi(WorldTest):
    """One story: the tests follow each other."""

    @classmethod
    def setUpClass(cls):
        cls.world = World({"http": {"trusted_proxies": '["127.0.0.1"]', "rate_per_minute": str(RATE)}, "broadcast": {"manual_interval": "0s"}}, channels=False)
        cls.failed = False
        cls.api = Api(cls.world)
        cls.stage = Stage(cls.world)
        cls.olga, cls.bob = None, None

    def expect(self, *words, **how):
        return self.api.expect(*words, **how)

    def test_1_two_owners_come_in(self):
        cls = type(self)
        cls.olga, cls.bob = Owner(self.api), Owner(self.api)
        olga, bob = cls.olga, cls.bob
        olga.link(self.stage.person(OLGA, "Olga"))
        bob.link(self.stage.person(BOB, "Bob"))
        # Sessions, and what mails are for.
        self.expect("resend_verification", 202, body={"email": olga.mail})
        tokens = self.expect("refresh", 200, token=olga.refresh)
        olga.access, olga.refresh = tokens["access_token"], tokens["refresh_token"]
        guest = Owner(self.api)
        self.expect("log_out", 204, token=guest.refresh)
        guest.log_in()
        self.expect("log_out_everywhere", 204, token=guest.access)
        self.expect("forgot_password", 202, body={"email": guest.mail})
        guest.password = "another long enough one"
        self.expect("reset_password", 200, body={"token": guest.mailed("Set a new password"), "password": guest.password})
        guest.log_in()
        guest.expect("get_account", 200)
        read = {"If-Match": self.api.headers["etag"]}
        self.assertEqual(guest.call("get_account", headers={"If-None-Match": read["If-Match"]})[:2], (304, None))
        changed = guest.expect("change_account", 200, headers=read, body={"current_password": guest.password, "email": "new-" + guest.mail})
        self.assertEqual((changed["tokens"], changed["account"]["pending_email"]), (None, "new-" + guest.mail))
        wish = {"current_password": guest.password, "password": "a third long enough one"}
        self.assertEqual(guest.call("change_account", headers=read, body=wish)[0], 412, "it is another now")
        changed = guest.expect("change_account", 200, headers={"If-Match": "*"}, body={"current_password": guest.password, "password": "a third long enough one"})
        self.expect("get_account", 200, token=changed["tokens"]["access_token"])
        self.expect("close_account", 202, token=changed["tokens"]["access_token"], body={"current_password": "a third long enough one"})

    def test_2_channels_and_what_people_buy(self):
        olga = self.olga
        key = {"Idempotency-Key": "the-first-channel"}
        made = olga.register(OLGA, SWAPPED, "Night Traders", "eth", "base", headers=key, description="Signals, <b>daily</b>.")
        again = olga.expect("create_channel", 201, headers=key, body=self.api.said[-1]["request"])
        self.assertEqual(made, again)
        self.assertEqual(self.api.headers["idempotency-replayed"], "true")
        self.assertEqual(self.api.headers["location"], f"/api/channels/{SWAPPED}")
        olga.register(OLGA, GATHERED, "Slow Cooking", strategy="threshold", threshold_usd="1000", trial_days=3, donations=True)
        self.bob.register(BOB, STRANGERS, "Bob's own")
        world = self.world
        paid = Buyer(world, 8101, SWAPPED).get_invoice()
        waits = Buyer(world, 8102, SWAPPED).get_invoice()
        gathers = Buyer(world, 8103, GATHERED).get_invoice()
        donor = Buyer(world, 8104, SWAPPED).get_invoice(lambda buttons: buttons[-1])
        for buyer in (paid, gathers, donor):
            buyer.pay()
        paid.get_invite()
        gathers.get_invite()
        tokens = {i["order_id"]: i["success_url"].split("token=")[1] for i in world.sandbox.get("invoices")}
        for buyer in (paid, waits):
            told = self.expect("get_payment_status", 200, path={"order_id": buyer.order}, query={"token": tokens[buyer.order]})
            self.assertEqual(told["invite_link"], buyer.invite)
        paid.wait_payout()
        wait("the gathered value to be booked", lambda: olga.expect("get_balance", 200, path={"id": GATHERED})["balances"], 60)

    def test_3_everything_is_read(self):
        olga, one = self.olga, {"id": SWAPPED}
        self.assertEqual([c["id"] for c in olga.expect("list_channels", 200)["items"]], [str(SWAPPED), str(GATHERED)])
        for name in ("get_channel", "get_tiers", "get_payout_terms"):
            olga.expect(name, 200, path=one)
            self.assertEqual(olga.call(name, path=one, headers={"If-None-Match": self.api.headers["etag"]})[:2], (304, None))
        for name in ("list_subscribers", "list_payouts", "get_balance", "get_stats", "get_schedule"):
            olga.expect(name, 200, path=one)
        olga.expect("get_stats", 200, path=one, query={"days": 3})
        wait("both payments to have arrived", lambda: sum(p["arrived"] for p in olga.expect("list_payments", 200, path=one)["items"]) == 2, 90)
        orders = olga.expect("list_payments", 200, path=one)["items"]
        self.assertEqual({(p["donation"], p["status"] == "waiting") for p in orders}, {(False, False), (False, True), (True, False)})
        # Page by page it is the same list.
        paged, cursor = [], None
        while True:
            page = olga.expect("list_payments", 200, path=one, query={"limit": 1} | ({"cursor": cursor} if cursor else {}))
            paged += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                break
        self.assertEqual(paged, orders)
        self.expect("validate_wallet", 200, query={"currency": "eth", "network": "eth", "address": "0x" + "1" * 40})
        self.expect("validate_wallet", 200, query={"currency": "xrp", "network": "xrp", "address": "rN7n7otQDd6FczFgLdSqtcsAUxDkw6fzRH", "memo": "5"})
        # The shipped list, or the sandbox's shorter one when that was read already.
        self.assertIn({"eth"}, [{c["currency"]} for c in self.expect("list_currency_networks", 200)["items"]])
        self.assertEqual(self.expect("get_openapi", 200), self.api.document)

    def test_4_and_changed(self):
        olga, one, fresh = self.olga, {"id": SWAPPED}, {"If-Match": "*"}
        edition = olga.expect("get_channel", 200, path=one)["edition"]
        changed = olga.expect("update_channel", 200, path=one, headers={"If-Match": f'"{edition}"'}, body={"description": "Other words.", "trial_days": "1"})
        self.assertNotEqual(changed["edition"], edition)
        tiers = [{"price_usd": "30", "days": 30}, {"price_usd": 99.5, "days": 90}]
        self.assertEqual(olga.expect("put_tiers", 200, path=one, headers=fresh, body={"tiers": tiers})["tiers"][1], {"price_usd": "99.5", "days": 90})
        other = {"currency": "eth", "network": "eth", "address": "0x" + "ab" * 20, "memo": None}
        self.assertEqual(olga.expect("change_payout", 202, path=one, body=other)["payout_change"]["address"], other["address"])
        olga.expect("get_payout_terms", 200, path=one)
        self.expect("confirm_payout", 200, body={"token": olga.mailed("Confirm the new payout address")})
        self.assertTrue(olga.expect("get_channel", 200, path=one)["payout_change"]["confirmed"])
        self.assertIsNone(olga.expect("drop_payout_change", 200, path=one)["payout_change"])
        olga.expect("put_schedule", 200, path=one, body={"cadence": "monthly", "day": 28, "hour": 23})
        self.assertIsNone(olga.expect("put_schedule", 200, path=one, body={"cadence": "off"})["next_offer_at"])
        code = one | {"code": "SPRING-24"}
        olga.expect("put_promo_code", 200, path=code, body={"percent": 20, "uses_max": 5, "uses_per_user": 2, "expires_at": "2030-01-01T00:00:00Z"})
        olga.expect("put_promo_code", 200, path=one | {"code": "FIXED"}, body={"fixed_usd": "5.25"})
        self.assertEqual([c["code"] for c in olga.expect("list_promo_codes", 200, path=one)["items"]], ["FIXED", "SPRING-24"])
        self.assertEqual(olga.expect("disable_promo_code", 200, path=code)["status"], "disabled")

        news = olga.expect("start_broadcast", 201, headers={"Idempotency-Key": "news"}, body={"channel_id": str(SWAPPED), "what": "message", "html": "<b>News</b>"})
        wait("the news to be sent", lambda: olga.expect("get_broadcast", 200, path={"id": news["id"]})["ended_at"])
        self.assertEqual(olga.call("cancel_broadcast", path={"id": news["id"]})[0], 409)
        # One that cannot be sent at the moment is taken back.
        self.world.sandbox.call("faults", json.dumps({"provider": "telegram", "mode": "error", "status": 500, "path": "sendMessage"}))
        slow = olga.expect("start_broadcast", 201, body={"channel_id": str(SWAPPED), "what": "message", "target": "subscribers", "html": "Never"})
        stopped = olga.expect("cancel_broadcast", 202, path={"id": slow["id"]})
        self.world.sandbox.no_faults()
        self.assertEqual(stopped["id"], slow["id"])
        wait("it to end", lambda: olga.expect("get_broadcast", 200, path={"id": slow["id"]})["reason"], 60)
        self.assertEqual({b["id"] for b in olga.expect("list_broadcasts", 200, query={"limit": 50, "channel_id": SWAPPED})["items"]} & {news["id"], slow["id"]},
                         {news["id"], slow["id"]})

        olga.register(OLGA, SHORT_LIVED, "Short Lived")
        self.assertIn(olga.expect("delete_channel", 202, path={"id": SHORT_LIVED})["status"], ("draining", "closed"))

    def test_5_no_operation_takes_what_is_none(self):
        """What is refused of any operation, by how it is sent."""
        no_end, compressed = "Transfer-Encoding: chunked\r\n", "Content-Encoding: gzip\r\nContent-Length: 2\r\n"
        for name, operation in self.api.operations.items():
            path = self.api.good[name].get("path")
            for status, lines, body in ((400, "Content-Length: x\r\n", b""), (400, "Content-Length: 2\r\nContent-Length: 3\r\n", b"{} "), (411, no_end, b"0\r\n\r\n"),
                                        (415, compressed, b"{}"), (413, "Content-Length: 70000\r\n", b" " * 70000)):
                if (status, operation.method) == (413, "GET"):
                    continue  # A GET with any body is a 400.
                with self.subTest(name, status=status):
                    self.assertEqual(self.api.raw(name, lines, body, path)[0], status)
            if operation.takes_body:
                good = {"path": path, "headers": {"If-Match": "*"}} | ({"token": self.olga.access} if operation.token else {})
                for status, text, kind in ((400, "{", "application/json"), (400, '{"a":NaN}', "application/json"), (400, "", "application/json"),
                                           (415, "a=1", "application/x-www-form-urlencoded"), (415, "{}", "text/plain"), (413, "{" + " " * 40_000 + "}", "application/json"),
                                           (422, '{"unheard_of":1}', "application/json"), (422, "[]", "application/json")):
                    with self.subTest(name, status=status, text=text[:20]):
                        how = good | {"text": text, "headers": good["headers"] | {"Content-Type": kind}}
                        self.assertEqual(self.api.call(name, **how)[0], status)

    def test_6_nor_from_whom_it_is_not(self):
        """Without a token, with a bad one, with one of somebody else; what is nobody's."""
        forged, unconfirmed = self.olga.forgeries()["another key"], self.olga.token(verified=False)
        for name, operation in self.api.operations.items():
            good = {k: v for k, v in self.api.good[name].items() if k != "token"}
            if "body" in good or operation.method != "GET":
                good["headers"] = good.get("headers", {}) | ({"If-Match": "*"} if "If-Match" in operation.parameters else {})
            with self.subTest(name):
                if operation.token:
                    status, problem, headers = self.api.call(name, **good)
                    self.assertEqual((status, headers["www-authenticate"].split()[0]), (401, "Bearer"))
                    self.assertEqual(self.api.call(name, token=forged, **good)[0], 401)
                if operation.token == "access_token" and 403 in operation.statuses and operation.path != "/api/account":
                    self.assertEqual(self.api.call(name, token=unconfirmed, **good)[0], 403)
                if operation.slots and operation.token:
                    theirs = self.bob.call(name, **good)
                    nobodys = self.bob.call(name, **(good | {"path": good["path"] | {"id": str(NOWHERE)}}))
                    nothing = self.bob.call(name, **(good | {"path": good["path"] | {"id": "..%2f"}}))
                    self.assertEqual((theirs[0], nobodys[0], nothing[0]), (404, 404, 404))
                    self.assertEqual(theirs[1], nobodys[1], "nobody learns what there is of others")
        self.assertEqual(self.bob.call("start_broadcast", body={"channel_id": str(SWAPPED), "what": "offer"})[0], 404)
        self.assertEqual(self.bob.expect("list_broadcasts", 200, query={"channel_id": SWAPPED})["items"], [])
        self.assertEqual([c["id"] for c in self.bob.expect("list_channels", 200)["items"]], [str(STRANGERS)])

    def test_7_each_has_refusals_of_its_own(self):
        olga, bob, api = self.olga, self.bob, self.api

        def refused(status, name, who=olga, **how):
            with self.subTest(name, status=status):
                self.assertEqual(who.call(name, **how)[0] if who else api.call(name, **how)[0], status)
        one, gone, fresh = {"id": SWAPPED}, {"id": SHORT_LIVED}, {"If-Match": "*"}
        password = "a long enough one"
        refused(409, "sign_up", None, body={"user_name": olga.name.upper(), "email": "x" + olga.mail, "password": password})
        refused(401, "log_in", None, body={"login": olga.name, "password": "a wrong long one"})
        thief, wrong = api.fresh_ip(), {"login": bob.name, "password": "a wrong long one"}
        wait("guessing to be slowed down", lambda: api.call("log_in", ip=thief, body=wrong)[0] == 429)
        refused(401, "refresh", None, token=olga.access)
        refused(422, "verify_email", None, body={"token": "01J.x"})
        refused(422, "reset_password", None, body={"token": "01J.x", "password": password})
        refused(422, "confirm_payout", None, body={"token": f"{SWAPPED}.x"})
        for name in ("change_account", "close_account"):
            refused(403, name, body={"current_password": "not this one"}, headers=fresh)
        refused(422, "change_account", body={"current_password": olga.password}, headers=fresh)
        refused(428, "change_account", body={"current_password": olga.password, "email": "x" + olga.mail})
        # As if another request were about to change it.
        self.world.database.sql(f"INSERT INTO api_lock (channel, at) VALUES ('account/{olga.expect('get_account', 200)['id']}', now())")
        refused(409, "change_account", body={"current_password": olga.password, "email": "x" + olga.mail}, headers=fresh)
        refused(401, "get_payment_status", None, path={"order_id": "NOBODYS"}, query={"token": "x"})
        refused(404, "get_payment_status", None, path={"order_id": "a%2fb"})
        refused(400, "validate_wallet", None, query={"currency": "eth"})
        for name in ("list_payments", "list_subscribers", "list_payouts"):
            for query in ({"limit": 0}, {"limit": 101}, {"cursor": "'; --"}, {"cursor": "AAAA"}):
                refused(400, name, path=one, query=query)
        refused(400, "list_broadcasts", query={"channel_id": "x"})
        refused(400, "get_stats", path=one, query={"days": 367})

        wanted = api.good["create_channel"]["body"]
        refused(409, "create_channel", body=wanted)
        refused(409, "create_channel", bob, body=wanted)
        refused(422, "create_channel", body=wanted | {"open_channel_id": str(SHORT_LIVED), "closed_channel_id": str(SHORT_LIVED - 1), "payout": wanted["payout"] | {"address": "0x123"}})
        refused(422, "create_channel", body=wanted | {"description": "others"}, headers={"Idempotency-Key": "the-first-channel"})
        refused(400, "create_channel", body=wanted, headers={"Idempotency-Key": "a b"})
        for name, body in (("update_channel", {"donations": False}), ("put_tiers", {"tiers": [{"price_usd": "1", "days": 1}]})):
            refused(428, name, path=one, body=body)
            refused(412, name, path=one, body=body, headers={"If-Match": '"an older one"'})
            refused(409, name, path=gone, body=body, headers=fresh)
        refused(422, "put_tiers", path=one, body={"tiers": [{"price_usd": "0", "days": 1}]}, headers=fresh)
        refused(422, "change_payout", path=one, body={"currency": "eth", "network": "eth", "address": "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"})
        refused(409, "drop_payout_change", path=one)
        refused(409, "put_schedule", path=gone, body={"cadence": "daily"})
        refused(422, "put_promo_code", path=one | {"code": "BOTH"}, body={"percent": 10, "fixed_usd": "1"})
        refused(404, "disable_promo_code", path=one | {"code": "UNHEARD"})
        refused(409, "start_broadcast", body={"channel_id": str(SHORT_LIVED), "what": "offer"})
        refused(422, "start_broadcast", body={"channel_id": str(SWAPPED), "what": "message", "html": ""})
        refused(422, "start_broadcast", body={"channel_id": str(SWAPPED), "what": "offer"}, headers={"Idempotency-Key": "news"})

    def test_8_other_methods_and_too_many_requests(self):
        for path, item in self.api.document["paths"].items():
            at = next(iter(self.api.operations[words["operationId"]] for words in item.values())).target()
            url, methods = self.world.daemon_url + at, {m.upper() for m in item} | {"OPTIONS"} | ({"HEAD"} if "get" in item else set())
            with self.subTest(path):
                status, headers, _ = fetch(url, method="OPTIONS", headers={"X-Forwarded-For": self.api.fresh_ip()})
                self.assertEqual((status, set(headers["allow"].split(", "))), (204, methods))
                for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
                    status, headers, _ = fetch(url, method=method, headers={"X-Forwarded-For": self.api.fresh_ip()})
                    self.assertEqual((status, headers["content-type"], set(headers["allow"].split(", "))), (405, "application/problem+json", methods))
        hasty = self.api.fresh_ip()
        wait("the limit", lambda: self.api.call("get_openapi", ip=hasty)[0] == 429, 60, every=0)
        self.assertGreaterEqual(sum(one["sent"].get("x-forwarded-for") == hasty for one in self.api.said), RATE)
        for name in self.api.operations:
            self.assertEqual(self.api.call(name, ip=hasty, **self.api.good[name])[0], 429, name)

    def test_9_without_the_database(self):
        self.world.database.stop()
        names = [name for name, one in self.api.operations.items() if (name, 503) not in NOT_TO_BE_HAD]

        def is_busy(name):
            how = dict(self.api.good[name])
            if self.api.operations[name].token:
                how["token"] = self.olga.access if self.api.operations[name].token == "access_token" else self.olga.refresh
            if "Idempotency-Key" in how.get("headers", {}):
                how["headers"] = how["headers"] | {"Idempotency-Key": "the-outage"}
            return wait(f"{name} to be 503", lambda: self.api.call(name, **how)[0] == 503, 90)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            list(pool.map(is_busy, names))
        for name in ("validate_wallet", "list_currency_networks", "get_openapi"):
            self.api.expect(name, 200, **self.api.good[name])

    def test_the_judge(self):  # By its name the last.
        operations = self.api.operations
        uncalled = [name for name in operations if name not in self.api.good]
        self.assertEqual(uncalled, [], "operations that were never called with success")
        unseen = {(name, status) for name, one in operations.items() for status in one.statuses if status not in self.api.statuses(name)}
        self.assertEqual(unseen - set(NOT_TO_BE_HAD), set(), "documented, and never seen")
        self.assertEqual(set(NOT_TO_BE_HAD) - unseen, set(), "to be had after all")
        file = self.world.path("said.json")
        with open(file, "w") as out:
            json.dump({"document": self.api.document, "said": self.api.said, "empty": NEVER_FILLED}, out)
        modules = subprocess.run([str(ROOT / "tests/support/npm-modules")], check=True, capture_output=True, text=True).stdout.strip()
        judged = subprocess.run(["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "openapi_judge.js"), modules, file], capture_output=True, text=True)
        print(judged.stdout + judged.stderr, flush=True)
        print(f"{sum(len(one.statuses) for one in operations.values())} documented answers of {len(operations)} operations, "
              f"{len(NOT_TO_BE_HAD)} of them not to be had at will", flush=True)
        self.assertEqual(judged.returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
