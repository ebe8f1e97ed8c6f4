"""PostgreSQL's wire protocol in the raw: frames built by hand, sent in any pieces, read one by one.

A driver hides what a pooler can get wrong: how frames arrive, which replies come, and when. This
client hides nothing and waits for nothing but bytes; every wait has a deadline.
"""

import base64
import collections
import hashlib
import hmac
import os
import select
import socket
import struct
import time

SECONDS = 20.0 * float(os.environ.get("SLUICE_TEST_PATIENCE", "1"))

SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102

Message = collections.namedtuple("Message", "kind body")


class ServerError(Exception):
    """An ErrorResponse where none was wanted."""

    def __init__(self, fields):
        super().__init__(f"{fields.get('S')} {fields.get('C')}: {fields.get('M')}")
        self.fields = fields
        self.sqlstate = fields.get("C")


class Closed(Exception):
    """The other side closed the connection."""


class Late(Exception):
    """Nothing came before the deadline."""


# Frames of a client.

def z(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


# Fails when it is executed, not when it is planned, as 1/0 does.
DIVISION = "SELECT 1 / (n - 1) FROM generate_series(1, 1) n"


def frame(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def startup(parameters, version=0x30000):
    body = struct.pack("!I", version)
    for name, value in parameters.items():
        body += z(name) + z(value)
    return untyped(body + b"\0")


def untyped(body):
    return struct.pack("!I", len(body) + 4) + body


def ssl_request():
    return untyped(struct.pack("!I", SSL_REQUEST))


def gssenc_request():
    return untyped(struct.pack("!I", GSSENC_REQUEST))


def cancel_request(pid, key):
    return untyped(struct.pack("!II", CANCEL_REQUEST, pid) + key)


def Query(sql):
    return frame("Q", z(sql))


def Parse(sql, name="", types=()):
    return frame("P", z(name) + z(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))


def Bind(parameters=(), name="", portal="", formats=(), result_formats=()):
    body = z(portal) + z(name) + struct.pack(f"!H{len(formats)}H", len(formats), *formats)
    body += struct.pack("!H", len(parameters))
    for value in parameters:
        if value is None:
            body += struct.pack("!i", -1)
        else:
            value = value if isinstance(value, bytes) else str(value).encode()
            body += struct.pack("!I", len(value)) + value
    return frame("B", body + struct.pack(f"!H{len(result_formats)}H", len(result_formats),
                                         *result_formats))


def Describe(kind="P", name=""):
    return frame("D", kind.encode() + z(name))


def Execute(rows=0, portal=""):
    return frame("E", z(portal) + struct.pack("!I", rows))


def Close(kind="S", name=""):
    return frame("C", kind.encode() + z(name))


def FunctionCall(oid, *arguments):
    body = struct.pack("!IHH", oid, 0, len(arguments))
    for value in arguments:
        body += struct.pack("!I", len(value)) + value.encode()
    return frame("F", body + struct.pack("!H", 0))


Sync, Flush, Terminate = frame("S"), frame("H"), frame("X")
CopyDone = frame("c")


def CopyData(data):
    return frame("d", data)


def CopyFail(reason="no more"):
    return frame("f", z(reason))


def extended(sql, parameters=()):
    """What a driver sends for one statement with values."""
    return Parse(sql) + Bind(parameters) + Describe() + Execute() + Sync


# Messages of a server.

def fields_of(body):
    """The fields of an ErrorResponse or NoticeResponse."""
    return {part[:1].decode(): part[1:].decode(errors="replace")
            for part in body.split(b"\0") if part}


def row_of(body):
    count, = struct.unpack_from("!H", body)
    position, values = 2, []
    for _ in range(count):
        length, = struct.unpack_from("!i", body, position)
        position += 4
        if length < 0:
            values.append(None)
        else:
            values.append(body[position:position + length].decode(errors="replace"))
            position += length
    return tuple(values)


def columns_of(body):
    """The names in a RowDescription."""
    count, = struct.unpack_from("!H", body)
    position, names = 2, []
    for _ in range(count):
        end = body.index(b"\0", position)
        names.append(body[position:end].decode())
        position = end + 19
    return names


class Answer:
    """What came up to and including one ReadyForQuery."""

    def __init__(self, messages):
        self.messages = messages
        self.rows = [row_of(m.body) for m in messages if m.kind == "D"]
        self.tags = [m.body[:-1].decode() for m in messages if m.kind == "C"]
        self.errors = [fields_of(m.body) for m in messages if m.kind == "E"]
        self.notices = [fields_of(m.body) for m in messages if m.kind == "N"]
        self.status = messages[-1].body.decode() if messages[-1].kind == "Z" else None

    @property
    def kinds(self):
        return "".join(m.kind for m in self.messages)

    @property
    def named_rows(self):
        """The rows of the one result as dictionaries."""
        names = columns_of(next(m.body for m in self.messages if m.kind == "T"))
        return [dict(zip(names, row)) for row in self.rows]

    @property
    def sqlstates(self):
        return [fields.get("C") for fields in self.errors]


def md5_response(user, password, salt):
    inner = hashlib.md5(password.encode() + user.encode()).hexdigest()
    return "md5" + hashlib.md5(inner.encode() + salt).hexdigest()


class Wire:
    """A connection that speaks nothing by itself."""

    def __init__(self, address, seconds=SECONDS, receive_buffer=None):
        self.seconds = seconds
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect(address)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def abort(self):
        """Closes with a reset, as a machine that vanishes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, *frames):
        self.socket.settimeout(self.seconds)
        try:
            self.socket.sendall(b"".join(frames))
        except (ConnectionError, BrokenPipeError) as error:
            raise Closed(str(error)) from None
        except TimeoutError:
            raise Late("the other side does not read") from None

    def send_bytewise(self, data):
        for position in range(len(data)):
            self.send(data[position:position + 1])

    def fill(self, seconds=None):
        """Receives at least one byte."""
        deadline = self.seconds if seconds is None else seconds
        self.socket.settimeout(max(deadline, 0.001))
        try:
            data = self.socket.recv(262144)
        except TimeoutError:
            raise Late(f"nothing for {deadline:g} s") from None
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed("end of stream")
        self.received += data

    def bytes(self, count):
        while len(self.received) < count:
            self.fill()
        data = bytes(self.received[:count])
        del self.received[:count]
        return data

    def message(self, seconds=None):
        deadline = time.monotonic() + (self.seconds if seconds is None else seconds)
        while True:
            if len(self.received) >= 5:
                length, = struct.unpack_from("!I", self.received, 1)
                if len(self.received) >= length + 1:
                    kind = chr(self.received[0])
                    body = bytes(self.received[5:length + 1])
                    del self.received[:length + 1]
                    return Message(kind, body)
            self.fill(deadline - time.monotonic())

    def messages_until(self, last):
        result = []
        while True:
            result.append(self.message())
            if result[-1].kind in last:
                return result

    def messages_to_the_end(self):
        """All that still comes until the other side closes."""
        result = []
        try:
            while True:
                result.append(self.message())
        except Closed:
            return result

    def has_input(self):
        return bool(self.received) or bool(select.select([self.socket], [], [], 0)[0])

    def closed_by_peer(self, seconds=None):
        """The messages before the end; raises Late when the other side stays."""
        self.seconds = self.seconds if seconds is None else seconds
        return self.messages_to_the_end()


class Client(Wire):
    """Logs in when it is made, unless told not to."""

    def __init__(self, address, user="app", database="app", password=None, parameters=None,
                 login=True, version=0x30000, **options):
        super().__init__(address, **options)
        self.address, self.user, self.password = address, user, password
        self.pid, self.key = 0, b""
        self.parameters, self.methods, self.negotiations = {}, [], []
        self.startup = startup({"user": user, "database": database, **(parameters or {})}, version)
        if login:
            self.send(self.startup)
            self.log_in()

    def log_in(self):
        try:
            self.converse()
        except BaseException:
            self.close()
            raise

    def converse(self):
        while True:
            message = self.message()
            if message.kind == "R":
                self.answer_authentication(message.body)
            elif message.kind == "S":
                name, value, _ = message.body.split(b"\0")
                self.parameters[name.decode()] = value.decode()
            elif message.kind == "K":
                self.pid, = struct.unpack_from("!I", message.body)
                self.key = message.body[4:]
            elif message.kind == "v":
                self.negotiations.append(message.body)
            elif message.kind == "E":
                raise ServerError(fields_of(message.body))
            elif message.kind == "Z":
                return
            else:
                assert message.kind == "N", f"{message} during login"

    def answer_authentication(self, body):
        code, = struct.unpack_from("!I", body)
        self.methods.append(code)
        if code == 3:
            self.send(frame("p", z(self.password)))
        elif code == 5:
            self.send(frame("p", z(md5_response(self.user, self.password, body[4:8]))))
        elif code == 10:
            self.scram(body[4:].split(b"\0"))
        else:
            assert code == 0, f"authentication method {code}"

    def scram(self, mechanisms):
        """SCRAM-SHA-256, the server's proof checked as well. Source: RFC 5802, RFC 7677."""
        assert b"SCRAM-SHA-256" in mechanisms, mechanisms
        nonce = base64.b64encode(os.urandom(18)).decode()
        first = f"n=,r={nonce}"
        initial = ("n,," + first).encode()
        self.send(frame("p", z("SCRAM-SHA-256") + struct.pack("!I", len(initial)) + initial))
        reply = self.message()
        if reply.kind == "E":
            raise ServerError(fields_of(reply.body))
        assert struct.unpack_from("!I", reply.body)[0] == 11, reply
        challenge = reply.body[4:].decode()
        values = dict(part.split("=", 1) for part in challenge.split(","))
        assert values["r"].startswith(nonce)
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(),
                                     base64.b64decode(values["s"]), int(values["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        final = f"c=biws,r={values['r']}"
        signed = ",".join((first, challenge, final)).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.send(frame("p", f"{final},p={base64.b64encode(proof).decode()}".encode()))
        reply = self.message()
        if reply.kind == "E":
            raise ServerError(fields_of(reply.body))
        assert struct.unpack_from("!I", reply.body)[0] == 12, reply
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        expected = base64.b64encode(hmac.digest(server_key, signed, "sha256"))
        assert reply.body[4:] == b"v=" + expected, "the server's signature is wrong"

    # Whole requests.

    def answer(self):
        """What comes up to ReadyForQuery."""
        return Answer(self.messages_until("Z"))

    def ask(self, *frames):
        self.send(*frames)
        return self.answer()

    def query(self, sql):
        """One simple Query that must succeed."""
        answer = self.ask(Query(sql))
        if answer.errors:
            raise ServerError(answer.errors[0])
        return answer

    def rows(self, sql):
        return self.query(sql).rows

    def value(self, sql):
        return self.rows(sql)[0][0]

    def execute(self, sql, *parameters):
        """One statement by the extended protocol that must succeed."""
        answer = self.ask(extended(sql, parameters))
        if answer.errors:
            raise ServerError(answer.errors[0])
        return answer

    def fails(self, sql):
        """The SQLSTATE with which one simple Query fails."""
        answer = self.ask(Query(sql))
        assert answer.errors, f"{sql} did not fail"
        return answer.errors[0]["C"]

    def expect(self, kinds):
        """The next messages are exactly of these kinds; returns them."""
        got = []
        for kind in kinds:
            got.append(self.message())
            assert got[-1].kind == kind, \
                f"{''.join(m.kind for m in got)} where {kinds} was expected: {got[-1].body[:200]}"
        return got

    def end(self):
        """Says goodbye and waits until the other side has closed."""
        try:
            self.send(Terminate)
            self.messages_to_the_end()
        except Closed:
            pass
        self.close()

    def cancel(self, key=None, pid=None):
        """Asks for a cancel and waits, as libpq does, until the server has seen to it."""
        with Wire(self.address, seconds=self.seconds) as wire:
            wire.send(cancel_request(self.pid if pid is None else pid,
                                     self.key if key is None else key))
            try:
                wire.fill()
            except Closed:
                return
            raise AssertionError("an answer to a cancel request")
