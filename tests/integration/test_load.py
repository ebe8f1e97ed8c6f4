"""The bench's brief clients, a few of them: that what they report can be believed."""

import os
import subprocess

from case import case
from pgwire import SECONDS
from processes import free_port
from rig import PASSWORD, Skipped


def program_of(rig):
    program = os.path.join(rig.build, "bench", "load", "sluice-bench")
    if not os.path.exists(program):
        raise Skipped("sluice-bench is not in this build")
    return program


def ended(program, *arguments, code=0):
    """The program's run, which has ended with that code."""
    # Beyond its own patience with clients that hang, 30 seconds.
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=SECONDS + 60, check=False)
    assert done.returncode == code, f"code {done.returncode}: {done.stdout}{done.stderr}"
    return done


def played(program, *arguments, code=0):
    """What it has printed: its numbers by name, and failures by their kind."""
    done = ended(program, *arguments, code=code)
    lines = [line.split(" ") for line in done.stdout.splitlines()]
    failures = {" ".join(line[2:]): int(line[1]) for line in lines if line[0] == "failure"}
    return {line[0]: float(line[1]) for line in lines if line[0] != "failure"}, failures


def at(port, *arguments):
    return ("--port", str(port), "--user", "app", "--database", "app", "--seconds", "1", *arguments)


@case
def brief_clients_by_trust_and_by_scram_share_few_backends(rig):
    program = program_of(rig)
    for method in ("trust", "scram-sha-256"):
        with rig.sluice(auth=method, pool_size=2, users={"app": {"password": PASSWORD}},
                        database={"password": PASSWORD}) as sluice:
            numbers, failures = played(
                program, *at(sluice.port, "--clients", "60", "--queries", "3", "--password", PASSWORD))
            assert numbers["lives"] >= 60 and not failures, (numbers, failures)
            assert numbers["queries"] == 3 * numbers["lives"], numbers
            assert 0 < numbers["p50_ms"] <= numbers["p99.9_ms"] <= numbers["longest_ms"], numbers
            assert len(rig.postgres.backends()) <= 2


@case
def lives_that_fail_are_counted_by_their_reason(rig):
    program = program_of(rig)
    with rig.sluice(auth="scram-sha-256", users={"app": {"password": PASSWORD}}) as sluice:
        numbers, failures = played(program, *at(sluice.port, "--clients", "2", "--password", "wrong"),
                                   code=1)
        assert numbers["lives"] == 0 and list(failures) == ["28P01"], (numbers, failures)
        assert numbers["failures"] == sum(failures.values())
    with rig.sluice() as sluice:
        _, failures = played(program, *at(sluice.port, "--clients", "2", "--query", "SELECT 1/0"), code=1)
        assert list(failures) == ["22012"], failures
    _, failures = played(program, *at(free_port(), "--clients", "2"), code=1)
    assert list(failures) == ["connect: Connection refused"], failures


@case
def arguments_that_are_wrong_are_named(rig):
    program = program_of(rig)
    assert "--clients" in ended(program, "--help").stdout
    for word, arguments in (("--port", ()), ("--bogus", ("--bogus", "1")), ("value", ("--port",)),
                            ("--user", ("--port", "5432")), ("65535", at(65536)),
                            ("--clients", at(5432, "--clients", "0")),
                            ("many", at(5432, "--clients", "many")),
                            ("localhost", at(5432, "--host", "localhost"))):
        done = ended(program, *arguments, code=2)
        assert word in done.stderr and not done.stdout, done
