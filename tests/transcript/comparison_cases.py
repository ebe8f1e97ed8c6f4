"""A comparison that accepts everything proves nothing: each of these must be noticed."""

import struct

import words
from allowed import Known
from known import Known as KnownScripts
from known import label_of
from pgwire import Message, z
from player import Difference, compare

GOOD = ["BindComplete()", "DataRow('1')", "DataRow('2')", "CommandComplete('SELECT 2')", "ReadyForQuery(I)"]
BAD = {"a lost message": GOOD[:1] + GOOD[2:], "a doubled one": GOOD[:2] + GOOD[1:], "an extra one at the end": GOOD + GOOD[-1:],
       "two exchanged": [GOOD[0], GOOD[2], GOOD[1], *GOOD[3:]], "another value": [GOOD[0], "DataRow('3')", *GOOD[2:]],
       "a lost end": GOOD[:-1], "nothing": []}
MESSAGES = [
    Message("T", struct.pack("!H", 1) + z("name") + struct.pack("!IhIhih", 7, 1, 23, 4, -1, 0)),
    Message("D", struct.pack("!HI", 2, 1) + b"x" + struct.pack("!i", -1)), Message("C", z("SELECT 1")),
    Message("E", b"SERROR\0VERROR\0C42601\0Mwords\0P7\0Fscan.l\0L1\0Ryyerror\0\0"), Message("N", b"SNOTICE\0VNOTICE\0C00000\0Mwords\0\0"),
    Message("S", z("TimeZone") + z("UTC")), Message("Z", b"I"), Message("t", struct.pack("!HII", 2, 23, 25)), Message("I", b""),
    Message("A", struct.pack("!I", 5) + z("channel") + z("payload")), Message("G", struct.pack("!bHh", 0, 1, 0)),
    Message("d", b"1\t2\n"), Message("V", struct.pack("!I", 3) + b"abc"), Message("R", struct.pack("!I", 0)), Message("1", b""),
]


def differs(wanted, got):
    try:
        compare({"a": wanted}, {"a": got}, True)
    except Difference:
        return True
    return False


def labels():
    """What known.txt excuses: this difference of this script, and nothing beside it."""
    failed = "ErrorResponse(S='ERROR', V='ERROR', C='42601', M='words')"
    cases = {"DataRow -> DataRow": ("a", 1, GOOD, BAD["another value"]), "DataRow -> nothing": ("a", 1, GOOD, GOOD[:1]),
             "nothing -> ReadyForQuery I": ("a", 5, GOOD, BAD["an extra one at the end"]),
             "CommandComplete SELECT -> ErrorResponse 42601": ("a", 3, GOOD, [*GOOD[:3], failed]),
             "disturber: DataRow -> DataRow": ("a disturber's b", 1, GOOD, BAD["another value"]),
             "who came next: a fresh session -> lock": ("who came next", 0, ["a fresh session"], ["lock"])}
    for label, case in cases.items():
        difference = Difference(*case, False)
        if label_of(difference) != label:
            yield f"{label} is called {label_of(difference)}"
        for other in cases:
            known = KnownScripts(f"theme.one* | {other} | why")
            if known.allows("theme.one_more", difference) != (label == other) or known.allows("theme.two", difference):
                yield f"{label} and an entry for {other}"


def faults():
    """What went unnoticed, or was noticed without need."""
    yield from labels()
    if differs(GOOD, list(GOOD)):
        yield "two equal transcripts differ"
    for name, bad in BAD.items():
        if not differs(GOOD, bad):
            yield f"{name} is not noticed"
    for message in MESSAGES:
        known = Known(1000)
        known.logged_in("a", 5)
        plain = words.message(message, known)
        if plain.startswith("malformed"):
            yield f"{message} is not understood"
        for position in range(len(message.body)):
            body = bytearray(message.body)
            body[position] ^= 1
            if words.message(Message(message.kind, bytes(body)), known) == plain:
                yield f"byte {position} of {message} does not matter"
        if words.message(Message(message.kind, message.body + b"x"), known) == plain:
            yield f"more behind {message} does not matter"
