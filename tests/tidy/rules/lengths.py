"""Files under 400 lines, functions under 70, as a ratchet: tests/tidy/ratchet.txt lists what was
longer when it was written down, and each entry may only shrink."""

import re

import ratchet
from tree import code_only, line_of

NAME = "lengths"
WHY = "one idea a file, one step a function"
FILE_LINES, FUNCTION_LINES = 400, 70
RATCHET = "tests/tidy/ratchet.txt"

_SPACE = re.compile(r"^\s*(?:inline\s+)?(?:namespace|extern|class|struct|union|enum|export)\b")
_CONTROL = re.compile(r"^\s*(?:else\s+)?(?:if|for|while|switch|catch|do|else|try)\b")
_NAME = re.compile(r"((?:~?\w+(?:<[^<>]*>)?\s*::\s*)*(?:operator\s*[^\s\w(]+|~?\w+))\s*\(")
_MACRO = re.compile(r"^\s*([A-Z_]+)\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)\s*$")


def _without_template(head):
    """The declaration behind `template <...>`; a `>` in parentheses closes nothing."""
    opening = re.match(r"\s*template\s*<", head)
    if not opening:
        return head
    angles, round_ones = 1, 0
    for position in range(opening.end(), len(head)):
        letter = head[position]
        round_ones += (letter == "(") - (letter == ")")
        angles += 0 if round_ones else (letter == "<") - (letter == ">")
        if angles == 0:
            return _without_template(head[position + 1:])
    return head


def _function_name(head):
    """The name when what stands before a brace opens a function body."""
    head = re.sub(r"^\s*(?:#[^\n]*\n\s*)+", "", head)
    head = re.sub(r"^\s*(?:public|private|protected)\s*:", "", head)
    head = _without_template(head)
    head = re.sub(r"\[\[.*?\]\]", "", head)
    if "(" not in head or _SPACE.match(head) or _CONTROL.match(head):
        return None
    test = _MACRO.match(head)
    if test:
        return f"{test[2]}.{test[3]}"
    before = head.split("(")[0]
    if "=" in before and "operator" not in before:
        return None
    match = _NAME.search(head)
    return re.sub(r"\s", "", match[1]) if match else None


def functions(text):
    """(name, first line, lines) of each outermost function body; lambdas count to their owner."""
    code = code_only(text)
    start, position, found = 0, 0, []
    while True:
        match = re.compile(r"[{};]").search(code, position)
        if not match:
            return found
        position = match.end()
        if match[0] != "{":
            start = position
            continue
        head = code[start:match.start()]
        name = _function_name(head)
        if name is None and not _SPACE.match(re.sub(r"^\s*(?:#[^\n]*\n\s*)+", "", head)) \
                and "namespace" not in head and not re.search(r"\b(class|struct|enum|union)\b", head):
            # An initialiser: skip to its end, its braces open nothing.
            position = _closing(code, match.start())
            continue
        if name is None:
            start = position
            continue
        end = _closing(code, match.start())
        # A member initialised with braces precedes the body: `X() : a_{1} {`.
        rest = re.compile(r"\s*(?:,\s*\w+\s*[({]|\{)").match(code, end)
        if rest and re.search(r"\)[^()]*:\s*[^:]", head + " "):
            position = rest.end() - 1
            continue
        first = line_of(code, start + len(head) - len(head.lstrip()))
        found.append((name, first, line_of(code, end) - first + 1))
        start = position = end


def _closing(code, opening):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, opening):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return len(code)


def measured(tree):
    """Lines by ratchet key: `path` for a file, `path:function` for a function."""
    result = {}
    for path, text in tree.sources():
        result[path] = (text.count("\n"), FILE_LINES, 1)
        for name, line, lines in functions(text):
            key = f"{path}:{name}"
            if lines > result.get(key, (0, 0, 0))[0]:
                result[key] = (lines, FUNCTION_LINES, line)
    return result


def check(tree):
    yield from ratchet.check(tree, RATCHET, "path[:function]", measured(tree), "lines")


def _body(lines):
    return "    work();\n" * lines


BAD = [
    {"server/x.cpp": "int a;\n" * 401},
    {"server/x.cpp": "void f(int a) {\n" + _body(69) + "}\n"},
    {"server/x.cpp": "namespace a::b {\nX::X(int a) : a_{a}, b_(2) {\n" + _body(69) + "}\n}\n"},
    {"server/x.hpp": "class X final : public Y {\n  public:\n    [[nodiscard]] int f() const noexcept"
                     " override {\n" + _body(69) + "    }\n};\n"},
    {"server/x.cpp": "template <class T, std::enable_if_t<(a > b)>* = nullptr>\nauto f(T t) -> int {\n"
                     + _body(69) + "}\n"},
    {"tests/unit/x_test.cpp": "const A a[] = {{1, 2}, {3}};\nTEST(Pool, refuses) {\n" + _body(69)
                              + "}\n"},
    {"server/x.cpp": "void f() {}\n", RATCHET: "server/x.cpp 500\n"},
    {"server/x.cpp": "int a;\n" * 450, RATCHET: "server/x.cpp 460\n"},
    {"server/x.cpp": "int a;\n" * 450, RATCHET: "server/x.cpp 449\n"},
    {"server/x.cpp": "", RATCHET: "server/gone.cpp 449\n"},
    {"server/x.cpp": "", RATCHET: "server/x.cpp many\n"},
]
GOOD = [
    {"server/x.cpp": "int a;\n" * 400},
    {"server/x.cpp": "void f(int a) {\n" + _body(68) + "}\n"},
    {"server/x.cpp": "int a;\n" * 450, RATCHET: "# why\nserver/x.cpp 450 one table\n"},
    {"server/x.cpp": "constexpr auto table = make({\n" + "    {1, 2},\n" * 90 + "});\n"
                     "constexpr Row rows[] = {\n" + "    {f(1), 2},\n" * 90 + "};\n"},
    {"server/x.cpp": "namespace {\n" + "void f() {\n    g();\n}\n" * 60 + "}  // namespace\n"},
    {"server/x.cpp": "// { an open brace in a comment\nchar c = '{'; auto n = 1'000'000;\n"
                     + "void f() {\n    g(\"{\");\n}\n" * 60},
]
