// connect-redis under express-session: a login and its session over HTTP, and the store by itself.
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import session from 'express-session';
import { RedisStore } from 'connect-redis';
import { createClient } from 'redis';
import { playCopies, text } from './transcript.mjs';
import { patience } from './steps.mjs';

const hour = 3600_000;

/** A site that counts a visitor's views. */
function site(store) {
    const sessions = session({ store, secret: 'quiet', resave: false, saveUninitialized: false, cookie: { maxAge: hour } });
    return createServer((request, response) => {
        sessions(request, response, (error) => {
            if (error) return response.writeHead(500).end(String(error));
            if (request.url === '/leave') return request.session.destroy(() => response.end('left'));
            request.session.views = (request.session.views ?? 0) + 1;
            return response.end(`views ${request.session.views}`);
        });
    });
}

playCopies('connect_redis', async (url, name, say) => {
    const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: patience } });
    client.on('error', () => {});
    await client.connect();
    const store = new RedisStore({ client, prefix: `${name}:`, ttl: 100 });
    const server = site(store);
    await promisify(server.listen.bind(server))(0, '127.0.0.1');
    const base = `http://127.0.0.1:${server.address().port}`;
    const visits = [];
    let cookie;
    for (const path of ['/', '/', '/', '/leave', '/']) {
        const answer = await fetch(base + path, { headers: { connection: 'close', ...(cookie ? { cookie } : {}) } });
        cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
        visits.push([answer.status, await answer.text()]);
    }
    say('site', { visits });

    for (let n = 0; n < 30; n++) await store.set(`s${n}`, { n, text, cookie: { originalMaxAge: hour } });
    await store.touch('s1', { cookie: { originalMaxAge: hour } });
    await store.destroy('s2');
    say('store', { one: await store.get('s1'), none: await store.get('s2') ?? null, count: await store.length(),
        ids: (await store.ids()).filter((id) => /^s\d+$/.test(id)).sort(), left: await client.ttl(`${name}:s1`) > 90 });
    await store.clear();
    say('cleared', { count: await store.length() });
    await promisify(server.close.bind(server))();
    await client.close();
});
