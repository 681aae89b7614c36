"""A client that comes through a proxy, and counts: every event of a response has the next number, whatever happens on the way.

    edge-client.py URL MODEL idle NUMBER            holds so many WebSockets open until it is told to stop
    edge-client.py URL MODEL ways                   a response as server-sent events, on a WebSocket, and on one of narthex.v1
    edge-client.py URL MODEL late                   a request whose body does not come
    edge-client.py URL MODEL sse|socket PROMPT      one response; whenever it is cut off, it is resumed where it was

URL is like https://host:port; the host is on this machine, whatever it is called. EDGE_KEY is the API key, EDGE_AUTHORITY the file of whom
to trust. Cookies are kept, as a browser keeps them.
"""

import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import time
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

# Not its client with threads: over TLS that one's request now and then never reached the proxy, and it waited for the answer in vain.
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

URL, MODEL = urlsplit(sys.argv[1]), sys.argv[2]
TLS = ssl.create_default_context(cafile=os.environ["EDGE_AUTHORITY"])
COOKIES = set()
# How long a client goes on trying to come back.
PATIENCE = 30
TERMINAL = {"response.completed", "response.failed", "response.incomplete"}


def fail(why):
    sys.exit(f"edge-client: {why}")


class Response:
    """What was heard of one response so far."""

    def __init__(self):
        self.id, self.next, self.deltas, self.end = None, 0, 0, None
        self.heard = time.monotonic()

    def hear(self, event):
        self.heard = time.monotonic()
        if event["sequence_number"] != self.next:
            fail(f"{self.id}: event {event['sequence_number']} came where {self.next} was due")
        self.next += 1
        self.deltas += event["type"] == "response.output_text.delta"
        if event["type"] == "response.created":
            self.id = event["response"]["id"]
            print(f"streams {self.id}", flush=True)
        if event["type"] in TERMINAL:
            self.end = event["type"]

    def cut_off(self, why=""):
        print(f"cut off after event {self.next - 1} and {time.monotonic() - self.heard:.0f} s of silence {why}".rstrip(), flush=True)

    def told(self, way, resumes=0):
        if self.end != "response.completed":
            fail(f"{way}: the response ended with {self.end}")
        again = f", resumed {resumes} times" if resumes else ""
        print(f"{way}: {self.next} events in order, {self.deltas} of them text{again}", flush=True)


def headers():
    cookies = {"cookie": "; ".join(COOKIES)} if COOKIES else {}
    return {"authorization": f"Bearer {os.environ['EDGE_KEY']}"} | cookies


def reach():
    # Longer than any silence that is tested.
    return socket.create_connection(("127.0.0.1", URL.port), timeout=100)


def connection_of_its_own():
    connection = HTTPSConnection(URL.hostname, URL.port)
    connection.sock = TLS.wrap_socket(reach(), server_hostname=URL.hostname)
    return connection


def ask(method, path, body=None):
    """The answer to a request."""
    connection = connection_of_its_own()
    content = {} if body is None else {"content-type": "application/json"}
    connection.request(method, path, None if body is None else json.dumps(body), headers() | content)
    answer = connection.getresponse()
    COOKIES.update(cookie.partition(";")[0] for cookie in answer.headers.get_all("set-cookie", []))
    return answer


def open_socket(subprotocols=None):
    place = f"wss://{URL.netloc}/v1/responses"
    return connect(
        place, sock=reach(), ssl=TLS, server_hostname=URL.hostname, additional_headers=headers(), subprotocols=subprotocols,
        # As little as can be: what is silent is to be silent.
        ping_interval=None,
    )


def read_sse(answer, response, deltas=None):
    if answer.status != 200:
        fail(f"{answer.status} {answer.read().decode()}")
    for line in answer:
        if line.startswith(b"data: {"):
            response.hear(json.loads(line[6:]))
        if response.deltas == deltas:
            return


async def read_socket(connection, response):
    while not response.end:
        event = json.loads(await connection.recv())
        if event["type"] == "error":
            fail(event)
        # Those of narthex.v1 belong to the connection.
        if not event["type"].startswith("narthex:"):
            response.hear(event)


def create(prompt):
    return {"model": MODEL, "input": prompt, "stream": True}


def sse(prompt):
    response = Response()
    answer = ask("POST", "/v1/responses", create(prompt))
    resumes = 0
    while True:
        try:
            read_sse(answer, response)
        except (OSError, HTTPException):
            pass
        if response.end:
            return response.told("server-sent events", resumes)
        # Most ends before the end look like any other end to this library.
        response.cut_off()
        resumes += 1
        path = f"/v1/responses/{response.id}?stream=true&starting_after={response.next - 1}"
        answer = ask_again(path)


def ask_again(path):
    """Asks until somebody answers: a proxy hears of a gateway's end a moment after clients do."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            answer = ask("GET", path)
            if answer.status not in (502, 503, 504):
                return answer
        except (OSError, HTTPException):
            pass
        time.sleep(0.1)
    fail(f"nobody was there for {PATIENCE} s to resume at")


async def plain_socket(prompt):
    response = Response()
    async with open_socket() as connection:
        await connection.send(json.dumps({"type": "response.create"} | create(prompt)))
        await read_socket(connection, response)
    response.told("WebSocket")


async def narthex_socket(prompt):
    response = Response()
    connection = await open_socket(["narthex.v1.json"])
    await connection.send(json.dumps({"type": "response.create"} | create(prompt)))
    resumes = 0
    while not response.end:
        try:
            await read_socket(connection, response)
        except ConnectionClosed as error:
            response.cut_off(repr(error))
            resumes += 1
            connection = await connect_again()
            message = {"type": "narthex:response.resume", "response_id": response.id, "starting_after": response.next - 1}
            await connection.send(json.dumps(message))
    await connection.close()
    response.told("narthex.v1", resumes)


async def connect_again():
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return await open_socket(["narthex.v1.json"])
        except (OSError, InvalidHandshake):
            await asyncio.sleep(0.1)
    fail(f"nobody was there for {PATIENCE} s to resume at")


def begins_at_once():
    """Hears the beginning of a response that goes on for minutes: whoever collects events on the way would hold that back, too."""
    response = Response()
    answer = ask("POST", "/v1/responses", create("demo:tokens=10000 demo:slow=50ms"))
    read_sse(answer, response, deltas=1)
    ask("POST", f"/v1/responses/{response.id}/cancel").read()


def ways():
    prompt = "demo:tokens=20 demo:slow=50ms"
    response = Response()
    read_sse(ask("POST", "/v1/responses", create(prompt)), response)
    response.told("server-sent events")
    begins_at_once()
    asyncio.run(plain_socket(prompt))
    asyncio.run(narthex_socket(prompt))


def late():
    connection = connection_of_its_own()
    connection.putrequest("POST", "/v1/responses")
    for name, value in (headers() | {"content-type": "application/json", "content-length": "100"}).items():
        connection.putheader(name, value)
    connection.endheaders(b'{"model":')
    answer = connection.getresponse()
    # In the gateway's own words, and not in those of who is in front of it.
    error = json.load(answer)["error"]
    print(f"late: {answer.status} {error['message']}", flush=True)


async def idle(number):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    # By this it gets a cookie, if there are any.
    ask("GET", "/v1/models").read()
    connections = []
    for _ in range(number):
        connections.append(await open_socket())
    print(f"open {len(connections)}", flush=True)
    ends = [asyncio.create_task(connection.wait_closed()) for connection in connections]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *ends], return_when=asyncio.FIRST_COMPLETED)
    if lost := sum(end.done() for end in ends):
        fail(f"{lost} idle connections were closed")
    await asyncio.gather(*(connection.close() for connection in connections))


match sys.argv[3:]:
    case ["idle", number]:
        asyncio.run(idle(int(number)))
    case ["ways"]:
        ways()
    case ["late"]:
        late()
    case ["sse", prompt]:
        sse(prompt)
    case ["socket", prompt]:
        asyncio.run(narthex_socket(prompt))
    case _:
        sys.exit(__doc__)
