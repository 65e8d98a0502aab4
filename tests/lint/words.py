"""What no file of the project may say: paths of one machine, hosts of package registries, the way
it was made, a T-O-D-O without a reference. And CHANGELOG.md always has its Unreleased section.

The patterns are written so that they do not match themselves. Usage: words.py [repository]
"""

import re

import tree

FORBIDDEN = [
    (r"/w[o]rk/", "a path of one machine"),
    (r"(^|[^a-zA-Z_])shar[e]d/", "a path outside the project"),
    (r"[.]libr[a]ry\b", "a path outside the project"),
    (r"(^|[/.@])(de[b]|regist[r]y|securi[t]y|ftp)\.[a-z]+\.(org|com)\b", "a host of a package registry"),
    (r"\b(py[p]i\.org|crat[e]s\.io|npmj[s]\.(org|com)|rubyg[e]ms\.org)\b", "a host of a package registry"),
    (r"(?i)\b(coding ag[e]nt|language m[o]del|this s[e]ssion)\b", "how it was made is no matter here"),
    (r"\b(TOD[O]|FIXM[E]|XX[X])\b(?!\([\w-]+\))", "a TOD" + "O names its reference: (adr-004)"),
]


def check(text):
    """(line, message) for every forbidden word."""
    return [
        (number, f"{message}: {line.strip()[:80]}")
        for number, line in enumerate(text.split("\n"), start=1)
        for pattern, message in FORBIDDEN
        if re.search(pattern, line)
    ]


def check_changelog(text):
    """The first section of a changelog is Unreleased, and every entry has its kind."""
    found = []
    lines = list(enumerate(text.split("\n"), start=1))
    sections = [(number, line) for number, line in lines if line.startswith("## ")]
    if not sections or sections[0][1] != "## Unreleased":
        found.append((1, "the first section is '## Unreleased'"))
    for number, line in lines:
        if line.startswith("* ") and not re.match(r"\* \[(CHANGE|FEATURE|ENHANCEMENT|BUGFIX)\] ", line):
            found.append((number, "an entry begins with [CHANGE], [FEATURE], [ENHANCEMENT] or [BUGFIX]"))
    return found


def main():
    root = tree.root_from_arguments()
    findings = tree.Findings("words")
    paths = tree.files(root)
    for path in paths:
        text = "\n".join(line for _, line in tree.lines_of_text(root, path))
        found = check(text)
        if path == "CHANGELOG.md":
            found += check_changelog(text)
        for line, message in found:
            findings.add(path, line, message)
    if "CHANGELOG.md" not in paths:
        findings.add("CHANGELOG.md", 1, "is missing")
    findings.finish(len(paths))


if __name__ == "__main__":
    main()
