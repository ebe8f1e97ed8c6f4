"""Scripts made from a grammar, played directly and through Sluice among other clients: every client
must receive the very same bytes. The seed is printed with a difference; SLUICE_REDIS_SEEDS says how
many are tried."""

import os
import random
import threading

from case import case
from redis_rig import redis_and_sluice
from resp import Closed, Wire, request


def plain(rng, key):
    """A command that leaves the same replies behind whoever else is there."""
    value = "v" * rng.choice([0, 1, 10, 3000]) + str(rng.randrange(10))
    return rng.choice([
        lambda: request("SET", key("s"), value), lambda: request("GET", key("s")),
        lambda: request("APPEND", key("s"), "x"), lambda: request("INCR", key("n")),
        lambda: request("INCR", key("s")), lambda: request("GET", key("none")),
        lambda: request("RPUSH", key("l"), value, "b"), lambda: request("LRANGE", key("l"), 0, -1),
        lambda: request("LPOP", key("l")), lambda: request("HSET", key("h"), "f", value),
        lambda: request("HGETALL", key("h")), lambda: request("ZADD", key("z"), 1.5, value),
        lambda: request("ZRANGE", key("z"), 0, -1, "WITHSCORES"), lambda: request("DEL", key("s")),
        lambda: request("SADD", key("t"), "one"), lambda: request("SMEMBERS", key("t")),
        lambda: request("EVAL", "return redis.call('INCRBY',KEYS[1],ARGV[1])", 1, key("n"), 3),
        lambda: request("MGET", key("s"), key("n"), key("l")), lambda: request("TYPE", key("h")),
        lambda: request("HGET", key("s"), "f"), lambda: request("EXPIRE", key("h"), 100)])()


def refused(rng):
    return rng.choice([request("nope", "a"), request("GET"), request("SET", "k"),
                       request("CLIENT", "nope"), request("EXEC"), request("DISCARD"),
                       request("SELECT", "x"), request("SELECT", 99), request("XADD")])


def block(rng, key):
    """A transaction, with whatever may go wrong in it."""
    parts = []
    if rng.random() < 0.5:
        parts.append(request("WATCH", key("s"), key("w")))
        if rng.random() < 0.4:
            parts.append(request("SET", key("w"), rng.randrange(9)))
        if rng.random() < 0.2:
            parts.append(request("UNWATCH"))
    parts.append(request("MULTI"))
    for _ in range(rng.randrange(6)):
        roll = rng.random()
        if roll < 0.7:
            parts.append(plain(rng, key))
        elif roll < 0.8:
            parts.append(request("BLPOP", key("none"), 0))
        elif roll < 0.9:
            parts.append(rng.choice([request("PING"), request("ECHO", "e"), request("UNWATCH")]))
        elif roll < 0.95:
            parts.append(rng.choice([request("MULTI"), request("WATCH", key("s"))]))
        else:
            parts.append(rng.choice([request("nope"), request("GET")]))
    parts.append(request("DISCARD") if rng.random() < 0.2 else request("EXEC"))
    return parts


def script(seed, name):
    rng = random.Random(seed)

    def key(part):
        return f"{name}:{part}"
    parts = [request("HELLO", 3)] if rng.random() < 0.5 else []
    for _ in range(rng.randrange(5, 40)):
        roll = rng.random()
        if roll < 0.55:
            parts.append(plain(rng, key))
        elif roll < 0.75:
            parts += block(rng, key)
        elif roll < 0.82:
            parts.append(refused(rng))
        elif roll < 0.88:
            parts.append(request("SELECT", rng.randrange(3)))
        elif roll < 0.92:
            parts += [request("RPUSH", key("q"), "a"), request("BLPOP", key("q"), 0)]
        elif roll < 0.95:
            parts += [request("CLIENT", "REPLY", "OFF"), plain(rng, key),
                      request("CLIENT", "REPLY", "ON")]
        elif roll < 0.97:
            parts += [request("CLIENT", "REPLY", "SKIP"), plain(rng, key)]
        else:
            parts.append(rng.choice([b"\r\n", b"*0\r\n", b"PING\r\n",
                                     f"set {key('s')} \"a b\"\r\n".encode(), request("PING", "p"),
                                     request("CLIENT", "SETNAME", "n"),
                                     request("CLIENT", "GETNAME")]))
    if parts and rng.random() < 0.1:
        parts.append(request("RESET"))
    return parts + [request("GET", "no such key"), request("QUIT")]


def play(address, seed, parts):
    rng = random.Random(seed)
    data = b"".join(parts)
    with Wire(address) as wire:
        at = 0
        while at < len(data):
            size = rng.choice([1, 7, 100, 5000, 100_000])
            wire.send(data[at:at + size])
            at += size
        got = wire.rest()
    # The greeting tells the client's id, which is another one here.
    mark = got.find(b"$4\r\nmode")
    return got[mark:] if got.startswith(b"%7") else got


def disturb(sluice, stop, number):
    """Others on the same backends: they ask, leave in the middle, block, watch, and are wrong."""
    rng = random.Random(number)
    while not stop.is_set():
        try:
            with sluice.connect() as wire:
                for part in script(rng.randrange(1 << 30), f"other{number}")[:-1]:
                    wire.send(part)
                roll = rng.random()
                if roll < 0.3:
                    wire.send(b"*2\r\n$3\r\nGET\r\n$100\r\nhalf")
                elif roll < 0.6:
                    wire.send(request("BLPOP", "nobody", 0))
                elif roll < 0.8:
                    wire.send(request("QUIT"))
                    wire.rest()
        except (OSError, Closed):
            pass


@case
def generated_scripts_read_as_they_do_directly(rig):
    count = int(os.environ.get("SLUICE_REDIS_SEEDS", "40" if rig.short else "150"))
    with redis_and_sluice(rig, server={"workers": 2}, shared_connections=1, pinned_connections=20,
                          max_held_bytes="4KiB") as (redis, sluice):
        stop = threading.Event()
        others = [threading.Thread(target=disturb, args=(sluice, stop, number))
                  for number in range(3)]
        for other in others:
            other.start()
        try:
            for seed in range(1, count + 1):
                parts = script(seed, "d")
                direct = play(redis.address, seed, parts)
                with redis.connect() as control:
                    for number in range(3):
                        control.ask("SELECT", number)
                        control.ask("EVAL", "for _,k in ipairs(redis.call('KEYS','d:*')) do "
                                    "redis.call('DEL',k) end", 0)
                pooled = play(sluice.address, seed, parts)
                with redis.connect() as control:
                    for number in range(3):
                        control.ask("SELECT", number)
                        control.ask("EVAL", "for _,k in ipairs(redis.call('KEYS','d:*')) do "
                                    "redis.call('DEL',k) end", 0)
                assert pooled == direct, f"seed {seed}:\n{b''.join(parts)!r}\n{direct!r}\n{pooled!r}"
        finally:
            stop.set()
            for other in others:
                other.join()
        assert redis.clients() <= 60
