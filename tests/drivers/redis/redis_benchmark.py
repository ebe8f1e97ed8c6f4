"""redis-benchmark: redis_benchmark.py PROGRAM CLI URL FOLDER FIRST COUNT.

It tells only how fast it was. What can be compared is that every test came to its end without a
complaint, and what the server has afterwards of a copy's own commands.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import urllib.parse

SECONDS = 300


def run(*arguments):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, text=True, capture_output=True,
                          timeout=SECONDS, check=False)
    return done.returncode, done.stdout + done.stderr


class Bench:
    def __init__(self, program, cli, url):
        place = urllib.parse.urlsplit(url)
        self.place = ["-h", place.hostname, "-p", str(place.port)]
        self.program, self.cli = program, cli

    def __call__(self, *arguments):
        code, said = run(self.program, *self.place, "--csv", *arguments)
        # A line of the table is the test's name and then figures, all in quotes.
        return [code] + [line.split('","')[0].strip('"') for line in said.splitlines()]

    def ask(self, *words):
        return run(self.cli, *self.place, *words)[1].split()


def play(bench, folder, copy):
    name = f"redis_benchmark_c{copy}"
    with open(os.path.join(folder, f"{copy}.jsonl"), "w", encoding="utf-8") as file:
        def say(step, **seen):
            file.write(json.dumps({"step": step, **seen}) + "\n")
        say("tests", output=bench("-c", "2", "-n", "30"))
        say("pipeline", output=bench("-c", "2", "-n", "400", "-P", "16", "-r", "100", "-d", "100",
                                     "-t", "set,get,incr,lpush,lpop"))
        say("own", counted=bench("-c", "3", "-n", "300", "INCR", f"{name}:n"), n=bench.ask("GET", f"{name}:n"),
            pushed=bench("-c", "2", "-n", "200", "-P", "50", "RPUSH", f"{name}:list", "x"),
            length=bench.ask("LLEN", f"{name}:list"))
        say("RESP3", output=bench("-3", "-c", "2", "-n", "100", "-t", "set,get"),
            reconnects=bench("-k", "0", "-c", "2", "-n", "50", "INCR", f"{name}:m"), m=bench.ask("GET", f"{name}:m"))
        say("end")


def main():
    program, cli, url, folder, first, count = sys.argv[1:7]
    bench = Bench(program, cli, url)
    with concurrent.futures.ThreadPoolExecutor(int(count)) as pool:
        played = [pool.submit(play, bench, folder, copy)
                  for copy in range(int(first), int(first) + int(count))]
        for one in played:
            one.result()


if __name__ == "__main__":
    main()
