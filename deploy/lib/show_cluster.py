"""What deploy/cluster shows, once everything is built. The parts are those of the tests: PostgreSQL, anvil, the sandbox, N daemons."""
import argparse
import os
import pathlib
import random
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/chaos")]
from cluster import TTL, Cluster  # noqa: E402
from cluster_faults import check_all, found_business, Trouble  # noqa: E402
from harness import Child, Unexpected, wait  # noqa: E402
from kills import THRESHOLD, Crowd  # noqa: E402

PROMISED = 5.0  # Seconds in which the entities of a node that was killed act again.


def step(text):
    print(f"\n== {text}", flush=True)


def say(text):
    print(f"   {text}", flush=True)


def start_time(pid):
    """With the pid it names one process for ever; None when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def children(world):
    """(name, pid), in the order of ending."""
    yield from ((node.name, node.child.process.pid) for node in world.nodes)
    for part in reversed(world.children):
        child = getattr(part, "child", part)
        yield child.name, child.process.pid


def leave_running(world, folder):
    pid = world.balancer.go_on_alone()
    with open(folder + "/processes", "w") as file:
        for name, process in [("balancer", pid), *children(world)]:
            file.write(f"{name} {process} {start_time(process)}\n")
    lines = [f"PAYGATE_URL={world.balancer.url}", f"PAYGATE_DSN={world.database.url()}", f"PAYGATE_SANDBOX_URL={world.sandbox.url}",
             f"PAYGATE_RPC_URL={world.chain.url}", f"PAYGATE_SECRETS_DIR={world.path('secrets')}"]
    for node in world.nodes:
        words = " ".join(node.child.process.args)
        lines += [f"PAYGATE_URL_{node.number}={node.url}", f'PAYGATE_CTL_{node.number}="{" ".join(node.ctl())}"',
                  f"PAYGATED_PID_{node.number}={node.child.process.pid}", f'PAYGATED_CMD_{node.number}="{words}"']
    lines.append(f'PAYGATE_CTL="{" ".join(world.nodes[0].ctl())}"')
    file = pathlib.Path(folder, "cluster.env")
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")
    say(f"all keeps running; addresses are in {file}")
    say(f"look inside: {' '.join(world.nodes[0].ctl())} nodes")
    say(f"end it:      deploy/cluster --stop --dir {folder}")


def end_all(folder):
    known = pathlib.Path(folder, "processes")
    if not known.exists():
        raise SystemExit(f"cluster: nothing of deploy/cluster --keep runs in {folder}")
    for line in known.read_text().splitlines():
        name, pid, started = line.split()
        if start_time(pid) != started:
            continue
        os.kill(int(pid), signal.SIGINT if name == "postgres" else signal.SIGTERM)
        deadline = time.monotonic() + 25
        while start_time(pid) == started and time.monotonic() < deadline:
            time.sleep(0.05)
        if start_time(pid) == started:
            say(f"{name} ({pid}) does not end; it is killed")
            os.kill(int(pid), signal.SIGKILL)
    known.unlink()
    say("all ended")


def show_parts(world):
    for node in world.nodes:
        say(f"{node.name}: pid {node.child.process.pid}, {node.url}, nodes and operators by TLS at {node.host}:{node.door}")
    say(f"load balancer in front of them: {world.balancer.url}; sandbox {world.sandbox.url}; anvil {world.chain.url}; PostgreSQL port {world.database.port}")
    say("shards: " + ", ".join(f"{name} {shards}" for name, shards in world.shares().items()))


def show_load(world, crowd, seconds):
    steps = "SELECT count(*) FROM transition"
    began, before = time.monotonic(), int(world.database.sql(steps))
    wait("payments on all nodes", lambda: len(world.known_ipns(range(256), 12)) >= 6, 90)
    time.sleep(max(0, began + seconds - time.monotonic()))
    took = time.monotonic() - began
    made = int(world.database.sql(steps)) - before
    say(f"{len(crowd.bought)} purchases begun in {took:.0f} s, {made} steps; requests by node: "
        + ", ".join(f"{name} {count}" for name, count in sorted(world.balancer.given.items())))
    say("letters that went to an entity of another node: "
        + ", ".join(f"{node.name} {int(node.metric('letters_forwarded_total'))}" for node in world.nodes))


def show_fault(world, what, fault):
    world.wait_shared(90)
    took = fault()
    if not took:
        raise Unexpected("the node held no payment that was known")
    verdict = "" if max(took) <= PROMISED else f", MORE THAN {PROMISED:.0f} s"
    say(f"{what}: its entities act again after {min(took):.2f} to {max(took):.2f} s ({len(took)} payments asked){verdict}")
    return max(took)


def play(world, seconds):
    step("Three of everything" if len(world.nodes) == 3 else "The parts")
    world.wait_shared(90)
    show_parts(world)
    owners = found_business(world)
    step("Load through all of them")
    crowd = Crowd(world, 4)
    show_load(world, crowd, seconds)

    step("Faults, under the load")
    trouble = Trouble(world, random.Random(len(world.folder)))
    show_fault(world, "SIGKILL, as its neighbours on the same machine see it", trouble.kill_seen)
    show_fault(world, "SIGKILL, as if on another machine: only its silence tells", trouble.kill_unseen)
    show_fault(world, f"SIGSTOP for {1.5 * TTL:.1f} s, longer than its membership, then SIGCONT", trouble.stop_and_continue)
    for name, count in trouble.refused.items():
        say(f"{name}, revived: {count} writes under its old epochs were refused (paygate_steps_refused_total)")

    step("Checks")
    world.wait_shared(90)
    crowd.stop()
    ipns, transfers = check_all(world, crowd, owners)
    world.check_books()
    found = world.ctl("reconcile", "--wait", codes=(0, 5))
    if found["exceptions"]:
        raise Unexpected(f"the reconciliation finds: {found['exceptions']}")
    say(f"{len(crowd.bought)} purchases complete, {transfers} transfers on the chain for as many intents: 0 double transfers")
    say(f"{ipns} IPNs were answered 200 and handled, {world.database.sql('SELECT count(*) FROM transition')} steps each in the history once: 0 lost steps")
    say("the ledger is balanced and agrees with the chain; the reconciliation finds no difference")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--nodes", type=int, default=3)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--dir", required=True)
    options.add_argument("--keep", action="store_true")
    options.add_argument("--stop", action="store_true")
    given = options.parse_args()
    if given.stop:
        return end_all(given.dir)
    Child.outlives = given.keep
    settings = {"conversion": {"threshold_usd": f'"{THRESHOLD}"', "interval": "1s"}, "payouts": {"interval": "1s"}}
    started = time.monotonic()
    world = Cluster(settings, given.nodes, folder=given.dir)
    try:
        play(world, given.seconds)
        step(f"Done in {time.monotonic() - started:.0f} s")
        if given.keep:
            return leave_running(world, given.dir)
    except BaseException:
        world.close(failed=True)
        raise
    world.close()


if __name__ == "__main__":
    main()
