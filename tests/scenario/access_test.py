"""The life of one subscription, with the daemon and Telegram's sandbox: paid, joined, reminded, renewed, ended, removed, and back again."""
import unittest

from scenario import DIRECT_CHANNEL, OWNER, Buyer, WorldTest, wait

CLOSED = DIRECT_CHANNEL - 1
HOURS = 3600


class access(WorldTest):
    def row(self, user):
        return self.world.ctl("show", "subscription", f"{DIRECT_CHANNEL}:{user}")["row"]

    def wait_access(self, user, *wanted):
        return wait(f"access of {user} to be {wanted}", lambda: (r := self.row(user))["access"] in wanted and r, 40)

    def said(self, buyer, words):
        return [m for m in buyer.messages() if words in m["text"]]

    def hear(self, buyer, words, times=1):
        wait(f"{buyer.user} to hear {words!r}", lambda: len(self.said(buyer, words)) == times, 40)

    def member(self, user, chat=CLOSED):
        found = [m for m in self.world.sandbox.get(f"chats/{chat}/members")["members"] if m["user_id"] == user]
        return found[0]["status"] if found else "left"

    def advance(self, hours):
        self.world.sandbox.post("clock", advance=f"{hours}h")

    def let_in(self, user):
        buyer = Buyer(self.world, user).get_invoice()
        buyer.pay()
        buyer.get_invite()
        self.world.sandbox.post(f"users/{user}/join", invite_link=buyer.invite)
        self.wait_access(user, "inside")
        return buyer

    def test_1_from_the_payment_to_the_removal_and_back(self):
        user = 6401
        buyer = self.let_in(user)
        wait("the used link to be revoked", lambda: self.row(user)["spent_links"] == "")
        self.assertEqual(self.row(user)["invite_link"], "")
        self.assertEqual(buyer.row()["invite_link"], buyer.invite, "the page keeps the link of its order")

        self.advance(28 * 24)
        self.hear(buyer, "ends on")
        self.assertEqual(self.row(user)["status"], "expiring")
        again = Buyer(self.world, user).get_invoice()
        again.pay()
        self.hear(buyer, "You are in already")
        self.assertEqual(self.row(user)["status"], "active")
        links = [b["url"] for m in buyer.messages() for b in m["buttons"] if "t.me/+" in b.get("url", "")]
        self.assertEqual(len(set(links)), 1, "who is in gets no useless link")
        wait("the page of the renewal to know", lambda: again.row()["invited_at"])

        self.advance(31 * 24)
        self.hear(buyer, "ends on", 2)
        self.advance(26)
        self.hear(buyer, "has ended")
        row = self.wait_access(user, "removed")
        self.assertEqual(row["status"], "expired")
        self.assertEqual(self.member(user), "left", "put out, and free to come back")
        late = self.world.database.rows("SELECT extract(epoch FROM t.at - s.ends_at) AS late FROM transition t JOIN subscription s ON s.id = t.id "
                                        f"WHERE t.id = '{DIRECT_CHANNEL}:{user}' AND t.to_status = 'expired' AND t.from_status <> 'expired'")
        self.assertEqual(len(late), 1)

        back = Buyer(self.world, user).get_invoice()
        back.pay()
        self.wait_access(user, "invited")
        fresh = wait("a fresh link", lambda: next((b["url"] for m in reversed(buyer.messages()) for b in m["buttons"]
                                                   if "t.me/+" in b.get("url", "") and b["url"] != buyer.invite), None))
        self.world.sandbox.post(f"users/{user}/join", invite_link=fresh)
        self.wait_access(user, "inside")

    def test_2_a_stranger_who_comes_by_somebodys_link_is_put_out(self):
        buyer = Buyer(self.world, 6402).get_invoice()
        buyer.pay()
        buyer.get_invite()
        self.world.sandbox.post("users/6499/join", invite_link=buyer.invite, first_name="Eve")
        self.wait_access(6499, "removed")
        self.assertEqual(self.member(6499), "left")
        self.hear(buyer, "by your invite link")
        self.wait_access(6402, "outside")

    def test_3_an_administrator_stays(self):
        buyer = self.let_in(6403)
        self.world.sandbox.post("chats", id=CLOSED, administrators=[6403])
        self.advance(31 * 24)
        self.wait_access(6403, "exempt")
        self.assertEqual(self.member(6403), "administrator")
        self.assertEqual(self.said(buyer, "has ended"), [])

    def test_4_without_rights_the_owner_is_told_and_all_is_made_up_for(self):
        buyer = self.let_in(6404)
        self.world.sandbox.post("chats", id=CLOSED, can_restrict_members=False)
        self.advance(31 * 24)
        wait("the ban to be refused", lambda: self.row(6404)["tries"] > 0, 40)

        def told(words):
            return [m for m in self.world.sandbox.get(f"users/{OWNER}/messages") if m["from"] == "bot" and words in m["text"]]
        wait("the owner to be told", lambda: told("I cannot do my work"), 40)
        self.assertEqual(self.member(6404), "member")
        self.world.sandbox.post("chats", id=CLOSED, can_restrict_members=True)
        self.world.ctl("retry", "subscription", f"{DIRECT_CHANNEL}:6404", "--reason", "the rights are back")
        self.advance(2)
        self.hear(buyer, "has ended")
        self.assertEqual(self.member(6404), "left")


if __name__ == "__main__":
    unittest.main(verbosity=2)
