"""LISTEN and NOTIFY in transaction mode: one connection listens for all clients."""

import asyncio
import os
import signal
import struct

from case import case
from pgwire import Bind, Client, Execute, Parse, Query, Sync
from rig import Skipped, wait_until


def heard(message):
    """The sender, the channel and the payload."""
    assert message.kind == "A", message
    channel, payload, _ = message.body[4:].split(b"\0")
    return struct.unpack_from("!I", message.body)[0], channel.decode(), payload.decode()


def listening(rig):
    return rig.postgres.backends("application_name = 'sluice listener'")


@case
def many_listeners_share_one_connection(rig):
    with rig.sluice(pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(20)]
        for client in clients:
            assert client.query("LISTEN news").tags == ["LISTEN"]
        sender = sluice.connect()
        sender.query("NOTIFY news, 'hello'")
        assert all(heard(client.message()) == (sender.pid, "news", "hello") for client in clients)
        assert len(listening(rig)) == 1
        assert sluice.metric("pool_pinned_clients") == 0
        assert sluice.metric("listening_clients") == 20
        assert sluice.metric("channels") == 1
        assert sluice.metric("listening_backends", state="listening") == 1
        assert sluice.metric("notifications_total") == 20
        for client in [*clients, sender]:
            client.end()
        sluice.wait_metric("channels", 0)
        sluice.wait_metric("listening_clients", 0)


@case
def a_pool_of_one_is_enough(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        other.query("BEGIN")  # It has the one backend.
        other.query("NOTIFY news")
        assert not client.has_input()
        other.query("COMMIT")
        assert heard(client.message()) == (other.pid, "news", "")
        client.end()
        other.end()


@case
def ones_own_notification_comes_before_the_end_of_its_transaction(rig):
    with rig.sluice(pool_size=2) as sluice:
        client = sluice.connect()
        client.query("LISTEN news")
        for sql in ["NOTIFY news, 'own'", "SELECT pg_notify('news', 'own')"]:
            answer = client.query(sql)
            assert answer.kinds.endswith("CAZ"), answer.kinds
            assert heard(answer.messages[-2]) == (client.pid, "news", "own")
            answer = client.execute(sql)
            assert answer.kinds.endswith("CAZ"), answer.kinds
        client.query("BEGIN")
        assert "A" not in client.query("NOTIFY news, 'own'").kinds
        assert client.query("COMMIT").kinds == "CAZ"
        client.end()


@case
def a_session_elsewhere_has_its_own_process_id(rig):
    with rig.sluice(pool_size=2) as sluice, \
            Client(("127.0.0.1", rig.postgres.port), user="app") as outside:
        client = sluice.connect()
        client.query("LISTEN news")
        outside.query("NOTIFY news, 'from afar'")
        assert heard(client.message()) == (outside.pid, "news", "from afar")
        client.end()


@case
def transactions_and_savepoints_decide_what_listen_comes_to(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()

        def channels():
            return sorted(row[0] for row in client.rows("SELECT pg_listening_channels()"))
        client.query("BEGIN; LISTEN a; ROLLBACK")
        assert channels() == []
        client.query("BEGIN; LISTEN a; SAVEPOINT s; LISTEN b; ROLLBACK TO s; LISTEN c; COMMIT")
        assert channels() == ["a", "c"]
        for sql in ["BEGIN", "UNLISTEN a", "SAVEPOINT s", "UNLISTEN c", "LISTEN d", "ROLLBACK TO s",
                    "COMMIT"]:
            client.query(sql)
        assert channels() == ["c"]
        for sql in ["BEGIN", "UNLISTEN *", "ROLLBACK"]:
            client.query(sql)
        assert channels() == ["c"]
        client.query("BEGIN; UNLISTEN *; LISTEN e; COMMIT")
        assert channels() == ["e"]
        assert other.rows("SELECT pg_listening_channels()") == []
        client.query("DISCARD ALL")
        assert channels() == []
        other.query("NOTIFY c; NOTIFY e")
        assert client.value("SELECT 1") == "1" and not client.has_input()
        client.end()
        other.end()


@case
def a_named_statement_listens_under_another_lease(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.ask(Parse("LISTEN news", "l"), Sync)
        client.ask(Parse("UNLISTEN news", "u"), Sync)
        other.query("SELECT 1")
        assert client.ask(Bind(name="l"), Execute(), Sync).tags == ["LISTEN"]
        other.query("NOTIFY news")
        assert heard(client.message())[1] == "news"
        assert client.ask(Bind(name="u"), Execute(), Sync).tags == ["UNLISTEN"]
        other.query("NOTIFY news")
        assert client.query("SELECT 1").kinds == "TDCZ"
        assert other.rows("SELECT pg_listening_channels()") == []
        client.end()
        other.end()


@case
def a_named_statement_of_a_listener_pins_nothing(rig):
    """postgres.js sends a Parse of its own name, a Bind and an Execute at once, for UNLISTEN too."""
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        for number, sql in enumerate(["LISTEN a", "LISTEN b", "UNLISTEN a", "SELECT 1"]):
            name = f"s{number}"
            answer = client.ask(Parse(sql, name), Bind(name=name), Execute(), Sync)
            assert not answer.errors, (sql, answer.errors)
        assert sluice.metric("pool_pins_total", reason="listen") == 0
        other.query("NOTIFY a")
        other.query("NOTIFY b, 'from another'")
        assert heard(client.message()) == (other.pid, "b", "from another")
        client.end()
        other.end()


@case
def a_lost_connection_is_made_again_and_the_listeners_are_told(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        pid = listening(rig)[0][0]
        rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
        message = client.message()
        assert message.kind == "N" and b"C01000\0" in message.body, message
        other.query("NOTIFY news, 'again'")
        assert heard(client.message())[2] == "again"
        assert sluice.metric("listening_backends_lost_total") == 1
        client.end()
        other.end()


@case
def a_connection_lost_again_and_again_is_waited_for(rig):
    """An administrator ends all backends several times: that must cost no listener its LISTEN."""
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        for number in range(4):
            pid = wait_until(lambda: listening(rig), "waiting for a connection that listens")[0][0]
            rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
            wait_until(lambda: sluice.metric("listening_backends_lost_total") == number + 1,
                       "waiting for the loss to be seen")
            other.send(Query("LISTEN news"))
            assert other.answer().tags == ["LISTEN"]
            other.send(Query("BEGIN; UNLISTEN *; LISTEN more; COMMIT"))
            assert other.answer().tags == ["BEGIN", "UNLISTEN", "LISTEN", "COMMIT"]
        client.end()
        other.end()


@case
def a_connection_that_does_not_answer_is_given_up(rig):
    with rig.own_postgres() as postgres, \
            rig.sluice(postgres, pool_size=1, server_connect_timeout="2s") as sluice:
        client, other, third = sluice.connect(), sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        pid = int(postgres.backends("application_name = 'sluice listener'")[0][0])
        os.kill(pid, signal.SIGSTOP)
        try:
            other.send(Query("LISTEN more"))
            third.send(Query("BEGIN; LISTEN more; COMMIT"))
            assert other.answer().sqlstates == ["08006"]
            assert b"C08006\0" in third.closed_by_peer()[-1].body
            message = client.message()
            assert message.kind == "N" and b"C01000\0" in message.body, message
            assert other.query("LISTEN more").tags == ["LISTEN"]
            other.query("NOTIFY news, 'again'")
            assert heard(client.message())[2] == "again"
        finally:
            os.kill(pid, signal.SIGCONT)
        client.end()
        other.end()


@case
def a_listener_that_does_not_read_is_cut_and_the_others_are_served(rig):
    with rig.sluice(pool_size=2, listener_buffer_max=65536) as sluice:
        slow = sluice.connect(receive_buffer=4096)
        good, sender = sluice.connect(), sluice.connect()
        slow.query("LISTEN news")
        good.query("LISTEN news")
        count = 0

        def one_more():
            nonlocal count
            sender.query("BEGIN;" + f"NOTIFY news, '{'x' * 7000}{count}';" + "COMMIT")
            count += 1
            assert heard(good.message())[1] == "news"
            return sluice.metric("refusals_total", reason="slow_listener") == 1
        wait_until(one_more, "the slow one is cut", 60.0)
        sender.query("NOTIFY news, 'last'")
        assert heard(good.message())[2] == "last"
        good.end()
        sender.end()
        slow.close()


@case
def the_number_of_channels_is_limited(rig):
    with rig.sluice(pool_size=2, max_client_channels=2) as sluice:
        client = sluice.connect()
        client.query("LISTEN a")
        client.query("LISTEN b")
        assert client.fails("LISTEN c") == "54000"
        assert client.query("LISTEN b").tags == ["LISTEN"]
        client.query("UNLISTEN a")
        client.query("LISTEN c")
        client.send(Query("BEGIN; LISTEN d; COMMIT"))
        assert b"C54000\0" in client.closed_by_peer()[-1].body
        sluice.wait_metric("channels", 0)


@case
def a_listener_counts_against_the_bound_on_all_backends(rig):
    with rig.sluice(pool_size=5, server={"max_backends": 2}) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        assert sluice.metric("backends_used") >= 1
        third = sluice.connect()
        other.query("BEGIN")
        third.send(Query("SELECT 1"))
        other.query("NOTIFY news")
        other.query("COMMIT")
        assert third.answer().tags == ["SELECT 1"]
        assert heard(client.message())[1] == "news"
        assert sluice.metric("backends_used") <= 2
        for one in (client, other, third):
            one.end()


@case
def who_listens_to_nothing_begins_in_the_encoding_it_has(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("NOTIFY news")
        for encoding, word in [("UTF8", "\xe9".encode()), ("LATIN1", b"\xe9"), ("UTF8", "\xe9".encode())]:
            client.query(f"SET client_encoding = '{encoding}'")
            client.query("LISTEN news")
            other.query("NOTIFY news, '\xe9'")
            assert client.message().body[4:] == b"news\0" + word + b"\0"
            client.query("UNLISTEN *")
        client.end()
        other.end()


@case
def a_client_that_vanishes_listens_no_more(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        client.query("BEGIN")
        client.query("LISTEN more")
        client.abort()
        sluice.wait_metric("listening_clients", 0)
        sluice.wait_metric("channels", 0)
        assert other.rows("SELECT pg_listening_channels()") == []
        other.end()


@case
def session_mode_listens_on_its_own_backend(rig):
    with rig.sluice(pool_size=2, pool_mode="session") as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("LISTEN news")
        assert listening(rig) == []
        other.query("NOTIFY news")
        assert heard(client.message()) == (other.pid, "news", "")
        client.end()
        other.end()


@case
def asyncpg_listens(rig):
    try:
        import asyncpg
    except ImportError:
        raise Skipped("python3-asyncpg is not installed") from None

    async def work(sluice):
        one = await asyncpg.connect(sluice.url())
        two = await asyncpg.connect(sluice.url())
        came = asyncio.Queue()
        await one.add_listener("news", lambda _, pid, channel, payload: came.put_nowait(
            (pid, channel, payload)))
        await two.execute("NOTIFY news, 'hello'")
        assert await asyncio.wait_for(came.get(), 20) == (two.get_server_pid(), "news", "hello")
        assert await two.fetchval("SELECT 1") == 1
        await one.close()
        await two.close()
    with rig.sluice(pool_size=1) as sluice:
        asyncio.run(work(sluice))
