"""Scripts from a grammar: several clients, the vocabulary of the themes, one seed each.

What the pooler is known not to do yet is left out: a production names the script in known.txt, or
the feature of the theme `pins`, that stands for it.
"""

import dataclasses
import random
import time

import words
from known import label_of
from lane import ALL_SETTINGS, story_of
from pgwire import (Bind, Close, CopyData, CopyDone, CopyFail, Describe, Execute, Flush, FunctionCall, Parse,
                    Query, Sync)
from script import Letter, Script, again, ask

SHRINK_SECONDS = 25.0
QUERIES = ["SELECT 1", "SELECT 'text', NULL", "SELECT 1; SELECT 2", "", ";", "SELECT 1/0", "SELEKT",
           "SELECT count(*) FROM plain", "INSERT INTO plain VALUES (1)", "SHOW work_mem", "SHOW search_path",
           "SELECT * FROM thing", "SELECT generate_series(1, 200)", "SELECT notice('heard')",
           "INSERT INTO child VALUES (7)", "SELECT current_user", "SHOW application_name", "SELECT 1; SELECT 1/0; SELECT 2",
           "SELECT word FROM numbers WHERE n = 3", "COPY (SELECT n FROM numbers ORDER BY n) TO STDOUT",
           "SELECT repeat('x', 9000)", "DROP TABLE IF EXISTS nothing", "SELECT pg_advisory_xact_lock(55)",
           "EXPLAIN (COSTS OFF) SELECT 1", "VALUES (1), (2)", "SHOW TimeZone", "SELECT '2026-02-03'::date"]
BLOCKS = ["BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "BEGIN READ ONLY",
          "COMMIT AND CHAIN", "BEGIN; INSERT INTO plain VALUES (2)", "SELECT 1; BEGIN", "COMMIT; SELECT 5",
          "BEGIN ISOLATION LEVEL REPEATABLE READ", "ROLLBACK AND CHAIN"]
# By the feature of the theme `pins`.
STATE = {
    "set": ["SET work_mem = '9MB'", "SET work_mem = '7MB'", "RESET work_mem", "SET search_path = two", "SET search_path = one, public",
            "SET application_name = 'mine'", "SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'German'", "RESET ALL", "SET LOCAL work_mem = '5MB'",
            "RESET search_path", "BEGIN; SET work_mem = '6MB'", "SET client_encoding = 'LATIN1'", "SET bad_name = 1"],
    "set_config": ["SELECT set_config('work_mem', '11MB', false)", "SELECT set_config('search_path', 'two', true)"],
    "role": ["SET ROLE second", "RESET ROLE", "SET LOCAL ROLE second"],
    "sql_prepare": ["PREPARE s AS SELECT 'prepared'", "EXECUTE s", "DEALLOCATE s", "PREPARE t (int) AS SELECT $1 + 1", "EXECUTE t (3)",
                    "DEALLOCATE ALL", "EXECUTE u", "DISCARD ALL"],
    "temporary_table": ["CREATE TEMP TABLE mine (i int)", "INSERT INTO mine VALUES (1)", "SELECT * FROM mine", "DROP TABLE mine"],
    "with_hold": ["DECLARE c CURSOR WITH HOLD FOR SELECT n FROM numbers ORDER BY n", "FETCH 2 FROM c", "CLOSE c",
                  "DECLARE c CURSOR FOR SELECT n FROM numbers ORDER BY n"],
    # By its own key alone, so that nobody's lock depends on how soon another's backend has gone.
    "advisory_lock": ["SELECT pg_advisory_lock({key})", "SELECT pg_try_advisory_lock({key})", "SELECT pg_advisory_unlock({key})",
                      "SELECT pg_advisory_unlock_all()", "SELECT pg_advisory_lock_shared({key})", "SELECT pg_advisory_unlock_shared({key})",
                      "SELECT mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = {key} ORDER BY mode"],
    "code": ["DO $$ BEGIN PERFORM set_config('work_mem', '9MB', false); END $$", "DO $$ BEGIN SET work_mem = '3MB'; END $$", "SHOW work_mem",
             "DO $$ BEGIN SET LOCAL work_mem = '2MB'; END $$", "DO $$ BEGIN EXECUTE 'SET search_path = two'; END $$", "SHOW search_path",
             "DO $$ BEGIN SET TimeZone = 'Asia/Tokyo'; RAISE NOTICE 'set'; END $$", "DO $$ BEGIN SET work_mem = '4MB'; PERFORM 1/0; END $$",
             "SELECT quietly('work_mem', '9MB')", "SELECT with_own_path()", "SELECT * FROM thing"],
    # The first client alone: when another hears is for the system's scheduler to say.
    "listen": ["LISTEN x", "LISTEN y", "NOTIFY x", "NOTIFY y, 'payload'", "UNLISTEN x", "UNLISTEN *", "SELECT pg_notify('x', 'by function')",
               "SELECT pg_listening_channels()", "BEGIN; NOTIFY x; NOTIFY x; COMMIT", "LISTEN x; NOTIFY x, 'own'"],
    # A schema of the script's own; tables of each client's own where blocks stay open, lest they lock each other out.
    "definitions": ["CREATE TABLE {made} (i int, t text)", "CREATE TABLE {made} AS SELECT n AS i, word AS t FROM numbers WHERE n < 4",
                    "SELECT n AS i INTO {made} FROM numbers WHERE n < 3", "DROP TABLE {made}", "DROP TABLE IF EXISTS {made}", "SELECT * FROM {made}",
                    "ALTER TABLE {made} ADD COLUMN j int DEFAULT 4", "ALTER TABLE {made} DROP COLUMN t", "ALTER TABLE {made} ALTER i TYPE text",
                    "ALTER TABLE {made} RENAME COLUMN i TO k", "INSERT INTO {made} (i) VALUES (5)", "SELECT count(*) FROM {made}",
                    "CREATE OR REPLACE VIEW {made}_seen AS SELECT 7 AS seven", "SELECT * FROM {made}_seen", "CREATE INDEX ON {made} (i)",
                    "TRUNCATE {made}", "UPDATE {made} SET i = i RETURNING *"],
}
# PostgreSQL's own functions, by their OIDs: length, upper, int4div and one that is not there. Users'
# own would keep the backend.
CALLS = [FunctionCall(1317, "four"), FunctionCall(871, "abc"), FunctionCall(154, "6", "3"), FunctionCall(154, "1", "0"),
         FunctionCall(9), FunctionCall(154, "x", "1")]
STATEMENTS = ["SELECT $1::int + 1", "SELECT $1::text", "SELECT * FROM thing", "SHOW work_mem", "SELEKT", "SELECT 1/0", "",
              "INSERT INTO plain VALUES ($1::int) RETURNING i", "SELECT generate_series(1, 5)", "BEGIN", "COMMIT",
              "SELECT word FROM numbers WHERE n = $1::int", "SELECT current_user"]


class Writer:
    """One script; `is_known(name)` tells what known.txt excuses."""

    def __init__(self, seed, is_known):
        self.random = random.Random(seed)
        self.letters = [Letter(name) for name in "abc"[:self.random.choice((1, 1, 2, 2, 3))]]
        self.keeps_unnamed = not is_known("statements.unnamed_bound_twice")
        # A few features a script, so that they meet often.
        self.features = self.random.sample(sorted(STATE), self.random.choice((0, 1, 2, 3)))
        # The polite end each turn outside of a transaction, so that one backend does for all.
        self.polite = self.random.random() < 0.5
        self.pins = set(self.features) if self.polite else {"transaction", *self.features}
        self.discards = not is_known("startup.discard_all_undone_in_its_batch")
        self.logs_in = not is_known("startup.application_name_reset")
        self.names = self.random.sample(["s", "t", "u"], 2) if self.random.random() < 0.6 else []
        if self.names:
            self.pins.add("named_statement")
        if "listen" in self.features:
            # Inside of a batch it may keep its client's backend.
            self.pins.add("transaction")

    def script(self, name):
        steps = [self.letters[0]("CREATE SCHEMA made")] if "definitions" in self.features else []
        for letter in self.letters:
            if self.logs_in and self.random.random() < 0.15:
                steps.append(letter.login(application_name=f"of {letter.name}"))
        for _ in range(self.random.randint(3, 14)):
            letter = self.random.choice(self.letters)
            steps += self.turn(letter)
            if self.polite and steps[-1].act == "send":
                steps[-1] = dataclasses.replace(steps[-1], data=steps[-1].data + Sync + Query("COMMIT"))
        return Script(name, tuple(steps), frozenset(self.pins))

    def turn(self, letter):
        self.letter = letter
        kind = self.random.random()
        if kind < 0.30:
            return [letter(*(self.sql() for _ in range(self.random.choice((1, 1, 1, 2, 4)))))]
        if kind < 0.50:
            return [letter(self.random.choice(BLOCKS))]
        if kind < 0.85:
            return [letter(*self.batch())]
        if kind < 0.93:
            return self.copy(letter)
        if kind < 0.94:
            return [letter(*self.random.choices(CALLS, k=self.random.choice((1, 1, 2))))]
        if kind < 0.95:
            return [letter(Sync, *([Sync] if self.random.random() < 0.3 else []))]
        if kind < 0.97:
            # What was left open must not be asked of anybody.
            return [letter(Sync), letter("ROLLBACK"), letter.leaves()]
        return [letter.vanishes()]

    def sql(self):
        if self.features and self.random.random() < 0.5:
            feature = self.random.choice(self.features)
            if feature != "listen" or self.letter is self.letters[0]:
                return self.by_name(self.random.choice(STATE[feature]))
        return self.random.choice(QUERIES)

    def by_name(self, sql):
        """What is the client's own bears its letter."""
        table = "made.shared" if self.polite else f"made.of_{self.letter.name}"
        return sql.replace("{made}", table).replace("{key}", str(170 + ord(self.letter.name)))

    def batch(self):
        frames = [self.request() for _ in range(self.random.choice((1, 1, 2, 3, 5)))]
        end = self.random.random()
        if end < 0.85:
            return [*frames, Sync]
        return [*frames, Flush, Sync] if end < 0.9 else [*frames, Flush]

    def request(self):
        kind = self.random.random()
        if self.names and kind < 0.5:
            return self.named(self.random.choice(self.names))
        if 0.50 <= kind < 0.52:
            return self.random.choice(CALLS)
        if kind < 0.65:
            rows = self.random.choice((1, 2, 9))
            return Parse("SELECT generate_series(1, 5)") + Bind(portal="p") + Execute(rows, "p") + Execute(rows, "p")
        if kind < 0.75:
            return self.random.choice([Bind([], "none"), Execute(0, "none"), Describe("P", "none"), Close("P", "none"),
                                       Close("S", "none"), Flush, Describe("S", "none"), Parse("SELEKT") + Bind()])
        if kind < 0.80 and self.keeps_unnamed:
            return again(self.values())
        sql = self.random.choice(STATEMENTS) if kind < 0.9 else self.sql()
        if sql == "DISCARD ALL" and not self.discards:
            sql = "DEALLOCATE ALL"
        return ask(sql, self.values() if "$" in sql else ())

    def named(self, name):
        return self.random.choice([
            Parse(self.random.choice(STATEMENTS), name), Parse(self.random.choice(STATEMENTS), name),
            Bind(self.values(), name) + Describe() + Execute(), again(self.values(), name), again([], name),
            Describe("S", name), Close("S", name), Close("S", name) + Parse(self.random.choice(STATEMENTS), name),
            Close("P", name)])

    def values(self):
        return [self.random.choice((1, 3, "x"))]

    def copy(self, letter):
        """Always with its end: who leaves inside a COPY is another matter."""
        data = [CopyData(self.random.choice((b"1\n", b"2\n3\n", b"odd\n", b""))) for _ in range(self.random.randint(0, 3))]
        end = self.random.choice((CopyDone, CopyDone, CopyFail()))
        if self.random.random() < 0.5:
            return [letter("COPY plain FROM STDIN", *data, end)]
        if self.random.random() < 0.5 and not self.polite:
            return [letter("COPY plain FROM STDIN"), letter(*data, end)]
        return [letter(Parse("COPY plain FROM STDIN"), Bind(), Execute(), *data, end, Sync)]


def generate(seed, is_known):
    return Writer(seed, is_known).script(f"generated.seed_{seed}")


def settings_of(seed):
    """Two of all, in turns: one quiet, one disturbed."""
    return [ALL_SETTINGS[::2][seed % 3], ALL_SETTINGS[1::2][seed // 3 % 3]]


def judge_seed(lane, seed, known):
    script = generate(seed, lambda name: bool(known.entries(name)))
    verdict, story, setting = lane.judge(script, settings_of(seed), known)
    if verdict == "failed":
        small, difference = shrink(lane, script, setting)
        if difference is not None:
            story = story_of(small, setting, difference)
        lines = ",\n         ".join(words.step(step) for step in small.steps)
        story += f"\n  script(\"seed_{seed}\",\n         {lines})"
    return verdict, story, setting


def shrink(lane, script, setting):
    """Leaves out steps as long as what remains still differs in the same way."""
    deadline = time.monotonic() + SHRINK_SECONDS
    difference, position = lane.fails(script, setting), 0
    while difference is not None and position < len(script.steps) and time.monotonic() < deadline:
        smaller = dataclasses.replace(script, steps=script.steps[:position] + script.steps[position + 1:])
        found = lane.fails(smaller, setting) if smaller.steps else None
        if found is None or label_of(found) != label_of(difference):
            position += 1
        else:
            script, difference = smaller, found
    return script, difference
