"""The standard's own schema, and what it says of an answer.

The schema is not part of the project: it is read from the file that NARTHEX_OPENAPI names, or from
../shared/open-responses/openapi.json beside the project. Where neither is there, nothing is checked, and one test says
so.
"""

import json
import os
from pathlib import Path

from jsonschema import Draft202012Validator

NOT_CHECKED = "not checked against the standard's schema: NARTHEX_OPENAPI names no file, and none is in the usual place"
USUAL_PLACE = Path(__file__).parents[4] / "shared" / "open-responses" / "openapi.json"

# OpenAI's own names of two events, which its SDKs are told; all the rest of the event is the same.
OPENAI_NAMES = {
    "response.reasoning_text.delta": "response.reasoning.delta",
    "response.reasoning_text.done": "response.reasoning.done",
}


class Standard:
    def __init__(self, document):
        self.document = document
        schemas = document["components"]["schemas"]
        self.events = {
            schema["properties"]["type"]["enum"][0]: name
            for name, schema in schemas.items()
            if name.endswith("StreamingEvent")
        }
        self.validators = {}

    @classmethod
    def load(cls):
        """The standard, if its file is there."""
        named = os.environ.get("NARTHEX_OPENAPI")
        path = Path(named) if named else USUAL_PLACE
        if not named and not path.exists():
            return None
        return cls(json.loads(path.read_text()))

    def check(self, name, value):
        """What is wrong with a value that should be as the schema of this name wants it."""
        if name not in self.validators:
            schema = {"$ref": f"#/components/schemas/{name}", "components": self.document["components"]}
            self.validators[name] = Draft202012Validator(schema)
        errors = [f"{error.json_path}: {error.message[:500]}" for error in self.validators[name].iter_errors(value)]
        return [f"not a {name}: {error}" for error in errors]

    def check_event(self, event):
        """Steering is OpenAI's alone, and extensions need no more than their name and number."""
        kind = OPENAI_NAMES.get(event["type"], event["type"])
        if kind.startswith("narthex:"):
            return [] if isinstance(event.get("sequence_number"), int) else [f"{kind} without a number"]
        if kind.startswith("response.steer."):
            return []
        if kind not in self.events:
            return [f"the standard knows no event {kind}"]
        return self.check(self.events[kind], {**event, "type": kind})

    def check_message(self, message):
        """What comes over a WebSocket: an event, or an error of the connection."""
        if message["type"] == "error" and "sequence_number" not in message:
            return self.check("WebSocketErrorEvent", message)
        return self.check_event(message)
