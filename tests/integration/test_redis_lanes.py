"""Who is served beside those that ask for much: large replies, long pipelines, and a server that was replaced."""

import contextlib
import socket
import threading

from case import case
from redis_rig import Redis, RedisSluice, redis_and_sluice
from resp import request
from rig import wait_until

LARGE = 4_000_000


def backend_rows(redis):
    with redis.connect() as wire:
        rows = wire.ask("CLIENT", "LIST").decode().splitlines()
    return [dict(part.split("=", 1) for part in row.split()) for row in rows if " name=sluice " in row]


@case
def large_replies_hold_up_only_their_like(rig):
    with redis_and_sluice(rig, server={"workers": 1}, shared_connections=1) as (redis, sluice):
        with sluice.connect() as heavy, sluice.connect() as light:
            assert heavy.ask("SET", "large", "x" * LARGE) == b"+OK\r\n"
            assert light.ask("SET", "small", "v") == b"+OK\r\n"
            assert len(heavy.ask("GET", "large")) > LARGE
            heavy.send(request("GET", "small"))
            assert heavy.reply() == b"$1\r\nv\r\n", "in its new lane"
            wait_until(lambda: len(backend_rows(redis)) >= 2 and
                       heavy.ask("GET", "small") == b"$1\r\nv\r\n", "the lane to be there")
            # The heavy one asks for much and reads nothing: the light one is answered meanwhile.
            assert len(heavy.ask("GET", "large")) > LARGE
            for _ in range(50):
                heavy.send(request("GET", "large"))
                assert light.ask("GET", "small") == b"$1\r\nv\r\n"
                assert len(heavy.reply()) > LARGE
            # After enough small ones it is one like the others.
            for _ in range(200):
                assert heavy.ask("GET", "small") == b"$1\r\nv\r\n"
            # The replies of each stay in its order through every change.
            for turn in range(20):
                heavy.send(request("SET", "n", turn) + request("GET", "large") + request("GET", "n") +
                           request("SORT", "none") + request("GET", "n") + request("INCR", "n"))
                assert heavy.reply() == b"+OK\r\n"
                assert len(heavy.reply()) > LARGE
                text = str(turn).encode()
                value = b"$%d\r\n%s\r\n" % (len(text), text)
                assert [heavy.reply() for _ in range(4)] == \
                    [value, b"*0\r\n", value, b":%d\r\n" % (turn + 1)]


@case
def without_room_for_a_lane_all_share_one(rig):
    with redis_and_sluice(rig, server={"workers": 1}, shared_connections=1, pinned_connections=1,
                          max_connections=3) as (redis, sluice):
        with sluice.connect() as blocked, sluice.connect() as heavy, sluice.connect() as light:
            assert heavy.ask("SET", "large", "x" * 300_000) == b"+OK\r\n"
            blocked.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            for turn in range(50):
                assert len(heavy.ask("GET", "large")) > 300_000
                assert heavy.ask("SORT", "none") == b"*0\r\n"
                assert light.ask("SET", "k", turn) == b"+OK\r\n"
                assert redis.clients() <= 2
            assert light.ask("RPUSH", "q", "v") == b":1\r\n"
            assert blocked.reply().startswith(b"*2")


@case
def a_pipeline_of_a_million_commands_starves_nobody(rig):
    count = 200_000 if rig.short else 1_000_000
    with redis_and_sluice(rig, server={"workers": 1}, shared_connections=1) as (redis, sluice):
        with sluice.connect() as heavy, sluice.connect() as light:
            assert light.ask("SET", "k", "v") == b"+OK\r\n"
            answered = threading.Event()
            seen = []

            def write():
                block = request("INCR", "n") * 1000
                for _ in range(count // 1000):
                    heavy.send(block)

            def read():
                while len(seen) < count:
                    seen.append(heavy.reply())
                answered.set()
            threads = [threading.Thread(target=write), threading.Thread(target=read)]
            for thread in threads:
                thread.start()
            turns = 0
            while not answered.is_set():
                assert light.ask("GET", "k") == b"$1\r\nv\r\n"
                turns += len(seen) < count
            for thread in threads:
                thread.join()
            assert seen[-1] == b":%d\r\n" % count
            # At most 4096 stand before each of the light one's, and as many again on their way.
            assert turns >= count // 50_000, f"{turns} turns beside {count} commands"


class Forwarder:
    """An address that leads to whatever server it is told, for those who connect from then on."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            other = socket.create_connection(("127.0.0.1", self.target))
            for source, target in ((peer, other), (other, peer)):
                threading.Thread(target=self.pump, args=(source, target), daemon=True).start()

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


@case
def a_failover_behind_the_same_address_is_followed(rig):
    old, new = Redis(rig), Redis(rig)
    forwarder = Forwarder(old.port)
    database = {"host": "127.0.0.1", "port": forwarder.port}
    sluice = RedisSluice(rig.processes, rig.new_folder("sluice"), rig.binary,
                         {"databases": {"default": database}, "server": {"workers": 2},
                          "info_interval": "50ms"})
    try:
        clients = [sluice.connect() for _ in range(8)]
        for number, client in enumerate(clients):
            assert client.ask("SET", f"c{number}", "old") == b"+OK\r\n"
        forwarder.target = new.port
        with old.connect() as wire:
            assert wire.ask("REPLICAOF", "127.0.0.1", new.port) == b"+OK\r\n"
        assert clients[0].ask("SET", "c0", "new").startswith(b"-READONLY "), "passed on"
        for number, client in enumerate(clients):
            wait_until(lambda: client.ask("SET", f"c{number}", "new") == b"+OK\r\n",
                       "writes to reach the new one")
        with new.connect() as wire:
            for number in range(8):
                assert wire.ask("GET", f"c{number}") == b"$3\r\nnew\r\n"
        sluice.wait_metric("redis_role_info", 1, role="master")
        wait_until(lambda: not backend_rows(old), "the old one's backends to be gone")
        for client in clients:
            client.close()
    finally:
        sluice.finish()
        forwarder.close()
        old.stop()
        new.stop()
