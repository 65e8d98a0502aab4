"""The daemon with a long past: its start, its lists, its memory and its deaths.

A history of many reports is written by bench_history --fill; everything else is asked of the daemon
itself, over its Unix socket. One line of JSON; "reached" says whether all goals were met.

    service.py [REPORTS [AUDITS [KILLS]]]
"""

import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import support  # noqa: E402 (its folder is known only now)

FINWAIT = os.environ["FINWAIT"]
BENCH_HISTORY = os.environ["BENCH_HISTORY"]
REPORTS, AUDITS, KILLS = (
    [int(each) for each in sys.argv[1:]] + [1_000_000, 2_000, 100][len(sys.argv) - 1:])
FEW = 1_000
AT_START = 100_000
ROUNDS = 7
QUESTIONS = 200
PATHS = ("/api/v1/status", "/api/v1/reports", "/api/v1/reports?verdict=released&at=idle",
         "/api/v1/audits", "/api/v1/findings?limit=1")  # few reports have one finding
WANTED = {"ready_ms": 100, "lists_factor": 2, "rss_bytes": 30 << 20}

CONFIG = """
version = 1
[serve]
unix = "{folder}/api.sock"
tcp = ""
[history]
path = "{file}"
max_bytes = "100GiB"
[[audits]]
name = "default"
every = "off"
at = ["idle"]
by = ["close"]
"""


def fill(file, reports):
    subprocess.run([BENCH_HISTORY, "--fill", file, str(reports)], check=True)


class Daemon:
    """One with that history; `ready_ms` after its start it said READY=1 (sd_notify(3))."""

    def __init__(self, folder, file):
        config = f"{folder}/finwait.toml"
        pathlib.Path(config).write_text(CONFIG.format(folder=folder, file=file), encoding="ascii")
        self.path = f"{folder}/api.sock"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"{folder}/notify"
        pathlib.Path(address).unlink(missing_ok=True)
        self.manager.bind(address)
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            [FINWAIT, "serve", "--config", config], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=dict(os.environ, NOTIFY_SOCKET=address))
        while b"READY=1" not in self.manager.recv(4096):
            pass
        self.ready_ms = (time.perf_counter() - begin) * 1e3
        self.connection = support.UnixConnection(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.manager.close()

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body and json.dumps(body),
                                {"Content-Type": "application/json"} if body else {})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status < 300, (path, answer.status, content)
        return json.loads(content)

    def rss(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) << 10


def ready_ms(folder, file):
    """The middle of several starts, the first of which finds a cold cache."""
    times = []
    for _ in range(ROUNDS):
        with Daemon(folder, file) as daemon:
            times.append(daemon.ready_ms)
    return statistics.median(times)


def list_ms(folder, file):
    """The middle time of each question."""
    out = {}
    with Daemon(folder, file) as daemon:
        # quick_check reads the whole file once, beside the answers; /readyz tells nothing of it.
        daemon.ask("GET", "/api/v1/reports?limit=100")
        for path in PATHS:
            times = []
            for _ in range(QUESTIONS):
                begin = time.perf_counter()
                daemon.ask("GET", path)
                times.append((time.perf_counter() - begin) * 1e3)
            out[path] = statistics.median(times)
    return out


def rss_over_audits(folder):
    """After a tenth of the audits, and after all of them."""
    early = 0
    with Daemon(folder, f"{folder}/grown.db") as daemon:
        for number in range(AUDITS):
            order = {"at": ["idle"], "by": ["close"], "framing": ["none"], "repeat": 10}
            audit = daemon.ask("POST", "/api/v1/audits", order)["id"]
            index = None
            while daemon.ask("GET", f"/api/v1/audits/{audit}").get("state"):
                query = f"?index={index}&wait=30s" if index else ""
                index = daemon.ask("GET", "/api/v1/status" + query)["index"]
            if number == AUDITS // 10:
                early = daemon.rss()
        return early, daemon.rss()


def kills_survived():
    """Whether no report that had been shown was lost, and nothing was left behind."""
    tests = HERE.parent / "system/service.py"
    return subprocess.run([sys.executable, "-B", tests, "Deaths"], check=False,
                          env=dict(os.environ, FINWAIT_KILLS=str(KILLS)),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main():
    # Not /tmp, which may be in memory.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="finwait-bench-") as folder:
        few, many = f"{folder}/few.db", f"{folder}/many.db"
        fill(few, FEW)
        empty_ready = ready_ms(folder, f"{folder}/empty.db")
        fill(many, AT_START)
        ready = ready_ms(folder, many)
        with_few = list_ms(folder, few)
        fill(many, REPORTS)
        with_many = list_ms(folder, many)
        factor = max(with_many[path] / with_few[path] for path in PATHS)
        early, late = rss_over_audits(folder)
        survived = kills_survived()
    print(json.dumps({
        "benchmark": "service", "ready_ms": round(ready, 1), "ready_reports": AT_START,
        "ready_empty_ms": round(empty_ready, 1), "reports": REPORTS,
        "few_ms": {path: round(ms, 3) for path, ms in with_few.items()},
        "many_ms": {path: round(ms, 3) for path, ms in with_many.items()},
        "lists_factor": round(factor, 2), "audits": AUDITS, "rss_early_bytes": early,
        "rss_late_bytes": late, "kills": KILLS, "kills_survived": survived, "wanted": WANTED,
        "reached": ready <= WANTED["ready_ms"] and factor <= WANTED["lists_factor"]
        and late <= WANTED["rss_bytes"] and late - early <= 2 << 20 and survived}))


if __name__ == "__main__":
    main()
