#!/usr/bin/env python3
"""Records how a real PostgreSQL answers exact sequences of frames.

    record_conversations.py HOST PORT USER DATABASE > tests/unit/protocol/conversations.txt

The unit test of BackendSession replays the result: the machine must predict every reply and agree
with the backend about when it is idle. The user must be able to log in by trust and to create
tables. The output holds, for each conversation, lines of frame types:

    > P B E S     sent to the backend in one write
    < 1 2 C ZI    everything it answered until it waited for more
    = idle        what pg_stat_activity then says of it: idle, open (in a transaction, by its
                  ReadyForQuery), busy (no ReadyForQuery since the last request) or closed
"""

import select
import socket
import struct
import sys
import time

HOST, PORT, USER, DATABASE = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


def frame(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def z(text):
    return text.encode() + b"\0"


def Q(sql):
    return frame("Q", z(sql))


def P(sql, name=""):
    return frame("P", z(name) + z(sql) + struct.pack("!H", 0))


def B(name="", portal="", parameters=()):
    body = z(portal) + z(name) + struct.pack("!HH", 0, len(parameters))
    for value in parameters:
        body += struct.pack("!I", len(value)) + value.encode()
    return frame("B", body + struct.pack("!H", 0))


def D(kind="P", name=""):
    return frame("D", kind.encode() + z(name))


def E(rows=0, portal=""):
    return frame("E", z(portal) + struct.pack("!I", rows))


def C(kind="S", name=""):
    return frame("C", kind.encode() + z(name))


def F(oid, *arguments):
    body = struct.pack("!IHH", oid, 0, len(arguments))
    for value in arguments:
        body += struct.pack("!I", len(value)) + value.encode()
    return frame("F", body + struct.pack("!H", 0))


def d(text="1\n"):
    return frame("d", text.encode())


def f(text="client gives up"):
    return frame("f", z(text))


S, H, c = frame("S"), frame("H"), frame("c")
bad_row = d("not a number\n")
copy_in = "COPY plain FROM STDIN"
copy_out = "COPY (SELECT generate_series(1, 3)) TO STDOUT"


class Backend:
    def __init__(self):
        self.socket = socket.create_connection((HOST, PORT))
        self.buffer = b""
        body = struct.pack("!I", 196608) + z("user") + z(USER) + z("database") + z(DATABASE)
        self.socket.sendall(struct.pack("!I", len(body) + 5) + body + b"\0")
        self.pid = 0
        self.closed = False
        while True:
            kind, body = self.read_frame()
            if kind == "K":
                self.pid = struct.unpack("!I", body[:4])[0]
            if kind == "Z":
                break
            if kind == "E":
                sys.exit(f"login failed: {body!r}")

    def read_frame(self):
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack("!I", self.buffer[1:5])[0]:
            data = self.socket.recv(65536)
            if not data:
                self.closed = True
                return "", b""
            self.buffer += data
        length = struct.unpack("!I", self.buffer[1:5])[0]
        kind, body = chr(self.buffer[0]), self.buffer[5 : 1 + length]
        self.buffer = self.buffer[1 + length :]
        return kind, body

    def readable(self, seconds):
        return bool(self.buffer) or bool(select.select([self.socket], [], [], seconds)[0])

    def query(self, sql):
        """The first column of the first row, or nothing."""
        self.socket.sendall(Q(sql))
        value = None
        while True:
            kind, body = self.read_frame()
            if kind == "D" and value is None:
                value = body[6:].decode()
            if kind == "E":
                sys.exit(f"{sql}: {body!r}")
            if kind == "Z":
                return value


def waits_for_client(control, backend):
    sql = f"SELECT state || ',' || coalesce(wait_event, '') FROM pg_stat_activity WHERE pid = {backend.pid}"
    return control.query(sql) or "gone,"


def answers(control, backend):
    """Every frame until the backend waits for its client with nothing on the way."""
    seen, quiet = [], 0
    while quiet < 3 and not backend.closed:
        while backend.readable(0.02):
            try:
                kind, body = backend.read_frame()
            except ConnectionError:
                backend.closed = True
            if backend.closed:
                break
            seen.append(kind + (body.decode() if kind == "Z" else ""))
            quiet = 0
        quiet = quiet + 1 if waits_for_client(control, backend).endswith(",ClientRead") else 0
    return seen


def record(control, name, *writes):
    control.query("TRUNCATE plain, parent CASCADE")
    control.query("INSERT INTO parent VALUES (1)")
    backend = Backend()
    print(f"\n# {name}")
    for frames in writes:
        backend.socket.sendall(b"".join(frames))
        print("> " + " ".join(chr(one[0]) for one in frames))
        print("< " + " ".join(answers(control, backend)))
        state = "closed" if backend.closed else waits_for_client(control, backend).split(",")[0]
        word = {"active": "busy", "idle": "idle", "closed": "closed"}.get(state, "open")
        print("= " + word)
        if backend.closed:
            return
    backend.socket.close()


SETUP = """
DROP TABLE IF EXISTS plain, parent, child, guarded;
CREATE TABLE plain (i int);
CREATE TABLE parent (i int PRIMARY KEY);
CREATE TABLE child (i int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE guarded (i int);
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON guarded EXECUTE FUNCTION refuse();
"""

CONVERSATIONS = {
    "simple query": [[Q("SELECT 1")]],
    "empty query": [[Q("")], [Q(";")], [Q("-- nothing")]],
    "simple query fails": [[Q("SELECT 1/0")]],
    "several statements, an error in the middle": [[Q("SELECT 1; SELECT 1/0; SELECT 2")]],
    "several statements": [[Q("SELECT 1; SELECT 2; CREATE TABLE IF NOT EXISTS plain (i int)")]],
    "pipelined simple queries": [[Q("SELECT 1"), Q("SELECT 1/0"), Q(""), Q("BEGIN")], [Q("COMMIT")]],
    "begin as second statement": [[Q("SELECT 1; BEGIN")], [Q("SELECT 1/0")], [Q(";")], [Q("COMMIT")]],
    "commit and chain": [[Q("BEGIN")], [Q("COMMIT AND CHAIN")], [Q("ROLLBACK AND CHAIN")], [Q("ROLLBACK")]],
    "notices": [[Q("DO $$ BEGIN RAISE NOTICE 'n'; END $$")], [P("DO $$ BEGIN RAISE NOTICE 'n'; END $$"), B(), E(), S]],
    "parameter status": [[Q("SET application_name = 'x'")], [P("SET application_name = 'y'"), B(), E(), S]],
    "extended batch": [[P("SELECT 1"), B(), D(), E(), S]],
    "extended batch, frame by frame": [[P("SELECT 1")], [H], [D("S")], [H], [B()], [E()], [H], [S]],
    "statement without rows described": [[P("BEGIN"), D("S"), B(), D("P"), E(), S], [P("COMMIT"), D("S"), B(), E(), S]],
    "extended empty query": [[P(""), B(), D(), E(), S]],
    "several batches at once": [[P("SELECT 1"), B(), E(), S, P("SELECT 2"), B(), E(), S, S, S]],
    "several batches, the middle one fails": [[P("SELECT 1"), B(), E(), S, P("SELECT 1/0"), B(), E(), S, P("SELECT 2"), B(), E(), S]],
    "lone syncs": [[S], [S, S, S]],
    "lone flush": [[H], [Q("SELECT 1")]],
    "parse fails, query behind it without sync": [[P("nonsense"), B(), E(), Q("SELECT 1")], [Q("SELECT 2")], [S], [Q("SELECT 3")]],
    "parse fails, then later query and sync": [[P("nonsense")], [Q("SELECT 1"), S]],
    "bind fails in the middle": [[P("SELECT $1::int"), B(parameters=("x",)), D(), E(), C("P"), S], [Q("SELECT 1")]],
    "bind of an unknown statement": [[B("unknown"), E(), S]],
    "describe of an unknown statement": [[D("S", "unknown"), E(), S]],
    "execute of an unknown portal": [[E(portal="unknown"), P("SELECT 1"), S]],
    "duplicate statement": [[P("SELECT 1", "s"), P("SELECT 1", "s"), B("s"), E(), S]],
    "query behind an unsynced batch": [[P("SELECT 1"), B(), E(), Q("SELECT 2")]],
    "failing query behind an unsynced batch": [[P("SELECT 1"), B(), E(), Q("SELECT 1/0")], [S]],
    "close of unknown": [[C("S", "unknown"), C("P", "unknown"), S]],
    "close in a failed transaction": [[Q("BEGIN")], [Q("SELECT 1/0")], [C("S", ""), S], [P("SELECT 1"), S], [P("ROLLBACK"), B(), E(), S]],
    "row limit and flush": [[P("SELECT generate_series(1,5)"), B(), E(2), H], [E(2), H], [E(2), H], [S]],
    "row limit in a transaction": [[Q("BEGIN")], [P("SELECT generate_series(1,5)"), B(portal="p"), E(2, "p"), S], [E(2, "p"), S], [C("P", "p"), S], [Q("COMMIT")]],
    "suspended portal dropped by sync": [[P("SELECT generate_series(1,5)"), B(), E(2), S], [E(2), S]],
    "error behind a suspended portal": [[P("SELECT 1/(3-i) FROM generate_series(1,5) i"), B(), E(1), H], [E(4), H], [E(1), H], [S]],
    "error at sync": [[P("INSERT INTO child VALUES (7)"), B(), E(), S], [Q("SELECT 1")]],
    "error at sync, another batch behind": [[P("INSERT INTO child VALUES (7)"), B(), E(), S, P("SELECT 1"), B(), E(), S]],
    "error at commit": [[Q("BEGIN; INSERT INTO child VALUES (7)")], [P("COMMIT"), B(), E(), S]],
    "function call": [[F(1598)], [F(999999)], [Q("BEGIN"), F(1598), F(999999), F(1598)], [Q("ROLLBACK")]],
    "function call skipped behind an error": [[P("nonsense"), F(1598), F(1598), Q("SELECT 1"), S, F(1598)]],
    "function call behind an unsynced batch": [[P("SELECT 1"), F(1598)]],
    "unnamed statement over a sync": [[P("SELECT 1"), S], [B(), E(), S], [Q("SELECT 1")], [B(), E(), S]],
    "copy out": [[Q(copy_out)], [P(copy_out), B(), D(), E(), S]],
    "copy out among statements": [[Q("SELECT 1; " + copy_out + "; SELECT 2")]],
    "copy out fails": [[Q("COPY (SELECT 1/(2-i) FROM generate_series(1,5) i) TO STDOUT")], [P("COPY (SELECT 1/(2-i) FROM generate_series(1,5) i) TO STDOUT"), B(), E(), S]],
    "simple copy": [[Q(copy_in)], [d(), d()], [c]],
    "simple copy at once": [[Q(copy_in), d(), c], [Q("SELECT 1")]],
    "simple copy, queries behind": [[Q(copy_in), d(), c, Q("SELECT 1"), Q(copy_in), d(), c, Q("SELECT 2")]],
    "simple copy fails by client": [[Q(copy_in)], [d(), f()], [Q("SELECT 1")]],
    "simple copy fails by client at once": [[Q(copy_in), d(), f(), Q("SELECT 1")]],
    "simple copy, bad row": [[Q(copy_in)], [bad_row]],
    "simple copy, bad row, late data": [[Q(copy_in)], [bad_row], [d(), d()], [c], [Q("SELECT 1")]],
    "simple copy, bad row, all at once": [[Q(copy_in), bad_row, d(), c, Q("SELECT 1")]],
    "simple copy, bad row, late end and sync": [[Q(copy_in)], [bad_row], [c, S], [Q("SELECT 1")]],
    "simple copy of an unknown table": [[Q("COPY unknown FROM STDIN"), d(), c, Q("SELECT 1")]],
    "simple copy refused by a trigger": [[Q("COPY guarded FROM STDIN"), d(), c], [Q("SELECT 1")]],
    "simple copy refused at its end": [[Q("COPY child FROM STDIN"), d("7\n"), c], [Q("SELECT 1")]],
    "simple copy with flush and sync inside": [[Q(copy_in)], [d(), H], [S], [d(), c], [Q("SELECT 1")]],
    "simple copy with sync inside, at once": [[Q(copy_in), d(), S, d(), c, Q("SELECT 1")]],
    "simple copy in a transaction": [[Q("BEGIN")], [Q(copy_in)], [bad_row], [c], [Q("ROLLBACK")]],
    "two copies in one string": [[Q(copy_in + ";" + copy_in)], [d(), c], [d(), c], [Q("SELECT 1")]],
    "two copies in one string at once": [[Q(copy_in + ";" + copy_in + "; SELECT 1"), d(), c, d(), c, Q("SELECT 1")]],
    "two copies in one string, first fails": [[Q(copy_in + ";" + copy_in), bad_row, c, d(), c, Q("SELECT 1"), c]],
    "two copies in one string, second fails": [[Q(copy_in + ";" + copy_in), d(), c, f(), Q("SELECT 1")]],
    "copy then select in one string": [[Q("SELECT 1;" + copy_in + "; SELECT 2")], [d(), c]],
    "copy end without a copy": [[c], [d(), c, f()], [Q("SELECT 1"), c, f(), Q("SELECT 2")], [P("SELECT 1"), B(), c, E(), f(), S], [Q("SELECT 1")]],
    "extended copy": [[P(copy_in), B(), D(), E(), H], [d(), c, H], [S]],
    "extended copy, one sync": [[P(copy_in), B(), E()], [d(), c, S]],
    "extended copy at once, one sync": [[P(copy_in), B(), E(), d(), c, S], [Q("SELECT 1")]],
    "extended copy, as libpq": [[P(copy_in), B(), D(), E(), S], [d(), d()], [c, S]],
    "extended copy at once, two syncs": [[P(copy_in), B(), E(), S, d(), c, S], [Q("SELECT 1")]],
    "extended copy at once, no sync at its end": [[P(copy_in), B(), E(), S, d(), c], [S], [Q("SELECT 1")]],
    "extended copy at once, query at its end": [[P(copy_in), B(), E(), S, d(), c, Q("SELECT 1")], [Q("SELECT 1")]],
    "extended copy, batch behind": [[P(copy_in), B(), E(), S, d(), c, S, P("SELECT 1"), B(), E(), S]],
    "two extended copies": [[P(copy_in), B(), E(), S, d(), c, S, P(copy_in), B(), E(), S, d(), c, S]],
    "two extended copies in one batch": [[P(copy_in), B(), E(), d(), c, B(), E(), d(), c, S]],
    "extended copy, parse fails, as libpq": [[P("COPY unknown FROM STDIN"), B(), D(), E(), S], [c, S]],
    "extended copy, parse fails, at once": [[P("COPY unknown FROM STDIN"), B(), E(), S, d(), c, S, Q("SELECT 1")]],
    "extended copy, execute fails, at once": [[P(copy_in), B(), E(portal="unknown"), S, d(), c, S, Q("SELECT 1")]],
    "extended copy fails by client": [[P(copy_in), B(), E(), H], [d(), f()], [S]],
    "extended copy fails by client, one write": [[P(copy_in), B(), E(), d(), f(), S], [Q("SELECT 1")]],
    "extended copy, bad row, one sync": [[P(copy_in), B(), E(), H], [bad_row], [d(), c], [S]],
    "extended copy, bad row, one sync, at once": [[P(copy_in), B(), E(), bad_row, c, S, Q("SELECT 1")]],
    "extended copy, bad row, no sync at its end": [[P(copy_in), B(), E(), H], [bad_row, c], [Q("SELECT 1")], [S], [Q("SELECT 1")]],
    "extended copy, bad row, as libpq": [[P(copy_in), B(), D(), E(), S], [bad_row], [c, S], [Q("SELECT 1")]],
    "extended copy, bad row, as libpq, then batch": [[P(copy_in), B(), D(), E(), S], [bad_row], [c, S], [P("SELECT 1"), B(), E(), S]],
    "extended copy, bad row, as libpq, then sync": [[P(copy_in), B(), D(), E(), S], [bad_row], [c, S], [S], [Q("SELECT 1")]],
    "extended copy, client fails, as libpq": [[P(copy_in), B(), D(), E(), S], [d()], [f(), S], [Q("SELECT 1")]],
    "extended copy, bad row, two syncs at once": [[P(copy_in), B(), E(), S, bad_row, c, S], [Q("SELECT 1")]],
    "extended copy refused by a trigger, as libpq": [[P("COPY guarded FROM STDIN"), B(), D(), E(), S], [c, S], [Q("SELECT 1")]],
    "extended copy refused by a trigger, at once": [[P("COPY guarded FROM STDIN"), B(), D(), E(), S, d(), c, S], [P("SELECT 1"), B(), E(), S]],
    "extended copy refused by a trigger, all at once": [[P("COPY guarded FROM STDIN"), B(), D(), E(), S, d(), c, S, P("SELECT 1"), B(), E(), S]],
    "extended copy refused by a trigger, query at once": [[P("COPY guarded FROM STDIN"), B(), D(), E(), S], [Q("SELECT 1")], [Q("SELECT 1")]],
    "extended copy refused by a trigger, failing batch": [[P("COPY guarded FROM STDIN"), B(), D(), E(), S, c, S, P("nonsense"), B(), E(), S], [Q("SELECT 1")]],
    "query inside a copy": [[Q(copy_in)], [Q("SELECT 1")]],
    "bind inside a copy": [[P(copy_in), B(), E(), H], [B()]],
    "sync with a body": [[frame("S", b"x")], [Q("SELECT 1")]],
    "malformed parse": [[frame("P", b"\0SELECT 1"), S], [Q("SELECT 1")]],
    "malformed query": [[frame("Q", b"SELECT 1")], [Q("SELECT 1")]],
    "terminated by itself": [[Q("SELECT pg_terminate_backend(pg_backend_pid())")]],
}


def main():
    control = Backend()
    control.query(SETUP)
    version = control.query("SHOW server_version")
    print(f"Recorded from PostgreSQL {version.split()[0]} by tests/integration/record_conversations.py.")
    for name, writes in CONVERSATIONS.items():
        record(control, name, *writes)
    control.query("DROP TABLE plain, child, parent, guarded; DROP FUNCTION refuse")


main()
