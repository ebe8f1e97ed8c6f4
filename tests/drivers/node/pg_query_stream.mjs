// pg-query-stream: a readable stream over pg-cursor.
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import QueryStream from 'pg-query-stream';
import { checksum, fails, playCopies, series } from './transcript.mjs';

async function readAll(client, ...query) {
    const rows = [];
    for await (const row of client.query(new QueryStream(...query))) rows.push(row);
    return rows;
}

await playCopies('stream', async (url, schema, say) => {
    const client = new pg.Client({ connectionString: url, application_name: schema });
    await client.connect();
    await client.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.items AS ${series}`);
    await client.query(`SET search_path TO ${schema}`);
    for (const options of [{}, { batchSize: 7 }, { highWaterMark: 1000 }]) {
        const rows = await readAll(client, 'SELECT * FROM items WHERE n > $1 ORDER BY n', [1000], options);
        say('stream', { options, ...checksum(rows) });
    }
    await client.query('BEGIN');
    say('stream', { inside: checksum(await readAll(client, 'SELECT * FROM items ORDER BY n', [], { batchSize: 50 })) });
    await client.query('COMMIT');

    // Left halfway, and read by one who is slow to take.
    for await (const row of client.query(new QueryStream('SELECT * FROM items ORDER BY n'))) {
        if (row.n === 5) break;
    }
    let taken = 0;
    await pipeline(client.query(new QueryStream('SELECT * FROM items ORDER BY n', [], { highWaterMark: 10 })),
                   new Writable({ objectMode: true, highWaterMark: 1, write(row, _, done) { taken += row.n; setImmediate(done); } }));
    say('stream', { taken, on: (await client.query('SELECT count(*) FROM items')).rows });

    const failed = await fails(readAll(client, 'SELECT 10 / (150 - n) AS n FROM generate_series(1, 500) AS n'));
    const syntax = await fails(readAll(client, 'SELEKT 1'));
    say('errors', { failed, syntax, on: (await client.query('SHOW search_path')).rows });
    await client.end();
});
