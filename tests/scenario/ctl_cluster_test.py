"""paygatectl against any of two nodes, over TLS: it shows and steers what lives on the other one."""
import json
import subprocess
import unittest

from scenario import Child, WorldTest, certificate, fetch, free_port, program, wait


class ctl_cluster(WorldTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.doors = {"node-1": cls.world.ctl_port, "node-2": free_port()}
        cls.http = {"node-1": cls.world.daemon_port, "node-2": free_port()}
        cls.second = Child("node-2", [program("PAYGATED", "daemon/paygated"), "--config-file=" + cls.world.path("paygated.ini"), "--node.name=node-2",
                                      f"--http.port={cls.http['node-2']}", f"--cluster.port={cls.doors['node-2']}",
                                      "--cluster.tls_dir=" + certificate("node/node-2")], cls.world.path("node-2.log"))
        cls.world.children.append(cls.second)
        cls.second.child = cls.second

    def run_ctl(self, node, *words):
        return subprocess.run([program("PAYGATECTL", "ctl/paygatectl"), "--address", f"127.0.0.1:{self.doors[node]}", *words], capture_output=True, text=True,
                              timeout=120)

    def ok(self, node, *words):
        done = self.run_ctl(node, *words)
        self.assertEqual(done.returncode, 0, (node, words, done.stdout, done.stderr))
        return done.stdout

    def data(self, node, *words):
        return json.loads(self.ok(node, *words, "--json"))

    def shards(self, node):
        """What each node says that it holds, asked at one of them; None for one that does not answer."""
        found = self.run_ctl(node, "tree", "--json")
        if found.returncode != 0:
            return {}
        return {n["name"]: n.get("shards_held") for n in json.loads(found.stdout)["nodes"]}

    def test_1_each_node_shows_both(self):
        for node in self.doors:
            wait(f"{node} to see equal shares", lambda: self.shards(node) == {"node-1": 128, "node-2": 128}, 90, 0.3)
            rows = self.data(node, "nodes")["rows"]
            self.assertEqual(sorted((r["name"], r["state"], r["shards"]) for r in rows), [("node-1", "alive", 128), ("node-2", "alive", 128)])
            self.assertEqual(self.ok(node, "nodes").count("ready"), 2)
            self.assertEqual(len(self.data(node, "shards", "--node", "node-2")), 128)
            self.assertEqual({n["name"] for n in self.data(node, "top")["nodes"]}, {"node-1", "node-2"})

    def test_2_an_entity_is_shown_and_steered_from_the_other_node(self):
        for here, there in (("node-1", "node-2"), ("node-2", "node-1")):
            away = self.data(here, "actors", "--node", there)
            self.assertTrue(away)
            self.assertEqual({a["node"] for a in away}, {there})
            entity = away[0]["kind"] + "/" + away[0]["id"]
            shown = self.data(here, "show", entity)
            self.assertEqual((shown["owner"]["name"], shown["live"]["resident"]), (there, True))
            self.assertIn("done", self.ok(here, "restart", entity, "--reason", "test"))
            wait("it to be loaded anew", lambda: self.data(here, "show", entity)["live"].get("handled") == 0)
            self.ok(here, "retry", entity, "--reason", "test")
            top = next(n for n in self.data(here, "top")["nodes"] if n["name"] == there)
            self.assertIn(entity, [r["kind"] + "/" + r["id"] for r in top["restarts"]])
            audit = self.data(here, "audit", "--verb", "restart", "--target", entity)
            self.assertEqual((audit[0]["operator"], audit[0]["result"]), ("test", "done"))

    def test_3_a_pause_holds_on_both(self):
        self.assertIn("2 of 2 nodes", self.ok("node-1", "pause", "kind/conversion", "--reason", "test"))
        for node in self.doors:
            self.assertEqual([n["pauses"] for n in self.data(node, "tree")["nodes"]], [["kind/conversion"]] * 2)
            text = fetch(f"http://127.0.0.1:{self.http[node]}/metrics")[2].decode()
            self.assertIn('paygate_paused{what="kind/conversion"} 1', text)
        self.assertIn("2 of 2 nodes", self.ok("node-2", "resume", "kind/conversion", "--reason", "test"))
        self.assertEqual([n["pauses"] for n in self.data("node-1", "tree")["nodes"]], [[], []])

    def test_4_levels_and_settings_of_the_other_node(self):
        self.ok("node-1", "log", "level", "debug", "--node", "node-2", "--reason", "test")
        self.assertEqual({n["name"]: n["log_level"] for n in self.data("node-1", "tree")["nodes"]}, {"node-1": "info", "node-2": "debug"})
        self.ok("node-2", "log", "level", "info", "--reason", "test")
        self.assertEqual({n["log_level"] for n in self.data("node-2", "tree")["nodes"]}, {"info"})
        self.assertEqual({n["name"] for n in self.data("node-1", "config", "reload", "--reason", "test")["nodes"]}, {"node-1", "node-2"})
        names = [s["value"] for s in self.data("node-1", "config", "show", "--node", "node-2") if s["key"] == "node.name"]
        self.assertEqual(names, ['"node-2"'])

    def test_5_the_other_node_is_drained_and_stays(self):
        self.assertIn("1 other node takes", self.data("node-1", "drain", "node-2", "--dry-run")["note"])
        self.ok("node-1", "drain", "node-2", "--reason", "test")
        wait("node-1 to hold all", lambda: self.shards("node-1") == {"node-1": 256, "node-2": 0}, 60, 0.3)
        self.assertEqual([r["draining"] for r in self.data("node-1", "nodes")["rows"] if r["name"] == "node-2"], [True])
        self.assertTrue(self.second.alive())

    def test_6_one_that_is_gone_is_said_to_be(self):
        self.second.process.kill()
        self.second.process.wait()
        wait("it to be gone from the tree", lambda: self.shards("node-1") == {"node-1": 256}, 60, 0.3)
        self.assertEqual(self.run_ctl("node-2", "nodes").returncode, 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
