"""Honest clients as people use them: psql, pgbench, psycopg, asyncpg."""

import asyncio
import os
import re
import subprocess
import threading

from case import case
from private_postgres import clean_environment
from rig import PASSWORD, Skipped, wait_until


def program(rig, name, *arguments, text=None, code=0, folder="/"):
    done = subprocess.run([os.path.join(rig.postgres.binaries, name), *arguments], input=text,
                          capture_output=True, text=True, timeout=120, cwd=folder,
                          env={**clean_environment(), "PGPASSWORD": PASSWORD}, check=False)
    assert code is None or done.returncode == code, f"{name}: {done.stdout}{done.stderr}"
    return done


def psycopg():
    try:
        import psycopg as module
    except ImportError:
        raise Skipped("python3-psycopg is not installed") from None
    return module


def asyncpg():
    try:
        import asyncpg as module
    except ImportError:
        raise Skipped("python3-asyncpg is not installed") from None
    return module


@case
def psql_in_every_login_method(rig):
    for method in ("password", "md5", "scram-sha-256"):
        with rig.sluice(auth=method, users={"app": {"password": PASSWORD}}) as sluice:
            done = program(rig, "psql", sluice.url(), "-XAtc", "SELECT 40 + 2")
            assert done.stdout == "42\n"
            for mode in ("disable", "allow", "prefer"):
                done = program(rig, "psql", sluice.url() + f"?sslmode={mode}", "-XAtc", "SELECT 1")
                assert done.stdout == "1\n"
            done = program(rig, "psql", sluice.url() + "?sslmode=require", "-XAtc", "SELECT 1",
                           code=2)
            assert "SSL" in done.stderr


SCRIPT = r"""
\set VERBOSITY verbose
BEGIN;
CREATE TABLE psql_test (a int, b text);
\copy psql_test from pstdin
1	one
2	two
\.
SELECT * FROM psql_test ORDER BY a;
SAVEPOINT s;
SELECT 1/0;
ROLLBACK TO s;
SELECT count(*) FROM psql_test \gset n_
\echo :n_count
\copy psql_test to pstdout
SELECT generate_series(1, 3) \g
\d psql_test
ROLLBACK;
SELECT 1 \; SELECT 2 \; SELECT 3;
\bind 5
"""


@case
def a_psql_script_prints_what_it_prints_directly(rig):
    direct = f"postgresql://app@127.0.0.1:{rig.postgres.port}/app"
    with rig.sluice(pool_size=1) as sluice:
        outputs = []
        for url in (direct, sluice.url()):
            done = program(rig, "psql", url, "-X", text=SCRIPT, code=None)
            outputs.append((done.stdout, done.stderr, done.returncode))
        assert outputs[0] == outputs[1], outputs


def pgbench(rig, sluice, *arguments, script=None, clients=20, transactions=100, jobs=2):
    folder = rig.new_folder("pgbench")
    command = ["--no-vacuum", "--client", str(clients), "--jobs", str(jobs),
               "--transactions", str(transactions), "--host", "127.0.0.1", "--port", str(sluice.port),
               "--username", "app", *arguments]
    if script is not None:
        path = os.path.join(folder, "script.sql")
        with open(path, "w") as file:
            file.write(script)
        command += ["--file", path]
    done = program(rig, "pgbench", *command, "app", folder=folder)
    processed = re.search(r"actually processed: (\d+)", done.stdout)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    assert int(processed[1]) == clients * transactions and int(failed[1]) == 0, done.stdout
    return done


def filled(rig, done=[]):
    if rig.postgres not in done:
        rig.postgres.fill()
        done.append(rig.postgres)


@case
def pgbench_in_simple_and_extended_mode(rig):
    filled(rig)
    with rig.sluice(pool_size=5) as sluice:
        for mode in ("simple", "extended"):
            pgbench(rig, sluice, "--protocol", mode, "--select-only", transactions=200)
            pgbench(rig, sluice, "--protocol", mode, transactions=20)
        assert sluice.metric("pool_opens_total") <= 5
        assert sluice.metric("pool_pins_total") == 0
        totals = rig.postgres.control("app").rows(
            "SELECT (SELECT sum(abalance) FROM pgbench_accounts), "
            "(SELECT sum(bbalance) FROM pgbench_branches), "
            "(SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(delta) FROM pgbench_history)")
        assert len(set(totals[0])) == 1, totals


@case
def pgbench_with_prepared_statements(rig):
    filled(rig)
    with rig.sluice(pool_size=5) as sluice:
        pgbench(rig, sluice, "--protocol", "prepared", "--select-only", clients=20)
        # pgbench waits for each PQprepare, so that inside of transactions two clients of one
        # thread could wait for each other.
        pgbench(rig, sluice, "--protocol", "prepared", clients=12, transactions=30, jobs=12)
        assert sluice.metric("pool_pins_total") == 0
        sluice.wait_metric("clients", 0)


@case
def pgbench_with_a_connection_for_each_transaction(rig):
    filled(rig)
    with rig.sluice(pool_size=5) as sluice:
        pgbench(rig, sluice, "--connect", "--select-only", transactions=30)
        assert sluice.metric("pool_opens_total") <= 5
        assert sluice.metric("logins_total") >= 600


@case
def pgbench_with_pipelines(rig):
    filled(rig)
    script = ("\\set id random(1, 1000)\n\\startpipeline\n"
              "SELECT abalance FROM pgbench_accounts WHERE aid = :id;\n"
              "UPDATE pgbench_accounts SET abalance = abalance + 0 WHERE aid = :id;\n"
              "SELECT 1;\n\\endpipeline\n")
    with rig.sluice(pool_size=5) as sluice:
        pgbench(rig, sluice, "--protocol", "extended", script=script, transactions=50)
        assert sluice.metric("pool_pins_total") == 0
        pgbench(rig, sluice, "--protocol", "prepared", script=script, clients=5, transactions=20)


@case
def psycopg_in_everyday_use(rig):
    module = psycopg()
    with rig.sluice(pool_size=2, auth="scram-sha-256",
                    users={"app": {"password": PASSWORD}}) as sluice:
        with module.connect(sluice.url(password=PASSWORD), application_name="psycopg") as one:
            with one.cursor() as cursor:
                cursor.execute("SELECT %s::int + %s", (40, 2))
                assert cursor.fetchone() == (42,)
                cursor.execute("CREATE TABLE IF NOT EXISTS psycopg_test (a int, b text)")
                with cursor.copy("COPY psycopg_test FROM STDIN") as copy:
                    for number in range(1000):
                        copy.write_row((number, "x" * number))
                with cursor.copy("COPY psycopg_test TO STDOUT") as copy:
                    assert sum(1 for _ in copy.rows()) == 1000
                cursor.execute("DROP TABLE psycopg_test")
            one.commit()
            try:
                one.execute("SELECT 1/0")
            except module.errors.DivisionByZero:
                one.rollback()
            assert one.execute("SHOW application_name").fetchone() == ("psycopg",)
            one.commit()
            with one.transaction(), one.cursor("named") as cursor:
                cursor.execute("SELECT generate_series(1, 1000)")
                assert len(cursor.fetchmany(10)) == 10 and len(cursor.fetchall()) == 990


@case
def psycopg_pipelines(rig):
    module = psycopg()
    with rig.sluice(pool_size=2) as sluice:
        with module.connect(sluice.url(), autocommit=True, prepare_threshold=None) as one:
            with one.pipeline() as pipeline:
                cursors = [one.execute("SELECT %s::int", (n,)) for n in range(200)]
                pipeline.sync()
                assert [cursor.fetchone()[0] for cursor in cursors] == list(range(200))
            failed = None
            try:
                with one.pipeline() as pipeline:
                    one.execute("SELECT 1")
                    one.execute("SELEKT")
                    aborted = one.execute("SELECT 2")
                    pipeline.sync()
                    good = one.execute("SELECT 3")
                    pipeline.sync()
                    assert good.fetchone() == (3,)
                    aborted.fetchone()
            except module.Error as error:
                failed = error
            assert failed is not None
            assert one.execute("SELECT 4").fetchone() == (4,)


@case
def psycopg_prepared_statements(rig):
    module = psycopg()
    with rig.sluice(pool_size=2) as sluice:
        with module.connect(sluice.url(), autocommit=True) as one:
            for number in range(10):
                assert one.execute("SELECT %s::int", (number,), prepare=True).fetchone() == (number,)
            assert sluice.metric("pool_pins_total") == 0
        sluice.wait_metric("pool_pinned_clients", 0)


@case
def psycopg_cancels(rig):
    module = psycopg()
    with rig.sluice(pool_size=1) as sluice:
        with module.connect(sluice.url(), autocommit=True) as one:
            def cancel():
                wait_until(lambda: rig.postgres.backends("state = 'active'"), "it runs", 20.0)
                one.cancel()
            canceller = threading.Thread(target=cancel)
            canceller.start()
            try:
                one.execute("SELECT pg_sleep(600)")
                raise AssertionError("it was not cancelled")
            except module.errors.QueryCanceled:
                pass
            canceller.join()
            assert one.execute("SELECT 1").fetchone() == (1,)


@case
def psycopg_receives_notifications_and_notices(rig):
    module = psycopg()
    with rig.sluice(pool_size=2) as sluice:
        with module.connect(sluice.url(), autocommit=True) as one:
            heard = []
            one.add_notice_handler(lambda notice: heard.append(notice.message_primary))
            one.execute("DO $$ BEGIN RAISE NOTICE 'psst'; END $$")
            assert heard == ["psst"]
            one.execute("LISTEN news")
            with module.connect(sluice.url(), autocommit=True) as two:
                two.execute("NOTIFY news, 'hello'")
            assert next(one.notifies()).payload == "hello"


@case
def asyncpg_reads_no_rows_by_an_old_description(rig):
    """It describes a statement once, and decodes what it fetches later by that."""
    module = asyncpg()

    async def work(sluice):
        client, other = [await module.connect(sluice.url()) for _ in range(2)]
        told = []
        for who in (client, other):
            await other.execute("CREATE TABLE told (a int); INSERT INTO told VALUES (7)")
            for kind, value in (("int", 7), ("float4", 1.5), ("text", "'word'"), ("int8", 9)):
                await who.execute(f"ALTER TABLE told ALTER a TYPE {kind} USING {value}")
                # By as many clients at once as it takes to have each backend used.
                told += [await one.fetchval("SELECT a FROM told") for one in (client, other)]
            await who.execute("DROP TABLE told")
        await client.execute("CREATE SCHEMA one; CREATE TABLE one.told AS SELECT 7 AS a;"
                             "CREATE SCHEMA two; CREATE TABLE two.told AS SELECT 'w'::text AS a")
        for path in ("one", "two", "one"):
            await client.execute(f"SET search_path = {path}")
            told.append(await client.fetchval("SELECT a FROM told"))
        await client.execute("DROP SCHEMA one, two CASCADE")
        await client.close()
        await other.close()
        return told

    with rig.sluice(pool_size=3) as sluice:
        told = asyncio.run(work(sluice))
    assert told == 2 * [7, 7, 1.5, 1.5, "word", "word", 9, 9] + [7, "w", 7], told


@case
def asyncpg_in_everyday_use(rig):
    module = asyncpg()

    async def work(sluice):
        async with module.create_pool(sluice.url(), min_size=2, max_size=3,
                                      statement_cache_size=0) as pool:
            async def one(number):
                async with pool.acquire() as connection:
                    assert await connection.fetchval("SELECT $1::int", number) == number
                    async with connection.transaction():
                        assert await connection.fetchval("SELECT $1::text", str(number))
                        rows = [row async for row in connection.cursor(
                            "SELECT generate_series(1, 120) AS n")]
                        assert len(rows) == 120
                    try:
                        await connection.execute("SELECT 1/0")
                    except module.DivisionByZeroError:
                        pass
            await asyncio.gather(*(one(number) for number in range(30)))
            async with pool.acquire() as connection:
                await connection.execute("CREATE TABLE IF NOT EXISTS asyncpg_test (a int, b text)")
                await connection.copy_records_to_table(
                    "asyncpg_test", records=[(n, "t") for n in range(1000)])
                assert await connection.fetchval("SELECT count(*) FROM asyncpg_test") == 1000
                await connection.execute("DROP TABLE asyncpg_test")
                try:
                    await asyncio.wait_for(connection.execute("SELECT pg_sleep(600)"), 0.3)
                    raise AssertionError("it was not cancelled")
                except asyncio.TimeoutError:
                    pass
                assert await connection.fetchval("SELECT 5") == 5
    with rig.sluice(pool_size=4) as sluice:
        asyncio.run(work(sluice))
        assert sluice.metric("pool_pins_total") == 0


@case
def many_psycopg_threads_share_few_backends(rig):
    module = psycopg()
    trouble = []

    def work(url, number):
        try:
            with module.connect(url, autocommit=True, prepare_threshold=None) as one:
                for turn in range(20):
                    with one.transaction():
                        assert one.execute("SELECT %s::int", (number * 100 + turn,)).fetchone() == \
                            (number * 100 + turn,)
        except BaseException as error:
            trouble.append(repr(error))
    with rig.sluice(pool_size=3) as sluice:
        threads = [threading.Thread(target=work, args=(sluice.url(), n)) for n in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not trouble, trouble[:3]
        assert sluice.metric("pool_opens_total") <= 3
