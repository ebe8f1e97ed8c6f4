// Prisma 7 by its adapter for node-postgres: nested writes, both kinds of transaction, raw SQL.
//
// The client is that of the integration tests; the adapter puts its tables into a schema of the copy.
import { PrismaPg } from '@prisma/adapter-pg';
import { big, bytes, fails, json, moment, numeric, playCopies, text } from './transcript.mjs';
import { PrismaClient } from './prisma_client.mjs';

const patience = { maxWait: 1800000, timeout: 1800000 };
const known = async (promise) => promise.then(() => 'no error', (error) => [error.code, error.meta?.modelName ?? null]);

async function models(prisma, schema, say) {
    const email = `${schema}@example.org`;
    const made = await prisma.author.create({
        data: { email, name: text, books: { create: [{ title: 'one', pages: 1 }, { title: 'two', pages: 2 }] } },
        include: { books: { orderBy: { id: 'asc' } } } });
    const many = await prisma.book.createMany({ data: Array.from({ length: 200 }, (_, n) => ({ title: `${schema} ${n}`, pages: n, authorId: made.id })) });
    const found = [];
    for (let n = 0; n < 20; n++) found.push(await prisma.book.findFirst({ where: { pages: n + 10, authorId: made.id } }));
    say('models', { made, many, found, sums: await prisma.book.aggregate({ _sum: { pages: true }, _count: true }),
                    grouped: await prisma.author.findMany({ where: { books: { some: { pages: { gt: 100 } } } }, include: { _count: true } }) });
    return made;
}

async function transactions(prisma, made, say) {
    say('transactions', { batch: await prisma.$transaction([
        prisma.author.update({ where: { id: made.id }, data: { name: 'changed' } }), prisma.book.count()]) });
    const inside = await prisma.$transaction(async (one) => {
        const { id } = await one.book.create({ data: { title: 'three', pages: 3, authorId: made.id } });
        await one.book.update({ where: { id }, data: { pages: { increment: 1 } } });
        await one.$executeRawUnsafe("SET LOCAL statement_timeout TO '345s'");
        return [id, await one.book.count(), await one.$queryRawUnsafe('SHOW statement_timeout')];
    }, { ...patience, isolationLevel: 'Serializable' });
    const undone = await known(prisma.$transaction(async (one) => {
        await one.book.deleteMany();
        say('transactions', { inside, deleted: await one.book.count() });
        throw new Error('changed my mind');
    }, patience));
    say('transactions', { undone, after: await prisma.book.count() });
}

await playCopies('prisma', async (url, schema, say) => {
    const adapter = new PrismaPg({ connectionString: url, max: 1, application_name: schema, statement_timeout: 234000 }, { schema });
    const prisma = new PrismaClient({ adapter });
    for (const statement of [`CREATE SCHEMA ${schema}`,
        `CREATE TABLE ${schema}.prisma_author (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL)`,
        `CREATE TABLE ${schema}.prisma_book (id serial PRIMARY KEY, title text NOT NULL, pages int NOT NULL,
            author_id int NOT NULL REFERENCES ${schema}.prisma_author)`]) await prisma.$executeRawUnsafe(statement);
    say('types', { row: await prisma.$queryRaw`SELECT ${BigInt(big)}::int8 AS big, ${text}::text AS text, ${bytes}::bytea AS bytes,
        ${numeric}::numeric AS exact, ${new Date(moment)}::timestamptz AS moment, ${[1, 3]}::int[] AS numbers,
        ${['a,b', 'c"d', 'ü']}::text[] AS texts, ${null}::text AS nothing, ${JSON.stringify(json)}::jsonb AS json` });
    const made = await models(prisma, schema, say);
    await transactions(prisma, made, say);
    say('errors', { unique: await known(prisma.author.create({ data: { email: made.email, name: 'x' } })),
                    missing: await known(prisma.author.update({ where: { id: 999 }, data: { name: 'x' } })),
                    raw: await known(prisma.$queryRawUnsafe('SELEKT 1')), zero: await fails(prisma.$queryRaw`SELECT 1 / ${0}::int`),
                    on: await prisma.author.findUnique({ where: { email: made.email } }) });
    const shown = {};
    for (const name of ['application_name', 'statement_timeout']) shown[name] = await prisma.$queryRawUnsafe(`SHOW ${name}`);
    say('settings', { shown });
    await prisma.$disconnect();
});
