#!/usr/bin/env python3
"""The speed goals that need no cluster, measured on whole processes: from files to standard output.

    limits.py BINARY [FOLDER]    FOLDER holds pairs of real manifests, NAME-VERSION.yaml

Every case runs in turn with all others, so that a busy machine disturbs all of them alike. Printed are the medians of the
time and of the processor's time (user and system), the largest peak of memory, and the goal. A goal that is missed is
marked; on a busy machine look at the processor's time. The last lines are ratios of medians, and the counter that proves that
only changed documents are parsed.
"""

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 11
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n"


def config_map(name, lines):
    return HEAD.format(name) + "  file: |\n" + "".join(f"    {line}\n" for line in lines)


def settings(count, generation):
    """One ConfigMap; every 50th line differs between generations."""
    return config_map("large", (f"setting.number.{n} = some value {generation if n % 50 == 0 else 0}" for n in range(count)))


def config_maps(generation, every):
    """3,000 ConfigMaps of 2 KB; every so many differ between generations."""
    padding = "x" * 1900
    return "".join(
        f"---\n{HEAD.format(f'config-{n}')}  value: \"{generation if n % every == 0 else 0}\"\n  padding: {padding}\n"
        for n in range(3000)
    )


def deployments(prefix):
    """3,000 objects of one kind that are alike and have other names on each side."""
    return "".join(
        f"---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {prefix}-{n}\n  labels: {{app: x, n: l{n % 7}}}\n"
        f"spec:\n  replicas: {n % 5}\n  template:\n    spec:\n      containers:\n      - name: c\n        image: i:{n}\n"
        f"        args: [a{n % 40}, b{n % 50}, c{n % 60}]\n"
        for n in range(3000)
    )


def words(rng, count, letters, length):
    return ["".join(rng.choice(letters) for _ in range(rng.randint(1, length))) for _ in range(count)]


def make(folder):
    """Writes the made files. In a process of its own: what it needs would count as memory of the processes measured."""
    for number, texts in enumerate(made_texts()):
        for side, text in zip(("old", "new"), texts):
            (folder / f"{number}-{side}.yaml").write_text(text)


# Name, options, goal in ms (none: no goal is set), goal in MB.
MADE = [
    ("20,000 lines, every 50th changed", [], 30, None),
    ("200,000 lines, every 50th changed", [], None, None),
    ("3,000 ConfigMaps, every 10th changed", [], 150, 80),
    ("3,000 ConfigMaps, all changed", [], 150, 80),
    ("5 MB, few long lines", [], 1000, None),
    ("5 MB, all lines unique", [], 1000, None),
    ("5 MB, random lines, 2 letters", [], 1000, None),
    ("5 MB, random lines, 8 letters", [], 1000, None),
    ("5 MB, few lines again and again", [], 1000, None),
    ("5 MB, lines of many words", [], 1000, None),
    ("5 MB, shuffled", [], 1000, None),
    ("5 MB, reversed", [], 1000, None),
    ("3,000 × 3,000 renamed, -D 0.5", ["-D", "0.5", "-o", "paths"], 1000, None),
]


def made_texts():
    """The texts of both sides, in the order of MADE."""
    rng = random.Random(1)
    unique = [f"line number {n} of it" for n in range(200_000)]
    shuffled = rng.sample(unique, len(unique))
    yield [settings(20_000, g) for g in (0, 1)]
    yield [settings(200_000, g) for g in (0, 1)]
    yield [config_maps(g, 10) for g in (0, 1)]
    yield [config_maps(g, 1) for g in (0, 1)]
    yield [config_map("a", ("".join(rng.choices("abcdefghij .:", k=1_000_000)) for _ in range(5))) for _ in (0, 1)]
    yield [config_map("a", (f"{rng.getrandbits(120):x}" for _ in range(140_000))) for _ in (0, 1)]
    yield [config_map("a", words(rng, 500_000, "ab", 9)) for _ in (0, 1)]
    yield [config_map("a", words(rng, 550_000, "abcdefgh", 8)) for _ in (0, 1)]
    yield [config_map("a", rng.choices(["alpha beta", "gamma", "delta: x", "}", "{"], k=500_000)) for _ in (0, 1)]
    yield [config_map("a", words(rng, 3300, "ab.:,", 3000)) for _ in (0, 1)]
    yield [config_map("a", unique), config_map("a", shuffled)]
    yield [config_map("a", unique), config_map("a", unique[::-1])]
    yield [deployments("a"), deployments("b")]


def made_cases(folder):
    for number, (name, options, ms, mb) in enumerate(MADE):
        yield name, [str(folder / f"{number}-{side}.yaml") for side in ("old", "new")], options, ms, mb


def real_cases(folder):
    by_name = {}
    for file in Path(folder).glob("*.yaml"):
        match = re.fullmatch(r"(.+)-(\d+)\.(\d+)\.(\d+)", file.stem)
        if match:
            by_name.setdefault(match[1], []).append((tuple(map(int, match.groups()[1:])), str(file)))
    for name, versions in sorted(by_name.items()):
        if len(versions) > 1:
            versions.sort()
            files = [versions[0][1], versions[-1][1]]
            yield f"{name}, paths", files, ["-o", "paths"], 100, None
            yield f"{name}, text", files, ["-o", "text"], 60, None


def measure(command):
    """Milliseconds, those of the processor, and the peak of memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return took * 1000, (usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss * unit / 1e6


def parsed(command):
    stderr = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=True).stderr
    return int(re.search(r"(\d+) documents parsed", stderr)[1])


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if sys.argv[1] == "--make":
        return make(Path(sys.argv[2]))
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--make", folder], check=True)
        cases = [*made_cases(Path(folder)), *(real_cases(sys.argv[2]) if len(sys.argv) == 3 else [])]
        commands = {name: [binary, "revdiff", "manifest", *files, *options] for name, files, options, _, _ in cases}
        print(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())} on {os.cpu_count()} processors, {ROUNDS} rounds")
        results = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                results[name].append(measure(command))
        print(f"{'median of whole processes':<38} {'time':>9} {'processor':>9} {'memory':>8}   goal")
        medians = {}
        for name, _, _, ms, mb in cases:
            took, processor, memory = zip(*results[name])
            medians[name] = (statistics.median(took), statistics.median(processor))
            goals = [f"{ms} ms"] if ms else []
            goals += [f"{mb} MB"] if mb else []
            missed = (ms and medians[name][0] > ms) or (mb and max(memory) > mb)
            print(f"{name:<38} {medians[name][0]:>6.1f} ms {medians[name][1]:>6.1f} ms {max(memory):>5.1f} MB   "
                  f"{', '.join(goals)}{'  MISSED' if missed else ''}")
        small, large = medians["20,000 lines, every 50th changed"], medians["200,000 lines, every 50th changed"]
        print(f"ten times the lines take {large[0] / small[0]:.1f} times as long, {large[1] / small[1]:.1f} times the processor's time (goal: 11)")
        print(f"of 6,000 documents, of which 600 differ, {parsed(commands['3,000 ConfigMaps, every 10th changed'])} are parsed")
        print(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())} at the end")


if __name__ == "__main__":
    main()
