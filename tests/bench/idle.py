"""What the daemon costs between two audits: its wake-ups in ten seconds and its memory.

A wake-up is a voluntary context switch of one of its threads (proc(5), voluntary_ctxt_switches): a
process that sleeps through has none.
"""
import glob
import json
import os
import re
import signal
import subprocess
import time

FINWAIT = os.environ["FINWAIT"]
SECONDS = 10
WANTED_RSS_BYTES = 15 << 20


def field(path, name):
    with open(path, encoding="ascii") as file:
        return int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.M).group(1))


def switches(pid):
    return sum(field(path, "voluntary_ctxt_switches")
               for path in glob.glob(f"/proc/{pid}/task/*/status"))


def main():
    daemon = subprocess.Popen(
        [FINWAIT, "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        # The matrix of the first audit ends with the URL: from then on it has nothing to do.
        for line in daemon.stdout:
            if "http://" in line:
                break
        time.sleep(1)  # it writes the line before it goes to sleep
        before = switches(daemon.pid)
        time.sleep(SECONDS)
        wakeups = switches(daemon.pid) - before
        rss = field(f"/proc/{daemon.pid}/status", "VmRSS") * 1024
        print(json.dumps({
            "benchmark": "idle", "seconds": SECONDS, "wakeups": wakeups, "rss_bytes": rss,
            "wanted": {"wakeups": 0, "rss_bytes": WANTED_RSS_BYTES},
            "reached": wakeups == 0 and rss < WANTED_RSS_BYTES}))
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


if __name__ == "__main__":
    main()
