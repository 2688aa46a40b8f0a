#!/usr/bin/env python3
"""Benchmark of a proposed upgrade: `helm revdiff upgrade` against helm-diff and against Helm's own dry run.

  tests/cluster/testcluster with tests/bench/upgrade.py [--runs N] [--manifests OLD.yaml NEW.yaml]

A small chart (tests/charts/web), one of 150 objects made up here, and with --manifests one made of two rendered
manifests, without their custom resources and hooks. The commands are timed in turn (A B C A B C …), each as a whole process; printed are
medians, fastest and slowest, and medians of the ratios.

`helm child` is the one Helm process that `helm revdiff upgrade` runs, alone: what is above it is our own time.
Needs: BINARY (path of helm-safe-upgrade), HELM3, HELM4 and what `testcluster with` sets. DIFF_PLUGIN (path of
helm-diff's binary) is optional: without it these rows are left out.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def made_up(folder, version, count=150):
    """A chart of many objects, of which the image and one setting differ between versions."""
    templates = folder / "templates"
    templates.mkdir(parents=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: many\nversion: {version}.0.0\n")
    (folder / "values.yaml").write_text("replicas: 1\n")
    head = "metadata:\n  name: {{ .Release.Name }}-%d\n  labels:\n    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}\n"
    for number in range(count // 3):
        labels = f"{{app: a{number}}}"
        (templates / f"deployment-{number}.yaml").write_text(
            "apiVersion: apps/v1\nkind: Deployment\n" + head % number + f"spec:\n  replicas: {{{{ .Values.replicas }}}}\n  selector: {{matchLabels: {labels}}}\n"
            f"  template:\n    metadata: {{labels: {labels}}}\n    spec:\n      containers:\n      - name: main\n        image: app:{version}\n")
        (templates / f"service-{number}.yaml").write_text(
            "apiVersion: v1\nkind: Service\n" + head % number + f"spec:\n  selector: {labels}\n  ports: [{{port: 80}}]\n")
        lines = "".join(f"    key{line} = {line if line % 40 else version}\n" for line in range(200))
        (templates / f"configmap-{number}.yaml").write_text("apiVersion: v1\nkind: ConfigMap\n" + head % number + "data:\n  settings: |\n" + lines)


def of_manifest(folder, version, manifest):
    """A chart that renders a manifest as it is, without custom resources, whose definitions the cluster lacks."""
    (folder / "templates").mkdir(parents=True)
    (folder / "files").mkdir()
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: real\nversion: {version}.0.0\n")
    for number, document in enumerate(re.split(r"^---\s*$", manifest.read_text(), flags=re.M)):
        if document.strip() and not any(word in document for word in ("apiVersion: monitoring.coreos.com", "helm.sh/hook")):
            document = re.sub(r"^(  namespace:) \S+$", r"\1 default", document, flags=re.M)
            (folder / "files" / f"{number}.yaml").write_text(document)
            (folder / "templates" / f"{number}.yaml").write_text('{{ .Files.Get "files/%d.yaml" }}' % number)


def timed(command, environment, stdin=None):
    """Seconds that a command takes."""
    before = time.perf_counter()
    with open(os.devnull, "w") as sink:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.PIPE, env=environment)
        _, error = child.communicate(stdin)
    seconds = time.perf_counter() - before
    if child.returncode not in (0, 2):
        sys.exit(f"{command} failed: {error.decode()}")
    return seconds


def stored(name, chart):
    """A release as Helm's storage in memory reads it."""
    when = "2026-01-01T00:00:00Z"
    info = {"status": "deployed", "first_deployed": when, "last_deployed": when}
    metadata = {"name": chart, "version": "1.0.0", "apiVersion": "v2"}
    return json.dumps([{"name": name, "namespace": "default", "version": 1, "info": info, "chart": {"metadata": metadata, "values": {}}, "config": {}}]).encode()


def compare(name, old, new, arguments, runs):
    for helm in ("HELM3", "HELM4"):
        binary = os.environ[helm]
        environment = dict(os.environ, HELM_BIN=binary, HELM_NAMESPACE="default")
        subprocess.run([binary, "install", "bench", old, *arguments, "--disable-openapi-validation"], check=True, stdout=subprocess.DEVNULL)
        in_memory = dict(environment, HELM_DRIVER="memory", HELM_MEMORY_DRIVER_DATA="/dev/stdin")
        dry = [binary, "upgrade", "bench", str(new), *arguments, "--dry-run=server", "-o", "json"]
        commands = {
            "revdiff upgrade": ([os.environ["BINARY"], "revdiff", "upgrade", "bench", str(new), *arguments], environment, None),
            "helm child": ([*dry, "--install"], in_memory, stored("bench", name)),
            "helm upgrade --dry-run=server": (dry, environment, None),
        }
        if os.environ.get("DIFF_PLUGIN"):
            commands["helm-diff upgrade"] = ([os.environ["DIFF_PLUGIN"], "upgrade", "bench", str(new), *arguments], environment, None)
        times = {key: [] for key in commands}
        for turn in range(runs + 1):
            for key, (command, surroundings, stdin) in commands.items():
                seconds = timed(command, surroundings, stdin)
                if turn > 0:
                    times[key].append(seconds)
        subprocess.run([binary, "uninstall", "bench"], check=True, stdout=subprocess.DEVNULL)
        print(f"\n{name}, {helm}: {runs} runs in turn")
        for key, seconds in times.items():
            ms = [statistics.median(seconds) * 1000, min(seconds) * 1000, max(seconds) * 1000]
            print(f"  {key:<32}{ms[0]:9.1f}{ms[1]:9.1f}{ms[2]:9.1f} ms")
        pairs = lambda other: list(zip(times["revdiff upgrade"], times[other]))
        print(f"  above its helm child: {statistics.median(a - b for a, b in pairs('helm child')) * 1000:.1f} ms")
        for other in list(commands)[2:]:
            print(f"  ratio to {other}: {statistics.median(a / b for a, b in pairs(other)):.2f}")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--manifests", nargs=2, type=pathlib.Path, metavar=("OLD", "NEW"))
    options = options.parse_args()
    if not os.environ.get("DIFF_PLUGIN"):
        print("helm-diff: left out, DIFF_PLUGIN names no binary")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        os.environ["HOME"] = str(folder)
        web = ROOT / "tests/charts/web"
        next_web = folder / "web"
        shutil.copytree(web, next_web)
        compare("small", web, next_web, ["-f", str(web / "values-v2.yaml")], options.runs)
        made_up(folder / "many1", 1)
        made_up(folder / "many2", 2)
        compare("150 objects", folder / "many1", folder / "many2", [], options.runs)
        if options.manifests:
            of_manifest(folder / "real1", 1, options.manifests[0])
            of_manifest(folder / "real2", 2, options.manifests[1])
            compare("real", folder / "real1", folder / "real2", [], options.runs)


if __name__ == "__main__":
    main()
