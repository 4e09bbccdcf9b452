"""Webhook mode, end to end: the daemon tells Telegram where updates are wanted and with which secret; a purchase works by it; forged updates do not;
what came while the daemon was away is delivered; and back to polling."""
import json
import unittest

from scenario import DIRECT_CHANNEL, Buyer, WorldTest, fetch, wait


class webhook(WorldTest):
    settings = {"telegram": {"mode": '"webhook"'}}

    def info(self):
        """getWebhookInfo, as the bot's owner may ask for it."""
        token = self.world.secret_value("TELEGRAM_BOT_TOKEN")
        return json.loads(fetch(f"{self.world.sandbox.url}/telegram/bot{token}/getWebhookInfo", "{}", {"Content-Type": "application/json"})[2])["result"]

    def push(self, body, **headers):
        return fetch(self.world.daemon_url + "/telegram-webhook", body if isinstance(body, str) else json.dumps(body),
                     {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()})[0]

    def update(self, number, user, text="/start"):
        who = {"id": user, "first_name": "Mallory", "is_bot": False}
        return {"update_id": number, "message": {"message_id": 1, "date": 1, "from": who, "chat": who | {"type": "private"}, "text": text}}

    def test_1_telegram_is_told(self):
        told = wait("the webhook to be set", lambda: (lambda i: i if i["url"] else None)(self.info()))
        self.assertEqual(told["url"], self.world.daemon_url + "/telegram-webhook")
        self.assertLessEqual({"message", "callback_query", "chat_member", "my_chat_member", "chat_join_request"}, set(told["allowed_updates"]))

    def test_2_a_purchase_by_webhook(self):
        Buyer(self.world, 7401, DIRECT_CHANNEL).buy()

    def test_3_forged_updates_do_nothing(self):
        secret = {"X_Telegram_Bot_Api_Secret_Token": "0" * 64}
        self.assertEqual(self.push(self.update(10**9, 7490)), 401)
        self.assertEqual(self.push(self.update(10**9, 7490), **secret), 401)
        good = {"X_Telegram_Bot_Api_Secret_Token": self.world.secret_value("TELEGRAM_WEBHOOK_SECRET")}
        self.assertIn(self.push("{", **good), (400, 200), "no JSON: never a 5xx, which Telegram would repeat for a day")
        self.assertEqual(self.world.database.sql("SELECT count(*) FROM conversation WHERE chat_id = 7490"), "0")

    def test_4_an_update_counts_once_and_those_of_an_outage_come_later(self):
        buyer = Buyer(self.world, 7402, DIRECT_CHANNEL)
        self.assertEqual(self.world.paygated.end(), 0)
        self.world.sandbox.post("users/7402/send", text="/start")
        self.world.start_daemon()
        wait("an answer to what was said while it was away", lambda: len(buyer.messages()) == 1, 90)
        good = {"X_Telegram_Bot_Api_Secret_Token": self.world.secret_value("TELEGRAM_WEBHOOK_SECRET")}
        last = int(self.world.database.sql("SELECT last_update_id FROM conversation WHERE chat_id = 7402"))
        self.assertEqual(self.push(self.update(last, 7402), **good), 200)
        buyer.buy()
        starts = [m for m in buyer.messages() if "/subscriptions" in m["text"]]
        self.assertEqual(len(starts), 1, "the repeated update was answered once")

    def test_5_back_to_polling(self):
        self.assertEqual(self.world.paygated.end(), 0)
        self.world.write_settings({"telegram": {"mode": '"polling"'}})
        self.world.start_daemon()
        Buyer(self.world, 7403, DIRECT_CHANNEL).get_invoice()
        self.assertEqual(self.info()["url"], "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
