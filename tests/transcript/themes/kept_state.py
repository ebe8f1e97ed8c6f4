"""Temporary tables, advisory locks, sequences: what must stay with its session while it is there."""

from pgwire import Query, Sync
from script import a, ask, b, theme

script = theme(__name__)

LOCKS = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
ORDERS = {
    "temp": ["CREATE TEMP TABLE mine (i int)", "INSERT INTO mine VALUES (1)", "SELECT * FROM mine", "DROP TABLE mine", "SELECT * FROM mine"],
    "temp_hides": ["CREATE TEMP TABLE thing (v text)", "SELECT * FROM thing", "DROP TABLE thing", "SELECT * FROM thing"],
    "temp_as": ["CREATE TEMPORARY TABLE mine AS SELECT 1 AS i", "SELECT * FROM mine"],
    "temp_select_into": ["SELECT 1 AS i INTO TEMP mine", "SELECT * FROM mine"],
    "temp_schema": ["CREATE TABLE pg_temp.mine (i int)", "SELECT * FROM pg_temp.mine"],
    "temp_rolled_back": ["BEGIN", "CREATE TEMP TABLE mine (i int)", "ROLLBACK", "SELECT * FROM mine"],
    "temp_on_commit_drop": ["BEGIN", "CREATE TEMP TABLE mine (i int) ON COMMIT DROP", "INSERT INTO mine VALUES (1)", "SELECT * FROM mine", "COMMIT", "SELECT * FROM mine"],
    "temp_on_commit_delete": ["CREATE TEMP TABLE mine (i int) ON COMMIT DELETE ROWS", "BEGIN; INSERT INTO mine VALUES (1); SELECT * FROM mine", "COMMIT", "SELECT * FROM mine"],
    "temp_view": ["CREATE TEMP VIEW mine AS SELECT 1 AS i", "SELECT * FROM mine", "DROP VIEW mine"],
    "temp_sequence": ["CREATE TEMP SEQUENCE mine", "SELECT nextval('mine')", "SELECT nextval('mine')"],
    "temp_function": ["CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 7'", "SELECT pg_temp.f()"],
    "temp_twice": ["CREATE TEMP TABLE mine (i int)", "CREATE TEMP TABLE mine (i int)", "CREATE TEMP TABLE IF NOT EXISTS mine (i int)"],
    "temp_discarded": ["CREATE TEMP TABLE mine (i int)", "DISCARD TEMP", "SELECT * FROM mine"],
    "temp_discarded_all": ["CREATE TEMP TABLE mine (i int)", "DISCARD ALL", "SELECT * FROM mine"],
    "lock": ["SELECT pg_advisory_lock(17)", LOCKS, "SELECT pg_advisory_unlock(17)", LOCKS, "SELECT pg_advisory_unlock(17)"],
    "lock_twice": ["SELECT pg_advisory_lock(17)", "SELECT pg_advisory_lock(17)", "SELECT pg_advisory_unlock(17)", LOCKS, "SELECT pg_advisory_unlock_all()", LOCKS],
    "lock_of_two_numbers": ["SELECT pg_try_advisory_lock(1, 2), pg_try_advisory_lock_shared(3)", LOCKS, "SELECT pg_advisory_unlock(1, 2), pg_advisory_unlock_shared(3)", LOCKS],
    "lock_survives_rollback": ["BEGIN", "SELECT pg_advisory_lock(17)", "ROLLBACK", LOCKS, "SELECT pg_advisory_unlock(17)"],
    "lock_of_the_transaction": ["BEGIN", "SELECT pg_advisory_xact_lock(17)", LOCKS, "COMMIT", LOCKS],
    "lock_discarded": ["SELECT pg_advisory_lock(17)", "DISCARD ALL", LOCKS],
    "sequence": ["SELECT nextval('counted')", "SELECT currval('counted')", "SELECT lastval()"],
    "sequence_never": ["SELECT currval('counted')", "SELECT lastval()"],
    "sequence_discarded": ["SELECT nextval('counted')", "DISCARD SEQUENCES", "SELECT currval('counted')"],
    "sequence_in_a_block": ["BEGIN", "SELECT nextval('counted')", "ROLLBACK", "SELECT currval('counted')"],
    "load": ["LOAD 'auto_explain'", "SELECT 1"],
    "large_objects": ["BEGIN", "SELECT lo_create(770077)", "SELECT lo_open(770077, 131072)", "SELECT lowrite(0, 'abc')", "SELECT lo_close(0)", "COMMIT", "SELECT lo_get(770077)",
                      "SELECT lo_unlink(770077)"],
}
for name, steps in ORDERS.items():
    script(name, *(a(sql) for sql in steps))
    script(f"{name}_pipelined", a(*steps))
    script(f"{name}_extended", *(a(ask(sql), Sync) if ";" not in sql else a(sql) for sql in steps))
    script(f"{name}_beside_another", *(step for sql in steps for step in (a(sql), b(LOCKS), b("SELECT * FROM mine"))),
           pins=("temporary_table", "advisory_lock", "code", "currval", "transaction"))
    script(f"{name}_then_gone", *(a(sql) for sql in steps[:2]), a.leaves(), b(LOCKS), b("SELECT * FROM mine"), b("SELECT * FROM thing"))
    script(f"{name}_then_vanished", *(a(sql) for sql in steps[:2]), a.vanishes(), b("SELECT * FROM mine"), b("SELECT * FROM thing"))
script("lock_of_another", a("SELECT pg_advisory_lock(17)"), b("SELECT pg_try_advisory_lock(17)"), a("SELECT pg_advisory_unlock(17)"),
       b("SELECT pg_try_advisory_lock(17)"), b("SELECT pg_advisory_unlock(17)"), pins="advisory_lock")
