// pg-cursor: Execute of some rows and Flush, Sync only at the end.
import pg from 'pg';
import Cursor from 'pg-cursor';
import { checksum, fails, playCopies, series } from './transcript.mjs';

async function readAll(client, step, query, parameters) {
    const cursor = client.query(new Cursor(query, parameters));
    const rows = [];
    for (let part = await cursor.read(step); part.length > 0; part = await cursor.read(step)) rows.push(...part);
    await cursor.close();
    return rows;
}

await playCopies('cursor', async (url, schema, say) => {
    const client = new pg.Client({ connectionString: url, application_name: schema });
    await client.connect();
    await client.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.items AS ${series}`);
    await client.query(`SET search_path TO ${schema}`);
    say('cursor', { outside: checksum(await readAll(client, 700, 'SELECT * FROM items ORDER BY n')) });
    await client.query('BEGIN');
    say('cursor', { inside: checksum(await readAll(client, 33, 'SELECT * FROM items WHERE n > $1 ORDER BY n', [4000])) });
    await client.query('UPDATE items SET sum = md5(sum) WHERE n = 1');
    await client.query('ROLLBACK');

    // Closed halfway: the rest is never read, and the client goes on.
    const half = client.query(new Cursor('SELECT * FROM items ORDER BY n'));
    const first = await half.read(5);
    await half.close();
    say('cursor', { half: first, on: (await client.query('SELECT sum FROM items WHERE n = $1', [1])).rows });

    // An error in a later part, and one in Parse.
    const failing = client.query(new Cursor('SELECT 10 / (5 - n) AS n FROM generate_series(1, 9) AS n'));
    const before = await failing.read(3);
    const failed = await fails(failing.read(3));
    await failing.close();
    const wrong = client.query(new Cursor('SELEKT 1'));
    say('errors', { before, failed, syntax: await fails(wrong.read(1)), on: (await client.query('SELECT 1 AS n')).rows });

    await client.query('BEGIN');
    const inside = client.query(new Cursor('SELECT 10 / (5 - n) AS n FROM generate_series(1, 9) AS n'));
    const aborted = [await inside.read(3), await fails(inside.read(3))];
    await inside.close();
    aborted.push(await fails(client.query('SELECT 1')));
    await client.query('ROLLBACK');
    say('transactions', { aborted, application: (await client.query('SHOW application_name')).rows });

    // An INSERT that is read in parts is done as a whole at Sync.
    const inserting = client.query(new Cursor("INSERT INTO items SELECT n, 'new' FROM generate_series(6001, 6100) n RETURNING n"));
    const part = await inserting.read(10);
    await inserting.close();
    say('cursor', { part, count: (await client.query('SELECT count(*) FROM items')).rows });
    await client.end();
});
