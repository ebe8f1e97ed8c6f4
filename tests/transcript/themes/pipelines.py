"""Pipelines: errors at every place, late Syncs, Flushes, simple and extended mixed."""

import itertools

from pgwire import DIVISION, Bind, Close, CopyData, CopyDone, Describe, Execute, Flush, Parse, Query, Sync
from script import a, again, ask, b, theme

script = theme(__name__)

BATCH = [Parse("SELECT $1::int"), Describe("S"), Bind([7]), Describe("P"), Execute(), Close("P", ""), Flush]
# What fails, and which part of a batch it stands in for.
WRONG = {
    "parse": Parse("SELEKT"), "describe_statement": Describe("S", "none"), "bind": Bind([1], "none"),
    "bind_value": Bind(["x"]), "describe_portal": Describe("P", "none"), "execute": Execute(0, "none"),
    "division": ask(DIVISION),
}
for place in range(len(BATCH) + 1):
    for name, wrong in WRONG.items():
        frames = [*BATCH[:place], wrong, *BATCH[place:]]
        script(f"error_{name}_at_{place}", a(*frames, Sync), a("SELECT 'after'"))
    script(f"error_at_{place}_one_by_one",
           *(a(one) for one in [*BATCH[:place], Parse("SELEKT"), *BATCH[place:], Sync]), a("SELECT 'after'"))
    script(f"sync_at_{place}", a(*BATCH[:place], Sync, *BATCH[place:], Sync), a("SELECT 'after'"))
    script(f"flush_at_{place}", a(*BATCH[:place], Flush), a(*BATCH[place:], Sync), a("SELECT 'after'"))
    script(f"cut_at_{place}", a(*BATCH[:place]), a(*BATCH[place:]), a(Sync))
    script(f"query_at_{place}", a(*BATCH[:place], Query("SELECT 'inside'"), *BATCH[place:], Sync), a("SELECT 'after'"))
    script(f"failing_query_at_{place}", a(*BATCH[:place], Query("SELECT 1/0"), *BATCH[place:], Sync), a("SELECT 'after'"))
    script(f"leaves_at_{place}", a(*BATCH[:place], Flush), a.leaves(), b("SELECT 'after'"))
    script(f"vanishes_at_{place}", a(*BATCH[:place], Flush), a.vanishes(), b("SELECT 'after'"))

# Three requests in every mixture of four kinds, at once and with the last two behind.
KINDS = {"q": Query("SELECT 'q'"), "e": ask("SELECT 'e'") + Sync, "x": Query("SELECT 1/0"),
         "f": ask("SELEKT") + Sync, "s": Sync, "n": ask("SELECT 'n'")}
for mixture in itertools.product("qexfsn", repeat=3):
    frames = [KINDS[letter] for letter in mixture]
    script("mixed_" + "".join(mixture), a(*frames, Sync), a("SELECT 'after'"))

for kind, frames in (("simple", [Query(f"SELECT {n}") for n in range(50)]),
                     ("extended", [ask(f"SELECT {n}") + Sync for n in range(50)]),
                     ("one_sync", [ask(f"SELECT {n}") for n in range(50)] + [Sync])):
    script(f"fifty_{kind}", a(*frames), a("SELECT 'after'"))
    script(f"fifty_{kind}_in_a_block", a("BEGIN", *frames, "COMMIT"), a("SELECT 'after'"))
    script(f"fifty_{kind}_one_fails", a(*frames[:20], ask("SELECT 1/0"), Sync, *frames[20:]), a("SELECT 'after'"))
    script(f"fifty_{kind}_in_small_pieces", a(*frames, piece=7), a("SELECT 'after'"))
    script(f"fifty_{kind}_of_two", a(*frames, waits=False), b(*frames, waits=False), a("SELECT 'a'"), b("SELECT 'b'"))
    script(f"fifty_{kind}_and_gone", a(*frames[:10]), a(*frames, waits=False), a.vanishes(), b("SELECT 'after'"))

script("delayed_sync", a(ask("SELECT 1"), Flush), a(ask("SELECT 2"), Flush), a(Sync), a("SELECT 3"))
script("delayed_sync_after_an_error", a(ask(DIVISION), Flush), a(ask("SELECT 2"), Flush), a("SELECT 3"), a(Sync), a("SELECT 4"))
script("delayed_sync_holds_its_transaction", a(ask("INSERT INTO plain VALUES (1)"), Flush), a(ask("SELECT count(*) FROM plain"), Flush),
       a(Sync), b("SELECT count(*) FROM plain"))
script("error_undoes_its_batch", a(ask("INSERT INTO plain VALUES (1)"), Sync, ask("INSERT INTO plain VALUES (2)"), ask("SELECT 1/0"), Sync,
                                   ask("INSERT INTO plain VALUES (3)"), Sync), a("SELECT i FROM plain ORDER BY i"))
script("syncs_only", a(Sync), a(Sync, Sync, Sync), a(Flush), a(Flush, Sync, Flush))
script("parse_only", a(Parse("SELECT 1"), Sync), a(Parse("SELECT 1")), a(Flush), a(Sync))
script("simple_query_ends_a_batch", a(ask("INSERT INTO plain VALUES (1)"), "SELECT count(*) FROM plain"), a("SELECT 1/0"),
       a("SELECT count(*) FROM plain"))
script("failing_query_undoes_a_batch", a(ask("INSERT INTO plain VALUES (1)"), "SELECT 1/0"), a(Sync), a("SELECT count(*) FROM plain"))
script("begin_behind_a_batch", a(ask("SELECT 1"), "BEGIN"), a("SELECT 2"), a("COMMIT"), a(Sync))
script("commit_within_a_batch", a("BEGIN"), a(ask("INSERT INTO plain VALUES (1)"), ask("COMMIT"), ask("SELECT 1/0"), Sync),
       a("SELECT count(*) FROM plain"))
script("vacuum_in_a_batch", a(ask("SELECT 1"), ask("VACUUM plain"), Sync), a(ask("VACUUM plain"), Sync), a("SELECT 1"))
script("deferred_error_at_sync", a(ask("INSERT INTO child VALUES (7)"), Sync), a("SELECT 1"))
script("deferred_error_at_sync_then_more", a(ask("INSERT INTO child VALUES (7)"), Sync, ask("SELECT 1"), Sync), a("SELECT 2"))
script("deferred_error_at_query", a(ask("INSERT INTO child VALUES (7)"), "SELECT 1"), a(Sync), a("SELECT 2"))
script("notice_in_a_pipeline", a(ask("SELECT notice('one')"), ask("SELECT notice('two')"), Sync, "SELECT notice('three')"))
script("copy_out_in_a_pipeline", a(ask("COPY (SELECT 1) TO STDOUT"), ask("SELECT 2"), Sync, "COPY (SELECT 3) TO STDOUT", "SELECT 4"))
script("copy_in_within_a_pipeline", a("SELECT 1", "COPY plain FROM STDIN", CopyData(b"1\n"), CopyDone, "SELECT 2",
                                      ask("SELECT 3"), Sync))
script("set_in_a_pipeline", a("SET work_mem = '9MB'", "SHOW work_mem", "RESET work_mem", "SHOW work_mem"))
script("named_in_a_pipeline", a(Parse("SELECT $1::int", "s"), again([1], "s"), again([2], "s"), Sync, again([3], "s"), Sync,
                                Close("S", "s"), Sync, again([4], "s"), Sync))
script("two_clients_in_turns", *(step for n in range(8) for step in (a(ask(f"SELECT {n}"), Flush), a(Sync), b(ask(f"SELECT {n}"), Sync))))
script("open_batch_beside_another", a(ask("SELECT 1"), Flush), b("SELECT 'b'"), a(ask("SELECT 2"), Flush), b("SELECT 'b'"), a(Sync),
       pins="transaction")
