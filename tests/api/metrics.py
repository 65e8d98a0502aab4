"""The metrics against promtool, in the text format, and a broken text as control.

Usage: metrics.py TEST_SERVER
"""

import http.client
import shutil
import subprocess
import sys


def promtool(text):
    """What promtool says of a text: (exit status, words). 0 good, 3 lint, 1 not even parsed."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def main():
    if not shutil.which("promtool"):
        print("skipped: there is no promtool (Debian: prometheus)")
        sys.exit(77)
    server = subprocess.Popen(
        [sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.stdout.readline()), timeout=20)
        for path in ("/livez", "/api/v1/status", "/nowhere", "/metrics"):
            connection.request("GET", path)
            text = connection.getresponse().read().decode()
    finally:
        server.stdin.close()
        server.wait(20)
    status, words = promtool(text)
    control, _ = promtool(text + "finwait_x{\n")
    if status != 0 or control == 0:
        print(words, f"control: {control}", text, sep="\n")
        sys.exit(1)
    print(f"promtool has nothing to say of {len(text)} bytes")


main()
