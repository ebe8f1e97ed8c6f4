"""What a server says of itself is passed on and counted, and disturbs nobody; what is too large is refused."""

import socket
import threading

from case import case
from redis_rig import RedisSluice, redis_and_sluice
from resp import Closed, request
from rig import wait_until

GREETING = (b"*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"
            b"$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
            b"$7\r\nmodules\r\n*0\r\n")
SAID = {
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n",
    "busy": b"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
    "masterdown": b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
    "moved": b"-MOVED 3999 127.0.0.1:6381\r\n",
    "ask": b"-ASK 3999 127.0.0.1:6381\r\n",
    "misconf": b"-MISCONF Errors writing to the AOF file: No space left on device\r\n",
    "noreplicas": b"-NOREPLICAS Not enough good replicas to write.\r\n",
    "clusterdown": b"-CLUSTERDOWN The cluster is down\r\n",
    "tryagain": b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    "crossslot": b"-CROSSSLOT Keys in request don't hash to the same slot\r\n",
    "noscript": b"-NOSCRIPT No matching script. Please use EVAL.\r\n",
    "noperm": b"-NOPERM this user has no permissions to run the 'get' command\r\n",
    "noauth": b"-NOAUTH Authentication required.\r\n",
    "oom": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
    "readonly": b"-READONLY You can't write against a read only replica.\r\n",
    "other": b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
}


class ScriptedRedis:
    """Logs everybody in, and answers GET KIND with what is said of that kind."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connects = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connects += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer, peer.makefile("rb") as stream:
            while header := stream.readline():
                words = []
                for _ in range(int(header[1:])):
                    size = int(stream.readline()[1:])
                    words.append(stream.read(size + 2)[:-2])
                name = words[0].upper()
                said = {b"HELLO": GREETING, b"GET": SAID.get(words[-1].decode(), b"$-1\r\n")}
                peer.sendall(said.get(name, b"+OK\r\n"))

    def close(self):
        self.listener.close()


@case
def what_a_server_says_of_itself_is_passed_on_and_counted(rig):
    server = ScriptedRedis()
    sluice = RedisSluice(rig.processes, rig.new_folder("sluice"), rig.binary,
                         {"databases": {"default": {"host": "127.0.0.1", "port": server.port}},
                          "server": {"workers": 1}, "shared_connections": 1, "info_interval": 0})
    try:
        with sluice.connect() as client, sluice.connect() as other:
            for kind, text in SAID.items():
                other.send(request("GET", "nothing"))
                assert client.ask("GET", kind) == text
                assert other.reply() == b"$-1\r\n"
                assert sluice.metric("redis_error_replies_total", error=kind) == 1, kind
            client.send(b"".join(request("GET", kind) for kind in SAID))
            assert [client.reply() for _ in SAID] == list(SAID.values())
    finally:
        sluice.finish()
        server.close()
    assert server.connects <= 2, f"{server.connects} connects: an answer was taken for a fault"


@case
def a_busy_server_is_told_as_busy_and_served_again(rig):
    with redis_and_sluice(rig, redis={"lua-time-limit": 10}, shared_connections=1,
                          server={"workers": 2}) as (redis, sluice):
        with redis.connect() as direct, sluice.connect() as client:
            assert client.ask("SET", "k", "v") == b"+OK\r\n"
            direct.send(request("EVAL", "while true do end", 0))
            wait_until(lambda: client.ask("GET", "k").startswith(b"-BUSY "), "the server to say so")
            with redis.connect() as killer:
                assert killer.ask("SCRIPT", "KILL") == b"+OK\r\n"
            wait_until(lambda: client.ask("GET", "k") == b"$1\r\nv\r\n", "the script to have ended")
        assert sluice.metric("redis_lost_replies_total") == 0


@case
def a_request_may_be_so_large_and_no_larger(rig):
    users = {"default": {}, "small": {"password": "s", "max_request_bytes": "1KiB"},
             "free": {"password": "f", "max_request_bytes": 0}}
    with redis_and_sluice(rig, users=users, max_request_bytes="100KiB") as (redis, sluice):
        def taken(size, *login):
            with sluice.connect() as client:
                if login:
                    assert client.ask("AUTH", *login) == b"+OK\r\n"
                whole = next(whole for length in range(size)
                             if len(whole := request("SET", "k", "x" * (size - length))) <= size)
                value = "x" * int(whole.split(b"\r\n")[5][1:])
                client.send(whole + request("STRLEN", "k"))
                first = client.reply()
                length = int(client.reply()[1:])
                if first == b"+OK\r\n":
                    assert length == len(value)
                    return True
                assert first == b"-ERR sluice: request larger than max_request_bytes\r\n", first
                return False
        assert taken(100 * 1024) and not taken(100 * 1024 + 6) and not taken(20_000_000)
        assert taken(1024, "small", "s") and not taken(1030, "small", "s")
        assert taken(20_000_000, "free", "f")
        assert sluice.metric("redis_oversized_requests_total") == 3
        with sluice.connect() as client:
            # Many small arguments tell their sum only in the end: then there is no way back.
            client.send(request("MSET", *["k", "v" * 10] * 10_000))
            try:
                assert client.reply() == b"-ERR sluice: request larger than max_request_bytes\r\n"
            except (Closed, ConnectionError):
                pass
        sluice.wait_metric("redis_pinned_in_use", 0)
        with sluice.connect() as client:
            assert client.ask("GET", "v" * 10) == b"$-1\r\n"
