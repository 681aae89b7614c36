"""The worker: takes jobs from a list of Redis, calls the model server, and publishes each token as it comes."""

import asyncio
import contextlib
import os
import signal

import aiohttp
import orjson
import uvloop
from redis.asyncio import Redis

JOBS = "jobs"
# So many answers are produced at a time.
CONCURRENCY = 2000
# How long a model server may say nothing.
PATIENCE = 60


async def produce(job: dict, redis: Redis, upstream: aiohttp.ClientSession) -> None:
    """One job, from the call of the model server to the last message in its channel."""
    channel: str = job["channel"]
    try:
        await stream(job, channel, redis, upstream)
        end = {"type": "done"}
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError) as error:
        end = {"type": "error", "message": f"the model server failed: {error!r}"}
    await redis.publish(channel, orjson.dumps(end))


async def stream(job: dict, channel: str, redis: Redis, upstream: aiohttp.ClientSession) -> None:
    """Publishes each token of the answer."""
    body = {
        "model": job["model"],
        "messages": [{"role": "user", "content": job["prompt"]}],
        "max_tokens": job["max_tokens"],
        "stream": True,
    }
    index = 0
    async with upstream.post("chat/completions", data=orjson.dumps(body)) as response:
        response.raise_for_status()
        async for line in response.content:
            if not line.startswith(b"data: "):
                continue
            data = line[6:].strip()
            if data == b"[DONE]":
                return
            choices = orjson.loads(data)["choices"]
            text = choices[0]["delta"].get("content") if choices else None
            if text:
                await redis.publish(channel, orjson.dumps({"type": "token", "index": index, "text": text}))
                index += 1


async def work() -> None:
    """Takes one job after the other, as long as there is room, until the process is asked to stop."""
    room = asyncio.Semaphore(CONCURRENCY)
    redis = Redis.from_url(os.environ["REDIS_URL"], max_connections=CONCURRENCY)
    # It blocks while there is no job, and so has a connection of its own without a bound on the time of an answer.
    queue = Redis.from_url(os.environ["REDIS_URL"], socket_timeout=None)
    upstream = aiohttp.ClientSession(
        base_url=os.environ["UPSTREAM_URL"].rstrip("/") + "/",
        headers={"content-type": "application/json"},
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_read=PATIENCE),
    )
    async with redis, queue, upstream, asyncio.TaskGroup() as tasks:
        await redis.ping()
        print("ready", flush=True)
        while True:
            await room.acquire()
            _, job = await queue.brpop([JOBS])
            task = tasks.create_task(produce(orjson.loads(job), redis, upstream))
            task.add_done_callback(lambda _: room.release())


async def main() -> None:
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work()


uvloop.run(main())
