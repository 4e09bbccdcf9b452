"""The alert rules are valid, each is tried out to fire and to be silent, and every expression of the dashboards is PromQL."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS, GRAFANA = ROOT / "deploy/prometheus", ROOT / "deploy/grafana"
# Spec 10, and what the cluster and the wallet need.
DEMANDED = ("DatabaseErrors ServerErrors Backlog PaymentFailures ConversionFailures ChangeNowErrors TelegramErrors NoConversion RoundingError StuckPayout "
            "LowBalance DatabaseCpu MemoryHigh SelfFenced EntityQuarantined WalletPaused LedgerNotZeroSum SecretFaults").split()


def promtool(*words):
    done = subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout + done.stderr


class prometheus(unittest.TestCase):
    def test_the_rules_and_the_example_are_valid(self):
        for words in (("check", "rules", PROMETHEUS / "alerts.yml"), ("check", "config", PROMETHEUS / "prometheus.yml")):
            code, text = promtool(*words)
            self.assertEqual(code, 0, text)

    def test_every_rule_fires_when_it_should_and_only_then(self):
        code, text = promtool("test", "rules", PROMETHEUS / "tests/alerts_test.yml")
        self.assertEqual(code, 0, text)

    def test_no_rule_is_left_untried(self):
        rules = re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yml").read_text())
        self.assertEqual(sorted(set(DEMANDED) - set(rules)), [])
        tried = {}
        for part in (PROMETHEUS / "tests/alerts_test.yml").read_text().split("\n  - name: ")[1:]:
            name = re.search(r"alertname: (\w+)", part)[1]
            tried.setdefault(name, set()).add("silent" if "exp_alerts: []" in part else "fires")
        self.assertEqual(tried, {rule: {"fires", "silent"} for rule in rules})

    def test_the_dashboards_ask_in_promql(self):
        rules, boards = [], sorted(GRAFANA.glob("*.json"))
        self.assertEqual([b.stem for b in boards], ["database", "payments", "payouts", "services"])
        for board in boards:
            panels = json.loads(board.read_text())["panels"]
            self.assertGreater(len(panels), 5)
            for panel in panels:
                self.assertTrue(panel["targets"], panel["title"])
                rules += [(f"{board.stem}:{panel['id']}:{target['refId']}", target["expr"]) for target in panel["targets"]]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write("groups:\n  - name: dashboards\n    rules:\n")
            for name, expression in rules:
                file.write(f"      - record: {name.replace('-', '_')}\n        expr: {json.dumps(expression)}\n")
            file.flush()
            code, text = promtool("check", "rules", file.name)
        self.assertEqual(code, 0, text)
        self.assertIn(f"{len(rules)} rules found", text)


if __name__ == "__main__":
    unittest.main()
