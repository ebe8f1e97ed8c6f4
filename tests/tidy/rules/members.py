"""Classes of under a dozen data members, as a ratchet: tests/tidy/members.txt lists what had more
when it was written down. Counted is what ends in an underscore: records of plain values are tables,
and may be long."""

import re

import ratchet
from tree import code_only, line_of

NAME = "members"
WHY = "a class with a dozen members has more than one purpose"
MEMBERS = 11
RATCHET = "tests/tidy/members.txt"

_CLASS = re.compile(r"\b(?:class|struct)\s+(?:\[\[[^\]]*\]\]\s*)?(\w+)(?:\s+final)?"
                    r"\s*(?::(?!:)[^;{]*)?\{")
_OTHER = re.compile(r"\s*(?:class|struct|enum|union|using|friend|static|typedef|template)\b")
_ACCESS = re.compile(r"^\s*(?:public|private|protected)\s*:(?!:)")
_MEMBER = re.compile(r"\b[a-z]\w*_\s*(?:\[[^\]]*\])*\s*(?::\s*\d+)?\s*$")


def _is_member(declaration):
    while _ACCESS.match(declaration):
        declaration = _ACCESS.sub("", declaration, count=1)
    # What it is initialised with comes behind its name.
    return not _OTHER.match(declaration) and bool(_MEMBER.search(re.split(r"[={]", declaration)[0]))


def _member_count(code, opening):
    """Of the class whose body begins with that brace; not of those inside of it."""
    depth, parentheses, count, start = 0, 0, 0, opening + 1
    for match in re.compile(r"[{};()]").finditer(code, opening):
        letter, end = match[0], match.end()
        parentheses += (letter == "(") - (letter == ")")
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            break
        if depth == 1 and letter == "}" and not re.compile(r"\s*[;,]").match(code, end):
            start = end  # The body of a function; behind an initialiser a semicolon stands.
        if depth == 1 and letter == ";" and parentheses == 0:
            count += _is_member(code[start:match.start()])
            start = end
    return count


def check(tree):
    sizes = {}
    for path, text in tree.sources():
        code = code_only(text)
        for match in _CLASS.finditer(code):
            count = _member_count(code, match.end() - 1)
            key = f"{path}:{match[1]}"
            if count > sizes.get(key, (0,))[0]:
                sizes[key] = (count, MEMBERS, line_of(code, match.start()))
    yield from ratchet.check(tree, RATCHET, "path:class", sizes, "members")


def _class(count, more=""):
    return ("class X final : public Y {\n  public:\n    X(int a) : a_(a) {}\n" + more + "\n  private:\n"
            + "".join(f"    int a{number}_;\n" for number in range(count)) + "};\n")


BAD = [
    {"server/x.hpp": _class(12)},
    {"server/x.hpp": "struct X {\n" + "    std::array<int, 3> a_{};\n    B b_ = B::c;\n" * 6 + "};\n"},
    {"server/x.hpp": _class(11, "    void f() { g(); }\n    std::function<void(int)> done_;")},
    {"server/x.hpp": _class(11, "    char text_[3][4] = {};")},
    {"server/x.hpp": _class(11, "    unsigned part_ : 3;")},
    {"server/x.hpp": "class X {\n" + _class(12) + "};\n"},
    {"server/x.hpp": _class(12), RATCHET: "server/x.hpp:X 13\n"},
    {"server/x.hpp": _class(13), RATCHET: "server/x.hpp:X 12\n"},
    {"server/x.hpp": _class(11), RATCHET: "server/x.hpp:X 12\n"},
    {"server/x.hpp": "", RATCHET: "server/x.hpp:X 12\n"},
    {"server/x.hpp": "", RATCHET: "server/x.hpp:X\n"},
]
GOOD = [
    {"server/x.hpp": _class(11)},
    {"server/x.hpp": _class(12), RATCHET: "# why\nserver/x.hpp:X 12 a reason\n"},
    {"server/x.hpp": _class(11, "    static constexpr int a_ = 1;\n    friend class b_;")},
    {"server/x.hpp": _class(11, "    void f() {\n        b_ = 1;\n        c_ = 2;\n    }")},
    {"server/x.hpp": _class(11, "    struct Y {\n        int b_;\n        int c_;\n    };")},
    {"server/x.hpp": "struct X {\n" + "    int a;\n" * 30 + "};\n"},
    {"server/x.hpp": "class X;\n" + "int a_;\n" * 12},
]
