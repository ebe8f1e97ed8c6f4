// What the workloads of Redis share.

/** Milliseconds. Two hundred copies share one event loop, and that alone outlasts the usual 5 s. */
export const patience = 300_000;

/** An error as its library tells it: class and text. */
export async function fails(promise) {
    try {
        return ['no error', await promise];
    } catch (error) {
        return [error.constructor.name, error.message];
    }
}

/** What each command of a pipeline or transaction came to. */
export const outcomes = (replies) => replies.map((reply) => {
    if (reply instanceof Error) return ['error', reply.message];
    return Array.isArray(reply) && reply[0] instanceof Error ? ['error', reply[0].message] : reply;
});

/** More than any buffer on the way holds. */
export const large = (seed) => seed.padEnd(1000, '.').repeat(1000);

/** The entries of XREAD's reply, whose form is a matter of the protocol's version. */
export function drain(reply) {
    if (reply === null) return [];
    const streams = Array.isArray(reply) ? reply : Object.entries(reply);
    return streams.flatMap((stream) => (Array.isArray(stream) && Array.isArray(stream[1]) ? stream[1] : stream.messages));
}

export async function playSteps(steps, world) {
    for (const step of steps) await step(world);
}
