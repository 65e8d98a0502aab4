"""How long the default audit takes. Prints one JSON line: the median of some rounds."""
import json
import os
import statistics
import subprocess
import sys
import time

FINWAIT = os.environ["FINWAIT"]
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
WANTED_SECONDS = 3.0


def run():
    begin = time.monotonic()
    done = subprocess.run([FINWAIT, "audit", "-o", "json"], capture_output=True, check=False)
    seconds = time.monotonic() - begin
    audit = json.loads(done.stdout)
    uncounted = sum(report["counters"] is None for report in audit["reports"])
    return seconds, done.returncode, len(audit["reports"]), uncounted


def main():
    rounds = [run() for _ in range(ROUNDS)]
    seconds = statistics.median(one[0] for one in rounds)
    print(json.dumps({
        "benchmark": "audit", "cells": rounds[0][2], "seconds": round(seconds, 3),
        "fastest": round(min(one[0] for one in rounds), 3),
        "exit_codes": sorted({one[1] for one in rounds}),
        "without_counters": max(one[3] for one in rounds),
        "wanted": WANTED_SECONDS, "reached": seconds <= WANTED_SECONDS}))


if __name__ == "__main__":
    main()
