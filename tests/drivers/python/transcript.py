"""What the Python workloads share: a process for each copy, and a transcript of what it saw.

    WORKLOAD URL FOLDER FIRST COUNT

Copies FIRST to FIRST + COUNT - 1 run at once; copy N writes FOLDER/N.jsonl, a JSON object a line.
"""

import datetime
import json
import os
import sys
import traceback

TEXT = "O'Hara \"quoted\" \\ back $1 ünïcödé 漢字 🐘"
BYTES = bytes([0, 255, 39, 92, 10, 128])
NUMERIC = "12345678901234567890.123456789"
BIG = 9007199254740993
MOMENT = datetime.datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=datetime.timezone.utc)
JSON = {"k": [1, {"ü": None}], "q": "it's"}
ROWS = 5000
# More than one round trip of any driver's buffer.
SERIES = f"SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) AS n"


def plain(value):
    """A value as JSON can hold it, the same in every run."""
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    return str(value)


class Transcript:
    def __init__(self, folder, copy):
        self._file = open(os.path.join(folder, f"{copy}.jsonl"), "w", encoding="utf-8")

    def say(self, step, **seen):
        self._file.write(json.dumps({"step": step, **seen}, ensure_ascii=False, default=plain) + "\n")
        self._file.flush()


def play(work, url, folder, copy):
    transcript = Transcript(folder, copy)
    try:
        work(url, copy, transcript.say)
        transcript.say("end")
        return 0
    except BaseException as failure:
        transcript.say("failed", why=f"{type(failure).__name__}: {failure}")
        traceback.print_exc()
        return 1


def play_copies(work):
    url, folder, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    children = []
    for copy in range(first, first + count):
        child = os.fork()
        if child == 0:
            code = play(work, url, folder, copy)
            sys.stderr.flush()
            os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(max(map(abs, codes)))


def checksum(rows):
    """Of a long result: its length, its ends, and every row's place."""
    total = 0
    for place, row in enumerate(rows):
        total = (total * 31 + place * row[0] + int(row[1][:6], 16)) % 1000000007
    return {"count": len(rows), "first": list(rows[0]), "last": list(rows[-1]), "sum": total}
