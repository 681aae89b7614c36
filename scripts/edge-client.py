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

from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect

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
        # When its first and its last event came.
        self.times = []

    def hear(self, event):
        if event["sequence_number"] != self.next:
            fail(f"{self.id}: event {event['sequence_number']} came where {self.next} was due")
        self.next += 1
        self.times.append(time.monotonic())
        self.deltas += event["type"] == "response.output_text.delta"
        if event["type"] == "response.created":
            self.id = event["response"]["id"]
            print(f"streams {self.id}", flush=True)
        if event["type"] in TERMINAL:
            self.end = event["type"]

    def told(self, way, resumes=0):
        if self.end != "response.completed":
            fail(f"{way}: the response ended with {self.end}")
        again = f", resumed {resumes} times" if resumes else ""
        print(f"{way}: {self.next} events in order, {self.deltas} of them text{again}", flush=True)


def headers():
    cookies = {"cookie": "; ".join(COOKIES)} if COOKIES else {}
    return {"authorization": f"Bearer {os.environ['EDGE_KEY']}"} | cookies


def reach():
    return socket.create_connection(("127.0.0.1", URL.port))


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


def open_socket(connect, subprotocols=None):
    place = f"wss://{URL.netloc}/v1/responses"
    return connect(
        place, sock=reach(), ssl=TLS, server_hostname=URL.hostname, additional_headers=headers(), subprotocols=subprotocols
    )


def read_sse(answer, response):
    if answer.status != 200:
        fail(f"{answer.status} {answer.read().decode()}")
    for line in answer:
        if line.startswith(b"data: {"):
            response.hear(json.loads(line[6:]))


def read_socket(connection, response):
    while not response.end:
        event = json.loads(connection.recv())
        if event["type"] == "error":
            fail(event)
        # Those of narthex.v1 belong to the connection.
        if not event["type"].startswith("narthex:"):
            response.hear(event)


def create(prompt):
    return {"model": MODEL, "input": prompt, "stream": True}


def until_back(attempt):
    """Calls until somebody answers: a proxy hears of a gateway's end a moment after clients do."""
    end = time.monotonic() + PATIENCE
    while (answer := attempt()) is None:
        if time.monotonic() > end:
            fail(f"nobody was there for {PATIENCE} s to resume at")
        time.sleep(0.1)
    return answer


def sse(prompt):
    response = Response()
    answer = ask("POST", "/v1/responses", create(prompt))
    resumes = 0
    while True:
        try:
            read_sse(answer, response)
        except (OSError, HTTPException) as error:
            print(f"cut off after event {response.next - 1}: {error!r}", flush=True)
        if response.end:
            return response.told("server-sent events", resumes)
        resumes += 1
        path = f"/v1/responses/{response.id}?stream=true&starting_after={response.next - 1}"
        answer = until_back(lambda: there(ask_again(path)))


def ask_again(path):
    try:
        return ask("GET", path)
    except (OSError, HTTPException):
        return None


def there(answer):
    return None if answer is None or answer.status in (502, 503, 504) else answer


def narthex_socket(prompt):
    response = Response()
    connection = open_socket(connect, ["narthex.v1.json"])
    connection.send(json.dumps({"type": "response.create"} | create(prompt)))
    resumes = 0
    while True:
        try:
            read_socket(connection, response)
            return response.told("narthex.v1", resumes)
        except ConnectionClosed as error:
            print(f"cut off after event {response.next - 1}: {error!r}", flush=True)
        resumes += 1
        connection = until_back(connect_again)
        message = {"type": "narthex:response.resume", "response_id": response.id, "starting_after": response.next - 1}
        connection.send(json.dumps(message))


def connect_again():
    try:
        return open_socket(connect, ["narthex.v1.json"])
    except (OSError, InvalidHandshake):
        return None


def ways():
    prompt = "demo:tokens=20 demo:slow=50ms"
    response = Response()
    read_sse(ask("POST", "/v1/responses", create(prompt)), response)
    # Twenty tokens take a second to say. Who collects them on the way has them all at once.
    if response.times[-1] - response.times[0] < 0.5:
        fail("events were held back")
    response.told("server-sent events")
    with open_socket(connect) as connection:
        response = Response()
        connection.send(json.dumps({"type": "response.create"} | create(prompt)))
        read_socket(connection, response)
        response.told("WebSocket")
    narthex_socket(prompt)


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
        connections.append(await open_socket(connect_async))
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
        narthex_socket(prompt)
    case _:
        sys.exit(__doc__)
