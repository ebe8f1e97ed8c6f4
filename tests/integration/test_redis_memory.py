"""A Redis without memory: what is said, what is spared it, and that nothing is sent twice."""

import os
import signal

from case import case
from redis_rig import redis_and_sluice
from resp import request
from rig import wait_until

OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
ABORT = b"-EXECABORT Transaction discarded because of previous errors.\r\n"


def server_stat(redis, section, name):
    """A number out of a line like `cmdstat_set:calls=1,rejected_calls=2`; 0 without that line."""
    with redis.connect() as wire:
        for line in wire.ask("INFO", section).decode().split("\r\n"):
            if line.startswith(name[0] + ":"):
                parts = dict(part.split("=") for part in line.split(":")[1].split(","))
                return int(parts[name[1]])
    return 0


def spend_memory(redis, policy="noeviction"):
    """From here on the server is over its limit."""
    with redis.connect() as wire:
        wire.ask("CONFIG", "SET", "maxmemory-policy", policy)
        assert wire.ask("SET", "ballast", "x" * 100_000) == b"+OK\r\n"
        assert wire.ask("CONFIG", "SET", "maxmemory", 1) == b"+OK\r\n"
        assert wire.ask("SET", "k", "v") == OOM


def give_memory(redis):
    with redis.connect() as wire:
        assert wire.ask("CONFIG", "SET", "maxmemory", 0) == b"+OK\r\n"


@case
def what_the_server_tells_of_itself_is_exported(rig):
    with redis_and_sluice(rig, redis={"maxclients": 77}, info_interval="20ms") as (redis, sluice):
        sluice.wait_metric("redis_up", 1)
        assert sluice.metric("redis_role_info", role="master") == 1
        assert sluice.metric("redis_memory_policy_info", policy="noeviction") == 1
        assert sluice.metric("redis_server_max_clients") == 77
        assert sluice.metric("redis_server_clients") >= 1
        assert sluice.metric("redis_used_memory_bytes") > 100_000
        assert sluice.metric("redis_memory_fragmentation_ratio") > 0
        assert "sluice_redis_memory_ratio{" not in sluice.page("metrics"), "no limit is no ratio"
        spend_memory(redis)
        sluice.wait_metric("redis_memory_ratio", lambda ratio: ratio > 1)
        sluice.wait_metric("redis_over_limit_seconds", lambda seconds: seconds > 0)
        redis.stop()
        sluice.wait_metric("redis_up", 0)
        assert "sluice_redis_used_memory_bytes{" not in sluice.page("metrics"), "what is old is left out"
        redis.start()
        sluice.wait_metric("redis_up", 1)


@case
def the_control_connection_is_one_of_the_bound(rig):
    with redis_and_sluice(rig, max_connections=3, pinned_connections=1, shared_connections=2,
                          info_interval="20ms") as (redis, sluice):
        sluice.wait_metric("redis_up", 1)
        # Two numbers and a blocked client want three backends, and there are two.
        with sluice.connect() as blocked, sluice.connect() as first, sluice.connect() as second:
            blocked.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            for turn in range(10):
                assert first.ask("SET", "k", turn) == b"+OK\r\n"
                second.send(request("SELECT", 1) + request("SET", "k", turn))
                assert (second.reply(), second.reply()) == (b"+OK\r\n", b"+OK\r\n")
                assert redis.clients() <= 2
            assert first.ask("RPUSH", "q", "x") == b":1\r\n"
            assert blocked.reply().startswith(b"*2")
        assert sluice.metric("redis_up") == 1


@case
def writes_are_answered_here_while_the_server_has_no_memory(rig):
    with redis_and_sluice(rig, info_interval="20ms", shared_connections=1) as (redis, sluice):
        with sluice.connect() as client:
            for name in ("a", "b", "c"):
                assert client.ask("SET", name, 1) == b"+OK\r\n"
            spend_memory(redis)
            wait_until(lambda: client.ask("SET", "k", "v") == OOM and
                       sluice.metric("redis_shed_commands_total") > 0, "the gate to answer")
            # What takes no memory goes through, and what the server would refuse before it
            # looks at its memory is refused before we look at it.
            assert client.ask("GET", "a") == b"$1\r\n1\r\n"
            assert client.ask("EXPIRE", "b", 100) == b":1\r\n"
            assert client.ask("DEL", "c") == b":1\r\n"
            assert client.ask("SET", "k") == b"-ERR wrong number of arguments for 'set' command\r\n"
            assert client.ask("nope").startswith(b"-ERR unknown command")
            calls = ("cmdstat_set", "rejected_calls")
            before = server_stat(redis, "commandstats", calls)
            client.send(request("SET", "k", "v") * 5000 + request("PING"))
            for _ in range(5000):
                assert client.reply() == OOM
            assert client.reply() == b"+PONG\r\n"
            asked = server_stat(redis, "commandstats", calls) - before
            assert asked < 1000, f"{asked} of 5000 commands went to a server without memory"
            give_memory(redis)
            wait_until(lambda: client.ask("SET", "k", "v") == b"+OK\r\n", "the gate to close")
            sluice.wait_metric("redis_gate_state", 1, state="closed")
            assert client.ask("GET", "k") == b"$1\r\nv\r\n"
        assert sluice.metric("redis_gate_openings_total") >= 1


@case
def the_gate_opens_without_info_by_what_the_server_answers(rig):
    with redis_and_sluice(rig, info_interval=0, memory_gate="on") as (redis, sluice):
        spend_memory(redis)
        with sluice.connect() as client:
            wait_until(lambda: client.ask("SET", "k", "v") == OOM and
                       sluice.metric("redis_shed_commands_total") > 0, "the gate to answer")
            give_memory(redis)
            # A probe, which is a client's own command, finds it out.
            wait_until(lambda: client.ask("SET", "k", "v") == b"+OK\r\n", "the gate to close")
        assert sluice.metric("redis_gate_probes_total") >= 1
        assert "sluice_redis_up{" not in sluice.page("metrics")


@case
def nothing_is_sent_twice_or_later(rig):
    with redis_and_sluice(rig, info_interval="20ms") as (redis, sluice):
        with sluice.connect() as client:
            client.ask("SET", "n", 0)
            spend_memory(redis)
            taken = 0

            def done():
                nonlocal taken
                reply = client.ask("INCR", "n")
                taken += reply != OOM
                return taken == 20
            for turn in range(300):
                client.ask("INCR", "n")
                if turn == 200:
                    give_memory(redis)
            with redis.connect() as wire:
                taken = 0
                start = int(wire.ask("GET", "n").split(b"\r\n")[1])
                wait_until(done, "twenty to be taken")
                assert int(wire.ask("GET", "n").split(b"\r\n")[1]) == start + 20


@case
def a_server_that_evicts_is_asked_each_time(rig):
    with redis_and_sluice(rig, info_interval="20ms") as (redis, sluice):
        sluice.wait_metric("redis_up", 1)
        # Nothing has a time to live: as noeviction, but the next key may have one.
        spend_memory(redis, "volatile-lru")
        sluice.wait_metric("redis_memory_policy_info", 1, policy="volatile-lru")
        with sluice.connect() as client:
            for _ in range(200):
                assert client.ask("SET", "k", "v") == OOM
        assert sluice.metric("redis_shed_commands_total") == 0
        assert sluice.metric("redis_error_replies_total", error="oom") == 200


@case
def want_of_memory_is_seen_in_transactions_and_scripts(rig):
    with redis_and_sluice(rig, memory_gate="off") as (redis, sluice):
        with sluice.connect() as client, sluice.connect() as other:
            client.send(request("MULTI") + request("SET", "k", "v"))
            assert (client.reply(), client.reply()) == (b"+OK\r\n", b"+QUEUED\r\n")
            client.send(request("WATCH", "k"))
            assert client.reply() == b"-ERR WATCH inside MULTI is not allowed\r\n"
            spend_memory(redis)
            assert client.ask("EXEC") == ABORT
            assert sluice.metric("redis_error_replies_total", error="oom") == 1
            assert sluice.metric("redis_error_replies_total", error="execabort") == 1
            reply = client.ask("EVAL", "return redis.call('set','k','v')", 0)
            assert reply.startswith(b"-OOM command not allowed"), reply
            # A pinned block that was queued before: the server's reason stands within the text.
            give_memory(redis)
            client.send(request("WATCH", "w") + request("MULTI"))
            assert (client.reply(), client.reply()) == (b"+OK\r\n", b"+OK\r\n")
            assert client.ask("EVAL", "return redis.pcall('set','k','v')", 0) == b"+QUEUED\r\n"
            assert client.ask("EXEC") == b"*1\r\n+OK\r\n"
            assert other.ask("GET", "k") == b"$1\r\nv\r\n"
        assert sluice.metric("redis_shed_commands_total") == 0


@case
def a_block_is_refused_as_the_server_would(rig):
    with redis_and_sluice(rig, info_interval="20ms") as (redis, sluice):
        spend_memory(redis)
        with sluice.connect() as client, redis.connect() as direct:
            script = [request("MULTI"), request("SET", "k", "v"), request("EXEC"),
                      request("MULTI"), request("GET", "k"), request("EXEC"), request("GET", "k")]
            for turn in range(50):
                for wire in (client, direct):
                    wire.send(b"".join(script))
                told = [client.reply() for _ in script]
                wanted = [direct.reply() for _ in script]
                # The server refuses to queue even GET; held here it is refused as late as EXEC.
                wanted[4] = b"+QUEUED\r\n"
                told[1] = OOM if told[1] == b"+QUEUED\r\n" else told[1]
                assert told == wanted, turn


@case
def other_clients_are_served_while_writes_are_refused(rig):
    with redis_and_sluice(rig, info_interval="20ms", shared_connections=1) as (redis, sluice):
        with redis.connect() as wire:
            for number in range(100):
                wire.ask("SET", f"r{number}", number)
        spend_memory(redis)
        readers = [sluice.connect() for _ in range(20)]
        writers = [sluice.connect() for _ in range(20)]
        for _ in range(20):
            for writer in writers:
                writer.send(request("SET", "k", "v") * 10)
            for number, reader in enumerate(readers):
                reader.send(request("GET", f"r{number}"))
            for number, reader in enumerate(readers):
                text = str(number).encode()
                assert reader.reply() == b"$%d\r\n%s\r\n" % (len(text), text)
            for writer in writers:
                assert [writer.reply() for _ in range(10)] == [OOM] * 10
        for wire in readers + writers:
            wire.close()


@case
def the_gate_follows_a_reload(rig):
    with redis_and_sluice(rig, info_interval="20ms") as (redis, sluice):
        spend_memory(redis)
        sluice.wait_metric("redis_gate_state", 0, state="closed")
        with open(sluice.config) as file:
            text = file.read()
        with open(sluice.config, "w") as file:
            file.write(text.replace("info_interval", 'memory_gate = "off"\ninfo_interval'))
        sluice.signal(signal.SIGHUP)
        sluice.wait_metric("redis_gate_state", 1, state="closed")
        with open(sluice.config, "w") as file:
            file.write(text.replace('info_interval = "20ms"', "info_interval = 0"))
        sluice.signal(signal.SIGHUP)
        wait_until(lambda: "sluice_redis_up{" not in sluice.page("metrics"), "nobody to ask")
        with redis.connect() as wire:
            wait_until(lambda: b"sluice-control" not in wire.ask("CLIENT", "LIST"), "it to be gone")


@case
def a_script_that_hangs_does_not_take_the_server_down_here(rig):
    with redis_and_sluice(rig, redis={"lua-time-limit": 10}, info_interval="20ms",
                          shared_connections=1, server={"workers": 1}) as (redis, sluice):
        sluice.wait_metric("redis_up", 1)
        with sluice.connect() as client, redis.connect() as killer:
            client.send(request("EVAL", "while true do end", 0))
            sluice.wait_metric("redis_up", 0)
            # -BUSY is an answer like any other: the control connection stays and asks again.
            wait_until(lambda: killer.ask("SCRIPT", "KILL") == b"+OK\r\n", "the script to end")
            assert client.reply().startswith(b"-ERR")
            sluice.wait_metric("redis_up", 1)
        assert sluice.log_text().count("control connection opened") == 1


@case
def no_control_connection_is_opened_where_a_login_fails(rig):
    with redis_and_sluice(rig, redis={"requirepass": "geheim"}, info_interval="20ms",
                          database={"password": "falsch"}) as (redis, sluice):
        sluice.wait_metric("redis_control_failures_total", lambda count: count >= 2)
        assert sluice.metric("redis_up") == 0
        with sluice.connect() as client:
            assert client.ask("GET", "k").startswith(b"-ERR sluice: no backend connection")
        assert sluice.log_text().count("no control connection") == 1, "said once"
        os.kill(sluice.process.pid, 0)
