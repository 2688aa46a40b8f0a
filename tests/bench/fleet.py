#!/usr/bin/env python3
"""Benchmark of reading many releases: `helm safe-upgrade list -A` against `helm list -A --max 0` and a raw read of the same bytes.

  tests/cluster/testcluster with tests/bench/fleet.py [--releases N] [--revisions N] [--larger N] [--runs N] [--no-helm]

A generator makes the storage objects of N releases by the API, each with as many revisions, in the form and the order in which Helm
writes them; a record inflates to about 400 KB and takes about 60 KB, as that of a chart of some size does. The last revision is
deployed, two of a hundred releases failed at it, and one is pending. With 5,000 revisions the control plane takes some 12 GB.

Each command is a whole process, timed in turn; printed are the medians, fastest and slowest, and the most memory that was resident.
The raw read asks for the pages that `list` asks for, in the same form and in JSON, and throws the bytes away. `--larger` times `list`
again with so many releases.
Needs: BINARY (path of helm-safe-upgrade), HELM3, HELM4 and what `testcluster with` sets.
"""
import argparse
import base64
import concurrent.futures
import json
import os
import pathlib
import random
import resource
import statistics
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
import api  # noqa: E402 the client is the test cluster's

CHARTS = ["nginx", "redis", "postgresql", "payments", "search"]
VERSIONS = ["18.2.0", "18.1.0", "17.3.3", "17.3.2", "16.0.1"]
NAMESPACES = 25
PROTOBUF = "application/vnd.kubernetes.protobuf"
# What the record of a chart of some size holds besides, in bytes before it is packed.
TEMPLATES, MANIFEST = 240_000, 140_000


def lines_of_text(count=100):
    """So few lines that what is made of them packs about as well as templates do."""
    rng = random.Random(1)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 12))) for _ in range(6000)]
    line = lambda: "  " * rng.randint(0, 5) + rng.choice(vocabulary) + ": " + " ".join(rng.choices(vocabulary, k=rng.randint(1, 6)))
    return [line() for _ in range(count)]


LINES = lines_of_text()


def words(seed, size):
    """So much of that text, another one for each seed."""
    rng = random.Random(seed)
    return "\n".join(rng.choices(LINES, k=size // 34))


class Chart:
    """What all records of a chart's version have in common, packed once."""

    def __init__(self, name, version):
        self.name, self.version = name, version
        templates = [{"name": f"templates/{n}.yaml", "data": base64.b64encode(words(f"{name}{version}{n}", TEMPLATES // 40).encode()).decode()}
                     for n in range(30)]
        metadata = {"name": name, "home": "https://example.com", "version": version, "description": f"A chart of {name}",
                    "keywords": [name, "bench"], "apiVersion": "v2", "appVersion": f"1.{version}"}
        chart = {"metadata": metadata, "lock": None, "templates": templates, "values": {"replicas": 1}, "schema": None, "files": []}
        manifest = words(f"manifest {name}{version}", MANIFEST)
        text = f',"chart":{json.dumps(chart)},"config":{{"replicas":2}},"manifest":{json.dumps(manifest)}'
        self.text = text.encode()
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.packed = packer.compress(self.text) + packer.flush(zlib.Z_FULL_FLUSH)

    def record(self, release, namespace, revision, status):
        """The payload of a revision: base64 of one gzip member, of which the middle was packed before."""
        info = {"first_deployed": "2026-01-01T10:00:00.5Z", "last_deployed": f"2026-11-{revision % 20 + 1:02}T10:00:00.123456789Z", "deleted": "",
                "description": "Upgrade complete", "status": status, "notes": "1. Get the application URL\n" * 20}
        head = f'{{"name":"{release}","info":{json.dumps(info)}'.encode()
        tail = f',"version":{revision},"namespace":"{namespace}"}}'.encode()
        first, last = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.compressobj(6, zlib.DEFLATED, -15)
        whole = head + self.text + tail
        packed = (b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + first.compress(head) + first.flush(zlib.Z_FULL_FLUSH) + self.packed
                  + last.compress(tail) + last.flush() + struct.pack("<II", zlib.crc32(whole), len(whole)))
        return base64.b64encode(packed)


def secret(chart, release, namespace, revision, status):
    labels = {"name": release, "owner": "helm", "status": status, "version": str(revision), "createdAt": "1763719200", "modifiedAt": "1763719201"}
    if status == "deployed" and zlib.crc32(release.encode()) % 3:
        labels["safe-upgrade/proven"] = f"{revision}.1763719200"
    return {"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": {"name": f"sh.helm.release.v1.{release}.v{revision}", "namespace": namespace, "labels": labels},
            "data": {"release": base64.b64encode(chart.record(release, namespace, revision, status)).decode()}}


def status_of(number, revision, newest):
    if revision < newest - 1:
        return "superseded"
    last = {7: "failed", 57: "failed", 33: "pending-upgrade"}.get(number % 100, "deployed")
    if revision == newest:
        return last
    return "deployed" if last != "deployed" else "superseded"


def generate(state, numbers, revisions):
    """Makes the releases of these numbers."""
    charts = {(name, version): Chart(name, version) for name in CHARTS for version in VERSIONS}
    with api.connect(state) as client:
        for number in range(NAMESPACES):
            if client.find(f"/api/v1/namespaces/fleet-{number}") is None:
                client.post("/api/v1/namespaces", {"metadata": {"name": f"fleet-{number}"}})
        there = {meta["name"] for meta in client.list(api.Resource("", "v1", "secrets", True, []))}
    connections = threading.local()

    def send(path, body):
        for attempt in range(9):
            try:
                return connections.client.request("POST", path, body)
            except (api.ApiError, OSError) as error:
                # A store that is busy is tried again; what it had taken all the same is there by then.
                if getattr(error, "status", 500) == 409:
                    return None
                if getattr(error, "status", 500) < 500 or attempt == 8:
                    raise
                time.sleep(1 + attempt)

    def make(number):
        if not hasattr(connections, "client"):
            connections.client = api.Api.of_state(state)
        namespace, release = f"fleet-{number % NAMESPACES}", f"app-{number:05}"
        for revision in range(1, revisions + 1):
            chart = charts[CHARTS[number % len(CHARTS)], VERSIONS[(number // 7 + (revisions - revision) // 3) % len(VERSIONS)]]
            body = secret(chart, release, namespace, revision, status_of(number, revision, revisions))
            if body["metadata"]["name"] not in there:
                send(f"/api/v1/namespaces/{namespace}/secrets?fieldManager=helm", body)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(make, numbers))


# A raw read: each page into nothing. It runs in a process of its own, as what it is compared with does.
RAW = r"""
import http.client, json, re, ssl, sys, urllib.parse
address, token, ca, requests = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])

def next_page(head):
    # What the list's metadata say, which come first in either form.
    found = re.search(rb'"continue":"([^"]+)"', head) or re.search(rb'\x1a[\x80-\xff]*[\0-\x7f](eyJ[A-Za-z0-9_-]+)', head[:1500])
    return found.group(1).decode() if found else ''

connection = http.client.HTTPSConnection(address.hostname, address.port, context=ssl.create_default_context(cafile=ca))
total = 0
for path, accept in requests:
    more = ''
    while True:
        connection.request('GET', path + more, headers={'Authorization': 'Bearer ' + token, 'Accept': accept})
        answer, head = connection.getresponse(), b''
        while piece := answer.read(1 << 20):
            total += len(piece)
            head = head or piece[:4000]
        if answer.status != 200: sys.exit(f'{path}: {answer.status}')
        if not (rest := next_page(head)): break
        more = '&continue=' + urllib.parse.quote(rest)
print(total)
"""


def raw(state, metadata, content):
    """A read of all that `list` reads, in these forms."""
    state = pathlib.Path(state)
    token = next(line.split(",")[0] for line in (state / "tokens.csv").read_text().splitlines() if line.split(",")[1] == "admin")
    secrets, owner = "/api/v1/secrets?limit=500&labelSelector=", urllib.parse.quote("owner=helm")
    requests = [[secrets + owner, metadata], [secrets + owner + urllib.parse.quote(",status=deployed"), content]]
    return [sys.executable, "-c", RAW, (state / "server").read_text().strip(), token, str(state / "pki/ca.crt"), json.dumps(requests)]


def timed(command, environment):
    """Seconds that a command takes, the most memory it has resident in MB, and what it prints."""
    program = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(code)"
    before = time.perf_counter()
    ended = subprocess.run([sys.executable, "-S", "-c", program, *command], stdin=subprocess.DEVNULL, capture_output=True, env=environment)
    seconds = time.perf_counter() - before
    if ended.returncode:
        sys.exit(f"{command} failed: {ended.stderr.decode()}")
    return seconds, int(ended.stderr.split()[-1]) / 1024, ended.stdout


def measure(title, commands, runs):
    print(f"\n{title}")
    # What starts a process and measures it is the same for all, and is taken off.
    idle = statistics.median(timed(["true"], dict(os.environ))[0] for _ in range(5))
    medians = {}
    for name, (command, times) in commands.items():
        environment = dict(os.environ, HELM_NAMESPACE="default")
        measured = [timed(command, environment) for _ in range(times or runs)]
        seconds = [one[0] - idle for one in measured]
        medians[name] = statistics.median(seconds)
        print(f"  {name:<36}{medians[name]:8.3f}{min(seconds):8.3f}{max(seconds):8.3f} s   {max(one[1] for one in measured):7.0f} MB")
    return medians


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--releases", type=int, default=500)
    options.add_argument("--revisions", type=int, default=10)
    options.add_argument("--larger", type=int, default=0, help="measure again with so many releases")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--no-helm", action="store_true", help="leave helm list out")
    options.add_argument("--only-generate", action="store_true")
    options = options.parse_args()
    state = os.environ["HSU_TEST_CLUSTER"]
    before = time.perf_counter()
    generate(state, range(options.releases), options.revisions)
    print(f"made {options.releases} releases with {options.revisions} revisions in {time.perf_counter() - before:.0f} s")
    if options.only_generate:
        return
    program = os.environ["BINARY"]
    ours = {
        "raw read, JSON": (raw(state, api.METADATA_ONLY, "application/json"), 0),
        "raw read of the same bytes": (raw(state, f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", PROTOBUF), 0),
        "list -A": ([program, "list", "-A"], 0),
        "list -A -o json": ([program, "list", "-A", "-o", "json"], 0),
        "list -A --failed": ([program, "list", "-A", "--failed"], 0),
        "versions -A": ([program, "versions", "-A"], 0),
    }
    if not options.no_helm:
        for helm in ("HELM3", "HELM4"):
            ours[f"{helm.lower()} list -A --max 0"] = ([os.environ[helm], "list", "-A", "--max", "0", "-o", "json"], 1)
    medians = measure(f"{options.releases} releases, {options.revisions} revisions each", ours, options.runs)
    for name in ("raw read of the same bytes", "raw read, JSON"):
        print(f"  list -A takes {medians['list -A'] / medians[name]:.2f} of the {name}")
    for helm in ("helm3", "helm4"):
        if f"{helm} list -A --max 0" in medians:
            print(f"  list -A takes {medians['list -A'] / medians[f'{helm} list -A --max 0']:.4f} of {helm} list")
    if options.larger > options.releases:
        generate(state, range(options.releases, options.larger), options.revisions)
        some = {name: command for name, command in ours.items() if not name.startswith("helm")}
        larger = measure(f"{options.larger} releases, {options.revisions} revisions each", some, options.runs)
        factor = larger["list -A"] / medians["list -A"]
        print(f"  {options.larger / options.releases:.0f} times the releases take {factor:.1f} times as long")


if __name__ == "__main__":
    main()
