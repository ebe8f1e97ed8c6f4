"""Frames and messages in words, without loss: two are equal when their words are."""

import hashlib
import struct

import pgwire
from allowed import is_shown

LONGEST_VALUE = 300


def value(data):
    """Text as it is, other bytes escaped; what is long by its digest."""
    if data is None:
        return "NULL"
    if len(data) > LONGEST_VALUE:
        digest = hashlib.sha256(data).hexdigest()[:12]
        return f"{data[:24]!r}...<{len(data)} bytes, {digest}>"
    try:
        return repr(data.decode())
    except UnicodeDecodeError:
        return repr(data)


class Reader:
    """A body from its beginning to its end; raises ValueError or struct.error on anything odd."""

    def __init__(self, body):
        self.body, self.position = body, 0

    def text(self):
        end = self.body.index(b"\0", self.position)
        data = self.body[self.position:end]
        self.position = end + 1
        return data

    def numbers(self, form):
        found = struct.unpack_from("!" + form, self.body, self.position)
        self.position += struct.calcsize("!" + form)
        return found

    def number(self, form):
        return self.numbers(form)[0]

    def value(self):
        length = self.number("i")
        if length == -1:
            return None
        if not 0 <= length <= len(self.body) - self.position:
            raise ValueError("beyond the end")
        self.position += length
        return self.body[self.position - length:self.position]

    def rest(self):
        data, self.position = self.body[self.position:], len(self.body)
        return data

    def done(self, words):
        if self.position != len(self.body):
            raise ValueError("more than there should be")
        return words


# Messages of a server. `known` turns OIDs and process ids into what may be compared.

def _authentication(reader, _known):
    return f"Authentication({reader.number('I')})" + (value(reader.rest()) if reader.body[4:] else "")


def _key(reader, known):
    return f"BackendKeyData({known.process(reader.number('I'))}, {known.key(reader.rest())})"


def _row_description(reader, known):
    columns = []
    for _ in range(reader.number("H")):
        name = reader.text()
        table, column, kind, size, modifier, form = reader.numbers("IhIhih")
        columns.append(f"{value(name)} table={known.oid(table)}.{column} type={known.oid(kind)} "
                       f"{size},{modifier},{form}")
    return f"RowDescription({'; '.join(columns)})"


def _data_row(reader, _known):
    return "DataRow(" + ", ".join(value(reader.value()) for _ in range(reader.number("H"))) + ")"


def _fields(name):
    def words(reader, known):
        fields = []
        while reader.body[reader.position:] != b"\0":
            fields.append((reader.numbers("c")[0].decode(), reader.text()))
        reader.rest()
        parts = [f"{code}={value(known.field(text))}" for code, text in fields
                 if is_shown(code, dict(fields))]
        return f"{name}({', '.join(parts)})"
    return words


def _copy_response(name):
    def words(reader, _known):
        overall = reader.number("b")
        count = reader.number("H")
        return f"{name}({overall}, {list(reader.numbers(f'{count}h'))})"
    return words


def _notification(reader, known):
    process = known.process(reader.number("I"))
    return f"NotificationResponse({process}, {value(reader.text())}, {value(reader.text())})"


def _parameter_description(reader, known):
    kinds = [known.oid(kind) for kind in reader.numbers(f"{reader.number('H')}I")]
    return f"ParameterDescription({', '.join(str(kind) for kind in kinds)})"


def _negotiation(reader, _known):
    version, count = reader.numbers("II")
    return f"NegotiateProtocolVersion({version:x}, {[reader.text() for _ in range(count)]})"


MESSAGES = {
    "R": _authentication, "K": _key, "T": _row_description, "D": _data_row, "A": _notification,
    "E": _fields("ErrorResponse"), "N": _fields("NoticeResponse"), "t": _parameter_description,
    "G": _copy_response("CopyInResponse"), "H": _copy_response("CopyOutResponse"),
    "W": _copy_response("CopyBothResponse"), "v": _negotiation,
    "S": lambda reader, known: f"ParameterStatus({value(reader.text())}, {value(reader.text())})",
    "C": lambda reader, known: f"CommandComplete({value(reader.text())})",
    "Z": lambda reader, known: f"ReadyForQuery({reader.number('c').decode()})",
    "d": lambda reader, known: f"CopyData({value(reader.rest())})",
    "V": lambda reader, known: f"FunctionCallResponse({value(reader.value())})",
    "1": lambda reader, known: "ParseComplete()", "2": lambda reader, known: "BindComplete()",
    "3": lambda reader, known: "CloseComplete()", "n": lambda reader, known: "NoData()",
    "s": lambda reader, known: "PortalSuspended()", "c": lambda reader, known: "CopyDone()",
    "I": lambda reader, known: "EmptyQueryResponse()", "closed": lambda reader, known: "closed",
}


def message(one, known):
    """A message of a server; `known` is an allowed.Known."""
    reader = Reader(one.body)
    try:
        return reader.done(MESSAGES[one.kind](reader, known))
    except (KeyError, ValueError, struct.error):
        return f"malformed {one.kind!r} {value(one.body)}"


# Frames of a client, as one would write them in a script.

def _parse(reader):
    name, sql = reader.text().decode(), reader.text().decode()
    types = list(reader.numbers(f"{reader.number('H')}I"))
    more = f", {name!r}" if name or types else ""
    return f"Parse({sql!r}{more}{f', {types}' if types else ''})"


def _bind(reader):
    portal, name = reader.text().decode(), reader.text().decode()
    formats = list(reader.numbers(f"{reader.number('H')}H"))
    values = [reader.value() for _ in range(reader.number("H"))]
    results = list(reader.numbers(f"{reader.number('H')}H"))
    words = [repr(values) if values else ""] + [
        f"{key}={what!r}" for key, what in (("name", name), ("portal", portal),
                                            ("formats", formats), ("result_formats", results))
        if what]
    return f"Bind({', '.join(word for word in words if word)})"


def _execute(reader):
    portal, rows = reader.text().decode(), reader.number("I")
    return f"Execute({rows}, {portal!r})" if portal else f"Execute({rows or ''})"


def _function_call(reader):
    oid = reader.number("I")
    reader.number("H")
    values = [reader.value().decode() for _ in range(reader.number("H"))]
    reader.number("H")
    return f"FunctionCall({', '.join([str(oid)] + [repr(one) for one in values])})"


FRAMES = {
    "Q": lambda reader: f"Query({reader.text().decode()!r})", "P": _parse, "B": _bind,
    "D": lambda reader: f"Describe({reader.number('c').decode()!r}, {reader.text().decode()!r})",
    "C": lambda reader: f"Close({reader.number('c').decode()!r}, {reader.text().decode()!r})",
    "E": _execute, "F": _function_call, "S": lambda reader: "Sync", "H": lambda reader: "Flush",
    "X": lambda reader: "Terminate", "c": lambda reader: "CopyDone",
    "d": lambda reader: f"CopyData({reader.rest()!r})",
    "f": lambda reader: f"CopyFail({reader.text().decode()!r})",
}


def frame(kind, body):
    """One frame; those that pgwire would not build so are shown by their bytes."""
    reader = Reader(body)
    try:
        text = reader.done(FRAMES[kind](reader))
        built = eval(text, vars(pgwire))  # Ours, from bytes of our own scripts.
        if built == pgwire.frame(kind, body):
            if len(text) > 4 * LONGEST_VALUE:
                return f"{text[:200]}... <{len(body)} bytes>"
            return text.removeprefix("Query(").removesuffix(")") if kind == "Q" else text
    except (KeyError, ValueError, struct.error, AttributeError):
        pass
    return f"frame({kind!r}, {value(body)})"


def frames(data):
    """All frames of what a step sends."""
    found = []
    while data:
        if len(data) < 5:
            return [*found, value(data)]
        length, = struct.unpack_from("!I", data, 1)
        if not 4 <= length < len(data):
            return [*found, value(data)]
        found.append(frame(data[:1].decode("latin-1"), data[5:length + 1]))
        data = data[length + 1:]
    return found


def step(one):
    """A step as it stands in a script."""
    if one.act == "login":
        values = ", ".join(f"{key}={what!r}" for key, what in one.parameters
                           if (key, what) not in (("user", "app"), ("version", 0x30000)))
        return f"{one.client}.login({values})"
    if one.act == "hears":
        return f"{one.client}.hears({one.count})"
    if one.act != "send":
        return f"{one.client}.{one.act}()"
    more = ("" if one.waits else ", waits=False") + (f", piece={one.piece}" if one.piece else "")
    return f"{one.client}({', '.join(frames(one.data))}{more})"
