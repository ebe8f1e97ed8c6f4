"""A PostgreSQL that is down, comes, goes, dies or refuses; and a server that is told to stop."""

import contextlib
import json
import os
import signal
import socket
import threading
import time

from case import case
from pgwire import Client, Closed, Query, ServerError, ssl_request
from processes import free_port
from rig import Skipped, raises, wait_until

OWN_PID = "SELECT pg_backend_pid()"


@case
def a_backend_that_is_down_at_start_is_waited_for(rig):
    with rig.own_postgres() as postgres:
        postgres.stop()
        with rig.sluice(postgres=postgres, server_login_retry="500ms") as sluice:
            client = sluice.connect(login=False)
            client.send(client.startup)
            sluice.wait_metric("pool_open_failures_total", lambda count: count >= 2)
            assert not client.has_input(), "it does not wait"
            postgres.start()
            client.log_in()
            assert client.value("SELECT 1") == "1"
            client.end()


@case
def a_wait_for_a_backend_that_is_down_ends_with_the_reason(rig):
    port = free_port()
    with rig.sluice(databases={"*": {"host": "127.0.0.1", "port": port}},
                    wait_timeout="300ms", server_login_retry="200ms") as sluice:
        fields = raises("53300", sluice.connect)
        assert "refused" in fields["D"], fields
        assert sluice.page("healthz")


@case
def connects_to_a_dead_backend_are_spaced_out(rig):
    """A listener that closes every connection counts them."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        times, ends = [], time.monotonic() + 3.0
        listener.settimeout(0.1)

        def count():
            while time.monotonic() < ends:
                try:
                    listener.accept()[0].close()
                    times.append(time.monotonic())
                except TimeoutError:
                    pass
        counter = threading.Thread(target=count)
        with rig.sluice(databases={"*": {"host": "127.0.0.1",
                                         "port": listener.getsockname()[1]}},
                        pool_size=20) as sluice:
            clients = [sluice.connect(login=False) for _ in range(30)]
            for client in clients:
                client.send(client.startup)
            counter.start()
            counter.join()
            for client in clients:
                client.close()
    assert 2 <= len(times) <= 60, f"{len(times)} connects in 3 s"
    half = times[0] + 1.5
    assert len([t for t in times if t > half]) <= len([t for t in times if t <= half]) + 4


@case
def max_connects_bounds_the_logins_under_way(rig):
    """A listener that never answers: what is open at once was bounded."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        with rig.sluice(databases={"*": {"host": "127.0.0.1",
                                         "port": listener.getsockname()[1]}},
                        pool_size=20, max_connects=3) as sluice:
            clients = [sluice.connect(login=False) for _ in range(10)]
            for client in clients:
                client.send(client.startup)
            sluice.wait_metric("pool_waiting_clients", 10)
            assert sluice.metric("pool_opens_total") <= 3
            for client in clients:
                client.close()


@case
def several_hosts_are_tried_in_their_order(rig):
    dead, live = free_port(), rig.postgres.port
    with rig.sluice(databases={"*": {"host": [f"127.0.0.1:{dead}", f"localhost:{live}"]}}) as sluice:
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        client.end()
    with rig.sluice(databases={"*": {"host": [f"127.0.0.1:{dead}", "no-such-host.invalid"]}},
                    wait_timeout="500ms", server_login_retry="200ms") as sluice:
        raises("53300", sluice.connect)


@case
def a_host_that_hangs_gives_way_to_the_next(rig):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hosts = [f"127.0.0.1:{silent.getsockname()[1]}", f"127.0.0.1:{rig.postgres.port}"]
        with rig.sluice(databases={"*": {"host": hosts}}, server_connect_timeout="300ms",
                        server_login_retry="200ms") as sluice:
            client = sluice.connect()
            assert client.value("SELECT 1") == "1"
            client.end()


@case
def a_backend_killed_under_a_query_ends_its_client_alone(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN")
        pid = int(client.value(OWN_PID))
        other.query("BEGIN")
        client.send(Query("SELECT pg_sleep(600)"))
        wait_until(lambda: rig.postgres.backends("state = 'active'"), "it runs", 20.0)
        rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
        errors = [m for m in client.messages_to_the_end() if m.kind == "E"]
        assert len(errors) == 1 and b"57P01" in errors[0].body, errors
        assert other.value("SELECT 1") == "1"
        other.query("COMMIT")
        again = sluice.connect()
        assert again.value("SELECT 1") == "1"
        again.end()
        other.end()


@case
def a_backend_killed_in_an_idle_transaction_ends_its_client(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        pid = client.value(OWN_PID)
        rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
        errors = [m for m in client.messages_to_the_end() if m.kind == "E"]
        assert len(errors) == 1 and b"57P01" in errors[0].body, errors
        again = sluice.connect()
        assert again.value("SELECT 1") == "1"
        again.end()


@case
def postgresql_restarted_is_found_again_by_idle_clients(rig):
    with rig.own_postgres() as postgres:
        with rig.sluice(postgres=postgres, pool_size=3, server_login_retry="500ms") as sluice:
            clients = [sluice.connect() for _ in range(6)]
            for client in clients:
                client.query("SELECT 1")
            postgres.stop()
            clients[0].send(Query("SELECT 7"))
            sluice.wait_metric("pool_open_failures_total", lambda count: count > 0)
            postgres.start()
            assert clients[0].answer().rows == [("7",)]
            for client in clients:
                assert client.value("SELECT 1") == "1"
            for client in clients:
                client.end()


@case
def the_statuses_of_another_server_behind_the_same_address_are_learnt(rig):
    with rig.own_postgres() as postgres:
        with rig.sluice(postgres=postgres, server_login_retry="300ms") as sluice:
            client = sluice.connect()
            assert client.parameters["TimeZone"] != "Asia/Tokyo"
            postgres.execute("ALTER SYSTEM SET timezone = 'Asia/Tokyo'")
            postgres.stop()
            postgres.start()
            wait_until(lambda: works(client), "the backend to be back", 20.0)
            other = sluice.connect()
            assert other.parameters["TimeZone"] == "Asia/Tokyo", other.parameters
            other.end()
            client.end()


def works(client):
    try:
        return client.value("SELECT 1") == "1"
    except ServerError:
        return False


@case
def too_many_connections_at_the_server_are_waited_out(rig):
    with rig.own_postgres(max_connections=8) as postgres:
        with rig.sluice(postgres=postgres, pool_size=10, max_connects=10,
                        server_login_retry="300ms") as sluice:
            clients = [sluice.connect() for _ in range(12)]
            for client in clients:
                client.send(Query("SELECT pg_sleep(0.1), 4"))
            for client in clients:
                assert client.answer().rows[0][1] == "4"
                client.end()


@case
def sigterm_lets_transactions_end_and_exits_with_zero(rig):
    # One worker, so that all of the server drains when the first client has been told.
    with rig.sluice(server={"workers": 1}, pool_size=2) as sluice:
        idle, busy, queued = [sluice.connect() for _ in range(3)]
        pinned = sluice.connect()
        pinned.query("CREATE TEMP TABLE held (a int)")
        busy.query("BEGIN; INSERT INTO notes VALUES (1, 'drained')")
        queued.send(Query("SELECT 5"))
        sluice.wait_metric("pool_waiting_clients", 1)
        sluice.signal(signal.SIGTERM)
        assert b"57P01" in idle.messages_to_the_end()[-1].body
        try:
            late = Client(sluice.address)
            raise AssertionError(f"a late client got in: {late.pid}")
        except (ServerError, OSError, Closed) as error:
            assert getattr(error, "sqlstate", "57P01") == "57P01"
        assert b"57P01" in pinned.messages_to_the_end()[-1].body
        assert busy.value("SELECT 1") == "1"
        assert sluice.process.poll() is None
        assert busy.query("COMMIT").tags == ["COMMIT"]
        assert b"57P01" in busy.messages_to_the_end()[-1].body
        assert sluice.wait_exit() == 0
        queued.messages_to_the_end()
    control = rig.postgres.control("app")
    assert control.value("SELECT count(*) FROM notes WHERE text = 'drained'") == "1"
    control.query("TRUNCATE notes")


@case
def sigterm_ends_running_transactions_after_the_limit(rig):
    with rig.sluice(server={"shutdown_timeout": "300ms"}, pool_size=2) as sluice:
        client = sluice.connect()
        client.query("BEGIN; INSERT INTO notes VALUES (1, 'too late')")
        sluice.signal(signal.SIGTERM)
        client.messages_to_the_end()
        assert sluice.wait_exit() == 0
    wait_until(rig.postgres.is_empty, "waiting for its backend to go", 20.0)
    assert rig.postgres.control("app").value(
        "SELECT count(*) FROM notes WHERE text = 'too late'") == "0"


@case
def readyz_says_that_it_drains(rig):
    with rig.sluice() as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        assert sluice.page("readyz").startswith("ok")
        sluice.signal(signal.SIGTERM)
        wait_until(lambda: sluice.page("readyz") is None, "not ready any more", 20.0)
        assert sluice.page("healthz").startswith("ok")
        client.end()
        assert sluice.wait_exit() == 0


@case
def sigint_ends_at_once(rig):
    with rig.sluice(pool_size=1) as sluice:
        clients = [sluice.connect() for _ in range(3)]
        clients[0].query("BEGIN")
        clients[1].send(Query("SELECT 1"))
        sluice.wait_metric("pool_waiting_clients", 1)
        sluice.signal(signal.SIGINT)
        assert sluice.wait_exit() == 0
        for client in clients:
            client.messages_to_the_end()


@case
def sighup_disturbs_nobody_and_sigterm_still_drains(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        for _ in range(3):
            sluice.signal(signal.SIGHUP)
            assert client.value("SELECT 1") == "1"
        sluice.signal(signal.SIGTERM)
        wait_until(lambda: sluice.page("readyz") is None, "draining", 20.0)
        sluice.signal(signal.SIGHUP)
        assert client.query("COMMIT").tags == ["COMMIT"]
        assert sluice.wait_exit() == 0


def rewrite(sluice, before, after):
    with open(sluice.config) as file:
        text = file.read()
    assert text.count(before) == 1, text
    with open(sluice.config, "w") as file:
        file.write(text.replace(before, after))


@case
def sighup_reaches_the_log_and_names_what_waits_for_the_next_start(rig):
    with rig.sluice(max_logins_per_second=0) as sluice:
        rewrite(sluice, "[log]\n", '[log]\nformat = "json"\n')
        rewrite(sluice, "workers = 2", "workers = 3")
        rewrite(sluice, "max_logins_per_second = 0", "max_logins_per_second = 1")
        sluice.signal(signal.SIGHUP)
        sluice.wait_log("settings reloaded")
        lines = sluice.log_text().splitlines()
        told = [line for line in lines if "next start" in line]
        assert len(told) == 1 and told[0].endswith('keys="server.workers"'), told
        def is_refused():
            try:
                sluice.connect().end()
            except ServerError as error:
                return error.sqlstate == "53300"
            return False
        wait_until(is_refused, "two logins in one second", 20.0)
        sluice.wait_log('"message":"client left"')
        lines = sluice.log_text().splitlines()
        at = next(number for number, line in enumerate(lines) if "settings reloaded" in line)
        for line in lines[at:]:
            assert json.loads(line)["level"], line


@case
def clients_before_and_behind_a_reload_share_the_pool(rig):
    """Neither those who stayed nor those who came may wait beside idle backends of the others."""
    with rig.sluice(pool_size=2, wait_timeout="20s", deferred_begin=False) as sluice:
        stayed = [sluice.connect() for _ in range(2)]
        def all_at_once(clients):
            for client in clients:
                client.send(Query("SELECT pg_sleep(0.05)"))
            return [client.answer().tags for client in clients]
        assert all_at_once(stayed) == [["SELECT 1"]] * 2
        rewrite(sluice, "deferred_begin = false", "deferred_begin = true")
        sluice.signal(signal.SIGHUP)
        sluice.wait_log("settings reloaded")
        came = [sluice.connect() for _ in range(2)]
        for _ in range(2):
            assert all_at_once(came) == [["SELECT 1"]] * 2
            assert all_at_once(stayed) == [["SELECT 1"]] * 2
        assert len(rig.postgres.backends("datname = 'app'")) <= 2
        for client in stayed + came:
            client.end()


@case
def a_pool_is_warm_again_when_the_last_client_of_its_predecessor_has_left(rig):
    with rig.sluice(pool_size=3, min_pool_size=3, deferred_begin=False) as sluice:
        stayed = sluice.connect()
        stayed.query("SELECT 1")
        rewrite(sluice, "deferred_begin = false", "deferred_begin = true")
        sluice.signal(signal.SIGHUP)
        sluice.wait_log("settings reloaded")
        came = sluice.connect()
        came.query("SELECT 1")
        stayed.end()
        wait_until(lambda: len(rig.postgres.backends("datname = 'app'")) == 3, "three warm backends")
        came.end()


@case
def a_database_that_left_the_settings_can_be_dropped(rig):
    databases = {name: {"host": "127.0.0.1", "port": rig.postgres.port}
                 for name in ("app", "soon_gone")}
    rig.postgres.execute("CREATE DATABASE soon_gone")
    with rig.sluice(databases=databases) as sluice:
        client = sluice.connect(database="soon_gone")
        assert client.value("SELECT 1") == "1"
        client.end()
        assert len(rig.postgres.backends("datname = 'soon_gone'")) == 1
        rewrite(sluice, '[postgres.databases."soon_gone"]', '[postgres.databases."other"]')
        sluice.signal(signal.SIGHUP)
        wait_until(lambda: not rig.postgres.backends("datname = 'soon_gone'"),
                   "waiting for the idle backend to leave", 20.0)
        rig.postgres.execute("DROP DATABASE soon_gone")
        raises("3D000", sluice.connect, database="soon_gone")
        app = sluice.connect()
        assert app.value("SELECT 1") == "1"
        app.end()


@case
def a_second_sigterm_ends_at_once(rig):
    with rig.sluice(pool_size=1) as sluice:
        client = sluice.connect()
        client.query("BEGIN")
        sluice.signal(signal.SIGTERM)
        wait_until(lambda: sluice.page("readyz") is None, "draining", 20.0)
        sluice.signal(signal.SIGTERM)
        assert sluice.wait_exit() == 0
        client.messages_to_the_end()
    assert os.path.exists(sluice.log)


@case
def a_port_that_is_taken_is_named_and_nothing_starts(rig):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = rig.run("--postgres", rig.postgres.url, "--set",
                       f'postgres.listen=["127.0.0.1:{port}"]', "--set", 'admin.listen=""', code=1)
        assert str(port) in done.stderr, done.stderr


def urls_of(rig, *ports):
    addresses = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    return ["--postgres", rig.postgres.url, "--set", f"postgres.listen=[{addresses}]"]


@case
def a_second_server_on_the_same_port_does_not_start(rig):
    """With SO_REUSEPORT alone the system would let it, and each would bound by itself."""
    with rig.sluice() as sluice:
        done = rig.run(*urls_of(rig, sluice.port), "--set", 'admin.listen=""', code=1)
        assert f"cannot listen on 127.0.0.1:{sluice.port}" in done.stderr, done.stderr
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        client.end()


@case
def every_port_that_is_taken_is_told_at_once(rig):
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
                 for _ in range(3)]
        done = rig.run(*urls_of(rig, *ports[:2]), "--set", f'admin.listen="127.0.0.1:{ports[2]}"',
                       code=1)
        for port in ports:
            assert f":{port}" in done.stderr, done.stderr


@case
def one_address_may_be_of_ipv6(rig):
    with contextlib.ExitStack() as stack:
        try:
            probe = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        except OSError:
            raise Skipped("there is no IPv6") from None
        port = probe.getsockname()[1]
        probe.close()
        sluice = stack.enter_context(rig.sluice(listen=[f"[::1]:{port}"]))
        sluice.wait_log(f"[::1]:{port}")
        with socket.create_connection(("::1", port)) as wire:
            wire.sendall(ssl_request())
            assert wire.recv(1) == b"N"


@case
def pools_of_made_up_names_do_not_stay(rig):
    """Nor does what is counted of them."""
    with rig.sluice(max_db_client_connections=5, max_user_client_connections=5) as sluice:
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        for number in range(150):
            raises("3D000", sluice.connect, database=f"made_up_{number}")
            raises("28000", sluice.connect, user=f"made_up_{number}")
        sluice.wait_metric("pools", 1)
        assert "made_up" not in sluice.page("metrics")
        assert client.value("SELECT 2") == "2"
        client.end()


@case
def a_pool_through_the_star_is_forgotten_when_nobody_has_used_it_for_long(rig):
    with rig.sluice(autodb_idle_timeout="300ms", users={"app": {}, "*": {}},
                    databases={"*": {"host": "127.0.0.1", "port": rig.postgres.port},
                               "app": {"host": "127.0.0.1", "port": rig.postgres.port}}) as sluice:
        named, starred = sluice.connect(), sluice.connect(database="other")
        assert named.value("SELECT 1") == starred.value("SELECT 1") == "1"
        assert sluice.metric("pools") == 2
        starred.end()
        sluice.wait_metric("pools", 1)
        named.end()
        sluice.wait_metric("pool_backends", 1)
        assert rig.postgres.backends("datname = 'other'") == []
        again = sluice.connect(database="other")
        assert again.value("SELECT 1") == "1"
        again.end()
