"""Commands larger than max_held_bytes, in one piece and cut: answered as the server does."""

import os
import socket

from case import case
from redis_rig import redis_and_sluice
from resp import Wire, request

LARGE = "q" * 100_000
MANY = [f"{number:040d}" for number in range(3000)]
STREAMS = [f"st:{number:050d}" for number in range(1500)]

SCRIPTS = {
    "script load": [request("SCRIPT", "LOAD", f'return "{LARGE}"')],
    "script exists": [request("SCRIPT", "EXISTS", *MANY)],
    "in a block": [request("MULTI"), request("SCRIPT", "LOAD", f'return "{LARGE}"'),
                   request("EXEC")],
    "xgroup": [request("XGROUP", "CREATE", "xg", LARGE, "$", "MKSTREAM"), request("DEL", "xg")],
    "xread": [request("XREAD", "STREAMS", *STREAMS, *["0"] * 1500)],
    "xreadgroup": [request("XREADGROUP", "GROUP", "g", "c", "STREAMS", *STREAMS, *[">"] * 1500)],
    "watch": [request("WATCH", *MANY), request("MULTI"), request("EXEC")],
    "watch in a block": [request("MULTI"), request("WATCH", *MANY), request("EXEC")],
    "echo": [request("ECHO", LARGE)],
    "ping": [request("PING", LARGE)],
    "unknown": [request("NOPE", LARGE), request("MULTI"), request("NOPE", LARGE), request("EXEC")],
    "arity": [request("GET", LARGE, "x"), request("WATCH", "k"), request("MULTI"),
              request("EXEC", LARGE), request("EXEC")],
    "exec": [request("MULTI"), request("EXEC", "x"), request("EXEC"), request("EXEC", "x")],
    "name": [request("CLIENT", "SETNAME", LARGE + " ")],
    "subscribe": [request("SUBSCRIBE", *MANY), request("SUBSCRIBE", *MANY),
                  request("UNSUBSCRIBE", *MANY)],
    "unsubscribe": [request("UNSUBSCRIBE", *MANY)],
}


@case
def large_commands_of_every_kind_are_served(rig):
    with redis_and_sluice(rig, max_client_subscriptions=0) as (redis, sluice):
        for name, script in SCRIPTS.items():
            expected = None
            for target, piece in ((redis, 1 << 30), (sluice, 1 << 30), (sluice, 30_000)):
                with target.connect() as wire:
                    for data in script:
                        for at in range(0, len(data), piece):
                            wire.send(data[at:at + piece])
                    wire.send(request("QUIT"))
                    heard = wire.rest()
                expected = expected or heard
                assert heard == expected, (name, piece, heard[:200], expected[:200])
        with sluice.connect() as wire:
            wire.send(request("SUBSCRIBE", "c" * 2_000_000) + request("PING"))
            assert wire.reply() == b"-ERR sluice: too large a request of this kind\r\n"
            assert wire.reply() == b"+PONG\r\n"


@case
def clients_come_by_a_socket_of_any_name(rig):
    path = os.path.join(rig.new_folder("socket"), "sl.sock")
    with redis_and_sluice(rig, listen=[f"unix:{path}"]):
        with Wire(path) as wire:
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"
            wire.send(request("GET", "k") * 2000)
            wire.socket.shutdown(socket.SHUT_WR)
            assert wire.rest() == b"$1\r\n1\r\n" * 2000
