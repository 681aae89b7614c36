"""Reading what was told."""

TERMINAL = {"response.completed", "response.incomplete", "response.failed"}


def fold(events):
    """The events as values, in which deltas of the same text that follow on each other are one.

    How much text a delta carries depends on how fast its reader reads; what all of them say together does not.
    """
    folded = []
    for event in events:
        event = event.to_dict(mode="json")
        first = event.pop("narthex:merged_from", event["sequence_number"])
        last = folded[-1] if folded else None
        assert last is None or first == last["sequence_number"] + 1, f"{event} follows on {last}"
        if last and event["type"].endswith(".delta") and place(event) == place(last):
            last["delta"] += event["delta"]
            last["sequence_number"] = event["sequence_number"]
        else:
            folded.append(event)
    return folded


def place(event):
    return event["type"], event.get("item_id"), event.get("content_index")


def text_of(events):
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def turn(connection):
    """The events of one turn of a connection, to its terminal event or error."""
    events = []
    while not events or events[-1].type not in TERMINAL | {"error"}:
        events.append(connection.recv())
    return events


async def aturn(connection):
    events = []
    while not events or events[-1].type not in TERMINAL | {"error"}:
        events.append(await connection.recv())
    return events


def types(events):
    """The types in their order, each run of the same one told once."""
    kinds = [event.type for event in events]
    return [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] != kind]
