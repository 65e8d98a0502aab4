"""clang-tidy over probe/, web/ and daemon/, two at a time, with a memory: a source that was clean is
not looked at again until it, a project header it includes, the rules, the compiler flags or
clang-tidy itself change.

Usage: tidy.py BUILD_DIRECTORY   (with a compile_commands.json, best of a clang build)
Prints a line per source, `passed<TAB>path` or `failed<TAB>path`; what was found goes to standard
error. Exit status 1 when anything failed.
"""

import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys

import includes
import tree

PARALLEL = min(2, os.cpu_count() or 1)
LAYERS = ("probe/", "web/", "daemon/")


def tool():
    return os.environ.get("CLANG_TIDY", "clang-tidy-14")


def project_headers(root, path, seen):
    """The project headers a file includes, also through others; added to `seen`."""
    for _, quoted, target in includes.includes_of(tree.text_of(root, path)):
        if quoted and target not in seen and os.path.exists(os.path.join(root, target)):
            seen.add(target)
            project_headers(root, target, seen)
    return seen


def key_of(root, path, command, common):
    """What the result depends on, as a hash."""
    digest = hashlib.sha256(common)
    digest.update(shlex.join(command).encode())
    for name in sorted(project_headers(root, path, {path})):
        digest.update(name.encode() + b"\0" + tree.text_of(root, name).encode() + b"\0")
    return digest.hexdigest()


def commands_of(root, build):
    """Path relative to the root -> compiler command, for the sources of the program."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    commands = {}
    for entry in entries:
        path = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if path.startswith(LAYERS):
            commands[path] = shlex.split(entry["command"])
    return commands


def examine(root, build, path):
    # A database of g++ names warnings that clang does not have.
    return subprocess.run(
        [tool(), "--quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option", path],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def main():
    build = os.path.abspath(sys.argv[1])
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    memory = os.path.join(build, "tidy-clean")
    os.makedirs(memory, exist_ok=True)
    version = subprocess.run([tool(), "--version"], capture_output=True, check=True).stdout
    common = version + tree.text_of(root, ".clang-tidy").encode()
    keys = {p: key_of(root, p, c, common) for p, c in sorted(commands_of(root, build).items())}
    if not keys:
        sys.exit("tidy: the compile database names no source of the program")

    def clean(path):
        mark = os.path.join(memory, keys[path])
        if os.path.exists(mark):
            return path, None
        done = examine(root, build, path)
        if done.returncode == 0:
            with open(mark, "w", encoding="utf-8") as file:
                file.write(path + "\n")
            return path, None
        return path, done.stdout + done.stderr

    failed = False
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for path, trouble in pool.map(clean, keys):
            print(f"{'failed' if trouble else 'passed'}\t{path}", flush=True)
            if trouble:
                failed = True
                print(trouble, file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
