"""A PostgreSQL of our own in a temporary folder, reached by nobody but this machine."""

import glob
import os
import re
import shutil
import subprocess

from processes import Failure, free_port, tail, unprivileged_user, wait_until


def find_binaries():
    """The folder with initdb and postgres: version 15 when it is there, else the newest."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"),
                     key=lambda path: int(path.split("/")[4]), reverse=True)
    for path in ["/usr/lib/postgresql/15/bin/postgres", *folders, shutil.which("postgres")]:
        if path and os.access(path, os.X_OK):
            return os.path.dirname(path)
    raise Failure("PostgreSQL is not installed; scripts/deps run installs it")


class PrivatePostgres:
    """Started at once; the role and database named `name` exist when the constructor returns.

    The role logs in over loopback without a password, so it is no superuser and owns nothing but
    its database. The superuser enters through the Unix socket in our folder, which only the user
    that runs PostgreSQL can open. `server_binaries` is a folder with initdb and postgres of another
    version; psql and its like are always the installed ones.
    """

    def __init__(self, processes, folder, name, port=5432, settings=(), server_binaries=None):
        self.user = unprivileged_user()
        self.binaries = find_binaries()
        server_binaries = server_binaries or self.binaries
        self.folder = folder
        self.name = name
        self.port = free_port(port)
        self.log = os.path.join(folder, "postgres.log")
        data = os.path.join(folder, "data")
        self._sockets = os.path.join(folder, "sockets")
        os.mkdir(self._sockets, 0o700)
        if self.user is not None:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
            os.chown(self._sockets, self.user.pw_uid, self.user.pw_gid)
        self._run(os.path.join(server_binaries, "initdb"), "--pgdata", data, "--username", "postgres",
                  "--no-locale", "--encoding", "UTF8", "--auth", "trust", "--no-sync",
                  "--no-instructions")
        with open(os.path.join(data, "pg_hba.conf"), "w") as rules:
            rules.write("local all all trust\n"
                        f"host {name} {name} 127.0.0.1/32 trust\n")
        values = {"listen_addresses": "127.0.0.1", "port": self.port,
                  "unix_socket_directories": self._sockets, "ssl": "off", "fsync": "off",
                  "synchronous_commit": "off", "full_page_writes": "off",
                  "autovacuum": "off", **dict(settings)}
        command = [os.path.join(server_binaries, "postgres"), "-D", data]
        for key, value in values.items():
            command += ["-c", f"{key}={value}"]
        self.process = processes.start(command, self.log, user=self.user)
        try:
            wait_until(self._is_ready, f"waiting for PostgreSQL on port {self.port}", 60.0, self.process)
        except Failure as failure:
            raise Failure(f"{failure}\n{tail(self.log)}") from None
        self.execute(f'CREATE ROLE "{name}" LOGIN', f'CREATE DATABASE "{name}" OWNER "{name}"')

    @property
    def url(self):
        return f"postgresql://{self.name}@127.0.0.1:{self.port}/{self.name}"

    def execute(self, *statements, database="postgres"):
        """Runs statements as the superuser, each in a transaction of its own."""
        command = ["--host", self._sockets, "--port", str(self.port), "--username", "postgres",
                   "--dbname", database, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
        for statement in statements:
            command += ["--command", statement]
        return self._run("psql", *command)

    def backend_count(self):
        """How many clients have a backend, the one who asks not among them."""
        said = self.execute("SELECT 'backends', count(*) - 1 FROM pg_stat_activity "
                            "WHERE backend_type = 'client backend'")
        return int(re.search(r"backends\s*\|\s*(\d+)", said)[1])

    def fill(self, scale=1):
        """pgbench's tables, made past the pooler."""
        self._run("pgbench", "--initialize", "--quiet", "--scale", str(scale), "--host",
                  "127.0.0.1", "--port", str(self.port), "--username", self.name, self.name)
        # The role does not own the system tables, so the superuser does this.
        self.execute("VACUUM ANALYZE", database=self.name)

    def _is_ready(self):
        return subprocess.run(
            [os.path.join(self.binaries, "pg_isready"), "--quiet", "--host", "127.0.0.1", "--port",
             str(self.port)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False).returncode == 0

    def _run(self, program, *arguments):
        identity = {}
        if self.user is not None:
            identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [os.path.join(self.binaries, program), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/", check=False,
            env=clean_environment(), **identity)
        if done.returncode != 0:
            raise Failure(f"{program} failed:\n{done.stdout.strip()}\n{tail(self.log)}")
        return done.stdout


def clean_environment():
    """Our environment without what would lead PostgreSQL's programs to some other server."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")}
