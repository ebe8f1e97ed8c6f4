"""Files and memory spent: what can be served is served, and the rest recovers by itself."""

import socket
import struct

from case import case
from pgwire import Closed, Late, Query, Wire, extended
from rig import raises, wait_until


def begun(sluice):
    """A connection whose client has begun to speak: who says nothing is not accepted at first."""
    wire = socket.create_connection(sluice.address)
    wire.sendall(b"\0")
    return wire


@case
def without_free_files_the_clients_that_are_there_are_served(rig):
    with rig.sluice(pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(4)]
        for client in clients:
            client.query("BEGIN") if client in clients[:2] else None
        for client in clients[:2]:
            client.query("COMMIT")
        limit = sluice.open_files() + 3
        sluice.limit_files(limit)
        more = []
        for _ in range(12):
            more.append(begun(sluice))
        for _ in range(50):
            for client in clients:
                assert client.value("SELECT 1") == "1"
        for wire in more:
            wire.close()
        sluice.limit_files(4096)
        wait_until(lambda: sluice.page("metrics") is not None, "the admin page", 20.0)
        again = sluice.connect()
        assert again.value("SELECT 1") == "1"
        sluice.wait_metric("clients", 5)
        assert sluice.metric("accept_failures_total") >= 1
        for client in [again, *clients]:
            client.end()


def processor_seconds(sluice):
    with open(f"/proc/{sluice.process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@case
def accept_does_not_spin_without_free_files(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        sluice.limit_files(sluice.open_files())
        wires = [begun(sluice) for _ in range(8)]
        before = processor_seconds(sluice)
        client.query("SELECT pg_sleep(1)")
        spent = processor_seconds(sluice) - before
        assert spent < 0.3, f"{spent} s of CPU in one second"
        sluice.limit_files(4096)
        for wire in wires:
            wire.close()
        client.end()


@case
def a_backend_that_cannot_be_opened_for_want_of_files_is_opened_later(rig):
    with rig.sluice(pool_size=3, server_login_retry="300ms") as sluice:
        clients = [sluice.connect() for _ in range(3)]
        clients[0].query("BEGIN")
        limit = sluice.open_files()
        sluice.limit_files(limit)
        clients[1].send(Query("SELECT 1"))
        clients[0].query("SELECT 1")
        sluice.wait_log("no file descriptor left")
        sluice.limit_files(4096)
        assert clients[1].answer().rows == [("1",)]
        clients[0].query("COMMIT")
        # Nobody called the database, so it has failed in nothing.
        assert sluice.metric("pool_open_failures_total") == 0
        assert sluice.metric("pool_open_shortages_total") >= 1
        for client in clients:
            client.end()


@case
def who_waited_in_vain_for_want_of_files_is_told_whose_they_are(rig):
    with rig.sluice(pool_size=1, wait_timeout="400ms", server={"workers": 1}) as sluice:
        one = sluice.connect()
        assert one.value("SELECT 1") == "1"
        rig.postgres.end_backends()
        sluice.wait_metric("pool_backends", 0)
        sluice.limit_files(3)
        one.send(Query("SELECT 1"))
        answer = one.answer()
        sluice.limit_files(4096)
        assert answer.sqlstates == ["53300"], answer.messages
        told = b"".join(message.body for message in answer.messages)
        assert b"this pooler has no file descriptor left" in told, told
        assert one.value("SELECT 1") == "1"
        one.end()


@case
def a_small_buffer_budget_keeps_serving_others(rig):
    with rig.sluice(server={"buffer_memory_max": "1MiB"}, pool_size=12) as sluice:
        stuck = []
        for _ in range(8):
            client = sluice.connect(receive_buffer=4096)
            client.send(Query("SELECT repeat('x', 1000) FROM generate_series(1, 200000)"))
            stuck.append(client)
        wait_until(lambda: len(rig.postgres.backends("wait_event = 'ClientWrite'")) == 8,
                   "waiting for all to be held back", 60.0)
        assert sluice.metric("buffer_bytes") <= 1 << 20
        for _ in range(20):
            other = sluice.connect()
            assert other.value("SELECT 1") == "1"
            assert len(other.execute("SELECT repeat('y', $1::int)", 300000).rows[0][0]) == 300000
            other.end()
        for client in stuck[:4]:
            client.abort()
        for client in stuck[4:]:
            assert len(client.answer().rows) == 200000
            client.end()
        sluice.wait_metric("buffer_bytes", lambda count: count < 256 << 10)


@case
def queued_clients_with_large_requests_do_not_fill_the_memory(rig):
    with rig.sluice(server={"buffer_memory_max": "4MiB"}, pool_size=1) as sluice:
        holder = sluice.connect()
        holder.query("BEGIN")
        queued = [sluice.connect() for _ in range(10)]
        data = extended("SELECT length($1)", ["z" * 2000000])
        for client in queued:
            client.socket.settimeout(0.05)
            try:
                client.unsent = data[client.socket.send(data):]
            except TimeoutError:
                client.unsent = data
        sluice.wait_metric("pool_waiting_clients", 10)
        assert sluice.metric("buffer_bytes") <= 4 << 20
        holder.query("COMMIT")
        good = 0
        for client in queued:
            try:
                client.send(client.unsent)
                good += client.answer().rows == [("2000000",)]
            except (Closed, Late):
                pass
        assert good == 10, good
        holder.end()
        for client in queued:
            client.close()


@case
def many_idle_clients_cost_little(rig):
    count = 1000
    with rig.sluice(server={"workers": 1}) as sluice:
        clients = [sluice.connect() for _ in range(50)]
        before = sluice.resident_bytes()
        clients += [sluice.connect() for _ in range(count)]
        each = (sluice.resident_bytes() - before) / count
        if not is_sanitized(sluice):
            assert each < 4096, f"{each:.0f} bytes for each idle client"
        for client in clients:
            client.close()
        sluice.wait_metric("clients", 0)


def is_sanitized(sluice):
    with open(f"/proc/{sluice.process.pid}/maps") as file:
        text = file.read()
    return "libasan" in text or "libtsan" in text


@case
def unfinished_first_packets_are_bounded_too(rig):
    with rig.sluice(server={"buffer_memory_max": "1MiB"}) as sluice:
        steady = sluice.connect()
        wires = []
        for _ in range(60):
            wire = Wire(sluice.address)
            wire.send(struct.pack("!II", 60000, 0x30000) + b"user\0" + b"x" * 50000)
            wires.append(wire)
        wait_until(lambda: sluice.metric("buffer_bytes") <= 1 << 20, "the bound", 20.0)
        assert steady.value("SELECT 1") == "1"
        for wire in wires:
            wire.close()
        sluice.wait_metric("clients", 1)
        steady.end()


@case
def messages_longer_than_every_buffer_in_both_directions(rig):
    with rig.sluice(server={"buffer_memory_max": "1MiB"}, client_buffer_max="8KiB",
                    pool_size=1) as sluice:
        client = sluice.connect()
        for size in (100, 4096, 8191, 16384, 65536, 3000000):
            assert client.execute("SELECT length($1), $1", "v" * size).rows == \
                [(str(size), "v" * size)]
        raises("42601", client.query, "SELEKT '" + "x" * 100000 + "'")
        client.end()
