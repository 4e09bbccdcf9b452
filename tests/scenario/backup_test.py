"""An old database backup is restored after payouts were made: the chain knows of transfers that the ledger has forgotten. Nothing may be paid a
second time: every transfer pauses until the operator signs off, what waits or is asked for anew is held until each unknown nonce is explained,
and then the wallet goes on. Real PostgreSQL (its data directory is copied), real chain, the whole daemon."""
import shutil
import signal
import subprocess
import unittest

from scenario import DIRECT_CHANNEL, SWAP_CHANNEL, Buyer, Unexpected, WorldTest, wait


THIRD_CHANNEL = -1001000000050


class restored_backup(WorldTest):
    settings = {"payments": {"poll_first": "1s", "poll_max": "2s"}, "wallet": {"receipt_poll": "200ms"}}

    def copy_data(self, source, target):
        """As a stopped server's files are backed up: whole, with their owner."""
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)

    def transfers(self):
        return self.world.chain.sent_by(self.world.wallet)

    def wallet(self):
        return self.world.ctl("wallet", "show")[0]

    def steer(self, *words):
        return self.world.ctl("wallet", *words, "--reason", "a backup was restored")

    def steered(self, what, nonce, *words):
        """Explains a nonce, and waits for what the chain says of that; what does not fit is said in `refusal`."""
        self.steer(*words)

        def done():
            row = next(f for f in self.wallet()["foreign"] if f["nonce"] == nonce)
            if row["refusal"]:
                raise SystemExit(f"{what}: {row['refusal']}")
            return row["explained_at"]
        wait(what, done, 60)

    def test_nothing_is_paid_twice_and_the_wallet_goes_on(self):
        world = self.world
        data, backup = world.database.home + "/data", world.path("pg-backup")
        # Two buyers have not paid yet when the backup is taken.
        early = Buyer(world, 7101, DIRECT_CHANNEL)
        early.buy()
        forgotten = Buyer(world, 7102, DIRECT_CHANNEL).get_invoice()
        swapped = Buyer(world, 7103, SWAP_CHANNEL).get_invoice()
        self.assertEqual(world.paygated.end(), 0)
        world.database.stop()
        self.copy_data(data, backup)
        world.database.start()
        world.start_daemon()
        for buyer in (forgotten, swapped):
            buyer.pay()
            buyer.get_invite().wait_payout()
        self.assertEqual(len(self.transfers()), 3)
        paid = {t["to"].lower(): t for t in self.transfers()[1:]}
        owner_got = world.chain.balance(world.owner_address)
        direct = paid[world.owner_address]
        to_swap = next(t for to, t in paid.items() if to != world.owner_address)

        ipns = world.database.rows("SELECT order_id, convert_from(raw, 'UTF8') AS raw FROM webhook_event ORDER BY id")
        # Back to Monday.
        self.assertEqual(world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
        world.database.stop()
        shutil.rmtree(data)
        self.copy_data(backup, data)
        world.database.start()
        world.start_daemon()
        # The provider tells of both payments once more, and their payouts ask the wallet anew.
        for ipn in ipns:
            if ipn["order_id"] in (forgotten.order, swapped.order):
                self.assertEqual(world.post_ipn(ipn["raw"])[0], 200)
        wait("the alarm", lambda: self.wallet()["status"] == "paused", 90)
        alarm = self.wallet()["alert"]
        self.assertIn("ahead of ours", alarm)
        self.assertIn("paygatectl wallet show", alarm)
        failures = [f for f in world.ctl("failed", "list") if f["kind"] == "wallet"]
        self.assertEqual([f["code"] for f in failures], ["wallet_paused"])

        # A wrong nonce is no sign-off.
        self.steer("sign-off", "--nonce", "2")
        wait("the refusal", lambda: "the chain's nonce is 3, not 2" in self.wallet()["alert"], 60)
        self.assertEqual(self.wallet()["status"], "paused")
        self.steer("sign-off", "--nonce", "3")
        wait("the sign-off", lambda: self.wallet()["status"] == "ready", 60)
        self.assertEqual([f["nonce"] for f in self.wallet()["foreign"]], [1, 2])
        # Both payouts ask, and both are held. A swap made anew has another deposit address: recipient and value alone would tell nothing.
        held = wait("both to be held", lambda: len([t for t in self.wallet()["transfers"] if t["held"]]) == 2
                    and self.wallet()["transfers"], 90)
        intents = {t["recipient"].lower(): t["intent"] for t in held}
        self.assertEqual(len(self.transfers()), 3)
        anew = next(intent for to, intent in intents.items() if to != world.owner_address)
        self.assertNotEqual(next(to for to, i in intents.items() if i == anew), to_swap["to"].lower())

        # The direct one is settled by the transaction that paid it; it is not to be disowned.
        number = lambda t: int(t["nonce"], 16)
        self.steer("disown", "--nonce", str(number(direct)), "--hash", direct["hash"])
        wait("the refusal", lambda: next(f for f in self.wallet()["foreign"] if f["nonce"] == number(direct))["refusal"]
             .startswith("it is just what " + intents[world.owner_address]), 60)
        self.steered("the settlement", number(direct), "settle", intents[world.owner_address], "--nonce", str(number(direct)), "--hash", direct["hash"])
        wait("the payout to be completed", lambda: forgotten.row("payout")["status"] == "completed", 60)
        self.assertEqual(forgotten.row("payout")["tx_hash"], direct["hash"])
        # The swap's deposit cannot be the new swap's: disowned, and its payout stays held for a person.
        with self.assertRaises(Unexpected):
            self.steer("settle", "nobody/asked", "--nonce", "7", "--hash", to_swap["hash"])
        self.steered("the explanation", number(to_swap), "disown", "--nonce", str(number(to_swap)), "--hash", to_swap["hash"])

        # Killed once more: what is held stays held.
        self.assertEqual(world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
        world.start_daemon()

        # The wallet goes on with what is new.
        world.register(THIRD_CHANNEL, "Tall Ships", "eth", "eth", price="45")
        late = Buyer(world, 7104, THIRD_CHANNEL)
        late.buy()
        self.assertEqual(number(self.transfers()[-1]), 3)
        self.assertEqual(len(self.transfers()), 4)
        self.assertGreater(world.chain.balance(world.owner_address), owner_got)
        self.assertEqual([t["intent"] for t in self.wallet()["transfers"] if t["held"]], [anew])
        # The ledger lacks exactly what the disowned transaction took: a person books it when they have found out what it was.
        gas = lambda t: (lambda r: int(r["gasUsed"], 16) * int(r["effectiveGasPrice"], 16))(world.chain.rpc("eth_getTransactionReceipt", t["hash"]))
        gone = int(to_swap["value"], 16) + gas(to_swap)
        wait("the books to lack only that", lambda: world.ledger_wei() - world.chain.balance(world.wallet) == gone, 30)
        self.assertTrue(world.ctl("ledger", "check")["balanced"])
        audit = [a for a in world.ctl("audit", "list") if a["target"] == "wallet/" + world.wallet]
        self.assertEqual({a["verb"] for a in audit}, {"wallet_sign_off", "wallet_settle", "wallet_disown"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
