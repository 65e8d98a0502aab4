"""What a run of another program costs finwait itself, on a host where much is open.

Counted is the processor time (/proc/PID/task/*/schedstat, in nanoseconds) of the worker and of its
parent, not that of the programs; as a difference over many runs, so that the start of the processes
is not in it. Meanwhile another process holds 10,000 descriptors. Prints one JSON line.
"""
import glob
import json
import os
import resource
import subprocess
import sys

FINWAIT = os.environ["FINWAIT"]
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 50
DESCRIPTORS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
WANTED_MS = 5.0

CLIENT = {"command": ["/usr/bin/curl", "-s", "{url}"]}
PLAN = {"at": "await_response", "by": "sigkill", "subject": "curl", "client": CLIENT}

# Half of them sockets, half files. It says when it has them, and ends with its input.
HOLDER = """
import socket, sys
kept = [socket.socket() for _ in range({count} // 2)]
kept += [open("/dev/null") for _ in range({count} - len(kept))]
print(len(kept), flush=True)
sys.stdin.read()
"""


def cpu_ns(pid):
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def of_worker():
    """Processor milliseconds of a worker for each of its runs, one after the other."""
    with subprocess.Popen([FINWAIT, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as worker:
        def one():
            worker.stdin.write(json.dumps(PLAN) + "\n")
            worker.stdin.flush()
            report = json.loads(worker.stdout.readline())
            assert report["verdict"] == "released", report
        one()  # what is made once
        before = cpu_ns(worker.pid)
        for _ in range(RUNS):
            one()
        spent = cpu_ns(worker.pid) - before
        worker.stdin.close()
    return spent / RUNS / 1e6


def of_parent(runs):
    """Processor milliseconds of an audit of so many cells, its own alone."""
    command = [FINWAIT, "audit", "--subject", "curl", "--at", "await_response", "--by", "sigkill",
               "--request", "none", "--repeat", str(runs), "--jobs", "1", "-o", "ndjson"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as audit:
        os.waitid(os.P_PID, audit.pid, os.WEXITED | os.WNOWAIT)
        return cpu_ns(audit.pid) / 1e6


def main():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with subprocess.Popen([sys.executable, "-c", HOLDER.format(count=DESCRIPTORS)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        held = int(holder.stdout.readline())
        worker = of_worker()
        parent = (of_parent(RUNS + 5) - of_parent(5)) / (2 * RUNS)  # a control for each cell
        holder.stdin.close()
    print(json.dumps({
        "benchmark": "subject", "runs": RUNS, "descriptors_of_another_process": held,
        "worker_ms": round(worker, 3), "parent_ms": round(parent, 3),
        "wanted_ms": WANTED_MS, "reached": worker + parent <= WANTED_MS}))


if __name__ == "__main__":
    main()
