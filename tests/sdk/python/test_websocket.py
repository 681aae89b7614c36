"""The main door: WS /v1/responses, by the client's own connection and by its session with lanes."""

import asyncio
import itertools
import json
import uuid

import openai
import pytest
from openai.lib.responses_websocket import (
    AsyncResponsesWebSocketSession,
    ResponsesWebSocketLimits,
    ResponsesWebSocketSession,
)
from websockets.exceptions import ConnectionClosedError

from conftest import MODEL
from telling import TERMINAL, aturn, fold, text_of, turn, types


LIMITS = ResponsesWebSocketLimits(
    max_lanes=8, max_events_per_lane=1000, max_events=5000, max_bytes_per_lane=1 << 24, max_bytes=1 << 26
)


def text_turn(connection, asked, **options):
    connection.response.create(model=MODEL, input=asked, **options)
    return turn(connection)


def error_of(events):
    (event,) = events
    assert event.type == "error"
    return event


def test_a_turn(client, connection, prompt):
    asked = prompt("echo", words=40)
    events = text_turn(connection, asked, metadata={"ticket": "7"})
    assert types(events) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert text_of(events) == asked.plain
    assert not any("stream_id" in event.to_dict() for event in events)
    final = events[-1].response
    assert (final.output_text, final.metadata) == (asked.plain, {"ticket": "7"})
    # Over HTTP the same stream is told.
    assert client.responses.retrieve(final.id).to_dict() == final.to_dict()
    assert fold(client.responses.retrieve(final.id, stream=True)) == fold(events)


def test_reasoning_has_the_names_that_the_client_knows(connection, prompt):
    told = types(text_turn(connection, prompt("reasoning=I_think say=So.")))
    assert {"response.reasoning_text.delta", "response.reasoning_text.done"} <= set(told)


def test_turns_wait_for_each_other(connection, prompt):
    asked = [prompt("echo delay_ms=2", words=10) for _ in range(3)]
    for each in asked:
        connection.response.create(model=MODEL, input=each)
    for each in asked:
        assert text_of(turn(connection)) == each.plain


def test_lanes_run_in_parallel(connection, prompt):
    slow, fast = prompt("echo delay_ms=10", words=50), prompt("echo delay_ms=1", words=10)
    connection.response.create(model=MODEL, input=slow, stream_id="slow")
    connection.response.create(model=MODEL, input=fast, stream_id="fast.1_-")
    events = {"slow": [], "fast.1_-": []}
    ends = []
    while len(ends) < 2:
        event = connection.recv()
        events[event.stream_id].append(event)
        if event.type in TERMINAL:
            ends.append(event.stream_id)
    # The one that was sent later has overtaken the other, whose text goes on.
    assert ends == ["fast.1_-", "slow"]
    assert text_of(events["slow"]) == slow.plain
    assert text_of(events["fast.1_-"]) == fast.plain
    for lane in events.values():
        assert [event.sequence_number for event in lane][0] == 0
        fold(lane)


def test_turns_of_one_lane_wait_for_each_other(connection, prompt):
    asked = {lane: [prompt("echo delay_ms=1", words=10) for _ in range(3)] for lane in ("a", "b")}
    for lane, each in itertools.product(asked, range(3)):
        connection.response.create(model=MODEL, input=asked[lane][each], stream_id=lane)
    told = {"a": [], "b": []}
    while sum(event.type in TERMINAL for lane in told.values() for event in lane) < 6:
        event = connection.recv()
        told[event.stream_id].append(event)
    for lane in told:
        finals = [event.response.output_text for event in told[lane] if event.type in TERMINAL]
        assert finals == [each.plain for each in asked[lane]]


def test_a_session_with_lanes(cluster, client, prompt):
    with ResponsesWebSocketSession(cluster.connect(client).enter(), limits=LIMITS) as session:
        lanes = [session.lane(f"lane-{at}") for at in range(5)]
        for _ in range(2):
            asked = [prompt("echo delay_ms=1", words=20) for _ in lanes]
            for lane, each in zip(lanes, asked):
                lane.send({"type": "response.create", "model": MODEL, "input": each})
            said = [lane.get_final_response(timeout=20).output_text for lane in lanes]
            assert said == [each.plain for each in asked]


def test_an_async_session_with_lanes(cluster, prompt):
    async def scene():
        async with cluster.async_client() as client, cluster.connect(client) as connection:
            async with AsyncResponsesWebSocketSession(connection, limits=LIMITS) as session:
                asked = [prompt("echo delay_ms=1", words=20) for _ in range(5)]

                async def ask(at):
                    lane = session.lane(f"lane-{at}")
                    await lane.send({"type": "response.create", "model": MODEL, "input": asked[at]})
                    return (await lane.get_final_response()).output_text

                assert await asyncio.gather(*map(ask, range(5))) == [each.plain for each in asked]

    asyncio.run(scene())


def test_a_session_goes_on_after_a_failure(cluster, client, prompt):
    """One event ends a failed response, or the next turn of its lane would begin with what is left of it."""
    with ResponsesWebSocketSession(cluster.connect(client).enter(), limits=LIMITS) as session:
        lane = session.lane("a")
        lane.send({"type": "response.create", "model": MODEL, "input": prompt("fail=400")})
        failed = lane.get_final_response(timeout=20)
        assert (failed.status, failed.error.code) == ("failed", "scripted")
        asked = prompt("echo")
        lane.send({"type": "response.create", "model": MODEL, "input": asked})
        assert lane.get_final_response(timeout=20).output_text == asked.plain


def test_an_async_connection(cluster, prompt):
    async def scene():
        asked = prompt("echo delay_ms=1", words=20)
        async with cluster.async_client() as client, cluster.connect(client) as connection:
            await connection.response.create(model=MODEL, input=asked)
            events = await aturn(connection)
            assert text_of(events) == asked.plain

    asyncio.run(scene())


def test_handlers(cluster, client, prompt):
    """The client's other way to listen: it calls back, until the connection is closed."""
    asked = prompt("echo", words=10)
    heard = []
    with cluster.connect(client) as connection:
        connection.on("response.output_text.delta", lambda event: heard.append(event.delta))
        connection.on("response.completed", lambda _: connection.close())
        connection.response.create(model=MODEL, input=asked)
        connection.dispatch_events()
    assert "".join(heard) == asked.plain


def test_continuation_on_the_connection_alone(client, connection, models, prompt):
    first, second = prompt("say=One."), prompt("say=Two.")
    begun = text_turn(connection, first, store=False)[-1].response
    assert begun.store is False
    went_on = text_turn(connection, second, store=False, previous_response_id=begun.id)[-1].response
    assert went_on.previous_response_id == begun.id
    (body,) = models.seen(second)
    assert [message["content"] for message in body["messages"]] == [first, "One.", second]
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(begun.id)


def test_what_is_not_stored_is_not_continued_elsewhere(cluster, other, connection, prompt):
    begun = text_turn(connection, prompt("say=One."), store=False)[-1].response
    with cluster.connect(other) as elsewhere:
        error = error_of(text_turn(elsewhere, prompt(), previous_response_id=begun.id))
        assert (error.status, error.error.code) == (400, "previous_response_not_found")
        assert error.error.param == "previous_response_id"
        assert text_turn(elsewhere, prompt("say=Well."))[-1].response.output_text == "Well."
    # Here it is still known.
    assert text_turn(connection, prompt("say=Two."), previous_response_id=begun.id)[-1].response.status == "completed"


def test_continuation_through_the_store(cluster, client, other, connection, models, prompt):
    first, second, third = prompt("say=One."), prompt("say=Two."), prompt("say=Three.")
    begun = text_turn(connection, first)[-1].response
    with cluster.connect(other) as elsewhere:
        went_on = text_turn(elsewhere, second, previous_response_id=begun.id)[-1].response
    ended = client.responses.create(model=MODEL, input=third, previous_response_id=went_on.id)
    assert ended.output_text == "Three."
    (body,) = models.seen(third)
    said = [message["content"] for message in body["messages"]]
    assert said == [first, "One.", second, "Two.", third]


def test_a_lane_forks_what_another_has_said(connection, models, prompt):
    first = prompt("say=One.")
    begun = text_turn(connection, first, store=False, stream_id="trunk")[-1].response
    for lane in ("left", "right"):
        asked = prompt("echo")
        events = text_turn(connection, asked, store=False, stream_id=lane, previous_response_id=begun.id)
        assert events[-1].response.output_text == asked.plain
        (body,) = models.seen(asked)
        assert [message["content"] for message in body["messages"]] == [first, "One.", asked]


def test_a_failed_continuation_is_forgotten(connection, prompt):
    begun = text_turn(connection, prompt("say=One."), store=False)[-1].response
    failed = text_turn(connection, prompt("fail=400"), store=False, previous_response_id=begun.id)
    assert failed[-1].type == "response.failed"
    error = error_of(text_turn(connection, prompt(), store=False, previous_response_id=begun.id))
    assert error.error.code == "previous_response_not_found"


def test_generate_nothing(connection, models, prompt):
    prepared, asked = prompt(), prompt("say=Now.")
    events = text_turn(connection, prepared, generate=False, instructions="Wait.")
    assert types(events) == ["response.created", "response.completed"]
    assert events[-1].response.output == []
    went_on = text_turn(connection, asked, previous_response_id=events[-1].response.id)
    assert went_on[-1].response.output_text == "Now."
    (body,) = models.seen(asked)
    assert [message["content"] for message in body["messages"]] == [prepared, asked]
    assert models.seen(prepared) == [body]


def create_with(**members):
    return json.dumps({"type": "response.create", "model": MODEL, "input": "Hi", **members})


BAD = {
    "not JSON": ("{", 400, None),
    "no object": ("[]", 400, None),
    "no type": ('{"model":"scripted"}', 400, "type"),
    "an unknown type": ('{"type":"response.destroy"}', 400, "type"),
    "no model": ('{"type":"response.create","input":"Hi"}', 400, "model"),
    "no input": ('{"type":"response.create","model":"scripted"}', 400, "input"),
    "a wrong type": (create_with(input=7), 400, "input"),
    "a wrong type deep inside": (
        create_with(input=[{"role": "user", "content": [{"type": "input_text"}]}]),
        400,
        "input[0].content[0].text",
    ),
    "a wrong number": (create_with(temperature=9), 400, "temperature"),
    "an unknown model": (create_with(model="nobody"), 404, "model"),
    "in the background": (create_with(background=True), 400, "background"),
    "too deep": (create_with(input="deep").replace('"deep"', "[" * 200 + "]" * 200), 400, None),
    "a bad lane": (create_with(stream_id="a b"), 400, "stream_id"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_leaves_the_connection_alive(connection, prompt, name):
    message, status, param = BAD[name]
    connection.send_raw(message)
    error = error_of(turn(connection))
    assert (error.status, error.error.param) == (status, param)
    assert error.error.code and error.error.message
    assert text_turn(connection, prompt("say=Well."))[-1].response.output_text == "Well."


def test_a_binary_frame_leaves_the_connection_alive(connection, prompt):
    connection.send_raw(b'{"type":"response.create"}')
    assert error_of(turn(connection)).status == 400
    assert text_turn(connection, prompt("say=Well."))[-1].response.output_text == "Well."


def test_an_error_in_a_lane_names_the_lane(connection, prompt):
    error = error_of(text_turn(connection, prompt(), stream_id="a", previous_response_id="resp_nothing"))
    assert (error.stream_id, error.error.code) == ("a", "previous_response_not_found")
    connection.send_raw('{"type":"response.create","stream_id":"b","model":"scripted","input":7}')
    error = error_of(turn(connection))
    assert (error.stream_id, error.error.param) == ("b", "input")
    events = text_turn(connection, prompt("say=Well."), stream_id="a")
    assert events[-1].response.output_text == "Well."


def test_a_failed_response(connection, prompt):
    events = text_turn(connection, prompt("say=This_much_and error_after=2"))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.message
    assert text_turn(connection, prompt("say=Well."))[-1].response.output_text == "Well."


@pytest.mark.parametrize("kind", ["too large", "invalid UTF-8"])
def test_what_ends_a_connection(cluster, client, kind):
    with cluster.connect(client) as connection:
        if kind == "too large":
            message = {"type": "response.create", "model": MODEL, "input": "x" * (1024 * 1024)}
            connection.send(message)
            error = error_of(turn(connection))
            assert (error.status, error.error.code) == (413, "request_too_large")
        else:
            connection._connection.send(b'{"type":"\xff"}', text=True)
        with pytest.raises(ConnectionClosedError) as closed:
            connection.recv()
    assert closed.value.rcvd.code == {"too large": 1009, "invalid UTF-8": 1007}[kind]


def test_more_lanes_than_are_allowed(connection, prompt):
    for at in range(32):
        assert text_turn(connection, prompt(), generate=False, stream_id=str(at))[-1].type == "response.completed"
    error = error_of(text_turn(connection, prompt(), generate=False, stream_id="32"))
    assert (error.error.code, error.stream_id) == ("websocket_stream_limit_reached", "32")
    assert text_turn(connection, prompt("say=Well."), stream_id="31")[-1].response.output_text == "Well."


def test_compression_is_offered_in_vain(cluster, client, prompt):
    asked = prompt("echo", words=40)
    with cluster.connect(client, compression="deflate") as connection:
        assert text_of(text_turn(connection, asked)) == asked.plain


def test_steering_is_refused_and_returns_the_input(connection, other, prompt):
    connection.response.create(model=MODEL, input=prompt("endless delay_ms=5"))
    id = connection.recv().response.id
    connection.response.steer(previous_response_id=id, input="Faster.")
    while (event := connection.recv()).type != "response.steer.failed":
        assert event.type not in TERMINAL
    assert event.error.code == "steering_not_supported"
    assert event.steer.input == "Faster."
    other.responses.cancel(id)
    assert turn(connection)[-1].response.status == "cancelled"


def test_cancel_from_elsewhere(connection, other, models, prompt):
    connection.response.create(model=MODEL, input=prompt("endless delay_ms=5"), stream_id="a")
    events = [connection.recv()]
    while events[-1].type != "response.output_text.delta":
        events.append(connection.recv())
    with models.aborts_within_a_second():
        cancelled = other.responses.cancel(events[0].response.id)
    events += turn(connection)
    assert events[-1].response.to_dict() == cancelled.to_dict()
    assert events[-1].stream_id == "a"
    assert text_of(events) == cancelled.output_text


def test_a_lost_connection_is_resumed_over_http(cluster, client, other, prompt):
    asked = prompt("echo delay_ms=3", words=60)
    with cluster.connect(client) as connection:
        connection.response.create(model=MODEL, input=asked)
        prefix = [connection.recv() for _ in range(20)]
    id, last = prefix[0].response.id, prefix[-1].sequence_number
    rest = list(other.responses.retrieve(id, stream=True, starting_after=last))
    assert text_of(prefix + rest) == asked.plain
    assert fold(prefix + rest) == fold(client.responses.retrieve(id, stream=True))


def test_the_same_key_is_the_same_response(cluster, connection, other, models, prompt):
    asked = prompt("echo delay_ms=2", words=30)
    message = {"type": "response.create", "model": MODEL, "input": asked, "idempotency_key": str(uuid.uuid4())}
    with cluster.connect(other) as elsewhere:
        for each in (connection, elsewhere):
            each.send_raw(json.dumps(message))
        one, two = turn(connection), turn(elsewhere)
        assert fold(one) == fold(two)
        assert one[0].response.id == two[0].response.id
        assert len(models.seen(asked)) == 1
        elsewhere.send_raw(json.dumps({**message, "input": "Something else."}))
        error = error_of(turn(elsewhere))
        assert (error.status, error.error.code) == (409, "idempotency_conflict")


def test_a_get_without_an_upgrade(client):
    with pytest.raises(openai.BadRequestError) as error:
        client.get("/responses", cast_to=object)
    assert error.value.code == "upgrade_required"
