"""What the scenario tests share: the harness, and a world per test class that lives as long as the class."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from harness import *  # noqa: E402,F401,F403
from harness import World  # noqa: E402


class WorldTest(unittest.TestCase):
    """Tests of one class run in the order of their names, in one world."""
    settings, sandbox_options = {}, {}

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.settings, cls.sandbox_options)
        cls.failed = False

    @classmethod
    def tearDownClass(cls):
        cls.world.close(failed=cls.failed)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            type(self).failed = True
