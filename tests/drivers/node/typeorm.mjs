// TypeORM over node-postgres: repositories, relations, query runners, transactions, streams.
import typeorm from 'typeorm';
import { big, bytes, checksum, fails, json, moment, numeric, playCopies, series, text } from './transcript.mjs';

const { DataSource, EntitySchema } = typeorm;
const id = { type: Number, primary: true };

function entities(schema) {
    const Item = new EntitySchema({ name: 'Item', tableName: 'items', schema,
        columns: { id, word: { type: 'text' } },
        relations: { parts: { type: 'one-to-many', target: 'Part', inverseSide: 'item', cascade: true } } });
    const Part = new EntitySchema({ name: 'Part', tableName: 'parts', schema,
        columns: { id, name: { type: 'text' } },
        relations: { item: { type: 'many-to-one', target: 'Item', joinColumn: true } } });
    const Kind = new EntitySchema({ name: 'Kind', tableName: 'kinds', schema, columns: {
        id, big: { type: 'bigint' }, text: { type: 'text' }, bytes: { type: 'bytea' }, exact: { type: 'numeric' },
        moment: { type: 'timestamptz' }, numbers: { type: 'int', array: true }, texts: { type: 'text', array: true },
        nothing: { type: 'text', nullable: true }, json: { type: 'jsonb' } } });
    return [Item, Part, Kind];
}

await playCopies('typeorm', async (url, schema, say) => {
    const source = new DataSource({ type: 'postgres', url, entities: entities(schema), applicationName: schema,
                                    installExtensions: false, extra: { max: 1 } });
    await source.initialize();
    await source.query(`CREATE SCHEMA ${schema}`);
    await source.synchronize();
    const items = source.getRepository('Item');
    await source.getRepository('Kind').insert({ id: 1, big, text, bytes, exact: numeric, moment: new Date(moment),
                                                numbers: [1, 3], texts: ['a,b', 'c"d', 'ü'], nothing: null, json });
    say('types', { row: await source.getRepository('Kind').findOneBy({ id: 1 }) });
    await items.save({ id: 1, word: text, parts: [{ id: 1, name: 'one' }, { id: 2, name: 'two' }] });
    await items.insert(Array.from({ length: 200 }, (_, n) => ({ id: n + 10, word: `${schema} ${n}` })));
    const found = [];
    for (let n = 0; n < 20; n++) found.push(await items.findOneBy({ id: n + 10 }));
    say('batch', { found, joined: await items.findOne({ where: { id: 1 }, relations: { parts: true }, order: { parts: { id: 'ASC' } } }) });

    await source.transaction(async (one) => {
        await one.update('Item', { id: 1 }, { word: 'changed' });
        const inner = await fails(one.transaction(async (two) => {
            await two.insert('Part', { id: 3, name: 'undone' });
            await two.insert('Item', { id: 1, word: 'again' });
        }));
        await one.insert('Part', { id: 4, name: 'kept' });
        say('savepoint', { inner, parts: await one.find('Part', { order: { id: 'ASC' } }) });
    });
    const undone = await fails(source.transaction('SERIALIZABLE', async (one) => {
        await one.createQueryBuilder().delete().from('Part').execute();
        say('transactions', { inside: await one.count('Part') });
        throw new Error('changed my mind');
    }));
    say('transactions', { undone, after: await source.manager.count('Part') });
    say('errors', { unique: await fails(items.insert({ id: 1, word: 'x' })), syntax: await fails(source.query('SELEKT $1', [1])),
                    zero: await fails(source.query('SELECT 1 / $1::int', [0])), on: await items.findOneBy({ id: 1 }) });
    const runner = source.createQueryRunner();
    await runner.query(`SET search_path TO ${schema}`);
    await runner.startTransaction();
    await runner.query("SET LOCAL statement_timeout TO '345s'");
    const inside = await runner.query('SHOW statement_timeout');
    await runner.rollbackTransaction();
    say('settings', { inside, after: await runner.query('SHOW statement_timeout'), path: await runner.query('SHOW search_path'),
                      count: await runner.query('SELECT count(*) FROM items'), application: await runner.query('SHOW application_name') });
    const rows = [];
    for await (const row of await runner.stream(series)) rows.push(row);
    say('stream', checksum(rows));
    await runner.release();
    await source.destroy();
});
