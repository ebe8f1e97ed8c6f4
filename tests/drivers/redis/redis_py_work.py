"""redis-py: pipelines, transactions, its lock, scripts, subscriptions, streams, and its asyncio side."""

import asyncio
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "python"))

import redis  # noqa: E402
import redis.asyncio  # noqa: E402
from transcript import BYTES, TEXT, play_copies  # noqa: E402

SECONDS = 300


def readable(value):
    """Bytes as text, wherever they stand: JSON has none, and names in them must be seen."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, dict):
        return {str(readable(key)): readable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(part) for part in value]
    return value


def fails(call, *arguments, **options):
    try:
        return ["no error", call(*arguments, **options)]
    except redis.RedisError as error:
        return [type(error).__name__, str(error)]


def startup(one, url, name, say):
    named = redis.Redis.from_url(url, db=3, client_name=name)
    named.set(f"{name}:in three", "here")
    say("startup", ping=one.ping(), echo=one.echo(TEXT), name=named.client_getname(),
        there=named.get(f"{name}:in three"), gone=one.get(f"{name}:in three"),
        id=named.client_id() > 0, version=one.info("server")["redis_version"],
        time=len(one.time()))
    named.close()


def types(one, _url, name, say):
    one.hset(f"{name}:hash", mapping={"one": TEXT, "two": BYTES, "three": 3.5})
    one.zadd(f"{name}:scores", {"a": 1.5, "b": float("-inf"), "c": 7})
    one.sadd(f"{name}:set", "x", "y", "x")
    say("types", set=one.set(f"{name}:text", TEXT), got=one.get(f"{name}:text"),
        bytes=one.set(f"{name}:bytes", BYTES) and one.get(f"{name}:bytes"),
        nothing=one.get(f"{name}:nothing"), hash=list(one.hgetall(f"{name}:hash").items()),
        many=one.mget(f"{name}:text", f"{name}:nothing"),
        scores=one.zrange(f"{name}:scores", 0, -1, withscores=True),
        score=one.zscore(f"{name}:scores", "b"), members=sorted(one.smembers(f"{name}:set")),
        float=one.incrbyfloat(f"{name}:float", 1.25), big=one.incrby(f"{name}:big", 2**62),
        expires=one.expire(f"{name}:text", 100), left=90 < one.ttl(f"{name}:text") <= 100,
        dumped=one.restore(f"{name}:copy", 0, one.dump(f"{name}:text")), copy=one.get(f"{name}:copy"),
        sorted=one.sort(f"{name}:set", alpha=True), near=near(one, name))
    value = "x" * 1_000_000
    one.set(f"{name}:large", value)
    say("large", same=one.get(f"{name}:large") == value.encode(), length=one.strlen(f"{name}:large"))


def near(one, name):
    one.geoadd(f"{name}:places", [13.36, 38.11, "Palermo", 15.08, 37.5, "Catania"])
    return one.geosearch(f"{name}:places", longitude=15, latitude=37, radius=200, unit="km",
                         withdist=True, sort="ASC")


def pipelines(one, _url, name, say):
    many = one.pipeline(transaction=False)
    for number in range(500):
        many.rpush(f"{name}:list", number)
        many.lindex(f"{name}:list", number)
    many.lpop(f"{name}:hash")
    replies = many.execute(raise_on_error=False)
    say("pipeline", count=len(replies), sum=sum(map(int, replies[:-1])), last=str(replies[-1]))


def transactions(one, _url, name, say):
    one.set(f"{name}:n", 1)
    done = one.pipeline().incr(f"{name}:n").lpop(f"{name}:n").get(f"{name}:n").execute(raise_on_error=False)
    aborted = fails(one.pipeline().incr(f"{name}:n").execute_command("GET").execute)
    say("transactions", done=[str(reply) for reply in done], aborted=aborted, n=one.get(f"{name}:n"),
        empty=one.pipeline().execute())
    disturbances = iter([True, True, False])

    def tenfold(pipe):
        seen = int(pipe.get(f"{name}:n"))
        if next(disturbances):
            one.incr(f"{name}:n")
        pipe.multi()
        pipe.set(f"{name}:n", seen * 10)
    # Tries again until nobody has come between.
    say("watch", ended=one.transaction(tenfold, f"{name}:n"), n=one.get(f"{name}:n"))
    with one.pipeline() as pipe:
        pipe.watch(f"{name}:n")
        pipe.unwatch()
        say("watch", unwatched=one.get(f"{name}:n"))


def errors(one, _url, name, say):
    say("errors", wrong=fails(one.lpush, f"{name}:n", 1), arity=fails(one.execute_command, "GET"),
        unknown=fails(one.execute_command, "NOSUCH", "a", "b"),
        value=fails(one.execute_command, "SET", f"{name}:n", 1, "EX", "x"),
        sub=fails(one.execute_command, "OBJECT", "NOSUCH"), on=one.ping())


def scripts(one, _url, name, say):
    add = one.register_script(f"-- {name}\nreturn {{redis.call('incrby', KEYS[1], ARGV[1]), ARGV[2]}}")
    seen = [add(keys=[f"{name}:script"], args=[number, TEXT]) for number in range(3)]
    piped = one.pipeline()
    add(keys=[f"{name}:script"], args=[5, "piped"], client=piped)
    say("scripts", seen=seen, piped=piped.execute(),
        failed=fails(one.eval, "return redis.call('lpop', KEYS[1])", 1, f"{name}:n"),
        absent=fails(one.evalsha, "0" * 40, 0), exists=one.script_exists(add.sha, "0" * 40))


def blocking(one, url, name, say):
    waits = redis.Redis.from_url(url)
    one.rpush(f"{name}:queue", "first", "second")
    seen = [waits.blpop(f"{name}:queue", SECONDS),
            waits.blmove(f"{name}:queue", f"{name}:moved", SECONDS), waits.brpop(f"{name}:none", 0.01)]
    one.zadd(f"{name}:zqueue", {"a": 1})
    seen.append(waits.bzpopmin(f"{name}:zqueue", SECONDS))
    lock = one.lock(f"{name}:lock", timeout=SECONDS)
    with lock:
        other = one.lock(f"{name}:lock", blocking=False)
        seen += [lock.owned(), other.acquire(), lock.extend(10), lock.locked()]
    say("blocking", seen=seen, locked=lock.locked())
    waits.close()


def streams(one, url, name, say):
    key = f"{name}:stream"
    reads = redis.Redis.from_url(url)
    one.xgroup_create(key, "group", mkstream=True)
    for number in range(1, 6):
        one.xadd(key, {"n": number, "text": TEXT}, id=f"{number}-1")
    first = reads.xreadgroup("group", "one", {key: ">"}, count=2, block=SECONDS * 1000)
    rest = reads.xreadgroup("group", "one", {key: ">"})
    say("streams", first=first, rest=rest, acked=one.xack(key, "group", "1-1", "2-1"),
        pending=one.xpending(key, "group"), none=reads.xread({key: "$"}, block=10),
        range=one.xrange(key, "2-1", "3-1"), length=one.xlen(key),
        claimed=one.xautoclaim(key, "group", "two", 0, justid=True))
    reads.close()


def take(heard, count):
    """The next `count` of what came, in an order of its own where kinds have none."""
    found = []
    while len(found) < count:
        message = heard.get_message(timeout=SECONDS)
        if message is not None:
            found.append(message)
    return found


def subscriptions(one, _url, name, say):
    heard = one.pubsub()
    heard.subscribe(f"{name}:a", f"{name}:b")
    heard.psubscribe(f"{name}:*")
    seen = take(heard, 3)
    told = [one.publish(f"{name}:a", "one"), one.publish(f"{name}:b", TEXT), one.publish(f"{name}:c", "three")]
    seen += take(heard, 5)
    heard.unsubscribe(f"{name}:a")
    seen += take(heard, 1)
    told.append(one.publish(f"{name}:a", "four"))
    heard.ping("there")
    seen += take(heard, 2)
    heard.punsubscribe()
    heard.unsubscribe()
    say("subscriptions", told=told, seen=seen + take(heard, 2))
    heard.close()


def scan(one, _url, name, say):
    one.mset({f"{name}:scan {number}": number for number in range(50)})
    say("scan", found=sorted(set(one.scan_iter(f"{name}:scan *", count=5000))),
        fields=list(one.hscan_iter(f"{name}:hash")))


async def at_once(url, name, say):
    client = redis.asyncio.Redis.from_url(url, max_connections=4)
    await client.set(f"{name}:async", 1)
    # Its pool does not wait: no more than it has connections.
    seen = await asyncio.gather(*(client.incrby(f"{name}:async", 0) for _ in range(3)))
    async with client.pipeline() as pipe:
        seen += await pipe.incr(f"{name}:async").get(f"{name}:async").execute()
    popped = asyncio.create_task(client.blpop(f"{name}:async queue", SECONDS))
    await client.rpush(f"{name}:async queue", TEXT)
    say("asyncio", seen=seen, popped=await popped)
    await client.close()


def work(url, copy, tell):
    name = f"redis_py_c{copy}"

    def say(step, **seen):
        tell(step, **readable(seen))
    one = redis.Redis.from_url(url)
    for step in (startup, types, pipelines, transactions, errors, scripts, blocking, streams,
                 subscriptions, scan):
        step(one, url, name, say)
    one.close()
    asyncio.run(at_once(url, name, say))


if __name__ == "__main__":
    play_copies(work)
