"""Documents point to what exists."""

import posixpath
import re

from tree import Finding, line_of

NAME = "links"
WHY = "a reader who meets one dead link trusts none"

_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)\s]*)?\)")


def check(tree):
    folders = {""}
    for path in tree.sizes:
        while path:
            path = posixpath.dirname(path)
            folders.add(path)
    for path, text in sorted(tree.texts.items()):
        if not path.endswith(".md"):
            continue
        for match in _LINK.finditer(text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1]))
            if target not in tree.sizes and target not in folders:
                yield Finding(f"{path}:{line_of(text, match.start())}: {match[1]} does not exist")


BAD = [{"README.md": "See [it](docs/it.md).\n"}, {"docs/a.md": "[x](README.md)\n", "README.md": ""},
       {"README.md": "[x](docs/it.md#part)\n"}]
GOOD = [{"docs/a.md": "[x](../README.md) [y](b.md#c) [z](#here) [w](https://example.org/a)\n",
         "README.md": "[docs](docs)\n", "docs/b.md": ""}]
