#!/usr/bin/env python3
"""The house's own linter: the include rule, banned calls with what to use instead, sizes. Each rule has its reason beside it.

    tidy.py [ROOT]          prints each fault as path:line: words, exits 1 when there is one
    tidy.py --self-test     plants one fault per rule in a scratch tree and sees each one found
"""
import pathlib
import re
import sys
import tempfile

SPOKES = {"actors", "io", "persistence", "config"}  # Each includes the hub and itself, never another spoke.
LEAVES = {"crypto", "addresses"}  # Pure libraries beneath the hub: each includes leaves only, every folder but the sandbox may include it.
FOLDERS = SPOKES | LEAVES | {"messages", "sandbox", "daemon", "ctl", "tests"}
LINES_MAX, TEST_LINES_MAX = 450, 650  # A test's tables are long by nature.

# Library header prefix -> path prefixes that may include it. The composition roots and tests see everything.
LIBRARY_HOMES = {
    "pqxx": ("persistence/", "tests/"),
    "httplib": ("io/", "sandbox/", "tests/"),
    "secp256k1": ("io/", "tests/"),
    "caf/": ("messages/interfaces.hpp", "messages/pack.hpp", "messages/ports.hpp", "messages/cluster.hpp", "actors/runtime/", "io/link/", "persistence/", "config/",
             "daemon/", "ctl/", "tests/"),
}
# Machines are pure: what could read a clock, a file or chance, or wait, has no business there.
IMPURE_HEADERS = {"thread", "mutex", "condition_variable", "random", "fstream", "iostream", "filesystem", "unistd.h", "ctime", "atomic"}

# (what, where it is banned, where it is fine all the same, what to use instead)
EVERYWHERE = ("crypto/", "addresses/", "messages/", "actors/", "io/", "persistence/", "config/", "daemon/", "ctl/", "tests/")
BANNED = [
    (r"\bsystem_clock::now\b", EVERYWHERE, ("io/", "daemon/", "ctl/", "tests/support/", "tests/bench/", "tests/sandbox/"), "the `now` that the step is given"),
    (r"\bsteady_clock::now\b", ("messages/", "actors/"), ("actors/runtime/",), "the `now` that the step is given"),
    (r"\brandom_device\b", EVERYWHERE, ("io/", "daemon/", "tests/support/", "persistence/node_identity."), "a seed that is handed in"),
    (r"(?<![\w:])(std::)?s?rand\(", EVERYWHERE, (), "a generator with a seed that is handed in"),
    (r"\bsleep_for\b|\bsleep_until\b|(?<!\w)u?sleep\(", EVERYWHERE, ("daemon/", "ctl/", "persistence/batch_pace.", "tests/support/", "tests/bench/", "tests/sandbox/",
                                                                    "tests/store/"),
     "a timer of the runtime, or a condition with a deadline"),
    (r"\bcaf::infinite\b", EVERYWHERE, ("tests/",), "a timeout"),
    (r"\bdouble\b|\bfloat\b", ("messages/", "actors/", "persistence/"), (), "int128 units; or mark the line `// no amount`"),
    (r"\bstd::(stod|stof|strtod|atof)\b|(?<!\w)(strtod|atof)\(", ("messages/", "actors/", "persistence/"), (), "parse_amount: no float touches money"),
    (r"\busing namespace std;", EVERYWHERE, (), "the names that are meant"),
]
MARK = re.compile("TO" "DO|FIX" "ME|X" "XX:")
MACHINE_PATH = re.compile("/wo" r"rk/|/tmp/b-|/ro" r"ot/|/ho" "me/")
LITERALS = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)


def code_only(text):
    """The text with comments and literals blanked out, line by line the same."""
    return LITERALS.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def include_fault(path, kind, name):
    folder = path.split("/")[0]
    pure = folder in LEAVES | {"messages"} or (folder == "actors" and path.count("/") > 1 and not path.startswith("actors/runtime/"))
    if kind == '"':
        target = name.split("/")[0]
        if target not in FOLDERS:
            return f'"{name}": include by the path from the root'
        if folder in LEAVES and target not in LEAVES:
            return f"a leaf includes leaves only: {name}"
        if folder == "messages" and target != "messages":
            return f"the hub includes no spoke: {name}"
        if folder in SPOKES and target not in LEAVES | {"messages", folder}:
            return f"a spoke includes the hub, the leaves and itself, not {name}"
        if folder == "sandbox" and target != "sandbox" or target == "sandbox" and folder not in ("sandbox", "tests"):
            return f"the sandbox and the daemon share nothing: {name}"
        if target == "tests" and folder != "tests":
            return f"{name}: only tests include tests"
        return None
    for prefix, homes in LIBRARY_HOMES.items():
        top_of_actors = prefix == "caf/" and folder == "actors" and path.count("/") == 1
        if name.startswith(prefix) and not path.startswith(homes) and not top_of_actors:
            return f"<{name}> is for {', '.join(homes)} only"
    if pure and folder != "messages" and name in IMPURE_HEADERS:
        return f"<{name}> in a machine or a leaf: they are pure"
    return None


def faults_of(path, text):
    """Yields (line, words) for one file; `path` is relative to the root."""
    lines = text.split("\n")
    source = path.endswith((".cpp", ".hpp"))
    for number, line in enumerate(lines, 1):
        if MARK.search(line):
            yield number, "unfinished work on main: do it, or make an issue"
        if MACHINE_PATH.search(line):
            yield number, "a path of one machine"
        if "\t" in line and source:
            yield number, "a tab: two spaces"
    if not source:
        return
    limit = TEST_LINES_MAX if path.startswith("tests/") else LINES_MAX
    if len(lines) - 1 > limit:
        yield limit, f"{len(lines) - 1} lines: split it ({limit} at most)"
    if path.endswith(".hpp") and "#pragma once" not in text:
        yield 1, "#pragma once is missing"
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        words = found and include_fault(path, *found.groups())
        if words:
            yield number, words
    for number, line in enumerate(code_only(text).split("\n"), 1):
        for pattern, where, fine, instead in BANNED:
            if not path.startswith(where) or path.startswith(fine or ("\0",)):
                continue
            found = re.search(pattern, line)
            if found and not ("float" in pattern and "// no amount" in lines[number - 1]):
                yield number, f"{found.group().strip()}: use {instead}"


def check(root):
    """All faults of a tree, as lines of text; and how many files were read."""
    root, found, count = pathlib.Path(root), [], 0
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        parts = path.split("/")
        if parts[0] == ".git" or path.startswith("tests/tidy/") or parts[0].startswith("build"):
            continue
        if "node_modules" in parts or "__pycache__" in parts or not file.is_file() or file.stat().st_size > 1_000_000:
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        count += 1
        found += [f"{path}:{number}: {words}" for number, words in faults_of(path, text)]
    return found, count


PLANTED = {  # path: (text, a word of the fault it must raise)
    "messages/a.hpp": ('#pragma once\n#include "io/x.hpp"\n', "the hub includes no spoke"),
    "messages/b.cpp": ("#include <caf/all.hpp>\n", "is for messages/interfaces.hpp"),
    "actors/payment/a.cpp": ('#include "persistence/x.hpp"\n', "a spoke includes the hub"),
    "actors/payment/b.cpp": ("#include <caf/all.hpp>\n", "is for messages/interfaces.hpp"),
    "actors/payment/c.cpp": ("#include <random>\n", "they are pure"),
    "addresses/a.cpp": ('#include "messages/money.hpp"\n', "a leaf includes leaves only"),
    "crypto/a.cpp": ("#include <fstream>\n", "they are pure"),
    "actors/payment/d.cpp": ("auto t = std::chrono::system_clock::now();\n", "system_clock::now"),
    "actors/payment/e.cpp": ("auto t = steady_clock::now();\n", "steady_clock::now"),
    "actors/runtime/a.cpp": ("std::random_device seed;\n", "random_device"),
    "actors/runtime/b.cpp": ("int x = rand();\n", "rand("),
    "actors/runtime/c.cpp": ("std::this_thread::sleep_for(1s);\n", "sleep_for"),
    "actors/runtime/d.cpp": ("self->request(x, caf::infinite, 1);\n", "caf::infinite"),
    "messages/c.hpp": ("#pragma once\ndouble usd = 0;\n", "double"),
    "messages/d.hpp": ("int x;\n", "#pragma once"),
    "messages/e.cpp": ('auto x = std::stod("1");\n', "std::stod"),
    "io/a.cpp": ("#include <pqxx/pqxx>\n", "<pqxx/pqxx> is for"),
    "io/b.cpp": ("int y;\n" * (LINES_MAX + 1), "split it"),
    "io/c.cpp": ('#include "x.hpp"\n', "by the path from the root"),
    "io/d.cpp": ("\tint x;\n", "a tab"),
    "daemon/b.cpp": ('#include "sandbox/json.hpp"\n', "share nothing"),
    "sandbox/a.cpp": ('#include "messages/money.hpp"\n', "share nothing"),
    "config/a.cpp": ("#include <httplib.h>\n", "<httplib.h> is for"),
    "daemon/a.cpp": ("// FIX" "ME later\n", "unfinished work"),
    "deploy/a": ("cd /wo" "rk/main\n", "a path of one machine"),
}
CLEAN = {
    "messages/money.hpp": '#pragma once\n#include "messages/ids.hpp"\n// double and rand() in words are fine\nconst char* s = "float";\n',
    "persistence/ok.cpp": "#include <pqxx/pqxx>\ndouble load = 0; // no amount\n",
    "io/leaf.cpp": '#include "crypto/hash.hpp"\n#include "addresses/address.hpp"\n',
    "addresses/leaf.cpp": '#include "crypto/hash.hpp"\n',
    "actors/kinds.cpp": "#include <caf/all.hpp>\nint brand(int);\nint x = brand(1);\n",
}


def self_test():
    with tempfile.TemporaryDirectory() as scratch:
        for path, text in [(path, planted[0]) for path, planted in PLANTED.items()] + list(CLEAN.items()):
            file = pathlib.Path(scratch, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        found, _ = check(scratch)
    missed = [path for path, (_, words) in PLANTED.items() if not any(f.startswith(path + ":") and words in f for f in found)]
    false_alarms = [fault for fault in found if fault.split(":")[0] in CLEAN]
    for words in [f"missed: {path}" for path in missed] + [f"false alarm: {fault}" for fault in false_alarms]:
        print(words)
    print(f"tidy: {len(PLANTED) - len(missed)} of {len(PLANTED)} planted faults found, {len(false_alarms)} false alarms")
    return 1 if missed or false_alarms else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found, count = check(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    print("\n".join(found + [f"tidy: {len(found)} faults in {count} files"]))
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
