"""What is measured. A scenario runs one fresh proxy once and returns its figures by row name."""

import collections
import contextlib
import dataclasses
import glob
import os
import re
import subprocess

import cost
from clients import Client, answered
from private_postgres import clean_environment
from processes import Failure, raise_file_limit
from proxies import NAME, PASSWORD, Direct, Proxy, Setup


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table. `target`: (what, sense, number), e.g. ("ratio", "<=", 0.95)."""

    name: str
    unit: str
    target: tuple = ()


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    rows: tuple
    setup: Setup
    measure: object
    versus: str = "PgBouncer"  # or "one worker", or "direct"


@dataclasses.dataclass
class Bench:
    """What every run needs."""

    processes: object
    server: object  # Behind the contestants.
    seconds: float
    quick: bool
    with_perf: bool
    notes: set = dataclasses.field(default_factory=set)


@dataclasses.dataclass
class PostgresBench(Bench):
    """With pgbench as the client, and sluice-bench for those that come and go."""

    load: str = ""

    def pgbench(self, port, *arguments):
        return [os.path.join(self.server.binaries, "pgbench"), "-n", "-S", "-h", "127.0.0.1",
                "-p", str(port), "-U", NAME, *map(str, arguments), NAME]

    def run(self, command):
        """Runs a client program; returns (transactions, tps)."""
        done = subprocess.run(command, cwd=self.server.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**clean_environment(), "PGPASSWORD": PASSWORD}, check=False,
                              timeout=self.seconds * 4 + 120)
        count = re.search(r"actually processed: (\d+)", done.stdout)
        rate = re.search(r"tps = ([\d.]+)", done.stdout)
        failed = re.search(r"number of failed transactions: ([1-9]\d*)", done.stdout)
        if done.returncode != 0 or not count or not rate or failed:
            raise Failure(f"{' '.join(command)}:\n{done.stdout.strip()}")
        return int(count[1]), float(rate[1])


def transactions(mode, clients):
    def measure(bench, proxy):
        load = ["-M", mode, "-c", clients, "-j", min(clients, 2)]
        bench.run(bench.pgbench(proxy.port, *load, "-t", max(1, 200 // clients)))
        clock = cost.ProcessorTime(proxy.pid)
        count, rate = bench.run(bench.pgbench(proxy.port, *load, "-T", bench.seconds))
        return clock.each(count) | {"rate": rate}

    return measure


def with_the_server(mode, clients):
    """What a transaction costs proxy and PostgreSQL together."""
    def measure(bench, proxy):
        load = ["-M", mode, "-c", clients, "-j", min(clients, 2)]
        bench.run(bench.pgbench(proxy.port, *load, "-t", max(1, 400 // clients)))
        clocks = [cost.FamilyTime(bench.server.process.pid)]
        if proxy.pid is not None:
            clocks.append(cost.FamilyTime(proxy.pid))
        count, rate = bench.run(bench.pgbench(proxy.port, *load, "-T", bench.seconds))
        return {"all": sum(clock.spent() for clock in clocks) / count * 1e6, "rate": rate}

    return measure


def saturation(clients):
    def measure(bench, proxy):
        prefix = os.path.join(bench.server.folder, "latency")
        load = ["-c", clients, "-j", 2]
        bench.run(bench.pgbench(proxy.port, *load, "-t", 5))
        clock = cost.ProcessorTime(proxy.pid)
        count, rate = bench.run(bench.pgbench(proxy.port, *load, "-T", bench.seconds, "-l",
                                              f"--log-prefix={prefix}"))
        spent = clock.each(count)
        times, by_client = [], collections.Counter()
        for path in glob.glob(prefix + ".*"):
            with open(path) as log:
                for line in log:
                    client, _, microseconds = line.split()[:3]
                    by_client[client] += 1
                    times.append(int(microseconds))
            os.remove(path)
        times.sort()
        if len(by_client) < clients:
            by_client["one that never had its turn"] = 0
        return spent | {"rate": rate, "p50": times[len(times) // 2] / 1000,
                        "p99": times[len(times) * 99 // 100] / 1000,
                        "fairness": min(by_client.values()) / max(by_client.values())}

    return measure


def calls(clients):
    def measure(bench, proxy):
        short, long = (100, 600) if bench.quick else (500, 2500)
        load = ["-c", clients, "-j", min(clients, 2)]
        bench.run(bench.pgbench(proxy.port, *load, "-t", 50))
        counts = []
        for each in (max(1, short // clients), max(2, long // clients) * 2):
            made, (count, _) = cost.system_calls(
                proxy.pid, bench.server.folder, bench.pgbench(proxy.port, *load, "-t", each),
                bench.run, bench.with_perf)
            counts.append((made, count))
        # The difference of two runs is free of logins and of what the proxy does by itself.
        return {"calls": (counts[1][0] - counts[0][0]) / (counts[1][1] - counts[0][1])}

    return measure


def logins(bench, proxy):
    load = ["-C", "-c", 8, "-j", 4]
    bench.run(bench.pgbench(proxy.port, *load, "-t", 3))
    clock = cost.ProcessorTime(proxy.pid)
    count, rate = bench.run(bench.pgbench(proxy.port, *load, "-T", bench.seconds))
    return clock.each(count) | {"rate": rate}


def copy_out(bench, proxy):
    rows = 200_000 if bench.quick else 500_000
    client = Client(proxy.port, NAME, 60.0)
    try:
        client.query("SELECT 1")
        clock = cost.ProcessorTime(proxy.pid)
        received = client.drain(
            f"COPY (SELECT repeat('x', 200) FROM generate_series(1, {rows})) TO STDOUT")
        total, user = clock.spent()
    finally:
        client.close()
    return {"cpu": total / received * 1e9, "user": user / received * 1e9}


def idle(count):
    def measure(_bench, proxy):
        return {"memory": cost.idle_memory(proxy.pid, count, lambda: answered(proxy.port, NAME))}

    return measure


def brief(clients):
    """Clients that connect, log in, ask once and leave, so many at any moment."""
    def measure(bench, proxy):
        if not os.path.exists(bench.load):
            raise Failure(f"{bench.load} does not exist: build it, or say --load")
        command = [bench.load, "--port", proxy.port, "--user", NAME, "--database", NAME,
                   "--password", PASSWORD, "--clients", clients, "--seconds", bench.seconds]
        raise_file_limit(clients + 256)
        backends = 0
        with subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as load:
            while load.poll() is None:
                backends = max(backends, bench.server.backend_count())
                with contextlib.suppress(subprocess.TimeoutExpired):
                    load.wait(0.2)
            said = load.stdout.read()
        figures = dict(re.findall(r"^(\S+) ([\d.]+)$", said, re.MULTILINE))
        if load.returncode != 0 or "p99.9_ms" not in figures:
            raise Failure(f"{' '.join(map(str, command))}:\n{said}")
        named = {name: float(figures[f"{name}_ms"]) for name in ("p50", "p99", "p99.9")}
        return named | {"rate": float(figures["rate"]), "failed": float(figures["failures"]),
                        "backends": backends}

    return measure


def over_workers(clients):
    def measure(bench, proxy):
        load = ["-c", clients, "-j", 2]
        bench.run(bench.pgbench(proxy.port, *load, "-t", 20))
        before = cost.thread_times(proxy.pid)
        clock = cost.ProcessorTime(proxy.pid)
        count, rate = bench.run(bench.pgbench(proxy.port, *load, "-T", bench.seconds))
        total, _ = clock.spent()
        after = cost.thread_times(proxy.pid)
        # The workers are the busiest threads: what the others do, they do once a second.
        spent = sorted((after[thread] - before.get(thread, 0.0) for thread in after), reverse=True)
        spent = spent[:proxy.workers]
        figures = {"cpu": total / count * 1e6, "rate": rate}
        if proxy.workers > 1:
            figures["share"] = min(spent) / sum(spent) * 100
        return figures

    return measure


def cpu_rows(target, unit="us", user=1.5):
    return (Row("cpu", unit, target), Row("user", unit, ("value", "<=", user) if user else ()))


RATE = Row("rate", "1/s")


def all_scenarios(workers=2):
    found = []
    for mode, bound in (("simple", 0.95), ("extended", 1.0), ("prepared", 0.9)):
        for clients in (1, 16, 64):
            target = ("ratio", "<=", bound) if clients > 1 else ()
            user = 1.5 if mode != "prepared" else None
            found.append(Scenario(f"{mode}-{clients}", (*cpu_rows(target, user=user), RATE), Setup(),
                                  transactions(mode, clients)))
    together = ("all", "us", ("ratio", "<=", 1.0))
    found.append(Scenario("together-extended-16",
                          (Row(*together), Row("rate", "1/s", ("ratio", ">=", 1.5))), Setup(),
                          with_the_server("extended", 16)))
    found.append(Scenario("direct-extended-16", (Row(*together), RATE), Setup(),
                          with_the_server("extended", 16), versus="direct"))
    found.append(Scenario(
        "saturation-200",
        (*cpu_rows(("ratio", "<=", 0.82)), RATE, Row("p50", "ms"),
         Row("p99", "ms", ("ratio", "<=", 1.0)), Row("fairness", "", ("value", ">=", 0.93))),
        Setup(), saturation(200)))
    for clients, bound in ((1, 6.0), (16, 5.5)):
        found.append(Scenario(f"calls-{clients}", (Row("calls", "/txn", ("value", "<=", bound)),),
                              Setup(), calls(clients)))
    for auth, bound in (("trust", 0.9), ("scram-sha-256", 0.8)):
        found.append(Scenario(f"login-{auth.split('-')[0]}",
                              (*cpu_rows(("ratio", "<=", bound), user=None), RATE),
                              Setup(auth=auth), logins))
    found.append(Scenario("copy-out", cpu_rows(("ratio", "<=", 0.65), "s/GB", None), Setup(),
                          copy_out))
    for count in (1000, 10_000):
        found.append(Scenario(f"idle-{count}", (Row("memory", "KiB", ("value", "<=", 0.8)),),
                              Setup(max_clients=count + 100), idle(count)))
    lives = (RATE, Row("p50", "ms"), Row("p99", "ms"), Row("p99.9", "ms"), Row("failed", ""),
             Row("backends", ""))
    for auth in ("trust", "scram-sha-256"):
        found.append(Scenario(f"brief-{auth.split('-')[0]}-2000", lives,
                              Setup(auth=auth, max_clients=2100), brief(2000)))
    # As many as the server itself lets in.
    found.append(Scenario("direct-brief-64", lives, Setup(), brief(64), versus="direct"))
    found.append(Scenario(
        f"workers-{workers}",
        (Row("cpu", "us", ("ratio", "<=", 1.1)), Row("rate", "1/s", ("ratio", ">=", 1.0)),
         Row("share", "%", ("value", ">=", 80.0 / workers))),
        Setup(pool_size=40), over_workers(64), versus="one worker"))
    return found


def run_once(bench, contestant, scenario, setup):
    if contestant.kind == "direct":
        return scenario.measure(bench, Direct(bench.server.port))
    with Proxy(bench.processes, bench.server, contestant, setup) as proxy:
        proxy.workers = contestant.workers or setup.workers
        return scenario.measure(bench, proxy)
