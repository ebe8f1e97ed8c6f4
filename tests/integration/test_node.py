"""Clients from npm. Skipped, with the reason, where Node or the registry is out of reach."""

import subprocess

import npm
from case import case


def succeeds(rig, sluice, script, *arguments):
    done = subprocess.run([npm.node(), script, sluice.url(), *arguments],
                          cwd=npm.scripts(rig, "node"), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0 and "done" in done.stdout, done.stdout + done.stderr


@case
def node_postgres_in_everyday_use(rig):
    with rig.sluice(pool_size=4) as sluice:
        succeeds(rig, sluice, "node_postgres.mjs")
        assert sluice.metric("pool_pins_total", reason="named_statement") == 1
        assert sluice.metric("pool_opens_total") <= 4
