// postgres.js through Sluice: node postgres_js.mjs URL unnamed|named
//
// Named, which is its default, it waits at the end until its input is closed.
import assert from 'node:assert';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import postgres from 'postgres';

const [, , url, kind] = process.argv;
const named = kind === 'named';
const sql = postgres(url, { max: named ? 3 : 20, prepare: named, onnotice: () => {},
                            connection: { application_name: 'postgres.js' } });

async function everyWay(number) {
    // Parse, Describe, Flush; then, when the answer is there, Bind, Execute, Sync.
    assert.deepStrictEqual([...await sql`SELECT ${number}::int AS n`], [{ n: number }]);
    const [{ list }] = await sql`SELECT ${sql.array([1, number])}::int[] AS list`;
    assert.deepStrictEqual(list, [1, number]);
    const [first, second] = await Promise.all([sql`SELECT ${number}::text AS a`, sql`SELECT ${number}::int + 1 AS b`]);
    assert.deepStrictEqual([first[0].a, second[0].b], [String(number), number + 1]);

    const parts = [];
    await sql`SELECT n FROM generate_series(1, ${10 + number}::int) AS n`.cursor(7, (rows) => {
        parts.push(...rows.map((row) => row.n));
    });
    assert.strictEqual(parts.length, 10 + number);

    const kept = await sql.begin(async (transaction) => {
        const [{ pid }] = await transaction`SELECT pg_backend_pid() AS pid`;
        await transaction`INSERT INTO notes VALUES (${number}, 'kept')`;
        await assert.rejects(transaction.savepoint(async (inner) => {
            await inner`INSERT INTO notes VALUES (${number}, 'undone')`;
            await inner`SELECT 1 / ${0}::int`;
        }), { code: '22012' });
        const [after] = await transaction`SELECT pg_backend_pid() AS pid,
            count(*)::int AS count FROM notes WHERE id = ${number}`;
        assert.deepStrictEqual([after.pid, after.count], [pid, 1]);
        return 'kept';
    });
    assert.strictEqual(kept, 'kept');
    await assert.rejects(sql.begin(async (transaction) => {
        await transaction`DELETE FROM notes WHERE id = ${number}`;
        throw new Error('changed my mind');
    }), /changed my mind/);

    await assert.rejects(sql`SELECT 1 / ${0}::int`, { code: '22012' });
    // What cannot be parsed pins in this version, since its Sync comes behind no Bind.
    if (named) await assert.rejects(sql`SELEKT ${number}`, { code: '42601' });
    await assert.rejects(sql`INSERT INTO accounts VALUES (1, ${number})`,
                         { code: '23505', constraint_name: 'accounts_pkey' });
    const several = await sql.unsafe('SELECT 1 AS a; SELECT 2 AS b').simple();
    assert.deepStrictEqual(several.map((rows) => rows[0]), [{ a: 1 }, { b: 2 }]);

    // On a connection of its own: it would send other queries in the middle of the COPY.
    const reserved = await sql.reserve();
    const copy = await reserved`COPY notes FROM STDIN`.writable();
    await pipeline(Readable.from([`${number}\tcopied\n`, `${number}\tcopied\n`]), copy);
    let copied = '';
    const readable = await reserved`COPY (SELECT text FROM notes ORDER BY text LIMIT 1) TO STDOUT`.readable();
    for await (const chunk of readable) copied += chunk;
    reserved.release();
    assert.strictEqual(copied, 'copied\n');
}

await Promise.all(Array.from({ length: 40 }, (_, number) => everyWay(number)));
const counts = await sql`SELECT text, count(*)::int FROM notes GROUP BY text ORDER BY text`.values();
assert.deepStrictEqual([...counts], [['copied', 80], ['kept', 40]]);
console.log('done');
if (named) await new Promise((resolve) => process.stdin.on('end', resolve).resume());
await sql.end();
