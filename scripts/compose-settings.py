"""Asks the program whether each of its containers could start as docker-compose.yml sets it.

What a variable or a flag is called is then known in one place only, and a setting that was renamed fails here rather
than at somebody's `docker compose up`.

    compose-settings.py docker-compose.yml deploy/Dockerfile
"""

import os
import re
import subprocess
import sys

from ruamel.yaml import YAML


def interpolated(text):
    """`${NAME:-default}` is its default: the file has to work as it is."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def image_environment(dockerfile):
    """What ENV says in the last stage."""
    with open(dockerfile) as file:
        lines = file.read().replace("\\\n", " ").splitlines()
    said = " ".join(line.removeprefix("ENV ") for line in lines if line.startswith("ENV "))
    return dict(pair.split("=", 1) for pair in said.split())


def main(compose, dockerfile):
    with open(compose) as file:
        services = YAML(typ="safe").load(file)["services"]
    asked = 0
    for name, service in services.items():
        role, *flags = [interpolated(word) for word in service.get("command", [""])]
        if role not in ("gateway", "worker"):
            continue
        environment = image_environment(dockerfile) | service.get("environment", {})
        environment = {key: interpolated(value) for key, value in environment.items()}
        program = [os.environ["TEST_NARTHEX"], "config", "--check", role, *flags]
        answer = subprocess.run(program, env=environment, capture_output=True, text=True)
        if answer.returncode != 0:
            sys.exit(f"{compose}: the service {name} could not start:\n{answer.stderr}")
        asked += 1
    if asked != 2:
        sys.exit(f"{compose}: expected a gateway and a worker, found {asked} of them")
    print(f"{compose}: gateway and worker could start as they are set")


main(*sys.argv[1:])
