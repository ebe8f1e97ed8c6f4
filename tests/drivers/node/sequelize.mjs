// Sequelize over node-postgres: models, its own SETs at each connect, transactions.
import { DataTypes, Sequelize } from 'sequelize';
import { big, bytes, fails, json, moment, numeric, playCopies, text } from './transcript.mjs';

function models(db, schema) {
    const options = { schema, timestamps: false };
    const Item = db.define('item', { id: { type: DataTypes.INTEGER, primaryKey: true }, word: DataTypes.TEXT },
                           { ...options, tableName: 'items' });
    const Part = db.define('part', { name: DataTypes.TEXT }, { ...options, tableName: 'parts' });
    Item.hasMany(Part, { foreignKey: 'itemId' });
    const Kind = db.define('kind', {
        big: DataTypes.BIGINT, text: DataTypes.TEXT, bytes: DataTypes.BLOB, exact: DataTypes.DECIMAL,
        moment: DataTypes.DATE, numbers: DataTypes.ARRAY(DataTypes.INTEGER), texts: DataTypes.ARRAY(DataTypes.TEXT),
        nothing: DataTypes.TEXT, json: DataTypes.JSONB }, { ...options, tableName: 'kinds' });
    return { Item, Part, Kind };
}

await playCopies('sequelize', async (url, schema, say) => {
    const db = new Sequelize(url, { logging: false, pool: { max: 1, min: 0, acquire: 1800000 },
                                    dialectOptions: { application_name: schema, statement_timeout: 234000 } });
    const { Item, Part, Kind } = models(db, schema);
    await db.createSchema(schema);
    await db.sync();
    const kind = await Kind.create({ big, text, bytes, exact: numeric, moment: new Date(moment), numbers: [1, 3],
                                     texts: ['a,b', 'c"d', 'ü'], nothing: null, json });
    say('types', { row: await Kind.findByPk(kind.id, { raw: true }) });
    await Item.bulkCreate(Array.from({ length: 500 }, (_, id) => ({ id, word: `${schema} ${id}` })));
    const bound = [];
    for (let n = 0; n < 20; n++) {
        bound.push(await db.query('SELECT $1::int * 2 AS n, $2::text AS word', { bind: [n, `${schema} ${n}`], type: 'SELECT' }));
    }
    say('batch', { bound, count: await Item.count(), sum: await Item.sum('id') });
    await db.transaction(async (one) => {
        await Item.update({ word: 'changed' }, { where: { id: 1 }, transaction: one });
        const inner = await fails(db.transaction({ transaction: one }, async (two) => {
            await Part.create({ name: 'undone', itemId: 1 }, { transaction: two });
            await Item.create({ id: 1, word: 'again' }, { transaction: two });
        }));
        await Part.create({ name: 'kept', itemId: 1 }, { transaction: one });
        say('savepoint', { inner: inner.slice(0, 2) });
    });
    say('transactions', { joined: await Item.findOne({ where: { id: 1 }, include: Part }) });
    const undone = await fails(db.transaction({ isolationLevel: 'SERIALIZABLE' }, async (one) => {
        await Part.destroy({ where: {}, transaction: one });
        say('transactions', { inside: await Part.count({ transaction: one }) });
        throw new Error('changed my mind');
    }));
    say('transactions', { undone, after: await Part.count() });
    say('errors', { unique: await fails(Item.create({ id: 1, word: 'x' })), syntax: await fails(db.query('SELEKT 1')),
                    zero: await fails(db.query('SELECT 1 / :zero::int', { replacements: { zero: 0 } })),
                    on: await Item.findOne({ where: { id: 1 }, raw: true }) });
    await db.query(`SET search_path TO ${schema}`);
    const shown = {};
    for (const name of ['search_path', 'statement_timeout', 'application_name', 'TimeZone', 'client_min_messages']) {
        shown[name] = await db.query(`SHOW ${name}`, { type: 'SELECT' });
    }
    say('settings', { shown, unqualified: await db.query('SELECT count(*) FROM items', { type: 'SELECT' }) });
    await db.close();
});
