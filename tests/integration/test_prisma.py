"""Prisma 7 from npm, which sends what most functions send. Skipped where npm or Node is out of reach."""

import contextlib
import subprocess

import npm
from case import case
from pgwire import Query
from rig import wait_until

TABLES = """DROP TABLE IF EXISTS prisma_book, prisma_author;
CREATE TABLE prisma_author (id serial PRIMARY KEY, email text NOT NULL, name text NOT NULL);
CREATE UNIQUE INDEX prisma_author_email_key ON prisma_author (email);
CREATE TABLE prisma_book (id serial PRIMARY KEY, title text NOT NULL, pages int NOT NULL,
    author_id int NOT NULL REFERENCES prisma_author (id));
GRANT ALL ON prisma_author, prisma_book, prisma_author_id_seq, prisma_book_id_seq TO PUBLIC"""


def ready(rig):
    """Node and the folder of the scripts; the tables are new."""
    node, folder = npm.node(), npm.scripts(rig, "node")
    rig.postgres.execute(TABLES, database="app")
    return node, folder


@case
def many_copies_share_few_backends(rig):
    node, folder = ready(rig)
    copies, processes = (8, 1) if rig.short else (12, 2)
    with rig.sluice(pool_size=4) as sluice:
        running = [subprocess.Popen([node, "prisma.mjs", sluice.url(), str(copies), str(first * 1000)],
                                    cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)
                   for first in range(1, processes + 1)]
        try:
            for one in running:
                output, _ = one.communicate(timeout=120)
                assert one.returncode == 0 and output == "done\n", output[-3000:]
        finally:
            for one in running:
                one.kill()
                one.wait()
        authors = copies * processes * 3
        assert rig.postgres.control("app").rows(
            "SELECT count(*), count(DISTINCT author_id), sum(pages) FROM prisma_book") == \
            [(str(authors * 3), str(authors), str(authors * 7))]
        assert sluice.metric("pool_opens_total") <= 4
        assert sluice.metric("pool_pins_total") == 0
        assert sluice.metric("refusals_total") == 0
        # A statement that fails outside of a transaction costs node-postgres its connection.
        assert sluice.metric("logins_total") >= authors


@contextlib.contextmanager
def prompted(node, folder, url):
    """A function that has Prisma make one request and says how it ended."""
    with subprocess.Popen([node, "prisma_errors.mjs", url], cwd=folder, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        def request(name):
            process.stdin.write(name + "\n")
            process.stdin.flush()
            return process.stdout.readline().rstrip("\n")
        try:
            yield request
        finally:
            process.kill()


@case
def a_full_pool_is_P2037_and_passes(rig):
    node, folder = ready(rig)
    with rig.sluice(pool_size=1, wait_timeout="200ms") as sluice:
        # Prisma has one code for all that goes wrong in SQL of one's own.
        refused = {"find": "P2037", "transaction": "P2037", "raw": "P2010 53300"}
        with prompted(node, folder, sluice.url()) as request:
            assert request("find") == "ok"
            holder = sluice.connect()
            holder.query("BEGIN")
            for name, code in refused.items():
                said = request(name)
                assert said == code, (name, said)
            assert sluice.metric("refusals_total", reason="wait_timeout") == 3
            holder.query("COMMIT")
            for name in refused:
                assert request(name) == "ok", name
            holder.end()
    with rig.sluice(pool_size=1, max_waiters=1) as sluice:
        holder, queued = sluice.connect(), sluice.connect()
        holder.query("BEGIN")
        queued.send(Query("SELECT 1"))
        sluice.wait_metric("pool_waiting_clients", 1)
        with prompted(node, folder, sluice.url()) as request:
            assert request("find") == "P2037"
        assert sluice.metric("refusals_total", reason="queue_full") == 1
        holder.query("COMMIT")
        queued.answer()
        holder.end()
        queued.end()


@case
def a_login_refused_for_want_of_places_is_P2037(rig):
    node, folder = ready(rig)
    with rig.sluice(max_clients=1) as sluice:
        only = sluice.connect()
        with prompted(node, folder, sluice.url()) as request:
            assert request("find") == "P2037"
            only.end()
            sluice.wait_metric("clients", 0)
            assert request("find") == "ok"


@case
def a_wrong_password_and_an_unknown_database_have_their_codes(rig):
    node, folder = ready(rig)
    known = {"app": {"host": "127.0.0.1", "port": rig.postgres.port}}
    with rig.sluice(auth="scram-sha-256", users={"app": {"password": "right"}},
                    databases=known) as sluice:
        with prompted(node, folder, sluice.url(password="wrong")) as request:
            assert request("find") == "P1000"
        with prompted(node, folder, sluice.url(password="right", database="none")) as request:
            assert request("find") == "P1003"


@case
def a_backend_killed_in_a_transaction_costs_that_one_alone(rig):
    node, folder = ready(rig)
    with rig.sluice(pool_size=1) as sluice:
        with prompted(node, folder, sluice.url()) as request:
            assert request("transaction") == "ok"
            rig.postgres.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                              "WHERE usename = 'app'")
            wait_until(rig.postgres.is_empty, "waiting for the backend to end", 20.0)
            assert request("transaction") == "ok", "an idle client does not notice"
            assert request("suicide") == "P2010 57P01"
            assert request("transaction") == "ok"
    assert rig.postgres.control("app").value("SELECT count(*) FROM prisma_author") == "0"
