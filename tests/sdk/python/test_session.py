"""`narthex.v1` with libraries that know nothing of it: the example in the docs, and MessagePack."""

import os
import re
import subprocess
import sys
from pathlib import Path

import msgpack
from conftest import MODEL, TIMEOUT_S
from websockets.sync.client import connect

PAGE = Path(__file__).parents[3] / "docs" / "narthex-v1.md"


def socket_url(cluster):
    return cluster.url().replace("http", "ws", 1) + "/responses"


def test_the_example_with_signed_frames_runs(closed_cluster, prompt):
    program = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    asked = prompt("echo")
    program = program.replace('"demo"', repr(MODEL)).replace('"Say hello."', repr(str(asked)))
    environment = {
        **os.environ,
        "NARTHEX_URL": socket_url(closed_cluster),
        "NARTHEX_API_KEY": closed_cluster.keys["alice"],
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert asked.plain in done.stdout


def test_messagepack_is_what_the_page_says(cluster, prompt):
    asked = prompt("echo")
    with connect(socket_url(cluster), subprotocols=["narthex.v1.msgpack"]) as socket:
        assert msgpack.unpackb(socket.recv())[0]["type"] == "narthex:session.created"
        socket.send(msgpack.packb({"type": "response.create", "model": MODEL, "input": asked, "stream_id": "a"}))
        text, numbers, ended = "", [], False
        while not ended:
            for event in msgpack.unpackb(socket.recv(TIMEOUT_S)):
                if isinstance(event, list):
                    kind, number, _, _, delta, lane = event[:6]
                    assert (kind, lane) == (11, "a")
                    text += delta
                else:
                    number, ended = event["sequence_number"], event["type"] == "response.completed"
                numbers.append(number)
    assert text == asked.plain
    assert numbers == list(range(len(numbers)))
