"""How long a command may take, who may hold a backend, and that late replies reach nobody."""

import os
import signal

from case import case
from redis_rig import redis_and_sluice
from resp import request
from rig import wait_until

LATE = b"-ERR sluice: no answer within query_timeout; whether the command ran is not known\r\n"
NO_BACKEND = b"-ERR sluice: no backend connection (waited "


@case
def late_replies_are_read_and_reach_nobody(rig):
    with redis_and_sluice(rig, server={"workers": 1}, shared_connections=1, query_timeout="100ms",
                          info_interval=0) as (redis, sluice):
        clients = [sluice.connect() for _ in range(20)]
        for number, client in enumerate(clients):
            assert client.ask("SET", f"c{number}", number) == b"+OK\r\n"
        for turn in range(5):
            os.kill(redis.process.pid, signal.SIGSTOP)
            for number, client in enumerate(clients):
                client.send(request("GET", f"c{number}") + request("INCR", f"n{number}"))
            for client in clients:
                assert [client.reply(), client.reply()] == [LATE, LATE]
            # Whoever asks while the server is away waits behind what it was asked before.
            for number, client in enumerate(clients):
                client.send(request("ECHO", "x") if turn % 2 else request("GET", "none"))
            os.kill(redis.process.pid, signal.SIGCONT)
            for client in clients:
                client.reply()
            for number, client in enumerate(clients):
                own = str(number).encode()
                wait_until(lambda: client.ask("GET", f"c{number}") != LATE, "the server is back")
                assert client.ask("GET", f"c{number}") == b"$%d\r\n%s\r\n" % (len(own), own)
        assert sluice.metric("refusals_total", mode="redis", reason="query_timeout") >= 200
        with sluice.connect() as client:
            # What was told to have no answer was sent once: it ran, and never twice.
            assert client.ask("GET", "n0") == b"$1\r\n5\r\n"
        assert redis.clients() <= 1, "the backend stays"
        for client in clients:
            client.close()


@case
def what_waits_by_itself_is_not_late(rig):
    with redis_and_sluice(rig, query_timeout="50ms") as (redis, sluice):
        with sluice.connect() as waits, sluice.connect() as other:
            waits.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            # Longer than query_timeout by the server's own clock.
            assert other.ask("BLPOP", "none", "0.3") == b"*-1\r\n"
            assert other.ask("RPUSH", "q", "v") == b":1\r\n"
            assert waits.reply() == b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n"
        assert sluice.metric("refusals_total", mode="redis", reason="query_timeout") == 0


@case
def a_client_with_a_watch_is_closed_when_nothing_comes(rig):
    with redis_and_sluice(rig, query_timeout="100ms", info_interval=0) as (redis, sluice):
        with sluice.connect() as client:
            assert client.ask("WATCH", "k") == b"+OK\r\n"
            os.kill(redis.process.pid, signal.SIGSTOP)
            client.send(request("GET", "k"))
            assert client.rest() == b""
            os.kill(redis.process.pid, signal.SIGCONT)
        sluice.wait_metric("redis_pinned_in_use", 0)
        wait_until(lambda: redis.clients() == 0, "its backend to be gone")


@case
def muted_clients_hear_nothing_of_what_is_late_or_lost(rig):
    with redis_and_sluice(rig, query_timeout="100ms", info_interval=0) as (redis, sluice):
        with sluice.connect() as client:
            assert client.ask("SET", "k", 1) == b"+OK\r\n"
            client.send(request("CLIENT", "REPLY", "OFF"))
            for ending in (signal.SIGCONT, signal.SIGKILL):
                os.kill(redis.process.pid, signal.SIGSTOP)
                client.send(request("INCR", "k"))
                sluice.wait_metric("redis_owed_replies", 1)
                os.kill(redis.process.pid, ending)
                sluice.wait_metric("redis_owed_replies", 0)
            redis.stop()
            redis.start()
            client.send(request("CLIENT", "REPLY", "ON"))
            assert client.reply() == b"+OK\r\n"


@case
def blocking_and_watching_have_bounds_of_their_own(rig):
    with redis_and_sluice(rig, pinned_connections=4, max_connections=10, blocking_connections=2,
                          watch_connections=1, wait_timeout="300ms") as (redis, sluice):
        blocked = [sluice.connect() for _ in range(2)]
        for number, client in enumerate(blocked):
            client.send(request("BLPOP", f"q{number}", 0))
        sluice.wait_metric("redis_pinned_in_use", 2)
        with sluice.connect() as third, sluice.connect() as watcher, sluice.connect() as second:
            assert third.ask("BLPOP", "q9", 0).startswith(NO_BACKEND)
            assert third.ask("SET", "k", 1) == b"+OK\r\n"
            # There are four pinned ones, and two of them are for others than who waits.
            assert watcher.ask("WATCH", "k") == b"+OK\r\n"
            assert second.ask("WATCH", "k").startswith(NO_BACKEND)
            assert second.ask("MULTI") == b"+OK\r\n", "a block needs none"
            assert second.ask("SET", "k", "x" * 100_000) == b"+QUEUED\r\n", "or one of no reason"
            assert second.ask("EXEC") == b"*1\r\n+OK\r\n"
            # Who waits gets its turn when another's ends, on whatever worker.
            third.send(request("BLPOP", "q0", 0))
            second.send(request("WATCH", "k"))
            sluice.wait_metric("redis_waiting_clients", 2)
            with redis.connect() as direct:
                direct.send(request("RPUSH", "q0", "a", "b"))
                assert direct.reply() == b":2\r\n"
            assert watcher.ask("UNWATCH") == b"+OK\r\n"
            assert blocked[0].reply() == b"*2\r\n$2\r\nq0\r\n$1\r\na\r\n"
            assert third.reply() == b"*2\r\n$2\r\nq0\r\n$1\r\nb\r\n"
            assert second.reply() == b"+OK\r\n"
        blocked[1].close()
        sluice.wait_metric("redis_pinned_in_use", 0)
        # All places are back.
        with sluice.connect() as one, sluice.connect() as two:
            for client in (one, two):
                client.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 2)
        for client in blocked:
            client.close()


@case
def whoever_waits_for_a_turn_may_leave(rig):
    with redis_and_sluice(rig, blocking_connections=1, wait_timeout="20s") as (redis, sluice):
        with sluice.connect() as first:
            first.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            others = [sluice.connect() for _ in range(6)]
            for client in others:
                client.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_waiting_clients", 6)
            for client in others[:5]:
                client.close()
            sluice.wait_metric("redis_waiting_clients", 1)
            with redis.connect() as direct:
                assert direct.ask("RPUSH", "q", "a") == b":1\r\n"
                assert first.reply().endswith(b"a\r\n")
                wait_until(lambda: redis.info("blocked_clients") == 1, "the last one's turn")
                assert direct.ask("RPUSH", "q", "b") == b":1\r\n"
                assert others[5].reply().endswith(b"b\r\n")
            others[5].close()


@case
def idle_shared_backends_make_room(rig):
    with redis_and_sluice(rig, max_connections=5, pinned_connections=2,
                          shared_connections=2) as (redis, sluice):
        # Twenty kinds of shared backends, of which four may be there at a time.
        wires = [sluice.connect() for _ in range(20)]
        for number, wire in enumerate(wires):
            if number >= 10:
                wire.send(request("HELLO", 3))
                wire.reply()
            assert wire.ask("SELECT", number % 10) == b"+OK\r\n"
        for turn in range(5):
            for number, wire in enumerate(wires):
                assert wire.ask("SET", "k", f"{number}.{turn}") == b"+OK\r\n"
                value = f"{number}.{turn}".encode()
                assert wire.ask("GET", "k") == b"$%d\r\n%s\r\n" % (len(value), value)
                assert redis.clients() <= 4
        # And then pinned ones want their place.
        blocked = wires[:2]
        for wire in blocked:
            wire.send(request("BLPOP", "q", 0))
        sluice.wait_metric("redis_pinned_in_use", 2)
        for number, wire in enumerate(wires[2:], 2):
            assert wire.ask("SET", "k", number) == b"+OK\r\n"
            assert redis.clients() <= 4
        for wire in wires:
            wire.close()


@case
def a_block_is_not_sent_for_a_user_without_the_right(rig):
    with redis_and_sluice(rig, database={"user": "app", "password": "geheim"}) as (redis, sluice):
        with redis.connect() as control:
            control.ask("ACL", "SETUSER", "app", "on", ">geheim", "~*", "&*", "+@all", "-multi")
        with sluice.connect() as client:
            assert client.ask("SET", "k", 1) == b"+OK\r\n"
            client.send(request("MULTI") + request("INCR", "k") + request("LPUSH", "k", "x") +
                        request("EXEC"))
            assert [client.reply() for _ in range(3)] == [b"+OK\r\n", b"+QUEUED\r\n", b"+QUEUED\r\n"]
            assert client.reply().startswith(b"-NOPERM "), "as the server says it to MULTI"
            assert client.ask("GET", "k") == b"$1\r\n1\r\n", "no part of it ran"


@case
def a_turn_survives_the_server(rig):
    with redis_and_sluice(rig, blocking_connections=1, wait_timeout="20s") as (redis, sluice):
        with sluice.connect() as first, sluice.connect() as second:
            first.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            second.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_waiting_clients", 1)
            redis.stop()
            assert first.reply().startswith(b"-ERR sluice: backend connection lost")
            redis.start()
            with redis.connect() as direct:
                assert direct.ask("RPUSH", "q", "a") == b":1\r\n"
            assert second.reply() == b"*2\r\n$1\r\nq\r\n$1\r\na\r\n"
            wait_until(lambda: first.ask("BLPOP", "q", "0.1") == b"*-1\r\n", "a turn for the first")
