"""No test sleeps: virtual time in unit and simulation, conditions with a deadline elsewhere."""

import re

from tree import Finding, line_of

NAME = "waiting"
WHY = "a test that sleeps is slow on a good day and wrong on a bad one"

_SLEEP = re.compile(
    r"\bsleep_(?:for|until)\b|\b(?:usleep|nanosleep)\s*\(|(?<![\w.])sleep\s*\(\s*\d|\btime\.sleep\b"
    r"|\basyncio\.sleep\s*\(\s*(?!0\s*\))|^\s*sleep\s+[\d$]|\bsetTimeout\s*\(\s*(?:r|res|resolve|done)\b"
    r"|timers/promises",
    re.MULTILINE)


def check(tree):
    for path, text in sorted(tree.texts.items()):
        if not path.startswith("tests/") or path.startswith("tests/tidy/"):
            continue
        if path.endswith((".md", ".txt", ".sql")):
            continue
        for match in _SLEEP.finditer(text):
            yield Finding(f"{path}:{line_of(text, match.start(0))}: {match[0].strip()}: "
                          "wait for a condition, with a deadline")


BAD = [{"tests/x": line + "\n"} for line in (
    "std::this_thread::sleep_for(50ms);", "usleep(5);", "    time.sleep(0.1)",
    "await asyncio.sleep(0.05)", "sleep 1", 'sleep "$n"' if False else "sleep $n",
    "await new Promise((resolve) => setTimeout(resolve, 50));",
    "import { setTimeout } from 'node:timers/promises';")]
GOOD = [{"tests/x": line + "\n"} for line in (
    "execute('SELECT pg_sleep(1)')", "clock.advance(50ms);", "await asyncio.sleep(0)",
    "const limit = setTimeout(() => fail('no answer'), 5000);", "def sleepers(): pass")]
GOOD.append({"scripts/x": "time.sleep(0.1)\n"})
