"""The bot as people use it: an owner registers a channel by the form, moves the payout address, sends words of their own; somebody donates by the
keypad; a form outlives SIGKILL; updates come by a webhook as well as by polling."""
import secrets
import signal
import unittest

from scenario import WorldTest, fetch, wait
from people import Stage  # Found by the path that scenario sets.

OLGA, SAM, DAN = 7301, 7302, 7303
OPEN, CLOSED = -1007300000001, -1007300000002


class bot(WorldTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stage = Stage(cls.world)
        cls.olga, cls.sam, cls.dan = (cls.stage.person(*who) for who in ((OLGA, "Olga"), (SAM, "Sam"), (DAN, "Dan")))
        cls.world.sandbox.post("chats", id=OPEN, type="channel", title="Fresh Fish", username="fresh_fish", creators=[OLGA])
        cls.world.sandbox.post("chats", id=CLOSED, type="channel", title="Fishers <only>", creators=[OLGA])
        cls.first, cls.second = ("0x" + secrets.token_hex(20) for _ in range(2))

    def fill(self, who, line, text, **more):
        """Presses a line of the form, waits for its question, and writes the answer."""
        who.press(line)
        who.button("« Back")
        who.act("send", text=text, **more)
        who.hear("is noted")
        who.button("Save all changes")
        who.read_all()

    def channel(self):
        return self.world.ctl("show", "channel", str(OPEN))["row"]

    def fill_form(self, who):
        who.say("/channels")
        who.press("Register a channel")
        self.fill(who, "Public channel", "@fresh_fish")
        self.fill(who, "Private channel", "here it is", forward_from=CLOSED)
        self.fill(who, "^Price$", "12.50")
        self.fill(who, "Coin and network", "eth eth")
        self.fill(who, "^Address$", self.first)

    def test_1_an_owner_registers_a_channel_by_the_form(self):
        self.fill_form(self.olga)
        self.olga.press("Save all changes")
        wait("the word that it is done", lambda: any("is registered" in m["text"] for m in self.olga.messages()))
        row = wait("the offer", lambda: self.channel() if self.channel()["status"] == "offered" else None)
        self.assertEqual((row["owner_user_id"], row["closed_channel_id"], row["open_title"], row["closed_title"], row["tier_1_price_usd"], row["payout_address"]),
                         (OLGA, CLOSED, "Fresh Fish", "Fishers <only>", "12.5", self.first))
        offer = wait("the post", lambda: next((m for m in self.world.sandbox.get(f"chats/{OPEN}/messages") if m["buttons"]), None))
        self.assertIn("$12.50", offer["buttons"][0]["text"])

    def test_2_nobody_registers_what_is_not_theirs(self):
        self.fill_form(self.sam)
        self.sam.press("Save all changes")
        wait("the reason", lambda: any("You are no administrator of the public channel" in m["text"] for m in self.sam.messages()))
        self.assertEqual(self.channel()["owner_user_id"], OLGA)
        self.sam.press("Discard")
        wait("the end of the form", lambda: self.world.database.sql(f"SELECT count(*) FROM channel_draft WHERE open AND conversation_id = '{SAM}'").strip() == "0")

    def test_3_a_donation_by_the_keypad_reaches_the_owner_with_its_message(self):
        self.olga.read_all()
        self.dan.say("/donate")
        self.dan.press("Fishers")
        self.dan.press("Another amount")
        for key in ("^1$", "^2$", r"^\.$", "^5$"):
            self.dan.press(key)
        wait("the amount", lambda: any("$12.5\n" in m["text"] for m in self.dan.messages()))
        self.dan.press("Confirm")
        self.dan.button("Send without a message")
        self.dan.say("for the fish <3")
        self.dan.pay()
        told = self.olga.hear("New Donation Received!", "for the fish <3")
        self.assertIn("Dan", told["text"])
        self.dan.hear("Thank you!")
        row = self.world.ctl("show", "payment", self.dan.order)["row"]
        self.assertEqual((row["price_usd"], row["donation_message"]), ("12.5", "for the fish <3"))

    def test_4_another_payout_address_is_confirmed_and_waits(self):
        self.olga.say("/channels")
        self.olga.press("✏️ Fresh Fish")
        self.fill(self.olga, "^Address$", self.second)
        self.olga.press("Save all changes")
        self.olga.press("✅ Confirm")
        wait("the confirmation", lambda: self.channel()["change_confirmed"])
        self.assertEqual(self.channel()["payout_address"], self.first)
        self.world.sandbox.post("clock", advance="25h")
        wait("the change", lambda: self.channel()["payout_address"] == self.second)
        self.olga.hear("go to another address now", fresh=False)

    def test_5_figures_and_words_of_ones_own(self):
        self.olga.say("/stats")
        self.assertIn("of them donations: 1", self.olga.hear("Fresh Fish", "Came in")["text"])
        self.olga.say("/broadcast")
        self.olga.press("📣 Fresh Fish")
        self.olga.hear("Write what you want to send", fresh=False)
        self.olga.say("Herring <today> & tomorrow")
        self.olga.press("To the public channel")
        wait("the post", lambda: any("Herring <today> & tomorrow" in m["text"] for m in self.world.sandbox.get(f"chats/{OPEN}/messages")))

    def test_51_a_promo_code_is_set_by_its_owner_used_and_disabled(self):
        self.olga.say("/channels")
        self.olga.press("✏️ Fresh Fish")
        self.olga.press("Promo codes")
        self.olga.press("New code")
        wait("the question", lambda: any("Write the code in one line" in m["text"] for m in self.olga.messages()))
        self.olga.say("herring 120%")
        self.olga.hear("is no share")
        self.olga.say("herring 20% 5 2099-12-31")
        self.olga.hear("HERRING can be used now", "20% off, used 0 of 5 times", "until 2100-01-01")
        self.assertEqual(self.world.database.sql("SELECT count(*) FROM promo_code WHERE code = 'HERRING' AND percent = 20 AND uses_max = 5").strip(), "1")

        def offer(name):
            name.press("$12.50", OPEN)
            name.button("I have a code")
            name.read_all()
            name.press("I have a code")
            name.hear("Which code do you have")
            name.say("herring")
        offer(self.sam)
        self.sam.hear("$10.00 with the code HERRING")
        wait("the button", lambda: any("Disable HERRING" in b["text"] for m in self.olga.messages() for b in m["buttons"]))
        message, button = self.olga.button("Disable HERRING")
        self.olga.push(message, button)
        wait("the word that it is disabled", lambda: any("Nobody can use HERRING from now on" in m["text"] for m in self.olga.messages()))
        offer(self.dan)
        self.dan.hear("this code is no longer valid")

    def test_6_a_form_outlives_sigkill(self):
        self.sam.say("/channels")
        self.sam.press("Register a channel")
        self.fill(self.sam, "Description", "Sam's <own>")
        self.assertEqual(self.world.paygated.end(signal.SIGKILL), -signal.SIGKILL)
        self.world.start_daemon()
        self.sam.say("/channels")
        self.sam.press("Go on with what is not saved")
        wait("the draft", lambda: any("Sam's <own>" in m["text"] for m in self.sam.messages()[-1:]))
        state = self.world.database.sql(f"SELECT conversation_type FROM legacy.conversation_state WHERE user_id = {SAM}").strip()
        self.assertEqual(state, "database")


class webhook(WorldTest):
    settings = {"telegram": {"mode": '"webhook"'}}

    def test_1_updates_come_by_the_webhook(self):
        person = Stage(self.world).person(DAN, "Dan")
        wait("the webhook to be set", lambda: self.world.database.sql("SELECT status FROM poller").strip() == "webhook")
        person.say("/help")
        person.hear("I sell access")
        person.say("/donate")
        person.hear("Whom do you want to donate to?")
        self.assertEqual(fetch(self.world.daemon_url + "/telegram-webhook", b'{"update_id":1}', {"Content-Type": "application/json"})[0], 401)

    def test_2_and_are_polled_again_when_the_settings_say_so(self):
        self.assertEqual(self.world.paygated.end(), 0)
        self.world.write_settings({})
        self.world.start_daemon()
        wait("the webhook to be gone", lambda: self.world.database.sql("SELECT status FROM poller").strip() == "polling")
        person = Stage(self.world).person(DAN, "Dan")
        person.say("/stats")
        person.hear("You have no channel here yet")


if __name__ == "__main__":
    unittest.main(verbosity=2)
