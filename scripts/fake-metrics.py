"""Answers the HorizontalPodAutoscaler in place of Prometheus's adapter: what is to be measured is in a file, `narthex_gateway_connections
35000`, and is shared evenly by the pods that there are. Everything else about scaling is real. Prints the port that it listens on. In
scripts/test-edge the adapter is real; this is what needs no building, and no process behind a pod.

    fake-metrics.py certificate key file-of-metrics
"""

import json
import ssl
import subprocess
import sys
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

GROUP = "custom.metrics.k8s.io/v1beta1"


def pods(namespace, selector):
    command = ["kubectl", "get", "pods", "--namespace", namespace, "--selector", selector, "--output", "json"]
    items = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def values(namespace, metric, selector, file):
    measured = dict(line.split() for line in open(file))
    members = pods(namespace, selector)
    each = int(measured[metric]) // max(len(members), 1)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    items = [
        {
            "describedObject": {"kind": "Pod", "namespace": namespace, "name": pod["metadata"]["name"], "apiVersion": "/v1"},
            "metric": {"name": metric},
            "timestamp": now,
            "value": str(each),
        }
        for pod in members
    ]
    return {"kind": "MetricValueList", "apiVersion": GROUP, "metadata": {}, "items": items}


class Metrics(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts[3:4] == ["namespaces"] and len(parts) == 8:
            selector = parse_qs(url.query).get("labelSelector", [""])[0]
            answer = values(parts[4], parts[7], selector, sys.argv[3])
        else:
            # Who asks which metrics there are is told of the group alone.
            answer = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": []}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
