"""The ways in and out that do not go as planned: a blocked bot, a bot without rights, an administrator who subscribes, a member who leaves, a
link that somebody else uses, that runs out, that gets lost, a request to be let in."""
import unittest

from scenario import OWNER, WorldTest, fetch, json, wait
from people import Stage  # Found by the path that scenario sets.

OPEN, CLOSED = -1001000000020, -1001000000021  # The harness's "Slow Cooking".


class ways(WorldTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stage = Stage(cls.world)
        cls.olga = cls.stage.person(OWNER, "Olga")
        cls.world.sandbox.post("chats", id=CLOSED, title="Slow Cooking (members)", creators=[OWNER])

    def bought(self, user, name, before=lambda person: None):
        """Somebody who has paid, and what the provider's page was told of where to go back to."""
        person = self.stage.person(user, name)
        person.take_offer(lambda: person.press("days", OPEN))
        person.url("the pay link", "/pay/")
        before(person)
        person.pay()
        return person

    def page(self, person):
        """What the status page's script is told."""
        invoice = next(i for i in self.world.sandbox.get("invoices") if i["order_id"] == person.order)
        token = invoice["success_url"].split("token=")[1]
        status, _, body = fetch(f"{self.world.daemon_url}/api/payment-status/{person.order}?token={token}")
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def row(self, person):
        return self.world.ctl("show", "subscription", f"{OPEN}:{person.user}")["row"]

    def link(self, url):
        return next(one for one in self.world.sandbox.get(f"chats/{CLOSED}/members")["links"] if one["invite_link"] == url)

    def invite(self, person):
        return person.url("the invite", "t.me/+", fresh=False)

    def entered(self, user, name):
        person = self.bought(user, name)
        person.join(self.invite(person))
        wait(f"{name} to be known as a member", lambda: self.row(person)["access"] == "inside")
        return person

    def refused(self, person, link):
        with self.assertRaises(AssertionError):
            person.act("join", link=link)

    def test_1_who_blocked_the_bot_finds_the_link_on_the_status_page(self):
        person = self.bought(7201, "Blocker", lambda p: p.block())
        link = wait("the link on the page", lambda: self.page(person)["invite_link"], 60)
        person.join(link)
        self.assertEqual(person.standing(CLOSED), "member")

    def test_2_a_used_link_lets_nobody_else_in(self):
        person = self.bought(7202, "Payer")
        link = self.invite(person)
        person.join(link)
        self.refused(self.stage.person(7291, "Stranger"), link)
        wait("the link to be revoked", lambda: self.link(link)["is_revoked"], 60)
        person.leave(CLOSED)
        self.refused(self.stage.person(7291, "Stranger"), link)

    def test_3_who_comes_in_by_somebody_elses_link_is_put_out_and_the_payer_gets_another(self):
        person, thief = self.bought(7203, "Robbed"), self.stage.person(7292, "Thief")
        stolen = self.invite(person)
        thief.join(stolen)
        wait("the thief to be put out", lambda: thief.standing(CLOSED) == "left", 60)
        person.hear("by your invite link")
        person.join(self.ask_again(person, stolen))
        self.assertEqual(person.standing(CLOSED), "member")
        self.refused(thief, stolen)

    def test_4_a_bot_without_rights_tells_the_owner_loudly_and_goes_on_when_they_come_back(self):
        self.olga.read_all()
        self.world.sandbox.post(f"chats/{CLOSED}/rights", can_invite_users=False)
        person = self.bought(7204, "Patient")
        self.olga.hear("⚠️", "Slow Cooking")
        self.assertIsNone(person.find_url("t.me/+"))
        self.olga.read_all()
        self.world.sandbox.post(f"chats/{CLOSED}/rights", can_invite_users=True)
        self.olga.hear("✅", "Slow Cooking")
        person.join(self.invite(person))
        self.assertEqual(person.standing(CLOSED), "member")

    def test_5_a_lost_link_is_replaced_and_an_expired_one_too(self):
        person = self.bought(7205, "Loser")
        lost = self.invite(person)
        self.stage.advance("1m", "so that a fresh one is made, not the same one sent again")
        fresh = self.ask_again(person, lost)
        self.assertTrue(self.link(lost)["is_revoked"], "the older one is revoked before a fresh one is made")
        self.refused(person, lost)
        self.stage.advance("49h", "the link runs out")
        self.refused(person, fresh)
        person.join(self.ask_again(person, fresh))
        self.assertEqual(person.standing(CLOSED), "member")

    def ask_again(self, person, old):
        person.say("/subscriptions")
        person.press("invite")
        return wait("a fresh link", lambda: (lambda url: url if url != old else None)(person.find_url("t.me/+")), 60)

    def test_6_a_request_is_approved_for_payers_and_waits_for_the_others(self):
        link = self.world.sandbox.post(f"chats/{CLOSED}/links", join_request=True)["invite_link"]
        payer, guest = self.bought(7206, "Asker"), self.stage.person(7293, "Guest")
        self.invite(payer)
        payer.join(link)
        wait("the payer to be let in", lambda: payer.standing(CLOSED) == "member", 60)
        guest.join(link)
        guest.hear("asked to be let in")
        self.assertEqual(guest.standing(CLOSED), "left")
        guest.take_offer(lambda: guest.press("days", OPEN))
        guest.pay()
        wait("the request to be approved once it is paid for", lambda: guest.standing(CLOSED) == "member", 60)

    def test_7_at_the_end_members_go_and_administrators_stay(self):
        stays, gone, member = self.entered(7207, "Admin"), self.entered(7208, "Leaver"), self.entered(7209, "Member")
        self.world.sandbox.post(f"chats/{CLOSED}/rights", user_id=stays.user, status="administrator")
        gone.leave(CLOSED)
        for one in (stays, gone, member):
            one.read_all()
        self.stage.advance("31d", "past the end")
        wait("the member to be removed", lambda: member.standing(CLOSED) == "left", 60)
        for one in (stays, gone, member):
            wait(f"{one.name}'s end", lambda: self.row(one)["status"] == "expired")
        for one in (gone, member):
            one.hear("has ended")
        wait("the administrator to be found exempt", lambda: self.row(stays)["access"] == "exempt", 60)
        self.assertEqual(stays.standing(CLOSED), "administrator")
        wait("the leaver to be done with", lambda: self.row(gone)["access"] == "removed", 60)
        self.assertEqual(gone.standing(CLOSED), "left", "and not banned")
        # Whoever was removed can come back: no ban was left behind.
        again = self.bought(7209, "Member")
        again.join(again.url("the invite", "t.me/+"))
        self.assertEqual(again.standing(CLOSED), "member")

    def test_8_rights_lost_at_the_end_are_told_and_made_up_for(self):
        member = self.entered(7210, "Late")
        self.olga.read_all()
        self.world.sandbox.post(f"chats/{CLOSED}/rights", can_restrict_members=False)
        self.stage.advance("31d", "past the end")
        self.olga.hear("⚠️", "Slow Cooking")
        self.assertEqual(member.standing(CLOSED), "member")
        for tries in range(2, 9):  # At growing distance: by then it is half an hour.
            self.stage.advance("2h", "they are tried again")
            wait(f"try {tries}", lambda: self.row(member)["tries"] >= tries, 60)
        failures = f"SELECT count(*) FROM failed_transaction WHERE entity_id = '{OPEN}:7210' AND resolved_at IS NULL"
        self.assertEqual(self.world.database.sql(failures).strip(), "1")
        self.world.sandbox.post(f"chats/{CLOSED}/rights", can_restrict_members=True)
        # Nobody's clock moves on: the news itself wakes who waits.
        wait("the member to be removed after all", lambda: member.standing(CLOSED) == "left", 90)
        wait("the failure to leave the list", lambda: self.world.database.sql(failures).strip() == "0", 60)

    def test_9_who_has_paid_by_two_doors_stays_until_both_are_shut(self):
        second = -1001000000920
        self.world.sandbox.post("chats", id=second, type="channel", title="Second Door", creators=[OWNER])
        with open(self.world.path("channel.json")) as file:
            terms = json.load(file)
        with open(self.world.path("second.json"), "w") as file:
            json.dump(terms | {"open_channel_id": second, "closed_channel_id": CLOSED, "open_title": "Second Door", "closed_title": "Slow Cooking (members)",
                               "tiers": [{"price_usd": "60", "days": 90}]}, file)
        self.world.ctl("channels", "add", "--file", self.world.path("second.json"), "--reason", "test")
        person = self.entered(7211, "Doubled")
        person.take_offer(lambda: person.press("90 days", second))
        person.pay()

        # They are in already: the second link stays unused.
        second_access = f"SELECT concat_ws(' ', status, access) FROM subscription WHERE id = '{second}:7211'"
        wait("the second access", lambda: self.world.database.sql(second_access).strip() == "active invited", 60)
        person.read_all()
        self.stage.advance("31d", "past the end of the first")
        wait("the first to be over", lambda: self.row(person)["status"] == "expired" and self.row(person)["access"] == "exempt", 60)
        self.assertEqual(person.standing(CLOSED), "member")
        self.assertEqual([m for m in person.messages(after=person.read_up_to) if "has ended" in m["text"]], [])
        self.stage.advance("60d", "past the end of the second")
        wait("the second to put them out", lambda: person.standing(CLOSED) == "left", 60)
        person.hear("has ended")


if __name__ == "__main__":
    unittest.main(verbosity=2)
