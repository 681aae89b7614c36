"""One key is one response."""

import uuid

import openai
import pytest

from conftest import MODEL
from telling import fold


@pytest.fixture
def key():
    return str(uuid.uuid4())


def create(client, asked, key, **options):
    return client.responses.create(
        model=MODEL, input=asked, extra_headers={"Idempotency-Key": key}, **options
    )


@pytest.mark.parametrize("round", range(5))
def test_two_gateways_in_the_same_moment(client, other, models, prompt, key, together, round):
    asked = prompt("echo delay_ms=2", words=20)
    one, two = together(*(lambda c=c: create(c, asked, key) for c in (client, other)))
    assert one == two
    assert one.output_text == asked.plain
    assert len(models.seen(asked)) == 1


def test_two_streams_in_the_same_moment(client, other, models, prompt, key, together):
    asked = prompt("echo delay_ms=2", words=20)
    readers = [lambda c=c: fold(create(c, asked, key, stream=True)) for c in (client, other)]
    one, two = together(*readers)
    assert one == two
    assert len(models.seen(asked)) == 1


def test_two_chats_in_the_same_moment(client, other, models, prompt, key, together):
    asked = prompt("echo delay_ms=2", words=20)

    def chat(client):
        return client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": asked}],
            extra_headers={"Idempotency-Key": key},
        )

    one, two = together(lambda: chat(client), lambda: chat(other))
    assert one.id == two.id
    assert one.choices == two.choices
    assert len(models.seen(asked)) == 1


def test_a_finished_response_is_answered_from_what_is_stored(client, other, models, prompt, key):
    asked = prompt("echo")
    first = create(client, asked, key)
    assert create(other, asked, key) == first
    events = list(create(other, asked, key, stream=True))
    assert events[-1].response == first
    assert len(models.seen(asked)) == 1


def test_joining_a_stream_that_runs(client, other, models, prompt, key):
    asked = prompt("echo delay_ms=3", words=40)
    with create(client, asked, key, stream=True) as stream:
        first = [next(stream) for _ in range(10)]
        assert create(other, asked, key).output_text == asked.plain
        first += stream
    assert first[-1].response.output_text == asked.plain
    assert len(models.seen(asked)) == 1


def test_another_body_is_a_conflict(client, other, watch, prompt, key):
    asked = prompt("echo")
    create(client, asked, key)
    before = len(watch.answers)
    with pytest.raises(openai.ConflictError) as error:
        create(other, prompt("echo"), key)
    assert (error.value.code, error.value.response.headers["x-should-retry"]) == ("idempotency_conflict", "false")
    # The client would try a 409 twice more by itself.
    assert [status for _, status in watch.answers[before:]] == [409]


def test_a_key_that_is_too_long(client, prompt):
    with pytest.raises(openai.BadRequestError) as error:
        create(client, prompt(), "k" * 257)
    assert error.value.param == "Idempotency-Key"
