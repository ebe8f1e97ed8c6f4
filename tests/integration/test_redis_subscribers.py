"""SUBSCRIBE and its kin: many clients' channels on one backend of each worker, and to each client
as on a connection of its own."""

import signal

from case import case
from redis_rig import redis_and_sluice
from resp import Wire, request
from rig import Skipped, wait_until

HELLO3 = request("HELLO", 3)
ONE = {"workers": 1}


def push(*words, mark=b"*"):
    """A message or an acknowledgement, as the server writes it."""
    out = mark + b"%d\r\n" % len(words)
    for word in words:
        if isinstance(word, int):
            out += b":%d\r\n" % word
        else:
            out += b"$%d\r\n%s\r\n" % (len(word), word.encode())
    return out


def numsub(redis, channel):
    with redis.connect() as wire:
        return int(wire.ask("PUBSUB", "NUMSUB", channel).split(b":")[1])


def listener(sluice, *channels):
    wire = sluice.connect()
    for count, channel in enumerate(channels, 1):
        assert wire.ask("SUBSCRIBE", channel) == push("subscribe", channel, count)
    return wire


def write_config(sluice, change):
    with open(sluice.config) as file:
        text = change(file.read())
    with open(sluice.config, "w") as file:
        file.write(text)
    sluice.signal(signal.SIGHUP)


# Each part is sent when the replies to the one before are there, as many as the number says.
# PUBLISH comes from another connection.
RESP2 = [
    (request("SUBSCRIBE", "a", "a", "b"), 3), (request("PSUBSCRIBE", "p*"), 1),
    (request("SSUBSCRIBE", "s", "t"), 2), (request("UNSUBSCRIBE", "zz", "a"), 2),
    (request("SUNSUBSCRIBE", "t", "s"), 2), (request("SUNSUBSCRIBE"), 1),
    (request("GET", "x"), 1), (request("PING"), 1), (request("PING", "hi"), 1),
    (request("CONFIG", "GET", "maxmemory"), 1), (request("nope"), 1), (request("SUBSCRIBE"), 1),
    (request("MULTI"), 1), (request("EXEC"), 1), (request("SELECT", 1), 1),
    (("PUBLISH", "b", "m"), 1), (("PUBLISH", "pq", "m"), 1), (("PUBLISH", "b", ""), 1),
    (request("PUNSUBSCRIBE"), 1), (("PUBLISH", "b", "last"), 1),
    (request("UNSUBSCRIBE"), 1), (request("UNSUBSCRIBE"), 1), (request("PUNSUBSCRIBE", "x"), 1),
    (request("GET", "x"), 1), (request("PING"), 1),
    (b"subscribe in line\r\n", 2), (("PUBLISH", "line", "m"), 1),
    (request("RESET"), 1), (request("GET", "x"), 1),
    (request("SUBSCRIBE", "q") + request("QUIT") + request("PING"), 2),
]
RESP3 = [
    (request("GET", "x") + request("SUBSCRIBE", "a") + request("SET", "x", 1), 3),
    (request("PING"), 1), (("PUBLISH", "a", "m"), 1), (request("GET", "x"), 1),
    (request("MULTI") + request("GET", "x") + request("EXEC"), 3),
    (request("SELECT", 2) + request("GET", "x"), 2), (("PUBLISH", "a", "m2"), 1),
    (request("WATCH", "w") + request("SUBSCRIBE", "b") + request("MULTI") + request("EXEC"), 4),
    (("PUBLISH", "b", "m3"), 1),
    (request("BLPOP", "none", "0.05"), 1), (request("UNSUBSCRIBE", "a"), 1),
    (request("PSUBSCRIBE", "?") + request("SSUBSCRIBE", "s"), 2), (("PUBLISH", "z", "m4"), 1),
    (("SPUBLISH", "s", "m5"), 1),
    (request("HELLO", 2), 1), (request("GET", "x"), 1), (("PUBLISH", "b", "m6"), 2),
    (request("SUNSUBSCRIBE"), 1), (request("RESET"), 1), (request("PING"), 1),
]
SILENT = [
    (request("CLIENT", "REPLY", "OFF") + request("SUBSCRIBE", "a"), 1), (("PUBLISH", "a", "m"), 1),
    (request("PING") + request("UNSUBSCRIBE", "a"), 1),
    (request("CLIENT", "REPLY", "ON") + request("PING"), 2),
    (request("CLIENT", "REPLY", "SKIP") + request("SUBSCRIBE", "a"), 1), (request("PING"), 1),
]


def transcript(wire, redis, script):
    """What comes back, without the client's id in an answer to HELLO."""
    got = []
    for sent, count in script:
        if isinstance(sent, tuple):
            with redis.connect() as speaker:
                assert int(speaker.ask(*sent)[1:]) > 0, sent
        else:
            wire.send(sent)
        replies = [wire.reply() for _ in range(count)]
        got.append(replies if b"HELLO" not in sent else [])
    return got


@case
def subscribers_hear_what_they_would_directly(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        for script, hello in ((RESP2, b""), (RESP3, HELLO3), (SILENT, b""), (SILENT, HELLO3)):
            got = []
            for address in (redis.address, sluice.address):
                with redis.connect() as control:
                    control.ask("FLUSHALL")
                with Wire(address) as wire:
                    if hello:
                        wire.send(hello)
                        wire.reply()
                    got.append(transcript(wire, redis, script))
            for number, (direct, through) in enumerate(zip(*got)):
                assert direct == through, (script[number], direct, through)


@case
def a_thousand_subscribers_share_a_backend_of_each_worker(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        wires = [listener(sluice, "news", f"own{number}") for number in range(1000)]
        assert 1 <= numsub(redis, "news") <= 2
        assert sluice.metric("redis_backends", kind="subscriber") <= 2
        assert sluice.metric("redis_backends", kind="pinned") == 0
        assert sluice.metric("redis_subscriptions") == 2000
        with sluice.connect() as speaker:
            speaker.ask("PUBLISH", "news", "hi")
            for number, wire in enumerate(wires):
                assert wire.reply() == push("message", "news", "hi")
                if number % 50 == 0:
                    speaker.ask("PUBLISH", f"own{number}", number)
            for number in range(0, 1000, 50):
                expected = push("message", f"own{number}", str(number))
                assert wires[number].reply() == expected
        assert sluice.metric("redis_messages_delivered_total") == 1020
        for wire in wires:
            wire.close()
        wait_until(lambda: numsub(redis, "news") == 0, "the channel to be given up")
        sluice.wait_metric("redis_subscriptions", 0)
        sluice.wait_metric("redis_channels", 0)


@case
def messages_come_in_order_and_between_whole_replies(rig):
    with redis_and_sluice(rig, server=ONE) as (redis, sluice):
        with sluice.connect() as wire, redis.connect() as speaker:
            wire.send(HELLO3)
            wire.reply()
            assert wire.ask("SET", "big", "x" * 3_000_000) == b"+OK\r\n"
            assert wire.ask("SUBSCRIBE", "c") == push("subscribe", "c", 1, mark=b">")
            heard = []
            for turn in range(20):
                wire.send(request("GET", "big") * 2)
                speaker.send(b"".join(request("PUBLISH", "c", f"{turn}.{at}") for at in range(20)))
                for _ in range(20):
                    assert speaker.reply() == b":1\r\n"
                replies = 0
                while replies < 2 or len(heard) < 20 * (turn + 1):
                    reply = wire.reply()
                    if reply.startswith(b">3\r\n$7\r\nmessage"):
                        heard.append(reply)
                    else:
                        assert reply == b"$3000000\r\n" + b"x" * 3_000_000 + b"\r\n"
                        replies += 1
            assert heard == [push("message", "c", f"{turn}.{at}", mark=b">")
                             for turn in range(20) for at in range(20)]


@case
def both_versions_hear_one_backend(rig):
    with redis_and_sluice(rig, server=ONE) as (redis, sluice):
        with sluice.connect() as two, sluice.connect() as three, redis.connect() as speaker:
            three.send(HELLO3)
            three.reply()
            for wire, mark in ((two, b"*"), (three, b">")):
                assert wire.ask("PSUBSCRIBE", "c*") == push("psubscribe", "c*", 1, mark=mark)
            speaker.send(b"".join(request("PUBLISH", f"c{at % 3}", at) for at in range(500)))
            for wire, mark in ((two, b"*"), (three, b">")):
                for at in range(500):
                    assert wire.reply() == push("pmessage", "c*", f"c{at % 3}", str(at), mark=mark)
            assert sluice.metric("redis_backends", kind="subscriber") == 1


@case
def what_the_server_refuses_is_told_to_who_asked(rig):
    with redis_and_sluice(rig, server=ONE, database={"user": "u", "password": "p"}) \
            as (redis, sluice):
        with redis.connect() as control:
            assert control.ask("ACL", "SETUSER", "u", "on", ">p", "+@all", "~*", "resetchannels",
                               "&ok*") == b"+OK\r\n"
        with sluice.connect() as one, sluice.connect() as two:
            denied = (b"-NOPERM this user has no permissions to access one of the channels used as "
                      b"arguments\r\n")
            assert one.ask("SUBSCRIBE", "ok1", "no") == denied
            assert one.ask("GET", "k") == b"$-1\r\n", "it has not subscribed"
            one.send(request("SUBSCRIBE", "no") + request("PING") + request("SUBSCRIBE", "ok1"))
            two.send(request("SUBSCRIBE", "ok1"))
            assert one.reply() == denied
            assert one.reply() == b"+PONG\r\n"
            for wire in (one, two):
                assert wire.reply() == push("subscribe", "ok1", 1)
            assert numsub(redis, "ok1") == 1
            # Of those who lose a right the server closes the backend; who keeps it goes on.
            assert two.ask("SUBSCRIBE", "ok2") == push("subscribe", "ok2", 2)
            with redis.connect() as control:
                assert control.ask("ACL", "SETUSER", "u", "resetchannels", "&ok1") == b"+OK\r\n"
            assert two.rest() == b""
            wait_until(lambda: numsub(redis, "ok1") == 1, "the channel to be asked for again")
            with redis.connect() as control:
                control.ask("PUBLISH", "ok1", "m")
            assert one.reply() == push("message", "ok1", "m")
            assert sluice.metric("redis_subscriber_losses_total") == 1
            assert sluice.metric("redis_refused_subscriptions_total") == 2


@case
def a_lost_backend_is_replaced_and_subscribed_anew(rig):
    with redis_and_sluice(rig, server=ONE, wait_timeout="20s") as (redis, sluice):
        with listener(sluice, "a", "b") as one, sluice.connect() as two:
            assert two.ask("PSUBSCRIBE", "a*") == push("psubscribe", "a*", 1)
            redis.stop()
            sluice.wait_metric("redis_subscriber_losses_total", 1)
            with sluice.connect() as three:
                reply = three.ask("SUBSCRIBE", "c")
                assert reply.startswith(b"-ERR sluice: no backend connection ("), reply
            redis.start()
            wait_until(lambda: numsub(redis, "b") == 1, "the channels to be back")
            wait_until(lambda: numsub(redis, "a") == 1, "the channels to be back")
            with redis.connect() as speaker:
                speaker.ask("PUBLISH", "a", "back")
            assert one.reply() == push("message", "a", "back")
            assert two.reply() == push("pmessage", "a*", "a", "back")


@case
def subscribers_of_a_server_that_stays_away_are_closed(rig):
    with redis_and_sluice(rig, server=ONE, wait_timeout="400ms") as (redis, sluice):
        with listener(sluice, "a") as wire:
            redis.stop()
            assert wire.rest() == b""
            redis.start()
        sluice.wait_metric("redis_subscriptions", 0)


@case
def who_does_not_read_its_messages_is_cut_and_the_others_hear_on(rig):
    with redis_and_sluice(rig, server=ONE, client_buffer_max="256KiB") as (redis, sluice):
        with listener(sluice, "a") as reads, listener(sluice, "a") as sleeps, \
                listener(sluice, "a", "huge") as greedy, redis.connect() as speaker:
            count = 0
            while sluice.metric("redis_slow_subscribers_total") == 0:
                assert speaker.ask("PUBLISH", "a", "x" * 100_000) == b":1\r\n"
                for wire in (reads, greedy):
                    assert wire.reply() == push("message", "a", "x" * 100_000)
                count += 1
                assert count < 1000, "nobody was cut"
            assert sluice.metric("redis_slow_subscribers_total") == 1
            try:
                sleeps.rest()
            except OSError:
                pass
            # More than anybody may leave unread is for nobody.
            speaker.send(request("PUBLISH", "huge", "y" * 5_000_000) +
                         request("PUBLISH", "a", "still here"))
            assert reads.reply() == push("message", "a", "still here")
            assert greedy.rest() == b""
            assert sluice.metric("redis_slow_subscribers_total") == 2
            assert sluice.metric("redis_subscriber_losses_total") == 0


@case
def channels_of_one_client_are_bounded(rig):
    with redis_and_sluice(rig, max_client_subscriptions=3) as (redis, sluice):
        with sluice.connect() as wire:
            wire.send(request("SUBSCRIBE", "a", "b", "c"))
            for count, channel in enumerate("abc", 1):
                assert wire.reply() == push("subscribe", channel, count)
            assert wire.ask("PSUBSCRIBE", "d").startswith(b"-ERR sluice: too many subscriptions")
            assert wire.ask("UNSUBSCRIBE", "a") == push("unsubscribe", "a", 2)
            assert wire.ask("PSUBSCRIBE", "d") == push("psubscribe", "d", 3)


@case
def subscriptions_count_against_the_buffer_memory(rig):
    with redis_and_sluice(rig, server={**ONE, "buffer_memory_max": "1MiB"},
                          client_buffer_max="64KiB", max_client_subscriptions=0) \
            as (redis, sluice):
        with sluice.connect() as wire:
            for turn in range(1000):
                reply = wire.ask("SUBSCRIBE", f"{turn}:" + "n" * 30_000)
                if not reply.startswith(b"*3"):
                    break
            assert reply.startswith(b"-ERR sluice: out of buffer memory"), reply
            assert 20 <= turn <= 40, turn
            assert wire.ask("PING").startswith(b"*2")
            wire.send(request("UNSUBSCRIBE"))
            for _ in range(turn):
                wire.reply()
            wait_until(lambda: sluice.metric("buffer_bytes") < 100_000, "the memory to be back")
            assert wire.ask("SUBSCRIBE", "c") == push("subscribe", "c", 1)


@case
def a_subscribers_backend_counts_against_the_bound_and_yields_when_idle(rig):
    with redis_and_sluice(rig, server=ONE, max_connections=3, pinned_connections=1,
                          shared_connections=1, wait_timeout="300ms") as (redis, sluice):
        with sluice.connect() as blocks, sluice.connect() as other:
            with listener(sluice, "a"):
                assert other.ask("SET", "k", 1) == b"+OK\r\n"
                # One is the subscribers', one is shared and idle: that makes room.
                blocks.send(request("BLPOP", "q", 0))
                sluice.wait_metric("redis_pinned_in_use", 1)
                assert other.ask("GET", "k").startswith(b"-ERR sluice: no backend connection")
                wait_until(lambda: redis.clients() == 2, "room made by closing the shared one")
            # Nobody is subscribed any more.
            sluice.wait_metric("redis_subscriptions", 0)
            wait_until(lambda: other.ask("RPUSH", "q", "v") == b":1\r\n", "room for a shared one")
            assert blocks.reply() == b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n"
            wait_until(lambda: blocks.ask("SUBSCRIBE", "b").startswith(b"*3"), "room again")
            wait_until(lambda: redis.clients() <= 2, "what made room to be closed")


@case
def a_client_that_leaves_while_it_waits_leaves_nothing(rig):
    with redis_and_sluice(rig, server=ONE, max_connections=3, pinned_connections=1,
                          shared_connections=1) as (redis, sluice):
        with sluice.connect() as blocks, sluice.connect() as uses:
            blocks.send(request("BLPOP", "q", 0))
            sluice.wait_metric("redis_pinned_in_use", 1)
            with sluice.connect() as waits:
                # The shared one is busy with a script, so there is no permit.
                uses.send(request("EVAL", "while redis.call('time')[1]+0 < ARGV[1]+0 do end", 0,
                                  int(__import__("time").time()) + 2))
                sluice.wait_metric("redis_owed_replies", 2)
                waits.send(request("SUBSCRIBE", "c"))
                sluice.wait_metric("redis_waiting_clients", 1)
            sluice.wait_metric("redis_waiting_clients", 0)
            uses.reply()
            assert sluice.metric("redis_channels") == 0


@case
def a_silent_backend_is_asked_whether_it_is_there(rig):
    with redis_and_sluice(rig, server={"workers": 1}, server_idle_timeout="1s") as (redis, sluice):
        def pings():
            with redis.connect() as wire:
                text = wire.ask("INFO", "commandstats").decode()
            found = [line for line in text.split("\r\n") if line.startswith("cmdstat_ping:")]
            return int(found[0].split("calls=")[1].split(",")[0]) if found else 0
        with listener(sluice, "a") as wire:
            before = pings()
            wait_until(lambda: pings() > before + 2, "the backend to be asked")
            with redis.connect() as speaker:
                speaker.ask("PUBLISH", "a", "m")
            assert wire.reply() == push("message", "a", "m")
            assert sluice.metric("redis_subscriber_losses_total") == 0
        sluice.wait_metric("redis_backends", 0, kind="subscriber")


@case
def a_reload_takes_subscribers_to_where_the_settings_say(rig):
    with redis_and_sluice(rig, server=ONE) as (redis, sluice):
        from redis_rig import Redis
        other = Redis(rig)
        try:
            with listener(sluice, "a") as wire:
                write_config(sluice, lambda text: text.replace(f"port = {redis.port}",
                                                               f"port = {other.port}"))
                wait_until(lambda: numsub(other, "a") == 1, "the channel to be asked for there")
                assert numsub(redis, "a") == 0
                with other.connect() as speaker:
                    speaker.ask("PUBLISH", "a", "m")
                assert wire.reply() == push("message", "a", "m")
        finally:
            other.stop()


@case
def a_drain_ends_subscribers(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with listener(sluice, "a") as wire:
            sluice.signal(signal.SIGTERM)
            assert wire.rest() == b""
            assert sluice.wait_exit() == 0


@case
def redis_py_subscribes(rig):
    try:
        import redis as library
    except ImportError:
        raise Skipped("python3-redis is not installed") from None
    with redis_and_sluice(rig) as (server, sluice):
        client = library.Redis("127.0.0.1", sluice.port, decode_responses=True)
        subscriber = client.pubsub(ignore_subscribe_messages=True)
        heard = []
        subscriber.subscribe(**{"c": lambda message: heard.append(message["data"])})
        subscriber.psubscribe(**{"p*": print})
        thread = subscriber.run_in_thread(sleep_time=0.01, daemon=True)
        wait_until(lambda: numsub(server, "c") == 1, "the subscription")
        for number in range(100):
            client.publish("c", number)
        wait_until(lambda: len(heard) == 100, "the messages")
        assert heard == [str(number) for number in range(100)]
        thread.stop()
        thread.join()
        client.close()
