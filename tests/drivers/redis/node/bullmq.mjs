// BullMQ: a queue, two workers, its events, a flow, delayed, failing and repeated jobs.
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { playCopies, text } from './transcript.mjs';

const jobs = 20;

function optionsOf(url) {
    const { hostname, port } = new URL(url);
    return { connection: { host: hostname, port: Number(port) } };
}

/** Answers by the job's name; both workers do the same. */
async function work(job) {
    if (job.name === 'fails once' && job.attemptsMade === 0) throw new Error('not yet');
    if (job.name === 'fails') throw new Error(`never ${job.data.n}`);
    if (job.name === 'parent') return Object.values(await job.getChildrenValues()).sort();
    await job.updateProgress(50);
    return { double: job.data.n * 2, text: job.data.text };
}

/** Waits as their users do; what they throw is a result. */
async function result(job, events) {
    try {
        return await job.waitUntilFinished(events);
    } catch (error) {
        return `failed: ${error.message}`;
    }
}

playCopies('bullmq', async (url, name, say) => {
    const options = optionsOf(url);
    const queue = new Queue(name, options);
    const events = new QueueEvents(name, options);
    await events.waitUntilReady();
    const workers = [1, 2].map(() => new Worker(name, work, { ...options, concurrency: 3, drainDelay: 1 }));
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));

    const added = await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: 'doubles', data: { n, text } })));
    say('jobs', { results: await Promise.all(added.map((job) => result(job, events))) });
    const retried = await queue.add('fails once', { n: 21, text }, { attempts: 2, backoff: { type: 'fixed', delay: 10 } });
    const failing = await queue.add('fails', { n: 3 });
    const delayed = await queue.add('doubles', { n: 4 }, { delay: 30, priority: 2 });
    say('failures', { retried: await result(retried, events), failing: await result(failing, events), delayed: await result(delayed, events),
        why: (await queue.getFailed()).map((job) => [job.data.n, job.failedReason, job.attemptsMade]) });
    const flow = new FlowProducer(options);
    const { job: parent } = await flow.add({ name: 'parent', queueName: name,
        children: [1, 2, 3].map((n) => ({ name: 'doubles', data: { n }, queueName: name })) });
    const values = await result(parent, events);
    say('flow', { values: values.map((value) => value.double).sort() });
    await queue.pause();
    const waiting = await queue.add('doubles', { n: 5 });
    const paused = [await queue.isPaused(), await queue.getJobCounts('waiting', 'paused', 'completed', 'failed')];
    await queue.resume();
    say('pause', { paused, resumed: await result(waiting, events), counts: await queue.getJobCounts('completed', 'failed', 'active') });
    await queue.upsertJobScheduler('often', { every: 20, limit: 2 }, { name: 'doubles', data: { n: 6 } });
    const scheduled = await queue.getJobSchedulers();
    await queue.removeJobScheduler('often');
    say('schedule', { keys: scheduled.map((one) => [one.key, one.every]) });

    await Promise.all(workers.map((worker) => worker.close()));
    await queue.obliterate({ force: true });
    await Promise.all([flow.close(), events.close(), queue.close()]);
});
