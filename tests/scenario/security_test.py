"""What strangers try: COVERED says what is shown and where; what no other test has is here. A real daemon with its database, the shipped nginx before it."""
import concurrent.futures
import copy
import hashlib
import hmac
import html
import json
import re
import socket
import time
import unittest

from scenario import ROOT, World, WorldTest, fetch, wait
from api_walk import Api, Owner  # Found by the path that scenario sets.
from people import Stage
from proxy import Proxy

RATE = 300
HERE = "tests/scenario/security_test.py"
COVERED = {
    "other owner's objects, on every route": [("tests/scenario/openapi_test.py", "test_6_nor_from_whom_it_is_not"),
                                              ("tests/io/api_owner_test.cpp", "no route of an owner answers without a token, nor tells or changes anything of another's")],
    "expired, forged and none-algorithm tokens, on every route": [(HERE, "test_1_no_token_but_a_good_one_opens_anything"),
                                                                  ("tests/scenario/account_test.py", "test_03_tokens_of_somebody_elses_making_open_nothing"),
                                                                  ("tests/io/token_test.cpp", "a token cannot choose how it is checked"), ("tests/fuzz/token_fuzz.cpp", "try_access")],
    "a replayed refresh token": [("tests/scenario/account_test.py", "test_02_a_refresh_token_that_comes_twice_ends_its_family_alone"),
                                 ("tests/machine/session_machine_test.cpp", "TEST_CASE")],
    "a replayed internal request": [(HERE, "test_2_an_internal_request_counts_once"), ("tests/deploy/nginx_test.py", "test_a_signed_internal_request_does_not_pass"),
                                    ("tests/io/http_internal_test.cpp", "an internal request is refused unless its signature, time and nonce are good")],
    "SQL and HTML in every text field": [(HERE, "test_3_a_text_is_a_text_wherever_it_stands"), (HERE, "test_4_and_is_shown_as_it_was_typed"),
                                         ("tests/scenario/account_test.py", "test_08_hostile_words_are_refused_or_kept_as_words")],
    "oversized and malformed bodies, on every route": [(HERE, "test_5_what_is_no_body_breaks_nothing"), ("tests/scenario/openapi_test.py", "test_5_no_operation_takes_what_is_none"),
                                                       ("tests/io/http_server_test.cpp", "a body of 10 MB is refused, and the server goes on"), ("tests/fuzz/json_fuzz.cpp", "promise")],
    "slow clients": [("tests/io/http_server_test.cpp", "a client gets no more memory and time than a request needs")],
    "header smuggling through the proxy": [(HERE, "test_6_the_daemon_sees_what_the_proxy_sent_and_nothing_else"), ("tests/deploy/nginx_test.py", "test_no_request_hides_in_another"),
                                           ("tests/io/http_server_test.cpp", "what was not read of a request never passes for the next one")],
    "forged X-Forwarded-For": [(HERE, "test_7_an_address_is_believed_from_proxies_alone"), ("tests/io/http_address_test.cpp", "X-Forwarded-For counts only as far as proxies are trusted")],
    "timing of log-in for known and unknown users": [("tests/scenario/account_test.py", "test_07_a_login_takes_as_long_for_unknown_names"),
                                                     ("tests/io/account_api_test.cpp", "a log-in of an unknown name does what one with a wrong password does")],
    "no user enumeration, no locking others out": [("tests/scenario/account_test.py", "test_05_nobody_learns_who_has_an_account"),
                                                   ("tests/scenario/account_test.py", "test_06_guessing_slows_down_and_locks_nobody_out")],
    "forged IPNs and updates": [("tests/io/http_server_test.cpp", "an IPN that is not signed by the provider changes nothing"), ("tests/scenario/webhook_test.py", "test_3_forged_updates_do_nothing")],
}

WORDS = ["'; DROP TABLE channel; --", "<script>alert(1)</script>", '" onload="x', "' OR '1'='1", "\\'; SELECT pg_sleep(20); --", "$1", "${jndi:ldap://x}",
         "{{7*7}}", "%00", "%s%n", "../../etc/passwd", "\u202eevil", "😀" * 8, "a\nb", "a\0b", "O'Brien & <b>Sons", "</b></a><tg-spoiler>", "\ufeff",
         "&lt;b&gt;", "a\r\nSet-Cookie: x=1", "x" * 3000]
BODIES = {"nothing": "", "a word": "word", "cut off": '{"a":', "two": "{}{}", "a comment": "{/**/}", "a trailing comma": '{"a":1,}', "single quotes": "{'a':1}", "NaN": '{"a":NaN}',
          "a list": "[]", "a number": "7", "null": "null", "a text": '"{}"', "deep": "[" * 3000, "deep objects": '{"a":' * 600, "closed deep": "[" * 1500 + "]" * 1500,
          "a huge number": '{"days":1e999999}', "many digits": '{"days":' + "9" * 3000 + "}", "a bare zero": '{"a":"\\u0000"}', "half a pair": '{"a":"\\ud800"}',
          "a member twice": '{"email":"a@b.cd","email":"c@d.ef"}', "no UTF-8": b'{"a":"\xff\xfe"}', "overlong": b'{"a":"\xc0\xaf"}', "a mark": b'\xef\xbb\xbf{"a":1}',
          "a prototype": '{"__proto__":{"admin":true}}', "spaces": " " * 3000}


class security(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = World({"http": {"trusted_proxies": '["127.0.0.1"]', "rate_per_minute": str(RATE), "account_rate_per_minute": "0"}, "telegram": {"rate": "0"}}, channels=False)
        cls.world.sandbox.post("limits", off=True)
        cls.failed, cls.proxy = False, None
        try:
            cls.proxy = Proxy(cls.world)
            cls.api = Api(cls.world)
            cls.stage = Stage(cls.world)
            cls.olga = Owner(cls.api)
            cls.olga.link(cls.stage.person(7001, "Olga"))
            cls.channel = -1001000000810
            cls.description = "Say \"hi\" & <b>'; DROP TABLE channel; --</b> <script>alert(1)</script>"
            cls.olga.register(7001, cls.channel, "<i>Club</i> O'Brien", description=cls.description)
            cls.broadcast = cls.olga.expect("start_broadcast", 201, body={"channel_id": str(cls.channel), "what": "message", "html": "<b>a</b> ' -- &amp;"})["id"]
            cls.tables = cls.world.database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        if cls.proxy:
            cls.proxy.close()
        super().tearDownClass()

    def tearDown(self):
        self.assertTrue(self.world.paygated.alive())
        self.assertEqual(self.world.database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), self.tables)
        with open(self.world.paygated.log) as log:
            self.assertNotIn("http_handler_threw", log.read())

    def harmless(self, name, status, what):
        """An answer that the document has, and no fault of ours."""
        self.assertIn(status, self.api.operations[name].statuses, f"{name}: {what!r:.200}")
        self.assertLess(status, 500, f"{name}: {what!r:.200}")

    def bodies(self):
        """Of each operation that takes one: a body that does no harm when it is taken."""
        wallet = {"currency": "eth", "network": "eth", "address": "0x" + "12" * 20, "memo": None}
        tiers = [{"price_usd": "1", "days": 1}]
        wrong = {"current_password": "not the right one"}
        terms = {"description": "d", "tiers": tiers, "donations": True, "trial_days": 0, "strategy": "instant", "threshold_usd": "1"}
        return {"sign_up": {"user_name": "ann-" + self.olga.name, "email": "ann@example.org", "password": "a long enough one"}, "log_in": {"login": "nobody", "password": "x"},
                "verify_email": {"token": "x"}, "confirm_payout": {"token": f"{self.channel}.x"}, "resend_verification": {"email": "a@example.org"}, "forgot_password": {"email": "a@example.org"},
                "reset_password": {"token": "x", "password": "a long enough one"}, "change_account": wrong | {"email": "b@example.org", "password": "a long enough one"},
                "close_account": wrong, "create_channel": terms | {"open_channel_id": str(self.channel), "closed_channel_id": "-1001000000898", "payout": wallet},
                "update_channel": terms, "put_tiers": {"tiers": tiers}, "change_payout": wallet,
                "start_broadcast": {"channel_id": str(self.channel), "what": "message", "target": "channel", "html": "x"},
                "put_schedule": {"cadence": "daily", "day": 1, "hour": 9},
                "put_promo_code": {"percent": 10, "fixed_usd": "0", "uses_max": 1, "uses_per_user": 1, "expires_at": "2030-01-01T00:00:00Z"}}

    def path(self, name):
        slots = self.api.operations[name].slots
        known = {"id": self.broadcast if name.endswith("_broadcast") else str(self.channel), "code": "CODE-1", "order_id": "01ORDER"}
        return {slot: known.get(slot, "1") for slot in slots}

    def test_0_the_table_is_true(self):
        for promise, places in COVERED.items():
            for file, name in places:
                self.assertIn(name, (ROOT / file).read_text(), promise)

    def test_1_no_token_but_a_good_one_opens_anything(self):
        forgeries, olga, bodies = self.olga.forgeries(), self.olga, self.bodies()
        self.assertEqual(self.api.call("get_account", token=olga.token())[0], 200, "the tool itself works")
        tried = 0
        for name, operation in self.api.operations.items():
            if not operation.token:
                continue
            how = {"path": self.path(name), "headers": {"If-Match": "*"}} | ({"body": bodies[name]} if operation.takes_body else {})
            bad = forgeries if operation.token == "access_token" else {k: v for k, v in forgeries.items() if k != "a refresh token"} | {"an access token": olga.access}
            for what, token in bad.items():
                status, _, headers = self.api.call(name, token=token, **how)
                self.assertEqual((status, headers.get("www-authenticate", "").split(" ")[0]), (401, "Bearer"), f"{name}: {what}")
                tried += 1
            for header in ("", "Authorization: Basic " + olga.access + "\r\n", f"Authorization: Bearer {olga.access}\r\nAuthorization: Bearer {olga.access}\r\n"):
                self.assertEqual(self.api.raw(name, header + "Content-Length: 0\r\n", path=self.path(name))[0], 401, f"{name}: {header}")
        print(f"{tried} tries with bad tokens on {sum(bool(o.token) for o in self.api.operations.values())} operations", flush=True)
        # What was refused ended nothing.
        self.assertEqual(olga.call("get_account")[0], 200)

    def test_2_an_internal_request_counts_once(self):
        path, key = "/internal/conversions/check-threshold", self.world.secret_value("INTERNAL_SIGNING_KEY").encode()

        def send(nonce, at=0, to=path, body="{}", signed_body="{}", signed_path=path, method="POST", drop=None, by=key):
            stamp = str(int(time.time()) + at)
            text = f"{stamp}\n{nonce}\n{method} {signed_path}\n{signed_body}"
            headers = {"X-Paygate-Timestamp": stamp, "X-Paygate-Nonce": nonce, "X-Paygate-Signature": hmac.new(by, text.encode(), hashlib.sha256).hexdigest()}
            return fetch(self.world.daemon_url + to, body, {k: v for k, v in headers.items() if k != drop})[0]
        self.assertEqual(send("internal-0001"), 200)
        for what, how in {"again": {"nonce": "internal-0001"}, "again, another signature": {"nonce": "internal-0001", "at": 1}, "an old one": {"at": -301}, "from the future": {"at": 320},
                          "another body": {"body": '{"a":1}'}, "signed for another path": {"signed_path": "/internal/payouts/process"}, "sent to another path": {"to": "/internal/payouts/process"},
                          "signed for GET": {"method": "GET"}, "another key": {"by": b"x" * 32}, "an empty key": {"by": b""}, "no time": {"drop": "X-Paygate-Timestamp"},
                          "no nonce": {"drop": "X-Paygate-Nonce"}, "no signature": {"drop": "X-Paygate-Signature"}, "a short nonce": {"nonce": "n"}}.items():
            self.assertEqual(send(**({"nonce": "internal-" + what.replace(" ", "-")} | how)), 401, what)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            at_once = sorted(pool.map(lambda _: send("internal-race"), range(8)))
        self.assertEqual(at_once[1:], [401] * 7)
        self.assertIn(at_once[0], (200, 202))
        self.world.paygated.process.kill()
        self.world.paygated.process.wait()
        self.world.start_daemon()
        self.assertEqual(send("internal-0001"), 401, "a daemon that was killed remembers")
        self.assertEqual(send("internal-0002"), 200)

    def test_3_a_text_is_a_text_wherever_it_stands(self):
        bodies, jobs = self.bodies(), []

        def leaves(value, way=()):
            pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for key, inner in pairs:
                yield way + (key,)
                yield from leaves(inner, way + (key,))

        def with_word(body, way, word):
            body = copy.deepcopy(body)
            inner = body
            for key in way[:-1]:
                inner = inner[key]
            inner[way[-1]] = word
            return body
        for name, operation in self.api.operations.items():
            common = {"path": self.path(name), "headers": {"If-Match": "*"}}
            common["token"] = {"access_token": self.olga.access, "refresh_token": "x"}.get(operation.token)
            body = bodies.get(name)
            self.assertEqual(operation.takes_body, body is not None, f"{name}: bodies() has no body for it")
            # A password costs a hash, and a name or an address a mail.
            words = WORDS[::3] if operation.path.startswith("/api/auth") else WORDS
            for word in words:
                for way in leaves(body or {}):
                    jobs.append((name, common | {"body": with_word(body, way, word)}, (way, word)))
                for slot in operation.slots:
                    jobs.append((name, common | {"path": common["path"] | {slot: word}, "body": body}, (slot, word)))
                for key, parameter in operation.parameters.items():
                    if parameter["in"] == "query":
                        needed = {k: "eth" for k, p in operation.parameters.items() if p["in"] == "query" and p["required"]}
                        jobs.append((name, common | {"query": needed | {key: word}, "body": body}, (key, word)))
                    elif parameter["in"] == "header" and word.isprintable() and word.isascii():
                        jobs.append((name, common | {"headers": common["headers"] | {key: word}, "body": body}, (key, word)))

        def run(job):
            name, how, what = job
            return name, self.api.call(name, **how)[0], what
        came = {}
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for name, status, what in pool.map(run, jobs):
                self.harmless(name, status, what)
                came[status] = came.get(status, 0) + 1
        print(f"{len(jobs)} requests with hostile words: {dict(sorted(came.items()))}", flush=True)
        self.assertGreater(came[422], 100)
        self.assertGreater(came[200], 20)
        # What was taken is kept letter by letter.
        for word in WORDS:
            if "\0" in word or "\r" in word or len(word) > 2000:
                continue
            changed = self.olga.expect("update_channel", 200, path={"id": self.channel}, headers={"If-Match": "*"}, body={"description": word})
            self.assertEqual(changed["description"], word)
            self.assertEqual(self.olga.expect("get_channel", 200, path={"id": self.channel})["description"], word)
        self.olga.expect("update_channel", 200, path={"id": self.channel}, headers={"If-Match": "*"}, body={"description": self.description})

    def test_4_and_is_shown_as_it_was_typed(self):
        def shown():
            posts = self.world.sandbox.get(f"chats/{self.channel}/messages")
            return next((p for p in posts if self.description in p["text"] and "<i>Club</i> O'Brien" in p["text"]), None)
        wait("the offer with both texts, letter by letter", shown, 60)

        def page():
            status, headers, text = fetch(f"{self.world.daemon_url}/c/{self.channel}")
            return (headers, text.decode()) if status == 200 else None
        headers, text = wait("the channel's page", page)
        self.assertNotIn("<script>alert", text)
        self.assertNotIn("<i>Club", text)
        self.assertIn(self.description, html.unescape(text))
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.assertEqual(self.olga.expect("get_broadcast", 200, path={"id": self.broadcast})["html"], "<b>a</b> ' -- &amp;")

    def test_5_what_is_no_body_breaks_nothing(self):
        for name in self.bodies():
            operation = self.api.operations[name]
            token = {"access_token": self.olga.access, "refresh_token": "x"}.get(operation.token)
            for what, text in BODIES.items():
                status = self.api.call(name, token=token, path=self.path(name), headers={"If-Match": "*"}, text=text)[0]
                self.assertIn(status, (400, 413, 422), f"{name}: {what}")
        for path in ("/webhooks/nowpayments-ipn", "/webhooks/ethereum", "/telegram-webhook", "/internal/payouts/process"):
            for what, text in BODIES.items():
                status = fetch(self.world.daemon_url + path, text, {"Content-Type": "application/json"})[0]
                self.assertIn(status, (400, 401, 404), f"{path}: {what}")

    def count(self, status):
        """How many requests the daemon has answered so."""
        text = fetch(self.world.daemon_url + "/metrics")[2].decode()
        found = re.search(r'^paygate_http_responses_total\{status="%d"\} (\d+)' % status, text, re.M)
        return int(found.group(1)) if found else 0

    def test_6_the_daemon_sees_what_the_proxy_sent_and_nothing_else(self):
        """A hidden request is for a path that the proxy never passes on: had it come through, the daemon would have counted a 404."""
        hidden = b"GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
        chunk, size = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden), len(hidden)
        carriers = {
            "CL.TE": b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s" % (5 + size, hidden), "TE.CL": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunk,
            "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (size, hidden), "a list of lengths": b"Content-Length: 0, %d\r\n\r\n%s" % (size, hidden),
            "a signed length": b"Content-Length: +%d\r\n\r\n%s" % (size, hidden), "a length in hex": b"Content-Length: 0x%x\r\n\r\n%s" % (size, hidden),
            "a folded length": b"X: a\r\n Content-Length: %d\r\n\r\n%s" % (size, hidden), "a folded encoding": b"Transfer-Encoding:\r\n chunked\r\n\r\n" + chunk,
            "a tab fold": b"Content-Length: 0\r\n\tX\r\n\r\n" + hidden, "a space before the colon": b"Content-Length : %d\r\n\r\n%s" % (size, hidden),
            "TE, a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n" + chunk, "a space before the name": b" Content-Length: %d\r\n\r\n%s" % (size, hidden),
            "TE, tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: %d\r\n\r\n%s" % (size, hidden), "TE, quoted": b'Transfer-Encoding: "chunked"\r\nContent-Length: %d\r\n\r\n%s' % (size, hidden),
            "TE, twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n" + chunk, "TE, a list": b"Transfer-Encoding: x, chunked\r\n\r\n" + chunk,
            "a chunk extension": b"Transfer-Encoding: chunked\r\n\r\n0;x=\r\n\r\n" + hidden, "a chunk's line feed": b"Transfer-Encoding: chunked\r\n\r\n0\n\n" + hidden,
            "a bare line feed": b"X: a\nContent-Length: %d\r\n\r\n%s" % (size, hidden), "a bare carriage return": b"X: a\rContent-Length: %d\r\n\r\n%s" % (size, hidden),
            "NUL in a name": b"Content-Length\0: %d\r\n\r\n%s" % (size, hidden), "an expectation": b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s" % (size, hidden),
            "a dropped header": b"Content-Length: %d\r\nConnection: Content-Length\r\n\r\n%s" % (size, hidden), "an upgrade": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n" + hidden,
        }
        before = self.count(404)
        fetch(self.world.daemon_url + "/hidden")
        wait("the count of what does come through", lambda: self.count(404) == before + 1)
        before, honest = self.count(404), self.count(401)
        seen = {}
        for what, carrier in carriers.items():
            for method in (b"POST", b"GET", b"DELETE"):
                answer = self.proxy.ask(method + b" /webhooks/ethereum HTTP/1.1\r\nHost: pay.example.com\r\n" + carrier
                                        + b"\r\n\r\nGET /webhooks/success HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n")
                for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer):
                    seen[status.decode()] = seen.get(status.decode(), 0) + 1
                self.assertEqual(self.count(404), before, f"{what}: {method}")
        self.assertGreater(self.count(401), honest, "requests do come through")
        # The proxy's kept connections are in step: everybody gets their own answer.
        for _ in range(8):
            self.assertIn(b'"openapi":"3.1.0"', self.proxy.ask("GET /api/openapi.json HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n"))
        print(f"{len(carriers) * 3} tries to smuggle a request: {dict(sorted(seen.items()))}, none came through", flush=True)

    def test_7_an_address_is_believed_from_proxies_alone(self):
        def ask(number, peer, header):
            with socket.create_connection(("127.0.0.1", self.world.daemon_port), timeout=20, source_address=(peer, 0)) as link:
                link.sendall(f"GET /api/channels HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header % (number >> 8, number & 255)}\r\n\r\n".encode())
                return link.recv(4096).split(b" ", 2)[1]
        # A stranger who names a new address each time is limited; who comes through the proxy is known by what the proxy says of them.
        def limited(peer, header):
            """How many came through before the limit."""
            for number in range(5000):
                status = ask(number, peer, header)
                if status == b"429":
                    return number
                self.assertEqual(status, b"401", header)
            self.fail(f"no limit: {header}")
        for number, header in enumerate(("X-Forwarded-For: 172.20.%d.%d", "X-Forwarded-For: 127.0.0.1, 172.21.%d.%d", "Forwarded: for=172.22.%d.%d", "X-Real-IP: 172.23.%d.%d")):
            self.assertGreaterEqual(limited(f"127.0.0.{2 + number}", header), RATE)
        self.assertEqual({ask(n, "127.0.0.1", "X-Forwarded-For: 172.24.%d.%d") for n in range(RATE + 30)}, {b"401"})
        # The last hop counts, what the client has put before it does not.
        self.assertGreaterEqual(limited("127.0.0.1", "X-Forwarded-For: 172.25.%d.%d, 198.51.100.9"), RATE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
