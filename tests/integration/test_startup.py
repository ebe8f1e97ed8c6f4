"""Before the login: the first packet in every shape, protocol versions, startup parameters."""

import struct
import subprocess

from case import case
from pgwire import (Client, Closed, Wire, fields_of, gssenc_request, ssl_request, startup,
                    untyped, z)
from processes import wait_until
from rig import raises


def first_error(wire):
    """The fields of the error that ends a conversation before its login."""
    messages = wire.messages_to_the_end()
    assert messages and messages[-1].kind == "E", f"no error but {messages}"
    return fields_of(messages[-1].body)


@case
def libpq_understands_the_refusal_of_settings_that_bring_notices(rig):
    with rig.sluice(pool_size=1) as sluice:
        host, port = sluice.address
        words = f"host={host} port={port} user=app dbname=app options='-c role={'r' * 70}'"
        done = subprocess.run(["psql", "--no-psqlrc", words, "-c", "SELECT 1"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 2 and f'"{"r" * 63}" does not exist' in done.stderr, done.stderr


@case
def ssl_and_gssenc_requests_are_answered_n_in_either_order(rig):
    with rig.sluice() as sluice:
        for order in ([ssl_request], [gssenc_request], [ssl_request, gssenc_request],
                      [gssenc_request, ssl_request]):
            client = sluice.connect(login=False)
            for request in order:
                client.send(request())
                assert client.bytes(1) == b"N"
            client.send(client.startup)
            client.log_in()
            assert client.value("SELECT 1") == "1"
            client.end()


@case
def bytes_behind_an_ssl_request_are_refused(rig):
    with rig.sluice() as sluice:
        for request in (ssl_request, gssenc_request):
            with Wire(sluice.address) as wire:
                wire.send(request() + startup({"user": "app", "database": "app"}))
                messages = b""
                try:
                    while True:
                        wire.fill()
                except Closed:
                    messages = bytes(wire.received)
                assert b"R" not in messages[:1], "smuggled bytes were taken for a login"


@case
def the_same_encryption_request_twice_is_refused(rig):
    with rig.sluice() as sluice:
        for request in (ssl_request, gssenc_request):
            with Wire(sluice.address) as wire:
                wire.send(request())
                assert wire.bytes(1) == b"N"
                wire.send(request())
                assert first_error(wire)["C"] == "08P01"


@case
def a_startup_packet_arrives_byte_by_byte(rig):
    with rig.sluice() as sluice:
        client = sluice.connect(login=False)
        client.send_bytewise(ssl_request())
        assert client.bytes(1) == b"N"
        client.send_bytewise(client.startup)
        client.log_in()
        for sql in ("SELECT 1", "SELECT repeat('x', 100000)"):
            client.send_bytewise(b"Q" + struct.pack("!I", len(sql) + 5) + z(sql))
            assert client.answer().tags == ["SELECT 1"]
        client.end()


@case
def startup_and_first_query_may_come_in_one_packet(rig):
    with rig.sluice() as sluice:
        for _ in range(2):  # Without and with remembered parameters.
            client = sluice.connect(login=False)
            client.send(client.startup, b"Q" + struct.pack("!I", 13) + z("SELECT 7"))
            client.log_in()
            assert client.answer().rows == [("7",)]
            client.end()


@case
def startup_packets_have_a_limit(rig):
    with rig.sluice(max_startup_bytes=4096) as sluice:
        def packet(total):
            rest = total - len(startup({"user": "app", "database": "app", "options": ""}))
            return startup({"user": "app", "database": "app", "options": " " * rest})
        client = sluice.connect(login=False)
        assert len(packet(4096)) == 4096
        client.send(packet(4096))
        client.log_in()
        client.end()
        with Wire(sluice.address) as wire:
            wire.send(packet(4097)[:8])
            # The packet is not waited for. PostgreSQL says nothing here either.
            assert all(message.kind == "E" for message in wire.messages_to_the_end())


@case
def garbage_in_place_of_a_startup_packet_ends_one_client_only(rig):
    with rig.sluice() as sluice:
        steady = sluice.connect()
        garbage = [b"\0\0\0\0", b"\0\0\0\7", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n",
                   b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", untyped(b"\0\0\0\0"),
                   untyped(struct.pack("!I", 0x20000)), untyped(struct.pack("!I", 0x40000) + b"\0"),
                   untyped(struct.pack("!I", 0x30000) + b"user"),
                   untyped(struct.pack("!I", 0x30000) + z("user") + b"x\0"),
                   untyped(struct.pack("!I", 0x30000) + b"\0"),
                   startup({"database": "app"}), startup({"user": "", "database": "app"}),
                   startup({"user": "app"}) + b"", untyped(struct.pack("!II", 80877102, 1))]
        for data in garbage:
            with Wire(sluice.address) as wire:
                wire.send(data)
                if data == startup({"user": "app"}):
                    continue  # That one is right: the database is the user's.
                wire.socket.shutdown(1)
                for message in wire.messages_to_the_end():
                    assert message.kind == "E", f"{data} was answered by {message}"
            assert steady.value("SELECT 1") == "1"
        steady.end()


@case
def a_newer_minor_version_is_negotiated_once_with_all_options(rig):
    with rig.sluice() as sluice:
        options = {"_pq_.test_protocol_negotiation": "", "_pq_.other": "on"}
        for version in (0x30000 + 9999, 0x30003):
            client = sluice.connect(version=version, parameters=options)
            assert len(client.negotiations) == 1, client.negotiations
            newest, count = struct.unpack_from("!II", client.negotiations[0])
            assert newest == 0x30002, hex(newest)
            names = client.negotiations[0][8:].split(b"\0")[:-1]
            assert count == 2 and sorted(names) == sorted(name.encode() for name in options)
            assert client.value("SELECT 1") == "1"
            client.end()
        client = sluice.connect(parameters=options)
        assert len(client.negotiations) == 1, "unknown options of 3.0 are named as well"
        client.end()
        for version in (0x30000, 0x30002):
            client = sluice.connect(version=version)
            assert client.negotiations == []
            client.end()


@case
def an_unknown_option_is_negotiated_as_postgresql_does(rig):
    """Byte for byte what the server itself answers."""
    direct = Client(("127.0.0.1", rig.postgres.port), version=0x30000,
                    parameters={"_pq_.x": "1"})
    expected = direct.negotiations
    direct.end()
    with rig.sluice() as sluice:
        client = sluice.connect(version=0x30000, parameters={"_pq_.x": "1"})
        assert client.negotiations == expected, f"{client.negotiations} and not {expected}"
        client.end()


@case
def the_parameters_reported_are_those_of_the_server(rig):
    direct = Client(("127.0.0.1", rig.postgres.port))
    expected = direct.parameters
    direct.end()
    with rig.sluice() as sluice:
        for _ in range(2):
            client = sluice.connect()
            assert client.parameters == expected
            client.end()


@case
def arbitrary_startup_parameters_apply(rig):
    with rig.sluice(pool_size=1) as sluice:
        plain = sluice.connect()
        client = sluice.connect(parameters={
            "search_path": '"odd name", public', "statement_timeout": "12345",
            "application_name": "it's+me\\", "DateStyle": "German", "client_encoding": "LATIN1",
            "options": "-c work_mem=3MB --lock-timeout=777 -c my.own=a\\ b"})
        expected = {"search_path": '"odd name", public', "statement_timeout": "12345ms",
                    "application_name": "it's+me\\", "work_mem": "3MB", "lock_timeout": "777ms",
                    "my.own": "a b", "client_encoding": "LATIN1"}
        assert client.parameters["client_encoding"] == "LATIN1"
        assert client.parameters["DateStyle"].startswith("German")
        assert client.parameters["application_name"] == "it's+me\\"
        for _ in range(2):
            for name, value in expected.items():
                assert client.value(f"SHOW {name}") == value, name
            # The other client shares the one backend and sees nothing of this.
            assert plain.value("SHOW statement_timeout") == "0"
            assert plain.value("SHOW work_mem") == "4MB"
            assert plain.value("SHOW search_path") == '"$user", public'
            assert plain.value("SELECT current_setting('my.own', true) IS DISTINCT FROM 'a b'") == "t"
        assert len(rig.postgres.backends()) == 1
        client.end()
        plain.end()


@case
def an_invalid_startup_parameter_is_refused_with_the_servers_sqlstate(rig):
    wrong = [({"statement_timeout": "soon"}, None), ({"no_such_parameter": "1"}, None),
             ({"options": "-c work_mem=lots"}, None), ({"max_connections": "5"}, None),
             ({"client_encoding": "KLINGON"}, None), ({"options": "-c search_path"}, None),
             ({"TimeZone": "Nowhere/Here"}, None)]
    with rig.sluice() as sluice:
        good = sluice.connect()
        for parameters, _ in wrong:
            fields = []
            for address in (("127.0.0.1", rig.postgres.port), sluice.address):
                try:
                    Client(address, parameters=parameters).end()
                    fields.append("accepted")
                except Exception as error:
                    fields.append(getattr(error, "sqlstate", repr(error)))
            assert fields[0] == fields[1], f"{parameters}: server {fields[0]}, pooler {fields[1]}"
            assert good.value("SELECT 1") == "1"
        good.end()


@case
def startup_parameters_cannot_smuggle_sql(rig):
    with rig.sluice(pool_size=1) as sluice:
        for value in ("x'; DROP TABLE accounts; --", 'x"; SELECT 1; --', "$$", "\\'; SELECT 1; --",
                      "é'é"):
            client = sluice.connect(parameters={"application_name": value})
            assert client.value("SELECT count(*) FROM accounts") == "100"
            direct = Client(("127.0.0.1", rig.postgres.port),
                            parameters={"application_name": value})
            assert client.value("SHOW application_name") == direct.value("SHOW application_name")
            direct.end()
            client.end()
        odd = 'x"; DROP TABLE accounts; --'
        try:
            sluice.connect(parameters={odd: "1"}).end()
        except Exception as error:
            assert getattr(error, "sqlstate", None), error
        assert sluice.connect().value("SELECT count(*) FROM accounts") == "100"


@case
def ignored_startup_parameters_are_dropped(rig):
    with rig.sluice(ignore_startup_parameters=["extra_float_digits", "no_such"]) as sluice:
        client = sluice.connect(parameters={"extra_float_digits": "3", "no_such": "x"})
        assert client.value("SHOW extra_float_digits") == "1"
        client.end()


def told_at_login(address, parameters):
    """The codes and words of the notices, and how many parameters had been told before them."""
    with Wire(address) as wire:
        wire.send(startup({"user": "app", "database": "app", **parameters}))
        messages = wire.messages_until("Z")
        notices = [fields_of(message.body) for message in messages if message.kind == "N"]
        kinds = "".join(message.kind for message in messages)
        return [(one["S"], one["C"], one["M"]) for one in notices], kinds.find("N")


@case
def what_the_server_says_at_a_login_is_told_to_each_client(rig):
    direct = ("127.0.0.1", rig.postgres.port)
    long = {"application_name": "x" * 80}
    # A database of an older library of collations says so to everybody who comes.
    version = rig.postgres.value("SELECT datcollversion FROM pg_database WHERE datname = 'app'")
    if version:
        rig.postgres.execute("UPDATE pg_database SET datcollversion = '0' WHERE datname = 'app'")
    try:
        for mode in ("transaction", "session"):
            with rig.sluice(pool_mode=mode) as sluice:
                for parameters in ({}, long, {}, long, {**long, "work_mem": "9MB"}, long):
                    expected = told_at_login(direct, parameters)
                    assert len(expected[0]) == bool(version) + bool(parameters), expected
                    told = told_at_login(sluice.address, parameters)
                    assert told == expected, (mode, parameters, told, expected)
    finally:
        if version:
            rig.postgres.execute(
                f"UPDATE pg_database SET datcollversion = '{version}' WHERE datname = 'app'")


@case
def a_client_logs_in_without_a_backend_when_parameters_are_known(rig):
    with rig.sluice(server_idle_timeout="1s") as sluice:
        first = sluice.connect()
        first.query("SELECT 1")
        wait_until(rig.postgres.is_empty, "waiting for the idle backend to be closed", 20.0)
        clients = [sluice.connect() for _ in range(5)]
        named = sluice.connect(parameters={"application_name": "another"})
        assert named.parameters == {**first.parameters, "application_name": "another"}
        assert rig.postgres.is_empty(), "a login has opened a backend"
        assert sluice.metric("pool_opens_total") == 1
        for client in [first, named, *clients]:
            client.end()


@case
def the_application_name_is_passed_on_and_may_bear_the_address(rig):
    with rig.sluice(application_name_add_host=True) as sluice:
        client = sluice.connect(parameters={"application_name": "job"})
        name = client.value("SHOW application_name")
        host, port = client.socket.getsockname()
        assert name == f"job - {host}:{port}", name
        client.end()


@case
def a_silent_client_is_ended_by_the_login_timeout(rig):
    with rig.sluice(client_login_timeout="300ms") as sluice:
        silent, half = Wire(sluice.address), Wire(sluice.address)
        half.send(startup({"user": "app"})[:9])
        for wire in (silent, half):
            assert first_error(wire)["C"] == "08006"
            wire.close()
        assert sluice.metric("refusals_total", reason="login_timeout") == 2


@case
def a_message_type_that_does_not_exist_ends_the_client(rig):
    with rig.sluice() as sluice:
        for data in (b"\0\0\0\0\4", b"y\0\0\0\4", b"R\0\0\0\4", b"Z\0\0\0\5I"):
            client = sluice.connect()
            client.send(data)
            assert [fields_of(m.body)["C"] for m in client.messages_to_the_end()] == ["08P01"], data
        # A length that cannot be is the end without a word, and costs no backend.
        for data in (b"Q\0\0\0\3", b"Q\xff\xff\xff\xff", b"Q\x3f\xff\xff\xff", b"S\x7f\xff\xff\xff"):
            client = sluice.connect()
            client.send(data)
            assert client.messages_to_the_end() == [], data
        assert len(rig.postgres.backends("usename = 'app'")) <= 1
        client = sluice.connect()
        answer = client.ask(b"Q" + struct.pack("!I", 8) + b"SELE")  # No zero byte at the end.
        assert answer.sqlstates == ["08P01"] and answer.status == "I"
        client.end()
