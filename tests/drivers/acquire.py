"""Gets what a workload needs: an installed package where there is one, else the registry's own.

What registries give lies in build/drivers and build/npm, under names that change with the wanted
versions. What cannot be had is a Skipped with the reason.
"""

import functools
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import npm
from rig import Skipped

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "build" / "drivers"
PYTHON = "/usr/bin/python3"
PSYCOPG2 = "2.9.5"
JDBC = "42.5.5"
SECONDS = 300


def run(arguments, **options):
    """The output of a program that succeeds; Skipped with its first complaint otherwise."""
    program = shutil.which(str(arguments[0]))
    if program is None:
        raise Skipped(f"{arguments[0]} is not installed")
    try:
        done = subprocess.run([program, *map(str, arguments[1:])], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS, check=False, **options)
    except subprocess.TimeoutExpired:
        raise Skipped(f"{arguments[0]} did not answer within {SECONDS} s") from None
    if done.returncode != 0:
        words = (done.stderr + done.stdout).strip().splitlines()
        complaint = next((line for line in words if re.search("error", line, re.IGNORECASE)),
                         words[-1] if words else f"code {done.returncode}")
        raise Skipped(f"{arguments[0]}: {complaint[:300]}")
    return done.stdout + done.stderr


def compiles(arguments, **options):
    """Our own code must compile: where it does not, that is a failure and no reason to skip."""
    try:
        return run(arguments, **options)
    except Skipped as complaint:
        raise AssertionError(f"our workload does not compile: {complaint}") from None


def kept(name, make):
    """A folder of the cache, made aside and moved into place whole."""
    target = CACHE / name
    if not target.exists():
        try:
            CACHE.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="new-", dir=CACHE) as scratch:
                fresh = pathlib.Path(scratch, "made")
                fresh.mkdir(0o755)
                make(fresh)
                if not target.exists():
                    fresh.rename(target)
        except OSError as error:
            if not target.exists():
                raise Skipped(f"{CACHE} cannot be written: {error.strerror}") from None
    return target


def digest(*paths):
    result = hashlib.sha256()
    for path in paths:
        result.update(path.read_bytes())
    return result.hexdigest()[:16]


def python_module(name):
    """The version of one of Debian's modules."""
    if not os.access(PYTHON, os.X_OK):
        raise Skipped(f"{PYTHON} is not installed")
    try:
        # asyncpg's Debian version is its own; psycopg2 adds words behind it.
        return run([PYTHON, "-c", f"import {name}; print({name}.__version__)"]).split()[0]
    except Skipped:
        raise Skipped(f"Debian's python3-{name} is not installed") from None


@functools.cache
def psycopg2():
    """The folder to be searched for it besides Python's own, or None when it is installed."""
    if importlib.util.find_spec("psycopg2") is not None:
        return None
    return kept(f"psycopg2-{PSYCOPG2}", lambda folder: run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:",
         "--disable-pip-version-check", "--target", folder, f"psycopg2-binary=={PSYCOPG2}"]))


@functools.cache
def jdbc():
    """(class path, version) of Debian's driver, else of the same one from Maven's repository."""
    installed = pathlib.Path("/usr/share/java/postgresql.jar")
    if installed.exists():
        parts = [installed, *installed.parent.glob("scram-*.jar")]
        found = re.search(r"-(\d+(?:\.\d+)+)\.jar", str(installed.resolve()))
        return ":".join(map(str, parts)), found[1] if found else "Debian's"
    run(["javac", "-version"])
    folder = kept(f"jdbc-{JDBC}", lambda folder: run(
        ["mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.0:copy",
         f"-Dartifact=org.postgresql:postgresql:{JDBC}", f"-DoutputDirectory={folder}"],
        cwd=folder))
    return str(next(folder.glob("*.jar"))), JDBC


def java_classes():
    path, version = jdbc()
    sources = sorted((HERE / "java").glob("*.java"))
    folder = kept(f"java-{digest(*sources)}", lambda folder: compiles(
        ["javac", "-Xlint:all,-serial", "-Werror", "-cp", path, "-d", folder, *sources]))
    return f"{path}:{folder}", version


def c_program(source, library):
    name = source.stem
    flags = run(["pkg-config", "--cflags", "--libs", library]).split()
    folder = kept(f"{name}-{digest(source)}", lambda folder: compiles(
        ["cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O1", "-Wall", "-Wextra", "-Werror", "-o", folder / name, source, *flags]))
    return folder / name


def go_modules(name):
    """Versions by module, as go.mod has them."""
    text = (HERE / "go" / "go.mod").read_text()
    found = re.search(rf"{re.escape(name)} (v\S+)", text)
    return found[1]


@functools.cache
def go_programs():
    """The folder with the compiled workloads. Modules come from Go's cache or its proxy."""
    sources = sorted(path for path in (HERE / "go").rglob("*") if path.suffix in (".go", ".mod", ".sum"))
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false",
                   "GOTOOLCHAIN": "local"}
    run(["go", "version"])

    def make(folder):
        run(["go", "mod", "download"], cwd=HERE / "go", env=environment)
        compiles(["go", "build", "-p", "2", "-o", f"{folder}/", "./..."], cwd=HERE / "go",
                 env=environment)
    return kept(f"go-{digest(*sources)}", make)


def go_version():
    return run(["go", "version"]).split()[2].removeprefix("go")


@functools.cache
def node_folder(rig, name="node"):
    """The scripts, with what they need beside them."""
    folder = npm.scripts(rig, str(HERE / name))
    shutil.copy(HERE / "node" / "transcript.mjs", folder)
    if name == "node":
        shutil.copy(HERE.parent / "integration" / "node" / "prisma_client.mjs", folder)
    return folder


def npm_version(folder, package):
    text = (folder / "node_modules" / package / "package.json").read_text()
    return json.loads(text)["version"]
