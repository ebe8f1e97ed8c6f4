"""Clients that send no more and read on, as `nc -N` does: what they asked is answered first."""

import socket

from case import case
from redis_rig import redis_and_sluice
from resp import request
from rig import wait_until

SCRIPTS = {
    "ping": request("PING"),
    "shared": request("SET", "h", 1) + request("GET", "h"),
    "large": request("SET", "h2", b"x" * 500_000) + request("STRLEN", "h2"),
    "block": request("MULTI") + request("GET", "h") + request("EXEC"),
    "watch": request("WATCH", "h") + request("MULTI") + request("SET", "n", 1) + request("EXEC"),
    "lanes": request("SINTER", "none", "none") + request("GET", "h") + request("SUNION", "none"),
    "many": request("GET", "h") * 1000,
    "more than may be owed": request("INCR", "count") * 9000 + request("DEL", "count"),
    "ours": request("GET", "h") + request("NOPE") + request("CLIENT", "GETNAME") +
            request("GET", "h"),
    "a database of its own": request("SELECT", 3) + request("SET", "h", 2) + request("DEL", "h"),
    "half a request": request("GET", "h") + request("GET", "h")[:-3],
    "half a large one": request("GET", "h") + request("SET", "h2", b"y" * 200_000)[:-3],
    "an inline line": b"GET h\r\nPING\r\nGE",
    "quit": request("GET", "h") + request("QUIT") + request("GET", "h"),
    "nothing": b"",
    "broken": request("GET", "h") + b"*1\r\n$x\r\n",
}


def all_of(wire, data):
    wire.send(data)
    wire.socket.shutdown(socket.SHUT_WR)
    return wire.rest()


@case
def who_sends_no_more_is_answered_before_it_is_closed(rig):
    with redis_and_sluice(rig, shared_connections=1, pinned_connections=1,
                          max_connections=5) as (redis, sluice):
        for name, data in SCRIPTS.items():
            with redis.connect() as wire:
                direct = all_of(wire, data)
            for turn in range(5):
                with sluice.connect() as wire:
                    assert all_of(wire, data) == direct, name
        sluice.wait_metric("redis_clients", 0)
        assert sluice.metric("redis_lost_replies_total") == 0


@case
def who_sends_no_more_waits_in_line_for_its_turn(rig):
    with redis_and_sluice(rig, pinned_connections=1, wait_timeout="60s") as (redis, sluice):
        with sluice.connect() as holds, sluice.connect() as waits:
            assert holds.ask("WATCH", "k") == b"+OK\r\n"
            waits.send(request("SET", "w", 1) + request("WATCH", "k") + request("GET", "w"))
            waits.socket.shutdown(socket.SHUT_WR)
            sluice.wait_metric("redis_waiting_clients", 1)
            assert holds.ask("UNWATCH") == b"+OK\r\n"
            assert waits.rest() == b"+OK\r\n+OK\r\n$1\r\n1\r\n"


@case
def who_sends_no_more_takes_nothing_that_it_waited_for(rig):
    with redis_and_sluice(rig, blocking_connections=1) as (redis, sluice):
        with sluice.connect() as blocks, sluice.connect() as waits:
            blocks.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            waits.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_waiting_clients", 1)
            for wire in (waits, blocks):
                wire.socket.shutdown(socket.SHUT_WR)
                assert wire.rest() == b""
        sluice.wait_metric("redis_pinned_in_use", 0)
        with sluice.connect() as wire:
            assert all_of(wire, request("SET", "k", 1) + request("BLPOP", "q", 0)) == b"+OK\r\n"
        wait_until(lambda: redis.info("blocked_clients") == 0, "nobody to wait at the server")
        with redis.connect() as direct:
            assert direct.ask("RPUSH", "q", "v") == b":1\r\n"
            assert direct.ask("LLEN", "q") == b":1\r\n"


@case
def who_sends_no_more_and_hears_messages_leaves(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as wire:
            heard = all_of(wire, request("SUBSCRIBE", "c"))
            assert heard == b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
        with sluice.connect() as wire:
            wire.send(request("HELLO", 3) + request("CLIENT", "TRACKING", "ON"))
            wire.reply()
            assert all_of(wire, request("GET", "k")) == b"+OK\r\n_\r\n"
        sluice.wait_metric("redis_pinned_in_use", 0)
