// node-redis: RESP3 as it comes, its pool for WATCH, typed replies, its cache on CLIENT TRACKING.
import { createClient, createClientPool, defineScript, RESP_TYPES } from 'redis';
import { bytes, playCopies, text } from './transcript.mjs';
import { fails, large, outcomes, patience, playSteps } from './steps.mjs';

async function connect(url, options = {}) {
    const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: patience }, ...options });
    client.on('error', () => {});
    return client.connect();
}

async function startup({ redis, url, name, say }) {
    const named = await connect(url, { name, database: 3 });
    await named.set(`${name}:in three`, 'here');
    const seen = { name: await named.clientGetName(), there: await named.get(`${name}:in three`) };
    await named.select(0);
    seen.gone = await named.get(`${name}:in three`);
    await named.close();
    const info = await redis.clientInfo();
    say('startup', { ...seen, ping: await redis.ping(), echo: await redis.echo(text), id: await redis.clientId() > 0, resp: info.resp });
}

async function types({ redis, name, say }) {
    const binary = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    await redis.hSet(`${name}:hash`, { one: text, two: bytes, three: '3.5' });
    await redis.zAdd(`${name}:scores`, [{ score: 1.5, value: 'a' }, { score: -Infinity, value: 'b' }, { score: 7, value: 'c' }]);
    await redis.sAdd(`${name}:set`, ['x', 'y', 'x']);
    say('types', {
        set: await redis.set(`${name}:text`, text), got: await redis.get(`${name}:text`),
        buffer: await redis.set(`${name}:bytes`, bytes), bytes: await binary.get(`${name}:bytes`),
        nothing: await redis.get(`${name}:nothing`), hash: Object.entries(await redis.hGetAll(`${name}:hash`)),
        many: await redis.mGet([`${name}:text`, `${name}:nothing`]), scores: (await redis.zRangeWithScores(`${name}:scores`, 0, -1)).map(({ value, score }) => [value, String(score)]),
        members: [...await redis.sMembers(`${name}:set`)].sort(), is: await redis.smIsMember(`${name}:set`, ['x', 'z']),
        float: String(await redis.incrByFloat(`${name}:float`, 1.25)), type: await redis.type(`${name}:hash`), left: await redis.ttl(`${name}:text`) });
    const value = large(name);
    await redis.set(`${name}:large`, value);
    say('large', { same: (await redis.get(`${name}:large`)) === value, length: await redis.strLen(`${name}:large`) });
}

async function pipeline({ redis, name, say }) {
    // One turn of the event loop: node-redis sends these together.
    const pushed = await Promise.all(Array.from({ length: 500 }, (_, n) => redis.rPush(`${name}:list`, String(n))));
    const many = redis.multi();
    for (let n = 0; n < 500; n++) many.lIndex(`${name}:list`, n);
    const replies = await many.execAsPipeline();
    say('pipeline', { pushed: pushed.at(-1), count: replies.length, sum: replies.reduce((sum, value) => sum + Number(value), 0) });
}

async function transactions({ redis, url, name, say }) {
    await redis.set(`${name}:n`, 1);
    const failed = await fails(redis.multi().incr(`${name}:n`).lPop(`${name}:n`).get(`${name}:n`).exec());
    const done = await redis.multi().incr(`${name}:n`).get(`${name}:n`).exec();
    const aborted = await fails(redis.multi().incr(`${name}:n`).addCommand(['get']).exec());
    say('transactions', { failed, done, aborted, n: await redis.get(`${name}:n`) });
    const pool = await createClientPool({ url, socket: { reconnectStrategy: false, connectTimeout: patience } }, { minimum: 1, maximum: 2 }).connect();
    const ends = [];
    for (const disturbed of [true, false]) {
        ends.push(await fails(pool.execute(async (own) => {
            await own.watch(`${name}:n`);
            const seen = Number(await own.get(`${name}:n`));
            if (disturbed) await redis.incr(`${name}:n`);
            return own.multi().set(`${name}:n`, String(seen * 10)).exec();
        })));
    }
    await pool.execute(async (own) => { await own.watch(`${name}:n`); await own.unwatch(); });
    say('watch', { ends, n: await redis.get(`${name}:n`) });
    await pool.close();
}

async function errors({ redis, name, say }) {
    say('errors', { wrong: await fails(redis.lPush(`${name}:n`, '1')), unknown: await fails(redis.sendCommand(['nosuch', 'a', 'b'])),
        arity: await fails(redis.sendCommand(['GET'])), value: await fails(redis.set(`${name}:n`, '1', { EX: 'x' })),
        on: await redis.ping('goes on') });
}

async function scripts({ redis, url, name, say }) {
    const addTo = defineScript({ NUMBER_OF_KEYS: 1, FIRST_KEY_INDEX: 1,
        SCRIPT: `-- ${name}\nreturn {redis.call("incrby", KEYS[1], ARGV[1]), ARGV[2]}`,
        parseCommand: (parser, key, by, word) => { parser.pushKey(key); parser.push(String(by), word); } });
    const scripted = await connect(url, { scripts: { addTo } });
    const seen = [];
    for (let n = 0; n < 3; n++) seen.push(await scripted.addTo(`${name}:script`, n, text));
    seen.push(await fails(redis.eval('return redis.call("lpop", KEYS[1])', { keys: [`${name}:n`] })),
        await fails(redis.evalSha('0'.repeat(40))), await redis.eval('return {1, {2, false, "3"}, ARGV[1]}', { arguments: [text] }),
        await redis.eval('redis.setresp(3); return {map = {a = 1}}'));
    say('scripts', { seen });
    await scripted.close();
}

async function blocking({ redis, url, name, say }) {
    const waits = await connect(url);
    const popped = waits.blPop(`${name}:queue`, 30);
    await redis.rPush(`${name}:queue`, ['first', 'second']);
    const seen = [await popped, await waits.blMove(`${name}:queue`, `${name}:moved`, 'LEFT', 'RIGHT', 30),
        await waits.brPop(`${name}:none`, 0.01), await waits.ping()];
    await redis.zAdd(`${name}:zqueue`, [{ score: 1, value: 'a' }]);
    seen.push(await waits.bzPopMin(`${name}:zqueue`, 30));
    say('blocking', { seen });
    await waits.close();
}

async function streams({ redis, url, name, say }) {
    const key = `${name}:stream`;
    const reads = await connect(url);
    await redis.xGroupCreate(key, 'group', '$', { MKSTREAM: true });
    const from = [{ key, id: '>' }];
    const arriving = reads.xReadGroup('group', 'one', from, { COUNT: 2, BLOCK: 30000 });
    for (let n = 1; n < 6; n++) await redis.xAdd(key, `${n}-1`, { n: String(n), text });
    const all = [];
    for (const reply of [await arriving, await reads.xReadGroup('group', 'one', from)]) all.push(...(reply?.[0].messages ?? []));
    say('streams', { all, acked: await redis.xAck(key, 'group', ['1-1', '2-1']), pending: (await redis.xPending(key, 'group')).pending,
        none: await reads.xRead({ key, id: '$' }, { BLOCK: 10 }), range: await redis.xRange(key, '2-1', '3-1'), length: await redis.xLen(key) });
    await reads.close();
}

async function subscriptions({ redis, url, name, say }) {
    const hears = await connect(url);
    const heard = [];
    let whole;
    const all = new Promise((resolve) => { whole = resolve; });
    const hear = (message, channel) => { if (heard.push([channel, message]) === 7) whole(); };
    await hears.subscribe([`${name}:a`, `${name}:b`], hear);
    await hears.pSubscribe(`${name}:*`, hear);
    await hears.sSubscribe(`${name}:shard`, hear);
    const told = [await redis.publish(`${name}:a`, 'one'), await redis.publish(`${name}:b`, text),
        await redis.publish(`${name}:c`, 'three'), await redis.sPublish(`${name}:shard`, 'four')];
    await hears.unsubscribe(`${name}:a`);
    told.push(await redis.publish(`${name}:a`, 'five'));
    await all;
    heard.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    await Promise.all([hears.unsubscribe(), hears.pUnsubscribe(), hears.sUnsubscribe()]);
    say('subscriptions', { told, heard });
    await hears.close();
}

async function scan({ redis, name, say }) {
    await redis.mSet(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${name}:scan ${n}`, String(n)])));
    const found = [];
    for await (const keys of redis.scanIterator({ MATCH: `${name}:scan *`, COUNT: 5000 })) found.push(...keys);
    const fields = [];
    for await (const part of redis.hScanIterator(`${name}:hash`)) fields.push(...part);
    say('scan', { found: [...new Set(found)].sort(), fields });
}

async function tracking({ redis, url, name, say }) {
    const cached = await connect(url, { RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0 } });
    await redis.set(`${name}:cached`, 'before');
    const seen = [await cached.get(`${name}:cached`), await cached.get(`${name}:cached`)];
    await redis.set(`${name}:cached`, 'after');
    // The push that makes the old value void comes when it comes.
    for (let n = 0; n < 500 && seen.at(-1) !== 'after'; n++) {
        await redis.ping();
        const value = await cached.get(`${name}:cached`);
        if (value !== seen.at(-1)) seen.push(value);
    }
    say('tracking', { seen });
    await cached.close();
}

playCopies('node_redis', async (url, name, say) => {
    const redis = await connect(url);
    const old = await connect(url, { RESP: 2 });
    await playSteps([startup, types, pipeline, transactions, errors, scripts, blocking, streams, subscriptions, scan, tracking],
        { redis, url, name, say });
    await playSteps([types, errors], { redis: old, url, name: `${name}:2`, say: (step, seen) => say('RESP2', { of: step, ...seen }) });
    await Promise.all([redis.close(), old.close()]);
});
