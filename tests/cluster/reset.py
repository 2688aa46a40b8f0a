#!/usr/bin/env python3
"""Makes a cluster as it was when it came up: removes all that its baseline does not name, and restores the pool.

  reset.py DIR

The cluster's own way takes at least 5 s for each namespace, since its controller waits that long before it looks
at one. So everything in a namespace is removed from here, and then the namespace is released.
"""

import sys
import time

import baseline
import pool
from api import ApiError, connect, is_borrowed

SECONDS_TO_FINISH = 60
SECONDS_BETWEEN_LOOKS = 0.05
# An object still there by then waits for a finalizer whose controller went with the test.
SECONDS_TO_FINALIZE = 0.5
AT_ONCE = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
# Those of the first kinds can stand in the way of every other deletion. Those after the namespaces, which take
# nothing new once they are asked to go, make new pods for those that are removed.
FIRST = [
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "apiservices.apiregistration.k8s.io",
    "namespaces",
    "cronjobs.batch",
    "jobs.batch",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
]

AUTOMATIC = "kube-aggregator.kubernetes.io/automanaged"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


def order(resource):
    return FIRST.index(resource.key) if resource.key in FIRST else len(FIRST)


class Reset:
    """One run: looks at the whole cluster, removes what is left over, and looks again until nothing is."""

    def __init__(self, api, kept):
        self.api, self.kept = api, kept
        self.kept_namespaces = {line.split()[2] for line in kept if line.startswith("namespaces ")}
        # Since when each object is seen waiting for its finalizers, by uid.
        self.waiting = {}
        self.refusal = None

    def ask(self, call, *args, **options):
        """Calls the API. An object that is gone or not yet to be deleted is for the next look."""
        try:
            return call(*args, **options)
        except ApiError as error:
            self.refusal = error
            return None

    def is_kept(self, resource, metadata):
        """Whether an object is not of the tests, by what is known of itself."""
        if baseline.line(resource, metadata) in self.kept:
            return True
        stays = metadata.get("namespace") in self.kept_namespaces | {None}
        return stays and baseline.made_by_the_cluster(resource, metadata)

    def leftovers(self):
        """What tests made, as a list of (resource, metadata of its objects)."""
        everything = [
            (resource, self.ask(self.api.list, resource) or [])
            for resource in sorted(baseline.removable(self.api), key=order)
        ]
        kept = {each["uid"] for resource, objects in everything for each in objects if self.is_kept(resource, each)}
        # What belongs to something that is kept, as a new pod of an old Deployment does, is kept as well.
        size = 0
        while len(kept) > size:
            size = len(kept)
            for _, objects in everything:
                for each in objects:
                    if any(owner["uid"] in kept for owner in each.get("ownerReferences", [])):
                        kept.add(each["uid"])
        found = [(resource, [each for each in objects if each["uid"] not in kept]) for resource, objects in everything]
        return [(resource, objects) for resource, objects in found if objects]

    def remove(self, resource, objects):
        """Asks for the removal of objects of one kind, or helps it on where it was asked for before."""
        fresh = [each for each in objects if "deletionTimestamp" not in each]
        namespaces = {each["namespace"] for each in fresh if "namespace" in each} - self.kept_namespaces
        if "deletecollection" not in resource.verbs:
            namespaces = set()
        for namespace in namespaces:
            self.ask(self.api.delete, resource.path(namespace), **AT_ONCE)
        for each in objects:
            path = resource.path(each.get("namespace"), each["name"])
            if each in fresh:
                if each.get("namespace") not in namespaces:
                    self.ask(self.api.delete, path, **AT_ONCE)
            elif time.monotonic() - self.waiting.setdefault(each["uid"], time.monotonic()) > SECONDS_TO_FINALIZE:
                self.ask(self.api.merge, path, {"metadata": {"finalizers": None}})

    def release(self, name):
        """Lets an empty namespace go that has been asked to."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}}
        self.ask(self.api.request, "PUT", f"/api/v1/namespaces/{name}/finalize", body)

    def look(self):
        """Removes what is left over; returns what was found, as lines of a baseline."""
        found, occupied, leaving = [], set(), []
        leftovers = self.leftovers()
        kinds = {resource.key for resource, _ in leftovers}
        for resource, objects in leftovers:
            found += [baseline.line(resource, each) for each in objects]
            occupied |= {each.get("namespace") for each in objects}
            if resource.key == "namespaces":
                leaving = [each["name"] for each in objects if "deletionTimestamp" in each]
            if resource.key == DEFINITIONS:
                # Its controller looks again only after 5 s where it finds objects of the kind.
                objects = [each for each in objects if each["name"] not in kinds]
            # An API service that was made for a definition goes with it, and is made anew before that.
            objects = [each for each in objects if AUTOMATIC not in each.get("labels", {})]
            self.remove(resource, objects)
        for name in leaving:
            if name not in occupied:
                self.release(name)
        return found

    def restore_pool(self):
        """Replaces what tests used or changed of the pool; returns what is not yet as it was."""
        pending = []
        for path, wanted in pool.objects():
            name = wanted["metadata"]["name"]
            actual = self.api.find(f"{path}/{name}")
            if actual and pool.is_untouched(actual, wanted) and pool.is_ready(actual):
                continue
            pending.append(f"{wanted['kind']} {name}")
            if not actual:
                self.ask(self.api.post, path, wanted)
            elif not pool.is_untouched(actual, wanted):
                self.ask(self.api.delete, f"{path}/{name}", **AT_ONCE)
        return pending

    def until_none(self, step, what):
        """Repeats a step until it returns nothing more to do."""
        deadline = time.monotonic() + SECONDS_TO_FINISH
        while left := step():
            if time.monotonic() > deadline:
                shown = "; ".join(left[:10])
                sys.exit(f"error: cannot reset the cluster: after {SECONDS_TO_FINISH} s {what}: {shown} ({self.refusal})")
            time.sleep(SECONDS_BETWEEN_LOOKS)


def main():
    state = sys.argv[1]
    with connect(state) as api:
        run = Reset(api, baseline.read(state))
        run.until_none(run.look, "these are still there")
        if not is_borrowed(state):
            run.until_none(run.restore_pool, "these are not restored")
        # No one waits for these: the control plane may add one at any time.
        for namespace in run.kept_namespaces:
            run.ask(api.delete, f"/api/v1/namespaces/{namespace}/events")


if __name__ == "__main__":
    main()
