// Readers that pause over a cursor and go on as if nothing had been: node read_ahead.mjs URL
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
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function pause() {
    console.log('paused');
    await lines.next();
}

const client = new pg.Client({ connectionString: url, application_name: 'read_ahead' });
await client.connect();
const cursor = client.query(new Cursor(rows, [1000]));
let seen = (await cursor.read(5)).length;
await pause();
for (let part = await cursor.read(70); part.length > 0; part = await cursor.read(70)) {
    assert.strictEqual(part[0].n, seen + 1);
    seen += part.length;
}
assert.strictEqual(seen, 1000);
await cursor.close();
assert.strictEqual((await client.query('SELECT $1::int AS n', [7])).rows[0].n, 7);

seen = 0;
for await (const row of client.query(new QueryStream(rows, [1000], { highWaterMark: 5 }))) {
    if (++seen === 3) await pause();
    assert.strictEqual(row.n, seen);
}
assert.strictEqual(seen, 1000);
await client.end();

const sql = postgres(url, { max: 1, connection: { application_name: 'read_ahead' } });
seen = 0;
await sql`SELECT n FROM generate_series(1, 1000) AS n`.cursor(5, async (part) => {
    if (seen === 0) await pause();
    assert.strictEqual(part[0].n, seen + 1);
    seen += part.length;
});
assert.strictEqual(seen, 1000);
assert.strictEqual((await sql`SELECT 7 AS n`)[0].n, 7);
await sql.end();
lines.return?.();
process.stdin.destroy();
console.log('done');
