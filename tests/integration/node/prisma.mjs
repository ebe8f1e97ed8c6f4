// Prisma through Sluice: node prisma.mjs URL COPIES FIRST
//
// Many clients at once, each with a small pool of its own, as that many functions would have. The
// addresses of this process begin at FIRST, so that several processes do not meet.
import assert from 'node:assert';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './prisma_client.mjs';

const [, , url, copies, first] = process.argv;

async function work(prisma, number) {
    const email = `author${number}@example.org`;
    const made = await prisma.author.create({
        data: { email, name: 'A', books: { create: [{ title: 'one', pages: 1 }, { title: 'two', pages: 2 }] } },
        include: { books: true },
    });
    assert.strictEqual(made.books.length, 2);
    const found = await prisma.author.findMany({
        where: { email }, include: { books: { orderBy: { pages: 'desc' } } },
    });
    assert.deepStrictEqual(found.map((author) => author.books.map((book) => book.title)), [['two', 'one']]);

    const [changed, count] = await prisma.$transaction([
        prisma.author.update({ where: { email }, data: { name: 'B' } }),
        prisma.book.count({ where: { authorId: made.id } }),
    ]);
    assert.strictEqual(changed.name, 'B');
    assert.strictEqual(count, 2);

    const pages = await prisma.$transaction(async (transaction) => {
        const { id } = await transaction.book.create({ data: { title: 'three', pages: 3, authorId: made.id } });
        await transaction.book.update({ where: { id }, data: { pages: { increment: 1 } } });
        return transaction.book.aggregate({ where: { authorId: made.id }, _sum: { pages: true } });
    }, { isolationLevel: 'RepeatableRead', maxWait: 60000, timeout: 60000 });
    assert.strictEqual(pages._sum.pages, 7);
    await assert.rejects(prisma.$transaction(async (transaction) => {
        await transaction.book.deleteMany({ where: { authorId: made.id } });
        throw new Error('changed my mind');
    }, { maxWait: 60000, timeout: 60000 }), /changed my mind/);

    const raw = await prisma.$queryRaw`SELECT ${number}::int AS number, count(*)::int AS books
        FROM prisma_book WHERE author_id = ${made.id}`;
    assert.deepStrictEqual(raw, [{ number, books: 3 }]);
    assert.deepStrictEqual(await prisma.$queryRawUnsafe('SELECT 1 AS one'), [{ one: 1 }]);

    await assert.rejects(prisma.author.create({ data: { email, name: 'again' } }), (error) => {
        assert.strictEqual(error.code, 'P2002');
        assert.match(JSON.stringify(error.meta), /email/);
        return true;
    });
    assert.strictEqual(await prisma.book.count({ where: { authorId: made.id } }), 3);
}

await Promise.all(Array.from({ length: Number(copies) }, async (_, index) => {
    const adapter = new PrismaPg({ connectionString: url, max: 3, application_name: 'prisma',
                                   statement_timeout: 60000 });
    const prisma = new PrismaClient({ adapter });
    const number = Number(first) + index * 10;
    await Promise.all([0, 1, 2].map((part) => work(prisma, number + part)));
    await prisma.$disconnect();
}));
console.log('done');
