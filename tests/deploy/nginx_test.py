"""The shipped nginx site in front of a real daemon: what is public, what is not, and that nothing is smuggled past it. The file is run as it
is, but for its ports, names and certificate."""
import hashlib
import hmac
import pathlib
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scenario"))
from scenario import WorldTest, fetch  # noqa: E402
from proxy import SITE, Proxy  # noqa: E402


class nginx(WorldTest):
    settings = {"http": {"trusted_proxies": '["127.0.0.1"]', "cors_origin": '"https://shop.example"'}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.proxy = Proxy(cls.world)
        except BaseException:
            super().tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.proxy.close()
        super().tearDownClass()

    def ask(self, request):
        return self.proxy.ask(request)

    def status(self, method, path, headers="", body=b""):
        answer = self.ask(f"{method} {path} HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n{headers}\r\n".encode() + body)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0

    def test_public_paths_reach_the_daemon(self):
        for method, path, status in (("GET", "/health", 200), ("GET", "/api/openapi.json", 200), ("GET", "/api/openapi.json/", 200), ("GET", "/api/channels", 401),
                                     ("GET", "/payment-processing?order_id=x", 200), ("GET", "/webhooks/success", 401)):
            self.assertEqual(self.status(method, path), status, path)
        # The pages that links in mails open: the daemon's own, with its script allowed, and not nginx' words.
        for path, call in (("/verify-email", "verify-email"), ("/reset-password", "reset-password"), ("/confirm-payout", "confirm-payout")):
            for spelled in (path, path + "/"):
                answer = self.ask(f"GET {spelled}?token=x.y HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n")
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:200])
                self.assertIn(f'data-call="/api/auth/{call}"'.encode(), answer)
                self.assertIn(b"script-src 'sha256-", answer)
            self.assertEqual(self.status("GET", path), 400)
            self.assertEqual(self.status("POST", path, "Content-Length: 0\r\n"), 405)
            self.assertEqual(self.status("GET", path + "/x"), 404)
            self.assertEqual(self.status("POST", "/api/auth/" + call, "Content-Type: application/json\r\nContent-Length: 15\r\n", b'{"token":"x.y"}'), 422)
        self.assertEqual(self.status("POST", "/webhooks/nowpayments-ipn", "Content-Type: application/json\r\nContent-Length: 2\r\n", b"{}"), 401)
        self.assertEqual(self.status("POST", "/webhooks/ethereum", "Content-Length: 2\r\n", b"{}"), 401)

    def test_nothing_else_is_public_however_it_is_spelled(self):
        for path in ("/metrics", "/ready", "/internal/payouts/process", "/", "/metrics/", "//metrics", "/api/../metrics", "/api/%2e%2e/metrics", "/api/..%2fmetrics",
                     "/api/%252e%252e/metrics", "/webhooks/../metrics", "/webhooks/..;/metrics", "/webhooks/%2e%2e/internal/payouts/process", "/c/../metrics",
                     "/api/./../metrics", "/%6detrics", "/health/../metrics", "/METRICS", "/api/\\..\\metrics", "/health?x=/metrics", "/metrics%00", "/metrics?/api/"):
            for spoof in ("", "X-Forwarded-For: 127.0.0.1\r\n", "X-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n", "X-Original-URL: /metrics\r\nX-Rewrite-URL: /metrics\r\n"):
                answer = self.ask(f"GET {path} HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n{spoof}\r\n")
                self.assertNotIn(b"paygate_", answer, path)
                if not path.startswith("/health?"):
                    self.assertNotIn(answer.split(b" ", 2)[1], (b"200", b"202"), path)
        answer = self.ask("GET http://127.0.0.1/metrics HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n")
        self.assertNotIn(b"paygate_", answer)

    def test_a_signed_internal_request_does_not_pass(self):
        path, stamp = "/internal/conversions/check-threshold", str(int(time.time()))
        sign = lambda nonce: hmac.new(self.world.secret_value("INTERNAL_SIGNING_KEY").encode(), f"{stamp}\n{nonce}\nPOST {path}\n{{}}".encode(), hashlib.sha256).hexdigest()
        headers = lambda nonce: {"X-Paygate-Timestamp": stamp, "X-Paygate-Nonce": nonce, "X-Paygate-Signature": sign(nonce)}
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers("from-outside-1").items())
        self.assertEqual(self.status("POST", path, lines + "Content-Length: 2\r\n", b"{}"), 404)
        # The same from inside runs the scheduler, once.
        status, _, body = fetch(self.world.daemon_url + path, "{}", headers("from-inside-1"))
        self.assertEqual(status, 200, body)
        self.assertIn(b'"message":"Below threshold, no batch conversion needed"', body)
        self.assertEqual(fetch(self.world.daemon_url + path, "{}", headers("from-inside-1"))[0], 401)

    def test_no_request_hides_in_another(self):
        hidden = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
        carriers = [
            b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s" % (5 + len(hidden), hidden),
            b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + chunk,
            b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n\r\n%s" % (len(hidden), hidden),
            b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n%s" % (len(hidden), hidden),
            b"Transfer-Encoding:\x0bchunked\r\nContent-Length: %d\r\n\r\n%s" % (len(hidden), hidden),
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunk,
            b"Transfer-Encoding: identity, chunked\r\n\r\n" + chunk,
            b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n%s" % (len(hidden), hidden),
            b"Content-Length: +%d\r\n\r\n%s" % (len(hidden), hidden),
            b"Content-Length: %d, %d\r\n\r\n%s" % (len(hidden), len(hidden), hidden),
            b"Content_Length: %d\r\n\r\n%s" % (len(hidden), hidden),
            b"X: a\nContent-Length: 0\r\n\r\n" + hidden,
            b"X: a\rTransfer-Encoding: chunked\r\n\r\n" + chunk,
            b"Content-Length: %d\r\nConnection: Content-Length\r\n\r\n%s" % (len(hidden), hidden),
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s" % (len(hidden), hidden),
        ]
        for carrier in carriers:
            for method in (b"POST", b"GET", b"DELETE"):
                answer = self.ask(method + b" /api/channels HTTP/1.1\r\nHost: pay.example.com\r\n" + carrier + b"\r\n\r\nGET /health HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n")
                self.assertNotIn(b"paygate_", answer, carrier)
                self.assertNotIn(b"process_resident", answer, carrier)
        # Somebody else's next request on the proxy's kept-alive connections still gets its own answer.
        for _ in range(5):
            self.assertIn(b'"openapi":"3.1.0"', self.ask("GET /api/openapi.json HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n"))

    def test_browsers_are_sent_to_tls_and_told_to_stay(self):
        with socket.create_connection(("127.0.0.1", self.proxy.plain), timeout=10) as link:
            link.sendall(b"GET /api/openapi.json?a=1 HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n")
            answer = link.recv(65536).decode()
        self.assertIn("301 Moved", answer)
        self.assertIn("Location: https://pay.example.com/api/openapi.json?a=1", answer)
        head = self.ask("GET /api/openapi.json HTTP/1.1\r\nHost: pay.example.com\r\nConnection: close\r\n\r\n").split(b"\r\n\r\n")[0].decode()
        for line in ("Strict-Transport-Security: max-age=", "X-Content-Type-Options: nosniff", "Access-Control-Allow-Origin: https://shop.example"):
            self.assertIn(line, head)
        self.assertEqual(head.count("Server: nginx\r"), 1, "no version")
        # The daemon alone says nothing of TLS that nobody saw.
        self.assertNotIn("strict-transport-security", fetch(self.world.daemon_url + "/api/openapi.json", headers={"X-Forwarded-Proto": "http"})[1])
        errors = self.ask("GET /api/nothing HTTP/1.1\r\nHost: pay.example.com\r\nOrigin: https://shop.example\r\nConnection: close\r\n\r\n")
        self.assertIn(b" 404 ", errors.split(b"\r\n")[0])
        self.assertIn(b"Access-Control-Allow-Origin: https://shop.example", errors)

    def test_too_much_is_refused_at_the_door(self):
        self.assertEqual(self.status("POST", "/webhooks/nowpayments-ipn", "Content-Length: 70000\r\n", b" " * 70000), 413)
        seen = [self.status("GET", "/api/auth/x") for _ in range(45)]
        self.assertIn(429, seen)
        self.assertEqual(seen[0], 404)
        # Webhooks have no such limit.
        self.assertEqual({self.status("POST", "/webhooks/nowpayments-ipn", "Content-Length: 0\r\n") for _ in range(60)}, {415})

    def test_zz_the_files_of_the_site_are_valid_as_shipped(self):
        text = SITE.read_text()
        self.assertNotIn("location /metrics", text)
        self.assertNotIn("/internal", "\n".join(line for line in text.splitlines() if not line.startswith("#")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
