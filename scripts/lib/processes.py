"""Starting programs so that nothing of them stays behind.

Children run in a session of their own: Ctrl-C reaches only us, and we stop them in order. Should
we die without a word, the kernel ends them (PR_SET_PDEATHSIG).
"""

import ctypes
import os
import pwd
import resource
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something a person must read; printed without a stack trace."""


def unprivileged_user():
    """Whom servers run as: nobody changes when we are not root, `postgres` or `nobody` otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("root may not run PostgreSQL, and there is neither a user postgres nor nobody")


def free_port(preferred=0, host="127.0.0.1"):
    """The preferred port when nobody has it, else one that the kernel chooses."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise Failure(f"no free port on {host}")


def wait_until(condition, what, seconds=20.0, process=None):
    """Returns the first true value of condition(); fails when the process ends or time is up."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None:
            raise Failure(f"{what}: the program ended with code {process.returncode}")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def tail(path, lines=20):
    try:
        with open(path, errors="replace") as log:
            return "".join(log.readlines()[-lines:])
    except OSError:
        return ""


class Processes:
    """The programs one run has started; stops them, last first, when its block ends."""

    def __init__(self):
        self._running = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop_all()

    def start(self, command, log, user=None, files=None, environment=None, cwd=None):
        """Starts a program whose output goes to the file `log`, as `user` (a pwd entry)."""

        def prepare():
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        identity = {}
        if user is not None:
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files is not None:
            raise_file_limit(files)
        try:
            with open(log, "ab") as output:
                process = subprocess.Popen(
                    [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=prepare,
                    env=environment, cwd=cwd or "/", **identity)
        finally:
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE,
                                   (limit[0], resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        self._running.append(process)
        return process

    def stop(self, process, how=signal.SIGTERM, seconds=10.0):
        """Asks, waits, and in the end insists. Returns the exit code."""
        if process in self._running:
            self._running.remove(process)
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    def stop_all(self):
        while self._running:
            self.stop(self._running[-1], signal.SIGINT)


def raise_file_limit(files):
    """Lets this process and its children open that many files, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, files))
            hard = files
        except (ValueError, OSError):
            files = hard
    if soft == resource.RLIM_INFINITY or soft >= files:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return files


def ended_by_signals():
    """Turns SIGTERM and SIGHUP into SystemExit, so that every `finally` and `with` is passed."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
