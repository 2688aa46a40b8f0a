#!/usr/bin/env python3
"""Benchmark of the time to a verdict, on the test cluster and with both Helms, each in turn with Helm's own way.

  tests/cluster/testcluster with tests/bench/verdict.py [--runs N]

A release of one Deployment with two pods and a proven revision is upgraded. Printed are medians, fastest and slowest, and the load of the
machine beside them:

  rolled back   from the start of `helm safe-upgrade` with an image that cannot be pulled to rolled back and proven, beside
                `helm upgrade --atomic --timeout 60s` (--rollback-on-failure with Helm 4), which waits for its timeout
  acted         from the end of the grace of the sign that failed it to the beginning of the rollback
  reported      from the last object being ready, as a watch tells, to the report of a successful upgrade
  upgraded      a whole upgrade that succeeds, beside `helm upgrade --wait`

Needs: PROGRAM (path of helm-safe-upgrade, a release build), and what `testcluster with` sets.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/faults"))

from release import EXIT_OK, EXIT_ROLLED_BACK, NAME, Api, Release, World, upgrade  # noqa: E402


def seconds(text):
    """A time of RFC 3339, in seconds since 1970. Python 3.9 reads no more than microseconds."""
    head, _, fraction = text.rstrip("Z").partition(".")
    whole = datetime.datetime.fromisoformat(head).replace(tzinfo=datetime.timezone.utc).timestamp()
    return whole + float(f"0.{fraction or 0}")


class Watch:
    """Watches the Deployment, and notes when its newest revision became ready."""

    def __init__(self, world, namespace):
        self.api, self.ready = Api.of_state(world.state, timeout=120), None
        at = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        found = self.api.get(at)
        self.generation = found["items"][0]["metadata"]["generation"]
        version = found["metadata"]["resourceVersion"]
        self.api.connection.request("GET", f"{at}?watch=1&resourceVersion={version}", headers=self.api.headers)
        self.answer = self.api.connection.getresponse()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.answer:
                one = json.loads(line)["object"]
                status, wanted, generation = one["status"], one["spec"]["replicas"], one["metadata"]["generation"]
                counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
                is_new = generation > self.generation and status.get("observedGeneration") == generation
                if is_new and counts == [wanted] * 4 and self.ready is None:
                    self.ready = time.time()
        except (OSError, ValueError, AttributeError):
            pass  # it was closed


def expect(code, expected, what):
    if code != expected:
        sys.exit(f"error: {what} ended with {code}, and not {expected}")


def plain(release, what, *flags):
    """Seconds of Helm's own upgrade, and its exit code."""
    began = time.monotonic()
    command = [release.helm, "upgrade", NAME, *what.arguments(), "-n", release.namespace, *flags]
    code = subprocess.run(command, env=release.world.environment, capture_output=True).returncode
    return time.monotonic() - began, code


def guarded(release, what, expected):
    began = time.monotonic()
    process = release.start(what)
    expect(process.wait(150), expected, f"helm safe-upgrade ({what.kind})")
    return time.monotonic() - began, [event for _, event in process.events]


def measure(world, helm, runs):
    times = {}

    def note(what, value):
        times.setdefault(what, []).append(value)

    release = Release(world, f"bench-{helm.lower()}", helm)
    release.install()
    number = 1
    for _ in range(runs):
        number += 1
        whole, events = guarded(release, upgrade("missing", number), EXIT_ROLLED_BACK)
        note("rolled back: helm safe-upgrade", whole)
        # A grace of one length; that of an image ends at once with the second back-off.
        number += 1
        _, events = guarded(release, upgrade("crash", number), EXIT_ROLLED_BACK)
        rollback = next(event["time"] for event in events if event["event"] == "begun" and event["task"] == "rollback")
        verdict = next(event["time"] for event in events if event["event"] == "verdict" and event["task"] == "upgrade")
        signs = [sign for event in events if event["event"] == "progress" and event["task"] == "upgrade" for sign in event["signs"]]
        due = min(seconds(sign["due"]) for sign in signs if sign["due"] and seconds(sign["due"]) <= seconds(verdict))
        note("acted: end of the grace to the rollback", seconds(rollback) - due)
        number += 1
        flag = "--atomic" if helm == "HELM3" else "--rollback-on-failure"
        whole, code = plain(release, upgrade("missing", number), flag, "--timeout", "60s")
        expect(code, 1, f"helm upgrade {flag}")
        note(f"rolled back: helm upgrade {flag} --timeout 60s", whole)
    for _ in range(runs):
        number += 1
        watch = Watch(world, release.namespace)
        whole, events = guarded(release, upgrade("good", number), EXIT_OK)
        done = next(event["time"] for event in events if event["event"] == "done")
        note("reported: last object ready to the report", seconds(done) - watch.ready)
        note("upgraded: helm safe-upgrade", whole)
        number += 1
        whole, code = plain(release, upgrade("good", number), "--wait")
        expect(code, EXIT_OK, "helm upgrade --wait")
        note("upgraded: helm upgrade --wait", whole)
    release.remove()
    print(f"\n{helm}: {runs} runs in turn; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    for what, values in times.items():
        print(f"  {what:<58}{statistics.median(values):7.2f}{min(values):7.2f}{max(values):7.2f} s", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        for helm in ("HELM3", "HELM4"):
            measure(world, helm, options.runs)


if __name__ == "__main__":
    main()
