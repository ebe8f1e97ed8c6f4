"""What no client should send: PostgreSQL's own reaction says what is right."""

import struct

from pgwire import Bind, CopyData, Execute, Flush, Parse, Query, Sync, frame
from script import a, ask, b, theme

script = theme(__name__)

FRAMES = {
    "unknown_type": frame("~", b"x"), "zero_type": frame("\0"), "server_type": frame("Z", b"I"), "high_type": b"\xe9\0\0\0\4",
    "length_too_small": b"Q\0\0\0\3", "length_zero": b"Q\0\0\0\0", "length_negative": b"Q\xff\xff\xff\xff", "length_huge": b"Q\x7f\xff\xff\xff",
    "length_huge_sync": b"S\x7f\xff\xff\xff", "query_unterminated": frame("Q", b"SELECT 1"), "query_empty_body": frame("Q"), "query_with_more": frame("Q", b"SELECT 1\0more"),
    "sync_with_body": frame("S", b"x"), "flush_with_body": frame("H", b"x"), "terminate_with_body": frame("X", b"x"),
    "parse_cut": frame("P", b"\0SELECT 1"), "parse_no_types": frame("P", b"\0SELECT 1\0"), "parse_too_few_types": frame("P", b"\0SELECT 1\0\0\2\0\0\0\x17"),
    "parse_with_more": frame("P", b"\0SELECT 1\0\0\0more"), "parse_negative_types": frame("P", b"\0SELECT 1\0\xff\xff"),
    "bind_cut": frame("B", b"\0"), "bind_empty": frame("B"), "bind_value_too_long": frame("B", b"\0\0" + struct.pack("!HHI", 0, 1, 100) + b"x"),
    "bind_with_more": frame("B", b"\0\0" + struct.pack("!HHH", 0, 0, 0) + b"x"), "describe_unknown_kind": frame("D", b"X\0"), "describe_empty": frame("D"),
    "describe_unterminated": frame("D", b"Sname"), "close_unknown_kind": frame("C", b"X\0"), "close_empty": frame("C"), "execute_cut": frame("E", b"\0\0"),
    "execute_with_more": frame("E", b"\0\0\0\0\0x"), "execute_negative": frame("E", b"\0\xff\xff\xff\xff"), "function_empty": frame("F"),
    "copy_done_with_body": frame("c", b"x"), "copy_fail_unterminated": frame("f", b"x"), "password": frame("p", b"x\0"),
    "invalid_utf8_query": frame("Q", b"SELECT '\xff\xfe'\0"), "invalid_utf8_parse": frame("P", b"\0SELECT '\xff'\0\0\0"),
    "invalid_utf8_name": frame("P", b"\xff\0SELECT 1\0\0\0"), "nul_in_parameter": Parse("SELECT $1::text") + Bind([b"a\0b"]) + Execute(),
    "startup_again": struct.pack("!II", 8, 0x30000),
}
for name, wrong in FRAMES.items():
    script(name, a("SELECT 1"), a(wrong, Sync), a("SELECT 2"))
    script(f"{name}_in_a_block", a("BEGIN"), a("INSERT INTO plain VALUES (1)"), a(wrong, Sync), a("COMMIT"), b("SELECT count(*) FROM plain"),
           pins=("named_statement", "unnamed_statement"))
    script(f"{name}_in_a_batch", a(Parse("SELECT 1"), wrong, Bind(), Execute(), Sync), a("SELECT 2"))
    script(f"{name}_in_a_copy", a("COPY plain FROM STDIN"), a(CopyData(b"1\n"), wrong), a(Sync, "SELECT 1"))
    script(f"{name}_behind_an_error", a(Parse("SELEKT"), wrong, Sync), a("SELECT 2"))
script("half_a_frame_and_vanished", a("BEGIN"), a(Query("SELECT 1")[:7]), a.vanishes(), b("SELECT 1"))
script("header_alone", a(b"Q\0\0\0", waits=False), a(b"\x0dSELECT 1\0"))
script("query_and_goodbye", a(Query("INSERT INTO plain VALUES (1)") + frame("X")), b("SELECT count(*) FROM plain"))
script("slow_query_and_goodbye", a(Query("INSERT INTO plain SELECT 1 FROM pg_sleep(0.3)") + frame("X")),
       b("SELECT count(*) FROM plain"))
script("batch_and_goodbye", a(ask("INSERT INTO plain VALUES (1)") + Sync + frame("X")), b("SELECT count(*) FROM plain"))
script("batch_without_sync_and_goodbye", a(ask("INSERT INTO plain VALUES (1)") + frame("X")), b("SELECT count(*) FROM plain"))
script("goodbye_in_a_block", a("BEGIN; INSERT INTO plain VALUES (1)"), a(frame("X") + Query("COMMIT")), b("SELECT count(*) FROM plain"))
