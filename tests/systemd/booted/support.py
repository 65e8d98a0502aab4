"""What the tests inside the booted systemd share: commands, the journal, the daemon's API.

They run as root in a container of their own, so they may install, break and purge. Nothing sleeps:
every wait is for a line of the journal, an answer or a process's end, with a deadline that only a
failure reaches.
"""
import contextlib
import http.client
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).parent
DEB = HERE / "finwait.deb"
SOCKET = "/run/finwait/api.sock"
PORT = 9793
LIMIT = 120.0  # seconds until a wait counts as failed


def run(*command, check=True, **options):
    """Runs a command: exit status and its output, both streams together. Fails the test unless it ends
    with 0, or `check` is False."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, text=True, timeout=LIMIT, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}")
    return done.returncode, done.stdout


def output(*command):
    return run(*command)[1].strip()


def show(unit, name):
    """A property of a unit."""
    return output("systemctl", "show", "--property", name, "--value", unit)


def main_pid():
    return int(show("finwait.service", "MainPID"))


def install():
    """Installs the package as an administrator would. The container's policy against starting services,
    inherited from a build machine, would hide what is to be tested."""
    with contextlib.suppress(FileNotFoundError):
        os.remove("/usr/sbin/policy-rc.d")
    return apt("install", "--no-install-recommends", DEB)


def apt(*words):
    return output(
        "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "-q", "-o", "Dpkg::Use-Pty=0",
        "-o", "Dpkg::Options::=--force-confold", *words)


def drop_in(unit, text, name="test"):
    """Adds a drop-in to a unit; gives its path."""
    path = pathlib.Path(f"/etc/systemd/system/{unit}.d/{name}.conf")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    run("systemctl", "daemon-reload")
    return path


def configure(text, name="test"):
    """Writes a part of the daemon's configuration; who wants it to be true reloads or restarts."""
    path = pathlib.Path(f"/etc/finwait/conf.d/{name}.toml")
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
    return path


def reload_daemon():
    """Reloads, and waits for what came of it: kill(1) may be done before the daemon says RELOADING=1, and
    with it systemctl."""
    with Journal() as journal:
        run("systemctl", "reload", "finwait.service")
        journal.wait(
            lambda entry: entry.get("_SYSTEMD_UNIT") == "finwait.service"
            and str(entry.get("MESSAGE")).startswith("the configuration "), "what came of the reload")


SMALL_DEFAULT = """
[[audits]]
name = "default"
at = ["await_response"]
by = ["close", "abandon"]
"""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the daemon's Unix socket."""

    def __init__(self):
        super().__init__("localhost", timeout=LIMIT)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


class TcpConnection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("127.0.0.1", PORT, timeout=LIMIT)


def ask(target, method="GET", body=None, over=UnixConnection):
    """Status, document (text where it is no JSON) and header fields of an answer."""
    fields = {} if body is None else {"Content-Type": "application/json"}
    with contextlib.closing(over()) as connection:
        connection.request(method, target, None if body is None else json.dumps(body), fields)
        answer = connection.getresponse()
        text = answer.read().decode()
        kind = answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if "json" in kind else text, answer.headers


def get(target, over=UnixConnection):
    """The document at a path that must be there."""
    code, document, _ = ask(target, over=over)
    if code != 200:
        raise AssertionError(f"GET {target}: {code} {document}")
    return document


def status():
    return get("/api/v1/status")


def wait_for_status(condition, what):
    """Waits, by long poll, until the status is as it should be; gives it."""
    until = time.monotonic() + LIMIT
    now = status()
    while not condition(now):
        if time.monotonic() > until:
            raise AssertionError(f"the status never became {what}: {now}")
        now = get(f"/api/v1/status?index={now['index']}&wait=10s")
    return now


def run_audit(**order):
    """Has the daemon run an audit by name or choice; gives it when it has ended."""
    code, document, fields = ask("/api/v1/audits", "POST", order)
    if code not in (200, 202):
        raise AssertionError(f"POST /api/v1/audits {order}: {code} {document}")
    wanted = fields["Location"]
    return wait_for_end(wanted)


def wait_for_end(location):
    """Waits until an audit has ended; gives it. The status changes when one ends."""
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        index = status()["index"]
        document = get(location)
        if "outcome" in document:
            return document
        get(f"/api/v1/status?index={index}&wait=10s")
    raise AssertionError(f"{location} did not end: {document}")


class Journal:
    """The journal from now on, as it is written."""

    def __init__(self):
        cursor = output("journalctl", "--quiet", "--lines=1", "--output=json", "--output-fields=MESSAGE")
        after = json.loads(cursor)["__CURSOR"]
        self.process = subprocess.Popen(
            ["journalctl", "--follow", "--no-tail", "--after-cursor", after, "--output=json", "--all"],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.pending = b""
        self.seen = []
        self.before = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait(self, condition, what):
        """The next entry, as a dictionary, of which the condition is true."""
        until = time.monotonic() + LIMIT
        self.before = len(self.seen)
        while True:
            line, newline, rest = self.pending.partition(b"\n")
            if newline:
                self.pending = rest
                entry = json.loads(line)
                self.seen.append(entry.get("MESSAGE"))
                if condition(entry):
                    return entry
                continue
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"the journal never said: {what}; it said {self.seen[-30:]}")
            self.pending += os.read(self.process.stdout.fileno(), 65536)

    def since_last_wait(self):
        """What was said until that for which was waited last, as one text."""
        return "\n".join(map(str, self.seen[self.before:]))

    def wait_result(self, unit):
        """Waits until a unit has been started, which for a oneshot is its end, or has failed to. systemd's
        own entries carry UNIT= and, at the end of a job, JOB_TYPE= and JOB_RESULT=; a restart has two, and
        the second is a start."""
        return self.wait(
            lambda entry: entry.get("UNIT") == unit and entry.get("JOB_TYPE") == "start"
            and entry.get("JOB_RESULT") in ("done", "failed"), f"{unit} has been started")


def processes_of_service():
    """Living processes in the service's cgroup."""
    path = pathlib.Path("/sys/fs/cgroup/system.slice/finwait.service/cgroup.procs")
    try:
        return [int(line) for line in path.read_text(encoding="utf-8").split()]
    except (FileNotFoundError, OSError):
        return []


def network_namespaces():
    """All network namespaces that some process of this container is in or keeps open."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        links = [f"/proc/{pid}/ns/net"]
        with contextlib.suppress(OSError):
            links += [f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd")]
        for link in links:
            with contextlib.suppress(OSError):
                target = os.readlink(link)
                if target.startswith("net:["):
                    found.add(target)
    return found


def tell_why(test):
    """What an administrator would look at, when a test has failed."""
    sys.stdout.flush()
    subprocess.run(["systemctl", "status", "--no-pager", "--full", "finwait*"], check=False)
    subprocess.run(["journalctl", "--no-pager", "--lines=60"], check=False)
    print(f"-- the above: after {test}", flush=True)


class Case(unittest.TestCase):
    """A test that shows units and journal when it fails."""

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            tell_why(self.id())


def main():
    unittest.main(verbosity=2, failfast=True)
