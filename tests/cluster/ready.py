#!/usr/bin/env python3
"""Waits for a cluster that is starting, and fills it with what every cluster holds: ready.py DIR

Prints a line when the API server answers (`serving`) and when it has all that it makes itself (`healthy`). Ends
with 0 when pods and claims can be made, with 1 as soon as a server has ended or after a minute and a half.
"""

import pathlib
import sys
import time

import baseline
import pool
from api import Api, ApiError

SECONDS_TO_START = 90
SECONDS_BETWEEN_LOOKS = 0.05


def runs(pid, started):
    """Whether this very process still runs; see start_time in servers.sh."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return False
    return fields[0] not in "ZX" and fields[19] == started


def ended_server(state):
    for line in (state / "servers").read_text().splitlines():
        name, pid, started = line.split()
        if not runs(pid, started):
            return name
    return None


def wait(state, what, condition):
    """Waits until the condition holds; where the API refuses it, it does not hold yet."""
    deadline = time.monotonic() + SECONDS_TO_START
    refusal = None
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, ApiError) as error:
            refusal = error
        if name := ended_server(state):
            sys.exit(f"error: {name} ended while the cluster was starting")
        time.sleep(SECONDS_BETWEEN_LOOKS)
    sys.exit(f"error: not ready after {SECONDS_TO_START} s: {what}" + (f" ({refusal})" if refusal else ""))


def has_objects(api):
    """Whether all nodes and volumes are there and ready; makes those that are missing."""
    ready = True
    for path, wanted in pool.objects():
        actual = api.find(f"{path}/{wanted['metadata']['name']}") or api.post(path, wanted)
        ready = ready and pool.is_ready(actual)
    return ready


def namespaces_are_ready(api):
    """Whether each namespace has what the controllers put into it; a pod cannot be made before."""
    namespaces = {item["metadata"]["name"] for item in api.get("/api/v1/namespaces")["items"]}
    accounts = api.get("/api/v1/serviceaccounts?fieldSelector=metadata.name%3Ddefault")["items"]
    roots = api.get("/api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt")["items"]
    expected = {"default", "kube-system", "kube-public", "kube-node-lease"}
    return all({item["metadata"]["namespace"] for item in items} >= namespaces >= expected for items in (accounts, roots))


def answers(api):
    """Whether the API server takes requests at all."""
    try:
        return api.get("/readyz")
    except ApiError:
        return True


def main():
    state = pathlib.Path(sys.argv[1])
    # A server that is starting takes connections long before it answers, if it ever does.
    api = Api.of_state(state, timeout=1)
    wait(state, "the API server", lambda: answers(api))
    print("serving", flush=True)
    # They get ready in the second that the API server takes for itself.
    wait(state, "creation of nodes and volumes", lambda: has_objects(api) or True)
    wait(state, "the API server's own objects", lambda: api.get("/readyz"))
    print("healthy", flush=True)
    wait(state, "nodes and volumes", lambda: has_objects(api))
    wait(state, "namespaces with a service account", lambda: namespaces_are_ready(api))
    wait(state, "the list of what there is", lambda: baseline.write(state, api))


if __name__ == "__main__":
    main()
