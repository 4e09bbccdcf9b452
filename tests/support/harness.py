"""Real parts for tests that look at the system from outside: PostgreSQL, anvil, paygate-sandbox and paygated on free ports, private to one
test and gone after it. A World is all of them; a Buyer plays a person's steps. Only Python's standard library.

The programs are found by the environment: PAYGATED, PAYGATECTL, PAYGATE_SANDBOX (ctest sets them)."""
import atexit
import ctypes
import decimal
import glob
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
RICH = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"  # anvil's first dev account
GAS_FLOAT_WEI = 50_000_000_000_000_000
SWAP_CHANNEL, DIRECT_CHANNEL, OWNER = -1001000000010, -1001000000020, 7001
_libc = ctypes.CDLL(None)


class Unexpected(AssertionError):
    """Something did not happen in time, or happened otherwise."""


def wait(what, condition, limit=30, every=0.05):
    """The first true value of condition(), which may also raise OSError or Unexpected while the parts are not there yet."""
    deadline, trouble = time.monotonic() + limit, None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
        except (OSError, Unexpected, http.client.HTTPException) as error:
            trouble = error
        time.sleep(every)
    raise Unexpected(f"waited {limit} s for {what}" + (f" ({trouble})" if trouble else ""))


def program(variable, relative):
    path = os.environ.get(variable) or str(ROOT / "build" / relative)
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is not there: build it, or set {variable}")
    return path


def free_port():
    """Below the range that the kernel gives to outgoing connections, or one of those takes it while its server restarts."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def fetch(url, body=None, headers=None, limit=30, method=None):
    """(status, headers, body bytes) of one request."""
    to = urllib.parse.urlsplit(url)
    link = http.client.HTTPConnection(to.hostname, to.port, timeout=limit)
    try:
        path = to.path + ("?" + to.query if to.query else "")
        try:
            link.request(method or ("GET" if body is None else "POST"), path or "/", body, headers or {})
        except BrokenPipeError:
            pass  # A server may answer before it has read all of a body that it does not want; the answer is there to be read.
        answer = link.getresponse()
        return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
    finally:
        link.close()


_certificates = None


def certificate(who):
    """The folder of a certificate, "node/node-1" or "operator/test", of an authority that all worlds of this process share. paygatectl
    finds the operator's by the environment."""
    global _certificates
    script = str(ROOT / "deploy/certificates")
    if not _certificates:
        _certificates = tempfile.mkdtemp(prefix="paygate-certificates-")
        atexit.register(shutil.rmtree, _certificates, True)
        subprocess.run([script, _certificates, "authority"], check=True)
        os.environ["PAYGATE_CTL_TLS_DIR"] = certificate("operator/test")
    folder = os.path.join(_certificates, who)
    if not os.path.exists(folder):
        subprocess.run([script, _certificates, *who.split("/")], check=True)
    return folder


class Child:
    """A child process: its output in a log, killed when the test ends, however it ends."""

    outlives = False  # Whether children go on when this program has ended.

    def __init__(self, name, argv, log, user=None):
        self.name, self.log = name, log
        last_words = 0 if Child.outlives else signal.SIGKILL

        def prepare():
            if Child.outlives:
                os.setsid()
            _libc.prctl(1, last_words)  # PR_SET_PDEATHSIG
            if user:
                os.setgroups([]), os.setgid(user[1]), os.setuid(user[0])
                _libc.prctl(1, last_words)  # Changing the user cleared it.

        with open(log, "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=prepare, cwd="/")

    def alive(self):
        return self.process.poll() is None

    def end(self, how=signal.SIGTERM, limit=30):
        """Its exit code: below 0 the signal that ended it."""
        if self.alive():
            self.process.send_signal(how)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Unexpected(f"{self.name} did not end within {limit} s") from None

    def tail(self, lines=30):
        return "\n".join(pathlib.Path(self.log).read_text(errors="replace").splitlines()[-lines:])


class Postgres:
    def __init__(self, folder):
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.home, self.port, self.user, self.listen = folder, free_port(), None, "127.0.0.1"
        os.makedirs(folder)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            import pwd
            entry = pwd.getpwnam("postgres")
            self.user = (entry.pw_uid, entry.pw_gid)
            os.chown(folder, *self.user)
        init = Child("initdb", [self.bin + "/initdb", "-D", folder + "/data", "-U", "paygate", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                                "--no-sync"], folder + ".log", self.user)
        if init.process.wait(60) != 0:
            raise Unexpected("initdb: " + init.tail())
        self.start()
        self.sql("CREATE DATABASE paygate", "postgres")

    def url(self, database="paygate"):
        return f"postgresql://paygate@127.0.0.1:{self.port}/{database}"

    def start(self):
        self.child = Child("postgres", [self.bin + "/postgres", "-D", self.home + "/data", "-p", str(self.port), "-c",
                                        "listen_addresses=" + self.listen, "-c", "unix_socket_directories="], self.home + ".log", self.user)
        wait("PostgreSQL", lambda: self.sql("SELECT 1", "postgres"))

    def open_to(self, network):
        """Lets that network in, without passwords: a test's own."""
        with open(self.home + "/data/pg_hba.conf", "a") as file:
            file.write(f"host all all {network} trust\n")
        self.listen = "*"
        self.stop()
        self.start()

    def stop(self):
        self.child.end(signal.SIGINT)  # Fast shutdown: open sessions are ended.

    def crash(self):
        self.child.end(signal.SIGQUIT)  # At once, without a checkpoint: the next start recovers from the log.

    def sql(self, statement, database="paygate"):
        done = subprocess.run([self.bin + "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", statement],
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Unexpected(done.stderr.strip())
        return done.stdout.strip()

    def rows(self, query):
        """The rows of a query, as objects."""
        return json.loads(self.sql(f"SELECT coalesce(json_agg(to_jsonb(q)), '[]') FROM ({query}) q"), parse_float=decimal.Decimal)


class Anvil:
    def __init__(self, folder):
        anvil = subprocess.run([ROOT / "tests/support/anvil-path"], check=True, capture_output=True, text=True).stdout.strip()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        host = os.environ.get("PAYGATE_ANVIL_HOST", "127.0.0.1")
        self.child = Child("anvil", [anvil, "--host", host, "--port", str(port), "--chain-id", "31337", "--block-time", "1", "--mixed-mining",
                                     "--silent", "--cache-path", folder], folder + "/anvil.log")
        wait("anvil", lambda: self.rpc("eth_chainId") == "0x7a69")

    def rpc(self, method, *params):
        status, _, body = fetch(self.url, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                                {"Content-Type": "application/json"})
        answer = json.loads(body)
        if status != 200 or "error" in answer:
            raise Unexpected(f"{method}: {body!r}")
        return answer["result"]

    def balance(self, address):
        return int(self.rpc("eth_getBalance", address, "latest"), 16)

    def send(self, to, wei):
        transaction = self.rpc("eth_sendTransaction", {"from": RICH, "to": to, "value": hex(wei)})
        wait("a block", lambda: self.rpc("eth_getTransactionReceipt", transaction))

    def sent_by(self, address):
        """Every mined transaction of this sender, oldest first."""
        found = []
        for number in range(int(self.rpc("eth_blockNumber"), 16) + 1):
            found += [t for t in self.rpc("eth_getBlockByNumber", hex(number), True)["transactions"] if t["from"].lower() == address]
        return found


class Sandbox:
    def __init__(self, world, options):
        port_file = world.path("sandbox.port")
        given = {"--ipn-tries": "40", "--ipn-interval": "250", "--stage": "100"} | options
        self.child = Child("sandbox", [program("PAYGATE_SANDBOX", "sandbox/paygate-sandbox"), "--port-file", port_file, "--rpc-url", world.chain.url,
                                       "--hot-wallet", world.wallet, "--daemon-url", world.daemon_url, "--secrets-dir", world.path("secrets")]
                           + [word for pair in given.items() for word in pair], world.path("sandbox.log"))
        wait("the sandbox", lambda: os.path.exists(port_file))
        self.url = "http://127.0.0.1:" + pathlib.Path(port_file).read_text().strip()

    def get(self, path):
        return self.call(path, None)

    def post(self, path, **body):
        return self.call(path, json.dumps(body))

    def call(self, path, body):
        status, _, answer = fetch(f"{self.url}/control/{path}", body, limit=120)
        if status >= 400:
            raise Unexpected(f"control/{path}: {status} {answer.decode()}")
        return json.loads(answer)

    def fault(self, provider, mode, **more):
        self.post("faults", provider=provider, mode=mode, **more)

    def no_faults(self):
        self.post("faults", provider="all", mode="none")
        for rule in self.get("faults"):
            self.post("faults", provider=rule["provider"], mode="none", path=rule.get("path", ""))


class World:
    """All parts, with one owner's two channels: SWAP_CHANNEL is paid out through a swap, DIRECT_CHANNEL straight from the wallet.
    `settings` are lines for the settings file by section, over the standard ones; `sandbox` are options of paygate-sandbox."""

    def __init__(self, settings=None, sandbox=None, channels=True):
        self.folder = self.make_folder()
        os.chmod(self.folder, 0o711)
        self.children, self.paygated = [], None
        try:
            self.build(settings or {}, sandbox or {}, channels)
        except BaseException:
            self.close(failed=True)
            raise

    def make_folder(self):
        return tempfile.mkdtemp(prefix="paygate-world-")

    def path(self, name):
        return os.path.join(self.folder, name)

    def build(self, settings, sandbox, channels):
        self.make_secrets()
        self.database = Postgres(self.path("pg"))
        self.children.append(self.database)
        self.secret("DATABASE_URL", self.database.url())
        self.chain = Anvil(self.folder)
        self.children.append(self.chain)
        self.secret("ETHEREUM_RPC_URL", self.chain.url)
        self.wallet = self.run_daemon("--secrets-dir=" + self.path("secrets"), "--wallet-address").stdout.strip()
        if not self.wallet.startswith("0x"):
            raise Unexpected("paygated --wallet-address says: " + self.wallet)
        self.chain.send(self.wallet, GAS_FLOAT_WEI)
        self.daemon_port, self.ctl_port = free_port(), free_port()
        self.daemon_url = f"http://127.0.0.1:{self.daemon_port}"
        self.sandbox = Sandbox(self, sandbox(self) if callable(sandbox) else sandbox)
        self.children.append(self.sandbox)
        self.write_settings(settings)
        self.start_daemon()
        self.owner_address = "0x" + secrets.token_hex(20)
        if channels:
            self.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
            self.register(SWAP_CHANNEL, "Night Traders", "eth", "base")
            self.register(DIRECT_CHANNEL, "Slow Cooking", "eth", "eth")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(failed=kind is not None)

    def close(self, failed=False):
        for part in ([self.paygated] if self.paygated else []) + [getattr(p, "child", p) for p in reversed(self.children)]:
            if failed:
                print(f"--- the end of {part.log}\n{part.tail()}")
            part.process.kill()
            part.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Settings and secrets

    def secret(self, name, value):
        with open(self.path("secrets/" + name), "w") as file:
            file.write(value + "\n")  # With the newline that editors leave.

    def secret_value(self, name):
        return pathlib.Path(self.path("secrets"), name).read_text().strip()

    def make_secrets(self):
        os.mkdir(self.path("secrets"), 0o700)
        for name in ("NOWPAYMENTS_API_KEY", "NOWPAYMENTS_IPN_SECRET", "CHANGENOW_API_KEY", "SUCCESS_URL_SIGNING_KEY", "INTERNAL_SIGNING_KEY",
                     "HOST_WALLET_PRIVATE_KEY", "JWT_SECRET_KEY", "TELEGRAM_WEBHOOK_SECRET", "COINGECKO_API_KEY", "SENDGRID_API_KEY"):
            self.secret(name, secrets.token_hex(32))
        self.secret("TELEGRAM_BOT_TOKEN", "7000000001:" + secrets.token_hex(17))

    def write_settings(self, more, file="paygated.ini"):
        sections = {"http": {"port": self.daemon_port, "public_url": f'"{self.daemon_url}"'}, "cluster": {"port": self.ctl_port, "tls_dir": f'"{certificate("node/node-1")}"'},
                    "node": {"name": '"node-1"'},
                    "ethereum": {"chain_id": 31337}}
        for name in ("nowpayments", "changenow", "telegram", "sendgrid", "coingecko", "cryptocompare", "oneinch"):
            sections[name] = {"base_url": f'"{self.sandbox.url}/{name.replace("oneinch", "1inch")}"'}
        sections["timeouts"] = {"connect": "1s", "read": "3s", "telegram_poll": "2s"}
        for section, lines in more.items():
            sections[section] = sections.get(section, {}) | lines
        with open(self.path(file), "w") as out:
            out.write(f'secrets-dir="{self.path("secrets")}"\nsandbox=true\n')
            for section, lines in sections.items():
                out.write(f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in lines.items()))
        return self.path(file)

    # The daemon

    def run_daemon(self, *arguments, limit=20):
        """Runs a paygated that is expected to end by itself."""
        return subprocess.run([program("PAYGATED", "daemon/paygated"), *arguments], capture_output=True, text=True, timeout=limit, cwd="/")

    def start_daemon(self, *arguments, ready=True):
        self.paygated = Child("paygated", [program("PAYGATED", "daemon/paygated"), "--config-file=" + self.path("paygated.ini"), *arguments],
                              self.path("paygated.log"))
        if ready:
            self.wait_ready()

    def is_ready(self):
        if not self.paygated.alive():
            raise SystemExit(f"paygated ended by itself:\n{self.paygated.tail()}")
        return fetch(self.daemon_url + "/ready", limit=2)[0] == 200

    def wait_ready(self, limit=30):
        wait("paygated to be ready", self.is_ready, limit)

    def ctl(self, *words, codes=(0,)):
        """The answer of paygatectl, as JSON; any other exit code than `codes` is raised."""
        done = subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.ctl_port}", *words, "--json"],
                              capture_output=True, text=True, timeout=30)
        if done.returncode not in codes:
            raise Unexpected(f"paygatectl {' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout

    def register(self, channel, title, ticker, network, price="30"):
        with open(self.path("channel.json"), "w") as file:
            json.dump({"open_channel_id": channel, "closed_channel_id": channel - 1, "open_title": title, "closed_title": title + " (members)",
                       "description": "A channel of the test.", "owner_chat_id": OWNER, "strategy": "instant",
                       "tiers": [{"price_usd": price, "days": 30}],
                       "payout": {"ticker": ticker, "network": network, "address": self.owner_address}}, file)
        self.ctl("channels", "add", "--file", self.path("channel.json"), "--reason", "test")

    # IPNs from outside the sandbox

    def sign(self, body):
        """x-nowpayments-sig of a body: HMAC-SHA512 over its canonical form; over the body itself when it is no JSON."""
        try:
            text = canonical(json.loads(body, parse_float=Token, parse_int=Token)).encode()
        except ValueError:
            text = body if isinstance(body, bytes) else body.encode()
        return hmac.new(self.secret_value("NOWPAYMENTS_IPN_SECRET").encode(), text, hashlib.sha512).hexdigest()

    def post_ipn(self, body, signature=None, content_type="application/json", limit=10):
        """(status, headers, body) of an IPN; signed rightly unless a signature is given."""
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        headers = {"Content-Type": content_type, "x-nowpayments-sig": self.sign(body) if signature is None else signature}
        return fetch(self.daemon_url + "/webhooks/nowpayments-ipn", body, headers, limit)

    # What must be true at the end

    def ledger_wei(self, account="assets:wallet"):
        found = [b["units"] for b in self.ctl("ledger", "balances") if b["account"] == account and b["currency"] == "eth"]
        return int(decimal.Decimal(found[0]) * 10**18) if found else 0

    def check_books(self, limit=30):
        """Every entry balanced, the wallet on the chain equal to the ledger, nothing left under way."""
        wait("the ledger to agree with the chain", lambda: self.ledger_wei() == self.chain.balance(self.wallet), limit)
        check = self.ctl("ledger", "check")
        if not check["balanced"]:
            raise Unexpected(f"the ledger is not balanced: {check}")
        open_assets = [b for b in self.ctl("ledger", "balances")
                       if b["account"].startswith("assets:") and b["account"] != "assets:wallet" and decimal.Decimal(b["units"]) != 0]
        if open_assets:
            raise Unexpected(f"money is still under way: {open_assets}")


class Token(str):
    """A JSON number, as it was written."""


def canonical(value):
    """JSON with its keys sorted at every depth, without spaces, numbers as they were written."""
    if isinstance(value, Token):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + canonical(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Buyer:
    """A person who buys the first tier of a channel. Each step waits for what it needs to see."""

    def __init__(self, world, user, channel=DIRECT_CHANNEL, limit=40):
        self.world, self.user, self.channel, self.limit = world, user, channel, limit
        self.order = self.invoice = self.invite = None
        self.since = 0  # What their chat showed before is of another order.

    def messages(self, chat=None):
        path = f"users/{self.user}/messages" if chat is None else f"chats/{chat}/messages"
        return [m for m in self.world.sandbox.get(path) if m["from"] == "bot" and (chat or m["message_id"] > self.since)]

    def see(self, what, wanted, chat=None):
        """The newest message that shows a button that is wanted, and the first such button."""
        def look():
            return next(((m, b) for m in reversed(self.messages(chat)) for b in m["buttons"] if wanted(b)), None)
        return wait(what, look, self.limit)

    def press(self, message, button, chat=None):
        pick = {"data": button["callback_data"]} if "callback_data" in button else {"text": button["text"]}
        more = {"chat_id": chat} if chat else {}
        self.world.sandbox.post(f"users/{self.user}/press", message_id=message["message_id"], first_name=f"User{self.user}", **pick, **more)

    def get_invoice(self, offer=lambda buttons: buttons[0]):
        """Follows the button of the channel's offer that `offer` picks, up to the link that leads to the payment page."""
        self.since = max((m["message_id"] for m in self.messages()), default=0)
        message, _ = self.see("the offer", lambda b: "start=" in b.get("url", ""), self.channel)
        self.press(message, offer(message["buttons"]), self.channel)
        message, button = self.see("the Pay button", lambda b: "callback_data" in b)
        self.press(message, button)
        if button["callback_data"].startswith("don:"):
            self.press(*self.see("the question for a message", lambda b: b.get("callback_data", "").startswith("skip:")))
        _, button = self.see("the pay link", lambda b: "/pay/" in b.get("url", ""))
        self.invoice = int(button["url"].rsplit("/", 1)[1])
        self.order = next(i["order_id"] for i in self.world.sandbox.get("invoices") if str(i["id"]) == str(self.invoice))
        return self

    def pay(self, **wish):
        """The sandbox's report: payment_id, order_id, ipns with their answers, ..."""
        return self.world.sandbox.post(f"invoices/{self.invoice}/pay", **({"status": "finished"} | wish))

    def get_invite(self):
        _, button = self.see("the invite", lambda b: "t.me/+" in b.get("url", ""))
        self.invite = button["url"]
        return self

    def row(self, kind="payment"):
        return self.world.ctl("show", kind, self.order)["row"]

    def wait_payout(self, limit=60):
        def look():
            row = self.row("payout")
            if row["status"] in ("failed", "needs_attention", "cancelled"):
                raise SystemExit(f"payout {self.order} is {row['status']}: {row['reason']}")
            return row if row["status"] == "completed" else None
        return wait(f"the payout of {self.order}", look, limit, 0.2)

    def buy(self):
        self.get_invoice().pay()
        return self.get_invite().wait_payout()
