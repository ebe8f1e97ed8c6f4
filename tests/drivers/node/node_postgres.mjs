// node-postgres: statements without a name as it comes, named ones where a name is given.
import pg from 'pg';
import { big, bytes, checksum, fails, json, moment, numeric, playCopies, series, text } from './transcript.mjs';

const names = ['search_path', 'statement_timeout', 'application_name', 'DateStyle'];

async function show(client) {
    const seen = {};
    for (const name of names) seen[name] = Object.values((await client.query(`SHOW ${name}`)).rows[0])[0];
    return seen;
}

const values = async (client, ...query) =>
    (await client.query({ text: query[0], values: query[1], rowMode: 'array' })).rows;

async function types(client, say) {
    const query = `SELECT $1::int8 AS big, $2::text AS text, $3::bytea AS bytes, $4::numeric AS exact,
        $5::timestamptz AS moment, $6::int[] AS numbers, $7::text[] AS texts, $8::text AS nothing, $9::jsonb AS json`;
    const parameters = [big, text, bytes, numeric, new Date(moment), [1, null, 3], ['a,b', 'c"d', null], null, json];
    say('types', { row: (await client.query(query, parameters)).rows[0] });
    const binary = await client.query({ text: 'SELECT $1::int8 AS big, $2::bytea AS bytes', values: [big, bytes], binary: true });
    say('types', { binary: binary.rows, fields: binary.fields.map((field) => [field.name, field.dataTypeID]) });
}

async function prepared(client, schema, say) {
    const rows = [];
    for (let n = 0; n < 20; n++) {
        rows.push(...(await client.query({ name: 'twice', text: "SELECT $1::int * 2 AS n, $2 || '!' AS word",
                                           values: [n, `${schema} ${n}`] })).rows);
        await client.query({ name: 'put', text: 'INSERT INTO items VALUES ($1, $2)', values: [n + 50, `word ${n}`] });
    }
    const count = await client.query({ name: 'count', text: 'SELECT count(*)::int AS n FROM items WHERE id > $1', values: [60] });
    await client.query('DELETE FROM items');
    say('prepared', { rows, count: count.rows, wrong: await fails(client.query({ name: 'bad', text: 'SELEKT 1' })),
                      again: await fails(client.query({ name: 'bad', text: 'SELECT $1::int AS n', values: [1] })) });
}

async function transactions(client, say) {
    await client.query('BEGIN');
    await client.query("INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n");
    await client.query('COMMIT');
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('DELETE FROM items');
    say('transactions', { inside: await values(client, 'SELECT count(*) FROM items') });
    await client.query('ROLLBACK');
    say('transactions', { after: await values(client, 'SELECT * FROM items ORDER BY id') });
    await client.query('BEGIN');
    await client.query('SAVEPOINT one');
    const failed = await fails(client.query('INSERT INTO items VALUES ($1, $2)', [1, 'again']));
    const aborted = await fails(client.query('SELECT 1'));
    await client.query('ROLLBACK TO SAVEPOINT one');
    await client.query('INSERT INTO items VALUES ($1, $2)', [6, text]);
    await client.query('COMMIT');
    say('savepoint', { failed, aborted, count: await values(client, 'SELECT count(*) FROM items') });
}

async function errors(client, say) {
    say('errors', {
        unique: await fails(client.query('INSERT INTO items VALUES ($1, $2)', [1, 'x'])),
        syntax: await fails(client.query('SELEKT $1', [1])), simple: await fails(client.query('SELEKT 1')),
        zero: await fails(client.query('SELECT 1 / $1::int', [0])), type: await fails(client.query('SELECT $1::int', ['x'])),
        on: await values(client, "SELECT 'goes on'") });
}

async function settings(client, schema, say) {
    await client.query(`SET search_path TO ${schema}, public`);
    await client.query("SELECT set_config('application_name', $1, false)", [`renamed_${schema}`]);
    say('settings', { outside: await show(client) });
    await client.query('BEGIN');
    await client.query("SET statement_timeout TO '345s'");
    await client.query("SET LOCAL DateStyle TO 'SQL, DMY'");
    say('settings', { inside: await show(client) });
    await client.query('ROLLBACK');
    say('settings', { undone: await show(client) });
    await client.query("BEGIN; SET statement_timeout TO '456s'; COMMIT");
    say('settings', { kept: await show(client), who: await values(client, 'SELECT schema FROM who') });
    await client.query('RESET statement_timeout');
    say('reset', { seen: await show(client) });
}

async function batches(client, schema, say) {
    // It queues, and sends each when the one before has been answered.
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) =>
        values(client, 'SELECT $1::int, $2::text', [n, `${schema} ${n}`])));
    const mixed = await Promise.allSettled([1, 0, 2].map((n) => client.query('SELECT 10 / $1::int AS n', [n])));
    const several = await client.query('SELECT 1 AS a; SELECT 2 AS b; SELECT 3 AS c');
    say('batch', { answers, mixed: mixed.map((one) => one.value?.rows ?? one.reason.code),
                   several: several.map((one) => one.rows), long: checksum((await client.query(series)).rows) });
}

async function notify(client, schema, say) {
    const seen = [];
    const second = new Promise((resolve) => client.on('notification', (message) => {
        seen.push([message.channel, message.payload, message.processId === client.processID]);
        if (message.payload === 'second') resolve();
    }));
    await client.query(`LISTEN ${schema}`);
    await client.query(`BEGIN; NOTIFY ${schema}, 'undone'; ROLLBACK`);
    await client.query(`SELECT pg_notify($1, 'first')`, [schema]);
    await client.query(`NOTIFY ${schema}, 'second'`);
    await second;
    await client.query('UNLISTEN *');
    say('notify', { seen: seen.map((one) => one.slice(0, 2)) });
    say('sender', { own: seen.map((one) => one[2]) });
}

async function temporary(client, say) {
    await client.query('CREATE TEMP TABLE scratch (n int)');
    await client.query('INSERT INTO scratch SELECT generate_series(1, 10)');
    const total = await values(client, 'SELECT sum(n) FROM scratch WHERE n > $1', [3]);
    await client.query('DROP TABLE scratch');
    say('temporary', { total, gone: await fails(client.query('SELECT n FROM scratch')) });
}

async function cancels(client, say) {
    await client.query("SET statement_timeout TO '50ms'");
    const timeout = await fails(client.query('SELECT pg_sleep($1)', [600]));
    await client.query("SET statement_timeout TO '234s'");
    const waiting = client.query('SELECT public.announced_wait()');
    client.once('notice', () => cancel(client));
    const cancelled = await fails(waiting);
    say('cancel', { timeout, cancelled, on: await values(client, "SELECT 'goes on'") });
}

/** As its own `cancel` does, which takes the query from the queue of another client. */
function cancel(client) {
    const connection = new pg.Connection();
    connection.on('connect', () => connection.cancel(client.processID, client.secretKey));
    connection.connect(client.port, client.host);
}

await playCopies('node', async (url, schema, say) => {
    const client = new pg.Client({ connectionString: url, application_name: schema, statement_timeout: 234000,
                                   options: '-c DateStyle=ISO,DMY' });
    await client.connect();
    say('startup', { settings: await show(client) });
    await client.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.items (id int PRIMARY KEY, word text);
        CREATE TABLE ${schema}.who AS SELECT '${schema}'::text AS schema`);
    await types(client, say);
    await client.query(`SET search_path TO ${schema}`);
    await prepared(client, schema, say);
    await transactions(client, say);
    await errors(client, say);
    await settings(client, schema, say);
    await batches(client, schema, say);
    await notify(client, schema, say);
    await temporary(client, say);
    await cancels(client, say);
    say('settings', { last: await show(client), who: await values(client, 'SELECT schema FROM who') });
    await client.end();

    // Its pool gives a connection up when a query fails outside of a transaction.
    const pool = new pg.Pool({ connectionString: url, max: 1, application_name: schema });
    const failed = [];
    for (let n = 0; n < 5; n++) failed.push(await fails(pool.query('SELECT 1 / $1::int', [0])));
    say('pool', { failed, application: (await pool.query('SHOW application_name')).rows });
    await pool.end();
});
