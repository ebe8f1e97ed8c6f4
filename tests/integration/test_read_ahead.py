"""Portals of clients that pause, read ahead so that their backend is free: nobody sees a difference."""

import npm
from case import case
from pgwire import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync, extended
from test_stalled_drivers import Pauses

FIVE = "SELECT generate_series(1, 5)"
AHEAD = {"pool_size": 1, "portal_stall_timeout": "150ms", "spool_bytes_max": "1MiB"}


def opened(sql=FIVE, portal="", rows=2):
    return Parse(sql), Bind(portal=portal), Execute(rows, portal), Flush


def read_ahead(sluice, more_than=0):
    """Waits until what is left of a portal is here."""
    sluice.wait_metric("pool_spool_bytes", lambda count: count > more_than)


def lost(sluice, count):
    sluice.wait_metric("refusals_total", count, reason="portal_stall_timeout")


@case
def a_pausing_reader_goes_on_without_its_backend(rig):
    with rig.sluice(**AHEAD) as sluice:
        client, other = sluice.connect(), sluice.connect()
        for portal in ("", "p"):
            client.send(*opened(portal=portal))
            client.expect("12DDs")
            read_ahead(sluice)
            assert other.value("SELECT 1") == "1"
            client.send(Describe("P", portal), Execute(2, portal), Flush)
            client.expect("TDDs")
            other.query("BEGIN")  # The backend is somebody's meanwhile.
            client.send(Execute(2, portal), Flush)
            messages = client.expect("DC")
            assert messages[1].body == b"SELECT 1\0", messages
            assert client.ask(Execute(2, portal), Sync).tags == ["SELECT 0"]
            other.query("COMMIT")
            sluice.wait_metric("pool_spool_bytes", 0)
            assert client.ask(extended("SELECT 7")).rows == [("7",)]
        lost(sluice, 0)
        sluice.wait_metric("buffer_bytes", 0)
        assert not rig.postgres.backends("state <> 'idle'")
        client.end()
        other.end()


@case
def it_ends_as_a_portal_ends(rig):
    with rig.sluice(**AHEAD) as sluice:
        endings = {"3Z": [Close("P", "p"), Sync], "Z": [Sync], "TDCZ": [Query("SELECT 7")]}
        for kinds, ending in endings.items():
            client = sluice.connect()
            client.send(*opened(portal="p"))
            client.expect("12DDs")
            read_ahead(sluice)
            assert client.ask(*ending).kinds == kinds
            sluice.wait_metric("pool_spool_bytes", 0)
            answer = client.ask(Execute(1, "p"), Sync)
            assert answer.sqlstates == ["34000"], answer.messages
            assert client.value("SELECT 7") == "7"
            client.end()
        lost(sluice, 0)


@case
def an_error_in_what_was_read_ahead_comes_at_its_place(rig):
    with rig.sluice(**AHEAD) as sluice:
        client = sluice.connect()
        client.send(*opened("SELECT 1 / (4 - n) FROM generate_series(1, 9) n", rows=1))
        client.expect("12Ds")
        read_ahead(sluice)
        client.send(Execute(1), Flush)
        client.expect("Ds")
        answer = client.ask(Execute(5), Flush, Execute(5), Parse("SELECT 1"), Sync)
        assert answer.kinds == "DEZ" and answer.sqlstates == ["22012"] and answer.status == "I"
        assert client.value("SELECT 7") == "7"
        lost(sluice, 0)
        client.end()


@case
def what_does_not_fit_is_lost_as_without_a_spool(rig):
    with rig.sluice(**AHEAD) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.send(*opened("SELECT repeat('x', 1000) FROM generate_series(1, 3000000)"))
        client.expect("12DDs")
        lost(sluice, 1)
        assert sluice.metric("pool_spool_refusals_total", reason="client_limit") == 1
        assert other.value("SELECT 1") == "1", "the rest is cancelled, not waited for"
        assert client.ask(Execute(2), Sync).sqlstates == ["25P03"]
        assert client.value("SELECT 7") == "7"
        sluice.wait_metric("buffer_bytes", 0)
        client.end()
        other.end()


@case
def what_leaves_traces_is_not_committed_ahead(rig):
    """INSERT, another statement in the batch, two portals, a block: nothing of it is read ahead."""
    insert = "INSERT INTO notes SELECT n, 'ahead' FROM generate_series(1, 3) n RETURNING id"
    two = [Parse(FIVE), Bind(portal="x"), Bind(portal="y"), Execute(1, "x"), Execute(1, "y"), Flush]
    with rig.sluice(**AHEAD) as sluice:
        plays = [(opened(insert, rows=1), "12Ds"), (two, "122DsDs"),
                 ([Parse("INSERT INTO notes VALUES (1, 'ahead')"), Bind(), Execute(), *opened(rows=1)], "12C12Ds"),
                 ([Parse("BEGIN"), Bind(), Execute(), *opened(rows=1)], "12C12Ds")]
        for count, (frames, kinds) in enumerate(plays, 1):
            client = sluice.connect()
            client.send(*frames)
            client.expect(kinds)
            lost(sluice, count)
            assert client.ask(Execute(1), Sync).sqlstates == ["25P03"]
            client.query("ROLLBACK")
            assert client.value("SELECT count(*) FROM notes WHERE text = 'ahead'") == "0"
            client.end()


@case
def a_batch_that_goes_on_otherwise_is_told(rig):
    with rig.sluice(**AHEAD) as sluice:
        for frames in ([extended("SELECT 1")], [Execute(1, "q"), Sync], [Describe("S", "s"), Sync]):
            client = sluice.connect()
            client.send(*opened(portal="p"))
            client.expect("12DDs")
            read_ahead(sluice)
            answer = client.ask(*frames)
            assert answer.sqlstates == ["25P03"] and answer.status == "I", answer.messages
            sluice.wait_metric("pool_spool_bytes", 0)
            client.end()


@case
def who_leaves_takes_it_along(rig):
    with rig.sluice(**AHEAD) as sluice:
        for leave in ("end", "abort"):
            client = sluice.connect()
            client.send(*opened("SELECT repeat('x', 1000) FROM generate_series(1, 500)"))
            client.expect("12DDs")
            read_ahead(sluice, 400000)
            getattr(client, leave)()
            sluice.wait_metric("pool_spool_bytes", 0)
            sluice.wait_metric("buffer_bytes", 0)
        # In the middle of it.
        client, other = sluice.connect(), sluice.connect()
        client.send(*opened("SELECT n, CASE WHEN n > 3 THEN pg_sleep(600) END FROM generate_series(1, 9) n"))
        client.expect("12DDs")
        sluice.wait_metric("pool_held_seconds_total", lambda seconds: seconds > 0.1, reason="portal")
        client.abort()
        assert other.value("SELECT 1") == "1"
        other.end()


@case
def drivers_do_not_notice(rig):
    folder = npm.scripts(rig, "node")
    with rig.sluice(pool_size=2, portal_stall_timeout="150ms", spool_bytes_max="1MiB") as sluice:
        pauses = Pauses(sluice)
        pauses.wait = lambda: read_ahead(sluice)
        pauses.play([npm.node(), "read_ahead.mjs", sluice.url()], 3, cwd=folder)
        lost(sluice, 0)
