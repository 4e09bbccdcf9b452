"""The ledger beside the chain, NOWPayments and ChangeNOW: clean while and after business goes on; each planted difference is exactly one
exception with its true cause; resolving it brings the books back to the chain, and a second round raises nothing."""
import decimal
import json
import signal
import subprocess
import unittest

from scenario import DIRECT_CHANNEL, OWNER, RICH, SWAP_CHANNEL, Buyer, Unexpected, WorldTest, fetch, program, wait
from gathering_test import TokenWorld

DOLLARS = -1001000000050
D = decimal.Decimal
WEI = 10**18


# The predecessor's tables and the columns that the specification names; with the type where it says one.
NAMED = {
    "payout_accumulation": "id:bigint client_id:text user_id:bigint client_wallet_address client_payout_currency client_payout_network "
                           "accumulated_eth:numeric accumulated_amount_usdt:numeric eth_to_usdt_rate:numeric conversion_timestamp:timestamptz "
                           "conversion_status:text conversion_attempts:integer last_conversion_attempt:timestamptz batch_conversion_id:uuid "
                           "conversion_tx_hash:text pending_payout_usd:numeric pending_payout_eth:numeric status:text created_at:timestamptz "
                           "updated_at:timestamptz",
    "batch_conversions": "id:bigint batch_conversion_id:uuid total_eth_usd:numeric threshold_at_creation:numeric cn_api_id:text payin_address:text "
                         "conversion_status:text actual_usdt_received:numeric conversion_tx_hash:text created_at:timestamptz "
                         "processing_started_at:timestamptz completed_at:timestamptz",
    "processed_payments": "unique_id:text payment_id:bigint payment_status:text outcome_amount:numeric actual_price_usd:numeric price_amount:numeric "
                          "price_currency:text",
    "split_payout_que": "estimated_eth_amount:numeric swap_id:text payin_address:text tx_hash:text status:text",
    "split_payout_request": "unique_id from_amount:numeric to_amount:numeric",
    "main_clients_database": "open_channel_id:text closed_channel_id:text payout_strategy:text payout_threshold_usd:numeric "
                             "payout_threshold_updated_at:timestamptz client_id:uuid created_by:text updated_at:timestamptz",
    "private_channel_users_database": "private_channel_id user_id:bigint expire_time:bigint expire_date:text is_active:boolean",
    "client_table": "client_id:uuid", "registered_users": "user_id:uuid username", "subscription_tier_map": "tier:integer sub_price:numeric sub_time:integer",
    "payout_details": "payout_id client_id amount_usd:numeric tx_hash payout_tx_hash status", "payout_batches": "batch_id client_id total_amount_usdt:numeric "
    "total_payments_count:integer payout_amount_crypto:numeric usdt_to_crypto_rate:numeric tx_hash tx_status status completed_at:timestamptz",
    "hostpay_transactions": "id:bigint unique_id cn_api_id from_currency from_amount:numeric payin_address is_complete:boolean tx_hash tx_status gas_used:bigint "
                            "block_number:bigint", "broadcast_manager": "id:uuid open_channel_id last_sent_time:timestamptz broadcast_status last_open_message_id",
    "conversation_state": "user_id conversation_type state_data:jsonb", "currency_to_network": "currency network",
    "currency_to_network_supported_mappings": "currency network", "failed_transactions": "id unique_id error_code error_message status attempt_count",
    "transaction_limits": "limit_name limit_amount_usd:numeric",
}


class reconciling(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.world = TokenWorld({"conversion": {"threshold_usd": '"50"', "interval": "2s"}, "payouts": {"interval": "2s"}},
                               TokenWorld.sandbox_with_token, channels=False)
        cls.failed = False
        world = cls.world
        world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
        world.register(SWAP_CHANNEL, "Night Traders", "eth", "base")
        world.register(DIRECT_CHANNEL, "Slow Cooking", "eth", "eth")
        cls.dollars = world.add(DOLLARS, "Dollars", "usdt", "eth", "threshold", "50")

    # What the operator does

    def run_ctl(self, *words):
        done = subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.world.ctl_port}", *words],
                              capture_output=True, text=True, timeout=700)
        return done.returncode, done.stdout, done.stderr

    def round(self):
        """The result of a round of reconciliation, and the exit code."""
        code, out, err = self.run_ctl("reconcile", "--wait", "--json")
        if code not in (0, 5):
            raise Unexpected(f"reconcile: {code} {err}")
        result = json.loads(out)
        self.assertEqual(code, 5 if result["exceptions"] else 0)
        return result

    def clean_round(self):
        result = self.round()
        self.assertEqual(result["exceptions"], [])
        self.assertEqual([w["difference"] for w in result["wallet"]], ["0", "0"])
        return result

    def resolve(self, exception, way, code=0):
        self.assertEqual(self.run_ctl("reconcile", "resolve", str(exception["id"]), "--as", way, "--reason", "the test planted it")[0], code)

    def found(self, *kinds):
        """The exceptions of a round, by kind; there is exactly one of each of these, and no other."""
        result = self.round()
        self.assertEqual(sorted(e["kind"] for e in result["exceptions"]), sorted(kinds), result["exceptions"])
        return {e["kind"]: e for e in result["exceptions"]}

    def on_chain(self):
        return D(self.world.chain.balance(self.world.wallet)) / WEI, self.world.usdt(self.world.wallet)

    def books_are_the_chain(self):
        self.assertEqual((self.world.books("assets:wallet", "eth"), self.world.books("assets:wallet", "usdt")), self.on_chain())

    # What is planted

    def mined(self, transaction):
        receipt = wait("a block", lambda: self.world.chain.rpc("eth_getTransactionReceipt", transaction))
        self.assertEqual(receipt["status"], "0x1")
        return transaction, D(int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)) / WEI

    def send(self, sender, to, wei=0, data="0x"):
        return self.mined(self.world.chain.rpc("eth_sendTransaction", {"from": sender, "to": to, "value": hex(wei), "data": data}))

    def by_hand(self, to, wei=0, data="0x"):
        """A transfer with the wallet's own account, not by the daemon."""
        chain = self.world.chain
        chain.rpc("anvil_impersonateAccount", self.world.wallet)
        try:
            return self.send(self.world.wallet, to, wei, data)
        finally:
            chain.rpc("anvil_stopImpersonatingAccount", self.world.wallet)

    def token_call(self, to, units):
        return "0xa9059cbb" + to[2:].lower().rjust(64, "0") + hex(units)[2:].rjust(64, "0")

    def a_payment(self):
        return self.world.database.rows("SELECT payment_id, gross_eth FROM deposit WHERE arrived_at IS NOT NULL ORDER BY seq LIMIT 1")[0]

    def a_swap(self):
        return self.world.database.rows("SELECT id, swap_id, amount_out, payout_hash FROM payout WHERE status = 'completed' AND swap_id <> '' LIMIT 1")[0]

    # The rounds

    def test_1_business_goes_on_and_nothing_under_way_is_an_alarm(self):
        world = self.world
        for i, channel in enumerate((DIRECT_CHANNEL, SWAP_CHANNEL, DOLLARS, DOLLARS)):
            Buyer(world, 6201 + i, channel).get_invoice().pay()
            self.clean_round()

        def quiet():
            self.clean_round()
            kinds = [a for kind in ("payout", "conversion") for a in world.ctl("actors", "--kind", kind)]
            done = {a["kind"] for a in kinds if a["status"] == "completed"}
            return done == {"payout", "conversion"} and all(a["status"] in ("completed", "cancelled") for a in kinds) and world.usdt(self.dollars)
        wait("everything to end", quiet, 180)
        world.check_books()
        result = self.clean_round()
        self.assertEqual([w["explained"] for w in result["wallet"]], ["0", "0"])
        self.assertEqual([D(w["ledger"]) for w in result["wallet"]], list(self.on_chain()))
        self.assertTrue(any("NOWPAYMENTS_EMAIL" in line for line in result["not_seen"]), result["not_seen"])
        # Every transfer of the wallet, every deposit and what the conversion brought was met on the chain.
        for what in ("SELECT hash FROM wallet_transfer WHERE status = 'confirmed'", "SELECT payout_hash FROM deposit WHERE arrived_at IS NOT NULL",
                     "SELECT payout_hash FROM conversion WHERE status = 'completed'"):
            self.assertEqual(world.database.sql(f"SELECT count(*) FROM ({what}) k (hash) WHERE NOT EXISTS "
                                                "(SELECT FROM chain_movement m WHERE m.hash = lower(k.hash) AND m.booked)"), "0")

    def test_1b_a_predecessors_operator_finds_the_tables(self):
        """The queries and dashboards of the predecessor, unqualified, with search_path = legacy."""
        world = self.world
        Buyer(world, 6250, DOLLARS).get_invoice().pay(fraction=0.2, status="finished")  # Too little: something for failed_transactions.
        Buyer(world, 6251, DOLLARS).get_invoice().pay()                                 # And something that is pending.
        ask = lambda query: world.database.sql("SET search_path = legacy; " + query)
        wait("them to be judged", lambda: ask("SELECT count(*) FROM failed_transactions") == "1"
             and ask("SELECT count(*) FROM payout_accumulation WHERE conversion_status = 'pending'") == "1", 60)
        count, total = ask("SELECT count(*), sum(accumulated_eth) FROM payout_accumulation WHERE conversion_status = 'pending'").split("|")
        pending = world.database.rows("SELECT count(*)::text AS n, sum(net_usd)::text AS usd FROM accrual WHERE status = 'pending'")[0]
        self.assertEqual((count, D(total)), (pending["n"], D(pending["usd"])))
        days = ask("SELECT date(created_at), count(*), sum(total_eth_usd), sum(actual_usdt_received) FROM batch_conversions "
                   "WHERE conversion_status = 'completed' AND created_at > now() - interval '7 days' GROUP BY 1").splitlines()
        self.assertEqual(sum(int(line.split("|")[1]) for line in days),
                         int(world.database.sql("SELECT count(*) FROM conversion WHERE status = 'completed'")))
        self.assertGreater(len(days), 0)
        rest = ask("SELECT b.batch_conversion_id, b.actual_usdt_received - sum(p.accumulated_amount_usdt) FROM batch_conversions b JOIN "
                   "payout_accumulation p USING (batch_conversion_id) WHERE b.conversion_status = 'completed' GROUP BY 1, b.actual_usdt_received").splitlines()
        self.assertEqual({D(line.split("|")[1]) for line in rest}, {D(0)})
        for view, columns in NAMED.items():
            for column in columns.split():
                name, _, kind = column.partition(":")
                self.assertNotEqual(ask(f"SELECT count({name}) FROM {view}"), "0", f"{view}.{name} is filled")
                if kind:
                    self.assertEqual(ask(f"SELECT pg_typeof({name}) FROM {view} LIMIT 1").replace(" with time zone", "tz"), kind, f"{view}.{name}")
        with self.assertRaises(Unexpected):
            ask("UPDATE currency_to_network SET currency = 'x'")
        self.assertEqual(ask("SELECT string_agg(limit_name || '=' || trim_scale(limit_amount_usd), ' ' ORDER BY 1) FROM transaction_limits "
                             "WHERE limit_name LIKE 'conversion%'"), "conversion.threshold_usd=50")
        # No source yet: the keypad, accounts' e-mail, and the landing page.
        for view in ("donation_keypad_state", "landing_page"):
            self.assertEqual(ask(f"SELECT count(*) FROM {view}"), "0")

    def test_2_a_foreign_deposit(self):
        transaction, _ = self.send(RICH, self.world.wallet, 7 * WEI // 100)
        e = self.found("foreign_deposit")["foreign_deposit"]
        self.assertEqual((e["subject"], e["currency"], e["expected"], e["actual"]), (transaction, "eth", "0", "0.07"))
        self.assertIn(RICH, e["explanation"])
        self.assertEqual(self.found("foreign_deposit")["foreign_deposit"]["id"], e["id"])  # One open row, however often it is met.
        self.resolve({"id": 4711}, "float", 4)
        self.resolve(e, "unattributed")
        self.clean_round()
        self.books_are_the_chain()
        self.assertEqual(self.world.books("liability:unattributed", "eth"), D("-0.07"))
        self.resolve(e, "float", 1)
        # The same in USDT: nobody asked for it either.
        self.send(RICH, self.world.token, data=self.token_call(self.world.wallet, 2_500_000))
        e = self.found("foreign_deposit")["foreign_deposit"]
        self.assertEqual((e["currency"], e["actual"]), ("usdt", "2.5"))
        self.resolve(e, "float")
        self.clean_round()
        self.books_are_the_chain()

    def test_3_a_wrong_provider_amount(self):
        d = self.a_payment()
        self.world.sandbox.post(f"payments/{d['payment_id']}/alter", outcome_amount=0.004)
        e = self.found("wrong_provider_amount")["wrong_provider_amount"]
        self.assertEqual((e["subject"], D(e["expected"]), e["actual"]), ("deposit/" + d["payment_id"], d["gross_eth"], "0.004"))
        self.assertIn("NOWPayments", e["explanation"])
        self.resolve(e, "float", 1)  # It does not touch the wallet.
        self.resolve(e, "explained")
        self.clean_round()
        # Other figures are another difference; when they are put right it closes by itself.
        self.world.sandbox.post(f"payments/{d['payment_id']}/alter", outcome_amount=0.005)
        self.found("wrong_provider_amount")
        self.world.sandbox.post(f"payments/{d['payment_id']}/alter", outcome_amount=float(d["gross_eth"]))
        self.clean_round()
        self.assertEqual(self.world.database.sql("SELECT resolution FROM reconcile_exception ORDER BY id DESC LIMIT 1"), "vanished")

    def test_4_a_missing_payout(self):
        swap = self.a_swap()
        self.world.sandbox.post(f"swaps/{swap['swap_id']}", status="verifying")
        e = self.found("missing_payout")["missing_payout"]
        self.assertEqual((e["subject"], D(e["expected"]), e["actual"]), ("payout/" + swap["id"], swap["amount_out"], "0"))
        self.assertIn("verifying", e["explanation"])
        self.resolve(e, "explained")
        self.clean_round()
        self.world.sandbox.post(f"swaps/{swap['swap_id']}", status="finished", payout_hash=swap["payout_hash"])
        self.clean_round()
        # A transfer that the books know and the chain does not: the wallet still has the money and the gas, and that is no second exception.
        before = self.world.books("equity:float", "eth")
        intent, wrong = self.plant_transfer("0.002", "0.00003")
        e = self.found("missing_payout")["missing_payout"]
        self.assertEqual((e["subject"], e["expected"], e["actual"]), ("transfer/" + intent, "0.002", "0"))
        self.assertIn(wrong, e["explanation"])
        self.resolve(e, "float")
        self.clean_round()
        self.books_are_the_chain()
        self.assertEqual(self.world.books("equity:float", "eth") - before, D("-0.00003"))  # The planted posting took 0.002 from it.

    def plant_transfer(self, value, gas):
        """Writes into the books that a transfer was sent which never was."""
        database, intent, wrong = self.world.database, "payout/planted/1", "0x" + "ab" * 32
        names = [r["column_name"] for r in database.rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'wallet_transfer' "
                                                         "AND table_schema = 'public' AND is_identity = 'NO'")]
        planted = {"intent": f"'{intent}'", "nonce": "999999", "hash": f"'{wrong}'", "old_hashes": "''", "value_eth": value, "gas_fee_eth": gas}
        database.sql(f"INSERT INTO wallet_transfer ({', '.join(names)}) SELECT {', '.join(planted.get(n, n) for n in names)} FROM wallet_transfer "
                     "WHERE status = 'confirmed' AND token = '' ORDER BY seq LIMIT 1")
        for what, account, units in (("transfer", "equity:float", value), ("gas", "expense:gas", gas)):
            database.sql(f"WITH e AS (INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version) VALUES ('wallet/{self.world.wallet}/{intent}/{what}', "
                         f"now(), 'planted', 'wallet', '{self.world.wallet}', 1) RETURNING id) INSERT INTO ledger_posting SELECT id, line, account, 'eth', units "
                         f"FROM e, (VALUES (1, '{account}', {units}), (2, 'assets:wallet', -{units})) AS p (line, account, units)")
        return intent, wrong

    def test_5_a_transfer_made_by_hand(self):
        world = self.world
        transaction, gas = self.by_hand(RICH, WEI // 1000)
        e = self.found("manual_transfer")["manual_transfer"]
        self.assertEqual((e["subject"], e["currency"], e["actual"]), (transaction, "eth", "-0.001"))
        self.assertEqual(D(e["gas_eth"]), gas)
        self.assertIn(RICH, e["explanation"])
        self.resolve(e, "loss")
        self.clean_round()
        self.books_are_the_chain()
        self.assertEqual(world.books("expense:loss", "eth"), D("0.001"))
        # Tokens by hand: one transaction, one exception, though it moved both currencies.
        transaction, gas = self.by_hand(world.token, data=self.token_call(RICH, 1_250_000))
        e = self.found("manual_transfer")["manual_transfer"]
        self.assertEqual((e["currency"], e["actual"], D(e["gas_eth"])), ("usdt", "-1.25", gas))
        self.resolve(e, "float")
        self.clean_round()
        self.books_are_the_chain()

    def test_6_all_together_and_a_crash_in_the_round(self):
        world = self.world
        d, swap = self.a_payment(), self.a_swap()
        world.sandbox.post(f"payments/{d['payment_id']}/alter", outcome_amount=0.006)
        world.sandbox.post(f"swaps/{swap['swap_id']}", status="failed")
        self.send(RICH, world.wallet, WEI // 50)
        self.by_hand(RICH, WEI // 2000)
        # The round is begun, the daemon dies in it, and ends it after its restart.
        before = world.database.rows("SELECT round FROM reconciliation")[0]["round"]
        asking = subprocess.Popen([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{world.ctl_port}", "reconcile"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait("the round to begin", lambda: world.database.rows("SELECT round FROM reconciliation")[0]["round"] > before)
        self.assertEqual(world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
        asking.kill()
        asking.wait()
        world.start_daemon()
        wait("the round to end", lambda: world.database.rows("SELECT status FROM reconciliation")[0]["status"] == "idle", 120)
        kinds = self.found("foreign_deposit", "wrong_provider_amount", "missing_payout", "manual_transfer")
        self.assertEqual(len(world.ctl("reconcile", "list")), 4)
        for kind, way in (("foreign_deposit", "float"), ("manual_transfer", "gas"), ("wrong_provider_amount", "explained"), ("missing_payout", "explained")):
            self.resolve(kinds[kind], way)
        self.clean_round()
        self.clean_round()
        self.books_are_the_chain()
        self.assertTrue(world.ctl("ledger", "check")["balanced"])
        self.assertEqual(world.database.sql("SELECT count(*) FROM (SELECT FROM reconcile_exception WHERE resolved_at IS NULL GROUP BY kind, subject "
                                            "HAVING count(*) > 1) q"), "0")
        self.assertEqual(world.database.sql("SELECT count(*) FROM audit_log WHERE verb = 'resolve_exception' AND reason = 'the test planted it'"),
                         world.database.sql("SELECT count(*) + 3 FROM reconcile_exception WHERE resolution <> 'vanished'"))  # Three were refused.

    def test_7_the_provider_knows_a_payment_that_we_do_not(self):
        world = self.world
        world.secret("NOWPAYMENTS_EMAIL", "ops@example.org")
        world.secret("NOWPAYMENTS_PASSWORD", "secret")
        # Another program with the same account at the provider.
        status, _, body = fetch(world.sandbox.url + "/nowpayments/v1/invoice", json.dumps({"price_amount": 30, "price_currency": "usd", "order_id": "another's"}),
                                {"Content-Type": "application/json", "x-api-key": world.secret_value("NOWPAYMENTS_API_KEY")})
        self.assertEqual(status, 201, body)
        paid = world.sandbox.post(f"invoices/{json.loads(body)['id']}/pay", status="finished", ipn=False)
        wait("its block", lambda: world.chain.rpc("eth_getTransactionReceipt", paid["payout_hash"]))
        # Until the daemon has read the new secrets its ETH is a foreign deposit; then it is the unknown payment's, and nothing beside it.
        wait("the list to be read", lambda: [e["kind"] for e in self.round()["exceptions"]] == ["unknown_payment"], 60, 1)
        e = self.found("unknown_payment")["unknown_payment"]
        self.assertEqual(e["subject"], f"nowpayments/{paid['payment_id']}")
        self.assertEqual(D(e["actual"]), D(paid["outcome_amount"]))
        self.resolve(e, "unattributed")
        self.clean_round()
        self.books_are_the_chain()


if __name__ == "__main__":
    unittest.main(verbosity=2)
