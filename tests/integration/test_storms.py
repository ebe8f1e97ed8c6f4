"""Sudden deaths under load. A table of balances says in the end whether anything was done twice, by
halves, or in the wrong client's name."""

import os
import random
import signal
import threading
import time

from case import case
from pgwire import Client, Closed, Query, ServerError, extended
from rig import wait_until

ACCOUNTS = 100


class Bank:
    """Clients that move money and count what they were told. The sum never changes; each transfer
    writes a row under its own unique number, so that none is done twice or told wrongly."""

    def __init__(self, sluice, postgres, seed):
        self.sluice, self.postgres, self.seed = sluice, postgres, seed
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.wrong, self.confirmed, self.lost = [], set(), 0
        self.threads = []
        postgres.execute("DROP TABLE IF EXISTS transfers", "UPDATE accounts SET balance = 1000",
                         "CREATE TABLE transfers (number bigint PRIMARY KEY, worker int)",
                         "GRANT ALL ON transfers TO PUBLIC", database="app")

    def start(self, count):
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self, worker):
        dice = random.Random(self.seed * 1000 + worker)
        turn = 0
        while not self.stop.is_set():
            client = None
            try:
                client = Client(self.sluice.address, seconds=60)
                while not self.stop.is_set():
                    turn += 1
                    self.transfer(client, dice, worker, worker * 1000000 + turn)
                    if dice.random() < 0.05:
                        break
                client.end() if dice.random() < 0.5 else client.close()
            except (Closed, ServerError, OSError):
                with self.lock:
                    self.lost += 1
                if client is not None:
                    client.close()
                # A refusal is quick; do not fill the machine with the next.
                self.stop.wait(0.01)
            except BaseException as error:
                with self.lock:
                    self.wrong.append(repr(error))
                return

    def transfer(self, client, dice, worker, number):
        one, two = dice.sample(range(1, ACCOUNTS + 1), 2)
        amount = dice.randint(1, 50)
        one, two = min(one, two), max(one, two)  # In one order: no deadlocks.
        answer = client.ask(extended("SELECT $1::bigint, $2::text", [number, f"w{worker}"]))
        self.check(answer)
        if answer.rows != [(str(number), f"w{worker}")]:
            raise AssertionError(f"a foreign answer: {answer.rows} for {number}")
        if dice.random() < 0.5:
            for sql in ("BEGIN", f"UPDATE accounts SET balance = balance - {amount} WHERE id = {one}",
                        f"INSERT INTO transfers VALUES ({number}, {worker})",
                        f"UPDATE accounts SET balance = balance + {amount} WHERE id = {two}"):
                self.check(client.ask(Query(sql)))
            if dice.random() < 0.1:
                self.check(client.ask(Query("ROLLBACK")))
                return
            answer = client.ask(Query("COMMIT"))
        else:
            answer = client.ask(Query(
                f"BEGIN; UPDATE accounts SET balance = balance - {amount} WHERE id = {one}; "
                f"INSERT INTO transfers VALUES ({number}, {worker}); "
                f"UPDATE accounts SET balance = balance + {amount} WHERE id = {two}; COMMIT"))
        self.check(answer)
        if answer.tags[-1] == "COMMIT":
            with self.lock:
                self.confirmed.add(number)

    def check(self, answer):
        if answer.errors:
            fields = answer.errors[0]
            if fields["C"] in ("23505", "25001", "25P01", "26000", "34000", "42P05"):
                raise AssertionError(f"an error that cannot be: {fields}")
            raise ServerError(fields)

    def settle(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)
            assert not thread.is_alive(), "a client hangs"
        assert not self.wrong, self.wrong[:3]
        control = self.postgres.control("app")
        assert control.value("SELECT sum(balance) FROM accounts") == str(ACCOUNTS * 1000), \
            "money was made or lost"
        done = {int(row[0]) for row in control.rows("SELECT number FROM transfers")}
        assert self.confirmed <= done, f"{len(self.confirmed - done)} confirmed and not there"
        foreign = control.value("SELECT count(*) FROM transfers WHERE number / 1000000 <> worker")
        assert foreign == "0"
        control.query("DROP TABLE transfers; UPDATE accounts SET balance = 1000")
        control.close()


def storm(rig, postgres, sluice, seconds, strike, clients=24):
    seed = int(os.environ.get("SLUICE_TEST_SEED", random.randrange(1 << 30)))
    dice = random.Random(seed)
    try:
        bank = Bank(sluice, postgres, seed)
        bank.start(clients)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            bank.stop.wait(dice.uniform(0.01, 0.12))
            strike(dice)
        confirmed = len(bank.confirmed)
        wait_until(lambda: len(bank.confirmed) > confirmed + 50 or bank.wrong,
                   "waiting for work to go on after the storm", 60.0)
        bank.settle()
        assert len(bank.confirmed) > 100
        assert sluice.metric("pool_backends") <= 6
        sluice.wait_metric("pool_clients", 0)
    except BaseException as error:
        error.add_note(f"SLUICE_TEST_SEED={seed}")
        raise


def seconds_of(rig):
    return 3 if rig.short else 8


@case
def clients_die_at_random_points(rig):
    with rig.sluice(pool_size=6) as sluice:
        def strike(dice):
            try:
                client = sluice.connect()
                client.send(dice.choice([
                    Query("SELECT pg_sleep(60)"), Query("BEGIN; UPDATE accounts SET balance = 0"),
                    Query("BEGIN; UPDATE accounts SET balance = 0")[:dice.randint(1, 40)],
                    extended("UPDATE accounts SET balance = 0")[:dice.randint(1, 60)],
                    Query("COPY accounts FROM STDIN"),
                    Query("BEGIN; COPY (SELECT repeat('x', 1000000) FROM accounts) TO STDOUT")]))
                if dice.random() < 0.5:
                    client.fill(dice.uniform(0.001, 0.02))
            except Exception:
                pass
            finally:
                client.abort() if dice.random() < 0.5 else client.close()
        storm(rig, rig.postgres, sluice, seconds_of(rig), strike)


@case
def backends_are_killed_at_random_points(rig):
    with rig.sluice(pool_size=6, server_login_retry="200ms") as sluice:
        def strike(dice):
            backends = rig.postgres.backends("usename = 'app'")
            if backends:
                pid = dice.choice(backends)[0]
                rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
        storm(rig, rig.postgres, sluice, seconds_of(rig), strike)
        assert sluice.metric("pool_closes_total") > 3


@case
def queries_are_cancelled_at_random_points(rig):
    with rig.sluice(pool_size=6) as sluice:
        def strike(dice):
            client = sluice.connect()
            client.send(Query("SELECT pg_sleep(0.01)"))
            for _ in range(dice.randint(1, 3)):
                client.cancel()
            assert set(client.answer().sqlstates) <= {"57014"}
            client.end()
        storm(rig, rig.postgres, sluice, seconds_of(rig), strike)


@case
def one_backend_dies_by_sigkill_and_postgresql_restarts_itself(rig):
    with rig.own_postgres(synchronous_commit="on") as postgres:
        with rig.sluice(postgres=postgres, pool_size=6, server_login_retry="300ms") as sluice:
            def strike(dice):
                if dice.random() > 0.08:
                    return
                try:
                    backends = postgres.backends("usename = 'app'")
                    if backends:
                        os.kill(int(dice.choice(backends)[0]), signal.SIGKILL)
                except (Closed, ServerError, OSError):
                    pass  # In the middle of its crash recovery.
            storm(rig, postgres, sluice, seconds_of(rig), strike)


@case
def postgresql_is_killed_and_started_again_under_load(rig):
    with rig.own_postgres(synchronous_commit="on") as postgres:
        with rig.sluice(postgres=postgres, pool_size=6, server_login_retry="300ms") as sluice:
            def strike(dice):
                if dice.random() < 0.04:
                    postgres.stop(signal.SIGKILL if dice.random() < 0.5 else signal.SIGINT)
                    postgres.start()
            storm(rig, postgres, sluice, seconds_of(rig), strike)
