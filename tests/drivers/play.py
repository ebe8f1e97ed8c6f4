"""Plays one driver's workload directly and through Sluice, and judges what its copies saw."""

import collections
import dataclasses
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess

from pgwire import SECONDS
from private_postgres import clean_environment
from processes import tail
from rig import Skipped

DIRECT_COPIES = 2
# Of a whole program: with pins, fifty copies stand in line for two backends.
DEADLINE = SECONDS * 15
SHOWN = 600
KNOWN = pathlib.Path(__file__).with_name("known.txt")


@dataclasses.dataclass
class Outcome:
    driver: str
    verdict: str
    words: str
    version: str = ""
    runtime: str = ""
    features: list = dataclasses.field(default_factory=list)
    pins: dict = dataclasses.field(default_factory=dict)
    known: dict = dataclasses.field(default_factory=dict)
    # Of Redis: clients that came, the most connections that the server had at once, and their bound.
    accepted: int = 0
    connections: int = 0
    bound: int = 0
    left_out: dict = dataclasses.field(default_factory=dict)


class Trouble(Exception):
    """What a reader must be told; the driver has failed."""


def normal(text, copy):
    """Names of this copy become those of any; what belongs to another stays, and differs."""
    return re.sub(rf"_c{copy}(?!\d)", "_cN", text)


def ended(process):
    """The exit code; a program that does not end is killed with all that it has started."""
    try:
        return process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        return f"none within {DEADLINE:g} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def run_copies(ready, url, folder, first, count):
    """Runs the program; returns the transcript of each copy, as lines."""
    os.mkdir(folder)
    with open(os.path.join(folder, "output"), "w+", encoding="utf-8", errors="replace") as output:
        command = [*ready.command, url, folder, str(first), str(count)]
        environment = {**clean_environment(), **ready.environment}
        code = ended(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                      stderr=subprocess.STDOUT, env=environment, cwd=ready.cwd,
                                      start_new_session=True))
    transcripts = {}
    for copy in range(first, first + count):
        path = pathlib.Path(folder, f"{copy}.jsonl")
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        transcripts[copy] = [normal(line, copy) for line in lines]
    return code, transcripts, tail(os.path.join(folder, "output"), 12)


def is_whole(lines):
    return bool(lines) and json.loads(lines[-1])["step"] == "end"


def steps_of(lines):
    """Lines by the step they belong to, in the order of the first of each."""
    steps = {}
    for line in lines:
        steps.setdefault(json.loads(line)["step"], []).append(line)
    return steps


def apart(line, other):
    """Two lines from shortly before the place where they part."""
    at = next((at for at, pair in enumerate(zip(line, other)) if pair[0] != pair[1]),
              min(len(line), len(other)))
    at = max(at - 200, 0)
    return f"\n  directly {line[at:at + SHOWN]}\n  pooled   {other[at:at + SHOWN]}"


def differences(wanted, found):
    """By step, the first line that is not the direct one."""
    wanted, found = steps_of(wanted), steps_of(found)
    result = {}
    for step in {**wanted, **found}:
        pairs = itertools.zip_longest(wanted.get(step, ()), found.get(step, ()), fillvalue="(nothing)")
        words = next((apart(line, other) for line, other in pairs if line != other), None)
        if words is not None:
            result[step] = words
    return result


def play_directly(ready, url, folder):
    code, transcripts, output = run_copies(ready, url, folder, 1, DIRECT_COPIES)
    first, *others = transcripts.values()
    if code != 0 or not is_whole(first):
        raise Trouble(f"the workload itself fails directly, code {code}: {first[-1:]}\n{output}")
    for other in others:
        if other != first:
            raise Trouble(f"two direct runs differ: {differences(first, other)}")
    return first


def play_pooled(ready, url, folder, wanted, copies, known):
    """Plays all copies; Trouble tells of differences that are not known, and of known ones gone."""
    code, transcripts, output = run_copies(ready, url, folder, 101, copies)
    differing = collections.Counter()
    steps = set()
    for found in transcripts.values():
        for step, words in differences(wanted, found).items():
            steps.add(step)
            if step not in known:
                differing[step + words] += 1
    if differing or code != 0:
        kinds = "\n".join(f"{count} of {copies} copies: {words}" for words, count in differing.most_common(4))
        raise Trouble(f"code {code}\n{kinds}\n{output}")
    mended = set(known) - steps
    if mended:
        raise Trouble(f"{', '.join(mended)}: no longer differs, take it out of known.txt")


def read_known():
    """Reasons by driver and step."""
    known = collections.defaultdict(dict)
    for line in KNOWN.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            driver, step, reason = line.split(None, 2)
            known[driver][step] = reason
    return known


def pins_of(sluice, metric):
    import exposition
    found = {}
    for name, labels, value in exposition.samples(sluice.page("metrics") or ""):
        if name == metric and value:
            found[labels["reason"]] = found.get(labels["reason"], 0) + int(value)
    return found


def judge(side, driver, copies, known):
    try:
        ready = driver.prepare(side.rig)
    except Skipped as reason:
        return Outcome(driver.name, "skip", str(reason))
    except AssertionError as failure:
        return Outcome(driver.name, "FAIL", str(failure))
    outcome = Outcome(driver.name, "ok", "", ready.version, ready.runtime, known=known, left_out=driver.left_out)
    ready.environment["SLUICE_WITHOUT"] = " ".join(driver.left_out)
    folder = side.rig.new_folder("driver")
    try:
        wanted = play_directly(ready, side.direct(), os.path.join(folder, "direct"))
        outcome.features = [step for step in steps_of(wanted) if step != "end"]
        with side.pooled(driver, copies, outcome) as (sluice, url):
            try:
                play_pooled(ready, url, os.path.join(folder, "pooled"), wanted, copies, known)
            finally:
                outcome.pins = pins_of(sluice, side.pins_metric)
            assert sluice.metric("refusals_total") == 0, "somebody was refused"
        outcome.words = summary(outcome, copies)
    except (Trouble, AssertionError) as trouble:
        outcome.verdict, outcome.words = "FAIL", str(trouble)
    return outcome


def summary(outcome, copies):
    pins = ", ".join(f"{count} {reason}" for reason, count in sorted(outcome.pins.items()))
    but = "".join(f", but for {step} ({reason})" for step, reason in outcome.known.items())
    but += "".join(f", without {step} ({reason})" for step, reason in outcome.left_out.items())
    most = f"; {outcome.accepted} clients, {outcome.connections} of {outcome.bound} backends" if outcome.bound else ""
    return f"{copies} copies equal{but}; pins: {pins or 'none'}{most}"
