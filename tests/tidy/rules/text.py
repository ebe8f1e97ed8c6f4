"""What holds for every text file: notes, white space, private paths; and #pragma once."""

import re

from tree import Finding, line_of

NAME = "text"
WHY = "a file is read by strangers"

_TODO = re.compile(r"\bTODO\b(?!\((?:perf|security|cleanup|someday)\): \S)")
_FIXME = re.compile(r"\b(?:FIXME|XXX)\b")
# Folders of a developer's machine. A path like /home/ in prose has no place here either.
_PRIVATE = re.compile(r"(?<![\w.})*-])/(?:work|root|farm|home|Users)/\w|/tmp/(?:brief|build-)")
_SOURCE = (".cpp", ".hpp", ".py", ".cmake", "CMakeLists.txt", ".sh", ".toml", ".js", ".mjs")
_SPACES = re.compile(r"[ \t]+$", re.MULTILINE)
# Compared byte by byte with what a program prints (as the .txt files of tests/ are), or quoted
# whole from elsewhere.
_AS_IT_IS = ("tests/golden/", "LICENSE")
_RULES = "tests/tidy/rules/"


def _findings(path, text, pattern, fault):
    for match in pattern.finditer(text):
        yield Finding(f"{path}:{line_of(text, match.start())}: {fault}")


def check(tree):
    for path, text in sorted(tree.texts.items()):
        if not path.startswith(_RULES):
            if path.endswith(_SOURCE) or text.startswith("#!"):
                yield from _findings(path, text, _TODO,
                                     "write TODO(perf|security|cleanup|someday): what")
                yield from _findings(path, text, _FIXME, "mend it before it reaches main")
            yield from _findings(path, text, _PRIVATE, "a path of somebody's machine")
        as_it_is = path.startswith(_AS_IT_IS) or (path.startswith("tests/") and
                                                  path.endswith(".txt"))
        if not as_it_is:
            yield from _findings(path, text, _SPACES, "white space at the end of the line")
            if "\r" in text:
                yield Finding(f"{path}: lines end with a line feed alone")
            if text and not text.endswith("\n"):
                yield Finding(f"{path}: the last line has no end")
        if path.endswith(".hpp"):
            code = re.sub(r"\A(?:\s*//[^\n]*\n|\s*/\*.*?\*/)*\s*", "", text, flags=re.DOTALL)
            if not code.startswith("#pragma once\n"):
                yield Finding(f"{path}:1: begins with #pragma once")


BAD = [
    {"server/x.cpp": "// TODO: later\n"}, {"server/x.cpp": "// TODO(someone): later\n"},
    {"server/x.cpp": "// TODO(perf)\n"}, {"scripts/x": "#!/bin/sh\n# FIXME\n"},
    {"docs/x.md": "See /home/someone/sluice.\n"}, {"x.md": "cd /" "work/tree\n"},
    {"server/x.cpp": "int a; \n"}, {"server/x.cpp": "int a;\t\n"}, {"server/x.cpp": "int a;\r\n"},
    {"docs/x.txt": "padded \n"}, {"server/x.cpp": "int a;"}, {"server/x.hpp": "int a;\n"},
    {"server/x.hpp": "#ifndef X\n#define X\n#endif\n"},
]
GOOD = [
    {"server/x.cpp": "// TODO(perf): spare the copy.\n"}, {"server/x.cpp": ""},
    {"server/x.hpp": "// Why.\n\n#pragma once\n\nint a;\n"}, {"x.md": "frame/" "work/x and https://a/home/b\n"},
    {"tests/golden/x.txt": "padded   \n"}, {"tests/unit/talk.txt": "an empty answer: \n"},
]
