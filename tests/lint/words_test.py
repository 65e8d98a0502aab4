"""Tests of words.py. The bad words are put together here, so that this file may hold them."""

import unittest

import words

BAD = [
    "see /wo" + "rk/main",
    "../sha" + "red/design.md",
    "http://de" + "b.debian.org/debian",
    "https://regis" + "try.example.org/x",
    "pip install from py" + "pi.org",
    "// TO" + "DO: later",
    "// FIX" + "ME",
]
GOOD = ["a framework/main", "isolation::shared, // not a path", "TO" + "DO(adr-004): later", "debian.org"]


class Words(unittest.TestCase):
    def test_bad(self):
        for line in BAD:
            with self.subTest(line):
                self.assertEqual([2], [number for number, _ in words.check(f"fine\n{line}\n")])

    def test_good(self):
        self.assertEqual([], words.check("\n".join(GOOD)))

    def test_changelog(self):
        self.assertEqual([], words.check_changelog("# Changelog\n\n## Unreleased\n\n* [FEATURE] x\n"))
        self.assertTrue(words.check_changelog("# Changelog\n\n## 1.0\n"))
        self.assertTrue(words.check_changelog("## Unreleased\n* something\n"))


if __name__ == "__main__":
    unittest.main()
