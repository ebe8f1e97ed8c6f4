"""Each timeout ends with its own SQLSTATE and is counted by its reason."""

from case import case
from pgwire import (Bind, Execute, Flush, Parse, Query, extended, fields_of)
from rig import wait_until


def last_words(client):
    errors = [fields_of(m.body) for m in client.messages_to_the_end() if m.kind == "E"]
    client.close()
    assert len(errors) == 1, errors
    return errors[0]


def counted(sluice, reason, count=1):
    sluice.wait_metric("refusals_total", count, reason=reason)


def nothing_goes_on(rig):
    wait_until(lambda: not rig.postgres.backends("state <> 'idle'"), "waiting for quiet", 20.0)


@case
def query_timeout_cancels_the_query_and_keeps_the_client(rig):
    with rig.sluice(pool_size=1, query_timeout="200ms") as sluice:
        client = sluice.connect()
        for request in (Query("SELECT pg_sleep(600)"), extended("SELECT pg_sleep(600)")):
            answer = client.ask(request)
            assert answer.sqlstates == ["57014"] and answer.status == "I", answer.messages
        counted(sluice, "query_timeout", 2)
        assert client.value("SELECT 1") == "1"
        client.query("BEGIN")
        assert client.ask(Query("SELECT pg_sleep(600)")).status == "E"
        client.query("ROLLBACK")
        nothing_goes_on(rig)
        client.end()


@case
def query_timeout_counts_only_while_a_query_runs(rig):
    with rig.sluice(pool_size=1, query_timeout="400ms") as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN")
        other.send(Query("SELECT 1"))  # Waits in line for longer than the timeout.
        for _ in range(5):
            client.query("SELECT pg_sleep(0.15)")
        client.query("COMMIT")
        assert other.answer().rows == [("1",)]
        counted(sluice, "query_timeout", 0)
        client.end()
        other.end()


@case
def idle_transaction_timeout_ends_the_client_and_rolls_back(rig):
    with rig.sluice(pool_size=1, idle_transaction_timeout="200ms") as sluice:
        client = sluice.connect()
        pid = client.value("SELECT pg_backend_pid()")
        client.query("BEGIN; INSERT INTO notes VALUES (1, 'idle')")
        fields = last_words(client)
        assert fields["C"] == "25P03" and fields["S"] == "FATAL", fields
        counted(sluice, "idle_transaction_timeout")
        other = sluice.connect()
        assert other.value("SELECT count(*) FROM notes WHERE text = 'idle'") == "0"
        assert other.value("SELECT pg_backend_pid()") == pid
        other.query("BEGIN")
        other.query("SELECT pg_sleep(0.5)")  # Not idle.
        other.query("COMMIT")
        other.end()


@case
def a_reader_that_stalls_with_a_portal_is_ended_too(rig):
    """PostgreSQL's own timers do not fire here: it waits for Sync and calls itself active."""
    with rig.sluice(pool_size=1, transaction_timeout="300ms") as sluice:
        client = sluice.connect()
        client.send(Parse("SELECT generate_series(1, 9)"), Bind(), Execute(2), Flush)
        client.expect("12DDs")
        assert last_words(client)["C"] == "25P04"
        other = sluice.connect()
        assert other.value("SELECT 1") == "1"
        other.end()


@case
def transaction_timeout_ends_a_busy_transaction(rig):
    with rig.sluice(pool_size=1, transaction_timeout="300ms") as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        client.query("BEGIN")
        client.send(Query("SELECT pg_sleep(600)"))
        fields = last_words(client)
        assert fields["C"] == "25P04" and fields["S"] == "FATAL", fields
        counted(sluice, "transaction_timeout")
        nothing_goes_on(rig)
        idle = sluice.connect()
        idle.query("BEGIN")
        assert last_words(idle)["C"] == "25P04"
        other = sluice.connect()
        assert other.value("SELECT 1") == "1"
        other.end()


@case
def client_idle_timeout_ends_idle_clients_only(rig):
    with rig.sluice(pool_size=1, client_idle_timeout="300ms") as sluice:
        client, working = sluice.connect(), sluice.connect()
        working.query("SELECT pg_sleep(0.5)")
        assert last_words(client)["C"] == "57P05"
        fields = last_words(working)
        assert fields["C"] == "57P05" and fields["S"] == "FATAL", fields
        counted(sluice, "client_idle_timeout", 2)


@case
def client_idle_timeout_holds_for_pinned_clients_as_well(rig):
    with rig.sluice(pool_size=1, client_idle_timeout="300ms") as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN x")
        other.send(Query("SELECT 1"))
        assert last_words(client)["C"] == "57P05"
        assert other.answer().rows == [("1",)]
        other.close()


@case
def session_mode_has_the_timeouts_too(rig):
    with rig.sluice(pool_mode="session", idle_transaction_timeout="200ms",
                    query_timeout="400ms") as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        assert last_words(client)["C"] == "25P03"
        client = sluice.connect()
        assert client.ask(Query("SELECT pg_sleep(600)")).sqlstates == ["57014"]
        client.end()


@case
def the_timeouts_of_a_user_win(rig):
    with rig.sluice(query_timeout="1h", database={"query_timeout": "10m"},
                    users={"app": {"query_timeout": "200ms"}}) as sluice:
        client = sluice.connect()
        assert client.ask(Query("SELECT pg_sleep(600)")).sqlstates == ["57014"]
        client.end()


@case
def a_backend_that_hangs_in_its_check_is_replaced(rig):
    import os
    import signal
    with rig.sluice(pool_size=1, server_check_delay=0, server_connect_timeout="400ms",
                    server_login_retry="200ms") as sluice:
        client = sluice.connect()
        pid = int(client.value("SELECT pg_backend_pid()"))
        os.kill(pid, signal.SIGSTOP)
        try:
            assert int(client.value("SELECT pg_backend_pid()")) != pid
        finally:
            os.kill(pid, signal.SIGCONT)
        client.end()
