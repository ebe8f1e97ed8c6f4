"""FunctionCall, alone and in company. OIDs are those of PostgreSQL's own functions."""

import struct

from pgwire import Bind, Execute, Flush, FunctionCall, Parse, Query, Sync, frame
from script import a, ask, b, theme

script = theme(__name__)

LENGTH, UPPER, LO_CREATE, LO_UNLINK, LOCK, VERSION, DIVIDE = 1317, 871, 715, 964, 2880, 89, 154
CALLS = {"length": FunctionCall(LENGTH, "four"), "upper": FunctionCall(UPPER, "abc"), "division": FunctionCall(DIVIDE, "1", "0"),
         "unknown": FunctionCall(999999), "too_many": FunctionCall(LENGTH, "a", "b"), "wrong_value": FunctionCall(DIVIDE, "x", "1"),
         "large_result": FunctionCall(UPPER, "x" * 20000),
         "null": frame("F", struct.pack("!IHHiH", LENGTH, 0, 1, -1, 0)),
         "binary_result": frame("F", struct.pack("!IHHI", LENGTH, 0, 1, 4) + b"four" + struct.pack("!H", 1)),
         "wrong_formats": frame("F", struct.pack("!IHHHHI", LENGTH, 2, 0, 0, 1, 1) + b"x" + struct.pack("!H", 0)),
         "malformed": frame("F", struct.pack("!IH", LENGTH, 0))}
for name, call in CALLS.items():
    script(name, a(call), a("SELECT 1"))
    script(f"{name}_twice", a(call, call), a(call, "SELECT 1", call))
    script(f"{name}_in_a_block", a("BEGIN"), a(call), a("SELECT 1"), a(call), a("COMMIT"))
    script(f"{name}_behind_a_batch", a(ask("SELECT 1"), call), a(Sync), a("SELECT 2"))
    script(f"{name}_behind_an_error", a(Parse("SELEKT"), call, Sync), a(call))
    script(f"{name}_among_others", a("SELECT 1", call, ask("SELECT 2"), Sync, call, Sync, "SELECT 3"))
    script(f"{name}_in_pieces", a(call, piece=5), a("SELECT 1"))
script("lock", a(FunctionCall(LOCK, "17")), a("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"),
       a("SELECT pg_advisory_unlock(17)"))
script("lock_left_behind", a(FunctionCall(LOCK, "17")), a.leaves(),
       b("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"))
script("of_two", a(FunctionCall(LENGTH, "a")), b(FunctionCall(LENGTH, "bb")), a(FunctionCall(LENGTH, "ccc")))
