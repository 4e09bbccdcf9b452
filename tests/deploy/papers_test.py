"""The operator's papers are true: each command in deploy/README.md is one that the tool takes, each alert has its line, systemd takes the unit, and
the daemon takes the example settings."""
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "deploy/README.md").read_text()
WRONG_USAGE, NOBODY_ANSWERED = 2, 3


def commands():
    """Every `paygatectl ...` of the text, in blocks and in lines."""
    blocks = re.findall(r"^```\n(.*?)^```", RUNBOOK, re.S | re.M)
    rest = re.sub(r"^```\n.*?^```", "", RUNBOOK, flags=re.S | re.M)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`(paygatectl [^`]+)`", rest)
    return sorted({line.strip() for line in lines if line.startswith("paygatectl ")})


# A line may name a verb without its arguments: then these are given. Nobody listens, so the tool ends when it has understood.
ARGUMENTS = {"trace": ["ORDER"], "arrival": ["payout", "ID", "--hash", "0x" + "0" * 64, "--reason", "r"]}


def run(command):
    words = shlex.split(command)[1:]
    if len(words) == 1: words += ARGUMENTS.get(words[0], [])
    words = [w.replace("KIND", "payout").replace("0xHASH", "0x" + "0" * 64) for w in words]
    return subprocess.run([os.environ["PAYGATECTL"], "--address", "127.0.0.1:1", "--tls-dir", "/nonexistent", *words], capture_output=True, text=True, timeout=60)


class papers(unittest.TestCase):
    def test_each_command_is_one_that_the_tool_takes(self):
        self.assertGreater(len(commands()), 20)
        for command in commands():
            done = run(command)
            self.assertEqual(done.returncode, NOBODY_ANSWERED, command + "\n" + done.stdout + done.stderr)

    def test_a_verb_that_does_not_exist_would_be_found(self):
        self.assertEqual(run("paygatectl wallet shows").returncode, WRONG_USAGE)

    def test_each_alert_has_its_line(self):
        rules = re.findall(r"- alert: (\w+)", (ROOT / "deploy/prometheus/alerts.yml").read_text())
        self.assertEqual(sorted(re.findall(r"^\| ([A-Z]\w+) \|", RUNBOOK, re.M)), sorted(rules))

    def test_systemd_takes_the_unit(self):
        unit = (ROOT / "deploy/systemd/paygated.service").read_text()
        with tempfile.TemporaryDirectory() as folder:
            # Where it is installed there is a daemon, and a user; here there may be none.
            path = pathlib.Path(folder) / "paygated.service"
            path.write_text(unit.replace("/usr/bin/paygated", "/bin/true"))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60)
            said = "".join(line for line in (done.stdout + done.stderr).splitlines(True) if "paygated.service" in line)
            self.assertEqual((done.returncode, said), (0, ""))
            path.write_text(unit.replace("/usr/bin/paygated", "/bin/true").replace("ProtectHome=yes", "ProtectHome=perhaps"))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60)
            self.assertIn("Failed to parse", done.stdout + done.stderr)

    def test_the_unit_lets_the_daemon_call_what_it_calls(self):
        # A call that the unit refuses would end the daemon after its check has passed; what comes last counts.
        unit = (ROOT / "deploy/systemd/paygated.service").read_text()
        filters = re.findall(r"^SystemCallFilter=(.*)$", unit, re.M)
        self.assertIn("@resources", filters[-2])
        self.assertEqual(filters[-1], "sched_setscheduler")
        self.assertIn("SystemCallErrorNumber=EPERM", unit)

    def test_the_daemon_takes_the_example_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            secrets = pathlib.Path(folder) / "secrets"
            secrets.mkdir()
            example = pathlib.Path(folder) / "paygated.ini"
            example.write_text((ROOT / "deploy/systemd/paygated.ini").read_text().replace("/etc/paygate/secrets", str(secrets)))
            said = self.check(example)
            # Nothing but the secrets is missing, and each by its file's name.
            self.assertEqual(said.returncode, 2)
            asked = re.findall(r"^paygated: Secret ([A-Z_]+) is missing", said.stderr, re.M)
            self.assertEqual(len(asked), len(said.stderr.splitlines()), said.stderr)
            self.assertLessEqual({"DATABASE_URL", "HOST_WALLET_PRIVATE_KEY", "TELEGRAM_BOT_TOKEN"}, set(asked))
            example.write_text(example.read_text() + "\n[wallet]\nconfirmations=-1\n")
            self.assertIn("wallet.confirmations", self.check(example).stderr)

    @staticmethod
    def check(example):
        return subprocess.run([os.environ["PAYGATED"], f"--config-file={example}", "--check"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)


if __name__ == "__main__":
    unittest.main()
