"""Looks at every answer on its way to the official client, and remembers what is wrong with it.

The clients stay as they are: they are given a transport, and their WebSockets a class, that let everything pass and
keep a copy. What is looked at: the schema, the frames, the order of events, the headers.
"""

import json
import re

import httpx2
from websockets.asyncio.client import ClientConnection as AsyncClientConnection
from websockets.sync.client import ClientConnection

TERMINAL = {"response.completed", "response.incomplete", "response.failed"}

# Which schema an answer has, by method and path.
SHAPES = [
    ("POST", r"/v1/responses", "ResponseResource"),
    ("GET", r"/v1/responses/[^/]+", "ResponseResource"),
    ("POST", r"/v1/responses/[^/]+/cancel", "ResponseResource"),
    ("POST", r"/v1/responses/compact", "CompactResource"),
]


class Watch:
    def __init__(self, standard):
        self.standard = standard
        self.problems = []
        self.answers = []

    def check(self, name, value):
        return self.standard.check(name, value) if self.standard else []

    def answer(self, request, response, body, is_whole):
        """An answer over HTTP has been read, or was left."""
        place = f"{request.method} {request.url.path}"
        self.answers.append((place, response.status_code))
        self.note(place, self.look_at(request, response, body, is_whole))

    def note(self, place, problems):
        self.problems += [f"{place}: {problem}" for problem in problems]

    def look_at(self, request, response, body, is_whole):
        kind = response.headers.get("content-type", "")
        if not re.fullmatch(r"req_[0-9a-f]{32}", response.headers.get("x-request-id", "")):
            yield "no x-request-id"
        if kind.startswith("text/event-stream"):
            events = "chat" not in request.url.path
            yield from (self.events if events else self.chunks)(body.decode(), is_whole)
        elif not is_whole:
            yield "left before its end"
        elif kind != "application/json":
            yield f"an answer of the type {kind!r}"
        else:
            yield from self.whole(request, response, json.loads(body))

    def whole(self, request, response, body):
        path = request.url.path
        if response.status_code >= 400:
            yield from self.check("ErrorPayload", body["error"])
        elif request.method == "GET" and path.endswith("/input_items"):
            for item in body["data"]:
                yield from self.check("ItemField", item)
        else:
            for method, pattern, name in SHAPES:
                if method == request.method and re.fullmatch(pattern, path):
                    yield from self.check(name, body)

    def events(self, text, is_whole):
        told = []
        for frame in frames(text, is_whole):
            name, _, data = frame.partition("\n")
            if frame == "data: [DONE]":
                told.append(None)
                continue
            event = json.loads(data.removeprefix("data: "))
            if name != f"event: {event['type']}":
                yield f"a frame is named {name!r}, but its event {event['type']!r}"
            yield from self.standard.check_event(event) if self.standard else []
            told.append(event)
        # The client leaves when it has read [DONE].
        is_done = bool(told) and told[-1] is None
        if is_done:
            told.pop()
        elif is_whole:
            yield "the stream does not end with [DONE]"
        yield from order(told, is_done)

    def chunks(self, text, is_whole):
        told = frames(text, is_whole)
        if is_whole and "data: [DONE]" not in told[-1:]:
            yield f"the stream ends with {told[-1:]}"
        if any(not frame.startswith("data: ") for frame in told):
            yield "a frame of a chat has more than data"

    def message(self, text):
        """A message of a WebSocket."""
        message = json.loads(text)
        self.note("websocket", self.standard.check_message(message) if self.standard else [])


def frames(text, is_whole):
    *whole, rest = text.split("\n\n")
    if is_whole and rest:
        whole.append(rest)
    return [frame for frame in whole if not frame.startswith(":")]


def order(events, is_done):
    """One gapless order, which a single terminal event ends."""
    if None in events:
        yield "something follows [DONE]"
        return
    following = None
    for event in events:
        first = event.get("narthex:merged_from", event["sequence_number"])
        if following is not None and first != following:
            yield f"event {first} follows on {following - 1}"
        following = event["sequence_number"] + 1
    ends = [event["type"] in TERMINAL for event in events]
    if True in ends[:-1]:
        yield "something follows the terminal event"
    if is_done and ends and not ends[-1]:
        yield "the stream ends without a terminal event"


class Copied:
    """The bytes of an answer as they pass."""

    def __init__(self, watch, request, response):
        self.watch, self.request, self.response = watch, request, response
        self.stream = response.stream
        self.body = bytearray()
        self.is_whole = False

    def finish(self):
        if self.watch:
            self.watch.answer(self.request, self.response, bytes(self.body), self.is_whole)
            self.watch = None


class CopiedStream(Copied, httpx2.SyncByteStream):
    def __iter__(self):
        for piece in self.stream:
            self.body += piece
            yield piece
        self.is_whole = True

    def close(self):
        self.stream.close()
        self.finish()


class AsyncCopiedStream(Copied, httpx2.AsyncByteStream):
    async def __aiter__(self):
        async for piece in self.stream:
            self.body += piece
            yield piece
        self.is_whole = True

    async def aclose(self):
        await self.stream.aclose()
        self.finish()


# Nothing here is encrypted, and to load the certificates of the world would take longer than most tests.
PLAIN = {"verify": False}


class Transport(httpx2.HTTPTransport):
    def __init__(self, watch):
        super().__init__(**PLAIN)
        self.watch = watch

    def handle_request(self, request):
        response = super().handle_request(request)
        response.stream = CopiedStream(self.watch, request, response)
        return response


class AsyncTransport(httpx2.AsyncHTTPTransport):
    def __init__(self, watch):
        super().__init__(**PLAIN)
        self.watch = watch

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        response.stream = AsyncCopiedStream(self.watch, request, response)
        return response


def socket_options(watch, is_async=False):
    """What a client's `connect` is given, so that its socket's messages pass by here."""

    class Socket(ClientConnection):
        def recv(self, *arguments, **options):
            message = super().recv(*arguments, **options)
            watch.message(message)
            return message

    class AsyncSocket(AsyncClientConnection):
        async def recv(self, *arguments, **options):
            message = await super().recv(*arguments, **options)
            watch.message(message)
            return message

    return {"create_connection": AsyncSocket if is_async else Socket}
