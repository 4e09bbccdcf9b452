"""A predecessor's database is taken over by a running daemon: dry, for real, and again. Hostile rows are named and left out, what gathered is owed
and paid out by the normal path as far as the wallet holds it, and the books stay true."""
import json
import subprocess
import unittest

from scenario import RICH, WorldTest, program, wait
import harness  # Found by the path that scenario sets.
from gathering import D, TokenWorld

OPEN, CLOSED = -1009000000010, -1009000000011
DOLLARS, DOLLARS_CLOSED = -1009000000020, -1009000000021
PASSWORD = "s3cr3t-Hunter2"
BCRYPT = "$2b$04$" + "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
TO_COME = D("3.5")  # ETH that the predecessor's wallet still holds.

# The predecessor's own tables: fewer constraints than there should be.
TABLES = """
CREATE TABLE registered_users (user_id uuid, username text, email text, password_hash text, is_active boolean DEFAULT true,
  email_verified boolean DEFAULT false, created_at timestamp DEFAULT now(), last_login timestamp);
CREATE TABLE main_clients_database (id serial, open_channel_id text, open_channel_title text, open_channel_description text, closed_channel_id text,
  closed_channel_title text, closed_channel_description text, sub_1_price double precision, sub_1_time smallint, sub_2_price double precision,
  sub_2_time smallint, sub_3_price double precision, sub_3_time smallint, client_wallet_address text, client_payout_currency text,
  client_payout_network text, payout_strategy text DEFAULT 'instant', payout_threshold_usd numeric(10,2), client_id uuid, created_by text,
  notification_status boolean, notification_id bigint);
CREATE TABLE private_channel_users_database (id serial, private_channel_id text, user_id bigint, sub_time smallint, sub_price text, "timestamp" text,
  datestamp text, expire_time text, expire_date text, is_active boolean);
CREATE TABLE payout_accumulation (id serial, client_id text, user_id bigint, client_wallet_address text, client_payout_currency text,
  client_payout_network text, accumulated_eth numeric, accumulated_amount_usdt text, conversion_status text, status text, batch_conversion_id uuid,
  pending_payout_usd numeric, pending_payout_eth text, is_paid_out boolean DEFAULT false, payout_batch_id text);
CREATE TABLE batch_conversions (id serial, batch_conversion_id uuid, total_eth_usd numeric, cn_api_id text, payin_address text, conversion_status text,
  conversion_tx_hash text);
CREATE TABLE split_payout_que (unique_id text, estimated_eth_amount numeric, swap_id text, payin_address text, tx_hash text, status text, closed_channel_id text,
  to_currency text, to_network text, payout_address text);
CREATE TABLE processed_payments (unique_id text, payment_id bigint, payment_status text, outcome_amount numeric);
CREATE TABLE currency_to_network (currency text, network text);
"""


def text(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def insert(table, **columns):
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(map(text, columns.values()))});\n"


def user(number, name, mail, **more):
    return insert("registered_users", **({"user_id": f"00000000-0000-4000-8000-{number:012}", "username": name, "email": mail, "password_hash": BCRYPT,
                                          "is_active": "t", "email_verified": "t"} | more))


def channel(open_id, closed_id, address, **more):
    return insert("main_clients_database", **({
        "open_channel_id": f"{open_id}\n", "open_channel_title": "Open <b>&'; DROP TABLE payment; --", "closed_channel_id": str(closed_id),
        "closed_channel_title": "Club", "closed_channel_description": "Signals", "sub_1_price": 29.99, "sub_1_time": 30, "client_wallet_address": address,
        "client_payout_currency": "USDT", "client_payout_network": "ETH", "payout_strategy": "threshold", "payout_threshold_usd": 10,
        "client_id": "00000000-0000-4000-8000-000000000001", "created_by": "7001", "notification_id": 7001} | more))


def subscriber(user_id, closed=CLOSED, **more):
    return insert("private_channel_users_database", **({"private_channel_id": str(closed), "user_id": user_id, "sub_time": 30, "is_active": "t"} | more))


def gathered(closed, usd, **more):
    return insert("payout_accumulation", **({"client_id": str(closed), "user_id": 11, "accumulated_eth": usd, "accumulated_amount_usdt": str(usd),
                                             "conversion_status": "pending", "status": "pending"} | more))


class importing(WorldTest):
    @classmethod
    def setUpClass(cls):
        # The operator has moved 0.5 ETH of the predecessor's before the daemon starts, and the token that was converted.
        harness.GAS_FLOAT_WEI = 550_000_000_000_000_000
        cls.world = TokenWorld({"conversion": {"threshold_usd": '"100000"'}, "payouts": {"interval": "1s"}}, cls.sandbox_with_dollars, channels=False)
        cls.failed = False
        cls.world.database.sql("CREATE DATABASE predecessor")
        cls.world.database.sql(TABLES + cls.rows(), "predecessor")
        cls.dsn = cls.world.database.url("predecessor").replace("paygate@", f"paygate:{PASSWORD}@")

    @staticmethod
    def sandbox_with_dollars(world):
        options = TokenWorld.sandbox_with_token(world)
        # transfer(wallet, 40 USDT)
        sent = world.chain.rpc("eth_sendTransaction", {"from": RICH, "to": world.token, "gas": hex(200_000), "data":
                               "0xa9059cbb" + world.wallet[2:].rjust(64, "0") + f"{40_000_000:064x}"})
        wait("the token", lambda: world.chain.rpc("eth_getTransactionReceipt", sent))
        return options

    @classmethod
    def rows(cls):
        sql = user(1, "olga", "olga@example.org")
        sql += user(2, "ida", "IDA@example.org", email_verified="f")
        sql += user(3, "other", "Olga@Example.ORG") + user(4, "<script>alert(1)</script>", "x@example.org") + user(5, None, "y@example.org")
        sql += user(6, "plain", "z@example.org", password_hash="hunter2")
        sql += channel(OPEN, CLOSED, cls.address_of(OPEN), sub_2_price=80.0, sub_2_time=90)
        sql += channel(DOLLARS, DOLLARS_CLOSED, cls.address_of(DOLLARS))
        sql += channel(OPEN, -1009000000099, cls.address_of(OPEN))  # Two rows of one channel.
        sql += channel(-1009000000030, -1009000000031, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")  # An address of another network.
        sql += channel(-1009000000040, -1009000000041, cls.address_of(OPEN), sub_1_price="NaN")
        sql += channel(-1009000000050, -1009000000051, cls.address_of(OPEN), closed_channel_title="a\\u0000b")
        sql += channel(0, -1009000000061, cls.address_of(OPEN), open_channel_id=None)
        sql += subscriber(11, expire_time="1830297600\n") + subscriber(12, expire_time="12:30:00", expire_date="2028-01-01")
        sql += subscriber(13, expire_date="9999-12-31T00:00:00Z") + subscriber(14, expire_time="1798761600.5") + subscriber(15, is_active="f", expire_time="1")
        sql += subscriber(16, closed=-1009, expire_time="1830297600") + subscriber(17, expire_time="NaN", expire_date="soon") + subscriber(None, expire_time="1")
        sql += gathered(CLOSED, 970, pending_payout_eth="0.25") + gathered(CLOSED, 9700, pending_payout_eth=str(TO_COME))
        sql += gathered(DOLLARS_CLOSED, "25.5", accumulated_amount_usdt="25.4999999", conversion_status="completed")
        sql += gathered(CLOSED, -5, pending_payout_eth="0.1") + gathered(CLOSED, 10, pending_payout_eth="NaN") + gathered(-1, 10, pending_payout_eth="0.1")
        sql += gathered(CLOSED, 10, conversion_status="swapping", batch_conversion_id="00000000-0000-4000-8000-0000000000b1")
        sql += gathered(CLOSED, 10, status="paid_out", is_paid_out="t")
        sql += insert("batch_conversions", batch_conversion_id="00000000-0000-4000-8000-0000000000b1", total_eth_usd=10, cn_api_id="cn1", conversion_status="swapping")
        sql += insert("split_payout_que", unique_id="s1", status="executing", swap_id="cn2", closed_channel_id=str(CLOSED), to_currency="XMR", to_network="XMR")
        sql += insert("split_payout_que", unique_id="s0", status="completed")
        return sql + insert("currency_to_network", currency="ETH", network="ETH") + insert("currency_to_network", currency="NOPE", network="X")

    @staticmethod
    def address_of(channel_id):
        return {DOLLARS: "0x" + "b0" * 20, OPEN: "0x" + "c0" * 20}[channel_id]

    def ctl(self, *words):
        return subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.world.ctl_port}", *words], capture_output=True,
                              text=True, timeout=300)

    def take(self, *words, code=5):
        done = self.ctl("import", "--from", self.dsn, "--platform-bps", "300", "--json", *words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def state(self):
        """How much there is of everything that an import writes."""
        return {t: self.world.database.sql(f"SELECT count(*) FROM {t}") for t in (
            "account", "login_name", "channel", "subscription", "subscription_period", "payment", "accrual", "payout", "conversion", "failed_transaction")} | {
                "entries": self.world.database.sql("SELECT count(*) FROM ledger_entry WHERE key LIKE 'payment/%'")}

    def test_1_a_dry_run_says_everything_and_changes_nothing(self):
        before = self.state()
        report = self.take("--dry-run")
        self.assertEqual(self.state(), before)
        self.assertEqual((report["dry_run"], report["fault"]), (True, ""))
        type(self).dry = report
        tables = {t["table"]: t for t in report["tables"]}
        self.assertEqual({t: (v["rows"], v["taken"], v["settled"], v["problems"]) for t, v in tables.items()}, {
            "registered_users": (6, 2, 0, 4), "main_clients_database": (7, 2, 0, 5), "private_channel_users_database": (8, 4, 1, 3),
            "payout_accumulation": (8, 3, 1, 4), "batch_conversions": (1, 1, 0, 0), "split_payout_que": (2, 1, 1, 0), "processed_payments": (0, 0, 0, 0),
            "currency_to_network": (2, 0, 1, 0)})
        found = "\n".join(f"{f['kind']} {f['table']} {f['key']}: {f['reason']}" for f in report["findings"])
        for words in ("its email is that of 00000000-0000-4000-8000-000000000001", "its username cannot be one here", "its password_hash is not bcrypt's",
                      "there is a row with this key before it", "this is a Tron address", "the price of tier 1 is none", "characters that no message can have",
                      "row 7: it has no usable open_channel_id", "difference private_channel_users_database 3: it ends in 9999",
                      "neither expire_time nor expire_date is a date", "6: its channel is none that is taken over", "accumulated_eth (its net US dollars) is no amount",
                      "pending_payout_eth is no amount", "it is being converted by the predecessor", "it is not covered: 3.5 ETH",
                      "difference currency_to_network NOPE:X: this pair is not in our list", "difference payout_batches : there is no such table"):
            self.assertIn(words, found)

    def test_2_the_fee_must_be_named_and_be_ours(self):
        self.assertEqual(self.ctl("import", "--from", self.dsn, "--reason", "x").returncode, 2)
        wrong = self.ctl("import", "--from", self.dsn, "--platform-bps", "15", "--reason", "x")
        self.assertEqual((wrong.returncode, "is not fees.platform_bps of this daemon, which is 300" in wrong.stderr), (1, True), wrong.stderr)
        away = self.ctl("import", "--from", self.dsn.replace("/predecessor", "/nowhere"), "--platform-bps", "300", "--reason", "x")
        self.assertEqual((away.returncode, "does not exist" in away.stdout), (1, True), away.stdout + away.stderr)

    def test_3_taken_over_it_is_all_there(self):
        report = self.take("--reason", "the house is bought")
        same = [k for k in ("taken", "known", "problems", "differences", "tables", "findings") if report[k] != self.dry[k]]
        self.assertEqual(same, [], "the dry run says what the other one does")
        sql = self.world.database.sql
        self.assertEqual(sql("SELECT string_agg(user_name || ' ' || email || ' ' || status, ', ' ORDER BY user_name) FROM account WHERE status <> 'phantom'"),
                         "ida IDA@example.org unverified, olga olga@example.org active")
        self.assertEqual(sql("SELECT password_hash FROM account WHERE user_name = 'olga'"), BCRYPT)
        wait("the names", lambda: sql("SELECT count(*) FROM login_name WHERE status = 'taken'") == "4")
        self.assertEqual(sql("SELECT a.user_name FROM login_name n JOIN account a ON a.id = n.account_id WHERE n.id = 'mail:olga@example.org'"), "olga")
        self.assertEqual(sql(f"SELECT tier_1_price_usd || '/' || tier_2_days || '/' || strategy || '/' || owner_chat_id FROM channel WHERE id = '{OPEN}'"),
                         "29.990000000000000000/90/threshold/7001")
        ends = json.loads(sql("SELECT json_object_agg(user_id, to_char(ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')) FROM subscription"))
        self.assertEqual(ends, {"11": "2028-01-01 00:00:00", "12": "2028-01-01 12:30:00", "13": "2999-12-31 00:00:00", "14": "2027-01-01 00:00:00"})
        self.assertEqual(self.world.ctl("show", "subscription", f"{OPEN}:11")["row"]["status"], "active")
        self.assertEqual(self.world.books(f"owner:{OPEN}:available", "eth"), -(D("0.25") + TO_COME))
        self.assertEqual((self.world.books(f"equity:opening:{OPEN}", "eth"), self.world.books(f"assets:opening:{OPEN}", "eth")), (D("0.25"), TO_COME))
        failed = {f["code"] for f in self.world.ctl("failed", "list")}
        self.assertEqual(failed, {"imported_in_flight", "opening_not_covered"})
        self.assertEqual(sql("SELECT status FROM payout WHERE order_id = '' AND target_ticker = 'xmr'"), "needs_attention")
        self.assertEqual(sql("SELECT status FROM conversion"), "needs_attention")

    def test_4_what_was_converted_is_paid_out_by_the_normal_path(self):
        wait("the owner's dollars", lambda: self.world.usdt(self.address_of(DOLLARS)) == D("25.499999"), 60)
        wait("the end of the payout", lambda: self.world.database.sql(f"SELECT status FROM payout WHERE channel_id = {DOLLARS}") == "completed")
        self.assertEqual(self.world.books(f"owner:{DOLLARS}:available", "usdt"), 0)

    def test_5_a_second_run_changes_nothing_and_says_so(self):
        before = self.state()
        report = self.take("--reason", "once more")
        self.assertEqual(self.state(), before)
        self.assertEqual((report["taken"], report["known"]), (0, self.dry["taken"]))
        self.assertIn("nothing was changed", self.ctl("import", "--from", self.dsn, "--platform-bps", "300", "--reason", "and again").stdout)
        self.assertEqual(self.state(), before)

    def test_6_what_the_wallet_did_not_hold_waits_until_it_does(self):
        arrived = "SELECT count(*) FROM deposit WHERE arrived_at IS NULL"
        self.assertEqual(self.world.database.sql(arrived), "1")
        self.world.chain.send(self.world.wallet, int(TO_COME * 10**18))
        def found():
            done = self.ctl("reconcile", "--wait", "--json")
            return next((e for e in json.loads(done.stdout)["exceptions"] if e["kind"] == "foreign_deposit"), None) if done.returncode == 5 else None
        exception = wait("the deposit in the books", found, 90, 0.5)
        self.assertEqual(self.ctl("reconcile", "resolve", str(exception["id"]), "--as", "float", "--reason", "the predecessor's ETH").returncode, 0)
        report = self.take("--reason", "it is here now")
        self.assertEqual(report["taken"], 1)
        self.assertEqual(self.world.database.sql(arrived), "0")
        self.assertEqual(self.world.books(f"assets:opening:{OPEN}", "eth"), 0)

    def test_7_the_books_are_clean_and_no_password_is_kept(self):
        self.world.check_books()
        done = self.ctl("reconcile", "--wait", "--json")
        self.assertEqual([w["difference"] for w in json.loads(done.stdout)["wallet"]], ["0", "0"], done.stdout)
        lines = [a for a in self.world.ctl("audit", "list") if a["verb"] == "import"]
        self.assertEqual([a["result"] for a in lines], ["done", "done", "done", "done", "unavailable"])
        self.assertEqual(lines[0]["target"], f"import/postgresql://127.0.0.1:{self.world.database.port}/predecessor")
        self.assertIn("known already", json.dumps(lines))
        self.assertNotIn(PASSWORD, json.dumps(lines))
        with open(self.world.paygated.log, errors="replace") as log:
            self.assertNotIn(PASSWORD, log.read())
        for table in ("audit_log", "audit_result", "transition"):
            self.assertEqual(self.world.database.sql(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%{PASSWORD}%'"), "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
