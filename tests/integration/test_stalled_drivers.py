"""Drivers whose reader pauses over a cursor: they are told, and go on with their connection."""

import asyncio
import pathlib
import subprocess
import sys

import npm
from case import case
from test_clients import asyncpg, psycopg

STALL = {"pool_size": 2, "portal_stall_timeout": "150ms"}


class Pauses:
    """Each pause of a driver ends when its backend has been taken."""

    def __init__(self, sluice):
        self.sluice, self.count = sluice, 0

    def wait(self):
        self.count += 1
        self.sluice.wait_metric("refusals_total", self.count, reason="portal_stall_timeout")

    def play(self, command, pauses, **options):
        """A program that says "paused" and goes on at a line of input."""
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, **options) as process:
            try:
                for _ in range(pauses):
                    line = process.stdout.readline()
                    assert line == "paused\n", line + process.stdout.read()
                    self.wait()
                    process.stdin.write("\n")
                    process.stdin.flush()
                rest = process.communicate(timeout=60)[0]
                assert process.returncode == 0 and rest == "done\n", rest
            finally:
                process.kill()
        assert self.sluice.metric("refusals_total", reason="protocol_violation") == 0


@case
def node_postgres_and_postgres_js_are_told(rig):
    folder = npm.scripts(rig, "node")
    with rig.sluice(**STALL) as sluice:
        Pauses(sluice).play([npm.node(), "stalled.mjs", sluice.url()], 6, cwd=folder)
        assert sluice.metric("pool_opens_total") <= 2


@case
def psycopg_is_told(rig):
    module = psycopg()
    with rig.sluice(**STALL) as sluice, module.connect(sluice.url()) as connection:
        pauses = Pauses(sluice)
        for ending in ("rollback", "commit"):
            cursor = connection.cursor(name="c")
            cursor.execute("SELECT generate_series(1, 1000)")
            assert len(cursor.fetchmany(5)) == 5
            pauses.wait()
            try:
                cursor.fetchmany(5)
                raise AssertionError("it went on")
            except module.Error as error:
                assert error.sqlstate == "25P03", error
            assert connection.info.transaction_status == module.pq.TransactionStatus.INERROR
            getattr(connection, ending)()
            assert connection.execute("SELECT 7").fetchone() == (7,)
            connection.commit()


@case
def asyncpg_is_told(rig):
    module = asyncpg()

    async def converse(url, pauses):
        connection = await module.connect(url)
        try:
            async with connection.transaction():
                cursor = await connection.cursor("SELECT generate_series(1, 1000)")
                assert len(await cursor.fetch(5)) == 5
                await asyncio.to_thread(pauses.wait)
                await cursor.fetch(5)
            raise AssertionError("it went on")
        except module.PostgresError as error:
            assert error.sqlstate == "25P03", error
        assert await connection.fetchval("SELECT 7") == 7
        await connection.close()

    with rig.sluice(**STALL) as sluice:
        asyncio.run(converse(sluice.url(), Pauses(sluice)))


@case
def jdbc_with_a_fetch_size_is_told(rig):
    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "drivers"))
    import acquire
    path, _ = acquire.java_classes()
    with rig.sluice(**STALL) as sluice:
        Pauses(sluice).play(["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", path, "Stalled",
                             *map(str, sluice.address)], 2)
