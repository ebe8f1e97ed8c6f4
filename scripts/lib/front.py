"""A private Redis, and Sluice before private servers."""

import os
import shutil
import subprocess

import exposition
from processes import Failure, free_port, tail, unprivileged_user, wait_until


def start_redis(processes, folder):
    """A private Redis that keeps nothing; returns its port."""
    port = free_port(6379)
    home = os.path.join(folder, "redis")
    os.mkdir(home)
    user = unprivileged_user()
    if user is not None:
        shutil.chown(home, user.pw_name)
    log = os.path.join(home, "redis.log")
    process = processes.start(["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", home,
                               "--save", ""], log, user=user)
    wait_until(lambda: redis_cli(port, "PING") == "PONG", "waiting for Redis", 30.0, process)
    return port


def redis_cli(port, *words):
    done = subprocess.run(["redis-cli", "-p", str(port), *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    return done.stdout.strip()


def start_sluice(processes, folder, binary, postgres, redis_port, backends, files,
                 user=unprivileged_user()):
    """Starts the server with no configuration file; returns it, its log and its ports."""
    port, front, admin_port = free_port(6432), free_port(6380), free_port(9632)
    if user is not None:
        # The tree may lie where only root can read.
        binary = shutil.copy(binary, os.path.join(folder, "sluice"))
    command = [binary, "--postgres", postgres.url, "--set", f"postgres.pool_size={backends}",
               "--redis", f"redis://127.0.0.1:{redis_port}"]
    if port != 6432:
        command += ["--set", f'postgres.listen=["127.0.0.1:{port}"]']
    if front != 6380:
        command += ["--set", f'redis.listen=["127.0.0.1:{front}"]']
    if admin_port != 9632:
        command += ["--set", f'admin.listen="127.0.0.1:{admin_port}"']
    log = os.path.join(folder, "sluice.log")
    process = processes.start(command, log, user=user, files=files)
    try:
        wait_until(lambda: exposition.fetch(f"http://127.0.0.1:{admin_port}/readyz"),
                   "waiting for Sluice", 30.0, process)
    except Failure as failure:
        raise Failure(f"{failure}\n{tail(log)}") from None
    return process, log, port, front, admin_port
