"""What scripts/quickstart does after the build: see there."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

import exposition
from front import start_redis, start_sluice
from private_postgres import PrivatePostgres, clean_environment
from processes import Failure, Processes, ended_by_signals, raise_file_limit, tail

CLIENTS = 300
BACKENDS = 10
SECONDS = 5
COMMANDS = 100_000
DATABASE = "app"


def say(text):
    print(text, flush=True)


def run_load(folder, pgbench, port):
    """pgbench through Sluice; returns what it printed as numbers."""
    raise_file_limit(CLIENTS + 256)
    done = subprocess.run(
        [pgbench, "--no-vacuum", "--select-only", "--client", str(CLIENTS), "--jobs", "2",
         "--time", str(SECONDS), "--host", "127.0.0.1", "--port", str(port), "--username",
         DATABASE, DATABASE], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env=clean_environment(), check=False,
        timeout=SECONDS + 120)
    numbers = {
        "transactions": r"actually processed: (\d+)",
        "failed": r"number of failed transactions: (\d+)",
        "rate": r"tps = ([\d.]+)",
    }
    result = {}
    for name, pattern in numbers.items():
        match = re.search(pattern, done.stdout)
        if match is None or done.returncode != 0:
            raise Failure(f"pgbench did not get through:\n{done.stdout.strip()}")
        result[name] = float(match[1])
    return result


def run_redis_load(port):
    """redis-benchmark through Sluice; returns its SETs and GETs a second."""
    done = subprocess.run(["redis-benchmark", "-p", str(port), "-c", str(CLIENTS), "-n",
                           str(COMMANDS), "-t", "set,get", "--csv"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=120)
    rates = dict(re.findall(r'^"(SET|GET)","([\d.]+)"', done.stdout, re.MULTILINE))
    if done.returncode != 0 or len(rates) != 2:
        raise Failure(f"redis-benchmark did not get through:\n{(done.stdout + done.stderr).strip()}")
    return {name: float(rate) for name, rate in rates.items()}


def milliseconds(seconds):
    return "nobody waited" if seconds is None else f"{seconds * 1000:.1f} ms"


def table(rows):
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def redis_summary(front, rates, most):
    return table([
        ("Connect with", f"redis-cli -p {front}"),
        ("Went through", ", ".join(f"{rate:,.0f} {name} a second" for name, rate in rates.items())),
        ("Shared", f"{CLIENTS} clients on {most} backends"),
    ])


def summary(port, admin_port, load, metrics):
    waits = exposition.histogram(metrics, "sluice_pool_wait_seconds", database=DATABASE)
    backends = int(exposition.total(metrics, "sluice_pool_backends", database=DATABASE))
    refused = int(exposition.total(metrics, "sluice_refusals_total"))
    rows = [
        ("Connect with", f"psql postgresql://{DATABASE}@127.0.0.1:{port}/{DATABASE}"),
        ("Metrics", f"http://127.0.0.1:{admin_port}/metrics"),
        ("Went through", f"{load['transactions']:,.0f} transactions in {SECONDS} s "
                         f"({load['rate']:,.0f} a second), {load['failed']:.0f} failed"),
        ("Shared", f"{CLIENTS} clients on {backends} backends "
                   f"(at most {BACKENDS}): {CLIENTS / max(backends, 1):.0f} clients a backend"),
        ("Waited for one", f"p50 {milliseconds(exposition.quantile(waits, 0.5))}, "
                           f"p99 {milliseconds(exposition.quantile(waits, 0.99))}"),
        ("Refused", str(refused)),
    ]
    return table(rows)


def stay(process, log):
    """Until Ctrl-C, or until Sluice ends by itself, which is then a failure."""
    say("\nSluice, its PostgreSQL and its Redis stay up; Ctrl-C ends all.")
    process.wait()
    raise Failure(f"Sluice ended with code {process.returncode}\n{tail(log)}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/quickstart")
    parser.add_argument("--once", action="store_true", help="end after the summary")
    parser.add_argument("--binary", default="build/release/server/sluice", help=argparse.SUPPRESS)
    options = parser.parse_args()
    ended_by_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="sluice-") as folder, Processes() as processes:
            say("starting a private PostgreSQL and a private Redis ...")
            postgres = PrivatePostgres(processes, folder, DATABASE)
            postgres.fill()
            redis = start_redis(processes, folder)
            say(f"starting Sluice before them (they are on ports {postgres.port} and {redis}) ...")
            process, log, port, front, admin_port = start_sluice(
                processes, folder, os.path.abspath(options.binary), postgres, redis, BACKENDS,
                files=CLIENTS * 3 + 1024)
            say(f"{CLIENTS} clients for {SECONDS} s on {BACKENDS} backends ...")
            load = run_load(folder, os.path.join(postgres.binaries, "pgbench"), port)
            text = exposition.fetch(f"http://127.0.0.1:{admin_port}/metrics")
            if text is None:
                raise Failure(f"Sluice gives no metrics\n{tail(log)}")
            say("\nPostgreSQL\n" + summary(port, admin_port, load, exposition.samples(text)))
            say(f"\n{CLIENTS} clients, {COMMANDS:,} SETs and as many GETs on Redis ...")
            rates = run_redis_load(front)
            text = exposition.fetch(f"http://127.0.0.1:{admin_port}/metrics") or ""
            backends = exposition.total(exposition.samples(text), "sluice_redis_backends")
            say("\nRedis\n" + redis_summary(front, rates, int(backends)))
            if not options.once:
                stay(process, log)
    except KeyboardInterrupt:
        say("\nstopped")
    except Failure as failure:
        print(f"quickstart: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
