"""Asks the programs whether each of their containers could start as docker-compose.yml sets it.

What a variable or a flag is called is then known in one place only, and a setting that was renamed fails here rather
than at somebody's `docker compose up`. Narthex is asked for each broker. Kafka is asked whether it knows the names, and it
formats a storage with the values, which checks them as a start does. What Prometheus and Grafana are told to read has to be where
they are told, and who they are told to ask has to be there.

    compose-settings.py docker-compose.yml deploy/Dockerfile folder-with-kafka's-jars
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

BROKERS = {"redis://redis:6379": [], "kafka://kafka:9092": ["kafka"]}


def interpolated(text, variables={}):
    """`${NAME:-default}` is its default, if no variable says otherwise: the file has to work as it is."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1], found[2]), str(text))


def image_environment(dockerfile):
    """What ENV says in the last stage."""
    with open(dockerfile) as file:
        lines = file.read().replace("\\\n", " ").splitlines()
    said = " ".join(line.removeprefix("ENV ") for line in lines if line.startswith("ENV "))
    return dict(pair.split("=", 1) for pair in said.split())


def check_narthex(compose, services, own, broker):
    """Every role could start, and the broker's host is a service that its profiles start."""
    started = [name for name, service in services.items() if set(service.get("profiles", [])) <= set(BROKERS[broker])]
    host = broker.split("://")[1].split(":")[0]
    if host not in started:
        sys.exit(f"{compose}: {broker} is on none of {started}")
    asked = 0
    for name, service in services.items():
        role, *flags = [interpolated(word) for word in service.get("command", [""])]
        if role not in ("gateway", "worker"):
            continue
        environment = own | service.get("environment", {})
        environment = {key: interpolated(value, {"BROKER": broker}) for key, value in environment.items()}
        program = [os.environ["TEST_NARTHEX"], "config", "--check", role, *flags]
        answer = subprocess.run(program, env=environment, capture_output=True, text=True)
        if answer.returncode != 0:
            sys.exit(f"{compose}: the service {name} could not start:\n{answer.stderr}")
        if f'"{broker}"' not in answer.stdout:
            sys.exit(f"{compose}: the service {name} does not use {broker}")
        asked += 1
    if asked != 2:
        sys.exit(f"{compose}: expected a gateway and a worker, found {asked} of them")
    print(f"{compose}: gateway and worker could start as they are set, on {broker}")


def check_traces(compose, services, own):
    """The place for traces that the file names is one of its services, and gateway and worker send theirs there."""
    with open(compose) as file:
        named = re.search(r"OTEL_EXPORTER_OTLP_ENDPOINT=(http://(\w+):\d+) docker compose --profile (\w+)", file.read())
    url, host, profile = named.groups()
    if services[host].get("profiles") != [profile]:
        sys.exit(f"{compose}: {host} is not in the profile {profile}")
    for role in ("gateway", "worker"):
        flags = [interpolated(word) for word in services[role]["command"][1:]]
        for endpoint, expected in (url, True), ("", False):
            variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
            environment = own | services[role]["environment"]
            environment = {key: interpolated(value, variables) for key, value in environment.items()}
            program = [os.environ["TEST_NARTHEX"], "config", *flags]
            answer = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
            if (f'"{url}/v1/traces"' in answer.stdout) != expected:
                sys.exit(f"{compose}: the {role} sends its traces elsewhere than to {endpoint or 'nobody'}")
    print(f"{compose}: gateway and worker send traces to {url} where they are told to, and else to nobody")


def check_kafka(compose, service, jars):
    """The image makes `a.b` of KAFKA_A_B, except of what is for its scripts."""
    java = ["java", "-cp", f"{jars}/*"]
    known = subprocess.run([*java, "kafka.server.KafkaConfig"], capture_output=True, text=True, check=True).stdout
    settings = {}
    for key, value in service["environment"].items():
        if key == "KAFKA_HEAP_OPTS":
            continue
        setting = key.removeprefix("KAFKA_").lower().replace("_", ".")
        if f'id="brokerconfigs_{setting}"' not in known:
            sys.exit(f"{compose}: Kafka knows no {setting} ({key})")
        settings[setting] = interpolated(value)
    with tempfile.TemporaryDirectory() as directory:
        settings["log.dirs"] = f"{directory}/data"
        file = f"{directory}/server.properties"
        with open(file, "w") as properties:
            properties.writelines(f"{key}={value}\n" for key, value in settings.items())
        program = [*java, "kafka.tools.StorageTool", "format", "--config", file, "--cluster-id", "narthex-tests-0000000"]
        answer = subprocess.run(program, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{compose}: Kafka could not start:\n{answer.stdout}{answer.stderr}")
    print(f"{compose}: Kafka could start as it is set")


def here(compose, service, path):
    """What the container sees at `path` is in this file of the project."""
    for volume in services_volumes(service):
        if path.startswith(volume[1] + "/"):
            found = os.path.join(os.path.dirname(compose), volume[0], path.removeprefix(volume[1] + "/"))
            if os.path.exists(found):
                return found
    sys.exit(f"{compose}: nothing is mounted at {path}")


def services_volumes(service):
    """Of what is mounted from the project: where it is here, and there."""
    return [volume.split(":")[:2] for volume in service["volumes"] if volume.startswith("./")]


def check_prometheus(compose, services, own):
    service = services["prometheus"]
    [file] = [word.split("=")[1] for word in service["command"] if word.startswith("--config.file=")]
    with open(here(compose, service, file)) as text:
        config = YAML(typ="safe").load(text)
    admin = int(own["NARTHEX_ADMIN_LISTEN"].split(":")[-1])
    asked = [target for job in config["scrape_configs"] for target in job["dns_sd_configs"]]
    for target in asked:
        if not set(target["names"]) <= set(services) or target["port"] != admin:
            sys.exit(f"{compose}: {file} asks {target}, but services are {list(services)} and their admin port is {admin}")
    print(f"{compose}: Prometheus asks {[name for target in asked for name in target['names']]}")


def check_grafana(compose, services):
    service = services["grafana"]
    for volume in services_volumes(service):
        here(compose, service, volume[1] + "/.")
    here(compose, service, service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    with open(here(compose, service, "/etc/grafana/provisioning/dashboards/narthex.yml")) as text:
        [provider] = YAML(typ="safe").load(text)["providers"]
    pages = glob.glob(here(compose, service, provider["options"]["path"] + "/.") + "/*.json")
    with open(here(compose, service, "/etc/grafana/provisioning/datasources/narthex.yml")) as text:
        sources = [source["url"] for source in YAML(typ="safe").load(text)["datasources"]]
    known = {f"http://{name}:{port}" for name in services for port in published(services[name])}
    if not pages or not set(sources) <= known:
        sys.exit(f"{compose}: Grafana finds {len(pages)} dashboards, and asks {sources}, of {known}")
    print(f"{compose}: Grafana finds {len(pages)} dashboards, and asks {sources}")


def published(service):
    """The ports of its own that a service tells this machine: on the loopback address, or not at all."""
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            sys.exit(f"{port} is open to others than this machine")
        yield port.split(":")[-1]


def main(compose, dockerfile, jars):
    with open(compose) as file:
        services = YAML(typ="safe").load(file)["services"]
    for broker in BROKERS:
        check_narthex(compose, services, image_environment(dockerfile), broker)
    check_traces(compose, services, image_environment(dockerfile))
    check_kafka(compose, services["kafka"], jars)
    check_prometheus(compose, services, image_environment(dockerfile))
    check_grafana(compose, services)


main(*sys.argv[1:])
