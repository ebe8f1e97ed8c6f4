"""A database in which one script after the other is played, directly and through each Sluice."""

import collections
import contextlib
import functools
import random

import fixture
import words
from disturb import STAYING, Disturbance, Quiet
from known import label_of
from pgwire import SECONDS, Client, Closed, Late, ServerError
from player import Difference, record, replay
from processes import wait_until

# How long a play may show no progress; what fails is played once more, alone and with patience.
QUICK_SECONDS = SECONDS / 10
PATIENT_SECONDS = SECONDS / 2

Setting = collections.namedtuple("Setting", "size disturbed")
ALL_SETTINGS = [Setting(size, disturbed) for size in (1, 2, 10) for disturbed in (False, True)]


def some_settings(name):
    """The hardest, and another by the name: for runs that must be quick."""
    hardest = Setting(1, True)
    others = [setting for setting in ALL_SETTINGS if setting != hardest]
    return [hardest, others[seed_of(name) % len(others)]]


def prepare(postgres, lanes):
    """Makes the databases of all lanes; returns their names."""
    postgres.execute(*fixture.ROLES.strip().splitlines(), "CREATE DATABASE lane0 OWNER app")
    postgres.execute(fixture.SETUP, database="lane0")
    with open(f"{postgres.folder}/data/pg_hba.conf", "a") as rules:
        rules.write("host all all 127.0.0.1/32 trust\n")
    postgres.execute("SELECT pg_reload_conf()")
    names = [f"lane{number}" for number in range(lanes)]
    postgres.execute(*(f"CREATE DATABASE {name} TEMPLATE lane0 OWNER app" for name in names[1:]))
    return names


class Lane:
    """`addresses` are those of Sluice by the size of its pools; `pinned` are features that keep a
    backend for their client."""

    def __init__(self, postgres, database, addresses, pinned):
        self.database, self.addresses, self.pinned = database, addresses, pinned
        self.direct_address = f"{postgres.socket_folder}/.s.PGSQL.{postgres.port}"
        self.control = postgres.control(database)
        self.control.query("SET lock_timeout = '2s'; SET client_min_messages = error")
        self.first_new_oid = int(self.control.value(fixture.FIRST_NEW))
        self.disturbers, self.before = [], "nothing"

    def waits(self, pids):
        """By process: "Client" or "Lock" when it waits for that, else something else."""
        found = self.control.rows(
            "SELECT p, CASE s.wait_event WHEN 'ClientRead' THEN 'Client' ELSE s.wait_event_type END "
            f"FROM unnest('{{{','.join(map(str, pids))}}}'::int[]) p "
            "LEFT JOIN LATERAL pg_stat_get_activity(p) s "
            "ON s.wait_event = 'ClientRead' OR s.wait_event_type = 'Lock'") if pids else []
        return {int(pid): waits for pid, waits in found}

    def count(self, condition):
        return int(self.control.value(
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.database}' "
            f"AND pid <> pg_backend_pid() AND {condition}"))

    def wait_gone(self, pids):
        if pids:
            wait_until(lambda: self.count(f"pid IN ({', '.join(map(str, pids))})") == 0,
                       "waiting for backends to end", SECONDS)

    def end_backends(self):
        """Every pool of this database starts anew; who only listens holds no state of a play, and
        a server that ends it again and again is the affair of other tests."""
        ended = self.control.rows("SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity "
                                  f"WHERE datname = '{self.database}' AND pid <> pg_backend_pid() "
                                  "AND application_name <> 'sluice listener'")
        # Meanwhile others may come.
        self.wait_gone([int(pid) for pid, _ in ended])

    def tidy(self):
        """The database as it was. A backend that still holds a lock is in the way of others too."""
        try:
            self.control.query(f"SELECT tidy({self.first_new_oid})")
        except ServerError:
            self.end_backends()
            self.control.query(f"SELECT tidy({self.first_new_oid})")

    def record(self, script):
        self.tidy()
        return record(self, script)

    def record_disturbers(self, scripts):
        self.disturbers = [(script, self.record(script)) for script in scripts]

    def allows(self, script, setting):
        """Whether there are backends for all that keep theirs."""
        return setting.size >= len(script.clients) or not script.pins & self.pinned

    def play(self, script, recording, setting, seconds):
        """Through Sluice; raises Difference."""
        address = self.addresses[setting.size]
        disturbance = Quiet()
        self.tidy()
        if setting.disturbed and not script.alone:
            room = setting.size >= len(script.clients) + STAYING
            candidates = [(other, answers) for other, answers in self.disturbers
                          if room or not other.pins & self.pinned]
            disturbance = Disturbance(self, address, f"{script.name} {setting.size}", candidates,
                                      seconds)
        try:
            replay(self, address, script, recording, disturbance, seconds)
            try:
                disturbance.finish()
            except Late:
                raise Difference("a disturber", 0, ["its answers"], [], True) from None
            except Difference as difference:
                difference.client = f"a disturber's {difference.client}"
                raise
        finally:
            disturbance.close()
        self.probe(address, seconds)

    def probe(self, address, seconds):
        try:
            with contextlib.closing(Client(address, database=self.database,
                                           seconds=seconds)) as client:
                found = client.value(fixture.PROBE)
                client.end()
        except (Closed, Late, ServerError) as failure:
            found = repr(failure)
        if found:
            raise Difference("who came next", 0, ["a fresh session"], [found], False)

    def judge(self, script, settings, known=None, every_setting=True):
        """(verdict, words about it, where): "passed", "failed" or "known".

        `known` tells which differences of which scripts are; one is enough of a script, if not
        every setting is to be tried.
        """
        before, self.before = self.before, script.name
        recording, verdict = self.record(script), "passed"
        is_allowed = functools.partial(known.allows, script.name) if known else lambda one: False
        for setting in settings:
            if not self.allows(script, setting) or (verdict == "known" and not every_setting):
                continue
            try:
                self.play(script, recording, setting, QUICK_SECONDS)
            except Difference as first:
                self.end_backends()
                if is_allowed(first):
                    verdict = "known"
                    continue
                found, story = self.second_look(script, recording, setting, first, before)
                self.end_backends()
                if found is not None and is_allowed(found):
                    verdict = "known"
                elif story:
                    return "failed", story, setting
        return verdict, "", None

    def fails(self, script, setting):
        """Whether it differs on fresh backends; what PostgreSQL cannot repeat does not count."""
        self.end_backends()
        recording = self.record(script)
        if self.record(script).transcripts != recording.transcripts:
            return None
        try:
            self.play(script, recording, setting, QUICK_SECONDS)
        except Difference as difference:
            return difference
        return None

    def second_look(self, script, recording, setting, first, before):
        """Alone, on fresh backends and with patience; the difference found then, and a story of it
        for a reader. What was only slow has not failed."""
        repeated = self.record(script)
        if repeated.transcripts != recording.transcripts:
            return None, "PostgreSQL itself answers differently from time to time: mend the script\n" + \
                "\n".join(sides(recording.transcripts, repeated.transcripts))
        try:
            self.play(script, recording, setting, PATIENT_SECONDS)
        except Difference as second:
            return second, story_of(script, setting, second)
        if first.late:
            return None, ""
        return None, story_of(script, setting, first) + \
            f"\n  (not when played again on fresh backends; before it was {before})"


def sides(left, right):
    for client in sorted(left):
        one, other = left[client], right.get(client, [])
        for position in range(max(len(one), len(other))):
            pair = [side[position] if position < len(side) else "nothing" for side in (one, other)]
            if pair[0] != pair[1]:
                yield f"  {client}: {pair[0]}\n  {client}: {pair[1]}"


def story_of(script, setting, difference):
    """A difference for a reader: what was sent until then, what should have come, what came."""
    lines = [f"pool of {setting.size}{', disturbed' if setting.disturbed else ''}: {difference}"
             f"{' (nothing more came)' if difference.late else ''}, in known.txt: {label_of(difference)}"]
    last = len(script.steps) - 1 if difference.step is None else difference.step
    for number, step in enumerate(script.steps[:last + 1]):
        lines.append(f"  {'>>' if number == last else '  '} {words.step(step)}")
    start = max(difference.position - 3, 0)
    for title, side in (("PostgreSQL", difference.expected), ("Sluice", difference.got)):
        lines.append(f"  {title} to {difference.client}:")
        for position in range(start, difference.position + 3):
            mark = "->" if position == difference.position else "  "
            if position < len(side):
                lines.append(f"    {mark} {side[position]}")
            elif position == len(side):
                lines.append(f"    {mark} (nothing)")
    return "\n".join(lines)


def seed_of(text):
    return random.Random(text).getrandbits(32)
