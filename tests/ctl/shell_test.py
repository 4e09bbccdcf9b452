"""The completion and the manual page, played: bash sources the one and is asked, man's formatter reads the other. Both must name every verb and
option that the help names."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import program  # noqa: E402

CTL = program("PAYGATECTL", "ctl/paygatectl")


def say(*words):
    done = subprocess.run([CTL, *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def verbs_of_help():
    """Each verb's name with its options, from the lines of the help."""
    found = {}
    for line in say("--help").splitlines():
        if not re.match(r"  [a-z]", line) or line.startswith("  paygatectl "):
            continue
        words = re.split(r"  +", line.strip())[0].split()
        name = []
        while words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            name.append(words.pop(0))
        found[" ".join(name)] = [w for w in words if w.startswith("--")]
    return found


def complete(*words):
    """What bash would offer after these words; the last one is being typed."""
    script = say("--completion", "bash") + '\nCOMP_WORDS=(paygatectl "$@"); COMP_CWORD=$#; _paygatectl; printf "%s\\n" "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


class shell(unittest.TestCase):
    def test_the_help_names_verbs(self):
        self.assertGreater(len(verbs_of_help()), 40)

    def test_every_verb_is_completed_from_its_beginning_and_so_are_its_options(self):
        for name, options in verbs_of_help().items():
            words = name.split()
            self.assertIn(words[0], complete(words[0][:1]), name)
            if len(words) == 2:
                self.assertIn(words[1], complete(words[0], words[1][:1]), name)
            offered = complete(*words, "--")
            self.assertEqual(sorted(set(options) - set(offered)), [], name)
            self.assertIn("--output", offered, name)

    def test_known_values_are_completed(self):
        self.assertEqual(complete("show", "pay"), ["payment", "payout"])
        self.assertEqual(complete("--output", "j"), ["json"])
        self.assertEqual(sorted(complete("pause", "lane/te")), ["lane/telegram", "lane/telegram_bulk", "lane/telegram_poll"])
        self.assertEqual(complete("actors", "--kind", "wal"), ["wallet"])
        self.assertEqual(complete("log", "level", "war"), ["warning"])
        self.assertIn("--reason", complete("retry", "payout", "01X", "--rea"))
        self.assertNotIn("--reason", complete("tail", "--"))

    def test_the_manual_names_every_verb_and_every_exit_code(self):
        page = say("--man")
        self.assertTrue(page.startswith(".TH PAYGATECTL 1"))
        formatted = subprocess.run(["groff", "-man", "-Tascii", "-ww"], input=page, capture_output=True, text=True, timeout=20)
        self.assertEqual((formatted.returncode, formatted.stderr), (0, ""))
        plain = " ".join(re.sub(r"\x1b\[[0-9;]*m|.\x08", "", formatted.stdout).replace("\u2010", "-").split())
        for name, options in verbs_of_help().items():
            self.assertIn(name, plain)
            for option in options:
                self.assertIn(option, plain)
        for code in range(6):
            self.assertRegex(plain, rf"EXIT STATUS.* {code} ")

    def test_what_was_built_for_installing_is_what_the_tool_says(self):
        folder = pathlib.Path(os.environ.get("PAYGATE_CTL_PAPERS") or pathlib.Path(CTL).parent)
        self.assertEqual((folder / "paygatectl.1").read_text(), say("--man"))
        self.assertEqual((folder / "paygatectl.bash").read_text(), say("--completion", "bash"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
