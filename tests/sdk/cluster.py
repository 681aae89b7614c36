#!/usr/bin/env python3
"""Starts the real program around a scripted model server, for the tests of every language.

    cluster.py memory|redis

memory is `narthex dev`: one process. redis is a Redis server, two gateways and two workers. When all are ready, a
line of JSON tells where they are; when stdin ends, all of them end. The programs are TEST_NARTHEX and TEST_MODEL_SERVER.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

MODELS = ["org/second", "scripted"]
# Debug builds on a busy machine; nothing waits so long when all is well.
READY_WITHIN_S = 60
SETTINGS = {"NARTHEX_LOG": "error", "NARTHEX_LOG_FORMAT": "text", "NARTHEX_GATEWAY__DRAIN_TIMEOUT": "1s"}


class Process:
    """A process that prints where it listens. What it logs goes to our stderr."""

    def __init__(self, *command):
        # Nothing of this machine's own settings.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NARTHEX_")}
        self.child = subprocess.Popen(
            command, env={**inherited, **SETTINGS}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )

    def line(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.child.args} ended with {self.child.wait()} before it was ready")
        return line.rstrip("\n")

    def address(self, name):
        """The URL on the line that begins with `name`."""
        while True:
            word, _, url = self.line().partition(" ")
            if word == name:
                return url

    def kill(self):
        self.child.kill()
        self.child.wait()


class Cluster:
    def __init__(self):
        self.processes = []
        self.gateways = []

    def start(self, *command):
        process = Process(*command)
        self.processes.append(process)
        return process

    def model_server(self):
        scripts = [argument for model in MODELS for argument in ("--model", f"{model}:")]
        return self.start(os.environ["TEST_MODEL_SERVER"], *scripts).line()

    def narthex(self, role, *arguments):
        ports = ["--admin-listen", "127.0.0.1:0"]
        if role != "worker":
            ports += ["--listen", "127.0.0.1:0"]
        process = self.start(os.environ["TEST_NARTHEX"], role, *ports, *arguments)
        if role != "worker":
            self.gateways.append({"url": process.address("listen") + "/v1", "pid": process.child.pid})

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_WITHIN_S
        for gateway in self.gateways:
            while models(gateway["url"]) != MODELS:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{gateway['url']} does not serve the models within {READY_WITHIN_S} s")
                time.sleep(0.02)

    def kill(self):
        for process in reversed(self.processes):
            process.kill()


def models(url):
    with urllib.request.urlopen(f"{url}/models", timeout=READY_WITHIN_S) as answer:
        return sorted(model["id"] for model in json.load(answer)["data"])


def start(cluster, broker):
    model_server = cluster.model_server()
    if broker == "memory":
        cluster.narthex("dev", "--upstream", model_server)
    else:
        place = ["--broker", os.environ["TEST_REDIS_URL"]]
        for _ in range(2):
            cluster.narthex("worker", *place, "--upstream", model_server)
            cluster.narthex("gateway", *place)
    cluster.wait_until_ready()
    return {"broker": broker, "gateways": cluster.gateways, "model_server": model_server.removesuffix("/v1")}


def main(broker):
    if broker == "redis":
        # Each cluster has a Redis of its own, and this program becomes the one that starts it and runs this again.
        with_redis = Path(__file__).parents[2] / "scripts" / "with-redis"
        os.execv(with_redis, [with_redis, sys.executable, __file__, "beside-redis"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    cluster = Cluster()
    try:
        print(json.dumps(start(cluster, broker)), flush=True)
        sys.stdin.read()
    finally:
        cluster.kill()


if __name__ == "__main__":
    main(sys.argv[1])
