"""One release in a namespace of its own: upgrading it, and asserting that it is where it should be."""

import base64
import dataclasses
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))

from api import Api, ApiError  # noqa: E402

NAME = "web"
# So that each process of a run can be found, whoever its parent is by now.
MARK = "FAULT_RUN"
PROVEN, BAD = "safe-upgrade/proven", "safe-upgrade/bad"
EXIT_OK, EXIT_ROLLED_BACK = 0, 4


class Broken(Exception):
    """What must hold does not."""


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """An upgrade to ask for: its values, further flags, and whether it is good."""

    kind: str
    tag: str
    good: bool
    hook: str = ""
    flags: tuple = ()

    def arguments(self):
        values = [f"tag={self.tag}", f"hook={self.hook}", f"good={str(self.good).lower()}"]
        return [str(HERE / "chart"), *(word for value in values for word in ("--set", value)), *self.flags]


def upgrade(kind, number):
    """An upgrade of this kind; the number makes it differ from others."""
    tag = f"v{number}"
    return {
        "good": Upgrade(kind, tag, True),
        "slow": Upgrade(kind, f"{tag}-slow", True),
        "heals": Upgrade(kind, f"{tag}-unready-heals", True),
        "missing": Upgrade(kind, f"{tag}-missing", False),
        "crash": Upgrade(kind, f"{tag}-crash", False),
        "hook": Upgrade(kind, tag, False, hook=f"{tag}-crash"),
        "gate": Upgrade(kind, tag, False, flags=("--gate-cmd", "sleep 1; exit 1")),
        "late": Upgrade(kind, f"{tag}-late", False, flags=("--soak", "20s")),
    }[kind]


@dataclasses.dataclass
class Revision:
    """What Helm has stored of a revision."""

    number: int
    status: str
    label: str
    tag: str
    good: bool
    proven: bool
    bad: bool
    description: str

    @classmethod
    def of(cls, secret):
        stored = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        record = json.loads(gzip.decompress(stored))
        labels = secret["metadata"]["labels"]
        number = record["version"]

        def marked(label):
            of, _, when = labels.get(label, "").partition(".")
            return int(when or 0) if of == str(number) else 0

        values = record.get("config") or {}
        proven, bad = marked(PROVEN), marked(BAD)
        return cls(
            number, record["info"]["status"], labels["status"], values.get("tag", ""), values.get("good", True) is not False,
            proven > bad, bad >= proven and bad > 0, record["info"].get("description", ""))


class Process:
    """`helm safe-upgrade` at work, through helm as a user has it."""

    def __init__(self, release, arguments, folder, environment):
        self.mark = f"{os.getpid()}-{release.namespace}-{time.monotonic_ns()}"
        self.events, self.heard = [], threading.Condition()
        self.error = open(folder / f"stderr-{self.mark}", "w+b")
        self.began = time.monotonic()
        self.child = subprocess.Popen(
            [release.helm, "safe-upgrade", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.error,
            env={**environment, MARK: self.mark}, cwd=folder, start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {}
            # The diff comes first, and is no event.
            if isinstance(event, dict) and "event" in event:
                with self.heard:
                    self.events.append((time.monotonic() - self.began, event))
                    self.heard.notify_all()

    def await_event(self, matches, seconds):
        """Whether such an event came before the end."""
        end = time.monotonic() + seconds
        with self.heard:
            while not any(matches(event) for _, event in self.events):
                if time.monotonic() > end or (self.child.poll() is not None and not self.reader.is_alive()):
                    return False
                self.heard.wait(0.02)
        return True

    def processes(self):
        """What runs of it: process id and role, which is plugin, helm (ours), child (the plugin's helm) or other."""
        found = {}
        wanted = f"{MARK}={self.mark}".encode()
        for folder in pathlib.Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                if wanted not in (folder / "environ").read_bytes().split(b"\0"):
                    continue
                words = (folder / "cmdline").read_bytes().split(b"\0")
                program = os.path.basename(os.readlink(folder / "exe"))
            except OSError:
                continue
            pid = int(folder.name)
            if pid == self.child.pid:
                role = "helm"
            elif program == "helm-safe-upgrade":
                role = "guard" if b"__guard" in words else "plugin"
            elif program == "helm":
                role = "child"
            else:
                role = "other"
            found[pid] = role
        return found

    def send(self, role, which):
        """Sends a signal to the process of this role, as soon as there is one. False if the run ended before."""
        while True:
            for pid, known in self.processes().items():
                if known == role:
                    try:
                        os.kill(pid, which)
                        return True
                    except ProcessLookupError:
                        pass
            if self.child.poll() is not None:
                return False
            time.sleep(0.005)

    def wait(self, seconds):
        """Waits until nothing of it runs any more. Returns helm's exit code."""
        end = time.monotonic() + seconds
        try:
            code = self.child.wait(seconds)
            while left := self.processes():
                if time.monotonic() > end:
                    raise Broken(f"still at work after {seconds} s: {sorted(left.values())}")
                time.sleep(0.02)
        except subprocess.TimeoutExpired:
            raise Broken(f"still at work after {seconds} s: {sorted(self.processes().values())}") from None
        finally:
            self.end()
        self.reader.join(5)
        return code

    def end(self):
        """Ends what is left of it."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def told(self):
        """What it said, for a reader."""
        self.error.seek(0)
        lines = self.error.read().decode(errors="replace").splitlines()
        for when, event in self.events:
            if event["event"] != "progress":
                lines.append(f"{when:7.3f} {json.dumps(event)[:400]}")
        return lines


class World:
    """What all releases share: the cluster, the plugin as Helm finds it, and folders."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.state = os.environ["HSU_TEST_CLUSTER"]
        plugin = self.folder / "plugins" / "safe-upgrade"
        (plugin / "bin").mkdir(parents=True)
        shutil.copy(HERE.parent.parent / "plugin.yaml", plugin)
        (plugin / "bin" / "helm-safe-upgrade").symlink_to(pathlib.Path(os.environ["PROGRAM"]).resolve())
        homes = {f"HELM_{kind}_HOME": str(self.folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        self.environment = {**os.environ, **homes, "HELM_PLUGINS": str(plugin.parent), "HOME": str(self.folder)}


class Release:
    """A release in a namespace of its own."""

    def __init__(self, world, namespace, helm):
        self.world, self.namespace, self.helm = world, namespace, os.environ[helm]
        self.api = Api.of_state(world.state)
        self.folder = world.folder / namespace
        self.folder.mkdir()
        self.log = []

    def start(self, upgrade, *flags, **environment):
        arguments = [NAME, *upgrade.arguments(), "--yes", "-o", "json", "-n", self.namespace, *flags]
        if "--timeout" not in flags:
            arguments += ["--timeout", "60s"]
        process = Process(self, arguments, self.folder, {**self.world.environment, **environment})
        self.log.append((upgrade.kind, process))
        return process

    def install(self):
        """Makes the first revision, which is proven."""
        code = self.start(upgrade("good", 1), "--install", "--create-namespace").wait(60)
        if code != EXIT_OK:
            raise Broken(f"the installation ended with {code}")

    def helm_json(self, *arguments):
        command = [self.helm, *arguments, "-n", self.namespace, "-o", "json"]
        done = subprocess.run(command, env=self.world.environment, capture_output=True, check=True)
        return json.loads(done.stdout)

    def revisions(self):
        # The server ends connections that were idle for long.
        self.api.close()
        path = f"/api/v1/namespaces/{self.namespace}/secrets?labelSelector=owner%3Dhelm%2Cname%3D{NAME}"
        return sorted((Revision.of(secret) for secret in self.api.get(path)["items"]), key=lambda revision: revision.number)

    def assert_good(self, proven_before):
        """Asserts that it is deployed and ready at a proven revision, and that nothing is left behind.

        `proven_before` are the numbers of the revisions that were proven before."""
        revisions = self.revisions()
        last = revisions[-1]
        check(last.status == "deployed", f"revision {last.number} is {last.status}, and not deployed")
        check(last.proven, f"revision {last.number} is deployed, and not proven")
        for revision in revisions:
            what = f"revision {revision.number} ({revision.tag})"
            check(revision.status == revision.label, f"{what} is {revision.status}, and its label says {revision.label}")
            check(not revision.status.startswith("pending-"), f"{what} is {revision.status}")
            check(revision is last or revision.status != "deployed", f"{what} is deployed as well")
            check(revision.good or not revision.proven, f"{what} is proven, and it is not good")
            check(not revision.good or not revision.bad, f"{what} is marked as bad, and it is good: {revision.description}")
        gone = set(proven_before) - {revision.number for revision in revisions if revision.proven}
        check(not gone, f"proven revisions are gone: {sorted(gone)}")
        told = [(entry["revision"], entry["status"]) for entry in self.helm_json("history", NAME)]
        check(told[-1] == (last.number, "deployed"), f"helm history ends with {told[-1]}")
        status = self.helm_json("status", NAME)
        check((status["version"], status["info"]["status"]) == (last.number, "deployed"), "helm status tells something else")
        leases = self.api.get(f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases")["items"]
        check(not leases, f"a lease is left: {[lease['metadata']['name'] for lease in leases]}")
        self.assert_runs(last)

    def assert_runs(self, revision):
        """Asserts that what runs is this revision, and that it is ready."""
        image = f"web:{revision.tag}"
        deployment = self.api.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{NAME}")
        status, containers = deployment["status"], deployment["spec"]["template"]["spec"]["containers"]
        check(containers[0]["image"] == image, f"the deployment has {containers[0]['image']}, and not {image}")
        wanted = deployment["spec"]["replicas"]
        numbers = [status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas")]
        check(numbers == [wanted] * 3, f"of {wanted} pods there are, are ready, are updated: {numbers}")
        pods = self.api.get(f"/api/v1/namespaces/{self.namespace}/pods?labelSelector=app%3D{NAME}")["items"]
        for pod in pods:
            if "deletionTimestamp" in pod["metadata"]:
                continue
            ready = any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
            found = pod["spec"]["containers"][0]["image"]
            check(ready and found == image, f"pod {pod['metadata']['name']} has {found}, ready: {ready}")
        settings = self.api.get(f"/api/v1/namespaces/{self.namespace}/configmaps/{NAME}")
        check(settings["data"]["tag"] == revision.tag, f"the configmap is of {settings['data']['tag']}")

    def remove(self):
        """Ends what runs, and deletes the namespace."""
        for _, process in self.log:
            process.end()
        try:
            self.api.delete(f"/api/v1/namespaces/{self.namespace}")
        except (ApiError, OSError):
            pass
        self.api.close()

    def story(self):
        """All that happened, for a reader."""
        lines = []
        for kind, process in self.log:
            lines += [f"-- upgrade ({kind})", *process.told()]
        try:
            lines += ["-- revisions", *(str(revision) for revision in self.revisions())]
        except (ApiError, OSError) as error:
            lines.append(f"-- revisions can't be read: {error}")
        return lines


def check(holds, otherwise):
    if not holds:
        raise Broken(otherwise)
