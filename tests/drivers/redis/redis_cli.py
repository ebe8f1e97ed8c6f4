"""redis-cli in all its forms: redis_cli.py REDIS_CLI URL FOLDER FIRST COUNT, a transcript a copy."""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

SECONDS = 300
SCRIPTS = {
    "plain": """\
        ECHO "hello \\"there\\" \\x41"
        SET {name}:text "a b\\nc"
        GET {name}:text
        GET {name}:nothing
        HSET {name}:hash one 1 two 2
        HGETALL {name}:hash
        ZADD {name}:scores 1.5 a 2 b
        ZRANGE {name}:scores 0 -1 WITHSCORES
        LPOP {name}:hash
        NOSUCH a b
        GET
        CLIENT SETNAME {name}
        CLIENT GETNAME
        EXPIRE {name}:text 1000
        OBJECT ENCODING {name}:hash
        TYPE {name}:scores
        COMMAND COUNT""",
    "transactions": """\
        MULTI
        INCR {name}:n
        LPOP {name}:hash
        EXEC
        MULTI
        GET
        EXEC
        MULTI
        INCR {name}:n
        DISCARD
        WATCH {name}:n
        SET {name}:n 5
        MULTI
        INCR {name}:n
        EXEC
        GET {name}:n""",
    "blocking": """\
        RPUSH {name}:queue a b
        BLPOP {name}:queue 300
        BLPOP {name}:none 0.01
        XADD {name}:stream 1-1 n 1
        XREAD BLOCK 300000 STREAMS {name}:stream 0
        PING""",
    "databases": """\
        SELECT 3
        SET {name}:three here
        SELECT 0
        GET {name}:three
        HELLO 3
        HGETALL {name}:hash
        HELLO 2
        SELECT 3
        DEL {name}:three""",
    "scripts": """\
        EVAL "return {{KEYS[1], ARGV[1], {{1, false}}}}" 1 {name} word
        EVAL "return redis.call('lpop', KEYS[1])" 1 {name}:n
        EVALSHA 0000000000000000000000000000000000000000 0""",
}
# The greeting of HELLO tells the client's own id, in either form of a map.
_ID = re.compile(r"^id(\s)\d+$", re.MULTILINE)


def commands(step, name):
    return "\n".join(line.strip() for line in SCRIPTS[step].format(name=name).splitlines()) + "\n"


class Cli:
    def __init__(self, program, url, name):
        self.program, self.url, self.name = program, url, name

    def __call__(self, *arguments, given=""):
        done = subprocess.run([self.program, "-u", self.url, *arguments], input=given, text=True,
                              capture_output=True, timeout=SECONDS, check=False)
        return _ID.sub(r"id\1N", done.stdout + done.stderr).splitlines()


def pipe(count, name):
    words = [("RPUSH", f"{name}:list", str(number)) for number in range(count)]
    return "".join(f"*{len(one)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in one) for one in words)


def steps(cli):
    name = cli.name
    for step in SCRIPTS:
        yield step, cli(given=commands(step, name))
    yield "RESP3", cli("-3", given=commands("plain", name)) + cli("-3", given=commands("transactions", name))
    yield "forms", (cli("--csv", "HGETALL", f"{name}:hash") + cli("--json", "HGETALL", f"{name}:hash")
                    + cli("--raw", "GET", f"{name}:text") + cli("-n", "3", "EXISTS", f"{name}:text")
                    + cli("-x", "SET", f"{name}:from input", given="x\ny") + cli("GET", f"{name}:from input")
                    + cli("-r", "5", "-i", "0", "INCR", f"{name}:often") + cli("-e", "LPOP", f"{name}:n"))
    said = cli("--pipe", given=pipe(2000, name))
    yield "pipe", said[-2:] + cli("LLEN", f"{name}:list")
    yield "scan", sorted(set(cli("--scan", "--pattern", f"{name}:*")))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"-- {name}\nreturn {{KEYS[1], ARGV[1]}}")
        script.flush()
        yield "eval", cli("--eval", script.name, f"{name}:k", ",", "word")


def play(program, url, folder, copy):
    with open(os.path.join(folder, f"{copy}.jsonl"), "w", encoding="utf-8") as file:
        def say(step, **seen):
            file.write(json.dumps({"step": step, **seen}, ensure_ascii=False) + "\n")
        for step, output in steps(Cli(program, url, f"redis_cli_c{copy}")):
            say(step, output=output)
        say("end")


def main():
    program, url, folder, first, count = sys.argv[1:6]
    with concurrent.futures.ThreadPoolExecutor(int(count)) as pool:
        played = [pool.submit(play, program, url, folder, copy)
                  for copy in range(int(first), int(first) + int(count))]
        for one in played:
            one.result()


if __name__ == "__main__":
    main()
