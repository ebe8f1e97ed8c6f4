"""What is measured on the Redis side, with redis-benchmark as the client."""

import csv
import subprocess

import cost
from processes import Failure, raise_file_limit
from proxies import Direct
from redis_contestants import FILES, Client, RedisProxy
from scenarios import Bench, Row, Scenario


class RedisBench(Bench):
    """With redis-benchmark as the client."""

    def load(self, port, clients, pipeline, requests, *more, test="get"):
        return ["redis-benchmark", "-h", "127.0.0.1", "-p", str(port), "-c", str(clients), "-P",
                str(pipeline), "-n", str(requests), "-t", test, "--csv", *map(str, more)]

    def run(self, command):
        """Runs redis-benchmark; returns (requests, requests per second, p99 in ms)."""
        raise_file_limit(FILES)
        done = subprocess.run(command, cwd=self.server.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=self.seconds * 10 + 120)
        lines = [line for line in done.stdout.splitlines() if line.startswith('"')]
        if done.returncode != 0 or len(lines) != 2:
            raise Failure(f"{' '.join(command)}:\n{done.stdout.strip()}\n{done.stderr.strip()}")
        figures = dict(zip(*csv.reader(lines)))
        return (int(command[command.index("-n") + 1]), float(figures["rps"]),
                float(figures["p99_latency_ms"]))

    def requests_for(self, port, clients, pipeline):
        """(few, many): so many take the seconds of a run. What this takes warms up as well."""
        few = max(4_000, clients * pipeline * 4)
        _, rate, _ = self.run(self.load(port, clients, pipeline, few))
        return few, max(few * 3, int(rate * self.seconds))


def commands(clients, pipeline):
    def measure(bench, proxy):
        spent, counts = [], bench.requests_for(proxy.port, clients, pipeline)
        for requests in counts:
            clocks = [cost.ProcessorTime(bench.server.pid)]
            if proxy.pid is not None:
                clocks.append(cost.ProcessorTime(proxy.pid))
            _, rate, p99 = bench.run(bench.load(proxy.port, clients, pipeline, requests))
            spent.append([clock.spent() for clock in clocks])
        # The difference of two runs is free of connects, which 1,000 clients make in each.
        figures = [(many[part] - few[part]) / (counts[1] - counts[0]) * 1e6
                   for few, many in zip(*spent) for part in (0, 1)]
        named = {"redis": figures[0], "rate": rate, "p99": p99}
        if proxy.pid is not None:
            named |= {"cpu": figures[2], "user": max(0.0, figures[3])}
        return named

    return measure


def redis_itself(clients, pipeline):
    """What a command costs Redis, whoever sends it there."""
    def measure(bench, proxy):
        figures = commands(clients, pipeline)(bench, proxy)
        return {name: figures[name] for name in ("redis", "rate", "p99")}

    return measure


def calls(clients):
    def measure(bench, proxy):
        short, long = (1_000, 5_000) if bench.quick else (5_000, 25_000)
        bench.run(bench.load(proxy.port, clients, 1, short))
        made = []
        for requests in (short, long):
            count, _ = cost.system_calls(proxy.pid, bench.server.folder,
                                         bench.load(proxy.port, clients, 1, requests), bench.run,
                                         bench.with_perf)
            made.append(count)
        # The difference of two runs is free of connects and of what the proxy does by itself.
        return {"calls": (made[1] - made[0]) / (long - short)}

    return measure


def brief(bench, proxy):
    # Each connection leaves a port that cannot be used for a minute: there are no more of them.
    requests = 1_000 if bench.quick else 8_000
    load = bench.load(proxy.port, 8, 1, requests, "-k", "0", test="ping_mbulk")
    bench.run(bench.load(proxy.port, 8, 1, 100, "-k", "0", test="ping_mbulk"))
    clock = cost.ProcessorTime(proxy.pid)
    count, rate, _ = bench.run(load)
    return clock.each(count) | {"rate": rate}


def idle(count):
    def measure(_bench, proxy):
        return {"memory": cost.idle_memory(proxy.pid, count, lambda: Client(proxy.port))}

    return measure


def scenarios():
    found = []
    for clients, pipeline, bound in ((50, 1, 0.9), (50, 16, 0.6), (1000, 1, 0.9), (1000, 16, 0.15)):
        faster = clients == 50 and pipeline == 16
        found.append(Scenario(
            f"get-{clients}-p{pipeline}",
            (Row("cpu", "us", ("ratio", "<=", bound)), Row("user", "us"), Row("redis", "us"),
             Row("rate", "1/s", ("ratio", ">=", 1.0) if faster else ()), Row("p99", "ms")),
            None, commands(clients, pipeline), versus="nutcracker"))
    found.append(Scenario("calls-50-p1", (Row("calls", "/cmd"),), None, calls(50),
                          versus="nutcracker"))
    found.append(Scenario("connect-ping-close",
                          (Row("cpu", "us", ("ratio", "<=", 1.0)), Row("user", "us"),
                           Row("rate", "1/s")), None, brief, versus="nutcracker"))
    found.append(Scenario("idle-10000", (Row("memory", "KiB", ("value", "<=", 0.6)),), None,
                          idle(10_000), versus="nutcracker"))
    for clients, pipeline in ((50, 1), (50, 16), (1000, 1), (1000, 16)):
        target = ("ratio", "<=", 0.9) if (clients, pipeline) == (1000, 1) else ()
        found.append(Scenario(f"redis-itself-{clients}-p{pipeline}",
                              (Row("redis", "us", target), Row("rate", "1/s"), Row("p99", "ms")),
                              None, redis_itself(clients, pipeline), versus="direct"))
    return found


def run_once(bench, contestant, scenario, _setup):
    if contestant.kind == "direct":
        return scenario.measure(bench, Direct(bench.server.port))
    with RedisProxy(bench.processes, bench.server, contestant) as proxy:
        return scenario.measure(bench, proxy)
