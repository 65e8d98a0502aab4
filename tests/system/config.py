"""The configuration and the service manager's side of `finwait serve`: what is said of a wrong file,
reload by SIGHUP, readiness, watchdog, sockets that were handed over.
"""
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import stat
import tempfile
import tomllib
import unittest

import support
from support import Run

try:
    import jsonschema
except ImportError:
    jsonschema = None

SOURCE = pathlib.Path(__file__).resolve().parents[2]
QUIET = '[[audits]]\nname = "default"\nevery = "off"\n'


class Folder(unittest.TestCase):
    """A folder for a configuration, and surroundings in which nothing else is found."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)
        self.file = self.folder / "finwait.toml"
        self.runtime = self.folder / "runtime"
        self.runtime.mkdir(0o700)
        self.environment = {
            "XDG_RUNTIME_DIR": str(self.runtime),
            "RUNTIME_DIRECTORY": str(self.runtime),
            "STATE_DIRECTORY": str(self.folder / "state"),
        }

    def write(self, text):
        self.file.write_text(text)

    def serve(self, *arguments, **more):
        environment = dict(self.environment, **more.pop("environment", {}))
        return Run("serve", "--config", str(self.file), *arguments, environment=environment, **more)

    def one_shot(self, *arguments):
        with self.serve(*arguments) as run:
            return run.finish()


class Checking(Folder):
    def test_a_right_file_is_said_to_be_right(self):
        self.write("version = 1\n" + QUIET)
        self.assertEqual(self.one_shot("--check-config"), (0, f"{self.file}: right\n", ""))

    def test_all_mistakes_come_at_once_and_nothing_is_started(self):
        self.write("[serve]\ntpc = 1\nunix = 2\n")
        (self.folder / "conf.d").mkdir()
        (self.folder / "conf.d" / "10.toml").write_text("[limits\n")
        for arguments in (["--check-config"], ["--print-config"], []):
            code, out, err = self.one_shot(*arguments)
            self.assertEqual((code, out), (2, ""))
            lines = err.splitlines()
            self.assertEqual(len(lines), 3, err)
            self.assertIn(f'{self.file}:2:1: serve.tpc is no key; did you mean "tcp"?', lines[0])
            self.assertIn(f"{self.file}:3:8: serve.unix must be a string", lines[1])
            self.assertIn("conf.d/10.toml:1:", lines[2])
        self.assertFalse((self.folder / "state").exists())

    def test_a_file_that_was_named_must_be_there(self):
        code, _, err = self.one_shot("--check-config")
        self.assertEqual(code, 2)
        self.assertIn(f"{self.file}: cannot be read: No such file", err)

    def test_what_is_printed_can_be_read_again(self):
        self.write('[limits]\nworkers = 3\n[[audits]]\nname = "n"\ncalendar = "daily"\n')
        code, printed, _ = self.one_shot("--print-config")
        self.assertEqual(code, 0)
        self.assertEqual(tomllib.loads(printed)["limits"]["workers"], 3)
        self.write(printed)
        self.assertEqual(self.one_shot("--print-config"), (0, printed, ""))

    def test_the_command_line_is_stronger(self):
        self.write('[serve]\ntcp = ""\n')
        arguments = ("--listen", "127.0.0.1:9", "--every", "10m", "--print-config")
        printed = tomllib.loads(self.one_shot(*arguments)[1])
        self.assertEqual(printed["serve"]["tcp"], "127.0.0.1:9")
        self.assertEqual(printed["audits"][0]["every"], "10m")

    def test_words_of_the_command_line_that_are_none(self):
        self.write("")
        for arguments, says in (
            (("--listen", "localhost:1"), "no address with a port"),
            (("--every", "10ms"), "at least 1s"),
            (("--check-config", "--print-config"), "one of them"),
        ):
            code, _, err = self.one_shot(*arguments)
            self.assertEqual(code, 2)
            self.assertIn(says, err)


# A right text, and texts that are wrong in a way that a schema can see.
RIGHT = [
    "",
    "version = 1",
    '[serve]\nunix = ""\ntcp = "[::1]:1"\ntcp_writes = "token"\nallowed_hosts = ["a.b", "[::1]"]',
    '[history]\npath = "x"\nmax_bytes = 1048576\nkeep = { expected = "1h30m", finding = "1w" }',
    '[limits]\nworkers = 0\nin_flight = 4096\nqueue = 1\nper_target_interval = "500ms"',
    '[[targets]]\nname = "t"\nurl = "https://a.example:1/x?y"\nallow = []',
    '[[targets]]\nname = "t"\nurl = "https://a.example/"\ntls = {}',
    '[[targets]]\nname = "t"\nurl = "https://a.example/"\ntls = { ca = "", min = "1.3" }',
    '[[audits]]\nname = "a-_0"\nat = ["all"]\nby = ["close"]\nsubjects = ["beast"]\nrepeat = 2\n'
    'every = "off"\n[[audits]]\nname = "b"\ncalendar = "Mon 04:00"\ntls = true',
]
WRONG = [
    "version = 2",
    'version = "1"',
    "servers = 1",
    "serve = 1",
    '[serve]\nunix = "relative"',
    '[serve]\nunix = "/' + "x" * 107 + '"',
    '[serve]\ntcp = "0.0.0.0:1"',
    '[serve]\ntcp = "localhost:1"',
    "[serve]\ntcp = 1",
    '[serve]\ntcp_writes = "always"',
    '[serve]\nallowed_hosts = "a"',
    '[serve]\nallowed_hosts = ["a:1"]',
    "[history]\nmax_bytes = 1",
    '[history]\nmax_bytes = "1MB"',
    '[history]\nkeep = "7d"',
    '[history]\nkeep = { expected = "7" }',
    '[history]\nkeep = { clean = "7d" }',
    "[limits]\nworkers = 1.5",
    "[limits]\nqueue = 0",
    '[limits]\nper_target_interval = "1 s"',
    '[subjects]\ndirectories = ["relative"]',
    "[targets]",
    '[[targets]]\nurl = "http://a.example/"',
    '[[targets]]\nname = "origin"\nurl = "http://a.example/"',
    '[[targets]]\nname = "T"\nurl = "http://a.example/"',
    '[[targets]]\nname = "t"\nurl = "ftp://a.example/"',
    '[[targets]]\nname = "t"\nurl = "http://user@a.example/"',
    '[[targets]]\nname = "t"\nurl = "http://a.example/#x"',
    '[[targets]]\nname = "t"\nurl = "http://a.example/"\nallow = ["all"]',
    '[[targets]]\nname = "t"\nurl = "https://a.example/"\ntls = true',
    '[[targets]]\nname = "t"\nurl = "https://a.example/"\ntls = { ca = "ca.pem" }',
    '[[targets]]\nname = "t"\nurl = "https://a.example/"\ntls = { min = "1.1" }',
    '[[targets]]\nname = "t"\nurl = "https://a.example/"\ntls = { session_tickets = false }',
    '[[audits]]\nname = "probe"',
    '[[audits]]\nname = "a"\nat = "all"',
    '[[audits]]\nname = "a"\nat = ["somewhere"]',
    '[[audits]]\nname = "a"\nby = ["magic"]',
    '[[audits]]\nname = "a"\ntls = 1',
    '[[audits]]\nname = "a"\nrepeat = 0',
    '[[audits]]\nname = "a"\nevery = "soon"',
    '[[audits]]\nname = "a"\nevery = "1h"\ncalendar = "daily"',
    '[[audits]]\nname = "a"\ncalendar = ""',
    '[[audits]]\nname = "a"\ncommand = ["sh"]',
]
RIGHT += [f'[history]\nkeep = {{ finding = "{span}" }}' for span in (
    "91d", "13w", "100d1h", "100d2h3m4s5ms", "100d5min")]
WRONG += [f'[history]\nkeep = {{ finding = "{span}" }}' for span in (
    "", "d", "100", "100.5d", "100d ", "-1d", "10y", "100D", "1h100d", "100d100d", "100d1m1min",
    "100d1s1m", "100d1ms1s", "100d1h30")]
RIGHT += [f'[history]\nmax_bytes = "{size}"' for size in (
    "1048576", "1024k", "1024K", "1024KiB", "1MIB", "1m", "2g", "1gib")]
WRONG += [f'[history]\nmax_bytes = "{size}"' for size in ("", "k", "-1", "1.5m", "1 m", "1mm", "1TiB")]


class Schema(Folder):
    """The JSON Schema for editors and the program agree on what is right."""

    @unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
    def test_both_take_and_refuse_the_same(self):
        schema = json.loads((SOURCE / "web/schemas/config.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        for text, is_right in [(t, True) for t in RIGHT] + [(t, False) for t in WRONG]:
            with self.subTest(text):
                self.assertEqual(validator.is_valid(tomllib.loads(text)), is_right)
                self.write(text)
                self.assertEqual(self.one_shot("--check-config")[0], 0 if is_right else 2)

    @unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
    def test_the_example_fits_it_with_and_without_its_comments(self):
        schema = json.loads((SOURCE / "web/schemas/config.json").read_text())
        text = (SOURCE / "packaging/finwait.toml").read_text()
        for each in (text, re.sub(r"(?m)^#(?=[a-z\[])", "", text)):
            jsonschema.validate(tomllib.loads(each), schema)


class Manager:
    """A service manager's notification socket."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(support.LIMIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def next(self, word):
        """The next message that has this state; the others are passed over."""
        while True:
            lines = self.socket.recv(65536).decode().split("\n")
            if any(line.startswith(word) for line in lines):
                return dict(line.split("=", 1) for line in lines)


def get(path, route):
    """The status and the document that a daemon on a Unix socket answers."""
    connection = http.client.HTTPConnection("localhost", timeout=support.LIMIT)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(support.LIMIT)
    connection.sock.connect(str(path))
    with contextlib.closing(connection):
        connection.request("GET", route)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


class UnderAManager(Folder):
    def setUp(self):
        super().setUp()
        self.write('[serve]\ntcp = ""\n' + QUIET)
        self.manager = Manager(self.folder)
        self.addCleanup(self.manager.socket.close)
        self.environment["NOTIFY_SOCKET"] = self.manager.path

    def test_ready_means_that_it_answers(self):
        with self.serve() as run:
            self.assertEqual(self.manager.next("READY=")["READY"], "1")
            path = self.runtime / "api.sock"
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
            self.assertEqual(get(path, "/api/v1/status")[0], 200)
            os.kill(run.pid, signal.SIGTERM)
            self.manager.next("STOPPING=1")
            self.assertEqual(run.finish()[0], 0)
            self.assertFalse(path.exists())

    def test_it_takes_over_a_right_configuration_and_says_so(self):
        with self.serve() as run:
            self.manager.next("READY=")
            self.write('[serve]\ntcp = ""\n[limits]\nqueue = 7\n' + QUIET)
            os.kill(run.pid, signal.SIGHUP)
            self.assertRegex(self.manager.next("RELOADING=1")["MONOTONIC_USEC"], "^[0-9]+$")
            self.manager.next("READY=1")
            _, settings = get(self.runtime / "api.sock", "/api/v1/config")
            self.assertIn("7", json.dumps(settings))
            self.assertEqual(settings["limits"]["queue"], 7)

    def test_of_a_wrong_configuration_it_takes_over_nothing(self):
        with self.serve() as run:
            self.manager.next("READY=")
            before = get(self.runtime / "api.sock", "/api/v1/config")[1]
            self.write('[limits]\nqueue = 7\nqeue = 8\n' + QUIET)
            os.kill(run.pid, signal.SIGHUP)
            self.manager.next("RELOADING=1")
            status = self.manager.next("READY=1")["STATUS"]
            self.assertIn("not reloaded:", status)
            self.assertIn("finwait.toml:3:1: limits.qeue is no key", status)
            self.assertEqual(get(self.runtime / "api.sock", "/api/v1/config")[1], before)
            run.line_with("stderr", "the last good one stays in force")
            self.write('[serve]\ntcp = ""\n[limits]\nqueue = 9\n' + QUIET)
            os.kill(run.pid, signal.SIGHUP)
            self.manager.next("READY=1")
            after = get(self.runtime / "api.sock", "/api/v1/config")[1]
            self.assertEqual(after["limits"]["queue"], 9)

    def test_what_needs_a_restart_is_said_and_left_as_it_is(self):
        with self.serve() as run:
            self.manager.next("READY=")
            self.write(f'[serve]\ntcp = "127.0.0.1:1"\n[history]\npath = "{self.folder}/x"\n' + QUIET)
            os.kill(run.pid, signal.SIGHUP)
            self.manager.next("READY=1")
            run.line_with("stderr", "serve.tcp has changed: it needs a restart")
            run.line_with("stderr", "history.path has changed: it needs a restart")
            self.assertFalse((self.folder / "x").exists())

    def test_the_watchdog_hears_of_it_until_it_hangs(self):
        with self.serve(environment={"WATCHDOG_USEC": "300000"}) as run:
            for _ in range(5):
                self.manager.next("WATCHDOG=1")
            os.kill(run.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, run.pid, os.WSTOPPED)
            self.manager.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while self.manager.socket.recv(65536):
                    pass  # what was sent before it stopped
            # Positive control: the same socket hears of it again as soon as it goes on.
            self.assertFalse(select.select([self.manager.socket], [], [], 0.6)[0])
            self.manager.socket.settimeout(support.LIMIT)
            os.kill(run.pid, signal.SIGCONT)
            self.manager.next("WATCHDOG=1")

    def test_what_it_starts_cannot_speak_for_it(self):
        self.write('[serve]\ntcp = ""\n[[audits]]\nname = "default"\nat = ["response_body"]\n'
                   'by = ["stop"]\nrepeat = 200\n')
        with self.serve(environment={"WATCHDOG_USEC": "3000000"}) as run:
            self.manager.next("READY=")
            path = self.runtime / "api.sock"
            _, status = get(path, "/api/v1/status?wait=30s&index=0")
            workers = run.workers()
            while not workers:
                _, status = get(path, f"/api/v1/status?wait=30s&index={status['index']}")
                workers = run.workers()
            for pid in workers:
                environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                for name in (b"NOTIFY_SOCKET=", b"WATCHDOG_USEC=", b"LISTEN_FDS="):
                    self.assertNotIn(name, environ)


class HandedOver(Folder):
    """Sockets that listen already, from descriptor 3 on."""

    def start(self, sockets):
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, 50 + i) for i, each in enumerate(sockets)]
        for fd in high:
            os.set_inheritable(fd, True)
            self.addCleanup(os.close, fd)
        moves = " ".join(f"{3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(high))
        # The shell keeps its pid over exec: it is the one that LISTEN_PID has to name.
        script = f'exec {moves}; export LISTEN_PID=$$; exec "$@"'
        environment = dict(self.environment, LISTEN_FDS=str(len(sockets)))
        return Run("serve", "--config", str(self.file), before=("/bin/bash", "-c", script, "bash"),
                   environment=environment, keep=high)

    def listening(self, family, address):
        made = socket.socket(family)
        self.addCleanup(made.close)
        made.bind(address)
        made.listen()
        return made

    def test_they_are_served_instead_of_the_configured_ones(self):
        self.write(QUIET)
        path = str(self.folder / "handed-over.sock")
        unix = self.listening(socket.AF_UNIX, path)
        tcp = self.listening(socket.AF_INET, ("127.0.0.1", 0))
        with self.start([unix, tcp]) as run:
            line = run.line_with("stderr", "listening on ")
            self.assertIn(f"http://127.0.0.1:{tcp.getsockname()[1]} and {path}", line)
            self.assertEqual(get(path, "/api/v1/status")[0], 200)
            self.assertFalse((self.runtime / "api.sock").exists())

    def test_a_loopback_address_mapped_into_ipv6_is_shown_as_the_one_it_is(self):
        self.write(QUIET)
        tcp = self.listening(socket.AF_INET6, ("::ffff:127.0.0.1", 0))
        port = tcp.getsockname()[1]
        with self.start([tcp]) as run:
            self.assertIn(
                f"http://127.0.0.1:{port}", run.line_with("stderr", "listening on "))
            connection = http.client.HTTPConnection("127.0.0.1", port)
            self.addCleanup(connection.close)
            connection.request("GET", "/api/v1/status")
            self.assertEqual(connection.getresponse().status, 200)

    def test_one_that_others_can_reach_is_refused(self):
        self.write(QUIET)
        tcp = self.listening(socket.AF_INET, ("0.0.0.0", 0))
        with self.start([tcp]) as run:
            code, _, err = run.finish()
            self.assertEqual(code, 2)
            self.assertIn("which others can reach", err)


class Places(Folder):
    @unittest.skipIf(os.access("/run/finwait", os.W_OK), "this host's /run/finwait would be used")
    def test_an_unusable_default_is_a_warning(self):
        self.write('[serve]\ntcp = "127.0.0.1:0"\n' + QUIET)
        # Below a file nothing can be; below /proc root may write, as far as access(2) knows.
        for nowhere in ("/dev/null/x", "/proc/nowhere"):
            places = dict.fromkeys(("STATE_DIRECTORY", "XDG_RUNTIME_DIR"), nowhere)
            with self.serve(environment=dict(places, RUNTIME_DIRECTORY="")) as run:
                text = ""
                while "listening on http" not in text:
                    text += run.line("stderr")
                self.assertIn("in memory only", text)
                self.assertIn("no Unix socket", text)

    def test_an_unusable_configured_place_ends_it_with_2(self):
        for text, says in (
            ('[serve]\nunix = "/proc/nowhere/api.sock"\ntcp = ""\n', "/proc/nowhere/api.sock"),
            ('[serve]\ntcp = ""\n[history]\npath = "/proc/nowhere/x"\n', "/proc/nowhere"),
            ('[serve]\ntcp = ""\nunix = ""\n', "nothing to listen on"),
            ('[serve]\ntcp = ""\ntcp_writes = "token"\n', "needs the credential api-token"),
        ):
            self.write(text + QUIET)
            code, _, err = self.one_shot()
            self.assertEqual(code, 2, err)
            self.assertIn(says, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
