"""Refuses the coroutine forms that g++ 12 miscompiles without a word, at -O0 as at -O2.

GCC PR99576, PR100611, PR101367, PR101976, PR103871, PR106188, PR106713; fixed in GCC 13. The rule is
stricter than the defects, so that a script can check it. `co_await` stands only as

    co_await f(x);                        a whole statement, also (void)co_await f(x);
    auto r = co_await f(x);               the whole initialiser of a named local,
    auto [ec, n] = co_await f(x);         also a structured binding,
    steady_timer timer(co_await executor);  also in parentheses,
    if (auto r = co_await f(x); r)        also in the first part of an if
    r = co_await f(x);                    the right side of =
    co_return co_await f(x);
    for (auto& x : co_await f())          the range of a for

and with no lambda, no braces and no ?: anywhere in the same full expression. Besides: no co_spawn
with `detached` (an exception would be lost), no coroutine lambda that captures by value (its frame
keeps a pointer to a lambda that may be gone), no string_view parameter of a coroutine (it dangles
after the first suspension).

This file may go when g++ 13 is the lowest compiler. Usage: coroutines.py [repository]
"""

import tree
from cpp_tokens import tokens_of

ASSIGNMENTS = {"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="}
BINARY = ASSIGNMENTS | set("?+-*/%|^&=") | {"&&", "||", "==", "!=", "<=", ">=", "<=>", "<<"}
HEADS = {"if", "while", "switch", "for"}
NO_TYPE = {"return", "co_return", "co_await", "co_yield", "throw", "new", "delete", "else", "do", "case"}


def check(source):
    """What is wrong in a C++ source: (line, message), in order of the lines."""
    tokens = tokens_of(source)
    found = []
    for index, token in enumerate(tokens):
        if token.text == "co_await":
            found += [(token.line, m) for m in _check_await(tokens, index)]
        elif token.text == "co_spawn":
            found += _check_spawn(tokens, index)
        elif token.text == "awaitable":
            found += _check_coroutine_type(tokens, index)
    return sorted(set(found))


# One co_await ------------------------------------------------------------------------------------


def _check_await(tokens, index):
    parent = tokens[index].parent
    bracket = tokens[parent].text if parent >= 0 else "{"
    end, trouble = _operand_end(tokens, index)
    if bracket == "(":
        first, message = _check_in_parentheses(tokens, index, parent, end)
    elif bracket == "[":
        first, message = parent, "co_await inside [ ]: name it first"
    else:
        first = _statement_start(tokens, index)
        message = _check_statement(tokens, first, index, end)
    messages = [m for m in (message or trouble,) if m]
    return messages + _check_temporaries(tokens, first, end)


def _operand_end(tokens, index):
    """Where the full expression ends (the index of its terminator), and what follows the operand
    that should not."""
    level = tokens[index].parent
    at = index + 1
    while at < len(tokens) and tokens[at].text in ("*", "!", "&", "-", "~"):
        at += 1  # unary operators of the operand
    trouble = None
    while at < len(tokens):
        token = tokens[at]
        if token.parent == level and token.text in ("(", "[", "{"):
            at = token.partner + 1
            continue
        if token.text in (")", "]", "}", ";"):
            return at, trouble
        if token.text == "<":
            closing = _template_list_end(tokens, at)
            if closing:
                at = closing + 1
                continue
        if token.text in BINARY or token.text in ("<", ">", ",") or token.text == ":":
            trouble = trouble or (
                f"co_await is not the whole expression ('{token.text}' follows): name it first"
            )
        at += 1
    return len(tokens) - 1, trouble


def _template_list_end(tokens, opening):
    """The index of the > that closes a template list, or None when < means less-than."""
    depth = 0
    at = opening
    while at < len(tokens):
        token = tokens[at]
        if token.text == "<":
            depth += 1
        elif token.text == ">":
            depth -= 1
            if depth == 0:
                after = tokens[at + 1].text if at + 1 < len(tokens) else ""
                return at if after in ("(", "::", "{") else None
        elif token.text in ("(", "["):
            at = token.partner
        elif token.kind not in ("word", "number") and token.text not in ("::", ",", "*", "&", "&&"):
            return None
        at += 1
    return None


def _check_in_parentheses(tokens, index, opening, end):
    """A co_await directly inside ( ). Gives where its full expression starts and what is wrong."""
    before = tokens[opening - 1].text if opening else ""
    if before == "constexpr":
        before = "if"
    first = index
    while first - 1 > opening and tokens[first - 1].text != ";":
        first = _before(tokens, first)
    if before == "if":
        fine = tokens[end].text == ";" and first == opening + 1
        return first, None if fine and _is_binding(tokens, first, index) else _in_condition("if")
    if before in ("while", "switch"):
        return first, _in_condition(before)
    if before == "for":
        if tokens[index - 1].text == ":" and tokens[end].text == ")":
            return first, None
        fine = tokens[end].text == ";" and first == opening + 1
        return first, None if fine and _is_binding(tokens, first, index) else _in_condition("for")
    statement = _outermost_statement_start(tokens, opening)
    declares = (
        index == opening + 1
        and tokens[end].partner == opening
        and end + 1 < len(tokens)
        and tokens[end + 1].text == ";"
        and _ends_with_declaration(tokens, statement, opening)
    )
    if declares:
        return statement, None
    return statement, "co_await inside parentheses (an argument, a group, a macro): name it first"


def _in_condition(keyword):
    cure = "if (auto r = co_await f(); r)" if keyword == "if" else "bind it to a name first"
    return f"co_await in the condition of '{keyword}': {cure}"


def _before(tokens, index):
    """The index of the token before, a whole bracket group counting as one."""
    index -= 1
    return tokens[index].partner if tokens[index].text in (")", "]", "}") else index


def _ends_with_declaration(tokens, first, opening):
    """Whether the tokens before the parenthesis read `type name`."""
    if opening - first < 2 or tokens[opening - 1].kind != "word":
        return False
    if tokens[opening - 1].text in NO_TYPE:
        return False
    kind_before = tokens[opening - 2]
    return (kind_before.kind == "word" and kind_before.text not in NO_TYPE) or (
        kind_before.text in (">", "&", "&&", "*")
    )


def _outermost_statement_start(tokens, index):
    """The start of the statement around an index, however deep in ( ) and [ ] it stands."""
    while tokens[index].parent >= 0 and tokens[tokens[index].parent].text != "{":
        index = tokens[index].parent
    return _statement_start(tokens, index)


def _statement_start(tokens, index):
    """The first token of the statement, after labels and the heads of if, for, while, switch."""
    first = index
    while first > 0:
        text = tokens[first - 1].text
        if text in (";", "{", "}"):
            break
        first = _before(tokens, first)
    return _after_heads(tokens, first, index)


def _after_heads(tokens, first, index):
    while first < index:
        text = tokens[first].text
        following = tokens[first + 1] if first + 1 < index else None
        if text in ("else", "do", "constexpr"):
            first += 1
        elif text in HEADS and following and following.text == "constexpr":
            first += 2
        elif text in HEADS and following and following.text == "(" and following.partner < index:
            first = following.partner + 1
        elif text == "(" and tokens[first - 1].text == "constexpr" and tokens[first].partner < index:
            first = tokens[first].partner + 1
        elif text == "[" and following and following.text == "[" and tokens[first].partner < index:
            first = tokens[first].partner + 1  # an attribute
        elif text in ("case", "default"):
            colon = next((i for i in range(first, index) if tokens[i].text == ":"), None)
            if colon is None:
                return first
            first = colon + 1
        else:
            return first
    return first


def _check_statement(tokens, first, index, end):
    if tokens[end].text != ";":
        return "co_await inside braces: await into a local, then build the value"
    if index == first or _is_binding(tokens, first, index):
        return None
    before = [t.text for t in tokens[first:index]]
    if before in (["co_return"], ["(", "void", ")"]):
        return None
    if "?" in before:
        return None  # reported with the temporaries
    return "co_await is not the whole statement or initialiser: name it first"


def _is_binding(tokens, first, index):
    """Whether the tokens before the co_await read `something =`, with one = and no other operator
    at their own level."""
    if index - 1 <= first or tokens[index - 1].text != "=" or tokens[first].text == ".":
        return False
    level = tokens[index].parent
    own = [t.text for t in tokens[first : index - 1] if t.parent == level]
    return not any(text in ("=", "||", ",", "?", "co_return") or text in ASSIGNMENTS for text in own)


# What else stands in the same full expression ------------------------------------------------------


def _check_temporaries(tokens, first, end):
    messages = []
    at = first
    while at < end:
        text = tokens[at].text
        if text == "?":
            messages.append("?: in a full expression with co_await: use if and else")
        elif text == "[" and _is_lambda(tokens, at):
            messages.append("a lambda in a full expression with co_await: name it, then std::move it")
            at = _lambda_end(tokens, at)
            continue
        elif text == "{":
            messages.append("braces in a full expression with co_await: name the value first")
            at = tokens[at].partner
        at += 1
    return list(dict.fromkeys(messages))


def _is_lambda(tokens, opening):
    """Whether this [ begins a lambda: not a subscript, an attribute or a structured binding."""
    if opening == 0:
        return True
    before = tokens[opening - 1]
    if before.text in (")", "]", '""') or tokens[opening + 1].text == "[" or before.text == "[":
        return False
    if before.kind == "word":
        return before.text in ("return", "co_return", "co_await", "co_yield", "case", "throw")
    if before.text in ("&", "&&") and tokens[opening - 2].text == "auto":
        return False
    return True


def _lambda_end(tokens, opening):
    at = tokens[opening].partner + 1
    while at < len(tokens) and tokens[at].text not in ("{", ";", ")"):
        at = tokens[at].partner + 1 if tokens[at].text in ("(", "[") else at + 1
    if at < len(tokens) and tokens[at].text == "{":
        return tokens[at].partner + 1
    return at


# co_spawn, coroutine lambdas, coroutine parameters -------------------------------------------------


def _check_spawn(tokens, index):
    if index + 1 >= len(tokens) or tokens[index + 1].text != "(":
        return []
    return [
        (t.line, "co_spawn with `detached`: give it a handler that logs or rethrows")
        for t in tokens[index + 1 : tokens[index + 1].partner]
        if t.text == "detached"
    ]


def _check_coroutine_type(tokens, index):
    """Looks at what returns awaitable<…>: a function's parameters, or a lambda's captures."""
    if index + 1 >= len(tokens) or tokens[index + 1].text != "<":
        return []
    before = index - 1
    while before > 0 and (tokens[before].kind == "word" or tokens[before].text == "::"):
        before -= 1
    if tokens[before].text == "->" and tokens[before - 1].text in (")", "mutable", "]"):
        return _check_lambda_captures(tokens, before)
    return _check_parameters(tokens, index)


def _check_lambda_captures(tokens, arrow):
    at = arrow - 1
    while tokens[at].kind == "word":
        at -= 1
    if tokens[at].text == ")":
        at = tokens[at].partner - 1
    if tokens[at].text != "]" or tokens[tokens[at].partner - 1].text == "operator":
        return []
    opening = tokens[at].partner
    captures = [[]]
    for i in range(opening + 1, at):
        if tokens[i].text == "," and tokens[i].parent == opening:
            captures.append([])
        else:
            captures[-1].append(tokens[i].text)
    by_value = [c for c in captures if c and c[0] != "&" and c != ["this"]]
    if not by_value:
        return []
    message = "a coroutine lambda that captures by value: make it a named function"
    return [(tokens[opening].line, message)]


def _check_parameters(tokens, index):
    closing = _closing_angle(tokens, index + 1)
    at = closing + 1 if closing else len(tokens)
    while at < len(tokens) and (tokens[at].kind == "word" or tokens[at].text == "::"):
        at += 1
    if at >= len(tokens) or at == closing + 1 or tokens[at].text != "(":
        return []
    return [
        (t.line, "a coroutine takes string_view: it dangles after a suspension, take std::string")
        for t in tokens[at : tokens[at].partner]
        if t.text == "string_view"
    ]


def _closing_angle(tokens, opening):
    depth = 0
    for at in range(opening, len(tokens)):
        depth += {"<": 1, ">": -1}.get(tokens[at].text, 0)
        if depth == 0:
            return at
        if tokens[at].text in (";", "{"):
            return None
    return None


def main():
    root = tree.root_from_arguments()
    findings = tree.Findings("coroutine forms")
    paths = tree.sources(root)
    for path in paths:
        try:
            for line, message in check(tree.text_of(root, path)):
                findings.add(path, line, message)
        except ValueError as error:
            findings.add(path, 1, f"cannot be read: {error}")
    findings.finish(len(paths))


if __name__ == "__main__":
    main()
