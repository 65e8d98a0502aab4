"""A small C++ tokenizer: enough to see the shape of statements. No preprocessor: directives are
left out, macros stay what they look like."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?\)(?P=delimiter)")
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*")
  | (?P<number>\.?\d(?:[eEpP][+-]|'[0-9a-zA-Z_]|[0-9a-zA-Z_.])*)
  | (?P<character>(?:u8|[uUL])?'(?:[^'\\\n]|\\.)+')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<punctuation><=>|->\*|<<=|>>=|\.\.\.|::|->|&&|\|\||==|!=|<=|>=|\+\+|--|\+=|-=|\*=|/=|%=|&=
      |\|=|\^=|\#\#|<<|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE | re.DOTALL)
_OPENING = {")": "(", "]": "[", "}": "{"}


@dataclass
class Token:
    text: str  # literals are reduced to "" and '' so that nothing in them looks like code
    line: int
    kind: str
    partner: int = -1  # index of the matching bracket
    parent: int = -1  # index of the innermost bracket that is open here


def tokens_of(source):
    """The tokens of a C++ source with their matching brackets. Raises ValueError when brackets do
    not match. `>>` comes as two tokens, since it mostly closes two template lists."""
    tokens = []
    open_brackets = []
    line = 1
    position = 0
    while position < len(source):
        directive = None
        if source[position] in " \t#" and (position == 0 or source[position - 1] == "\n"):
            directive = _DIRECTIVE.match(source, position)
        match = directive or _TOKEN.match(source, position)
        text = match.group()
        kind = "directive" if directive else match.lastgroup
        if kind == "delimiter":
            kind = "raw"
        if kind not in ("space", "comment", "directive"):
            literal = {"raw": '""', "string": '""', "character": "''"}.get(kind)
            _append(tokens, open_brackets, Token(literal or text, line, kind))
        line += text.count("\n")
        position = match.end()
    if open_brackets:
        raise ValueError(f"line {tokens[open_brackets[-1]].line}: bracket never closed")
    return tokens


def _append(tokens, open_brackets, token):
    index = len(tokens)
    if token.text in _OPENING:
        if not open_brackets or tokens[open_brackets[-1]].text != _OPENING[token.text]:
            raise ValueError(f"line {token.line}: '{token.text}' closes nothing")
        token.partner = open_brackets.pop()
        tokens[token.partner].partner = index
    token.parent = open_brackets[-1] if open_brackets else -1
    if token.text in ("(", "[", "{") and token.kind == "punctuation":
        open_brackets.append(index)
    tokens.append(token)
