"""Clients that stop reading a cursor: their backend serves others, and they are told."""

from case import case
from pgwire import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync, extended
from rig import wait_until

FIVE = "SELECT generate_series(1, 5)"
STALL = {"pool_size": 1, "portal_stall_timeout": "150ms"}


def reclaimed(sluice, count=1):
    sluice.wait_metric("refusals_total", count, reason="portal_stall_timeout")


def opened(portal="", rows=2):
    return Parse(FIVE), Bind(portal=portal), Execute(rows, portal), Flush


def stalled(sluice, *frames, kinds, portal="", status=None):
    """A client whose backend has been taken, and that backend's process."""
    client = sluice.connect()
    pid = client.value("SELECT pg_backend_pid()")
    for request in frames:
        client.query(request)
    client.send(*opened(portal), *([Sync] if status else []))
    client.expect(kinds)
    return client, pid


def told(answer, status="I"):
    assert answer.sqlstates == ["25P03"] and answer.status == status, answer.messages
    assert answer.errors[0]["S"] == "ERROR" and "portal_stall_timeout" in answer.errors[0]["H"]


@case
def a_stalled_portal_gives_its_backend_to_others(rig):
    with rig.sluice(**STALL) as sluice:
        client, pid = stalled(sluice, kinds="12DDs")
        other = sluice.connect()
        assert other.value("SELECT pg_backend_pid()") == pid, "the backend was not closed"
        reclaimed(sluice)
        assert not client.has_input(), "it is told at its next message, not before"
        told(client.ask(Execute(2), Flush, Execute(2), Sync))
        assert client.value("SELECT 1") == "1"
        reclaimed(sluice)  # Counted once.
        client.end()
        other.end()


@case
def the_end_of_a_lost_batch_is_told_too(rig):
    """pg-cursor closes with Close and Sync, others with Sync alone or with a simple query."""
    with rig.sluice(**STALL) as sluice:
        endings = ([Close("P", "p"), Sync], [Sync], [Query("SELECT 1")], [Flush, Describe("P", "p"), Sync])
        for count, ending in enumerate(endings, 1):
            client, _ = stalled(sluice, kinds="12DDs", portal="p")
            reclaimed(sluice, count)
            told(client.ask(*ending))
            assert client.ask(extended("SELECT 7")).rows == [("7",)]
            client.end()


@case
def what_a_lost_batch_had_done_is_undone(rig):
    with rig.sluice(**STALL) as sluice:
        client = sluice.connect()
        client.send(Parse("INSERT INTO notes SELECT n, 'lost batch' FROM generate_series(1, 3) n RETURNING id"),
                    Bind(), Execute(1), Flush)
        client.expect("12Ds")
        reclaimed(sluice)
        told(client.ask(Sync))
        assert client.value("SELECT count(*) FROM notes WHERE text = 'lost batch'") == "0"
        client.end()


@case
def a_lost_block_is_a_failed_one_until_its_end(rig):
    with rig.sluice(**STALL) as sluice:
        client, pid = stalled(sluice, "BEGIN", "INSERT INTO notes VALUES (1, 'lost block')",
                              kinds="12DDsZ", portal="C_1", status="T")
        other = sluice.connect()
        assert other.value("SELECT pg_backend_pid()") == pid
        told(client.ask(Execute(2, "C_1"), Sync), "E")
        for request in (Query("INSERT INTO notes VALUES (2, 'lost block')"), extended("SELECT 1")):
            answer = client.ask(request)
            assert answer.sqlstates == ["25P02"] and answer.status == "E", answer.messages
        answer = client.ask(Query("ROLLBACK"))
        assert answer.tags == ["ROLLBACK"] and answer.status == "I" and not answer.notices
        assert other.value("SELECT count(*) FROM notes WHERE text = 'lost block'") == "0"
        client.end()
        other.end()


@case
def a_stalled_cursor_of_sql_is_a_portal_too(rig):
    with rig.sluice(**STALL) as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        client.query(f"DECLARE c CURSOR FOR {FIVE}")
        reclaimed(sluice)
        told(client.ask(Query("FETCH 2 FROM c")), "E")
        client.query("ROLLBACK")
        # With its cursor closed a block is no reader any more.
        client.query(f"BEGIN; DECLARE c CURSOR FOR {FIVE}; CLOSE c")
        client.query("SELECT pg_sleep(0.4)")
        client.query("COMMIT")
        reclaimed(sluice)
        client.end()


@case
def commit_of_a_lost_block_fails_and_ends_it(rig):
    with rig.sluice(**STALL) as sluice:
        count = 0
        for ending in ([Query("COMMIT")], [Query("/* app */ end")], [extended("COMMIT")]):
            client, _ = stalled(sluice, "BEGIN", kinds="12DDsZ", status="T")
            reclaimed(sluice, count := count + 1)
            told(client.ask(*ending))
            client.query("INSERT INTO notes VALUES (3, 'behind it')")
            client.end()
        # JDBC names its COMMIT when it has come often enough.
        client = sluice.connect()
        client.ask(Parse("COMMIT", "S_4"), Sync)
        client.query(f"BEGIN; DECLARE c CURSOR FOR {FIVE}")
        reclaimed(sluice, count + 1)
        told(client.ask(Bind(name="S_4"), Execute(), Sync))
        client.end()


@case
def rollback_of_a_lost_block_succeeds(rig):
    with rig.sluice(**STALL) as sluice:
        for count, ending in enumerate((Query("ROLLBACK"), Query("abort"), extended("ROLLBACK")), 1):
            client, _ = stalled(sluice, "BEGIN", kinds="12DDsZ", status="T")
            reclaimed(sluice, count)
            answer = client.ask(ending)
            assert answer.tags == ["ROLLBACK"] and answer.status == "I", answer.messages
            assert not answer.notices and not answer.errors
            client.end()


@case
def a_reader_that_goes_on_in_time_keeps_its_backend(rig):
    with rig.sluice(pool_size=1, portal_stall_timeout="1s") as sluice:
        client = sluice.connect()
        client.send(Parse("SELECT n, pg_sleep(0.15) FROM generate_series(1, 9) n"), Bind(),
                    Execute(1), Flush)
        client.expect("12Ds")
        for _ in range(8):  # 1.2 s in all, and the server is at work most of it.
            client.send(Execute(1), Flush)
            client.expect("Ds")
        client.send(Execute(1), Sync)
        client.expect("CZ")
        reclaimed(sluice, 0)
        client.end()


@case
def a_failed_batch_whose_sync_does_not_come_holds_no_backend(rig):
    with rig.sluice(**STALL) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.send(Parse("SELEKT"), Flush)
        client.expect("E")
        assert other.value("SELECT 1") == "1"
        reclaimed(sluice)
        answer = client.ask(Parse("SELECT 1"), Bind(), Execute(), Sync)
        assert answer.kinds == "Z" and answer.status == "I", "the error has been told already"
        client.query("BEGIN")
        client.send(Parse("SELEKT"), Flush)
        client.expect("E")
        reclaimed(sluice, 2)
        assert client.ask(Sync).status == "E"
        assert client.ask(Query("SELECT 1")).sqlstates == ["25P02"]
        client.query("ROLLBACK")
        client.end()
        other.end()


@case
def a_lost_block_needs_its_backend_within_the_wait(rig):
    """Refused for want of a backend, it is still a failed block."""
    with rig.sluice(wait_timeout="200ms", **STALL) as sluice:
        client, _ = stalled(sluice, "BEGIN", kinds="12DDsZ", status="T")
        reclaimed(sluice)
        told(client.ask(Query("FETCH 1 FROM c")), "E")
        other = sluice.connect()
        other.query("BEGIN")
        answer = client.ask(Query("SELECT 1"))
        assert answer.sqlstates == ["53300"] and answer.status == "E", answer.messages
        other.query("COMMIT")
        assert client.ask(Query("SELECT 1")).sqlstates == ["25P02"]
        assert client.ask(Query("COMMIT")).tags == ["ROLLBACK"]
        client.end()
        other.end()


@case
def who_has_a_backend_to_itself_keeps_it(rig):
    with rig.sluice(pool_mode="session", **STALL) as sluice:
        client = sluice.connect()
        client.send(*opened())
        client.expect("12DDs")
        other = sluice.connect(login=False)
        wait_until(lambda: rig.postgres.backends("state = 'active' AND wait_event = 'ClientRead'"),
                   "waiting for the suspended portal")
        assert client.ask(Query("SELECT pg_sleep(0.4)")).kinds  # Longer than the timeout.
        reclaimed(sluice, 0)
        client.end()
        other.close()


@case
def a_stalled_reader_that_vanishes_leaves_nothing(rig):
    with rig.sluice(**STALL) as sluice:
        for leave in ("end", "abort"):
            client, _ = stalled(sluice, "BEGIN", kinds="12DDsZ", status="T")
            other = sluice.connect()
            assert other.value("SELECT 1") == "1"
            getattr(client, leave)()
            assert other.value("SELECT 1") == "1"
            other.end()
