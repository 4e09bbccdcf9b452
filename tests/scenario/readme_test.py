"""The owner's walk through the API in README.md, word for word: its commands run in one shell against a real daemon and the sandbox, and what
they print is compared with what stands there."""
import difflib
import os
import re
import select
import subprocess
import time
import unittest

from scenario import ROOT, World

HEADING, FOLDER = "### A walk, as a new owner", "/tmp/paygate"
END = "that was it"
# As README.md says: compared by their form only.
FORMS = (("id", r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), ("time", r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), ("hash", r"\b[0-9a-f]{32}\b"))


def blocks():
    """(language, lines) of each fenced block of the walk, in order."""
    walk = re.split(r"^##+ ", (ROOT / "README.md").read_text().split(HEADING + "\n", 1)[1], maxsplit=1, flags=re.M)[0]
    return [(found[1], found[2].splitlines()) for found in re.finditer(r"^```(\w*)\n(.*?)^```$", walk, re.M | re.S)]


def steps():
    """(command, answer) of the walk: a block of shell is one command that answers nothing; in a console `$ ` begins a command, `> ` goes on with
    it, and what stands below is the answer."""
    found = []
    for language, lines in blocks():
        if language == "sh":
            found.append(["\n".join(lines), []])
            continue
        assert language == "console" and lines[0].startswith("$ "), lines[0]
        for line in lines:
            if line.startswith("$ "):
                found.append([line[2:], []])
            elif line.startswith("> ") and not found[-1][1]:
                found[-1][0] += "\n" + line[2:]
            else:
                found[-1][1].append(line)
    return found


def by_form(lines):
    text = "\n".join(lines)
    for name, pattern in FORMS:
        text = re.sub(pattern, f"<{name}>", text)
    return text.split("\n")


class Shell:
    """One bash: each command's output, errors included, and whether it succeeded."""

    def __init__(self, folder):
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8"}
        self.bash = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, env=environment)

    def run(self, command, limit=120):
        self.bash.stdin.write(f"{command}\nprintf '%s %s\\n' '{END}' $?\n".encode())
        self.bash.stdin.flush()
        text, deadline = b"", time.monotonic() + limit
        while not (end := re.search(rb"^" + END.encode() + rb" (\d+)\n\Z", text, re.M)):
            ready = select.select([self.bash.stdout], [], [], max(0, deadline - time.monotonic()))[0]
            piece = os.read(self.bash.stdout.fileno(), 65536) if ready else b""
            if not piece:
                raise AssertionError(f"this {'ends' if ready else f'takes longer than {limit} s'}: {command}\nso far: {text.decode()}")
            text += piece
        return text[:end.start()].decode().splitlines(), int(end[1])

    def close(self):
        self.bash.kill()
        self.bash.wait()
        self.bash.stdin.close()
        self.bash.stdout.close()


class readme(unittest.TestCase):
    def test_1_the_walk_prints_what_stands_there(self):
        walk = steps()
        self.assertGreaterEqual(sum(command.count("curl -s") for command, _ in walk), 30)
        with World(channels=False) as world:
            # What deploy/quickstart --keep writes; its folder is the one word that is replaced.
            given = {"PAYGATE_URL": world.daemon_url, "PAYGATE_SANDBOX_URL": world.sandbox.url}
            with open(world.path("paygate.env"), "w") as file:
                file.writelines(f"{name}={value}\n" for name, value in given.items())
            self.assertIn(f"deploy/quickstart --keep --dir {FOLDER}`", (ROOT / "README.md").read_text())
            self.assertIn(f"{FOLDER}/paygate.env", walk[0][0])
            for name in given:
                self.assertIn(f"\n{name}=$", (ROOT / "deploy/quickstart").read_text())
            shell = Shell(world.folder)
            try:
                for command, wanted in walk:
                    printed, code = shell.run(command.replace(FOLDER + "/", world.folder + "/"))
                    if by_form(printed) != by_form(wanted):
                        self.fail(f"$ {command}\n" + "\n".join(difflib.unified_diff(wanted, printed, "README.md", "printed", lineterm="")))
                    self.assertEqual(code, 0, command)
            finally:
                shell.close()

    def test_2_the_forms_hide_nothing_else(self):
        for command, wanted in steps():
            for at, line in enumerate(wanted):
                hidden = [span for _, pattern in FORMS for match in re.finditer(pattern, line) for span in range(*match.span())]
                for place in (place for place in range(len(line)) if place not in hidden):
                    changed = line[:place] + ("#" if line[place] != "#" else "%") + line[place + 1:]
                    self.assertNotEqual(by_form(wanted[:at] + [changed] + wanted[at + 1:]), by_form(wanted), command)


if __name__ == "__main__":
    unittest.main(verbosity=2)
