#!/usr/bin/env python3
"""Three daemons over one PostgreSQL under a running mixed load, and one fault after the other: a node killed (seen by its neighbours, or not),
stopped for longer than its membership and continued, ended cleanly, cut off from another node, from PostgreSQL or from all; PostgreSQL
crashed or restarted. After each fault the time is taken until the entities that lived there act again. In the end every purchase is
complete, the chain holds exactly one transfer per intent, every step is in the history once, and every unit is found again.

    cluster_faults.py --faults N [--seed N] [--nodes 3] [--buyers N] [--only WORD] [--no-network]

The cuts need network namespaces; where those are not allowed they are left out, which is said."""
import argparse
import collections
import pathlib
import random
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster  # noqa: E402
import gathering  # noqa: E402
from chaos_test import check_ipns  # noqa: E402
from cluster import DATABASE, TTL  # noqa: E402
from harness import OWNER, Unexpected, fetch, wait  # noqa: E402
from kills import DIRECT, DOLLARS, ELSEWHERE, SWAP, THRESHOLD, Crowd, check_purchases  # noqa: E402


class Trouble:
    """The faults, one method each. Each leaves the cluster as it found it, and answers how long entities needed to act again."""

    def __init__(self, world, dice):
        self.world, self.dice = world, dice
        self.refused = collections.Counter()

    def victim(self):
        """A node that holds something, with IPNs of payments that live there."""
        node = self.dice.choice(self.world.nodes)
        return node, self.world.known_ipns(self.world.shards_of(node)), [n for n in self.world.nodes if n is not node]

    def kill_seen(self):
        node, ipns, others = self.victim()
        node.kill()
        took = self.world.act_again(ipns, others, time.monotonic())
        node.start()
        return took

    def kill_unseen(self):
        node, ipns, others = self.victim()
        self.world.elsewhere(node)
        node.kill()
        took = self.world.act_again(ipns, others, time.monotonic())
        node.start()
        return took

    def stop_and_continue(self):
        """It is stopped in the middle of its work, and goes on believing that it still holds what it held."""
        node, ipns, others = self.victim()
        before = int(node.metric("steps_refused_total", "lease_lost"))
        enough = threading.Event()
        knocking = [threading.Thread(target=self.knock, args=(node, ipn, enough), daemon=True) for ipn in ipns * 4]
        for thread in knocking:
            thread.start()
        time.sleep(0.3)
        node.signal(signal.SIGSTOP)
        began = time.monotonic()
        try:
            took = self.world.act_again(ipns, others, began)
            time.sleep(max(0, began + 1.5 * TTL - time.monotonic()))
        finally:
            node.signal(signal.SIGCONT)
            enough.set()
        wait(f"{node.name} to be ready again", node.is_ready, 60)
        for thread in knocking:
            thread.join(40)
        self.refused[node.name] += int(node.metric("steps_refused_total", "lease_lost")) - before
        return took

    def knock(self, node, ipn, enough):
        while True:
            try:
                fetch(node.url + "/webhooks/nowpayments-ipn", ipn,
                      {"Content-Type": "application/json", "x-nowpayments-sig": self.world.sign(ipn)}, 30)
            except Exception:  # noqa: BLE001 - nobody counts on an answer.
                pass
            if enough.is_set():
                return

    def end_and_start(self):
        node, ipns, others = self.victim()
        began = time.monotonic()
        node.signal(signal.SIGTERM)
        took = self.world.act_again(ipns, others, began)
        if (code := node.child.end()) != 0:
            raise Unexpected(f"{node.name} did not end cleanly: {code}\n{node.child.tail()}")
        node.start()
        return took

    def postgres_crash(self):
        """Counted from when it is back: how long its recovery takes is not ours."""
        _, ipns, _ = self.victim()
        self.world.database.crash()
        self.world.database.start()
        return self.world.act_again(ipns, self.world.nodes, time.monotonic())

    def postgres_away(self):
        """For longer than a membership: nobody takes anything over, and everybody goes on."""
        _, ipns, _ = self.victim()
        holders = "SELECT string_agg(coalesce(node, ''), ' ' ORDER BY shard) FROM shard_lease"
        self.world.wait_shared()
        before = self.world.database.sql(holders)
        self.world.database.stop()
        time.sleep(2 * TTL)
        self.world.database.start()
        began = time.monotonic()
        took = self.world.act_again(ipns, self.world.nodes, began)
        if self.world.database.sql(holders) != before:
            raise Unexpected("shards changed hands because PostgreSQL was away")
        return took

    # With wires

    def nodes_cut(self):
        """Two nodes that do not hear each other while both hear PostgreSQL: nobody takes anything; letters between them wait."""
        node, ipns, others = self.victim()
        other = self.dice.choice(others)
        node.lose(other.host), other.lose(node.host)
        time.sleep(1.5 * TTL)
        node.find(other.host), other.find(node.host)
        return self.world.act_again(ipns, [other], time.monotonic())

    def database_cut(self):
        node, ipns, others = self.victim()
        before = int(node.metric("steps_refused_total", "lease_lost"))
        self.world.elsewhere(node)
        node.lose(DATABASE)
        took = self.world.act_again(ipns, others, time.monotonic())
        time.sleep(TTL)
        node.find(DATABASE)
        wait(f"{node.name} to be ready again", node.is_ready, 90)
        self.refused[node.name] += int(node.metric("steps_refused_total", "lease_lost")) - before
        return took

    def all_cut(self):
        node, ipns, others = self.victim()
        hidden = [DATABASE, cluster.HUB] + [o.host for o in others]
        self.world.elsewhere(node)
        for address in hidden:
            node.lose(address)
        took = self.world.act_again(ipns, others, time.monotonic())
        for address in hidden:
            node.find(address)
        wait(f"{node.name} to be ready again", node.is_ready, 90)
        return took


HERE = ["kill_seen", "kill_unseen", "stop_and_continue", "end_and_start", "postgres_crash", "postgres_away"]
WIRES = ["nodes_cut", "database_cut", "all_cut"]


def run_faults(world, dice, crowd, plan):
    trouble, times = Trouble(world, dice), collections.defaultdict(list)
    for number, what in enumerate(plan, 1):
        if crowd.trouble:
            raise Unexpected("; ".join(crowd.trouble))
        world.wait_shared(90)
        took = getattr(trouble, what)()
        times[what] += took
        said = f"entities act again after {max(took):.2f} s" if took else "no entity of its was known yet"
        print(f"   fault {number} of {len(plan)}: {what.replace('_', ' ')}: {said}; {len(crowd.bought)} purchases begun", flush=True)
    return trouble, times


def report(world, crowd, times, refused, ipns, transfers):
    print("time until entities act again, by fault (median, most; a payment of each that was asked):")
    for what, took in sorted(times.items()):
        took.sort()
        if took:
            print(f"   {what.replace('_', ' '):20} {took[len(took) // 2]:6.2f} s {took[-1]:6.2f} s   ({len(took)})")
    print("writes refused to revived nodes, by their own metrics: " + (", ".join(f"{n} {c}" for n, c in sorted(refused.items())) or "none was paused"))
    print("requests by node: " + ", ".join(f"{n} {c}" for n, c in sorted(world.balancer.given.items())))
    print(f"{len(crowd.bought)} purchases, {transfers} transfers on the chain, {ipns} IPNs acknowledged and handled; 0 double transfers, 0 lost steps, "
          "the books agree with the chain")


def found_business(world):
    """Four channels; owners = {channel: (address, coin)}."""
    world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
    owners = {SWAP: (world.add(SWAP, "Night Traders", "eth", "base", "instant"), "eth"),
              DIRECT: (world.add(DIRECT, "Slow Cooking", "eth", "eth", "instant"), "eth"),
              DOLLARS: (world.add(DOLLARS, "Dollars", "usdt", "eth", "threshold", "50"), "usdt"),
              ELSEWHERE: (world.add(ELSEWHERE, "Elsewhere", "eth", "base", "threshold", "40"), "eth")}
    wait("the first offers", lambda: all(world.sandbox.get(f"chats/{c}/messages") for c in owners), 60)
    world.sandbox.post("limits", overall_per_s=1000, chat_per_min=60000, group_per_min=60000, burst=1000)  # Not what is tested here.
    return owners


def check_all(world, crowd, owners):
    """IPNs that were handled, and transfers."""
    world.wait_quiet(THRESHOLD, 300)
    check_purchases(world, crowd)
    world.wait_quiet(THRESHOLD, 300)
    wait("the ledger to agree with the chain", lambda: world.ledger_wei() == world.chain.balance(world.wallet), 60)
    transfers = gathering.check_transfers(world)
    gathering.check_owners(world, owners)
    gathering.check_gathered(world)
    world.check_steps()
    return check_ipns(world), transfers


def self_test(world):
    """The new check is checked: a step that is missing in the history, and one that is there twice."""
    for what, plant in (("a step that was lost", "DELETE FROM transition WHERE (kind, id, version) = (SELECT 'payment'::entity_kind, id, version FROM payment LIMIT 1)"),
                        ("a step that was made twice", "INSERT INTO transition (kind, id, version, at, message, from_status, to_status, note) SELECT kind, id,"
                                                       " version, at, message, from_status, to_status, note FROM transition WHERE kind = 'payout' LIMIT 1")):
        world.database.sql("BEGIN; SET LOCAL session_replication_role = replica; " + plant + "; COMMIT")
        try:
            world.check_steps()
        except Unexpected as found:
            print(f"caught: {what}: {found}")
        else:
            raise SystemExit(f"not caught: {what}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--faults", type=int, default=6)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options.add_argument("--nodes", type=int, default=3)
    options.add_argument("--buyers", type=int, default=3)
    options.add_argument("--only", choices=HERE + WIRES)
    options.add_argument("--self-test", action="store_true", help="plants faults for the check of the history, after everything")
    options.add_argument("--no-network", action="store_true", help="no cuts, nothing in network namespaces")
    given = options.parse_args()
    apart = not given.no_network and cluster.alone()
    if not apart and not given.no_network:
        print("network namespaces are not allowed here: no wire is cut in this run", flush=True)
    print(f"seed {given.seed}", flush=True)
    dice = random.Random(given.seed)
    kinds = [given.only] if given.only else HERE + (WIRES if apart else [])
    plan = []
    while len(plan) < given.faults:
        plan += dice.sample(kinds, min(len(kinds), given.faults - len(plan)))
    settings = {"conversion": {"threshold_usd": f'"{THRESHOLD}"', "interval": "1s"}, "payouts": {"interval": "1s"}}
    with cluster.Cluster(settings, given.nodes, apart) as world:
        owners = found_business(world)
        crowd = Crowd(world, given.buyers)
        wait("payments on all nodes", lambda: len(world.known_ipns(range(256), 12)) >= 6, 60)
        trouble, times = run_faults(world, dice, crowd, plan)
        world.wait_shared(90)
        crowd.stop()
        ipns, transfers = check_all(world, crowd, owners)
        report(world, crowd, times, trouble.refused, ipns, transfers)
        if bad := world.database.sql("SELECT string_agg(kind || '/' || entity_id || ': ' || text, '; ') FROM failed_transaction WHERE resolved_at IS NULL"):
            raise Unexpected("a person would have to look at: " + bad)
        if given.self_test:
            self_test(world)


if __name__ == "__main__":
    main()
