"""Worlds in which value gathers: a USDT token on the chain, channels of both strategies, and the account of where every unit went."""
import collections
import decimal
import json
import secrets

import usdt_token
from harness import GAS_FLOAT_WEI, OWNER, RICH, Unexpected, World, wait

decimal.getcontext().prec = 80
D = decimal.Decimal
FINAL = "('completed', 'cancelled', 'failed', 'needs_attention')"


# Value in progress, and in whose hand it is: how that came to its end, and what was said to it last.
IN_A_HAND = """SELECT a.payment_id, a.channel_id, a.status, a.net_usd, a.payout_id, p.status AS payout, a.conversion_id, c.status AS conversion,
  (SELECT string_agg(t.version || ' ' || t.at::time(3) || ' ' || t.message || ' -> ' || t.to_status || ' ' || t.note, '; ' ORDER BY t.version)
   FROM transition t WHERE (t.kind = 'payout' AND t.id = a.payout_id) OR (t.kind = 'conversion' AND t.id = a.conversion_id)) AS history
  FROM accrual a LEFT JOIN payout p ON p.id = a.payout_id LEFT JOIN conversion c ON c.id = a.conversion_id
  WHERE a.status IN ('converting', 'paying')"""

# What swaps, conversions and arrivals still hold when nothing is under way; each with the steps of whoever moved value there last.
LEFT_OVER = """SELECT b.account, b.currency, b.units, e.key, e.at, (SELECT string_agg(t.version || ' ' || t.at::time(3) || ' ' || t.message || ' -> '
    || t.to_status || ' ' || t.note, '; ' ORDER BY t.version) FROM transition t WHERE t.kind = e.kind AND t.id = e.entity_id AND t.version > e.version - 20) AS history
  FROM ledger_balance b CROSS JOIN LATERAL (SELECT l.* FROM ledger_posting p JOIN ledger_entry l ON l.id = p.entry WHERE p.account = b.account
    AND p.currency = b.currency ORDER BY l.id DESC LIMIT 1) e
  WHERE (b.account LIKE 'assets:swap:%' OR b.account LIKE 'liability:conversion:%' OR b.account = 'assets:incoming') AND b.units <> 0"""


class TokenWorld(World):
    """A world with a USDT-like token on its chain, whose first and only provider of it is the sandbox's exchange."""

    def write_settings(self, more, **where):
        return super().write_settings({"ethereum": {"chain_id": 31337, "usdt_contract": f'"{self.token}"'}} | more, **where)

    def sandbox_with_token(self):
        self.token = usdt_token.deploy(self.chain, RICH)
        return {"--usdt-token": self.token, "--usdt-treasury": RICH}

    def add(self, channel, title, ticker, network, strategy, threshold="0", price="30", address=None):
        """Registers a channel; answers the owner's address, a fresh one if none is given."""
        address = address or "0x" + secrets.token_hex(20)
        with open(self.path("channel.json"), "w") as file:
            json.dump({"open_channel_id": channel, "closed_channel_id": channel - 1, "open_title": title, "closed_title": title + " (members)",
                       "description": "A channel of the test.", "owner_chat_id": OWNER, "strategy": strategy, "threshold_usd": threshold,
                       "tiers": [{"price_usd": price, "days": 30}],
                       "payout": {"ticker": ticker, "network": network, "address": address}}, file)
        self.ctl("channels", "add", "--file", self.path("channel.json"), "--reason", "test")
        return address

    def usdt(self, address):
        return D(usdt_token.balance(self.chain, self.token, address)).scaleb(-6)

    def eth(self, address):
        return D(self.chain.balance(address)).scaleb(-18)

    def books(self, account, currency):
        found = [b["units"] for b in self.ctl("ledger", "balances") if b["account"] == account and b["currency"] == currency]
        return D(found[0]) if found else D(0)

    def number(self, query):
        return D(self.database.sql(query) or "0")

    def wait_quiet(self, threshold, limit=180):
        """Until nothing is under way, and nothing more can be started from what has gathered."""
        def quiet():
            return self.database.sql(
                f"SELECT (SELECT count(*) FROM payout WHERE status NOT IN {FINAL}) + (SELECT count(*) FROM conversion WHERE status NOT IN {FINAL})"
                " + (SELECT count(*) FROM wallet_transfer WHERE status NOT IN ('confirmed', 'reverted', 'dropped'))"
                " + (SELECT count(*) FROM deposit WHERE settled_at IS NOT NULL AND arrived_at IS NULL)"
                f" + (SELECT count(*) FROM (SELECT 1 FROM accrual WHERE status = 'pending' HAVING sum(net_usd) >= {threshold}) q)"
                " + (SELECT count(*) FROM (SELECT 1 FROM accrual a JOIN channel c ON c.id = a.channel_id::text WHERE a.status = 'converted'"
                "    AND c.strategy = 'threshold' GROUP BY c.id, c.threshold_usd HAVING sum(a.net_usdt) >= c.threshold_usd) q)"
                " + (SELECT count(*) FROM accrual a WHERE a.status = 'paying' AND NOT EXISTS (SELECT FROM payout p WHERE p.id = a.payout_id))"
            ) == "0"
        wait("everything to come to an end", quiet, limit, 0.3)


def sent_tokens(transaction, token):
    """(recipient, USDT) of a transaction that is a token transfer; else None."""
    data = transaction["input"]
    if (transaction["to"] or "").lower() != token or not data.startswith("0xa9059cbb"):
        return None
    return "0x" + data[34:74], D(int(data[74:138], 16)).scaleb(-6)


def check_transfers(world):
    """By the chain alone: one transaction per intent that was signed, each with its intent's recipient and value, no nonce left out. Answers how
    many there are."""
    sent = world.chain.sent_by(world.wallet)
    nonces = [int(t["nonce"], 16) for t in sent]
    if nonces != list(range(len(sent))):
        raise Unexpected(f"nonces with gaps: {nonces}")
    rows = world.database.rows("SELECT intent, recipient, value_eth::text, value_usdt::text, token, hash, status FROM wallet_transfer WHERE nonce >= 0")
    known = {r["hash"].lower(): r for r in rows}
    if len(rows) != len(sent) or set(known) != {t["hash"].lower() for t in sent}:
        raise Unexpected(f"{len(sent)} transactions on the chain for {len(rows)} intents")
    to = collections.Counter()
    for t in sent:
        row, tokens = known[t["hash"].lower()], sent_tokens(t, world.token)
        really = (tokens[0], D(0), tokens[1]) if tokens else (t["to"].lower(), D(int(t["value"], 16)).scaleb(-18), D(0))
        if really != (row["recipient"].lower(), D(row["value_eth"]), D(row["value_usdt"])):
            raise Unexpected(f"{row['intent']} sent {really}, not {row}")
        to[really[0]] += 1
    for kind in ("payout", "conversion"):
        for row in world.database.rows(f"SELECT id, payin_address FROM {kind} WHERE swap_id <> '' AND status = 'completed'"):
            if to[row["payin_address"].lower()] != 1:
                raise Unexpected(f"{kind} {row['id']}: {to[row['payin_address'].lower()]} deposits for its swap")
    bound = set(world.database.sql("SELECT swap_id FROM payout UNION SELECT swap_id FROM conversion").split())
    for swap in world.sandbox.get("swaps"):
        if swap["status"] == "finished" and swap["id"] not in bound:
            raise Unexpected(f"swap {swap['id']} was funded, but nobody knows it")
    return len(sent)


def check_owners(world, owners):
    """What each owner's address holds is what the payouts say: owners = {channel: (address, 'eth' | 'usdt' | None)}; None: not on our chain."""
    for channel, (address, coin) in owners.items():
        if coin is None:
            continue
        promised = world.number(f"SELECT sum(amount_out) FROM payout WHERE channel_id = {channel} AND status = 'completed'")
        got = world.usdt(address) if coin == "usdt" else world.eth(address)
        if got != promised:
            raise Unexpected(f"the owner of {channel} got {got} {coin}, the payouts say {promised}")


def gas_of(world):
    """ETH burnt and tipped by our transactions, by the chain's own receipts."""
    wei = 0
    for t in world.chain.sent_by(world.wallet):
        receipt = world.chain.rpc("eth_getTransactionReceipt", t["hash"])
        wei += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    return D(wei).scaleb(-18)


def account_for(world):
    """Lines of (what, amount, currency) and the equations that must hold, to the last unit: what came in is found again."""
    n = world.number
    paid = "status = 'completed'"
    eth_in = n("SELECT sum(gross_eth) FROM deposit WHERE arrived_at IS NOT NULL")
    eth = {"paid out (payouts from ETH)": n(f"SELECT sum(funded_eth) FROM payout WHERE {paid}"),
           "sold for USDT (conversions)": n(f"SELECT sum(funded_eth) FROM conversion WHERE {paid}"),
           "gas, by the chain's receipts": gas_of(world),
           "in the wallet, on the chain": world.eth(world.wallet)}
    usdt = {"paid out (batches)": n(f"SELECT sum(funded_usdt) FROM payout WHERE {paid}"), "in the wallet, on the chain": world.usdt(world.wallet)}
    from_eth = "status = 'paid' AND conversion_id = ''"
    usd = {"platform fee": n("SELECT sum(fee_usd) FROM accrual"),
           "paid out from ETH at the value when judged": n(f"SELECT sum(net_usd) FROM accrual WHERE {from_eth}"),
           "paid out from USDT": n("SELECT sum(net_usdt) FROM accrual WHERE status = 'paid' AND conversion_id <> ''"),
           "owed to owners in USDT": n("SELECT sum(net_usdt) FROM accrual WHERE status = 'converted'"),
           "owed to owners in ETH (not yet converted)": n("SELECT sum(net_usd) FROM accrual WHERE status = 'pending'"),
           "provider fee of conversions": n("SELECT sum(units) FROM ledger_posting WHERE account = 'expense:provider_fee'"),
           "spread of conversions": n("SELECT sum(units) FROM ledger_posting WHERE account = 'expense:spread'")}
    return [("ETH", {"gas float at the start": D(GAS_FLOAT_WEI).scaleb(-18), "came in with payments": eth_in}, eth),
            ("USDT", {"received for ETH, by the chain": n(f"SELECT sum(received_usdt) FROM conversion WHERE {paid}")}, usdt),
            ("USD", {"gross revenue when judged": n("SELECT sum(gross_usd) FROM accrual")}, usd)]


def print_account(world, say=print):
    """Prints where everything went; raises when a unit is missing."""
    missing = []
    for currency, came, went in account_for(world):
        for what, amount in came.items():
            say(f"   {amount:>28f} {currency:4}  {what}")
        for what, amount in went.items():
            say(f"   {-amount:>28f} {currency:4}  {what}")
        rest = sum(came.values()) - sum(went.values())
        say(f"   {rest:>28f} {currency:4}  left unexplained")
        if rest != 0:
            missing.append(f"{rest} {currency}")
    if missing:
        raise Unexpected("not found again: " + ", ".join(missing))


def check_gathered(world):
    """Books and rows: no accrual in two hands, each claim is the sum of its rows, each conversion shared out to the unit, and what owners are
    owed lies in the wallet."""
    sql = world.database.sql
    wrong = {
        "claims that are not what their rows sum to":
            "SELECT count(*) FROM accrual_claim c WHERE c.accruals > 0 AND EXISTS (SELECT FROM conversion x WHERE 'conversion/' || x.id = c.claimant AND"
            " x.status = 'completed') AND (c.accruals, c.net_eth) <> (SELECT count(*), sum(a.net_eth) FROM accrual a WHERE"
            " 'conversion/' || a.conversion_id = c.claimant)",
        "conversions that were not shared out to the unit":
            "SELECT count(*) FROM conversion c WHERE c.status = 'completed' AND c.received_usdt <> (SELECT sum(net_usdt) FROM accrual a WHERE"
            " a.conversion_id = c.id)",
        "payouts that paid other than their accruals":
            "SELECT count(*) FROM payout p WHERE p.status = 'completed' AND (p.source_usdt, p.source_eth) <> (SELECT CASE WHEN p.pot = 'usdt' THEN"
            " sum(net_usdt) ELSE 0 END, CASE WHEN p.pot = 'eth' THEN sum(net_eth) ELSE 0 END FROM accrual a WHERE a.payout_id = p.id)",
        "entries that do not balance":
            "SELECT count(*) FROM (SELECT entry FROM ledger_posting GROUP BY entry, currency HAVING sum(units) <> 0) q",
    }
    for what, query in wrong.items():
        if (found := sql(query)) != "0":
            raise Unexpected(f"{found} {what}")
    if left := world.database.rows(LEFT_OVER):
        raise Unexpected("accounts of swaps and conversions that are not empty:\n" + "\n".join(str(row) for row in left))
    if held := world.database.rows(IN_A_HAND):
        raise Unexpected("accruals in a hand that is gone:\n" + "\n".join(str(row) for row in held))
    owed = "-coalesce(sum(units), 0) FROM ledger_posting WHERE account LIKE 'owner:%' AND currency = 'usdt'"
    if world.number(f"SELECT {owed}") != world.usdt(world.wallet):
        raise Unexpected("the USDT that owners are owed is not what lies in the wallet")
    check = world.ctl("ledger", "check")
    if not check["balanced"]:
        raise Unexpected(f"the ledger is not balanced: {check}")
