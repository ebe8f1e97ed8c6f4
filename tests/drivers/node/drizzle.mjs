// drizzle-orm over node-postgres: its query builder, transactions, savepoints, prepared queries.
import { drizzle } from 'drizzle-orm/node-postgres';
import { and, count, eq, gt, sql, sum } from 'drizzle-orm';
import { bigint, customType, integer, jsonb, numeric as decimal, pgSchema, text as varchar, timestamp } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { big, bytes, fails, json, moment, numeric, playCopies, text } from './transcript.mjs';

const bytea = customType({ dataType: () => 'bytea' });

await playCopies('drizzle', async (url, schema, say) => {
    const pool = new pg.Pool({ connectionString: url, max: 1, application_name: schema });
    const db = drizzle(pool);
    const space = pgSchema(schema);
    const items = space.table('items', { id: integer('id').primaryKey(), word: varchar('word') });
    const kinds = space.table('kinds', {
        big: bigint('big', { mode: 'bigint' }), text: varchar('text'), bytes: bytea('bytes'), exact: decimal('exact'),
        moment: timestamp('moment', { withTimezone: true }), numbers: integer('numbers').array(),
        texts: varchar('texts').array(), nothing: varchar('nothing'), json: jsonb('json') });
    await db.execute(sql.raw(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.items (id int PRIMARY KEY, word text);
        CREATE TABLE ${schema}.kinds (big int8, text text, bytes bytea, exact numeric, moment timestamptz, numbers int[],
            texts text[], nothing text, json jsonb)`));
    say('types', { row: await db.insert(kinds).values({
        big: BigInt(big), text, bytes, exact: numeric, moment: new Date(moment), numbers: [1, 3],
        texts: ['a,b', 'c"d', 'ü'], nothing: null, json }).returning() });

    const prepared = db.select().from(items).where(gt(items.id, sql.placeholder('least'))).orderBy(items.id).prepare('later');
    const put = db.insert(items).values({ id: sql.placeholder('id'), word: sql.placeholder('word') }).prepare('put');
    for (let id = 1; id <= 20; id++) await put.execute({ id, word: `${schema} ${id}` });
    const rows = [];
    for (let least = 10; least < 20; least++) rows.push((await prepared.execute({ least })).length);
    say('prepared', { rows, last: await prepared.execute({ least: 18 }) });

    await db.transaction(async (one) => {
        await one.update(items).set({ word: 'changed' }).where(eq(items.id, 1));
        const inner = await fails(one.transaction(async (two) => {
            await two.insert(items).values({ id: 30, word: 'undone' });
            await two.insert(items).values({ id: 1, word: 'again' });
        }));
        await one.insert(items).values({ id: 31, word: text });
        say('savepoint', { inner: inner.slice(0, 1), seen: await one.select().from(items).where(gt(items.id, 29)) });
    }, { isolationLevel: 'repeatable read' });
    const undone = await fails(db.transaction(async (one) => {
        await one.delete(items);
        say('transactions', { inside: await one.select({ n: count() }).from(items) });
        one.rollback();
    }));
    say('transactions', { undone: undone[1], after: await db.select({ n: count(), sum: sum(items.id) }).from(items) });
    say('errors', { unique: await fails(db.insert(items).values({ id: 1, word: 'x' })),
                    syntax: await fails(db.execute(sql`SELEKT ${1}`)), zero: await fails(db.execute(sql`SELECT 1 / ${0}::int`)),
                    on: await db.select().from(items).where(and(eq(items.id, 1), eq(items.word, 'changed'))) });
    await db.execute(sql.raw("SET statement_timeout TO '345s'"));
    const shown = (await db.execute(sql`SHOW statement_timeout`)).rows;
    await db.transaction(async (one) => {
        await one.execute(sql`SELECT set_config('search_path', ${schema}, true)`);
        say('settings', { shown, inside: (await one.execute(sql`SELECT count(*) FROM items`)).rows });
    });
    say('settings', { application: (await db.execute(sql`SHOW application_name`)).rows,
                      path: (await db.execute(sql`SHOW search_path`)).rows,
                      timeout: (await db.execute(sql`SHOW statement_timeout`)).rows });
    say('batch', { many: await Promise.all([1, 2, 3, 4].map((id) => db.select().from(items).where(eq(items.id, id)))) });
    await pool.end();
});
