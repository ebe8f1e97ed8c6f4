"""psycopg 3: named statements by itself, pipelines, server-side cursors, COPY."""

import os

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from transcript import BIG, BYTES, JSON, MOMENT, NUMERIC, SERIES, TEXT, checksum, play_copies

NAMES = ("search_path", "statement_timeout", "application_name", "DateStyle")


def values(connection, query, *parameters, **options):
    return [list(row) for row in connection.execute(query, parameters or None, **options).fetchall()]


def fails(connection, query, *parameters, **options):
    try:
        connection.execute(query, parameters or None, **options)
    except psycopg.Error as error:
        return [error.sqlstate, error.diag.message_primary, error.diag.constraint_name,
                error.diag.statement_position]
    return "no error"


def show(connection, *names):
    return {name: values(connection, f"SHOW {name}")[0][0] for name in names}


def types(connection, say):
    query = ("SELECT %s::int8, %s::text, %s::bytea, %s::numeric, %s::timestamptz, %s::int[], %s::text[],"
             " %s::text, %s::jsonb")
    parameters = (BIG, TEXT, BYTES, NUMERIC, MOMENT, [1, None, 3], ["a,b", 'c"d', None], None, Jsonb(JSON))
    say("types", row=values(connection, query, *parameters))
    with connection.cursor(binary=True) as cursor:
        say("types", binary=cursor.execute(query, parameters).fetchall())


def prepared(connection, schema, say):
    # From the sixth on a statement has a name by itself; prepare=True gives it one at once.
    rows = [values(connection, "SELECT %s::int * 2, %s || '!'", n, f"{schema} {n}")[0] for n in range(20)]
    named = [values(connection, "SELECT count(*) FROM items WHERE id < %s", n, prepare=True)[0]
             for n in range(10)]
    for n in range(10):
        connection.execute("INSERT INTO items VALUES (%s, %s)", (n + 50, f"{schema} {n}"), prepare=True)
    connection.execute("DELETE FROM items")
    say("prepared", rows=rows, named=named)
    if "evicted" in os.environ.get("SLUICE_WITHOUT", "").split():
        return
    # More than prepared_max: the oldest are given up by DEALLOCATE or Close.
    many = [values(connection, f"SELECT %s::int + {n}", 1, prepare=True)[0][0] for n in range(150)]
    say("evicted", many=many)


def transactions(connection, say):
    with connection.transaction():
        connection.execute("INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n")
    try:
        with connection.transaction():
            connection.execute("DELETE FROM items")
            say("transactions", inside=values(connection, "SELECT count(*) FROM items"))
            raise ValueError("changed my mind")
    except ValueError as error:
        say("transactions", why=str(error), after=values(connection, "SELECT * FROM items ORDER BY id"))
    with connection.transaction():
        failed = aborted = None
        try:
            with connection.transaction():
                failed = fails(connection, "INSERT INTO items VALUES (%s, 'again')", 1)
                aborted = fails(connection, "SELECT 1")
                raise psycopg.Rollback
        finally:
            connection.execute("INSERT INTO items VALUES (6, %s)", (TEXT,))
    say("savepoint", failed=failed, aborted=aborted, count=values(connection, "SELECT count(*) FROM items"))


def errors(connection, say):
    say("errors", unique=fails(connection, "INSERT INTO items VALUES (%s, 'x')", 1),
        syntax=fails(connection, "SELEKT %s", 1), zero=fails(connection, "SELECT 1 / %s::int", 0),
        named=fails(connection, "SELECT 2 / %s::int", 0, prepare=True),
        missing=fails(connection, "SELECT %s FROM nowhere", 1, prepare=True),
        on=values(connection, "SELECT 'goes on'"))


def settings(connection, schema, say):
    connection.execute(f"SET search_path TO {schema}, public")
    connection.execute("SELECT set_config('application_name', %s, false)", (f"renamed_{schema}",))
    say("settings", outside=show(connection, *NAMES),
        status=connection.info.parameter_status("application_name"))
    try:
        with connection.transaction():
            connection.execute("SET statement_timeout TO '345s'")
            connection.execute("SET LOCAL DateStyle TO 'ISO, YMD'")
            say("settings", inside=show(connection, *NAMES))
            raise ValueError
    except ValueError:
        say("settings", undone=show(connection, *NAMES))
    with connection.transaction():
        connection.execute("SET statement_timeout TO '456s'")
    say("settings", kept=show(connection, *NAMES), who=values(connection, "SELECT schema FROM who"),
        status=connection.info.parameter_status("DateStyle"))
    connection.execute("SET TimeZone TO 'Asia/Kathmandu'")
    say("settings", zone=values(connection, "SELECT %s::timestamptz::text", MOMENT),
        status=connection.info.parameter_status("TimeZone"))
    connection.execute("RESET statement_timeout")
    say("reset", seen=show(connection, *NAMES))


def cursors(connection, say):
    with connection.transaction():
        with connection.cursor("portal") as portal:
            portal.itersize = 700
            say("cursor", **checksum(list(portal.execute(SERIES))))
        with connection.cursor("portal", scrollable=True) as portal:
            portal.execute(SERIES)
            first = portal.fetchmany(3)
            portal.scroll(4000, mode="absolute")
            say("cursor", first=first, later=portal.fetchmany(2))
    with connection.cursor("held", withhold=True) as portal:
        portal.execute(SERIES + " LIMIT %s", (50,))
        say("cursor", held=portal.fetchmany(3), behind=portal.fetchall()[-1])


def streams(connection, say):
    """Rows one by one. Behind it psycopg 3.1 cannot use pipelines any more, so it comes last."""
    with connection.cursor() as cursor:
        say("stream", **checksum(list(cursor.stream(SERIES))))
        seen = []
        try:
            seen += cursor.stream("SELECT 10 / (3 - n) FROM generate_series(1, %s) AS n", (5,))
        except psycopg.Error as error:
            seen.append(error.sqlstate)
    say("stream", seen=seen, on=values(connection, "SELECT 'goes on'"))


def pipelines(connection, schema, say):
    with connection.pipeline() as pipeline:
        cursors = [connection.execute("SELECT %s::int, %s", (n, f"{schema} {n}")) for n in range(30)]
        pipeline.sync()
        seen = [list(cursor.fetchone()) for cursor in cursors]
    say("pipeline", seen=seen)
    # Which of its calls raises the error is a matter of time.
    failed = "no error"
    try:
        with connection.pipeline():
            for n in (1, 0, 2):
                connection.execute("SELECT 10 / %s::int", (n,))
    except psycopg.Error as error:
        failed = [error.sqlstate, error.diag.message_primary]
    say("pipeline", failed=failed)
    with connection.pipeline(), connection.transaction():
        for n in range(200, 300):
            connection.execute("INSERT INTO items VALUES (%s, %s)", (n, f"{schema} {n}"))
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO items VALUES (%s, %s) RETURNING id",
                           [(n, "many") for n in range(300, 500)], returning=True)
        seen = 1
        while cursor.nextset():
            seen += 1
    say("pipeline", many=seen, count=values(connection, "SELECT count(*), max(id) FROM items"))


def copies(connection, schema, say):
    with connection.cursor() as cursor:
        with cursor.copy("COPY items FROM STDIN") as copy:
            for n in range(2000, 4000):
                copy.write_row((n, f"{schema} {n}"))
        rows = []
        with cursor.copy("COPY (SELECT * FROM items WHERE id >= %s ORDER BY id) TO STDOUT", (2000,)) as copy:
            copy.set_types(["int4", "text"])
            rows.extend(copy.rows())
        failed = []
        for lines in ("1\tagain\n", "not a number\tx\n"):
            try:
                with cursor.copy("COPY items FROM STDIN") as copy:
                    copy.write(lines)
            except psycopg.Error as error:
                failed.append([error.sqlstate, error.diag.message_primary])
        try:
            with cursor.copy("COPY items FROM STDIN") as copy:
                copy.write("9000\tgiven up\n")
                raise ValueError("changed my mind")
        except psycopg.Error as error:
            failed.append([error.sqlstate, error.diag.message_primary])
    say("copy", count=len(rows), last=list(rows[-1]), failed=failed,
        all=values(connection, "SELECT count(*) FROM items"))


def notify(connection, schema, say):
    seen = []
    connection.add_notify_handler(
        lambda one: seen.append([one.channel, one.payload, one.pid == connection.info.backend_pid]))
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(schema)))
    with connection.transaction(force_rollback=True):
        connection.execute(f"NOTIFY {schema}, 'undone'")
    with connection.transaction():
        connection.execute("SELECT pg_notify(%s, 'first')", (schema,))
        connection.execute(f"NOTIFY {schema}, 'second'")
    while len(seen) < 2:
        connection.execute("SELECT 1")
    connection.execute("UNLISTEN *")
    say("notify", seen=[one[:2] for one in seen])
    say("sender", own=[one[2] for one in seen])


def temporary(connection, say):
    connection.execute("CREATE TEMP TABLE scratch (n int)")
    connection.execute("INSERT INTO scratch SELECT generate_series(1, 10)")
    total = values(connection, "SELECT sum(n) FROM scratch WHERE n > %s", 3)
    connection.execute("DROP TABLE scratch")
    with connection.transaction():
        connection.execute("CREATE TEMP TABLE scratch ON COMMIT DROP AS SELECT 1 AS n")
        inside = values(connection, "SELECT n FROM scratch")
    say("temporary", total=total, inside=inside, gone=fails(connection, "SELECT n FROM scratch"))


def cancels(connection, say):
    connection.execute("SET statement_timeout TO '50ms'")
    timeout = fails(connection, "SELECT pg_sleep(%s)", 600)
    connection.execute("SET statement_timeout TO '234s'")
    connection.add_notice_handler(lambda _notice: connection.cancel())
    cancelled = fails(connection, "SELECT public.announced_wait()")
    say("cancel", timeout=timeout, cancelled=cancelled, on=values(connection, "SELECT 'goes on'"))


def work(url, copy, say):
    schema = f"psycopg_c{copy}"
    options = "-c statement_timeout=234s -c DateStyle=ISO,DMY"
    with psycopg.connect(url, application_name=schema, options=options, autocommit=True) as connection:
        say("startup", encoding=connection.info.encoding, version=connection.info.server_version,
            status=connection.info.parameter_status("application_name"),
            **show(connection, "application_name", "statement_timeout", "DateStyle", "client_encoding"))
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.items (id int PRIMARY KEY, word text)")
        connection.execute(f"CREATE TABLE {schema}.who AS SELECT '{schema}'::text AS schema")
        types(connection, say)
        connection.execute(f"SET search_path TO {schema}")
        prepared(connection, schema, say)
        transactions(connection, say)
        errors(connection, say)
        settings(connection, schema, say)
        cursors(connection, say)
        pipelines(connection, schema, say)
        copies(connection, schema, say)
        notify(connection, schema, say)
        temporary(connection, say)
        cancels(connection, say)
        streams(connection, say)
        say("settings", last=show(connection, "search_path", "application_name"),
            who=values(connection, "SELECT schema FROM who"))


if __name__ == "__main__":
    play_copies(work)
