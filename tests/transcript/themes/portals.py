"""Portals with row limits, and cursors: in a block, out of it, with hold."""

from pgwire import Bind, Close, Describe, Execute, Flush, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

FIVE = "SELECT generate_series(1, 5)"
for name, portal in (("named", "p"), ("unnamed", "")):
    opened = Parse(FIVE) + Bind([], "", portal)
    for rows in (1, 2, 5, 6):
        more = Execute(rows, portal)
        script(f"limit_{rows}_{name}", a(opened, more, Flush), a(more, Flush), a(more, Flush), a(Sync), a("SELECT 1"))
        script(f"limit_{rows}_{name}_in_a_block", a("BEGIN"), a(opened, more, Sync), a(more, Sync), a(more, Sync), a("COMMIT"),
               a(more, Sync))
        script(f"limit_{rows}_{name}_at_once", a(opened, more, more, Close("P", portal), Sync), a(more, Sync))
    script(f"sync_drops_{name}", a(opened, Execute(2, portal), Sync), a(Execute(2, portal), Sync))
    script(f"sync_drops_unread_{name}", a(opened, Sync), a(Execute(0, portal), Sync))
    script(f"query_drops_{name}", a("BEGIN"), a(opened, Execute(2, portal), Flush), a("SELECT 1"), a(Execute(2, portal), Sync), a("ROLLBACK"))
    script(f"closed_{name}", a("BEGIN"), a(opened, Execute(2, portal), Close("P", portal), Sync), a(Execute(1, portal), Sync), a("ROLLBACK"))
    script(f"bound_twice_{name}", a("BEGIN"), a(opened, Sync), a(Bind([], "", portal), Sync), a(Execute(0, portal), Sync), a("ROLLBACK"))
    script(f"described_{name}", a("BEGIN"), a(opened, Describe("P", portal), Execute(2, portal), Describe("P", portal), Sync), a("COMMIT"))
    script(f"ended_by_commit_{name}", a("BEGIN"), a(opened, Execute(1, portal), Sync), a("COMMIT"), a(Execute(1, portal), Sync))
    script(f"ended_by_rollback_{name}", a("BEGIN"), a(opened, Execute(1, portal), Sync), a("ROLLBACK"), a(Execute(1, portal), Sync))
    script(f"ended_by_an_error_{name}", a("BEGIN"), a(opened, Execute(1, portal), Sync), a("SELECT 1/0"), a(Execute(1, portal), Sync), a("ROLLBACK"))
    script(f"over_a_savepoint_{name}", a("BEGIN"), a("SAVEPOINT s"), a(opened, Execute(1, portal), Sync), a("ROLLBACK TO s"),
           a(Execute(1, portal), Sync), a("ROLLBACK"))
    script(f"fails_later_{name}", a("BEGIN"), a(Parse("SELECT 1 / (3 - n) FROM generate_series(1, 5) n"), Bind([], "", portal),
                                               Execute(1, portal), Sync), a(Execute(3, portal), Sync), a(Execute(1, portal), Sync), a("ROLLBACK"))
    script(f"insert_with_limit_{name}", a(Parse("INSERT INTO plain SELECT generate_series(1, 3) RETURNING i"), Bind([], "", portal),
                                         Execute(1, portal), Execute(1, portal), Sync), a("SELECT count(*) FROM plain"))
    script(f"utility_with_limit_{name}", a(Parse("SHOW work_mem"), Bind([], "", portal), Execute(1, portal), Execute(1, portal), Sync))
    script(f"empty_with_limit_{name}", a(Parse(""), Bind([], "", portal), Execute(1, portal), Sync))
    script(f"left_suspended_{name}", a(opened, Execute(1, portal), Flush), a.leaves(), b("SELECT 1"), b(Execute(1, portal), Sync))
    script(f"vanished_suspended_{name}", a("BEGIN"), a(opened, Execute(1, portal), Sync), a.vanishes(), b("SELECT 1"))
    script(f"named_statement_{name}", a("BEGIN"), a(Parse(FIVE, "s"), Bind([], "s", portal), Execute(2, portal), Sync),
           a(Close("S", "s"), Execute(2, portal), Sync), a("COMMIT"))
    script(f"beside_another_{name}", a("BEGIN"), a(opened, Execute(1, portal), Sync), b(Parse("SELECT 'b'"), Bind([], "", portal), Execute(1, portal), Sync),
           a(Execute(1, portal), Sync), a("COMMIT"), pins="transaction")

script("two_at_once", a(Parse(FIVE), Bind(portal="x"), Bind(portal="y"), Execute(2, "x"), Execute(1, "y"), Execute(9, "x"),
                        Execute(9, "y"), Sync))
script("as_jdbc", a(Parse("BEGIN", "S_1"), Bind([], "S_1"), Execute(), Parse(FIVE, "S_2"), Describe("S", "S_2"), Bind([], "S_2", "C_3"),
                    Execute(2, "C_3"), Sync), a(Execute(2, "C_3"), Sync), a(Execute(2, "C_3"), Sync), a(Close("P", "C_3"), Sync),
       a(Parse("COMMIT", "S_4"), Bind([], "S_4"), Execute(), Sync))
script("as_pg_cursor", a(Parse(FIVE), Bind(portal="C"), Describe("P", "C"), Execute(2, "C"), Flush), a(Execute(2, "C"), Flush),
       a(Close("P", "C"), Sync))
script("as_postgres_js", a(Parse(FIVE, "p1"), Describe("S", "p1"), Flush), a(Bind([], "p1"), Execute(2), Flush), a(Execute(2), Flush),
       a(Close("P", ""), Sync))
script("suspended_then_another_statement", a(Parse(FIVE), Bind(portal="p"), Execute(1, "p"), Flush), a(ask("SELECT 'between'"), Flush),
       a(Execute(1, "p"), Flush), a(Sync))
script("pg_cursors", a("BEGIN"), a(Parse(FIVE), Bind(portal="p"), Sync), a("DECLARE c CURSOR FOR SELECT 1"),
       a("SELECT name, is_holdable FROM pg_cursors WHERE name <> '' ORDER BY name"), a("COMMIT"))
script("fetch_from_a_portal", a("BEGIN"), a(Parse(FIVE), Bind(portal="p"), Sync), a("FETCH 2 FROM p"), a(Execute(1, "p"), Sync), a("COMMIT"))
script("execute_a_cursor", a("BEGIN"), a(f"DECLARE c CURSOR FOR {FIVE}"), a(Execute(2, "c"), Sync), a(Describe("P", "c"), Sync),
       a("FETCH 1 FROM c"), a(Close("P", "c"), Sync), a("FETCH 1 FROM c"), a("ROLLBACK"))

CURSORS = {
    "fetched": ["BEGIN", f"DECLARE c CURSOR FOR {FIVE}", "FETCH 2 FROM c", "FETCH ALL FROM c", "FETCH c", "CLOSE c", "COMMIT"],
    "scroll": ["BEGIN", f"DECLARE c SCROLL CURSOR FOR {FIVE}", "FETCH LAST FROM c", "FETCH PRIOR FROM c", "FETCH ABSOLUTE 1 FROM c", "MOVE 2 IN c", "FETCH c", "COMMIT"],
    "outside": [f"DECLARE c CURSOR FOR {FIVE}", "FETCH c", "CLOSE c", "CLOSE ALL"],
    "gone_with_its_block": ["BEGIN", f"DECLARE c CURSOR FOR {FIVE}", "COMMIT", "FETCH c"],
    "twice": ["BEGIN", "DECLARE c CURSOR FOR SELECT 1", "DECLARE c CURSOR FOR SELECT 2", "ROLLBACK"],
    "of_a_failed_savepoint": ["BEGIN", "SAVEPOINT s", f"DECLARE c CURSOR FOR {FIVE}", "ROLLBACK TO s", "FETCH c", "ROLLBACK"],
    "with_hold": ["BEGIN", f"DECLARE c CURSOR WITH HOLD FOR {FIVE}", "FETCH 2 FROM c", "COMMIT", "FETCH 2 FROM c", "CLOSE c", "FETCH c"],
    "with_hold_outside": [f"DECLARE c CURSOR WITH HOLD FOR {FIVE}", "FETCH 2 FROM c", "SELECT 1", "FETCH 9 FROM c", "CLOSE c"],
    "with_hold_rolled_back": ["BEGIN", f"DECLARE c CURSOR WITH HOLD FOR {FIVE}", "ROLLBACK", "FETCH c"],
    "with_hold_closed_by_all": [f"DECLARE c CURSOR WITH HOLD FOR {FIVE}", "CLOSE ALL", "FETCH c"],
    "with_hold_discarded": [f"DECLARE c CURSOR WITH HOLD FOR {FIVE}", "DISCARD ALL", "FETCH c"],
    "update_current": ["BEGIN", "INSERT INTO plain VALUES (1)", "DECLARE c CURSOR FOR SELECT i FROM plain FOR UPDATE", "FETCH c",
                       "UPDATE plain SET i = 2 WHERE CURRENT OF c", "COMMIT", "SELECT i FROM plain"],
    "in_a_string": [f"BEGIN; DECLARE c CURSOR FOR {FIVE}; FETCH c; COMMIT", "SELECT 1"],
    "refcursor": ["CREATE FUNCTION opens() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE r refcursor := 'r'; BEGIN OPEN r FOR SELECT 7; RETURN r; END $$",
                  "BEGIN", "SELECT opens()", "FETCH ALL FROM r", "COMMIT", "FETCH r"],
}
for name, steps in CURSORS.items():
    script(f"cursor_{name}", *(a(sql) for sql in steps))
    script(f"cursor_{name}_extended", *(a(ask(sql), Sync) if ";" not in sql else a(sql) for sql in steps))
    script(f"cursor_{name}_pipelined", a(*steps))
    script(f"cursor_{name}_beside_another", *(step for sql in steps for step in (a(sql), b("FETCH c"))),
           pins=("with_hold", "transaction", "code"))
