"""Writes Grafana's dashboards, dashboards/*.json, from what they show.

    dashboards.py            writes them
    dashboards.py --check    says whether they are what this would write

It needs the package grafana-foundation-sdk: `make dashboards` has it.
"""

import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from panels import (
    BYTES, BYTES_PER_SECOND, COUNT, PER_SECOND, SECONDS, SHARE,
    chosen, graph, heat, layers, number, page, quantiles, rate, rows, section,
)

FOLDER = pathlib.Path(__file__).parent / "dashboards"

LAYER_TEXT = "From the outside in: client, gateway, broker, append; queue, worker, upstream. docs/metrics.md says what each is."
CLOCKS = "Between two machines, by the clocks of both."


def overview():
    return page(
        "narthex-overview", "Narthex: overview", "How clients are served, what waits, and what goes wrong.",
        number("Connections", COUNT, "sum(narthex_gateway_connections)"),
        number("Requests", PER_SECOND, "narthex:requests:rate5m"),
        number("Tokens", PER_SECOND, "sum(narthex:tokens:rate5m)"),
        number("Requests that fail", SHARE, "narthex:failing_requests:ratio_rate5m", bad=0.02, text="Not by the fault of who asks."),
        number("Jobs that wait", COUNT, "sum(narthex:queue_waiting:max)"),
        number("Streams lost", COUNT, "sum(increase(narthex_gateway_lost_streams_total[$__range]))", bad=1, text="Should be 0."),

        graph("Time to first token, as clients see it", SECONDS, *quantiles(layers("client", "first_token")), log=True),
        graph("Time between tokens, as clients see it", SECONDS, *quantiles(layers("client", "between_tokens")), log=True),
        graph("Responses by outcome", PER_SECOND, ("sum by (outcome) (narthex:responses:rate5m)", "{{outcome}}"), stacked=True),
        graph("Tokens by model", PER_SECOND, ("narthex:tokens:rate5m", "{{model}}"), stacked=True),

        rows(
            "Models",
            ("waiting", COUNT, "narthex:queue_waiting:max"),
            ("oldest", SECONDS, "narthex:queue_oldest_seconds:max"),
            ("running", COUNT, "narthex:running_responses:sum"),
            ("tokens", PER_SECOND, "narthex:tokens:rate5m"),
            ("first token, p99", SECONDS, 'narthex:layer_seconds:p99{layer="client",moment="first_token"}'),
            ("calls that fail", SHARE, "narthex:upstream_errors:ratio_rate5m"),
            by="model",
        ),

        section("Trouble"),
        graph(
            "Alerts that fire", COUNT, ('sum by (alertname) (ALERTS{alertname=~"Narthex.+",alertstate="firing"})', "{{alertname}}"),
            text="docs/operations.md says what to do at each.", width=24, none="None fires.",
        ),
        graph("Errors told to clients", PER_SECOND, (rate("narthex_gateway_errors_total", "error_type, code"), "{{error_type}} {{code}}")),
        graph("Limits hit", PER_SECOND, (rate("narthex_gateway_limited_total", "limit"), "{{limit}}")),
        graph("Calls of model servers that fail", SHARE, ("narthex:upstream_errors:ratio_rate5m", "{{model}}")),
        graph(
            "Streams on other ways than the usual", PER_SECOND,
            (rate("narthex_gateway_resumes_total"), "resumed"),
            (rate("narthex_worker_takeovers_total"), "taken over"),
            (rate("narthex_worker_fenced_total"), "late writers rejected"),
            (rate("narthex_gateway_log_reads_total"), "reads of logs"),
        ),

        section("Processes"),
        graph("Connections by transport", COUNT, ("sum by (transport) (narthex_gateway_connections)", "{{transport}}"), stacked=True),
        graph("Traffic", BYTES_PER_SECOND, (rate("narthex_gateway_traffic_bytes_total", "direction"), "{{direction}}")),
        graph("Processors in use", COUNT, (rate("process_cpu_seconds_total", "job, instance"), "{{job}} {{instance}}")),
        graph("Processes by role and version", COUNT, ("count by (role, version) (narthex_build_info)", "{{role}} {{version}}")),
        graph("Lag of tasks, p99", SECONDS, ("narthex:runtime_lag_seconds:p99", "{{job}} {{instance}}"), log=True),
        graph("Memory", BYTES, ("process_resident_memory_bytes and on (job, instance) narthex_build_info", "{{job}} {{instance}}")),
    )


def latency():
    def layer(name, moment, title, text="", width=8):
        return graph(title, SECONDS, *quantiles(layers(name, moment)), text=text, width=width, log=True)

    def together(title, moment):
        slowest = f'histogram_quantile(0.99, sum by (le, layer) (narthex:layer_seconds_bucket:rate5m{{moment="{moment}"}}))'
        return graph(title, SECONDS, (slowest, "{{layer}}"), text=LAYER_TEXT, width=8, log=True)

    return page(
        "narthex-latency", "Narthex: latency by layer", "Whose time it is, across all processes and models.",
        together("To the first token, p99 of each layer", "first_token"),
        together("Between tokens, p99 of each layer", "between_tokens"),
        together("On every record, p99 of each layer", "every_record"),
        section("To the first token, from the outside in"),
        layer("client", "first_token", "Client: asked to first delta", width=6),
        layer("queue", "first_token", "Queue: accepted to claimed", CLOCKS, width=6),
        layer("worker", "first_token", "Worker: claimed to first output", width=6),
        layer("upstream", "first_token", "Model server: called to first output", width=6),
        section("Between tokens, from the outside in"),
        layer("client", "between_tokens", "Client: delta to delta"),
        layer("gateway", "every_record", "Gateway: arrived to rendered"),
        layer("broker", "every_record", "Broker: appended to arrived", CLOCKS),
        layer("append", "every_record", "Worker: one append", width=12),
        layer("upstream", "between_tokens", "Model server: output to output", width=12),
        section("The broker, by operation"),
        graph(
            "Operations of the broker, p99", SECONDS, ('narthex:broker_operation_seconds:p99{operation!="claim"}', "{{operation}}"),
            text="From question to answer, in all processes. A claim waits for a job, so it is left out.", log=True,
        ),
        graph("Operations of the broker", PER_SECOND, (rate("narthex_broker_operation_seconds_count", "operation"), "{{operation}}"), stacked=True),

        section("How many took how long"),
        heat("Time to first token, as clients see it", f"sum by (le) ({layers('client', 'first_token')})"),
        heat("Time between tokens, as clients see it", f"sum by (le) ({layers('client', 'between_tokens')})"),
    )


def model():
    def of(metric, by="", more=""):
        return rate(metric, by, f'model="$model"{more}')

    def by_layer(title, moment):
        return graph(title, SECONDS, (f'narthex:layer_seconds:p99{{model="$model",moment=~"{moment}"}}', "{{layer}}"), text=LAYER_TEXT, log=True)

    mine = ',model="$model"'
    return page(
        "narthex-model", "Narthex: one model", "How one model is served, across all gateways, workers and model servers.",
        number("Tokens", PER_SECOND, 'narthex:tokens:rate5m{model="$model"}'),
        number("Responses", PER_SECOND, 'sum(narthex:responses:rate5m{model="$model"})'),
        number("Running", COUNT, 'narthex:running_responses:sum{model="$model"}'),
        number("Waiting", COUNT, 'narthex:queue_waiting:max{model="$model"}'),
        number("Oldest that waits", SECONDS, 'narthex:queue_oldest_seconds:max{model="$model"}', bad=30),
        number("Calls that fail", SHARE, 'narthex:upstream_errors:ratio_rate5m{model="$model"}', bad=0.05),

        graph("Time to first token, as clients see it", SECONDS, *quantiles(layers("client", "first_token", mine)), log=True),
        graph("Time between tokens, as clients see it", SECONDS, *quantiles(layers("client", "between_tokens", mine)), log=True),
        by_layer("To the first token, p99 of each layer", "first_token"),
        by_layer("Between tokens, p99 of each layer", "between_tokens|every_record"),
        graph("Responses by outcome", PER_SECOND, ('narthex:responses:rate5m{model="$model"}', "{{outcome}}"), stacked=True),
        graph(
            "Queue and workers", COUNT,
            ('narthex:queue_waiting:max{model="$model"}', "waiting"), ('narthex:running_responses:sum{model="$model"}', "running"),
        ),
        graph("Running, by worker", COUNT, ('narthex_worker_running_responses{model="$model"}', "{{instance}}"), stacked=True),
        graph("Tokens, by worker", PER_SECOND, (of("narthex_worker_tokens_total", "instance"), "{{instance}}"), stacked=True),
        graph(
            "Model servers out of reach", COUNT,
            ('sum by (server) (narthex_worker_upstream_circuit{model="$model",state=~"open|half_open"})', "{{server}}"),
            text="How many workers do not reach each server: its circuit is open, or half open.",
        ),
        graph("Failed responses, by whose fault", PER_SECOND, (of("narthex_worker_responses_total", "error_type", ',outcome="failed"'), "{{error_type}}")),
        graph("Calls of model servers that failed", PER_SECOND, (of("narthex_worker_upstream_errors_total", "fault"), "{{fault}}")),
        graph(
            "Taken over, and found by the guard", PER_SECOND,
            (of("narthex_worker_takeovers_total"), "taken over"),
            (of("narthex_worker_guarded_total", "rule, effect"), "{{rule}} {{effect}}"), none="Nothing so far.",
        ),
        heat("Model server: called to first output", f"sum by (le) ({layers('upstream', 'first_token', mine)})"),
        variables=[chosen("model", "Model", "narthex_worker_running_responses")],
    )


def gateway():
    here = 'instance="$instance"'

    def of(metric, by=""):
        return rate(metric, by, here)

    def spread(metric):
        return quantiles(f"rate({metric}_bucket{{{here}}}[$__rate_interval])")

    return page(
        "narthex-gateway", "Narthex: one gateway", "One gateway: its clients, its way from the broker to them, its machine.",
        number("Connections", COUNT, f"sum(narthex_gateway_connections{{{here}}})"),
        number("Requests", PER_SECOND, of("narthex_gateway_requests_total")),
        number("Tokens", PER_SECOND, of("narthex_gateway_tokens_total")),
        number("Memory in use", BYTES, f"narthex_memory_used_bytes{{{here}}}"),
        number("Open files", SHARE, f"narthex:open_files:ratio{{{here}}}", bad=0.8, text="Of those that it may have open."),
        number("Lag of tasks, p99", SECONDS, f"narthex:runtime_lag_seconds:p99{{{here}}}", bad=0.1),

        section("Clients"),
        graph("Connections by transport", COUNT, (f"sum by (transport) (narthex_gateway_connections{{{here}}})", "{{transport}}"), stacked=True),
        graph(
            "Connections opened, and closed by reason", PER_SECOND,
            (of("narthex_gateway_connections_opened_total"), "opened"),
            (of("narthex_gateway_connections_closed_total", "reason"), "{{reason}}"),
        ),
        graph("Traffic", BYTES_PER_SECOND, (of("narthex_gateway_traffic_bytes_total", "transport, direction"), "{{transport}} {{direction}}")),
        graph("Messages on WebSockets", PER_SECOND, (of("narthex_gateway_messages_received_total", "type"), "{{type}}"), none="None so far."),
        graph("Errors told", PER_SECOND, (of("narthex_gateway_errors_total", "error_type, code"), "{{error_type}} {{code}}")),
        graph("Limits hit", PER_SECOND, (of("narthex_gateway_limited_total", "limit"), "{{limit}}")),

        section("Tokens"),
        graph("Time to first token, as clients see it", SECONDS, *spread("narthex_gateway_time_to_first_token_seconds"), log=True),
        graph("Time between tokens, as clients see it", SECONDS, *spread("narthex_gateway_time_between_tokens_seconds"), log=True),
        graph("Broker: appended to arrived here", SECONDS, *spread("narthex_gateway_broker_transit_seconds"), text=CLOCKS, log=True),
        graph("Arrived here to rendered", SECONDS, *spread("narthex_gateway_delivery_seconds"), log=True),
        graph("Tokens by transport", PER_SECOND, (of("narthex_gateway_tokens_total", "transport"), "{{transport}}"), stacked=True),
        graph(
            "Clients that are behind, or came back", PER_SECOND,
            (of("narthex_gateway_slow_clients_total"), "did not take it at once"),
            (of("narthex_gateway_merged_deltas_total"), "tokens told together"),
            (of("narthex_gateway_log_reads_total"), "reads of logs"),
            (of("narthex_gateway_resumes_total"), "resumed"),
        ),

        section("Process"),
        graph(
            "Processors in use", COUNT,
            (of("process_cpu_seconds_total"), "in use"), (f"narthex_runtime_workers{{{here}}}", "threads for tasks"),
        ),
        graph(
            "Memory", BYTES,
            (f"narthex_memory_used_bytes{{{here}}}", "in use"), (f"narthex_memory_limit_bytes{{{here}}}", "nothing new is taken above"),
        ),
        graph("Lag of tasks", SECONDS, *spread("narthex_runtime_lag_seconds"), log=True),
        graph("Tasks", COUNT, (f"narthex_runtime_tasks{{{here}}}", "alive"), (f"narthex_runtime_queue{{{here}}}", "waiting for a thread")),
        variables=[chosen("instance", "Gateway", "narthex_gateway_resumes_total")],
    )


def main(arguments):
    written = {}
    for built in (overview(), latency(), model(), gateway()):
        written[f"{built.uid}.json"] = JSONEncoder(sort_keys=True, indent=1).encode(built) + "\n"
    if arguments == ["--check"]:
        found = {file.name: file.read_text() for file in FOLDER.glob("*.json")}
        if found != written:
            sys.exit("deploy/grafana/dashboards is not what deploy/grafana/dashboards.py writes: run `make dashboards`")
        return
    for file in FOLDER.glob("*.json"):
        file.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text)


main(sys.argv[1:])
