"""Plays the kubelet of every node, with processes for containers: that of a pod is the program, with the pod's arguments, variables, ConfigMaps
and Secrets, at an address of the pod's own. To everybody else a pod's life is as ever: it is ready when its probe says so, is told to stop
after its pause (preStop), and gone when its process has ended, or its grace is over. A pod whose process ends unasked has failed.

    fake-kubelet.py api-server namespace program directory

The API server's address is one that asks for no credentials (kubectl proxy), and this machine has the addresses 10.244.0.0/16.
"""

import base64
import itertools
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API, NAMESPACE, PROGRAM = sys.argv[1:4]
DIRECTORY = pathlib.Path(sys.argv[4])
ADDRESSES = (f"10.244.{n >> 8}.{n & 255}" for n in itertools.count(2))


def ask(path, method="GET", body=None, kind="application/json"):
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{API}/api/v1/namespaces/{NAMESPACE}/{path}", data, {"content-type": kind}, method=method)
    with urlopen(request) as answer:
        return json.load(answer)


class Pod(threading.Thread):
    def __init__(self, pod):
        super().__init__(daemon=True)
        self.name, self.uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        self.spec = pod["spec"]
        self.container = pod["spec"]["containers"][0]
        self.address = next(ADDRESSES)
        self.directory = DIRECTORY / self.name
        # How many seconds it has to end, from when it was told to.
        self.grace = None
        self.is_stopping = threading.Event()
        self.process = None

    def run(self):
        self.process = self.start_process()
        (self.directory / "pid").write_text(str(self.process.pid))
        is_ready = None
        while not self.is_stopping.wait(0.1) and self.process.poll() is None:
            if (answer := self.is_answered()) != is_ready:
                is_ready = answer
                self.tell("Running", is_ready)
        if self.is_stopping.is_set():
            self.stop()
        else:
            self.tell("Failed", False)

    def start_process(self):
        for mount in self.container["volumeMounts"]:
            self.mount(mount["name"], self.inside(mount["mountPath"]))
        environment = {each["name"]: self.inside(each["value"]) for each in self.container["env"]}
        with open(DIRECTORY / f"{self.name}.log", "w") as log:
            return subprocess.Popen([PROGRAM, *self.container["args"]], env=environment, stdout=log, stderr=log)

    def mount(self, name, folder):
        volume = next(volume for volume in self.spec["volumes"] if volume["name"] == name)
        pathlib.Path(folder).mkdir(parents=True)
        if "configMap" in volume:
            files = ask(f"configmaps/{volume['configMap']['name']}")["data"]
        else:
            secret = ask(f"secrets/{volume['secret']['secretName']}")["data"]
            files = {key: base64.b64decode(value).decode() for key, value in secret.items()}
        for key, content in files.items():
            (pathlib.Path(folder) / key).write_text(self.inside(content))

    def inside(self, text):
        """What is said to a container, as it has to be said to a process among others: its folders and its address are its own."""
        return text.replace("/etc/narthex/", f"{self.directory}/").replace("0.0.0.0:", f"{self.address}:")

    def is_answered(self):
        probe = self.container["readinessProbe"]["httpGet"]
        port = next(port["containerPort"] for port in self.container["ports"] if port["name"] == probe["port"])
        try:
            with urlopen(f"http://{self.address}:{port}{probe['path']}", timeout=3):
                return True
        except (OSError, HTTPException):
            return False

    def tell(self, phase, is_ready):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        ready = str(is_ready)
        state = {"running": {"startedAt": now}} if phase == "Running" else {"terminated": {"exitCode": exit_code(self.process)}}
        status = {
            "phase": phase,
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "conditions": [
                {"type": kind, "status": ready, "lastTransitionTime": now} for kind in ("Ready", "ContainersReady")
            ],
            "containerStatuses": [
                {"name": self.container["name"], "image": self.container["image"], "imageID": "", "ready": is_ready,
                 "restartCount": 0, "state": state}
            ],
        }
        self.unless_gone(f"pods/{self.name}/status", "PATCH", {"status": status}, "application/strategic-merge-patch+json")

    def stop(self):
        pause = self.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        self.wait(min(pause, self.grace))
        self.process.terminate()
        self.wait(self.grace - pause)
        self.process.kill()
        print(f"{self.name} ended with {self.process.wait()}", flush=True)
        self.unless_gone(f"pods/{self.name}", "DELETE", {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}})

    def wait(self, seconds):
        try:
            self.process.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            pass

    def unless_gone(self, *request):
        try:
            ask(*request)
        except HTTPError as error:
            if error.code not in (404, 409):
                raise


def exit_code(process):
    """As containers tell it: of a signal 128 more than its number."""
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def follow(pods):
    # From what there is now on; it lives for half an hour at least, which no test does.
    with urlopen(f"{API}/api/v1/namespaces/{NAMESPACE}/pods?watch=1") as events:
        for event in map(json.loads, events):
            metadata = event["object"]["metadata"]
            pod = pods.get(metadata["uid"])
            if not pod and event["object"]["spec"].get("nodeName") and event["type"] != "DELETED":
                pod = pods[metadata["uid"]] = Pod(event["object"])
                pod.start()
            if pod and "deletionTimestamp" in metadata:
                pod.grace = metadata["deletionGracePeriodSeconds"]
                pod.is_stopping.set()
    sys.exit("the API server tells no more of pods")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    pods = {}
    try:
        follow(pods)
    finally:
        for pod in pods.values():
            if pod.process:
                pod.process.kill()


main()
