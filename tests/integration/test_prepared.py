"""Prepared statements in transaction mode: the client sees what it would see alone on a backend of
its own, whichever backend it has."""

import subprocess

from case import case
from pgwire import (DIVISION, Bind, Client, Close, Describe, Execute, Flush, Parse, Query, Sync,
                    extended, fields_of)

OWN_PID = "SELECT pg_backend_pid()"

# Each is a list of what is sent at once; between two of them the client gets the other backend.
# The kinds and bodies of all replies must be those of a direct connection.
SCRIPTS = {
    "named_statements_go_where_their_client_goes": [
        [Parse("SELECT $1::int * 2", "double"), Sync], [Bind([1], "double"), Execute(), Sync],
        [Bind([2], "double"), Execute(), Sync], [Describe("S", "double"), Sync],
        [Describe("S", "double"), Flush, Bind([3], "double"), Describe(), Execute(), Sync],
        [Close("S", "double"), Sync], [Bind([4], "double"), Execute(), Sync]],
    "a_name_can_be_used_again_for_another_text": [
        [Parse("SELECT 1", "s"), Sync], [Close("S", "s"), Parse("SELECT 'two'", "s"), Sync],
        [Bind([], "s"), Describe(), Execute(), Sync], [Close("S", "s"), Sync],
        [Parse("SELECT 3, 3", "s"), Bind([], "s"), Describe(), Execute(), Sync],
        [Bind([], "s"), Describe(), Execute(), Sync]],
    "a_name_twice_is_an_error_in_the_pipeline": [
        [Parse("SELECT 1", "s"), Sync], [Parse("SELECT 2", "s"), Sync],
        [extended("SELECT 'before'"), Parse("SELECT 2", "s"), extended("SELECT 'behind'"), Query("SELECT 7")],
        [Parse("SELEKT", "s"), Sync], [Parse("SELECT * FROM nowhere", "s"), Sync],
        [Bind([], "s"), Execute(), Sync], [Query("BEGIN"), Parse("SELECT 2", "s"), Sync],
        [Query("ROLLBACK")], [Parse("SELECT 1", "t"), Parse("SELECT 1", "t"), Sync],
        [Parse("SELECT 1", "t"), Bind([], "t"), Execute(), Sync]],
    "an_unknown_name_is_an_error_in_the_pipeline": [
        [Bind([], "never"), Execute(), Sync], [Describe("S", "never"), Sync],
        [Close("S", "never"), Sync], [extended("SELECT 1"), Bind([], "never"), Execute(), Sync],
        [Query("BEGIN"), Bind([], "never"), Sync], [Bind([], "never"), Sync], [Query("ROLLBACK")]],
    "errors_show_the_clients_own_name": [
        [Parse("SELECT $1::int", "my name"), Sync], [Bind([], "my name"), Sync],
        [Bind([1, 2], "my name"), Sync], [Parse("SELECT $1::int"), Bind([1, 2]), Sync],
        [Parse("SELECT $1::int"), Bind([1, 2]), Sync], [Parse("SELECT $1::int"), Bind([1, 2]), Sync]],
    "a_failed_parse_leaves_nothing": [
        [Parse("SELEKT", "s"), Sync], [Bind([], "s"), Sync], [Parse("SELECT 1", "s"), Sync],
        [Bind([], "s"), Execute(), Sync],
        [Parse(DIVISION), Bind(), Execute(), Parse("SELECT 2", "skipped"), Sync],
        [Bind([], "skipped"), Sync], [Parse("SELECT 3", "skipped"), Bind([], "skipped"), Execute(), Sync],
        [Parse(DIVISION), Bind(), Execute(), Close("S", "s"), Sync], [Bind([], "s"), Execute(), Sync]],
    "batches_sent_ahead_see_what_those_before_them_did": [
        [Parse(DIVISION), Bind(), Execute(), Parse("SELECT 1", "s"), Sync, Bind([], "s"), Execute(), Sync],
        [Parse("SELECT 1", "s"), Sync, Bind([], "s"), Execute(), Sync, Close("S", "s"), Sync,
         Bind([], "s"), Sync, Parse("SELECT 2", "s"), Sync, Bind([], "s"), Execute(), Sync]],
    "portals_are_not_statements": [
        [Parse("SELECT 1", "x"), Bind([], "x", "x"), Close("P", "x"), Bind([], "x"), Execute(), Sync],
        [Bind([], "x"), Execute(), Sync], [Query("BEGIN"), Bind([], "x", "x")],
        [Close("S", "x"), Execute(0, "x"), Sync], [Query("COMMIT")], [Bind([], "x"), Sync]],
    "a_failed_transaction_refuses_statements": [
        [Parse("SELECT 1", "s"), Parse("ROLLBACK", "r"), Sync], [Query("BEGIN"), Query("SELECT 1/0")],
        [Parse("SELECT 1", "t"), Sync], [Bind([], "s"), Sync], [Parse("SELECT 1"), Sync],
        [Close("S", "s"), Sync], [Bind([], "r"), Execute(), Sync], [Bind([], "s"), Sync],
        [Parse("SELECT 1", "s"), Bind([], "s"), Execute(), Sync]],
    "the_unnamed_statement_lives_until_the_next_one": [
        [Parse("SELECT 1"), Describe("S"), Sync], [Bind(), Describe(), Execute(), Sync],
        [Bind(), Execute(), Sync], [Parse("SELECT 'two'"), Sync], [Bind(), Describe(), Execute(), Sync],
        [Query("SELECT 3")], [Bind(), Sync], [Parse("SELECT 4"), Sync], [Close("S"), Sync], [Bind(), Sync],
        [Parse("SELECT 5"), Sync], [Parse("SELEKT"), Sync], [Bind(), Sync]],
    "unnamed_statements_that_come_again": [
        *[[extended("SELECT $1::int + 1", [number])] for number in range(6)],
        [Parse("SELECT $1"), Describe("S"), Sync], [Parse("SELECT $1"), Describe("S"), Sync],
        [Parse("SELECT $1", types=[23]), Describe("S"), Sync],
        [Parse("SELECT $1", types=[23]), Describe("S"), Bind([7]), Describe(), Execute(), Sync],
        [Query("BEGIN"), extended("SELECT $1::int + 1", [8]), Query("COMMIT")],
        [Parse("SELECT * FROM nowhere"), Sync], [Parse("SELECT * FROM nowhere"), Sync]],
    "deallocate_all_takes_this_clients_names": [
        [Parse("SELECT 1", "a"), Parse("SELECT 2", "b"), Sync], [Query("DEALLOCATE ALL")],
        [Bind([], "a"), Sync], [Parse("SELECT 3", "a"), Bind([], "a"), Execute(), Sync],
        [Query("DEALLOCATE ALL"), Bind([], "a"), Sync], [Parse("SELECT 4", "a"), Sync],
        [Bind([], "a"), Execute(), Sync], [Query("DISCARD ALL")], [Bind([], "a"), Sync],
        [extended("DEALLOCATE ALL")], [Parse("SELECT 5", "a"), Bind([], "a"), Execute(), Sync]],
    "names_like_ours": [
        [Parse("SELECT 'mine'", "sluice_1"), Sync], [Bind([], "sluice_1"), Execute(), Sync],
        [Close("S", "sluice_2"), Sync], [Parse("SELECT 1", "x" * 70), Sync],
        [Bind([], "x" * 70), Execute(), Sync]],
}


def transcript(client, frames):
    """What is answered, up to a mark that changes nothing and succeeds in any transaction."""
    client.send(b"".join(frames), Close("P", "the"), Close("P", "end"), Sync)
    messages = []
    while "".join(m.kind for m in messages[-3:]) != "33Z":
        messages.append(client.message())
    # Which of PostgreSQL's own functions said no depends on which of two requests met it first.
    return [(m.kind, {name: value for name, value in fields_of(m.body).items() if name not in "FLR"}
             if m.kind == "E" else m.body) for m in messages]


def make_script_case(name, script):
    def follows(rig):
        for settings in ({}, {"auto_prepare": "off"}, {"auto_prepare": "always"},
                         {"max_prepared_statements": 1}):
            with rig.sluice(pool_size=2, **settings) as sluice:
                direct = Client(("127.0.0.1", rig.postgres.port))
                client = sluice.connect()
                neighbours = [sluice.connect() for _ in range(2)]
                neighbours[0].query("BEGIN")
                for number, frames in enumerate(script):
                    wanted = transcript(direct, frames)
                    got = transcript(client, frames)
                    assert got == wanted, (settings, number, frames, got, wanted)
                    if wanted[-1][1] == b"I":
                        # The one held becomes free, the one just used is held.
                        neighbours[1].query("BEGIN")
                        neighbours[0].query("COMMIT")
                        neighbours.reverse()
                assert sluice.metric("pool_pins_total") == 0, settings
                for one in (direct, client, *neighbours):
                    one.end()
    follows.__name__ = name
    case(follows)


for _name, _script in SCRIPTS.items():
    make_script_case(_name, _script)


@case
def a_backend_is_taught_a_statement_once(rig):
    with rig.sluice(pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(4)]
        for client in clients:
            client.ask(Parse("SELECT $1::int * 2", "double"), Sync)
        for number in range(20):
            for client in clients:
                assert client.ask(Bind([number], "double"), Execute(), Sync).rows == [(str(number * 2),)]
        assert sluice.metric("pool_parses_total") == 4
        assert 1 <= sluice.metric("pool_parses_sent_total") <= 2
        assert sluice.metric("pool_binds_total") == 80
        assert sluice.metric("pool_statements") == 1
        for client in clients:
            client.end()


@case
def one_text_under_other_settings_is_another_statement(rig):
    rig.postgres.execute("CREATE SCHEMA IF NOT EXISTS one; CREATE SCHEMA IF NOT EXISTS two;"
                         "CREATE TABLE IF NOT EXISTS one.here AS SELECT 'one' AS who;"
                         "CREATE TABLE IF NOT EXISTS two.here AS SELECT 'two' AS who;"
                         "GRANT ALL ON ALL TABLES IN SCHEMA one, two TO PUBLIC;"
                         "GRANT ALL ON SCHEMA one, two TO PUBLIC", database="app")
    with rig.sluice(pool_size=1) as sluice:
        one = sluice.connect(parameters={"search_path": "one"})
        two = sluice.connect(parameters={"search_path": "two"})
        for _ in range(3):
            for client, wanted in ((one, "one"), (two, "two")):
                assert client.ask(extended("SELECT who FROM here")).rows == [(wanted,)]
                client.ask(Close("S", "s"), Parse("SELECT who FROM here", "s"), Sync)
                assert client.ask(Bind([], "s"), Execute(), Sync).rows == [(wanted,)]
        assert sluice.metric("pool_statements") == 2
        one.end()
        two.end()


@case
def statements_of_sql_follow_their_client(rig):
    with rig.sluice(pool_size=1) as sluice:
        clients = [sluice.connect() for _ in range(4)]
        for number, client in enumerate(clients):
            client.query(f"PREPARE s (int) AS SELECT $1 + {number}")
        for turn in range(3):
            for number, client in enumerate(clients):
                assert client.value(f"EXECUTE s ({turn})") == str(turn + number)
                assert client.ask(Bind([turn], "s"), Execute(), Sync).rows == [(str(turn + number),)]
                assert client.ask(Query("EXECUTE t")).sqlstates == ["26000"]
        clients[0].query("DEALLOCATE s")
        clients[1].query("DISCARD ALL")
        for client in clients[:2]:
            assert client.ask(Query("EXECUTE s (1)")).sqlstates == ["26000"]
        assert clients[2].value("EXECUTE s (1)") == "3"
        names = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql"
        assert [client.value(names) for client in clients] == ["0", "0", "1", "1"]
        assert sluice.metric("pool_pins_total") == 0
        for client in clients:
            client.end()


@case
def sql_and_protocol_share_their_names(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        for turn in range(3):
            client.ask(Parse("SELECT $1::int", "pdo_1"), Sync)
            other.query("PREPARE pdo_1 AS SELECT 'other'")
            assert client.value("EXECUTE pdo_1 (7)") == "7"
            assert other.value("EXECUTE pdo_1") == "other"
            client.query("DEALLOCATE pdo_1")
            other.ask(Close("S", "pdo_1"), Sync)
            assert client.ask(Bind([1], "pdo_1"), Sync).sqlstates == ["26000"]
            assert other.ask(Query("EXECUTE pdo_1")).sqlstates == ["26000"]
        assert sluice.metric("pool_pins_total") == 0
        client.end()
        other.end()


@case
def what_cannot_be_prepared_again_is_the_answer(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("CREATE TABLE gone (i int); PREPARE s AS SELECT * FROM gone")
        other.query("DROP TABLE gone; PREPARE s AS SELECT 1")
        client.send(Query("EXECUTE s"), Query("SELECT 2"))
        assert client.answer().sqlstates == ["42P01"] and client.answer().rows == [("2",)]
        client.query("BEGIN")
        assert client.ask(Query("EXECUTE s")).status == "E"
        client.query("ROLLBACK")
        assert other.value("EXECUTE s") == "1"
        client.end()
        other.end()


@case
def a_client_with_too_many_names_of_sql_is_told_so(rig):
    with rig.sluice(pool_size=1, max_client_statements=2) as sluice:
        client = sluice.connect()
        client.query("PREPARE a AS SELECT 1; PREPARE b AS SELECT 2")
        for frames in ([Query("PREPARE c AS SELECT 3")], [extended("PREPARE c AS SELECT 3")]):
            answer = client.ask(*frames)
            assert answer.sqlstates == ["54000"] and answer.status == "I", answer
        client.query("DEALLOCATE a; PREPARE c AS SELECT 3")
        assert client.value("EXECUTE c") == "3"
        client.end()


@case
def a_client_with_too_many_statements_is_told_so(rig):
    with rig.sluice(pool_size=1, max_client_statements=2, max_client_statement_bytes="4KiB") as sluice:
        client = sluice.connect()
        client.ask(Parse("SELECT 1", "a"), Parse("SELECT 2", "b"), Sync)
        answer = client.ask(extended("SELECT 'before'")[:-5], Parse("SELECT 3", "c"), Sync)
        assert answer.kinds == "12DCEZ" or answer.kinds == "12TDCEZ", answer.kinds
        assert answer.sqlstates == ["54000"] and answer.status == "I"
        assert client.ask(Parse("SELEKT", "c"), Sync).sqlstates == ["42601"]
        assert client.ask(Bind([], "c"), Sync).sqlstates == ["26000"]
        assert client.ask(Close("S", "a"), Parse("SELECT 3", "c"), Bind([], "c"), Execute(),
                          Sync).rows == [("3",)]
        long = "SELECT '" + "x" * 5000 + "'"
        assert client.ask(Close("S", "b"), Parse(long, "d"), Sync).sqlstates == ["54000"]
        assert client.ask(extended(long)).rows == [("x" * 5000,)]
        assert sluice.metric("refusals_total", reason="too_many_statements") == 2
        client.end()


@case
def a_flood_of_statements_is_bounded(rig):
    with rig.sluice(pool_size=1, max_prepared_statements=5, statement_cache_size=10) as sluice:
        client = sluice.connect()
        for number in range(50):
            client.ask(Parse(f"SELECT {number}", "s"), Bind([], "s"), Execute(), Close("S", "s"), Sync)
            client.execute(f"SELECT -{number}")
        # Asked for by its own name the view shows what is the client's.
        client.query("CREATE VIEW everything AS SELECT * FROM pg_prepared_statements")
        count = client.value("SELECT count(*) FROM everything")
        assert int(count) <= 5, count
        assert sluice.metric("pool_statements") <= 11
        assert sluice.metric("pool_statement_evictions_total") >= 45
        client.end()


@case
def unnamed_statements_are_prepared_when_they_come_again(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        for number in range(10):
            assert client.ask(extended("SELECT $1::int", [number])).rows == [(str(number),)]
        assert sluice.metric("pool_parses_total") == 10
        assert sluice.metric("pool_parses_sent_total") == 2
        client.query("BEGIN")
        client.execute("SELECT $1::int", 1)
        client.query("COMMIT")
        assert sluice.metric("pool_parses_sent_total") == 3, "inside a block it is the client's own"
        client.end()


@case
def a_change_of_definition_makes_unnamed_statements_parse_anew(rig):
    with rig.sluice(pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(3)]
        clients[0].query("DROP TABLE IF EXISTS changing; CREATE TABLE changing AS SELECT 1 AS a")
        for _ in range(4):
            for client in clients:
                assert client.ask(extended("SELECT * FROM changing")).rows == [("1",)]
        for sql, row in (("ALTER TABLE changing ADD b text DEFAULT 'x'", ("1", "x")),
                         ("ALTER TABLE changing DROP a", ("x",)),
                         ("BEGIN; ALTER TABLE changing ADD c int; COMMIT", ("x", None))):
            clients[0].query(sql)
            for _ in range(3):
                for client in clients:
                    assert client.ask(extended("SELECT * FROM changing")).rows == [row], sql
        clients[1].query("DROP TABLE changing")
        for client in clients:
            client.end()


@case
def a_statement_of_another_result_heals(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        other.query("CREATE TABLE healed (i int); INSERT INTO healed VALUES (1)")
        run = [Bind([], "s"), Execute(), Sync]
        assert client.ask(Parse("SELECT * FROM healed", "s"), *run).rows == [("1",)]
        other.query("ALTER TABLE healed ADD j int DEFAULT 2")
        assert client.ask(*run).rows == [("1", "2")]
        client.query("BEGIN")
        other.query("ALTER TABLE healed ADD k int DEFAULT 3")
        # In a block PostgreSQL's own word stands, if this backend had the statement before.
        assert client.ask(*run).sqlstates in (["0A000"], [])
        client.query("ROLLBACK")
        assert client.ask(*run).rows == [("1", "2", "3")]
        other.query("DROP TABLE healed")
        client.end()
        other.end()


@case
def a_change_behind_the_poolers_back_is_not_seen(rig):
    """A migration that goes past Sluice: nobody is told that a plan does not fit any more who never
    asked what it returns, or asks each time."""
    with rig.sluice(pool_size=2, min_pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(6)]
        clients[0].query("CREATE TABLE behind (i int); INSERT INTO behind VALUES (1)")
        unnamed = [extended("SELECT * FROM behind")]
        named = [Bind([], "s"), Execute(), Sync]
        described = [Bind([], "s"), Describe("P"), Execute(), Close("P"), Sync]
        for client in clients:
            client.ask(Parse("SELECT * FROM behind", "s"), Sync)
        for row in (("1",), ("1", "2"), ("1", "2", "3"), ("1", "2", "3", "4")):
            if len(row) > 1:
                rig.postgres.execute(f"ALTER TABLE behind ADD c{len(row)} int DEFAULT {len(row)}",
                                     database="app")
            for number, client in enumerate(clients):
                for run in (unnamed, described if number % 2 else named):
                    reply = client.ask(*run)
                    assert reply.rows == [row], (row, reply.errors)
        again = sluice.metric("pool_batches_sent_again_total")
        assert 3 <= again <= 3 * 2 * 2, again  # At most one a statement and backend.
        rig.postgres.execute("DROP TABLE behind", database="app")
        assert clients[0].ask(*named).sqlstates == ["42P01"]
        for client in clients:
            client.end()


@case
def what_was_carried_out_before_a_plan_failed_is_not_repeated(rig):
    """Where a batch has been answered in part, or is in a block, PostgreSQL's own word stands."""
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("CREATE TABLE partly (i int); INSERT INTO partly VALUES (1)")
        insert = [Bind([], "insert"), Execute()]
        select = [Bind([], "select"), Execute()]
        client.ask(Parse("INSERT INTO partly SELECT 7", "insert"), Sync)
        client.ask(Parse("SELECT * FROM partly LIMIT 1", "select"), *select, Sync)
        rig.postgres.execute("ALTER TABLE partly ADD j int DEFAULT 2", database="app")
        assert client.ask(*insert, *select, Sync).sqlstates == ["0A000"]
        assert client.query("SELECT count(*) FROM partly").rows == [("1",)]
        assert client.ask(*select, Sync).rows == [("1", "2")]
        client.query("BEGIN")
        rig.postgres.execute("ALTER TABLE partly ADD k int DEFAULT 3", database="app")
        assert client.ask(*select, Sync).sqlstates == ["0A000"]
        client.query("ROLLBACK")
        # Two batches at once: the second was on its way before the first was answered.
        client.send(*select, Sync, *select, Sync)
        assert client.answer().rows == [("1", "2", "3")]
        assert client.answer().rows == [("1", "2", "3")]
        client.end()
        rig.postgres.execute("DROP TABLE partly", database="app")


@case
def a_reset_backend_is_taught_again(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.ask(Parse("SELECT 1", "s"), Sync)
        other.query("SET work_mem = '9MB'")
        other.end()
        assert client.ask(Bind([], "s"), Execute(), Sync).rows == [("1",)]
        client.send(Parse("SELECT 1", "left"), Flush)
        assert client.message().kind == "1"
        client.abort()
        again = sluice.connect()
        assert again.ask(Bind([], "left"), Sync).sqlstates == ["26000"]
        again.end()


@case
def frames_of_statements_come_in_any_pieces(rig):
    with rig.sluice(pool_size=2) as sluice:
        client = sluice.connect()
        data = b"".join([Parse("SELECT $1::text || $2::text", "glue"), Describe("S", "glue"),
                         Bind(["a", "b" * 3000], "glue"), Execute(), Close("S", "glue"), Sync])
        for _ in range(2):
            client.send_bytewise(data)
            assert client.answer().rows == [("a" + "b" * 3000,)]
        large = "y" * 3_000_000
        client.ask(Parse("SELECT length($1::text)", "large"), Sync)
        for _ in range(2):
            assert client.ask(Bind([large], "large"), Execute(), Sync).rows == [("3000000",)]
        text = "SELECT length('" + large + "')"
        assert client.ask(Parse(text), Sync).kinds == "1Z"
        assert client.ask(Bind(), Execute(), Sync).rows == [("3000000",)], "nobody else had it"
        client.end()


@case
def pgbench_with_prepared_statements(rig):
    """Each of its threads waits for the Parse of one client while others of its clients hold all
    backends, so none may need a backend for a Parse."""
    with rig.sluice(pool_size=2, wait_timeout="5s") as sluice:
        host, port = sluice.address
        for arguments in (["-i"], ["--select-only"], []):
            done = subprocess.run(
                ["pgbench", "-h", host, "-p", str(port), "-U", "app", *arguments,
                 *([] if "-i" in arguments else "-n -M prepared -c 10 -j 2 -t 100".split()), "app"], capture_output=True, text=True, check=False)
            whole = "-i" in arguments or "1000/1000" in done.stdout
            assert done.returncode == 0 and whole, done.stdout + done.stderr
        assert sluice.metric("pool_pins_total") == 0


@case
def what_another_user_makes_is_found_by_all(rig):
    """A table in front of another, made in another pool of the same database."""
    rig.postgres.execute("CREATE SCHEMA IF NOT EXISTS front", "GRANT ALL ON SCHEMA front TO PUBLIC",
                         "CREATE TABLE public.shadowed AS SELECT 'behind' AS w",
                         "GRANT ALL ON public.shadowed TO PUBLIC", database="app")
    text = "SELECT w FROM shadowed"
    with rig.sluice(pool_size=2) as sluice:
        client = sluice.connect(parameters={"search_path": "front, public"})
        for _ in range(3):
            assert client.ask(Parse(text), Bind(), Execute(), Sync).rows == [("behind",)]
        other = sluice.connect(user="second")
        other.query("CREATE TABLE front.shadowed AS SELECT 'in front' AS w")
        other.query("GRANT ALL ON front.shadowed TO PUBLIC")
        assert client.ask(Parse(text), Bind(), Execute(), Sync).rows == [("in front",)]
        assert client.ask(Parse(text, "s"), Bind(name="s"), Execute(), Sync).rows == [("in front",)]
        client.end()
        other.query("DROP TABLE front.shadowed")
        other.end()
    rig.postgres.execute("DROP TABLE public.shadowed", database="app")
