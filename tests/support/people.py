"""People in the sandbox's Telegram: what they do, what they see, and each chat as it looks to them. A Person waits for what they need to see;
a Stage keeps who is there and prints the chats."""
import datetime
import re
import textwrap
import unicodedata

from harness import Unexpected, wait

WIDTH, BUBBLE = 100, 72


def clock(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%d %b %H:%M")


def wide(text):
    """How many columns a terminal gives it."""
    return sum(0 if unicodedata.combining(c) or c == "\ufe0f" else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def bubble(message):
    """A message as lines: in a box, with its time and its buttons; the bot's at the left, the person's at the right."""
    mine = message["from"] == "bot"
    text = message["text"] if mine else re.sub(r"^(/start) \S{20,}$", r"\1  (the link's payload)", message["text"])
    lines = [piece for line in text.split("\n") for piece in textwrap.wrap(line, BUBBLE, break_long_words=False) or [""]]
    width = max(wide(line) for line in lines)
    when = clock(message["date"]) + (", edited" if message["edited"] else "") + (", deleted" if message["deleted"] else "")
    width = max(width, wide(when) + 2)
    box = ["╭" + "─" * (width + 2) + "╮"] + [f"│ {line}{' ' * (width - wide(line))} │" for line in lines]
    box.append("╰" + "─" * (width - wide(when)) + " " + when + " ╯")
    rows = {}
    for button in message["buttons"]:
        rows.setdefault(button["row"], []).append("[ " + button["text"] + (" ]" if "callback_data" in button else " ↗ ]"))
    box += ["  " + " ".join(row) for row in rows.values()]
    return box if mine else [" " * max(0, WIDTH - width - 4) + line for line in box]


class Person:
    """A Telegram user. `limit` is how long they wait for the bot."""

    def __init__(self, stage, user, name, limit=60):
        self.stage, self.world, self.user, self.name, self.limit = stage, stage.world, user, name, limit
        self.read_up_to = 0  # What they have read: `hear` looks for something newer.

    # What they do

    def act(self, verb, **wish):
        return self.world.sandbox.post(f"users/{self.user}/{verb}", first_name=self.name, **wish)

    def say(self, text):
        self.read_all()
        return self.act("send", text=text)

    def open(self, url):
        self.read_all()
        return self.act("open", url=url)

    def press(self, label, chat=None):
        """Presses the newest button whose label contains this (or is matched by this pattern), once there is one."""
        message, button = self.button(label, chat)
        self.read_all()
        self.stage.note(chat or self.user, f"{self.name} presses [{button['text']}]")
        pick = {"data": button["callback_data"]} if "callback_data" in button else {"text": button["text"]}
        more = {"chat_id": chat} if chat else {}
        return self.act("press", message_id=message["message_id"], **pick, **more)

    def join(self, link):
        came = self.act("join", link=link)
        self.stage.note(came["chat_id"], f"{self.name} {'asks to be let in' if came['result'] == 'requested' else 'joins by the link'}")
        return came

    def leave(self, chat):
        self.act("leave", chat_id=chat)
        self.stage.note(chat, f"{self.name} leaves")

    def block(self):
        self.act("block")
        self.stage.note(self.user, f"{self.name} blocks the bot")

    # What they see

    def messages(self, chat=None, after=0):
        path = f"users/{self.user}/messages" if chat is None else f"chats/{chat}/messages"
        return [m for m in self.world.sandbox.get(f"{path}?after={after}") if m["from"] == "bot"]

    def read_all(self):
        self.read_up_to = max([m["message_id"] for m in self.messages()] + [self.read_up_to])

    def hear(self, *words, limit=None, fresh=True):
        """The first bot message that has all the words, of those they have not read yet (or of all)."""
        after = self.read_up_to if fresh else 0
        def look():
            return next((m for m in self.messages(after=after) if all(w.lower() in m["text"].lower() for w in words)), None)
        try:
            return wait(f"{self.name} to hear: {', '.join(words)}", look, limit or self.limit)
        except Unexpected as error:
            raise Unexpected(f"{error}\n{self.stage.chat(self.user, self.name)}") from None

    def button(self, label, chat=None):
        """(message, button) of the newest message with such a button."""
        pattern = re.compile(label if label.startswith("^") else re.escape(label), re.I)
        def look():
            return next(((m, b) for m in reversed(self.messages(chat)) for b in m["buttons"] if pattern.search(b["text"])), None)
        try:
            return wait(f"{self.name} to see a button {label!r}", look, self.limit)
        except Unexpected as error:
            raise Unexpected(f"{error}\n{self.stage.chat(chat or self.user, self.name)}") from None

    def find_url(self, part, after=0):
        """The newest button's or text's address that contains this."""
        for message in reversed(self.messages(after=after)):
            for button in message["buttons"]:
                if part in button.get("url", ""):
                    return button["url"]
            found = re.search(r"https?://\S*" + re.escape(part) + r"\S*", message["text"])
            if found:
                return found.group()
        return None

    def url(self, what, part, fresh=True):
        """Such an address once it is there, in what they have not read yet (or in all)."""
        after = self.read_up_to if fresh else 0
        try:
            return wait(f"{self.name} to get {what}", lambda: self.find_url(part, after), self.limit)
        except Unexpected as error:
            raise Unexpected(f"{error}\n{self.stage.chat(self.user, self.name)}") from None

    def standing(self, chat):
        """member, left, kicked, ... in that chat."""
        members = self.world.sandbox.get(f"chats/{chat}/members")["members"]
        return next((m["status"] for m in members if m["user_id"] == self.user), "left")

    # The steps of a purchase

    def pay(self, fraction=None, **wish):
        """Pays the newest pay link they have."""
        link = self.url("the pay link", "/pay/")
        invoice = int(link.rsplit("/", 1)[1])
        self.order = next(i["order_id"] for i in self.world.sandbox.get("invoices") if str(i["id"]) == str(invoice))
        self.read_all()
        self.stage.note(self.user, f"{self.name} pays on NOWPayments' page")
        return self.world.sandbox.post(f"invoices/{invoice}/pay", **({"status": "finished"} | wish))

    def buy(self, channel, label="day"):
        """From the offer in the open channel to the payment."""
        self.press(label, channel)
        self.press("Pay")
        return self.pay()


class Stage:
    """The chats of a play, and what was done in them that leaves no message."""

    def __init__(self, world):
        self.world, self.notes = world, {}

    def person(self, user, name, **more):
        return Person(self, user, name, **more)

    def messages(self, chat):
        return self.world.sandbox.get(f"chats/{chat}/messages?all=1")

    def note(self, chat, text):
        last = max([m["message_id"] for m in self.messages(chat)] + [0])
        self.notes.setdefault(chat, []).append((last, text))

    def advance(self, span, what=""):
        """Moves business time on, for all parts."""
        now = self.world.sandbox.post("clock", advance=span)["now"]
        self.say(f"   ... {span} later: {now[:10]} {now[11:16]} UTC{'  ' + what if what else ''}")

    @staticmethod
    def say(line):
        print(line, flush=True)

    def chat(self, chat, title):
        """The chat as text: the bot's bubbles at the left with their buttons, the person's at the right, what happened in between."""
        lines, notes = [f"\n== {title} " + "=" * max(0, WIDTH - len(title) - 4)], list(self.notes.get(chat, []))
        for message in self.messages(chat):
            while notes and notes[0][0] < message["message_id"]:
                lines.append(f"{'· ' + notes.pop(0)[1] + ' ·':^{WIDTH}}")
            lines += bubble(message)
        return "\n".join(lines + [f"{'· ' + text + ' ·':^{WIDTH}}" for _, text in notes])

    def show(self, *chats):
        """Prints chats given as (chat id, title)."""
        for chat, title in chats:
            self.say(self.chat(chat, title))
