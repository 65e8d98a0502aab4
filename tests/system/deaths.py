"""Nothing outlives a command, whoever is killed, and a killed worker costs only what it had."""
import json
import os
import signal
import subprocess
import unittest

import support
from support import Run, finwait


def audit(*arguments, **options):
    """An audit that has reported once: probes are in flight, and many are still to come."""
    many = () if "--repeat" in arguments else ("--repeat", "4")
    run = Run("audit", "--in-flight", "16", "-o", "ndjson", *many, *arguments, **options)
    run.line("stdout")
    return run


class Parents(unittest.TestCase):
    def test_nothing_outlives_a_killed_audit(self):
        with audit() as run:
            processes = run.pids()
            self.assertGreater(len(processes), 1)
            namespaces = support.namespaces_of(processes)
            os.kill(run.pid, signal.SIGKILL)
            support.wait_until_gone(processes)
            left = run.pids()
            support.wait_until_gone(left)  # what was started in between ends as well
            self.assertEqual(run.pids(), [])
            self.assertEqual(support.holders_of(namespaces), [])

    def test_nothing_outlives_a_killed_audit_whose_workers_are_stopped(self):
        with audit("--jobs", "2", "--by", "sigterm,inherit,stop") as run:
            processes = run.pids()
            for keeper in run.workers():
                for worker in run.workers(of=keeper):
                    os.kill(worker, signal.SIGSTOP)
            os.kill(run.pid, signal.SIGKILL)
            support.wait_until_gone(processes)
            support.wait_until_gone(run.pids())
            self.assertEqual(run.pids(), [])

    def test_nothing_outlives_an_audit_that_is_killed_with_stopped_subjects(self):
        with audit("--by", "stop,inherit,sigterm") as run:
            processes = run.pids()
            os.kill(run.pid, signal.SIGKILL)
            support.wait_until_gone(processes)
            support.wait_until_gone(run.pids())
            self.assertEqual(run.pids(), [])

    def test_an_interrupt_prints_what_there_is(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                run = Run("audit", "--repeat", "50", "-o", "json", "--in-flight", "16")
                with run:
                    # No data comes before the end; a worker that has a namespace is under way.
                    worker = self.worker_of(run)
                    self.assertIsNotNone(worker)
                    os.kill(run.pid, number)
                    status, out, _ = run.finish()
                    self.assertEqual(status, -number)
                    self.assertTrue(json.loads(out)["interrupted"])
                    self.assertNotEqual(json.loads(out)["outcome"], "clean")
                    self.assertEqual(run.pids(), [])

    def worker_of(self, run):
        """Waits for the first worker: it is there before the audit says that it runs."""
        while run.process.poll() is None:
            if workers := run.workers():
                return workers[0]
        return None

    def test_an_interrupted_table_says_so(self):
        with audit() as run:
            os.kill(run.pid, signal.SIGINT)
            status, _, err = run.finish()
            self.assertEqual(status, -signal.SIGINT)
            self.assertIn("interrupted, so far", err)
            self.assertEqual(run.pids(), [])


class Workers(unittest.TestCase):
    def test_a_killed_worker_loses_what_it_had_in_flight_and_no_more(self):
        choice = ("--at", "idle,await_response", "--by", "close,reset,sigkill")
        with audit("--jobs", "2", *choice, "--repeat", "30") as run:
            workers = run.workers()
            self.assertEqual(len(workers), 2)
            (stopped,) = run.workers(of=workers[0])
            os.kill(stopped, signal.SIGSTOP)  # what it has now is what it loses
            os.kill(workers[0], signal.SIGKILL)
            status, out, err = run.finish()
            self.assertEqual(run.pids(), [])
        self.assertEqual(status, 3, err[-2000:])
        self.assertIn("signal 9", err)
        reports = support.reports_in(out)
        lost = [r for r in reports if "worker_died" in [why["code"] for why in r["reasons"]]]
        self.assertTrue(1 <= len(lost) <= 16, len(lost))
        self.assertEqual({r["verdict"] for r in lost}, {"unverified"})
        self.assertTrue(all("signal 9" in r["reasons"][0]["text"] for r in lost))
        one_of_each = support.reports_in(finwait("audit", *choice, "-o", "ndjson")[1])
        self.assertEqual(len({r["id"] for r in reports}) + 1, len(one_of_each) * 30)  # 1 was read

    def test_workers_that_always_die_leave_everything_unverified(self):
        with Run("audit", "--at", "idle", "--by", "close", "--repeat", "40", "--jobs", "1",
                 "--in-flight", "1", "-o", "ndjson") as run:
            seen = set()
            while run.process.poll() is None:
                for worker in set(run.workers()) - seen:
                    seen.add(worker)
                    try:
                        os.kill(worker, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            status, out, _ = run.finish()
            self.assertEqual(run.pids(), [])
        reports = support.reports_in(out)
        self.assertEqual(len(reports), 80)
        self.assertEqual(status, 3)
        self.assertIn("unverified", {r["verdict"] for r in reports})


class Limits(unittest.TestCase):
    def limited(self, descriptors, *arguments):
        return finwait(*arguments, before=("prlimit", f"--nofile={descriptors}:{descriptors}"))

    def test_no_descriptors_left_is_said_and_leaves_nothing(self):
        # UBSan opens a pipe to look at memory, and calls it inaccessible when it cannot.
        for descriptors in (12,) if support.is_sanitized() else (5, 8, 12):
            with self.subTest(descriptors):
                status, out, err = self.limited(
                    descriptors, "audit", "--at", "idle", "--by", "close", "-o", "json")
                self.assertEqual(status, 3, err)
                self.assertIn("oo many open files", out + err)

    def test_few_descriptors_make_cells_unverified_and_never_a_finding(self):
        status, out, _ = self.limited(64, "audit", "--at", "idle,response_body", "-o", "json")
        self.assertIn(status, (0, 3))
        self.assertEqual(json.loads(out)["findings"], [])

    def test_every_plan_is_answered_when_scenes_fail_half_made(self):
        methods = ("sigkill", "close", "inherit", "stop")
        plans = "".join('{"at":"response_body","by":"%s"}\n' % methods[i % 4] for i in range(32))
        for descriptors in (75, 140):
            with self.subTest(descriptors), Run(
                    "worker", "--in-flight", "32", stdin=subprocess.PIPE,
                    before=("prlimit", f"--nofile={descriptors}:{descriptors}")) as run:
                # Its input stays open: a probe that never ends is not told apart by the end.
                run.process.stdin.write(plans.encode())
                run.process.stdin.flush()
                for _ in range(32):
                    report = json.loads(run.line("stdout"))
                    self.assertIn(report["verdict"], ("released", "held", "leaked", "unverified"))
                    self.assertTrue(report["as_expected"] or report["verdict"] == "unverified")


if __name__ == "__main__":
    support.main()
