// What Prisma makes of a refusal: node prisma_errors.mjs URL
//
// Prints a line for each line it reads, which it takes for a query's name.
import readline from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './prisma_client.mjs';

const adapter = new PrismaPg({ connectionString: process.argv[2], max: 1 });
const prisma = new PrismaClient({ adapter });
const requests = {
    find: () => prisma.author.findMany(),
    raw: () => prisma.$queryRawUnsafe('SELECT 1'),
    transaction: () => prisma.$transaction(async (transaction) => transaction.author.count()),
    suicide: () => prisma.$transaction(async (transaction) => {
        await transaction.author.create({ data: { email: 'gone@example.org', name: 'gone' } });
        await transaction.$queryRawUnsafe('SELECT pg_terminate_backend(pg_backend_pid())');
    }),
};
for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
        await requests[line]();
        console.log('ok');
    } catch (error) {
        console.log(error.code === 'P2010' ? `P2010 ${error.meta.driverAdapterError?.cause.originalCode}` : error.code ?? error.message.replaceAll('\n', ' '));
    }
}
await prisma.$disconnect();
