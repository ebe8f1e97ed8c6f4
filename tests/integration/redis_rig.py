"""Redis, and Sluice in front of it, as the tests use them."""

import contextlib
import os
import shutil

from processes import free_port, unprivileged_user, wait_until
from resp import SECONDS, Closed, Wire
from rig import Skipped, Sluice, toml_table


class Redis:
    def __init__(self, rig, **settings):
        if not shutil.which("redis-server"):
            raise Skipped("redis-server is not installed")
        self.rig = rig
        self.folder = rig.new_folder("redis")
        os.chmod(self.folder, 0o777)
        self.port = free_port()
        self.settings = {"save": "", "appendonly": "no", **settings}
        self.more = []  # Of its command line.
        self.start()

    def start(self):
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder]
        for name, value in self.settings.items():
            command += [f"--{name.replace('_', '-')}", value]
        command += self.more
        self.process = self.rig.processes.start(command, os.path.join(self.folder, "redis.log"),
                                                user=unprivileged_user())
        wait_until(self.is_ready, "waiting for Redis", SECONDS, self.process)

    def is_ready(self):
        try:
            with Wire(self.address) as wire:
                return wire.ask("PING")[:1] in b"+-"
        except (OSError, Closed):
            return False

    def stop(self):
        self.rig.processes.stop(self.process)

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self):
        return Wire(self.address)

    def info(self, name):
        with self.connect() as wire:
            for line in wire.ask("INFO").decode().split("\r\n"):
                if line.startswith(name + ":"):
                    return int(line.split(":")[1])
        raise AssertionError(f"INFO has no {name}")

    def clients(self):
        """How many are connected, without the one that asks and the control connection."""
        with self.connect() as wire:
            rows = wire.ask("CLIENT", "LIST").decode().splitlines()
        rows = [row for row in rows if row.startswith("id=")]
        return sum(" name=sluice-control " not in row for row in rows) - 1


class RedisSluice(Sluice):
    """A server of Redis alone."""

    def text_of(self, settings):
        text = toml_table("server", {"workers": 2, **settings.pop("server", {})})
        text += toml_table("admin", {"listen": f"127.0.0.1:{self.admin_port}"})
        text += toml_table("postgres", {"listen": []})
        databases, users = settings.pop("databases"), settings.pop("users", {})
        text += toml_table("redis", {"listen": [f"127.0.0.1:{self.port}"], **settings})
        for name, values in databases.items():
            text += toml_table(f"redis.databases.{name}", values)
        for name, values in users.items():
            text += toml_table(f"redis.users.{name}", values)
        return text

    def connect(self):
        return Wire(self.address)


@contextlib.contextmanager
def redis_and_sluice_without_file(rig, url, redis=None):
    """`url` has the place of the server's port in it."""
    server = Redis(rig, **(redis or {}))
    sluice = RedisSluice(rig.processes, rig.new_folder("sluice"), rig.binary, None,
                         ["--redis", url.replace("PORT", str(server.port)),
                          "--set", 'redis.listen=["127.0.0.1:{port}"]',
                          "--set", 'admin.listen="127.0.0.1:{admin}"'])
    try:
        yield server, sluice
    finally:
        sluice.finish()
        server.stop()


@contextlib.contextmanager
def redis_and_sluice(rig, redis=None, **settings):
    server = Redis(rig, **(redis or {}))
    database = {"host": "127.0.0.1", "port": server.port, **settings.pop("database", {})}
    sluice = RedisSluice(rig.processes, rig.new_folder("sluice"), rig.binary,
                         {"databases": {"default": database}, **settings})
    try:
        yield server, sluice
    finally:
        sluice.finish()
        server.stop()
