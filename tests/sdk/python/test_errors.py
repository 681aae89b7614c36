"""What is wrong, as the official client raises it."""

import json

import httpx2
import openai
import pytest

from conftest import MODEL


def create(client, **options):
    return client.responses.create(**{"model": MODEL, "input": "Hi", **options})


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": 7}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "nobody", "content": "Hi"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": 7}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "video"}]}]}, "input[0].content[0].type"),
        ({"model": 7}, "model"),
        ({"model": ""}, "model"),
        ({"instructions": 7}, "instructions"),
        ({"metadata": {"key": 7}}, "metadata.key"),
        ({"metadata": {"k" * 65: "v"}}, "metadata"),
        ({"max_output_tokens": 1}, "max_output_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"store": "yes"}, "store"),
        ({"stream": "yes"}, "stream"),
        ({"background": True, "store": False}, "background"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "a b", "schema": {}}}}, "text.format.name"),
        ({"include": ["everything"]}, "include[0]"),
        ({"previous_response_id": 7}, "previous_response_id"),
        ({"previous_response_id": "resp_nothing"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options"),
    ],
)
def test_bad_requests_name_the_parameter(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as error:
        create(client, **wrong)
    assert error.value.param.startswith(param)
    assert error.value.type == "invalid_request_error"
    assert error.value.code and error.value.message


@pytest.mark.parametrize("missing", ["model", "input"])
def test_what_is_missing(client, missing):
    body = {"model": MODEL, "input": "Hi"}
    del body[missing]
    with pytest.raises(openai.BadRequestError) as error:
        client.post("/responses", body=body, cast_to=object)
    assert error.value.param == missing


def test_an_unknown_model(client):
    for call in (
        lambda: create(client, model="nobody"),
        lambda: client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hi"}]),
        lambda: client.responses.compact(model="nobody", input="Hi"),
        lambda: client.models.retrieve("nobody"),
    ):
        with pytest.raises(openai.NotFoundError) as error:
            call()
        assert (error.value.param, error.value.code) == ("model", "model_not_found")


@pytest.mark.parametrize("id", ["resp_nothing", "resp_" + "0" * 36, "nothing", "resp_ä b"])
def test_an_unknown_response(client, id):
    for call in (
        client.responses.retrieve,
        lambda id: client.responses.retrieve(id, stream=True),
        client.responses.cancel,
        client.responses.delete,
        client.responses.input_items.list,
    ):
        with pytest.raises(openai.NotFoundError) as error:
            call(id)
        assert error.value.code == "response_not_found"


@pytest.mark.parametrize("wrong", [{"starting_after": "x"}, {"starting_after": -1}, {"starting_after": 10_000}])
def test_resuming_at_no_number(client, prompt, wrong):
    response = create(client, input=prompt())
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.retrieve(response.id, stream=True, **wrong)
    assert error.value.param == "starting_after"


@pytest.mark.parametrize("size", [1024 * 1024, 20 * 1024 * 1024])
@pytest.mark.parametrize("path", ["responses", "chat"])
def test_a_request_that_is_too_large(client, size, path):
    text = "x" * size
    with pytest.raises(openai.APIStatusError) as error:
        if path == "responses":
            create(client, input=text)
        else:
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
    assert (error.value.status_code, error.value.code) == (413, "request_too_large")


def test_a_compaction_without_a_model(client):
    with pytest.raises(openai.BadRequestError) as error:
        client.post("/responses/compact", body={"input": "Hi"}, cast_to=object)
    assert error.value.param == "model"


def raw(client, method, path, **options):
    """A request that the official client would not send, on its own connections."""
    headers = {"content-type": "application/json", **options.pop("headers", {})}
    return client._client.request(method, f"{str(client.base_url)}{path}", headers=headers, **options)


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("POST", "responses", b"{", 400),
        ("POST", "responses", b"", 400),
        ("POST", "responses", b"[]", 400),
        ("POST", "responses", b'{"model":"\xff"}', 400),
        ("POST", "responses", b'{"model":"scripted","input":' + b"[" * 200 + b"]" * 200 + b"}", 400),
        ("POST", "chat/completions", b"{", 400),
        ("POST", "responses/compact", b"{", 400),
        ("PUT", "responses", b"{}", 405),
        ("DELETE", "chat/completions", b"", 405),
        ("PATCH", "models/scripted", b"", 405),
        ("GET", "nothing", b"", 404),
        ("POST", "embeddings", b"{}", 404),
    ],
)
def test_what_no_client_sends(client, method, path, content, status):
    answer = raw(client, method, path, content=content)
    error = answer.json()["error"]
    assert answer.status_code == status
    assert error["type"] in ("invalid_request_error", "not_found")
    assert error["message"]
    assert json.loads(raw(client, "GET", "models").text)["object"] == "list"


def test_a_failing_model(cluster, prompt):
    with cluster.client(max_retries=0) as client:
        with pytest.raises(openai.InternalServerError) as error:
            create(client, input=prompt("fail=500"))
        assert (error.value.type, error.value.code) == ("model_error", "upstream_error")
        with pytest.raises(openai.BadRequestError) as error:
            create(client, input=prompt("fail=400"))
        assert error.value.code == "scripted"
        with pytest.raises(openai.BadRequestError) as error:
            create(client, input=prompt(), truncation="auto")
        assert (error.value.code, error.value.param) == ("unsupported_parameter", "truncation")


def test_a_failing_model_as_events(lenient, prompt):
    asked = prompt("say=This_much_and error_after=2")
    stream = lenient.responses.create(model=MODEL, input=asked, stream=True)
    heard = []
    with pytest.raises(openai.APIError) as error:
        heard.extend(stream)
    assert error.value.code == "upstream_error"


def test_a_failed_response_can_be_read(lenient, prompt):
    response = lenient.responses.create(model=MODEL, input=prompt("fail=400"), background=True)
    types = []
    with pytest.raises(openai.APIError):
        for event in lenient.responses.retrieve(response.id, stream=True):
            types.append(event.type)
    assert types[0] == "response.created"
    failed = lenient.responses.retrieve(response.id)
    assert (failed.status, failed.error.code) == ("failed", "scripted")


def test_a_model_that_was_busy_for_a_moment(client, prompt):
    """The worker tries again before anything was shown, so the client notices nothing."""
    asked = prompt("echo fail=503 faulty_calls=1")
    assert create(client, input=asked).output_text == asked.plain


def test_the_raw_error_has_its_headers(client):
    with pytest.raises(openai.NotFoundError) as error:
        create(client, model="nobody")
    assert error.value.request_id == error.value.response.headers["x-request-id"]


def test_two_requests_have_two_names(client, prompt):
    one, two = create(client, input=prompt()), create(client, input=prompt())
    assert one._request_id != two._request_id
    assert one.id != two.id


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("responses", {"model": MODEL, "input": "Hi", "temperature": 9}),
        ("embeddings", {"input": "x" * 100_000}),
        ("responses", {"input": "x" * 2_000_000}),
    ],
)
def test_a_refused_request_does_not_cost_the_connection(client, path, body):
    ports = set()
    for _ in range(5):
        answer = raw(client, "POST", path, json=body)
        assert answer.status_code in (400, 404, 413)
        ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1


def test_httpx_speaks_plainly(cluster):
    """Without any of the client's headers the standard's names are told."""
    body = {"model": MODEL, "input": "plainly [[reasoning=I_think say=So.]]", "stream": True}
    text = httpx2.post(f"{cluster.url()}/responses", json=body, timeout=30).text
    assert "event: response.reasoning.delta\n" in text
    assert "response.reasoning_text" not in text
