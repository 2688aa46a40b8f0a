#!/usr/bin/env python3
"""Benchmark of `helm safe-upgrade batch`: many small releases at the same time against one after the other, and its memory.

  tests/cluster/testcluster with tests/bench/batch.py [--releases N] [--concurrency N] [--helm 3|4] [--runs N]

A release is a chart of one Deployment. All are installed by a batch; then each run upgrades all of them once one after the other, and
once so many at the same time: first with pods that are ready 3 s after they are made, as real ones may be at best, then with pods that
are ready at once, so that nothing is left but work. Printed are the medians and their ratios. The memory is the most that
this program itself had resident (VmHWM), with all releases and with a fifth of them, for it should not grow with their number.
Needs: BINARY (path of helm-safe-upgrade), HELM3, HELM4 and what `testcluster with` sets.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
import api  # noqa: E402 the client is the test cluster's

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec: {containers: [{name: main, image: "example.com/app:{{ .Values.tag }}"}]}
"""


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def resident(process):
    """The most that a process had resident so far, in MB."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found.group(1)) / 1024 if found else 0


class Bench:
    def __init__(self, folder, helm):
        self.folder, self.tag = folder, 0
        self.environment = {**os.environ, "HELM_BIN": helm, "HOME": str(folder), "HELM_NAMESPACE": "batch-bench"}
        write(folder, "app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n")
        write(folder, "app/values.yaml", 'tag: "0"\n')
        write(folder, "app/templates/deployment.yaml", DEPLOYMENT)

    def run(self, releases, concurrency, pods=""):
        """Upgrades so many releases to an image that they don't have; seconds and MB. What the pods do stands in its tag."""
        self.tag += 1
        lines = "".join(f"- {{release: app-{number:03}}}\n" for number in range(releases))
        plan = f'defaults: {{chart: app, install: true, set: [tag=v{self.tag}{pods}]}}\nreleases:\n{lines}'
        write(self.folder, "plan.yaml", plan)
        command = [os.environ["BINARY"], "batch", "plan.yaml", "--yes", "-o", "json", f"--concurrency={concurrency}"]
        most, started = 0, time.monotonic()
        with open(self.folder / "events", "wb") as events, open(self.folder / "errors", "wb") as errors:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=events, stderr=errors)
            while process.poll() is None:
                most = max(most, resident(process.pid))
                time.sleep(0.02)
        seconds = time.monotonic() - started
        last = json.loads((self.folder / "events").read_text().splitlines()[-1])
        outcomes = [release["outcome"] for release in last["batch"]["releases"]]
        if process.returncode != 0 or outcomes != ["upgraded"] * releases:
            sys.exit(f"a batch failed: {outcomes}\n{(self.folder / 'errors').read_text()}")
        return seconds, most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--releases", type=int, default=50)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--helm", choices=["3", "4"], default="4")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with api.connect(os.environ["HSU_TEST_CLUSTER"]) as client:
        if client.find("/api/v1/namespaces/batch-bench") is None:
            client.post("/api/v1/namespaces", {"metadata": {"name": "batch-bench"}})
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder), os.environ[f"HELM{asked.helm}"])
        bench.run(asked.releases, asked.concurrency)
        print(f"{asked.releases} releases with Helm {asked.helm}, {asked.runs} runs")
        memory = [compare(bench, asked, title, pods) for title, pods in (("ready after 3 s", "-slow"), ("ready at once", ""))]
        few = bench.run(max(asked.releases // 5, 1), asked.concurrency)[1]
    print(f"  memory                 {max(memory):7.0f} MB; with {max(asked.releases // 5, 1)} releases {few:.0f} MB")


def compare(bench, asked, title, pods):
    """Prints what it takes with such pods; the most memory in MB."""
    one, many, memory = [], [], []
    for _ in range(asked.runs):
        one.append(bench.run(asked.releases, 1, pods)[0])
        seconds, most = bench.run(asked.releases, asked.concurrency, pods)
        many.append(seconds)
        memory.append(most)
    before, after = statistics.median(one), statistics.median(many)
    print(f"  pods that are {title}")
    print(f"    one after the other  {before:7.1f} s  ({min(one):.1f} to {max(one):.1f})")
    print(f"    {asked.concurrency} at the same time   {after:7.1f} s  ({min(many):.1f} to {max(many):.1f})")
    print(f"    ratio                {after / before:7.2f}", flush=True)
    return max(memory)


main()
