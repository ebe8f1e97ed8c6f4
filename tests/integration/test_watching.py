"""What an operator sees: pages, console, logs, the command line."""

import json
import os
import subprocess

import exposition
from case import case
from pgwire import Query
from processes import wait_until
from rig import raises, toml_table

HERE = os.path.dirname(os.path.abspath(__file__))


@case
def version_and_help(rig):
    assert rig.run("--version", code=0).stdout.startswith("sluice 0.")
    assert "--config" in rig.run("--help", code=0).stdout


@case
def check_lists_all_mistakes_at_once_and_starts_nothing(rig):
    path = os.path.join(rig.new_folder("bad"), "sluice.toml")
    with open(path, "w") as file:
        file.write("[server]\nworkrs = 2\n[postgres]\npool_size = \"many\"\nwait_timeout = \"5\"\n"
                   "auth = \"kerberos\"\nmin_pool_size = 50\nusers_file = \"missing.txt\"\n"
                   "[postgres.databases.app]\nport = 70000\n[nonsense]\n")
    for arguments in (["--check", "--config", path], ["--config", path]):
        done = rig.run(*arguments, code=2)
        for word in ("workrs", "pool_size", "wait_timeout", "auth", "port", "host", "nonsense",
                     "missing.txt"):
            assert word in done.stderr, f"{word} is not in:\n{done.stderr}"
        assert f"{path}:2:" in done.stderr, done.stderr
    assert rig.run("--check", "--config", "/nowhere/x.toml", code=2).stderr
    assert rig.run("--no-such-option", code=2).stderr


@case
def check_accepts_the_example_and_prints_no_secret(rig):
    example = os.path.join(HERE, "..", "..", "config", "sluice.example.toml")
    done = rig.run("--check", "--config", example, code=0)
    assert "change-me" not in done.stdout + done.stderr


@case
def check_accepts_the_images_configuration_with_a_password(rig):
    image = os.path.join(HERE, "..", "..", "deploy", "container.toml")
    assert "SLUICE_PASSWORD" in rig.run("--check", "--config", image, code=2).stderr
    rig.run("--check", "--config", image, code=0, SLUICE_PASSWORD="secret")


@case
def check_names_the_secrets_that_cannot_log_in_to_a_backend(rig):
    path = os.path.join(rig.new_folder("scram"), "sluice.toml")
    verifier = rig.postgres.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'by_scram'")
    with open(path, "w") as file:
        file.write(toml_table("postgres.databases.sales", {"host": "127.0.0.1"}) +
                   toml_table("postgres.users.by_scram", {"password": verifier}))
    done = rig.run("--check", "--config", path)
    said = done.stdout + done.stderr
    assert "by_scram" in said and "password" in said and verifier not in said, said


@case
def pages_of_the_admin_listener(rig):
    with rig.sluice() as sluice:
        assert sluice.page("healthz").startswith("ok") and sluice.page("readyz").startswith("ok")
        assert "/metrics" in sluice.page("")
        assert sluice.page("nothing") is None
        text = sluice.page("metrics")
        assert "# TYPE sluice_pool_wait_seconds histogram" in text or "# TYPE" in text


@case
def the_metrics_tell_what_happened(rig):
    with rig.sluice(pool_size=2) as sluice:
        client, other = sluice.connect(), sluice.connect()
        for _ in range(10):
            client.query("SELECT 1")
        client.execute("SELECT $1::int", 1)
        client.query("BEGIN")
        client.query("SELECT repeat('x', 100000)")
        names = {"database": "app", "user": "app"}
        assert sluice.metric("pool_clients", state="active", **names) == 1
        assert sluice.metric("pool_clients", state="idle", **names) == 1
        assert sluice.metric("pool_backends", state="active", **names) == 1
        client.query("COMMIT")
        assert sluice.metric("pool_queries_total", **names) == 14
        assert sluice.metric("pool_transactions_total", **names) == 12
        assert sluice.metric("pool_sent_bytes_total", **names) > 100000
        assert sluice.metric("pool_received_bytes_total", **names) > 200
        assert sluice.metric("logins_total") == 2
        assert sluice.metric("clients_accepted_total") == 2
        all_samples = exposition.samples(sluice.page("metrics"))
        for name in ("wait", "lease", "query"):
            buckets = exposition.histogram(all_samples, f"sluice_pool_{name}_seconds")
            assert buckets and buckets[-1][1] >= 12, (name, buckets)
        client.end()
        other.end()


@case
def the_wait_of_a_client_shows_while_it_waits(rig):
    with rig.sluice(pool_size=1) as sluice:
        client, other = sluice.connect(), sluice.connect()
        client.query("BEGIN")
        other.send(Query("SELECT 1"))
        sluice.wait_metric("pool_oldest_wait_seconds", lambda seconds: seconds > 0.1)
        assert sluice.metric("pool_waiting_clients") == 1
        client.query("COMMIT")
        other.answer()
        sluice.wait_metric("pool_oldest_wait_seconds", 0)
        assert sluice.metric("pool_grants_total", waited="yes") >= 1
        client.end()
        other.end()


@case
def scrapes_disturb_nobody_under_load(rig):
    with rig.sluice(pool_size=2) as sluice:
        clients = [sluice.connect() for _ in range(10)]
        for turn in range(30):
            for client in clients:
                client.send(Query(f"SELECT {turn}"))
            assert sluice.page("metrics")
            for client in clients:
                assert client.answer().rows == [(str(turn),)]
        for client in clients:
            client.end()


def console(sluice, **options):
    return sluice.connect(database="pgbouncer", **options)


@case
def the_console_answers_show_commands(rig):
    with rig.sluice(admin_users=["app"], stats_users=["second"], pool_size=3) as sluice:
        client = sluice.connect()
        client.query("SELECT 1")
        client.query("BEGIN")
        for user in ("app", "second"):
            admin = console(sluice, user=user)
            assert "luice" in admin.value("SHOW VERSION")
            pools = admin.rows("SHOW POOLS")
            assert any(row[:2] == ("app", "app") for row in pools), pools
            assert any("app" in row for row in admin.rows("SHOW CLIENTS"))
            servers = admin.rows("SHOW SERVERS")
            assert len(servers) == 1, servers
            assert any("pool_size" in row[0] for row in
                       admin.rows("SHOW CONFIG")), admin.rows("SHOW CONFIG")[:3]
            for command in ("SHOW STATS", "SHOW LISTS", "SHOW DATABASES", "show help", "SHOW VERSION;"):
                answer = admin.ask(Query(command))
                assert not answer.errors, (command, answer.errors)
            assert admin.ask(Query("SELECT 1")).errors
            assert admin.ask(Query("SHOW NONSENSE")).errors
            assert admin.ask(Query("")).kinds == "IZ"
            admin.end()
        raises("42501", console, sluice, user="third")
        client.query("COMMIT")
        client.end()


@case
def the_console_is_read_by_psql_and_psycopg(rig):
    with rig.sluice(admin_users=["app"]) as sluice:
        done = subprocess.run(
            [os.path.join(rig.postgres.binaries, "psql"), sluice.url(database="sluice"), "-X", "-A",
             "-c", "SHOW POOLS", "-c", "SHOW CLIENTS", "-c", "SHOW VERSION"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        assert "database|user|cl_active" in done.stdout, done.stdout
        try:
            import psycopg
        except ImportError:
            return
        with psycopg.connect(sluice.url(database="pgbouncer"), autocommit=True) as connection:
            rows = connection.execute("SHOW CLIENTS").fetchall()
            assert rows
            names = [column.name for column in connection.execute("SHOW SERVERS").description]
            assert "state" in names, names


@case
def logs_may_be_json(rig):
    with rig.sluice(log={"format": "json", "level": "debug"},
                    users={"app": {}, 'od"d\\one': {}}) as sluice:
        sluice.connect().end()
        raises("28000", sluice.connect, user='od"d\\one', database="app")
    lines = [json.loads(line) for line in sluice.log_text().splitlines()]
    assert any(line["message"] == "client logged in" for line in lines)
    assert all("time" in line and "level" in line for line in lines)


@case
def connections_need_not_be_logged(rig):
    with rig.sluice(log={"log_connections": False, "log_disconnections": False}) as sluice:
        sluice.connect().end()
        sluice.wait_metric("clients", 0)
    assert "client" not in sluice.log_text()


@case
def counters_go_back_to_nothing_after_everybody_has_left(rig):
    with rig.sluice(pool_size=2, server_idle_timeout="200ms") as sluice:
        for _ in range(10):
            clients = [sluice.connect() for _ in range(5)]
            for client in clients[:3]:
                client.send(Query("SELECT 1; BEGIN"))
            for client in clients:
                client.abort()
        sluice.wait_metric("clients", 0)
        for state in ("idle", "waiting", "active"):
            sluice.wait_metric("pool_clients", 0, state=state)
        wait_until(rig.postgres.is_empty, "waiting for idle backends to go", 20.0)
        sluice.wait_metric("pool_backends", 0)
        sluice.wait_metric("backends_used", 0)
        sluice.wait_metric("buffer_bytes", 0)
        sluice.wait_metric("pool_pinned_clients", 0)
