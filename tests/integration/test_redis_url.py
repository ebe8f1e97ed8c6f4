"""Redis without a settings file."""

from case import case
from redis_rig import redis_and_sluice_without_file


@case
def without_a_file_everybody_gets_in_where_the_url_has_no_password(rig):
    with redis_and_sluice_without_file(rig, "redis://127.0.0.1:PORT") as (redis, sluice):
        with sluice.connect() as wire:
            assert wire.ask("SET", "k", "v") == b"+OK\r\n"
        with redis.connect() as wire:
            assert wire.ask("GET", "k") == b"$1\r\nv\r\n"


@case
def without_a_file_clients_log_in_as_the_url_does(rig):
    with redis_and_sluice_without_file(rig, "redis://:geheim%21@127.0.0.1:PORT/0",
                                       {"requirepass": "geheim!"}) as (_, sluice):
        with sluice.connect() as wire:
            assert wire.ask("GET", "k").startswith(b"-NOAUTH")
            assert wire.ask("AUTH", "falsch").startswith(b"-WRONGPASS")
            assert wire.ask("AUTH", "geheim!") == b"+OK\r\n"
            assert wire.ask("GET", "k") == b"$-1\r\n"
