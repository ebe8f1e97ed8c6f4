"""What a backend is to a client in each pool mode, and the release rule."""

from case import case
from pgwire import (Bind, Describe, Execute, Flush, Parse, Query, Sync, extended)
from processes import wait_until
from rig import raises

OWN_PID = "SELECT pg_backend_pid()"


@case
def session_mode_gives_the_backends_own_process_id(rig):
    with rig.sluice(pool_mode="session", pool_size=3) as sluice:
        clients = [sluice.connect() for _ in range(3)]
        pids = [int(client.value(OWN_PID)) for client in clients]
        assert pids == [client.pid for client in clients] and len(set(pids)) == 3
        clients[0].end()
        again = sluice.connect()
        assert again.pid == int(again.value(OWN_PID))
        rig.postgres.rows(f"SELECT pg_terminate_backend({clients[1].pid})")
        messages = clients[1].messages_to_the_end()
        assert any(b"57P01" in message.body for message in messages), messages
        for client in (again, clients[2]):
            client.end()


@case
def session_mode_keeps_state_to_the_end_of_the_client_and_no_longer(rig):
    with rig.sluice(pool_mode="session", pool_size=1) as sluice:
        first = sluice.connect()
        pid = first.pid
        first.query("SET work_mem = '7MB'; CREATE TEMP TABLE t (a int); LISTEN ch")
        first.query("PREPARE p AS SELECT 1; SELECT pg_advisory_lock(77)")
        assert first.value("SHOW work_mem") == "7MB"
        first.end()
        second = sluice.connect()
        assert second.pid == pid, "the backend was not reused"
        assert second.value("SHOW work_mem") == "4MB"
        is_clean(second)
        second.end()
        assert sluice.metric("pool_resets_total") >= 1


def is_clean(client):
    found = client.rows(
        "SELECT 'statement' FROM pg_prepared_statements UNION ALL "
        "SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
        "UNION ALL SELECT 'channel' FROM pg_listening_channels() UNION ALL "
        "SELECT 'cursor' FROM pg_cursors WHERE is_holdable UNION ALL "
        "SELECT 'table' FROM pg_class WHERE relpersistence = 't' "
        "AND relnamespace = pg_my_temp_schema()")
    assert found == [], found


@case
def session_mode_startup_parameters_are_what_reset_returns_to(rig):
    with rig.sluice(pool_mode="session", pool_size=1) as sluice:
        for value in ("11s", "22s"):
            for _ in range(2):
                client = sluice.connect(parameters={"statement_timeout": value,
                                                    "application_name": f"name {value}"})
                assert client.value("SHOW statement_timeout") == value
                client.query("SET statement_timeout = '33s'; SET application_name = 'x'")
                client.query("RESET ALL")
                assert client.value("SHOW statement_timeout") == value
                assert client.value("SHOW application_name") == f"name {value}"
                assert client.pid == int(client.value(OWN_PID))
                client.end()
        client = sluice.connect()
        assert client.value("SHOW statement_timeout") == "0"
        client.end()


@case
def session_mode_an_unacceptable_parameter_is_its_own_clients_alone(rig):
    with rig.sluice(pool_mode="session", pool_size=1) as sluice:
        raises("22023", sluice.connect, parameters={"statement_timeout": "soon"})
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        client.end()


@case
def transaction_mode_shares_backends_between_transactions(rig):
    with rig.sluice(pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(20)]
        pids = {client.value(OWN_PID) for client in clients for _ in range(3)}
        assert len(pids) <= 2 and len(rig.postgres.backends()) <= 2, pids
        first, second, third = clients[:3]
        first.query("BEGIN")
        second.query("BEGIN")
        held = {first.value(OWN_PID), second.value(OWN_PID)}
        assert len(held) == 2
        third.send(Query("SELECT 3"))
        sluice.wait_metric("pool_waiting_clients", 1)
        assert not third.has_input()
        first.query("COMMIT")
        assert third.answer().rows == [("3",)]
        second.query("ROLLBACK")
        for client in clients:
            client.end()


@case
def a_transaction_stays_on_one_backend(rig):
    with rig.sluice(pool_size=4) as sluice:
        clients = [sluice.connect() for _ in range(4)]
        for client in clients:
            client.query("BEGIN")
        pids = [client.value(OWN_PID) for client in clients]
        assert len(set(pids)) == 4
        for _ in range(3):
            assert [client.value(OWN_PID) for client in clients] == pids
            assert [client.execute(OWN_PID).rows[0][0] for client in clients] == pids
        for client in clients:
            client.query("COMMIT AND CHAIN")
        assert [client.value(OWN_PID) for client in clients] == pids
        for client in clients:
            client.query("COMMIT")
            client.end()


@case
def a_failed_transaction_keeps_its_backend_until_its_end(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN")
        pid = client.value(OWN_PID)
        assert client.fails("SELECT 1/0") == "22012"
        assert client.fails("SELECT 1") == "25P02"
        probe = client.ask(Query(";"))
        assert probe.kinds == "IZ" and probe.status == "E"
        other.send(Query("SELECT 1"))
        sluice.wait_metric("pool_waiting_clients", 1)
        answer = client.ask(Query("COMMIT"))
        assert answer.tags == ["ROLLBACK"] and answer.status == "I"
        assert other.answer().rows == [("1",)]
        assert other.value(OWN_PID) == pid
        client.end()
        other.end()


@case
def begin_as_second_statement_of_a_string_is_noticed(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        assert client.ask(Query("SELECT 1; BEGIN; SELECT 2")).status == "T"
        other.send(Query("SELECT 1"))
        sluice.wait_metric("pool_waiting_clients", 1)
        assert client.ask(Query("COMMIT; BEGIN; SELECT 1; COMMIT")).status == "I"
        assert other.answer().status == "I"
        client.end()
        other.end()


@case
def statement_mode_refuses_transactions_and_rolls_them_back(rig):
    with rig.sluice(pool_mode="statement", pool_size=1) as sluice:
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        assert client.query("SELECT 1; SELECT 2").tags == ["SELECT 1", "SELECT 1"]
        client.execute("SELECT $1::int", 4)
        client.send(Query("BEGIN"))
        messages = client.messages_to_the_end()
        assert any(m.kind == "E" and b"0A000" in m.body for m in messages), messages
        other = sluice.connect()
        assert other.ask(Query("SELECT 1")).status == "I"
        other.send(Query("BEGIN; INSERT INTO notes VALUES (1, 'never')"))
        other.messages_to_the_end()
        third = sluice.connect()
        assert third.value("SELECT count(*) FROM notes WHERE text = 'never'") == "0"
        third.end()
        assert sluice.metric("refusals_total", reason="transaction_in_statement_mode") == 2


@case
def statement_mode_leaves_odd_strings_to_the_server(rig):
    with rig.sluice(pool_mode="statement", pool_size=1) as sluice:
        client = sluice.connect(parameters={"standard_conforming_strings": "off"})
        assert client.value("SELECT length('it\\'; BEGIN; --')") == "14"
        client.end()


@case
def statement_mode_refuses_a_block_before_it_begins(rig):
    """The refusal is the first word, and the server has heard nothing of it."""
    begun = [Query("BEGIN"), Query("/* c */ start transaction isolation level serializable;"),
             Query("BEGIN; SELECT 1"), extended("BEGIN"), extended("begin read write"),
             Query("SELECT 1; BEGIN"), Query("SELECT 2;-- c\n/* d */Start Transaction; SELECT 3"),
             Query("BEGIN; COMMIT; SELECT 4; BEGIN")]
    with rig.sluice(pool_mode="statement", pool_size=1) as sluice:
        witness = sluice.connect()
        assert witness.value("SELECT 1") == "1"
        for request in begun:
            client = sluice.connect()
            client.send(request)
            messages = client.messages_to_the_end()
            assert [m.kind for m in messages] == ["E"], messages
            assert b"FATAL" in messages[0].body and b"0A000" in messages[0].body, messages
        assert [row[4] for row in rig.postgres.backends()] == ["SELECT 1"]
        # What was asked for before is answered before.
        client = sluice.connect()
        client.send(Query("SELECT 1"), Query("BEGIN"))
        kinds = [m.kind for m in client.messages_to_the_end()]
        assert kinds == ["T", "D", "C", "Z", "E"], kinds
        client = sluice.connect()
        client.send(extended("SELECT 1")[:-5], extended("BEGIN"))
        kinds = [m.kind for m in client.messages_to_the_end()]
        assert kinds[-1] == "E" and kinds.count("D") == 1 and kinds.count("E") == 1, kinds
        # It may come in pieces.
        client = sluice.connect()
        request = Query("SELECT 1; BEGIN")
        for at in range(len(request)):
            client.send(request[at:at + 1])
        assert [m.kind for m in client.messages_to_the_end()] == ["E"]
        # Blocks that end where they begin leave nothing open, and not every such word is a verb.
        assert witness.query("BEGIN; SELECT 1; COMMIT").tags == ["BEGIN", "SELECT 1", "COMMIT"]
        assert witness.query("SELECT 1; BEGIN; COMMIT").tags == ["SELECT 1", "BEGIN", "COMMIT"]
        assert witness.query("SELECT ';begin'; SELECT 5 AS start").tags == ["SELECT 1"] * 2
        assert sluice.metric("refusals_total", reason="transaction_in_statement_mode") == 11
        witness.end()


@case
def the_mode_of_a_user_wins_over_that_of_a_database(rig):
    with rig.sluice(pool_mode="statement", database={"pool_mode": "transaction"},
                    users={"app": {}, "second": {"pool_mode": "session"}}) as sluice:
        client = sluice.connect(user="second")
        assert client.pid == int(client.value(OWN_PID))
        client.end()
        client = sluice.connect(user="app")
        client.query("BEGIN")
        client.query("COMMIT")
        client.end()


@case
def flush_keeps_the_backend(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.send(Parse("SELECT $1::int"), Describe("S"), Flush)
        client.expect("1tT")
        other.send(Query("SELECT 5"))
        sluice.wait_metric("pool_waiting_clients", 1)
        assert not other.has_input()
        client.send(Bind([4]), Execute(), Flush)
        client.expect("2DC")
        assert not other.has_input()
        client.send(Sync)
        client.expect("Z")
        assert other.answer().rows == [("5",)]
        client.end()
        other.end()


@case
def a_suspended_portal_keeps_the_backend(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.send(Parse("SELECT generate_series(1, 5)"), Bind(), Execute(2), Flush)
        client.expect("12DDs")
        other.send(Query("SELECT 5"))
        sluice.wait_metric("pool_waiting_clients", 1)
        client.send(Execute(2), Flush)
        client.expect("DDs")
        assert not other.has_input()
        client.send(Execute(2), Sync)
        client.expect("DCZ")
        assert other.answer().rows == [("5",)]
        client.end()
        other.end()


@case
def a_suspended_portal_inside_a_transaction_lives_across_syncs(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        client.ask(Parse("SELECT generate_series(1, 4)"), Bind(portal="c"), Execute(2, "c"), Sync)
        answer = client.ask(Execute(0, "c"), Sync)
        assert answer.rows == [("3",), ("4",)]
        client.query("COMMIT")
        client.end()


@case
def the_backend_is_kept_until_every_owed_reply_has_come(rig):
    """Two requests at once: the first ReadyForQuery ends nothing."""
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.send(Query("SELECT 1"), Query("SELECT pg_sleep(0.3)"), extended("SELECT $1::int", [3]))
        assert client.answer().rows == [("1",)]
        other.send(Query("SELECT 9"))
        assert client.answer().tags == ["SELECT 1"]
        assert client.answer().rows == [("3",)]
        assert other.answer().rows == [("9",)]
        client.end()
        other.end()


@case
def the_last_backend_used_is_used_first(rig):
    with rig.sluice(server={"workers": 1}, pool_size=5) as sluice:
        clients = [sluice.connect() for _ in range(5)]
        for client in clients:
            client.query("BEGIN")
        pids = [client.value(OWN_PID) for client in clients]
        for client in clients:
            client.query("COMMIT")
        assert {clients[0].value(OWN_PID) for _ in range(5)} == {pids[4]}
        for client in clients:
            client.end()


@case
def server_reset_query_always_and_of_ones_own(rig):
    with rig.sluice(pool_size=1, server_reset_query_always=True) as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        client.query("SELECT 1")
        sluice.wait_metric("pool_resets_total", lambda count: count >= 2)
        client.end()
    with rig.sluice(pool_size=1, pool_mode="session",
                    server_reset_query="RESET work_mem") as sluice:
        client = sluice.connect()
        client.query("SET work_mem = '9MB'")
        client.end()
        client = sluice.connect()
        assert client.value("SHOW work_mem") == "4MB"
        client.end()


@case
def a_reset_query_that_fails_costs_the_backend_only(rig):
    with rig.sluice(pool_size=1, server_reset_query="SELECT 1/0") as sluice:
        for _ in range(3):
            client = sluice.connect()
            client.query("SET work_mem = '9MB'")
            client.end()
            client = sluice.connect()
            assert client.value("SHOW work_mem") == "4MB"
            client.end()


@case
def an_idle_backend_is_checked_before_it_is_given_out(rig):
    with rig.sluice(pool_size=1, server_check_delay=0, server_check_query="SELECT 41") as sluice:
        client = sluice.connect()
        for _ in range(3):
            assert client.query("SELECT 1").rows == [("1",)]
        assert sluice.metric("pool_checks_total") >= 2
        client.end()


@case
def a_backend_that_died_idle_is_not_given_out(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        for _ in range(5):
            pid = client.value(OWN_PID)
            rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
            wait_until(rig.postgres.is_empty, "waiting for the backend's end", 20.0)
            assert client.value(OWN_PID) != pid
        client.end()
