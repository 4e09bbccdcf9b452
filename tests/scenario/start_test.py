"""A daemon that is set up wrongly refuses to start, with one clear sentence that names the setting or secret and never shows its value."""
import os
import shutil
import socket
import subprocess
import time
import unittest

from scenario import ROOT, Child, WorldTest, certificate, fetch, free_port, program, wait


class refusal(WorldTest):
    def refuses(self, words, *arguments, settings=None):
        file = self.world.write_settings(settings or {}, "wrong.ini")
        done = self.world.run_daemon("--config-file=" + file, "--http.port=0", "--cluster.port=0", *arguments)
        said = [line for line in done.stderr.splitlines() if line.startswith("paygated: ")]
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(said), 1, done.stderr)
        for word in words:
            self.assertIn(word, said[0])
        return said[0]

    def with_secret(self, name, value):
        before = self.world.secret_value(name)
        self.addCleanup(self.world.secret, name, before)
        if value is None:
            os.remove(self.world.path("secrets/" + name))
        else:
            self.world.secret(name, value)

    def test_each_required_secret_is_missed_by_name(self):
        for name in ("NOWPAYMENTS_API_KEY", "NOWPAYMENTS_IPN_SECRET", "CHANGENOW_API_KEY", "TELEGRAM_BOT_TOKEN", "HOST_WALLET_PRIVATE_KEY",
                     "ETHEREUM_RPC_URL", "DATABASE_URL", "SUCCESS_URL_SIGNING_KEY", "INTERNAL_SIGNING_KEY"):
            with self.subTest(name):
                self.with_secret(name, None)
                self.refuses([name, "missing"])
                self.doCleanups()

    def test_a_malformed_secret_is_named_and_not_shown(self):
        for name, value in (("HOST_WALLET_PRIVATE_KEY", "deadbeefcafe"), ("TELEGRAM_BOT_TOKEN", "no-colon-at-all"), ("ETHEREUM_RPC_URL", "ftp://node"),
                            ("DATABASE_URL", "somewhere")):
            with self.subTest(name):
                self.with_secret(name, value)
                self.assertNotIn(value, self.refuses([name, "malformed"]))
                self.doCleanups()

    def test_a_malformed_setting_is_named(self):
        for section, key, value in (("wallet", "confirmations", "0"), ("payments", "min_tolerance", '"1.5"'), ("http", "port", '"eighty"'),
                                    ("log", "level", '"loud"'), ("nowpayments", "base_url", '"api.nowpayments.io"'), ("swaps", "poll", "5")):
            with self.subTest(key):
                self.refuses([f"{section}.{key}"], settings={section: {key: value}})

    def test_an_unknown_setting_is_named(self):
        self.refuses(["wallet.confirmation"], settings={"wallet": {"confirmation": "2"}})
        self.refuses(["no.such_setting"], "--no.such_setting=1")

    def test_another_chain_refuses_to_start(self):
        self.refuses(["ethereum.chain_id"], settings={"ethereum": {"chain_id": 1}})

    def test_a_bad_certificate_refuses_to_start(self):
        self.refuses(["cluster.tls_dir", "/nowhere"], settings={"cluster": {"tls_dir": '"/nowhere"'}})
        self.refuses(["cluster.tls_dir", "cert.pem is of node/node-1; wanted is node/node-2"], settings={"node": {"name": '"node-2"'}})
        self.refuses(["cluster.tls_dir", "cert.pem is of operator/test"], settings={"cluster": {"tls_dir": f'"{certificate("operator/test")}"'}})
        folder = self.world.path("spoilt")
        shutil.copytree(os.path.realpath(certificate("node/node-1")), folder)
        os.chmod(folder + "/key.pem", 0o644)
        self.refuses(["cluster.tls_dir", "key.pem may be read by others (mode 0644)"], settings={"cluster": {"tls_dir": f'"{folder}"'}})

    def test_without_certificates_there_is_no_door(self):
        world = self.world
        port = free_port()
        file = world.write_settings({"cluster": {"port": port, "tls_dir": '""'}, "http": {"port": 0}}, "doorless.ini")
        daemon = Child("paygated", [program("PAYGATED", "daemon/paygated"), "--config-file=" + file], world.path("doorless.log"))
        try:
            wait("the log to say so", lambda: "no_cluster_door" in daemon.tail(100))
            wait("its start", lambda: '"started"' in daemon.tail(100))
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)
        finally:
            daemon.end()

    def test_a_certificate_is_changed_while_it_runs_and_a_bad_one_is_not_taken(self):
        world = self.world
        shared = os.path.realpath(certificate("node/node-1"))
        folder = world.path("rotated")
        shutil.copytree(shared, folder)
        port, http = free_port(), free_port()
        file = world.write_settings({"cluster": {"port": port, "tls_dir": f'"{folder}"'}, "http": {"port": http}}, "rotated.ini")
        daemon = Child("paygated", [program("PAYGATED", "daemon/paygated"), "--config-file=" + file], world.path("rotated.log"))

        def answers():
            done = subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{port}", "config", "show"], capture_output=True, text=True,
                                  timeout=60)
            return done.returncode == 0

        def metric(name):
            text = fetch(f"http://127.0.0.1:{http}/metrics")[2].decode()
            return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), 0.0)
        try:
            wait("the door", answers)
            os.rename(folder + "/cert.pem", folder + "/cert.pem.away")
            wait("the alarm", lambda: "certificate_not_reloaded" in daemon.tail(100))
            self.assertEqual(metric("paygate_certificate_faults_total"), 1.0)
            self.assertTrue(answers(), "the last good certificate stays in use")
            os.rename(folder + "/cert.pem.away", folder + "/cert.pem")
            before = metric("paygate_certificate_good_until_seconds")
            subprocess.run([str(ROOT / "deploy/certificates"), os.path.dirname(os.path.dirname(certificate("node/node-1"))), "node", "node-1", "--days", "10"], check=True)
            renewed = os.path.realpath(certificate("node/node-1"))
            for name in ("cert.pem", "key.pem"):
                shutil.copy(f"{renewed}/{name}", f"{folder}/{name}.new")
                os.rename(f"{folder}/{name}.new", f"{folder}/{name}")
            wait("the new certificate", lambda: "certificate_changed" in daemon.tail(100))
            self.assertTrue(answers())
            wait("its end in the metrics", lambda: 0 < metric("paygate_certificate_good_until_seconds") < before)
        finally:
            daemon.end()

    def test_a_missing_settings_file_refuses_to_start(self):
        done = self.world.run_daemon("--config-file=/nowhere/paygated.ini")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere/paygated.ini", done.stderr)

    def test_help_explains_every_setting(self):
        text = self.world.run_daemon("--help").stdout
        for key in ("http.port", "wallet.confirmations", "payouts.max_usd", "secrets-dir"):
            self.assertIn(key, text)

    def test_it_is_ready_within_a_second_and_ends_cleanly(self):
        self.assertEqual(self.world.paygated.end(), 0)
        start = time.monotonic()
        self.world.start_daemon()
        print(f"   ready after {time.monotonic() - start:.2f} s")
        self.assertEqual(fetch(self.world.daemon_url + "/health")[0], 200)

    def test_no_secret_is_in_the_log(self):
        log = self.world.paygated.tail(100_000)
        for name in os.listdir(self.world.path("secrets")):
            if name not in ("ETHEREUM_RPC_URL", "DATABASE_URL"):
                self.assertNotIn(self.world.secret_value(name), log, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
