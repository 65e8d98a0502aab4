"""The units that audit: the timer, what a finding does, what is tried again, and what is not."""
import pathlib
import shutil
import unittest

import support
from support import output, run, show

# Python's http.client; its timeout is caught, and the connection is kept, or closed.
RECIPE = """
name = "careless"
about = "a client that forgets its connections, or not"
kind = "driver"
requires = ["/usr/bin/python3", "-c", "import platform; print(platform.python_version())"]
install = "apt install python3"
command = [
    "/usr/bin/python3", "-B", "/usr/share/finwait/subjects/drivers/http_client.py",
    "--url", "{{url}}", "--method", "{{method}}", "--framing", "{{framing}}",
    "--body-bytes", "{{body_bytes}}", "--timeout-ms", "{{timeout_ms}}",
    "--requests", "{{requests}}", "--mode", "{mode}",
]
kills = ["own"]
survives = ["own"]
points = ["await_response"]
timeout_ms = 200
baseline = 0

[modes.default]
about = "as it is used"
"""
CONFIGURATION = support.SMALL_DEFAULT + """
[[audits]]
name = "careless"
subjects = ["careless"]
at = ["await_response"]
by = ["own"]

[[audits]]
name = "refused"
at = ["await_response"]
by = ["sock_destroy"]
"""
AT_ONCE = """
[Timer]
OnActiveSec=
OnCalendar=
OnActiveSec=1s
RandomizedDelaySec=0
AccuracySec=1ms
Persistent=false
"""


# Seven times take a minute and a half.
FEWER = """
[Service]
ExecStart=
ExecStart=/usr/bin/finwait audit --daemon --name default --retry 2
"""


def careless(mode):
    path = pathlib.Path("/etc/finwait/subjects/careless.toml")
    path.write_text(RECIPE.format(mode=mode), encoding="utf-8")
    path.chmod(0o644)


class Audits(support.Case):
    @classmethod
    def setUpClass(cls):
        support.install()
        run("systemctl", "stop", "finwait-audit.timer")
        careless("object_kept")
        support.configure(CONFIGURATION)
        support.reload_daemon()
        shutil.copy(support.HERE / "finwait-audit-alert@.service", "/etc/systemd/system/")

    def tearDown(self):
        run("systemctl", "reset-failed")

    def alert(self, journal):
        """The line that OnFailure= has written."""
        entry = journal.wait(
            lambda entry: entry.get("SYSLOG_IDENTIFIER") == "finwait-audit-alert", "the alert")
        self.assertEqual(entry["PRIORITY"], "3")
        return entry["MESSAGE"]

    def start(self, unit):
        """Starts a oneshot and waits for its end; gives its exit status."""
        run("systemctl", "start", unit, check=False)
        return int(show(unit, "ExecMainStatus"))

    def test_the_timer_fires(self):
        before = support.status()["last_audit"]
        support.drop_in("finwait-audit.timer", AT_ONCE)
        with support.Journal() as journal:
            run("systemctl", "start", "finwait-audit.timer")
            journal.wait_result("finwait-audit.service")
        run("systemctl", "stop", "finwait-audit.timer")
        self.assertEqual(show("finwait-audit.service", "Result"), "success")
        after = support.status()["last_audit"]
        self.assertNotEqual(before, after)
        self.assertEqual(after["outcome"], "clean")
        self.assertEqual(support.get("/api/v1/audits/" + after["id"])["name"], "default")

    def test_the_shipped_timers_have_a_next_time(self):
        run("systemctl", "revert", "finwait-audit.timer")
        run("systemctl", "start", "finwait-audit.timer", "finwait-audit@careless.timer")
        self.addCleanup(run, "systemctl", "stop", "finwait-audit.timer", "finwait-audit@careless.timer")
        listed = output("systemctl", "list-timers", "--no-legend", "--no-pager", "finwait*")
        self.assertIn("finwait-audit.service", listed)
        self.assertIn("finwait-audit@careless.service", listed)
        for unit in ("finwait-audit.timer", "finwait-audit@careless.timer"):
            self.assertEqual(show(unit, "Persistent"), "yes")
            self.assertNotIn(show(unit, "RandomizedDelayUSec"), ("", "0"))

    def test_a_finding_fails_the_unit_until_it_is_gone(self):
        unit = "finwait-audit@careless.service"
        careless("object_kept")
        with support.Journal() as journal:
            self.assertEqual(self.start(unit), 1)
            message = self.alert(journal)
        self.assertIn(unit + " failed: exit-code, exit status 1", message)
        self.assertEqual(show(unit, "Result"), "exit-code")
        self.assertEqual(show(unit, "NRestarts"), "0")
        self.assertIn(unit, output("systemctl", "list-units", "--failed", "--plain", "--no-legend"))
        first = support.status()
        self.assertEqual((first["status"], first["open_findings"]), ("fail", 1))
        self.assertEqual(self.states(), ["new"])

        self.assertEqual(self.start(unit), 1)
        self.assertEqual(self.states(), ["still_there"])

        careless("close_finally")
        self.assertEqual(self.start(unit), 0)
        self.assertNotIn(unit, output("systemctl", "list-units", "--failed", "--plain", "--no-legend"))
        self.assertEqual(self.states(), ["gone"])
        self.assertEqual(support.status()["open_findings"], 0)
        text = output("finwait", "diff", first["last_audit"]["id"], support.status()["last_audit"]["id"])
        self.assertIn("await_response", text)

    def test_two_failures_are_told_apart(self):
        careless("object_kept")
        said = []
        with support.Journal() as journal:
            for unit, code in (("finwait-audit@careless.service", 1), ("finwait-audit@nobody.service", 2)):
                self.assertEqual(self.start(unit), code)
                said.append(self.alert(journal))
        self.assertIn("finwait-audit@careless.service failed: exit-code, exit status 1", said[0])
        self.assertIn("finwait-audit@nobody.service failed: exit-code, exit status 2", said[1])

    def states(self):
        """Of the findings of the careless client."""
        found = support.get("/api/v1/findings?name=careless")["findings"]
        return [each["state"] for each in found]

    def tried_again(self, journal, which):
        """Waits for the command to say so."""
        journal.wait(
            lambda entry: entry.get("_SYSTEMD_UNIT") == "finwait-audit.service"
            and str(entry.get("MESSAGE")).endswith(which), "it is tried again")

    def test_who_starts_it_often_may(self):
        for _ in range(7):
            self.assertEqual(self.start("finwait-audit.service"), 0)
            self.assertEqual(show("finwait-audit.service", "Result"), "success")

    def test_an_unreachable_daemon_is_tried_again_and_then_a_failure(self):
        path = support.drop_in("finwait-audit.service", FEWER)

        def back():
            path.unlink()
            run("systemctl", "daemon-reload")
            run("systemctl", "start", "finwait.service")
        self.addCleanup(back)
        run("systemctl", "stop", "finwait.service")
        with support.Journal() as journal:
            run("systemctl", "start", "--no-block", "finwait-audit.service")
            for number in (1, 2):
                self.tried_again(journal, f"({number} of 2)")
            message = self.alert(journal)
        self.assertIn("finwait-audit.service failed: exit-code, exit status 75", message)
        self.assertEqual(show("finwait-audit.service", "NRestarts"), "0")

    def test_a_daemon_that_comes_back_in_time_is_no_failure(self):
        run("systemctl", "stop", "finwait.service")
        with support.Journal() as journal:
            run("systemctl", "start", "--no-block", "finwait-audit.service")
            self.tried_again(journal, "(1 of 7)")
            run("systemctl", "start", "finwait.service")
            journal.wait(
                lambda entry: entry.get("UNIT") == "finwait-audit.service"
                and (entry.get("JOB_TYPE"), entry.get("JOB_RESULT")) == ("start", "done"), "it is done")
        self.assertEqual(show("finwait-audit.service", "Result"), "success")
        self.assertEqual(show("finwait-audit.service", "ExecMainStatus"), "0")

    def test_what_cannot_be_judged_fails_at_once(self):
        # Control: with the lab it can be.
        self.assertEqual(self.start("finwait-audit@refused.service"), 0)
        path = support.drop_in("finwait.service", "[Service]\nRestrictNamespaces=yes\n", name="refused")
        run("systemctl", "restart", "finwait.service")

        def back():
            path.unlink()
            run("systemctl", "daemon-reload")
            run("systemctl", "restart", "finwait.service")
        self.addCleanup(back)
        with support.Journal() as journal:
            self.assertEqual(self.start("finwait-audit@refused.service"), 3)
            self.assertIn("exit status 3", self.alert(journal))
        self.assertEqual(show("finwait-audit@refused.service", "NRestarts"), "0")

    def test_an_audit_that_is_not_configured_is_an_error(self):
        with support.Journal() as journal:
            self.assertEqual(self.start("finwait-audit@nobody.service"), 2)
            self.assertIn("exit status 2", self.alert(journal))
        self.assertEqual(show("finwait-audit@nobody.service", "NRestarts"), "0")


if __name__ == "__main__":
    unittest.TestLoader.sortTestMethodsUsing = staticmethod(lambda a, b: (a > b) - (a < b))
    support.main()
