"""Simple Query: one statement, many, none, wrong ones."""

from pgwire import DIVISION, Flush, Query, Sync
from script import a, b, theme

script = theme(__name__)

ONE = {
    "select": "SELECT 1", "two_in_a_string": "SELECT 1; SELECT 2", "empty": "",
    "only_a_semicolon": ";", "only_spaces": "  \n ", "only_a_comment": "-- nothing",
    "semicolons_between": "SELECT 1;; SELECT 2;", "comment_first": "/* SET work_mem = 1 */ SELECT 1",
    "nested_comment": "/* a /* b */ c */ SELECT 1", "no_columns": "SELECT", "no_rows": "SELECT 1 WHERE false",
    "many_columns": "SELECT " + ", ".join(str(n) for n in range(200)),
    "null_and_empty": "SELECT NULL, ''", "types": "SELECT 1::int2, 2::int8, 3.5::numeric, true, 'x'::text, "
    "'{1,2}'::int[], '2026-01-02'::date, '\\xff'::bytea, 'sad'::mood, ROW(1, 'b'), '1 day'::interval",
    "values": "VALUES (1, 'a'), (2, 'b')", "table": "TABLE numbers", "utf8": "SELECT 'żółw 🐢'",
    "dollar_quotes": "SELECT $$SET work_mem = 1$$, $a$;$a$", "unicode_text": "SELECT U&'\\0041'",
    "quoted_name": 'SELECT 1 AS "SET"', "long_column_name": "SELECT 1 AS " + "x" * 80,
    "syntax_error": "SELEKT", "syntax_error_at_the_end": "SELECT 1 +", "unterminated": "SELECT 'x",
    "unknown_table": "SELECT * FROM nowhere", "unknown_column": "SELECT nothing FROM numbers",
    "unknown_function": "SELECT nothing()", "division": "SELECT 1/0", "division_when_run": DIVISION,
    "rows_then_error": "SELECT 1 / (3 - n) FROM generate_series(1, 5) n",
    "error_in_the_middle": "SELECT 1; SELECT 1/0; SELECT 2",
    "syntax_error_in_the_middle": "SELECT 1; SELEKT; SELECT 2",
    "unique_violation": "INSERT INTO parent VALUES (1)",
    "foreign_key_violation_at_commit": "INSERT INTO child VALUES (7)",
    "foreign_key_violation": "INSERT INTO child VALUES (7); SET CONSTRAINTS ALL IMMEDIATE",
    "trigger_refuses": "INSERT INTO guarded VALUES (1)", "check_of_types": "SELECT 'x'::int",
    "insert": "INSERT INTO plain VALUES (1), (2)", "update_none": "UPDATE plain SET i = 1",
    "insert_returning": "INSERT INTO plain VALUES (4) RETURNING i, i + 1",
    "delete": "DELETE FROM plain", "truncate": "TRUNCATE plain", "explain": "EXPLAIN SELECT 1",
    "explain_costs_off": "EXPLAIN (COSTS OFF) SELECT * FROM numbers WHERE n = 1",
    "show": "SHOW server_version_num", "call": "CALL gives(4)",
    "call_that_commits": "CALL commits()", "do": "DO $$ BEGIN NULL; END $$",
    "do_that_fails": "DO $$ BEGIN RAISE EXCEPTION 'so' USING ERRCODE = 'ZZ123', HINT = 'h', DETAIL = 'd'; END $$",
    "vacuum_in_a_string": "SELECT 1; VACUUM plain", "checkpoint_forbidden": "CHECKPOINT",
    "permission_denied": "SELECT * FROM private", "create_and_drop": "CREATE TABLE x (i int); DROP TABLE x",
    "create_table": "CREATE TABLE x (i int); INSERT INTO x VALUES (1); SELECT * FROM x",
    "drop_of_nothing": "DROP TABLE IF EXISTS nothing", "parameter_in_simple": "SELECT $1",
    "lock_outside": "LOCK TABLE plain", "savepoint_outside": "SAVEPOINT s",
    "select_into": "SELECT 1 AS i INTO x; SELECT * FROM x", "identifier_cut": "SELECT 1 AS \"" + "y" * 70 + "\"",
    "with_modifying": "WITH w AS (INSERT INTO plain VALUES (5) RETURNING i) SELECT * FROM w",
    "merge": "MERGE INTO plain p USING (VALUES (1)) v (i) ON p.i = v.i WHEN NOT MATCHED THEN INSERT VALUES (v.i)",
    "large_sql": "SELECT length('" + "x" * 30000 + "')",
    "two_large_rows": "SELECT repeat('x', 20000) FROM generate_series(1, 2)",
}
for name, sql in ONE.items():
    # What follows shows that the session is as it should be.
    script(name, a(sql), a("SELECT 'still here'"))

script("pipelined", a("SELECT 1", "SELECT 2", "SELECT 3"))
script("pipelined_with_errors", a("SELECT 1", "SELEKT", "SELECT 1/0", "", "SELECT 2"))
script("pipelined_transaction", a("BEGIN", "SELECT 1", "SELECT 1/0", "SELECT 2", "COMMIT", "SELECT 3"))
script("pipelined_twice", a("SELECT 1", "BEGIN"), a("SELECT 2", "COMMIT", "SELECT 3"))
script("byte_by_byte", a("SELECT 1; SELECT 'two'", piece=1), a("SELECT 3", "SELECT 4", piece=3))
script("sent_in_two_pieces", a("SELECT 1", "SELECT 2", piece=16))
script("with_syncs_between", a(Sync, "SELECT 1", Sync, Sync, "SELECT 2", Flush, Sync))
script("without_waiting", a("SELECT 1", waits=False), a("SELECT 2", waits=False), a("SELECT 3"))
script("many", *(a(f"SELECT {n}") for n in range(30)))
script("many_pipelined", a(*(f"SELECT {n}" for n in range(300))))
script("two_clients", a("SELECT 'a'"), b("SELECT 'b'"), a("SELECT 'a again'"), b("SELECT 1/0"), a("SELECT 3"))
script("one_leaves", a("SELECT 'a'"), b("SELECT 'b'"), a.leaves(), b("SELECT 'b again'"))
script("one_vanishes_in_a_transaction", a("BEGIN"), a("INSERT INTO plain VALUES (1)"), a.vanishes(),
       b("SELECT count(*) FROM plain"))
script("one_comes_back", a("SELECT 1"), a.leaves(), a("SELECT 2"), a("SELECT 3"))
