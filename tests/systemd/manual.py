"""The manual against the program: every option of `--help`, every key of the configuration's schema, every
route and every parameter has its place in a page; the pages are well formed. Exit 77: no mandoc.

FINWAIT is the program.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import completions

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "packaging" / "man"
SCHEMAS = ROOT / "web" / "schemas"


def text_of(page):
    """As it is read: without fonts, on long lines."""
    done = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200", PAGES / page], capture_output=True,
                          text=True, check=True)
    return re.sub(".\b", "", done.stdout)


def keys_of(schema, definitions):
    """All names of properties in a schema, however deep."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return keys_of(definitions[name], definitions)
    found = set()
    for name, inner in schema.get("properties", {}).items():
        found |= {name} | keys_of(inner, definitions)
    if isinstance(schema.get("items"), dict):
        found |= keys_of(schema["items"], definitions)
    return found


class Manual(unittest.TestCase):
    def test_the_pages_are_well_formed(self):
        for page in sorted(PAGES.iterdir()):
            with self.subTest(page.name):
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True,
                                      text=True, check=False)
                self.assertEqual((done.stdout, done.returncode), ("", 0))
                self.assertIn("FIELDS", text_of(page.name))
                self.assertIn("OVERHEAD", text_of(page.name))
                self.assertIn("CAVEATS", text_of(page.name))

    def test_every_option_is_described_and_no_other(self):
        page = text_of("finwait.1")
        known = completions.options_in(completions.help_of())
        for command in completions.commands_in(completions.help_of()):
            self.assertRegex(page, rf"(?m)^\s+finwait {command}\b")
            known |= completions.options_in(completions.help_of(command))
        described = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", page))
        self.assertEqual(described - known, {"--failed"})  # systemctl's
        self.assertEqual(known - described, set())

    def test_every_key_of_the_configuration(self):
        schema = json.loads((SCHEMAS / "config.json").read_text(encoding="utf-8"))
        keys = keys_of(schema, schema.get("$defs", {}))
        self.assertIn("max_bytes", keys)
        page = text_of("finwait.toml.5")
        for key in sorted(keys):
            with self.subTest(key):
                self.assertRegex(page, rf"(?<!\w){key}(?!\w)")

    def test_every_route(self):
        page = text_of("finwait-api.7")
        golden = (ROOT / "tests" / "api" / "routes.golden").read_text(encoding="utf-8")
        paths = set(re.findall(r"/[\w/{}.]+", golden))
        self.assertIn("/api/v1/status", paths)
        for path in sorted(paths):
            with self.subTest(path):
                self.assertRegex(page, re.escape(path) + r"(?![\w/{])")

    def test_every_problem_and_metric(self):
        page = text_of("finwait-api.7")
        problem = json.loads((SCHEMAS / "problem.json").read_text(encoding="utf-8"))
        for code in problem["properties"]["code"]["enum"]:
            with self.subTest(code):
                self.assertRegex(page, rf"\b{code}\b")


if __name__ == "__main__":
    if not shutil.which("mandoc"):
        print("skipped: mandoc is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
