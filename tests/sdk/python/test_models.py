"""GET /v1/models."""

from conftest import MODEL

# As models from hubs are called.
SECOND = "org/second"


def test_list(client, other):
    models = list(client.models.list())
    assert [model.id for model in models] == [SECOND, MODEL]
    assert all(model.object == "model" and model.owned_by for model in models)
    assert list(other.models.list()) == models


def test_retrieve(client):
    assert client.models.retrieve(MODEL).id == MODEL
    assert client.models.retrieve(SECOND).id == SECOND
    assert client.get(f"/models/{SECOND}", cast_to=object)["id"] == SECOND
    assert client.models.retrieve(MODEL) in client.models.list()


def test_each_model_is_served(client, models, prompt):
    asked = prompt("echo")
    response = client.responses.create(model=SECOND, input=asked)
    assert (response.model, response.output_text) == (SECOND, asked.plain)
    assert models.seen(asked)[0]["model"] == SECOND
