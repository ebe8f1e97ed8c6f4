"""psycopg2, whose parameters are part of the text: nothing is prepared but by SQL."""

import io
import json
import select

import psycopg2
import psycopg2.extensions as extensions
import psycopg2.extras
from transcript import (BIG, BYTES, JSON, MOMENT, NUMERIC, ROWS, SERIES, TEXT, checksum, play_copies)


def values(cursor, sql, *parameters):
    cursor.execute(sql, parameters or None)
    return [list(row) for row in cursor.fetchall()]


def fails(cursor, sql, *parameters):
    try:
        cursor.execute(sql, parameters or None)
    except psycopg2.Error as error:
        return [error.pgcode, error.diag.message_primary, error.diag.constraint_name,
                error.diag.statement_position]
    return "no error"


def show(cursor, *names):
    return {name: values(cursor, f"SHOW {name}")[0][0] for name in names}


def types(cursor, say):
    say("types", row=values(
        cursor, "SELECT %s::int8, %s::text, %s::bytea, %s::numeric, %s::timestamptz, %s::int[], %s::text[],"
        " %s::text, %s::jsonb", BIG, TEXT, psycopg2.Binary(BYTES), NUMERIC, MOMENT, [1, None, 3],
        ["a,b", 'c"d', None], None, json.dumps(JSON)))


def sql_prepare(cursor, schema, say):
    cursor.execute("PREPARE twice (int, text) AS SELECT $1 * 2, $2 || '!'")
    seen = [values(cursor, "EXECUTE twice (%s, %s)", n, f"{schema} {n}")[0] for n in range(20)]
    cursor.execute("DEALLOCATE twice")
    say("prepared", rows=seen, gone=fails(cursor, "EXECUTE twice (1, 'x')"))


def transactions(connection, cursor, say):
    connection.autocommit = False
    cursor.execute("INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n")
    connection.commit()
    cursor.execute("DELETE FROM items")
    say("transactions", inside=values(cursor, "SELECT count(*) FROM items"))
    connection.rollback()
    say("transactions", after=values(cursor, "SELECT * FROM items ORDER BY id"))
    cursor.execute("SAVEPOINT one")
    failed = fails(cursor, "INSERT INTO items VALUES (1, 'again')")
    aborted = fails(cursor, "SELECT 1")
    cursor.execute("ROLLBACK TO SAVEPOINT one")
    cursor.execute("INSERT INTO items VALUES (6, %s)", (TEXT,))
    cursor.execute("RELEASE SAVEPOINT one")
    connection.commit()
    say("savepoint", failed=failed, aborted=aborted, count=values(cursor, "SELECT count(*) FROM items"))
    connection.commit()
    connection.autocommit = True


def errors(cursor, say):
    say("errors", unique=fails(cursor, "INSERT INTO items VALUES (%s, 'x')", 1),
        syntax=fails(cursor, "SELEKT 1"), zero=fails(cursor, "SELECT 1 / %s", 0),
        on=values(cursor, "SELECT 'goes on'"))


def settings(connection, cursor, schema, say):
    names = ("search_path", "statement_timeout", "application_name", "DateStyle")
    cursor.execute(f"SET search_path TO {schema}, public; SET application_name TO 'renamed_{schema}'")
    say("settings", outside=show(cursor, *names))
    connection.autocommit = False
    cursor.execute("SET statement_timeout TO '345s'")
    cursor.execute("SET LOCAL DateStyle TO 'SQL, DMY'")
    say("settings", inside=show(cursor, *names))
    connection.rollback()
    say("settings", undone=show(cursor, *names))
    cursor.execute("SELECT set_config('statement_timeout', '456s', false)")
    connection.commit()
    connection.autocommit = True
    say("settings", kept=show(cursor, *names), who=values(cursor, "SELECT schema FROM who"))
    cursor.execute("RESET statement_timeout")
    say("reset", seen=show(cursor, *names))


def cursors(connection, say):
    connection.autocommit = False
    with connection.cursor("portal") as portal:
        portal.itersize = 700
        portal.execute(SERIES)
        say("cursor", **checksum(list(portal)))
    with connection.cursor("portal", scrollable=True) as portal:
        portal.execute(SERIES)
        first = portal.fetchmany(3)
        portal.scroll(4000, mode="absolute")
        say("cursor", first=first, later=portal.fetchmany(2))
    connection.commit()
    with connection.cursor("held", withhold=True) as portal:
        portal.execute(SERIES)
        first = portal.fetchmany(3)
        connection.commit()
        say("cursor", held=first, behind=portal.fetchmany(3))
    connection.commit()
    connection.autocommit = True


def batches(cursor, say):
    psycopg2.extras.execute_values(cursor, "INSERT INTO items VALUES %s",
                                   [(n, f"value {n}") for n in range(100, 1100)])
    psycopg2.extras.execute_batch(cursor, "UPDATE items SET word = word || %s WHERE id = %s",
                                  [("!", n) for n in range(100, 600)])
    say("batch", seen=values(cursor, "SELECT count(*), sum(length(word)) FROM items WHERE id >= 100"))


def copies(cursor, say):
    text = "".join(f"{n}\tcopied {n}\n" for n in range(2000, 4000))
    cursor.copy_expert("COPY items FROM STDIN", io.StringIO(text))
    out = io.StringIO()
    cursor.copy_expert("COPY (SELECT * FROM items WHERE id >= 2000 ORDER BY id) TO STDOUT", out)
    try:
        cursor.copy_expert("COPY items FROM STDIN", io.StringIO("1\tagain\n"))
        failed = None
    except psycopg2.Error as error:
        failed = error.pgcode
    say("copy", same=out.getvalue() == text, failed=failed,
        count=values(cursor, "SELECT count(*) FROM items"))


def notify(connection, cursor, schema, say):
    cursor.execute(f"LISTEN {schema}")
    connection.autocommit = False
    cursor.execute(f"NOTIFY {schema}, 'undone'")
    connection.rollback()
    cursor.execute(f"NOTIFY {schema}, 'first'")
    cursor.execute("SELECT pg_notify(%s, 'second')", (schema,))
    connection.commit()
    connection.autocommit = True
    connection.poll()
    while len(connection.notifies) < 2:
        select.select([connection], [], [])
        connection.poll()
    cursor.execute(f"UNLISTEN {schema}")
    say("notify", seen=[[one.channel, one.payload] for one in connection.notifies])
    say("sender", own=[one.pid == connection.info.backend_pid for one in connection.notifies])


def temporary(connection, cursor, say):
    cursor.execute("CREATE TEMP TABLE scratch (n int)")
    cursor.execute("INSERT INTO scratch SELECT generate_series(1, 10)")
    say("temporary", sum=values(cursor, "SELECT sum(n) FROM scratch"))
    cursor.execute("DROP TABLE scratch")
    connection.autocommit = False
    cursor.execute("CREATE TEMP TABLE scratch ON COMMIT DROP AS SELECT 1 AS n")
    inside = values(cursor, "SELECT n FROM scratch")
    connection.commit()
    connection.autocommit = True
    say("temporary", inside=inside, gone=fails(cursor, "SELECT n FROM scratch"))


def cancels(connection, cursor, say):
    cursor.execute("SET statement_timeout TO '50ms'")
    timeout = fails(cursor, "SELECT pg_sleep(600)")
    cursor.execute("SET statement_timeout TO '234s'")
    del connection.notices[:]

    def cancel_when_it_waits(waiting):
        cancelled = False
        while True:
            state = waiting.poll()
            if state == extensions.POLL_OK:
                return
            if waiting.notices and not cancelled:
                cancelled = True
                waiting.cancel()
            reading = state == extensions.POLL_READ
            select.select([waiting] if reading else [], [] if reading else [waiting], [])
    extensions.set_wait_callback(cancel_when_it_waits)
    try:
        cancelled = fails(cursor, "SELECT public.announced_wait()")
    finally:
        extensions.set_wait_callback(None)
    say("cancel", timeout=timeout, cancelled=cancelled, on=values(cursor, "SELECT 'goes on'"))


def work(url, copy, say):
    schema = f"psycopg2_c{copy}"
    connection = psycopg2.connect(url, application_name=schema,
                                  options="-c statement_timeout=234s -c DateStyle=German")
    connection.autocommit = True
    cursor = connection.cursor()
    say("startup", encoding=connection.encoding,
        version=connection.get_parameter_status("server_version"),
        **show(cursor, "application_name", "statement_timeout", "DateStyle", "client_encoding"))
    cursor.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.items (id int PRIMARY KEY, word text);"
                   f" CREATE TABLE {schema}.who AS SELECT '{schema}'::text AS schema")
    types(cursor, say)
    cursor.execute(f"SET search_path TO {schema}")
    sql_prepare(cursor, schema, say)
    transactions(connection, cursor, say)
    errors(cursor, say)
    settings(connection, cursor, schema, say)
    cursors(connection, say)
    batches(cursor, say)
    copies(cursor, say)
    notify(connection, cursor, schema, say)
    temporary(connection, cursor, say)
    cancels(connection, cursor, say)
    say("settings", last=show(cursor, "search_path", "application_name"),
        who=values(cursor, "SELECT schema FROM who"), rows=ROWS)
    connection.close()


if __name__ == "__main__":
    play_copies(work)
