"""Makes one C++ source of the JSON Schemas: embed.py OUTPUT SCHEMA.json…"""

import json
import pathlib
import sys

# A literal of more bytes than this is beyond what the standard asks compilers to take.
PIECE = 16000


def literals(text):
    """The text as raw string literals in a row, which the compiler joins."""
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    return "\n".join(f'R"~~~({piece})~~~"' for piece in pieces)


def main():
    files = sorted(map(pathlib.Path, sys.argv[2:]), key=lambda path: path.stem)
    out = ['// Made from web/schemas by embed.py.', '#include "web/schemas.hpp"', ""]
    out += ["#include <array>", "", "namespace finwait::web {", "", "namespace {", ""]
    out += [f"constexpr std::array<schema_file, {len(files)}> files{{{{"]
    for path in files:
        text = path.read_text("utf-8")
        json.loads(text)
        out += [f'{{"{path.stem}",', literals(text) + "},"]
    out += ["}};", "", "} // namespace", "", "std::span<const schema_file> schemas()", "{"]
    out += ["    return files;", "}", "", "} // namespace finwait::web", ""]
    pathlib.Path(sys.argv[1]).write_text("\n".join(out), "utf-8")


main()
