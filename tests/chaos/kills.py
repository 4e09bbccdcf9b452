#!/usr/bin/env python3
"""SIGKILLs over a running mixed load: people buy on four channels (paid out at once and by threshold, straight from the wallet and through a
swap, in ETH and in USDT), conversions and batches run, and the daemon is killed at random instants and inside every window in which a crash
could lose or double something; it is started again each time. In the end every purchase is complete, the chain holds exactly one transfer
per intent, nothing that was acknowledged is lost, the ledger sums to zero, and every unit is found again. Prints the kills per window.

    kills.py --kills N [--seed N] [--buyers N] [--share-of-windows 0.6]"""
import argparse
import collections
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import gathering  # noqa: E402
from chaos_test import check_ipns, disturb  # noqa: E402
from harness import OWNER, Buyer, Unexpected, wait  # noqa: E402

SWAP, DIRECT, DOLLARS, ELSEWHERE = -1001000000110, -1001000000120, -1001000000130, -1001000000140
CALLS = ["sign_tx", "broadcast_tx", "create_invoice", "get_swap_range", "estimate_swap", "create_swap", "get_swap", "create_invite", "send_message",
         "get_chain_quote", "get_transfer", "get_receipts", "get_claim", "get_gathered", "get_due_payouts", "get_token_transfer"]
WINDOWS = ["before_commit", "after_commit"] + [f"{side}_call:{call}" for call in CALLS for side in ("before", "after")]
HIT_LIMIT = 12  # Seconds in which a window must be reached; else the daemon is killed where it is, and that counts as a random instant.
THRESHOLD = 60


class Crowd:
    """Buyers who buy one after another until they are told to stop. Nobody waits for a payout: that is looked at in the end."""

    def __init__(self, world, size):
        self.world, self.bought, self.trouble = world, [], []
        self.enough, self.lock, self.next_user = threading.Event(), threading.Lock(), 9000
        self.threads = [threading.Thread(target=self.shop, daemon=True) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def shop(self):
        try:
            while not self.enough.is_set():
                with self.lock:
                    self.next_user += 1
                    user = self.next_user
                channel = (SWAP, DIRECT, DOLLARS, ELSEWHERE)[user % 4]
                buyer = Buyer(self.world, user, channel, limit=300)
                buyer.get_invoice()
                with self.lock:
                    self.bought.append(buyer)
                buyer.pay()
        except BaseException as error:  # Shown by the main thread, which ends the test.
            self.trouble.append(f"user {user}: {error!r}")

    def stop(self):
        self.enough.set()
        for thread in self.threads:
            thread.join(400)
        if self.trouble:
            raise Unexpected("; ".join(self.trouble))


def dies_in(world, window, limit):
    """Whether the daemon killed itself in the window within so many seconds."""
    deadline = time.monotonic() + limit
    while world.paygated.alive():
        if time.monotonic() > deadline:
            world.paygated.process.kill()
            world.paygated.process.wait()
            return False
        time.sleep(0.01)
    if world.paygated.process.returncode != -9:
        raise Unexpected(f"paygated ended with {world.paygated.process.returncode} instead of dying in {window}:\n{world.paygated.tail()}")
    return True


def kill_many(world, dice, crowd, wanted, windows_share):
    """Kills per window, disturbances by kind."""
    in_windows = round(wanted * windows_share)
    plan = []
    while len(plan) < in_windows:
        plan += dice.sample(WINDOWS, min(len(WINDOWS), in_windows - len(plan)))
    plan += ["random instant"] * (wanted - len(plan))
    dice.shuffle(plan)
    kills, beside, started = collections.Counter(), collections.Counter(), time.monotonic()
    for number, window in enumerate(plan, 1):
        if crowd.trouble:
            raise Unexpected("; ".join(crowd.trouble))
        if window == "random instant":
            world.start_daemon(ready=False)
            if dice.random() < 0.06:
                time.sleep(0.4)
                beside[disturb(world, dice)] += 1
            time.sleep(dice.uniform(0.1, 1.8))
            world.paygated.process.kill()
            world.paygated.process.wait()
        else:
            often = window.endswith("commit")
            world.start_daemon(f"--crash_at={window}:{dice.choice((1, 5, 25, 60)) if often else dice.choice((1, 1, 2))}", ready=False)
            if not dies_in(world, window, HIT_LIMIT):
                beside["window not reached in time, killed elsewhere: " + window] += 1
                window = "random instant"
        kills[window] += 1
        if number % 20 == 0 or number == len(plan):
            pace = (time.monotonic() - started) / number
            print(f"   {number} of {len(plan)} kills, {pace:.2f} s each, {len(crowd.bought)} purchases begun", flush=True)
        if number % 40 == 0:  # A moment of peace: what takes longer than a life of the daemon must get on, too.
            world.start_daemon(ready=False)
            time.sleep(4)
            world.paygated.process.kill()
            world.paygated.process.wait()
            kills["random instant"] += 1
    return kills, beside


def check_purchases(world, crowd):
    lost = []
    for buyer in crowd.bought:
        buyer.limit = 60
        buyer.get_invite()
        row = buyer.row()
        if row["status"] != "paid":
            lost.append(f"order {buyer.order} is {row['status']}")
        shown = {b["url"] for m in buyer.messages() for b in m["buttons"] if "t.me/+" in b.get("url", "")}
        if shown != {row["invite_link"]}:
            lost.append(f"order {buyer.order} shows the invites {shown}, not only {row['invite_link']}")
    if lost:
        raise Unexpected("; ".join(lost))


def report(world, crowd, kills, beside, ipns, transfers):
    print("kills per window:")
    for window, number in sorted(kills.items()):
        print(f"   {number:4d}  {window}")
    for what, number in sorted(beside.items()):
        print(f"   {number:4d}  beside the kills: {what}")
    count = world.database.sql
    ended = lambda kind: count(f"SELECT string_agg(n || ' ' || status, ', ' ORDER BY status) FROM (SELECT status, count(*) AS n FROM {kind}"
                               " GROUP BY status) q")
    print(f"   payouts: {ended('payout')}; conversions: {ended('conversion')}; accruals: {ended('accrual')}")
    print(f"{sum(kills.values())} kills, {len(crowd.bought)} purchases, {count('SELECT count(*) FROM transition')} steps in the history, {ipns} IPNs"
          f" acknowledged and handled, {transfers} transfers on the chain")
    print("0 double transfers, 0 lost steps, the ledger sums to zero; every unit is found again:")
    gathering.print_account(world)


def self_test(world, crowd, owners):
    """The checks are checked: each finds a fault that is planted for it."""
    def caught(what, check):
        try:
            check()
        except Unexpected as found:
            return print(f"caught: {what}: {found}", flush=True)
        raise SystemExit(f"not caught: {what}")

    sql, order = world.database.sql, crowd.bought[0].order
    unit = "UPDATE accrual SET net_usdt = net_usdt {} 0.000001 WHERE payment_id = (SELECT min(payment_id) FROM accrual WHERE net_usdt > 0)"
    sql(unit.format("+"))
    caught("a share that is a unit too large", lambda: gathering.check_gathered(world))
    caught("a unit that came from nowhere", lambda: gathering.print_account(world, lambda line: None))
    sql(unit.format("-"))
    gathering.check_gathered(world)
    sql("UPDATE accrual SET status = 'converting' WHERE payment_id = (SELECT min(payment_id) FROM accrual WHERE conversion_id <> '')")
    caught("an accrual that nobody lets go of", lambda: gathering.check_gathered(world))
    sql(f"DELETE FROM webhook_event WHERE order_id = '{order}' AND encode(raw, 'escape') LIKE '%finished%'")
    caught("an acknowledged IPN that was lost", lambda: check_ipns(world))
    world.chain.rpc("anvil_impersonateAccount", world.wallet)
    to = world.database.rows("SELECT recipient FROM wallet_transfer LIMIT 1")[0]["recipient"]
    second = world.chain.rpc("eth_sendTransaction", {"from": world.wallet, "to": to, "value": "0x1"})
    wait("its block", lambda: world.chain.rpc("eth_getTransactionReceipt", second))
    caught("a second transfer", lambda: gathering.check_transfers(world))
    world.chain.rpc("eth_sendTransaction", {"from": world.wallet, "to": owners[DIRECT][0], "value": "0x1"})
    wait("its block", lambda: world.eth(owners[DIRECT][0]) % gathering.D("1e-17") != 0)
    caught("an owner who got more than was promised", lambda: gathering.check_owners(world, owners))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=60)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options.add_argument("--buyers", type=int, default=3)
    options.add_argument("--share-of-windows", type=float, default=0.6)
    options.add_argument("--self-test", action="store_true", help="plants faults for the checks, after the kills")
    given = options.parse_args()
    print(f"seed {given.seed}", flush=True)
    dice = random.Random(given.seed)
    world = gathering.TokenWorld({"conversion": {"threshold_usd": f'"{THRESHOLD}"', "interval": "1s"}, "payouts": {"interval": "1s"}},
                                 gathering.TokenWorld.sandbox_with_token, channels=False)
    with world:
        world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
        owners = {SWAP: (world.add(SWAP, "Night Traders", "eth", "base", "instant"), "eth"),
                  DIRECT: (world.add(DIRECT, "Slow Cooking", "eth", "eth", "instant"), "eth"),
                  DOLLARS: (world.add(DOLLARS, "Dollars", "usdt", "eth", "threshold", "50"), "usdt"),
                  ELSEWHERE: (world.add(ELSEWHERE, "Elsewhere", "eth", "base", "threshold", "40"), "eth")}
        wait("the first offers", lambda: all(world.sandbox.get(f"chats/{c}/messages") for c in owners))
        world.paygated.process.kill()
        world.paygated.process.wait()
        world.sandbox.post("limits", overall_per_s=1000, chat_per_min=60000, group_per_min=60000, burst=1000)  # Not what is tested here.
        crowd = Crowd(world, given.buyers)
        kills, beside = kill_many(world, dice, crowd, given.kills, given.share_of_windows)
        world.sandbox.no_faults()
        world.start_daemon()
        crowd.stop()
        world.wait_quiet(THRESHOLD, 300)
        check_purchases(world, crowd)
        world.wait_quiet(THRESHOLD, 300)
        wait("the ledger to agree with the chain", lambda: world.ledger_wei() == world.chain.balance(world.wallet), 60)
        transfers = gathering.check_transfers(world)
        gathering.check_owners(world, owners)
        gathering.check_gathered(world)
        report(world, crowd, kills, beside, check_ipns(world), transfers)
        if bad := world.database.sql("SELECT string_agg(kind || '/' || entity_id || ': ' || text, '; ') FROM failed_transaction WHERE resolved_at IS NULL"):
            raise Unexpected("a person would have to look at: " + bad)
        if given.self_test:
            return self_test(world, crowd, owners)
        if sum(kills.values()) < given.kills:
            raise Unexpected(f"fewer than {given.kills} kills")


if __name__ == "__main__":
    main()
