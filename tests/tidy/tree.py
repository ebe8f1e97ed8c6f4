"""The tree as the rules see it: paths from the root, and texts."""

import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = ("protocol", "pool", "config", "server", "tests", "bench")
PROGRAM = ("protocol", "pool", "config", "server")


class Finding(str):
    """One line for a reader: path, line, what is wrong and what to do."""


class Tree:
    """Files by path. `texts` leaves out what is not UTF-8 text."""

    def __init__(self, files, sizes=None):
        self.texts = files
        self.sizes = sizes or {path: len(text) for path, text in files.items()}

    def sources(self, *folders):
        """C++ files in the given top folders (all layers when none is given)."""
        for path, text in sorted(self.texts.items()):
            top = path.split("/")[0]
            if path.endswith((".hpp", ".cpp")) and top in (folders or LAYERS):
                yield path, text


def paths_on_disk():
    """What git tracks or would track; without git, everything but build folders."""
    if os.path.exists(os.path.join(ROOT, ".git")):
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE, check=False)
        if listed.returncode == 0:
            return [path for path in listed.stdout.decode().split("\0") if path]
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders
                      if name not in (".git", "build", "node_modules", "__pycache__", ".cache")]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return found


def read_tree():
    texts, sizes = {}, {}
    for path in paths_on_disk():
        full = os.path.join(ROOT, path)
        if os.path.islink(full) or not os.path.isfile(full):
            continue
        sizes[path] = os.path.getsize(full)
        if path.startswith("tests/fuzz/corpus/") or sizes[path] > 4 * 1024 * 1024:
            continue
        try:
            with open(full, encoding="utf-8", newline="") as file:
                text = file.read()
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            texts[path] = text
    return Tree(texts, sizes)


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|(?<![0-9A-Fa-f])\'(?:[^\'\\\n]|\\.)+\'',
    re.DOTALL)


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code_only(text):
    """C++ with comments, strings and characters blanked out; lines and columns stay."""
    return _TOKEN.sub(_blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
