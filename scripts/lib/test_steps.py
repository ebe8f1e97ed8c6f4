"""The steps of scripts/test: see there.

A step is a function that returns a Tally. What it cannot find fails it loudly: a step is left out
only where the whole folder it tests is absent, and then it says so.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

from processes import Failure, ended_by_signals

JOBS = "2"
COMMAND_SECONDS = 40 * 60
COMMAND_SECONDS_FULL = 6 * 3600
# What a failing program says of why, and how many lines behind it go with it.
COMPLAINT = re.compile(r"^FAIL|\bFAILED\b|: Failure$|\berror: |^ninja: |ERROR: \w+Sanitizer|WARNING: ThreadSan")
COMPLAINT_LINES = 12
COMPLAINTS_SHOWN = 60
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    complaints: list = dataclasses.field(default_factory=list)

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed,
                     self.skipped + other.skipped, self.complaints + other.complaints)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclasses.dataclass
class Options:
    full: bool
    environment: dict


def run(command, environment, echo=True):
    """Runs a program, passing on what it prints; returns its exit code and its lines.

    A program that outlives its limit is ended, and one that leaves another behind with its
    output in hand has failed: otherwise either would hold up a run that nobody watches.
    """
    print("+ " + " ".join(command), flush=True)
    lines = []
    limit = COMMAND_SECONDS_FULL if "SLUICE_TEST_FULL" in environment else COMMAND_SECONDS

    def pass_on(output):
        for line in output:
            lines.append(line.rstrip("\n"))
            if echo:
                sys.stdout.write(line)
                sys.stdout.flush()

    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace",
                               env=environment)
    reader = threading.Thread(target=pass_on, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        code = process.wait(limit)
    except BaseException:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    reader.join(10)
    if reader.is_alive():
        print(f"{command[0]} has left a program behind that holds its output", flush=True)
        code = code or 1
    return code, list(lines)


def failure(lines):
    """One that failed, with what it said: to be shown again at the end, where a reader looks."""
    return Tally(failed=1, complaints=complaints_of(lines))


def complaints_of(lines):
    shown = []
    left = 0
    for line in lines:
        left = COMPLAINT_LINES if COMPLAINT.search(line) else left - 1
        if left > 0:
            shown.append(line[:400])
    return shown[:COMPLAINTS_SHOWN] or lines[-COMPLAINT_LINES:]


def one_check(command, options):
    """A program that either accepts the tree or does not: one test."""
    code, lines = run(command, options.environment)
    return Tally(passed=1) if code == 0 else failure(lines)


def counting_runner(command, options):
    """A program that closes with "N passed, N failed, N skipped"."""
    code, lines = run(command, options.environment)
    for line in reversed(lines):
        match = SUMMARY.match(line.strip())
        if match:
            tally = Tally(int(match[1]), int(match[2]), int(match[3] or 0))
            if tally.passed + tally.failed == 0:
                print(f"{command[0]} ran no test", flush=True)
                tally.failed += 1
            if code != 0 and tally.failed == 0:
                print(f"{command[0]} counted no failure and ended with code {code}", flush=True)
                tally.failed += 1
            if tally.failed:
                tally.complaints = complaints_of(lines)
            return tally
    print(f"{command[0]} ended with code {code} and without its closing line", flush=True)
    return failure(lines)


def tracked_sources():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.cpp", "*.hpp"],
        stdout=subprocess.PIPE, check=True).stdout.decode()
    return sorted(path for path in listed.split("\0") if path and os.path.exists(path))


def steady_addresses():
    """Sanitizers of this age map fixed addresses and fail under much randomisation."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits") as bits:
            if int(bits.read()) <= 28:
                return []
    except (OSError, ValueError):
        return []
    works = subprocess.run(["setarch", "-R", "true"], stderr=subprocess.DEVNULL, check=False)
    return ["setarch", "-R"] if works.returncode == 0 else []


def build(preset, options, folder=None, extra=(), prefix=(), targets=()):
    """Configures a preset once and builds it. Returns a Tally that has failed, or None."""
    folder = folder or f"build/{preset}"
    if not os.path.exists(f"{folder}/build.ninja") or extra:
        code, lines = run([*prefix, "cmake", "--preset", preset, "-B", folder, *extra],
                          options.environment, echo=False)
        if code != 0:
            # The output of a good configure run is of no interest to anybody.
            print("\n".join(lines), flush=True)
            return failure(lines)
    target = ["--target", *targets] if targets else []
    code, lines = run([*prefix, "cmake", "--build", folder, "-j", JOBS, *target],
                      options.environment)
    return failure(lines) if code != 0 else None


def ctest(folder, options, *arguments, prefix=()):
    """All tests that ctest knows in a build, the tidy tests aside: they have their own step."""
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as scratch:
        report = os.path.join(scratch, "junit.xml")
        code, lines = run([*prefix, "ctest", "--test-dir", folder, "-j", JOBS, "-LE", "tidy",
                       "--output-on-failure", "--progress", "--timeout", "900",
                       "--no-tests=error", "--output-junit", report, *arguments],
                      options.environment)
        try:
            suite = xml.etree.ElementTree.parse(report).getroot()
        except (OSError, xml.etree.ElementTree.ParseError):
            return failure(lines)
    number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "disabled", "skipped")}
    skipped = number["disabled"] + number["skipped"]
    tally = Tally(number["tests"] - number["failures"] - skipped, number["failures"], skipped)
    if code != 0 and tally.failed == 0:
        tally.failed = 1
    if tally.failed:
        tally.complaints = complaints_of(lines)
    return tally


def integration(folder, options, *arguments, prefix=()):
    if not os.path.isdir("tests/integration"):
        print("there is no tests/integration yet", flush=True)
        return Tally(skipped=1)
    return counting_runner([*prefix, "tests/integration/run", "--build", folder, *arguments],
                           options)


def step_format(options):
    return one_check(["clang-format-14", "--dry-run", "-Werror", *tracked_sources()], options)


def step_tidy(options):
    return counting_runner(["tests/tidy/run"], options)


def step_unit(options):
    return build("dev", options) or ctest("build/dev", options)


def step_integration(options):
    return build("dev", options) or integration("build/dev", options)


def step_transcript(options):
    # Long runs play every script in every setting, and thousands of generated ones.
    amount = ["--every-setting", "--count", "5000"] if options.full else ["--count", "200"]
    # With blocks that are begun without a backend everything is to look the same.
    deferred = ["--deferred-begin"] + (amount if options.full else ["--only", "^transactions"])
    runner = ["tests/transcript/run", "--build", "build/dev"]
    return build("dev", options) or (counting_runner([*runner, *amount], options) +
                                     counting_runner([*runner, *deferred], options))


def step_drivers(options):
    """A few drivers with few copies each day; all of them with fifty in the full run."""
    return drivers_of([], options)


def step_redis_clients(options):
    """A few clients of Redis with twenty copies each day; all of them with 200 in the full run."""
    return drivers_of(["--redis"], options)


def drivers_of(arguments, options):
    if not options.full:
        arguments = [*arguments, "--short"]
    return build("dev", options) or counting_runner(
        ["tests/drivers/run", "--build", "build/dev", *arguments], options)


def with_environment(options, **values):
    return dataclasses.replace(options, environment={**options.environment, **values})


def step_asan(options):
    options = with_environment(
        options, ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1",
        UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    prefix = steady_addresses()
    failed = build("asan", options, prefix=prefix)
    return failed or (ctest("build/asan", options, prefix=prefix) +
                      integration("build/asan", options, prefix=prefix))


def step_tsan(options):
    # A simulation is one thread, so that races are found by the other tests alone.
    options = with_environment(options, TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1",
                               SLUICE_SIM_SEEDS="25")
    prefix = steady_addresses()
    failed = build("tsan", options, prefix=prefix)
    return failed or (ctest("build/tsan", options, prefix=prefix) +
                      integration("build/tsan", options, "--short", prefix=prefix))


def fuzz_one(target, seconds, artifacts, options, prefix):
    """One fuzzer on a copy of its corpus, so that the tree stays as it is."""
    name = os.path.basename(target)
    names = [name, name.removesuffix("_fuzz"), name.removeprefix("fuzz_")]
    corpus = next((folder for folder in (f"tests/fuzz/corpus/{name}" for name in names)
                   if os.path.isdir(folder)), None)
    if corpus is None:
        return name, 1, [f"no corpus: tests/fuzz/corpus/{name} does not exist"]
    with tempfile.TemporaryDirectory(prefix="sluice-fuzz-") as scratch:
        copy = shutil.copytree(corpus, os.path.join(scratch, "corpus"))
        done = subprocess.run(
            [*prefix, target, copy, f"-max_total_time={seconds}", "-rss_limit_mb=2048",
             "-timeout=10", "-print_final_stats=1", f"-artifact_prefix={artifacts}/{name}-"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=options.environment, check=False, timeout=seconds * 2 + 120)
    return name, done.returncode, done.stdout.splitlines()


def step_fuzz(options):
    if not os.path.isdir("tests/fuzz"):
        print("there is no tests/fuzz yet", flush=True)
        return Tally(skipped=1)
    prefix = steady_addresses()
    # Only the targets themselves: the unit tests run under these sanitizers in the asan step.
    failed = build("fuzz", options, prefix=prefix, extra=("-DSLUICE_FUZZ=ON",),
                   targets=("tests/fuzz/all",))
    if failed:
        return failed
    folder = "build/fuzz/tests/fuzz"
    targets = sorted(entry.path for entry in os.scandir(folder)
                     if entry.is_file() and os.access(entry.path, os.X_OK))
    if not targets:
        print(f"no fuzz target in {folder}", flush=True)
        return Tally(failed=1)
    artifacts = os.path.abspath("build/fuzz/artifacts")
    os.makedirs(artifacts, exist_ok=True)
    seconds = 300 if options.full else 10
    tally = Tally()
    with concurrent.futures.ThreadPoolExecutor(int(JOBS)) as pool:
        running = [pool.submit(fuzz_one, target, seconds, artifacts, options, prefix)
                   for target in targets]
        for result in concurrent.futures.as_completed(running):
            name, code, lines = result.result()
            executed = next((line.split()[-1] for line in lines
                             if line.startswith("stat::number_of_executed_units")), "no")
            print(f"{name}: {'passed' if code == 0 else 'FAILED'}, {executed} runs", flush=True)
            if code != 0:
                print("\n".join(lines[-60:]), flush=True)
            tally += Tally(passed=1) if code == 0 else failure([f"{name}: FAILED", *lines[-30:]])
    return tally


def step_clang(options):
    failed = build("dev", options, folder="build/clang",
                   extra=("-DCMAKE_CXX_COMPILER=clang++-14",))
    return failed or ctest("build/clang", options)


def step_clang_tidy(options):
    # GCC's precompiled headers mean nothing to clang, so this folder is configured without.
    code, lines = run(["cmake", "--preset", "dev", "-B", "build/clang-tidy",
                       "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON"], options.environment, echo=False)
    if code != 0:
        print("\n".join(lines), flush=True)
        return failure(lines)
    return one_check(["run-clang-tidy-14", "-p", "build/clang-tidy", "-quiet", "-j", JOBS],
                     options)


def step_simulation(options):
    failed = build("dev", options)
    # All families together take about half a second of one core for each seed: this is two hours
    # on two cores, and half an hour for the longest of them.
    options = with_environment(options, SLUICE_SIM_SEEDS="25000")
    return failed or ctest("build/dev", options, "-L", "sim", "--timeout", "3600")


def step_quickstart(options):
    return one_check(["scripts/quickstart", "--once"], options)


STEPS = {
    "format": step_format,
    "tidy": step_tidy,
    "unit": step_unit,
    "integration": step_integration,
    "drivers": step_drivers,
    "redis-clients": step_redis_clients,
    "transcript": step_transcript,
    "asan": step_asan,
    "tsan": step_tsan,
    "fuzz": step_fuzz,
}
FULL_STEPS = {"clang": step_clang, "clang-tidy": step_clang_tidy, "simulation": step_simulation,
              "quickstart": step_quickstart}


def environment(full):
    """Ours, with a compiler cache that also serves clones in other folders."""
    result = dict(os.environ)
    if full:
        result["SLUICE_TEST_FULL"] = "1"
    result.setdefault("CCACHE_BASEDIR", os.getcwd())
    result.setdefault("CCACHE_NOHASHDIR", "1")
    # Needed for precompiled headers.
    result.setdefault("CCACHE_SLOPPINESS",
                      "pch_defines,time_macros,include_file_mtime,include_file_ctime")
    return result


def run_steps(names, options):
    tallies = {}
    for name in names:
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        try:
            tally = {**STEPS, **FULL_STEPS}[name](options)
        except (Failure, OSError, subprocess.SubprocessError) as trouble:
            print(f"{name}: {trouble}", flush=True)
            tally = failure([f"{name}: {trouble}"])
        seconds = time.monotonic() - started
        tallies[name] = (tally, seconds)
        print(f"== {name}: {tally} ({seconds:.0f} s)", flush=True)
    return tallies


def main():
    parser = argparse.ArgumentParser(prog="scripts/test")
    parser.add_argument("--only", action="append", metavar="STEP", help="just this step")
    parser.add_argument("--full", action="store_true", help="also what takes hours")
    parser.add_argument("--list", action="store_true", help="name the steps")
    arguments = parser.parse_args()
    known = [*STEPS, *FULL_STEPS]
    if arguments.list:
        print("\n".join(known))
        return 0
    unknown = [name for name in arguments.only or [] if name not in known]
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; there are: {', '.join(known)}")
    ended_by_signals()
    names = arguments.only or [*STEPS, *(FULL_STEPS if arguments.full else [])]
    started = time.monotonic()
    tallies = run_steps(names, Options(arguments.full, environment(arguments.full)))
    print(f"\nAll steps ({time.monotonic() - started:.0f} s):")
    total = Tally()
    for name, (tally, seconds) in tallies.items():
        total += tally
        print(f"  {name:<14} {seconds:6.0f} s   {tally}")
        for line in tally.complaints:
            print(f"    | {line}")
    print(f"\n{total}")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
