// node-postgres through Sluice: node node_postgres.mjs URL
import assert from 'node:assert';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.argv[2], max: 20, statement_timeout: 30000,
                           application_name: 'node-postgres' });
const numbers = Array.from({ length: 200 }, (_, number) => number);
await Promise.all(numbers.map(async (number) => {
    const plain = await pool.query('SELECT $1::int AS n', [number]);
    assert.strictEqual(plain.rows[0].n, number);
    const client = await pool.connect();
    try {
        await client.query('BEGIN');
        const inside = await client.query('SELECT $1::int + 1 AS n', [number]);
        assert.strictEqual(inside.rows[0].n, number + 1);
        await client.query(number % 2 ? 'COMMIT' : 'ROLLBACK');
    } finally {
        client.release();
    }
}));
await assert.rejects(pool.query('INSERT INTO accounts VALUES (1, 1)'), (error) =>
    error.code === '23505' && error.table === 'accounts' && error.constraint === 'accounts_pkey');
const settings = await pool.query('SHOW statement_timeout');
assert.strictEqual(settings.rows[0].statement_timeout, '30s');
const named = await pool.connect();
for (const number of [1, 2, 3]) {
    const result = await named.query({ name: 'double', text: 'SELECT $1::int * 2 AS n',
                                       values: [number] });
    assert.strictEqual(result.rows[0].n, number * 2);
}
named.release();
await pool.end();
console.log('done');
