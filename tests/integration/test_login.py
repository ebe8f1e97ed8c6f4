"""Who gets in, by which dialogue, and what the others are told."""

import getpass
import os
import time

from case import case
from pgwire import Client, Closed, frame, startup, z
from processes import tail
from rig import PASSWORD, Skipped, raises

MD5 = "md5" + __import__("hashlib").md5((PASSWORD + "app").encode()).hexdigest()


def verifier(rig, role):
    return rig.postgres.value(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")


def with_password(secret):
    return {"app": {"password": secret}}


@case
def a_role_does_not_outlive_a_login_that_was_refused(rig):
    """RESET ALL leaves the role, and a refused set of settings leaves what was there before."""
    rig.postgres.rows("CREATE ROLE passing")
    try:
        rig.postgres.rows("GRANT passing TO app")
        with rig.sluice(pool_size=1) as sluice:
            for _ in range(2):
                first = sluice.connect(parameters={"role": "passing"})
                assert first.value("SELECT current_user") == "passing"
                first.end()
                raises("22023", sluice.connect, parameters={"work_mem": "much"})
                plain = sluice.connect()
                assert plain.value("SELECT current_user") == "app", "the role of another"
                plain.end()
    finally:
        rig.postgres.rows("DROP ROLE passing")


@case
def each_method_admits_the_right_password_of_each_kind_of_secret(rig):
    secrets = {"plain": PASSWORD, "md5": MD5, "scram": verifier(rig, "app")}
    fits = {"password": ("plain", "md5", "scram"), "md5": ("plain", "md5", "scram"),
            "scram-sha-256": ("plain", "scram")}
    codes = {"password": 3, "md5": 5, "scram-sha-256": 10}
    for method, kinds in fits.items():
        for kind, secret in secrets.items():
            with rig.sluice(auth=method, users=with_password(secret),
                            database={"password": PASSWORD}) as sluice:
                if kind in kinds:
                    for _ in range(2):
                        client = sluice.connect(password=PASSWORD)
                        # Who is known by a verifier is asked for SCRAM, as by PostgreSQL.
                        by_verifier = method == "md5" and kind == "scram"
                        wanted = "scram-sha-256" if by_verifier else method
                        assert client.methods[0] == codes[wanted]
                        assert client.value("SELECT current_user") == "app"
                        client.end()
                else:
                    raises("28P01", sluice.connect, password=PASSWORD)
                for wrong in ("wrong", PASSWORD + "x", PASSWORD[:-1]):
                    fields = raises("28P01", sluice.connect, password=wrong)
                    assert fields["S"] == "FATAL" and "app" in fields["M"], fields


@case
def an_empty_password_never_gets_in(rig):
    for method in ("password", "md5", "scram-sha-256"):
        with rig.sluice(auth=method, users=with_password(PASSWORD)) as sluice:
            raises("28P01", sluice.connect, password="")


@case
def an_unknown_user_has_the_same_dialogue_as_a_wrong_password(rig):
    for method in ("password", "md5", "scram-sha-256"):
        with rig.sluice(auth=method, users=with_password(PASSWORD)) as sluice:
            told = []
            for user in ("app", "stranger"):
                client = sluice.connect(user=user, password="wrong", login=False)
                client.send(client.startup)
                fields = raises("28P01", client.converse)
                told.append((client.methods, fields["S"], fields["M"].replace(user, "USER"),
                             sorted(fields)))
                client.close()
            assert told[0] == told[1], told


@case
def the_challenge_of_an_unknown_user_does_not_change(rig):
    """Else a second try tells who exists."""
    with rig.sluice(auth="scram-sha-256", users=with_password(PASSWORD)) as sluice:
        salts = []
        for user in ("app", "app", "stranger", "stranger", "other_stranger"):
            client = sluice.connect(user=user, login=False)
            client.send(client.startup)
            client.expect("R")
            initial = b"n,,n=,r=abcdefghijklmnopqrstuvwx"
            client.send(frame("p", z("SCRAM-SHA-256") + len(initial).to_bytes(4, "big") + initial))
            text = client.message().body[4:].decode()
            salts.append(text.split(",", 1)[1])
            client.close()
        assert salts[0] == salts[1] and salts[2] == salts[3] and salts[2] != salts[4], salts
        assert [len(salt) for salt in salts] == [len(salts[0])] * 5, salts


@case
def an_unknown_database_is_named_only_after_the_login(rig):
    with rig.sluice(auth="scram-sha-256", users=with_password(PASSWORD),
                    databases={"app": {"host": "127.0.0.1", "port": rig.postgres.port}}) as sluice:
        raises("28P01", sluice.connect, database="secret", password="wrong")
        fields = raises("3D000", sluice.connect, database="secret", password=PASSWORD)
        assert fields["S"] == "FATAL" and "secret" in fields["M"], fields


@case
def trust_admits_only_listed_users(rig):
    with rig.sluice(users={"app": {}}) as sluice:
        sluice.connect(user="app").end()
        raises("28P01", sluice.connect, user="second")


@case
def a_users_file_of_pgbouncer_is_read(rig):
    folder = rig.new_folder("users")
    path = os.path.join(folder, "userlist.txt")
    with open(path, "w") as file:
        file.write(f'; a comment\n"app" "{PASSWORD}"\n"by_scram" "{verifier(rig, "by_scram")}" x\n'
                   f'"quo""ted" "a""b"\n')
    with rig.sluice(auth="scram-sha-256", users_file=path,
                    database={"user": "app"}) as sluice:
        sluice.connect(user="app", password=PASSWORD).end()
        sluice.connect(user="by_scram", password=PASSWORD).end()
        client = sluice.connect(user='quo"ted', password='a"b')
        assert client.value("SELECT current_user") == "app"
        client.end()
        raises("28P01", sluice.connect, user="app", password="wrong")


@case
def backends_log_in_by_each_method_of_the_server(rig):
    for role in ("app", "by_password", "by_md5", "by_scram"):
        with rig.sluice(database={"user": role, "password": PASSWORD, "dbname": "app"}) as sluice:
            client = sluice.connect(user="anyone", database="whatever")
            assert client.value("SELECT current_user || '@' || current_database()") == f"{role}@app"
            client.end()


@case
def a_client_logs_in_to_the_backend_with_its_own_plain_secret(rig):
    users = {role: {"password": PASSWORD} for role in ("by_password", "by_md5", "by_scram")}
    with rig.sluice(auth="scram-sha-256", users=users) as sluice:
        for role in users:
            client = sluice.connect(user=role, password=PASSWORD)
            assert client.value("SELECT current_user") == role
            client.end()


@case
def an_md5_secret_logs_in_to_a_backend_that_asks_for_md5(rig):
    secret = "md5" + __import__("hashlib").md5((PASSWORD + "by_md5").encode()).hexdigest()
    with rig.sluice(auth="md5", users={"by_md5": {"password": secret}}) as sluice:
        client = sluice.connect(user="by_md5", password=PASSWORD)
        assert client.value("SELECT current_user") == "by_md5"
        client.end()


@case
def a_wrong_backend_password_is_answered_with_the_servers_own_error(rig):
    with rig.sluice(database={"user": "by_scram", "password": "wrong", "dbname": "app"}) as sluice:
        fields = raises("28P01", sluice.connect)
        assert fields["M"] == 'password authentication failed for user "by_scram"', fields
        assert sluice.metric("pool_open_failures_total") >= 1
        assert sluice.page("healthz")
    with rig.sluice(database={"user": "nobody_in", "dbname": "app"}) as sluice:
        raises("28000", sluice.connect)
    with rig.sluice(database={"user": "app", "dbname": "not_there"}) as sluice:
        fields = raises("3D000", sluice.connect)
        assert fields["M"] == 'database "not_there" does not exist', fields


@case
def a_socket_of_our_own_is_there_and_peers_log_in(rig):
    me = getpass.getuser()
    folder = rig.new_folder("s")
    with rig.sluice(listen=[f"unix:{folder}"], auth="scram-sha-256", unix_peer_login=True,
                    unix_socket_mode="0770", users={me: {}, "app": {"password": PASSWORD}},
                    database={"user": "app"}) as sluice:
        path = os.path.join(folder, ".s.PGSQL.6432")
        assert os.stat(path).st_mode & 0o777 == 0o770
        client = Client(path, user=me)
        assert client.methods == [0], "a peer needs no password"
        assert client.value("SELECT current_user") == "app"
        client.cancel()
        client.end()
        client = Client(path, user="app", password=PASSWORD)
        assert client.methods[0] == 10
        client.end()
        raises("28P01", Client, path, user="stranger", password="x")
    assert not os.path.exists(path), "the socket stays behind"
    assert sluice.process.returncode == 0


@case
def backends_are_reached_by_unix_socket(rig):
    with rig.sluice(database={"host": rig.postgres.socket_folder}) as sluice:
        client = sluice.connect()
        assert client.value("SELECT inet_client_addr() IS NULL") == "t"
        waiting = sluice.connect()
        waiting.send(b"Q" + (4 + 20).to_bytes(4, "big") + z("SELECT pg_sleep(60)"))
        rig_wait_active(rig, "pg_sleep")
        waiting.cancel()
        assert waiting.answer().sqlstates == ["57014"]
        client.end()
        waiting.end()


def rig_wait_active(rig, text):
    from processes import wait_until
    wait_until(lambda: rig.postgres.backends(f"state = 'active' AND query LIKE '%{text}%'"),
               f"waiting for {text} to run", 20.0)


@case
def failed_logins_are_delayed_then_refused(rig):
    with rig.sluice(auth="password", users=with_password(PASSWORD), failed_login_delay="300ms",
                    max_failed_logins=3) as sluice:
        for _ in range(3):
            started = time.monotonic()
            raises("28P01", sluice.connect, password="wrong")
            assert time.monotonic() - started >= 0.29
        fields = raises("28000", sluice.connect, password=PASSWORD)
        assert fields["H"], fields
        assert sluice.metric("refusals_total", reason="login_failed") == 3
        assert sluice.metric("refusals_total", reason="login_blocked") == 1
        assert sluice.metric("logins_total") == 0


@case
def good_logins_of_an_address_may_be_limited(rig):
    with rig.sluice(max_logins_per_second=2) as sluice:
        outcomes = []
        for _ in range(30):
            try:
                sluice.connect().end()
                outcomes.append("in")
            except Exception as error:
                outcomes.append(getattr(error, "sqlstate", repr(error)))
        assert set(outcomes) == {"in", "53300"}, outcomes


@case
def a_password_message_before_its_time_ends_the_client(rig):
    with rig.sluice(auth="password", users=with_password(PASSWORD)) as sluice:
        for frames in (frame("p", z(PASSWORD)), frame("Q", z("SELECT 1"))):
            client = sluice.connect(login=False)
            client.send(frames)
            messages = client.messages_to_the_end()
            assert all(message.kind == "E" for message in messages), messages
            client.close()
        client = sluice.connect(login=False)
        client.send(client.startup)
        client.expect("R")
        client.send(frame("Q", z("SELECT 1")))
        assert [message.kind for message in client.messages_to_the_end()] == ["E"]
        client.close()


@case
def long_passwords_and_their_limit(rig):
    long = "p" * 30000
    with rig.sluice(auth="password", users={"app": {"password": long}},
                    max_startup_bytes="32KiB", database={"user": "app", "password": PASSWORD}) as sluice:
        client = sluice.connect(password=long)
        assert client.value("SELECT 1") == "1"
        client.end()
        client = sluice.connect(login=False)
        client.send(startup({"user": "app", "database": "app"}))
        client.expect("R")
        client.send(frame("p", z("p" * 40000))[:5])
        assert client.messages_to_the_end()[-1].kind == "E"
        client.close()


@case
def a_login_given_up_halfway_leaves_nothing(rig):
    with rig.sluice(auth="scram-sha-256", users=with_password(PASSWORD)) as sluice:
        for _ in range(20):
            client = sluice.connect(login=False)
            client.send(client.startup)
            client.abort()
        sluice.wait_metric("clients", 0)
        sluice.connect(password=PASSWORD).end()


@case
def the_log_holds_no_sql_and_no_secret(rig):
    with rig.sluice(auth="scram-sha-256", users=with_password(PASSWORD),
                    database={"password": PASSWORD}, log={"level": "debug"}) as sluice:
        client = sluice.connect(password=PASSWORD)
        client.query("SELECT 'Kanarienvogel'")
        client.execute("SELECT $1::text", "Nachtigall")
        client.ask(b"Q" + (4 + 14).to_bytes(4, "big") + z("SELEKT Amsel."))
        raises("28P01", sluice.connect, password="Falschwort")
        client.send(b"Q" + (4 + 20).to_bytes(4, "big") + z("SELECT pg_sleep(90)"))
        rig_wait_active(rig, "pg_sleep(90)")
        pid = rig.postgres.backends("state = 'active'")[0][0]
        rig.postgres.rows(f"SELECT pg_terminate_backend({pid})")
        try:
            client.messages_to_the_end()
        except Closed:
            pass
    text = sluice.log_text()
    for word in ("Kanarienvogel", "Nachtigall", "Amsel", "Falschwort", "pg_sleep", PASSWORD,
                 verifier(rig, "app")[:40]):
        assert word not in text, f"{word}: {tail(sluice.log)}"
    assert "client logged in" in text and "client left" in text and "backend opened" in text, text


@case
def without_a_file_the_urls_user_logs_in(rig):
    with rig.sluice_without_file("--postgres",
                                 f"postgresql://by_scram:{PASSWORD}@127.0.0.1:"
                                 f"{rig.postgres.port}/app") as sluice:
        client = sluice.connect(user="by_scram", password=PASSWORD)
        assert client.methods[0] == 10 and client.value("SELECT current_user") == "by_scram"
        client.end()
        raises("28P01", sluice.connect, user="by_scram", password="wrong")
        raises("28P01", sluice.connect, user="app", password=PASSWORD)
    with rig.sluice_without_file("--postgres", rig.postgres.url, "--set",
                                 "postgres.pool_size=3") as sluice:
        client = sluice.connect()
        assert client.methods == [0]
        client.query("SELECT 1")
        assert sluice.metric("pool_size") == 3
        client.end()


@case
def secrets_come_from_files_and_the_environment(rig):
    if not rig.binary:
        raise Skipped("no binary")
    folder = rig.new_folder("secrets")
    path = os.path.join(folder, "secret")
    with open(path, "w") as file:
        file.write(PASSWORD + "\n")
    with rig.sluice(auth="scram-sha-256", users={"app": {"password": {"file": path}}},
                    database={"user": "by_scram", "password": {"env": "IT_SECRET"}},
                    environment={"IT_SECRET": PASSWORD}) as sluice:
        client = sluice.connect(password=PASSWORD)
        assert client.value("SELECT current_user") == "by_scram"
        client.end()
