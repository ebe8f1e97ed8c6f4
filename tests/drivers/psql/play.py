"""psql with a script: play.py PSQL URL FOLDER FIRST COUNT. Its output, by steps, is the transcript."""

import json
import os
import re
import subprocess
import sys
import tempfile

SCRIPT = "workload.sql"
# Which process notified is no matter of ours here, and neither is which line of the source failed.
_PROCESS = re.compile(r"\bPID \d+")


def start(program, url, copy, output, complaints):
    schema = f"psql_c{copy}"
    environment = {**os.environ, "PGAPPNAME": schema, "PGOPTIONS": "-c statement_timeout=234s"}
    return subprocess.Popen([program, "-X", "-q", "-v", f"schema={schema}", "-f", SCRIPT, url],
                            stdin=subprocess.DEVNULL, stdout=output, stderr=complaints, text=True,
                            env=environment, cwd=os.path.dirname(os.path.abspath(__file__)))


def by_step(output):
    steps, step = {}, "before"
    for line in output.splitlines():
        if line.startswith("== "):
            step = line[3:]
            steps[step] = []
        else:
            steps.setdefault(step, []).append(_PROCESS.sub("PID", line))
    return steps


def write(folder, copy, code, output, complaints):
    seen, said = by_step(output), by_step(complaints)
    with open(os.path.join(folder, f"{copy}.jsonl"), "w", encoding="utf-8") as file:
        for step in {**seen, **said}:
            if step != "end":
                line = {"step": step, "output": seen.get(step, []), "said": said.get(step, [])}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        last = {"step": "end"} if "end" in seen and code == 0 else {"step": "failed", "code": code}
        file.write(json.dumps(last) + "\n")
    return code


def main():
    program, url, folder, first, count = sys.argv[1:6]
    running = {}
    for copy in range(int(first), int(first) + int(count)):
        # Files, since one who waits for a backend must not wait for us to empty another's pipe.
        output, complaints = (tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(2))
        running[copy] = (start(program, url, copy, output, complaints), output, complaints)
    worst = 0
    for copy, (one, *files) in running.items():
        code = one.wait()
        for file in files:
            file.seek(0)
        worst = max(worst, abs(write(folder, copy, code, *(file.read() for file in files))))
    return worst


if __name__ == "__main__":
    sys.exit(main())
