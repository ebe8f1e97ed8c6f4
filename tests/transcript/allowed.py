"""What may differ between a direct and a pooled transcript: this list and nothing else.

    process ids          Each backend has its own. They are compared by whose they are: 'pid of a'.
    cancel keys          Chosen at random; their length is compared.
    OIDs made on the way Each play makes its tables anew. They are numbered as they appear, so that
                         two that were equal stay equal; OIDs of what exists before are compared.
    pg_temp_3 and the like  The number of the schema is that of the backend.
    F, L, R of a FATAL   File, line and routine of PostgreSQL's source have no meaning where Sluice
                         refuses a client by itself, in PostgreSQL's words.
    L, R of 25P02        Which of its messages found the block failed: what PostgreSQL is asked in one
                         Query, Sluice may ask by Parse and Bind.
    F, L of an outdated plan  Sluice says it where the backend at hand was taught the text later;
                         the routine, by which drivers know it, is compared.
    AuthenticationOk before a refusal  PostgreSQL looks at startup parameters behind it, Sluice
                         before it; clients see the error either way. Not where notices come, too.
    time of arrival      PostgreSQL keeps replies back until its buffer is full, or Sync or Flush
                         comes. What matters is their order for each client, and that each step's
                         replies are there before the next step; they may come earlier.
"""

import re

_TEMPORARY = re.compile(rb"pg_(toast_)?temp_\d+")


class Known:
    """The numbers of one play that are compared by their meaning. One for each play."""

    def __init__(self, first_new_oid):
        self.first_new_oid = first_new_oid
        self.processes, self.oids = {}, {}

    def logged_in(self, client, process):
        self.processes[process] = client

    def process(self, number):
        return f"pid of {self.processes[number]}" if number in self.processes else "pid of nobody"

    def key(self, key):
        return f"key of {len(key)} bytes"

    def oid(self, number):
        if number < self.first_new_oid:
            return str(number)
        return "new" + str(self.oids.setdefault(number, len(self.oids) + 1))

    def field(self, text):
        return _TEMPORARY.sub(rb"pg_\1temp_N", text)


def is_shown(code, fields):
    """Whether a field of an error counts."""
    if fields.get("C") == b"25P02":
        return code not in "LR"
    if fields.get("R") == b"RevalidateCachedQuery" and fields.get("C") == b"0A000":
        return code not in "FL"
    return code not in "FLR" or fields.get("V") != b"FATAL"


def without_authentication(words):
    """What a client received that was refused while it logged in. Notices need one before them."""
    if any(one.startswith("NoticeResponse") for one in words):
        return words
    return [one for one in words if one != "Authentication(0)"]
