"""`finwait worker`: plans in, reports out, and how it ends."""
import json
import os
import signal
import subprocess
import tempfile
import unittest

import support
from support import Run, finwait

IDLE = '{"at":"idle","by":"close"}\n'


def work(text, *arguments):
    status, out, err = finwait("worker", *arguments, input=text.encode())
    return status, [json.loads(line) for line in out.splitlines()], err


class PlansIn(unittest.TestCase):
    def test_a_plan_gives_a_report_with_its_id(self):
        mine = "01K0000000000000000000000A"
        status, lines, _ = work(IDLE + '{"at":"connect","by":"reset","id":"%s"}\n' % mine)
        self.assertEqual(status, 0)
        self.assertEqual([line["schema"] for line in lines], ["finwait.report/1"] * 2)
        self.assertIn(mine, [line["id"] for line in lines])

    def test_the_environment_is_said_only_when_asked_for(self):
        status, lines, _ = work(IDLE, "--environment")
        self.assertEqual(status, 0)
        self.assertEqual(lines[0]["schema"], "finwait.environment/1")
        self.assertEqual(len(lines), 2)

    def test_a_line_that_is_no_plan_gives_an_error_and_the_worker_lives_on(self):
        wrong = [
            ("{", ""), ("[]", ""), ("", None), ('{"at":"idel","by":"close"}', "at"),
            ('{"at":"idle"}', "by"), ('{"at":"idle","by":"close","tls":1}', "tls"),
            ('{"at":"idle","by":"close","colour":"red"}', "colour"),
            ('{"at":"idle","by":"close","position":7}', "position"),
            ('{"at":"idle_peer_closed","by":"peer_close"}', "by"),
            ('{"at":"idle","by":"close","request":{"framing":"lenght"}}', "request.framing"),
            ("x" * 70000, ""), ('{"at":"idle","by":"close","id":"short"}', "id"),
            ("[" * 60000, ""),
        ]
        status, lines, _ = work("".join(text + "\n" for text, _ in wrong) + IDLE)
        self.assertEqual(status, 0)
        errors = [line for line in lines if line["schema"] == "finwait.error/1"]
        told = {line["line"]: line for line in errors}
        for number, (text, field) in enumerate(wrong, start=1):
            with self.subTest(text[:60]):
                if field is None:  # an empty line is passed over
                    self.assertNotIn(number, told)
                    continue
                self.assertEqual(told[number]["field"], field)
                self.assertTrue(told[number]["detail"])
        self.assertEqual(len(lines) - len(errors), 1)

    def test_a_running_id_is_not_taken_twice(self):
        line = '{"at":"idle","by":"close","id":"01K0000000000000000000000A"}\n'
        status, lines, _ = work(line + line)
        self.assertEqual(status, 0)
        kinds = sorted(each["schema"] for each in lines)
        self.assertEqual(kinds, ["finwait.error/1", "finwait.report/1"])

    def test_a_last_line_needs_no_newline_and_no_input_is_fine(self):
        self.assertEqual(len(work(IDLE.strip())[1]), 1)
        self.assertEqual(work("")[:2], (0, []))
        self.assertEqual(finwait("worker")[:2], (0, ""))  # /dev/null

    def test_files_will_do(self):
        with tempfile.TemporaryFile() as plans, tempfile.TemporaryFile() as reports:
            plans.write(IDLE.encode() * 3)
            plans.seek(0)
            self.assertEqual(finwait("worker", stdin=plans, stdout=reports)[0], 0)
            reports.seek(0)
            self.assertEqual(len(support.reports_in(reports.read().decode())), 3)

    def test_many_plans_with_few_in_flight_all_report(self):
        status, lines, _ = work(IDLE * 101, "--in-flight", "3")
        self.assertEqual(status, 0)
        self.assertEqual(len(lines), 101)
        self.assertEqual(len({line["id"] for line in lines}), 101)

    def test_one_namespace_for_all_has_no_counters(self):
        _, lines, _ = work(IDLE, "--shared")
        self.assertIsNone(lines[0]["counters"])
        self.assertTrue(lines[0]["warnings"])


class Ending(unittest.TestCase):
    """Every case leaves no process: Run.finish is followed by a look at what lives."""

    def started(self, *arguments):
        """A worker that has reported once and waits for more."""
        run = Run("worker", *arguments, stdin=subprocess.PIPE)
        run.process.stdin.write(IDLE.encode())
        run.process.stdin.flush()
        self.assertIn("finwait.report/1", run.line("stdout"))
        return run

    def with_subjects(self, run):
        """Gives it clients in processes of their own, and waits until one is there."""
        run.process.stdin.write(b'{"at":"await_response","by":"stop"}\n' * 8)
        run.process.stdin.flush()
        run.line("stdout")  # one has been through it, so others are under way or done

    def test_a_signal_ends_it_at_once_and_shows(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), self.started() as run:
                self.with_subjects(run)
                os.kill(run.pid, number)
                support.wait_until_gone([run.pid])  # its input is still open
                self.assertEqual(run.finish()[0], -number)
                self.assertEqual(run.pids(), [])

    def test_it_ends_when_nobody_reads_its_output_even_while_it_has_nothing_to_say(self):
        with self.started() as run:
            run.process.stdout.close()
            support.wait_until_gone([run.pid])
            self.assertEqual(run.process.wait(), 74)
            self.assertEqual(run.pids(), [])

    def test_a_full_disk_ends_it(self):
        with open("/dev/full", "w") as full:
            status, _, err = finwait("worker", input=IDLE.encode(), stdout=full)
        self.assertEqual(status, 74)
        self.assertIn("No space left", err)

    def test_it_ends_when_its_parent_is_gone(self):
        status, out, _ = finwait("worker", "--child-of", "1", input=IDLE.encode())
        self.assertNotEqual(status, 0)
        self.assertEqual(out, "")


if __name__ == "__main__":
    support.main()
