"""The bot against somebody else's Bot API: npm's telegram-test-api instead of our sandbox, so that the two cannot share a misreading. It knows
messages, keyboards, callbacks and polls; it knows no channels' members and no invite links, so the play ends with the payment, and with an
invite that is owed visibly. NOWPayments and the chain are as in the other tests."""
import json
import subprocess
import tempfile
import unittest

from scenario import DIRECT_CHANNEL, OWNER, ROOT, Buyer, Child, WorldTest, fetch, free_port, wait

PERSON, NAME = 7301, "Ann <b>& Co"


class Emulator:
    """telegram-test-api in its own process, and what a person does in it."""

    def __init__(self, log):
        folder = subprocess.run([ROOT / "tests/support/telegram-emulator-path"], check=True, capture_output=True, text=True).stdout.strip()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.child = Child("emulator", ["node", folder + "/serve.js", str(port)], log)
        self.token = None
        wait("the emulator", lambda: self.call("bot1:x/getMe"), 60)

    def call(self, path, **body):
        status, _, answer = fetch(f"{self.url}/{path}", json.dumps(body), {"Content-Type": "application/json"})
        if status != 200:
            raise AssertionError(f"{path}: {status} {answer!r}")
        return json.loads(answer)["result"]

    def person(self, user):
        return {"from": {"id": user, "first_name": NAME, "is_bot": False}, "chat": {"id": user, "first_name": NAME, "type": "private"}}

    def type(self, user, text):
        word = text.split(" ")[0]
        entities = [{"offset": 0, "length": len(word), "type": "bot_command"}] if word.startswith("/") else []
        self.call("sendCommand", botToken=self.token, date=0, text=text, entities=entities, **self.person(user))

    def press(self, user, shown, data):
        message = self.person(user) | {"message_id": shown["messageId"], "text": shown["message"]["text"]}
        self.call("sendCallback", botToken=self.token, data=data, message=message, **{"from": self.person(user)["from"]})

    def shown(self, chat):
        """What the bot wrote there, oldest first."""
        history = self.call("getUpdatesHistory", token=self.token)
        return [h for h in history if str(h.get("message", {}).get("chat_id")) == str(chat)]

    def see(self, what, chat, wanted, limit=60):
        """The newest message there with a button that is wanted, and that button."""
        def look():
            return next(((m, b) for m in reversed(self.shown(chat)) for row in m["message"].get("reply_markup", {}).get("inline_keyboard", [])
                         for b in row if wanted(b)), None)
        return wait(what, look, limit)


class emulator(WorldTest):
    @classmethod
    def setUpClass(cls):
        cls.log = tempfile.NamedTemporaryFile(prefix="paygate-emulator-")
        cls.telegram = Emulator(cls.log.name)
        cls.settings = {"telegram": {"base_url": f'"{cls.telegram.url}"'}}
        try:
            super().setUpClass()
        except BaseException:
            cls.telegram.child.end()
            raise
        cls.telegram.token = cls.world.secret_value("TELEGRAM_BOT_TOKEN")

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.telegram.child.end()

    def test_1_offer_start_and_pay_button_lead_to_the_pay_link(self):
        telegram, world = self.telegram, self.world
        offer, button = telegram.see("the offer", DIRECT_CHANNEL, lambda b: "start=" in b.get("url", ""))
        self.assertIn("Slow Cooking", offer["message"]["text"])
        self.assertTrue(button["url"].startswith("https://t.me/TestNameBot?start="), "by the name that getMe answered: " + button["url"])
        telegram.type(PERSON, "/start " + button["url"].split("start=")[1])
        shown, button = telegram.see("the Pay button", PERSON, lambda b: "callback_data" in b)
        telegram.press(PERSON, shown, button["callback_data"])
        _, button = telegram.see("the pay link", PERSON, lambda b: "/pay/" in b.get("url", ""))
        buyer = type(self).buyer = Buyer(world, PERSON)
        buyer.invoice = int(button["url"].rsplit("/", 1)[1])
        buyer.order = next(i["order_id"] for i in world.sandbox.get("invoices") if str(i["id"]) == str(buyer.invoice))

    def test_2_the_payment_grants_its_subscription_and_the_invite_is_owed_visibly(self):
        self.buyer.pay()
        wait("the subscription", lambda: self.world.ctl("show", "subscription", f"{DIRECT_CHANNEL}:{PERSON}")["row"]["status"] == "active")
        self.buyer.wait_payout()
        self.assertEqual(self.buyer.row()["invite_link"], "")

        def owed():
            live = self.world.ctl("show", "payment", self.buyer.order).get("live") or {}
            return next((e for e in live.get("effects", []) if "invite" in json.dumps(e) and e["attempts"] > 0), None)
        self.assertIn("500", json.dumps(wait("the invite to be owed with its failure", owed)), "the emulator knows no invite links")

    def test_3_the_owner_is_told_with_an_escaped_name(self):
        told = wait("the owner to be told", lambda: [m["message"] for m in self.telegram.shown(OWNER) if "Payment Received" in m["message"]["text"]])
        self.assertEqual(told[0]["parse_mode"], "HTML")
        self.assertIn("Ann &lt;b&gt;&amp; Co", told[0]["text"])

    def test_4_words_and_forged_links_get_an_answer(self):
        for text in ("/start forged-payload", "hello"):
            before = len(self.telegram.shown(PERSON))
            self.telegram.type(PERSON, text)
            wait("an answer to " + text, lambda: [m for m in self.telegram.shown(PERSON)[before:] if "text" in m["message"] and "from" not in m["message"]])


if __name__ == "__main__":
    unittest.main(verbosity=2)
