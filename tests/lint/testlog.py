"""Turns meson's testlog.json into lines `passed|failed|skipped<TAB>name<TAB>reason`.

Usage: testlog.py FILE. A file that is missing or empty is a failure: no test ran.
"""

import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def reason_of(entry):
    """The last line that the test printed."""
    printed = (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")
    lines = [line.strip() for line in printed.split("\n") if line.strip()]
    return lines[-1].replace("\t", " ")[:300] if lines else "no reason given"


def rows_of(text):
    """One row per test: (status, name, reason)."""
    rows = []
    for line in text.splitlines():
        entry = json.loads(line)
        if entry["result"] in PASSED:
            rows.append(("passed", entry["name"], ""))
        elif entry["result"] in SKIPPED:
            rows.append(("skipped", entry["name"], reason_of(entry)))
        else:
            rows.append(("failed", entry["name"], entry["result"]))
    return rows or [("failed", "suites", "no test ran")]


def main():
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    for row in rows_of(text):
        print("\t".join(row))


if __name__ == "__main__":
    main()
