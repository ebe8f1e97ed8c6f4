"""What scripts find in their database, and how a play's traces are taken away.

Everything of SETUP belongs to the superuser, so that only contents change, and only of tables that
TIDY empties. Scripts may make what they like in any schema; TIDY knows it by its OID.
"""

ROLES = """
CREATE ROLE chief SUPERUSER LOGIN;
GRANT second TO app;
"""

SETUP = """
CREATE TABLE numbers (n int PRIMARY KEY, word text);
INSERT INTO numbers SELECT n, 'word ' || n FROM generate_series(1, 10) n;
CREATE TABLE plain (i int);
CREATE TABLE parent (i int PRIMARY KEY);
INSERT INTO parent VALUES (1);
CREATE TABLE child (i int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE guarded (i int);
CREATE SCHEMA one;
CREATE TABLE one.thing (v text);
INSERT INTO one.thing VALUES ('one');
CREATE SCHEMA two;
CREATE TABLE two.thing (v text, extra int);
INSERT INTO two.thing VALUES ('two', 2);
CREATE TABLE thing (v text);
INSERT INTO thing VALUES ('public');
CREATE TABLE private (secret text);
INSERT INTO private VALUES ('of second');
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE SEQUENCE counted;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON guarded EXECUTE FUNCTION refuse();
CREATE FUNCTION notice(words text) RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN RAISE NOTICE '%', words; RETURN words; END $$;
CREATE FUNCTION quietly(name text, value text) RETURNS text LANGUAGE plpgsql
    AS $$ BEGIN PERFORM set_config(name, value, false); RETURN value; END $$;
CREATE FUNCTION with_own_path() RETURNS text LANGUAGE sql SET search_path = two
    AS $$ SELECT current_setting('search_path') $$;
CREATE PROCEDURE commits() LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO plain VALUES (1); COMMIT; INSERT INTO plain VALUES (2); END $$;
CREATE PROCEDURE gives(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;
GRANT USAGE, CREATE ON SCHEMA public, one, two TO PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA public, one, two TO app, third;
GRANT ALL ON plain, parent, child, guarded TO app, second, third;
GRANT ALL ON SEQUENCE counted TO app, second;
REVOKE ALL ON private FROM app;
GRANT SELECT ON private TO second;
CREATE FUNCTION tidy(first_new bigint) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
            WHERE oid >= first_new AND nspname !~ '^pg_'
        UNION ALL
        SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
                      CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                          WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
                      n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid >= first_new AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'v', 'm', 'S', 'p', 'c')
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE p.oid >= first_new AND n.nspname !~ '^pg_'
        UNION ALL
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype)
            FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE t.oid >= first_new AND n.nspname !~ '^pg_' AND t.typtype IN ('e', 'd')
        UNION ALL
        SELECT format('SELECT lo_unlink(%s)', oid) FROM pg_largeobject_metadata
    LOOP
        EXECUTE statement;
    END LOOP;
    IF EXISTS (SELECT FROM plain) THEN TRUNCATE plain; END IF;
    IF EXISTS (SELECT FROM child) OR (SELECT array_agg(i) FROM parent) IS DISTINCT FROM '{1}' THEN
        TRUNCATE parent, child;
        INSERT INTO parent VALUES (1);
    END IF;
    IF (SELECT is_called FROM counted) THEN PERFORM setval('counted', 1, false); END IF;
END $body$;
"""

FIRST_NEW = """
SELECT 1 + greatest((SELECT max(oid::bigint) FROM pg_class), (SELECT max(oid::bigint) FROM pg_proc),
                    (SELECT max(oid::bigint) FROM pg_type),
                    (SELECT max(oid::bigint) FROM pg_namespace))
"""

# What a client that has just logged in must find: nothing of anybody.
PROBE = """
SELECT coalesce(string_agg(what, ', ' ORDER BY what), '') FROM (
    -- Those of the transaction end with it, whatever their source.
    SELECT name || '=' || setting FROM pg_settings WHERE source = 'session' AND name NOT IN
        ('client_encoding', 'DateStyle', 'TimeZone', 'application_name', 'extra_float_digits',
         'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')
    UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements WHERE name !~ '^sluice'
    UNION ALL SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
    UNION ALL SELECT 'channel ' || c FROM pg_listening_channels() c
    UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE name <> ''
    UNION ALL SELECT 'table ' || relname FROM pg_class
        WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()
    UNION ALL SELECT 'user ' || current_user WHERE current_user <> 'app' OR session_user <> 'app'
    UNION ALL SELECT 'path ' || current_setting('search_path')
        WHERE current_setting('search_path') <> '"$user", public'
    UNION ALL SELECT 'application_name ' || current_setting('application_name')
        WHERE current_setting('application_name') <> ''
) found (what)
"""
