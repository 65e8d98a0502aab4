"""What the tests of this folder share: a finwait that runs, its processes, and waiting for events.

Nothing here sleeps: every wait is for a descriptor (a line, an end of file, a pidfd) with a
deadline that only a failure reaches.
"""
import contextlib
import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import unittest
import uuid

FINWAIT = os.path.abspath(os.environ.get("FINWAIT", "finwait"))
MARK = "FINWAIT_TEST_MARK"
LIMIT = 120.0  # seconds until a wait counts as failed; sanitizers and busy machines are slow


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=LIMIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Run:
    """A finwait in a session of its own, whose processes are known by a variable they inherit."""

    def __init__(self, *arguments, before=(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE, environment=None, preexec=None, keep=()):
        self.mark = f"{MARK}={uuid.uuid4()}"
        variables = dict(os.environ, **(environment or {}))
        variables.pop("NO_COLOR", None)
        variables[MARK] = self.mark.split("=", 1)[1]
        self.process = subprocess.Popen(
            [*before, FINWAIT, *arguments], stdin=stdin, stdout=stdout, stderr=stderr,
            env=variables, start_new_session=True, preexec_fn=preexec, pass_fds=keep)
        self.pending = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        """All processes of this run that live: by the variable, and by the session."""
        return sorted(pid for pid in all_pids() if self._is_ours(pid))

    def _is_ours(self, pid):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            if fields[0] in (b"Z", b"X"):
                return False
            if int(fields[3]) == self.process.pid:  # the session
                return True
            with open(f"/proc/{pid}/environ", "rb") as file:
                return self.mark.encode() in file.read().split(b"\0")
        except (OSError, IndexError):
            return False

    def workers(self, of=None):
        """Living `finwait worker` processes that this run started, or that one of those did: what a
        run starts is the worker's keeper."""
        found = []
        for pid in self.pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
                if words[:2] == [b"finwait", b"worker"] and parent_of(pid) == (of or self.pid):
                    found.append(pid)
        return found

    def line(self, stream):
        """The next line of stdout or stderr as text; '' at its end."""
        pipe = getattr(self.process, stream)
        until = time.monotonic() + LIMIT
        data = self.pending.get(stream, b"")
        while b"\n" not in data:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise AssertionError(f"no line on {stream} within {LIMIT} s")
            more = os.read(pipe.fileno(), 65536)
            if not more:
                break
            data += more
        line, newline, rest = data.partition(b"\n")
        self.pending[stream] = rest
        return (line + newline).decode()

    def line_with(self, stream, text):
        """The next line that contains a text."""
        while line := self.line(stream):
            if text in line:
                return line
        raise AssertionError(f"{stream} ended without {text!r}")

    def finish(self, stdin=None):
        """Waits for the end: exit status, stdout, stderr (what line() has not taken)."""
        out, err = self.process.communicate(stdin, timeout=LIMIT)
        out = self.pending.get("stdout", b"") + (out or b"")
        err = self.pending.get("stderr", b"") + (err or b"")
        return self.process.returncode, out.decode(), err.decode()


def parent_of(pid):
    """The parent's pid; proc_pid_stat(5)."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def children_of(parent):
    """The pids of a process's children, zombies too."""
    found = []
    for pid in all_pids():
        with contextlib.suppress(OSError):
            if parent_of(pid) == parent:
                found.append(pid)
    return found


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def wait_until_gone(pids, limit=LIMIT):
    """Waits until these processes have ended, whoever's children they are."""
    until = time.monotonic() + limit
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            left = max(0.0, until - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    raise AssertionError(f"process {pid} lives on: {file.read()!r}")
        finally:
            os.close(descriptor)


def namespaces_of(pids):
    """Network namespaces of these processes, other than ours."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/{pid}/ns/net"))
    return found - {os.readlink("/proc/self/ns/net")}


def holders_of(namespaces):
    """Processes that are in one of these namespaces, or keep one open."""
    found = []
    for pid in all_pids():
        links = [f"/proc/{pid}/ns/net"]
        with contextlib.suppress(OSError):
            links += [f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd")]
        for link in links:
            with contextlib.suppress(OSError):
                if os.readlink(link) in namespaces:
                    found.append((pid, link))
    return found


def finwait(*arguments, **options):
    """Runs to the end: exit status, stdout, stderr. Also checks that nothing is left behind."""
    stdin = options.pop("input", None)
    if stdin is not None:
        options["stdin"] = subprocess.PIPE
    with Run(*arguments, **options) as run:
        result = run.finish(stdin)
        left = run.pids()
        if left:
            raise AssertionError(f"left behind: {left}")
        return result


def reports_in(text):
    """The reports among NDJSON lines."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [line for line in lines if line.get("schema") == "finwait.report/1"]


def is_sanitized():
    """Whether finwait is built with a sanitizer, which takes memory and descriptors of its own."""
    with open(FINWAIT, "rb") as file:
        program = file.read()
    return b"__ubsan_" in program or b"__asan_" in program


def skip(reason):
    """Ends the whole test program as skipped."""
    print(f"skipped: {reason}")
    sys.exit(77)


def main():
    if not os.access(FINWAIT, os.X_OK):
        print(f"FINWAIT={FINWAIT} is no program")
        sys.exit(99)
    unittest.main(verbosity=2)
