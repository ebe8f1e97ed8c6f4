"""Clients that do not read: whether their backend waits for them, and for how long."""

from case import case
from pgwire import Query, Sync, extended
from rig import wait_until

# More than the kernel takes on the way to a client that does not read.
BIG = "SELECT repeat('x', 1000) FROM generate_series(1, 12000)"
HUGE = "SELECT repeat('x', 1000) FROM generate_series(1, 60000)"
SPOOL = {"pool_size": 1, "spool_bytes_max": "32MiB", "wait_timeout": "10s"}


def reader(sluice, **options):
    return sluice.connect(receive_buffer=4096, **options)


def held(sluice, count, reason):
    sluice.wait_metric("pool_held_backends", count, reason=reason)


@case
def a_spooled_result_frees_its_backend(rig):
    with rig.sluice(server={"buffer_memory_max": "256MiB"}, **SPOOL) as sluice:
        for request in (Query(BIG), extended(BIG)):
            slow, other = reader(sluice), sluice.connect()
            slow.send(request)
            assert other.value("SELECT 1") == "1"
            sluice.wait_metric("pool_spool_bytes", lambda count: count > 1 << 20)
            assert sluice.metric("pool_spooled_bytes_total") >= sluice.metric("pool_spool_bytes")
            answer = slow.answer()
            assert len(answer.rows) == 12000 and answer.status == "I" and answer.tags == ["SELECT 12000"]
            assert all(row == ("x" * 1000,) for row in answer.rows)
            sluice.wait_metric("pool_spool_bytes", 0)
            assert slow.value("SELECT 2") == "2"
            slow.end()
            other.end()
        sluice.wait_metric("buffer_bytes", 0)
        assert sluice.metric("pool_spool_refusals_total", reason="client_limit") == 0


@case
def without_a_spool_the_backend_waits_for_its_reader(rig):
    with rig.sluice(pool_size=1, wait_timeout="400ms") as sluice:
        slow, other = reader(sluice), sluice.connect()
        slow.send(Query(HUGE))
        held(sluice, 1, "reader")
        assert other.ask(Query("SELECT 1")).sqlstates == ["53300"]
        assert len(slow.answer().rows) == 60000
        held(sluice, 0, "reader")
        assert sluice.metric("pool_held_seconds_total", reason="reader") > 0.4
        slow.end()
        other.end()


@case
def beyond_the_bound_of_a_spool_the_backend_waits(rig):
    with rig.sluice(pool_size=1, wait_timeout="400ms", spool_bytes_max="1MiB") as sluice:
        slow, other = reader(sluice), sluice.connect()
        slow.send(Query(HUGE))
        held(sluice, 1, "reader")
        assert sluice.metric("pool_spool_refusals_total", reason="client_limit") == 1
        assert sluice.metric("buffer_bytes") < 3 << 20
        assert other.ask(Query("SELECT 1")).sqlstates == ["53300"]
        assert len(slow.answer().rows) == 60000
        assert other.value("SELECT 1") == "1"
        slow.end()
        other.end()


@case
def spools_leave_memory_to_the_others(rig):
    with rig.sluice(pool_size=8, spool_bytes_max="1GiB", server={"buffer_memory_max": "16MiB"}) as sluice:
        stuck = [reader(sluice) for _ in range(6)]
        for slow in stuck:
            slow.send(Query(HUGE))
        wait_until(lambda: sluice.metric("pool_held_backends", reason="reader") >= 5, "waiting for readers", 60.0)
        assert sluice.metric("pool_spool_refusals_total", reason="memory") >= 5
        assert sluice.metric("buffer_bytes") < 9 << 20
        other = sluice.connect()
        assert len(other.execute("SELECT repeat('y', $1::int)", 300000).rows[0][0]) == 300000
        other.end()
        for slow in stuck[:3]:
            slow.abort()
        for slow in stuck[3:]:
            assert len(slow.answer().rows) == 60000
            slow.end()
        sluice.wait_metric("buffer_bytes", 0)


@case
def a_block_is_not_spooled(rig):
    """Its backend would not be free anyway."""
    with rig.sluice(**SPOOL) as sluice:
        slow = reader(sluice)
        slow.query("BEGIN")
        held(sluice, 1, "transaction")
        slow.send(Query(HUGE))
        held(sluice, 1, "reader")
        assert sluice.metric("buffer_bytes") < 1 << 20
        assert len(slow.answer().rows) == 60000
        slow.query("COMMIT")
        held(sluice, 0, "transaction")
        assert sluice.metric("pool_held_seconds_total", reason="transaction") > 0
        slow.end()


@case
def who_has_not_read_gets_no_other_backend(rig):
    with rig.sluice(server={"buffer_memory_max": "256MiB"}, **SPOOL) as sluice:
        slow, other = reader(sluice), sluice.connect()
        slow.send(Query(BIG))
        sluice.wait_metric("pool_spool_bytes", lambda count: count > 1 << 20)
        before = sluice.metric("pool_queries_total")
        slow.send(Query(BIG), extended("SELECT 'last'"), Sync)
        assert other.value("SELECT 1") == "1"
        assert sluice.metric("pool_queries_total") == before + 1, "it must read first"
        for _ in range(2):
            assert len(slow.answer().rows) == 12000
        assert slow.answer().rows == [("last",)]
        assert slow.answer().kinds == "Z"
        slow.end()
        other.end()


@case
def a_spool_is_dropped_with_its_client(rig):
    with rig.sluice(server={"buffer_memory_max": "256MiB"}, **SPOOL) as sluice:
        slow = reader(sluice)
        slow.send(Query(BIG))
        sluice.wait_metric("pool_spool_bytes", lambda count: count > 1 << 20)
        slow.abort()
        sluice.wait_metric("pool_spool_bytes", 0)
        sluice.wait_metric("buffer_bytes", 0)


@case
def slow_reader_timeout_ends_who_does_not_read(rig):
    with rig.sluice(server={"buffer_memory_max": "256MiB"}, slow_reader_timeout="300ms", **SPOOL) as sluice:
        # One over a backend that waits for it, one over a spool.
        slow, spooled, other = reader(sluice), reader(sluice), sluice.connect()
        slow.query("BEGIN")
        slow.send(Query(HUGE))
        other.send(Query("SELECT 1"))
        sluice.wait_metric("refusals_total", 1, reason="slow_reader_timeout")
        assert other.answer().rows == [("1",)], "its backend is free"
        spooled.send(Query(BIG))
        sluice.wait_metric("refusals_total", 2, reason="slow_reader_timeout")
        sluice.wait_metric("pool_spool_bytes", 0)
        for client in (slow, spooled):
            seen = client.messages_to_the_end()
            assert seen[-1].kind != "Z" or client is spooled
            client.close()
        assert not rig.postgres.backends("state = 'active'")
        other.end()


@case
def slow_reader_timeout_spares_who_reads(rig):
    with rig.sluice(pool_size=1, slow_reader_timeout="2s") as sluice:
        client = reader(sluice)
        client.send(Query(HUGE))
        assert len(client.answer().rows) == 60000
        client.query("SELECT pg_sleep(0.1)")
        assert sluice.metric("refusals_total", reason="slow_reader_timeout") == 0
        client.end()
