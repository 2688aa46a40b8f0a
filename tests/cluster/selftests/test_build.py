"""How binaries are built and cached, with a stand-in for Go, and what is said when a tool is missing."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from clusters import HERE, await_value, environment

# Writes down what it builds, and makes a file of the name that Go would.
GO = """#!/bin/sh
case "$1 $2" in
  "env GOVERSION") echo "go${FAKE_VERSION:-1.26.1}"; exit ;;
  "env "*) exit ;;
esac
for last; do :; done
echo "$last" >>"$FAKE_LOG"
sleep "${FAKE_SECONDS:-0}"
case $last in
  tool) names="server kube-apiserver kube-controller-manager kube-scheduler" ;;
  */kwok@*) names=kwok ;;
  *) names=helm ;;
esac
for name in $names; do touch "$GOBIN/$name"; done
case $last in ${FAKE_BROKEN:-none}) echo "does not compile" >&2; exit 1 ;; esac
"""
ALL = ["helm.sh/helm/v3/cmd/helm@v3.22.0", "helm.sh/helm/v4/cmd/helm@v4.3.1", "sigs.k8s.io/kwok/cmd/kwok@v0.8.0", "tool"]


class Build(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="testcluster-selftest-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.programs = self.folder / "bin"
        self.programs.mkdir()
        self.log = self.folder / "log"
        self.log.touch()
        self.cache = self.folder / "cache/helm-safe-upgrade/testcluster"
        self.env = environment(
            PATH=f"{self.programs}:{os.environ['PATH']}", XDG_CACHE_HOME=str(self.folder / "cache"), FAKE_LOG=str(self.log)
        )
        go = self.programs / "go"
        go.write_text(GO)
        go.chmod(0o755)

    def start(self, *args, script=HERE / "testcluster", **env):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([script, *(args or ["build"])], env={**self.env, **env}, **pipes)

    def build(self, *args, **options):
        started = self.start(*args, **options)
        output, errors = started.communicate(timeout=60)
        return subprocess.CompletedProcess(args, started.returncode, output, errors)

    def built(self):
        return sorted(self.log.read_text().split())

    def components(self):
        return sorted(path.name.rpartition("-")[0] for path in self.cache.iterdir() if path.is_dir())

    def without(self, name):
        """A PATH on which all is there but one program."""
        shutil.rmtree(self.programs)
        self.programs.mkdir()
        for folder in os.environ["PATH"].split(":"):
            for program in pathlib.Path(folder).glob("*"):
                link = self.programs / program.name
                if program.name != name and not link.is_symlink():
                    link.symlink_to(program)
        return str(self.programs)

    def test_each_component_is_built_once(self):
        for _ in range(2):
            done = self.build()
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(self.built(), ALL)
        self.assertEqual(self.components(), ["helm-3.22.0", "helm-4.3.1", "kubernetes-1.36.3", "kwok-0.8.0"])
        self.assertEqual(sorted(path.name for path in next(self.cache.glob("kubernetes-*")).iterdir()),
                         ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"])

    def test_builds_at_the_same_time_share_the_work(self):
        builds = [self.start(FAKE_SECONDS="1") for _ in range(3)]
        errors = [build.communicate(timeout=60)[1] for build in builds]
        self.assertEqual([build.returncode for build in builds], [0, 0, 0], errors)
        self.assertEqual(self.built(), ALL)
        self.assertIn("another build is running", "".join(errors))

    def test_a_failed_build_leaves_nothing_half(self):
        failed = self.build(FAKE_BROKEN="*/kwok@*")
        self.assertEqual(failed.returncode, 1)
        self.assertIn("does not compile", failed.stderr)
        self.assertIn("cannot build kwok-0.8.0", failed.stderr)
        self.assertEqual(self.components(), ["kubernetes-1.36.3"])
        self.assertEqual(self.build().returncode, 0)
        self.assertEqual(self.built(), sorted([*ALL, "sigs.k8s.io/kwok/cmd/kwok@v0.8.0"]))

    def test_an_aborted_build_leaves_nothing_half(self):
        for signum in signal.SIGINT, signal.SIGTERM, signal.SIGKILL:
            with self.subTest(signum):
                self.log.write_text("")
                command = [HERE / "testcluster", "build"]
                env = {**self.env, "FAKE_SECONDS": "30"}
                # Whoever runs the tests in the background of a script has SIGINT ignored, and a child inherits that.
                heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
                aborted = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=heed)
                self.assertTrue(await_value(self.built))
                # As a terminal, or a job that is stopped, would do it.
                os.killpg(aborted.pid, signum)
                self.assertNotEqual(aborted.wait(10), 0)
                self.assertEqual([path for path in self.cache.glob("[a-z]*") if path.is_dir()], [])
        self.assertEqual(self.build().returncode, 0)
        self.assertEqual(len(self.components()), 4)
        self.assertEqual(list(self.cache.glob(".unfinished*")), [])

    def test_another_version_is_another_folder(self):
        self.build()
        copy = self.folder / "copy"
        shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns("selftests"))
        versions = copy / "versions.sh"
        versions.write_text(versions.read_text().replace("kwok_version=0.8.0", "kwok_version=0.9.9"))
        before = self.components()
        self.assertEqual(self.build(script=copy / "testcluster").returncode, 0)
        self.assertEqual(self.components(), sorted([*before, "kwok-0.9.9"]))
        module = copy / "go.mod"
        module.write_text(module.read_text() + "// changed\n")
        self.assertEqual(self.build(script=copy / "testcluster").returncode, 0)
        self.assertEqual(self.components(), sorted([*before, "kubernetes-1.36.3", "kwok-0.9.9"]))

    def test_missing_go_is_named(self):
        missing = self.build(PATH=self.without("go"))
        self.assertEqual((missing.returncode, missing.stdout), (1, ""))
        self.assertIn("go is not installed", missing.stderr)
        self.assertIn("Hint: install Go 1.26 or newer", missing.stderr)

    def test_go_that_is_too_old_is_named(self):
        old = self.build(FAKE_VERSION="1.9.7")
        self.assertEqual((old.returncode, self.built()), (1, []))
        self.assertIn("Go is too old: go1.9.7, needed is 1.26", old.stderr)

    def test_go_is_not_needed_once_all_is_built(self):
        self.build()
        self.assertEqual(self.build(PATH=self.without("go")).returncode, 0)

    def test_other_missing_tools_are_named_before_anything_is_built(self):
        for name in "openssl", "python3":
            with self.subTest(name):
                for command in ("up", self.folder / "state"), ("with", "true"):
                    missing = self.build(*map(str, command), PATH=self.without(name))
                    self.assertEqual(missing.returncode, 1)
                    self.assertIn(f"cannot start a test cluster: not installed: {name}", missing.stderr)
                    self.assertIn(f"apt-get install {name}", missing.stderr)
        self.assertEqual(self.built(), [])


if __name__ == "__main__":
    unittest.main()
