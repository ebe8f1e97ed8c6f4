// What the Node workloads share: copies that run at once, and a transcript of what each saw.
//
//   node WORKLOAD URL FOLDER FIRST COUNT
//
// Copies FIRST to FIRST + COUNT - 1; copy N writes FOLDER/N.jsonl, a JSON object a line.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const text = 'O\'Hara "quoted" \\ back $1 ünïcödé 漢字 🐘';
export const bytes = Buffer.from([0, 255, 39, 92, 10, 128]);
export const numeric = '12345678901234567890.123456789';
export const big = '9007199254740993';
export const moment = '2024-02-29T12:34:56.789Z';
export const json = { k: [1, { ü: null }], q: "it's" };
// More than one round trip of any driver's buffer.
export const series = 'SELECT n, md5(n::text) AS sum FROM generate_series(1, 5000) AS n';

/** Steps that this run leaves out, since they are known not to end. */
export const without = (process.env.SLUICE_WITHOUT ?? '').split(' ');

function plain(key, value) {
    // JSON.stringify has made an object of a Buffer before it asks.
    const original = this[key];
    if (original instanceof Uint8Array) return Buffer.from(original).toString('hex');
    return typeof original === 'bigint' ? String(original) : value;
}

/** Of a long result: its length, its ends, and every row's place. */
export function checksum(rows) {
    let sum = 0;
    rows.forEach((row, place) => {
        sum = (sum * 31 + place * row.n + parseInt(row.sum.slice(0, 6), 16)) % 1000000007;
    });
    return { count: rows.length, first: rows[0], last: rows.at(-1), sum };
}

/** What an error of PostgreSQL says; an ORM wraps it, so its causes are looked at too. */
export async function fails(promise) {
    try {
        await promise;
        return 'no error';
    } catch (thrown) {
        let error = thrown;
        while (!/^[0-9A-Z]{5}$/.test(error.code ?? '') && (error.cause ?? error.original)) {
            error = error.cause ?? error.original;
        }
        return [error.code ?? error.name, error.message, error.constraint ?? error.constraint_name ?? null,
                error.position ?? null];
    }
}

/** Runs work(url, schema, say, copy) for each copy. */
export async function playCopies(driver, work) {
    const [, , url, folder, first, count] = process.argv;
    const play = async (copy) => {
        const file = join(folder, `${copy}.jsonl`);
        writeFileSync(file, '');
        const say = (step, seen = {}) => appendFileSync(file, JSON.stringify({ step, ...seen }, plain) + '\n');
        try {
            await work(url, `${driver}_c${copy}`, say, copy);
            say('end');
        } catch (error) {
            say('failed', { why: String(error) });
            console.error(error);
            process.exitCode = 1;
        }
    };
    const copies = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
    await Promise.all(copies.map(play));
    // A connection that a driver has forgotten must not keep the program.
    process.exit();
}
