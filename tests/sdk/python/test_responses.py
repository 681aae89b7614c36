"""POST /v1/responses: whole and as events, with all that a request can say."""

import base64

import openai
import pydantic
import pytest

from conftest import MODEL
from telling import text_of, types


def test_whole(client, prompt):
    asked = prompt("echo", words=40)
    response = client.responses.create(
        model=MODEL, input=asked, instructions="Be brief.", metadata={"ticket": "7"}, temperature=0.5
    )
    assert response.output_text == asked.plain
    assert response.status == "completed"
    assert response.id.startswith("resp_")
    assert (response.model, response.instructions, response.temperature) == (MODEL, "Be brief.", 0.5)
    assert response.metadata == {"ticket": "7"}
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    assert response.usage.output_tokens == 43 - 1
    assert client.responses.retrieve(response.id) == response


def test_events(client, prompt):
    asked = prompt("echo", words=40)
    with client.responses.create(model=MODEL, input=asked, stream=True) as stream:
        events = list(stream)
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
    assert events[0].sequence_number == 0
    assert text_of(events) == asked.plain
    final = events[-1].response
    assert final.output_text == asked.plain
    assert events[-2].item == final.output[0]
    assert client.responses.retrieve(final.id) == final


def test_the_stream_helper(client, prompt):
    asked = prompt("echo delay_ms=2", words=40)
    snapshots = []
    with client.responses.stream(model=MODEL, input=asked) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                snapshots.append(event.snapshot)
        final = stream.get_final_response()
    assert snapshots[-1] == final.output_text == asked.plain
    assert all(later.startswith(earlier) for earlier, later in zip(snapshots, snapshots[1:]))


def test_conversation_as_items(client, models, prompt):
    asked = prompt("echo")
    client.responses.create(
        model=MODEL,
        input=[
            {"role": "developer", "content": "Speak plainly."},
            {"role": "user", "content": "Hello."},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
            {"role": "user", "content": [{"type": "input_text", "text": asked}]},
        ],
    )
    (body,) = models.seen(asked)
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert "Speak plainly." in str(body["messages"][0])


def test_continuation_through_the_store(client, other, models, prompt):
    first, second = prompt("say=One."), prompt("say=Two.")
    begun = client.responses.create(model=MODEL, input=first, instructions="Only for the first.")
    went_on = other.responses.create(model=MODEL, input=second, previous_response_id=begun.id)
    assert went_on.previous_response_id == begun.id
    (body,) = models.seen(second)
    assert [message["content"] for message in body["messages"]] == [first, "One.", second]


def test_max_output_tokens(client, prompt):
    response = client.responses.create(model=MODEL, input=prompt("tokens=50"), max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output[0].status == "incomplete"
    assert response.usage.output_tokens == 16

    with client.responses.create(
        model=MODEL, input=prompt("tokens=50"), max_output_tokens=16, stream=True
    ) as stream:
        assert types(stream)[-1] == "response.incomplete"


def test_reasoning(client, prompt):
    asked = prompt("reasoning=first_I_think say=Then_I_speak.")
    events = list(client.responses.create(model=MODEL, input=asked, stream=True, reasoning={"effort": "low"}))
    thought = "".join(event.delta for event in events if event.type == "response.reasoning_text.delta")
    assert thought == "first I think "
    assert text_of(events) == "Then I speak."
    reasoning, message = events[-1].response.output
    assert (reasoning.type, message.type) == ("reasoning", "message")
    assert reasoning.content[0].text == thought
    assert events[-1].response.usage.output_tokens_details.reasoning_tokens == 3
    assert events[-1].response.reasoning.effort == "low"


def test_reasoning_is_sent_back(client, models, prompt):
    first, second = prompt("reasoning=I_think say=Yes."), prompt("say=Still_yes.")
    begun = client.responses.create(model=MODEL, input=first)
    items = [item.to_dict() for item in begun.output]
    went_on = client.responses.create(
        model=MODEL, input=[{"role": "user", "content": first}, *items, {"role": "user", "content": second}]
    )
    assert went_on.output_text == "Still yes."
    assert models.seen(second)


def test_refusal(client, prompt):
    asked = prompt("refusal=I_would_rather_not")
    events = list(client.responses.create(model=MODEL, input=asked, stream=True))
    told = "".join(event.delta for event in events if event.type == "response.refusal.delta")
    part = events[-1].response.output[0].content[0]
    assert part.type == "refusal"
    assert part.refusal == told == "I would rather not "


@pytest.mark.parametrize("detail", ["low", "high", "auto"])
def test_an_image_reaches_the_model_unchanged(client, models, prompt, detail):
    asked = prompt("say=A_dot.")
    image = "data:image/png;base64," + base64.b64encode(bytes(range(256))).decode()
    response = client.responses.create(
        model=MODEL,
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": asked},
                    {"type": "input_image", "image_url": image, "detail": detail},
                ],
            }
        ],
    )
    assert response.output_text == "A dot."
    (body,) = models.seen(asked)
    text, picture = body["messages"][-1]["content"]
    assert text == {"type": "text", "text": asked}
    assert picture == {"type": "image_url", "image_url": {"url": image, "detail": detail}}


class Answer(pydantic.BaseModel):
    capital: str
    rivers: list[str]


ANSWER = '{"capital":"Vienna","rivers":["Danube","Wien"]}'


def test_structured_output(lenient, models, prompt):
    # The standard has only null for the schema in an answer, where OpenAI's types want what was sent.
    asked = prompt(f"say={ANSWER}")
    response = lenient.responses.parse(model=MODEL, input=asked, text_format=Answer)
    assert response.output_parsed == Answer(capital="Vienna", rivers=["Danube", "Wien"])
    assert response.text.format.type == "json_schema"
    (body,) = models.seen(asked)
    schema = body["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"]) == ("Answer", True)
    assert schema["schema"]["required"] == ["capital", "rivers"]


def test_structured_output_as_events(lenient, prompt):
    with lenient.responses.stream(model=MODEL, input=prompt(f"say={ANSWER}"), text_format=Answer) as stream:
        assert stream.get_final_response().output_parsed.capital == "Vienna"


def test_json_object(client, models, prompt):
    asked = prompt("say={}")
    response = client.responses.create(model=MODEL, input=asked, text={"format": {"type": "json_object"}})
    assert response.text.format.type == "json_object"
    assert models.seen(asked)[0]["response_format"] == {"type": "json_object"}


def test_log_probabilities(client, prompt):
    response = client.responses.create(
        model=MODEL, input=prompt("say=One_two"), include=["message.output_text.logprobs"], top_logprobs=2
    )
    told = response.output[0].content[0].logprobs
    assert [entry.token for entry in told] == ["One ", "two"]
    assert len(told[0].top_logprobs) == 2


def test_what_is_unknown_reaches_the_model(client, models, prompt):
    asked = prompt("echo")
    client.responses.create(model=MODEL, input=asked, top_p=0.9, user="someone", extra_body={"top_k": 40})
    (body,) = models.seen(asked)
    assert (body["top_p"], body["user"], body["top_k"]) == (0.9, "someone", 40)


def test_input_items(client, other, prompt):
    asked = prompt("echo")
    response = client.responses.create(
        model=MODEL, input=[{"role": "user", "content": f"{at}: {asked}"} for at in range(5)]
    )
    newest_first = [item.content[0].text for item in other.responses.input_items.list(response.id, limit=2)]
    assert newest_first == [f"{at}: {asked}" for at in (4, 3, 2, 1, 0)]
    oldest_first = other.responses.input_items.list(response.id, order="asc", limit=2)
    assert oldest_first.has_more
    assert [item.content[0].text for item in oldest_first] == [f"{at}: {asked}" for at in range(5)]
    item = oldest_first.data[0]
    assert (item.type, item.role, item.content[0].type) == ("message", "user", "input_text")
    after = other.responses.input_items.list(response.id, order="asc", after=item.id)
    assert [item.content[0].text for item in after] == [f"{at}: {asked}" for at in range(1, 5)]


def test_delete(client, other, prompt):
    response = client.responses.create(model=MODEL, input=prompt("echo"))
    other.responses.delete(response.id)
    for call in (
        lambda: client.responses.retrieve(response.id),
        lambda: client.responses.retrieve(response.id, stream=True),
        lambda: client.responses.input_items.list(response.id),
        lambda: client.responses.cancel(response.id),
        lambda: client.responses.delete(response.id),
    ):
        with pytest.raises(openai.NotFoundError):
            call()


def test_what_is_not_stored_cannot_be_read(client, models, prompt):
    response = client.responses.create(model=MODEL, input=prompt("echo"), store=False)
    assert response.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=MODEL, input=prompt(), previous_response_id=response.id)
    assert (error.value.code, error.value.param) == ("previous_response_not_found", "previous_response_id")


def test_compaction(client, models, prompt):
    asked, next_one = prompt(), prompt("say=Hello_again.")
    history = [
        {"role": "user", "content": "Hello, my name is Ada."},
        {"role": "assistant", "content": "Hello, Ada."},
        {"role": "user", "content": asked},
    ]
    compacted = client.responses.compact(model=MODEL, input=history)
    assert compacted.object == "response.compaction"
    assert compacted.output[-1].type == "compaction"
    assert compacted.usage.total_tokens > 0
    # The model was asked for a summary; what it says is a function of that question.
    question = models.seen(asked)[0]["messages"][-1]["content"]
    summary = client.responses.create(model=MODEL, input=question).output_text

    window = [item.to_dict() for item in compacted.output]
    response = client.responses.create(model=MODEL, input=[*window, {"role": "user", "content": next_one}])
    assert response.output_text == "Hello again."
    (body,) = models.seen(next_one)
    assert summary in body["messages"][0]["content"]


def test_compaction_of_a_stored_conversation(client, prompt):
    response = client.responses.create(model=MODEL, input=prompt("echo"))
    compacted = client.responses.compact(model=MODEL, previous_response_id=response.id)
    assert compacted.output[-1].type == "compaction"


def test_raw_answers_have_their_headers(client, prompt):
    raw = client.responses.with_raw_response.create(model=MODEL, input=prompt("say=Hello."))
    assert raw.headers["content-type"] == "application/json"
    assert raw.request_id == raw.headers["x-request-id"]
    response = raw.parse()
    assert response.output_text == "Hello."
    assert response._request_id == raw.request_id


def test_raw_events_have_their_headers(client, prompt):
    with client.responses.with_streaming_response.create(
        model=MODEL, input=prompt("say=Hello."), stream=True
    ) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream")
        assert raw.headers["cache-control"] == "no-cache"
        lines = list(raw.iter_lines())
    assert lines[0] == "event: response.created"
    assert "data: [DONE]" in lines
    assert not any(line.startswith("id:") for line in lines)
