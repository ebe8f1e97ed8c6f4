"""Every source on disk is built: named in the CMakeLists.txt of its folder or of one above."""

import posixpath
import re

from tree import Finding

NAME = "listed"
WHY = "a source that nobody builds rots, and a test that nobody builds passes"

_COMMENT = re.compile(r"#[^\n]*")


def _lists(tree):
    for path, text in tree.texts.items():
        if posixpath.basename(path) == "CMakeLists.txt":
            tokens = re.split(r'[\s()"]+', _COMMENT.sub("", text))
            folder = posixpath.dirname(path)
            yield folder, {posixpath.normpath(posixpath.join(folder, token)) for token in tokens
                           if token and "$" not in token}


def check(tree):
    lists = dict(_lists(tree))
    for path, _ in tree.sources():
        if not path.endswith(".cpp"):
            continue
        folder, named = posixpath.dirname(path), False
        while not named:
            tokens = lists.get(folder, ())
            # A function of ours may add the ending: `sluice_fuzz(startup_fuzz ...)`.
            named = path in tokens or path.removesuffix(".cpp") in tokens
            if not folder:
                break
            folder = posixpath.dirname(folder)
        if not named:
            yield Finding(f"{path}: no CMakeLists.txt lists it")


BAD = [
    {"server/CMakeLists.txt": "add_library(a STATIC\n    app.cpp\n)\n", "server/app.cpp": "",
     "server/net/app.cpp": ""},
    {"server/CMakeLists.txt": "# app.cpp\n", "server/app.cpp": ""},
    {"server/app.cpp": ""},
    {"server/CMakeLists.txt": "add_library(a ${X}/app.cpp)\n", "server/app.cpp": ""},
]
GOOD = [
    {"server/CMakeLists.txt": "add_library(a STATIC\n    app.cpp net/app.cpp)\n",
     "server/app.cpp": "", "server/net/app.cpp": ""},
    {"tests/fuzz/CMakeLists.txt": "sluice_fuzz(startup_fuzz)\n", "tests/fuzz/startup_fuzz.cpp": ""},
    {"server/CMakeLists.txt": "", "server/net/CMakeLists.txt": "add_library(a \"x.cpp\")",
     "server/net/x.cpp": ""},
]
