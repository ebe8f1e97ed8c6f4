"""Prepared statements of the protocol: named and unnamed, in every order."""

from pgwire import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)
INT, TEXT = 23, 25
NAMED = ("named_statement", "unnamed_statement")

# Text, a parameter list that fits; tried under a name and without one.
TEXTS = {
    "plain": ("SELECT 1", []), "one_parameter": ("SELECT $1::int + 1", [4]),
    "two_parameters": ("SELECT $1::text, $2::int", ["x", None]),
    "inferred": ("SELECT word FROM numbers WHERE n = $1", [3]),
    "undetermined": ("SELECT $1", ["x"]), "empty": ("", []), "only_a_comment": ("-- nothing", []),
    "insert": ("INSERT INTO plain VALUES ($1)", [5]), "no_rows": ("SELECT 1 WHERE false", []),
    "returning": ("INSERT INTO plain VALUES ($1) RETURNING i", [6]),
    "utility": ("SHOW search_path", []), "ddl": ("CREATE TABLE made (i int)", []),
    "path": ("SELECT * FROM thing", []), "fails_when_run": ("SELECT 1/(n - 1) FROM numbers ORDER BY n", []),
    "fails_when_planned": ("SELECT 1/0", []), "does_not_parse": ("SELEKT", []),
    "unknown_table": ("SELECT * FROM nowhere", []), "two_statements": ("SELECT 1; SELECT 2", []),
    "wrong_value": ("SELECT $1::int", ["x"]), "too_few_values": ("SELECT $1::int, $2::int", [1]),
    "too_many_values": ("SELECT $1::int", [1, 2]), "gap": ("SELECT $2::int", [1, 2]),
    "enum": ("SELECT $1::mood", ["glad"]), "wrong_enum": ("SELECT $1::mood", ["angry"]),
    "array": ("SELECT $1::int[]", ["{1,2}"]), "begin": ("BEGIN", []), "explain": ("EXPLAIN (COSTS OFF) SELECT 1", []),
}
for kind, name in (("named", "s"), ("unnamed", "")):
    for words, (sql, values) in TEXTS.items():
        script(f"{words}_{kind}", a(Parse(sql, name), Describe("S", name), Sync),
               a(again(values, name), Sync), a(again(values, name), Sync), a(Close("S", name), Sync),
               a(again(values, name), Sync), a("ROLLBACK"))
        script(f"{words}_{kind}_at_once",
               a(Parse(sql, name), Describe("S", name), Bind(values, name), Describe("P"), Execute(),
                 Close("S", name), Sync), a("ROLLBACK"), a("SELECT 'after'"))
        script(f"{words}_{kind}_in_a_block", a("BEGIN"), a(Parse(sql, name), Sync),
               a(again(values, name), Sync), a("COMMIT"), a(again(values, name), Sync), a("ROLLBACK"))

for kind, name in (("named", "s"), ("unnamed", "")):
    one, two = Parse("SELECT 'one'", name), Parse("SELECT 'two'", name)
    run = again([], name) + Sync
    script(f"describe_before_bind_{kind}", a(one, Sync), a(Describe("S", name), Sync), a(run))
    script(f"twice_{kind}", a(one, Sync), a(two, Sync), a(run))
    script(f"twice_in_a_batch_{kind}", a(one, two, again([], name), Sync), a(run))
    script(f"twice_the_same_{kind}", a(one, Sync), a(one, Sync), a(run))
    script(f"close_and_anew_{kind}", a(one, Sync), a(Close("S", name), two, Sync), a(run))
    script(f"close_and_anew_in_a_batch_{kind}",
           a(one, again([], name), Close("S", name), two, again([], name), Sync), a(run))
    script(f"closed_twice_{kind}", a(one, Sync), a(Close("S", name), Close("S", name), Sync), a(run))
    script(f"bind_before_close_{kind}", a(one, Bind([], name), Close("S", name), Execute(), Sync), a(run))
    script(f"unknown_{kind}", a(Bind([], name), Execute(), Sync), a(Describe("S", name), Sync),
           a(Close("S", name), Sync), a(one, Sync), a(run))
    script(f"failed_parse_then_bind_{kind}", a(Parse("SELEKT", name), Sync), a(run), a(one, Sync), a(run))
    script(f"failed_parse_and_bind_{kind}", a(Parse("SELEKT", name), Bind([], name), Execute(), Sync), a(run))
    script(f"failed_parse_over_a_good_one_{kind}", a(one, Sync), a(Parse("SELEKT", name), Sync), a(run))
    script(f"parse_behind_an_error_{kind}", a(Parse("SELEKT", "x"), one, Sync), a(run))
    script(f"close_behind_an_error_{kind}", a(one, Sync), a(Parse("SELEKT", "x"), Close("S", name), Sync), a(run))
    script(f"parse_before_an_error_{kind}", a(one, Parse("SELEKT", "x"), Sync), a(run))
    script(f"parse_before_a_failing_execute_{kind}", a(one, ask("SELECT 1/0", name="y"), Sync), a(run))
    script(f"survives_a_simple_query_{kind}", a(one, Sync), a("SELECT 5"), a(run))
    script(f"survives_an_empty_query_{kind}", a(one, Sync), a(""), a(run))
    script(f"survives_a_failed_query_{kind}", a(one, Sync), a("SELECT 1/0"), a(run))
    script(f"survives_a_syntax_error_{kind}", a(one, Sync), a("SELEKT"), a(run))
    script(f"survives_commit_{kind}", a("BEGIN"), a(one, Sync), a("COMMIT"), a(run), a(run))
    script(f"survives_rollback_{kind}", a("BEGIN"), a(one, Sync), a("ROLLBACK"), a(run), a(run))
    script(f"survives_a_failed_block_{kind}", a("BEGIN"), a(one, Sync), a("SELECT 1/0"), a(run), a("ROLLBACK"), a(run))
    script(f"survives_rollback_to_savepoint_{kind}", a("BEGIN"), a("SAVEPOINT s"), a(one, Sync),
           a("ROLLBACK TO s"), a(run), a("COMMIT"), a(run))
    script(f"parse_in_a_failed_block_{kind}", a("BEGIN"), a("SELECT 1/0"), a(one, Sync), a(run),
           a("ROLLBACK"), a(run))
    script(f"close_in_a_failed_block_{kind}", a(one, Sync), a("BEGIN"), a("SELECT 1/0"),
           a(Close("S", name), Sync), a("ROLLBACK"), a(run))
    # A backend that lacks it cannot be taught in a failed transaction: docs/decisions/0004.
    script(f"describe_in_a_failed_block_{kind}", a(one, Sync), a("BEGIN"), a("SELECT 1/0"),
           a(Describe("S", name), Sync), a("ROLLBACK"), a(Describe("S", name), Sync), alone=True)
    script(f"rollback_in_a_failed_block_{kind}", a(Parse("ROLLBACK", name), Sync), a("BEGIN"), a("SELECT 1/0"),
           a(run), a("SELECT 1"))
    script(f"flush_after_parse_{kind}", a(one, Flush), a(Describe("S", name), Flush), a(Bind([], name), Flush),
           a(Execute(), Flush), a(Sync))
    script(f"types_changed_{kind}", a(Parse("SELECT $1", name, [INT]), Sync), a(Bind([1], name), Describe(), Execute(), Sync),
           a(Close("S", name), Parse("SELECT $1", name, [TEXT]), Sync), a(Bind([1], name), Describe(), Execute(), Sync))
    script(f"same_text_other_path_{kind}", a("SET search_path = one"), a(Parse("SELECT * FROM thing", name), Sync),
           a(run), a("SET search_path = two"), a(run), a(Close("S", name), Parse("SELECT * FROM thing", name), Sync),
           a(run), a(Describe("S", name), Sync))
    script(f"deallocate_all_{kind}", a(one, Sync), a("DEALLOCATE ALL"), a(run), a(two, Sync), a(run))
    script(f"discard_plans_{kind}", a(one, Sync), a("DISCARD PLANS"), a(run))
    script(f"discard_all_{kind}", a(one, Sync), a("DISCARD ALL"), a(run), a(two, Sync), a(run))
    script(f"discard_all_in_a_block_{kind}", a(one, Sync), a("BEGIN"), a("DISCARD ALL"), a("ROLLBACK"), a(run))
    script(f"deallocate_all_rolled_back_{kind}", a(one, Sync), a("BEGIN"), a("DEALLOCATE ALL"), a("ROLLBACK"), a(run))
    script(f"discard_all_extended_{kind}", a(one, Sync), a(ask("DISCARD ALL"), Sync), a(run))
    script(f"deallocate_all_in_a_batch_{kind}", a(one, ask("DEALLOCATE ALL", name="d"), again([], name), Sync), a(run))
    script(f"of_two_clients_{kind}", a(one, Sync), b(two, Sync), a(run), b(run), a(Close("S", name), Sync),
           b(run), a(run), b(Describe("S", name), Sync), pins=NAMED)
    script(f"not_of_another_{kind}", a(one, Sync), b(run), b(Describe("S", name), Sync), b(Close("S", name), Sync),
           a(run), pins=NAMED)
    script(f"same_text_of_two_{kind}", a(one, Sync), b(one, Sync), a(Close("S", name), Sync), b(run), a(run),
           b(Close("S", name), Sync), b(run), pins=NAMED)
    script(f"over_lease_changes_{kind}", a(one, Sync), b("BEGIN"), a(run), b("COMMIT"), a(run), b("SELECT 1"),
           a(Describe("S", name), Sync), a(run), pins=(*NAMED, "transaction"))
    script(f"left_behind_{kind}", a(one, Sync), a.leaves(), b(run), a(run))
    script(f"vanished_{kind}", a(one, Sync), a.vanishes(), b(run), b(two, Sync), b(run))
    script(f"in_pg_prepared_statements_{kind}", a(one, Sync),
           a("SELECT name, statement, from_sql FROM pg_prepared_statements"))

# A client sees its own statements, whoever else uses the backend, and however it asks.
SEEN = "SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements"
IN_ORDER = SEEN + " ORDER BY prepare_time"
PREPARED = (Parse("SELECT $1::int", "one"), Parse("SELECT 2", "two"), Sync)
script("seen_in_order", a(*PREPARED), a("PREPARE three AS SELECT 3"), b(Parse("SELECT 'b'", "two"), Sync), a(IN_ORDER), b(IN_ORDER),
       a(Close("S", "one"), Sync), a(Parse("SELECT 4", "one"), Sync), a(IN_ORDER), a(again([], "two"), Sync), a(IN_ORDER),
       b(again([], "two"), Sync), pins=NAMED)
script("seen_by_the_extended_protocol", a(*PREPARED), a(ask(IN_ORDER), Sync), b(SEEN), a(Parse(IN_ORDER, "look"), Sync),
       a(again([], "look"), Sync), a(again([1], "one"), again([], "look"), Sync), b(SEEN), a(again([], "look"), Sync),
       a(Close("S", "two"), again([], "look"), Sync), pins=NAMED)
script("seen_in_one_batch", a(*PREPARED[:2], ask(IN_ORDER), Parse("SELECT 3", "three"), ask(IN_ORDER), Close("S", "one"), ask(IN_ORDER), Sync), a(IN_ORDER))
script("seen_behind_a_batch", a(*PREPARED, *PREPARED[:1], Sync, Parse("SELECT 3", "three"), Sync, IN_ORDER), a(IN_ORDER))
script("seen_in_a_block", a(*PREPARED), a("BEGIN"), a(IN_ORDER), a("SELECT 1/0"), a(SEEN), a("ROLLBACK"), a(IN_ORDER))
script("seen_by_a_portal_in_parts", a(*PREPARED), a(Parse(IN_ORDER, ""), Bind([], ""), Execute(1), Execute(1), Execute(), Sync))
script("seen_by_others_nothing", a(*PREPARED), b(SEEN), b(ask("SELECT 1"), Sync), b(ask("SELECT 1"), Sync), b(SEEN), a(IN_ORDER))
script("seen_behind_discard_all", a(*PREPARED), a("DISCARD ALL"), a(SEEN), a(*PREPARED), a("DEALLOCATE one"), a(SEEN), a("DEALLOCATE ALL"), a(SEEN))

script("deallocate_named", a(Parse("SELECT 1", "s"), Sync), a("DEALLOCATE s"), a(again([], "s"), Sync),
       a("DEALLOCATE s"), a(Parse("SELECT 2", "s"), Sync), a(again([], "s"), Sync))
script("deallocate_in_a_batch", a(Parse("SELECT 1", "s"), ask("DEALLOCATE s"), again([], "s"), Sync))
script("deallocate_prepare_words", a(Parse("SELECT 1", "s"), Sync), a("DEALLOCATE PREPARE s"), a(again([], "s"), Sync))
script("deallocate_quoted", a(Parse("SELECT 1", "S t"), Sync), a('DEALLOCATE "S t"'), a(again([], "S t"), Sync))
script("names_have_case", a(Parse("SELECT 'S'", "S"), Parse("SELECT 's'", "s"), Sync), a(again([], "S"), again([], "s"), Sync),
       a("DEALLOCATE S"), a(again([], "S"), Sync), a(again([], "s"), Sync))
script("odd_names", *(a(Parse(f"SELECT {n}", name), again([], name), Sync) for n, name in
                      enumerate([" ", "s;", "naïve", "x" * 100, "\"q\"", "sluice_1", "1", "select"])),
       a(again([], "x" * 100), again([], "x" * 63), Sync))
script("portal_and_statement_of_one_name", a(Parse("SELECT 'one'", "s"), Bind([], "s", "s"), Close("P", "s"), Sync),
       a(again([], "s", "s"), Sync), a("BEGIN"), a(Bind([], "s", "s"), Close("S", "s"), Execute(0, "s"), Sync),
       a("COMMIT"), a(again([], "s"), Sync))
script("close_portal_keeps_the_statement", a(Parse("SELECT 'one'", "s"), Sync), a(Close("P", "s"), Sync), a(again([], "s"), Sync))
script("close_of_unknown", a(Close("S", "never"), Close("P", "never"), Close("S", ""), Close("P", ""), Sync))
script("many_names", *(a(Parse(f"SELECT {n}", f"s{n}"), Sync) for n in range(40)),
       *(a(again([], f"s{n}"), Sync) for n in range(0, 40, 3)))
script("many_names_at_once", a(*(Parse(f"SELECT {n}", f"s{n}") for n in range(300)), Sync),
       a(*(again([], f"s{n}") for n in range(300)), Sync), a(*(Close("S", f"s{n}") for n in range(300)), Sync),
       a(again([], "s7"), Sync))
script("one_statement_often", a(Parse("SELECT $1::int", "s"), Sync), *(a(again([n], "s"), Sync) for n in range(20)))
script("unnamed_often", *(a(Parse("SELECT $1::int * 2"), again([n]), Sync) for n in range(12)))
script("unnamed_text_in_turns", *(a(ask(f"SELECT {n % 3} + $1::int", [n]), Sync) for n in range(12)))
script("unnamed_with_types_in_turns", *(a(Parse("SELECT $1", "", [kind]), Describe("S"), Bind(["7"]), Describe(),
                                           Execute(), Sync) for kind in (INT, TEXT, 20, INT, 0, TEXT)))
script("unnamed_bound_twice", a(Parse("SELECT $1::int"), again([1]), again([2]), Sync), a(again([3]), Sync))
script("unnamed_and_named", a(Parse("SELECT 'named'", "s"), Parse("SELECT 'unnamed'"), Sync), a(again(), again([], "s"), Sync),
       a("SELECT 1"), a(again(), Sync), a(again([], "s"), Sync))
script("unnamed_error_positions", *(a(Parse("SELECT  nothing FROM numbers"), Sync) for _ in range(3)),
       *(a(ask("SELECT $1::int / 0", [1]), Sync) for _ in range(3)))
script("unnamed_after_ddl", a("CREATE TABLE t (i int)"), *(a(ask("SELECT * FROM t"), Sync) for _ in range(3)),
       a("ALTER TABLE t ADD j text"), *(a(ask("SELECT * FROM t"), Sync) for _ in range(2)), a("DROP TABLE t"),
       a(ask("SELECT * FROM t"), Sync))
script("unnamed_after_ddl_in_a_block", *(a(ask("SELECT * FROM numbers LIMIT 1"), Sync) for _ in range(3)), a("BEGIN"),
       a("CREATE TEMP TABLE numbers (i int)"), a(ask("SELECT * FROM numbers LIMIT 1"), Sync), a("ROLLBACK"),
       a(ask("SELECT * FROM numbers LIMIT 1"), Sync))
script("binary_results", a(Parse("SELECT 1::int, 'x'::text, true", "s"), Sync), a(Bind([], "s", result_formats=[1]), Describe(), Execute(), Sync),
       a(Bind([], "s", result_formats=[0, 1, 1]), Describe(), Execute(), Sync), a(Bind([], "s", result_formats=[1, 1]), Sync))
script("binary_parameters", a(Parse("SELECT $1::int, $2::text", "s"), Sync),
       a(Bind([b"\0\0\0\5", "x"], "s", formats=[1, 0]), Execute(), Sync),
       a(Bind([b"\0\0\5", "x"], "s", formats=[1, 0]), Execute(), Sync), a(Bind([b"5", "x"], "s", formats=[1, 0, 0]), Sync),
       a(Bind(["5", "x"], "s", formats=[7]), Sync))
script("types_given", a(Parse("SELECT $1, $2", "s", [INT, 0]), Describe("S", "s"), Sync), a(again([1, "x"], "s"), Sync),
       a(Parse("SELECT $1", "t", [999999]), Sync), a(Parse("SELECT $1::int", "u", [TEXT]), Describe("S", "u"), Sync),
       a(Parse("SELECT 1", "v", [INT]), Describe("S", "v"), Bind([1], "v"), Execute(), Sync))
script("statement_of_a_dropped_table", a("CREATE TABLE t (i int)"), a(Parse("SELECT * FROM t", "s"), Sync),
       a("DROP TABLE t"), a(again([], "s"), Sync), a("CREATE TABLE t (i int)"), a(again([], "s"), Sync))
