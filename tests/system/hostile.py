"""A daemon among clients, orders and names that mean it ill: what its memory, its descriptors, the
programs it starts, its files and the addresses it connects to show of that."""
import contextlib
import csv
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import tempfile
import unittest

import support
from service import QUIET, RECIPE, STUBBORN, Service

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "subjects"
TOKEN = "horse-battery-staple-0123456789-abcdef"
HOST = "Host: localhost\r\n"
TCP_CONNECTIONS = 'finwait_api_connections{listener="tcp"}'


def facts_of(pid):
    """Bytes of resident memory, and open descriptors."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024
    return resident, len(os.listdir(f"/proc/{pid}/fd"))


class Listening(Service):
    """With a listener for TCP as well, which is for reading."""

    TCP = 'tcp = "127.0.0.1:0"'
    # AddressSanitizer keeps 256 MB of what was freed: more than what is measured here.
    environment = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=16"}

    def configure(self, more):
        super().configure(more)
        file = pathlib.Path(self.config)
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace('tcp = ""', self.TCP), encoding="utf-8")

    def start(self):
        self.run = support.Run("serve", "--config", self.config, environment=self.environment)
        self.said = self.run.line_with("stderr", "listening on ")
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)", self.said)[1])

    def over_tcp(self, method, path, body=None, fields=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=support.LIMIT)
        try:
            content = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path, body, {**content, **(fields or {})})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or "null")
        finally:
            connection.close()

    def metrics(self):
        """Those that are counts, by name and labels."""
        connection = support.UnixConnection(self.socket)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        return {name: int(count) for name, count in re.findall(r"^(\w.*) (\d+)$", text, re.MULTILINE)}


class Guarded(Listening):
    """Whoever has the token may write over TCP, too."""

    TCP = Listening.TCP + '\ntcp_writes = "token"'

    def __init__(self, configuration=""):
        self.credentials = tempfile.mkdtemp(prefix="finwait-credentials-")
        self.environment = {**self.environment, "CREDENTIALS_DIRECTORY": self.credentials}
        pathlib.Path(self.credentials, "api-token").write_text(TOKEN + "\n", encoding="ascii")
        super().__init__(configuration)

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(self.credentials)


class SlowClient:
    """One of three kinds: it begins a header, or a body, or asks and asks and never reads."""

    BEGINNINGS = (
        "GET /livez HTTP/1.1\r\n" + HOST + "X: ",
        "POST /api/v1/audits HTTP/1.1\r\n" + HOST + f"Authorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
        ("GET /api/v1/openapi.json HTTP/1.1\r\n" + HOST + "\r\n") * 2000,
    )

    def __init__(self, port, number):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        with contextlib.suppress(OSError):  # closed already: poll(2) says so
            self.socket.send(self.BEGINNINGS[number % len(self.BEGINNINGS)].encode())


class SlowClients(unittest.TestCase):
    NUMBER = 200
    ROUNDS = 3
    PLACES = 64  # for connections over TCP
    MEMORY = (96 if support.is_sanitized() else 24) * 1024 * 1024
    # Also those of the Unix socket, what a census opens, and pipes to workers and programs that are
    # looked at after the start.
    DESCRIPTORS = PLACES + 16 + 8 + 48

    def check(self, daemon, before):
        """The operator gets an answer, and the daemon has not grown."""
        self.assertIn("status", daemon.get("/api/v1/status"))
        for now, then, most in zip(facts_of(daemon.run.pid), before,
                                   (self.MEMORY, self.DESCRIPTORS)):
            self.assertLess(now - then, most)

    def test_they_take_neither_memory_nor_the_operators_way_in(self):
        with Guarded(QUIET) as daemon, contextlib.ExitStack() as sockets:
            self.assertEqual(daemon.over_tcp("GET", "/api/v1/openapi.json")[0], 200)
            before = facts_of(daemon.run.pid)
            for number in range(1, self.ROUNDS + 1):
                clients = {}
                waiting = select.poll()
                for i in range(self.NUMBER):
                    one = sockets.enter_context(SlowClient(daemon.port, i).socket)
                    clients[one.fileno()] = one
                    waiting.register(one, select.POLLRDHUP)
                while daemon.metrics()["finwait_api_turned_away_total"] < \
                        number * (self.NUMBER - self.PLACES):
                    self.check(daemon, before)
                # All places are taken, by each kind, and the operator's are not among them.
                tcp = daemon.metrics()[TCP_CONNECTIONS]
                self.assertEqual(tcp, self.PLACES)
                while clients:
                    ended = waiting.poll(support.LIMIT * 1000)
                    self.assertTrue(ended, f"{len(clients)} hold on for ever")
                    for fd, _ in ended:
                        waiting.unregister(fd)
                        clients.pop(fd).close()
                    self.check(daemon, before)
            self.assertEqual(daemon.audited({"at": ["idle"], "by": ["close"]})["outcome"], "clean")

    def test_nor_does_slowhttptest(self):
        # It has no option for a field of one's own, and does not look at what a cookie consists of:
        # without the token the body would not be waited for.
        body = ("-B", "-s", "60000", "-f", "application/json",
                "-j", f"a=b\r\nAuthorization: Bearer {TOKEN}")
        for kind in (("-H",), body):
            with self.subTest(kind=kind[0]), Guarded(QUIET) as daemon:
                self.assertEqual(daemon.over_tcp("GET", "/api/v1/openapi.json")[0], 200)
                before = facts_of(daemon.run.pid)
                report = os.path.join(daemon.folder, "slow")
                url = f"http://127.0.0.1:{daemon.port}/api/v1/audits"
                with subprocess.Popen(
                        ["slowhttptest", *kind, "-c", str(2 * self.NUMBER), "-r", "80", "-i", "1", "-l",
                         str(int(support.LIMIT)), "-p", "10", "-v", "1", "-g", "-o", report, "-u", url],
                        stdout=subprocess.PIPE, text=True) as attack:
                    most = 0
                    try:
                        while attack.poll() is None:
                            self.check(daemon, before)
                            most = max(most, daemon.metrics()[TCP_CONNECTIONS])
                    finally:
                        attack.kill()
                    said = attack.stdout.read()
                self.assertEqual(most, self.PLACES)
                # It would have gone on for as long as one of its connections was open.
                self.assertEqual(attack.returncode, 0, said)
                self.assertIn("No open connections left", said)
                # A place was taken by one after the other.
                away = daemon.metrics()["finwait_api_turned_away_total"]
                self.assertGreater(away, 0)
                self.assertGreater(2 * self.NUMBER - away, self.PLACES)
                # Whoever came meanwhile got an answer, if only that there is no room.
                with open(report + ".csv", encoding="ascii") as file:
                    seconds = list(csv.DictReader(file))
                self.assertNotIn("0", [each["Service Available"] for each in seconds])
                self.assertGreater(len(seconds), 3)
                self.assertEqual(daemon.audited({"at": ["idle"], "by": ["close"]})["outcome"], "clean")


class Traced(Service):
    """Under strace(1), which writes down every program that is started."""

    def start(self):
        self.trace = os.path.join(self.folder, "trace")
        self.run = support.Run(
            "serve", "--config", self.config,
            before=("strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve,execveat", "-e",
                    "signal=none", "-o", self.trace),
            # LeakSanitizer stops the process by ptrace(2) itself, which strace has taken.
            environment={"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"})
        self.run.line_with("stderr", "listening on ")

    def stop(self):
        """strace passes no signal on: the daemon itself gets it."""
        (daemon,) = support.children_of(self.run.pid)
        os.kill(daemon, 15)
        return self.run.finish()

    def started(self):
        """Process, program and the whole line of each that began."""
        out = []
        with open(self.trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                if found := re.match(r'(\d+) +execve(?:at)?\((?:\d+, )?"([^"]*)", .*\) = 0$', line):
                    out.append((int(found[1]), found[2], line))
        return out


class Programs(unittest.TestCase):
    @staticmethod
    def orders(text):
        """Every string that an order can have, with a text in it."""
        for key in ("at", "by", "framing", "subjects"):
            yield "audits", {key: [text]}
            yield "audits", {key: ["idle" + text]}
        for key in ("name", "target", "url", "command", "argv"):
            yield "audits", {key: text}
        yield "audits", {"subjects": ["stubborn:" + text]}
        plan = {"at": "idle", "by": "close"}
        for key in ("at", "by", "subject", "target", "to", "method", "url", "id"):
            yield "probes", {**plan, key: text}
        yield "probes", {**plan, "request": {"framing": text, "method": text}}
        yield "probes", {**plan, "client": {"command": ["sh", "-c", text]}}
        yield "config/reload", {"path": text}

    def test_an_order_starts_what_recipes_name_and_nothing_else(self):
        with Traced(QUIET) as daemon:
            pwned = os.path.join(daemon.folder, "pwned")
            here = pathlib.Path(daemon.folder)
            (here / "stubborn.py").write_text(STUBBORN, encoding="utf-8")
            (here / "subjects" / "stubborn.toml").write_text(
                RECIPE.replace("{here}", daemon.folder), encoding="utf-8")
            for text in (f"$(touch {pwned})", f"`touch {pwned}`", f";touch {pwned};",
                         f"| touch {pwned}", f"&& touch {pwned}", f"\ntouch {pwned}\n",
                         f"' ; touch {pwned} ; '", "../../../../bin/sh", "/bin/sh"):
                for what, order in self.orders(text):
                    status, _, _ = daemon.ask("POST", "/api/v1/" + what, order)
                    self.assertIn(status, (400, 404), (what, order))
                for path in ("audits?name=", "audits?target=", "reports?subject=", "events?audit="):
                    status, _, _ = daemon.ask("GET", "/api/v1/" + path + quoted(text))
                    self.assertEqual(status, 400, (path, text))
            daemon.audited({"at": ["idle"], "by": ["close", "sigkill"]})
            daemon.audited({"subjects": ["stubborn"]})
            self.assertEqual(daemon.stop()[0], 0)
            self.assertFalse(os.path.exists(pwned))
            started = daemon.started()
            self.assertGreater(len(started), 3)
            daemon_itself = started[0][0]
            self.assertEqual([one for one in started[1:] if one[0] == daemon_itself], [])
            own = {support.FINWAIT, os.path.realpath(support.FINWAIT), "/proc/self/exe"}
            programs = {program for _, program, _ in started} - own
            self.assertLessEqual({"/bin/echo", "/usr/bin/python3"}, programs)
            # The daemon also asks those that came with it for their versions.
            named = "".join(file.read_text(encoding="utf-8")
                            for directory in (RECIPES, here / "subjects")
                            for file in directory.glob("*.toml"))
            for program in programs:
                self.assertRegex(named, rf"[\"( ]{re.escape(program)}[\" ]")
            for _, program, line in started:
                self.assertNotIn("pwned", line)


def quoted(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


class Secrets(unittest.TestCase):
    def test_the_token_is_nowhere_but_in_its_credential(self):
        with Guarded(QUIET) as daemon:
            right = {"Authorization": f"Bearer {TOKEN}"}
            order = json.dumps({"at": ["idle"], "by": ["close"]})
            self.assertEqual(daemon.over_tcp("POST", "/api/v1/audits", order)[0], 401)
            wrong = {"Authorization": f"Bearer {TOKEN[:-1]}x"}
            self.assertEqual(daemon.over_tcp("POST", "/api/v1/audits", order, wrong)[0], 401)
            status, audit = daemon.over_tcp("POST", "/api/v1/audits", order, right)
            self.assertEqual(status, 202)
            shown = [daemon.ended(audit["id"]), daemon.get("/api/v1/config")]
            # Of who puts it where it does not belong, nothing is kept either.
            self.assertEqual(daemon.over_tcp("GET", f"/api/v1/audits?token={TOKEN}")[0], 400)
            status, answer = daemon.over_tcp(
                "POST", "/api/v1/audits", json.dumps({"name": TOKEN}), right)
            self.assertEqual(status, 404, answer)
            status, _ = daemon.over_tcp(
                "POST", "/api/v1/probes", json.dumps({"at": "idle", "by": "close"}), right)
            self.assertEqual(status, 202)
            self.assertNotIn(TOKEN, json.dumps(shown))
            for pid in daemon.run.pids():
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        content = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
                        self.assertNotIn(TOKEN.encode(), content, name)
            self.assertIn(audit["id"].encode(), self.files_of(daemon.folder))
            self.assertNotIn(TOKEN.encode(), self.files_of(daemon.folder))
            code, out, err = daemon.stop()
            self.assertEqual(code, 0)
            self.assertNotIn(TOKEN, daemon.said + out + err)
            self.assertIn(audit["id"].encode(), self.files_of(daemon.folder))
            self.assertNotIn(TOKEN.encode(), self.files_of(daemon.folder))

    @staticmethod
    def files_of(folder):
        """The history with its log, and whatever else there is."""
        return b"".join(
            path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file())


# A host of its own: its nameserver gives another address each time, and a server listens on all.
# $1: a folder for what was asked, and what was connected to. The rest: what is to be run.
FLIPPING = r"""
import os, socket, struct, subprocess, sys, threading
folder, command = sys.argv[1], sys.argv[2:]
def run(*words): subprocess.run(words, check=True)
run("ip", "link", "set", "lo", "up")
for address in ("10.9.9.1/32", "169.254.169.254/32"):
    run("ip", "address", "add", address, "dev", "lo")
for name, text in (("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n"),
                   ("nsswitch.conf", "hosts: dns\n")):
    with open(f"{folder}/{name}", "w") as file:
        file.write(text)
    run("mount", "--bind", f"{folder}/{name}", os.path.realpath(f"/etc/{name}"))
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(("127.0.0.1", 53))
server = socket.create_server(("0.0.0.0", 8080))
if os.fork() != 0:
    asked.close()
    server.close()
    os.execvp(command[0], command)
ADDRESSES = ("10.9.9.1", "169.254.169.254", "127.0.0.1")
def note(text):
    with open(f"{folder}/seen", "a") as file:
        file.write(text + "\n")
def resolve():
    count = 0
    while True:
        query, peer = asked.recvfrom(512)
        end = query.index(b"\0", 12) + 1
        kind = struct.unpack(">H", query[end:end + 2])[0]
        answers = b""
        # Programs that are asked for their version may look up the machine's own name.
        if kind == 1 and b"shifty" in query[12:end]:
            address = ADDRESSES[count % 3]
            count += 1
            note("gave " + address)
            answers = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
        head = query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, bool(answers), 0, 0)
        asked.sendto(head + query[12:end + 4] + answers, peer)
def answer(one):
    while one.recv(65536):
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
threading.Thread(target=resolve, daemon=True).start()
while True:
    one, _ = server.accept()
    note("reached " + one.getsockname()[0])
    threading.Thread(target=answer, args=(one,), daemon=True).start()
"""


NAMESPACES = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--propagation",
              "private")


class FlippingNames(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="finwait-flipping-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.before = (*NAMESPACES, "/usr/bin/python3", "-B", "-c", FLIPPING, self.folder)

    def test_each_probe_asks_once_and_connects_to_what_it_looked_at(self):
        before = self.before

        class Elsewhere(Service):
            def start(self):
                self.run = support.Run("serve", "--config", self.config, before=before)
                self.run.line_with("stderr", "listening on ")

        with Elsewhere(QUIET + """
[limits]
per_target_interval = "1ms"
[[targets]]
name = "shifty"
url = "http://shifty.example:8080/"
allow = ["private"]
""") as daemon:
            order = {"at": ["idle"], "by": ["close", "reset", "sigkill"], "target": "shifty",
                     "repeat": 3}
            reports = daemon.audited(order)["reports"]
        self.assertEqual(len(reports), 9)
        seen = pathlib.Path(self.folder, "seen").read_text(encoding="ascii").split("\n")[:-1]
        given = [line.removeprefix("gave ") for line in seen if line.startswith("gave ")]
        # One look-up for one probe: the address that was looked at is the one that is connected to.
        self.assertEqual(len(given), len(reports), seen)
        reached = [line for line in seen if line.startswith("reached ")]
        self.assertEqual(reached, ["reached 10.9.9.1"] * given.count("10.9.9.1"))
        reasons = [report["reasons"][0]["text"] for report in reports
                   if report["verdict"] == "unverified"]
        for address, what in (("169.254.169.254", "metadata"), ("127.0.0.1", "loopback")):
            text = f"led to {address}, a {what} address"
            self.assertEqual(
                sum(text in reason for reason in reasons), given.count(address), reasons)
        self.assertEqual(len(reasons), len(reports) - given.count("10.9.9.1"), reasons)


def why_not(*command):
    """Why a tool cannot be used here; empty: it can."""
    if shutil.which(command[0]) is None:
        return f"there is no {command[0]}: install it"
    trial = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    return trial.stderr.strip() if trial.returncode != 0 else ""


if __name__ == "__main__":
    for tool in (("strace", "-qq", "-e", "trace=none"), NAMESPACES):
        if why := why_not(*tool):
            support.skip(f"{tool[0]}: {why}")
    if shutil.which("slowhttptest") is None:
        support.skip("there is no slowhttptest: install it")
    support.main()
