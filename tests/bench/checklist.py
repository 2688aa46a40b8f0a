#!/usr/bin/env python3
"""Benchmark of the checklist: what `helm safe-upgrade check` takes beside the diff of the same upgrade.

  tests/cluster/testcluster with tests/bench/checklist.py [--runs N] [--manifests OLD.yaml NEW.yaml]

The charts are those of upgrade.py: one of 150 objects made up here, and with --manifests one made of two rendered manifests.
The commands are timed in turn, each as a whole process; printed are medians, fastest and slowest, and the median of what the
checklist takes more. Needs: BINARY (path of helm-safe-upgrade), HELM3, HELM4 and what `testcluster with` sets.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import upgrade  # noqa: E402 the charts are the same


# Seconds until the controllers have made what an installation asks for.
QUIET = 15


def timed(command, environment):
    """Seconds that a command takes, and its exit code: a finding that blocks is no failure here."""
    before = time.perf_counter()
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    seconds = time.perf_counter() - before
    if ended.returncode not in (0, 2, 3):
        sys.exit(f"{command} failed: {ended.stderr.decode()}")
    return seconds, ended.returncode


def compare(name, old, new, runs):
    for helm in ("HELM3", "HELM4"):
        binary = os.environ[helm]
        environment = dict(os.environ, HELM_BIN=binary, HELM_NAMESPACE="default")
        subprocess.run([binary, "install", "bench", old, "--disable-openapi-validation"], check=True, stdout=subprocess.DEVNULL)
        # What the controllers do with what is new is no part of the checklist.
        time.sleep(QUIET)
        program = os.environ["BINARY"]
        commands = {
            "revdiff upgrade": [program, "revdiff", "upgrade", "bench", str(new)],
            "safe-upgrade check": [program, "check", "bench", str(new)],
        }
        times, codes = {key: [] for key in commands}, {}
        for turn in range(runs + 1):
            for key, command in commands.items():
                seconds, codes[key] = timed(command, environment)
                if turn > 0:
                    times[key].append(seconds)
        subprocess.run([binary, "uninstall", "bench"], check=True, stdout=subprocess.DEVNULL)
        print(f"\n{name}, {helm}: {runs} runs in turn")
        for key, seconds in times.items():
            ms = [statistics.median(seconds) * 1000, min(seconds) * 1000, max(seconds) * 1000]
            print(f"  {key:<32}{ms[0]:9.1f}{ms[1]:9.1f}{ms[2]:9.1f} ms   exit code {codes[key]}")
        more = [check - diff for diff, check in zip(*times.values())]
        print(f"  the checklist takes {statistics.median(more) * 1000:.1f} ms more")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--manifests", nargs=2, type=pathlib.Path, metavar=("OLD", "NEW"))
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        os.environ["HOME"] = str(folder)
        upgrade.made_up(folder / "many-1", 1)
        upgrade.made_up(folder / "many-2", 2)
        compare("150 objects", folder / "many-1", folder / "many-2", options.runs)
        if options.manifests:
            for version, manifest in enumerate(options.manifests, 1):
                upgrade.of_manifest(folder / f"real-{version}", version, manifest)
            compare("the manifests", folder / "real-1", folder / "real-2", options.runs)


if __name__ == "__main__":
    main()
