"""The contestants on the Redis side, and the private Redis behind them."""

import os
import socket

from processes import free_port, unprivileged_user, wait_until
from proxies import Started, log_of

FILES = 20_000
# What redis-benchmark asks for without -r, and a value of its default size.
KEY, VALUE = b"key:__rand_int__", b"xxx"


class PrivateRedis:
    """A Redis of this run alone, that keeps nothing."""

    def __init__(self, processes, folder, binary):
        self.folder = folder
        self.user = unprivileged_user()
        self.port = free_port()
        log = os.path.join(folder, "redis.log")
        self.process = processes.start(
            [binary, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
             "no", "--maxclients", FILES - 1000, "--dir", "/tmp", "--daemonize", "no"],
            log, user=self.user, files=FILES)
        self.pid = self.process.pid
        wait_until(lambda: answers(self.port), "waiting for Redis", 20.0, self.process)
        Client(self.port, request=request(b"SET", KEY, VALUE)).close()


def request(*arguments):
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(argument), argument)
                                                 for argument in arguments)


class Client:
    """One connection that has asked once and is answered."""

    def __init__(self, port, seconds=30.0, request=request(b"GET", KEY)):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.sendall(request)
        answer = b""
        while not answer.endswith(b"\r\n"):
            part = self.socket.recv(4096)
            if not part:
                raise ConnectionError("closed without an answer")
            answer += part
        if answer.startswith(b"-"):
            raise ConnectionError(answer.decode(errors="replace"))

    def close(self):
        self.socket.close()


def answers(port):
    try:
        Client(port, 5.0).close()
        return True
    except OSError:
        return False


class RedisProxy(Started):
    """One before Redis."""

    def __init__(self, processes, redis, contestant):
        self.port = free_port()
        config = os.path.join(redis.folder, f"{contestant.kind}.conf")
        text = {"sluice": sluice_config, "nutcracker": nutcracker_config}[contestant.kind]
        arguments = {"sluice": ["--config", config],
                     "nutcracker": ["-c", config, "-o", log_of(redis, contestant), "-s",
                                    str(free_port()), "-a", "127.0.0.1"]}
        super().__init__(processes, redis, contestant, {config: text(self.port, redis)},
                         arguments[contestant.kind], lambda: answers(self.port), FILES)


def sluice_config(port, redis):
    return f"""[server]
workers = 1
[admin]
listen = "127.0.0.1:{free_port()}"
[log]
level = "warning"
log_connections = false
log_disconnections = false
[postgres]
listen = []
[redis]
listen = ["127.0.0.1:{port}"]
max_clients = {FILES - 1000}
shared_connections = 1
[redis.databases.default]
host = "127.0.0.1"
port = {redis.port}
"""


def nutcracker_config(port, redis):
    # No timeout, as nobody has one here: its book of deadlines would cost it time at each command.
    return f"""bench:
  listen: 127.0.0.1:{port}
  redis: true
  hash: fnv1a_64
  distribution: ketama
  backlog: 4096
  preconnect: true
  server_connections: 1
  servers:
   - 127.0.0.1:{redis.port}:1
"""
