"""Backends that log in as the client's own user, or as one that it is mapped to."""

from case import case
from redis_rig import redis_and_sluice
from resp import request
from rig import Skipped, wait_until

WRONG = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


def make_users(redis):
    with redis.connect() as control:
        for words in (("ann", ">a", "~ann:*", "&ann:*", "+@all", "-multi"),
                      ("bob", ">b", ">b2", "~*", "&*", "+@all"),
                      ("reads", ">r", "~*", "&*", "+@read", "+@connection", "+multi", "+exec",
                       "+acl|whoami")):
            assert control.ask("ACL", "SETUSER", words[0], "on", *words[1:]) == b"+OK\r\n"
        assert control.ask("CONFIG", "SET", "requirepass", "d") == b"+OK\r\n"


def servers(rig, **settings):
    database = {"user_backends": True, "password": "d", **settings.pop("database", {})}
    return redis_and_sluice(rig, database=database, **settings)


def logins(redis):
    """Who is logged in at the server, but for the control connection."""
    with redis.connect() as wire:
        assert wire.ask("AUTH", "d") == b"+OK\r\n"
        rows = wire.ask("CLIENT", "LIST").decode().splitlines()
    return sorted(row.split(" user=")[1].split()[0] for row in rows
                  if " name=sluice " in row)


def login(sluice, user, password):
    wire = sluice.connect()
    assert wire.ask("AUTH", user, password) == b"+OK\r\n"
    return wire


@case
def each_has_the_rights_that_the_server_gives_it(rig):
    with servers(rig) as (redis, sluice):
        make_users(redis)
        with sluice.connect() as stranger:
            assert stranger.ask("GET", "k") == b"-NOAUTH Authentication required.\r\n"
            assert stranger.ask("AUTH", "ann", "b") == WRONG
            assert stranger.ask("AUTH", "nobody", "a") == WRONG
            assert stranger.ask("AUTH", "a") == WRONG
            assert stranger.ask("GET", "k") == b"-NOAUTH Authentication required.\r\n"
        assert sluice.metric("refusals_total", mode="redis", reason="login_failed") == 3
        with login(sluice, "ann", "a") as ann, login(sluice, "bob", "b") as bob, \
                login(sluice, "reads", "r") as reads:
            for turn in range(3):
                assert bob.ask("SET", "k", turn) == b"+OK\r\n"
                assert ann.ask("GET", "k").startswith(b"-NOPERM")
                assert ann.ask("SET", "ann:k", 1) == b"+OK\r\n"
                assert reads.ask("SET", "k", 1).startswith(b"-NOPERM")
                assert reads.ask("GET", "k") == b"$1\r\n%d\r\n" % turn
                assert bob.ask("ACL", "WHOAMI") == b"$3\r\nbob\r\n"
                assert ann.ask("ACL", "WHOAMI") == b"$3\r\nann\r\n"
            # A block of who has no right to MULTI is not run piece by piece.
            assert ann.ask("MULTI") == b"+OK\r\n"
            ann.ask("SET", "ann:k", 9)
            assert ann.ask("EXEC").startswith(b"-NOPERM")
            assert ann.ask("GET", "ann:k") == b"$1\r\n1\r\n"
            assert bob.ask("MULTI") == b"+OK\r\n"
            assert bob.ask("INCR", "n") == b"+QUEUED\r\n"
            assert bob.ask("EXEC") == b"*1\r\n:1\r\n"
            # Channels too, and pinned backends.
            assert ann.ask("SUBSCRIBE", "bob:c").startswith(b"-NOPERM")
            assert ann.ask("BLPOP", "l", "0.01").startswith(b"-NOPERM")
            assert bob.ask("BLPOP", "l", "0.01") == b"*-1\r\n"
            assert set(logins(redis)) == {"ann", "bob", "reads"}
            # Who logs in as another is that one from then on.
            assert bob.ask("AUTH", "ann", "a") == b"+OK\r\n"
            assert bob.ask("GET", "k").startswith(b"-NOPERM")
            assert bob.ask("RESET") == b"+RESET\r\n"
            assert bob.ask("GET", "k") == b"-NOAUTH Authentication required.\r\n"
            assert bob.ask("AUTH", "d") == b"+OK\r\n"
            assert bob.ask("ACL", "WHOAMI") == b"$7\r\ndefault\r\n"


@case
def the_server_is_asked_once_for_a_while(rig):
    with servers(rig) as (redis, sluice):
        make_users(redis)
        for _ in range(10):
            login(sluice, "bob", "b").close()
        with sluice.connect() as wire:
            wire.send(request("HELLO", 3, "AUTH", "bob", "b") + request("SET", "k", 1))
            assert wire.reply().startswith(b"%7")
            assert wire.reply() == b"+OK\r\n"
        assert sluice.metric("redis_login_checks_total") == 1
        # At once, and by both workers: the connections for it are bounded, and shared.
        wires = [sluice.connect() for _ in range(100)]
        for wire in wires:
            wire.send(request("AUTH", "ann", "a") + request("SET", "ann:k", 1))
        for wire in wires:
            assert wire.reply() == b"+OK\r\n" and wire.reply() == b"+OK\r\n"
            wire.close()
        assert 2 <= sluice.metric("redis_login_checks_total") <= 20
    with servers(rig, login_cache_time=0) as (redis, sluice):
        make_users(redis)
        for _ in range(3):
            login(sluice, "bob", "b").close()
        assert sluice.metric("redis_login_checks_total") == 3


@case
def a_changed_password_is_heeded(rig):
    with servers(rig, server={"workers": 1}) as (redis, sluice):
        make_users(redis)
        with redis.connect() as control, login(sluice, "ann", "a") as ann:
            control.ask("AUTH", "d")
            assert ann.ask("SET", "ann:k", 1) == b"+OK\r\n"
            # The server closes a user's connections when its password goes away with it.
            assert control.ask("ACL", "DELUSER", "ann") == b":1\r\n"
            assert control.ask("ACL", "SETUSER", "ann", "on", ">new", "~ann:*", "+@all") == b"+OK\r\n"
            wait_until(lambda: "ann" not in logins(redis), "its backends to be gone")

            def refused():
                return b"WRONGPASS" in ann.ask("GET", "ann:k")
            wait_until(refused, "the old password to be refused to a backend")
            with sluice.connect() as late:
                assert late.ask("AUTH", "ann", "a") == WRONG, "not believed any more"
                assert late.ask("AUTH", "ann", "new") == b"+OK\r\n"
                assert late.ask("SET", "ann:k", 2) == b"+OK\r\n"


@case
def a_server_that_is_away_is_no_wrong_password(rig):
    with servers(rig) as (redis, sluice):
        make_users(redis)
        redis.stop()
        with sluice.connect() as wire:
            reply = wire.ask("AUTH", "bob", "b")
            assert reply.startswith(b"-ERR sluice: ") and b"WRONGPASS" not in reply, reply
            assert wire.ask("PING") == b"-NOAUTH Authentication required.\r\n"
            redis.start()
            make_users(redis)
            assert wire.ask("AUTH", "bob", "b") == b"+OK\r\n"
            assert wire.ask("SET", "k", 1) == b"+OK\r\n"


@case
def logins_wait_for_room_below_the_bound(rig):
    with servers(rig, max_connections=4, pinned_connections=2, wait_timeout="300ms") as (redis, sluice):
        make_users(redis)
        with login(sluice, "bob", "b") as bob, login(sluice, "bob", "b") as other:
            bob.send(request("BLPOP", "q", 0))
            other.send(request("BLPOP", "q2", 0))
            sluice.wait_metric("redis_pinned_in_use", 2)
            # An idle shared one makes room.
            with login(sluice, "ann", "a") as ann:
                assert ann.ask("SET", "ann:k", 1) == b"+OK\r\n"
                assert len(logins(redis)) <= 3


@case
def users_are_mapped_to_those_of_the_server(rig):
    users = {"default": {"password": "one"},
             "app": {"password": "two", "backend_user": "bob", "backend_password": "b"},
             "web": {"password": "three", "backend_user": "reads", "backend_password": "r"}}
    with redis_and_sluice(rig, users=users, database={"password": "d"}) as (redis, sluice):
        make_users(redis)
        with login(sluice, "app", "two") as app, login(sluice, "web", "three") as web, \
                login(sluice, "default", "one") as plain:
            assert app.ask("ACL", "WHOAMI") == b"$3\r\nbob\r\n"
            assert web.ask("ACL", "WHOAMI") == b"$5\r\nreads\r\n"
            assert plain.ask("ACL", "WHOAMI") == b"$7\r\ndefault\r\n"
            assert app.ask("SET", "k", 1) == b"+OK\r\n"
            assert web.ask("SET", "k", 1).startswith(b"-NOPERM")
            with sluice.connect() as wire:
                assert wire.ask("AUTH", "bob", "b") == WRONG, "it is no user here"
        assert sluice.metric("redis_login_checks_total") == 0


@case
def redis_py_logs_in_as_itself(rig):
    try:
        import redis as library
    except ImportError:
        raise Skipped("python3-redis is not installed") from None
    with servers(rig) as (server, sluice):
        make_users(server)
        client = library.Redis("127.0.0.1", sluice.port, username="bob", password="b", db=1)
        assert client.set("k", "v") and client.acl_whoami() == "bob"
        with client.pipeline() as pipe:
            pipe.set("n", 1).incr("n")
            assert pipe.execute() == [True, 2]
        client.close()
        wrong = library.Redis("127.0.0.1", sluice.port, username="bob", password="x")
        try:
            wrong.ping()
            raise AssertionError("it got in")
        except (library.AuthenticationError, library.ResponseError) as refusal:
            assert "WRONGPASS" in str(refusal)
