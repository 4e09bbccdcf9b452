"""The owner's API by the OpenAPI document that the daemon serves: operations are called by their names, and everything that is said is kept
for a judge (tests/scenario/openapi_judge.js). An Owner is somebody with an account of their own."""
import base64
import hashlib
import hmac
import http.client
import itertools
import json
import re
import secrets
import socket
import time
import urllib.parse

from harness import Unexpected, fetch, wait


def part(value):
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=").decode()


def opened(token):
    """Header and claims of a token."""
    return [json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in token.split(".")[:2]]


def signed(header, claims, key):
    text = part(header) + "." + part(claims)
    return text + "." + (part(hmac.new(key, text.encode(), hashlib.sha256).digest()) if key is not None else "")


class Operation:
    def __init__(self, path, method, words):
        self.path, self.method, self.name = path, method.upper(), words["operationId"]
        self.slots = re.findall(r"\{(\w+)\}", path)
        self.statuses = sorted(map(int, words["responses"]))
        self.takes_body = "requestBody" in words
        self.parameters = {p["name"]: p for p in words.get("parameters", [])}
        schemes = [name for need in words["security"] for name in need]
        self.token = schemes[0] if schemes else None  # access_token, refresh_token or None

    def target(self, path=None, query=None):
        target = self.path
        for slot in self.slots:
            target = target.replace("{" + slot + "}", urllib.parse.quote(str((path or {}).get(slot, "1")), safe=""))
        return target + ("?" + urllib.parse.urlencode(query) if query else "")


class Api:
    """Calls operations of the daemon's own document. Every call comes from another network, unless it names its `ip`: limits are for those
    who are looked at for them. The daemon has to trust 127.0.0.1 as a proxy."""

    def __init__(self, world):
        self.world, self.said, self.good = world, [], {}
        self.document = json.loads(fetch(world.daemon_url + "/api/openapi.json")[2])
        self.operations = {}
        for path, item in self.document["paths"].items():
            for method, words in item.items():
                one = Operation(path, method, words)
                self.operations[one.name] = one
        self.networks = itertools.count(1)

    def fresh_ip(self):
        n = next(self.networks)
        return f"10.{n >> 8 & 255}.{n & 255}.1"

    def call(self, name, token=None, body=None, path=None, query=None, headers=None, ip=None, text=None):
        """(status, JSON or None, headers). `text` is a body as it is."""
        operation = self.operations[name]
        sent = {"X-Forwarded-For": ip or self.fresh_ip()} | (headers or {})
        if token is not None:
            sent["Authorization"] = "Bearer " + token
        payload = text if text is not None else None if body is None else json.dumps(body)
        if payload is not None:
            sent.setdefault("Content-Type", "application/json")
        status, got, answer = fetch(self.world.daemon_url + operation.target(path, query), payload, sent, method=operation.method)
        return self.keep(name, status, got, answer, path, query, body, sent)

    def raw(self, name, lines, body=b"", path=None):
        """The same with these header lines and nothing else: what no client library would send."""
        operation = self.operations[name]
        head = f"{operation.method} {operation.target(path)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: {self.fresh_ip()}\r\n{lines}\r\n"
        with socket.create_connection(("127.0.0.1", self.world.daemon_port), timeout=30) as link:
            try:
                link.sendall(head.encode() + body)
            except OSError:
                pass  # It may answer and hang up before it has read all of this.
            answer = http.client.HTTPResponse(link, method=operation.method)
            answer.begin()
            return self.keep(name, answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read(), path, None, None, {})

    def keep(self, name, status, headers, answer, path, query, body, sent):
        text = answer.decode()
        self.said.append({"operation": name, "status": status, "headers": headers, "body": text, "path": path or {}, "query": query or {},
                          "request": body, "sent": {k.lower(): v for k, v in sent.items()}})
        try:
            return status, json.loads(text) if text else None, headers
        except ValueError:
            raise Unexpected(f"{name} answers {status} with what is no JSON: {text[:300]}") from None

    def expect(self, name, status, **how):
        """The JSON of an answer with that status. A success is kept as an example of how to call the operation."""
        came, answer, headers = self.call(name, **how)
        if came != status:
            raise Unexpected(f"{name} answers {came}, not {status}: {answer}")
        if status < 300:
            self.good.setdefault(name, how)
        self.headers = headers
        return answer

    def statuses(self, name):
        return {one["status"] for one in self.said if one["operation"] == name}


class Owner:
    """Signed up, confirmed by the mail's link, logged in."""

    def __init__(self, api, password="correct horse battery"):
        self.api, self.world, self.password = api, api.world, password
        self.name = "u" + secrets.token_hex(6)
        self.mail = self.name + "@example.org"
        api.expect("sign_up", 202, body={"user_name": self.name, "email": self.mail, "password": password})
        api.expect("verify_email", 200, body={"token": self.mailed("Confirm your e-mail address")})
        self.log_in()

    def mailed(self, subject, count=1):
        """The token of the link in the count-th mail of that subject."""
        def look():
            mails = [m for m in self.world.sandbox.get("mails?to=" + self.mail) if m["subject"] == subject]
            return mails[count - 1] if len(mails) >= count else None
        return re.search(r"token=(\S+)", wait(f"the mail: {subject}", look)["content"][0]["value"]).group(1)

    def log_in(self):
        tokens = self.api.expect("log_in", 200, body={"login": self.name, "password": self.password})
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]
        return tokens

    def call(self, name, **how):
        return self.api.call(name, token=self.access, **how)

    def expect(self, name, status, **how):
        return self.api.expect(name, status, token=self.access, **how)

    def link(self, person):
        """Joins the account with a person of tests/support/people.py."""
        person.open(self.expect("link_telegram", 200)["url"])
        person.press("Yes, link it")
        wait("the account to be linked", lambda: self.expect("get_account", 200)["telegram_user_id"] == str(person.user), person.limit)
        self.log_in()  # A token tells who one was at log-in.

    def register(self, user, channel, title, currency="eth", network="eth", headers=None, **terms):
        """A channel of theirs, the members' one being the id below; `user` is its creator in Telegram."""
        for chat, name in ((channel, title), (channel - 1, title + " (members)")):
            self.world.sandbox.post("chats", id=chat, type="channel", title=name, creators=[user])
        body = {"open_channel_id": str(channel), "closed_channel_id": str(channel - 1), "tiers": [{"price_usd": "30", "days": 30}],
                "payout": {"currency": currency, "network": network, "address": self.world.owner_address}} | terms
        return self.expect("create_channel", 201, body=body, headers=headers or {})

    def token(self, **claims):
        """A token like theirs, by the daemon's own key, with other claims."""
        header, own = opened(self.access)
        return signed(header, own | claims, self.world.secret_value("JWT_SECRET_KEY").encode())

    def forgeries(self):
        """Tokens that must open nothing, by what is wrong with them."""
        header, claims = opened(self.access)
        key = self.world.secret_value("JWT_SECRET_KEY").encode()
        later = claims | {"exp": int(time.time()) + 10**6}
        head, body, signature = self.access.split(".")
        return {
            "alg none": signed(header | {"alg": "none"}, later, None), "alg None": signed(header | {"alg": "None"}, later, None),
            "alg none, signed": signed(header | {"alg": "none"}, later, key), "alg RS256": signed(header | {"alg": "RS256"}, later, key),
            "alg HS512": signed(header | {"alg": "HS512"}, later, key), "alg a list": signed(header | {"alg": ["HS256"]}, later, key),
            "no kid": signed({"alg": "HS256", "typ": "JWT"}, later, key), "another kid": signed(header | {"kid": "../../dev/null"}, later, key),
            "a key of its own": signed(header | {"jwk": {"kty": "oct", "k": "AA"}, "crit": ["jwk"]}, later, key),
            "empty key": signed(header, later, b""), "another key": signed(header, later, b"k" * 64),
            "expired": signed(header, claims | {"exp": claims["iat"]}, key), "from tomorrow": signed(header, claims | {"nbf": claims["nbf"] + 86400}, key),
            "no end": signed(header, {k: v for k, v in claims.items() if k != "exp"}, key),
            "a refresh token": self.refresh, "claims of another": head + "." + part(claims | {"sub": "x"}) + "." + signature,
            "a changed signature": self.access[:-2] + ("AA" if self.access[-2:] != "AA" else "BB"), "no signature": head + "." + body + ".",
            "two parts": head + "." + body, "a word": "garbage", "dots": "..", "nothing": "", "very long": "a" * 4000}
