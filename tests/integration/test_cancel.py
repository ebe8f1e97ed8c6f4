"""Cancel requests: exactly the query of the client that asks, and nothing else."""

import os
import threading

from case import case
from pgwire import Client, Closed, Query, Wire, cancel_request, extended
from rig import wait_until


def start_sleeping(rig, client, count=1):
    client.send(Query("SELECT pg_sleep(600)"))
    wait_until(lambda: len(rig.postgres.backends(
        "state = 'active' AND query LIKE 'SELECT pg_sleep(600)%'")) >= count,
        "waiting for the query to run", 20.0)


@case
def a_running_query_is_cancelled_and_its_client_goes_on(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        start_sleeping(rig, client)
        other.send(Query("SELECT pg_sleep(600)"))
        wait_until(lambda: len(rig.postgres.backends("state = 'active'")) == 2, "two run", 20.0)
        client.cancel()
        answer = client.answer()
        assert answer.sqlstates == ["57014"] and answer.status == "I"
        assert client.value("SELECT 1") == "1"
        assert not other.has_input(), "the cancel hit another client"
        other.cancel()
        assert other.answer().sqlstates == ["57014"]
        assert sluice.metric("cancels_total", result="forwarded") == 2
        client.end()
        other.end()


@case
def protocol_3_2_has_a_long_key_and_only_the_whole_of_it_cancels(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, older = sluice.connect(version=0x30002), sluice.connect()
        assert len(client.key) == 32 and len(older.key) == 4
        start_sleeping(rig, client)
        last = bytes([client.key[-1] ^ 1])
        for wrong in (client.key[:4], client.key[:-1], client.key[:-1] + last, client.key + b"x"):
            client.cancel(key=wrong)
        older.cancel(key=older.key + client.key[4:])
        assert sluice.metric("cancels_total", result="forwarded") == 0
        assert not client.has_input(), "a wrong key has cancelled"
        client.cancel()
        assert client.answer().sqlstates == ["57014"]
        client.end()
        older.end()


@case
def a_cancel_inside_a_transaction_leaves_it_failed(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        start_sleeping(rig, client)
        client.cancel()
        answer = client.answer()
        assert answer.sqlstates == ["57014"] and answer.status == "E"
        client.query("ROLLBACK")
        client.end()


@case
def a_queued_client_is_taken_out_of_the_queue(rig):
    with rig.sluice(pool_size=1) as sluice:
        holder, queued = sluice.connect(), sluice.connect()
        holder.query("BEGIN")
        for request in (Query("SELECT 1"), extended("SELECT 1")):
            queued.send(request)
            sluice.wait_metric("pool_waiting_clients", 1)
            queued.cancel()
            answer = queued.answer()
            assert answer.sqlstates == ["57014"] and answer.status == "I", answer.messages
            sluice.wait_metric("pool_waiting_clients", 0)
        assert sluice.metric("cancels_total", result="forwarded") == 0
        holder.query("COMMIT")
        assert queued.value("SELECT 2") == "2"
        holder.end()
        queued.end()


@case
def the_cancel_of_an_idle_client_does_nothing(rig):
    with rig.sluice(pool_size=1) as sluice:
        idle, other = sluice.connect(), sluice.connect()
        idle.query("SELECT 1")
        start_sleeping(rig, other)
        for _ in range(5):
            idle.cancel()
        assert not other.has_input(), "the cancel of an idle client hit another"
        other.cancel()
        assert other.answer().sqlstates == ["57014"]
        other.query("BEGIN")
        other.cancel()
        assert other.value("SELECT 1") == "1"
        assert sluice.metric("cancels_total", result="forwarded") == 1
        idle.end()
        other.end()


@case
def a_wrong_key_does_nothing(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        start_sleeping(rig, client)
        wrong = bytes(byte ^ 1 for byte in client.key)
        for pid, key in ((client.pid, wrong), (client.pid + 1, client.key), (client.pid, b"\0" * 4),
                         (client.pid, client.key[:3]), (client.pid, client.key + b"\0"),
                         (client.pid, b""), (client.pid, os.urandom(300)), (0, client.key)):
            try:
                client.cancel(pid=pid, key=key)
            except (Closed, AssertionError):
                pass
        assert not client.has_input(), "a wrong key has cancelled"
        client.cancel()
        assert client.answer().sqlstates == ["57014"]
        client.end()


@case
def keys_are_unguessable(rig):
    with rig.sluice() as sluice:
        clients = [sluice.connect() for _ in range(50)]
        assert len({client.key for client in clients}) == 50
        assert len({client.pid for client in clients}) == 50
        assert all(len(client.key) == 4 and client.pid > 0 for client in clients)
        for client in clients:
            client.close()


@case
def process_ids_are_of_no_process_and_not_of_who_left_last(rig):
    with rig.sluice() as sluice:
        before = set()
        for _ in range(10):
            client = sluice.connect()
            assert client.pid > 1 << 22 and client.pid not in before, (client.pid, before)
            before.add(client.pid)
            assert client.value(f"SELECT pg_terminate_backend({client.pid})") == "f"
            assert client.value("SELECT 1") == "1"
            client.end()


@case
def the_key_of_a_client_that_left_is_void(rig):
    with rig.sluice(pool_size=1) as sluice:
        gone = sluice.connect()
        gone.query("SELECT 1")
        gone.end()
        client = sluice.connect()
        start_sleeping(rig, client)
        gone.cancel()
        assert not client.has_input()
        client.cancel()
        assert client.answer().sqlstates == ["57014"]
        client.end()


@case
def session_mode_cancels_by_the_backends_own_process_id(rig):
    with rig.sluice(pool_mode="session", pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        assert client.pid == int(client.value("SELECT pg_backend_pid()"))
        start_sleeping(rig, client)
        start_sleeping(rig, other, 2)
        client.cancel()
        assert client.answer().sqlstates == ["57014"]
        assert not other.has_input()
        other.cancel()
        assert other.answer().sqlstates == ["57014"]
        client.end()
        other.end()


@case
def the_cancel_socket_is_closed_only_when_the_backend_knows(rig):
    """What libpq relies on: after PQcancel returned, the next query is safe."""
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        for _ in range(50):
            client.send(Query("SELECT pg_sleep(600)"))
            while not client.has_input():  # A cancel may come before the query.
                client.cancel()
            assert client.answer().sqlstates == ["57014"]
            assert client.value("SELECT 1") == "1"
        client.end()


@case
def a_storm_of_cancels_hits_nobody_else(rig):
    """One group of clients asks for cancels all the time, the other must never see 57014."""
    rounds = 150 if rig.short else 600
    with rig.sluice(pool_size=3) as sluice:
        trouble, done = [], threading.Event()

        def victim(number):
            try:
                client = sluice.connect()
                for turn in range(rounds):
                    answer = client.ask(Query(f"SELECT {number * 1000000 + turn}")
                                        if turn % 2 else extended("SELECT $1::int",
                                                                  [number * 1000000 + turn]))
                    assert not answer.errors, answer.errors
                    assert answer.rows == [(str(number * 1000000 + turn),)], answer.rows
                client.end()
            except BaseException as error:
                trouble.append(f"{threading.current_thread().name}: {error!r}")
            done.set()

        def canceller():
            try:
                client = sluice.connect()
                while not done.is_set():
                    client.send(Query("SELECT pg_sleep(0.002)"))
                    for _ in range(3):
                        client.cancel()
                    answer = client.answer()
                    assert set(answer.sqlstates) <= {"57014"}, answer.errors
                client.end()
            except BaseException as error:
                trouble.append(f"{threading.current_thread().name}: {error!r}")
        threads = [threading.Thread(target=victim, args=(n,)) for n in range(4)]
        threads += [threading.Thread(target=canceller, name="canceller") for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not trouble, trouble
        assert sluice.metric("cancels_total", result="forwarded") > 0


@case
def a_flood_of_cancels_is_bounded(rig):
    with rig.sluice(pool_size=2, max_cancels=2) as sluice:
        clients = [sluice.connect() for _ in range(2)]
        for number, client in enumerate(clients):
            start_sleeping(rig, client, number + 1)
        wires = []
        for _ in range(200):
            wire = Wire(sluice.address)
            wire.send(cancel_request(clients[0].pid, clients[0].key))
            wires.append(wire)
        assert clients[0].answer().sqlstates == ["57014"]
        for wire in wires:
            wire.messages_to_the_end()
            wire.close()
        assert not clients[1].has_input()
        assert sluice.metric("cancels_received_total") == 200
        clients[1].cancel()
        assert clients[1].answer().sqlstates == ["57014"]
        assert clients[0].value("SELECT 1") == "1"
        for client in clients:
            client.end()


@case
def a_cancel_that_comes_byte_by_byte(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        start_sleeping(rig, client)
        with Wire(sluice.address) as wire:
            wire.send_bytewise(cancel_request(client.pid, client.key))
            wire.messages_to_the_end()
        assert client.answer().sqlstates == ["57014"]
        client.end()


@case
def a_cancel_is_understood_behind_an_ssl_request(rig):
    from pgwire import ssl_request
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        start_sleeping(rig, client)
        with Wire(sluice.address) as wire:
            wire.send(ssl_request())
            assert wire.bytes(1) == b"N"
            wire.send(cancel_request(client.pid, client.key))
            wire.messages_to_the_end()
        assert client.answer().sqlstates == ["57014"]
        client.end()
        assert isinstance(client, Client)
