"""What cannot be shared keeps its backend, says why, and leaves nothing behind."""

from case import case
from pgwire import Bind, Close, Describe, Execute, FunctionCall, Parse, Query, Sync, extended
from test_modes import OWN_PID, is_clean

# Reason in the metrics; what a client sends.
PINS = {
    "temporary_table": [Query("CREATE TEMP TABLE mine (a int)")],
    "advisory_lock": [Query("SELECT pg_advisory_lock(4711)")],
    "with_hold": [Query("DECLARE mine CURSOR WITH HOLD FOR SELECT 1")],
}
# Where the policy is to pin for it.
PINS_BY_POLICY = {
    "set": [Query("SET work_mem = '9MB'")],
    "listen": [Query("LISTEN somewhere")],
    "code": [Query("DO $$ BEGIN PERFORM set_config('work_mem', '9MB', false); END $$")],
}


def pin_and_watch(rig, sluice, frames):
    """The client keeps its backend; another waits for it; afterwards it is clean."""
    client, other = sluice.connect(), sluice.connect()
    pid = client.value(OWN_PID)
    answer = client.ask(*frames)
    assert not answer.errors, answer.errors
    other.send(Query(OWN_PID))
    sluice.wait_metric("pool_waiting_clients", 1)
    assert client.value(OWN_PID) == pid and not other.has_input()
    client.end()
    assert other.answer().rows == [(pid,)], "the backend was not reused"
    is_clean(other)
    assert other.value("SHOW work_mem") == "4MB"
    other.end()


def make_pin_case(reason, frames, **settings):
    def pins(rig):
        with rig.sluice(pool_size=1, **settings) as sluice:
            pin_and_watch(rig, sluice, frames)
            assert sluice.metric("pool_pins_total", reason=reason) == 1
            assert sluice.metric("pool_pins_total") == 1
    pins.__name__ = f"{reason}_keeps_the_backend_and_leaves_it_clean"
    case(pins)


for _reason, _frames in PINS.items():
    make_pin_case(_reason, _frames)
for _reason, _frames in PINS_BY_POLICY.items():
    make_pin_case(_reason, _frames, session_state={_reason: "pin"})

MORE = ["SELECT set_config('work_mem', '9MB', false)", "set session work_mem to '9MB'",
        "/* x */ SET\nwork_mem = '9MB'", "SELECT 1; SET work_mem = '9MB'",
        "SELECT pg_try_advisory_lock(1, 2)", "SELECT pg_advisory_lock_shared(3)",
        "SELECT * INTO TEMP mine FROM (SELECT 1 AS a) s", "CREATE TABLE pg_temp.mine (a int)",
        "CREATE TEMPORARY SEQUENCE mine", "CREATE TEMP VIEW mine AS SELECT 1",
        "BEGIN; DECLARE mine CURSOR WITH HOLD FOR SELECT 1; COMMIT",
        "BEGIN; SET work_mem = '9MB'; COMMIT", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET ROLE app", "SET SESSION AUTHORIZATION app", "SELECT \"set_config\"('work_mem','9MB',false)",
        "SELECT pg_catalog.set_config('work_mem','9MB',false)",
        "UPDATE pg_settings SET setting = '9216' WHERE name = 'work_mem'",
        "SELECT setseed(0.5)", "SELECT U&\"s\\0065t_config\"('work_mem','9MB',false)"]


@case
def other_ways_to_leave_state_are_seen_too(rig):
    with rig.sluice(pool_size=1) as sluice:
        for sql in MORE:
            if "setseed" in sql:
                continue  # Not visible to the next one.
            client, other = sluice.connect(), sluice.connect()
            try:
                client.query(sql)
                client.end()
                is_clean(other)
                assert other.value("SHOW work_mem") == "4MB"
                assert other.value("SHOW default_transaction_read_only") == "off"
                assert other.value("SHOW role") == "none"
            except Exception as error:
                error.add_note(f"after {sql}")
                raise
            other.end()


@case
def temporary_objects_made_by_way_of_search_path_keep_the_backend(rig):
    """With pg_temp in the path CREATE TABLE is CREATE TEMP TABLE, and says nothing of it."""
    made = [Query("CREATE TABLE mine (a int)")], [Query("SELECT 1 AS a INTO mine")], \
        [extended("CREATE VIEW mine AS SELECT 1")], \
        [Query("/* " + 70_000 * "x" + " */ CREATE SEQUENCE mine")]
    with rig.sluice(pool_size=1) as sluice:
        for frames in made:
            set_before = sluice.connect()
            set_before.query("SET search_path = PG_TEMP, public")
            started_so = sluice.connect(parameters={"options": "-c search_path=pg_temp"})
            for client in (set_before, started_so):
                assert not client.ask(*frames).errors
                sluice.wait_metric("pool_pinned_clients", 1)
                client.end()
                other = sluice.connect()
                is_clean(other)
                assert other.value("SELECT to_regclass('pg_temp.mine') IS NULL") == "t"
                other.end()
        # The value is in no text, and holds for this transaction alone.
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN")
        client.execute("SELECT set_config('search_path', $1, true)", "pg_temp")
        client.query("CREATE TABLE mine (a int)")
        client.query("COMMIT")
        sluice.wait_metric("pool_pinned_clients", 1)
        client.query("DROP TABLE pg_temp.mine")
        assert other.value("SELECT to_regclass('pg_temp.mine') IS NULL") == "t", "and is free again"
        client.query("SET search_path = public, pg_temp")
        client.query("CREATE TABLE mine (a int)")
        assert other.query("DROP TABLE mine").tags == ["DROP TABLE"], "the first of the path counts"
        client.end()
        other.end()


@case
def the_extended_protocol_pins_as_well(rig):
    with rig.sluice(pool_size=1, session_state={"set": "pin"}) as sluice:
        for sql in MORE[:6]:
            if ";" in sql:
                continue
            client, other = sluice.connect(), sluice.connect()
            client.execute(sql)
            sluice.wait_metric("pool_pinned_clients", 1)
            client.end()
            is_clean(other)
            assert other.value("SHOW work_mem") == "4MB"
            other.end()


@case
def what_ends_with_its_transaction_does_not_pin(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        for sql in ("BEGIN; SET LOCAL work_mem = '9MB'; COMMIT", "SELECT 'SET work_mem = 1'",
                    "SELECT pg_advisory_xact_lock(5)", "SELECT 1 -- LISTEN x",
                    "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; COMMIT",
                    "BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH c; COMMIT",
                    "UPDATE notes SET text = 'x' WHERE id = -1", "SELECT $$ PREPARE x AS $$",
                    "BEGIN; SET CONSTRAINTS ALL DEFERRED; COMMIT", "NOTIFY x"):
            client.query(sql)
            assert other.value("SHOW work_mem") == "4MB", sql
            is_clean(other)
        client.execute("SELECT $1::int + 1", 4)
        client.ask(Parse("SELECT 1"), Bind(), Describe(), Execute(), Close("P"), Sync)
        assert sluice.metric("pool_pins_total") == 0
        client.end()
        other.end()


@case
def a_sql_text_that_comes_in_pieces_is_read_whole(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        text = "SELECT '" + "x" * 70000 + "'; SET work_mem = '9MB' -- " + "y" * 70000
        data = Query(text)
        for start in range(0, len(data), 9973):
            client.send(data[start:start + 9973])
        answer = client.answer()
        assert answer.tags == ["SELECT 1", "SET"]
        assert sluice.metric("pool_pins_total", reason="set") == 1
        client.end()
        assert other.value("SHOW work_mem") == "4MB"
        other.end()


@case
def a_named_statement_works_on_every_backend(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.ask(Parse("SELECT $1::int * 2", "double"), Sync)
        for number in range(5):
            other.query("SELECT 1")
            assert client.ask(Bind([number], "double"), Execute(), Sync).rows == [(str(number * 2),)]
        again = client.ask(Parse("SELECT 2", "double"), Sync)
        assert again.sqlstates == ["42P05"] and again.status == "I"
        assert client.ask(Close("S", "double"), Sync).kinds == "3Z"
        assert client.ask(Close("S", "never"), Sync).kinds == "3Z"
        assert client.ask(Bind([], "never"), Sync).sqlstates == ["26000"]
        assert other.ask(Bind([1], "double"), Execute(), Sync).sqlstates == ["26000"]
        client.end()
        other.end()


@case
def an_unnamed_statement_of_another_client_is_never_seen(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.execute("SELECT 'private'::text, $1::int", 4)
        answer = other.ask(Bind([1]), Execute(), Sync)
        assert answer.sqlstates == ["26000"], answer.messages
        answer = other.ask(Describe("S"), Sync)
        assert answer.sqlstates == ["26000"], answer.messages
        assert other.ask(extended("SELECT $1::int", [2])).rows == [("2",)]
        client.end()
        other.end()


@case
def a_function_call_that_locks_pins(rig):
    oid = int(rig.postgres.value("SELECT 'pg_advisory_lock(bigint)'::regprocedure::oid"))
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        answer = client.ask(FunctionCall(oid, "99"))
        assert answer.kinds == "VZ", answer.kinds
        client.end()
        is_clean(other)
        other.end()


@case
def state_left_by_a_client_that_dies_is_cleaned(rig):
    with rig.sluice(pool_size=1) as sluice:
        other = sluice.connect()
        pid = other.value(OWN_PID)
        for reason, frames in {**PINS, **PINS_BY_POLICY}.items():
            client = sluice.connect()
            client.ask(*frames)
            client.abort()
            assert other.value(OWN_PID) == pid, reason
            is_clean(other)
            assert other.value("SHOW work_mem") == "4MB", reason
        # And one that dies inside a transaction, with a statement that survives a rollback.
        client = sluice.connect()
        client.query("BEGIN; PREPARE left_behind AS SELECT 1; SET work_mem = '9MB'")
        client.abort()
        is_clean(other)
        assert other.value(OWN_PID) == pid
        other.end()


@case
def notifications_reach_the_listener(rig):
    with rig.sluice(pool_size=2) as sluice:
        listener, sender = sluice.connect(), sluice.connect()
        listener.query("LISTEN news")
        sender.query("NOTIFY news, 'hello'")
        message = listener.message()
        assert message.kind == "A" and message.body[4:] == b"news\0hello\0", message
        listener.end()
        sender.end()


@case
def a_placeholder_setting_is_gone_for_the_next_client(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("SET my.tenant = 'secret'")
        client.end()
        value = other.value("SELECT current_setting('my.tenant', true)")
        assert value in (None, ""), value
        other.end()
