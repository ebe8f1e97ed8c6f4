"""Portals with row limits and cursors among other requests, with errors and late Syncs between."""

from pgwire import DIVISION, Bind, Close, CopyData, CopyDone, CopyFail, Describe, Execute, Flush, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

FIVE = "SELECT generate_series(1, 5)"
NAMES = ("p", "")

# What comes between two parts of a portal that is read in parts of two.
BETWEEN = {
    "nothing": b"", "flush": Flush, "statement": ask("SELECT 'between'"), "named_statement": Parse("SELECT 1", "s") + again((), "s"),
    "another_portal": Parse("SELECT 'x'") + Bind(portal="other") + Execute(1, "other"), "describe": Describe("P", "p"),
    "close": Close("P", "p"), "close_statement": Close("S", ""), "error": ask(DIVISION), "syntax_error": Parse("SELEKT"),
    "unknown_portal": Execute(1, "none"), "insert": ask("INSERT INTO plain VALUES (1)"), "rebind": Bind(portal="p"),
    "empty": ask(""), "set": ask("SHOW work_mem"), "savepoint": ask("SAVEPOINT s"), "query": Query("SELECT 'simple'"),
    "failing_query": Query("SELECT 1/0"), "sync": Sync, "begin": ask("BEGIN"), "commit": ask("COMMIT"), "rollback": ask("ROLLBACK"),
}
for name, between in BETWEEN.items():
    opened, part = Parse(FIVE) + Bind(portal="p"), Execute(2, "p")
    script(f"{name}_at_once", a(opened, part, between, part, Sync), a("SELECT 'after'"))
    script(f"{name}_flushed", a(opened, part, Flush), a(between, Flush), a(part, Flush), a(Sync), a("SELECT 'after'"))
    script(f"{name}_late_sync", a(opened, part, between, part), a(part, Flush), a(part), a(Sync), a("SELECT 'after'"))
    script(f"{name}_in_a_block", a("BEGIN"), a(opened, part, Sync), a(between, part, Sync), a(part, Sync), a("COMMIT"), a("SELECT 'after'"))
    script(f"{name}_in_a_pipelined_block", a(ask("BEGIN"), opened, part, between, part, ask("COMMIT"), Sync), a("ROLLBACK"))
    script(f"{name}_over_two_batches", a("BEGIN"), a(opened, part, Sync, between, part, Sync, part, Sync), a("COMMIT"))

for portal in NAMES:
    kind = "named" if portal else "unnamed"
    dml = Parse("INSERT INTO plain SELECT generate_series(1, 3) RETURNING i") + Bind(portal=portal)
    script(f"insert_read_in_parts_{kind}", a(dml, Execute(1, portal), Flush), a(Execute(1, portal), Flush), a(Sync), a("SELECT count(*) FROM plain"))
    script(f"insert_read_in_parts_then_error_{kind}", a(dml, Execute(1, portal), Flush), a(ask(DIVISION), Flush), a(Sync), a("SELECT count(*) FROM plain"))
    script(f"insert_read_in_parts_and_gone_{kind}", a(dml, Execute(1, portal), Flush), a.vanishes(), b("SELECT count(*) FROM plain"))
    locked = Parse("SELECT i FROM plain ORDER BY i FOR UPDATE") + Bind(portal=portal)
    script(f"for_update_in_parts_{kind}", a("INSERT INTO plain VALUES (1), (2)"), a("BEGIN"), a(locked, Execute(1, portal), Sync),
           a(Execute(1, portal), Sync), a("COMMIT"))
    failing = Parse("SELECT 1 / (3 - n) FROM generate_series(1, 5) n") + Bind(portal=portal)
    script(f"fails_in_a_later_part_{kind}", a(failing, Execute(1, portal), Flush), a(Execute(9, portal), Execute(9, portal), Flush), a(ask("SELECT 1"), Sync),
           a("SELECT 'after'"))
    script(f"row_limit_of_a_constant_{kind}", a(Parse("SELECT 1"), Bind(portal=portal), Execute(1, portal), Execute(1, portal), Execute(1, portal), Sync))
    script(f"limits_of_all_sizes_{kind}", a(Parse(FIVE), Bind(portal=portal), *(Execute(n, portal) for n in (1, 3, 0, 1, 2)), Sync))
    script(f"large_parts_{kind}", a(Parse("SELECT repeat('x', 1000) FROM generate_series(1, 300)"), Bind(portal=portal), Execute(100, portal), Flush),
           a(Execute(100, portal), Flush), a(Execute(100, portal), Flush), a(Execute(100, portal), Sync))

script("fifty_portals", a(Parse(FIVE, "s"), *(Bind((), "s", f"p{n}") + Execute(1, f"p{n}") for n in range(50)),
                          *(Execute(2, f"p{n}") for n in range(50)), Sync), a(Execute(1, "p1"), Sync))
script("three_fetch_sizes_at_once", a(ask("BEGIN"), *(Parse(FIVE) + Bind(portal=name) + Execute(size, name) for name, size in (("x", 1), ("y", 2), ("z", 3))), Sync),
       a(Execute(1, "x"), Execute(2, "y"), Sync), a(Execute(3, "z"), Execute(1, "x"), Sync), a(Close("P", "y"), Execute(2, "y"), Sync), a(ask("ROLLBACK"), Sync))
for end in ("COMMIT", "ROLLBACK"):
    word = end.lower()
    script(f"declare_in_one_batch_{word}", a(ask("BEGIN"), ask(f"DECLARE c CURSOR FOR {FIVE}"), ask("FETCH 2 FROM c"), ask("MOVE 1 IN c"),
                                             ask("FETCH 9 FROM c"), ask("CLOSE c"), ask(end), Sync), a("FETCH c"))
    script(f"declare_with_hold_in_one_batch_{word}", a(ask("BEGIN"), ask(f"DECLARE c CURSOR WITH HOLD FOR {FIVE}"), ask("FETCH 2 FROM c"), ask(end), Sync),
           a(ask("FETCH 2 FROM c"), Sync), a("CLOSE ALL"), pins="with_hold")
    script(f"declare_flushed_{word}", a(ask("BEGIN"), ask(f"DECLARE c CURSOR FOR {FIVE}"), Flush), a(ask("FETCH 2 FROM c"), Flush), a(ask(end), Flush),
           a(ask("SELECT 1"), Sync))
script("declare_outside_of_a_block_in_a_batch", a(ask(f"DECLARE c CURSOR FOR {FIVE}"), ask("FETCH 2 FROM c"), Sync), a(ask("FETCH 2 FROM c"), Sync))
script("declare_in_two_strings", a(f"BEGIN; DECLARE c CURSOR FOR {FIVE}", "FETCH 2 FROM c", "SELECT 1/0", "FETCH 1 FROM c", "COMMIT"), a("SELECT 1"))

# COPY among other requests of a batch.
IN, OUT = "COPY plain FROM STDIN", "COPY (SELECT n, word FROM numbers ORDER BY n) TO STDOUT"
d, bad, AFTER = CopyData(b"1\n"), CopyData(b"not a number\n"), "SELECT count(*) FROM plain"
started = Parse(IN) + Bind() + Execute()
COPIES = {"done": [d, CopyDone], "fail": [d, CopyFail()], "bad": [bad, d, CopyDone], "late_data": [bad, CopyDone, d, d], "sync_inside": [d, Sync, d, CopyDone]}
for name, frames in COPIES.items():
    before, behind = ask("INSERT INTO plain VALUES (7)"), ask("SELECT 'behind'")
    script(f"copy_{name}_late_sync", a(before, started, Flush), a(*frames), a(behind, Flush), a(Sync), a(AFTER))
    script(f"copy_{name}_in_the_middle", a(before, started, *frames, behind, Sync), a(AFTER))
    script(f"copy_{name}_then_simple", a(before, started, *frames, Query("SELECT 'simple'"), Sync), a(AFTER))
    script(f"copy_{name}_behind_simple", a(Query("SELECT 'simple'"), started, *frames, Sync, Query(AFTER)), a(AFTER))
    script(f"copy_{name}_simple_then_batch", a(Query(IN), *frames, behind, Sync), a(AFTER))
    script(f"copy_{name}_behind_an_error", a(Parse("SELEKT"), started, *frames, Sync), a(AFTER))
    script(f"copy_{name}_in_a_failed_block", a("BEGIN", "SELECT 1/0"), a(started, Sync), a("ROLLBACK", AFTER))
    script(f"copy_{name}_beside_a_portal", a("BEGIN"), a(Parse(FIVE), Bind(portal="p"), Execute(2, "p"), Sync), a(Query(IN)), a(*frames), a("ROLLBACK"), a(AFTER))
    script(f"copy_{name}_twice", a(before, started, *frames, Bind(), Execute(), *frames, Sync), a(AFTER))
script("copy_out_between_parts", a(Parse(FIVE), Bind(portal="p"), Execute(2, "p"), ask(OUT), Execute(2, "p"), Sync), a("SELECT 1"))
script("copy_out_answered_by_copy_frames", a(ask(OUT), CopyDone, CopyFail(), d, Sync), a("SELECT 1"))
