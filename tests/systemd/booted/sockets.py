"""The examples of /usr/share/doc/finwait: the API's sockets held by systemd, the daemon without a network."""
import contextlib
import http.client
import os
import pathlib
import shutil

import support
from support import run, show


class Sockets(support.Case):
    @classmethod
    def setUpClass(cls):
        support.install()
        run("systemctl", "stop", "finwait-audit.timer")
        support.configure(support.SMALL_DEFAULT)
        # As the comment in lab-only.conf says.
        shutil.copy(support.HERE / "finwait.socket", "/etc/systemd/system/")
        place = pathlib.Path("/etc/systemd/system/finwait.service.d")
        place.mkdir()
        shutil.copy(support.HERE / "lab-only.conf", place)
        run("systemctl", "daemon-reload")
        run("systemctl", "disable", "--now", "finwait.service")
        run("systemctl", "enable", "--now", "finwait.socket")

    def setUp(self):
        run("systemctl", "stop", "finwait.service")
        self.assertEqual(show("finwait.service", "ActiveState"), "inactive")
        self.assertEqual(show("finwait.socket", "ActiveState"), "active")

    def test_the_first_request_starts_it(self):
        self.assertEqual(support.status()["schema"], "finwait.status/1")
        self.assertEqual(show("finwait.service", "ActiveState"), "active")
        self.assertEqual(
            support.get("/api/v1/status", over=support.TcpConnection)["started"],
            support.status()["started"])

    def test_it_has_no_network_and_audits(self):
        done = support.run_audit(name="default")
        self.assertEqual(done["outcome"], "clean")
        self.assertEqual(done["environment"]["lab"], "namespace")
        own = os.readlink(f"/proc/{support.main_pid()}/ns/net")
        self.assertNotEqual(own, os.readlink("/proc/self/ns/net"))

    def test_nobody_is_refused_while_it_restarts(self):
        started = {support.status()["started"]}
        for _ in range(7):
            run("systemctl", "reset-failed", "finwait.service")  # StartLimitBurst=
            run("systemctl", "restart", "--no-block", "finwait.service")
            started.add(self.started())
            run("systemctl", "start", "finwait.service")  # the end of the restart
            started.add(support.status()["started"])
        self.assertEqual(len(started), 8)

    def started(self):
        """Asks as often as an ending daemon has taken the connection along; being refused is a failure."""
        while True:
            with contextlib.suppress(http.client.RemoteDisconnected, ConnectionResetError):
                return support.status()["started"]

    def test_control_without_the_socket_unit_they_are(self):
        run("systemctl", "stop", "finwait.socket")
        self.addCleanup(run, "systemctl", "start", "finwait.socket")
        with self.assertRaises((FileNotFoundError, ConnectionRefusedError)):
            support.status()

    def test_members_may_write_and_the_socket_outlives_the_service(self):
        self.assertEqual(oct(os.stat(support.SOCKET).st_mode & 0o777), oct(0o660))
        run("systemctl", "start", "finwait.service")
        self.assertEqual(oct(os.stat(support.SOCKET).st_mode & 0o777), oct(0o660))
        run("systemctl", "start", "finwait-audit.service")
        self.assertEqual(show("finwait-audit.service", "Result"), "success")
        run("systemctl", "stop", "finwait.service")
        self.assertTrue(os.path.exists(support.SOCKET))

    def test_its_score(self):
        code, text = run("systemd-analyze", "security", "--threshold=11", "--no-pager", "finwait.service",
                         check=False)
        self.assertEqual(code, 0, text)


if __name__ == "__main__":
    support.main()
