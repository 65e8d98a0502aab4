"""Every shell script parses, and shellcheck has nothing to say where it is installed.

Usage: shell.py [repository]
"""

import os
import shutil
import subprocess

import tree


def scripts(root):
    """Files that are shell scripts by name or by their first line."""
    found = []
    for path in tree.files(root):
        with open(os.path.join(root, path), "rb") as file:
            first = file.readline(80)
        if path.endswith(".sh") or (first.startswith(b"#!") and first.rstrip().endswith(b"sh")):
            found.append(path)
    return found


def main():
    root = tree.root_from_arguments()
    findings = tree.Findings("shell scripts")
    paths = scripts(root)
    checkers = [["bash", "-n"]]
    if shutil.which("shellcheck"):
        checkers.append(["shellcheck", "--shell=bash", "--format=gcc", "--external-sources"])
    for path in paths:
        for checker in checkers:
            done = subprocess.run(
                [*checker, path], cwd=root, capture_output=True, text=True, check=False
            )
            if done.returncode:
                findings.add(path, 1, f"{checker[0]}: {(done.stdout + done.stderr).strip()}")
    findings.finish(len(paths))


if __name__ == "__main__":
    main()
