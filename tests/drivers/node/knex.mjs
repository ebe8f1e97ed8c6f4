// knex over node-postgres: query builder, raw SQL, streams, transactions within transactions.
import knex from 'knex';
import { big, bytes, checksum, fails, json, moment, numeric, playCopies, series, text } from './transcript.mjs';

await playCopies('knex', async (url, schema, say) => {
    const db = knex({ client: 'pg', connection: { connectionString: url, application_name: schema },
                      pool: { min: 0, max: 1 }, acquireConnectionTimeout: 1800000, searchPath: [schema, 'public'] });
    await db.raw(`CREATE SCHEMA ${schema}`);
    await db.schema.createTable('items', (table) => { table.integer('id').primary(); table.text('word'); });
    const { rows: [row] } = await db.raw(`SELECT ?::int8 AS big, ?::text AS text, ?::bytea AS bytes, ?::numeric AS exact,
        ?::timestamptz AS moment, ?::int[] AS numbers, ?::text[] AS texts, ?::text AS nothing, ?::jsonb AS json`,
    [big, text, bytes, numeric, new Date(moment), [1, null, 3], ['a,b', 'c"d', null], null, JSON.stringify(json)]);
    say('types', { row });

    await db.batchInsert('items', Array.from({ length: 1000 }, (_, id) => ({ id, word: `${schema} ${id}` })), 100);
    const rows = [];
    for (let id = 0; id < 20; id++) rows.push(await db('items').where('id', '<', id).count('* as n').first());
    say('batch', { rows, all: await db('items').count().sum('id').first() });

    await db.transaction(async (one) => {
        await one('items').where({ id: 1 }).update({ word: 'changed' });
        const inner = await fails(one.transaction(async (two) => {
            await two('items').insert({ id: 2000, word: 'undone' });
            await two('items').insert({ id: 1, word: 'again' });
        }));
        await one('items').insert({ id: 2001, word: text });
        say('savepoint', { inner, seen: await one('items').where('id', '>', 1000) });
    });
    const undone = await fails(db.transaction(async (one) => {
        await one('items').delete();
        say('transactions', { inside: await one('items').count().first() });
        throw new Error('changed my mind');
    }, { isolationLevel: 'serializable' }));
    say('transactions', { undone, after: await db('items').count().first() });
    say('errors', { unique: await fails(db('items').insert({ id: 1, word: 'x' })), syntax: await fails(db.raw('SELEKT ?', [1])),
                    zero: await fails(db.raw('SELECT 1 / ?::int', [0])), on: await db('items').where({ id: 1 }) });
    const streamed = [];
    for await (const part of db.raw(series).stream({ highWaterMark: 20 })) streamed.push(part);
    say('stream', checksum(streamed));
    await db.raw("SET statement_timeout TO '345s'");
    const shown = {};
    for (const name of ['search_path', 'statement_timeout', 'application_name']) shown[name] = (await db.raw(`SHOW ${name}`)).rows[0];
    say('settings', { shown });
    await db.raw('CREATE TEMP TABLE scratch AS SELECT generate_series(1, 10) AS n');
    say('temporary', { total: await db('scratch').sum('n').first() });
    await db.schema.dropTable('scratch');
    // Its own timeout, which ends the query by a statement of another connection, is left alone.
    await db.raw("SET statement_timeout TO '50ms'");
    say('cancel', { timeout: await fails(db.raw('SELECT pg_sleep(?)', [600])), on: await db('items').where({ id: 1 }) });
    await db.destroy();
});
