#!/usr/bin/env python3
"""What a cluster held when it came up. Everything else was made by tests, and reset removes it.

  baseline.py DIR     notes it in the state folder DIR
"""

import pathlib
import sys

from api import connect

# Made by the API server itself for each Service, and removed with it.
LEFT_ALONE = {"ipaddresses.networking.k8s.io"}
# The control plane makes these anew whenever they are missing.
MADE_IN_EVERY_NAMESPACE = {("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "default")}
# Events, leases and this one come and go as the control plane works.
SYSTEM_NAMESPACES = {"kube-system", "kube-public", "kube-node-lease"}
MADE_AS_IT_WORKS = {"leases.coordination.k8s.io", "configmaps kube-apiserver-legacy-service-account-token-tracking"}


def removable(api):
    """The kinds whose objects tests can make and reset can remove."""
    return [
        resource for resource in api.resources()
        # Events of events.k8s.io are those of the core group once more.
        if {"list", "delete"} <= resource.verbs and resource.key not in LEFT_ALONE | {"events.events.k8s.io"}
    ]


def made_by_the_cluster(resource, metadata):
    """Whether the control plane makes this object of a namespace that stays, at a time of its own."""
    name, namespace = metadata["name"], metadata.get("namespace", "")
    if namespace in SYSTEM_NAMESPACES and MADE_AS_IT_WORKS & {resource.key, f"{resource.key} {name}"}:
        return True
    return resource.key == "events" or (resource.key, name) in MADE_IN_EVERY_NAMESPACE


def line(resource, metadata):
    """What stands for an object in the baseline."""
    return f"{resource.key} {metadata.get('namespace', '-')} {metadata['name']}"


def write(state, api):
    """Notes all there is; returns the length of the note."""
    lines = [line(resource, metadata) + "\n" for resource in removable(api) for metadata in api.list(resource)]
    return (pathlib.Path(state) / "baseline").write_text("".join(lines))


def read(state):
    return set((pathlib.Path(state) / "baseline").read_text().splitlines())


if __name__ == "__main__":
    with connect(sys.argv[1]) as client:
        write(sys.argv[1], client)
