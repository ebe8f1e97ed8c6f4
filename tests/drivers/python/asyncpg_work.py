"""asyncpg: binary, every statement named and cached, a cursor within transactions."""

import asyncio
import decimal
import json

import asyncpg
from transcript import BIG, BYTES, JSON, MOMENT, NUMERIC, SERIES, TEXT, checksum, play_copies

NAMES = ("search_path", "statement_timeout", "application_name", "DateStyle")


async def values(connection, query, *parameters):
    return [list(row) for row in await connection.fetch(query, *parameters)]


async def fails(awaitable):
    try:
        await awaitable
    except asyncpg.PostgresError as error:
        return [error.sqlstate, error.message, error.constraint_name, error.position]
    return "no error"


async def show(connection, *names):
    return {name: await connection.fetchval(f"SHOW {name}") for name in names}


async def types(connection, say):
    query = ("SELECT $1::int8, $2::text, $3::bytea, $4::numeric, $5::timestamptz, $6::int[], $7::text[],"
             " $8::text, $9::jsonb")
    parameters = (BIG, TEXT, BYTES, decimal.Decimal(NUMERIC), MOMENT, [1, None, 3],
                  ["a,b", 'c"d', None], None, json.dumps(JSON))
    say("types", row=await values(connection, query, *parameters))
    # A type that the driver does not know is looked up with statements of its own.
    await connection.execute("CREATE TYPE pair AS (a int, b text)")
    say("types", composite=str(await connection.fetchval("SELECT ROW($1::int, $2::text)::pair", 7, TEXT)),
        many=await values(connection, "SELECT ARRAY[ROW(1, 'x')::pair, ROW(2, $1)::pair]", "y"))


async def prepared(connection, schema, say):
    statement = await connection.prepare("SELECT $1::int * 2, $2 || '!'")
    rows = [list(await statement.fetchrow(n, f"{schema} {n}")) for n in range(20)]
    attributes = [[one.name, one.type.name] for one in statement.get_attributes()]
    cached = [await values(connection, "SELECT count(*) FROM items WHERE id < $1", n) for n in range(10)]
    # More than the 100 that it keeps: the least recently used are closed.
    many = [await connection.fetchval(f"SELECT $1::int + {n}", 1) for n in range(130)]
    inserted = await connection.executemany("INSERT INTO items VALUES ($1, $2)",
                                            [(n, f"{schema} {n}") for n in range(50, 80)])
    await connection.execute("DELETE FROM items")
    say("prepared", rows=rows, attributes=attributes, cached=cached, many=many, inserted=inserted)


async def transactions(connection, say):
    async with connection.transaction():
        await connection.execute("INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n")
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("DELETE FROM items")
            say("transactions", inside=await values(connection, "SELECT count(*) FROM items"))
            raise ValueError("changed my mind")
    except ValueError as error:
        say("transactions", why=str(error),
            after=await values(connection, "SELECT * FROM items ORDER BY id"))
    async with connection.transaction():
        inner = connection.transaction()
        await inner.start()
        failed = await fails(connection.execute("INSERT INTO items VALUES ($1, 'again')", 1))
        aborted = await fails(connection.fetch("SELECT 1"))
        await inner.rollback()
        await connection.execute("INSERT INTO items VALUES (6, $1)", TEXT)
    say("savepoint", failed=failed, aborted=aborted,
        count=await values(connection, "SELECT count(*) FROM items"))


async def errors(connection, say):
    say("errors", unique=await fails(connection.execute("INSERT INTO items VALUES ($1, 'x')", 1)),
        syntax=await fails(connection.fetch("SELEKT $1", 1)),
        zero=await fails(connection.fetch("SELECT 1 / $1::int", 0)),
        again=await fails(connection.fetch("SELECT 1 / $1::int", 0)),
        on=await values(connection, "SELECT 'goes on'"))


async def settings(connection, schema, say):
    await connection.execute(f"SET search_path TO {schema}, public")
    await connection.execute("SELECT set_config('application_name', $1, false)", f"renamed_{schema}")
    say("settings", outside=await show(connection, *NAMES),
        status=connection.get_settings().application_name)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SET statement_timeout TO '345s'")
    await connection.execute("SET LOCAL DateStyle TO 'SQL, DMY'")
    say("settings", inside=await show(connection, *NAMES))
    await transaction.rollback()
    say("settings", undone=await show(connection, *NAMES))
    async with connection.transaction():
        await connection.execute("SET statement_timeout TO '456s'")
    say("settings", kept=await show(connection, *NAMES),
        who=await values(connection, "SELECT schema FROM who"))
    await connection.execute("RESET statement_timeout")
    say("reset", seen=await show(connection, *NAMES))


async def cursors(connection, say):
    async with connection.transaction():
        say("cursor", **checksum([tuple(row) async for row in connection.cursor(SERIES, prefetch=700)]))
        cursor = await connection.cursor(SERIES)
        first = [list(row) for row in await cursor.fetch(3)]
        await cursor.forward(4000)
        say("cursor", first=first, later=[list(row) for row in await cursor.fetch(2)])


async def copies(connection, schema, say):
    rows = [(n, f"{schema} {n}") for n in range(2000, 4000)]
    status = await connection.copy_records_to_table("items", records=rows)
    parts = []

    async def take(part):
        parts.append(part)
    await connection.copy_from_query("SELECT * FROM items WHERE id >= $1 ORDER BY id", 2000, output=take)
    again = await fails(connection.copy_records_to_table("items", records=[(1, "again")]))
    say("copy", status=status, lines=b"".join(parts).count(b"\n"), again=again,
        all=await values(connection, "SELECT count(*) FROM items"))


async def notify(connection, schema, say):
    seen, done = [], asyncio.Event()

    def heard(_connection, pid, channel, payload):
        seen.append([channel, payload, pid == connection.get_server_pid()])
        if payload == "second":
            done.set()
    await connection.add_listener(schema, heard)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(f"NOTIFY {schema}, 'undone'")
    await transaction.rollback()
    async with connection.transaction():
        await connection.execute("SELECT pg_notify($1, 'first')", schema)
        await connection.execute(f"NOTIFY {schema}, 'second'")
    await done.wait()
    await connection.remove_listener(schema, heard)
    say("notify", seen=[one[:2] for one in seen])
    say("sender", own=[one[2] for one in seen])


async def temporary(connection, say):
    await connection.execute("CREATE TEMP TABLE scratch (n int)")
    await connection.execute("INSERT INTO scratch SELECT generate_series(1, 10)")
    total = await values(connection, "SELECT sum(n) FROM scratch WHERE n > $1", 3)
    await connection.execute("DROP TABLE scratch")
    async with connection.transaction():
        await connection.execute("CREATE TEMP TABLE scratch ON COMMIT DROP AS SELECT 1 AS n")
        inside = await values(connection, "SELECT n FROM scratch")
    say("temporary", total=total, inside=inside, gone=await fails(connection.fetch("SELECT n FROM scratch")))


async def cancels(connection, say):
    await connection.execute("SET statement_timeout TO '50ms'")
    timeout = await fails(connection.fetch("SELECT pg_sleep($1)", 600))
    await connection.execute("SET statement_timeout TO '234s'")
    # Its own cancel: a task that is cancelled sends a cancel request, and waits for the end.
    waiting = asyncio.ensure_future(connection.fetch("SELECT public.announced_wait()"))
    connection.add_log_listener(lambda _connection, _notice: waiting.cancel())
    try:
        await waiting
        cancelled = "no"
    except asyncio.CancelledError:
        cancelled = "yes"
    say("cancel", timeout=timeout, cancelled=cancelled, on=await values(connection, "SELECT 'goes on'"))


async def resets(connection, say):
    """What its pool does with a connection that comes back."""
    await connection.reset()
    say("reset", seen=await show(connection, *NAMES), on=await values(connection, "SELECT $1::int", 1))


async def play(url, copy, say):
    schema = f"asyncpg_c{copy}"
    connection = await asyncpg.connect(url, server_settings={
        "application_name": schema, "statement_timeout": "234s", "DateStyle": "German"})
    status = connection.get_settings()
    say("startup", version=list(connection.get_server_version()), status=status.application_name,
        **await show(connection, "application_name", "statement_timeout", "DateStyle"))
    await connection.execute(f"CREATE SCHEMA {schema}; SET search_path TO {schema};"
                             " CREATE TABLE items (id int PRIMARY KEY, word text);"
                             f" CREATE TABLE who AS SELECT '{schema}'::text AS schema")
    await types(connection, say)
    await prepared(connection, schema, say)
    await transactions(connection, say)
    await errors(connection, say)
    await settings(connection, schema, say)
    await cursors(connection, say)
    await copies(connection, schema, say)
    await notify(connection, schema, say)
    await temporary(connection, say)
    await cancels(connection, say)
    say("settings", last=await show(connection, *NAMES),
        who=await values(connection, "SELECT schema FROM who"))
    await resets(connection, say)
    await connection.close()


def work(url, copy, say):
    asyncio.run(play(url, copy, say))


if __name__ == "__main__":
    play_copies(work)
