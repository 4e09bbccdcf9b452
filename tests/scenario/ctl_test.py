"""paygatectl against a real daemon: every verb of its table is played, what it changes is looked up in the database, and what it says is read as a
table, as JSON and as ids. The last test compares the verbs played with those of the help: a verb without a test fails it."""
import json
import re
import signal
import subprocess
import time
import unittest

from scenario import DIRECT_CHANNEL, Buyer, WorldTest, fetch, program, wait

played = set()


def verbs_of_help():
    text = subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--help"], capture_output=True, text=True, timeout=20).stdout
    names = set()
    for line in text.splitlines():
        if re.match(r"  [a-z]", line) and not line.startswith("  paygatectl "):
            words = re.split(r"  +", line.strip())[0].split()
            names.add(" ".join(w for w in words[:2] if re.fullmatch(r"[a-z][a-z-]*", w)))
    return names


class ctl(WorldTest):
    settings = {"conversion": {"interval": "2s"}, "payouts": {"interval": "2s", "max_usd": '"20"'}}

    def run_ctl(self, *words, stdin=None, limit=120):
        """The tool as a person calls it; notes which verb that was."""
        verbs = verbs_of_help()
        plain = [w for w in words if not w.startswith("--")]
        played.add(next((name for name in (" ".join(plain[:2]), plain[0]) if name in verbs), " ".join(words)))
        return subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.world.ctl_port}", *words], input=stdin,
                              capture_output=True, text=True, timeout=limit)

    def ok(self, *words, code=0, stdin=None):
        done = self.run_ctl(*words, stdin=stdin)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return done.stdout

    def data(self, *words, code=0, stdin=None):
        return json.loads(self.ok(*words, "--json", code=code, stdin=stdin))

    def ids(self, *words):
        return self.ok(*words, "--output", "ids").split()

    def buy(self, user):
        """A purchase whose payout waits for approval: its price is above payouts.max_usd."""
        buyer = Buyer(self.world, user, DIRECT_CHANNEL).get_invoice()
        buyer.pay()
        buyer.get_invite()
        wait("the payout to wait", lambda: self.status("payout", buyer.order) == "awaiting_approval")
        return buyer

    def status(self, kind, id):
        shown = self.run_ctl("show", kind, id, "--json")
        return json.loads(shown.stdout)["row"]["status"] if shown.returncode == 0 else None

    def underpaid(self, user):
        buyer = Buyer(self.world, user, DIRECT_CHANNEL).get_invoice()
        buyer.pay(status="finished", fraction="0.3")
        wait("the verdict", lambda: self.status("payment", buyer.order) == "underpaid")
        return buyer

    def metric(self, line):
        return line in fetch(self.world.daemon_url + "/metrics")[2].decode()

    # --- looks ---

    def test_1_the_cluster_is_shown(self):
        nodes = self.data("nodes")
        self.assertEqual([(row["shards"], row["state"]) for row in nodes["rows"]], [(256, "alive")])
        self.assertEqual((nodes["nodes"][0]["shards_held"], nodes["nodes"][0]["ready"]), (256, True))
        identity = nodes["rows"][0]["identity"]
        self.assertEqual(self.ids("nodes"), [identity])
        self.assertIn("ready", self.ok("nodes"))
        self.assertEqual(len(self.data("nodes", "--all")["rows"]), 1)
        shards = self.data("shards")
        self.assertEqual([s["shard"] for s in shards], list(range(256)))
        self.assertEqual({(s["node"], s["expired"]) for s in shards}, {(identity, False)})
        self.assertEqual(len(self.ids("shards", "--node", identity)), 256)
        tree = self.data("tree")["nodes"][0]
        self.assertEqual((len(tree["shards"]), len(tree["lanes"]), tree["log_level"]), (256, 10, "info"))
        self.assertIn(("wallet", "live"), [(k["kind"], k["where"]) for k in tree["kinds"]])
        self.assertEqual(tree["residents"], sum(k["count"] for k in tree["kinds"]))
        drawn = self.ok("tree")
        for part in ("cluster\n", "shards  256", "wallet\n", "lanes\n", "changenow  busy", "committers\n"):
            self.assertIn(part, drawn)
        self.assertIn("shard 255  epoch", self.ok("tree", "--shards", "--node", identity))
        self.ok("tree", "--node", "nobody", code=4)
        top = self.data("top", "--limit", "5")["nodes"][0]
        self.assertTrue(0 < len(top["slowest"]) <= 5)
        self.assertGreater(top["slowest"][0]["took_us"], 0)
        self.assertIn("Slowest steps", self.ok("top"))

    def test_2_entities_are_listed_shown_and_followed(self):
        buyer = self.buy(6601)
        actors = self.data("actors")
        self.assertIn(("payment", buyer.order), [(a["kind"], a["id"]) for a in actors])
        self.assertEqual(self.ids("actors", "--kind", "payout", "--state", "awaiting_approval"), ["payout/" + buyer.order])
        self.assertEqual(self.ids("actors", "--kind", "payout", "--after", "payout/" + buyer.order), [])
        self.assertEqual(self.data("actors", "--node", "nobody"), [])
        every, paged = self.ids("actors", "--limit", "1000"), []
        while page := self.ids("actors", "--limit", "2", *(("--after", paged[-1]) if paged else ())):
            paged += page
        self.assertEqual(paged, every)
        sheet = self.ok("show", "payout", buyer.order)
        for part in ("awaiting_approval", "owner\n", ", epoch 1", "in memory\n  mailbox 0", "due now", "history"):
            self.assertIn(part, sheet)
        shown = self.data("show", "payout/" + buyer.order)
        self.assertEqual((shown["owner"]["epoch"], shown["live"]["resident"]), (1, True))
        self.ok("show", "payout", "nobody", code=4)
        self.assertIn("awaiting_approval", self.ok("counts"))
        self.assertIn("order " + buyer.order, self.ok("trace", buyer.order))
        lines = self.data("tail", "--kind", "payout", "--limit", "3")
        self.assertEqual({t["kind"] for t in lines}, {"payout"})
        self.assertIn("payout/" + buyer.order, self.ids("tail", "--kind", "payout"))
        follower = subprocess.Popen([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.world.ctl_port}", "tail", "--follow", "--kind",
                                     "payment", "--limit", "1"], stdout=subprocess.PIPE, text=True)
        try:
            self.assertIn("payment/", follower.stdout.readline())
            second = Buyer(self.world, 6602, DIRECT_CHANNEL).get_invoice()
            seen = follower.stdout.readline()
            while second.order not in seen:
                self.assertIn("payment/", seen)
                seen = follower.stdout.readline()
        finally:
            follower.kill()
            follower.communicate()

    def test_3_books_and_records_are_read(self):
        self.assertTrue(self.data("ledger", "check")["balanced"])
        self.assertIn("assets:wallet", self.ok("ledger", "balances"))
        self.assertIn("next_nonce", self.ok("wallet", "show"))
        self.assertIn("http.port", self.ok("config", "show"))
        self.assertIn("payouts.max_usd", self.ids("config", "show"))
        self.assertEqual(self.data("failed", "list"), [])
        self.assertEqual(self.data("reconcile", "list"), [])
        self.assertEqual(self.data("pause", "list"), [])
        self.assertTrue(self.data("webhooks", "list"))
        self.ok("address", "check", "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045", "--currency", "eth", "--network", "eth")
        self.assertIn("checksum", self.ok("address", "coverage"))
        self.ok("job", "4711", code=4)
        self.assertIn("no connection string", self.ok("import", "--from", "nonsense", "--platform-bps", "300", "--reason", "x", code=1))

    def test_3b_who_takes_too_long_and_who_is_out_of_service(self):
        sql, channel = self.world.database.sql, str(DIRECT_CHANNEL)
        self.assertEqual(self.data("quarantined"), [])
        sql(f"UPDATE channel SET quarantine = 'x: boom' WHERE id = '{channel}'")
        self.assertEqual([(q["kind"], q["id"], q["cause"]) for q in self.data("quarantined")], [("channel", channel, "x: boom")])
        self.assertEqual(self.ids("quarantined", "--kind", "payment"), [])
        self.assertIn("boom", self.ok("quarantined"))
        sql(f"UPDATE channel SET quarantine = '' WHERE id = '{channel}'")
        self.assertEqual(self.ids("stuck"), [])
        one = sql("SELECT min(id) FROM subscription")
        self.assertTrue(one)
        was = sql(f"SELECT quote_literal(access) || ', ' || quote_literal(access_at) FROM subscription WHERE id = '{one}'")
        sql(f"UPDATE subscription SET (access, access_at) = ('inviting', now() - interval '1 day') WHERE id = '{one}'")
        self.assertEqual(self.ids("stuck", "--kind", "subscription"), ["subscription/" + one])
        self.assertIn("inviting", self.ok("stuck"))
        sql(f"UPDATE subscription SET (access, access_at) = ({was}) WHERE id = '{one}'")

    # --- steering ---

    def test_4_what_is_paused_starts_nothing_until_resumed_across_a_restart(self):
        self.assertTrue(self.data("pause", "payouts", "--dry-run")["dry_run"])
        self.assertEqual(self.data("pause", "list"), [])
        self.assertIn("1 of 1 node", self.ok("pause", "payouts", "--reason", "rates look odd"))
        self.assertIn("already", self.ok("pause", "payouts", "--reason", "again"))
        self.assertEqual(self.ids("pause", "list"), ["payouts"])
        self.assertIn("kind/payout", self.data("tree")["nodes"][0]["pauses"])
        self.assertIn("PAUSED", self.ok("tree"))
        self.assertIn("lane/signer", self.ok("nodes"))
        self.assertTrue(self.metric('paygate_paused{what="payouts"} 1'))
        buyer = Buyer(self.world, 6603, DIRECT_CHANNEL).get_invoice()
        buyer.pay()
        buyer.get_invite()
        wait("the payout", lambda: self.status("payout", buyer.order) == "awaiting_approval")
        self.ok("approve", buyer.order, "--reason", "messages are still taken")
        self.assertEqual(self.status("payout", buyer.order), "funding")
        shown = self.data("show", "payout", buyer.order)
        self.assertEqual({e["state"] for e in shown["live"]["effects"]}, {"paused"})
        self.world.paygated.process.send_signal(signal.SIGKILL)
        self.world.paygated.process.wait()
        self.world.start_daemon()
        self.assertIn("kind/payout", self.data("tree")["nodes"][0]["pauses"])
        sent = self.world.chain.balance(self.world.owner_address)
        time.sleep(3)
        self.assertEqual(self.status("payout", buyer.order), "funding")
        self.assertEqual(self.world.chain.balance(self.world.owner_address), sent, "nothing was paid while it was paused")
        self.assertIn("done", self.ok("resume", "payouts", "--reason", "they were right"))
        buyer.wait_payout()
        self.ok("resume", "payouts", "--reason", "again", code=4)
        self.ok("pause", "everything", "--reason", "x", code=1)
        wait("the gauge", lambda: self.metric('paygate_paused{what="payouts"} 0') or not self.metric('paygate_paused{what="payouts"} 1'))

    def test_5_a_lane_that_is_paused_makes_no_call(self):
        self.ok("pause", "lane/nowpayments", "--reason", "they asked for it")
        before = self.calls("nowpayments")
        message, _ = (buyer := Buyer(self.world, 6604, DIRECT_CHANNEL)).see("the offer", lambda b: "start=" in b.get("url", ""), DIRECT_CHANNEL)
        buyer.press(message, message["buttons"][0], DIRECT_CHANNEL)
        message, button = buyer.see("the Pay button", lambda b: "callback_data" in b)
        buyer.press(message, button)
        waiting = wait("the payment that wants an invoice", lambda: [i for i in self.ids("actors", "--kind", "payment", "--state", "created")])[0]
        wait("its effect to be held back", lambda: [e for e in self.data("show", waiting)["live"]["effects"] if e["state"] == "paused"])
        self.assertEqual(self.calls("nowpayments"), before)
        self.ok("resume", "lane/nowpayments", "--reason", "they are back")
        buyer.see("the pay link", lambda b: "/pay/" in b.get("url", ""))

    def calls(self, lane):
        text = fetch(self.world.daemon_url + "/metrics")[2].decode()
        found = re.search(rf'paygate_provider_calls_total{{provider="{lane}"}} (\d+)', text)
        return int(found.group(1)) if found else 0

    def test_6_trouble_is_grouped_and_ended_for_all_of_a_cause_at_once(self):
        self.world.sandbox.fault("nowpayments", "error", rate=1)
        for user in (6605, 6606):
            buyer = Buyer(self.world, user, DIRECT_CHANNEL)
            message, _ = buyer.see("the offer", lambda b: "start=" in b.get("url", ""), DIRECT_CHANNEL)
            buyer.press(message, message["buttons"][0], DIRECT_CHANNEL)
            message, button = buyer.see("the Pay button", lambda b: "callback_data" in b)
            buyer.press(message, button)
        def of_payments():
            groups = [g for g in self.data("list", "--reason", "--kind", "payment") if g["state"] == "failing" and g["reason"].startswith("invoice")]
            return groups if sum(g["count"] for g in groups) == 2 else None
        wait("both to fail", of_payments)
        for group in of_payments():  # While it lasts: whoever tries again by itself must not change what is looked at.
            members = self.ids("list", "--reason-is", group["reason"])
            self.assertEqual(len(members), group["count"])
            self.assertEqual(sorted(self.ids("actors", "--reason-is", group["reason"])), sorted(members))
            self.assertIn(group["reason"], self.ok("list", "--reason"))
            would = self.ok("retry", "--all", "--reason-is", group["reason"], "--dry-run")
            self.assertIn(f"would go over {group['count']}", would)
            self.assertIn(f"{group['count']} done, 0 refused", self.ok("retry", "--all", "--reason-is", group["reason"], "--reason", "it is back"))
        self.world.sandbox.no_faults()
        wait("nobody in trouble", lambda: not self.ids("actors", "--kind", "payment", "--stuck"), 60)
        self.ok("retry", "--all", "--reason-is", "there is no such", "--reason", "x", code=4)
        self.ok("restart", "--all", "--reason", "x", code=1)
        audit = self.data("audit", "--verb", "sweep")
        self.assertEqual({a["result"] for a in audit}, {"done"})
        self.assertIn("of", audit[0]["arguments"])

    def test_7_an_entity_is_loaded_anew(self):
        wallet = "wallet/" + self.world.wallet
        before = self.data("show", wallet)["live"]["handled"]
        self.assertGreater(before, 0)
        self.assertTrue(self.data("restart", wallet, "--dry-run")["dry_run"])
        self.assertIn("done", self.ok("restart", wallet, "--reason", "test"))
        wait("it to be another activation", lambda: self.data("show", wallet)["live"].get("handled", before) < before)
        restarts = self.data("top")["nodes"][0]["restarts"]
        self.assertIn("restarted by the operator", [r["cause"] for r in restarts if r["kind"] == "wallet"][0])
        self.ok("restart", "payout", "nobody", "--reason", "x", code=4)
        done = self.ok("retry", "-", "--reason", "test", stdin=f"{wallet}\nscheduler payouts\n")
        self.assertIn("scheduler/payouts: done", done)
        self.ok("retry", "wallet", self.world.wallet, "--reason", "test")

    def test_8_settings_and_the_level_of_the_log(self):
        reloaded = self.data("config", "reload", "--reason", "test")["nodes"]
        self.assertEqual([(n["taken"], n["faults"]) for n in reloaded], [([], [])])
        self.ok("config", "reload", "--node", "nobody", "--reason", "x", code=4)
        self.assertIn("debug", self.ok("log", "level", "debug", "--reason", "test"))
        self.assertEqual(self.data("tree")["nodes"][0]["log_level"], "debug")
        self.ok("log", "level", "loud", "--reason", "x", code=1)
        self.ok("log", "level", "info", "--reason", "test")
        self.assertEqual(self.data("tree")["nodes"][0]["log_level"], "info")

    def test_9_decisions_about_payments_and_payouts(self):
        first, second, third = self.underpaid(6607), self.underpaid(6608), self.buy(6609)
        self.assertTrue(self.data("payments", "accept", first.order, "--dry-run")["dry_run"])
        self.ok("payments", "accept", first.order, "--reason", "test")
        self.ok("payments", "refund", second.order, "--address", self.world.owner_address, "--reason", "they changed their mind")
        number = [f for f in self.data("failed", "list") if f["entity_id"] == second.order]
        for failure in number:
            self.ok("failed", "resolve", str(failure["id"]), "--reason", "test")
        kept = self.data("webhooks", "list", "--order-id", third.order)[0]["id"]
        self.ok("webhooks", "replay", str(kept), "--reason", "test")
        self.assertTrue(self.data("cancel", "payout", third.order, "--dry-run")["dry_run"])
        self.ok("cancel", "--all", "--kind", "wallet", "--state", "ready", "--reason", "x", code=1)
        self.ok("payouts", "cancel", third.order, "--reason", "test")
        self.assertEqual(self.status("payout", third.order), "cancelled")
        self.ok("cancel", "payout", third.order, "--reason", "again", code=0)
        self.ok("reopen", "payout", third.order, "--reason", "x", code=1)
        fourth = self.buy(6610)
        self.ok("payouts", "approve", fourth.order, "--reason", "test")
        fourth.wait_payout()
        self.ok("arrival", "payout", fourth.order, "--hash", "0x" + "1" * 64, "--reason", "x", code=1)
        self.ok("run", "payouts", "--reason", "test")
        self.ok("wallet", "sign-off", "--nonce", "0", "--reason", "x", code=1)
        self.ok("wallet", "settle", "nothing", "--nonce", "999", "--hash", "0x" + "0" * 64, "--reason", "x", code=4)
        self.ok("wallet", "disown", "--nonce", "999", "--hash", "0x" + "0" * 64, "--reason", "x", code=4)
        release = self.run_ctl("wallet", "release", "nothing", "--reason", "x")
        self.assertIn(release.returncode, (1, 4), release.stderr)
        self.assertIn(self.run_ctl("reconcile").returncode, (0, 5))
        self.ok("reconcile", "resolve", "999", "--as", "explained", "--reason", "x", code=4)
        self.ok("channels", "add", "--file", self.world.path("channel.json"), "--reason", "test")
        with open(self.world.path("channel.json")) as file:
            terms = json.load(file)
        for days, fine in ((3, True), ("x", False), (366, False)):
            with open(self.world.path("trial.json"), "w") as file:
                json.dump(terms | {"trial_days": days}, file)
            said = self.run_ctl("channels", "add", "--file", self.world.path("trial.json"), "--reason", "test")
            self.assertEqual(said.returncode == 0, fine, said.stdout + said.stderr)
        self.assertEqual(self.world.database.sql(f"SELECT trial_days FROM channel WHERE id = '{terms['open_channel_id']}'").strip(), "3")
        self.ok("broadcasts", "send", "WORDS", "--channel", str(DIRECT_CHANNEL), "--to", "subscribers", "--html", "<b>News</b>", "--reason", "test")
        for verb in ("pause", "resume"):  # One that has ended already refuses both.
            self.assertIn(self.run_ctl("broadcasts", verb, "WORDS", "--reason", "test").returncode, (0, 1))
            self.ok("broadcasts", verb, "NOSUCH", "--reason", "test", code=4)
        self.assertEqual(self.world.database.sql("SELECT target FROM broadcast WHERE id = 'WORDS'"), "subscribers")
        self.assertIn("accept", {a["verb"] for a in self.data("audit", "list", "--limit", "1000")})
        self.assertTrue(all(a["reason"] for a in self.data("audit", "--limit", "1000")))

    def test_a_wrong_words_and_no_daemon_have_codes_of_their_own(self):
        self.ok("nonsense", code=2)
        self.ok("retry", "payout", "1", code=2)
        away = subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", "127.0.0.1:9", "nodes"], capture_output=True, text=True, timeout=60)
        self.assertEqual(away.returncode, 3, away.stderr)
        here = self.run_ctl("job", "1", "--json")  # A node's own questions are none of an operator's.
        self.assertIn(here.returncode, (0, 4))

    def test_b_a_node_gives_its_shards_away_when_told(self):
        identity = next(n["node"] for n in self.data("tree")["nodes"])
        would = self.data("drain", identity, "--dry-run")
        self.assertIn("no other node", would["note"])
        self.ok("drain", "nobody", "--reason", "x", code=4)
        done = self.run_ctl("drain", identity, "--reason", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({s["expired"] for s in self.data("shards") or [{"expired": True}]}, {True})
        self.assertEqual(self.data("tree")["nodes"][0]["shards_held"], 0, "the node is up, without shards")

    def test_c_every_verb_was_played(self):
        self.assertEqual(verbs_of_help() - played, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
