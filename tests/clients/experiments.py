"""What an experiment measures and counts of a client, and what it makes of it.

The clients are a few lines each and do one thing wrong, or right, so that what they do is known.
They run in `finwait worker`, which takes what a recipe says, and in `finwait run`.
"""
import json
import os
import pathlib
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "system"))

import support  # noqa: E402: it is in the folder that was just added
from support import finwait  # noqa: E402

PYTHON = os.path.realpath(sys.executable)

# A driver of a client of its own: a pool of keep-alive connections to the origin.
#   at_once     all requests in flight together, their connections go back to the pool
#   one_by_one  one after the other with the pool's connection
#   growing     one after the other, each on a connection of its own that goes to the pool
#   blocked     its timeout is ignored: it waits for its answer for ever
#   patient     it waits for its answer until the connection ends
#   refused     at its timeout it closes, and keeps a socket that was refused a connection
#   retrying    at its timeout it closes and asks twice more, each time in vain
#   broken      it never says READY
POOL = r"""
import os, select, socket, sys
HOST, PORT, MODE, COUNT, TIMEOUT = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), 0.5
pool, kept = [], []
def say(text):
    os.write(1, (text + "\n").encode())
def connect():
    one = socket.socket()
    one.connect((HOST, PORT))
    return one
def ask(one):
    one.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    return one
def answer(one, limit=None):
    one.settimeout(limit)
    head = b""
    while b"\r\n\r\n" not in head:
        data = one.recv(1)
        if not data: raise EOFError
        head += data
    left = int(head.lower().partition(b"content-length:")[2].split()[0])
    while left > 0: left -= len(one.recv(left))
    one.settimeout(None)
    pool.append(one)
def fresh():
    return pool.pop() if pool and MODE != "growing" else connect()
def start():
    if MODE == "at_once":
        for one in [ask(fresh()) for _ in range(COUNT)]: answer(one)
        return
    for _ in range(COUNT):
        one = ask(fresh())
        try:
            answer(one, None if MODE in ("blocked", "patient") else TIMEOUT)
        except OSError:
            one.close()
            if MODE == "refused":
                kept.append(socket.socket())
                kept[-1].connect_ex((HOST, 1))
            if MODE == "retrying":
                for _ in range(2):
                    one = ask(connect())
                    select.select([one], [], [], TIMEOUT)
                    one.close()
with open(sys.argv[5], "a") as log: log.write(MODE + "\n")
if MODE == "broken": sys.exit("broken")
say("READY 1")
while (word := sys.stdin.readline().strip()) != "exit" and word:
    if word == "start":
        try: start()
        except EOFError: pass
        say("HOLD")
    if word == "health":
        try: answer(ask(fresh()), 5); say("HEALTH ok")
        except Exception as error: say("HEALTH " + type(error).__name__)
"""

# What the clients of `finwait run` begin with.
BEGIN = r"""
import os, signal, socket, sys, threading, time
HOST, PORT = sys.argv[1], int(sys.argv[2])
def say(text):
    os.write(1, (text + "\n").encode())
def ask():
    one = socket.create_connection((HOST, PORT))
    one.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    return one
"""


def run(*words, code):
    """The report on a program with this code."""
    _, out, err = finwait(
        "run", "-o", "json", *words, "--", PYTHON, "-c", BEGIN + code, "{host}", "{port}")
    try:
        return json.loads(out)
    except ValueError:
        raise AssertionError(err) from None


def codes(report):
    return [why["code"] for why in report["reasons"]]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "log"

    def command(self, mode, count):
        return [PYTHON, "-c", POOL, "{host}", "{port}", mode, str(count), str(self.log)]

    def plan(self, mode, *, at="idle", by="own", requests=1, success=None, at_once=1, **more):
        """A line for a worker: a client of that mode, and of `success` for its baseline."""
        client = {
            "command": self.command(mode, requests), "driver": True, "settle_ms": [200, 400],
            "own_timeout_ms": 500} | more
        if success:
            client |= {"success_command": self.command(success, at_once),
                       "success_requests": at_once}
        return {"at": at, "by": by, "subject": "pool", "requests": requests, "client": client}

    def reports(self, *plans):
        lines = "".join(json.dumps(each) + "\n" for each in plans)
        _, out, err = finwait("worker", input=lines.encode())
        found = support.reports_in(out)
        self.assertEqual(len(found), len(plans), out + err)
        return found

    def report(self, *arguments, **options):
        return self.reports(self.plan(*arguments, **options))[0]


class Baseline(Case):
    def test_what_successes_leave_open_is_held(self):
        report = self.report("one_by_one", success="one_by_one", baseline=7)
        self.assertEqual(report["process"]["baseline"], 1)
        self.assertEqual(report["process"]["baseline_source"], "measured")
        self.assertEqual(report["verdict"], "held", report["reasons"])
        self.assertEqual(report["warnings"], [])
        self.assertEqual(len(self.log.read_text().splitlines()), 2)

    def test_it_is_measured_with_as_many_requests_at_once(self):
        report = self.report("at_once", requests=3, success="at_once", at_once=3)
        self.assertEqual(report["process"]["baseline"], 3)
        self.assertEqual(report["verdict"], "held", report["reasons"])

    def test_one_at_a_time_does_not_excuse_many(self):
        report = self.report("growing", requests=3, success="one_by_one")
        self.assertEqual(report["process"]["baseline"], 1)
        self.assertEqual(report["verdict"], "leaked")
        self.assertIn("pool_growth", codes(report))

    def test_a_recipe_does_not_excuse_what_was_measured_otherwise(self):
        report = self.report("growing", requests=3, success="one_by_one", baseline=100)
        self.assertEqual(report["verdict"], "leaked")

    def test_it_is_measured_once_for_all_probes_of_a_worker(self):
        plans = [self.plan("one_by_one", success="one_by_one") for _ in range(3)]
        for report in self.reports(*plans):
            self.assertEqual(report["process"]["baseline"], 1)
        self.assertEqual(len(self.log.read_text().splitlines()), 4)

    def test_a_recipe_speaks_where_nothing_could_be_measured(self):
        report = self.report("one_by_one", success="broken", baseline=4)
        self.assertEqual(report["process"]["baseline"], 4)
        self.assertEqual(report["process"]["baseline_source"], "recipe")
        self.assertEqual(report["verdict"], "held")
        self.assertIn("could not be measured", report["warnings"][0])
        self.assertIn("READY", report["warnings"][0])
        self.assertIn("recipe's 4 is taken", report["warnings"][0])

    def test_a_process_that_is_dead_keeps_nothing_and_is_not_measured(self):
        report = self.report("one_by_one", by="sigkill", success="one_by_one", baseline=4)
        self.assertIsNone(report["process"]["baseline"])
        self.assertIsNone(report["process"]["baseline_source"])
        self.assertEqual(len(self.log.read_text().splitlines()), 1)

    def test_a_plain_command_is_never_run_twice(self):
        plan = self.plan("one_by_one", baseline=4)
        report = self.reports(plan)[0]
        self.assertEqual(report["process"]["baseline_source"], "recipe")
        self.assertEqual(len(self.log.read_text().splitlines()), 1)


class Descriptors(Case):
    def test_a_socket_in_close_that_is_new_is_a_leak(self):
        report = self.report("refused", at="await_response")
        self.assertEqual(report["verdict"], "leaked", report)
        self.assertEqual(report["process"]["zombie_fds"], 1)
        self.assertEqual(report["process"]["new_zombie_fds"], 1)
        self.assertEqual(codes(report)[0], "leak_zombie_fd")
        self.assertEqual(report["connections"][0]["verdict"], "released")

    # A listener, and two that were never connected, one of them bound.
    others = ("listener = socket.create_server((HOST, 0)); idle = socket.socket()\n"
              "bound = socket.socket(); bound.bind((HOST, 0))\n")

    def test_what_was_there_before_is_no_leak(self):
        report = run("--by", "own", "--hold", "^done$", "--settle", "200ms", code=self.others +
                     "one = ask(); one.settimeout(0.5)\n"
                     "try: one.recv(1)\n"
                     "except OSError: one.close(); say('done'); signal.pause()")
        self.assertEqual(report["verdict"], "released", report)
        self.assertGreaterEqual(report["process"]["zombie_fds"], 1)
        self.assertLessEqual(report["process"]["zombie_fds"], 2)
        self.assertEqual(report["process"]["new_zombie_fds"], 0)

    def test_a_listener_is_none(self):
        report = run("--by", "own", "--hold", "^done$", "--settle", "200ms", code=
                     "one = ask(); one.settimeout(0.5)\n"
                     "try: one.recv(1)\n"
                     "except OSError: one.close()\n"
                     "listener = socket.create_server((HOST, 0)); say('done'); signal.pause()")
        self.assertEqual(report["verdict"], "released", report)
        self.assertEqual(report["process"]["zombie_fds"], 0)

    def test_a_known_connection_is_not_counted_twice(self):
        report = run("--by", "peer_reset", "--settle", "200ms", code="one = ask(); signal.pause()")
        self.assertEqual(report["verdict"], "leaked", report)
        self.assertEqual(report["process"]["zombie_fds"], 1)
        self.assertEqual(report["process"]["new_zombie_fds"], 0)
        self.assertEqual(codes(report).count("leak_zombie_fd"), 1)


class OwnEnd(Case):
    limit_s = 100

    def is_not_waited_for(self, report):
        """Nobody waited for the requests that were not to come."""
        self.assertLess(report["took_ns"], self.limit_s * 1_000_000_000)

    def test_its_word_ends_the_wait_for_more_requests(self):
        report = run("--by", "own", "-n", "3", "--hold", "^done$", "--settle", "200ms",
                     "--timeout", f"{self.limit_s}s",
                     code="one = ask(); one.close(); say('done'); signal.pause()")
        self.assertEqual(report["verdict"], "released", report)
        self.is_not_waited_for(report)

    def test_its_end_does_so_too(self):
        report = run("--by", "own", "-n", "3", "--timeout", f"{self.limit_s}s",
                     code="one = ask(); one.close()")
        self.assertEqual(report["verdict"], "released", report)
        self.is_not_waited_for(report)

    def test_a_word_before_any_connection_is_no_stall(self):
        report = run("--by", "own", "--hold", "^done$", "--timeout", f"{self.limit_s}s",
                     code="say('done'); signal.pause()")
        self.assertEqual(codes(report), ["stall_not_reached"])
        self.assertIn("had said before that it was done", report["reasons"][0]["text"])
        self.is_not_waited_for(report)

    def test_a_child_that_a_shell_left_behind_is_waited_for(self):
        report = run("--by", "own", code=
                     "if os.fork() == 0:\n"
                     "    signal.sigtimedwait([signal.SIGUSR1], 0.5)\n"
                     "    one = ask(); one.recv(1)\n")
        self.assertEqual(report["verdict"], "leaked", report)
        self.assertIn("leak_hidden_holder", codes(report))

    def test_a_caller_that_is_still_blocked_was_not_cancelled(self):
        report = self.report("blocked", at="await_response")
        self.assertEqual(report["verdict"], "leaked")
        self.assertIn("not_cancelled", codes(report))
        self.assertNotIn("client_dead", codes(report))
        self.assertIsNone(report["process"]["works"])


class Silence(Case):
    def test_no_byte_in_either_direction_confirms_it(self):
        for at in ("connected", "await_response", "response_body"):
            with self.subTest(at):
                report = run("--at", at, "--by", "peer_silent", "--settle", "200ms", code=
                             "one = socket.socket(); one.settimeout(1)\n"
                             "try:\n"
                             "    one.connect((HOST, PORT))\n"
                             "    one.sendall(b'GET / HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n')\n"
                             "    while one.recv(65536): pass\n"
                             "except OSError: one.close()")
                self.assertEqual(report["verdict"], "released", report)
                self.assertIn("no byte in either direction", report["kill"]["confirmed_by"])

    def test_a_client_that_goes_on_sending_refutes_it(self):
        report = run("--by", "peer_silent", "--settle", "500ms", code=
                     "one = ask()\n"
                     "while True: one.sendall(b'x'); time.sleep(0.05)")
        self.assertEqual(report["verdict"], "unverified", report)
        self.assertEqual(codes(report), ["fault_not_delivered"])
        self.assertFalse(report["kill"]["happened"])


class Retries(Case):
    def test_they_are_counted_and_told_beside_what_the_recipe_says(self):
        report = self.report("retrying", at="await_response", retries=1)
        self.assertEqual(report["process"]["extra_requests"], 2)
        self.assertEqual(report["verdict"], "released", report["reasons"])
        self.assertTrue(report["as_expected"])
        self.assertIn("2 requests came to the origin beyond the 1", report["warnings"][0])
        self.assertIn("its recipe says 1", report["warnings"][0])

    def test_a_health_request_is_none(self):
        for at in ("await_response", "idle"):
            report = self.report("one_by_one", at=at)
            self.assertEqual(report["process"]["extra_requests"], 0, at)
            self.assertTrue(report["process"]["works"], at)


class Survival(Case):
    def test_what_the_recipe_says_is_compared(self):
        rows = [("sigkill", True, "survives sigkill, and it ended by signal 9"),
                ("sigkill", False, None), ("own", True, None),
                ("own", False, "does not say that it survives own")]
        plans = [self.plan("one_by_one", at="await_response", by=by, survives=survives)
                 for by, survives, _ in rows]
        for number, plan in enumerate(plans):
            plan["id"] = f"01K000000000000000000000{number:02}"
        found = {report["id"]: report for report in self.reports(*plans)}
        for plan, (by, survives, warning) in zip(plans, rows):
            with self.subTest(by=by, survives=survives):
                warnings = " ".join(found[plan["id"]]["warnings"])
                if warning:
                    self.assertIn(warning, warnings)
                else:
                    self.assertEqual(warnings, "")


if __name__ == "__main__":
    support.main()
