#!/usr/bin/env python3
"""Starts the real program around a scripted model server, for the tests of every language.

    cluster.py memory|redis|keys

memory is `narthex dev`: one process. redis is a Redis server, two gateways and two workers. keys is one process again, which knows
its callers by API keys and client secrets; two keys are told. When all are ready, a
line of JSON tells where they are; when stdin ends, all of them end. The programs are TEST_NARTHEX and TEST_MODEL_SERVER.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
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
        self.keys = {}

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
            while models(gateway["url"], self.keys.get("alice")) != MODELS:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{gateway['url']} does not serve the models within {READY_WITHIN_S} s")
                time.sleep(0.02)

    def kill(self):
        for process in reversed(self.processes):
            process.kill()


def models(url, key):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(f"{url}/models", headers=headers)
    with urllib.request.urlopen(request, timeout=READY_WITHIN_S) as answer:
        return sorted(model["id"] for model in json.load(answer)["data"])


def start(cluster, broker):
    model_server = cluster.model_server()
    if broker == "memory":
        cluster.narthex("dev", "--upstream", model_server)
    elif broker == "keys":
        cluster.directory = tempfile.TemporaryDirectory()
        directory = Path(cluster.directory.name)
        file, signs = directory / "keys.toml", directory / "client-secrets.key"
        signs.write_text(os.urandom(32).hex())
        for name, scopes in [("alice", ["models"]), ("site", ["models", "client_secrets"])]:
            make = [os.environ["TEST_NARTHEX"], "keys", "make", name, "--keys-file", file]
            make += [word for scope in scopes for word in ("--scope", scope)]
            cluster.keys[name] = subprocess.check_output(make, text=True, stderr=subprocess.DEVNULL).strip()
        settings = ["--keys-file", str(file), "--set", f"auth.client_secrets.key_file={signs}"]
        cluster.narthex("dev", "--upstream", model_server, *settings)
    else:
        place = ["--broker", os.environ["TEST_REDIS_URL"]]
        for _ in range(2):
            cluster.narthex("worker", *place, "--upstream", model_server)
            cluster.narthex("gateway", "--auth", "none", *place)
    cluster.wait_until_ready()
    return {"broker": broker, "gateways": cluster.gateways, "keys": cluster.keys, "model_server": model_server.removesuffix("/v1")}


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
