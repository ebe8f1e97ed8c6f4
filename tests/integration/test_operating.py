"""What the program and the machine it runs on have to do with each other: names, files, sockets,
the service manager, what is installed where."""

import contextlib
import copy
import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import threading

from case import case
from pgwire import SECONDS
from processes import wait_until
from rig import Skipped

LISTENS_AT = "SELECT host(inet_server_addr())"


def started_by(rig, name, lines):
    """A rig whose server is started by a shell that prepares something for it first."""
    assert rig.postgres, "made before the copy, so that both have the same"
    changed = copy.copy(rig)
    folder = rig.new_folder(name)
    changed.binary = os.path.join(folder, "sluice")
    with open(changed.binary, "w") as file:
        file.write("#!/bin/sh\n" + "\n".join(lines).replace("SLUICE", shlex.quote(rig.binary)) + "\n")
    os.chmod(changed.binary, 0o755)
    return changed


@contextlib.contextmanager
def names(rig):
    """A rig whose server knows the names that the yielded function has written last, and others
    from nowhere; the file is its own, seen by nobody else."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or \
            subprocess.run(["unshare", "-m", "mount", "--bind", "/etc/hosts", "/etc/hosts"],
                           stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise Skipped("only root can give a program a name service of its own")
    folder = rig.new_folder("names")
    hosts, order = os.path.join(folder, "hosts"), os.path.join(folder, "nsswitch.conf")

    def write(path, text):
        # In its place: what is mounted is this very file.
        with open(path, "w") as file:
            file.write(text)

    write(hosts, "")
    write(order, "hosts: files\n")
    inner = f"mount --bind {hosts} /etc/hosts && mount --bind {order} /etc/nsswitch.conf && " \
            f"exec {shlex.quote(rig.binary)} \"$@\""
    changed = started_by(rig, "named", [f"exec unshare -m sh -c {shlex.quote(inner)} sh \"$@\""])
    yield changed, lambda text: write(hosts, text)


def new_backend(sluice, postgres):
    """Where a backend goes that is opened now."""
    postgres.end_backends()
    sluice.wait_metric("pool_backends", 0)
    client = sluice.connect()
    try:
        return client.value(LISTENS_AT)
    finally:
        client.end()


@case
def a_name_that_moves_is_followed(rig):
    settings = {"listen_addresses": "127.0.0.1,127.0.0.2"}
    with names(rig) as (named, write), rig.own_postgres(**settings) as postgres:
        write("127.0.0.1 db.sluice.test\n")
        database = {"host": "db.sluice.test", "port": postgres.port}
        with named.sluice(postgres=postgres, database=database, dns_max_ttl=0,
                          server_login_retry="200ms", wait_timeout="30s") as sluice:
            assert new_backend(sluice, postgres) == "127.0.0.1"
            write("127.0.0.2 db.sluice.test\n")
            assert new_backend(sluice, postgres) == "127.0.0.2"
            # A look-up that fails is answered with what was known last.
            write("")
            assert new_backend(sluice, postgres) == "127.0.0.2"
            # An address where nobody listens gives way to the next one.
            write("127.0.0.9 db.sluice.test\n127.0.0.1 db.sluice.test\n")
            assert new_backend(sluice, postgres) == "127.0.0.1"


@case
def a_name_is_not_asked_for_again_within_its_time(rig):
    settings = {"listen_addresses": "127.0.0.1,127.0.0.2"}
    with names(rig) as (named, write), rig.own_postgres(**settings) as postgres:
        write("127.0.0.1 db.sluice.test\n")
        database = {"host": "db.sluice.test", "port": postgres.port}
        with named.sluice(postgres=postgres, database=database, dns_max_ttl="1h") as sluice:
            assert new_backend(sluice, postgres) == "127.0.0.1"
            write("127.0.0.2 db.sluice.test\n")
            assert new_backend(sluice, postgres) == "127.0.0.1"
            # The time may be shortened meanwhile.
            with open(sluice.config) as file:
                text = file.read()
            with open(sluice.config, "w") as file:
                file.write(text.replace('"1h"', "0"))
            sluice.signal(signal.SIGHUP)
            sluice.wait_log("settings reloaded")
            assert new_backend(sluice, postgres) == "127.0.0.2"


def files_limit(sluice):
    return resource.prlimit(sluice.process.pid, resource.RLIMIT_NOFILE)


@case
def the_limit_on_open_files_is_raised_as_far_as_it_goes(rig):
    short = started_by(rig, "files", ["ulimit -Sn 256", "exec SLUICE \"$@\""])
    with short.sluice(max_clients=100) as sluice:
        soft, hard = files_limit(sluice)
        assert soft == hard and soft > 256, (soft, hard)
        assert "limit on open files" not in sluice.log_text(), sluice.log_text()


@case
def a_limit_on_open_files_that_does_not_fit_is_told(rig):
    shorter = started_by(rig, "files", ["ulimit -n 700", "exec SLUICE \"$@\""])
    with shorter.sluice(max_clients=500, server={"max_backends": 101},
                        log={"format": "json"}) as sluice:
        assert files_limit(sluice) == (700, 700)
        told = [json.loads(line) for line in sluice.log_text().splitlines()
                if "limit on open files" in line]
        # Clients, backends, and a hundred for the program itself.
        assert [(line["level"], line["limit"], line["needed"]) for line in told] == \
            [("warning", 700, 701)], told
    with shorter.sluice(max_clients=500, server={"max_backends": 100}) as sluice:
        assert "limit on open files" not in sluice.log_text(), sluice.log_text()


@case
def the_backlog_is_that_of_the_settings(rig):
    if shutil.which("ss") is None:
        raise Skipped("ss is not installed")
    with open("/proc/sys/net/core/somaxconn") as file:
        most = int(file.read())
    with rig.sluice(listen_backlog=77, server={"workers": 2}) as sluice:
        shown = subprocess.run(["ss", "-Hltn", f"sport = :{sluice.port}"], text=True,
                               stdout=subprocess.PIPE, check=True).stdout
        # Of a socket that listens the third column is the length of its queue.
        lengths = [int(line.split()[2]) for line in shown.splitlines()]
        assert lengths == [min(77, most)] * 2, shown


class ServiceManager:
    """The socket on which systemd listens for what its services say of themselves."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(SECONDS)

    def hear(self):
        return self.socket.recv(4096).decode()

    def hears_nothing_more(self):
        self.socket.setblocking(False)
        try:
            return self.socket.recv(4096) == b""
        except BlockingIOError:
            return True

    def close(self):
        self.socket.close()


@case
def the_service_manager_hears_when_it_serves_and_when_it_stops(rig):
    path = os.path.join(rig.new_folder("notify"), "socket")
    for address in (path, f"@sluice-test-{os.getpid()}"):
        # An abstract name is written with @ in the place of its zero byte.
        manager = ServiceManager(address.replace("@", "\0"))
        with contextlib.closing(manager), \
                rig.sluice(environment={"NOTIFY_SOCKET": address}) as sluice:
            assert manager.hear() == "READY=1"
            assert sluice.page("readyz"), "it said so before it was so"
            # Whoever is in a transaction keeps it from stopping; that it begins to is told at once.
            client = sluice.connect()
            client.query("BEGIN")
            sluice.signal(signal.SIGTERM)
            assert manager.hear() == "STOPPING=1"
            assert client.value("SELECT 1") == "1"
            client.query("COMMIT")
            assert sluice.wait_exit() == 0
            assert manager.hears_nothing_more()


@case
def who_cannot_start_is_never_ready(rig):
    path = os.path.join(rig.new_folder("notify"), "socket")
    manager = ServiceManager(path)
    with contextlib.closing(manager), rig.sluice() as sluice:
        rig.run("--config", sluice.config, code=1, NOTIFY_SOCKET=path)
        assert manager.hears_nothing_more()


@case
def lines_that_nobody_takes_are_counted_and_hold_up_nobody(rig):
    folder = rig.new_folder("log")
    pipe = os.path.join(folder, "pipe")
    os.mkfifo(pipe)
    # Open for both, so that neither side waits for the other.
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    mute = started_by(rig, "mute", [f"exec SLUICE \"$@\" 2> {shlex.quote(pipe)}"])
    mistakes = 10_000
    with mute.sluice(dns_max_ttl=0) as sluice:
        assert sluice.metric("log_lines_lost_total") == 0
        # Each mistake in the file is a line. More of them than wait are told while nobody reads.
        with open(sluice.config, "a") as file:
            file.write("\n[nonsense]\n")
            file.writelines(f"mistake_{number} = 1\n" for number in range(mistakes))
            file.writelines(f"[mistake_{number}]\n" for number in range(mistakes))
        sluice.signal(signal.SIGHUP)
        sluice.wait_metric("log_lines_lost_total", lambda lost: lost > 0)
        client = sluice.connect()
        assert client.value("SELECT 1") == "1"
        client.end()
        sluice.wait_metric("clients", 0)
        lost = sluice.metric("log_lines_lost_total")
        os.set_blocking(end, True)
        seen = []

        def take():
            with open(end, errors="replace", closefd=False) as lines:
                for line in lines:
                    seen.append(line)
                    if "sluice has ended" in line:
                        return
        reader = threading.Thread(target=take)
        reader.start()
        wait_until(lambda: any("client left" in line for line in seen), "the rest of the log", SECONDS)
        assert sluice.metric("log_lines_lost_total") == lost
    reader.join(SECONDS)
    os.close(end)
    told = sum("mistake_" in line for line in seen)
    assert told < mistakes <= told + lost, (told, lost)


def installed(build, folder):
    if shutil.which("cmake") is None:
        raise Skipped("cmake is not installed")
    subprocess.run(["cmake", "--install", build], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "DESTDIR": folder})
    return {"/" + os.path.relpath(os.path.join(where, name), folder): os.path.join(where, name)
            for where, _, files in os.walk(folder) for name in files}


@case
def what_is_installed_can_be_run_as_a_service(rig):
    files = installed(rig.build, rig.new_folder("root"))
    by_name = {os.path.basename(path): path for path in files}
    assert set(by_name) == {"sluice", "sluice.service", "sluice.conf", "sluice.example.toml",
                            "README.md", "LICENSE", "CHANGELOG.md", "alerts.yml"}, files
    assert by_name["sluice.service"].endswith("/lib/systemd/system/sluice.service"), files
    assert by_name["sluice.conf"].endswith("/lib/sysusers.d/sluice.conf"), files
    assert by_name["sluice.example.toml"].endswith("/etc/sluice/sluice.example.toml"), files
    program, example = files[by_name["sluice"]], files[by_name["sluice.example.toml"]]
    assert os.access(program, os.X_OK) and by_name["sluice"].endswith("/bin/sluice"), files
    subprocess.run([program, "--check", "--config", example], check=True, stdout=subprocess.DEVNULL)
    with open(files[by_name["sluice.service"]]) as file:
        unit = file.read()
    assert "Type=notify\n" in unit and "@" not in re.sub(r"=~?@[a-z]", "", unit), unit
    # It names the program, its file and its user as they are installed.
    folder = by_name["sluice.example.toml"].removesuffix("sluice.example.toml")
    assert f"ExecStart={by_name['sluice']} --config {folder}sluice.toml\n" in unit, unit
    with open(files[by_name["sluice.conf"]]) as file:
        assert "\nu sluice " in file.read() and "\nUser=sluice\n" in unit


@case
def systemd_finds_no_fault_with_the_unit(rig):
    if shutil.which("systemd-analyze") is None or \
            not os.path.exists("/lib/systemd/system/sysinit.target"):
        raise Skipped("systemd is not installed")
    files = installed(rig.build, rig.new_folder("root"))
    unit = next(path for path in files.values() if path.endswith("sluice.service"))
    place = next(path for path in files if path.endswith("/bin/sluice"))
    with open(unit) as file:
        text = file.read()
    with open(unit, "w") as file:
        file.write(text.replace(place, files[place]))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], text=True, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0 and "sluice" not in done.stdout, done.stdout
