"""The daemon as a service: ready, asked, hung, killed, reloaded, refused its namespaces, stopped."""
import contextlib
import json
import os
import pathlib
import secrets
import signal

import support
from support import output, run, show

HUNG_AFTER = """
[Service]
WatchdogSec=2
"""
NO_NAMESPACES = """
[Service]
RestrictNamespaces=yes
"""


def events_of(audit):
    """The names of the server-sent events of an audit, as they come."""
    with contextlib.closing(support.UnixConnection()) as connection:
        connection.request("GET", "/api/v1/events?audit=" + audit)
        answer = connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"event:"):
                yield line.partition(b":")[2].strip().decode()


class Service(support.Case):
    @classmethod
    def setUpClass(cls):
        support.install()

    def setUp(self):
        # The audit that the timer starts by itself soon after installation is not for these tests.
        run("systemctl", "stop", "finwait-audit.timer")
        support.configure(support.SMALL_DEFAULT)
        self.assertEqual(show("finwait.service", "ActiveState"), "active")
        support.reload_daemon()

    def restart_at_the_end(self, path):
        def back():
            path.unlink()
            run("systemctl", "daemon-reload")
            run("systemctl", "restart", "finwait.service")
        self.addCleanup(back)

    def test_it_tells_systemd_how_it_is(self):
        self.assertEqual(show("finwait.service", "Type"), "notify")
        done = support.run_audit(name="default")
        self.assertIn(f"last audit {done['outcome']}", show("finwait.service", "StatusText"))
        self.assertEqual(output("finwait", "status", "-o", "json", "--socket", support.SOCKET)[0], "{")

    def test_the_journal_has_fields(self):
        with support.Journal() as journal:
            done = support.run_audit(name="default")
            entry = journal.wait(
                lambda entry: entry.get("FINWAIT_AUDIT") == done["id"] and "FINWAIT_OUTCOME" in entry,
                "the audit has ended, with its fields")
        self.assertEqual(entry["FINWAIT_OUTCOME"], done["outcome"])
        self.assertEqual(entry["_SYSTEMD_UNIT"], "finwait.service")

    def test_a_hung_daemon_comes_back_with_its_history(self):
        self.restart_at_the_end(support.drop_in("finwait.service", HUNG_AFTER))
        run("systemctl", "restart", "finwait.service")
        done = support.run_audit(name="default")
        process = support.main_pid()
        with support.Journal() as journal:
            os.kill(process, signal.SIGSTOP)
            journal.wait(
                lambda entry: entry.get("UNIT") == "finwait.service"
                and entry.get("UNIT_RESULT") == "watchdog", "the watchdog has bitten")
            journal.wait_result("finwait.service")
        self.assertNotIn(support.main_pid(), (0, process))
        self.assert_history_has(done)

    def test_a_killed_daemon_comes_back_with_its_history(self):
        done = support.run_audit(name="default")
        process = support.main_pid()
        with support.Journal() as journal:
            os.kill(process, signal.SIGKILL)
            journal.wait_result("finwait.service")
        self.assertNotIn(support.main_pid(), (0, process))
        self.assert_history_has(done)

    def assert_history_has(self, done):
        self.assertEqual(support.status()["last_audit"]["id"], done["id"])
        stored = support.get("/api/v1/audits/" + done["id"])
        self.assertEqual(stored["reports"], done["reports"])
        for report in done["reports"]:
            self.assertEqual(support.get("/api/v1/reports/" + report["id"]), report)

    def test_reload_is_all_or_nothing(self):
        process = support.main_pid()
        names = lambda: [each["name"] for each in support.get("/api/v1/config")["audits"]]
        self.assertNotIn("another", names())
        path = support.configure('[[audits]]\nname = "another"\nat = ["idle"]\n', name="more")
        self.addCleanup(support.reload_daemon)
        self.addCleanup(path.unlink)
        support.reload_daemon()
        self.assertIn("another", names())

        path.write_text('[[audits]]\nname = "third"\nat = ["idel"]\n', encoding="utf-8")
        with support.Journal() as journal:
            support.reload_daemon()
            entry = journal.wait(
                lambda entry: f"{path}:3:" in str(entry.get("MESSAGE")), "file, line and column")
        self.assertIn("idle", entry["MESSAGE"])
        self.assertIn("another", names())
        self.assertNotIn("third", names())
        self.assertEqual(show("finwait.service", "ActiveState"), "active")
        self.assertIn(f"not reloaded: {path}:3:", show("finwait.service", "StatusText"))
        self.assertIn("finwait_config_last_reload_successful 0", support.get("/metrics"))
        code, text = run("finwait", "serve", "--check-config", check=False)
        self.assertEqual(code, 2)
        self.assertIn(f"{path}:3:", text)

        path.write_text("", encoding="utf-8")
        support.reload_daemon()
        self.assertIn("finwait_config_last_reload_successful 1", support.get("/metrics"))
        self.assertNotIn("another", names())
        self.assertEqual(support.main_pid(), process)

    def test_a_wrong_configuration_is_not_tried_again(self):
        path = support.configure("nonsense = 1\n", name="wrong")
        run("systemctl", "restart", "finwait.service", check=False)
        self.assertEqual(show("finwait.service", "ActiveState"), "failed")
        self.assertEqual(show("finwait.service", "ExecMainStatus"), "2")
        self.assertEqual(show("finwait.service", "NRestarts"), "0")
        path.unlink()
        run("systemctl", "restart", "finwait.service")

    def test_a_token_comes_as_a_credential(self):
        token = pathlib.Path("/etc/finwait/api-token")
        token.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
        token.chmod(0o600)
        self.addCleanup(token.unlink)
        path = support.configure('[serve]\ntcp_writes = "token"\n', name="token")
        self.restart_at_the_end(support.drop_in(
            "finwait.service", f"[Service]\nLoadCredential=api-token:{token}\n"))
        self.addCleanup(path.unlink)
        run("systemctl", "restart", "finwait.service")

        def order(given):
            with contextlib.closing(support.TcpConnection()) as connection:
                connection.request("POST", "/api/v1/audits", json.dumps({"name": "default"}), {
                    "Content-Type": "application/json",
                    **({"Authorization": f"Bearer {given}"} if given else {})})
                return connection.getresponse().status
        right = token.read_text(encoding="utf-8").strip()
        self.assertIn(order(right), (200, 202))
        self.assertEqual([order(wrong) for wrong in (None, "x" * 64, right[:-1])], [401, 401, 401])
        # Nowhere to be read by others.
        process = pathlib.Path("/proc", str(support.main_pid()))
        for name in ("cmdline", "environ"):
            self.assertNotIn(right.encode(), (process / name).read_bytes())
        self.assertNotIn(right, output("journalctl", "--unit", "finwait.service", "--output", "export"))
        self.assertNotIn(right, json.dumps(support.get("/api/v1/config")))

    def test_without_namespaces_it_says_what_it_cannot_do(self):
        with_lab = support.run_audit(name="default")
        self.assertEqual(with_lab["environment"]["lab"], "namespace")
        self.assertEqual(with_lab["environment"]["not_run"], [])
        self.restart_at_the_end(support.drop_in("finwait.service", NO_NAMESPACES))
        run("systemctl", "restart", "finwait.service")
        without = support.run_audit(name="default")
        self.assertNotEqual(without["environment"]["lab"], "namespace")
        self.assertNotEqual(without["environment"]["not_run"], [])
        self.assertEqual(without["summary"]["leaked"], 0)
        lab = support.status()["checks"]["lab"]
        self.assertEqual(lab["status"], "warn")
        self.assertTrue(lab["detail"])
        self.assertEqual(support.ask("/readyz")[0], 200)

    def test_stop_leaves_nothing_in_the_middle_of_an_audit(self):
        self.addCleanup(run, "systemctl", "start", "finwait.service")
        before = support.network_namespaces()
        code, order, _ = support.ask("/api/v1/audits", "POST", {"at": ["all"], "by": ["all"], "repeat": 20})
        self.assertEqual(code, 202, order)
        self.assertIn("report", events_of(order["id"]))
        # Control: there is something that could be left.
        processes = support.processes_of_service()
        self.assertGreater(len(processes), 1)
        self.assertGreater(len(support.network_namespaces() - before), 0)
        run("systemctl", "stop", "finwait.service")
        self.assertEqual(show("finwait.service", "Result"), "success")
        self.assertEqual(show("finwait.service", "ExecMainStatus"), "0")
        self.assertEqual([pid for pid in processes if os.path.exists(f"/proc/{pid}")], [])
        self.assertEqual(support.processes_of_service(), [])
        self.assertEqual(support.network_namespaces() - before, set())
        self.assertFalse(os.path.exists("/run/finwait"))
        self.assertEqual(output("ss", "--no-header", "-ltn", f"sport = :{support.PORT}"), "")

    def test_stop_and_start_keep_the_history(self):
        done = support.run_audit(name="default")
        run("systemctl", "restart", "finwait.service")
        self.assert_history_has(done)
        listed = [json.loads(line) for line in output(
            "finwait", "reports", "-o", "ndjson", "--socket", support.SOCKET).splitlines()]
        self.assertIn(done["reports"][0]["id"], [each["id"] for each in listed])
        self.assertFalse(list(pathlib.Path("/var/lib/finwait").glob("*damaged*")))


if __name__ == "__main__":
    support.main()
