"""Requests of every kind, in every order, through the relay: what comes back is what PostgreSQL
says, message by message."""

import threading

from case import case
from pgwire import (DIVISION, Bind, Client, Close, CopyData, CopyDone, CopyFail, Describe, Execute,
                    Flush, FunctionCall, Parse, Query, Sync, Terminate, extended)
from rig import wait_until

# Each is sent at once; the kinds and bodies of all replies must be those of a direct connection.
CONVERSATIONS = [
    [Query("")], [Query(";")], [Query("SELECT 1; SELECT 2")], [Query("SELECT 1;; SELECT 2;")],
    [Query("SELECT 1; SELECT 1/0; SELECT 3")], [Query("SELEKT")],
    [extended("SELECT $1::text", ["x"])], [extended("")], [Sync], [Sync, Sync, Sync],
    [Flush, Sync], [Query("SELECT 1"), Query("SELECT 2"), Query("SELEKT"), Query("SELECT 4")],
    [extended("SELECT 1"), extended("SELECT 2"), Query("SELECT 3"), extended("SELECT 4")],
    # An error inside a pipeline: all is discarded up to Sync, a simple Query as well.
    [Parse("SELEKT"), Bind(), Execute(), Parse("SELECT 1"), Bind(), Execute(), Sync, Query("SELECT 2")],
    [Parse(DIVISION), Bind(), Execute(), Query("SELECT 5"), Sync, Query("SELECT 6")],
    [Parse("SELECT 1/0"), Bind(), Execute(), Flush, Query("SELECT 5"), Flush, Sync],
    [Parse("SELECT 1"), Bind(), Execute(), Parse("SELECT 1/0"), Bind(), Execute(),
     Parse("SELECT 3"), Bind(), Execute(), Sync, Parse("SELECT 4"), Bind(), Execute(), Sync],
    [Bind([], "not there"), Describe(), Execute(), Sync, Query("SELECT 1")],
    [Execute(0, "not there"), Sync], [Describe("P", "not there"), Sync],
    [Describe("S", "not there"), Sync], [Close("P", "not there"), Close("S", "not there"), Sync],
    [Parse("SELECT $1::int, $2::text"), Describe("S"), Bind([1, None]), Describe(), Execute(), Sync],
    [Parse("SELECT generate_series(1, 5)"), Bind(), Execute(2), Execute(2), Execute(2), Sync],
    [Parse("SELECT 1"), Bind(portal="a"), Bind(portal="b"), Execute(0, "b"), Execute(0, "a"), Sync],
    [Parse("BEGIN"), Bind(), Execute(), Parse("SELECT 1"), Bind(), Execute(), Parse("COMMIT"), Bind(),
     Execute(), Sync],
    [Query("BEGIN"), Query("SELECT 1/0"), Query("SELECT 1"), Query("ROLLBACK")],
    [Query("BEGIN"), Query("SAVEPOINT s"), Query("SELECT 1/0"), Query("ROLLBACK TO s"),
     Query("SELECT 2"), Query("COMMIT")],
    [Query("DO $$ BEGIN RAISE NOTICE 'heard'; END $$")],
    [Query("DO $$ BEGIN RAISE WARNING 'w' USING HINT = 'h', DETAIL = 'd', ERRCODE = '01ABC'; END $$")],
    [FunctionCall(1317, "four")], [FunctionCall(1317, "a", "b")], [FunctionCall(1)],
    [FunctionCall(1317, "x"), Query("SELECT 1"), FunctionCall(1317, "xy"), extended("SELECT 2")],
    [Query("INSERT INTO accounts VALUES (1, 1)")],  # Every field of the error is passed on.
    [Query("SELECT 1"), CopyData(b"stray"), CopyDone, CopyFail(), Query("SELECT 2")],
    [Query("COPY (SELECT generate_series(1, 3)) TO STDOUT"), Query("SELECT 2")],
    [Query("SELECT 1; COPY (SELECT 7) TO STDOUT; SELECT 2")],
    [Parse("COPY (SELECT 7) TO STDOUT"), Bind(), Execute(), Sync],
    [Query("SET search_path = public"), Query("SHOW search_path")],
    [Query("SET client_encoding = 'LATIN1'"), Query("SELECT 'é'"), Query("RESET client_encoding")],
    [Parse("SELECT 1", "s"), Bind([], "s"), Execute(), Close("S", "s"), Sync, Bind([], "s"), Sync],
    [Parse("SELECT 1", "s"), Bind([], "s", "s"), Close("P", "s"), Bind([], "s"), Execute(), Sync],
    [Bind([], formats=[7]), Sync], [Parse("SELECT $1"), Sync],
]


def transcript(client, frames, split):
    marker = "SELECT 'the end of it'"
    data = b"".join(frames)
    if split:
        client.send_bytewise(data)
    else:
        client.send(data)
    client.send(Query(marker))
    messages = []
    while True:
        messages.append(client.message())
        if messages[-1].kind == "D" and messages[-1].body.endswith(b"the end of it"):
            messages += client.messages_until("Z")
            return [(m.kind, m.body) for m in messages]


def compare(rig, mode, split):
    direct_address = ("127.0.0.1", rig.postgres.port)
    with rig.sluice(pool_mode=mode, pool_size=2) as sluice:
        bystander = sluice.connect()
        for number, frames in enumerate(CONVERSATIONS):
            results = []
            for address in (direct_address, sluice.address):
                client = Client(address)
                results.append(transcript(client, frames, split))
                client.end()
            assert results[0] == results[1], \
                f"conversation {number}, {mode}:\n direct {results[0]}\n pooled {results[1]}"
            if number % 7 == 0 and mode != "session":
                assert bystander.value("SELECT 1") == "1"
        bystander.end()


@case
def transcripts_are_those_of_a_direct_connection(rig):
    for mode in ("transaction", "session"):
        compare(rig, mode, split=False)


@case
def transcripts_are_the_same_when_every_byte_comes_alone(rig):
    compare(rig, "transaction", split=True)


@case
def transcripts_are_the_same_one_after_the_other_on_one_connection(rig):
    with rig.sluice(pool_size=1) as sluice:
        direct, pooled = Client(("127.0.0.1", rig.postgres.port)), sluice.connect()
        for number, frames in enumerate(CONVERSATIONS):
            results = [transcript(client, frames, False) for client in (direct, pooled)]
            assert results[0] == results[1], f"conversation {number}: {results}"
        direct.end()
        pooled.end()


@case
def an_error_in_a_pipeline_with_a_delayed_sync(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.send(Parse(DIVISION), Bind(), Execute(), Flush)
        client.expect("12E")
        other.send(Query("SELECT 9"))
        sluice.wait_metric("pool_waiting_clients", 1)
        client.send(Parse("SELECT 1"), Bind(), Execute(), Flush)
        assert not other.has_input() and not client.has_input()
        client.send(Sync, extended("SELECT 2"))
        client.expect("Z")
        assert client.answer().rows == [("2",)]
        assert other.answer().rows == [("9",)]
        client.end()
        other.end()


@case
def long_pipelines_are_answered_in_order(rig):
    count = 5000 if rig.short else 20000
    with rig.sluice(pool_size=2) as sluice:
        client = sluice.connect()

        def write():
            for first in range(0, count, 500):
                client.send(*(extended("SELECT $1::int", [n]) if n % 3 else Query(f"SELECT {n}")
                              for n in range(first, first + 500)))
        writer = threading.Thread(target=write)
        writer.start()
        for number in range(count):
            assert client.answer().rows == [(str(number),)]
        writer.join()
        client.end()


@case
def one_pipeline_of_many_statements_and_one_sync(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.send(*(Parse("SELECT $1::int") + Bind([n]) + Execute() for n in range(2000)), Sync)
        answer = client.answer()
        assert [int(row[0]) for row in answer.rows] == list(range(2000))
        client.end()


@case
def both_sides_write_at_once_without_a_deadlock(rig):
    """The client sends 64 MB in parameters and reads nothing until all is sent, PostgreSQL meanwhile
    echoes them: the proxy has to push back, and the client's other thread to drain."""
    big = "x" * (1 << 20)
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        count = 64
        writer = threading.Thread(
            target=lambda: [client.send(extended("SELECT $1::text", [big])) for _ in range(count)])
        writer.start()
        for _ in range(count):
            assert len(client.answer().rows[0][0]) == len(big)
        writer.join()
        client.end()


@case
def large_parameters_pass_without_being_held(rig):
    size = (40 if rig.short else 160) << 20
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        before = sluice.resident_bytes()
        peak = []
        data = extended("SELECT length($1::text)", ["x" * size])
        for start in range(0, len(data), 8 << 20):
            client.send(data[start:start + (8 << 20)])
            peak.append(sluice.resident_bytes())
        assert client.answer().rows == [(str(size),)]
        assert max(peak) - before < 24 << 20, f"{(max(peak) - before) >> 20} MiB more"
        client.end()


@case
def a_large_result_to_a_slow_reader_takes_bounded_memory(rig):
    rows = 20000 if rig.short else 100000
    with rig.sluice(pool_size=2) as sluice:
        client = sluice.connect(receive_buffer=65536)
        other = sluice.connect()
        other.query("SELECT 1")
        before = sluice.resident_bytes()
        client.send(Query(f"SELECT repeat('x', 2000) FROM generate_series(1, {rows})"))
        wait_until(lambda: rig.postgres.backends("wait_event = 'ClientWrite'"),
                   "waiting for PostgreSQL to be held back", 60.0)
        assert sluice.resident_bytes() - before < 24 << 20
        for _ in range(20):
            assert other.value("SELECT 1") == "1"
        seen, total, peak = 0, 0, 0
        while True:
            message = client.message()
            if message.kind == "D":
                seen += 1
                total += len(message.body)
                if seen % 5000 == 0:
                    peak = max(peak, sluice.resident_bytes())
            elif message.kind == "Z":
                break
        assert seen == rows and total == rows * 2006
        assert peak - before < 24 << 20, f"{(peak - before) >> 20} MiB more"
        client.end()
        other.end()


@case
def a_single_value_of_many_megabytes_comes_whole(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        size = 100 << 20
        before = sluice.resident_bytes()
        client.send(Query(f"SELECT repeat('y', {size})"))
        client.expect("T")
        kind, length = client.bytes(1), int.from_bytes(client.bytes(4), "big")
        assert kind == b"D" and length == size + 10
        left = length - 4
        while left:
            if not client.received:
                client.fill()
            taken = min(left, len(client.received))
            del client.received[:taken]
            left -= taken
        client.expect("CZ")
        assert sluice.resident_bytes() - before < 24 << 20
        client.end()


@case
def max_packet_size_is_a_limit_on_both_sides(rig):
    with rig.sluice(pool_size=1, max_packet_size="64KiB") as sluice:
        client = sluice.connect()
        text = "SELECT '" + "x" * (65536 - 100) + "'"
        assert len(client.query(text).rows[0][0]) == 65536 - 100
        client.send(Query("SELECT '" + "x" * 70000 + "'"))
        assert b"08P01" in client.messages_to_the_end()[-1].body
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        client.end()


@case
def a_request_with_farewell_right_behind_it_is_carried_out_and_answered(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("DROP TABLE IF EXISTS farewell; CREATE TABLE farewell (a int)")
        client.send(Query("INSERT INTO farewell SELECT 1 FROM pg_sleep(0.2)") + Terminate)
        assert [m.kind for m in client.messages_to_the_end()] == ["C", "Z"]
        # Nor is a large answer cut that is on its way while farewell waits.
        client = sluice.connect()
        client.send(Query("SELECT repeat('x', 1000) FROM generate_series(1, 20000)") + Terminate)
        kinds = [m.kind for m in client.messages_to_the_end()]
        assert kinds.count("D") == 20000 and kinds[-2:] == ["C", "Z"], kinds[-3:]
        # What no Sync asks to keep is not kept, and a COPY in the way is no reason to wait.
        client = sluice.connect()
        client.send(Parse("INSERT INTO farewell VALUES (2)") + Bind() + Execute() + Terminate)
        client.messages_to_the_end()
        client = sluice.connect()
        client.send(Query("COPY farewell FROM STDIN") + CopyData(b"3\n") + Terminate)
        client.messages_to_the_end()
        last = sluice.connect()
        assert last.rows("SELECT a FROM farewell") == [("1",)]
        last.end()


@case
def parameter_status_comes_through_at_any_time(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        answer = client.query("SET application_name = 'renamed'")
        assert ("S", b"application_name\0renamed\0") in [tuple(m) for m in answer.messages]
        client.end()
        other = sluice.connect()
        assert other.parameters["application_name"] == ""
        assert other.value("SHOW application_name") == ""
        other.end()
