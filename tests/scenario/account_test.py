"""Owners' accounts from outside: a person who reads mails and calls the API, and people who would like to be that person. Real daemon and
database; SendGrid's part is the sandbox's."""
import base64
import hashlib
import hmac
import json
import re
import secrets
import statistics
import time
import unittest

from scenario import World, WorldTest, fetch, wait
from people import Stage  # Found by the path that scenario sets.

HOSTILE = ["'; DROP TABLE account; --", "<script>alert(1)</script>", "\" onload=\"x", "a\nb", "\u202eevil", "%00", "../../etc/passwd", "{{7*7}}",
           "O'Brien", "$(reboot)", "😀" * 8, "x' OR '1'='1", "name:admin,release mail:a@b.cd"]


def part(value):
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()


def opened(token):
    head, body, _ = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in (head, body)]


class account(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = World({"http": {"trusted_proxies": '["127.0.0.1"]'}}, channels=False)
        cls.failed = False

    def setUp(self):
        # Each test is a network of its own: what one asks for is not counted against another.
        type(self).tests = getattr(self, "tests", 0) + 1
        self.home = f"198.51.{self.tests}.7"

    def call(self, method, path, body=None, token=None, ip=None, match="*"):
        """(status, answer, headers); every answer is JSON, an error a problem. `match`: what a PATCH says it has read."""
        headers = {"X-Forwarded-For": ip or self.home} | ({"If-Match": match} if method == "PATCH" and match else {})
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, got, text = fetch(self.world.daemon_url + "/api/" + path, None if body is None else json.dumps(body), headers, method=method)
        if text:
            self.assertEqual(got["content-type"].split(";")[0], "application/problem+json" if status >= 400 else "application/json", text)
        return status, json.loads(text) if text else None, got

    def post(self, path, bearer=None, ip=None, **body):
        return self.call("POST", path, body or None, bearer, ip)

    def mails(self, to, subject):
        return [m for m in self.world.sandbox.get("mails?to=" + to) if m["subject"] == subject]

    def mail(self, to, subject, count=1):
        mails = wait(f"mail {count} to {to}: {subject}", lambda: (lambda m: m if len(m) >= count else None)(self.mails(to, subject)))
        return mails[count - 1]["content"][0]["value"]

    def mailed_token(self, to, subject, count=1):
        return re.search(r"token=(\S+)", self.mail(to, subject, count)).group(1)

    def signed_up(self, password="correct horse battery"):
        name = "u" + secrets.token_hex(6)
        mail = name + "@example.org"
        self.assertEqual(self.post("auth/signup", user_name=name, email=mail, password=password)[0], 202)
        token = self.mailed_token(mail, "Confirm your e-mail address")
        self.assertEqual(self.post("auth/verify-email", token=token)[:2], (200, {"status": "confirmed"}))
        return name, mail

    def logged_in(self, name, password="correct horse battery", ip=None):
        status, tokens, _ = self.post("auth/login", ip=ip, login=name, password=password)
        self.assertEqual(status, 200, tokens)
        return tokens

    def advance(self, span):
        self.world.sandbox.post("clock", advance=span)

    def test_01_the_walk_of_an_owner(self):
        name = "Olga_" + secrets.token_hex(4)
        mail = name.lower() + "@example.org"
        body = {"user_name": name, "email": mail, "password": "a long enough one"}
        self.assertEqual(self.post("auth/signup", **body)[:2], (202, {"status": "check_your_mail"}))
        token = self.mailed_token(mail, "Confirm your e-mail address")
        self.assertEqual(self.post("auth/login", login=name, password="a long enough one")[0], 401)
        status, headers, page = fetch(f"{self.world.daemon_url}/verify-email?token={token}")
        self.assertEqual(status, 200)
        self.assertIn("script-src 'sha256-", headers["content-security-policy"])
        self.assertIn(token, page.decode())
        # Opening the link did nothing: mail programs open links as well.
        self.assertEqual(self.post("auth/login", login=name, password="a long enough one")[0], 401)
        self.assertEqual(self.post("auth/verify-email", token=token)[0], 200)
        self.assertEqual(self.post("auth/verify-email", token=token)[0], 422)
        self.mail(mail, "Welcome to PayGatePrime")
        for login in (name, name.upper(), mail, mail.upper()):
            tokens = self.logged_in(login, "a long enough one")
        status, own, _ = self.call("GET", "account", token=tokens["access_token"])
        self.assertEqual((status, own["user_name"], own["email"], own["telegram_user_id"]), (200, name, mail, None))
        self.assertEqual(self.post("auth/signup", user_name=name.swapcase(), email="other-" + mail, password="a long enough one")[0], 409)

        # The address: current password, a mail to each, and it counts once it is confirmed.
        access, new = tokens["access_token"], "new-" + mail
        self.assertEqual(self.call("PATCH", "account", {"current_password": "wrong one here", "email": new}, access)[0], 403)
        status, _, headers = self.call("GET", "account", token=access)
        wish = {"current_password": "a long enough one", "email": "never-" + mail}
        self.assertEqual(self.call("PATCH", "account", wish, access, match=None)[0], 428)
        self.assertEqual(self.call("PATCH", "account", wish, access, match='"x"')[0], 412)
        status, changed, _ = self.call("PATCH", "account", {"current_password": "a long enough one", "email": new}, access, match=headers["etag"])
        self.assertEqual((status, changed["account"]["email"], changed["account"]["pending_email"], changed["tokens"]), (200, mail, new, None))
        self.mail(mail, "Your e-mail address is about to change")
        self.assertEqual(self.post("auth/verify-email", token=self.mailed_token(new, "Confirm your new e-mail address"))[0], 200)
        self.mail(mail, "Your e-mail address was changed")
        self.assertEqual(self.call("GET", "account", token=access)[1]["email"], new)
        wait("the old address is nobody's", lambda: self.post("auth/login", login=mail, password="a long enough one")[0] == 401)
        self.logged_in(new, "a long enough one")

        # The password: every session ends, the answer has a new one.
        status, changed, _ = self.call("PATCH", "account", {"current_password": "a long enough one", "password": "another long one"}, access)
        self.assertEqual(status, 200)
        self.assertEqual(self.call("GET", "account", token=access)[0], 401)
        self.assertEqual(self.call("POST", "auth/refresh", token=tokens["refresh_token"])[0], 401)
        access = changed["tokens"]["access_token"]
        self.assertEqual(self.call("GET", "account", token=access)[0], 200)

        # Forgotten: a link, once.
        self.assertEqual(self.post("auth/forgot-password", email=new)[0], 202)
        reset = self.mailed_token(new, "Set a new password")
        self.assertEqual(fetch(f"{self.world.daemon_url}/reset-password?token={reset}")[0], 200)
        self.assertEqual(self.post("auth/reset-password", token=reset, password="short")[0], 422)
        self.assertEqual(self.post("auth/reset-password", token=reset, password="a third long one")[0], 200)
        self.assertEqual(self.post("auth/reset-password", token=reset, password="a fourth long one")[0], 422)
        self.assertEqual(self.call("GET", "account", token=access)[0], 401)
        self.mail(new, "Your password was changed", 2)
        access = self.logged_in(name, "a third long one")["access_token"]

        # The end: the names are free again, and nothing in the row says whose it was.
        self.assertEqual(self.call("DELETE", "account", {"current_password": "not this one"}, access)[0], 403)
        self.assertEqual(self.call("DELETE", "account", {"current_password": "a third long one"}, access)[:2], (202, {"status": "closing"}))
        self.mail(new, "Your account is closed")
        self.assertEqual(self.call("GET", "account", token=access)[0], 401)
        self.assertEqual(self.post("auth/login", login=name, password="a third long one")[0], 401)
        wait("the row is bare", lambda: self.world.database.sql(
            f"SELECT count(*) FROM account WHERE id = '{own['id']}' AND status = 'closed' AND email || user_name || password_hash || guard = ''") == "1")
        self.assertEqual(self.post("auth/signup", user_name=name, email=new, password="a long enough one")[0], 202)
        self.mail(new, "Confirm your e-mail address")

    def test_02_a_refresh_token_that_comes_twice_ends_its_family_alone(self):
        name, _ = self.signed_up()
        first, other = self.logged_in(name), self.logged_in(name)
        status, second, _ = self.call("POST", "auth/refresh", token=first["refresh_token"])
        self.assertEqual(status, 200)
        self.assertEqual(self.call("GET", "account", token=second["access_token"])[0], 200)
        self.assertEqual(self.call("POST", "auth/refresh", token=first["refresh_token"])[0], 401)
        self.assertEqual(self.call("POST", "auth/refresh", token=second["refresh_token"])[0], 401)
        status, other, _ = self.call("POST", "auth/refresh", token=other["refresh_token"])
        self.assertEqual(status, 200)
        sid = opened(first["refresh_token"])[1]["sid"]
        self.assertEqual(self.world.database.sql(f"SELECT status FROM session WHERE id = '{sid}'"), "revoked")

        self.assertEqual(self.call("POST", "auth/logout", token=other["refresh_token"])[0], 204)
        self.assertEqual(self.call("POST", "auth/refresh", token=other["refresh_token"])[0], 401)
        # Everywhere: refresh tokens and the account's own routes at once.
        a, b = self.logged_in(name), self.logged_in(name)
        self.assertEqual(self.call("POST", "auth/logout-everywhere", token=a["access_token"])[0], 204)
        for tokens in (a, b):
            self.assertEqual(self.call("POST", "auth/refresh", token=tokens["refresh_token"])[0], 401)
            self.assertEqual(self.call("GET", "account", token=tokens["access_token"])[0], 401)
        self.assertEqual(self.call("POST", "auth/logout-everywhere", token=a["access_token"])[0], 401)
        # One of two who use a token at once gets the next; then it is over for both.
        race = self.logged_in(name)
        import concurrent.futures
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            got = sorted(s for s, _, _ in pool.map(lambda _: self.call("POST", "auth/refresh", token=race["refresh_token"]), range(4)))
        self.assertEqual(got, [200, 401, 401, 401])

    def test_03_tokens_of_somebody_elses_making_open_nothing(self):
        name, _ = self.signed_up()
        tokens = self.logged_in(name)
        key = self.world.secret_value("JWT_SECRET_KEY").encode()
        head, claims = opened(tokens["access_token"])

        def made(header, body, by=key):
            text = part(header) + "." + part(body)
            return text + "." + (part(hmac.new(by, text.encode(), hashlib.sha256).digest()) if by is not None else "")

        self.assertEqual(self.call("GET", "account", token=made(head, claims))[0], 200)  # The tool itself works.
        soon = claims | {"exp": claims["exp"] + 10**6}
        for what, token in {
                "none": made(head | {"alg": "none"}, soon, None), "None": made(head | {"alg": "None"}, soon, None),
                "none signed": made(head | {"alg": "none"}, soon), "RS256": made(head | {"alg": "RS256"}, soon), "HS512": made(head | {"alg": "HS512"}, soon),
                "no kid": made({"alg": "HS256"}, soon), "empty key": made(head, soon, b""), "other key": made(head, soon, b"k" * 40),
                "expired": made(head, claims | {"exp": claims["iat"] - 1}), "from tomorrow": made(head, claims | {"nbf": claims["nbf"] + 86400}),
                "refresh": tokens["refresh_token"], "text": "garbage", "dots": "..", "empty": "",
                "other account": tokens["access_token"].split(".")[0] + "." + part(claims | {"sub": "x"}) + "." + tokens["access_token"].split(".")[2]}.items():
            with self.subTest(what):
                self.assertEqual(self.call("GET", "account", token=token)[0], 401)
        self.assertEqual(self.call("POST", "auth/refresh", token=tokens["access_token"])[0], 401)
        self.assertEqual(self.call("POST", "auth/refresh")[0], 401)
        # By the clock: a quarter of an hour, thirty days.
        self.advance("16m")
        self.assertEqual(self.call("GET", "account", token=tokens["access_token"])[0], 401)
        status, tokens, _ = self.call("POST", "auth/refresh", token=tokens["refresh_token"])
        self.assertEqual(status, 200)
        self.advance("721h")
        self.assertEqual(self.call("POST", "auth/refresh", token=tokens["refresh_token"])[0], 401)
        sid = opened(tokens["refresh_token"])[1]["sid"]
        wait("the session ends by itself", lambda: self.world.database.sql(f"SELECT status FROM session WHERE id = '{sid}'") == "expired")

    def test_00_keys_are_changed_without_logging_anybody_out(self):
        name, _ = self.signed_up()
        before = self.logged_in(name)
        old, new = self.world.secret_value("JWT_SECRET_KEY"), secrets.token_hex(32)
        self.world.secret("JWT_SECRET_KEY", new + "\n" + old)
        kid = opened(before["access_token"])[0]["kid"]
        after = wait("tokens of the new key", lambda: (lambda t: t if opened(t["access_token"])[0]["kid"] != kid else None)(self.logged_in(name)))
        self.assertEqual(self.call("GET", "account", token=before["access_token"])[0], 200)
        status, renewed, _ = self.call("POST", "auth/refresh", token=before["refresh_token"])
        self.assertEqual(status, 200)
        self.world.secret("JWT_SECRET_KEY", new)
        wait("the old key is no more", lambda: self.call("GET", "account", token=before["access_token"])[0] == 401)
        self.assertEqual(self.call("GET", "account", token=after["access_token"])[0], 200)
        # A daemon that is killed forgets nobody.
        self.world.paygated.process.kill()
        self.world.paygated.process.wait()
        self.world.start_daemon()
        self.assertEqual(self.call("GET", "account", token=renewed["access_token"])[0], 200)
        self.assertEqual(self.call("POST", "auth/refresh", token=renewed["refresh_token"])[0], 200)

    def test_05_nobody_learns_who_has_an_account(self):
        name, mail = self.signed_up()
        fresh = self.post("auth/signup", user_name="f" + secrets.token_hex(6), email="fresh-" + mail, password="a long enough one")
        second = "s" + secrets.token_hex(6)
        taken = self.post("auth/signup", user_name=second, email=mail.upper(), password="a long enough one")
        self.assertEqual(fresh[:2], taken[:2])
        self.mail(mail, "You have an account already")
        self.assertEqual(self.mails(mail.upper(), "Confirm your e-mail address"), [])
        # The name of the sign-up that came to nothing is as taken as that of one that did.
        self.assertEqual(self.post("auth/signup", user_name=second, email="third-" + mail, password="a long enough one")[0], 409)
        self.assertEqual(self.post("auth/login", login=second, password="a long enough one")[0], 401)
        unknown = self.post("auth/login", login="nobody-" + secrets.token_hex(5), password="a long enough one")
        wrong = self.post("auth/login", login=name, password="a wrong long one")
        self.assertEqual((unknown[0], unknown[1]), (wrong[0], wrong[1]))
        self.assertEqual(unknown[0], 401)
        for path in ("forgot-password", "resend-verification"):
            for address in (mail, "nobody-" + mail):
                self.assertEqual(self.post("auth/" + path, email=address)[:2], (202, {"status": "check_your_mail"}))
        self.assertEqual(self.world.sandbox.get("mails?to=nobody-" + mail), [])
        self.assertEqual(self.post("auth/reset-password", token="phantom-1.x", password="a long enough one")[0], 422)

    def test_06_guessing_slows_down_and_locks_nobody_out(self):
        name, mail = self.signed_up()
        nobody = "nobody-" + secrets.token_hex(5)
        home, thief = "192.0.2.10", "203.0.113.50"
        self.logged_in(name, ip=home)
        for login in (name, nobody):
            # Five for nothing, then after 1, 2, 4 ... seconds: in the end the wait is longer than this test can take.
            for span in [0] * 5 + [2**n for n in range(9)]:
                self.advance(f"{span}s") if span else None
                self.assertEqual(self.post("auth/login", ip=thief, login=login, password="a wrong long one")[0], 401, span)
            self.assertEqual(self.post("auth/login", ip=thief, login=login, password="a wrong long one")[0], 429)
            status, _, headers = self.post("auth/login", ip="203.0.113.99", login=login, password="a wrong long one")  # Of the same network.
            self.assertEqual(status, 429)
            self.assertGreaterEqual(int(headers["retry-after"]), 1)
        # Even the right password has to wait there, and nowhere else.
        self.assertEqual(self.post("auth/login", ip=thief, login=name, password="correct horse battery")[0], 429)
        self.logged_in(name, ip="192.0.2.77")
        for i in range(30):
            self.post("auth/login", ip=f"10.{i}.0.1", login=name, password="a wrong long one")
        for i in range(8):  # All strangers together: a minute between two at last.
            self.advance("61s")
            self.assertEqual(self.post("auth/login", ip=f"10.{100 + i}.0.1", login=name, password="a wrong long one")[0], 401)
        self.assertEqual(self.post("auth/login", ip="10.200.0.1", login=name, password="a wrong long one")[0], 429)
        self.logged_in(name, ip=home)
        # Whoever is elsewhere for the first time meanwhile has the mail.
        abroad = "198.18.0.1"
        self.assertEqual(self.post("auth/login", ip=abroad, login=name, password="correct horse battery")[0], 429)
        self.assertEqual(self.post("auth/forgot-password", ip=abroad, email=mail)[0], 202)
        reset = self.mailed_token(mail, "Set a new password")
        self.assertEqual(self.post("auth/reset-password", ip=abroad, token=reset, password="a new long one")[0], 200)
        self.logged_in(name, "a new long one", ip=abroad)

    def test_07_a_login_takes_as_long_for_unknown_names(self):
        known = [self.signed_up()[0] for _ in range(2)]
        times = {"known": [], "unknown": []}
        for attempt in range(3):
            for i in range(24):
                for who in ("known", "unknown") if i % 2 else ("unknown", "known"):
                    login = known[i % 2] if who == "known" else f"nobody-{attempt}-{i % 2}"
                    start = time.monotonic()
                    self.assertEqual(self.post("auth/login", ip=f"10.{attempt}.{i}.1", login=login, password="a wrong long one")[0], 401)
                    times[who].append(time.monotonic() - start)
            medians = {who: statistics.median(all) for who, all in times.items()}
            ratio = medians["known"] / medians["unknown"]
            if 0.8 < ratio < 1.25:
                return
            self.advance("2h")
        self.fail(f"a log-in takes {medians}")

    def test_08_hostile_words_are_refused_or_kept_as_words(self):
        name, mail = self.signed_up()
        access = self.logged_in(name)["access_token"]
        tables = self.world.database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        for i, word in enumerate(HOSTILE):
            with self.subTest(word):
                ip = f"172.16.{i}.1"
                self.assertEqual(self.post("auth/signup", ip=ip, user_name=word, email="x@example.org", password="a long enough one")[0], 422)
                # Some of these are addresses as RFC 5322 has them; the name is taken from the first of those on.
                self.assertIn(self.post("auth/signup", ip=ip, user_name="good-name", email=word + "@example.org", password="a long enough one")[0], (202, 409, 422))
                self.assertIn(self.post("auth/login", ip=ip, login=word, password=word)[0], (401, 422))
                for path in ("verify-email", "reset-password"):
                    self.assertEqual(self.post("auth/" + path, ip=ip, token=word, **({"password": "a long enough one"} if path[0] == "r" else {}))[0], 422)
                self.assertIn(self.post("auth/forgot-password", ip=ip, email=word)[0], (202, 422))
                self.assertEqual(self.call("GET", "account", token=word.encode("ascii", "ignore").decode().replace("\n", " "))[0], 401)
                status, _, page = fetch(self.world.daemon_url + "/verify-email?token=" + "".join(f"%{b:02x}" for b in word.encode()))
                self.assertNotIn(b"<script>alert", page)
                self.assertNotIn(b'onload="x', page)
        # A password may be anything.
        odd = "pässwörd '; -- <b>\" 😀"
        status, changed, _ = self.call("PATCH", "account", {"current_password": "correct horse battery", "password": odd}, access)
        self.assertEqual(status, 200, changed)
        self.logged_in(name, odd)
        self.assertEqual(self.call("POST", "auth/signup", {"user_name": "abc", "email": "a@b.cd", "password": "x" * 5000})[0], 413)
        self.assertEqual(self.call("POST", "auth/login", {"login": name, "password": odd, "more": 1})[0], 422)
        self.assertEqual(self.call("POST", "auth/login", {"login": [name], "password": {"a": 1}})[0], 422)
        self.assertEqual(tables, self.world.database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))

    def test_09_the_predecessors_view_has_the_owners(self):
        name, mail = self.signed_up()
        self.logged_in(name)
        rows = self.world.database.rows(f"SELECT * FROM legacy.registered_users WHERE username = '{name}'")
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows[0]["email"], rows[0]["is_active"], rows[0]["email_verified"]), (mail, True, True))
        self.assertTrue(rows[0]["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$"))
        self.assertIsNotNone(rows[0]["last_login"])
        self.assertEqual(self.world.database.sql("SELECT count(*) FROM legacy.registered_users WHERE username LIKE 'phantom%'"), "0")
        # Only hashes of tokens are stored, and nothing of them is in the log.
        self.assertEqual(self.post("auth/forgot-password", email=mail)[0], 202)
        secret = self.mailed_token(mail, "Set a new password").split(".")[1]
        dump = self.world.database.sql("SELECT a::text FROM account a") + self.world.database.sql("SELECT t::text FROM transition t")
        self.assertNotIn(secret, dump)
        self.assertIn(hashlib.sha256(secret.encode()).hexdigest(), dump)
        with open(self.world.paygated.log) as log:
            words = log.read()
        for hidden in (secret, "correct horse", mail):
            self.assertNotIn(hidden, words)

    def test_10b_who_is_joined_undoes_it_in_the_bot(self):
        name, _ = self.signed_up()
        access = self.logged_in(name)["access_token"]
        person = Stage(self.world).person(7499, "Ursula")
        person.say("/account")
        wait("the empty list", lambda: "No web account is linked" in str(self.world.sandbox.get("users/7499/messages")))
        person.open(self.call("POST", "account/telegram-link", token=access)[1]["url"])
        person.press("Yes, link it")
        wait("the link", lambda: self.call("GET", "account", token=access)[1]["telegram_user_id"] == "7499")
        person.say("/account")
        person.press("Unlink: " + name)
        # Whoever is logged in may not be that person.
        wait("the end of the sessions", lambda: self.call("GET", "account", token=access)[0] == 401)
        again = self.call("GET", "account", token=self.logged_in(name)["access_token"])[1]
        self.assertEqual((again["telegram_user_id"], again["telegram_name"]), (None, None))
        person.say("/account")
        wait("the empty list again", lambda: str(self.world.sandbox.get("users/7499/messages")).count("No web account is linked") == 2)

    def test_10_promo_codes_by_the_api_are_their_channels_owners(self):
        name, _ = self.signed_up()
        access = self.logged_in(name)["access_token"]
        other = self.logged_in(self.signed_up()[0])["access_token"]
        opened_channel, closed_channel, user = -1007400000001, -1007400000002, 7401
        for chat in (opened_channel, closed_channel):
            self.world.sandbox.post("chats", id=chat, type="channel", title=f"Chat {chat}", creators=[user])
        person = Stage(self.world).person(user, "Petra")
        person.open(self.call("POST", "account/telegram-link", token=access)[1]["url"])
        person.press("Yes, link it")
        wait("the link", lambda: self.call("GET", "account", token=access)[1]["telegram_user_id"])
        made = self.call("POST", "channels", {"open_channel_id": opened_channel, "closed_channel_id": closed_channel, "tiers": [{"price_usd": "10", "days": 30}],
                                              "payout": {"currency": "eth", "network": "eth", "address": "0x" + secrets.token_hex(20)}}, access)
        self.assertEqual(made[0], 201, made[1])
        codes = f"channels/{opened_channel}/promo-codes"
        self.assertEqual(self.call("GET", codes, token=access)[:2], (200, {"items": []}))

        status, code, _ = self.call("PUT", codes + "/SPRING", {"percent": 20, "uses_max": 5, "expires_at": "2099-12-31T00:00:00Z"}, access)
        self.assertEqual((status, code["code"], code["status"], code["percent"], code["uses_max"], code["uses_per_user"], code["uses"]),
                         (200, "SPRING", "open", 20, 5, 1, 0))
        self.assertTrue(code["expires_at"].startswith("2099-12-31T00:00:00"))
        self.assertEqual(self.call("PUT", codes + "/FIVE_OFF", {"fixed_usd": "5"}, access)[0], 200)
        self.assertEqual([c["code"] for c in self.call("GET", codes, token=access)[1]["items"]], ["FIVE_OFF", "SPRING"])
        # New terms take the place of the old ones.
        self.assertEqual(self.call("PUT", codes + "/SPRING", {"percent": 30}, access)[1]["percent"], 30)

        for token, expected in ((other, 404), (None, 401), ("garbage", 401)):
            with self.subTest(token=token):
                self.assertEqual(self.call("GET", codes, token=token)[0], expected)
                self.assertEqual(self.call("PUT", codes + "/SPRING", {"percent": 99}, token)[0], expected)
                self.assertEqual(self.call("PUT", codes + "/NEWONE", {"percent": 99}, token)[0], expected)
                self.assertEqual(self.call("DELETE", codes + "/SPRING", token=token)[0], expected)
        for body in ({}, {"percent": 101}, {"percent": -1}, {"percent": 20, "fixed_usd": "5"}, {"fixed_usd": "1.005"}, {"fixed_usd": "-1"}, {"percent": "x"},
                     {"percent": 20, "uses_max": 0}, {"percent": 20, "uses_max": 10001}, {"percent": 20, "uses_max": 2, "uses_per_user": 3},
                     {"percent": 20, "expires_at": "2001-01-01T00:00:00Z"}, {"percent": 20, "expires_at": "soon"}, {"percent": 20, "status": "open"}):
            with self.subTest(body):
                self.assertEqual(self.call("PUT", codes + "/BADONE", body, access)[0], 422)
        for word in ("ab", "lower", "A" * 25, "SPRING'--", "%3Cb%3E"):
            with self.subTest(word):
                self.assertIn(self.call("PUT", codes + "/" + word, {"percent": 20}, access)[0], (404, 422))
        self.assertEqual(self.call("DELETE", codes + "/UNKNOWN", token=access)[0], 404)
        self.assertEqual(self.call("GET", f"channels/{closed_channel}/promo-codes", token=access)[0], 404)

        status, code, _ = self.call("DELETE", codes + "/SPRING", token=access)
        self.assertEqual((status, code["status"], code["percent"]), (200, "disabled", 30))
        self.assertEqual({c["code"]: c["status"] for c in self.call("GET", codes, token=access)[1]["items"]}, {"FIVE_OFF": "open", "SPRING": "disabled"})
        self.assertEqual(self.call("DELETE", codes + "/SPRING", token=access)[1]["status"], "disabled")
        self.assertEqual(self.call("PUT", codes + "/SPRING", {"percent": 30}, access)[1]["status"], "open")


if __name__ == "__main__":
    unittest.main(verbosity=2)
