"""Holds what a Collector wrote down, and what Datadog's exporter sent on, against what a gateway and a worker told at /metrics before they
were ended. In the folder are their pages, the Collector's files, and what came to the intake: scripts/test-collector puts them there.

    collected.py FOLDER
"""

import json
import math
import pathlib
import sys
from collections import defaultdict

from prometheus_client.openmetrics.parser import text_string_to_metric_families

# What stands still while nobody asks for anything; the rest of a page is another moment's.
STILL = ("narthex_gateway_", "narthex_worker_", "narthex_traces_", "narthex_metrics_")
# One of each kind has to be among it, and so has what is 0 while all is well.
OF_INTEREST = {
    "gateway": {
        "narthex_gateway_responses_total", "narthex_gateway_time_to_first_token_seconds_count", "narthex_gateway_connections",
        "narthex_gateway_broker_transit_seconds_count", "narthex_gateway_delivery_seconds_count",
    },
    "worker": {
        "narthex_worker_responses_total", "narthex_worker_append_seconds_count", "narthex_worker_running_responses",
        "narthex_worker_queue_wait_seconds_count", "narthex_worker_upstream_time_to_first_token_seconds_count",
    },
}
REFUSED = {"narthex_traces_dropped_spans_total", "narthex_metrics_dropped_points_total"}
# The spans of one response (docs/tracing.md), and of which process they are.
SPANS = {
    "response": "gateway", "admit": "gateway", "enqueue": "gateway", "deliver": "gateway",
    "queue": "worker", "produce": "worker", "claim": "worker", "chat demo": "worker", "append": "worker",
}
UNITS = {"seconds": "s", "bytes": "By"}
# Datadog's numbers for what a series is.
COUNT, GAUGE = 1, 3
# Datadog's tags for who tells, from OpenTelemetry's attributes of a process.
RESOURCE = {"service": "service.name", "version": "service.version", "env": "deployment.environment.name", "service.instance.id": "service.instance.id"}
SCOPE = {"instrumentation_scope", "instrumentation_scope_version"}


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def attributes(those):
    return {one["key"]: next(iter(one["value"].values())) for one in those}


def series(name, labels, bound=None):
    """One name for one series, however labels are sorted. A label that says nothing is none."""
    labels = {key: value for key, value in labels.items() if value and key != "le"}
    if bound is not None:
        labels["le"] = str(float(bound))
    return name + "".join(f",{key}={value}" for key, value in sorted(labels.items()))


class Page:
    """What a process told."""

    def __init__(self, text):
        self.values, self.kinds, self.names = {}, {}, set()
        for family in text_string_to_metric_families(text):
            if not family.name.startswith(STILL):
                continue
            unit = next((sign for word, sign in UNITS.items() if family.name.endswith(word)), "")
            self.kinds[family.name + ("_total" if family.type == "counter" else "")] = family.type, unit
            for sample in family.samples:
                self.values[series(sample.name, sample.labels, sample.labels.get("le"))] = sample.value
                self.names.add(sample.name)


class Push:
    """The last that a process pushed of each series."""

    def __init__(self, service, pushes):
        self.values, self.kinds, self.resource = {}, {}, {}
        for push in pushes:
            for resource in push["resourceMetrics"]:
                told = attributes(resource["resource"]["attributes"])
                if told["service.name"] == f"narthex-{service}":
                    self.resource = told
                    for scope in resource["scopeMetrics"]:
                        self.take(scope["metrics"])

    def take(self, metrics):
        for metric in metrics:
            if metric["name"].startswith(STILL):
                kind, data = next((kind, metric[kind]) for kind in ("sum", "gauge", "histogram") if kind in metric)
                self.kinds[metric["name"]] = self.kind(kind, data), metric.get("unit", "")
                for point in data["dataPoints"]:
                    self.point(metric["name"], attributes(point.get("attributes", [])), point)

    @staticmethod
    def kind(kind, data):
        if kind == "gauge":
            return "gauge"
        if data["aggregationTemporality"] != 2:
            return f"{kind}, not cumulative"
        return {"sum": "counter" if data.get("isMonotonic") else "sum that falls", "histogram": "histogram"}[kind]

    def point(self, name, labels, point):
        if "asDouble" in point or "asInt" in point:
            self.values[series(name, labels)] = float(point.get("asDouble", point.get("asInt")))
            return
        count = 0
        for bound, more in zip([*point["explicitBounds"], math.inf], point["bucketCounts"], strict=True):
            count += int(more)
            self.values[series(f"{name}_bucket", labels, bound)] = count
        # JSON leaves out what is 0.
        self.values[series(f"{name}_count", labels)] = int(point.get("count", 0))
        self.values[series(f"{name}_sum", labels)] = point.get("sum", 0)


def differences(what, wanted, found):
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield f"{what}: {name} is {found.get(name)}, and was told as {wanted.get(name)}"


def check_pushed(service, page, push):
    """What the Collector has is what the process told: every series with its value, every metric with its kind and unit."""
    missing = (OF_INTEREST[service] | REFUSED) - page.names
    if missing:
        yield f"{service}: tells no {missing}"
    yield from differences(f"{service}, pushed", page.values, push.values)
    kinds = {name: kind for name, kind in page.kinds.items() if name in push.kinds}
    yield from differences(f"{service}, kind and unit", kinds, push.kinds)
    for name, value in page.values.items():
        if name.split(",")[0] in REFUSED and value != 0:
            yield f"{service}: {name} is {value}: something was refused"


def spans(exports):
    for export in exports:
        for resource in export["resourceSpans"]:
            told = attributes(resource["resource"]["attributes"])
            for scope in resource["scopeSpans"]:
                yield from ({**span, "service": told["service.name"]} for span in scope["spans"])


def check_trace(found):
    """All spans are those of the response, and one tree."""
    ids = {span["spanId"] for span in found}
    if len(ids) != len(found):
        yield f"{len(found)} spans have {len(ids)} ids"
    if len({span["traceId"] for span in found}) != 1:
        yield f"they are {len({span['traceId'] for span in found})} traces"
    roots = [span["name"] for span in found if not span.get("parentSpanId")]
    if roots != ["response"]:
        yield f"the roots are {roots}"
    orphans = [span["name"] for span in found if span.get("parentSpanId") and span["parentSpanId"] not in ids]
    if orphans:
        yield f"these have no parent: {orphans}"
    names = {span["name"]: span["service"].removeprefix("narthex-") for span in found}
    if names != SPANS:
        yield f"the spans are {names}"


class Datadog:
    """What came to Datadog of one process: what counts and distributions add up to, and the last of gauges."""

    def __init__(self, resource, requests):
        self.values = defaultdict(float)
        self.who = {f"{tag}:{resource[name]}" for tag, name in RESOURCE.items()}
        for request in requests:
            if request["path"] == "/api/v2/series":
                self.take(request["payload"].get("series"), self.point)
            if request["path"] == "/api/beta/sketches":
                self.take(request["payload"].get("sketches"), self.sketch)

    def take(self, those, add):
        for one in those or []:
            tags = set(one.get("tags") or [])
            if one["metric"].startswith(STILL) and self.who <= tags:
                labels = dict(tag.split(":", 1) for tag in tags - self.who)
                add(one, {key: value for key, value in labels.items() if key not in SCOPE})

    def point(self, one, labels):
        kind = {COUNT: "count", GAUGE: "gauge"}.get(one["type"], "something else")
        for point in one["points"]:
            name = f"{kind} {series(one['metric'], labels)}"
            self.values[name] = point.get("value", 0) + (self.values[name] if kind == "count" else 0)

    def sketch(self, one, labels):
        for sketch in one["dogsketches"]:
            self.values[f"distribution {series(one['metric'], labels)}, values"] += sketch["cnt"]
            self.values[f"distribution {series(one['metric'], labels)}, sum"] += sketch.get("sum", 0)


def expected(page):
    """What of a page Datadog has to have, and by which names."""
    kinds = {"counter": "count {}", "gauge": "gauge {}", "_count": "distribution {}, values", "_sum": "distribution {}, sum"}
    for name, value in page.values.items():
        metric, comma, labels = name.partition(",")
        kind, _ = page.kinds.get(metric, (None, None))
        if kind is None:
            metric, part = metric.rsplit("_", 1)
            kind = f"_{part}"
        if kind in kinds:
            yield kinds[kind].format(metric + comma + labels), value


def check_datadog(service, page, datadog):
    # What is 0 may be missing; and a sum of parts is what the whole is, but for how fractions are written.
    wanted, found = ({name: f"{value:.9g}" for name, value in those if value} for those in (expected(page), datadog.values.items()))
    yield from differences(f"{service}, at Datadog", wanted, found)


def check_datadog_traces(found, requests):
    """Datadog has the same spans, with the same parents, of the same services, by their names as resources."""
    wanted = {(span["spanId"], span.get("parentSpanId") or "0" * 16, span["service"], span["name"]) for span in found}
    traces = [request["payload"] for request in requests if request["path"] == "/api/v0.2/traces"]
    payloads = [payload for trace in traces for payload in trace["tracerPayloads"]]
    sent = [span for payload in payloads for chunk in payload["chunks"] for span in chunk["spans"]]
    there = {(f"{span['span_id']:016x}", f"{span.get('parent_id', 0):016x}", span["service"], span["resource"]) for span in sent}
    if there != wanted or len(sent) != len(found):
        yield f"at Datadog are {len(sent)} spans of {len(found)}; these differ: {sorted(there ^ wanted)}"
    ids = {span["meta"].get("otel.trace_id") for span in sent}
    if ids != {span["traceId"] for span in found}:
        yield f"at Datadog the traces are {ids}"


def main(folder):
    folder = pathlib.Path(folder)
    pushes, traces, requests = (lines(folder / f"{name}.json") for name in ("metrics", "traces", "intake"))
    found = list(spans(traces))
    wrong = [*check_trace(found), *check_datadog_traces(found, requests)]
    told = 0
    for service in OF_INTEREST:
        page, push = Page((folder / f"{service}.page").read_text()), Push(service, pushes)
        wrong += check_pushed(service, page, push)
        wrong += check_datadog(service, page, Datadog(push.resource, requests)) if push.resource else ["nothing was pushed"]
        told += len(page.values)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"the Collector and Datadog's intake have all {told} values of two processes, and one trace of {len(found)} spans")


main(*sys.argv[1:])
