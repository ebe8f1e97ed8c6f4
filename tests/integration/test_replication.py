"""Replication connections pass through, on a backend of their own outside of the pool."""

import contextlib
import os
import signal

from case import case
from pgwire import Query, ServerError
from rig import SECONDS, Skipped, wait_until


@contextlib.contextmanager
def replicating(rig, **settings):
    """A PostgreSQL whose role `app` may replicate, and a server before it."""
    with rig.own_postgres(wal_level="logical", max_wal_senders=10) as postgres:
        with open(os.path.join(postgres.folder, "data", "pg_hba.conf"), "a") as rules:
            rules.write("host replication app 127.0.0.1/32 trust\n")
        postgres.execute("ALTER ROLE app REPLICATION", "SELECT pg_reload_conf()")
        with rig.sluice(postgres=postgres, pool_size=1, **settings) as sluice:
            yield postgres, sluice


@contextlib.contextmanager
def running(rig, postgres, sluice, program, *arguments):
    log = os.path.join(sluice.folder, program + ".log")
    command = [os.path.join(postgres.binaries, program), "--host", "127.0.0.1", "--port",
               str(sluice.port), "--username", "app", "--no-password", *arguments]
    process = rig.processes.start(command, log)
    try:
        yield process
    finally:
        rig.processes.stop(process, signal.SIGINT, SECONDS)


@case
def pg_receivewal_gets_the_log(rig):
    with replicating(rig) as (postgres, sluice):
        target = os.path.join(sluice.folder, "wal")
        os.mkdir(target)
        with running(rig, postgres, sluice, "pg_receivewal", "--directory", target, "--no-loop"):
            sluice.wait_metric("clients", 1, state="replicating")
            client = sluice.connect()
            for _ in range(2):
                client.query("CREATE TABLE IF NOT EXISTS written (n int); "
                             "INSERT INTO written SELECT generate_series(1, 1000)")
                postgres.rows("SELECT pg_switch_wal()")
            wait_until(lambda: [name for name in os.listdir(target)
                                if not name.endswith(".partial")],
                       "a whole segment is there", SECONDS)
            assert sluice.metric("pool_backends") <= 1
            client.end()
        sluice.wait_metric("clients", 0, state="replicating")
        wait_until(lambda: postgres.value("SELECT count(*) FROM pg_stat_replication") == "0",
                   "the server's side has ended", SECONDS)


@case
def pg_recvlogical_gets_the_changes(rig):
    with replicating(rig) as (postgres, sluice):
        target = os.path.join(sluice.folder, "changes")
        slot = ("--slot", "mine", "--dbname", "app")
        with running(rig, postgres, sluice, "pg_recvlogical", *slot, "--create-slot", "--plugin",
                     "test_decoding") as process:
            assert process.wait(SECONDS) == 0
        with running(rig, postgres, sluice, "pg_recvlogical", *slot, "--start", "--file", target,
                     "--no-loop", "--fsync-interval", "1", "--status-interval", "1"):
            client = sluice.connect()
            client.query("INSERT INTO notes VALUES (1, 'followed')")

            def written():
                return os.path.exists(target) and "followed" in open(target).read()
            wait_until(written, "the change is there", SECONDS)
            client.end()


@case
def a_driver_replicates(rig):
    try:
        import psycopg2
        import psycopg2.extras
    except ImportError:
        raise Skipped("python3-psycopg2 is not installed") from None
    with replicating(rig) as (_, sluice):
        connection = psycopg2.connect(
            sluice.url(), connection_factory=psycopg2.extras.LogicalReplicationConnection)
        cursor = connection.cursor()
        cursor.create_replication_slot("driver", output_plugin="test_decoding")
        cursor.start_replication(slot_name="driver", decode=True)
        client = sluice.connect()
        client.query("INSERT INTO notes VALUES (2, 'by driver')")
        heard = []

        def read():
            message = cursor.read_message()
            if message is not None:
                heard.append(message.payload)
                message.cursor.send_feedback(flush_lsn=message.data_start)
            return any("by driver" in one for one in heard)
        wait_until(read, "the change is there", SECONDS)
        client.end()
        connection.close()
        sluice.wait_metric("clients", 0, state="replicating")


@case
def their_number_is_limited(rig):
    with replicating(rig, max_replication_connections=1) as (_, sluice):
        one = sluice.connect(parameters={"replication": "database"})
        assert one.query("IDENTIFY_SYSTEM").rows
        try:
            sluice.connect(parameters={"replication": "true"})
            raise AssertionError("a second one was let in")
        except ServerError as error:
            assert error.fields["C"] == "53300", error
        one.end()
        sluice.wait_metric("clients", 0, state="replicating")
        two = sluice.connect(parameters={"replication": "1"})
        assert two.query("IDENTIFY_SYSTEM").rows
        with open(sluice.config) as file:
            text = file.read()
        with open(sluice.config, "w") as file:
            file.write(text.replace("max_replication_connections = 1", "max_replication_connections = 2"))
        sluice.signal(signal.SIGHUP)
        sluice.wait_log("settings reloaded")
        three = sluice.connect(parameters={"replication": "database"})
        assert three.query("IDENTIFY_SYSTEM").rows
        three.end()
        two.abort()
        sluice.wait_metric("clients", 0, state="replicating")
        sluice.connect(parameters={"replication": "false"}).end()


@case
def their_queries_are_cancelled(rig):
    with replicating(rig) as (postgres, sluice):
        client = sluice.connect(parameters={"replication": "database"})
        for _ in range(2):
            client.send(Query("SELECT pg_sleep(300)"))
            wait_until(lambda: postgres.value("SELECT count(*) FROM pg_stat_activity WHERE "
                                              "query LIKE '%pg_sleep(300)' AND state = 'active'")
                       == "1", "the query runs", SECONDS)
            client.cancel()
            assert client.answer().sqlstates == ["57014"]
        assert client.query("IDENTIFY_SYSTEM").rows
        assert sluice.metric("cancels_total", result="forwarded") == 2
        client.end()


@case
def the_server_refuses_in_its_own_words(rig):
    with rig.sluice(pool_size=1) as sluice:
        for value, sqlstate in [("database", "42501"), ("perhaps", "22023")]:
            try:
                sluice.connect(parameters={"replication": value})
                raise AssertionError("it was let in")
            except ServerError as error:
                assert error.fields["C"] == sqlstate, error.fields


@case
def shutting_down_ends_them(rig):
    with replicating(rig) as (_, sluice):
        one = sluice.connect(parameters={"replication": "database"})
        one.send(Query("IDENTIFY_SYSTEM"))
        one.answer()
        sluice.process.send_signal(signal.SIGTERM)
        one.messages_to_the_end()
        assert sluice.process.wait(SECONDS) == 0
