// postgres.js: every statement named, pipelined without being asked, cursors, COPY, LISTEN.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { big, bytes, checksum, fails, json, moment, numeric, playCopies, series, text, without } from './transcript.mjs';

const names = ['search_path', 'statement_timeout', 'application_name', 'DateStyle'];
const plainRows = (rows) => [...rows].map((row) => ({ ...row }));

async function show(sql) {
    const seen = {};
    for (const name of names) seen[name] = Object.values((await sql.unsafe(`SHOW ${name}`))[0])[0];
    return seen;
}

async function types(sql, say) {
    const [row] = await sql`SELECT ${big}::int8 AS big, ${text}::text AS text, ${bytes}::bytea AS bytes,
        ${numeric}::numeric AS exact, ${new Date(moment)}::timestamptz AS moment, ${sql.array([1, 3])}::int[] AS numbers,
        ${sql.array(['a,b', 'c"d', 'ü'])}::text[] AS texts, ${null}::text AS nothing, ${sql.json(json)}::jsonb AS json`;
    const described = await sql`SELECT * FROM items WHERE id = ${1}`.describe();
    say('types', { row, described: described.columns.map((column) => [column.name, column.type]) });
}

async function prepared(sql, schema, say) {
    const rows = [];
    for (let n = 0; n < 20; n++) {
        rows.push(...plainRows(await sql`SELECT ${n}::int * 2 AS n, ${`${schema} ${n}`} || '!' AS word`));
        await sql`INSERT INTO items ${sql([{ id: n + 50, word: `word ${n}` }])}`;
    }
    const unnamed = await sql.unsafe('SELECT count(*) FROM items WHERE id > $1', [60]);
    await sql`DELETE FROM items`;
    say('prepared', { rows, unnamed: plainRows(unnamed) });
}

async function transactions(sql, say) {
    await sql.begin((one) => one`INSERT INTO items SELECT n, 'kept ' || n FROM generate_series(1, 5) n`);
    const undone = await fails(sql.begin('isolation level repeatable read', async (one) => {
        await one`DELETE FROM items`;
        say('transactions', { inside: plainRows(await one`SELECT count(*) FROM items`) });
        throw new Error('changed my mind');
    }));
    say('transactions', { undone, after: plainRows(await sql`SELECT * FROM items ORDER BY id`) });
    const failed = await sql.begin(async (one) => {
        const inner = await fails(one.savepoint((two) => two`INSERT INTO items VALUES (${1}, 'again')`));
        await one`INSERT INTO items VALUES (6, ${text})`;
        return inner;
    });
    say('savepoint', { failed, count: plainRows(await sql`SELECT count(*) FROM items`) });
}

async function errors(sql, say) {
    say('errors', {
        unique: await fails(sql`INSERT INTO items VALUES (${1}, 'x')`), syntax: await fails(sql`SELEKT ${1}`),
        zero: await fails(sql`SELECT 1 / ${0}::int`), again: await fails(sql`SELECT 1 / ${0}::int`),
        simple: await fails(sql.unsafe('SELEKT 1')), on: plainRows(await sql`SELECT 'goes on' AS on`) });
}

async function settings(sql, schema, say) {
    await sql.unsafe(`SET search_path TO ${schema}, public`);
    await sql`SELECT set_config('application_name', ${`renamed_${schema}`}, false)`;
    say('settings', { outside: await show(sql), status: sql.parameters.application_name });
    await fails(sql.begin(async (one) => {
        await one`SET statement_timeout TO '345s'`;
        await one`SET LOCAL DateStyle TO 'SQL, DMY'`;
        say('settings', { inside: await show(one) });
        throw new Error('changed my mind');
    }));
    say('settings', { undone: await show(sql) });
    await sql.begin((one) => one`SET statement_timeout TO '456s'`);
    say('settings', { kept: await show(sql), who: plainRows(await sql`SELECT schema FROM who`) });
    await sql`RESET statement_timeout`;
    say('reset', { seen: await show(sql) });
}

async function cursors(sql, say) {
    const rows = [];
    await sql.unsafe(series).cursor(700, (part) => { rows.push(...part); });
    say('cursor', checksum(rows));
    const inside = await sql.begin(async (one) => {
        const few = [];
        for await (const part of one`SELECT n FROM generate_series(1, ${3000}::int) n`.cursor(500)) few.push(part.length);
        return few;
    });
    let seen = 0;
    await sql.unsafe(series).cursor(10, () => (++seen === 3 ? sql.CLOSE : undefined));
    const failed = await fails(sql`SELECT 10 / (50 - n) AS n FROM generate_series(1, 90) n`.cursor(20, () => {}));
    let streamed = 0;
    await sql.unsafe(series).forEach((row) => { streamed += row.n; });
    say('cursor', { inside, seen, failed, streamed });
}

async function pipelines(sql, schema, say) {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => sql`SELECT ${n}::int AS n, ${schema}::text AS who`));
    const several = await sql.unsafe('SELECT 1 AS a; SELECT 2 AS b').simple();
    const inside = await sql.begin((one) => [1, 2, 3].map((n) => one`SELECT ${n}::int + 1 AS n`));
    say('pipeline', { answers: answers.map(([row]) => [row.n, row.who]), several: several.map(plainRows),
                      inside: inside.map(plainRows) });
}

async function failingPipeline(sql, say) {
    const mixed = await Promise.allSettled([1, 0, 2, 0, 5].map((n) => sql`SELECT 10 / ${n}::int AS n`));
    say('pipeline', { mixed: mixed.map((one) => one.value?.[0] ?? one.reason.code) });
}

async function copies(sql, say) {
    const lines = Array.from({ length: 2000 }, (_, n) => `${n + 2000}\tcopied ${n}\n`);
    const reserved = await sql.reserve();
    await pipeline(Readable.from(lines), await reserved`COPY items FROM STDIN`.writable());
    // Few, since version 3.4.9 stalls, directly too, with 2000 rows.
    let copied = '';
    for await (const part of await reserved`COPY (SELECT * FROM items WHERE id >= 3500 ORDER BY id) TO STDOUT`.readable()) copied += part;
    reserved.release();
    say('copy', { same: copied === lines.slice(1500).join(''), count: plainRows(await sql`SELECT count(*) FROM items`) });
}

async function notify(sql, schema, say) {
    const seen = [];
    let done;
    const second = new Promise((resolve) => { done = resolve; });
    // On a connection of its own, beside the one that notifies.
    const listening = await sql.listen(schema, (payload) => {
        seen.push(payload);
        if (payload === 'second') done();
    });
    await fails(sql.begin(async (one) => {
        await one`SELECT pg_notify(${schema}, 'undone')`;
        throw new Error('changed my mind');
    }));
    await sql.notify(schema, 'first');
    await sql.begin((one) => one`SELECT pg_notify(${schema}, 'second')`);
    await second;
    await listening.unlisten();
    say('notify', { seen });
}

async function temporary(sql, say) {
    await sql`CREATE TEMP TABLE scratch (n int)`;
    await sql`INSERT INTO scratch SELECT generate_series(1, 10)`;
    const total = plainRows(await sql`SELECT sum(n) FROM scratch WHERE n > ${3}`);
    await sql`DROP TABLE scratch`;
    say('temporary', { total, gone: await fails(sql`SELECT n FROM scratch`) });
}

async function cancels(sql, noticed, say) {
    await sql`SET statement_timeout TO '50ms'`;
    const timeout = await fails(sql`SELECT pg_sleep(${600})`);
    await sql`SET statement_timeout TO '234s'`;
    const waiting = sql`SELECT public.announced_wait()`;
    noticed.push(() => waiting.cancel());
    const cancelled = await fails(waiting);
    say('cancel', { timeout, cancelled, on: plainRows(await sql`SELECT 'goes on' AS on`) });
}

await playCopies('postgres_js', async (url, schema, say) => {
    const noticed = [];
    const sql = postgres(url, { max: 1, onnotice: () => noticed.pop()?.(), connection: {
        application_name: schema, statement_timeout: 234000, DateStyle: 'ISO, DMY' } });
    say('startup', { settings: await show(sql), status: sql.parameters.application_name });
    await sql.unsafe(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.items (id int PRIMARY KEY, word text);
        CREATE TABLE ${schema}.who AS SELECT '${schema}'::text AS schema; SET search_path TO ${schema}`);
    await types(sql, say);
    await prepared(sql, schema, say);
    await transactions(sql, say);
    await errors(sql, say);
    await settings(sql, schema, say);
    await cursors(sql, say);
    await pipelines(sql, schema, say);
    await temporary(sql, say);
    await cancels(sql, noticed, say);
    say('settings', { last: await show(sql), who: plainRows(await sql`SELECT schema FROM who`) });
    await failingPipeline(sql, say);
    await sql.end({ timeout: 0 });

    const fresh = postgres(url, { max: 1, connection: { application_name: schema, search_path: schema } });
    if (!without.includes('notify')) await notify(fresh, schema, say);
    await copies(fresh, say);
    await fresh.end({ timeout: 0 });
});
