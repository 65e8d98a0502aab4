"""What every file must have: a place in a meson.build, an opening comment (a .cpp with a header of
its own: in that header), #pragma once, clean ends of lines; and what no source may have: macros of its own.

Usage: layout.py [repository]
"""

import os
import re

import includes
import tree

TEXT = (".cpp", ".hpp", ".py", ".sh", ".md", ".build", ".txt", ".js", ".css", ".html", ".json", ".toml")
LITERAL = re.compile(r"'([^'\n]+)'")
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)")
# Configuration of others' headers, which is done by macros.
FOREIGN = ("DOCTEST_", "BOOST_", "NLOHMANN_", "JSON_", "_LINUX_TCP_H", "_GNU_SOURCE")


def listed_sources(root, paths):
    """Every path that some meson.build names, relative to the root; with and without .cpp."""
    listed = set()
    for path in paths:
        if os.path.basename(path) != "meson.build":
            continue
        folder = os.path.dirname(path)
        for literal in LITERAL.findall(tree.text_of(root, path)):
            listed.add(os.path.normpath(os.path.join(folder, literal)))
    return listed


def check_listed(root, paths, findings):
    listed = listed_sources(root, paths)
    used = {
        target
        for path in paths
        if path.endswith((".cpp", ".hpp"))
        for _, quoted, target in includes.includes_of(tree.text_of(root, path))
        if quoted
    }
    for path in paths:
        if path.endswith(".cpp") and not {path, path[: -len(".cpp")]} & listed:
            findings.add(path, 1, "in no meson.build: nobody compiles it")
        if path.endswith(".hpp") and path not in used:
            findings.add(path, 1, "nobody includes it")


def check_source(root, path, findings):
    lines = tree.lines_of_text(root, path)
    described = path.endswith(".cpp") and os.path.exists(os.path.join(root, path[:-4] + ".hpp"))
    if not described and not lines[0][1].startswith("// "):
        findings.add(path, 1, "opens without a comment: what is it for, what does it leave out")
    if path.endswith(".hpp") and all(text != "#pragma once" for _, text in lines):
        findings.add(path, 1, "#pragma once is missing")
    for number, text in lines:
        define = DEFINE.match(text)
        if define and not define.group(1).startswith(FOREIGN):
            findings.add(path, number, f"a macro of our own: {define.group(1)}")


def check_text(root, path, findings):
    lines = tree.lines_of_text(root, path)
    for number, text in lines:
        if text != text.rstrip():
            findings.add(path, number, "blanks at the end of the line")
        if "\t" in text:
            findings.add(path, number, "a tab: spaces")
    if lines and lines[-1][1] != "":
        findings.add(path, len(lines), "no newline at the end of the file")
    if len(lines) > 2 and lines[-2][1] == "":
        findings.add(path, len(lines), "empty lines at the end of the file")


def main():
    root = tree.root_from_arguments()
    findings = tree.Findings("layout")
    paths = tree.files(root)
    check_listed(root, paths, findings)
    for path in paths:
        if path.endswith((".cpp", ".hpp")):
            check_source(root, path, findings)
        if path.endswith(TEXT):
            check_text(root, path, findings)
    findings.finish(len(paths))


if __name__ == "__main__":
    main()
