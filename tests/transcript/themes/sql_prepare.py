"""PREPARE, EXECUTE, DEALLOCATE in SQL, and how they mix with the statements of the protocol."""

from pgwire import Bind, Close, Describe, Execute, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

ORDERS = {
    "once": ["PREPARE s AS SELECT 1", "EXECUTE s", "DEALLOCATE s", "EXECUTE s"],
    "parameters": ["PREPARE s (int, text) AS SELECT $1, $2", "EXECUTE s (1, 'x')", "EXECUTE s (1)", "EXECUTE s ('x', 1)"],
    "inferred": ["PREPARE s AS SELECT word FROM numbers WHERE n = $1", "EXECUTE s (3)", "EXECUTE s (1 + 3)"],
    "twice": ["PREPARE s AS SELECT 1", "PREPARE s AS SELECT 2", "EXECUTE s"],
    "unknown": ["EXECUTE s", "DEALLOCATE s", "SELECT 1"],
    "all": ["PREPARE s AS SELECT 1", "PREPARE t AS SELECT 2", "DEALLOCATE ALL", "EXECUTE s", "EXECUTE t", "PREPARE s AS SELECT 3", "EXECUTE s"],
    "prepare_all": ["PREPARE s AS SELECT 1", "DEALLOCATE PREPARE ALL", "EXECUTE s"],
    "discard_all": ["PREPARE s AS SELECT 1", "DISCARD ALL", "EXECUTE s"],
    "discard_plans": ["PREPARE s AS SELECT 1", "DISCARD PLANS", "EXECUTE s"],
    "rolled_back": ["BEGIN", "PREPARE s AS SELECT 1", "ROLLBACK", "EXECUTE s"],
    "deallocate_rolled_back": ["PREPARE s AS SELECT 1", "BEGIN", "DEALLOCATE s", "ROLLBACK", "EXECUTE s"],
    "failed_block": ["PREPARE s AS SELECT 1", "BEGIN", "SELECT 1/0", "EXECUTE s", "DEALLOCATE s", "ROLLBACK", "EXECUTE s"],
    "savepoint": ["BEGIN", "SAVEPOINT a", "PREPARE s AS SELECT 1", "ROLLBACK TO a", "EXECUTE s", "COMMIT", "EXECUTE s"],
    "fails": ["PREPARE s AS SELEKT", "EXECUTE s", "PREPARE s AS SELECT * FROM nowhere", "EXECUTE s", "PREPARE s AS SELECT 1/0", "EXECUTE s"],
    "in_a_string": ["PREPARE s AS SELECT 1; EXECUTE s; DEALLOCATE s", "EXECUTE s"],
    "string_fails_behind": ["PREPARE s AS SELECT 1; SELECT 1/0", "EXECUTE s"],
    "string_fails_before": ["SELECT 1/0; PREPARE s AS SELECT 1", "EXECUTE s"],
    "comment_and_case": ["/* c */ pRePaRe S as select 1", "ExEcUtE s", "-- x\nEXECUTE s", "dealloCATE S", "execute s"],
    "quoted": ['PREPARE "S t" AS SELECT 1', 'EXECUTE "S t"', "EXECUTE s", 'DEALLOCATE "S t"', 'EXECUTE "S t"'],
    "long_name": [f"PREPARE {'x' * 80} AS SELECT 1", f"EXECUTE {'x' * 80}", f"EXECUTE {'x' * 63}"],
    "utility": ["PREPARE s AS SHOW search_path", "EXECUTE s"],
    "insert": ["PREPARE s AS INSERT INTO plain VALUES ($1)", "EXECUTE s (1)", "EXECUTE s (2)", "SELECT count(*) FROM plain"],
    "path": ["PREPARE s AS SELECT * FROM thing", "EXECUTE s", "SET search_path = two", "EXECUTE s"],
    "create_table_as": ["PREPARE s AS SELECT 1 AS i", "CREATE TABLE made AS EXECUTE s", "SELECT * FROM made"],
    "explain_execute": ["PREPARE s AS SELECT 1", "EXPLAIN (COSTS OFF) EXECUTE s", "EXPLAIN (COSTS OFF) EXECUTE t"],
    "in_pg_prepared_statements": ["PREPARE s AS SELECT 1", "SELECT name, statement, from_sql FROM pg_prepared_statements"],
    "generic_plans": ["PREPARE s AS SELECT word FROM numbers WHERE n = $1", *(f"EXECUTE s ({n})" for n in range(1, 9)),
                      "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 's'"],
    "dynamic": ["DO $$ BEGIN EXECUTE 'PREPARE s AS SELECT 1'; END $$", "EXECUTE s"],
}
for name, steps in ORDERS.items():
    script(name, *(a(sql) for sql in steps))
    if not any(";" in sql for sql in steps):
        script(f"{name}_extended", *(a(ask(sql), Sync) for sql in steps))
    script(f"{name}_pipelined", a(*steps))
    keeps = {"BEGIN": "transaction", "SET search_path = two": "set"}
    script(f"{name}_beside_another", *(step for sql in steps for step in (a(sql), b("SELECT 'b'"))),
           pins=("sql_prepare", *(keeps[sql] for sql in steps if sql in keeps), *(["hidden_prepare"] if name == "dynamic" else [])))

script("execute_of_a_parsed_one", a(Parse("SELECT $1::int", "s"), Sync), a("EXECUTE s (4)"), a(ask("EXECUTE s (5)"), Sync),
       a("DEALLOCATE s"), a("EXECUTE s (6)"), a(again([1], "s"), Sync))
script("bind_of_a_prepared_one", a("PREPARE s AS SELECT $1::int"), a(again([4], "s"), Sync), a(Describe("S", "s"), Sync),
       a(Close("S", "s"), Sync), a("EXECUTE s (5)"))
script("parse_over_a_prepared_one", a("PREPARE s AS SELECT 1"), a(Parse("SELECT 2", "s"), Sync), a("EXECUTE s"))
script("prepare_over_a_parsed_one", a(Parse("SELECT 2", "s"), Sync), a("PREPARE s AS SELECT 1"), a(again([], "s"), Sync))
script("execute_by_a_named_one", a("PREPARE s AS SELECT 1"), a(Parse("EXECUTE s", "e"), Sync), a(again([], "e"), Sync),
       a("DEALLOCATE s"), a(again([], "e"), Sync), a("PREPARE s AS SELECT 2"), a(again([], "e"), Sync))
script("prepare_by_the_extended_protocol", a(Parse("PREPARE s AS SELECT $1::int", "p"), Sync), a(again([], "p"), Sync), a("EXECUTE s (1)"),
       a(again([], "p"), Sync), a("DEALLOCATE s"), a(again([], "p"), Sync), a("EXECUTE s (2)"))
script("both_in_one_batch", a(Parse("SELECT 1", "x"), ask("PREPARE s AS SELECT 2"), ask("EXECUTE s"), again([], "x"),
                              ask("DEALLOCATE x"), again([], "x"), Sync), a("EXECUTE s"))
script("same_name_of_two", a("PREPARE s AS SELECT 'a'"), b("PREPARE s AS SELECT 'b'"), a("EXECUTE s"), b("EXECUTE s"),
       a("DEALLOCATE s"), b("EXECUTE s"), a("EXECUTE s"), pins="sql_prepare")
script("not_of_another", a("PREPARE s AS SELECT 'a'"), b("EXECUTE s"), b("DEALLOCATE s"), a("EXECUTE s"), pins="sql_prepare")
script("of_one_who_left", a("PREPARE s AS SELECT 'a'"), a.leaves(), b("EXECUTE s"), b("PREPARE s AS SELECT 'b'"), b("EXECUTE s"))
script("of_one_who_vanished_in_a_block", a("BEGIN"), a("PREPARE s AS SELECT 'a'"), a.vanishes(), b("EXECUTE s"))
script("deallocate_all_of_one", a("PREPARE s AS SELECT 'a'"), b("PREPARE s AS SELECT 'b'"), a("DEALLOCATE ALL"), b("EXECUTE s"),
       a("EXECUTE s"), pins="sql_prepare")
script("in_blocks_of_two", a("PREPARE s AS SELECT 'a'"), b("BEGIN"), b("PREPARE s AS SELECT 'b'"), a("EXECUTE s"), b("EXECUTE s"),
       b("ROLLBACK"), a("EXECUTE s"), b("EXECUTE s"), pins=("sql_prepare", "transaction"))
