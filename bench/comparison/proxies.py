"""The contestants: each starts from a configuration file that says the same in its own words."""

import base64
import dataclasses
import hashlib
import hmac
import os
import shutil
import subprocess

from clients import answers
from processes import Failure, free_port, tail, wait_until

NAME = "bench"
PASSWORD = "only-for-this-bench"


def scram_verifier(password, salt=b"sixteen bytes of", rounds=4096):
    """As PostgreSQL stores it. RFC 5802, section 3."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    parts = (salt, hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256"))
    salt_text, stored, server = (base64.b64encode(part).decode() for part in parts)
    return f"SCRAM-SHA-256${rounds}:{salt_text}${stored}:{server}"


# With the plain password some versions of PgBouncer would derive the keys at each login.
VERIFIER = scram_verifier(PASSWORD)


@dataclasses.dataclass(frozen=True)
class Setup:
    """What both contestants are told."""

    auth: str = "trust"
    pool_size: int = 10
    max_clients: int = 1000
    workers: int = 1


@dataclasses.dataclass(frozen=True)
class Contestant:
    """A program under its label; `workers` overrides the setup's (0: it does not)."""

    label: str
    kind: str
    binary: str
    workers: int = 0


@dataclasses.dataclass(frozen=True)
class Direct:
    """No proxy at all."""

    port: int
    pid: object = None


class Started:
    """A freshly started contestant, ready for clients, that keeps its files with the server's."""

    def __init__(self, processes, server, contestant, texts, arguments, ready, files):
        """`texts`: what it reads, by path. `ready`: whether it serves."""
        self._processes = processes
        self.log = log_of(server, contestant)
        for path, text in {**texts, self.log: ""}.items():
            with open(path, "w") as file:
                file.write(text)
            if server.user is not None:
                os.chown(path, server.user.pw_uid, server.user.pw_gid)
        self.process = processes.start([runnable(contestant, server), *arguments], self.log,
                                       user=server.user, files=files)
        self.pid = self.process.pid
        try:
            wait_until(ready, f"waiting for {contestant.label}", 20.0, self.process)
        except Failure as failure:
            self.stop()
            raise Failure(f"{failure}\n{tail(self.log)}") from None

    def stop(self):
        self._processes.stop(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def log_of(server, contestant):
    return os.path.join(server.folder, f"{contestant.kind}.log")


class Proxy(Started):
    """One before PostgreSQL."""

    def __init__(self, processes, postgres, contestant, setup):
        if contestant.workers:
            setup = dataclasses.replace(setup, workers=contestant.workers)
        self.port = free_port()
        users = os.path.join(postgres.folder, "users.txt")
        config = os.path.join(postgres.folder, f"{contestant.kind}.conf")
        text = {"sluice": sluice_config, "pgbouncer": pgbouncer_config}[contestant.kind]
        arguments = {"sluice": ["--config", config], "pgbouncer": ["-q", config]}[contestant.kind]
        if setup.auth == "trust":
            ready = lambda: answers(self.port, NAME)  # noqa: E731
        else:
            ready = lambda: subprocess.run(  # noqa: E731
                [os.path.join(postgres.binaries, "pg_isready"), "-q", "-h", "127.0.0.1", "-p",
                 str(self.port)], stdin=subprocess.DEVNULL, check=False).returncode == 0
        texts = {users: f'"{NAME}" "{VERIFIER}"\n',
                 config: text(self.port, users, postgres, setup)}
        super().__init__(processes, postgres, contestant, texts, arguments, ready,
                         setup.max_clients + 1024)


def runnable(contestant, postgres):
    """The binary where the user that runs it can read it: a tree may belong to root alone."""
    if postgres.user is None:
        return contestant.binary
    copy = os.path.join(postgres.folder, f"{contestant.kind}-binary")
    if not os.path.exists(copy):
        shutil.copy(contestant.binary, copy)
        os.chmod(copy, 0o755)
    return copy


def version(contestant):
    try:
        done = subprocess.run([contestant.binary, "--version"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, timeout=10)
    except OSError as error:
        raise Failure(f"{contestant.binary}: {error.strerror}") from None
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown version"


def sluice_config(port, users, postgres, setup):
    return f"""[server]
workers = {setup.workers}
[admin]
listen = "127.0.0.1:{free_port()}"
[log]
level = "warning"
log_connections = false
log_disconnections = false
[postgres]
listen = ["127.0.0.1:{port}"]
auth = "{setup.auth}"
users_file = "{users}"
pool_mode = "transaction"
pool_size = {setup.pool_size}
max_clients = {setup.max_clients}
[postgres.databases.{NAME}]
host = "127.0.0.1"
port = {postgres.port}
dbname = "{NAME}"
user = "{NAME}"
password = "{PASSWORD}"
"""


def pgbouncer_config(port, users, postgres, setup):
    # server_tls_sslmode is "prefer" by default, which would be another race.
    return f"""[databases]
{NAME} = host=127.0.0.1 port={postgres.port} dbname={NAME} user={NAME} password={PASSWORD}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = {setup.auth}
auth_file = {users}
pool_mode = transaction
default_pool_size = {setup.pool_size}
max_client_conn = {setup.max_clients}
server_tls_sslmode = disable
client_tls_sslmode = disable
log_connections = 0
log_disconnections = 0
log_stats = 0
"""
