"""Writes the JSON schemas that kubeconform checks the chart's objects against, one file for each kind.

Kubernetes publishes its schemas as OpenAPI, the others as definitions of custom resources; both are in their Go modules. Fields that are
not known are refused, as the API server does when it is asked to be strict.

    chart-schemas.py folder kubernetes's-folder definition…
"""

import json
import sys
from pathlib import Path

from ruamel.yaml import YAML


def strict(schema):
    """No other fields than those that are listed; and what OpenAPI says in its own words, in those of JSON Schema."""
    if isinstance(schema, list):
        return [strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    fields = schema.get("properties", {})
    closed = {} if is_open or not fields else {"additionalProperties": False}
    rest = {key: strict(value) for key, value in schema.items() if key not in ("properties", "description")}
    # Not one by one like the rest: what stands here are names.
    return rest | closed | {"properties": {name: strict(field) for name, field in fields.items()}}


def write(folder, kind, group, version, schema):
    # As kubeconform calls them: the core has no group, and the version stands for it.
    (folder / f"{kind.lower()}-{group or version}-{version}.json").write_text(json.dumps(schema))


def kubernetes(folder, source):
    definitions = json.loads((source / "api/openapi-spec/swagger.json").read_text())["definitions"]
    # A number too: `cpu: 1`.
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number"]}
    (folder / "definitions.json").write_text(json.dumps({"definitions": {name: strict(its) for name, its in definitions.items()}}))
    for name, definition in definitions.items():
        for its in definition.get("x-kubernetes-group-version-kind", []):
            write(folder, its["kind"], its["group"], its["version"], {"$ref": f"definitions.json#/definitions/{name}"})


def custom_resource(folder, source):
    its = YAML(typ="safe").load(source)["spec"]
    for version in its["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        # Which every object has, and no definition lists.
        schema["properties"]["metadata"] = {
            "$ref": "definitions.json#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
        }
        write(folder, its["names"]["kind"], its["group"], version["name"], schema)


def main(folder, source, *others):
    folder.mkdir(parents=True, exist_ok=True)
    kubernetes(folder, source)
    for other in others:
        custom_resource(folder, other)


main(*map(Path, sys.argv[1:]))
