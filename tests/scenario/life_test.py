#!/usr/bin/env python3
"""The life of a subscription in a minute of shortened time, with real parts: an owner registers a channel by the form; offer -> start -> pay ->
join -> reminders -> renew -> expiry -> removed -> back; a donation with the keypad; a broadcast. Prints the chats as the people in them see
them; `deploy/life` builds first."""
import re
import unittest

from scenario import World, fetch, wait
from people import Stage  # Found by the path that scenario sets.

OLGA, ANN, BEN, CLEO = 7001, 7101, 7102, 7103
OPEN, CLOSED = -1001000000510, -1001000000511
WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


class life(unittest.TestCase):
    """The scenes follow each other: the names' order is the play's."""

    @classmethod
    def setUpClass(cls):
        cls.world, cls.failed = World(channels=False), False
        cls.stage = Stage(cls.world)
        person = cls.stage.person
        cls.olga, cls.ann, cls.ben, cls.cleo = person(OLGA, "Olga"), person(ANN, "Ann"), person(BEN, "Ben"), person(CLEO, "Cleo")
        for chat, title in ((OPEN, "Night Traders"), (CLOSED, "Night Traders Club")):
            cls.world.sandbox.post("chats", id=chat, type="channel", title=title, creators=[OLGA])

    @classmethod
    def tearDownClass(cls):
        try:
            cls.stage.show((OPEN, "Night Traders, the open channel"), (OLGA, "Olga, the owner, and the bot"), (ANN, "Ann and the bot"),
                           (BEN, "Ben, who donates, and the bot"), (CLEO, "Cleo and the bot"), (CLOSED, "Night Traders Club, the closed channel"))
        finally:
            cls.world.close(failed=cls.failed)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self).failed = True

    def say(self, line):
        self.stage.say(f"   {line}")

    def subscription(self, person):
        return self.world.ctl("show", "subscription", f"{OPEN}:{person.user}")["row"]

    def enter(self, person):
        """Joins by the newest invite; the link is then worth nothing any more."""
        link = person.url("the invite", "t.me/+", fresh=False)
        person.join(link)
        def revoked():
            return next(one["is_revoked"] for one in self.world.sandbox.get(f"chats/{CLOSED}/members")["links"] if one["invite_link"] == link)
        wait("the used invite to be revoked", revoked, 60)
        return link

    def fill_the_form(self):
        """Line by line, with two slips of the pen; each line waits for its question, each answer for what the form says to it."""
        olga = self.olga
        olga.press("Register a channel")
        for line, answers in (("^Public channel$", [("Good evening, traders.", "is noted", {"forward_from": OPEN})]),
                              ("^Private channel$", [(str(CLOSED), "is noted", {})]),
                              ("^Private title$", [("Night Traders Club", "is noted", {})]),
                              ("^Description$", [("Signals before dawn, <every> day & night.", "is noted", {})]),
                              ("^Price$", [("thirty", "is no price", {}), ("30", "is noted", {})]),
                              ("^Coin and network$", [("eth eth", "is noted", {})]),
                              ("^Address$", [(WALLET.replace("A", "a"), "checksum", {}), (WALLET, "is noted", {})])):
            olga.press(line)
            olga.button("^« Back$")
            for text, said, more in answers:
                olga.read_all()
                olga.act("send", text=text, **more)
                olga.hear(said)
        olga.press("Save all changes")
        wait("the channel to be registered", lambda: [m for m in olga.messages() if "is registered" in m["text"]], 60)

    def write_to_all(self, text):
        olga = self.olga
        olga.say("/broadcast")
        olga.press("📣 Night Traders")
        olga.hear("Write what you want to send", fresh=False)
        olga.say(text)
        olga.press("To every subscriber")

    def type_amount(self, person, amount):
        person.press("Another amount")
        person.button("^✅ Confirm$")
        for key in amount:
            person.press(f"^{re.escape(key)}$")
        wait("the keypad to show it", lambda: [m for m in person.messages() if f"${amount}" in m["text"]], 60)
        person.press("^✅ Confirm$")
        person.button("Send without a message")
        person.say("For the coffee & the <charts>!")

    def test_1_the_owner_registers_a_channel_by_the_form(self):
        self.say("Olga registers her channel by the form of /channels")
        olga = self.olga
        olga.say("/start")
        olga.hear("")
        olga.say("/channels")
        self.fill_the_form()
        wait("the offer in the open channel", lambda: [m for m in self.stage.messages(OPEN) if m["buttons"]], 60)

    def test_2_offer_start_pay_join(self):
        self.say("Ann follows the offer, pays and joins")
        self.ann.buy(OPEN, "30 days")
        self.ann.hear("payment is confirmed")
        self.enter(self.ann)
        self.assertEqual(self.ann.standing(CLOSED), "member")
        self.olga.hear("New Subscription Payment Received", fresh=False)
        type(self).ends = self.subscription(self.ann)["ends_at"]

    def test_3_reminders_and_renewal(self):
        ann = self.ann
        ann.read_all()
        self.stage.advance("650h", "71 hours before the end")
        ann.hear("Night Traders Club", "renew")
        ann.read_all()
        self.stage.advance("48h", "23 hours before the end")
        ann.hear("Night Traders Club", "renew")
        self.say("Ann renews by the button")
        ann.press("renew")
        ann.press("30 days")
        ann.press("^Pay")
        ann.pay()
        wait("the new end", lambda: self.subscription(ann)["ends_at"] > self.ends, 60)
        self.assertEqual(self.subscription(ann)["ends_at"][:10], shifted(self.ends, 30)[:10], "from the current end, not from the payment")
        self.assertEqual(ann.standing(CLOSED), "member", "she was in all the time")

    def test_4_expiry_and_removal(self):
        ann = self.ann
        ann.read_all()
        self.stage.advance("54h", "past the first end: Ann stays")
        self.assertEqual(ann.standing(CLOSED), "member")
        self.stage.advance("720h", "past the second end")
        wait("Ann to be removed", lambda: ann.standing(CLOSED) == "left", 60)
        self.stage.note(CLOSED, "Ann is removed, not banned")
        ann.hear("Night Traders Club", "ended")
        self.assertEqual(self.subscription(ann)["status"], "expired")

    def test_5_back_again(self):
        self.say("Ann comes back by the renew button of the last message")
        ann = self.ann
        ann.press("renew")
        ann.press("30 days")
        ann.press("^Pay")
        ann.pay()
        ann.hear("payment is confirmed")
        self.enter(ann)
        self.assertEqual(ann.standing(CLOSED), "member")
        self.assertEqual(self.subscription(ann)["status"], "active")

    def test_6_a_donation_with_the_keypad(self):
        self.say("Ben donates by the keypad")
        ben = self.ben
        ben.press("Donate", OPEN)
        self.type_amount(ben, "12.50")
        ben.pay()
        ben.hear("12.50", "come in")
        self.olga.hear("New Donation Received", "12.50", fresh=False)

    def test_7_a_broadcast(self):
        self.say("Cleo subscribes; Olga writes to all subscribers")
        cleo = self.cleo
        cleo.buy(OPEN, "30 days")
        self.enter(cleo)
        for one in (self.ann, cleo, self.olga):
            one.read_all()
        self.write_to_all("The market opens an hour earlier tomorrow.")
        for one in (self.ann, cleo):
            one.hear("The market opens an hour earlier tomorrow.")
        self.assertIn("Sent: 2", self.olga.hear("Broadcast finished")["text"])
        self.assertFalse([m for m in self.ben.messages() if "an hour earlier" in m["text"]], "a donor is no subscriber")

    def test_8_the_books_close(self):
        done = "SELECT count(*) FROM payment WHERE status = 'paid'"
        wait("all payments to be settled", lambda: self.world.database.sql(done) == "5", 60)
        self.world.check_books()
        self.assertEqual(fetch(self.world.daemon_url + "/health")[0], 200)


def shifted(moment, days):
    import datetime
    return (datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")) + datetime.timedelta(days=days)).isoformat()


if __name__ == "__main__":
    unittest.main(verbosity=2, failfast=True)
