"""What scripts/build-tuned lets its first build serve: some of everything that pools serve."""

import argparse
import os
import subprocess
import sys
import tempfile

from front import start_redis, start_sluice
from private_postgres import PrivatePostgres, clean_environment
from processes import Failure, Processes, ended_by_signals, raise_file_limit

BACKENDS = 10
SECONDS = 2
COPY = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200000)) TO STDOUT"
# Prepared writes are left out: pgbench waits for one client's Parse while others hold all backends.
LOADS = [
    *(["--select-only", "--protocol", protocol, "--client", clients]
      for protocol in ("simple", "extended", "prepared") for clients in (1, 16, 64)),
    ["--protocol", "simple", "--client", 16],
    ["--protocol", "extended", "--client", 16],
    ["--select-only", "--connect", "--client", 8],
]
REDIS_LOADS = [["-c", 50, "-n", 100_000], ["-c", 50, "-n", 1_000_000, "-P", 16],
               ["-c", 500, "-n", 100_000], ["-c", 10, "-n", 5_000, "-k", 0]]


def run(words, home):
    done = subprocess.run([str(word) for word in words], cwd=home, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, env=clean_environment(), check=False,
                          timeout=120)
    if done.returncode != 0:
        raise Failure(f"{words[0]} did not get through:\n{done.stderr.strip()}")


def serve(postgres, port, front, home):
    place = ["--host", "127.0.0.1", "--port", port, "--username", postgres.name]
    for load in LOADS:
        print("  pgbench", *load, flush=True)
        run([os.path.join(postgres.binaries, "pgbench"), "--no-vacuum", "--jobs", 2, "--time",
             SECONDS, *load, *place, postgres.name], home)
    print("  COPY", flush=True)
    run(["psql", "--no-psqlrc", *place, "--output", os.devnull, "--command", COPY, postgres.name],
        home)
    for load in REDIS_LOADS:
        print("  redis-benchmark", *load, flush=True)
        run(["redis-benchmark", "-p", front, "-t", "set,get,lpush", "-q", *load], home)


def main():
    parser = argparse.ArgumentParser(prog="scripts/lib/training_load.py")
    parser.add_argument("binary")
    options = parser.parse_args()
    ended_by_signals()
    raise_file_limit(2048)
    try:
        with tempfile.TemporaryDirectory(prefix="sluice-") as folder, Processes() as processes:
            postgres = PrivatePostgres(processes, folder, "app")
            postgres.fill()
            redis = start_redis(processes, folder)
            # With the rights of who builds: at its end it writes beside its objects.
            process, _, port, front, _ = start_sluice(
                processes, folder, os.path.abspath(options.binary), postgres, redis, BACKENDS,
                files=2048, user=None)
            serve(postgres, port, front, folder)
            code = processes.stop(process, seconds=60.0)
            if code != 0:
                raise Failure(f"Sluice ended with code {code}")
    except Failure as failure:
        print(f"training_load: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
