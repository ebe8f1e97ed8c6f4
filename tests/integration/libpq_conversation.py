"""A conversation by whichever libpq is named: libpq_conversation.py LIBRARY CONNINFO DIRECT

Prints one JSON object of what was seen. DIRECT leads past the pooler. A process of its own, because Python may have loaded
another libpq, and another OpenSSL with it. Written against libpq 18.
"""

import ctypes
import json
import sys
import time

CONNECTION_OK, COPY_OUT, COPY_IN, TUPLES_OK, FATAL_ERROR = 0, 3, 4, 2, 7
SQLSTATE = ord("C")


class Libpq:
    def __init__(self, library, conninfo):
        self.functions = ctypes.CDLL(library)
        self.connection = self.pointer("PQconnectdb", conninfo.encode())
        self.good = self.number("PQstatus") == CONNECTION_OK

    def __call__(self, kind, name, *arguments):
        function = getattr(self.functions, name)
        function.restype = kind
        return function(*arguments)

    def pointer(self, name, *arguments):
        return ctypes.c_void_p(self(ctypes.c_void_p, name, *arguments))

    def number(self, name, *arguments):
        return self(ctypes.c_int, name, self.connection, *arguments)

    def text(self, name, *arguments):
        return (self(ctypes.c_char_p, name, *arguments) or b"").decode()

    def error(self):
        return self.text("PQerrorMessage", self.connection)

    def told(self, result):
        """(status, tag, SQLSTATE, rows) of a result, which is freed."""
        if not result.value:
            return None
        rows = [[self.text("PQgetvalue", result, row, column)
                 for column in range(self(ctypes.c_int, "PQnfields", result))]
                for row in range(self(ctypes.c_int, "PQntuples", result))]
        status = self(ctypes.c_int, "PQresultStatus", result)
        answer = [status, self.text("PQcmdStatus", result),
                  self.text("PQresultErrorField", result, SQLSTATE), rows]
        self(None, "PQclear", result)
        return answer

    def exec(self, sql):
        return self.told(self.pointer("PQexec", self.connection, sql.encode()))

    def results(self):
        """What comes up to the next null."""
        answers = []
        while (answer := self.told(self.pointer("PQgetResult", self.connection))) is not None:
            answers.append(answer)
        return answers

    def send_with_values(self, sql, *values):
        texts = (ctypes.c_char_p * len(values))(*(str(value).encode() for value in values))
        assert self.number("PQsendQueryParams", sql.encode(), len(values), None, texts, None, None,
                           0) == 1, self.error()

    def prepared(self):
        """Parse, two executions, Close of the statement (libpq 17), and the error of a third."""
        seen = [self.told(self.pointer("PQprepare", self.connection, b"twice", b"SELECT $1::int * 2",
                                       1, None))]
        values = (ctypes.c_char_p * 1)(b"21")
        for _ in range(2):
            seen.append(self.told(self.pointer("PQexecPrepared", self.connection, b"twice", 1, values,
                                               None, None, 0)))
        seen.append(self.told(self.pointer("PQclosePrepared", self.connection, b"twice")))
        seen.append(self.told(self.pointer("PQexecPrepared", self.connection, b"twice", 1, values,
                                           None, None, 0)))
        return seen

    def pipeline(self):
        assert self.number("PQenterPipelineMode") == 1
        for sql in ("SELECT $1::int", "SELECT 1 / ($1::int - 2)", "SELECT $1::int + 2"):
            self.send_with_values(sql, 2)
        assert self.number("PQpipelineSync") == 1
        self.send_with_values("SELECT $1::int", 9)
        # Without flushing (libpq 17): it must go out with the one behind it.
        assert self.number("PQsendPipelineSync") == 1
        assert self.number("PQpipelineSync") == 1
        # One null behind each query, none behind a sync.
        seen = [self.results() for _ in range(3)]
        seen.append(self.told(self.pointer("PQgetResult", self.connection)))
        seen.append(self.results())
        seen += [self.told(self.pointer("PQgetResult", self.connection)) for _ in range(2)]
        assert self.number("PQexitPipelineMode") == 1, self.error()
        return seen

    def chunks(self):
        """Rows in chunks (libpq 17)."""
        assert self.number("PQsendQuery", b"SELECT generate_series(1, 25)") == 1
        assert self.number("PQsetChunkedRowsMode", 10) == 1
        return self.results()

    def copy(self):
        seen = [self.exec("CREATE TEMP TABLE libpq_copy (a int)"),
                self.exec("COPY libpq_copy FROM STDIN")]
        for number in range(1000):
            data = f"{number}\n".encode()
            assert self.number("PQputCopyData", data, len(data)) == 1
        assert self.number("PQputCopyEnd", None) == 1
        seen += self.results()
        seen.append(self.exec("COPY (SELECT sum(a) FROM libpq_copy) TO STDOUT"))
        buffer = ctypes.c_char_p()
        while (size := self.number("PQgetCopyData", ctypes.byref(buffer), 0)) > 0:
            seen.append(ctypes.string_at(buffer, size).decode())
        return seen + self.results()

    def cancel(self, observer):
        """By the functions of libpq 17, which encrypt when the connection is encrypted."""
        assert self.number("PQsendQuery", b"SELECT pg_sleep(600)") == 1
        # A cancel that comes before its query is void.
        deadline = time.monotonic() + 20.0
        while observer.exec("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND "
                            "query = 'SELECT pg_sleep(600)'")[3] == [["0"]]:
            assert time.monotonic() < deadline, "the query does not run"
        cancel = self.pointer("PQcancelCreate", self.connection)
        sent = self(ctypes.c_int, "PQcancelBlocking", cancel)
        said = self.text("PQcancelErrorMessage", cancel)
        self(None, "PQcancelFinish", cancel)
        return [sent, said, self.results(), self.exec("SELECT 'goes on'")]


def main():
    library, conninfo, direct = sys.argv[1:]
    libpq = Libpq(library, conninfo)
    seen = {"good": libpq.good, "error": libpq.error()}
    if libpq.good:
        seen["protocol"] = libpq.number("PQfullProtocolVersion")
        seen["version"] = libpq.number("PQserverVersion")
        seen["parameters"] = {name: libpq.text("PQparameterStatus", libpq.connection, name.encode())
                              for name in ("server_version", "client_encoding", "search_path",
                                           "application_name", "in_hot_standby")}
        seen["simple"] = [libpq.exec("SELECT 40 + 2"), libpq.exec("SELECT 1/0"),
                          libpq.exec("BEGIN"), libpq.exec("COMMIT")]
        for part in ("prepared", "pipeline", "chunks", "copy"):
            seen[part] = getattr(libpq, part)()
        observer = Libpq(library, direct)
        seen["cancel"] = libpq.cancel(observer)
        observer(None, "PQfinish", observer.connection)
    libpq(None, "PQfinish", libpq.connection)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
