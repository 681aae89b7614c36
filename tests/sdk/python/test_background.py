"""Responses that outlive the request that began them: read, resumed and cancelled from anywhere."""

import itertools

import openai
import pytest

from conftest import MODEL
from telling import fold, text_of


def begin(client, asked, **options):
    """Begins a response in the background, and returns with its first text: it runs."""
    with client.responses.create(model=MODEL, input=asked, background=True, stream=True, **options) as stream:
        events = list(until_first_text(stream))
    return events[0].response.id, events


def until_first_text(events):
    for event in events:
        yield event
        if event.type == "response.output_text.delta":
            return


def test_a_response_in_the_background(client, other, prompt):
    asked = prompt("echo delay_ms=2", words=30)
    response = client.responses.create(model=MODEL, input=asked, background=True)
    assert response.status == "queued"
    assert response.background is True
    events = list(other.responses.retrieve(response.id, stream=True))
    assert text_of(events) == asked.plain
    assert events[-1].response == client.responses.retrieve(response.id)
    assert events[-1].response.status == "completed"


def test_a_response_that_runs_can_be_read(client, other, prompt):
    id, _ = begin(client, prompt("endless delay_ms=5"))
    assert other.responses.retrieve(id).status == "in_progress"
    other.responses.cancel(id)


@pytest.mark.parametrize("read", [1, 7, 40])
def test_prefix_and_rest_are_the_undisturbed_stream(client, other, prompt, read):
    asked = prompt("echo delay_ms=3", words=60)
    with client.responses.create(model=MODEL, input=asked, background=True, stream=True) as stream:
        prefix = list(itertools.islice(stream, read))
    id, last = prefix[0].response.id, prefix[-1].sequence_number
    rest = list(other.responses.retrieve(id, stream=True, starting_after=last))
    assert text_of(prefix + rest) == asked.plain
    undisturbed = list(client.responses.retrieve(id, stream=True))
    assert fold(prefix + rest) == fold(undisturbed)


def test_a_stream_in_the_foreground_is_resumed_within_its_grace(client, other, prompt):
    asked = prompt("echo delay_ms=3", words=60)
    with client.responses.create(model=MODEL, input=asked, stream=True) as stream:
        prefix = list(itertools.islice(stream, 10))
    id, last = prefix[0].response.id, prefix[-1].sequence_number
    rest = list(other.responses.retrieve(id, stream=True, starting_after=last))
    assert text_of(prefix + rest) == asked.plain
    assert fold(prefix + rest) == fold(client.responses.retrieve(id, stream=True))


def test_a_finished_stream_is_replayed(client, other, prompt):
    events = list(client.responses.create(model=MODEL, input=prompt("tokens=40"), stream=True))
    id, last = events[0].response.id, events[-1].sequence_number
    assert fold(other.responses.retrieve(id, stream=True)) == fold(events)
    assert list(other.responses.retrieve(id, stream=True, starting_after=last)) == []
    assert fold(other.responses.retrieve(id, stream=True, starting_after=last - 1)) == fold(events[-1:])


def test_the_stream_helper_resumes(client, other, prompt):
    asked = prompt("echo delay_ms=2", words=40)
    id, events = begin(client, asked)
    last = events[-1].sequence_number
    with other.responses.stream(response_id=id, starting_after=last) as stream:
        rest = list(stream)
        assert stream.get_final_response().output_text == asked.plain
    assert rest[0].sequence_number > last


def test_two_readers_at_two_gateways_hear_the_same(client, other, prompt, together):
    response = client.responses.create(model=MODEL, input=prompt("tokens=60 delay_ms=2"), background=True)
    readers = [lambda c=c: fold(c.responses.retrieve(response.id, stream=True)) for c in (client, other)]
    one, two = together(*readers)
    assert one == two


def test_cancel_stops_the_model(client, other, models, prompt):
    id, _ = begin(client, prompt("endless delay_ms=5"))
    with models.aborts_within_a_second():
        cancelled = other.responses.cancel(id)
    assert cancelled.status == "cancelled"
    assert client.responses.retrieve(id) == cancelled
    assert client.responses.cancel(id) == cancelled


def test_the_readers_of_a_cancelled_response_hear_its_end(client, other, prompt):
    with client.responses.create(
        model=MODEL, input=prompt("endless delay_ms=5"), background=True, stream=True
    ) as stream:
        events = list(until_first_text(stream))
        other.responses.cancel(events[0].response.id)
        events += stream
    assert events[-1].response.status == "cancelled"
    assert events[-1].response.output_text == text_of(events)


def test_cancel_before_the_first_token(client, models, prompt):
    asked = prompt("first_delay_ms=20000")
    response = client.responses.create(model=MODEL, input=asked, background=True)
    models.wait_until_running(asked)
    with models.aborts_within_a_second():
        assert client.responses.cancel(response.id).status == "cancelled"


def test_cancel_of_a_finished_response_changes_nothing(client, prompt):
    response = client.responses.create(model=MODEL, input=prompt("echo"))
    assert client.responses.cancel(response.id) == response


def test_delete_stops_the_model(client, other, models, prompt):
    id, _ = begin(client, prompt("endless delay_ms=5"))
    with models.aborts_within_a_second():
        other.responses.delete(id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(id)


def test_a_whole_answer_that_nobody_waits_for_stops_the_model(cluster, models, prompt):
    asked = prompt("endless delay_ms=5")
    with cluster.client(timeout=0.3, max_retries=0) as impatient:
        before = models.stats()["aborted"]
        with pytest.raises(openai.APITimeoutError):
            impatient.responses.create(model=MODEL, input=asked)
    assert models.stats(aborted=before + 1)["aborted"] == before + 1
