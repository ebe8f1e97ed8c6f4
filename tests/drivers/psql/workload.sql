-- One copy's workload: psql prints what it gets. `schema` is given; a line "== STEP" begins a step.
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\pset format unaligned
\echo == startup
\warn == startup
SHOW application_name;
SHOW statement_timeout;
SHOW client_encoding;
CREATE SCHEMA :schema;
SET search_path TO :schema;
CREATE TABLE items (id int PRIMARY KEY, word text);
CREATE TABLE who AS SELECT :'schema'::text AS schema;

\echo == types
\warn == types
SELECT 9007199254740993::int8, E'O''Hara "quoted" \\ ünïcödé 漢字 🐘' AS text, '\x00ff275c'::bytea,
    12345678901234567890.123456789 AS exact, '2024-02-29 12:34:56.789+00'::timestamptz, ARRAY[1, NULL, 3],
    ARRAY['a,b', 'c"d', NULL], NULL::text, '{"k": [1, {"ü": null}]}'::jsonb \gx
\d items
\d+ who

\echo == prepared
\warn == prepared
PREPARE twice (int, text) AS SELECT $1 * 2, $2 || '!';
EXECUTE twice (1, 'one');
EXECUTE twice (21, :'schema');
BEGIN;
EXECUTE twice (2, 'inside');
ROLLBACK;
DEALLOCATE twice;
EXECUTE twice (1, 'gone');
SELECT 'SELECT ' || n || ' AS n, ' || quote_literal(:'schema') FROM generate_series(1, 5) n \gexec

\echo == transactions
\warn == transactions
BEGIN;
INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
DELETE FROM items RETURNING *;
ROLLBACK;
\set AUTOCOMMIT off
UPDATE items SET word = 'undone';
ROLLBACK;
\set AUTOCOMMIT on
SELECT * FROM items ORDER BY id;

\echo == savepoint
\warn == savepoint
BEGIN;
SAVEPOINT one;
INSERT INTO items VALUES (1, 'again');
SELECT 1;
ROLLBACK TO SAVEPOINT one;
INSERT INTO items VALUES (6, 'kept');
COMMIT;
\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO items VALUES (7, 'kept');
SELECT 1 / 0;
COMMIT;
\set ON_ERROR_ROLLBACK off
SELECT count(*) FROM items;

\echo == errors
\warn == errors
INSERT INTO items VALUES (1, 'x');
SELEKT 1;
SELECT nothing FROM nowhere;
\errverbose
SELECT 'goes on', :'SQLSTATE';
SELECT 1 \; SELECT 1 / 0 \; SELECT 3;
SELECT 1 \; SELECT 2 \; SELECT 3;

\echo == settings
\warn == settings
SET application_name TO renamed;
BEGIN;
SET statement_timeout TO '345s';
SET LOCAL DateStyle TO 'SQL, DMY';
SHOW DateStyle;
SHOW statement_timeout;
ROLLBACK;
SHOW DateStyle;
SHOW statement_timeout;
BEGIN;
SET statement_timeout TO '456s';
SAVEPOINT one;
SET statement_timeout TO '567s';
ROLLBACK TO one;
COMMIT;
SHOW statement_timeout;
SELECT schema FROM who;
SHOW search_path;
SHOW application_name;
\encoding LATIN1
SHOW client_encoding;
\encoding UTF8

\echo == reset
\warn == reset
RESET application_name;
SHOW application_name;
RESET ALL;
SHOW statement_timeout;
SET search_path TO :schema;

\echo == cursor
\warn == cursor
BEGIN;
DECLARE portal SCROLL CURSOR FOR SELECT n, md5(n::text) FROM generate_series(1, 5000) AS n;
FETCH 3 FROM portal;
FETCH ABSOLUTE 4000 FROM portal;
FETCH BACKWARD 2 FROM portal;
COMMIT;
DECLARE held CURSOR WITH HOLD FOR SELECT n FROM generate_series(1, 10) n;
FETCH 2 FROM held;
CLOSE held;
FETCH 1 FROM held;
\set FETCH_COUNT 700
SELECT n, md5(n::text) FROM generate_series(1, 5000) AS n;
\unset FETCH_COUNT

\echo == copy
\warn == copy
COPY items FROM STDIN;
100	copied
101	copied too
\.
\copy items from stdin
1	again
\.
COPY (SELECT * FROM items ORDER BY id) TO STDOUT;
\copy (select count(*) from items) to pstdout
COPY nowhere TO STDOUT;

\echo == notify
\warn == notify
LISTEN :schema;
BEGIN;
NOTIFY :schema, 'undone';
ROLLBACK;
NOTIFY :schema, 'first';
SELECT pg_notify(:'schema', 'second');
UNLISTEN *;

\echo == temporary
\warn == temporary
CREATE TEMP TABLE scratch AS SELECT generate_series(1, 10) AS n;
SELECT sum(n) FROM scratch;
DROP TABLE scratch;
SELECT n FROM scratch;

\echo == cancel
\warn == cancel
SET statement_timeout TO '50ms';
SELECT pg_sleep(600);
SET statement_timeout TO '234s';
SELECT 'goes on', schema FROM who;
\echo == end
\warn == end
