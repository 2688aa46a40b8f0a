"""The places an installation happens in: a plugin folder, a private Helm home, a server of releases and clones."""

import functools
import hashlib
import http.server
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"^version: *(\S+)$", (ROOT / "plugin.yaml").read_text(), re.M).group(1)
PROGRAM = "helm-safe-upgrade"

# What scripts/install.sh, git and the delete hook may use. Nothing else is on the PATH, so "no cargo" means no cargo.
TOOLS = (
    "basename cat chmod cp curl cut dirname env git grep gzip head ln ls mkdir mktemp mv readlink rm sed sh sha256sum "
    "shasum tail tar tr uname"
).split()

# Stands for the real binary: prints its arguments, each ended by a NUL, and keeps its environment for the test.
STUB = """#!/bin/sh
if [ "$1" = --version ]; then echo "helm-safe-upgrade VERSION"; exit 0; fi
if [ "$1" = __complete ]; then shift; printf '<%s>' "$@"; printf '\\n:4\\n'; echo noise >&2; exit 0; fi
if [ -n "$STUB_ENVIRONMENT" ]; then env >"$STUB_ENVIRONMENT"; fi
if [ $# -gt 0 ]; then printf '%s\\0' "$@"; fi
exit "${STUB_EXIT:-0}"
"""

# Stands for cargo: says on standard error what it does, and on standard output where the binary is, as cargo does.
CARGO = """#!PYTHON
import json, os, pathlib, sys
pathlib.Path(os.environ["CARGO_RECORD"]).write_text(" ".join(sys.argv[1:]))
print("   Compiling helm-safe-upgrade", file=sys.stderr)
if os.environ.get("CARGO_FAILS"):
    sys.exit("error: could not compile")
binary = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).absolute() / "release" / "helm-safe-upgrade"
binary.parent.mkdir(parents=True)
binary.write_text(STUB)
binary.chmod(0o755)
print(json.dumps({"reason": "compiler-artifact", "executable": None, "fresh": False}, separators=(",", ":")))
print(json.dumps({"reason": "compiler-artifact", "executable": str(binary), "fresh": False}, separators=(",", ":")))
"""


def stub(version=VERSION):
    """The text of a stand-in binary that says it is of this version."""
    return STUB.replace("VERSION", version)


def write_program(path, text):
    """Writes an executable file, and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def make_plugin(folder, binary=None):
    """Copies what makes the plugin, without sources; `binary` is the text of a program to put into bin/."""
    folder.mkdir(parents=True)
    for name in ("plugin.yaml", "plugin.complete", "Cargo.toml", ".gitignore"):
        shutil.copy2(ROOT / name, folder)
    for name in ("revdiff", "scripts"):
        shutil.copytree(ROOT / name, folder / name)
    if binary:
        write_program(folder / "bin" / PROGRAM, binary)
    return folder


def release_file(version=VERSION):
    """The path of this machine's release below the release page."""
    system, machine = os.uname().sysname.lower(), os.uname().machine
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"v{version}/{PROGRAM}-{version}-{system}-{arch}.tar.gz"


def publish(page, version=VERSION, binary=None, checksum=None):
    """Writes a release and its checksum (the right one unless given) below the folder `page`."""
    content = (binary or stub(version)).encode()
    archive = page / release_file(version)
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo(PROGRAM)
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    if checksum is None:
        checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(archive.name + ".sha256").write_text(f"{checksum}  {archive.name}\n")


class Server:
    """Serves a folder on loopback and keeps the paths it was asked for."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.folder, self.requests = folder, requests = folder, []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                requests.append(self.path)

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class InstallTest(unittest.TestCase):
    """A test in a temporary folder with spaces in its name; `helm` is set by the runner, once for each Helm."""

    helm = None

    def setUp(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="install test ")).resolve()
        self.addCleanup(shutil.rmtree, self.top)
        self.tools = self.top / "tools"
        self.tools.mkdir()
        for name in TOOLS:
            if shutil.which(name):
                (self.tools / name).symlink_to(shutil.which(name))
        self.plugins = self.top / "helm plugins"
        self.env = {
            "PATH": str(self.tools),
            "HOME": str(self.top / "home"),
            "TMPDIR": str(self.top),
            "LC_ALL": "C",
            "HELM_PLUGINS": str(self.plugins),
            "HELM_SAFE_UPGRADE_NO_DOWNLOAD": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "CARGO_RECORD": str(self.top / "cargo arguments"),
        }
        for name in ("home", "data", "cache", "config"):
            (self.top / name).mkdir()
            if name != "home":
                self.env[f"XDG_{name.upper()}_HOME"] = str(self.top / name)

    def run_helm(self, *args, fails=False, **env):
        """Runs Helm; it must succeed, or with `fails` must not. Returns its result, output as text."""
        result = subprocess.run(
            [self.helm, *args], env={**self.env, **env}, cwd=self.top, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )
        if (result.returncode != 0) != fails:
            self.fail(f"helm {' '.join(args)}: exit code {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def install(self, source, *args, **options):
        return self.run_helm("plugin", "install", *args, str(source), **options)

    def git_install(self, url, **options):
        """Helm 4 installs unsigned sources only when told so; Helm 3 does not know the flag."""
        return self.install(url, *([] if self.helm_major() == "3" else ["--verify=false"]), **options)

    def helm_major(self):
        return re.match(r"v(\d+)", self.run_helm("version", "--short").stdout).group(1)

    def arguments(self, *args, **options):
        """What the binary gets for these arguments of Helm."""
        return self.run_helm(*args, **options).stdout.split("\0")[:-1]

    def plugin_names(self):
        return [line.split()[0] for line in self.run_helm("plugin", "list").stdout.splitlines()[1:]]

    def assert_works(self, **env):
        self.assertEqual(self.arguments("safe-upgrade", "web", **env), ["web"])
        self.assertEqual(self.arguments("revdiff", "web", **env), ["revdiff", "web"])

    def assert_not_installed(self):
        self.assertEqual(self.plugin_names(), [])
        self.assertEqual(os.listdir(self.plugins) if self.plugins.exists() else [], [])

    def fake_cargo(self, version=VERSION):
        text = CARGO.replace("PYTHON", sys.executable).replace("STUB", repr(stub(version)))
        write_program(self.tools / "cargo", text)

    def serve(self):
        server = Server(self.top / "server")
        self.addCleanup(server.stop)
        return server

    def git(self, *args):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *identity, *args], env=self.env, check=True, capture_output=True)

    def repository(self, folder, binary=None):
        """A git working tree with the plugin committed."""
        make_plugin(folder, binary)
        self.git("init", str(folder))
        self.commit(folder)
        return folder

    def commit(self, folder):
        self.git("-C", str(folder), "add", "-A")
        self.git("-C", str(folder), "commit", "-m", "change")
