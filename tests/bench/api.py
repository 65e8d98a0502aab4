"""The API's speed: GET /api/v1/status over 32 connections, against nginx serving the same bytes from
a file, one worker each, in turns within one run; and its 99th percentile while a full audit runs,
with nginx's in the same place: what the processors alone make of it.

Needs wrk and nginx.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
import support  # noqa: E402 (its folder is known only now)

FINWAIT = os.environ["FINWAIT"]
CONNECTIONS = 32
SECONDS = 5
ROUNDS = 3
WANTED_RATIO = 0.7
WANTED_P99_RATIO = 5.0
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 512; }}
http {{
  access_log off; default_type application/json; keepalive_requests 1000000000; sendfile on;
  server {{ listen 127.0.0.1:{port}; root {folder}/html; }}
}}
"""

CONFIG = """
version = 1
[serve]
tcp = "127.0.0.1:{port}"
unix = "{folder}/api.sock"
[history]
path = "{folder}/history.db"
[[audits]]
name = "default"
every = "off"
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port, path):
    """The body, once there is one."""
    deadline = time.monotonic() + 20
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            if response.status == 200:
                return body
        except OSError:
            pass
        if time.monotonic() > deadline:
            sys.exit(f"nobody answers {path} on port {port}")
        time.sleep(0.05)


def load(port, seconds=SECONDS):
    """(requests per second, 99th percentile in seconds)."""
    url = f"http://127.0.0.1:{port}/api/v1/status"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(text)
    rate = float(re.search(r"Requests/sec:\s+([0-9.]+)", text).group(1))
    value, unit = re.search(r"99%\s+([0-9.]+)(us|ms|s|m)", text).groups()
    return rate, float(value) * UNITS[unit]


def ask(path, method, where, body=None):
    connection = support.UnixConnection(path)
    connection.request(method, where, body, {"Content-Type": "application/json"} if body else {})
    return json.loads(connection.getresponse().read())


def middle(values):
    return sorted(values)[len(values) // 2]


def p99s_during_audit(ports, path):
    """The percentiles of loads on each port that began and ended while an audit was running."""
    started = ask(path, "POST", "/api/v1/audits", json.dumps({"repeat": 20}))
    where = "/api/v1/audits/" + started["id"]
    busy = [middle([load(port)[1] for _ in range(ROUNDS)]) for port in ports]
    assert ask(path, "GET", where)["state"] == "running", "the audit was too short"
    ask(path, "DELETE", where)
    return busy


def measure(folder, daemon_port, nginx_port):
    body = wait_for(daemon_port, "/api/v1/status")
    html = folder / "html/api/v1"
    html.mkdir(parents=True, exist_ok=True)
    (html / "status").write_bytes(body)
    wait_for(nginx_port, "/api/v1/status")
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(load(nginx_port))
        ours.append(load(daemon_port))
    p99, nginx_p99 = (middle([each[1] for each in loads]) for loads in (ours, theirs))
    busy, nginx_busy = p99s_during_audit((daemon_port, nginx_port), str(folder / "api.sock"))
    ratio = middle([a[0] / b[0] for a, b in zip(ours, theirs)])
    print(json.dumps({
        "benchmark": "api", "connections": CONNECTIONS, "bytes": len(body),
        "requests_per_second": round(max(ours)[0]),
        "nginx_requests_per_second": round(max(theirs)[0]),
        "ratio": round(ratio, 3), "p99_idle_seconds": p99, "p99_audit_seconds": busy,
        "p99_ratio": round(busy / p99, 1), "nginx_p99_idle_seconds": nginx_p99,
        "nginx_p99_audit_seconds": nginx_busy, "nginx_p99_ratio": round(nginx_busy / nginx_p99, 1),
        "wanted": {"ratio": WANTED_RATIO, "p99_ratio": WANTED_P99_RATIO},
        "reached": ratio >= WANTED_RATIO and busy <= WANTED_P99_RATIO * p99}))


def main():
    missing = [tool for tool in ("wrk", "nginx") if not shutil.which(tool)]
    if missing:
        print("skipped: there is no " + " and no ".join(missing))
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        daemon_port, nginx_port = free_port(), free_port()
        (folder / "finwait.toml").write_text(CONFIG.format(port=daemon_port, folder=folder))
        (folder / "nginx.conf").write_text(NGINX.format(port=nginx_port, folder=folder))
        folder.chmod(0o755)  # nginx's worker has another uid
        (folder / "html").mkdir()
        # Each in a session of its own, as systemd starts them (autogroups: sched(7)).
        daemon, nginx = (subprocess.Popen(command, start_new_session=True) for command in (
            [FINWAIT, "serve", "--config", str(folder / "finwait.toml")],
            ["nginx", "-p", name, "-c", str(folder / "nginx.conf")]))
        try:
            measure(folder, daemon_port, nginx_port)
        finally:
            for each in (daemon, nginx):
                each.send_signal(signal.SIGTERM)
                each.wait()


if __name__ == "__main__":
    main()
