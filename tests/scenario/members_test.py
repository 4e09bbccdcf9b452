"""Three nodes on one PostgreSQL: shares, a node killed, one paused for longer than its membership, PostgreSQL restarted, a node stopped.
Membership and leases alone carry all of this; only the first test needs links between the nodes."""
import json
import os
import signal
import subprocess
import time
import unittest

from scenario import Child, World, certificate, fetch, free_port, program, wait

TTL = 3.0  # node.lease_ttl's default.


class Node:
    """A paygated with a name, ports and a log of its own; the settings are the world's."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.http, self.port = free_port(), free_port()
        self.start()

    def start(self):
        self.child = Child(self.name, [program("PAYGATED", "daemon/paygated"), "--config-file=" + self.world.path("paygated.ini"),
                                       f"--node.name={self.name}", f"--http.port={self.http}", f"--cluster.port={self.port}",
                                       "--cluster.tls_dir=" + certificate("node/" + self.name)],
                           self.world.path(self.name + ".log"))
        self.world.children.append(self)

    def ready(self):
        return fetch(f"http://127.0.0.1:{self.http}/ready", limit=5)[0] == 200

    def metric(self, name):
        """The sum over all labels; 0 when it was never counted."""
        text = fetch(f"http://127.0.0.1:{self.http}/metrics", limit=5)[2].decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("paygate_" + name) and line[0] != "#")


class members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(channels=False)
        # The world's own daemon is one too many: it leaves, cleanly and alone.
        assert cls.world.paygated.end() == 0
        cls.nodes = {name: Node(cls.world, name) for name in ("alpha", "beta", "gamma")}
        cls.failed = False

    @classmethod
    def tearDownClass(cls):
        cls.world.close(failed=cls.failed)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self).failed = True

    def held(self):
        """Shards by the name of the living node that holds them; a view for the test, as the nodes themselves judge it."""
        rows = self.world.database.rows("SELECT n.name, count(*) AS shards FROM shard_lease l JOIN node n ON n.identity = l.node "
                                        "WHERE n.dead_at IS NULL AND n.left_at IS NULL GROUP BY n.name")
        return {row["name"]: row["shards"] for row in rows}

    def epochs(self):
        return self.world.database.sql("SELECT string_agg(epoch || '/' || coalesce(node, ''), ' ' ORDER BY shard) FROM shard_lease")

    def is_shared(self, *names):
        held = self.held()
        most = -(-256 // len(names))
        return set(held) == set(names) and sum(held.values()) == 256 and max(held.values()) <= most

    def wait_shared(self, *names, limit=60):
        wait(f"equal shares of {', '.join(names)}", lambda: self.is_shared(*names), limit)

    def wait_linked(self):
        for node in self.nodes.values():
            wait(f"{node.name}'s links to both others", lambda: node.metric("links_up") == 2)

    def taken_after(self, lost, start, limit=60):
        """How long after `start` all shards were held by others."""
        wait(f"the shards of {lost}", lambda: sum(n for name, n in self.held().items() if name != lost) == 256, limit, 0.02)
        return time.monotonic() - start

    def test_1_three_nodes_come_to_equal_shares_and_act(self):
        self.wait_shared("alpha", "beta", "gamma")
        for node in self.nodes.values():
            wait(f"{node.name} to be ready", node.ready)
            self.assertEqual(node.metric("members"), 3)
            self.assertEqual(node.metric("shards_held"), self.held()[node.name])
        self.wait_linked()
        # By one node to entities on all: what it does not hold, it sends over its links.
        alpha, before = self.nodes["alpha"], self.nodes["alpha"].metric("letters_forwarded_total")
        self.world.ctl_port = alpha.port
        for number in range(12):
            self.world.register(-1002000000000 - 10 * number, f"Channel {number}", "eth", "eth")
        self.assertGreater(alpha.metric("letters_forwarded_total"), before)

    def test_2_a_killed_node_of_the_same_machine_is_replaced_at_once(self):
        self.nodes["beta"].child.end(signal.SIGKILL)
        took = self.taken_after("beta", time.monotonic())
        print(f"   SIGKILL, provably dead: its shards are held by others after {took:.2f} s")
        self.wait_shared("alpha", "gamma")
        self.nodes["beta"].start()
        self.wait_shared("alpha", "beta", "gamma")
        self.wait_linked()

    def test_3_a_killed_node_of_another_machine_is_replaced_when_its_time_has_run_out(self):
        # For all that the others can see it ran elsewhere.
        self.world.database.sql("UPDATE node SET boot_id = 'another machine' WHERE name = 'beta' AND dead_at IS NULL AND left_at IS NULL")
        self.nodes["beta"].child.end(signal.SIGKILL)
        took = self.taken_after("beta", time.monotonic())
        print(f"   SIGKILL, not provably dead: its shards are held by others after {took:.2f} s")
        # 5 s on an idle machine; what a loaded one adds is not the membership's.
        self.assertLess(took, 15)
        self.assertGreater(took, TTL / 2)
        self.nodes["beta"].start()
        self.wait_shared("alpha", "beta", "gamma")

    def test_4_a_paused_node_commits_nothing_under_its_old_epochs_and_comes_back_as_somebody_else(self):
        node = self.nodes["gamma"]
        identity = self.world.database.sql("SELECT identity FROM node WHERE name = 'gamma' AND dead_at IS NULL AND left_at IS NULL")
        lost, taken = node.metric("leases_lost_total"), node.metric("leases_taken_total")
        node.child.process.send_signal(signal.SIGSTOP)
        try:
            took = self.taken_after("gamma", time.monotonic())
        finally:
            node.child.process.send_signal(signal.SIGCONT)
        print(f"   SIGSTOP: its shards are held by others after {took:.2f} s")
        self.wait_shared("alpha", "beta", "gamma")
        wait("gamma to be ready", node.ready)
        again = self.world.database.sql("SELECT identity FROM node WHERE name = 'gamma' AND dead_at IS NULL AND left_at IS NULL")
        self.assertNotEqual(again, identity)
        self.assertEqual(self.world.database.sql(f"SELECT dead_at IS NOT NULL FROM node WHERE identity = '{identity}'"), "t")
        wait("its shards back", lambda: node.metric("leases_taken_total") >= taken + 80)
        self.assertGreaterEqual(node.metric("leases_lost_total"), lost + 80)
        fenced, refused = node.metric("self_fenced_total"), node.metric("steps_refused_total")
        print(f"   after SIGCONT: fenced {fenced:.0f} time(s), {refused:.0f} step(s) refused")
        self.assertGreaterEqual(fenced + refused, 1)

    def test_5_postgresql_away_for_longer_than_a_lease_costs_nobody_anything(self):
        self.wait_shared("alpha", "beta", "gamma")
        before = self.epochs()
        self.world.database.stop()
        wait("everybody to stop acting", lambda: not any(n.ready() for n in self.nodes.values()))
        time.sleep(TTL)  # For longer than the memberships last: the subject of this test.
        self.world.database.start()
        start = time.monotonic()
        wait("everybody to act", lambda: all(n.ready() for n in self.nodes.values()), 60, 0.02)
        print(f"   PostgreSQL is back: everybody acts after {time.monotonic() - start:.2f} s")
        # Longer than anybody could wait before it takes something over.
        deadline = time.monotonic() + 2 * TTL
        while time.monotonic() < deadline:
            self.assertEqual(self.epochs(), before)
            time.sleep(0.2)

    def test_6_a_second_node_of_a_name_is_refused(self):
        done = self.world.run_daemon("--config-file=" + self.world.path("paygated.ini"), "--node.name=alpha", "--http.port=0", "--cluster.port=0",
                                     "--cluster.tls_dir=" + certificate("node/alpha"),
                                     limit=90)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("node.name", done.stderr)
        self.assertIn("alpha", done.stderr)
        self.assertTrue(self.is_shared("alpha", "beta", "gamma"))

    def test_7_an_idle_cluster_costs_next_to_nothing(self):
        def spent(pid):
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        pids = [n.child.process.pid for n in self.nodes.values()]
        commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'paygate'"
        before, done, start = [spent(pid) for pid in pids], int(self.world.database.sql(commits)), time.monotonic()
        time.sleep(10)  # What an idle while costs cannot be measured without one.
        span = time.monotonic() - start
        cpu = [(spent(pid) - b) / span * 100 for pid, b in zip(pids, before)]
        rate = (int(self.world.database.sql(commits)) - done) / span
        print(f"   idle: {', '.join(f'{c:.2f}' for c in cpu)} % of a core per node; PostgreSQL: {rate:.1f} transactions/s for all")
        self.assertLess(max(cpu), 10)

    def test_8_a_stopped_node_hands_its_shards_over(self):
        start = time.monotonic()
        self.assertEqual(self.nodes["alpha"].child.end(), 0)
        took = self.taken_after("alpha", start)
        print(f"   SIGTERM: ended cleanly, its shards are held by others after {took:.2f} s")
        self.wait_shared("beta", "gamma")
        self.assertEqual(self.world.database.sql("SELECT count(*) FROM node WHERE name = 'alpha' AND dead_at IS NULL AND left_at IS NULL"), "0")
        self.assertEqual(self.nodes["beta"].child.end(), 0)
        self.wait_shared("gamma")
        self.assertEqual(self.nodes["gamma"].child.end(), 0)
        self.assertEqual(self.held(), {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
