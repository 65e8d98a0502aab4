"""`finwait run` with programs that nobody prepared for it: odd ones, broken ones, stubborn ones.

Every run is one that a user could type. Whatever the program does, there is an answer, and no
process of the run is left.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "system"))

import support  # noqa: E402: it is in the folder that was just added
from support import Run, finwait  # noqa: E402

PYTHON = os.path.realpath(sys.executable)
SCHEMAS = TESTS.parent / "web" / "schemas"

# What the clients below begin with. No braces: finwait replaces {host} and {port} in arguments.
BEGIN = r"""
import os, signal, socket, sys, threading
HOST, PORT = sys.argv[1], int(sys.argv[2])
def say(text):
    os.write(1, (text + "\n").encode())
def connect(family=socket.AF_INET, host=HOST):
    one = socket.socket(family)
    one.connect((host, PORT))
    return one
def ask(one):
    one.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    return one
def for_ever():
    while True:
        signal.pause()
def in_background(what):
    # A process that the started one no longer has to do with; returns when it runs.
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            say("daemon %d" % os.getpid())
            os.write(writing, b"x")
            what()
        os._exit(0)
    os.wait()
    os.read(reading, 1)
"""


def client(code):
    """The command of a client with this code."""
    return [PYTHON, "-c", BEGIN + code, "{host}", "{port}"]


def run(*words, **options):
    """Runs to the end: exit status and the report."""
    status, out, err = finwait("run", "-o", "json", *words, **options)  # nothing is left behind
    try:
        report = json.loads(out)
    except ValueError:
        raise AssertionError(f"exit {status}, no report: {out[-500:]} {err[-2000:]}") from None
    return status, report


def codes(report):
    return [why["code"] for why in report["reasons"]]


def text_of(report):
    return " ".join(why["text"] for why in report["reasons"])


class Case(unittest.TestCase):
    def released(self, *words, **options):
        status, report = run(*words, **options)
        self.assertEqual(report["verdict"], "released", report)
        self.assertTrue(report["as_expected"], report["reasons"])
        self.assertTrue(report["kill"]["happened"])
        self.assertEqual(status, 0, report)
        return report

    def leaked(self, *words, **options):
        status, report = run(*words, **options)
        self.assertEqual(report["verdict"], "leaked", report)
        self.assertFalse(report["as_expected"])
        self.assertEqual(status, 1, report)
        return report

    def unverified(self, code, *words, **options):
        status, report = run(*words, **options)
        self.assertEqual(report["verdict"], "unverified", report)
        self.assertIn(code, codes(report), report["reasons"])
        self.assertFalse(report["kill"]["happened"])
        self.assertEqual(status, 3, report)
        return report

    def refused(self, *words, **options):
        """Wrong usage, told in one line before anything was started."""
        status, out, err = finwait("run", *words, **options)
        self.assertEqual(status, 2, out + err)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        return err

    def folder(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return pathlib.Path(made.name).resolve()


class Commands(Case):
    """What cannot be started is refused by its name, with what to do about it."""

    def file(self, text, mode):
        path = self.folder() / "client.sh"
        path.write_bytes(text)
        path.chmod(mode)
        return path

    def test_one_that_does_not_exist(self):
        err = self.refused("--", "no-such-client", "{url}")
        self.assertIn('"no-such-client"', err)
        self.assertIn("install it", err)
        path = str(self.folder() / "absent")
        self.assertIn(path, self.refused("--", path, "{url}"))

    def test_one_that_is_not_executable(self):
        path = self.file(b"#!/bin/sh\n", 0o644)
        err = self.refused("--", str(path), "{url}")
        self.assertIn(f'"{path}" is not executable', err)
        self.assertIn("chmod +x", err)

    def test_a_directory(self):
        path = self.folder()
        err = self.refused("--", str(path), "{url}")
        self.assertIn(f'"{path}" is a directory', err)

    def test_a_script_without_its_interpreter(self):
        path = self.file(b"#!/no/such/interpreter\n", 0o755)
        err = self.refused("--", str(path), "{url}")
        self.assertIn("/no/such/interpreter", err)
        self.assertIn("install it", err)

    def test_no_program_at_all(self):
        path = self.file(b"\x01\x02 is no format of an executable\n", 0o755)
        status, out, err = finwait("run", "--", str(path), "{url}")
        self.assertEqual(status, 2, out + err)
        self.assertIn(str(path), out + err)
        self.assertIn("Exec format error", out + err)

    def test_none_given(self):
        for words in ((), ("--",), ("--", "")):
            with self.subTest(words):
                status, out, err = finwait("run", *words)
                self.assertEqual(status, 2, out + err)
                self.assertIn("finwait run -- curl", err)


class Arguments(Case):
    def test_a_hold_line_that_is_no_expression(self):
        for expression in ("(", "[", "*", r"(a)\1", "a(?=b)", "((a{99}){99}){99}"):
            with self.subTest(expression):
                err = self.refused("--hold", expression, "--", "curl", "{url}")
                self.assertIn("--hold", err)
                self.assertIn(f'"{expression}"', err.replace(r"\\", "\\"))

    def test_a_timeout_of_its_own(self):
        report = self.released("--by", "own", "--own-timeout", "300ms", "--", "sh", "-c",
                               "echo {timeout_ms}; exec curl -s -m 0.3 {url}")
        self.assertEqual(report["process"]["output"], "300\n")
        for wrong in ("0s", "soon", "11m"):
            with self.subTest(wrong):
                err = self.refused("--own-timeout", wrong, "--", "curl", "{url}")
                self.assertIn("--own-timeout", err)

    def test_values_out_of_range(self):
        for words, named in (
                (("--env", "=x"), "--env"), (("--env", "x"), "--env"),
                (("--cwd", "/no/such/folder"), "/no/such/folder"), (("-n", "0"), "--requests"),
                (("-n", "x"), "--requests"), (("--timeout", "soon"), "--timeout"),
                (("--timeout", "0s"), "--timeout"), (("--settle", "1s,1s"), "--settle")):
            with self.subTest(words):
                self.assertIn(named, self.refused(*words, "--", "curl", "{url}"))

    def test_placeholders_are_replaced_and_other_braces_are_not(self):
        _, report = run(
            "--timeout", "5s", "--method", "PUT", "--request", "length:3000", "--at",
            "await_response", "--by", "sigkill", "--", "sh", "-c",
            "wc -c <\"$1\"; echo \"$2\"; exec curl -s -X {method} --data-binary @\"$1\" {url}",
            "sh", "{body_file}", "{host}|{port}|{framing}|{body_bytes}|{other}|{}|{")
        self.assertEqual(report["verdict"], "released", report)
        lines = report["process"]["output"].splitlines()
        self.assertEqual(lines[0].strip(), "3000")
        self.assertRegex(lines[1], r"^127\.0\.0\.1\|\d+\|length\|3000\|\{other\}\|\{\}\|\{$")
        self.assertGreater(report["connections"][0]["request_bytes"], 3000)


class Started(Case):
    """What a program finds when it is started."""

    def told(self, code, *words, **options):
        """What a client prints before it asks."""
        report = self.released(
            "--by", "sigkill", *words, "--", *client(code + "\nask(connect()).recv(1)"), **options)
        return report["process"]["output"].splitlines()

    def test_no_proxy_is_passed_on(self):
        names = ("http_proxy", "https_proxy", "all_proxy")
        proxies = {each: "http://127.0.0.1:1" for name in names for each in (name, name.upper())}
        seen = self.told(
            "for name in sorted(os.environ):\n"
            "    if os.environ[name] == 'http://127.0.0.1:1': say(name)\n"
            "say(os.environ['NO_PROXY'])", environment=proxies)
        self.assertEqual(seen, ["*"])
        self.released("--by", "sigkill", "--", "curl", "-s", "{url}", environment=proxies)

    def test_its_own_variables_and_folder(self):
        folder = str(self.folder())
        seen = self.told(
            "say(os.getcwd()); say(os.environ['A']); say(os.environ['B']); "
            "say(os.environ['FINWAIT_URL'])",
            "--cwd", folder, "--env", "A=one", "--env", "B=two=2")
        self.assertEqual(seen[:3], [folder, "one", "two=2"])
        self.assertRegex(seen[3], r"^http://127\.0\.0\.1:\d+/$")

    def test_no_descriptor_but_the_standard_ones(self):
        seen = self.told(
            "say(' '.join(sorted(os.listdir('/proc/self/fd'))))",
            before=("sh", "-c", 'exec 7</dev/null 9</dev/null; exec "$@"', "sh"))
        self.assertEqual(seen, ["0 1 2 3"])  # the last one is that of the folder it reads

    def test_a_session_and_group_of_its_own(self):
        seen = self.told("say('%d %d %d' % (os.getpid(), os.getpgid(0), os.getsid(0)))")
        self.assertEqual(len(set(seen[0].split())), 1, seen)

    def test_signals_that_the_caller_ignores_or_blocks(self):
        def ignore():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)

        def block():
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))

        for prepare in (ignore, block):
            for by in ("sigint", "sigterm"):
                with self.subTest(prepare.__name__, by=by):
                    self.released("--by", by, "--", "curl", "-s", "{url}", preexec=prepare)


class NeverThere(Case):
    """Programs that do not come to the kill point: unverified, with what they said."""

    def test_one_that_exits_at_once(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "20s", "--", "sh", "-c", "echo no today >&2; exit 7")
        self.assertIn("exit status 7", text_of(report))
        self.assertEqual(report["process"]["ended"], "exit status 7")
        self.assertEqual(report["process"]["output"], "no today\n")
        # There is nobody left to wait for.
        self.assertLess(report["took_ns"], 20e9)

    def test_one_that_dies_of_a_signal(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "1s", "--", "sh", "-c", "kill -SEGV $$")
        self.assertIn("signal 11", text_of(report))

    def test_one_that_asks_less_often_than_said(self):
        report = self.unverified(
            "stall_not_reached", "-n", "2", "--timeout", "1s", "--", "curl", "-s", "{url}")
        self.assertIn("1 of 2 requests", text_of(report))

    def test_one_that_never_connects(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "1s", "--",
            *client("say('thinking'); os.write(2, b'hard\\n'); for_ever()"))
        self.assertIn("made no connection", text_of(report))
        self.assertIn("thinking\n", report["process"]["output"])
        self.assertIn("hard\n", report["process"]["output"])
        self.assertTrue(report["process"]["lives"])

    def test_its_output_is_shown_without_json_too(self):
        status, out, _ = finwait("run", "--timeout", "1s", "--", "sh", "-c", "echo why not; cat")
        self.assertEqual(status, 3)
        self.assertIn("why not", out)
        self.assertIn("unverified", out)

    def test_one_that_connects_and_says_nothing(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "1s", "--", *client("one = connect(); for_ever()"))
        self.assertIn("0 of 1 requests", text_of(report))

    def test_one_that_connects_elsewhere(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "1s", "--", *client(
                "there = socket.create_server(('127.0.0.1', 0))\n"
                "one = socket.create_connection(there.getsockname())\n"
                "say('%s:%d' % there.getsockname()); for_ever()"))
        address = report["process"]["output"].strip()
        self.assertIn(f"it is connected to {address}", text_of(report))

    def test_one_that_speaks_no_http(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "1s", "--",
            *client("one = connect(); one.sendall(b'HELO me\\r\\n\\r\\n'); for_ever()"))
        self.assertIn("fault", text_of(report))

    def test_one_that_stops_itself_first(self):
        report = self.unverified(
            "stall_not_reached", "--timeout", "1s", "--", "sh", "-c", "kill -STOP $$")
        self.assertTrue(report["process"]["lives"])


class Talkative(Case):
    """Output without end is kept in bounds, and never stops the program or the run."""

    most = 64 * 1024  # more than is kept, and next to nothing of what is printed

    def test_lines_without_end(self):
        report = self.unverified("stall_not_reached", "--timeout", "1s", "--", "yes")
        output = report["process"]["output"]
        self.assertLess(len(output), self.most)
        self.assertTrue(output.startswith("y\ny\n"))
        self.assertRegex(output, r"\d+ bytes left out")

    def test_a_client_that_prints_while_it_is_killed(self):
        for command in ("yes", "yes >&2", "cat /dev/zero", "cat /dev/urandom"):
            with self.subTest(command):
                report = self.released(
                    "--by", "sigkill", "--to", "group", "--", "sh", "-c",
                    f"{command} & exec curl -s {{url}}")
                self.assertLess(len(report["process"]["output"]), self.most)

    def test_the_first_and_the_last_are_kept(self):
        report = self.released(
            "--by", "sigint", "--", *client(
                "say('first'); say('x' * 1000000)\ntry: ask(connect()).recv(1)\n"
                "except KeyboardInterrupt: say('last'); raise"))
        self.assertTrue(report["process"]["output"].startswith("first\n"))
        self.assertIn("\nlast\n", report["process"]["output"])

    def test_what_is_no_text_is_no_trouble(self):
        status, out, _ = finwait(
            "run", "--by", "sigkill", "--", "sh", "-c",
            r"printf '\033[2J\377\376\0\r\n'; exec curl -s {url}")
        self.assertEqual(status, 0)
        self.assertNotIn("\x1b", out)


class Stubborn(Case):
    """Programs that do not end when they are told to."""

    ignoring = (
        "for each in set(range(1, 65)) - set((9, 19, 32, 33)): "
        "signal.signal(each, signal.SIG_IGN)\nask(connect()).recv(1); for_ever()")

    def test_one_that_ignores_every_signal(self):
        for by, number in (("sigint", 2), ("sigterm", 15)):
            with self.subTest(by):
                report = self.unverified("signal_ignored", "--by", by, "--", *client(self.ignoring))
                self.assertIn(f"ignores signal {number}", text_of(report))
                self.assertIn("SIGKILL", text_of(report))
        self.assertEqual(
            self.released("--by", "sigkill", "--", *client(self.ignoring))["process"]["ended"],
            "signal 9")

    # A handler that is there before the request is: the signal comes when that has arrived. It
    # runs whenever the signal comes, also just before the wait for it: hence the wakeup descriptor.
    catching = (
        "import select\n"
        "def caught(*_):\n"
        "    say('caught')\n"
        "    END\n"
        "woken, wake = os.pipe()\n"
        "os.set_blocking(wake, False)\n"
        "signal.set_wakeup_fd(wake)\n"
        "signal.signal(signal.SIGINT, caught)\n"
        "one = connect(); ask(one)\n"
        "while True: os.read(woken, 1)")

    def test_one_that_closes_and_says_so(self):
        report = self.released(
            "--by", "sigint", "--hold", "^done$", "--settle", "100ms", "--",
            *client(self.catching.replace("END", "one.close(); say('done')")))
        self.assertTrue(report["process"]["lives"])
        self.assertTrue(report["process"]["done"])
        self.assertEqual(report["warnings"], [])
        self.assertIn("caught signal 2 and lives on", report["kill"]["confirmed_by"])

    def test_one_that_closes_and_says_nothing(self):
        report = self.released(
            "--by", "sigint", "--settle", "100ms", "--",
            *client(self.catching.replace("END", "one.close()")))
        self.assertFalse(report["process"]["done"])
        self.assertIn("did not say that it is done", " ".join(report["warnings"]))

    def test_one_that_keeps_the_connection(self):
        for hold in ((), ("--hold", "^done$")):
            with self.subTest(hold):
                report = self.leaked(
                    "--by", "sigint", *hold, "--settle", "100ms,200ms", "--",
                    *client(self.catching.replace("END", "say('done')")))
                self.assertIn("ends_with_process", codes(report))
                (connection,) = report["connections"]
                self.assertEqual([holder["pid"] for holder in connection["client"]["holders"]],
                                 [report["process"]["pid"]])
                self.assertEqual(bool(report["warnings"]), not hold)

    def test_a_hold_line_that_never_comes(self):
        report = self.released(
            "--by", "sigint", "--hold", "^done$", "--settle", "100ms", "--",
            *client(self.catching.replace("END", "one.close(); say('not done')")))
        self.assertFalse(report["process"]["done"])
        self.assertIn("did not say that it is done", " ".join(report["warnings"]))

    def test_a_hold_line_that_would_keep_a_backtracking_matcher_busy(self):
        for expression in ("^(a|a)*b$", "(a*)*b$", "(a?){50}a{50}b"):
            with self.subTest(expression):
                report = self.released(
                    "--by", "sigint", "--hold", expression, "--settle", "100ms", "--",
                    *client(self.catching.replace(
                        "END", "one.close(); [say('a' * 4000) for _ in range(100)]; "
                               "say('a' * 100 + 'b')")))
                self.assertTrue(report["process"]["done"])

    def test_a_hold_line_after_which_it_is_let_go_on(self):
        report = self.released(
            "--by", "sigint", "--hold", "^done$", "--release-hold", "go on", "--settle", "100ms",
            "--", *client(self.catching.replace(
                "END", "one.close(); say('done'); say('heard ' + sys.stdin.readline().strip())")))
        self.assertIn("heard go on", report["process"]["output"])

    def test_one_that_goes_away_a_little_later_is_no_leak(self):
        report = self.released(
            "--by", "sigint", "--hold", "^done$", "--settle", "10ms,3s", "--",
            *client(self.catching.replace(
                "END", "say('done'); select.select([], [], [], 0.5); one.close()")))
        self.assertIn("transient", codes(report))

    def test_its_own_timeout(self):
        report = self.released("--by", "own", "--", "curl", "-s", "-m", "0.5", "{url}")
        self.assertEqual(report["process"]["ended"], "exit status 28")
        self.assertIn("ended by itself", report["kill"]["confirmed_by"])

    def test_its_own_end_that_never_comes(self):
        # Nobody knows what its timeout is: that it has not struck yet proves nothing.
        report = self.unverified("own_end_not_seen", "--by", "own", "--settle", "100ms",
                                 "--timeout", "2s", "--", *client("ask(connect()).recv(1)"))
        self.assertIn("own end", report["reasons"][0]["text"])

    def test_one_that_had_ended_before_its_signal(self):
        self.unverified("fault_not_delivered", "--by", "sigint", "--", "sh", "-c",
                        "curl -s {url} & exit 0")

    def test_stopping_a_shell_does_not_stop_its_client(self):
        self.unverified("fault_not_delivered", "--by", "stop", "--",
                        "sh", "-c", "curl -s {url}; true")

    def test_many_connections_at_once_are_all_known(self):
        status, report = run(
            "--at", "idle", "--by", "sigint", "-n", "20", "--hold", "^done$", "--settle", "500ms",
            "--", *client(
                "kept = []\n"
                "def one():\n"
                "    s = ask(connect()); kept.append(s); left = 65536\n"
                "    while left > 0: left -= len(s.recv(65536))\n"
                "    while True:\n"
                "        s.setblocking(False)\n"
                "        try: s.recv(65536)\n"
                "        except BlockingIOError: return\n"
                "all = [threading.Thread(target=one) for _ in range(20)]\n"
                "[each.start() for each in all]; [each.join() for each in all]\n"
                "signal.signal(signal.SIGINT, lambda *_: say('done')); say('done'); for_ever()"))
        self.assertEqual(len(report["connections"]), 20)
        self.assertTrue(all(each["origin"] for each in report["connections"]))
        self.assertTrue(all(each["request_bytes"] for each in report["connections"]))

    # Its child asks when it has stopped, proc_pid_stat(5): no signal comes before.
    stopping = (
        "one = connect()\n"
        "if os.fork() == 0:\n"
        "    name = '/proc/%d/stat' % os.getppid()\n"
        "    while open(name).read().rpartition(')')[2].split()[0] != 'T': pass\n"
        "    ask(one); os._exit(0)\n"
        "os.kill(os.getpid(), signal.SIGSTOP)")

    def test_one_that_has_stopped_itself(self):
        stopping = client(self.stopping)
        self.released("--by", "sigkill", "--", *stopping)
        # A signal that it cannot see is no kill, and what it then has open is no finding.
        for by in ("sigint", "sigterm"):
            with self.subTest(by):
                report = self.unverified(
                    "fault_not_delivered", "--by", by, "--settle", "100ms", "--", *stopping)
                self.assertIn("stopped", text_of(report))


class Tls(Case):
    """The origin's certificate is handed to the program, which needs no word of ours for it."""

    clients = {
        "curl": ("curl", "-sS", "{url}"),
        "curl, by its option": ("env", "-u", "CURL_CA_BUNDLE", "-u", "SSL_CERT_FILE", "curl", "-sS",
                                "--cacert", "{ca_file}", "{url}"),
        "python": ("/usr/bin/python3", "-c", "import urllib.request as u; u.urlopen('{url}')"),
    }

    def test_a_program_trusts_the_origin(self):
        for name, command in self.clients.items():
            for family in ((), ("--ipv6",)):
                with self.subTest(name, family=family):
                    report = self.released("--tls", *family, "--by", "sigkill", "--", *command)
                    self.assertEqual(report["process"]["ended"], "signal 9")

    def test_who_is_not_told_does_not_trust_it(self):
        self.unverified(
            "stall_not_reached", "--tls", "--timeout", "5s", "--", "env", "-u", "CURL_CA_BUNDLE",
            "-u", "SSL_CERT_FILE", "curl", "-sS", "{url}")

    def test_the_file_is_the_origins_and_cannot_be_changed(self):
        report = self.released(
            "--tls", "--by", "sigkill", "--", "sh", "-c",
            "head -1 {ca_file}; echo x >>{ca_file} || echo refused; exec curl -s {url}")
        lines = report["process"]["output"].splitlines()
        self.assertEqual(lines[0], "-----BEGIN CERTIFICATE-----")
        self.assertIn("refused", lines)  # beside it the reason, on a pipe of its own

    def test_an_own_variable_goes_first(self):
        self.unverified("stall_not_reached", "--tls", "--timeout", "5s", "--env",
                        "CURL_CA_BUNDLE=/no/such/file", "--", "curl", "-sS", "{url}")


class Families(Case):
    """More than one process, and who has the socket."""

    def test_a_daemon_that_keeps_the_socket(self):
        report = self.leaked("--by", "sigkill", "--", *client(
            "one = connect(); in_background(for_ever); ask(one).recv(1)"))
        self.holder_is_the_daemon(report)

    def test_a_daemon_that_cannot_be_told_by_its_variables(self):
        report = self.leaked("--by", "sigkill", "--", *client(
            "one = connect(); one.set_inheritable(True)\n"
            "in_background(lambda: os.execve('/bin/sleep', ['sleep', '1000'], dict()))\n"
            "ask(one).recv(1)"))
        self.holder_is_the_daemon(report)

    def holder_is_the_daemon(self, report):
        daemon = int(re.search(r"daemon (\d+)", report["process"]["output"])[1])
        self.assertIn("leak_hidden_holder", codes(report))
        self.assertIn(f"process {daemon} ", text_of(report))
        (connection,) = report["connections"]
        self.assertEqual([holder["pid"] for holder in connection["client"]["holders"]], [daemon])
        self.assertNotIn(daemon, support.all_pids())

    def test_a_daemon_that_keeps_the_output_only(self):
        report = self.released("--by", "sigkill", "--", *client(
            "one = connect()\n"
            "in_background(lambda: (one.close(), say('closed'), for_ever()))\n"
            "ask(one).recv(1)"))
        daemon = int(re.search(r"daemon (\d+)", report["process"]["output"])[1])
        self.assertNotIn(daemon, support.all_pids())

    def test_a_shell_that_dies_before_its_client(self):
        command = ("sh", "-c", "curl -s {url} & wait")
        report = self.leaked("--by", "sigkill", "--", *command)
        (connection,) = report["connections"]
        self.assertEqual(len(connection["client"]["holders"]), 1)
        self.assertIn("curl", connection["client"]["holders"][0]["command"])
        self.assertIn("leak_hidden_holder", codes(report))
        self.assertNotIn(connection["client"]["holders"][0]["pid"], support.all_pids())
        for by in ("sigkill", "sigterm"):
            with self.subTest(by):
                self.released("--by", by, "--to", "group", "--", *command)

    def test_ctrl_c_reaches_the_client_of_a_shell(self):
        self.released("--by", "sigint", "--to", "group", "--", "sh", "-c", "curl -s {url}; :")

    def test_several_connections(self):
        report = self.released("-n", "3", "--by", "sigkill", "--", *client(
            "for _ in range(3):\n"
            "    threading.Thread(target=lambda: ask(connect()).recv(1)).start()"))
        self.assertEqual(len(report["connections"]), 3)
        self.assertEqual({each["verdict"] for each in report["connections"]}, {"released"})
        self.assertEqual(len({each["client"]["local"] for each in report["connections"]}), 3)

    def test_a_connection_that_nobody_used_is_found(self):
        report = self.leaked("--by", "sigint", "--hold", "^done$", "--settle", "100ms", "--",
                             *client(Stubborn.catching.replace("END", "one.close(); say('done')")
                                     .replace("one = connect()",
                                              "spare = connect(); one = connect()")))
        self.assertIn("extra_connection", codes(report))
        self.assertEqual(sorted(each["verdict"] for each in report["connections"]),
                         ["leaked", "released"])

    # It asks once more on a connection of its own when the first one is gone.
    retrying = (
        "def once():\n"
        "    try: return bool(ask(connect()).recv(1))\n"
        "    except ConnectionError: return False\n"
        "say(str(once())); HOW")

    def test_one_that_retries(self):
        for by in ("peer_reset", "peer_close"):
            with self.subTest(by):
                _, report = run("--by", by, "--settle", "200ms,1s", "--", *client(
                    self.retrying.replace("HOW", "once(); for_ever()")))
                self.assertEqual(len(report["connections"]), 2)
                self.assertEqual(report["connections"][0]["verdict"], "released", report)
                # The second one waits for its answer as it should: nobody has killed that.
                self.assertNotEqual(report["connections"][1]["verdict"], "leaked",
                                    text_of(report))

    def test_a_v4_address_through_a_v6_socket(self):
        report = self.released("--by", "sigkill", "--", *client(
            "ask(connect(socket.AF_INET6, '::ffff:' + HOST)).recv(1)"))
        self.assertEqual(len(report["connections"]), 1)
        self.assertIsNotNone(report["connections"][0]["origin"])

    def test_v6(self):
        self.released("--ipv6", "--by", "sigkill", "--", "curl", "-s", "{url}")


class Descriptors(Case):
    def test_one_that_has_closed_its_standard_streams(self):
        self.released("--by", "sigkill", "--", *client(
            "os.closerange(0, 3); ask(connect()).recv(1)"))

    def test_one_that_closes_all_it_has(self):
        # It may be done with that before the signal comes, or not.
        for by in ("sigkill", "sigterm"):
            with self.subTest(by):
                _, report = run("--by", by, "--timeout", "2s", "--", *client(
                    "ask(connect()); os.closerange(0, 1000); for_ever()"))
                self.assertIn(report["verdict"], ("released", "unverified"), report)

    def test_one_that_only_shuts_its_socket_down_has_it_still(self):
        report = self.leaked(
            "--by", "sigint", "--hold", "^done$", "--settle", "100ms", "--", *client(
                Stubborn.catching.replace("END", "one.shutdown(socket.SHUT_RDWR); say('done')")))
        self.assertTrue(report["connections"][0]["client"]["holders"])


class Printed(Case):
    """The report as others read it."""

    def test_it_follows_its_schema(self):
        try:
            import jsonschema
        except ImportError:
            self.skipTest("python3-jsonschema is not installed")
        known = [json.loads(path.read_text("utf-8")) for path in SCHEMAS.glob("*.json")]
        (schema,) = [each for each in known if each["$id"].endswith("/report.json")]
        validator = jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver(
            schema["$id"], schema, store={each["$id"]: each for each in known}))
        for words in (("--by", "sigkill", "--", "curl", "-s", "{url}"),
                      ("--timeout", "500ms", "--", "cat", "/dev/urandom"),
                      ("--by", "sigkill", "--", "sh", "-c", "curl -s {url} & wait")):
            with self.subTest(words):
                report = run(*words)[1]
                self.assertEqual(report["schema"], "finwait.report/1")
                self.assertEqual([each.message for each in validator.iter_errors(report)], [])

    def test_what_cannot_be_written_is_74(self):
        words = ("--by", "sigkill", "--", "curl", "-s", "{url}")
        for form in ("table", "json", "ndjson"):
            with self.subTest(form), open("/dev/full", "w", encoding="utf-8") as full:
                self.assertEqual(finwait("run", "-o", form, *words, stdout=full)[0], 74)

    def test_a_reader_that_went_away(self):
        reading, writing = os.pipe()
        os.close(reading)
        with open(writing, "wb") as gone:
            status, _, err = finwait("run", "-o", "json", "--by", "sigkill", "--", "curl", "-s",
                                     "{url}", stdout=gone)
        self.assertIn(status, (74, -signal.SIGPIPE), err)


class Bombs(Case):
    """Programs that start others without end are ended all the same, or it is said."""

    def test_a_chain_of_sessions(self):
        # Each one leaves its session and environment, starts the next one, and is gone.
        link = ("import os\n"
                "while True:\n"
                "    os.setsid() if os.getpid() != os.getsid(0) else None\n"
                "    if os.fork(): os._exit(0)\n")
        report = self.released("--by", "sigkill", "--", *client(
            "one = connect()\n"
            "if os.fork() == 0:\n"
            f"    one.close(); os.closerange(0, 100)\n"
            f"    os.execve(sys.executable, ['x', '-S', '-c', {link!r}], dict())\n"
            "ask(one).recv(1)"))
        self.assertEqual([each for each in report["warnings"] if "ended" in each], [])

    def test_many_at_once(self):
        self.released("--by", "sigkill", "--", *client(
            "one = connect()\n"
            "if os.fork() == 0:\n"
            "    one.close()\n"
            "    for _ in range(200):\n"
            "        if os.fork() == 0: os.setsid(); for_ever()\n"
            "    for_ever()\n"
            "ask(one).recv(1)"))

    def test_orphans_that_ended_by_themselves_are_reaped(self):
        with Run("worker", stdin=subprocess.PIPE) as worker:
            plan = {"at": "await_response", "by": "sigkill", "subject": "orphans", "client": {
                "command": client("one = connect()\n"
                                  "for _ in range(7):\n"
                                  "    if os.fork() == 0:\n"
                                  "        if os.fork() == 0: os._exit(0)\n"
                                  "        os._exit(0)\n"
                                  "    os.wait()\n"
                                  "ask(one).recv(1)")}}
            worker.process.stdin.write(json.dumps(plan).encode() + b"\n")
            worker.process.stdin.flush()
            self.assertEqual(json.loads(worker.line("stdout"))["verdict"], "released")
            self.assertEqual(support.children_of(worker.pid), [])
            worker.finish()


class Deaths(Case):
    """The run itself is killed while its program waits for an answer."""

    def started(self, *options):
        """A run, the pid of its client, and that of a daemon of it: all there when this returns."""
        path = self.folder() / "fifo"
        os.mkfifo(path)
        one = Run("run", "--by", "own", "--timeout", "60s", "--env", f"FIFO={path}", *options, "--",
                  *client("fifo = open(os.environ['FIFO'], 'w')\n"
                          "def stay():\n"
                          "    print(os.getpid(), file=fifo, flush=True); for_ever()\n"
                          "one = connect(); in_background(stay); ask(one); stay()"),
                  stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as fifo:
            return one, [int(fifo.readline()) for _ in range(2)]

    def test_nothing_outlives_it(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                one, clients = self.started()
                with one:
                    processes = one.pids()
                    self.assertTrue(set(clients) <= set(processes), (clients, processes))
                    os.kill(one.pid, number)
                    one.process.wait(support.LIMIT)
                    support.wait_until_gone([*processes, *clients], 20)
                    self.assertEqual(one.pids(), [])

    def test_nothing_outlives_it_when_its_worker_is_stopped(self):
        """Nor when the worker's keeper is, or both."""
        for who in ("worker", "keeper", "both"):
            with self.subTest(who):
                one, clients = self.started()
                with one:
                    processes = one.pids()
                    (keeper,) = one.workers()
                    (worker,) = one.workers(of=keeper)
                    for pid in (worker,) * (who != "keeper") + (keeper,) * (who != "worker"):
                        os.kill(pid, signal.SIGSTOP)
                    os.kill(one.pid, signal.SIGKILL)
                    one.process.wait(support.LIMIT)
                    support.wait_until_gone([*processes, *clients], 20)
                    self.assertEqual(one.pids(), [])

    def test_nothing_outlives_it_when_its_keeper_is_killed(self):
        one, clients = self.started()
        with one:
            processes = one.pids()
            (keeper,) = one.workers()
            os.kill(keeper, signal.SIGKILL)
            support.wait_until_gone([*clients, *(set(processes) - {one.pid})], 20)
            self.assertEqual(one.process.wait(support.LIMIT), 3)
            self.assertEqual(one.pids(), [])

    def test_a_worker_that_goes_on_keeps_nothing_of_a_run(self):
        for what in ("for_ever", "lambda: os.execve('/bin/sleep', ['sleep', '1000'], dict())"):
            with self.subTest(what), Run("worker", stdin=subprocess.PIPE) as worker:
                plan = {"at": "await_response", "by": "sigkill", "subject": "daemon", "client": {
                    "command": client(
                        f"one = connect(); in_background({what}); ask(one).recv(1)")}}
                worker.process.stdin.write(json.dumps(plan).encode() + b"\n")
                worker.process.stdin.flush()
                report = json.loads(worker.line("stdout"))
                daemon = int(re.search(r"daemon (\d+)", report["process"]["output"])[1])
                lives = daemon in support.all_pids()
                worker.finish()  # at the latest with the worker it ends
                self.assertNotIn(daemon, support.all_pids())
                self.assertFalse(lives, "it outlived the run that it was of")


if __name__ == "__main__":
    support.main()
