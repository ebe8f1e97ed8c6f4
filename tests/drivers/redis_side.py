"""Redis's clients: a dozen backends of their own and a few shared ones, however many copies there are."""

import contextlib
import os
import threading

import acquire
from driver import Driver, Ready, of_node, python_runtime
from redis_rig import Redis, RedisSluice

HERE = acquire.HERE / "redis"
SHARED = 8
PINNED = 12


def redis_cli(_rig):
    version = acquire.run(["redis-cli", "--version"]).split()[1]
    return Ready([acquire.PYTHON, "-B", str(HERE / "redis_cli.py"), "redis-cli"], version, "C")


def redis_benchmark(_rig):
    version = acquire.run(["redis-benchmark", "--version"]).split()[1]
    return Ready([acquire.PYTHON, "-B", str(HERE / "redis_benchmark.py"), "redis-benchmark", "redis-cli"],
                 version, "C")


def hiredis(_rig):
    program = acquire.c_program(HERE / "hiredis.c", "hiredis")
    return Ready([str(program)], acquire.run([program, "--version"]).strip(), "C")


def redis_py(_rig):
    version = acquire.python_module("redis")
    return Ready([acquire.PYTHON, "-B", str(HERE / "redis_py_work.py")], version, python_runtime())


def node(package, script):
    return of_node(package, script, "redis/node")


# BullMQ's workers and listeners wait in the server for as long as they live: two workers and one
# listener a copy. The others take a backend of their own for moments, and stand in line for it.
DRIVERS = [
    Driver("redis-cli", redis_cli),
    Driver("redis-benchmark", redis_benchmark),
    Driver("hiredis", hiredis, short=True),
    Driver("redis-py", redis_py, short=True),
    Driver("ioredis", node("ioredis", "ioredis"), short=True),
    Driver("node-redis", node("redis", "node_redis"), short=True),
    Driver("BullMQ", node("bullmq", "bullmq"), short=True, pins=3),
    Driver("connect-redis", node("connect-redis", "connect_redis")),
    Driver("redis-semaphore", node("redis-semaphore", "semaphore")),
]


class Peak:
    """The most connections that the server has at once while the block runs, looked at often."""

    def __init__(self, redis):
        self._redis, self._over = redis, threading.Event()
        self.connections = 0
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        with self._redis.connect() as wire:
            while not self._over.wait(0.02):
                # The server may accept the next one before it sees that the last has been closed.
                self.connections = max(self.connections, min(self._count(wire) for _ in range(3)))

    @staticmethod
    def _count(wire):
        lines = wire.ask("INFO", "clients").decode().split("\r\n")
        found = next(line for line in lines if line.startswith("connected_clients:"))
        return int(found.split(":")[1]) - 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._over.set()
        self._thread.join()


class RedisSide:
    name, page, copies, short_copies, drivers = "redis", "clients.md", 200, 20, DRIVERS
    what, mark = "clients", "tests/drivers/run --redis --write-docs"
    pins_metric = "sluice_redis_pins_total"

    def __init__(self, rig):
        self.rig = rig
        self.redis = Redis(rig, maxclients=4000)

    def direct(self):
        self._empty()
        return f"redis://127.0.0.1:{self.redis.port}"

    def _empty(self):
        with self.redis.connect() as wire:
            assert wire.ask("FLUSHALL") == wire.ask("SCRIPT", "FLUSH") == b"+OK\r\n"

    @contextlib.contextmanager
    def pooled(self, driver, copies, outcome):
        self._empty()
        pinned = PINNED + driver.pins * copies
        outcome.bound = pinned + SHARED
        sluice = RedisSluice(self.rig.processes, self.rig.new_folder("sluice"), self.rig.binary, {
            "databases": {"default": {"host": "127.0.0.1", "port": self.redis.port}},
            "max_connections": outcome.bound, "pinned_connections": pinned, "wait_timeout": "30m"})
        try:
            with Peak(self.redis) as peak:
                yield sluice, f"redis://127.0.0.1:{sluice.port}"
        finally:
            outcome.accepted = int(sluice.metric("clients_accepted_total", mode="redis"))
            outcome.connections = peak.connections
            sluice.finish()
        assert peak.connections <= outcome.bound, f"{peak.connections} connections where {outcome.bound} may be"
