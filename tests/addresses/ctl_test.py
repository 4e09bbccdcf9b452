#!/usr/bin/env python3
"""paygatectl address check and coverage: no daemon runs, and none is needed. Reads PAYGATECTL from the environment."""
import json
import os
import subprocess
import unittest

DONE, REFUSED, WRONG_USAGE = 0, 1, 2
XRP = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"


def ctl(*arguments):
    # A port that nobody listens on: whoever asks a daemon gets none, and exit code 3.
    done = subprocess.run([os.environ["PAYGATECTL"], "--address", "127.0.0.1:1", *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def check(currency, network, address, *more):
    return ctl("address", "check", "--currency", currency, "--network", network, address, *more)


class AddressVerbs(unittest.TestCase):
    def test_a_good_address(self):
        code, out, _ = check("usdt", "trx", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
        self.assertEqual((code, out), (DONE, "good as a Tron address, checked by checksum\n"))

    def test_an_address_of_another_network(self):
        code, out, err = check("usdt", "eth", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")
        self.assertEqual((code, out), (REFUSED, ""))
        self.assertIn("other_network: of another network: this is a Tron address", err)

    def test_memos(self):
        code, _, err = check("xrp", "xrp", XRP)
        self.assertEqual(code, REFUSED)
        self.assertIn("memo_missing: a memo is required", err)
        self.assertEqual(check("xrp", "xrp", XRP, "--memo", "none")[0], DONE)
        self.assertEqual(check("xrp", "xrp", XRP, "--memo", "12345")[0], DONE)
        self.assertEqual(check("xrp", "xrp", XRP, "--memo", "a tag")[0], REFUSED)

    def test_what_no_rule_knows_is_not_called_good(self):
        code, _, err = check("epic", "epic", "anything")
        self.assertEqual(code, REFUSED)
        self.assertIn("unknown_network", err)

    def test_json(self):
        code, out, _ = check("eth", "eth", "0xde709f2102306220921060314715629080e2fb77", "--json")
        self.assertEqual((code, json.loads(out)["checked_by"]), (DONE, "pattern"))

    def test_coverage_adds_up(self):
        code, out, _ = ctl("--json", "address", "coverage")
        self.assertEqual(code, DONE)
        counts = json.loads(out)
        self.assertGreaterEqual(counts["pairs"], 150)
        self.assertEqual(counts["pairs"], counts["checksum"] + counts["pattern"] + counts["unknown"])
        self.assertEqual(counts["pairs"], sum(family["pairs"] for family in counts["families"]))
        self.assertIn("pairs of ticker and network", ctl("address", "coverage")[1])

    def test_wrong_usage(self):
        for words in (["check", XRP], ["check", "--currency", "xrp", "--network", "xrp"], ["nonsense"], []):
            self.assertEqual(ctl("address", *words)[0], WRONG_USAGE)


if __name__ == "__main__":
    unittest.main()
