"""A driver of either side, and the ways to have one that both sides know."""

import dataclasses
import typing

import acquire
import npm


@dataclasses.dataclass(frozen=True)
class Ready:
    """What can be run: a command that is still to be given URL FOLDER FIRST COUNT."""
    command: list
    version: str
    runtime: str
    environment: dict = dataclasses.field(default_factory=dict)
    cwd: str = "/"


@dataclasses.dataclass(frozen=True)
class Driver:
    name: str
    prepare: typing.Callable
    short: bool = False
    # A step that opens a second connection beside one that holds its backend: with two backends
    # and fifty copies each would wait for the others' second. Left out both ways, with this reason.
    left_out: dict = dataclasses.field(default_factory=dict)
    # Backends of their own that one copy needs at the same time, beyond what can be shared.
    pins: int = 0


def python_runtime():
    return "Python " + acquire.run([acquire.PYTHON, "--version"]).split()[1]


def of_node(package, script, folder="node"):
    def prepare(rig):
        node = npm.node()
        where = acquire.node_folder(rig, folder)
        version = acquire.run([node, "--version"]).strip().removeprefix("v")
        return Ready([node, f"{script}.mjs"], acquire.npm_version(where, package), f"Node {version}",
                     cwd=str(where))
    return prepare
