"""Every bound is exact, and who is turned away is told why and stays usable where that is possible."""

import selectors
import socket
import struct
import threading
import time

from case import case
from pgwire import Query, Wire, extended, startup
from rig import PASSWORD, raises, wait_until


class Swarm:
    """Thousands of raw clients on one selector: each logs in and makes a number of transactions."""

    def __init__(self, address, count, rounds, user="app", database="app"):
        self.selector = selectors.DefaultSelector()
        self.rounds, self.errors, self.done = rounds, [], 0
        hello = startup({"user": user, "database": database})
        self.left = {}
        for number in range(count):
            one = socket.socket()
            one.connect(address)
            one.sendall(hello)
            one.setblocking(False)
            self.left[one] = [rounds, b"", number]
            self.selector.register(one, selectors.EVENT_READ)

    def request(self, number, turn):
        if turn % 3 == 0:
            return extended("SELECT $1::int", [number])
        if turn % 3 == 1:
            return Query(f"SELECT {number}")
        return Query(f"BEGIN; SELECT {number}; COMMIT")

    def run(self, seconds):
        deadline = time.monotonic() + seconds
        while self.left and time.monotonic() < deadline:
            for key, _ in self.selector.select(1.0):
                self.serve(key.fileobj)
        assert not self.left, f"{len(self.left)} clients were not served: {self.errors[:3]}"

    def serve(self, one):
        state = self.left[one]
        try:
            data = one.recv(65536)
        except ConnectionError as error:
            data = repr(error).encode()
            self.errors.append(data)
            data = b""
        if not data:
            self.errors.append(b"closed")
            self.drop(one)
            return
        buffer = state[1] + data
        while len(buffer) >= 5:
            length, = struct.unpack_from("!I", buffer, 1)
            if len(buffer) < length + 1:
                break
            kind, body = buffer[:1], buffer[5:length + 1]
            buffer = buffer[length + 1:]
            if kind == b"E":
                self.errors.append(body)
            elif kind == b"D" and body[6:] != str(state[2]).encode():
                self.errors.append(b"a wrong answer: " + body)
            elif kind == b"Z":
                if state[0] == 0:
                    self.done += 1
                    self.drop(one)
                    return
                state[0] -= 1
                one.sendall(self.request(state[2], state[0]))
        state[1] = buffer

    def drop(self, one):
        self.selector.unregister(one)
        one.close()
        del self.left[one]


@case
def two_thousand_clients_on_ten_backends_without_an_error(rig):
    count, rounds = (2000, 6) if not rig.short else (2000, 3)
    with rig.sluice(pool_size=10) as sluice:
        swarm = Swarm(sluice.address, count, rounds)
        seen = []
        watching = threading.Event()

        def watch():
            while not watching.is_set():
                seen.append(int(rig.postgres.control().value(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'")))
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            swarm.run(120)
        finally:
            watching.set()
            watcher.join()
        assert swarm.errors == [] and swarm.done == count, (swarm.errors[:3], swarm.done)
        assert max(seen) <= 10, max(seen)
        assert sluice.metric("refusals_total") == 0
        assert sluice.metric("pool_opens_total") <= 10
        assert sluice.metric("logins_total") == count


@case
def pool_size_is_exact(rig):
    for workers in (1, 2):
        with rig.sluice(server={"workers": workers}, pool_size=16, max_connects=8) as sluice:
            clients = [sluice.connect() for _ in range(17)]
            for client in clients[:16]:
                client.query("BEGIN")
            assert len({client.value("SELECT pg_backend_pid()") for client in clients[:16]}) == 16
            clients[16].send(Query("SELECT 1"))
            sluice.wait_metric("pool_waiting_clients", 1)
            assert len(rig.postgres.backends()) == 16
            clients[3].query("COMMIT")
            assert clients[16].answer().rows == [("1",)]
            assert len(rig.postgres.backends()) == 16
            for client in clients:
                client.close()


def full(sluice, reason):
    return sluice.metric("refusals_total", reason=reason)


@case
def max_clients_is_exact_and_a_place_becomes_free_again(rig):
    with rig.sluice(max_clients=3) as sluice:
        clients = [sluice.connect() for _ in range(3)]
        fields = raises("53300", sluice.connect)
        assert fields["S"] == "FATAL" and fields["H"], fields
        assert full(sluice, "too_many_clients") == 1
        clients[0].end()
        sluice.wait_metric("clients", 2)
        clients.append(sluice.connect())
        raises("53300", sluice.connect)
        for client in clients[1:]:
            assert client.value("SELECT 1") == "1"
            client.end()


@case
def the_console_answers_when_every_place_is_taken_by_those_who_never_log_in(rig):
    with rig.sluice(max_clients=3, auth="scram-sha-256", stats_users=["app"],
                    users={"app": {"password": PASSWORD}}) as sluice:
        silent = []
        for _ in range(3):
            wire = Wire(sluice.address)
            wire.send(startup({"user": "app", "database": "app"}))
            assert wire.message()[0] == "R"
            silent.append(wire)
        raises("53300", sluice.connect, password=PASSWORD)
        console = sluice.connect(database="sluice", password=PASSWORD)
        states = [word for row in console.rows("SHOW CLIENTS") for word in row
                  if word in ("console", "login")]
        assert sorted(states) == ["console", "login", "login", "login"], states
        console.end()
        silent.pop().close()
        sluice.wait_metric("clients", 2)
        client = sluice.connect(password=PASSWORD)
        assert client.value("SELECT 1") == "1"
        client.end()
        for wire in silent:
            wire.close()


@case
def clients_of_a_user_are_limited(rig):
    with rig.sluice(max_user_client_connections=2,
                    users={"app": {}, "second": {"max_user_client_connections": 1}}) as sluice:
        clients = [sluice.connect(), sluice.connect(), sluice.connect(user="second", database="app")]
        raises("53300", sluice.connect)
        raises("53300", sluice.connect, user="second", database="app")
        assert full(sluice, "too_many_user_clients") == 2
        clients[0].end()
        wait_until(lambda: sluice.metric("clients") == 2, "a place", 20.0)
        sluice.connect().end()
        for client in clients[1:]:
            client.end()


@case
def clients_of_a_database_are_limited(rig):
    with rig.sluice(max_db_client_connections=2) as sluice:
        clients = [sluice.connect(), sluice.connect(user="second")]
        raises("53300", sluice.connect)
        other = sluice.connect(database="other")
        assert full(sluice, "too_many_database_clients") == 1
        for client in [*clients, other]:
            client.end()
        sluice.wait_metric("clients", 0)
        sluice.connect().end()


def two_compete(rig, sluice, first, second, bound):
    """Both pools are asked for more than the bound; all are served, and the bound holds."""
    clients = [sluice.connect(**(first if number % 2 else second)) for number in range(12)]
    for client in clients:
        client.send(Query("SELECT pg_sleep(0.02), 7"))
    seen = False
    for client in clients:
        # A backend that gave way is closed here a moment before PostgreSQL's process has ended.
        wait_until(lambda: len(rig.postgres.backends()) <= bound, "the bound", 5.0)
        # Each worker is counted at its own moment: a permit that passes from one to the other
        # between the two is seen twice.
        wait_until(lambda: sluice.metric("pool_backends") <= bound, "the bound in the metrics", 5.0)
        seen = seen or len(rig.postgres.backends()) > 0
        assert client.answer().rows[0][1] == "7"
    assert seen
    for client in clients:
        client.end()


@case
def backends_of_a_database_are_limited_over_its_users(rig):
    with rig.sluice(max_db_connections=3, pool_size=3) as sluice:
        two_compete(rig, sluice, {"user": "app"}, {"user": "second", "database": "app"}, 3)


@case
def backends_of_a_user_are_limited_over_databases(rig):
    with rig.sluice(max_user_connections=3, pool_size=3) as sluice:
        two_compete(rig, sluice, {"database": "app"}, {"database": "other"}, 3)


@case
def max_backends_holds_over_all_pools_and_both_make_progress(rig):
    with rig.sluice(server={"max_backends": 3}, pool_size=3) as sluice:
        two_compete(rig, sluice, {"database": "app"}, {"database": "other", "user": "second"}, 3)
        counts = {"app": 0, "other": 0}
        ends = time.monotonic() + 2.0

        def work(database):
            client = sluice.connect(database=database)
            while time.monotonic() < ends:
                client.query("SELECT pg_sleep(0.002)")
                counts[database] += 1
            client.end()
        threads = [threading.Thread(target=work, args=(database,))
                   for database in counts for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert min(counts.values()) > 0.25 * max(counts.values()), counts
        assert sluice.metric("backends_used") <= 3


@case
def a_lone_idle_pool_gives_way_to_another(rig):
    with rig.sluice(server={"max_backends": 1}, pool_size=1) as sluice:
        first = sluice.connect()
        second = sluice.connect(user="second", database="app")
        for _ in range(3):
            assert first.value("SELECT 1") == "1"
            assert second.value("SELECT 2") == "2"
        first.end()
        second.end()


def is_refused_and_usable(client, request, word):
    answer = client.ask(request)
    assert answer.sqlstates == ["53300"] and answer.status == "I", answer.messages
    fields = answer.errors[0]
    assert fields["S"] == "ERROR" and fields["D"] and fields["H"], fields
    assert word in fields["D"] + fields["M"], fields
    return fields


@case
def a_full_queue_refuses_at_once_and_the_client_stays(rig):
    with rig.sluice(pool_size=1, max_waiters=1) as sluice:
        holder, queued, third = sluice.connect(), sluice.connect(), sluice.connect()
        holder.query("BEGIN")
        queued.send(Query("SELECT 5"))
        sluice.wait_metric("pool_waiting_clients", 1)
        for request in (Query("SELECT 1"), extended("SELECT 1"), extended("SELECT $1::int", [4])):
            is_refused_and_usable(third, request, "max_waiters")
        assert full(sluice, "queue_full") == 3
        holder.query("COMMIT")
        assert queued.answer().rows == [("5",)]
        assert third.value("SELECT 1") == "1"
        assert third.execute("SELECT $1::int", 3).rows == [("3",)]
        for client in (holder, queued, third):
            client.end()


@case
def a_wait_that_is_too_long_is_refused_and_the_client_stays(rig):
    with rig.sluice(pool_size=1, wait_timeout="250ms") as sluice:
        holder, third = sluice.connect(), sluice.connect()
        holder.query("BEGIN")
        started = time.monotonic()
        fields = is_refused_and_usable(third, Query("SELECT 1"), "Waited")
        assert 0.2 <= time.monotonic() - started
        assert "in line" in fields["D"]
        # The rest of a refused batch is read over; what follows behind its Sync is not.
        third.send(extended("SELECT 1"), Query("SELECT 2"))
        assert third.answer().sqlstates == ["53300"]
        holder.query("COMMIT")
        answer = third.answer()
        assert answer.rows == [("2",)] or answer.sqlstates == ["53300"], answer.messages
        assert third.value("SELECT 3") == "3"
        assert full(sluice, "wait_timeout") >= 2
        holder.end()
        third.end()


@case
def a_large_request_that_is_refused_is_read_over(rig):
    with rig.sluice(pool_size=1, wait_timeout="200ms") as sluice:
        holder, third = sluice.connect(), sluice.connect()
        holder.query("BEGIN")
        third.send(extended("SELECT length($1)", ["x" * 3000000]))
        assert third.answer().sqlstates == ["53300"]
        holder.query("COMMIT")
        assert third.value("SELECT 1") == "1"
        holder.end()
        third.end()


@case
def waiters_are_served_in_the_order_of_their_coming(rig):
    with rig.sluice(server={"workers": 1}, pool_size=1) as sluice:
        rig.postgres.execute("TRUNCATE notes", database="app")
        holder = sluice.connect()
        holder.query("BEGIN")
        clients = [sluice.connect() for _ in range(20)]
        for number, client in enumerate(clients):
            client.send(Query(f"INSERT INTO notes VALUES ({number}, clock_timestamp()::text)"))
            sluice.wait_metric("pool_waiting_clients", number + 1)
        holder.query("COMMIT")
        for client in clients:
            client.answer()
        order = [int(row[0]) for row in holder.rows("SELECT id FROM notes ORDER BY text")]
        assert order == list(range(20)), order
        holder.query("TRUNCATE notes")
        for client in [holder, *clients]:
            client.end()


@case
def the_reserve_is_opened_for_those_who_wait_long(rig):
    with rig.sluice(pool_size=1, reserve_pool_size=1, reserve_pool_timeout="200ms") as sluice:
        holder, second, third = [sluice.connect() for _ in range(3)]
        holder.query("BEGIN")
        started = time.monotonic()
        second.query("BEGIN")
        assert time.monotonic() - started >= 0.15
        third.send(Query("SELECT 3"))
        sluice.wait_metric("pool_waiting_clients", 1)
        assert len(rig.postgres.backends()) == 2
        second.query("COMMIT")
        assert third.answer().rows == [("3",)]
        for client in (holder, second, third):
            client.close()


@case
def the_minimum_is_kept_warm_from_the_start(rig):
    with rig.sluice(min_pool_size=3, pool_size=5, server_idle_timeout="300ms",
                    databases={"app": {"host": "127.0.0.1", "port": rig.postgres.port,
                                       "user": "app"}}) as sluice:
        wait_until(lambda: len(rig.postgres.backends()) == 3, "waiting for three backends", 20.0)
        pid = rig.postgres.backends()[0][0]
        rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
        wait_until(lambda: pid not in [row[0] for row in rig.postgres.backends()], "its end", 20.0)
        wait_until(lambda: len(rig.postgres.backends()) == 3, "waiting for another", 20.0)
        clients = [sluice.connect() for _ in range(5)]
        for client in clients:
            client.query("BEGIN")
        assert len(rig.postgres.backends()) == 5
        for client in clients:
            client.query("COMMIT")
        wait_until(lambda: len(rig.postgres.backends()) == 3, "back to the minimum", 20.0)
        for client in clients:
            client.end()


@case
def idle_backends_are_closed_and_old_ones_retired(rig):
    with rig.sluice(server_idle_timeout="200ms") as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        wait_until(rig.postgres.is_empty, "waiting for the idle backend to go", 20.0)
        sluice.wait_metric("pool_closes_total", 1, reason="idle_timeout")
        assert client.value("SELECT 1") == "1"
        client.end()
    with rig.sluice(server_lifetime="400ms") as sluice:
        client = sluice.connect()
        pid = client.value("SELECT pg_backend_pid()")
        client.query("BEGIN")
        sluice.wait_metric("pool_closes_total", 0)
        client.query("COMMIT")
        sluice.wait_metric("pool_closes_total", 1, reason="lifetime")
        assert client.value("SELECT pg_backend_pid()") != pid
        client.end()
