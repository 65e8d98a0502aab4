"""The package from installation to purge: what it starts, whom it lets in, what it leaves."""
import contextlib
import grp
import os
import pathlib
import pwd
import stat
import unittest

import support
from support import output, run, show

PLACES = ("/etc", "/usr", "/lib", "/var/lib", "/run", "/opt")


def files():
    """Every path of the places that a package could leave something in."""
    found = set()
    for place in PLACES:
        for where, directories, names in os.walk(place):
            found.update(os.path.join(where, name) for name in directories + names)
    return found


def ours(paths):
    """Those that have to do with finwait. Package manager, journal and systemd keep books of their own."""
    return sorted(path for path in paths if "finwait" in path and not path.startswith("/opt/"))


class Package(support.Case):
    """In the order of their names, one after the other: a package's life."""

    def test_1_install_starts_it(self):
        type(self).before = files()
        support.install()
        self.assertEqual(show("finwait.service", "ActiveState"), "active")
        self.assertEqual(show("finwait.service", "UnitFileState"), "enabled")
        self.assertEqual(show("finwait-audit.timer", "ActiveState"), "active")
        self.assertEqual(show("finwait-audit.timer", "UnitFileState"), "enabled")
        # Type=notify: whoever is active has said READY=1, and so answers at once.
        self.assertEqual(support.status()["schema"], "finwait.status/1")
        over_tcp = support.get("/api/v1/status", over=support.TcpConnection)
        self.assertEqual(over_tcp["started"], support.status()["started"])

    def test_2_the_version_is_one(self):
        version = output("dpkg-query", "--show", "--showformat=${Version}", "finwait")
        self.assertEqual(support.status()["version"], version)
        self.assertIn(version, output("finwait", "--version"))

    def test_3_who_owns_what(self):
        user, group = pwd.getpwnam("finwait"), grp.getgrnam("finwait")
        self.assertEqual(user.pw_gid, group.gr_gid)
        self.assertEqual(user.pw_shell, "/usr/sbin/nologin")
        expected = [
            ("/etc/finwait", 0o755, "root"), ("/etc/finwait/finwait.toml", 0o644, "root"),
            ("/var/lib/finwait", 0o700, "finwait"), ("/var/lib/finwait/history.db", 0o600, "finwait"),
            ("/run/finwait", 0o755, "finwait"), (support.SOCKET, 0o660, "finwait"),
        ]
        for path, mode, owner in expected:
            with self.subTest(path):
                facts = os.stat(path)
                self.assertEqual(oct(stat.S_IMODE(facts.st_mode)), oct(mode))
                self.assertEqual(pwd.getpwuid(facts.st_uid).pw_name, owner)
        self.assertEqual(grp.getgrgid(os.stat(support.SOCKET).st_gid).gr_name, "finwait")

    def test_4_members_may_write_and_others_may_not(self):
        run("useradd", "--system", "--groups", "finwait", "member")
        run("useradd", "--system", "stranger")
        order = ["finwait", "audit", "--daemon", "--at", "idle", "--by", "close", "-o", "json"]
        with support.Journal() as journal:
            code, text = run("runuser", "-u", "member", "--", *order, check=False)
            self.assertEqual(code, 0, text)
            # Who has written is known by the kernel's word, which PrivateUsers=yes would make `nobody`.
            journal.wait(
                lambda entry: entry.get("_SYSTEMD_UNIT") == "finwait.service"
                and f"by uid {pwd.getpwnam('member').pw_uid} " in str(entry.get("MESSAGE")), "who has written")
        code, text = run("runuser", "-u", "stranger", "--", *order, check=False)
        self.assertEqual(code, 75, text)
        self.assertIn("ermission denied", text)
        # Reading is for everybody on this machine.
        code, text = run("runuser", "-u", "stranger", "--", "finwait", "status", "-o", "json", check=False)
        self.assertIn(code, (0, 3), text)
        self.assertIn("finwait.status/1", text)

    def test_5_the_daemon_has_no_schedule_of_its_own(self):
        audits = {each["name"]: each for each in support.get("/api/v1/config")["audits"]}
        self.assertIn("default", audits)
        self.assertIsNone(audits["default"]["every_ns"])
        self.assertIsNone(audits["default"]["calendar"])

    def test_6_manual_and_completions(self):
        for page in ("finwait.1", "finwait.toml.5", "finwait-api.7"):
            name, _, section = page.rpartition(".")
            with self.subTest(page):
                self.assertIn("NAME", output("man", "--pager=cat", section, name))
        for path in ("/usr/share/bash-completion/completions/finwait",
                     "/usr/share/zsh/vendor-completions/_finwait",
                     "/usr/share/fish/vendor_completions.d/finwait.fish"):
            self.assertTrue(os.path.exists(path), path)
        schemas = support.get("/api/v1/openapi.json")
        self.assertTrue(schemas["openapi"].startswith("3.1"))

    def test_7_upgrade_keeps_the_history(self):
        done = support.run_audit(name="default")
        process = support.main_pid()
        support.apt("install", "--reinstall", "--no-install-recommends", support.DEB)
        self.assertEqual(show("finwait.service", "ActiveState"), "active")
        self.assertNotEqual(support.main_pid(), process)
        self.assertEqual(support.get("/api/v1/audits/" + done["id"])["id"], done["id"])

    def test_8_remove_keeps_history_and_configuration(self):
        support.configure("# kept\n", name="kept")
        # Audits by name: one that waits for its time, and one that has failed.
        run("systemctl", "enable", "--now", "finwait-audit@nightly.timer")
        run("systemctl", "start", "finwait-audit@nobody.service", check=False)
        self.assertEqual(show("finwait-audit@nobody.service", "ActiveState"), "failed")
        support.apt("remove", "finwait")
        self.assertEqual(self.units("--state=active,activating,failed"), "")
        self.assertEqual(show("finwait.service", "ActiveState"), "inactive")
        self.assertEqual(show("finwait-audit.timer", "ActiveState"), "inactive")
        self.assertEqual(support.processes_of_service(), [])
        self.assertFalse(os.path.exists("/run/finwait"))
        self.assertTrue(os.path.exists("/var/lib/finwait/history.db"))
        self.assertTrue(os.path.exists("/etc/finwait/finwait.toml"))

    def units(self, *of):
        """Those of finwait that systemd knows of."""
        return output("systemctl", "list-units", "--all", "--plain", "--no-legend", *of, "finwait*")

    def test_9_purge_leaves_nothing_but_what_the_administrator_wrote(self):
        support.apt("purge", "finwait")
        kept = pathlib.Path("/etc/finwait/conf.d/kept.toml")
        self.assertTrue(kept.exists(), "a file that is not the package's")
        kept.unlink()
        with contextlib.suppress(OSError):
            kept.parent.rmdir()
            kept.parent.parent.rmdir()
        self.assertEqual(ours(files() - self.before), [])
        self.assertEqual(self.units(), "")

    def test_9a_and_it_can_be_installed_again(self):
        support.install()
        self.assertEqual(show("finwait.service", "ActiveState"), "active")
        self.assertEqual(support.get("/api/v1/audits")["audits"], [])

    def test_9b_its_own_tests_pass(self):
        text = output("autopkgtest", "--no-built-binaries", support.HERE / "tree", "--", "null")
        self.assertRegex(text, r"(?m)^service +PASS$")


if __name__ == "__main__":
    unittest.TestLoader.sortTestMethodsUsing = staticmethod(lambda a, b: (a > b) - (a < b))
    support.main()
