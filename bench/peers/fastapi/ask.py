"""A client: asks twice on one socket, checks that tokens come in order, and prints them.

    .venv/bin/python ask.py ws://127.0.0.1:8000/ws MODEL PROMPT
"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect


async def main(url: str, model: str, prompt: str) -> None:
    async with connect(url, compression=None) as socket:
        for _ in range(2):
            await socket.send(json.dumps({"prompt": prompt, "model": model, "max_tokens": 64}))
            index = 0
            while (message := json.loads(await asyncio.wait_for(socket.recv(), 30)))["type"] == "token":
                assert message["index"] == index, message
                index += 1
                print(message["text"], end="", flush=True)
            assert message == {"type": "done"} and index > 0, message
            print(f"\n({index} tokens)")


asyncio.run(main(*sys.argv[1:]))
