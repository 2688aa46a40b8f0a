"""What the tests of the test cluster share: running testcluster, and making and awaiting objects."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from api import Api

HERE = pathlib.Path(__file__).resolve().parent.parent
TESTCLUSTER = HERE / "testcluster"


def environment(**changes):
    """This process's environment with nothing in it that testcluster reads, but for the changes."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HSU_", "HELM", "KUBE"))}
    return {**env, **changes}


def testcluster(*args, **env):
    """Runs testcluster to its end; returns a CompletedProcess with text."""
    command = [TESTCLUSTER, *map(str, args)]
    return subprocess.run(command, env=environment(**env), capture_output=True, text=True, timeout=120)


def await_value(look, seconds=15):
    """Looks again and again; returns the first value that is not false, or the last."""
    deadline = time.monotonic() + seconds
    while not (value := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def processes_of(state):
    """The pids of the processes whose working folder is, or was, a state folder."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            folder = os.readlink(process / "cwd")
        except OSError:
            continue
        if folder.removesuffix(" (deleted)") == str(state):
            found.append(int(process.name))
    return found


def clean_up(state):
    """Takes a cluster down; where that is what is broken, ends its processes all the same."""
    testcluster("down", state)
    for pid in processes_of(state):
        os.kill(pid, signal.SIGKILL)


def pod_template(app, **spec):
    return {"metadata": {"labels": {"app": app}}, "spec": spec}


def workload(name, image, **spec):
    """The body of a Deployment, or with more fields of a StatefulSet."""
    template = pod_template(name, containers=[{"name": "main", "image": image}])
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}}


class ClusterTest(unittest.TestCase):
    """Tests that share a cluster; each starts with the cluster as it came up."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="testcluster-selftest-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.state = cls.start("cluster")
        cls.api = cls.client(cls.state)

    @classmethod
    def start(cls, name):
        state = cls.folder / name
        cls.addClassCleanup(clean_up, state)
        started = testcluster("up", state)
        if started.returncode:
            raise AssertionError(started.stderr)
        return state

    @classmethod
    def client(cls, state, user="admin"):
        api = Api.of_state(state, user)
        cls.addClassCleanup(api.close)
        return api

    def tearDown(self):
        result = testcluster("reset", self.state)
        self.assertEqual(result.returncode, 0, result.stderr)

    def pods(self, label):
        return self.api.get(f"/api/v1/namespaces/default/pods?labelSelector={label}")["items"]
