"""PostgreSQL and Sluice as the tests use them: started quickly, watched closely, ended cleanly."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile

import exposition
from pgwire import SECONDS, Client, Closed, ServerError
from private_postgres import PrivatePostgres, clean_environment
from processes import Failure, Processes, free_port, tail, wait_until

# Roles by how PostgreSQL lets them in; each has this password.
PASSWORD = "geheim-7f3a"
ROLES = {"app": "trust", "second": "trust", "third": "trust", "by_password": "password",
         "by_md5": "md5", "by_scram": "scram-sha-256", "nobody_in": "reject"}
SANITIZER = re.compile(r"(AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:"
                       r"|UndefinedBehaviorSanitizer|broken invariant|SLUICE_ASSERT)")


class Skipped(Exception):
    """This test cannot run here; the reason is for the reader."""


class Postgres(PrivatePostgres):
    """A PostgreSQL that can be stopped, killed and started again."""

    def __init__(self, processes, folder, server_binaries=None, **settings):
        super().__init__(processes, folder, "app", port=0, server_binaries=server_binaries, settings={
            "max_connections": 200, "password_encryption": "scram-sha-256",
            "log_statement": "none", "shared_buffers": "64MB", **settings})
        self.processes = processes
        rules = ["local all all trust\n"]
        rules += [f"host all {role} 127.0.0.1/32 {method}\n" for role, method in ROLES.items()]
        with open(os.path.join(folder, "data", "pg_hba.conf"), "w") as file:
            file.writelines(rules)
        statements = ["ALTER DATABASE app OWNER TO app", "SELECT pg_reload_conf()"]
        for role in ROLES:
            encryption = "md5" if role == "by_md5" else "scram-sha-256"
            statements.append(f"SET password_encryption = '{encryption}'")
            verb = "ALTER" if role == "app" else "CREATE"
            statements.append(f"{verb} ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        statements += ["CREATE DATABASE other OWNER app"]
        self.execute(*statements)
        self.execute("GRANT CREATE ON SCHEMA public TO PUBLIC",
                     "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL)",
                     "INSERT INTO accounts SELECT n, 1000 FROM generate_series(1, 100) n",
                     "GRANT ALL ON accounts TO PUBLIC", "CREATE TABLE notes (id int, text text)",
                     "GRANT ALL ON notes TO PUBLIC", database="app")
        # The programs of later tests run as anybody.
        os.chmod(self._sockets, 0o755)
        os.chmod(folder, 0o755)
        self._control = None

    @property
    def socket_folder(self):
        return self._sockets

    def control(self, database="postgres"):
        """A superuser's own connection past the pooler."""
        return Client(f"{self._sockets}/.s.PGSQL.{self.port}", user="postgres", database=database)

    def rows(self, sql):
        """One query on a standing connection of the superuser."""
        standing = self._control is not None
        try:
            if self._control is None:
                self._control = self.control()
            return self._control.rows(sql)
        except (Closed, OSError):
            self._control = None
            # A connection from before a crash says only that there was one.
            if standing:
                return self.rows(sql)
            raise

    def value(self, sql):
        return self.rows(sql)[0][0]

    def backends(self, condition="true"):
        """(pid, user, database, state, query) of all connections but the superuser's."""
        return self.rows("SELECT pid, usename, datname, state, query FROM pg_stat_activity WHERE "
                         f"backend_type = 'client backend' AND usename <> 'postgres' AND {condition}")

    def is_empty(self):
        return not self.backends()

    def wait_empty(self):
        if self.process.poll() is None:
            wait_until(self.is_empty, "waiting for the backends to leave", SECONDS)

    def end_backends(self):
        """What a failed test has left."""
        with contextlib.suppress(Closed, OSError, ServerError, Failure):
            self.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                      "backend_type = 'client backend' AND usename <> 'postgres'")
            self.wait_empty()

    def stop(self, how=signal.SIGINT):
        """SIGINT: a fast shutdown. SIGKILL: as if the machine had died."""
        self._control = None
        self.processes.stop(self.process, how, seconds=SECONDS)

    def start(self):
        command = self.process.args
        # A postmaster that was killed leaves its children to themselves for a moment, and a
        # start fails as long as one of them holds the shared memory.
        def up():
            if self.process.poll() is not None:
                self.process = self.processes.start(command, self.log, user=self.user)
            return self._is_ready()
        self.process = self.processes.start(command, self.log, user=self.user)
        wait_until(up, "waiting for PostgreSQL to start again", SECONDS)


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    return json.dumps(value)


def toml_table(name, values):
    lines = [f"[{name}]"] + [f"{key} = {toml(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n\n"


class Sluice:
    """One server with a configuration of its own, on ports of its own."""

    def __init__(self, processes, folder, binary, settings, arguments=(), environment=None,
                 wait=True):
        self.processes, self.folder = processes, folder
        self.log = os.path.join(folder, "sluice.log")
        self.port, self.admin_port = free_port(), free_port()
        self.arguments = [part.format(port=self.port, admin=self.admin_port)
                          for part in arguments]
        if settings is not None:
            self.config = os.path.join(folder, "sluice.toml")
            with open(self.config, "w") as file:
                file.write(self.text_of(settings))
            self.arguments += ["--config", self.config]
        self.process = processes.start(
            [binary, *self.arguments], self.log,
            environment={**clean_environment(), **(environment or {})}, cwd=folder)
        if wait:
            try:
                wait_until(lambda: self.page("readyz"), "waiting for Sluice", SECONDS, self.process)
            except Failure as failure:
                raise Failure(f"{failure}\n{tail(self.log)}") from None

    def text_of(self, settings):
        server = {"workers": 2, **settings.pop("server", {})}
        log = settings.pop("log", {})
        databases, users = settings.pop("databases"), settings.pop("users", {})
        postgres = {"listen": [f"127.0.0.1:{self.port}"], "auth": "trust",
                    "failed_login_delay": 0, **settings}
        text = toml_table("server", server)
        text += toml_table("admin", {"listen": f"127.0.0.1:{self.admin_port}"})
        text += toml_table("log", log) + toml_table("postgres", postgres)
        for name, values in databases.items():
            text += toml_table(f"postgres.databases.{toml(name)}", values)
        for name, values in users.items():
            text += toml_table(f"postgres.users.{toml(name)}", values)
        return text

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self, *arguments, **options):
        return Client(self.address, *arguments, **options)

    def url(self, user="app", database="app", password=None):
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def page(self, name):
        return exposition.fetch(f"http://127.0.0.1:{self.admin_port}/{name}", SECONDS)

    def metric(self, name, **labels):
        """The sum of the samples that match."""
        text = wait_until(lambda: self.page("metrics"), "reading metrics", SECONDS, self.process)
        return exposition.total(exposition.samples(text), "sluice_" + name, **labels)

    def wait_metric(self, name, wanted, **labels):
        """Waits until a metric has that value, or satisfies that condition."""
        good = wanted if callable(wanted) else lambda value: value == wanted
        seen = []

        def reached():
            seen[:] = [self.metric(name, **labels)]
            return good(seen[0])
        try:
            wait_until(reached, f"{name} {labels}", SECONDS, self.process)
        except Failure as failure:
            raise Failure(f"{failure}; it is {seen}") from None
        return seen[0]

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def limit_files(self, files):
        limit = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (files, limit[1]))

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def wait_log(self, text):
        wait_until(lambda: text in self.log_text(), f"waiting for the log to say {text!r}",
                   SECONDS, self.process)

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, seconds=SECONDS):
        wait_until(lambda: self.process.poll() is not None, "waiting for Sluice to end", seconds)
        return self.process.returncode

    def finish(self):
        """Ends the server; whatever it has to say about itself fails the test."""
        ended_itself = self.process.poll() is not None
        code = self.processes.stop(self.process, signal.SIGINT, SECONDS * 2)
        text = self.log_text()
        match = SANITIZER.search(text)
        if match:
            start = max(match.start() - 200, 0)
            raise AssertionError(f"the server reported:\n{text[start:start + 4000]}")
        assert code == 0, f"the server ended with code {code}" + \
            (" by itself" if ended_itself else "") + f"\n{tail(self.log)}"


class Rig:
    """What a test is given."""

    def __init__(self, binary, folder, processes, short, server_binaries=None, build=None):
        self.binary, self.folder, self.processes, self.short = binary, folder, processes, short
        self.build, self.server_binaries = build, server_binaries
        self._postgres = None
        self._numbers = iter(range(1, 1000000))

    def new_folder(self, name):
        path = os.path.join(self.folder, f"{next(self._numbers)}-{name}")
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path

    @property
    def postgres(self):
        """The one that most tests share."""
        if self._postgres is None:
            self._postgres = Postgres(self.processes, self.new_folder("postgres"),
                                      self.server_binaries)
        return self._postgres

    def before(self, server_binaries):
        """The same before a PostgreSQL of another version."""
        return Rig(self.binary, self.new_folder("version"), self.processes, self.short,
                   server_binaries, self.build)

    @contextlib.contextmanager
    def own_postgres(self, **settings):
        """One that may be killed."""
        folder = self.new_folder("postgres")
        postgres = Postgres(self.processes, folder, self.server_binaries, **settings)
        try:
            yield postgres
        finally:
            postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def sluice(self, postgres=None, database=None, arguments=(), environment=None, wait=True,
               **settings):
        """A fresh server; `database` are keys of the database that stands for all names."""
        postgres = postgres or self.postgres
        any_database = {"host": "127.0.0.1", "port": postgres.port, **(database or {})}
        settings.setdefault("databases", {"*": any_database})
        sluice = Sluice(self.processes, self.new_folder("sluice"), self.binary, settings,
                        arguments, environment, wait)
        yield from self.used(sluice, postgres)

    @contextlib.contextmanager
    def sluice_without_file(self, *arguments, postgres=None, environment=None):
        sluice = Sluice(self.processes, self.new_folder("sluice"), self.binary, None,
                        [*arguments, "--set", 'postgres.listen=["127.0.0.1:{port}"]',
                         "--set", 'admin.listen="127.0.0.1:{admin}"'], environment)
        yield from self.used(sluice, postgres or self.postgres)

    def used(self, sluice, postgres):
        try:
            yield sluice
        except BaseException as failure:
            self.processes.stop(sluice.process, signal.SIGINT, SECONDS)
            failure.add_note("the server's log ends with:\n" + tail(sluice.log, 12))
            postgres.end_backends()
            raise
        sluice.finish()
        try:
            # Whoever comes next counts backends: those of this test must be gone.
            postgres.wait_empty()
        except Failure:
            postgres.end_backends()
            raise

    def run(self, *arguments, code=None, **options):
        """The program itself with these arguments, to its end."""
        done = subprocess.run([self.binary, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS, env={**clean_environment(), **options}, check=False)
        if code is not None:
            assert done.returncode == code, f"code {done.returncode}: {done.stdout}{done.stderr}"
        return done


def scratch_folder():
    folder = tempfile.TemporaryDirectory(prefix="sluice-it-")
    os.chmod(folder.name, 0o755)
    return folder


def raises(sqlstate, call, *arguments, **options):
    """The call must fail with that SQLSTATE; returns the error's fields."""
    try:
        call(*arguments, **options)
    except ServerError as error:
        assert error.sqlstate == sqlstate, f"{error} where {sqlstate} was expected"
        return error.fields
    raise AssertionError(f"no error where {sqlstate} was expected")
