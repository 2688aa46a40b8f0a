#!/usr/bin/env python3
"""End-to-end benchmark: `helm revdiff` against `helm get manifest` twice, on one release of two revisions.

  tests/cluster/testcluster with tests/bench/end_to_end.py [--runs N] OLD.yaml NEW.yaml

The two manifests become two revisions of a release, stored as Helm stores them. The commands are timed in turn
(A B A B …), each as a whole process; printed are medians, the fastest and slowest run, and the median of the ratios.
Needs: BINARY (path of helm-safe-upgrade), HELM3, HELM4 and what `testcluster with` sets.
"""
import argparse
import base64
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from api import Api  # noqa: E402 (found next to the test cluster)

NAMESPACE = "default"
RELEASE = "bench-web"


def store(api, revision, manifest, status):
    record = {
        "name": RELEASE, "namespace": NAMESPACE, "version": revision,
        "info": {"first_deployed": "2026-01-01T00:00:00Z", "last_deployed": "2026-01-01T00:00:00Z", "deleted": "",
                 "description": "Upgrade complete", "status": status, "notes": "notes"},
        "chart": {"metadata": {"name": "bench", "version": f"{revision}.0.0", "apiVersion": "v2"}, "lock": None, "values": {"replicas": 1}, "schema": None, "files": [],
                  "templates": [{"name": "templates/all.yaml", "data": base64.b64encode(manifest.encode()).decode()}]},
        "config": {"replicas": revision}, "manifest": manifest, "hooks": [],
    }
    name = f"sh.helm.release.v1.{RELEASE}.v{revision}"
    payload = base64.b64encode(gzip.compress(json.dumps(record).encode(), 9))
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    api.post(secrets, {
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": name, "labels": {"owner": "helm", "name": RELEASE, "status": status, "version": str(revision)}},
        "data": {"release": base64.b64encode(payload).decode()}})
    return len(payload)


def timed(commands):
    """Seconds and peak memory (KB) of commands run one after another."""
    started = time.perf_counter()
    peak = 0
    for command in commands:
        with open(os.devnull, "w") as sink:
            child = subprocess.Popen(command, stdout=sink, stderr=subprocess.PIPE)
        error = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.stderr.close()
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"{command} failed: {error.decode()}")
        peak = max(peak, usage.ru_maxrss)
    return time.perf_counter() - started, peak


def row(name, times, peak):
    ms = lambda seconds: f"{seconds * 1000:8.1f}"
    print(f"  {name:<44}{ms(statistics.median(times))}{ms(min(times))}{ms(max(times))} ms {peak / 1024:7.1f} MB")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=15)
    options.add_argument("old")
    options.add_argument("new")
    options = options.parse_args()
    binary = os.environ["BINARY"]
    api = Api.of_state(os.environ["HSU_TEST_CLUSTER"])
    sizes = [store(api, 1, pathlib.Path(options.old).read_text(), "superseded"), store(api, 2, pathlib.Path(options.new).read_text(), "deployed")]
    api.close()
    print(f"{options.old} → {options.new}, records of {sizes[0] // 1000} and {sizes[1] // 1000} KB; {options.runs} runs in turn")
    print(f"  {'':<44}{'median':>8}{'fastest':>8}{'slowest':>8}    {'peak':>7}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home
        ours = [("revdiff 1 2", [[binary, "revdiff", RELEASE, "1", "2"]]), ("revdiff 1 2 -o json", [[binary, "revdiff", RELEASE, "1", "2", "-o", "json"]]),
                ("revdiff (finds the last two)", [[binary, "revdiff", RELEASE]]), ("--version (start-up)", [[binary, "--version"]])]
        theirs = [(f"{name}: get manifest, twice", [[os.environ[name], "get", "manifest", RELEASE, "--revision", r] for r in ("1", "2")]) for name in ("HELM3", "HELM4")]
        all_times = {name: [] for name, _ in ours + theirs}
        peaks = dict.fromkeys(all_times, 0)
        for turn in range(options.runs + 1):
            for name, commands in ours + theirs:
                seconds, peak = timed(commands)
                if turn > 0:
                    all_times[name].append(seconds)
                    peaks[name] = max(peaks[name], peak)
        for name, times in all_times.items():
            row(name, times, peaks[name])
        for name, _ in theirs:
            ratios = [a / b for a, b in zip(all_times["revdiff 1 2"], all_times[name])]
            print(f"  ratio revdiff 1 2 / {name}: {statistics.median(ratios):.2f} (median of pairs)")


if __name__ == "__main__":
    main()
