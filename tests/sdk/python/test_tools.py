"""Functions that the model calls and the client runs."""

import json

import openai
import pydantic
import pytest
from openai.lib.responses_tool_runner import RegisteredFunction, ResponsesToolRunner

from conftest import MODEL
from telling import turn, types

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
TIME = {**WEATHER, "name": "get_time", "description": "The time in a city."}
CALL = 'tool=get_weather args={"city":"Oslo"} say=It_snows.'


def sent_tools(body):
    return [tool["function"]["name"] for tool in body["tools"]]


def test_a_round_trip(client, models, prompt):
    asked = prompt(CALL)
    called = client.responses.create(model=MODEL, input=asked, tools=[WEATHER])
    (call,) = called.output
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "get_weather", {"city": "Oslo"})
    assert called.tools[0].name == "get_weather"
    answer = {"type": "function_call_output", "call_id": call.call_id, "output": "snow"}
    answered = client.responses.create(
        model=MODEL, input=[answer], tools=[WEATHER], previous_response_id=called.id
    )
    assert answered.output_text == "It snows."
    first, second = models.seen(asked)
    assert first["tools"] == [
        {"type": "function", "function": {name: value for name, value in WEATHER.items() if name != "type"}}
    ]
    user, assistant, tool = second["messages"]
    assert assistant["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    assert tool == {"role": "tool", "tool_call_id": assistant["tool_calls"][0]["id"], "content": "snow"}


def test_a_round_trip_with_the_items_sent_back(client, models, prompt):
    """As clients do that keep the conversation themselves, and store nothing."""
    asked = prompt(CALL)
    history = [{"role": "user", "content": asked}]
    called = client.responses.create(model=MODEL, input=history, tools=[WEATHER], store=False)
    history += [item.to_dict() for item in called.output]
    call = called.output[-1]
    history.append({"type": "function_call_output", "call_id": call.call_id, "output": "snow"})
    answered = client.responses.create(model=MODEL, input=history, tools=[WEATHER], store=False)
    assert answered.output_text == "It snows."


def test_a_call_as_events(client, prompt):
    with client.responses.stream(model=MODEL, input=prompt(CALL), tools=[WEATHER]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert types(events)[2:-1] == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
    ]
    snapshots = [event.snapshot for event in events if event.type == "response.function_call_arguments.delta"]
    assert snapshots[-1] == '{"city":"Oslo"}'
    assert final.output[0].arguments == '{"city":"Oslo"}'
    assert final.output[0].parsed_arguments == {"city": "Oslo"}


def test_a_round_trip_on_a_connection(connection, prompt):
    asked = prompt(CALL)
    connection.response.create(model=MODEL, input=asked, tools=[WEATHER], store=False, stream_id="a")
    called = turn(connection)[-1].response
    answer = {"type": "function_call_output", "call_id": called.output[0].call_id, "output": "snow"}
    connection.response.create(
        model=MODEL,
        input=[answer],
        tools=[WEATHER],
        store=False,
        stream_id="a",
        previous_response_id=called.id,
    )
    assert turn(connection)[-1].response.output_text == "It snows."


def test_calls_in_parallel(client, models, prompt):
    script = 'tool=get_weather args={"city":"Oslo"} tool=get_time args={"city":"Rome"} say=Both.'
    asked = prompt(script)
    called = client.responses.create(model=MODEL, input=asked, tools=[WEATHER, TIME])
    assert [(call.name, json.loads(call.arguments)["city"]) for call in called.output] == [
        ("get_weather", "Oslo"),
        ("get_time", "Rome"),
    ]
    assert called.parallel_tool_calls is True
    answers = [
        {"type": "function_call_output", "call_id": call.call_id, "output": f"of {call.name}"}
        for call in called.output
    ]
    answered = client.responses.create(
        model=MODEL, input=answers, tools=[WEATHER, TIME], previous_response_id=called.id
    )
    assert answered.output_text == "Both."
    said = models.seen(asked)[1]["messages"]
    assert [message["role"] for message in said] == ["user", "assistant", "tool", "tool"]
    assert [message["content"] for message in said[2:]] == ["of get_weather", "of get_time"]


def test_one_call_at_a_time(client, models, prompt):
    asked = prompt(CALL)
    response = client.responses.create(model=MODEL, input=asked, tools=[WEATHER], parallel_tool_calls=False)
    assert response.parallel_tool_calls is False
    assert models.seen(asked)[0]["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", None),
        ("required", "required"),
        ("none", "none"),
        ({"type": "function", "name": "get_time"}, {"type": "function", "function": {"name": "get_time"}}),
    ],
)
def test_a_choice_reaches_the_model(client, models, prompt, choice, sent):
    asked = prompt('tool=get_time args={"city":"Oslo"}' if choice != "none" else "say=No.")
    response = client.responses.create(model=MODEL, input=asked, tools=[WEATHER, TIME], tool_choice=choice)
    (body,) = models.seen(asked)
    assert body.get("tool_choice") == sent
    told = response.tool_choice
    assert (told if isinstance(told, str) else told.to_dict()) == choice


def test_a_model_that_must_not_call(client, prompt):
    """A model server that calls a function nevertheless is not passed on."""
    response = client.responses.create(
        model=MODEL, input=prompt(CALL), tools=[WEATHER], tool_choice="none"
    )
    assert not [item for item in response.output if item.type == "function_call"]


ONLY_TIME = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "get_time"}]}


def test_allowed_tools_reach_the_model(client, models, prompt):
    asked = prompt('tool=get_time args={"city":"Oslo"}')
    response = client.responses.create(
        model=MODEL, input=asked, tools=[WEATHER, TIME], tool_choice={**ONLY_TIME, "mode": "required"}
    )
    assert [call.name for call in response.output] == ["get_time"]
    assert response.tool_choice.mode == "required"
    assert [tool.name for tool in response.tools] == ["get_weather", "get_time"]
    (body,) = models.seen(asked)
    assert (sent_tools(body), body["tool_choice"]) == (["get_time"], "required")


def test_what_is_not_allowed_is_not_called(client, connection, prompt):
    options = {"model": MODEL, "tools": [WEATHER, TIME], "tool_choice": ONLY_TIME}
    response = client.responses.create(input=prompt(CALL), **options)
    assert response.output == []
    script = 'tool=get_weather args={"city":"Oslo"} tool=get_time args={"city":"Rome"}'
    connection.response.create(input=prompt(script), **options)
    events = turn(connection)
    assert [call.name for call in events[-1].response.output] == ["get_time"]
    # The resource has the names of all tools.
    assert not any("get_weather" in str(event) for event in events if not hasattr(event, "response"))


def test_the_output_of_a_call_that_nobody_made(client, connection):
    answer = {"type": "function_call_output", "call_id": "call_nobody", "output": "snow"}
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=MODEL, input=[answer])
    assert error.value.param.startswith("input")
    connection.response.create(model=MODEL, input=[answer])
    (event,) = turn(connection)
    assert (event.status, event.error.param) == (400, error.value.param)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "other"}, "tools": [WEATHER]}, "tool_choice.name"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [WEATHER, WEATHER]}, "tools[1].name"),
    ],
)
def test_tools_that_are_wrong(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=MODEL, input="Hi", **wrong)
    assert error.value.param == param


class City(pydantic.BaseModel):
    """The weather of a city."""

    city: str


def test_the_tool_runner(client, prompt):
    """The client's own loop: it asks, runs what is called, and asks again."""
    ran = []
    tool = openai.pydantic_responses_function_tool(City, name="get_weather")

    def run(city):
        ran.append(city)
        return "snow"

    runner = ResponsesToolRunner(functions=[RegisteredFunction.from_tool(tool, execute=run)])
    response = runner.run(client, {"model": MODEL, "input": prompt(CALL), "parallel_tool_calls": False}, stream=True)
    assert ran == [City(city="Oslo")]
    assert response.output_text == "It snows."
