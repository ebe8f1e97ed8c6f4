"""BEGIN takes no backend before the first statement of its block."""

import contextlib

from case import case
from pgwire import Bind, CopyData, CopyDone, Describe, Execute, Parse, Query, Sync, extended
from test_clients import program, psycopg

DEFERRED = {"pool_size": 1, "deferred_begin": True, "wait_timeout": "10s"}
PSQL = r"""
BEGIN;
COMMIT;
START TRANSACTION READ ONLY;
CREATE TABLE deferred_psql (i int);
ROLLBACK;
BEGIN;
SELECT 1 / 0;
SELECT 2;
COMMIT;
BEGIN \;SELECT 3 \;COMMIT;
BEGIN;
BEGIN;
SAVEPOINT a;
ROLLBACK TO a;
COMMIT AND CHAIN;
END;
ROLLBACK;
\set AUTOCOMMIT off
SELECT 4;
ROLLBACK;
BEGIN;
\copy (SELECT generate_series(1, 3)) to pstdout
COMMIT;
"""


@case
def clients_that_have_only_begun_hold_no_backend(rig):
    with rig.sluice(**DEFERRED) as sluice:
        clients = [sluice.connect() for _ in range(20)]
        for client in clients:
            answer = client.query("BEGIN")
            assert (answer.tags, answer.status) == (["BEGIN"], "T"), answer.messages
        assert sluice.metric("pool_backends", state="active") == 0
        for client in clients:
            assert client.value("SELECT 1") == "1"
            assert client.ask(Query("SELECT nothing")).sqlstates == ["42703"]
            answer = client.query("COMMIT")
            assert (answer.tags, answer.status) == (["ROLLBACK"], "I"), "the block was real"
        assert sluice.metric("pool_deferred_begins_total", result="sent") == 20
        for client in clients:
            for end, tag in (("COMMIT", "COMMIT"), ("ABORT", "ROLLBACK")):
                client.query("START TRANSACTION READ ONLY")
                answer = client.ask(extended(end))
                assert (answer.tags, answer.status) == ([tag], "I")
        assert sluice.metric("pool_deferred_begins_total", result="spared") == 40
        for client in clients:
            client.end()


@case
def a_block_is_what_its_begin_said(rig):
    with rig.sluice(**DEFERRED) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        other.query("CREATE TABLE deferred_rows (i int)")
        assert client.value("SHOW transaction_isolation") == "repeatable read"
        assert client.value("SHOW transaction_read_only") == "on"
        assert client.ask(Query("INSERT INTO deferred_rows VALUES (1)")).sqlstates == ["25006"]
        client.query("ROLLBACK")
        client.query("BEGIN")
        answer = client.ask(Query("COPY deferred_rows FROM STDIN"), CopyData(b"1\n2\n"), CopyDone)
        assert answer.status == "T", answer.messages
        client.query("ROLLBACK")
        client.ask(Parse("BEGIN", "b"), Describe("S", "b"), Bind(name="b"), Execute(), Sync)
        answer = client.ask(extended("INSERT INTO deferred_rows VALUES (3) RETURNING i"))
        assert answer.rows == [("3",)] and answer.status == "T"
        client.query("COMMIT")
        client.query("BEGIN")
        assert client.query("BEGIN").notices[0]["C"] == "25001"
        assert client.rows("SELECT i FROM deferred_rows") == [("3",)]
        client.query("COMMIT")
        other.query("DROP TABLE deferred_rows")
        client.end()
        other.end()


@case
def a_deferred_block_outlives_idle_transaction_timeout(rig):
    with rig.sluice(**DEFERRED, idle_transaction_timeout="100ms") as sluice:
        idle, busy = sluice.connect(), sluice.connect()
        idle.query("BEGIN")
        busy.query("BEGIN; SELECT 1")
        sluice.wait_metric("refusals_total", 1, reason="idle_transaction_timeout")
        assert idle.value("SELECT 1") == "1", "it held nothing"
        sluice.wait_metric("refusals_total", 2, reason="idle_transaction_timeout")
        idle.messages_to_the_end()
        busy.messages_to_the_end()


@case
def a_block_that_gets_no_backend_has_failed(rig):
    with rig.sluice(**{**DEFERRED, "wait_timeout": "100ms"}) as sluice:
        holder, client = sluice.connect(), sluice.connect()
        holder.query("BEGIN; SELECT 1")
        client.query("BEGIN")
        answer = client.ask(Query("SELECT 1"))
        assert answer.sqlstates == ["53300"] and answer.status == "E", answer.messages
        holder.query("COMMIT")
        assert client.ask(Query("SELECT 2")).sqlstates == ["25P02"], "as behind any error in a block"
        answer = client.query("ROLLBACK")
        assert (answer.tags, answer.status) == (["ROLLBACK"], "I")
        assert client.value("SELECT 3") == "3"
        holder.end()
        client.end()


@case
def it_is_off_by_default_and_can_be_switched_for_a_database(rig):
    for database, active in (({}, 1), ({"deferred_begin": True}, 0)):
        with rig.sluice(pool_size=2, database=database) as sluice:
            client = sluice.connect()
            client.query("BEGIN")
            assert sluice.metric("pool_backends", state="active") == active
            client.query("COMMIT")
            client.end()


@case
def channels_keep_their_order_in_a_deferred_block(rig):
    """LISTEN in a block holds from its COMMIT on, and nobody is told inside of one."""
    with rig.sluice(**{**DEFERRED, "pool_size": 2}) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN")
        client.query("LISTEN deferred")
        client.query("ROLLBACK")
        other.query("NOTIFY deferred, 'lost'")
        client.query("BEGIN")
        client.query("LISTEN deferred")
        client.query("COMMIT")
        client.query("BEGIN")
        client.query("SELECT 1")
        other.query("NOTIFY deferred, 'kept'")
        assert not client.has_input(), "inside of a block"
        client.send(Query("COMMIT"))
        messages = client.expect("CAZ")
        assert messages[1].body.endswith(b"kept\0"), messages
        client.end()
        other.end()


@case
def a_psql_script_prints_what_it_prints_directly(rig):
    printed = []
    direct = f"postgresql://app@127.0.0.1:{rig.postgres.port}/app"
    with rig.sluice(**DEFERRED) as sluice:
        for url in (sluice.url(), direct):
            done = program(rig, "psql", url, "-Xa", text=PSQL)
            printed.append(done.stdout + done.stderr)
        assert printed[0] == printed[1], printed[0]
        assert "25001" not in printed[0] and "already a transaction" in printed[0]
        assert sluice.metric("pool_deferred_begins_total", result="sent") > 0
        assert sluice.metric("pool_deferred_begins_total", result="spared") > 0


@case
def psycopg_begins_without_a_word(rig):
    """It puts BEGIN in front of the first statement itself: as a Query that is answered here, or
    in one pipeline with the statement."""
    module = psycopg()
    with rig.sluice(**DEFERRED) as sluice, module.connect(sluice.url()) as one:
        for pipelined in (False, True):
            with one.pipeline() if pipelined else contextlib.nullcontext():
                one.execute("CREATE TABLE deferred_psycopg (i int)")
                one.execute("INSERT INTO deferred_psycopg VALUES (%s)", (1,))
            one.rollback()
            try:
                one.execute("SELECT i FROM deferred_psycopg")
                raise AssertionError("the table outlived its block")
            except module.errors.UndefinedTable:
                one.rollback()
            with one.transaction():
                with one.transaction(force_rollback=True):
                    one.execute("CREATE TABLE deferred_psycopg (i int)")
                assert one.execute("SELECT to_regclass('deferred_psycopg')").fetchone() == (None,)
            one.isolation_level = module.IsolationLevel.REPEATABLE_READ
            assert one.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)
            one.commit()
            one.isolation_level = None
        assert sluice.metric("pool_deferred_begins_total", result="sent") > 0
