"""Shows an API server's Ingresses and their classes as networking.k8s.io/v1beta1 had them, to a controller that knows no other; the rest as it is.

    old-ingress-api.py API-SERVER PORT CERTIFICATE KEY COMMAND…

The API server's address is one that asks for no credentials. This one answers on the loopback, by TLS, for as long as the command runs.
"""

import json
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API, PORT, CERTIFICATE, KEY = sys.argv[1:5]
GROUP = "/apis/networking.k8s.io/"


def as_it_was(it):
    """An Ingress, or a list of some; classes and events of a watch have nothing in them that was called otherwise."""
    it["apiVersion"] = "networking.k8s.io/v1beta1"
    for item in it.get("items") or []:
        as_it_was(item)
    for rule in it.get("spec", {}).get("rules", []):
        for path in rule["http"]["paths"]:
            service = path["backend"]["service"]
            path["backend"] = {"serviceName": service["name"], "servicePort": service["port"]["number"]}
    return it


class Handler(BaseHTTPRequestHandler):
    def ask(self):
        is_old = self.path.startswith(f"{GROUP}v1beta1/")
        body = self.rfile.read(int(self.headers.get("content-length", 0))) or None
        said = {"accept": "application/json", "content-type": self.headers.get("content-type", "application/json")}
        try:
            answer = urlopen(Request(API + self.path.replace(f"{GROUP}v1beta1/", f"{GROUP}v1/"), body, said, method=self.command))
        except HTTPError as error:
            answer, is_old = error, False
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers["content-type"])
        self.end_headers()
        # An event of a watch is a line; so is any other answer.
        for line in answer:
            if is_old:
                it = json.loads(line)
                if "object" in it:
                    as_it_was(it["object"])
                else:
                    as_it_was(it)
                line = json.dumps(it).encode() + b"\n"
            self.wfile.write(line)
            self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = ask


server = ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(CERTIFICATE, KEY)
server.socket = tls.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.exit(subprocess.run(sys.argv[5:]).returncode)
