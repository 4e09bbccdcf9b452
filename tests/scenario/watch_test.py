"""What people watch: the daemon's /metrics names every metric that the rules and dashboards ask for, its figures are those of the database, and
what is stuck or in quarantine shows."""
import json
import pathlib
import re
import unittest

from scenario import DIRECT_CHANNEL, ROOT, Buyer, WorldTest, fetch, wait

TAKEN = re.compile(r"paygate_[a-z0-9_]+")


class watch(WorldTest):
    def metrics(self):
        return fetch(self.world.daemon_url + "/metrics")[2].decode()

    def value(self, name, **labels):
        """The sum over what has these labels; None when there is no such metric."""
        found = None
        for line in self.metrics().splitlines():
            parsed = re.fullmatch(r'paygate_(\w+?)(?:\{(.*)\})? ([0-9.e+-]+)', line)
            if parsed and parsed[1] == name and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', parsed[2] or "")).items():
                found = (found or 0) + float(parsed[3])
        return found

    def shows(self, wanted, name, **labels):
        wait(f"{name} {labels} to be {wanted}", lambda: self.value(name, **labels) == wanted, 150, 0.5)

    def test_1_the_business_is_told_as_the_database_has_it(self):
        self.shows(0, "payments_last_hour")
        Buyer(self.world, 8101, DIRECT_CHANNEL).buy()
        self.world.check_books()
        self.shows(1, "payments_last_hour")
        self.shows(1, "payments_day", status="paid")
        self.shows(1, "payouts_day", status="completed")
        sql = self.world.database.sql
        self.shows(float(sql("SELECT floor(100 * sum(gross_usd)) FROM accrual")), "revenue_day_usd_cents")
        self.shows(float(sql("SELECT floor(1000000000 * sum(units)) FROM ledger_posting WHERE account = 'assets:wallet' AND currency = 'eth'")),
                   "wallet_balance_eth_gwei")
        self.shows(float(sql("SELECT next_nonce FROM wallet")), "wallet_nonce_next")
        self.shows(256, "shards_held")
        self.assertGreater(self.value("process_resident_memory_bytes"), 1 << 20)
        self.assertGreater(self.value("process_cpu_milliseconds_total"), 0)
        self.assertGreater(self.value("database_connections", application="paygated-reader"), 1)
        self.assertEqual((self.value("rounding_error_units"), self.value("ledger_unbalanced_entries"), self.value("wallet_paused")), (0, 0, 0))

    def test_2_every_metric_of_the_rules_and_dashboards_is_there(self):
        wanted = set(TAKEN.findall((ROOT / "deploy/prometheus/alerts.yml").read_text()))
        for board in (ROOT / "deploy/grafana").glob("*.json"):
            for panel in json.loads(board.read_text())["panels"]:
                for target in panel["targets"]:
                    wanted.update(TAKEN.findall(target["expr"]))
        self.assertGreater(len(wanted), 40)
        there = set(re.findall(r"^(paygate_\w+)", self.metrics(), re.M))
        self.assertEqual(sorted(wanted - there), [])
        described = (ROOT / "deploy/README-metrics.md").read_text()
        families = re.findall(r"^# TYPE (paygate_\w+) ", self.metrics(), re.M)
        self.assertEqual([f for f in families if f"`{f}`" not in described], [])

    def test_3_what_is_stuck_shows_until_it_moves(self):
        sql = self.world.database.sql
        self.assertEqual(sql("SELECT seconds FROM stuck_limit WHERE kind = 'payout' AND status = 'funding'"), "1800")
        # A subscription by what it owes for its access, an account by what it owes at all.
        self.assertEqual(sql("SELECT string_agg(concat_ws(' ', kind, status, seconds), ', ' ORDER BY status) FROM stuck_limit WHERE kind IN ('account', "
                             "'subscription') AND status IN ('owing', 'banning', 'comparing', 'inside', 'removed')"),
                         "subscription banning 600, subscription comparing 600, account owing 1800")
        self.assertEqual(sql("SELECT count(*) FROM stuck_entity"), "0")
        self.shows(0, "entities_stuck", kind="channel")
        sql("INSERT INTO stuck_limit VALUES ('channel', 'offered', 1)")
        self.shows(2, "entities_stuck", kind="channel")
        # A failure that is written down is no progress; another status is.
        sql("UPDATE stuck_limit SET seconds = 3600 WHERE kind = 'channel'")
        self.assertEqual(sql("SELECT count(*) FROM stuck_entity"), "0")
        sql("DELETE FROM stuck_limit WHERE kind = 'channel' AND status = 'offered'")
        self.shows(0, "entities_stuck", kind="channel")
        for table in ("payment", "payout", "conversation", "subscription"):
            plan = sql("SET enable_seqscan = off; EXPLAIN SELECT * FROM stuck_entity")
            self.assertNotIn(f"Seq Scan on {table} ", plan)

    def test_4_who_is_in_quarantine_shows_with_the_message_it_broke_on(self):
        sql = self.world.database.sql
        sql("INSERT INTO transition (kind, id, version, at, message, from_status, to_status, note) SELECT 'channel', id, version, now(), 'quarantined',"
            " 'offered', 'offered', '{\"message\":\"x\"}' FROM channel ORDER BY id LIMIT 1")
        sql("UPDATE channel SET quarantine = 'x: boom' WHERE id = (SELECT min(id) FROM channel)")
        self.shows(1, "entities_in_quarantine", kind="channel")
        self.assertEqual(self.world.database.rows("SELECT cause, message FROM quarantined_entity"), [{"cause": "x: boom", "message": '{"message":"x"}'}])


if __name__ == "__main__":
    unittest.main()
