"""Plans that no longer fit: DDL between Parse and Execute, by oneself and by another."""

from pgwire import Bind, Close, Describe, Execute, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

MAKE = "CREATE TABLE t (i int); INSERT INTO t VALUES (1)"
CHANGES = {"add_column": "ALTER TABLE t ADD j text DEFAULT 'x'", "drop_and_make": "DROP TABLE t; CREATE TABLE t (k text)",
           "change_type": "ALTER TABLE t ALTER i TYPE text", "rename": "ALTER TABLE t RENAME TO gone", "drop": "DROP TABLE t",
           "rename_column": "ALTER TABLE t RENAME i TO k", "add_index": "CREATE INDEX ON t (i)", "analyze": "ANALYZE t",
           "path": "SET search_path = two; CREATE TABLE t (in_two text)"}
for name, change in CHANGES.items():
    for kind, statement in (("named", "s"), ("unnamed", "")):
        made = Parse("SELECT * FROM t", statement) + Sync
        run = Bind([], statement) + Describe() + Execute() + Sync
        undo = [a("DROP TABLE IF EXISTS two.t")] if name == "path" else []
        script(f"{name}_{kind}", a(MAKE), a(made), a(run), a(change), a(run), a(Describe("S", statement), Sync), a(run), *undo)
        script(f"{name}_{kind}_anew", a(MAKE), a(made), a(run), a(change), a(run), a(Close("S", statement), made), a(run), *undo)
        script(f"{name}_{kind}_in_a_block", a(MAKE), a(made), a(run), a("BEGIN"), a(change), a(run), a("ROLLBACK"), a(run), *undo)
        script(f"{name}_{kind}_in_a_batch", a(MAKE), a(made), a(change), a(Bind([], statement), Execute(), Bind([], statement), Execute(), Sync),
               a(run), *undo)
        script(f"{name}_{kind}_behind_others", a(MAKE), a(made), a(change), a(ask("SELECT 'before'", name="other"), Bind([], statement), Execute(), ask("SELECT 'behind'", name="more"), Sync),
               a(run), *undo)
        if name != "path":
            script(f"{name}_{kind}_by_another", a(MAKE), a(made), a(run), b(change), a(run), b("SELECT 1"), a(run),
                   pins=("named_statement", "unnamed_statement"))
    # Who goes by what it was told decodes other rows wrongly, unless it is refused.
    use = Bind([], "s") + Execute() + Sync
    undo = [a("DROP TABLE IF EXISTS two.t")] if name == "path" else []
    for way, told in (("statement", Describe("S", "s") + Sync), ("portal", Bind([], "s") + Describe() + Execute() + Sync)):
        script(f"told_by_{way}_{name}", a(MAKE), a(Parse("SELECT * FROM t", "s")), a(told), a(use), a(change), a(use), a(use),
               a(Close("S", "s"), Parse("SELECT * FROM t", "s"), told), a(use), *undo)
        if name != "path":
            script(f"told_by_{way}_{name}_by_another", a(MAKE), a(Parse("SELECT * FROM t", "s")), a(told), a(use), b(change), a(use),
                   a(Close("S", "s"), Parse("SELECT * FROM t", "s"), told), a(use), pins=("named_statement",))
    if name != "path":
        # The same without a name; DDL by the client itself would drop it.
        made, run = Parse("SELECT * FROM t") + Describe("S", "") + Sync, Bind([], "") + Execute() + Sync
        script(f"told_unnamed_{name}_by_another", a(MAKE), a(made), a(run), b(change), a(run), a(run), a(made), a(run), pins=("unnamed_statement",))
        script(f"told_unnamed_{name}_beside_another", a(MAKE), a(made), b(change), b(made), a(run), b(run), a(made), a(run), pins=("unnamed_statement",))
    script(f"{name}_sql", a(MAKE), a("PREPARE s AS SELECT * FROM t"), a("EXECUTE s"), a(change), a("EXECUTE s"), a("EXECUTE s"))
    script(f"{name}_one_batch_each", a(MAKE), *(a(ask("SELECT * FROM t"), Sync) for _ in range(3)), a(change), *(a(ask("SELECT * FROM t"), Sync) for _ in range(2)))
for name, (make, change) in {"function": ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'"),
                             "function_dropped": ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f()"),
                             "view": ("CREATE VIEW f AS SELECT 1 AS x; CREATE FUNCTION f() RETURNS SETOF f LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE VIEW f AS SELECT 1 AS x, 2 AS y")}.items():
    script(name, a(make), a(Parse("SELECT * FROM f()", "s"), Sync), a(again([], "s"), Sync), a(change), a(again([], "s"), Sync), a(again([], "s"), Sync))
script("generic_after_five", a(Parse("SELECT word FROM numbers WHERE n = $1", "s"), Sync), *(a(again([n], "s"), Sync) for n in range(1, 9)))
script("mode_changes", a(Parse("SELECT word FROM numbers WHERE n = $1", "s"), Sync), a("SET plan_cache_mode = force_generic_plan"), a(again([1], "s"), Sync),
       a("SET plan_cache_mode = force_custom_plan"), a(again([2], "s"), Sync))
# What stands in front of a table from now on, by a tag that does not tell that anything was made.
SHADOWS = {"create_table_as": "CREATE TABLE one.t AS SELECT 'in front' AS w", "select_into": "SELECT 'in front' AS w INTO one.t",
           "explained": "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) CREATE TABLE one.t AS SELECT 'in front' AS w",
           "materialized": "CREATE MATERIALIZED VIEW one.t AS SELECT 'in front' AS w",
           "temporary": "CREATE TEMP TABLE t AS SELECT 'in front' AS w", "into_temporary": "SELECT 'in front' AS w INTO TEMP t",
           "in_code": "DO $$ BEGIN CREATE TABLE one.t AS SELECT 'in front' AS w; END $$"}
for name, change in SHADOWS.items():
    asks = [a(ask("SELECT * FROM t"), Sync) for _ in range(3)]
    begun = (a("SET search_path = one, two"), a("CREATE TABLE two.t AS SELECT 'behind' AS w"), *asks)
    gone = a("DROP TABLE t" if name != "materialized" else "DROP MATERIALIZED VIEW t")
    end = (gone, *asks[:2], a("DROP TABLE two.t"))
    anew = a(Parse("SELECT * FROM t", "anew"), Sync, Bind([], "anew"), Execute(), Sync)
    script(f"in_front_{name}", *begun, a(change), *asks[:2], anew, *end)
    script(f"in_front_{name}_extended", *begun, a(ask(change), Sync), *asks[:2], anew, *end)
    script(f"in_front_{name}_in_a_block", *begun, a("BEGIN"), a(change), asks[0], anew, a("ROLLBACK"), *asks[:2],
           a(Bind([], "anew"), Execute(), Sync), a("DROP TABLE two.t"), pins=("transaction",))
    script(f"in_front_{name}_one_batch", *begun, a(ask(change), ask("SELECT * FROM t"), Sync), *asks[:2], *end)
# What is told of a portal is of the statement that is bound to it now, not of one that was before.
USE = Bind([], "s") + Execute() + Sync
script("told_of_another", a("BEGIN", Parse("SELECT n FROM numbers", "s"), USE, ask("SELECT 'x'"), Sync, "COMMIT"),
       b(Parse("SELECT n FROM numbers", "s") + Describe("S", "s") + Sync), b(USE), a(USE), a(USE), pins=("named_statement",))
script("told_of_another_in_a_batch", a(Parse("SELECT n FROM numbers", "s"), Bind([], "s"), Execute(), ask("SELECT 'x'"), Sync),
       b(Parse("SELECT n FROM numbers", "s") + Describe("S", "s") + Sync), b(USE), a(USE), a(USE), pins=("named_statement",))
