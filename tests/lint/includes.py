"""Keeps the includes pointing one way: daemon -> web -> probe, inside probe
run -> {client, subject, origin, kill, lab, kernel, judge} -> model; and each third-party library in
the one place that is meant to know it.

Usage: includes.py [repository]
"""

import os
import re

import tree

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)

# What a directory may include of the project, besides itself. The longest matching prefix counts.
PROJECT = {
    "probe/model/": [],
    "probe/kernel/": ["probe/model/"],
    "probe/judge/": ["probe/model/"],
    "probe/client/": ["probe/model/"],
    # The client as a process of its own tells its socket's cookie and inode.
    "probe/client/alone": ["probe/client/", "probe/model/", "probe/kernel/"],
    "probe/lab/": ["probe/model/", "probe/kernel/"],
    "probe/origin/": ["probe/model/", "probe/kernel/"],
    "probe/kill/": ["probe/model/", "probe/kernel/"],
    "probe/subject/": ["probe/model/", "probe/kernel/"],
    "probe/": ["probe/"],
    "web/": ["web/", "probe/"],
    "daemon/": ["daemon/", "web/", "probe/"],
    "tests/": ["tests/", "daemon/", "web/", "probe/"],
}
# Exceptions to the above: never, whatever the prefix allows.
NEVER = {"web/": ["probe/kernel/"]}

# Small pieces that any part of probe but the pure ones may use; they include nothing of the project.
COMMON = ("probe/event.hpp",)

# Third-party headers by prefix, and the only places that may include them (tests see below).
THIRD_PARTY = {
    "netlink/": ["probe/kernel/"],
    "nlohmann/": ["web/json/"],
    "CLI/": ["daemon/cli"],
    "toml++/": ["daemon/"],
    "re2/": ["probe/subject/"],
    "sqlite3.h": ["daemon/"],
    "doctest/": [],
}
TESTS_MAY = ("nlohmann/", "doctest/", "netlink/")
# Plain types and pure functions: no networking library at all.
PURE = {"probe/model/": ["boost/asio", "boost/beast"], "probe/judge/": ["boost/asio", "boost/beast"]}
# Too wide for a header: seconds of compile time for each source that includes it.
# Not meant: what only the sources beside it include.
TOO_WIDE = ("boost/asio.hpp", "boost/beast.hpp", "nlohmann/json.hpp")


def includes_of(text):
    """(line, quoted, path) of every include."""
    return [
        (text.count("\n", 0, match.start(2)) + 1, match.group(1) == '"', match.group(2))
        for match in INCLUDE.finditer(text)
    ]


def check(path, text, exists):
    """What is wrong with the includes of one file: (line, message). `exists` tells whether a
    project path is there."""
    includes = includes_of(text)
    found = []
    for line, quoted, target in includes:
        if quoted:
            found += [(line, m) for m in _check_project(path, target, exists)]
        else:
            found += [(line, m) for m in _check_third_party(path, target, exists)]
    found += _check_own_first(path, includes, exists)
    names = {target for _, _, target in includes}
    if "linux/tcp.h" in names and (
        "netinet/tcp.h" in names or any(n.startswith("netlink/") for n in names)
    ):
        found.append((1, "linux/tcp.h clashes with netinet/tcp.h, which libnl pulls in: two sources"))
    return sorted(found)


def _longest(table, path):
    return max((p for p in table if path.startswith(p)), key=len, default=None)


def _check_project(path, target, exists):
    if not exists(target):
        return [f'"{target}" is not in the project: full path from its root, <> for others']
    if path in COMMON:
        return [f'{path} serves all of probe: it may not include "{target}"']
    layer = _longest(PROJECT, path)
    if layer is None or (target in COMMON and layer not in PURE):
        return []
    allowed = [layer, *PROJECT[layer]] if layer != "probe/" else PROJECT[layer]
    if not target.startswith(tuple(allowed)):
        return [f'{layer} may not include "{target}"']
    if target.startswith(tuple(NEVER.get(layer, []))):
        return [f'{layer} may not include "{target}"']
    return []


def _check_third_party(path, target, exists):
    messages = []
    if exists(target):
        messages.append(f"<{target}> is of the project: quotes")
    library = _longest(THIRD_PARTY, target)
    if library and not path.startswith(tuple(THIRD_PARTY[library])):
        if not (path.startswith("tests/") and library in TESTS_MAY):
            where = " and ".join(THIRD_PARTY[library]) or "tests/"
            messages.append(f"<{target}> only in {where}")
    pure = _longest(PURE, path)
    if pure and target.startswith(tuple(PURE[pure])):
        messages.append(f"{pure} knows no networking library: <{target}>")
    inner = path.startswith(("tests/", "web/json/")) and path != "web/json/json.hpp"
    if path.endswith(".hpp") and target in TOO_WIDE and not inner:
        messages.append(f"<{target}> is too wide for a header: the narrow one, or the .cpp")
    if target == "asio.hpp" or target.startswith("asio/"):
        messages.append(f"<{target}> is another Asio: <boost/{target}>")
    return messages


def _check_own_first(path, includes, exists):
    own = os.path.splitext(path)[0] + ".hpp"
    if not path.endswith(".cpp") or not exists(own) or not includes:
        return []
    if includes[0][2] == own or own not in [target for _, _, target in includes]:
        return []
    return [(includes[0][0], f'own header first: "{own}"')]


def main():
    root = tree.root_from_arguments()
    findings = tree.Findings("includes")
    paths = tree.sources(root)
    known = set(tree.files(root))
    for path in paths:
        for line, message in check(path, tree.text_of(root, path), known.__contains__):
            findings.add(path, line, message)
    findings.finish(len(paths))


if __name__ == "__main__":
    main()
