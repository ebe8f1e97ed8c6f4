"""What clients do, as data: a script is a list of steps, a step is what one client does at once.

    script = theme(__name__)
    script("set_is_undone_by_rollback",
           a("BEGIN"), a("SET work_mem = '9MB'", "ROLLBACK"), a("SHOW work_mem"))

Text stands for a simple Query; frames are those of pgwire. What a step holds leaves in one write.
Behind each step the player waits until PostgreSQL has done all it can do, so that scripts need no
points of waiting, but for what another client causes: `b.hears(1)`.
"""

import dataclasses
import importlib
import pathlib

from pgwire import Describe, Execute, Bind, Parse, Query

SCRIPTS = []
THEMES = pathlib.Path(__file__).resolve().parent / "themes"


@dataclasses.dataclass(frozen=True)
class Step:
    client: str
    act: str  # "send", "login", "hears", "leaves" or "vanishes".
    data: bytes = b""
    parameters: tuple = ()  # Of a login.
    count: int = 0          # Messages that are waited for.
    waits: bool = True
    piece: int = 0          # Bytes in a write; 0: all.


@dataclasses.dataclass(frozen=True)
class Script:
    name: str
    steps: tuple
    # What keeps a backend for its client as long as tests/transcript/known.txt says so.
    pins: frozenset = frozenset()
    # Reasons not to play it where clients may leave by themselves, such as an open lock.
    alone: bool = False

    @property
    def clients(self):
        return sorted({step.client for step in self.steps})


class Letter:
    """A client of a script; called with what it sends."""

    def __init__(self, name):
        self.name = name

    def __call__(self, *frames, waits=True, piece=0):
        data = b"".join(Query(one) if isinstance(one, str) else one for one in frames)
        return Step(self.name, "send", data, waits=waits, piece=piece)

    def login(self, user="app", version=0x30000, **parameters):
        """Otherwise a client logs in by itself, with nothing but its name, at its first step."""
        values = {"user": user, "version": version, **parameters}
        return Step(self.name, "login", parameters=tuple(values.items()))

    def hears(self, count=1):
        return Step(self.name, "hears", count=count)

    def leaves(self):
        return Step(self.name, "leaves")

    def vanishes(self):
        return Step(self.name, "vanishes")


a, b, c = Letter("a"), Letter("b"), Letter("c")


def ask(sql, parameters=(), name="", portal=""):
    """What a driver sends for one statement, without Sync."""
    return (Parse(sql, name) + Bind(parameters, name, portal) + Describe("P", portal) +
            Execute(0, portal))


def again(parameters=(), name="", portal=""):
    """A prepared statement once more, without Sync."""
    return Bind(parameters, name, portal) + Execute(0, portal)


def theme(module):
    """The function by which a theme adds its scripts."""
    prefix = module.split(".")[-1]

    def script(name, *steps, pins=(), alone=False):
        words = [pins] if isinstance(pins, str) else pins
        one = Script(f"{prefix}.{name}", steps, frozenset(words), alone)
        assert all(one.name != other.name for other in SCRIPTS), f"two scripts named {one.name}"
        SCRIPTS.append(one)
    return script


def load_themes():
    for path in sorted(THEMES.glob("*.py")):
        importlib.import_module(f"themes.{path.stem}")
    return SCRIPTS
