// ioredis: its ready check by INFO, pipelines, transactions, scripts by hash, subscriptions, streams.
import { Redis } from 'ioredis';
import { bytes, playCopies, text } from './transcript.mjs';
import { drain, fails, large, outcomes, patience, playSteps } from './steps.mjs';

const patient = { retryStrategy: null, connectTimeout: patience };
const connect = (url, options = {}) => new Redis(url, { ...patient, ...options });

async function startup({ redis, url, name, say }) {
    const named = connect(url, { connectionName: name, db: 3, lazyConnect: true });
    await named.connect();
    await named.set(`${name}:in three`, 'here');
    const seen = { name: await named.client('GETNAME'), there: await named.get(`${name}:in three`) };
    await named.select(0);
    seen.gone = await named.get(`${name}:in three`);
    await named.quit();
    say('startup', { ...seen, ping: await redis.ping(), echo: await redis.echo(text), id: await redis.client('ID') > 0 });
}

async function types({ redis, name, say }) {
    await redis.hset(`${name}:hash`, { one: text, two: bytes, three: 3.5 });
    await redis.zadd(`${name}:scores`, 1.5, 'a', '-inf', 'b', 7, 'c');
    await redis.sadd(`${name}:set`, 'x', 'y', 'x');
    say('types', {
        set: await redis.set(`${name}:text`, text), got: await redis.get(`${name}:text`),
        buffer: await redis.set(`${name}:bytes`, bytes), bytes: await redis.getBuffer(`${name}:bytes`),
        nothing: await redis.get(`${name}:nothing`), hash: await redis.hgetall(`${name}:hash`),
        many: await redis.mget(`${name}:text`, `${name}:nothing`), empty: await redis.hgetall(`${name}:nothing`),
        scores: await redis.zrange(`${name}:scores`, 0, -1, 'WITHSCORES'), score: await redis.zscore(`${name}:scores`, 'b'),
        members: (await redis.smembers(`${name}:set`)).sort(), is: await redis.smismember(`${name}:set`, 'x', 'z'),
        float: await redis.incrbyfloat(`${name}:float`, 1.25), big: await redis.incrby(`${name}:big`, '9007199254740993'),
        type: await redis.type(`${name}:hash`), left: await redis.ttl(`${name}:text`) });
    const value = large(name);
    await redis.set(`${name}:large`, value);
    say('large', { same: (await redis.get(`${name}:large`)) === value, length: await redis.strlen(`${name}:large`) });
}

async function pipeline({ redis, url, name, say }) {
    const many = redis.pipeline();
    for (let n = 0; n < 500; n++) many.rpush(`${name}:list`, n).lindex(`${name}:list`, n);
    const replies = await many.lpop(`${name}:hash`).get(`${name}:text`).exec();
    say('pipeline', { count: replies.length, failed: replies.filter(([error]) => error).map(([error]) => error.message),
        sum: replies.slice(0, 1000).reduce((sum, [, value]) => sum + Number(value), 0), last: replies.at(-1) });
    const automatic = connect(url, { enableAutoPipelining: true });
    const sums = await Promise.all(Array.from({ length: 100 }, (_, n) => automatic.incrby(`${name}:auto`, n)));
    say('pipeline', { sums });
    await automatic.quit();
}

async function transactions({ redis, url, name, say }) {
    await redis.set(`${name}:n`, 1);
    const done = outcomes(await redis.multi().incr(`${name}:n`).lpop(`${name}:n`).get(`${name}:n`).exec());
    const aborted = await fails(redis.multi().incr(`${name}:n`).call('get').exec());
    await redis.multi({ pipeline: false });
    const queued = [await redis.incr(`${name}:n`), await redis.get(`${name}:n`)];
    say('transactions', { done, aborted, queued, executed: await redis.exec(), empty: await redis.multi().exec() });
    await redis.multi({ pipeline: false });
    await redis.incr(`${name}:n`);
    say('transactions', { discarded: await redis.discard(), n: await redis.get(`${name}:n`) });
    const other = connect(url);
    const ends = [];
    for (const disturbed of [true, false]) {
        await redis.watch(`${name}:n`);
        const seen = Number(await redis.get(`${name}:n`));
        if (disturbed) await other.incr(`${name}:n`);
        ends.push(await redis.multi().set(`${name}:n`, seen * 10).exec());
    }
    await redis.watch(`${name}:n`);
    say('watch', { ends, n: await redis.get(`${name}:n`), unwatched: await redis.unwatch() });
    await other.quit();
}

async function errors({ redis, name, say }) {
    say('errors', { wrong: await fails(redis.lpush(`${name}:n`, 1)), unknown: await fails(redis.call('nosuch', 'a', 'b')),
        arity: await fails(redis.call('get')), value: await fails(redis.set(`${name}:n`, 1, 'EX', 'x')),
        sub: await fails(redis.call('object', 'nosuch')), on: await redis.ping('goes on') });
}

async function scripts({ redis, name, say }) {
    // Only defineCommand knows the hash first: the first copy finds it missing and falls back.
    redis.defineCommand('addTo', { numberOfKeys: 1, lua: `-- ${name}\nreturn {redis.call("incrby", KEYS[1], ARGV[1]), ARGV[2]}` });
    const seen = [];
    for (let n = 0; n < 3; n++) seen.push(await redis.addTo(`${name}:script`, n, text));
    seen.push(await fails(redis.eval('return redis.call("lpop", KEYS[1])', 1, `${name}:n`)),
        await fails(redis.evalsha('0'.repeat(40), 0)), await fails(redis.eval('return redis.error_reply("MY words")', 0)),
        await redis.eval('return {1, {2, false, "3"}, ARGV[1]}', 0, text));
    say('scripts', { seen });
}

async function blocking({ redis, url, name, say }) {
    const waits = connect(url);
    const popped = waits.blpop(`${name}:queue`, 30);
    await redis.rpush(`${name}:queue`, 'first', 'second');
    const seen = [await popped, await waits.blmove(`${name}:queue`, `${name}:moved`, 'LEFT', 'RIGHT', 30),
        await waits.brpop(`${name}:none`, 0.01), await waits.ping()];
    await redis.zadd(`${name}:zqueue`, 1, 'a', 2, 'b');
    seen.push(await waits.bzpopmin(`${name}:zqueue`, 30), await waits.bzmpop(30, 1, `${name}:zqueue`, 'MIN'));
    say('blocking', { seen });
    await waits.quit();
}

async function streams({ redis, url, name, say }) {
    const key = `${name}:stream`;
    const reads = connect(url);
    await redis.xgroup('CREATE', key, 'group', '$', 'MKSTREAM');
    const arriving = reads.xreadgroup('GROUP', 'group', 'one', 'COUNT', 2, 'BLOCK', 30000, 'STREAMS', key, '>');
    for (let n = 1; n < 6; n++) await redis.xadd(key, `${n}-1`, 'n', n, 'text', text);
    const got = drain(await arriving);
    const rest = drain(await reads.xreadgroup('GROUP', 'group', 'one', 'STREAMS', key, '>'));
    say('streams', { all: [...got, ...rest], acked: await redis.xack(key, 'group', '1-1', '2-1'),
        pending: (await redis.xpending(key, 'group'))[0], none: await reads.xread('BLOCK', 10, 'STREAMS', key, '$'),
        range: await redis.xrange(key, '2-1', '3-1'), length: await redis.xlen(key) });
    await reads.quit();
}

async function subscriptions({ redis, url, name, say }) {
    const hears = connect(url);
    const heard = [];
    let whole;
    const all = new Promise((resolve) => { whole = resolve; });
    const hear = (...words) => { if (heard.push(words) === 6) whole(); };
    hears.on('message', (channel, message) => hear(channel, message));
    hears.on('pmessage', (pattern, channel, message) => hear(pattern, channel, message));
    const counts = [await hears.subscribe(`${name}:a`, `${name}:b`), await hears.psubscribe(`${name}:*`)];
    const told = [await redis.publish(`${name}:a`, 'one'), await redis.publish(`${name}:b`, text), await redis.publish(`${name}:c`, 'three')];
    counts.push(await hears.unsubscribe(`${name}:a`), await redis.publish(`${name}:a`, 'four'));
    await all;
    heard.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
    counts.push(await hears.punsubscribe(`${name}:*`), await hears.unsubscribe(`${name}:b`));
    say('subscriptions', { counts, told, heard });
    await hears.quit();
}

async function scan({ redis, name, say }) {
    await redis.mset(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`${name}:scan ${n}`, n])));
    const found = [];
    for await (const keys of redis.scanStream({ match: `${name}:scan *`, count: 5000 })) found.push(...keys);
    const fields = [];
    for await (const part of redis.hscanStream(`${name}:hash`)) fields.push(...part);
    say('scan', { found: [...new Set(found)].sort(), fields });
}

playCopies('ioredis', async (url, name, say) => {
    const redis = connect(url);
    const old = connect(url, { protocol: 2 });
    const steps = [startup, types, pipeline, transactions, errors, scripts, blocking, streams, subscriptions, scan];
    await playSteps(steps, { redis, url, name, say });
    await playSteps([types, transactions, errors], { redis: old, url, name: `${name}:2`, say: (step, seen) => say('RESP2', { of: step, ...seen }) });
    await Promise.all([redis.quit(), old.quit()]);
});
