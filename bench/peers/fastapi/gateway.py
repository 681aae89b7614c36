"""The gateway: WebSockets on one side, Redis on the other.

A client asks with `{"prompt": …, "model": …, "max_tokens": …}`. That becomes a job in a list of Redis, with a Pub/Sub channel of its own for
the answer, whose messages go to the client as they are.
"""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from redis.asyncio import Redis

JOBS = "jobs"
# What the last message of an answer begins with.
ENDS = (b'{"type":"done"', b'{"type":"error"')
# An answer has a connection to Redis of its own while it lasts.
MAX_CONNECTIONS = 10_000
# A worker that says nothing for so long is thought to be dead.
PATIENCE = 60


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.redis = Redis.from_url(os.environ["REDIS_URL"], max_connections=MAX_CONNECTIONS)
    await app.state.redis.ping()
    yield
    await app.state.redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def converse(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            try:
                ask = orjson.loads(await socket.receive_text())
                prompt, model, max_tokens = str(ask["prompt"]), str(ask["model"]), int(ask["max_tokens"])
            except (ValueError, KeyError, TypeError):
                message = "expected an object with prompt, model and max_tokens"
                await socket.send_text(orjson.dumps({"type": "error", "message": message}).decode())
                continue
            await answer(socket, {"prompt": prompt, "model": model, "max_tokens": max_tokens})
    except WebSocketDisconnect:
        pass


async def answer(socket: WebSocket, job: dict) -> None:
    """Tells the client what a worker says, until it says that this is all."""
    redis: Redis = socket.app.state.redis
    channel = f"answer:{uuid.uuid4().hex}"
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(channel)
        # That it is subscribed is told first. Only then the job, or its first words could be missed.
        await pubsub.get_message(timeout=PATIENCE)
        await redis.lpush(JOBS, orjson.dumps({**job, "channel": channel}))
        while message := await pubsub.get_message(timeout=PATIENCE):
            data: bytes = message["data"]
            await socket.send_text(data.decode())
            if data.startswith(ENDS):
                return
        await socket.send_text(orjson.dumps({"type": "error", "message": "no worker answers"}).decode())
