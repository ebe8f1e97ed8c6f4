"""Clients that go away at the worst moment: nothing they began goes on, nothing they held is lost."""

from case import case
from pgwire import (Bind, Describe, Execute, Flush, Parse, Query, Sync, startup)
from rig import PASSWORD, wait_until

SLEEP = "SELECT pg_sleep(600)"


def runs(rig, text):
    wait_until(lambda: rig.postgres.backends(f"state = 'active' AND query LIKE '{text}%'"),
               f"waiting for {text} to run", 20.0)


def all_is_well(rig, sluice, pid=None):
    """Nobody is active, nothing runs, no transaction is open, and the next client is served."""
    client = sluice.connect()
    own = client.value("SELECT pg_backend_pid()")
    if pid is not None:
        assert own == pid, "a backend that could have been kept was closed"
    client.end()
    sluice.wait_metric("clients", 0)
    sluice.wait_metric("pool_backends", 0, state="active")
    busy = rig.postgres.backends("state <> 'idle'")
    assert not busy, busy


GONE = {
    "in_a_running_query": ([Query(SLEEP)], SLEEP),
    "in_a_running_extended_query": ([Parse(SLEEP), Bind(), Execute(), Sync], SLEEP),
    "in_a_running_query_without_sync": ([Parse(SLEEP), Bind(), Execute(), Flush], SLEEP),
    "in_a_running_query_with_more_queued": ([Query(SLEEP), Query("SELECT 1"), Query(SLEEP)], SLEEP),
    "in_a_transaction": ([Query("BEGIN; INSERT INTO notes VALUES (1, 'gone')")], None),
    "in_a_failed_transaction": ([Query("BEGIN"), Query("SELECT 1/0")], None),
    "in_a_running_query_of_a_transaction": (
        [Query("BEGIN; INSERT INTO notes VALUES (1, 'gone')"), Query(SLEEP)], SLEEP),
    "behind_parse": ([Parse("SELECT 1"), Flush], None),
    "behind_bind": ([Parse("INSERT INTO notes VALUES (1, 'gone')"), Bind(), Flush], None),
    "behind_execute": ([Parse("INSERT INTO notes VALUES (1, 'gone')"), Bind(), Execute(), Flush], None),
    "behind_a_suspended_portal": (
        [Parse("SELECT generate_series(1, 9)"), Bind(), Execute(2), Flush], None),
    "behind_an_error_without_sync": ([Parse("SELEKT"), Bind(), Describe(), Flush], None),
}


def make_case(name, frames, text):
    def gone(rig):
        with rig.sluice(pool_size=1) as sluice:
            client = sluice.connect()
            pid = client.value("SELECT pg_backend_pid()")
            client.end()
            for leave in ("close", "abort"):
                client = sluice.connect()
                client.send(*frames)
                if text is not None:
                    runs(rig, text)
                else:
                    client.message()
                getattr(client, leave)()
                all_is_well(rig, sluice, pid)
            assert sluice.metric("pool_recoveries_total") >= 1
            assert rig.postgres.control("app").value(
                "SELECT count(*) FROM notes WHERE text = 'gone'") == "0"
    gone.__name__ = name
    case(gone)


for _name, (_frames, _text) in GONE.items():
    make_case(_name, _frames, _text)


@case
def in_the_middle_of_a_message(rig):
    data = Parse("SELECT $1::text") + Bind(["x" * 100000]) + Describe() + Execute() + Sync
    with rig.sluice(pool_size=1) as sluice:
        for cut in (1, 4, 5, 9, 30, 40, 60, 50000, len(data) - 20, len(data) - 5, len(data) - 1):
            for leave in ("close", "abort"):
                client = sluice.connect()
                client.send(data[:cut])
                getattr(client, leave)()
        client = sluice.connect()
        client.query("BEGIN")
        client.send(Query("SELECT 'half'")[:9])
        client.close()
        all_is_well(rig, sluice)


@case
def in_the_middle_of_a_result(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        pid = client.value("SELECT pg_backend_pid()")
        client.end()
        for _ in range(5):
            client = sluice.connect(receive_buffer=8192)
            client.send(Query("SELECT repeat('x', 1000) FROM generate_series(1, 10000000)"))
            client.message()
            wait_until(lambda: rig.postgres.backends("wait_event = 'ClientWrite'"),
                       "waiting for PostgreSQL to be held back", 20.0)
            client.abort()
            all_is_well(rig, sluice, pid)


@case
def in_the_middle_of_one_huge_value(rig):
    with rig.sluice(pool_size=1) as sluice:
        for _ in range(3):
            client = sluice.connect(receive_buffer=8192)
            client.send(Query("SELECT repeat('x', 100000000)"))
            client.expect("T")
            client.fill()
            client.abort()
            all_is_well(rig, sluice)


@case
def while_queued(rig):
    with rig.sluice(pool_size=1) as sluice:
        holder = sluice.connect()
        holder.query("BEGIN")
        queued = [sluice.connect() for _ in range(6)]
        for client in queued:
            client.send(Query("INSERT INTO notes VALUES (1, 'queued and gone')"))
        sluice.wait_metric("pool_waiting_clients", 6)
        for number, client in enumerate(queued[:4]):
            client.abort() if number % 2 else client.close()
        sluice.wait_metric("pool_waiting_clients", 2)
        assert sluice.metric("pool_abandoned_waits_total") == 4
        holder.query("COMMIT")
        for client in queued[4:]:
            assert client.answer().tags == ["INSERT 0 1"]
            client.end()
        assert holder.value("SELECT count(*) FROM notes WHERE text = 'queued and gone'") == "2"
        holder.query("TRUNCATE notes")
        holder.end()
        all_is_well(rig, sluice)


@case
def during_the_login_of_its_backend(rig):
    """PostgreSQL is stopped by SIGSTOP, so that the backend's login hangs for as long as we like."""
    with rig.own_postgres() as postgres:
        import os
        import signal
        with rig.sluice(postgres=postgres, pool_size=1) as sluice:
            os.kill(postgres.process.pid, signal.SIGSTOP)
            try:
                clients = []
                for _ in range(4):
                    client = sluice.connect(login=False)
                    client.send(client.startup)
                    clients.append(client)
                sluice.wait_metric("pool_backends", 1, state="opening")
                for client in clients:
                    client.abort()
                sluice.wait_metric("clients", 0)
            finally:
                os.kill(postgres.process.pid, signal.SIGCONT)
            client = sluice.connect()
            assert client.value("SELECT 1") == "1"
            client.end()
            sluice.wait_metric("clients", 0)


@case
def during_its_own_login(rig):
    with rig.sluice(auth="scram-sha-256", users={"app": {"password": PASSWORD}}) as sluice:
        packet = startup({"user": "app", "database": "app"})
        for cut in range(0, len(packet) + 1, 3):
            client = sluice.connect(login=False)
            client.send(packet[:cut])
            client.abort()
        sluice.wait_metric("clients", 0)
        client = sluice.connect(password=PASSWORD)
        client.end()


@case
def a_client_that_only_shuts_down_its_sending_side(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.send(Query("SELECT pg_sleep(600)"))
        runs(rig, SLEEP)
        client.socket.shutdown(1)
        wait_until(lambda: not rig.postgres.backends("state = 'active'"), "waiting for its end", 20.0)
        client.messages_to_the_end()
        client.close()
        all_is_well(rig, sluice)


@case
def a_pinned_client_that_vanishes_inside_a_query(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        pid = client.value("SELECT pg_backend_pid()")
        client.query("SET work_mem = '9MB'; SELECT pg_advisory_lock(5)")
        client.send(Query(SLEEP))
        runs(rig, SLEEP)
        client.abort()
        other = sluice.connect()
        assert other.value("SELECT pg_backend_pid()") == pid
        assert other.value("SHOW work_mem") == "4MB"
        assert other.value("SELECT pg_try_advisory_lock(5)") == "t"
        other.end()
        all_is_well(rig, sluice)


@case
def session_mode_clients_that_vanish(rig):
    with rig.sluice(pool_mode="session", pool_size=1) as sluice:
        for frames in ([Query(SLEEP)], [Query("BEGIN; INSERT INTO notes VALUES (1, 'gone')")]):
            client = sluice.connect()
            client.send(*frames)
            wait_until(lambda: rig.postgres.backends("state <> 'idle'"), "waiting", 20.0)
            client.abort()
            other = sluice.connect()
            assert other.value("SELECT count(*) FROM notes WHERE text = 'gone'") == "0"
            other.end()
        all_is_well(rig, sluice)


@case
def many_clients_come_and_go_and_no_file_stays_open(rig):
    rounds = 4 if rig.short else 12
    with rig.sluice(pool_size=2) as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        files = []
        for _ in range(rounds):
            clients = [sluice.connect() for _ in range(40)]
            for number, one in enumerate(clients):
                if number % 3:
                    one.send(Query("SELECT 1"))
                one.abort() if number % 2 else one.close()
            sluice.wait_metric("clients", 1)
            sluice.wait_metric("pool_backends", 0, state="active")
            files.append(sluice.open_files())
        assert max(files[1:]) <= files[0] + 2, files
        client.end()
