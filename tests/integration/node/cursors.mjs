// pg-cursor and pg-query-stream through Sluice: node cursors.mjs URL
//
// Both read a portal in parts: Execute of some rows, Flush, and Sync only at the end. The backend
// must stay all the while although no ReadyForQuery is owed.
import assert from 'node:assert';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';

const pool = new pg.Pool({ connectionString: process.argv[2], max: 20, application_name: 'cursors' });
const rows = 'SELECT n FROM generate_series(1, $1::int) AS n';

async function withClient(work) {
    const client = await pool.connect();
    try {
        return await work(client);
    } finally {
        client.release();
    }
}

async function sumByCursor(client, count, step) {
    const cursor = client.query(new Cursor(rows, [count]));
    let sum = 0;
    for (let part = await cursor.read(step); part.length > 0; part = await cursor.read(step)) {
        sum += part.reduce((total, row) => total + row.n, 0);
    }
    await cursor.close();
    return sum;
}

async function sumByStream(client, count, options) {
    let sum = 0;
    for await (const row of client.query(new QueryStream(rows, [count], options))) sum += row.n;
    return sum;
}

async function everyWay(number) {
    const count = 100 + number;
    const wanted = count * (count + 1) / 2;
    await withClient(async (client) => {
        assert.strictEqual(await sumByCursor(client, count, 10), wanted);
        await client.query('BEGIN');
        assert.strictEqual(await sumByCursor(client, count, 33), wanted);
        assert.strictEqual(await sumByStream(client, count, { batchSize: 7 }), wanted);
        await client.query('COMMIT');
        assert.strictEqual(await sumByStream(client, count, { highWaterMark: 3 }), wanted);
    });
    await withClient(async (client) => {
        // Closed halfway: the rest is never read, and the client goes on.
        const cursor = client.query(new Cursor(rows, [100000]));
        assert.strictEqual((await cursor.read(5)).length, 5);
        await cursor.close();
        assert.strictEqual((await client.query('SELECT $1::int AS n', [number])).rows[0].n, number);
        const stream = client.query(new QueryStream(rows, [100000]));
        for await (const row of stream) {
            if (row.n === 5) break;
        }
        assert.strictEqual((await client.query('SELECT $1::int AS n', [number])).rows[0].n, number);
    });
    await withClient(async (client) => {
        // An error in a later part.
        const cursor = client.query(new Cursor('SELECT 10 / (5 - n) AS n FROM generate_series(1, 9) AS n'));
        assert.strictEqual((await cursor.read(3)).length, 3);
        await assert.rejects(cursor.read(3), { code: '22012' });
        await cursor.close();
        assert.strictEqual((await client.query('SELECT 1 AS n')).rows[0].n, 1);
    });
}

await Promise.all(Array.from({ length: 60 }, (_, number) => everyWay(number)));
await pool.end();
console.log('done');
