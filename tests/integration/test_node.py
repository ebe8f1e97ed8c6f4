"""Clients from npm. Skipped where Node or the registry is out of reach."""

import os
import shutil
import subprocess

from case import case
from rig import Skipped

HERE = os.path.dirname(os.path.abspath(__file__))


def installed(rig, folders=[]):
    """A folder with the scripts of node/ and what they need; made once a run."""
    if folders:
        if folders[0] is None:
            raise Skipped("npm could not install the clients")
        return folders[0]
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise Skipped("Node is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < 20:
        raise Skipped(f"Node {version.strip()} is older than 20")
    folder = shutil.copytree(os.path.join(HERE, "node"), os.path.join(rig.new_folder("npm"), "node"))
    try:
        done = subprocess.run(
            [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"],
            cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        good = done.returncode == 0
    except subprocess.TimeoutExpired:
        good = False
    folders.append(folder if good else None)
    return installed(rig)


@case
def node_postgres_in_everyday_use(rig):
    folder = installed(rig)
    with rig.sluice(pool_size=4) as sluice:
        done = subprocess.run(["node", "node_postgres.mjs", sluice.url()], cwd=folder,
                              capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0 and "done" in done.stdout, done.stdout + done.stderr
        assert sluice.metric("pool_pins_total", reason="named_statement") == 1
        assert sluice.metric("pool_opens_total") <= 4
