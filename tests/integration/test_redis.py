"""The Redis side: the same bytes as without it, on few backends, and nobody meets another's."""

import os
import shutil
import signal
import socket
import subprocess
import threading

from case import case
from redis_rig import redis_and_sluice
from resp import Closed, Wire, request
from rig import Skipped, wait_until

HELLO3 = request("HELLO", 3)

# Each is sent as it is, directly and through Sluice; what comes back must be equal.
SCRIPTS = {
    "values": [request("SET", "k", "v"), request("GET", "k"), request("GET", "none"),
               request("INCR", "n"), request("INCR", "k"), request("MSET", "a", 1, "b", 2),
               request("MGET", "a", "none", "b"), request("STRLEN", "k"), request("DEL", "a", "b")],
    "pipeline": [b"".join(request("SET", f"p{i}", "x" * i) + request("GET", f"p{i}")
                          for i in range(200))],
    "types": [request("HSET", "h", "f", 1, "g", 2), request("HGETALL", "h"),
              request("ZADD", "z", 1, "a", 2.5, "b"), request("ZRANGE", "z", 0, -1, "WITHSCORES"),
              request("ZSCORE", "z", "b"), request("SADD", "s", "x"), request("SMEMBERS", "s"),
              request("XADD", "x", "1-1", "f", "v"), request("XREAD", "STREAMS", "x", "0"),
              request("EVAL", "return {1,{2,'a'},false}", 0), request("OBJECT", "ENCODING", "n")],
    "errors": [request("nope", "a"), request("GET"), request("SET", "k"), request("HGET", "k", "f"),
               request("CONFIG", "nope"), request("EXEC"), request("DISCARD"), request("SELECT", "x"),
               request("SELECT", 16), request("PING", "a", "b"), request("CLIENT", "nope"),
               request("HELLO", 4), request("HELLO", "x"), request("AUTH", "x"),
               request("AUTH", "no", "x"), request("READONLY")],
    "handshake": [request("CLIENT", "SETNAME", "n"), request("CLIENT", "GETNAME"), request("PING"),
                  request("PING", "x"), request("ECHO", "y"), request("SELECT", 3),
                  request("SET", "only3", 1), request("SELECT", 0), request("GET", "only3"),
                  request("RESET")],
    "transactions": [request("MULTI"), request("SET", "t", 1), request("INCR", "t"),
                     request("LPOP", "t"), request("BLPOP", "none", 0), request("EXEC"),
                     request("MULTI"), request("nope"), request("GET", "t"), request("EXEC"),
                     request("MULTI"), request("MULTI"), request("WATCH", "t"), request("EXEC"),
                     request("MULTI"), request("SET", "t", 5), request("DISCARD"),
                     request("GET", "t"), request("MULTI"), request("GET"), request("EXEC"),
                     request("WATCH", "t"), request("GET", "t"), request("MULTI"),
                     request("INCR", "t"), request("EXEC"), request("WATCH", "t"),
                     request("SET", "t", 9), request("MULTI"), request("GET", "t"), request("EXEC"),
                     request("UNWATCH"), request("WATCH", "t"), request("MULTI"),
                     request("DISCARD"), request("UNWATCH")],
    "blocking": [request("RPUSH", "l", "a", "b"), request("BLPOP", "l", 0),
                 request("BLMOVE", "l", "m", "LEFT", "LEFT", 0), request("BLPOP", "none", "0.01"),
                 request("XADD", "y", "1-1", "f", "v"),
                 request("XREAD", "BLOCK", 10, "STREAMS", "y", "0")],
    "inline": [b"PING\r\n", b"\r\n", b"set i 'a b'\r\n", b"get i\n", b"*0\r\n", b"*-1\r\n",
               b"echo \"\\x41\\n\"\r\n"],
    "reply modes": [request("CLIENT", "REPLY", "OFF"), request("SET", "r", 1),
                    request("CLIENT", "REPLY", "ON"), request("CLIENT", "REPLY", "SKIP"),
                    request("GET", "r"), request("GET", "r")],
    "commands": [request("COMMAND", "COUNT"), request("COMMAND", "INFO", "get"),
                 request("COMMAND", "DOCS", "set", "none"), request("COMMAND", "HELP"),
                 request("COMMAND", "GETKEYS", "mset", "a", 1, "b", 2),
                 request("COMMAND", "GETKEYSANDFLAGS", "set", "a", 1),
                 request("COMMAND", "LIST", "FILTERBY", "ACLCAT", "geo"),
                 request("COMMAND", "NONE"), request("MULTI"), request("COMMAND", "COUNT"),
                 request("EXEC")],
    "unsubscribe": [request("UNSUBSCRIBE"), request("PUNSUBSCRIBE", "a", "b"), request("GET", "k")],
    "quit": [request("SET", "q", 1), request("QUIT"), request("SET", "q", 2)],
    "broken": [b"*1\r\nPING\r\n"],
    "broken length": [request("PING"), b"*x\r\n"],
    "broken bulk": [request("GET", "k"), b"*1\r\n$-4\r\n"],
    "broken quotes": [b"set \"a\r\n"],
    "browser": [b"POST / HTTP/1.1\r\nHost: a\r\n\r\n"],
}


# These end the connection by themselves. They go in one piece: what arrives behind a close would
# turn it into a reset, which takes the last words along.
ENDING = {"quit", "broken", "broken length", "broken bulk", "broken quotes", "browser"}


def transcript(address, script, ends):
    """Everything that comes back, with an end that the server answers in order."""
    with Wire(address) as wire:
        if ends:
            wire.send(b"".join(script))
            return wire.rest()
        for part in script:
            wire.send(part)
        wire.send(request("GET", "no such key") + request("QUIT"))
        return wire.rest()


@case
def replies_are_those_of_a_direct_connection(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        for name, script in SCRIPTS.items():
            # A browser is closed without what was said before.
            for version in ([],) if name == "browser" else ([], [HELLO3]):
                answers = []
                for address in (redis.address, sluice.address):
                    with redis.connect() as control:
                        assert control.ask("FLUSHALL") == b"+OK\r\n"
                    got = transcript(address, version + script, name in ENDING)
                    if version:
                        # The greeting tells the client's id, which is another one here.
                        at = got.index(b"$4\r\nmode")
                        got = got[at:]
                    answers.append(got)
                assert answers[0] == answers[1], f"{name} {version}:\n{answers[0]!r}\n{answers[1]!r}"


@case
def many_clients_share_few_backends_and_get_their_own(rig):
    with redis_and_sluice(rig, shared_connections=2) as (redis, sluice):
        wires = [sluice.connect() for _ in range(200)]
        for turn in range(5):
            for number, wire in enumerate(wires):
                wire.send(request("SET", f"c{number}", f"{number}.{turn}") +
                          request("GET", f"c{number}"))
            for number, wire in enumerate(wires):
                value = f"{number}.{turn}".encode()
                assert wire.reply() == b"+OK\r\n"
                assert wire.reply() == b"$%d\r\n%s\r\n" % (len(value), value)
        assert redis.clients() <= 4, redis.clients()
        assert sluice.metric("redis_clients") == 200
        assert sluice.metric("redis_commands_total") == 2000
        for wire in wires:
            wire.close()
        sluice.wait_metric("redis_clients", 0)


@case
def a_client_that_leaves_shifts_nobodys_replies(rig):
    with redis_and_sluice(rig, server={"workers": 1}, shared_connections=1) as (redis, sluice):
        with sluice.connect() as stays:
            for turn in range(30):
                leaves = sluice.connect()
                leaves.send(request("SET", "big", "x" * 50_000) + request("GET", "big") * 20)
                if turn % 2:
                    leaves.send(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\nhalf")
                stays.send(request("SET", "mine", turn) + request("GET", "mine"))
                leaves.close()
                assert stays.reply() == b"+OK\r\n"
                assert stays.reply() == b"$%d\r\n%d\r\n" % (len(str(turn)), turn)
        assert redis.clients() <= 1
        with redis.connect() as control:
            assert control.ask("EXISTS", "k") == b":0\r\n", "a half request reached the server"


@case
def blocking_commands_are_bounded_and_hold_up_nobody(rig):
    with redis_and_sluice(rig, pinned_connections=2, max_connections=6,
                          wait_timeout="300ms") as (redis, sluice):
        waiting = [sluice.connect() for _ in range(2)]
        for number, wire in enumerate(waiting):
            wire.send(request("BLPOP", f"q{number}", 0))
        sluice.wait_metric("redis_pinned_in_use", 2)
        with sluice.connect() as third:
            reply = third.ask("BLPOP", "q9", 0)
            assert reply.startswith(b"-ERR sluice: no backend connection (waited "), reply
            assert third.ask("SET", "k", 1) == b"+OK\r\n", "the client goes on"
            assert third.ask("RPUSH", "q0", "v") == b":1\r\n"
        assert waiting[0].reply() == b"*2\r\n$2\r\nq0\r\n$1\r\nv\r\n"
        waiting[1].close()
        # Who leaves while it waits leaves no waiter behind on the server.
        wait_until(lambda: redis.info("blocked_clients") == 0, "the blocked client to be gone")
        sluice.wait_metric("redis_pinned_in_use", 0)
        assert sluice.metric("refusals_total", mode="redis", reason="wait_timeout") == 1
        assert redis.clients() <= 6
        waiting[0].close()


@case
def a_lost_backend_is_told_and_forgotten(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as wire, sluice.connect() as waits:
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"
            waits.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            redis.stop()
            assert waits.reply() == b"-ERR sluice: backend connection lost\r\n"
            assert wire.ask("GET", "k").startswith(b"-ERR sluice: ")
            redis.start()
            wait_until(lambda: wire.ask("SET", "k", 2) == b"+OK\r\n", "the server to be back")
            assert sluice.metric("redis_lost_replies_total") == 1


@case
def logins_and_rights_are_the_users_own(rig):
    users = {"default": {"password": "one"}, "reader": {"password": "two", "read_only": True},
             "admin": {"password": "three", "allow_commands": ["flushall"]}}
    with redis_and_sluice(rig, redis={"requirepass": "back"}, database={"password": "back"},
                          users=users) as (redis, sluice):
        with sluice.connect() as wire:
            assert wire.ask("GET", "k") == b"-NOAUTH Authentication required.\r\n"
            assert wire.ask("AUTH", "no").startswith(b"-WRONGPASS")
            assert wire.ask("AUTH", "one") == b"+OK\r\n"
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"
            assert wire.ask("FLUSHALL").startswith(b"-NOPERM")
            assert wire.ask("AUTH", "reader", "two") == b"+OK\r\n"
            assert wire.ask("GET", "k") == b"$1\r\n1\r\n"
            assert wire.ask("SET", "k", 2).startswith(b"-NOPERM")
            assert wire.ask("AUTH", "admin", "three") == b"+OK\r\n"
            assert wire.ask("FLUSHALL") == b"+OK\r\n"
        assert sluice.metric("refusals_total", mode="redis", reason="login_failed") == 1


@case
def who_comes_beyond_the_limit_hears_it_in_answer(rig):
    with redis_and_sluice(rig, max_clients=2) as (redis, sluice):
        wires = [sluice.connect() for _ in range(2)]
        for wire in wires:
            assert wire.ask("PING") == b"+PONG\r\n"
        with sluice.connect() as third:
            third.send(request("HELLO", 3) + request("PING"))
            assert third.rest() == b"-ERR max number of clients reached\r\n"
        for wire in wires:
            wire.close()
        sluice.wait_metric("redis_clients", 0)


@case
def large_values_pass(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        value = os.urandom(20_000_000)
        with sluice.connect() as wire:
            assert wire.ask("SET", "large", value) == b"+OK\r\n"
            assert wire.ask("STRLEN", "large") == b":20000000\r\n"
        with redis.connect() as direct:
            assert direct.ask("GET", "large") == b"$20000000\r\n" + value + b"\r\n"
        with sluice.connect() as wire:
            assert wire.ask("GETRANGE", "large", 0, 2_000_000 - 1) == \
                b"$2000000\r\n" + value[:2_000_000] + b"\r\n"


@case
def a_client_that_does_not_read_is_cut_and_the_others_served(rig):
    with redis_and_sluice(rig, server={"workers": 1}, shared_connections=1,
                          client_buffer_max="1MiB") as (redis, sluice):
        with sluice.connect() as reads, sluice.connect() as sleeps:
            assert reads.ask("SET", "big", "x" * 1_000_000) == b"+OK\r\n"
            sleeps.send(request("GET", "big") * 40)
            sluice.wait_metric("redis_slow_readers_total", 1)
            assert reads.ask("GET", "k") == b"$-1\r\n"
            assert sluice.metric("redis_clients") == 1


@case(short=False)
def thousands_that_connect_for_one_call_lose_nothing(rig):
    with redis_and_sluice(rig, redis={"maxclients": 50}, max_connections=30,
                          pinned_connections=10) as (redis, sluice):
        failures = []

        def call(numbers):
            for number in numbers:
                try:
                    with sluice.connect() as wire:
                        wire.send(request("CLIENT", "SETNAME", f"f{number}") +
                                  request("INCR", "calls"))
                        if wire.reply() != b"+OK\r\n" or not wire.reply().startswith(b":"):
                            failures.append(number)
                except (OSError, Closed) as failure:
                    failures.append(failure)
        threads = [threading.Thread(target=call, args=(range(start, 5000, 20),))
                   for start in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures[:5]
        with redis.connect() as direct:
            assert direct.ask("GET", "calls") == b"$4\r\n5000\r\n"
        assert redis.info("rejected_connections") == 0


@case
def redis_cli_and_its_benchmark_work(rig):
    if not shutil.which("redis-benchmark"):
        raise Skipped("redis-tools are not installed")
    with redis_and_sluice(rig) as (redis, sluice):
        for flag in ([], ["-3"]):
            done = subprocess.run(["redis-cli", *flag, "-p", str(sluice.port), "SET", "k", "v"],
                                  capture_output=True, text=True, check=True, timeout=20)
            assert done.stdout == "OK\n", done
        script = "MULTI\nSET a 1\nINCR a\nEXEC\nGET a\n"
        done = subprocess.run(["redis-cli", "-p", str(sluice.port)], input=script,
                              capture_output=True, text=True, check=True, timeout=20)
        assert done.stdout.split() == ["OK", "QUEUED", "QUEUED", "OK", "2", "2"], done.stdout
        done = subprocess.run(["redis-benchmark", "-p", str(sluice.port), "-n", "4000", "-c", "50",
                               "-P", "16", "-q", "-t", "set,get,incr,lpush,lpop,mset"],
                              capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.count("requests per second") == 6, done.stdout


@case
def a_drain_lets_what_waits_be_answered(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as idle, sluice.connect() as waits, redis.connect() as direct:
            assert idle.ask("PING") == b"+PONG\r\n"
            waits.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            sluice.signal(signal.SIGTERM)
            assert idle.rest() == b""
            direct.ask("RPUSH", "q", "v")
            assert waits.reply() == b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n"
            assert waits.rest() == b""
            assert sluice.wait_exit() == 0


@case
def redis_py_works(rig):
    try:
        import redis as library
    except ImportError:
        raise Skipped("python3-redis is not installed") from None
    with redis_and_sluice(rig) as (server, sluice):
        client = library.Redis("127.0.0.1", sluice.port, db=2, client_name="py",
                               health_check_interval=1)
        assert client.set("k", "v") and client.get("k") == b"v"
        with client.pipeline() as pipe:
            pipe.set("n", 1).incr("n").get("n")
            assert pipe.execute() == [True, 2, b"2"]
        with client.pipeline() as pipe:
            pipe.watch("n")
            value = int(pipe.get("n"))
            client.set("n", 7)
            pipe.multi()
            pipe.set("n", value + 1)
            try:
                pipe.execute()
                raise AssertionError("the watch was not seen")
            except library.WatchError:
                pass
        client.transaction(lambda pipe: (pipe.multi(), pipe.set("n", 5)), "n")
        assert client.get("n") == b"5"
        script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        assert script(keys=["n"], args=[3]) == 8
        with client.lock("lock", timeout=5):
            assert client.exists("lock")
        client.rpush("list", "a")
        assert client.blpop("list", timeout=1) == (b"list", b"a")
        assert client.blpop("list", timeout=1) is None
        client.xadd("stream", {"f": "v"})
        assert client.xread({"stream": 0}, block=100)[0][0] == b"stream"
        subscriber = client.pubsub()
        subscriber.subscribe("c")
        assert subscriber.get_message(timeout=5)["type"] == "subscribe"
        client.publish("c", "hello")
        assert subscriber.get_message(timeout=5)["data"] == b"hello"
        subscriber.close()
        client.close()


@case
def a_reload_changes_rights_and_bounds_for_those_who_are_there(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as wire, sluice.connect() as waits:
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"
            assert wire.ask("FLUSHALL").startswith(b"-NOPERM")
            waits.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            with open(sluice.config) as file:
                text = file.read()
            text = text.replace("[redis]\n", "[redis]\nallow_commands = 'flushall'\n")
            text = text.replace("[redis.databases.default]\n",
                                "[redis.databases.default]\nmax_connections = 20\n"
                                "pinned_connections = 10\n")
            with open(sluice.config, "w") as file:
                file.write(text)
            sluice.signal(signal.SIGHUP)
            sluice.wait_log("settings reloaded")
            assert wire.ask("GET", "k") == b"$1\r\n1\r\n"
            assert wire.ask("FLUSHALL") == b"+OK\r\n"
            sluice.wait_metric("redis_max_connections", 20)
            assert wire.ask("RPUSH", "q", "v") == b":1\r\n"
            assert waits.reply() == b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n"
            assert waits.ask("GET", "k") == b"$-1\r\n"


@case
def commands_are_those_of_the_running_server(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        redis.stop()
        redis.more = ["--rename-command", "SET", ""]
        redis.start()
        with sluice.connect() as wire:
            assert wire.ask("LPUSH", "l", "a") == b":1\r\n"
            # Said when the block is made, not when it runs.
            assert wire.ask("MULTI") == b"+OK\r\n"
            assert wire.ask("SET", "k", 1).startswith(b"-ERR unknown command 'SET'")
            assert wire.ask("EXEC").startswith(b"-EXECABORT")
            assert wire.ask("M.NONE").startswith(b"-ERR unknown command 'M.NONE'")
        sluice.wait_log("commands learned")


class ServerWithModule:
    """As much of a Redis as a backend's login needs, and commands that no Redis has."""

    ROWS = [(b"m.get", b"readonly"), (b"m.odd", b"fast"), (b"m.pop", b"blocking")]

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                peer, _ = self.socket.accept()
                threading.Thread(target=self.serve, args=(Wire(peer),), daemon=True).start()
        except OSError:
            pass  # Closed.

    def serve(self, wire):
        try:
            while True:
                name = wire.reply().split(b"\r\n")[2].lower()
                wire.send(self.answer(name))
        except (Closed, OSError):
            pass

    def answer(self, name):
        if name == b"hello":
            return b"*2\r\n$7\r\nversion\r\n$6\r\n7.9.99\r\n"
        if name == b"command":
            return b"*%d\r\n" % len(self.ROWS) + b"".join(
                b"*7\r\n$%d\r\n%s\r\n:2\r\n*1\r\n+%s\r\n:1\r\n:1\r\n:1\r\n*0\r\n" %
                (len(row), row, flag) for row, flag in self.ROWS)
        return b"+%s\r\n" % name


@case
def the_server_tells_its_commands_itself(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        answers = []
        for address in (redis.address, sluice.address):
            with Wire(address) as wire:
                answers.append(wire.ask("COMMAND"))
        # In whatever order: the server's own changes from one answer to the next.
        assert sorted(answers[0]) == sorted(answers[1]) and b"command|getkeys" in answers[1]


@case
def commands_of_modules_are_served_as_their_flags_say(rig):
    server = ServerWithModule()
    with redis_and_sluice(rig, database={"port": server.port}) as (redis, sluice):
        with sluice.connect() as wire:
            # What nobody here knows is asked for before it is refused.
            assert wire.ask("M.get", "k") == b"+m.get\r\n"
            assert wire.ask("m.odd", "k").startswith(b"-NOPERM")
            assert wire.ask("GET", "k").startswith(b"-ERR unknown command 'GET'")
            assert wire.ask("m.get").startswith(b"-ERR wrong number of arguments for 'm.get'")
            assert sluice.metric("redis_pins_total", reason="blocking") == 0
            assert wire.ask("m.pop", "k") == b"+m.pop\r\n"
            assert sluice.metric("redis_pins_total", reason="blocking") == 1
    server.socket.close()


@case
def a_server_that_does_not_tell_its_commands_is_served_all_the_same(rig):
    with redis_and_sluice(rig, database={"user": "u", "password": "p"}) as (redis, sluice):
        with redis.connect() as control:
            assert control.ask("ACL", "SETUSER", "u", "on", ">p", "+@all", "-command", "~*",
                               "&*") == b"+OK\r\n"
        with sluice.connect() as wire:
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"
            assert wire.ask("NONE").startswith(b"-ERR unknown command 'NONE'")
        sluice.wait_log("does not tell its commands")
