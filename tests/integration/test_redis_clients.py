"""What a client of Redis asks about itself, the others and the server, and what it may end."""

import os
import signal
import threading

from case import case
from redis_rig import redis_and_sluice
from resp import request
from rig import Skipped, wait_until

HELLO3 = request("HELLO", 3)


def rows(reply):
    """CLIENT LIST as a list of dictionaries."""
    text = reply.split(b"\r\n", 1)[1].decode().removeprefix("txt:")
    return [dict(pair.split("=", 1) for pair in line.split(" ") if "=" in pair)
            for line in text.strip().splitlines()]


def number(reply):
    assert reply.startswith(b":"), reply
    return int(reply[1:])


@case
def clients_see_each_other_on_every_worker(rig):
    with redis_and_sluice(rig, server={"workers": 2}) as (redis, sluice):
        wires = [sluice.connect() for _ in range(20)]
        ids = set()
        for at, wire in enumerate(wires):
            assert wire.ask("CLIENT", "SETNAME", f"n{at}") == b"+OK\r\n"
            ids.add(number(wire.ask("CLIENT", "ID")))
        for version in ([], [HELLO3]):
            with sluice.connect() as wire:
                for part in version:
                    wire.send(part)
                    wire.reply()
                reply = wire.ask("CLIENT", "LIST")
                assert reply.startswith(b"=" if version else b"$"), reply
                found = rows(reply)
                assert [int(row["id"]) for row in found] == sorted(int(row["id"]) for row in found)
                assert {int(row["id"]) for row in found} >= ids and len(found) == 21
                mine = rows(wire.ask("CLIENT", "INFO"))
                assert len(mine) == 1 and int(mine[0]["id"]) not in ids
                host, port = wire.socket.getsockname()
                assert mine[0]["addr"] == f"{host}:{port}"
                assert mine[0]["laddr"] == f"127.0.0.1:{sluice.port}"
                assert mine[0]["resp"] == ("3" if version else "2")
                assert mine[0]["cmd"] == "client|info"
        wires[0].ask("SELECT", 3)
        wires[0].ask("CLIENT", "SETINFO", "LIB-NAME", "mine")
        wires[0].send(request("MULTI") + request("GET", "k"))
        wires[0].reply(), wires[0].reply()
        wires[1].send(request("BLPOP", "q", 0))
        wires[2].ask("SUBSCRIBE", "c")
        sluice.wait_metric("redis_pinned_in_use", 1)
        by_name = {row["name"]: row for row in rows(wires[3].ask("CLIENT", "LIST"))}
        assert by_name["n0"]["db"] == "3" and by_name["n0"]["multi"] == "1", by_name["n0"]
        assert by_name["n0"]["lib-name"] == "mine" and by_name["n0"]["flags"] == "x"
        assert by_name["n1"]["flags"] == "b" and by_name["n1"]["backend"] == "blocking"
        assert by_name["n2"]["flags"] == "P" and by_name["n2"]["sub"] == "1"
        assert by_name["n2"]["cmd"] == "subscribe", "by this clients find whom to end"
        assert by_name["n3"]["cmd"] == "client|list" and by_name["n4"]["cmd"] == "NULL"
        assert by_name["n3"]["backend"] == "none" and by_name["n3"]["flags"] == "N"
        only = rows(wires[3].ask("CLIENT", "LIST", "TYPE", "pubsub"))
        assert [row["name"] for row in only] == ["n2"]
        # Nothing of this has reached the server, and it stands in its place among replies.
        wires[4].send(request("SET", "k", 1) + request("CLIENT", "LIST", "ID", 0) +
                      request("GET", "k"))
        assert wires[4].reply() == b"+OK\r\n"
        assert wires[4].reply() == b"$0\r\n\r\n"
        assert wires[4].reply() == b"$1\r\n1\r\n"
        for wire in wires:
            wire.close()


@case
def clients_end_each_other_and_their_backends_go_on(rig):
    with redis_and_sluice(rig, server={"workers": 2}) as (redis, sluice):
        wires = [sluice.connect() for _ in range(12)]
        ids = [number(wire.ask("CLIENT", "ID")) for wire in wires]
        with sluice.connect() as wire:
            assert wire.ask("CLIENT", "KILL", "ID", ids[0]) == b":1\r\n"
            assert wires[0].rest() == b""
            assert wire.ask("CLIENT", "KILL", "ID", ids[0]) == b":0\r\n"
            host, port = wires[1].socket.getsockname()
            assert wire.ask("CLIENT", "KILL", f"{host}:{port}") == b"+OK\r\n"
            assert wires[1].rest() == b""
            assert wire.ask("CLIENT", "KILL", "1.1.1.1:1") == b"-ERR No such client\r\n"
            # In the middle of a wait: the server is told, and nothing stays behind.
            wires[2].send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            assert wire.ask("CLIENT", "KILL", "ID", ids[2]) == b":1\r\n"
            wait_until(lambda: redis.info("blocked_clients") == 0, "the blocked client to be gone")
            # Everybody but who asks, and then that one as well, behind its answer.
            assert wire.ask("CLIENT", "KILL", "TYPE", "normal") == b":9\r\n"
            assert wire.ask("PING") == b"+PONG\r\n"
            wire.send(request("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no") +
                      request("SET", "never", 1))
            assert wire.rest() == b":1\r\n"
        with sluice.connect() as wire:
            assert wire.ask("EXISTS", "never") == b":0\r\n"
        for wire in wires:
            wire.close()


@case
def clients_of_other_users_are_neither_seen_nor_ended(rig):
    users = {"ann": {"password": "a"}, "bob": {"password": "b"},
             "chief": {"password": "c", "allow_commands": ["client list", "client kill"]}}
    with redis_and_sluice(rig, users=users) as (redis, sluice):
        def login(name):
            wire = sluice.connect()
            assert wire.ask("AUTH", name, name[0]) == b"+OK\r\n"
            return wire
        ann, bob, chief, stranger = login("ann"), login("bob"), login("chief"), sluice.connect()
        stranger.ask("PING")
        seen = {row["user"] for row in rows(ann.ask("CLIENT", "LIST"))}
        assert seen == {"ann"}, seen
        bobs = number(bob.ask("CLIENT", "ID"))
        assert ann.ask("CLIENT", "KILL", "ID", bobs) == b":0\r\n"
        assert ann.ask("CLIENT", "KILL", "USER", "bob") == b":0\r\n"
        assert bob.ask("PING") == b"+PONG\r\n"
        seen = {row["user"] for row in rows(chief.ask("CLIENT", "LIST"))}
        assert seen == {"ann", "bob", "chief", "default"}, seen
        assert chief.ask("CLIENT", "KILL", "USER", "bob") == b":1\r\n"
        assert bob.rest() == b""
        for wire in (ann, bob, chief, stranger):
            wire.close()


@case
def info_is_the_servers_own_with_a_section_more(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        for version in ([], [HELLO3]):
            with sluice.connect() as wire:
                for part in version:
                    wire.send(part)
                    wire.reply()
                reply = wire.ask("INFO").decode()
                assert reply.startswith("=" if version else "$"), reply[:20]
                assert "redis_version:7" in reply and "loading:0" in reply
                assert "\r\n\r\n# Sluice\r\nsluice_version:" in reply
                assert "sluice_max_connections:60\r\n" in reply
                assert "sluice_memory_gate:closed\r\n" in reply
                with redis.connect() as direct:
                    for part in version:
                        direct.send(part)
                        direct.reply()
                    # A section by name is what the server says, to the byte.
                    assert wire.ask("INFO", "cluster") == direct.ask("INFO", "cluster")
                    assert wire.ask("INFO", "none") == direct.ask("INFO", "none")
                alone = wire.ask("INFO", "sluice").decode()
                assert "redis_version" not in alone and "# Sluice" in alone
                # In its place among others, and within a block.
                wire.send(request("SET", "k", 1) + request("INFO") + request("GET", "k") +
                          request("MULTI") + request("INFO", "cluster") + request("EXEC"))
                assert wire.reply() == b"+OK\r\n"
                assert b"# Sluice" in wire.reply()
                assert wire.reply() == b"$1\r\n1\r\n"
                assert [wire.reply()[:1] for _ in range(3)] == [b"+", b"+", b"*"]
                assert wire.ask("PING") == b"+PONG\r\n"


@case
def info_that_the_server_refuses_is_refused(rig):
    with redis_and_sluice(rig, database={"user": "u", "password": "p"}) as (redis, sluice):
        with redis.connect() as control:
            assert control.ask("ACL", "SETUSER", "u", "on", ">p", "+@all", "-info", "~*",
                               "&*") == b"+OK\r\n"
        with sluice.connect() as wire:
            assert wire.ask("INFO").startswith(b"-NOPERM")
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"


@case
def a_lost_backend_in_the_middle_of_info_is_told(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as wire:
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"
            os.kill(redis.process.pid, signal.SIGSTOP)
            wire.send(request("INFO"))
            sluice.wait_metric("redis_owed_replies", 1)
            wire.send(request("PING"))
            os.kill(redis.process.pid, signal.SIGKILL)
            redis.stop()
            assert wire.reply().startswith(b"-ERR sluice: ")
            assert wire.reply() == b"+PONG\r\n"


@case
def who_tracks_keys_hears_of_them_between_its_replies(rig):
    with redis_and_sluice(rig, pinned_connections=3, tracking_connections=1,
                          wait_timeout="300ms") as (redis, sluice):
        with sluice.connect() as tracks, sluice.connect() as writes, sluice.connect() as late:
            tracks.send(HELLO3 + request("CLIENT", "TRACKING", "ON"))
            tracks.reply()
            assert tracks.reply() == b"+OK\r\n"
            assert tracks.ask("GET", "k") == b"_\r\n"
            assert tracks.ask("SUBSCRIBE", "c") == b">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
            assert writes.ask("SET", "k", 1) == b"+OK\r\n"
            assert tracks.reply() == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"
            assert writes.ask("PUBLISH", "c", "m") == b":1\r\n"
            assert tracks.reply() == b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n"
            # One of its kind is allowed here; other pins are not touched by that.
            late.send(HELLO3)
            late.reply()
            assert late.ask("CLIENT", "TRACKING", "ON").startswith(b"-ERR sluice: no backend")
            assert late.ask("BLPOP", "none", "0.01") == b"_\r\n"
            assert late.ask("CLIENT", "TRACKINGINFO").startswith(b"%3")
            # What is said in a pipeline is answered in its place.
            tracks.send(request("GET", "k") + request("CLIENT", "SETNAME", "t") +
                        request("SELECT", 2) + request("GET", "k") + request("SELECT", 0) +
                        request("CLIENT", "LIST", "TYPE", "replica") + request("RESET") +
                        request("PING"))
            assert tracks.reply() == b"$1\r\n1\r\n"
            assert [tracks.reply() for _ in range(4)] == [b"+OK\r\n", b"+OK\r\n", b"_\r\n", b"+OK\r\n"]
            assert tracks.reply() == b"=4\r\ntxt:\r\n"
            assert tracks.reply() == b"+RESET\r\n" and tracks.reply() == b"+PONG\r\n"
            sluice.wait_metric("redis_pinned_in_use", 0)
            assert late.ask("CLIENT", "TRACKING", "ON") == b"+OK\r\n"
            assert writes.ask("SET", "k", 2) == b"+OK\r\n"
            assert tracks.ask("GET", "k") == b"$1\r\n2\r\n", "nothing is told it any more"


@case
def who_tracks_and_does_not_read_is_waited_for(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as tracks, sluice.connect() as writes:
            tracks.send(HELLO3 + request("CLIENT", "TRACKING", "ON", "BCAST"))
            tracks.reply(), tracks.reply()
            block = b"".join(request("SET", f"{'k' * 200}{at}", 1) for at in range(20_000))
            sender = threading.Thread(target=writes.send, args=(block,))
            sender.start()
            for _ in range(20_000):
                assert writes.reply() == b"+OK\r\n"
            sender.join()
            heard = 0
            while heard < 20_000:
                heard += tracks.reply().count(b"k" * 200)
            assert tracks.ask("PING") == b"+PONG\r\n"


@case
def a_script_that_runs_for_ever_is_ended_from_elsewhere(rig):
    with redis_and_sluice(rig, redis={"busy_reply_threshold": "100"}, shared_connections=1,
                          allow_commands=["script kill", "function kill"]) as (redis, sluice):
        with sluice.connect() as runs, sluice.connect() as ends:
            assert ends.ask("SCRIPT", "KILL").startswith(b"-NOTBUSY")
            assert ends.ask("FUNCTION", "KILL").startswith(b"-NOTBUSY")
            assert ends.ask("SET", "k", 1) == b"+OK\r\n"
            runs.send(request("EVAL", "while true do end", 0))

            def ended():
                return ends.ask("SCRIPT", "KILL") == b"+OK\r\n"
            wait_until(ended, "the script to be ended")
            assert b"Script killed" in runs.reply()
            assert ends.ask("GET", "k") == b"$1\r\n1\r\n"
    with redis_and_sluice(rig, info_interval="0", allow_commands=["script kill"]) as (_, sluice):
        with sluice.connect() as wire:
            assert b"no control connection" in wire.ask("SCRIPT", "KILL")
            assert wire.ask("PING") == b"+PONG\r\n"


@case
def redis_py_asks_about_clients(rig):
    try:
        import redis as library
    except ImportError:
        raise Skipped("python3-redis is not installed") from None
    with redis_and_sluice(rig) as (server, sluice):
        client = library.Redis("127.0.0.1", sluice.port, client_name="py")
        other = library.Redis("127.0.0.1", sluice.port, client_name="other")
        other.ping()
        names = {row["name"] for row in client.client_list()}
        assert names == {"py", "other"}, names
        assert client.client_info()["name"] == "py"
        found = [row["id"] for row in client.client_list() if row["name"] == "other"]
        assert client.client_kill_filter(_id=found[0]) == 1
        assert "sluice_version" in client.info() and client.info("sluice")["sluice_clients"] >= 1
        assert client.command_count() == 240 and "get" in client.command()
        assert client.command_getkeys("MSET", "a", 1, "b", 2) in ([b"a", b"b"], ["a", "b"])
        client.close()
        other.close()
