"""The official client with an API key, and with a client secret that was made with one."""

import openai
import pytest
from conftest import MODEL


def wish(client, **body):
    """A client secret. The SDK has no method for it at this place, but sends anything."""
    return client.post("/client_secrets", cast_to=object, body=body)


def said(connection, prompt):
    connection.response.create(model=MODEL, input=prompt)
    text = ""
    for event in connection:
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type in ("response.completed", "response.failed"):
            return text


def test_a_key_lets_in(closed_cluster, prompt):
    asked = prompt("echo")
    with closed_cluster.client(api_key=closed_cluster.keys["alice"]) as client:
        assert client.responses.create(model=MODEL, input=asked).output_text
        with closed_cluster.connect(client) as connection:
            assert said(connection, asked)


@pytest.mark.parametrize("key", ["anyone", "nk_0000000000000000_x", "ek_x", "a.b.c"])
def test_another_key_does_not(closed_cluster, key):
    with closed_cluster.client(api_key=key) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            client.models.list()
        assert refused.value.code == "invalid_api_key"
        assert key not in str(refused.value)
        with pytest.raises(Exception, match="401"), closed_cluster.connect(client):
            pass


def test_a_client_secret_is_for_one_user(closed_cluster, prompt):
    with closed_cluster.client(api_key=closed_cluster.keys["site"]) as site:
        made = wish(site, user="alice", models=[MODEL], expires_after={"anchor": "created_at", "seconds": 60})
        with closed_cluster.client(api_key=made["value"]) as browser:
            response = browser.responses.create(model=MODEL, input=prompt("echo"))
            assert [model.id for model in browser.models.list()] == [MODEL]
            with closed_cluster.connect(browser) as connection:
                assert said(connection, prompt("echo"))
            with pytest.raises(openai.PermissionDeniedError):
                wish(browser)
        # The same user by another credential sees it, and the site's own does not.
        with closed_cluster.client(api_key=closed_cluster.keys["alice"]) as alice:
            assert alice.responses.retrieve(response.id).id == response.id
        with pytest.raises(openai.NotFoundError):
            site.responses.retrieve(response.id)
