"""Tests of testlog.py: nothing that did not pass may be counted as passed."""

import json
import unittest

import testlog


def entry(result, **more):
    return json.dumps({"name": "unit / t", "result": result, **more}) + "\n"


class Rows(unittest.TestCase):
    def test_passed(self):
        self.assertEqual([("passed", "unit / t", "")], testlog.rows_of(entry("OK")))

    def test_everything_else_failed(self):
        for result in ["FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS", "whatever comes"]:
            with self.subTest(result):
                self.assertEqual([("failed", "unit / t", result)], testlog.rows_of(entry(result)))

    def test_skip_has_its_reason(self):
        text = entry("SKIP", stdout="first\nno user\tnamespaces\n\n")
        self.assertEqual([("skipped", "unit / t", "no user namespaces")], testlog.rows_of(text))
        text = entry("SKIP")
        self.assertEqual([("skipped", "unit / t", "no reason given")], testlog.rows_of(text))

    def test_no_test_is_a_failure(self):
        self.assertEqual("failed", testlog.rows_of("")[0][0])

    def test_every_line_counts(self):
        rows = testlog.rows_of(entry("OK") + entry("FAIL") + entry("OK"))
        self.assertEqual(["passed", "failed", "passed"], [row[0] for row in rows])


if __name__ == "__main__":
    unittest.main()
