"""known.txt: the scripts that differ today, in what, and why."""

import collections
import fnmatch
import re

Entry = collections.namedtuple("Entry", "differences reason")
_NAME = re.compile(r"(\w+)\((.*)\)$", re.DOTALL)


def label(word):
    """A message of a transcript, short: its name, and what of it tells one from another."""
    named = _NAME.match(word)
    if not named:
        return word
    name, inside = named.groups()
    if name in ("ErrorResponse", "NoticeResponse"):
        code = re.search(r"\bC='(\w+)'", inside)
        return f"{name} {code[1] if code else '?'}"
    if name == "ReadyForQuery":
        return f"{name} {inside}"
    if name == "ParameterStatus":
        return f"{name} {inside.split(',')[0].strip(repr(''))}"
    if name == "CommandComplete":
        return f"{name} {re.sub(r'[^A-Z ]', '', inside).strip()}"
    return name


def label_of(difference):
    """A player.Difference: what PostgreSQL said first that Sluice did not, and what came instead."""
    said, came = (label(side[difference.position]) if difference.position < len(side) else "nothing"
                  for side in (difference.expected, difference.got))
    # What others see of a script is another matter than what its own clients see.
    whose = "" if len(difference.client) == 1 else \
        "disturber: " if difference.client.startswith("a disturber") else f"{difference.client}: "
    return f"{whose}{said} -> {came}"


class Known:
    """The entries: by the name of a script, or a pattern with `*` for a family of them."""

    def __init__(self, text):
        self.lines = {}
        for line in text.splitlines():
            if line.strip() and not line.startswith("#"):
                pattern, differences, reason = (part.strip() for part in line.split("|"))
                assert pattern not in self.lines and differences and reason, f"known.txt: {line}"
                self.lines[pattern] = Entry(frozenset(differences.split(", ")), reason)

    def entries(self, name):
        return [pattern for pattern in self.lines if fnmatch.fnmatchcase(name, pattern)]

    def allows(self, name, difference):
        """Whether this very difference is known of this script."""
        return any(label_of(difference) in self.lines[entry].differences
                   for entry in self.entries(name))

    def pinned(self):
        """A feature keeps its backend as long as its script in the theme `pins` is known."""
        return frozenset(pattern.removeprefix("pins.") for pattern in self.lines
                         if pattern.startswith("pins."))

    def unused(self, verdicts):
        """Entries of which scripts were played and none differs any more."""
        differing = {entry for one in verdicts if one.verdict == "known"
                     for entry in self.entries(one.name)}
        played = {entry for one in verdicts for entry in self.entries(one.name)}
        return sorted(entry for entry in played - differing
                      if not self.lines[entry].reason.startswith("sometimes: "))
