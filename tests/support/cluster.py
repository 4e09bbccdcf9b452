"""Several nodes over one PostgreSQL, as three machines would be: each with a name, ports and a certificate of its own, a load balancer in front
of them, faults between them, and a stop-watch that tells when entities act again. With `apart` each node lives in a network namespace of its
own, so that wires can be cut; the program has to be inside `alone()` then."""
import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import threading
import time

import gathering
from harness import ROOT, Child, Unexpected, fetch, free_port, program, wait

TTL = 3.0  # node.lease_ttl
HUB, DATABASE = "10.77.0.1", "10.77.0.2"  # Inside the private network alone.
NOWHERE = "02:00:00:00:00:99"  # Frames to this address reach nobody.


def alone():
    """Starts this program again in a network namespace of its own, with a bridge to plug nodes into. False where that is not allowed."""
    if os.environ.get("PAYGATE_ALONE") == "yes":
        return True
    probe = "ip link set lo up && ip link add v0 type veth peer name v1 && ip link add b0 type bridge && unshare -n true"
    if subprocess.run(["unshare", "-n", "sh", "-c", probe], capture_output=True).returncode != 0:
        return False
    script = (f"ip link set lo up && ip link add br0 type bridge && ip addr add {HUB}/24 dev br0 && ip addr add {DATABASE}/24 dev br0"
              ' && ip link set br0 up && exec "$@"')
    os.environ |= {"PAYGATE_ALONE": "yes", "PAYGATE_ANVIL_HOST": "0.0.0.0"}
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, "sh", sys.executable, *sys.argv])


class Balancer:
    """In front of all nodes: gives each connection to the next node that says that it is ready."""

    def __init__(self, bind="127.0.0.1"):
        self.nodes, self.turn, self.given = [], itertools.count(), collections.Counter()
        self.door = socket.create_server((bind, free_port()), backlog=256)
        self.url = f"http://{bind}:{self.door.getsockname()[1]}"
        self.work()

    def work(self):
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.look, daemon=True).start()

    def go_on_alone(self):
        """In a process of its own, after this program has ended. Answers its pid."""
        if pid := os.fork():
            return pid
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        for node in self.nodes:
            node.alive = lambda: True  # They are nobody's children now.
        self.work()
        while True:
            time.sleep(3600)

    def look(self):
        while True:
            for node in list(self.nodes):
                node.fit = node.is_ready()
            time.sleep(0.3)

    def serve(self):
        while True:
            client, _ = self.door.accept()
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        with client:
            nodes = [n for n in self.nodes if n.fit] or list(self.nodes)
            first = next(self.turn)
            for i in range(len(nodes)):
                node = nodes[(first + i) % len(nodes)]
                try:
                    server = socket.create_connection((node.host, node.http), timeout=2)
                except OSError:
                    continue
                self.given[node.name] += 1
                with server:
                    return self.pump(client, server)

    @staticmethod
    def pump(client, server):
        other = {client: server, server: client}
        try:
            while True:
                ready, _, _ = select.select([client, server], [], [], 60)
                if not ready:
                    return
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)
        except OSError:
            return


class Node:
    """A daemon by name; it may be killed, stopped, cut off and started again."""

    def __init__(self, world, number):
        self.world, self.number, self.name = world, number, f"node-{number}"
        self.host = f"10.77.0.{10 + number}" if world.apart else "127.0.0.1"
        self.http, self.door, self.fit, self.child, self.wire = free_port(), free_port(), False, None, None
        self.url = f"http://{self.host}:{self.http}"
        if world.apart:
            self.plug_in()
        world.certify("node", self.name)

    def plug_in(self):
        """A namespace that lives as long as a process that sleeps in it."""
        self.wire = Child(self.name + "-wire", ["unshare", "-n", "sleep", "infinity"], self.world.path("wires.log"))
        pid = str(self.wire.process.pid)
        own = os.readlink("/proc/self/ns/net")
        wait("a namespace", lambda: os.readlink(f"/proc/{pid}/ns/net") != own)
        run("ip", "link", "add", f"hub{self.number}", "type", "veth", "peer", "name", "eth0", "netns", pid)
        run("ip", "link", "set", f"hub{self.number}", "master", "br0", "up")
        for words in (("addr", "add", f"{self.host}/24", "dev", "eth0"), ("link", "set", "lo", "up"), ("link", "set", "eth0", "up")):
            self.inside("ip", *words)

    def inside(self, *words):
        run("nsenter", "-t", str(self.wire.process.pid), "-n", *words)

    def start(self):
        within = ["nsenter", "-t", str(self.wire.process.pid), "-n"] if self.wire else []
        self.child = Child(self.name, within + [program("PAYGATED", "daemon/paygated"), "--config-file=" + self.world.path("paygated.ini"),
                                                *self.options()], self.world.path(self.name + ".log"))
        return self

    def options(self):
        return [f"--node.name={self.name}", f"--http.bind={self.host}", f"--http.port={self.http}", f"--cluster.bind={self.host}",
                f"--cluster.port={self.door}", f"--cluster.advertise={self.host}:{self.door}",
                "--cluster.tls_dir=" + self.world.path(f"certificates/node/{self.name}")]

    def ctl(self):
        return [program("PAYGATECTL", "ctl/paygatectl"), "--address", f"{self.host}:{self.door}", "--tls-dir",
                self.world.path("certificates/operator/test")]

    def alive(self):
        return self.child is not None and self.child.alive()

    def signal(self, which):
        self.child.process.send_signal(which)

    def kill(self):
        self.child.process.kill()
        self.child.process.wait()

    def is_ready(self):
        try:
            return self.alive() and fetch(self.url + "/ready", limit=1)[0] == 200
        except (OSError, Exception):  # noqa: B014 - whatever it says, it is not ready.
            return False

    def metric(self, name, label=""):
        """The sum over the lines of a metric (with that text in its label); 0 when it was never counted."""
        text = fetch(self.url + "/metrics", limit=5)[2].decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                   if line.startswith(("paygate_" + name + " ", "paygate_" + name + "{")) and label in line)

    # Wires

    def lose(self, address):
        """What it sends there is lost, and it does not learn so."""
        self.inside("ip", "neigh", "replace", address, "lladdr", NOWHERE, "nud", "permanent", "dev", "eth0")

    def find(self, address):
        self.inside("ip", "neigh", "del", address, "dev", "eth0")


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unexpected(f"{' '.join(words)}: {done.stderr.strip()}")


class Cluster(gathering.TokenWorld):
    """A TokenWorld whose daemon is several."""

    def __init__(self, settings=None, nodes=3, apart=False, folder=None):
        self.apart, self.size, self.nodes, self.balancer, self.wanted_folder = apart, nodes, [], None, folder
        super().__init__(settings, Cluster.sandbox_of, channels=False)

    # What World asks for.

    def make_folder(self):
        return self.wanted_folder or super().make_folder()

    def make_secrets(self):
        super().make_secrets()
        self.certificates("authority")
        self.certify("operator", "test")

    def certificates(self, *words):
        done = subprocess.run([str(ROOT / "deploy/certificates"), self.path("certificates"), *words], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unexpected("certificates: " + done.stderr.strip())

    def certify(self, kind, name):
        self.certificates(kind, name)

    def sandbox_of(self):
        self.balancer = Balancer(HUB if self.apart else "127.0.0.1")
        self.daemon_url = self.balancer.url
        return self.sandbox_with_token() | ({"--bind": "0.0.0.0", "--public-url": "http://pages"} if self.apart else {})

    def write_settings(self, more, **where):
        if self.apart:
            # The same parts, by addresses that are reached over the wires.
            self.secret("DATABASE_URL", self.database.url().replace("127.0.0.1", DATABASE))
            self.secret("ETHEREUM_RPC_URL", self.chain.url.replace("127.0.0.1", HUB))
            self.database.open_to("10.77.0.0/24")
            providers = ("nowpayments", "changenow", "telegram", "sendgrid", "coingecko", "cryptocompare", "oneinch")
            url = self.sandbox.url.replace("127.0.0.1", HUB)
            more = {"http": {"metrics_from": '["10.77.0.0/24"]'}} | more
            for name in providers:
                more[name] = {"base_url": f'"{url}/{name.replace("oneinch", "1inch")}"'} | more.get(name, {})
        file = super().write_settings(more, **where)
        # Ports and names are each node's own.
        text = pathlib.Path(file).read_text()
        pathlib.Path(file).write_text(without(text, "ctl"))
        return file

    def start_daemon(self, *arguments, ready=True):
        self.nodes = [Node(self, n) for n in range(1, self.size + 1)]
        for node in self.nodes:
            node.start()
        self.balancer.nodes = self.nodes
        for node in self.nodes:
            wait(f"{node.name} to be ready", lambda: node.is_ready() or self.look_at(node), 60)

    def look_at(self, node):
        if not node.alive():
            raise SystemExit(f"{node.name} ended by itself:\n{node.child.tail()}")
        return False

    def close(self, failed=False):
        for node in self.nodes:
            for child in (node.child, node.wire):
                if child is None:
                    continue
                if failed and child is node.child:
                    print(f"--- the end of {child.log}\n{child.tail(12)}")
                child.process.kill()
                child.process.wait()
        super().close(failed)

    def ctl(self, *words, codes=(0,)):
        """Asks one node after the other until one can be asked."""
        trouble = None
        for node in [n for n in self.nodes if n.fit] or self.nodes:
            try:
                return self.ctl_at(node, *words, codes=codes)
            except Unexpected as error:
                trouble = error
        raise trouble

    def ctl_at(self, node, *words, codes=(0,)):
        done = subprocess.run(node.ctl() + [*words, "--json"], capture_output=True, text=True, timeout=30)
        if done.returncode not in codes:
            raise Unexpected(f"paygatectl at {node.name} {' '.join(words)}: {done.stderr.strip()}")
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout

    # Who holds what

    def shards_of(self, node):
        return {int(s) for s in self.database.sql("SELECT l.shard FROM shard_lease l JOIN node n ON n.identity = l.node WHERE n.dead_at IS NULL"
                                                  f" AND n.left_at IS NULL AND n.name = '{node.name}'").split()}

    def shares(self):
        return {node.name: len(self.shards_of(node)) for node in self.nodes}

    def wait_shared(self, limit=60):
        most = -(-256 // self.size)
        def shared():
            held = self.shares().values()
            return sum(held) == 256 and max(held) <= most and all(node.is_ready() for node in self.nodes)
        wait("equal shares", shared, limit, 0.2)

    def elsewhere(self, node):
        """To everybody it looks as if it ran on a machine that nobody can see into: only its silence tells that it is dead."""
        self.database.sql(f"UPDATE node SET boot_id = 'elsewhere' WHERE name = '{node.name}' AND dead_at IS NULL AND left_at IS NULL")

    # The stop-watch

    def known_ipns(self, shards, most=6):
        """IPNs that were answered before, of payments that live in those shards: a repeat is answered 200 when it is in the store again."""
        if not shards:
            return []
        rows = self.database.rows("SELECT DISTINCT ON (e.order_id) encode(e.raw, 'escape') AS raw FROM webhook_event e JOIN payment p ON p.id = e.order_id"
                                  f" WHERE p.shard IN ({','.join(map(str, shards))}) LIMIT {most}")
        return [row["raw"] for row in rows]

    def act_again(self, ipns, through, since, limit=90):
        """Seconds from `since` until each of those payments has committed a step again, asked through the nodes `through` in turn."""
        def one(body):
            deadline, turn = since + limit, itertools.count()
            while time.monotonic() < deadline:
                node = through[next(turn) % len(through)]
                try:
                    status, _, _ = fetch(node.url + "/webhooks/nowpayments-ipn", body,
                                         {"Content-Type": "application/json", "x-nowpayments-sig": self.sign(body)}, 2)
                    if status == 200:
                        return time.monotonic() - since
                except Exception:  # noqa: BLE001 - whatever it was, the next try shows.
                    pass
                time.sleep(0.03)
            raise Unexpected(f"a payment does not act again within {limit} s: {body}")
        if not ipns:
            return []
        with concurrent.futures.ThreadPoolExecutor(len(ipns)) as crowd:
            return list(crowd.map(one, ipns))

    def refused(self):
        """Steps that the database refused because they came under an old epoch, by node."""
        return {node.name: int(node.metric("steps_refused_total", "lease_lost")) for node in self.nodes if node.fit}

    def check_steps(self):
        """Each entity's history has every version once, up to the row's own: no step is lost, none was made twice."""
        for kind in ("payment", "payout", "conversion", "subscription", "conversation", "channel", "wallet"):
            wrong = self.database.sql(f"SELECT count(*) FROM {kind} r WHERE r.version <> (SELECT count(*) FROM transition t WHERE t.kind = '{kind}' AND"
                                      f" t.id = r.id) OR r.version <> (SELECT count(DISTINCT version) FROM transition t WHERE t.kind = '{kind}' AND t.id = r.id)")
            if wrong != "0":
                raise Unexpected(f"{wrong} rows of {kind} have not every step in their history, once")


def without(text, section):
    """A settings file without one of its sections."""
    kept, skip = [], False
    for line in text.splitlines():
        if line.startswith("["):
            skip = line.strip() == f"[{section}]"
        if not skip:
            kept.append(line)
    return "\n".join(kept) + "\n"
