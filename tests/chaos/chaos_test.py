#!/usr/bin/env python3
"""The daemon is killed with SIGKILL again and again while people buy: at random instants, and inside every window in which a crash could
lose or double something. It is started again each time. Between the kills PostgreSQL is crashed, the Ethereum node hangs, and providers
fail. In the end every purchase is complete, and the chain holds exactly one transfer per intent. Prints the seed and the kills per window.

    chaos_test.py [--seed N] [--random N] [--buyers N]
    chaos_test.py --self-test                            plants faults and sees each one found"""
import argparse
import collections
import decimal
import hashlib
import json
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import DIRECT_CHANNEL, SWAP_CHANNEL, Buyer, Unexpected, World, wait  # noqa: E402

# (window, at which passages the process dies)
WINDOWS = [
    ("before_commit", (3, 25)), ("after_commit", (3, 25)),
    ("before_call:sign_tx", (1, 2)), ("after_call:sign_tx", (1, 2)),
    ("before_call:broadcast_tx", (1, 2)), ("after_call:broadcast_tx", (1, 2)),
    ("before_call:create_invoice", (1,)), ("after_call:create_invoice", (1,)),
    ("before_call:estimate_swap", (1,)), ("after_call:estimate_swap", (1,)),
    ("before_call:create_swap", (1,)), ("after_call:create_swap", (1,)),
    ("before_call:get_swap", (2,)), ("after_call:get_swap", (2,)),
    ("before_call:create_invite", (1,)), ("after_call:create_invite", (1,)),
    ("before_call:send_message", (2,)), ("after_call:send_message", (2,)),
    ("before_call:get_chain_quote", (1,)), ("after_call:get_chain_quote", (1,)),
    ("before_call:get_transfer", (1,)), ("after_call:get_transfer", (1,)),
    ("before_call:get_receipts", (1,)), ("after_call:get_receipts", (1,)),
]
HIT_LIMIT = 40  # Seconds in which a window must be reached.


class Crowd:
    """Buyers who buy one after another until they are told to stop; each purchase is taken to its end."""

    def __init__(self, world, size):
        self.world, self.bought, self.trouble = world, [], []
        self.enough, self.lock, self.next_user = threading.Event(), threading.Lock(), 8000
        self.threads = [threading.Thread(target=self.shop, args=(n,), daemon=True) for n in range(size)]
        for thread in self.threads:
            thread.start()

    def shop(self, number):
        try:
            while not self.enough.is_set():
                with self.lock:
                    self.next_user += 1
                    user = self.next_user
                buyer = Buyer(self.world, user, SWAP_CHANNEL if (user + number) % 2 else DIRECT_CHANNEL, limit=180)
                buyer.get_invoice()
                with self.lock:
                    self.bought.append(buyer)
                buyer.pay()
        except BaseException as error:  # Shown by the main thread, which ends the test.
            self.trouble.append(f"user {user}: {error!r}")

    def stop(self):
        self.enough.set()
        for thread in self.threads:
            thread.join(200)
        if self.trouble:
            raise Unexpected("; ".join(self.trouble))


def kill_at_random(world, dice):
    time.sleep(dice.uniform(0.2, 3.0))
    world.paygated.process.kill()
    world.paygated.process.wait()


def wait_for_suicide(world, window):
    deadline = time.monotonic() + HIT_LIMIT
    while world.paygated.alive():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    code = world.paygated.process.returncode
    if code != -9:
        raise Unexpected(f"paygated ended with {code} instead of dying in {window}:\n{world.paygated.tail()}")
    return True


def disturb(world, dice):
    """Something else goes wrong, while the daemon lives or dies."""
    what = dice.choice(["database crashed", "Ethereum node hung", "nowpayments", "changenow", "telegram"])
    if what == "database crashed":
        world.database.crash()
        world.database.start()
    elif what == "Ethereum node hung":
        world.chain.child.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        world.chain.child.process.send_signal(signal.SIGCONT)
    else:
        mode = dice.choice(["error", "timeout", "timeout_after_success", "nonsense", "duplicate"])
        world.sandbox.fault(what, mode, count=3, ms=800)
        what += ": " + mode
    return what


def kill_many(world, dice, random_kills):
    """Kills per window, windows that were not reached, disturbances by kind."""
    plan = [(window, count) for window, counts in WINDOWS for count in counts] + [("random", 0)] * random_kills
    dice.shuffle(plan)
    kills, missed, disturbances = collections.Counter(), [], collections.Counter()
    for number, (window, count) in enumerate(plan, 1):
        if window == "random":
            world.start_daemon(ready=False)
            if dice.random() < 0.5:
                time.sleep(0.4)
                disturbances[disturb(world, dice)] += 1
            kill_at_random(world, dice)
        else:
            world.start_daemon(f"--crash_at={window}:{count}", ready=False)
            if not wait_for_suicide(world, window):
                missed.append(f"{window}:{count}")
                world.paygated.process.kill()
                world.paygated.process.wait()
                continue
        kills[window] += 1
        print(f"   kill {number} of {len(plan)}: {window}" + (f" at passage {count}" if count else ""), flush=True)
    return kills, missed, disturbances


def check_purchases(world, crowd):
    for buyer in crowd.bought:
        buyer.get_invite()
        buyer.wait_payout(120)
    for buyer in crowd.bought:
        row = buyer.row()
        if row["status"] != "paid":
            raise Unexpected(f"order {buyer.order} is {row['status']}")
        shown = {b["url"] for m in buyer.messages() for b in m["buttons"] if "t.me/+" in b.get("url", "")}
        if shown != {row["invite_link"]}:
            raise Unexpected(f"order {buyer.order} shows the invites {shown}, not only {row['invite_link']}")


def check_chain(world, crowd):
    """Exactly one transfer per intent, by the chain alone; then that the books say the same."""
    sent = world.chain.sent_by(world.wallet)
    nonces = [int(t["nonce"], 16) for t in sent]
    if nonces != list(range(len(sent))):
        raise Unexpected(f"nonces with gaps: {nonces}")
    payouts = {b.order: b.row("payout") for b in crowd.bought}
    swaps = [p for p in payouts.values() if p["swap_id"]]
    to = collections.Counter(t["to"].lower() for t in sent)
    for payout in swaps:
        if to[payout["payin_address"].lower()] != 1:
            raise Unexpected(f"payout {payout['id']}: {to[payout['payin_address'].lower()]} transfers to its swap")
    if to[world.owner_address] != len(payouts) - len(swaps):
        raise Unexpected(f"{to[world.owner_address]} direct transfers for {len(payouts) - len(swaps)} direct payouts")
    if len(sent) != len(payouts):
        raise Unexpected(f"{len(sent)} transfers on the chain for {len(payouts)} intents")
    if {t["hash"].lower() for t in sent} != {p["tx_hash"].lower() for p in payouts.values()}:
        raise Unexpected("the transfers on the chain are not those of the payouts")
    for swap in world.sandbox.get("swaps"):
        if swap["status"] == "finished" and swap["id"] not in {p["swap_id"] for p in swaps}:
            raise Unexpected(f"swap {swap['id']} was funded, but no payout knows it")
    world.check_books()
    gained = decimal.Decimal(world.chain.balance(world.owner_address)).scaleb(-18)
    promised = sum(decimal.Decimal(p["amount_out"]) for p in payouts.values())
    if gained != promised:
        raise Unexpected(f"the owner got {gained} ETH, the payouts say {promised}")
    return len(sent)


def check_ipns(world):
    """Every IPN that was answered 200 is kept as it came, and every deposit that one called finished is settled."""
    acknowledged = [i for i in world.sandbox.get("ipns?limit=10000") if i["http_status"] == 200]
    kept = set(world.database.sql("SELECT encode(sha256(raw), 'hex') FROM webhook_event").split())
    settled = set(world.database.sql("SELECT payment_id FROM deposit WHERE settled_at IS NOT NULL").split())

    for ipn in acknowledged:
        if hashlib.sha256(ipn["body"].encode()).hexdigest() not in kept:
            raise Unexpected(f"an acknowledged IPN is lost: {ipn['body']}")
        body = json.loads(ipn["body"])
        if body["payment_status"] == "finished" and str(body["payment_id"]) not in settled:
            raise Unexpected(f"an acknowledged finished payment is not settled: {ipn['body']}")
    return len(acknowledged)


def self_test():
    """The checks are checked: each finds a fault that is planted for it."""
    with World() as world:
        crowd = Crowd(world, 2)
        time.sleep(3)
        crowd.stop()
        check_purchases(world, crowd)
        check_chain(world, crowd)
        check_ipns(world)
        world.paygated.end()
        order = crowd.bought[0].order

        def caught(what, check):
            try:
                check()
            except Unexpected as found:
                print(f"caught: {what}: {found}")
                return
            raise SystemExit(f"not caught: {what}")

        world.database.sql(f"DELETE FROM webhook_event WHERE order_id = '{order}' AND encode(raw, 'escape') LIKE '%finished%'")
        caught("an acknowledged IPN that was lost", lambda: check_ipns(world))
        world.start_daemon()
        world.chain.rpc("anvil_impersonateAccount", world.wallet)
        payout = next(b.row("payout") for b in crowd.bought)
        second = world.chain.rpc("eth_sendTransaction", {"from": world.wallet, "to": payout["payin_address"] or payout["address"], "value": "0x1"})
        wait("its block", lambda: world.chain.rpc("eth_getTransactionReceipt", second))
        caught("a second transfer", lambda: check_chain(world, crowd))
        caught("money that the ledger does not know of", lambda: world.check_books(3))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options.add_argument("--random", type=int, default=12)
    options.add_argument("--buyers", type=int, default=3)
    options.add_argument("--self-test", action="store_true")
    given = options.parse_args()
    if given.self_test:
        return self_test()
    print(f"seed {given.seed}", flush=True)
    dice = random.Random(given.seed)
    with World() as world:
        wait("the first offers", lambda: all(world.sandbox.get(f"chats/{c}/messages") for c in (SWAP_CHANNEL, DIRECT_CHANNEL)))
        world.paygated.process.kill()
        world.paygated.process.wait()
        world.sandbox.post("limits", overall_per_s=1000, chat_per_min=60000, group_per_min=60000, burst=1000)  # Not what is tested here.
        crowd = Crowd(world, given.buyers)
        kills, missed, disturbances = kill_many(world, dice, given.random)
        world.start_daemon()
        crowd.stop()
        check_purchases(world, crowd)
        transfers = check_chain(world, crowd)
        ipns = check_ipns(world)
        print("kills per window:")
        for window, number in sorted(kills.items()):
            print(f"   {number:3d}  {window}")
        for what, number in sorted(disturbances.items()):
            print(f"   {number:3d}  beside the kills: {what}")
        print(f"{sum(kills.values())} kills, {len(crowd.bought)} purchases, {transfers} transfers on the chain, {ipns} IPNs acknowledged and handled; "
              "the books agree with the chain")
        if missed:
            raise Unexpected(f"never reached: {missed}")
        if sum(kills.values()) < 30:
            raise Unexpected("fewer than 30 kills")


if __name__ == "__main__":
    main()
