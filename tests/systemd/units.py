"""The units as files: systemd has nothing to say against them, their sandbox scores as it should, and each
thing in it that could be stricter has its reason beside it. Needs no running systemd. Exit 77: no systemd.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ROOT / "packaging" / "systemd"
FINWAIT = os.path.abspath(os.environ.get("FINWAIT", "finwait"))
# Ten times the score, as --threshold= wants it.
SCORES = {"finwait.service": 17, "finwait-audit.service": 9, "finwait-audit@.service": 9}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"},
                          **options)


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for path in [*UNITS.glob("*.*"), *(UNITS / "examples").glob("*.s*")]:
            text = path.read_text(encoding="utf-8")
            (self.folder / path.name).write_text(
                text.replace("/usr/bin/finwait", FINWAIT), encoding="utf-8")

    def verify(self):
        names = [path.name.replace("@", "@x") for path in sorted(self.folder.iterdir())
                 if path.suffix != ".conf"]
        # verify ends with 0 also when it has passed over a key that it does not know.
        return run("systemd-analyze", "verify", "--man=no", *(f"./{name}" for name in names),
                   cwd=self.folder).stdout

    def test_systemd_understands_them(self):
        self.assertGreater(len(list(self.folder.iterdir())), 5)
        self.assertEqual(self.verify(), "")

    def test_control_it_would_say_so(self):
        with open(self.folder / "finwait.service", "a", encoding="utf-8") as unit:
            unit.write("\n[Service]\nProtectSytem=strict\n")
        self.assertIn("ProtectSytem", self.verify())

    def score(self, unit, threshold):
        return run("systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", "--no-pager",
                   self.folder / unit)

    def test_their_scores(self):
        for unit, threshold in SCORES.items():
            with self.subTest(unit):
                self.assertEqual(self.score(unit, threshold).returncode, 0)
                self.assertNotEqual(self.score(unit, 1).returncode, 0, "the control")

    def test_every_relaxation_has_its_reason(self):
        """Of what `security` counts against the unit: each is named in a comment of it."""
        text = (UNITS / "finwait.service").read_text(encoding="utf-8")
        comments = "\n".join(line for line in text.splitlines() if line.startswith("#"))
        table = self.score("finwait.service", 100).stdout
        counted = set(re.findall(r"^.? *✗ ([\w~]+)=", table, re.M))
        self.assertIn("PrivateNetwork", counted)
        for name in sorted(counted):
            with self.subTest(name):
                self.assertRegex(comments, rf"\b{name}=")

    def test_the_daemon_is_started_plainly(self):
        text = (UNITS / "finwait.service").read_text(encoding="utf-8")
        self.assertIn("\nExecStart=/usr/bin/finwait serve\n", text)
        self.assertNotRegex(text, r"[@{][A-Z_]+[@}]")

    def test_both_audit_units_are_the_same(self):
        """The template differs from the default audit's only in what audit it is."""
        lines = [(UNITS / name).read_text(encoding="utf-8").splitlines()
                 for name in ("finwait-audit.service", "finwait-audit@.service")]
        after = [each[each.index("[Unit]"):] for each in lines]
        different = [(one, other) for one, other in zip(*after, strict=True) if one != other]
        self.assertEqual([one.partition("=")[0] for one, _ in different], ["Description", "ExecStart"])


if __name__ == "__main__":
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
