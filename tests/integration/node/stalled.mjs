// Readers that pause over a cursor until its backend has been taken: node stalled.mjs URL
//
// Says "paused" at each pause and goes on at a line of input.
import assert from 'node:assert';
import readline from 'node:readline';
import pg from 'pg';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import postgres from 'postgres';

const url = process.argv[2];
const rows = 'SELECT n FROM generate_series(1, $1::int) AS n';
const lost = { code: '25P03' };
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function pause() {
    console.log('paused');
    await lines.next();
}

async function answers(client) {
    assert.strictEqual((await client.query('SELECT $1::int AS n', [7])).rows[0].n, 7);
}

async function stalledStream(client) {
    let seen = 0;
    for await (const row of client.query(new QueryStream(rows, [1000], { highWaterMark: 5 }))) {
        if (++seen === 3) await pause();
        assert.strictEqual(row.n, seen);
    }
}

const client = new pg.Client({ connectionString: url, application_name: 'stalled' });
await client.connect();
for (const begin of [null, 'BEGIN']) {
    if (begin) await client.query(begin);
    const cursor = client.query(new Cursor(rows, [1000]));
    assert.strictEqual((await cursor.read(5)).length, 5);
    await pause();
    await assert.rejects(cursor.read(5), lost);
    if (begin) {
        await assert.rejects(client.query('SELECT 1'), { code: '25P02' });
        await client.query('ROLLBACK');
    }
    await answers(client);

    if (begin) await client.query(begin);
    await assert.rejects(stalledStream(client), lost);
    if (begin) {
        await assert.rejects(client.query('COMMIT').then((done) => assert.notStrictEqual(done.command, 'ROLLBACK')));
    }
    await answers(client);
}
await client.end();

const sql = postgres(url, { max: 1, connection: { application_name: 'stalled' } });
let seen = 0;
await assert.rejects(sql`SELECT n FROM generate_series(1, 1000) AS n`.cursor(5, async (part) => {
    seen += part.length;
    await pause();
}), lost);
assert.strictEqual(seen, 5);
assert.strictEqual((await sql`SELECT 7 AS n`)[0].n, 7);
await assert.rejects(sql.begin(async (inside) => {
    await inside`SELECT n FROM generate_series(1, 1000) AS n`.cursor(5, pause);
}), lost);
assert.strictEqual((await sql`SELECT 7 AS n`)[0].n, 7);
await sql.end();
lines.return?.();
process.stdin.destroy();
console.log('done');
