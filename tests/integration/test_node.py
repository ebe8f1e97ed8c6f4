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
        assert sluice.metric("pool_pins_total") == 0
        assert sluice.metric("pool_opens_total") <= 4


@case
def pg_cursor_and_pg_query_stream(rig):
    with rig.sluice(pool_size=3) as sluice:
        succeeds(rig, sluice, "cursors.mjs")
        assert sluice.metric("pool_opens_total") <= 3
        assert sluice.metric("pool_pins_total") == 0


@case
def postgres_js_without_names_shares_backends(rig):
    """As its manual asks for behind a pooler (prepare: false)."""
    rig.postgres.execute("TRUNCATE notes", database="app")
    with rig.sluice(pool_size=3) as sluice:
        succeeds(rig, sluice, "postgres_js.mjs", "unnamed")
        assert sluice.metric("pool_opens_total") <= 3
        assert sluice.metric("pool_pins_total") == 0


@case
def postgres_js_names_statements_and_shares_backends(rig):
    """As it comes: each of its connections names its statements."""
    rig.postgres.execute("TRUNCATE notes", database="app")
    with rig.sluice(pool_size=3, admin_users=["app"]) as sluice:
        command = [npm.node(), "postgres_js.mjs", sluice.url(), "named"]
        with subprocess.Popen(command, cwd=npm.scripts(rig, "node"), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                assert process.stdout.readline() == "done\n", process.stdout.read()
                console = sluice.connect(database="sluice")
                shown = console.query("SHOW CLIENTS").named_rows
                pins = [row["pin"] for row in shown if row["application_name"] == "postgres.js"]
                assert pins == [""] * 3, shown
                assert sluice.metric("pool_pins_total") == 0
                assert sluice.metric("pool_pinned_clients") == 0
                console.end()
                process.communicate(timeout=30)
                assert process.returncode == 0
            finally:
                process.kill()
        sluice.wait_metric("pool_pinned_clients", 0)
        assert sluice.metric("pool_pins_total") == 0 and sluice.metric("pool_opens_total") <= 3
        client = sluice.connect()
        assert client.value("SELECT count(*) FROM pg_prepared_statements "
                                "WHERE name NOT LIKE 'sluice%'") == "0"
        client.end()
