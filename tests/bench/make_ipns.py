#!/usr/bin/env python3
"""Writes signed IPNs for wrk: make_ipns.py ORDERS ROUNDS SECRET_FILE OUT. A line each: signature, space, body. Each of the three rounds
moves every order on by one word of the provider. OUT.orders gets a line for each order: id, shard, number."""
import hashlib, hmac, json, sys

orders, rounds, secret_file, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
secret = open(secret_file, "rb").read().strip()
words = ["confirming", "confirmed", "sending"]
with open(out, "w") as lines:
    for n in range(rounds):
        for i in range(orders):
            body = {
                "actually_paid": 12, "actually_paid_at_fiat": 10, "fee": {"currency": "eth", "depositFee": 1, "serviceFee": 0, "withdrawalFee": 0},
                "invoice_id": 5000000001 + i, "order_description": "30 days of A channel with a title", "order_id": f"01BENCH{i:019d}",
                "outcome_amount": 3, "outcome_currency": "eth", "parent_payment_id": None, "pay_address": "0x742d35cc6634c0532925a3b844bc454e4438f44e",
                "pay_amount": 12, "pay_currency": "ltc", "payin_extra_id": None, "payment_id": 6000000000 + i, "payment_status": words[n % 3],
                "price_amount": 10, "price_currency": "usd", "purchase_id": "5000000000", "updated_at": 1795244400000 + n,
            }
            # Keys are sorted at every level and every number is an integer: the text signed is the text sent.
            text = json.dumps(body, sort_keys=True, separators=(",", ":"))
            lines.write(hmac.new(secret, text.encode(), hashlib.sha512).hexdigest() + " " + text + "\n")


def shard_of(order):  # messages/ids.cpp: FNV-1a 64 over "kind/id", folded.
    h = 0xCBF29CE484222325
    for c in b"payment/" + order.encode():
        h = (h ^ c) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    for bits in (32, 16, 8):
        h ^= h >> bits
    return h % 256


with open(out + ".orders", "w") as lines:
    for i in range(orders):
        order = f"01BENCH{i:019d}"
        lines.write(f"{order}\t{shard_of(order)}\t{i}\n")
