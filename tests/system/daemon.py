"""`finwait serve` and `finwait status`, as an operator meets them."""
import json
import os
import re
import shutil
import signal
import socket
import tempfile
import unittest
import urllib.error
import urllib.request

import support
from support import Run, finwait


class Daemon:
    """A daemon on a port of the kernel's choice."""

    def __init__(self, *arguments):
        self.folder = tempfile.mkdtemp(prefix="finwait-daemon-")
        self.run = Run(
            "serve", "--listen", "127.0.0.1:0", *arguments,
            environment={"XDG_STATE_HOME": self.folder, "XDG_RUNTIME_DIR": self.folder})
        line = self.run.line_with("stderr", "listening on ")
        self.url = re.search(r"http://[^ ;]+", line).group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.run.__exit__()
        shutil.rmtree(self.folder)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=support.LIMIT) as answer:
            return answer.read()

    def self_at_rest(self):
        """What the status says of the daemon itself, while neither an audit runs nor a program is
        asked for its version."""
        while True:
            before = support.children_of(self.run.pid)
            now = json.loads(self.get("/api/v1/status"))["self"]
            if not before and now["workers"] == 0 and not support.children_of(self.run.pid):
                return now

    def first_audit(self):
        """Waits for the matrix on standard output; gives it."""
        text = ""
        while "JSON: " not in text:
            line = self.run.line("stdout")
            if not line:
                raise AssertionError("standard output ended: " + text)
            text += line
        return text

    def stop(self, number=signal.SIGTERM):
        os.kill(self.run.pid, number)
        return self.run.finish()


class Serving(unittest.TestCase):
    def test_it_prints_the_matrix_and_serves_the_same(self):
        with Daemon() as daemon:
            text = daemon.first_audit()
            self.assertIn("peer_silent", text)
            self.assertIn(f"JSON: {daemon.url}/api/v1/status\n", text)
            status = json.loads(daemon.get("/api/v1/status"))
            self.assertEqual(status["schema"], "finwait.status/1")
            self.assertEqual(status["self"]["workers"], 0)
            self.assertEqual(daemon.run.workers(), [])
            # Programs are asked for their versions, one after the start, and are gone then.
            support.wait_until_gone(set(daemon.run.pids()) - {daemon.run.pid})
            audit = json.loads(daemon.get("/api/v1/audits/latest"))
            self.assertEqual(audit["id"], status["last_audit"]["id"])
            self.assertEqual(audit["outcome"], status["last_audit"]["outcome"])
            self.assertEqual(len(audit["findings"]), status["open_findings"])
            self.assertIn(f"{audit['outcome']}: {len(audit['reports'])} cells", text)
            self.assertEqual(
                json.loads(daemon.get("/api/v1/audits/" + audit["id"])), audit)
            for report in audit["reports"][::37]:
                self.assertEqual(
                    json.loads(daemon.get("/api/v1/reports/" + report["id"])), report)
            code, out, _ = finwait("status", "--url", daemon.url, "-o", "json")
            self.assertEqual(json.loads(out)["last_audit"]["id"], audit["id"])
            self.assertEqual(code, 0 if status["status"] == "pass" else 3)
            self.assertEqual(audit["outcome"], "clean")
            code, out, _ = finwait("status", "--url", daemon.url, "--wait-for", "pass")
            self.assertEqual(code, 0)
            self.assertTrue(out.startswith("pass "), out)
            self.assertEqual(daemon.stop()[0], 0)
            self.assertEqual(daemon.run.pids(), [])

    def test_it_answers_while_an_audit_runs_and_does_not_call_that_good(self):
        with Daemon() as daemon:
            status = json.loads(daemon.get("/api/v1/status"))
            self.assertIsNone(status.get("last_audit"))
            self.assertEqual(status["status"], "warn")
            with self.assertRaises(urllib.error.HTTPError) as refused:
                daemon.get("/api/v1/audits/latest")
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()
            self.assertEqual(finwait("status", "--url", daemon.url)[0], 3)

    def test_it_audits_again(self):
        with Daemon("--every", "1s") as daemon:
            daemon.first_audit()
            line = daemon.run.line_with("stderr", "finwait: audit ")
            self.assertIn(" cells in ", line)
            audits = json.loads(daemon.get("/api/v1/audits"))["audits"]
            self.assertGreaterEqual(len(audits), 2)
            self.assertGreater(audits[0]["id"], audits[1]["id"])

    def test_it_stops_at_once_in_the_middle_of_an_audit(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), Daemon() as daemon:
                while not daemon.run.workers():
                    self.assertIsNone(daemon.run.process.poll())
                processes = daemon.run.pids()
                namespaces = support.namespaces_of(processes)
                self.assertEqual(daemon.stop(number)[0], 0)
                support.wait_until_gone(processes)
                self.assertEqual(daemon.run.pids(), [])
                self.assertEqual(support.holders_of(namespaces), [])

    def test_killed_in_the_middle_of_an_audit_it_leaves_nothing(self):
        with Daemon() as daemon:
            while not daemon.run.workers():
                self.assertIsNone(daemon.run.process.poll())
            processes = daemon.run.pids()
            os.kill(daemon.run.pid, signal.SIGKILL)
            support.wait_until_gone(processes)
            support.wait_until_gone(daemon.run.pids())
            self.assertEqual(daemon.run.pids(), [])

    def test_a_killed_worker_does_not_end_it(self):
        with Daemon() as daemon:
            while not (workers := daemon.run.workers()):
                self.assertIsNone(daemon.run.process.poll())
            os.kill(workers[0], signal.SIGKILL)
            self.assertIn("cells in", daemon.first_audit())
            self.assertEqual(json.loads(daemon.get("/api/v1/status"))["self"]["workers"], 0)

    def test_a_port_that_is_taken_is_told_with_the_cure(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            status, out, err = finwait("serve", "--listen", f"127.0.0.1:{port}")
        self.assertEqual((status, out), (2, ""))
        self.assertIn(str(port), err)
        self.assertIn("--listen", err)

    def test_it_stays_small_and_keeps_its_descriptors(self):
        with Daemon("--every", "1s") as daemon:
            daemon.first_audit()
            before = daemon.self_at_rest()
            for _ in range(3):
                daemon.run.line_with("stderr", "finwait: audit ")
            after = daemon.self_at_rest()
            # It may have fewer: at the start programs are asked for their versions.
            self.assertLessEqual(after["fds"], before["fds"])
            self.assertLessEqual(after["sockets"], before["sockets"])
            if not support.is_sanitized():
                self.assertLess(after["rss_bytes"], 30 * 1024 * 1024)


if __name__ == "__main__":
    support.main()
