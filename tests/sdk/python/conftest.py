"""The clusters that the tests talk to, and the official clients that talk to them."""

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI

from standard import Standard
from watch import AsyncTransport, Transport, Watch, socket_options

LAUNCHER = Path(__file__).parents[1] / "cluster.py"
TIMEOUT_S = 30
MODEL = "scripted"


class Prompt(str):
    """What a user says, with a script for the model server in it."""

    @property
    def plain(self):
        """The prompt without the script, which is what the model says after `echo`."""
        return self.partition(" [[")[0]


class ModelServer:
    """The scripted model server, as it tells of itself."""

    def __init__(self, url):
        self.url = url

    def stats(self, **at_least):
        """What happened so far; numbers that are given are waited for."""
        answer = httpx2.get(f"{self.url}/stats", params=at_least, timeout=TIMEOUT_S)
        return answer.raise_for_status().json()

    def seen(self, prompt):
        """The bodies of the requests that had this prompt in them."""
        bodies = (seen["body"] for seen in self.stats()["seen"])
        return [body for body in bodies if json.dumps(prompt) in json.dumps(body)]

    @contextlib.contextmanager
    def aborts_within_a_second(self, count=1):
        """What is done here stops so many streams that run. What begins them stands before it."""
        before = self.stats()["aborted"]
        yield
        begun = time.monotonic()
        after = self.stats(aborted=before + count)["aborted"]
        took = time.monotonic() - begun
        assert after == before + count
        assert took < 1, f"it took {took:.2f} s"

    def wait_until_running(self, prompt):
        """Returns when the request with this prompt is being answered."""
        started = self.stats()["started"]
        while not self.seen(prompt):
            started = self.stats(started=started + 1)["started"]
        self.stats(running=1)


class Cluster:
    """A running cluster, and clients of its gateways."""

    def __init__(self, broker, watch):
        self.watch = watch
        self.process = subprocess.Popen(
            [sys.executable, LAUNCHER, broker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        told = self.process.stdout.readline()
        assert told, "the cluster does not start: its log is above"
        places = json.loads(told)
        self.broker = places["broker"]
        self.gateways = places["gateways"]
        self.keys = places["keys"]
        self.models = ModelServer(places["model_server"])

    def url(self, gateway=0):
        # `narthex dev` is one gateway: there the other one is the same.
        return self.gateways[gateway % len(self.gateways)]["url"]

    def client(self, gateway=0, **options):
        http = httpx2.Client(transport=Transport(self.watch), timeout=TIMEOUT_S)
        return OpenAI(**{**self.options(gateway), **options}, http_client=http)

    def async_client(self, gateway=0):
        http = httpx2.AsyncClient(transport=AsyncTransport(self.watch), timeout=TIMEOUT_S)
        return AsyncOpenAI(**self.options(gateway), http_client=http)

    def options(self, gateway):
        # Strict: what the client's own types do not allow is an error here, where it would go unnoticed otherwise.
        return {
            "base_url": self.url(gateway),
            "api_key": "anyone",
            "timeout": TIMEOUT_S,
            "_strict_response_validation": True,
        }

    def connect(self, client, on_reconnecting=None, **options):
        """The client's WebSocket."""
        is_async = isinstance(client, AsyncOpenAI)
        options = {**socket_options(self.watch, is_async), "open_timeout": TIMEOUT_S, **options}
        return client.responses.connect(
            websocket_connection_options=options, on_reconnecting=on_reconnecting
        )

    def signal_gateway(self, gateway, number):
        os.kill(self.gateways[gateway]["pid"], number)

    def end(self):
        self.process.stdin.close()
        self.process.wait(TIMEOUT_S)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def standard():
    return Standard.load()


@pytest.fixture(scope="session")
def session_watch(standard):
    return Watch(standard)


@pytest.fixture(scope="session", params=["memory", "redis"])
def cluster(request, session_watch):
    cluster = Cluster(request.param, session_watch)
    yield cluster
    cluster.end()


@pytest.fixture(scope="session")
def closed_cluster(session_watch):
    """A cluster that knows its callers: `keys` has the keys of alice and of a site."""
    cluster = Cluster("keys", session_watch)
    yield cluster
    cluster.end()


@pytest.fixture
def own_cluster(session_watch):
    """A cluster over Redis for one test, which may break it."""
    cluster = Cluster("redis", session_watch)
    yield cluster
    cluster.end()


@pytest.fixture(autouse=True)
def watch(session_watch):
    """Fails the test in which an answer was not as it should be."""
    session_watch.problems.clear()
    yield session_watch
    assert not session_watch.problems


@pytest.fixture
def client(cluster):
    with cluster.client() as client:
        yield client


@pytest.fixture
def lenient(cluster):
    """A client that does not check, for where the standard and OpenAI's types cannot both be right."""
    with cluster.client(_strict_response_validation=False) as client:
        yield client


@pytest.fixture
def other(cluster):
    """A client of the other gateway."""
    with cluster.client(1) as client:
        yield client


@pytest.fixture
def models(cluster):
    return cluster.models


@pytest.fixture
def connection(cluster, client):
    with cluster.connect(client) as connection:
        yield connection


PROMPTS = itertools.count()


@pytest.fixture
def prompt():
    """Makes prompts that no other test has."""

    def make(script="", words=3):
        text = " ".join(f"word{at}" for at in range(words))
        return Prompt(f"prompt {next(PROMPTS)} {text} [[{script}]]")

    return make


@pytest.fixture
def together():
    """Runs functions at the same moment, each in a thread of its own, and gives their results."""

    def run(*functions):
        results = [None] * len(functions)
        gate = threading.Barrier(len(functions))

        def call(at):
            gate.wait(TIMEOUT_S)
            try:
                results[at] = functions[at]()
            except Exception as error:
                results[at] = error

        threads = [threading.Thread(target=call, args=[at]) for at in range(len(functions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run
