"""The files of the project, for the lint scripts. Walks the directory instead of asking git, since
a machine that only builds has none."""

import os
import sys

LEFT_OUT = {".git", ".cache", "__pycache__", "node_modules"}


class Findings:
    """Collects what is wrong and ends the script with the right status."""

    def __init__(self, about):
        self.about = about
        self.count = 0

    def add(self, path, line, message):
        self.count += 1
        print(f"{path}:{line}: {message}")

    def finish(self, looked_at):
        """Ends the process: 0 when nothing was found, 1 otherwise. Nothing looked at is an error,
        so that a lint that lost its way does not pass."""
        if looked_at == 0:
            print(f"{self.about}: nothing to look at: wrong directory?")
            sys.exit(99)
        print(f"{self.about}: {looked_at} files, {self.count} findings")
        sys.exit(1 if self.count else 0)


def root_from_arguments():
    """The repository: the first argument, or where this file lies."""
    if len(sys.argv) > 1:
        return os.path.abspath(sys.argv[1])
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(root):
    """Paths relative to `root`, with slashes, sorted. Build directories are left out."""
    found = []
    for where, directories, names in os.walk(root):
        top = where == root
        directories[:] = sorted(
            d for d in directories if d not in LEFT_OUT and not (top and d.startswith("build"))
        )
        found += [os.path.relpath(os.path.join(where, name), root) for name in names]
    return sorted(found)


def sources(root, suffixes=(".cpp", ".hpp")):
    return [path for path in files(root) if path.endswith(suffixes)]


def text_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def lines_of_text(root, path):
    """Numbered lines of a text file; none for a binary file."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return []
    return list(enumerate(data.decode("utf-8", errors="replace").split("\n"), start=1))
