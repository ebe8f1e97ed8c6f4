"""COPY in every ending, in both directions, by both protocols. After each the backend serves the next
client, and no data of a COPY that did not end well is there."""

from case import case
from pgwire import (DIVISION, Bind, Client, CopyData, CopyDone, CopyFail, Describe, Execute, Flush, Parse, Query, Sync)
from rig import wait_until

IN = "COPY notes FROM STDIN"


def fresh(rig, sluice):
    rig.postgres.execute("TRUNCATE notes", database="app")
    return sluice.connect(), sluice.connect()


def settled(sluice, client, other, rows):
    """Both go on as if nothing had happened, and the table holds what it must."""
    assert other.value("SELECT count(*) FROM notes") == str(rows)
    assert client.value("SELECT 41 + 1") == "42"
    assert sluice.metric("pool_clients", state="active") == 0
    client.end()
    other.end()


def make_case(name, rows, steps):
    """Steps: (frames to send, kinds of the replies up to and with the last)."""
    def copy(rig):
        with rig.sluice(pool_size=1) as sluice:
            client, other = fresh(rig, sluice)
            for frames, kinds in steps:
                client.send(*frames)
                client.expect(kinds)
            settled(sluice, client, other, rows)
    copy.__name__ = name
    case(copy)


ROW, BAD = CopyData(b"1\tone\n"), CopyData(b"not a number\tx\n")
START = [Parse(IN), Bind(), Execute()]

make_case("in_ends_with_done", 2, [([Query(IN)], "G"), ([ROW, ROW, CopyDone], "CZ")])
make_case("in_sent_whole_at_once", 1, [([Query(IN), ROW, CopyDone], "GCZ")])
make_case("in_ends_with_fail", 0, [([Query(IN)], "G"), ([ROW, CopyFail()], "EZ")])
make_case("in_of_no_rows", 0, [([Query(IN), CopyDone], "GCZ")])
make_case("in_fails_before_done_and_late_data_follows", 0,
          [([Query(IN)], "G"), ([BAD, BAD], "EZ"), ([ROW, ROW, CopyDone], "")])
make_case("in_fails_and_late_fail_follows", 0,
          [([Query(IN), BAD, ROW], "GEZ"), ([CopyFail()], "")])
make_case("in_fails_after_done", 0, [([Query(IN), BAD, CopyDone], "GEZ")])
make_case("in_fails_and_the_next_query_comes_behind", 0,
          [([Query(IN), BAD, ROW, CopyDone, Query("SELECT 1")], "GEZTDCZ")])
make_case("in_cannot_start_and_data_comes_all_the_same", 0,
          [([Query("COPY missing FROM STDIN"), ROW, CopyDone], "EZ")])
make_case("in_of_a_string_with_more_statements", 1,
          [([Query(f"SELECT 1; {IN}; SELECT 2")], "TDCG"), ([ROW, CopyDone], "CTDCZ")])
make_case("in_twice_in_one_string", 2,
          [([Query(f"{IN}; {IN}")], "G"), ([ROW, CopyDone], "CG"), ([ROW, CopyDone], "CZ")])
make_case("in_by_extended_protocol", 1,
          [([*START, Flush], "12G"), ([ROW, CopyDone, Sync], "CZ")])
make_case("in_by_extended_protocol_at_once", 1, [([*START, ROW, CopyDone, Sync], "12GCZ")])
make_case("in_with_sync_and_flush_inside", 1,
          [([*START, Sync], "12G"), ([ROW, Flush, Sync, CopyDone, Sync], "CZ")])
make_case("in_by_extended_protocol_fails_before_done", 0,
          [([*START, Flush], "12G"), ([BAD, ROW], "E"), ([ROW, CopyDone, Sync], "Z")])
make_case("in_by_extended_protocol_ends_with_fail", 0,
          [([*START, Flush], "12G"), ([ROW, CopyFail(), Sync], "EZ")])
make_case("in_by_extended_protocol_error_in_the_pipeline_before", 0,
          [([Parse(DIVISION), Bind(), Execute(), *START, ROW, CopyDone, Sync], "12EZ")])
make_case("out_by_simple_protocol", 0,
          [([Query("COPY (SELECT generate_series(1, 3)) TO STDOUT")], "HdddcCZ")])
make_case("out_by_extended_protocol", 0,
          [([Parse("COPY (SELECT 1) TO STDOUT"), Bind(), Describe(), Execute(), Sync], "12nHdcCZ")])
make_case("out_that_fails_halfway", 0,
          [([Query("COPY (SELECT 1/(3 - n) FROM generate_series(1, 5) n) TO STDOUT")], "HddEZ")])
make_case("in_inside_a_transaction_rolled_back", 0,
          [([Query("BEGIN")], "CZ"), ([Query(IN), ROW, CopyDone], "GCZ"), ([Query("ROLLBACK")], "CZ")])


@case
def in_whose_error_comes_from_outside_leaves_the_client_usable(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = fresh(rig, sluice)
        client.send(Query(IN), ROW)
        client.expect("G")
        client.cancel()
        client.send(ROW)  # PostgreSQL notices a cancel in COPY when bytes come.
        client.expect("EZ")
        client.send(ROW, CopyDone)
        settled(sluice, client, other, 0)


@case
def in_interrupted_by_a_query_ends_as_on_a_direct_connection(rig):
    """PostgreSQL calls that a lost synchronisation and hangs up."""
    with rig.sluice(pool_size=1) as sluice:
        other = sluice.connect()
        endings = []
        for address in (("127.0.0.1", rig.postgres.port), sluice.address):
            client = Client(address)
            client.send(Query(IN), ROW, Query("SELECT 1"))
            endings.append([m for m in client.messages_to_the_end()])
            client.close()
        assert endings[0] == endings[1], endings
        assert other.value("SELECT count(*) FROM notes") == "0"
        other.end()


@case
def a_copy_keeps_its_backend(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = fresh(rig, sluice)
        client.send(Query(IN))
        client.expect("G")
        other.send(Query("SELECT 1"))
        sluice.wait_metric("pool_waiting_clients", 1)
        client.send(ROW)
        assert not other.has_input()
        client.send(CopyDone)
        client.expect("CZ")
        assert other.answer().rows == [("1",)]
        settled(sluice, client, other, 1)


@case
def a_client_gone_in_the_middle_of_copy_in_commits_nothing(rig):
    with rig.sluice(pool_size=1) as sluice:
        for prelude in ([Query(IN)], [*START, Flush], [*START, Sync]):
            for how in ("close", "abort", "half"):
                client, other = fresh(rig, sluice)
                client.send(*prelude)
                client.messages_until("G")
                client.send(ROW, ROW)
                if how == "half":
                    client.send(ROW[:7])
                client.abort() if how == "abort" else client.close()
                assert other.value("SELECT count(*) FROM notes") == "0"
                other.end()
        assert len(rig.postgres.backends("state = 'active'")) == 0


@case
def a_client_gone_in_the_middle_of_copy_out_is_cancelled(rig):
    with rig.sluice(pool_size=1) as sluice:
        other = sluice.connect()
        pid = other.value("SELECT pg_backend_pid()")
        for _ in range(3):
            client = sluice.connect(receive_buffer=8192)
            client.send(Query("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000000)) "
                              "TO STDOUT"))
            client.message()
            wait_until(lambda: rig.postgres.backends("wait_event = 'ClientWrite'"),
                       "waiting for PostgreSQL to be held back", 20.0)
            client.abort()
            assert other.value("SELECT pg_backend_pid()") == pid
        assert sluice.metric("pool_recoveries_total") == 3
        other.end()


@case
def many_megabytes_pass_both_ways(rig):
    megabytes = 20 if rig.short else 100
    rows = megabytes * 1000
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        before = sluice.resident_bytes()
        client.query("CREATE UNLOGGED TABLE IF NOT EXISTS bulk (text text); TRUNCATE bulk")
        client.send(Query("COPY bulk FROM STDIN"))
        client.expect("G")
        line = b"z" * 999 + b"\n"
        for _ in range(rows // 500):
            client.send(CopyData(line * 500))
        client.send(CopyDone)
        client.expect("CZ")
        client.send(Query("COPY bulk TO STDOUT"))
        client.expect("H")
        count = 0
        while True:
            message = client.message()
            if message.kind != "d":
                break
            count += len(message.body)
        assert count == rows * 1000
        client.expect("CZ")
        assert sluice.resident_bytes() - before < 24 << 20
        client.query("DROP TABLE bulk")
        client.end()
