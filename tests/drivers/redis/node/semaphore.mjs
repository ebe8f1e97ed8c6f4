// redis-semaphore: scripts by hash in every call, locks that contenders wait for by asking again.
import { Redis } from 'ioredis';
import { Mutex, MultiSemaphore, RedlockMutex, Semaphore } from 'redis-semaphore';
import { playCopies } from './transcript.mjs';
import { fails, patience } from './steps.mjs';

/** How many of `count` contenders were inside at once, at most; all get their turn. */
async function contend(count, make) {
    let inside = 0;
    let most = 0;
    const turns = await Promise.all(Array.from({ length: count }, async () => {
        const lock = make();
        await lock.acquire();
        most = Math.max(most, ++inside);
        await new Promise(setImmediate);
        inside--;
        await lock.release();
        return 'had it';
    }));
    return { turns: turns.length, most };
}

playCopies('semaphore', async (url, name, say) => {
    const clients = [1, 2].map(() => new Redis(url, { retryStrategy: null, connectTimeout: patience }));
    const [one, two] = clients;
    const patient = { acquireTimeout: patience, retryInterval: 5, lockTimeout: patience };
    let next = 0;
    const client = () => clients[next++ % 2];
    say('mutex', await contend(6, () => new Mutex(client(), `${name}:mutex`, patient)));
    const held = new Mutex(one, `${name}:held`, patient);
    await held.acquire();
    const other = new Mutex(two, `${name}:held`, { ...patient, acquireTimeout: 20 });
    say('mutex', { refused: await fails(other.acquire()), tried: await other.tryAcquire(), is: held.isAcquired });
    await held.release();
    say('mutex', { freed: await other.tryAcquire() });
    await other.release();
    const two_of = await contend(6, () => new Semaphore(client(), `${name}:semaphore`, 2, patient));
    say('semaphore', { turns: two_of.turns, within: two_of.most <= 2 });
    const permits = await contend(4, () => new MultiSemaphore(client(), `${name}:multi`, 3, 2, patient));
    say('multi', permits);
    say('redlock', await contend(3, () => new RedlockMutex([one], `${name}:redlock`, patient)));
    say('left', { keys: await one.exists(`${name}:mutex`, `${name}:held`, `${name}:redlock`) });
    await Promise.all(clients.map((each) => each.quit()));
});
