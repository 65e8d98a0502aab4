"""The recipes of packaging/subjects and their programs, without finwait.

Every driver says what the protocol promises, its right use lets go of its connections, and its
misuse does not.

Usage: drivers.py NAME. The client's end is read from /proc: which TCP sockets the program has
open, and in which state. Nothing sleeps: every wait is for an event, with a deadline.
"""
import contextlib
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import unittest

SUBJECTS = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "subjects")
LIMIT = 60.0  # seconds until a wait counts as failed
ESTABLISHED = "01"  # of /proc/net/tcp: include/net/tcp_states.h
PIPE_BYTES = 8 << 20  # more than a connection's buffers hold
BODY_BYTES = 40_000
RECIPE = {}  # of the subject that is tested


class Server:
    """Plain: reads each request and answers it. Silent: reads it and says nothing, until
    `answer_from_now_on`. Large: the head and half of a large body, then nothing."""

    def __init__(self, kind):
        self.kind = kind
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        self.requests = []  # (request line, framing, bytes of the body)
        self.ended = 0  # connections that the client has closed or reset
        self.changed = threading.Condition()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self.listener, *self.connections):
            # shutdown() wakes the thread that is in accept() or recv(); close() would not.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def answer_from_now_on(self):
        self.kind = "plain"

    def serve(self, connection):
        try:
            self.serve_requests(connection)
        except OSError:
            pass  # a reset is an end like any other
        with self.changed:
            self.ended += 1
            self.changed.notify_all()

    def serve_requests(self, connection):
        with connection.makefile("rb") as stream:
            while line := stream.readline():
                headers = dict(read_headers(stream))
                framing, count = read_body(stream, headers)
                with self.changed:
                    self.requests.append((line.decode().strip(), framing, count))
                    self.changed.notify_all()
                if self.kind == "plain":
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                elif self.kind == "large":
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * PIPE_BYTES))
                    connection.sendall(b"x" * PIPE_BYTES)

    def wait_for_requests(self, count):
        """Waits until so many have been read to their end."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.requests) >= count, LIMIT):
                raise AssertionError(f"{count} requests awaited, these came: {self.requests}")

    def wait_for_ends(self, count):
        """Waits until the client has let go of so many connections."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.ended >= count, LIMIT):
                raise AssertionError(f"{count} of {len(self.connections)} connections were to end, "
                                     f"{self.ended} did")


def read_headers(stream):
    while (line := stream.readline().strip()):
        name, _, value = line.decode().partition(":")
        yield name.lower(), value.strip()


def read_body(stream, headers):
    """How it was framed, and how many bytes it had; RFC 9112 section 6.3."""
    if headers.get("transfer-encoding") == "chunked":
        total = 0
        while (size := int(stream.readline(), 16)) > 0:
            total += len(stream.read(size))
            stream.readline()
        stream.readline()
        return "chunked", total
    if "content-length" in headers:
        return "length", len(stream.read(int(headers["content-length"])))
    return "none", 0


class Program:
    """A subject's program against a server, started as its recipe says."""

    def __init__(self, server, mode, framing="none", requests=1):
        self.body = tempfile.NamedTemporaryFile()
        size = 0 if framing == "none" else BODY_BYTES
        self.body.write(b"f" * size)
        self.body.flush()
        values = {
            "here": SUBJECTS, "url": f"http://127.0.0.1:{server.port}/", "host": "127.0.0.1",
            "port": server.port, "method": "GET" if framing == "none" else "POST",
            "framing": framing, "body_bytes": size, "body_file": self.body.name,
            "timeout_ms": RECIPE["timeout_ms"], "requests": requests, "mode": mode,
        }
        self.port = server.port
        self.pending = b""
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [filled(word, values) for word in RECIPE["command"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            env=environment(), start_new_session=True, preexec_fn=default_signals)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors, self.body):
            with contextlib.suppress(OSError):
                stream.close()

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def line(self):
        """The next line it says; the test fails with what it complained of when there is none."""
        until = time.monotonic() + LIMIT
        while b"\n" not in self.pending:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no line within {LIMIT} s; {self.complaint()}")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise AssertionError(f"it ended; {self.complaint()}")
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def lines_until_hold(self):
        found = []
        while (line := self.line()) != "HOLD":
            found.append(line)
        return found

    def results(self):
        """After `start`: what its RESULT lines say."""
        return [line.removeprefix("RESULT ") for line in self.lines_until_hold()
                if line.startswith("RESULT ")]

    def start(self):
        ready = self.line()
        self.tell("start")
        return ready

    def end(self):
        """Waits for its end: the exit status, negative for a signal."""
        return self.process.wait(LIMIT)

    def complaint(self):
        self.errors.seek(0)
        return f"standard error: {self.errors.read().decode(errors='replace')[-2000:]!r}"

    def open_sockets(self):
        """States of the TCP sockets to the server that processes of this program hold."""
        inodes = set().union(*(inodes_of(pid) for pid in pids_of_session(self.process.pid)))
        return [state for inode, state in states_to(self.port) if inode in inodes]


def ordered(framing):
    """What a server sees of a request that Program ordered."""
    if framing == "none":
        return "GET / HTTP/1.1", "none", 0
    return "POST / HTTP/1.1", framing, BODY_BYTES


def filled(word, values):
    return re.sub(r"\{(\w+)\}", lambda match: str(values.get(match[1], match[0])), word)


def environment():
    """Ours without proxies and preferences of Python."""
    kept = {name: value for name, value in os.environ.items()
            if not name.lower().endswith("_proxy") and not name.startswith("PYTHON")}
    return kept | {"NO_PROXY": "*", "LC_ALL": "C.UTF-8"}


def default_signals():
    """A test runner in the background may have SIGINT ignored, and that is inherited."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(one, signal.SIG_DFL)


def pids_of_session(session):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[3]) == session:
                    found.append(int(name))
    return found


def inodes_of(pid):
    """Inodes of the sockets that a process has open."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                found.update(re.findall(r"socket:\[(\d+)\]", link))
    return found


def states_to(port):
    """(inode, state) of every TCP socket whose peer has this port; proc_pid_net(5)."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError), open(table, encoding="ascii") as file:
            for fields in map(str.split, list(file)[1:]):
                if int(fields[2].rpartition(":")[2], 16) == port:
                    found.append((fields[9], fields[3]))
    return found


def modes(kind):
    """Names of the modes that are `right`, `misuse` or `extra`."""
    def kind_of(mode):
        return "misuse" if mode.get("misuse") else "extra" if mode.get("extra") else "right"
    return [name for name, mode in RECIPE["modes"].items() if kind_of(mode) == kind]


def needs(condition, reason):
    """Decorates a test that not every subject has."""
    def decorate(test):
        def wrapped(self):
            return test(self) if condition() else self.skipTest(reason)
        wrapped.__doc__ = test.__doc__
        return wrapped
    return decorate


class Recipe(unittest.TestCase):
    """What holds for each of them."""

    def test_it_has_one_right_mode_and_a_misuse(self):
        self.assertEqual(1, len(modes("right")))
        self.assertEqual(1, len(modes("misuse")))

    def test_a_misuse_says_where_it_is_run(self):
        for name in modes("misuse"):
            self.assertLessEqual({"at", "by"}, RECIPE["modes"][name].keys())

    def test_it_has_the_name_of_its_file_and_says_what_to_install(self):
        self.assertEqual(sys.argv[1], RECIPE["name"])
        self.assertRegex(RECIPE["install"], "^apt install [a-z0-9.-]+$")


class Driver(unittest.TestCase):
    """The protocol, in every mode where it is the same."""

    def setUp(self):
        if RECIPE["kind"] != "driver":
            self.skipTest("no driver")
        self.right = modes("right")[0]

    def test_it_succeeds_holds_is_healthy_and_exits(self):
        """In every framing, three requests at once, and the server sees what was ordered."""
        for framing in RECIPE["framings"]:
            with self.subTest(framing), Server("plain") as server:
                with Program(server, self.right, framing, requests=3) as program:
                    self.assertEqual(f"READY {RECIPE['found']}", program.start())
                    self.assertEqual(["ok"] * 3, program.results())
                    self.assertEqual([ordered(framing)] * 3, server.requests)
                    program.tell("health")
                    self.assertEqual("HEALTH ok", program.line())
                    self.assertEqual(ordered("none"), server.requests[-1])
                    program.tell("exit")
                    self.assertEqual(0, program.end(), program.complaint())

    def test_a_success_leaves_no_more_than_the_baseline(self):
        with Server("plain") as server, Program(server, self.right) as program:
            program.start()
            self.assertEqual(["ok"], program.results())
            self.assertLessEqual(len(program.open_sockets()), RECIPE["baseline"])

    def test_it_survives_its_own_timeout_and_lets_go(self):
        """Also in the extra modes that cancel; all of the requests were in flight together."""
        own = {self.right} | ({"timeout", "timeout_kept", "cancel", "remove", "abort"}
                              & RECIPE["modes"].keys())
        for mode in own:
            with self.subTest(mode), Server("silent") as server:
                with Program(server, mode, requests=3) as program:
                    program.start()
                    server.wait_for_requests(3)
                    self.assertEqual(3, len([one for one in program.results() if one != "ok"]))
                    server.wait_for_ends(3)
                    server.answer_from_now_on()
                    program.tell("health")
                    self.assertEqual("HEALTH ok", program.line())

    @needs(lambda: {"cancel", "abort"} & RECIPE["modes"].keys(), "it has no mode with cancel")
    def test_it_cancels_when_told(self):
        mode = "cancel" if "cancel" in RECIPE["modes"] else "abort"
        with Server("silent") as server, Program(server, mode) as program:
            program.start()
            server.wait_for_requests(1)
            program.tell("cancel")
            said = program.lines_until_hold()
            self.assertRegex("; ".join(said), r"^RESULT \w+; CANCELLED \w+ \d+$")

    def test_the_end_of_its_input_ends_it(self):
        """Before it starts, while requests stall, and when it holds."""
        for moment in ("ready", "in flight", "hold"):
            kind = "plain" if moment == "hold" else "silent"
            with self.subTest(moment), Server(kind) as server:
                with Program(server, self.right) as program:
                    self.assertTrue(program.line().startswith("READY "))
                    if moment != "ready":
                        program.tell("start")
                        server.wait_for_requests(1)
                    if moment == "hold":
                        program.lines_until_hold()
                    program.process.stdin.close()
                    self.assertEqual(0, program.end(), program.complaint())

    def test_the_misuse_keeps_its_connections(self):
        """Open and ESTABLISHED; a request with the same client does not change that, and works,
        unless it is the same object: a leak is seen by the kernel alone."""
        name = modes("misuse")[0]
        mode = RECIPE["modes"][name]
        count = mode["requests"]
        kind = "large" if mode["at"] == "response_body" else "silent"
        with Server(kind) as server, Program(server, name, requests=count) as program:
            program.start()
            self.assertEqual(count, len(program.results()))
            self.assertEqual([ESTABLISHED] * count, program.open_sockets())
            server.answer_from_now_on()
            program.tell("health")
            health = "CannotSendRequest" if RECIPE["name"] == "http_client" else "ok"
            self.assertEqual(f"HEALTH {health}", program.line())
            self.assertGreaterEqual(program.open_sockets().count(ESTABLISHED), count)
            self.assertEqual(0, server.ended)

    @needs(lambda: RECIPE["name"] != "node_fetch", "node has no way to close fetch's connections")
    def test_it_lets_go_when_told_to_close(self):
        with Server("plain") as server, Program(server, self.right) as program:
            program.start()
            program.lines_until_hold()
            for command in ("gc", "drop", "close"):
                program.tell(command)
                self.assertEqual("HOLD", program.line())
            server.wait_for_ends(1)

    def test_it_does_not_mind_a_word_it_does_not_know(self):
        with Server("plain") as server, Program(server, self.right) as program:
            program.line()
            program.tell("dance")
            program.tell("cancel")
            program.tell("start")
            self.assertEqual(["ok"], program.results())

    def test_sigint_and_sigterm_end_it_by_default(self):
        for one in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(one.name), Server("silent") as server:
                with Program(server, self.right) as program:
                    program.start()
                    server.wait_for_requests(1)
                    program.process.send_signal(one)
                    self.assertEqual(-one, program.end(), program.complaint())


class Interrupts(unittest.TestCase):
    """The modes of the original question: a program is interrupted while its request executes."""

    def setUp(self):
        if RECIPE["kind"] != "driver" or "systemexit_kept" not in RECIPE["modes"]:
            self.skipTest("it has no such modes")

    def interrupted(self, server, mode, framing):
        program = Program(server, mode, framing)
        program.start()
        server.wait_for_requests(1)
        program.process.send_signal(signal.SIGINT)
        return program

    def test_uncaught_it_dies_of_the_signal(self):
        with Server("silent") as server:
            with self.interrupted(server, "uncaught", "none") as program:
                self.assertEqual(-signal.SIGINT, program.end())

    def test_caught_it_holds(self):
        for mode in ("caught", "kept", "systemexit", "systemexit_kept"):
            wanted = "SystemExit" if mode.startswith("systemexit") else "KeyboardInterrupt"
            for framing in ("none", "length"):
                with self.subTest(mode=mode, framing=framing), Server("silent") as server:
                    with self.interrupted(server, mode, framing) as program:
                        self.assertEqual([wanted], program.results())
                        self.assertEqual([], program.open_sockets())

    def test_an_exception_that_is_kept_keeps_a_chunked_request_open_in_one_version(self):
        """requests 2.28.0 to 2.28.2 catches Exception there; every other closes on whatever it is.
        https://github.com/psf/requests/pull/6226"""
        leaks = RECIPE["name"] == "requests" and RECIPE["found"].startswith("2.28.")
        for mode in ("caught", "kept", "systemexit", "systemexit_kept"):
            with self.subTest(mode), Server("silent") as server:
                with self.interrupted(server, mode, "chunked") as program:
                    program.results()
                    left = [ESTABLISHED] if leaks and mode.endswith("kept") else []
                    self.assertEqual(left, program.open_sockets())
                    program.tell("drop")
                    program.lines_until_hold()
                    self.assertEqual([], program.open_sockets())

    def test_twenty_successes_share_one_connection(self):
        for framing in RECIPE["framings"]:
            with self.subTest(framing), Server("plain") as server:
                with Program(server, "twenty", framing, requests=20) as program:
                    program.start()
                    self.assertEqual(["ok"] * 20, program.results())
                    self.assertEqual([ESTABLISHED], program.open_sockets())
                    self.assertEqual(1, len(server.connections))

    def test_a_stream_that_is_dropped_or_closed_is_let_go(self):
        for mode in ("stream_dropped", "stream_closed"):
            with self.subTest(mode), Server("large") as server:
                with Program(server, mode, requests=3) as program:
                    program.start()
                    self.assertEqual(["ok"] * 3, program.results())
                    server.wait_for_ends(3)
                    self.assertEqual([], program.open_sockets())


class OneShot(unittest.TestCase):
    """Commands that make one request and end."""

    def setUp(self):
        if RECIPE["kind"] != "oneshot":
            self.skipTest("a driver")
        self.right, self.misuse = modes("right")[0], modes("misuse")[0]

    def test_it_succeeds(self):
        for framing in RECIPE["framings"]:
            with self.subTest(framing), Server("plain") as server:
                with Program(server, self.right, framing) as program:
                    self.assertEqual(0, program.end(), program.complaint())
                    self.assertEqual([ordered(framing)], server.requests)

    def test_its_own_timeout_ends_it(self):
        with Server("silent") as server, Program(server, self.right) as program:
            self.assertGreater(program.end(), 0)
            self.assertEqual(1, len(server.requests))

    def test_signals_reach_it(self):
        """The shell of the recipe has become the client."""
        for one in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(one.name), Server("silent") as server:
                with Program(server, self.right) as program:
                    server.wait_for_requests(1)
                    program.process.send_signal(one)
                    self.assertEqual(-one, program.end())

    @needs(lambda: "tries" in RECIPE["modes"], "it has no mode with retries")
    def test_it_tries_three_times(self):
        with Server("silent") as server, Program(server, "tries") as program:
            self.assertGreater(program.end(), 0)
            self.assertEqual(3, len(server.connections))

    def test_the_misuse_outlives_the_process_that_was_killed(self):
        with Server("silent") as server, Program(server, self.misuse) as program:
            server.wait_for_requests(1)
            program.process.kill()
            self.assertEqual(-signal.SIGKILL, program.end())
            self.assertEqual([ESTABLISHED], program.open_sockets())


def found_version():
    """What `requires` prints; the whole test is skipped where the client is absent."""
    try:
        asked = subprocess.run(
            RECIPE["requires"], capture_output=True, text=True, timeout=LIMIT, env=environment(),
            check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"skipped: {RECIPE['name']} is not here ({error}): {RECIPE['install']}")
        sys.exit(77)
    return asked.stdout.splitlines()[0].strip()


def main():
    with open(os.path.join(SUBJECTS, sys.argv[1] + ".toml"), "rb") as file:
        RECIPE.update(tomllib.load(file))
    RECIPE["found"] = found_version()
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)


if __name__ == "__main__":
    main()
