"""COPY in every ending, by the simple and the extended protocol."""

from pgwire import Bind, CopyData, CopyDone, CopyFail, Describe, Execute, Flush, Parse, Query, Sync
from script import a, ask, b, theme

script = theme(__name__)

IN, OUT = "COPY plain FROM STDIN", "COPY (SELECT n, word FROM numbers ORDER BY n) TO STDOUT"
d, bad = CopyData(b"1\n"), CopyData(b"not a number\n")
AFTER = "SELECT count(*) FROM plain"

# What is sent in a copy, in one write or one by one.
ENDINGS = {
    "done": [d, d, CopyDone], "nothing": [CopyDone], "fail": [d, CopyFail()], "fails_first": [CopyFail("why")],
    "bad_row": [d, bad, d, CopyDone], "bad_row_then_fail": [bad, CopyFail()], "end_marker": [d, CopyData(b"\\.\n"), d, CopyDone],
    "half_rows": [CopyData(b"1"), CopyData(b"2\n3"), CopyData(b"\n"), CopyDone], "no_line_feed": [CopyData(b"1"), CopyDone],
    "empty_data": [CopyData(b""), d, CopyData(b""), CopyDone], "flush_inside": [d, Flush, d, CopyDone],
    "sync_inside": [d, Sync, d, CopyDone], "too_many_columns": [CopyData(b"1\t2\n"), CopyDone],
    "done_twice": [d, CopyDone, CopyDone], "data_behind": [d, CopyDone, d, d], "fail_behind": [d, CopyDone, CopyFail()],
}
TARGETS = {"": IN, "_refused": "COPY guarded FROM STDIN", "_deferred": "COPY child FROM STDIN", "_unknown": "COPY nowhere FROM STDIN",
           "_into_text": "COPY plain FROM STDIN (FORMAT csv)"}
for ending, frames in ENDINGS.items():
    for target, sql in TARGETS.items():
        if target and ending not in ("done", "fail", "bad_row", "sync_inside", "nothing"):
            continue
        name = ending + target
        script(f"simple_{name}", a(sql), *(a(one) for one in frames), a(Query(AFTER)))
        script(f"simple_{name}_at_once", a(sql, *frames, AFTER), a("SELECT 'after'"))
        script(f"in_a_block_{name}", a("BEGIN"), a(sql), a(*frames), a("SELECT 'inside'"), a("COMMIT"), a(AFTER))
        script(f"extended_{name}", a(Parse(sql), Bind(), Describe(), Execute(), Flush), *(a(one) for one in frames),
               a(Sync), a(AFTER))
        script(f"extended_as_libpq_{name}", a(Parse(sql), Bind(), Describe(), Execute(), Sync), a(*frames), a(Sync), a(AFTER))
        script(f"extended_{name}_at_once", a(Parse(sql), Bind(), Execute(), *frames, Sync), a(AFTER))

script("two_in_a_string", a(f"{IN}; {IN}; SELECT 2"), a(d, CopyDone), a(d, CopyDone), a(AFTER))
script("two_in_a_string_first_fails", a(f"{IN}; {IN}; SELECT 2"), a(d, CopyFail()), a(AFTER))
script("two_in_a_string_at_once", a(f"{IN}; {IN}; SELECT 2", d, CopyDone, d, CopyDone, AFTER))
script("between_selects", a(f"SELECT 1; {IN}; SELECT 2"), a(d, CopyDone), a(AFTER))
script("two_pipelined", a(IN, d, CopyDone, "SELECT 1", IN, d, CopyDone, AFTER))
script("two_extended_in_a_batch", a(Parse(IN), Bind(), Execute(), d, CopyDone, Bind(), Execute(), d, CopyDone, Sync), a(AFTER))
script("then_a_batch", a(Parse(IN), Bind(), Execute(), d, CopyDone, Sync, ask("SELECT 1"), Sync), a(AFTER))
script("stray_messages", a(CopyDone), a(d, CopyFail(), CopyDone), a("SELECT 1", d, "SELECT 2"),
       a(Parse("SELECT 1"), d, Bind(), CopyDone, Execute(), Sync))
script("stray_behind_an_error", a(Parse("SELEKT"), d, CopyDone, Sync), a("SELECT 1"))
script("query_inside", a(IN), a("SELECT 1"), a("SELECT 2"))
script("batch_inside", a(IN), a(ask("SELECT 1"), Sync), a("SELECT 2"))
script("terminate_inside", a(IN), a(d), a.leaves(), b(AFTER))
script("vanishes_inside", a(IN), a(d, d), a.vanishes(), b(AFTER))
script("vanishes_inside_extended", a(Parse(IN), Bind(), Execute(), Flush), a(d, d), a.vanishes(), b(AFTER))
script("out", a(OUT), a("SELECT 1"))
script("out_extended", a(ask(OUT), Sync), a(ask(OUT), ask("SELECT 1"), Sync))
script("out_in_a_block", a("BEGIN", OUT, "COMMIT"), a("SELECT 1"))
script("out_fails", a("COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT"), a("SELECT 1"))
script("out_fails_extended", a(ask("COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT"), Sync), a("SELECT 1"))
script("out_among_statements", a(f"SELECT 1; {OUT}; SELECT 2"))
script("out_of_nothing", a("COPY plain TO STDOUT"), a("COPY nowhere TO STDOUT"), a("SELECT 1"))
script("out_binary", a("COPY (SELECT 1::int, 'x'::text) TO STDOUT (FORMAT binary)"))
script("out_csv", a("COPY (SELECT 1, 'a,b') TO STDOUT (FORMAT csv, HEADER)"))
script("out_large", a("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 500)) TO STDOUT"), a("SELECT 1"))
script("out_with_a_row_limit", a(Parse(OUT), Bind(), Execute(2), Execute(2), Sync), a("SELECT 1"))
script("in_large", a(IN), a(*(CopyData(b"12345\n" * 1000) for _ in range(40)), CopyDone), a("SELECT sum(i) FROM plain"))
script("in_large_in_small_pieces", a(IN), a(*(CopyData(b"12345\n" * 100) for _ in range(4)), CopyDone, piece=777), a(AFTER))
script("in_large_bad_row_early", a(IN), a(bad, *(CopyData(b"12345\n" * 1000) for _ in range(40)), CopyDone), a(AFTER))
script("in_binary", a("COPY plain FROM STDIN (FORMAT binary)"),
       a(CopyData(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1\0\0\0\4\0\0\0\7\xff\xff"), CopyDone), a("SELECT * FROM plain"))
script("in_with_columns", a("COPY numbers (nothing) FROM STDIN"), a("COPY plain (i) FROM STDIN"), a(d, CopyDone), a(AFTER))
script("forbidden_files", a("COPY plain FROM '/etc/passwd'"), a("COPY plain TO PROGRAM 'true'"))
script("of_two_in_turns", a(IN), a(d), b("SELECT 'b'"), a(d, CopyDone), b(AFTER), pins="transaction")
