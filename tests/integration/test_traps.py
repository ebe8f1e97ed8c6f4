"""What has gone wrong in poolers before and fits no other module. See docs/traps.md."""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading

from case import case
from pgwire import (SECONDS, Closed, Query, ServerError, extended, fields_of, frame, ssl_request, z)
from processes import wait_until
from rig import PASSWORD, Skipped, raises


def scram_verifier(password, salt, iterations):
    """As PostgreSQL stores it, and takes it for a password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    texts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{texts[0]}${texts[1]}:{texts[2]}"


def ended_with(client, request):
    """The SQLSTATE of the last words to a client that asks for that."""
    client.send(request)
    errors = [fields_of(message.body) for message in client.messages_to_the_end()
              if message.kind == "E"]
    client.close()
    assert len(errors) == 1, errors
    return errors[0]["C"]


def read(path):
    with open(path, errors="replace") as file:
        return file.read()


@contextlib.contextmanager
def changing_password(rig, role):
    """A function that changes a role's password, or verifier, and ends its backends."""
    def change(secret):
        rig.postgres.execute(f"ALTER ROLE {role} PASSWORD '{secret}'")
        rig.postgres.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          f"WHERE usename = '{role}'")
        wait_until(rig.postgres.is_empty, "waiting for the backends to end", SECONDS)
    try:
        yield change
    finally:
        rig.postgres.execute(f"ALTER ROLE {role} PASSWORD '{PASSWORD}'")


@case
def scram_keys_follow_a_verifier_changed_behind_a_running_pool(rig):
    """Keys are remembered for a salt and a number of iterations, not for a role."""
    salt = os.urandom(16)
    with changing_password(rig, "by_scram") as change, \
            rig.sluice(pool_size=2, server_login_retry="200ms", database={
                "user": "by_scram", "password": PASSWORD, "dbname": "app"}) as sluice:
        client = sluice.connect()
        for secret in (PASSWORD, scram_verifier(PASSWORD, salt, 4096),
                       scram_verifier(PASSWORD, salt, 5000), scram_verifier(PASSWORD, salt, 4096),
                       scram_verifier(PASSWORD, salt[::-1], 4096), PASSWORD,
                       *(scram_verifier(PASSWORD, salt, count) for count in (1, 512, 513, 100000)),
                       scram_verifier(PASSWORD, salt, 4096)):
            change(secret)
            assert client.value("SELECT current_user") == "by_scram"
        # Of the very salt and iterations for which keys are at hand, but not of our password.
        change(scram_verifier("another", salt, 4096))
        assert ended_with(client, Query("SELECT 1")) == "28P01"
        change(scram_verifier(PASSWORD, salt, 4096))

        def served():
            # Until a pause behind the rejection is over, everybody is told of it.
            with contextlib.suppress(Closed, ServerError), sluice.connect() as again:
                return again.value("SELECT current_user") == "by_scram"
        wait_until(served, "waiting for the next try", SECONDS)


@case
def scram_keys_of_an_old_password_are_not_used_for_a_new_one(rig):
    """The server keeps salt and iterations, which PostgreSQL never does, and both sides change."""
    salt = os.urandom(16)
    database = {"host": "127.0.0.1", "port": rig.postgres.port, "dbname": "app", "user": "by_scram"}
    with changing_password(rig, "by_scram") as change, rig.sluice(
            databases={"*": {**database, "password": PASSWORD}}) as sluice:
        change(scram_verifier(PASSWORD, salt, 4096))
        old = sluice.connect()
        assert old.value("SELECT 1") == "1"
        change(scram_verifier("another", salt, 4096))
        with open(sluice.config, "w") as file:
            file.write(sluice.text_of({"databases": {"*": {**database, "password": "another"}}}))
        sluice.signal(signal.SIGHUP)
        sluice.wait_log("reloaded")
        client = sluice.connect()
        assert client.value("SELECT current_user") == "by_scram"
        client.end()
        assert ended_with(old, Query("SELECT 1")) == "28P01"


def statements(postgres):
    """What has reached a PostgreSQL that logs all statements."""
    return re.findall(r"LOG:  (?:statement|execute [^:]*): (.*)", read(postgres.log))


@case
def equal_settings_are_not_sent_again(rig):
    """Neither to those who spell them alike, nor where the server spells them in its own way."""
    with rig.own_postgres(log_statement="all") as postgres, \
            rig.sluice(postgres=postgres, pool_size=1) as sluice:
        alike = [{"statement_timeout": "30s", "DateStyle": "ISO, MDY", "application_name": "a"},
                 {"application_name": "a", "datestyle": "ISO, MDY", "STATEMENT_TIMEOUT": "30s"},
                 {"options": "-c statement_timeout=30s -cdatestyle=ISO,\\ MDY --application-name=a"}]
        clients = [sluice.connect(parameters=parameters) for parameters in alike]
        odd = sluice.connect(parameters={"TimeZone": "utc", "DateStyle": "german",
                                         "client_encoding": "latin-1"})
        assert odd.parameters["client_encoding"] == "LATIN1", odd.parameters

        def settings_sent(rounds, *turns):
            before = len(statements(postgres))
            for _ in range(rounds):
                for client in turns:
                    client.query("SELECT 'asked'")
            sent = statements(postgres)[before:]
            assert sent.count("SELECT 'asked'") == rounds * len(turns), sent
            return [statement for statement in sent if statement != "SELECT 'asked'"]
        clients[0].query("SELECT 'the backend has them now'")
        assert settings_sent(20, *clients) == []
        assert len(settings_sent(20, odd)) == 1
        # In turn they cost one statement each time, in front of the first request.
        sent = settings_sent(5, clients[0], odd)
        assert len(sent) == 10 and all("set_config" in statement for statement in sent), sent
        for client in clients + [odd]:
            client.end()


@case
def a_reader_that_stops_gives_its_backend_back(rig):
    """PostgreSQL is stuck in its send, where a cancel alone does not reach it."""
    with rig.sluice(pool_size=1, query_timeout="300ms", cancel_wait_timeout="300ms") as sluice:
        stalled, other = sluice.connect(receive_buffer=4096), sluice.connect()
        stalled.send(Query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"))
        other.send(Query("SELECT 5"))
        assert other.answer().rows == [("5",)]
        sluice.wait_metric("refusals_total", lambda count: count >= 1, reason="query_timeout")
        sluice.wait_metric("pool_backends", 0, state="active")
        assert not rig.postgres.backends("state = 'active'")
        # What was on its way to the reader may still come; then it is told why, or cut off. On a
        # slow machine the cancel may come before PostgreSQL is stuck, and does.
        with contextlib.suppress(Closed):
            assert stalled.answer().sqlstates == ["57014"]
        stalled.close()
        other.end()


@case(short=False)
def a_database_with_pooled_backends_cannot_be_dropped_until_they_are_idle_for_long(rig):
    """As with PgBouncer. PostgreSQL itself waits for 5 s before it says so. WITH (FORCE) helps at once,
    and everybody is told with the server's own words."""
    postgres = rig.postgres
    postgres.execute("CREATE DATABASE dropped OWNER app", "CREATE DATABASE forced OWNER app")
    control = postgres.control()
    with rig.sluice(database={"server_idle_timeout": "1s"}) as sluice:
        client = sluice.connect(database="dropped")
        client.query("BEGIN")
        assert control.fails("DROP DATABASE dropped") == "55006"
        client.query("COMMIT")
        # Still connected, but without a backend once that has been idle for long.
        wait_until(lambda: not control.ask(Query("DROP DATABASE dropped")).errors,
                   "waiting for the idle backend to go", SECONDS)
        assert ended_with(client, Query("SELECT 1")) == "3D000"
        client = sluice.connect(database="forced")
        client.query("BEGIN")
        control.query("DROP DATABASE forced WITH (FORCE)")
        assert [fields_of(message.body)["C"] for message in client.messages_to_the_end()] == ["57P01"]
        client.close()
        # The parameters are known, so that the login itself costs no backend.
        assert ended_with(sluice.connect(database="forced"), Query("SELECT 1")) == "3D000"
    control.end()


@case
def a_database_is_dropped_while_idle_backends_of_it_are_pooled(rig):
    """Asked for through Sluice, it ends those that nobody uses: PostgreSQL waits for that."""
    rig.postgres.execute("CREATE DATABASE dropped OWNER app", "CREATE DATABASE \"Other One\" OWNER app",
                         "ALTER ROLE app CREATEDB")
    for mode in ("transaction", "session"):
        with rig.sluice(pool_mode=mode, pool_size=4) as sluice:
            asker = sluice.connect()
            for name, quoted in (("dropped", "dropped"), ("Other One", '"Other One"')):
                clients = [sluice.connect(database=name) for _ in range(3)]
                for client in clients:
                    client.query("BEGIN")
                for client in clients[1:]:
                    client.query("COMMIT")
                    client.end()
                clients[0].query("COMMIT")
                if mode == "session":
                    clients[0].end()
                    clients = []
                asker.query(f"CREATE DATABASE copied TEMPLATE {quoted}")
                asker.execute(f"ALTER DATABASE {quoted} RENAME TO renamed")
                asker.execute("DROP DATABASE renamed")
                asker.query(f"ALTER DATABASE copied RENAME TO {quoted}")
                if clients:
                    assert clients[0].value("SELECT current_database()") == name, "a new backend"
                    clients[0].end()
            asker.query("/* the last */ DROP DATABASE IF EXISTS \"Other One\"")
            asker.query("CREATE DATABASE \"Other One\"")
            asker.end()
    rig.postgres.execute("DROP DATABASE dropped WITH (FORCE)", "DROP DATABASE \"Other One\" WITH (FORCE)",
                         "ALTER ROLE app NOCREATEDB")


@case
def who_may_not_drop_a_database_costs_others_no_backend(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect(user="second", database="app")
        before = client.value("SELECT pg_backend_pid()")
        for _ in range(5):
            assert other.fails("DROP DATABASE app") == "42501"
        other.end()
        assert client.value("SELECT pg_backend_pid()") == before
        client.end()


def begun_logins(sluice, users):
    """Clients that have been accepted and have said nothing yet but SSLRequest."""
    clients = []
    for user in users:
        client = sluice.connect(user=user, login=False)
        client.send(ssl_request())
        clients.append(client)
    for client in clients:
        assert client.bytes(1) == b"N"
    return clients


def frame_count(client):
    """Whole frames that have come by now."""
    with contextlib.suppress(Closed):
        while select.select([client.socket], [], [], 0)[0]:
            client.fill()
    count = position = 0
    while len(client.received) >= position + 5:
        position += 1 + int.from_bytes(client.received[position + 1:position + 5], "big")
        count += position <= len(client.received)
    return count


INITIAL = b"n,,n=,r=abcdefghijklmnopqrstuvwx"
SCRAM_INITIAL = frame("p", z("SCRAM-SHA-256") + len(INITIAL).to_bytes(4, "big") + INITIAL)


def wrong_answer(client, method):
    """Its last word in the login, which costs a hash; all before has been said."""
    client.send(client.startup)
    client.expect("R")
    if method == "password":
        return frame("p", z("wrong"))
    client.send(SCRAM_INITIAL)
    nonce = client.message().body[4:].split(b",")[0]
    return frame("p", b"c=biws," + nonce + b",p=" + base64.b64encode(bytes(32)))


def hashed_before_a_query(sluice, running, clients, method):
    """How many passwords are hashed when a query is answered that came behind them all, while the
    server was stopped."""
    answers = [wrong_answer(client, method) for client in clients]
    sluice.signal(signal.SIGSTOP)
    for client, answer in zip(clients, answers):
        client.send(answer)
    running.send(Query("SELECT 2"))
    sluice.signal(signal.SIGCONT)
    assert running.answer().rows == [("2",)]
    count = sum(frame_count(client) > 0 for client in clients)
    for client in clients:
        client.close()
    sluice.wait_metric("clients", 1)
    return count


@case
def hashing_for_a_storm_of_logins_does_not_hold_up_a_query(rig):
    """A hundred passwords are to be hashed in one turn of the loop, and a query comes last: it is
    answered long before the hashes are made. Best of five, as a machine may be slow to look."""
    names = [[f"user{turn}_{number}" for number in range(100)] for turn in range(5)]
    verifier = scram_verifier("right", b"sixteen bytes...", 4096)
    for method, secret in (("scram-sha-256", "right"), ("password", verifier)):
        users = {name: {"password": secret} for part in names for name in part}
        with rig.sluice(server={"workers": 1}, auth=method, pool_size=1, max_failed_logins=0,
                        users={"app": {"password": PASSWORD}, **users}) as sluice:
            running = sluice.connect(password=PASSWORD)
            running.query("SELECT 1")
            hashed = [hashed_before_a_query(sluice, running, begun_logins(sluice, part), method)
                      for part in names]
            assert min(hashed) <= 10, (method, hashed)
            running.end()


@case
def a_reload_meanwhile_is_heeded_by_a_login_that_hashes(rig):
    """Keys made of a password that is no longer that of the user are neither used nor kept."""
    names = [f"user{number}" for number in range(200)]

    def settings(secrets):
        return {"auth": "scram-sha-256", "server": {"workers": 1}, "users": secrets,
                "max_failed_logins": 0,
                "databases": {"*": {"host": "127.0.0.1", "port": rig.postgres.port, "user": "app"}}}
    before = {name: {"password": "old"} for name in names}
    # Of those who are hashed for, half are no users any more, the others have a new password.
    after = {name: {"password": "new"} for name in names[::2]}
    with rig.sluice(**settings(before)) as sluice:
        with open(sluice.config, "w") as file:
            file.write(sluice.text_of(settings(after)))
        clients = begun_logins(sluice, names)
        sluice.signal(signal.SIGSTOP)
        for client in clients:
            client.send(client.startup)
        sluice.signal(signal.SIGHUP)
        sluice.signal(signal.SIGCONT)
        sluice.wait_log("reloaded")
        for client, name in zip(clients, names):
            client.password = "new" if name in after else "old"
            if name in after:
                try:
                    client.log_in()
                except ServerError as error:  # It had its challenge before; the next try counts.
                    assert error.sqlstate == "28P01"
                    client = sluice.connect(user=name, database="app", password="new")
                client.end()
            else:
                raises("28P01", client.log_in)
        for name in names:
            raises("28P01", sluice.connect, user=name, database="app", password="old")


class SystemCalls:
    """What a server's threads ask of the kernel meanwhile, by strace."""

    def __init__(self, rig, sluice):
        program = shutil.which("strace")
        if program is None:
            raise Skipped("strace is not installed")
        self.path = os.path.join(rig.new_folder("strace"), "calls")
        self.process = subprocess.Popen(
            [program, "-f", "-p", str(sluice.process.pid), "-e", "trace=epoll_wait,epoll_pwait,epoll_pwait2,recvfrom",
             "-e", "signal=none", "-s", "0", "-o", self.path],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        if "attached" not in said:
            self.process.wait()
            raise Skipped(f"strace may not look: {said.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()

    def turns(self):
        """Of each turn of a loop: descriptor and size of each receive that got something."""
        turns = {}
        for line in read(self.path).splitlines():
            thread, call = line.split(None, 1)
            mine = turns.setdefault(thread, [[]])
            if call.startswith("epoll_"):
                mine.append([])
            received = re.match(r"recvfrom\((\d+),.*\) = (\d+)$", call)
            if received and "MSG_PEEK" not in call:
                mine[-1].append((int(received[1]), int(received[2])))
        return [turn for mine in turns.values() for turn in mine]


class Endless:
    """A client that is always being served: it asks for much at once, and reads all that comes."""

    def __init__(self, sluice, request, times):
        self.client = sluice.connect()
        self.request, self.times = request * 100, times
        self.bytes, self.over = 0, False
        self.threads = [threading.Thread(target=part) for part in (self.write, self.read)]
        for thread in self.threads:
            thread.start()

    def write(self):
        with contextlib.suppress(Closed, OSError):
            for _ in range(self.times):
                self.client.socket.sendall(self.request)

    def read(self):
        with contextlib.suppress(OSError):
            while data := self.client.socket.recv(262144):
                self.bytes += len(data)
        self.over = True

    def stop(self):
        with contextlib.suppress(OSError):
            self.client.socket.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.client.close()


@case
def each_turn_of_the_loop_serves_a_peer_once(rig):
    """Beside a result and a pipeline without end a third client does its work, and in each turn no
    socket is received from twice, nor more than a share."""
    with rig.sluice(server={"workers": 1}, pool_size=3) as sluice:
        small = sluice.connect()
        busy = [Endless(sluice, Query("SELECT generate_series(1, 2000000000), repeat('x', 2000)"), 1),
                Endless(sluice, extended("SELECT $1::int", [1]), 5000)]
        try:
            for one in busy:
                wait_until(lambda: one.bytes > 1 << 20, "waiting for it to run", SECONDS)
            for number in range(200):
                assert small.value(f"SELECT {number}") == str(number)
            assert not any(one.over for one in busy), "they were to run all the while"
            with SystemCalls(rig, sluice) as calls:
                before = [one.bytes for one in busy]
                for number in range(50):
                    assert small.value(f"SELECT {number}") == str(number)
                assert not any(one.over for one in busy), "they were to run all the while"
                assert all(one.bytes > bytes for one, bytes in zip(busy, before))
        finally:
            for one in busy:
                one.stop()
        turns = calls.turns()
        assert max(len(turn) for turn in turns) >= 3, "they were not busy at once"
        for turn in turns:
            descriptors = [descriptor for descriptor, _ in turn]
            assert len(set(descriptors)) == len(descriptors), turn
            assert all(size <= 64 << 10 for _, size in turn), turn
        small.end()
