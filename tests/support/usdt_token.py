"""A USDT-like token for the tests, assembled here: 6 decimals, `transfer(address,uint256)` returns nothing (as Tether's does, unless made
with returns_bool), a Transfer event, no allowances. The account that deploys it owns all there is. A balance is the storage word of its address."""

SUPPLY = 10**15  # 1 000 000 000 USDT
TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
CODES = {"stop": 0x00, "add": 0x01, "sub": 0x03, "lt": 0x10, "eq": 0x14, "shr": 0x1C, "caller": 0x33, "calldataload": 0x35, "codecopy": 0x39,
         "mstore": 0x52, "sload": 0x54, "sstore": 0x55, "jumpi": 0x57, "jumpdest": 0x5B, "dup1": 0x80, "dup2": 0x81, "swap1": 0x90,
         "log3": 0xA3, "return": 0xF3, "revert": 0xFD, "pop": 0x50}


def assemble(*words):
    """Names are instructions, numbers and bytes are pushed, ":name" is a jump target and "@name" pushes it."""
    code, labels, uses = bytearray(), {}, []
    for word in words:
        if isinstance(word, int):
            word = word.to_bytes(max(1, (word.bit_length() + 7) // 8), "big")
        if isinstance(word, bytes):
            code += bytes([0x5F + len(word)]) + word
        elif word[0] == ":":
            labels[word[1:]] = len(code)
            code.append(CODES["jumpdest"])
        elif word[0] == "@":
            uses.append((len(code) + 1, word[1:]))
            code += bytes([0x61, 0, 0])
        else:
            code.append(CODES[word])
    for at, name in uses:
        code[at:at + 2] = labels[name].to_bytes(2, "big")
    return bytes(code)


def runtime(returns_bool=False):
    done = (1, 0, "mstore", 32, 0, "return") if returns_bool else ("stop",)
    return assemble(
        0, "calldataload", 224, "shr",
        "dup1", bytes.fromhex("70a08231"), "eq", "@balance", "jumpi",
        bytes.fromhex("a9059cbb"), "eq", "@transfer", "jumpi",
        ":refuse", 0, 0, "revert",
        ":balance", 4, "calldataload", "sload", 0, "mstore", 32, 0, "return",
        ":transfer",
        36, "calldataload", "caller", "sload", "lt", "@refuse", "jumpi",                # balance < amount
        36, "calldataload", "caller", "sload", "sub", "caller", "sstore",               # balance - amount
        4, "calldataload", "sload", 36, "calldataload", "add", 4, "calldataload", "sstore",
        36, "calldataload", 0, "mstore",
        4, "calldataload", "caller", TRANSFER, 32, 0, "log3",
        *done)


def creation(returns_bool=False, supply=SUPPLY):
    """The bytes that make the contract when they are sent to nobody."""
    body = runtime(returns_bool)
    head = lambda at: assemble(supply, "caller", "sstore", len(body).to_bytes(2, "big"), at.to_bytes(2, "big"), 0, "codecopy",
                               len(body).to_bytes(2, "big"), 0, "return")
    return head(len(head(0))) + body


def deploy(chain, owner, returns_bool=False, supply=SUPPLY):
    """The address of a new token, lower case; `chain` is a harness.Anvil."""
    from harness import wait
    made = chain.rpc("eth_sendTransaction", {"from": owner, "data": "0x" + creation(returns_bool, supply).hex(), "gas": hex(1_000_000)})
    receipt = wait("the token", lambda: chain.rpc("eth_getTransactionReceipt", made))
    assert receipt["status"] == "0x1", receipt
    return receipt["contractAddress"].lower()


def balance(chain, token, owner):
    """In the token's own units."""
    return int(chain.rpc("eth_call", {"to": token, "data": "0x70a08231" + owner[2:].lower().rjust(64, "0")}, "latest"), 16)
