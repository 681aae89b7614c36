"""Checks what watches Narthex: that it asks for metrics that there are, and that whoever it wakes finds what to do.

    watching.py sources                       of rules, tests of rules, dashboards and documentation, as they are written
    watching.py live PROMETHEUS ADMIN...      of a Prometheus with these rules, and of the pages that it reads: base URLs

`sources` needs promtool.
"""

import itertools
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from ruamel.yaml import YAML

ROOT = pathlib.Path(__file__).parent.parent
RULES = "deploy/prometheus/rules/*.yml"
# How long until a Prometheus that asks every second has seen enough.
PATIENCE = 40

# What only comes of trouble that a quiet cluster does not have: a panel of these alone may be empty.
TROUBLE = {
    "ALERTS", "narthex_worker_takeovers_total", "narthex_worker_guarded_total",
    # And this of WebSockets, which the clients of the test do not speak.
    "narthex_gateway_messages_received_total",
}


def documents(pattern):
    yaml = YAML(typ="safe")
    return [yaml.load(file) for file in sorted(ROOT.glob(pattern))]


def rules():
    return [rule for file in documents(RULES) for group in file["groups"] for rule in group["rules"]]


def panels():
    """Each panel's place and one expression of it, with what is chosen on the page put in."""
    chosen = {"__rate_interval": "1m", "__range": "1h", "model": "demo", "instance": "gateway-1"}
    for file in sorted(ROOT.glob("deploy/grafana/dashboards/*.json")):
        page = json.loads(file.read_text())
        for panel in page["panels"]:
            for target in panel.get("targets", []):
                yield f'{page["title"]}, {panel["title"]}', re.sub(r"\$(\w+)", lambda found: chosen[found[1]], target["expr"])


def names(expression):
    """The series that a PromQL expression reads: what is left without texts, labels, times, functions and operators."""
    rest = re.sub(r'"[^"]*"|\'[^\']*\'', "", expression)
    rest = re.sub(r"\{[^}]*\}|\[[^]]*\]|\boffset \w+", "", rest)
    rest = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", rest)
    found = re.findall(r"(?<![\w.:])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])", rest)
    return set(found) - {"and", "or", "unless", "bool"}


def documented():
    """Every series that docs/metrics.md promises."""
    told = set(re.findall(r"`((?:narthex|process)_[a-z_]+)`", (ROOT / "docs/metrics.md").read_text()))
    parts = {f"{name}_{part}" for name in told if name.endswith("_seconds") for part in ("bucket", "sum", "count")}
    return told | parts


def check_names():
    known = documented() | {rule["record"] for rule in rules() if "record" in rule} | {"up", "ALERTS"}
    asked = [(rule.get("record") or rule["alert"], rule["expr"]) for rule in rules()] + list(panels())
    for place, expression in asked:
        if not names(expression) <= known:
            yield f"{place}: docs/metrics.md knows no {names(expression) - known}"
        if not names(expression):
            yield f"{place}: asks for nothing"


def check_alerts():
    headings = re.findall(r"^### (Narthex\w+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    tests = [test for file in documents("deploy/prometheus/tests/*.yml") for scene in file["tests"] for test in scene["promql_expr_test"]]
    for name, alert in alerts.items():
        told, severity = alert["annotations"], alert["labels"]["severity"]
        if not told.get("summary") or not told.get("description") or severity not in ("critical", "warning"):
            yield f"{name}: needs a summary, a description, and a severity that is critical or warning"
        if not told["runbook_url"].endswith(f"/docs/operations.md#{name.lower()}"):
            yield f"{name}: its runbook_url is not its heading in docs/operations.md"
        fires = {bool(test["exp_samples"]) for test in tests if test["expr"] == f'ALERTS{{alertname="{name}",alertstate="firing"}}'}
        if fires != {True, False}:
            yield f"{name}: needs a test in which it fires, and one in which it is silent"
    if sorted(headings) != sorted(alerts):
        yield f"docs/operations.md and the alerts differ: {sorted(set(headings) ^ set(alerts))}"


def check_panels():
    """Prometheus' own parser reads what the dashboards ask, as rules."""
    asked = [{"record": f"panel:{number}", "expr": expression} for number, (_, expression) in enumerate(panels())]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        YAML(typ="safe").dump({"groups": [{"name": "panels", "rules": asked}]}, file)
        file.flush()
        answer = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
    if answer.returncode != 0 or not asked:
        yield f"a panel's expression cannot be read:\n{answer.stdout}{answer.stderr}"


def ask(prometheus, path, **query):
    with urllib.request.urlopen(f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=5) as answer:
        return json.load(answer)["data"]


def has_value(prometheus, expression):
    data = ask(prometheus, "query", query=expression)
    values = [data["result"]] if data["resultType"] == "scalar" else [series["value"] for series in data["result"]]
    return any(not math.isnan(float(value)) for _, value in values)


def check_prometheus(prometheus, admins):
    """What is not yet as it should be: targets that do not answer, rules and panels without a value."""
    targets = ask(prometheus, "targets")["activeTargets"]
    if [target["health"] for target in targets] != ["up"] * len(admins):
        yield f"targets: {[(target['scrapeUrl'], target['health'], target['lastError']) for target in targets]}"
    groups = ask(prometheus, "rules")["groups"]
    evaluated = [rule for group in groups for rule in group["rules"]]
    if len(evaluated) != len(rules()):
        yield f"{len(evaluated)} rules of {len(rules())} are there"
    yield from (f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}" for rule in evaluated if rule["health"] != "ok")
    for rule in rules():
        labels = ",".join(f'{key}="{value}"' for key, value in rule.get("labels", {}).items())
        if "record" in rule and not has_value(prometheus, f"{rule['record']}{{{labels}}}"):
            yield f"{rule['record']}{{{labels}}} has no value"
    for place, expression in panels():
        if not names(expression) <= TROUBLE and not has_value(prometheus, expression):
            yield f"{place}: nothing to see: {expression}"


def check_pages(admins):
    """Each page is what it says to be, to the letter (Datadog's agent reads it by this parser), and holds what is documented."""
    for admin in admins:
        with urllib.request.urlopen(f"{admin}/metrics", timeout=5) as answer:
            kind, text = answer.headers["content-type"], answer.read().decode()
        if not kind.startswith("application/openmetrics-text"):
            yield f"{admin} speaks {kind}"
        found = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
        if not found <= documented():
            yield f"{admin}: docs/metrics.md knows no {found - documented()}"


def check_live(prometheus, *admins):
    until = time.monotonic() + PATIENCE
    missing = list(check_prometheus(prometheus, admins))
    while missing and time.monotonic() < until:
        time.sleep(0.5)
        missing = list(check_prometheus(prometheus, admins))
    fires = [alert["labels"] for alert in ask(prometheus, "alerts")["alerts"] if alert["state"] == "firing"]
    return missing + [f"fires: {labels}" for labels in fires] + list(check_pages(admins))


def main(what, *urls):
    checks = {"sources": lambda: itertools.chain(check_names(), check_alerts(), check_panels()), "live": lambda: check_live(*urls)}
    wrong = list(checks[what]())
    if wrong:
        sys.exit("\n".join(wrong))
    counts = f"{len(rules())} rules, {len(list(panels()))} expressions of dashboards"
    print(f"{counts}: {'all ask for what there is' if what == 'sources' else f'all have values, of {len(urls) - 1} processes'}")


main(*sys.argv[1:])
