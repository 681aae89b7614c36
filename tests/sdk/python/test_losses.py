"""What becomes of clients whose gateway goes."""

import signal

import openai
import pytest
from websockets.exceptions import ConnectionClosed

from conftest import MODEL
from telling import fold, text_of, turn


def test_a_gateway_is_killed(own_cluster, prompt):
    """Begun at one gateway, which is killed in mid-stream; carried on at the other."""
    asked = prompt("echo delay_ms=5", words=100)
    prefix = []
    with pytest.raises(openai.APIConnectionError), own_cluster.client() as client:
        for event in client.responses.create(model=MODEL, input=asked, stream=True):
            prefix.append(event)
            if len(prefix) == 20:
                own_cluster.signal_gateway(0, signal.SIGKILL)
    id, last = prefix[0].response.id, prefix[-1].sequence_number
    with own_cluster.client(1) as other:
        rest = list(other.responses.retrieve(id, stream=True, starting_after=last))
        assert text_of(prefix + rest) == asked.plain
        assert fold(prefix + rest) == fold(other.responses.retrieve(id, stream=True))


def test_a_gateway_is_told_to_stop(own_cluster, prompt):
    """What runs on a connection ends there; then the client is told to connect again, and does so by itself."""
    asked = prompt("echo delay_ms=5", words=60)
    reconnecting = []

    def on_reconnecting(event):
        reconnecting.append(event.close_code)
        return {"abort": True}

    with own_cluster.client() as client:
        with own_cluster.connect(client, on_reconnecting=on_reconnecting) as connection:
            connection.response.create(model=MODEL, input=asked)
            events = [connection.recv()]
            own_cluster.signal_gateway(0, signal.SIGTERM)
            events += turn(connection)
            assert text_of(events) == asked.plain
            with pytest.raises(ConnectionClosed):
                list(connection)
    assert reconnecting == [1012]
