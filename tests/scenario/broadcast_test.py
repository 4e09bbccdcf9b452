"""A broadcast of thousands dies in the middle by SIGKILL and goes on: nobody is skipped, and what comes twice was in flight. `--recipients 10000`
makes it as large as one likes; the last lines say what happened."""
import argparse
import signal
import sys
import time
import unittest

from scenario import OWNER, DIRECT_CHANNEL, Buyer, WorldTest, wait

RECIPIENTS = 1500
FIRST = 20_000_000
CHUNK = 50  # broadcast_kind::chunk_max: what one step sends.
RATE = 400  # Telegram's own limit is 30/s: the sandbox's is raised, and the daemon's with it.


def insert_subscribers(world, channel, count):
    """Subscribers as rows: they sleep, so nobody looks at their shard."""
    world.database.sql(
        "INSERT INTO subscription (id, version, shard, created_at, updated_at, status, channel_id, closed_channel_id, user_id, chat_id, user_name, channel_title, "
        f"starts_at, ends_at) SELECT '{channel}:' || u, 1, 0, now(), now(), 'active', {channel}, {channel} - 1, u, u, '', 't', now() - interval '1 hour', "
        f"now() + interval '30 days' FROM generate_series({FIRST}, {FIRST + count - 1}) u")


class broadcast(WorldTest):
    settings = {"telegram": {"rate": str(RATE), "concurrency": "8"}, "broadcast": {"manual_interval": "0s"}}

    def test_1_sigkill_in_the_middle_skips_nobody(self):
        world = self.world
        world.sandbox.post("limits", off=True)
        world.sandbox.post("users/bulk", **{"from": FIRST, "count": RECIPIENTS, "started": True})
        insert_subscribers(world, DIRECT_CHANNEL, RECIPIENTS)
        began = time.monotonic()
        world.ctl("broadcasts", "send", "NEWS", "--channel", str(DIRECT_CHANNEL), "--to", "subscribers", "--html", "<b>News</b> of today", "--reason", "test")

        def row():
            return world.database.rows("SELECT * FROM broadcast WHERE id = 'NEWS'")[0]
        kills = 0
        for share in (0.2, 0.5, 0.8):
            wait("the broadcast to get on", lambda: row()["sent"] >= share * RECIPIENTS, 300, every=0.01)
            self.assertEqual(world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
            kills += 1
            world.start_daemon()
        end = wait("the broadcast to end", lambda: row() if row()["status"] == "completed" else None, 600)
        took = time.monotonic() - began
        seen = world.sandbox.get("deliveries?text=News of today".replace(" ", "%20"))
        print(f"broadcast of {RECIPIENTS}: {kills} SIGKILLs, {took:.1f} s, deliveries {seen}, row: sent {end['sent']} failed {end['failed']} "
              f"skipped {end['skipped']}; in flight at most {CHUNK}", flush=True)
        self.assertEqual(seen["chats"], RECIPIENTS)
        self.assertLessEqual(seen["messages"] - seen["chats"], kills * CHUNK)
        self.assertEqual((end["sent"], end["failed"], end["skipped"]), (RECIPIENTS, 0, 0))

    def test_2_an_invite_does_not_wait_for_a_broadcast(self):
        world = self.world
        world.sandbox.post(f"users/{OWNER}/send", text="/start", first_name="Olga")
        buyer = Buyer(world, 6301, DIRECT_CHANNEL).get_invoice()
        world.ctl("broadcasts", "send", "MORE", "--channel", str(DIRECT_CHANNEL), "--to", "subscribers", "--html", "More news", "--reason", "test")
        wait("it to be sent", lambda: int(world.database.sql("SELECT sent FROM broadcast WHERE id = 'MORE'")) > 0)
        buyer.pay()
        buyer.get_invite()
        took = time.time() - float(world.database.sql("SELECT extract(epoch FROM judged_at) FROM payment WHERE user_id = 6301"))
        state = world.database.rows("SELECT * FROM broadcast WHERE id = 'MORE'")[0]
        print(f"invite during a broadcast: seen {took:.3f} s after the verdict on the payment; the broadcast was {state['status']} with {state['sent']} sent",
              flush=True)
        self.assertLessEqual(took, 2.0)

    def test_3_a_repeat_changes_nothing_and_the_end_can_be_looked_at(self):
        world = self.world
        wait("both to end", lambda: world.database.sql("SELECT count(*) FROM broadcast WHERE scheduled = false AND ended_at IS NULL") == "0", 120)
        before = world.database.sql("SELECT version FROM broadcast WHERE id = 'NEWS'")
        world.ctl("broadcasts", "send", "NEWS", "--channel", str(DIRECT_CHANNEL), "--to", "subscribers", "--html", "<b>News</b> of today", "--reason", "test")
        self.assertEqual(world.database.sql("SELECT version FROM broadcast WHERE id = 'NEWS'"), before)
        self.assertEqual(world.ctl("show", "broadcast", "NEWS")["row"]["status"], "completed")
        self.assertEqual(world.database.sql("SELECT successful_broadcasts >= 2 AND last_open_message_id > 0 FROM legacy.broadcast_manager "
                                            f"WHERE open_channel_id = '{DIRECT_CHANNEL}'"), "t")


class posts(WorldTest):
    settings = {"broadcast": {"auto_interval": "2s"}}

    def test_the_offer_is_replaced_and_not_stacked(self):
        world = self.world
        seen = wait("the offer to be posted anew", lambda: int(world.database.sql(
            f"SELECT count(*) FROM broadcast WHERE channel_id = {DIRECT_CHANNEL} AND what = 'offer' AND status = 'completed'")) >= 3, 60)
        self.assertTrue(seen)
        dry = world.ctl("run", "broadcasts", "--reason", "test", "--dry-run")
        self.assertTrue(dry)
        world.ctl("run", "broadcasts", "--reason", "test")

        def standing():
            posts = [m for m in world.sandbox.get(f"chats/{DIRECT_CHANNEL}/messages")["messages"]]
            retired = world.database.sql(f"SELECT retired FROM channel WHERE id = '{DIRECT_CHANNEL}'")
            return posts if len(posts) == 1 and retired == "" else None
        self.assertEqual(len(wait("one offer to stand", standing, 30)), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipients", type=int, default=RECIPIENTS)
    known, rest = parser.parse_known_args()
    RECIPIENTS = known.recipients
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
