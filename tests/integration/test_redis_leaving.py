"""UNSUBSCRIBE and its kin: who is told that it has left is counted by nobody's PUBLISH any more."""

import os
import signal

from case import case
from redis_rig import redis_and_sluice
from resp import request
from rig import wait_until
from test_redis_subscribers import ONE, listener, numsub, push


@case
def who_has_left_is_not_counted_by_a_publish_behind_it(rig):
    with redis_and_sluice(rig) as (redis, sluice):
        with sluice.connect() as speaker, sluice.connect() as stays:
            assert stays.ask("SUBSCRIBE", "both") == push("subscribe", "both", 1)
            for turn in range(300):
                own = f"own{turn}"
                with listener(sluice, own) as wire:
                    assert wire.ask("PSUBSCRIBE", own + "*") == push("psubscribe", own + "*", 2)
                    assert speaker.ask("PUBLISH", own, "m") == b":2\r\n"
                    wire.reply(), wire.reply()
                    assert wire.ask("UNSUBSCRIBE", own) == push("unsubscribe", own, 1)
                    assert speaker.ask("PUBLISH", own, "m") == b":1\r\n", turn
                    wire.reply()
                    if turn % 3 == 0:
                        assert wire.ask("PUNSUBSCRIBE") == push("punsubscribe", own + "*", 0)
                    else:
                        expected = b"+RESET\r\n" if turn % 3 == 1 else b"+OK\r\n"
                        assert wire.ask("RESET" if turn % 3 == 1 else "QUIT") == expected
                    assert speaker.ask("PUBLISH", own, "m") == b":0\r\n", turn
                    assert speaker.ask("PUBSUB", "NUMSUB", own).endswith(b":0\r\n"), turn
            assert sluice.metric("redis_channels") == 1
            # What is pipelined behind waits its turn, and a channel may be had again at once.
            with listener(sluice, "again") as wire:
                wire.send((request("UNSUBSCRIBE", "again") + request("SUBSCRIBE", "again")) * 100 +
                          request("UNSUBSCRIBE") + request("SET", "k", 1) + request("QUIT"))
                for _ in range(100):
                    assert wire.reply() == push("unsubscribe", "again", 0)
                    assert wire.reply() == push("subscribe", "again", 1)
                assert wire.rest() == push("unsubscribe", "again", 0) + b"+OK\r\n" * 2


@case
def a_subscribers_ping_is_answered_behind_the_messages_before_it(rig):
    with redis_and_sluice(rig, server=ONE, wait_timeout="20s") as (redis, sluice):
        with listener(sluice, "a") as wire, listener(sluice, "a") as other, \
                sluice.connect() as speaker:
            for turn in range(300):
                assert speaker.ask("PUBLISH", "a", turn) == b":1\r\n"
                wire.send(request("PING", turn) * 2)
                assert wire.reply() == push("message", "a", str(turn)), turn
                assert wire.reply() == wire.reply() == push("pong", str(turn))
            # One that goes, or whose backend does, in the middle of it takes nobody's answer along.
            os.kill(redis.process.pid, signal.SIGSTOP)
            for one in (other, wire):
                one.send(request("PING"))
                sluice.wait_metric("redis_waiting_clients", 1)
                if one is other:
                    other.close()
                    sluice.wait_metric("redis_waiting_clients", 0)
            os.kill(redis.process.pid, signal.SIGCONT)
            assert wire.reply() == push("pong", "")
            os.kill(redis.process.pid, signal.SIGSTOP)
            wire.send(request("PING"))
            sluice.wait_metric("redis_waiting_clients", 1)
            redis.process.kill()
            assert wire.reply() == push("pong", "")
            assert wire.ask("PING", "x") == push("pong", "x"), "there is no backend to ask"


@case
def who_leaves_when_the_server_does_not_answer_is_not_kept(rig):
    with redis_and_sluice(rig, server=ONE, wait_timeout="400ms") as (redis, sluice):
        with listener(sluice, "a", "b") as wire, listener(sluice, "c") as other:
            os.kill(redis.process.pid, signal.SIGSTOP)
            try:
                assert wire.ask("UNSUBSCRIBE", "a") == push("unsubscribe", "a", 1)
                other.send(request("UNSUBSCRIBE"))
                sluice.wait_metric("redis_waiting_clients", 1)
                other.close()
                sluice.wait_metric("redis_waiting_clients", 0)
            finally:
                os.kill(redis.process.pid, signal.SIGCONT)
            with redis.connect() as speaker:
                speaker.ask("PUBLISH", "b", "m")
            assert wire.reply() == push("message", "b", "m")
            wait_until(lambda: numsub(redis, "a") + numsub(redis, "c") == 0, "both to be given up")
        sluice.wait_metric("redis_channels", 0)


@case
def who_leaves_while_the_backend_is_lost_is_answered(rig):
    with redis_and_sluice(rig, server=ONE, wait_timeout="20s") as (redis, sluice):
        with listener(sluice, "a") as wire, listener(sluice, "a") as stays, \
                listener(sluice, "q") as quits:
            os.kill(redis.process.pid, signal.SIGSTOP)
            stays.send(request("UNSUBSCRIBE"))
            assert stays.reply() == push("unsubscribe", "a", 0), "another has it still"
            wire.send(request("UNSUBSCRIBE"))
            quits.send(request("QUIT"))
            sluice.wait_metric("redis_waiting_clients", 2)
            redis.process.kill()
            assert wire.reply() == push("unsubscribe", "a", 0)
            assert quits.rest() == b"+OK\r\n"
            assert wire.ask("PING")[:1] in b"+-"
