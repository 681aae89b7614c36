"""POST /v1/chat/completions, for every older client."""

import base64
import json
import time

import openai
import pydantic
import pytest

from conftest import MODEL

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}


def user(text):
    return [{"role": "user", "content": text}]


def chat(client, asked, **options):
    return client.chat.completions.create(model=MODEL, messages=user(asked), **options)


def test_whole(client, models, prompt):
    asked = prompt("echo", words=20)
    completion = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Be brief."}, *user(asked)],
        temperature=0.5,
        seed=7,
        stop=["never"],
        n=1,
    )
    assert completion.id.startswith("chatcmpl-")
    assert (completion.object, completion.model) == ("chat.completion", MODEL)
    (choice,) = completion.choices
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert (choice.message.role, choice.message.content) == ("assistant", asked.plain)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    (body,) = models.seen(asked)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["temperature"], body["seed"], body["stop"]) == (0.5, 7, ["never"])


def test_chunks(client, prompt):
    asked = prompt("echo", words=20)
    chunks = list(chat(client, asked, stream=True))
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == asked.plain
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "stop"]
    assert not any(chunk.usage for chunk in chunks)


def test_chunks_with_usage(client, prompt):
    *chunks, last = chat(client, prompt("echo"), stream=True, stream_options={"include_usage": True})
    assert all("usage" in chunk.model_fields_set and chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens > 0


def test_the_stream_helper(client, prompt):
    asked = prompt("echo", words=20)
    with client.chat.completions.stream(model=MODEL, messages=user(asked)) as stream:
        said = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(said) == final.choices[0].message.content == asked.plain


def test_a_function(client, models, prompt):
    asked = prompt('tool=get_weather args={"city":"Oslo"} say=It_snows.')
    called = chat(client, asked, tools=[WEATHER], tool_choice="required")
    (choice,) = called.choices
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert (call.type, call.function.name, json.loads(call.function.arguments)) == (
        "function",
        "get_weather",
        {"city": "Oslo"},
    )
    answer = {"role": "tool", "tool_call_id": call.id, "content": "snow"}
    history = [*user(asked), choice.message.to_dict(), answer]
    answered = client.chat.completions.create(model=MODEL, messages=history, tools=[WEATHER])
    assert answered.choices[0].message.content == "It snows."
    first, second = models.seen(asked)
    assert (first["tools"], first["tool_choice"]) == ([WEATHER], "required")
    assert second["messages"][-1] == {**answer, "tool_call_id": second["messages"][1]["tool_calls"][0]["id"]}


def test_a_function_in_chunks(client, prompt):
    asked = prompt('tool=get_weather args={"city":"Oslo"} tool=get_weather args={"city":"Rome"}')
    with client.chat.completions.stream(model=MODEL, messages=user(asked), tools=[WEATHER]) as stream:
        stream.until_done()
        (choice,) = stream.get_final_completion().choices
    assert choice.finish_reason == "tool_calls"
    cities = [call.function.parsed_arguments["city"] for call in choice.message.tool_calls]
    assert cities == ["Oslo", "Rome"]


def test_allowed_tools(client, prompt):
    other = {"type": "function", "function": {**WEATHER["function"], "name": "get_time"}}
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "get_time"}}]}
    completion = chat(
        client,
        prompt('tool=get_weather args={"city":"Oslo"}'),
        tools=[WEATHER, other],
        tool_choice={"type": "allowed_tools", "allowed_tools": allowed},
    )
    assert not completion.choices[0].message.tool_calls


class Answer(pydantic.BaseModel):
    capital: str


def test_structured_output(client, models, prompt):
    asked = prompt('say={"capital":"Vienna"}')
    completion = client.chat.completions.parse(model=MODEL, messages=user(asked), response_format=Answer)
    assert completion.choices[0].message.parsed == Answer(capital="Vienna")
    (body,) = models.seen(asked)
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["capital"]


def test_reasoning_refusal_and_images(client, models, prompt):
    completion = chat(client, prompt("reasoning=I_think say=So."))
    assert completion.choices[0].message.content == "So."
    assert completion.choices[0].message.reasoning_content == "I think "
    assert completion.usage.completion_tokens_details.reasoning_tokens == 2

    refused = chat(client, prompt("refusal=I_would_rather_not"))
    assert refused.choices[0].message.refusal == "I would rather not "

    asked = prompt("say=A_dot.")
    image = "data:image/png;base64," + base64.b64encode(bytes(range(256))).decode()
    content = [
        {"type": "text", "text": asked},
        {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
    ]
    assert chat(client, content).choices[0].message.content == "A dot."
    assert models.seen(asked)[0]["messages"][0]["content"] == content


def test_length(client, prompt):
    assert chat(client, prompt("tokens=50"), max_completion_tokens=5).choices[0].finish_reason == "length"
    chunks = list(chat(client, prompt("tokens=50"), max_tokens=5, stream=True))
    assert chunks[-1].choices[0].finish_reason == "length"


def test_log_probabilities(client, prompt):
    (choice,) = chat(client, prompt("say=One_two"), logprobs=True, top_logprobs=2).choices
    assert [entry.token for entry in choice.logprobs.content] == ["One ", "two"]


def test_more_than_one_answer_is_refused(client):
    with pytest.raises(openai.BadRequestError) as error:
        chat(client, "Hi", n=2)
    assert error.value.param == "n"


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_stops_the_model(cluster, models, prompt, stream):
    asked = prompt("endless delay_ms=5")
    with cluster.client(max_retries=0, timeout=None if stream else 0.3) as client:
        if stream:
            chunks = chat(client, asked, stream=True)
            for _ in range(5):
                next(chunks)
            with models.aborts_within_a_second():
                chunks.close()
        else:
            before = models.stats()["aborted"]
            with pytest.raises(openai.APITimeoutError):
                chat(client, asked)
            begun = time.monotonic()
            assert models.stats(aborted=before + 1)["aborted"] == before + 1
            assert time.monotonic() - begun < 1


def test_an_upstream_that_refuses(client, prompt):
    with pytest.raises(openai.BadRequestError) as error:
        chat(client, prompt("fail=400"))
    assert error.value.code == "scripted"


def test_an_upstream_that_fails(cluster, prompt):
    with cluster.client(max_retries=0) as client:
        with pytest.raises(openai.InternalServerError) as error:
            chat(client, prompt("fail=500"))
        assert error.value.type == "model_error"
        with pytest.raises(openai.APIError) as error:
            list(chat(client, prompt("error_after=3"), stream=True))
        assert error.value.message
