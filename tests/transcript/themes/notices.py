"""Notices and the fields of errors, whatever the protocol."""

from pgwire import Parse, Query, Sync, Flush
from script import a, ask, b, theme

script = theme(__name__)

RAISE = "DO $$ BEGIN RAISE {} 'words %', 1 USING HINT = 'h', DETAIL = 'd', ERRCODE = '{}', COLUMN = 'c', CONSTRAINT = 'k', " \
        "DATATYPE = 't', TABLE = 'r', SCHEMA = 's'; END $$"
SOURCES = {
    **{f"{level.lower()}_{code}": RAISE.format(level, code) for level in ("NOTICE", "WARNING", "INFO", "EXCEPTION") for code in ("01ABC", "P0001", "22012")},
    "function": "SELECT notice('one'), notice('two')", "function_then_error": "SELECT notice('one'), 1 / (n - 1) FROM numbers ORDER BY n",
    "drop_if_exists": "DROP TABLE IF EXISTS nothing", "begin_twice": "BEGIN; BEGIN; COMMIT", "commit_outside": "COMMIT",
    "long_notice": "SELECT length(notice(repeat('x', 9000)))", "truncated_identifier": f"SELECT 1 AS {'y' * 90}",
    "check": "CREATE TABLE made (i int CONSTRAINT positive CHECK (i > 0)); INSERT INTO made VALUES (-1)",
    "not_null": "CREATE TABLE made (i int NOT NULL); INSERT INTO made VALUES (NULL)", "unique": "INSERT INTO numbers VALUES (1, 'x')",
    "inner_query": "DO $$ BEGIN EXECUTE 'SELEKT'; END $$", "where_of_a_function": "DO $$ BEGIN PERFORM 1/0; END $$",
    "copy_context": "DO $$ BEGIN PERFORM 'x'::int; END $$", "out_of_range": "SELECT 40000::int2", "bad_utf8": b"SELECT '\xff'".decode("latin-1"),
    "wide_error": "SELECT '" + "é" * 300 + "'::int",
}
for name, sql in SOURCES.items():
    script(name, a(sql), a("SELECT 1"))
    script(f"{name}_extended", *(a(ask(one), Sync) for one in ([sql] if "DO" in sql else sql.split(";"))), a("SELECT 1"))
    script(f"{name}_quiet", a("SET client_min_messages = error"), a(sql), a("SELECT 1"))
    script(f"{name}_in_a_pipeline", a("SELECT 1", sql, "SELECT 2", sql), a("ROLLBACK"))
    script(f"{name}_in_a_block", a("BEGIN"), a("SAVEPOINT s"), a(sql), a("ROLLBACK TO s"), a("COMMIT"))
script("verbose", a("SET log_error_verbosity = verbose"), a("SELECT 1/0"))
script("debug_of_plans", a("SET client_min_messages = debug1"), a("SELECT 1/0"), a("RESET client_min_messages"))
script("on_commit", a("CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'late'; RETURN NULL; END $$"),
       a("CREATE TABLE made (i int); CREATE CONSTRAINT TRIGGER t AFTER INSERT ON made DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late()"),
       a(ask("INSERT INTO made VALUES (1)"), Sync), a("BEGIN"), a("INSERT INTO made VALUES (2)"), a("COMMIT"))
