"""Asks the program whether each of the chart's pods could start with the settings and variables that it is given.

What a setting is called is then known in one place only, and one that was renamed fails here rather than at somebody's
`helm upgrade`. What comes from a Secret is a stand-in of the same form.

    chart-settings.py objects.yaml…
"""

import os
import subprocess
import sys
import tempfile

from ruamel.yaml import YAML

STAND_INS = {"NARTHEX_BROKER": "redis://:password@redis:6379", "NARTHEX_KAFKA__STORE": "redis://:password@redis:6379"}


def environment(container, config):
    """The variables of a container, with its file of settings where it is here."""
    variables = {}
    for its in container["env"]:
        secret = "valueFrom" in its
        variables[its["name"]] = STAND_INS.get(its["name"], "stand-in") if secret else its["value"]
    return variables | {"NARTHEX_CONFIG": config}


def check(objects, directory):
    with open(objects) as file:
        made = [it for it in YAML(typ="safe").load_all(file) if it]
    configs = {it["metadata"]["name"]: it["data"] for it in made if it["kind"] == "ConfigMap"}
    asked = 0
    for it in made:
        if it["kind"] != "Deployment" or it["metadata"]["name"] not in configs:
            continue
        name, container = it["metadata"]["name"], it["spec"]["template"]["spec"]["containers"][0]
        config = f"{directory}/{name}.toml"
        with open(config, "w") as file:
            file.write(configs[name]["narthex.toml"])
        program = [os.environ["TEST_NARTHEX"], "config", "--check", *container["args"]]
        answer = subprocess.run(program, env=environment(container, config), capture_output=True, text=True)
        if answer.returncode != 0:
            sys.exit(f"{objects}: {name} could not start:\n{answer.stderr}")
        asked += 1
    if asked != len(configs) or not asked:
        sys.exit(f"{objects}: {len(configs)} files of settings, but {asked} Deployments that read them")
    print(f"{os.path.basename(objects)}: every Deployment could start as it is set, {asked} in all")


with tempfile.TemporaryDirectory() as directory:
    for objects in sys.argv[1:]:
        check(objects, directory)
