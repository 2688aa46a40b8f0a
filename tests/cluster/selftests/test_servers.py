"""How a cluster comes up, fails to, and goes: ports that are taken, servers that break, processes left behind."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from clusters import TESTCLUSTER, await_value, clean_up, environment, processes_of, testcluster

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")


class Servers(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="testcluster-selftest-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state = self.folder / "cluster"
        self.addCleanup(clean_up, self.state)

    def assert_gone(self):
        self.assertFalse(self.state.exists())
        self.assertEqual(await_value(lambda: not processes_of(self.state)), True, processes_of(self.state))

    def test_up_prints_the_kubeconfig_and_down_leaves_nothing(self):
        self.state = self.folder / ("it's a \"long\" $name " + "x" * 120)
        self.addCleanup(clean_up, self.state)
        started = testcluster("up", self.state)
        self.assertEqual((started.returncode, started.stdout), (0, f"{self.state}/kubeconfig\n"), started.stderr)
        self.assertEqual(len(processes_of(self.state)), 5)
        stopped = testcluster("down", self.state)
        self.assertEqual((stopped.returncode, stopped.stdout, stopped.stderr), (0, "", ""))
        self.assertEqual(processes_of(self.state), [])
        self.assertFalse(self.state.exists())
        self.assertEqual(testcluster("down", self.state).returncode, 0)

    def test_down_ends_no_process_that_is_not_the_clusters(self):
        bystander = subprocess.Popen(["sleep", "60"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        self.state.mkdir()
        # As if the pid of a server that ended had gone to another process.
        (self.state / "servers").write_text(f"etcd {bystander.pid} 1\n")
        self.assertEqual(testcluster("down", self.state).returncode, 0)
        self.assertIsNone(bystander.poll())

    def test_down_removes_no_folder_that_is_not_a_clusters(self):
        self.state.mkdir()
        (self.state / "thesis").write_text("precious")
        refused = testcluster("down", self.state)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("cannot find a test cluster", refused.stderr)
        self.assertTrue((self.state / "thesis").exists())
        shutil.rmtree(self.state)

    def test_ports_that_are_taken_are_replaced(self):
        with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
            free = second.getsockname()[1]
            second.close()
            taken = first.getsockname()[1]
            for ports in f"{taken} {free}", f"{free} {taken}":
                started = testcluster("up", self.state, HSU_TEST_FIRST_PORTS=ports)
                self.assertEqual(started.returncode, 0, started.stderr)
                self.assertIn("a port was taken by another program", started.stderr)
                self.assertNotIn(str(taken), (self.state / "server").read_text())
                self.assertEqual(len(processes_of(self.state)), 5)
                testcluster("down", self.state)

    def with_broken(self, server, script):
        """A cache folder in which a server is replaced by a script."""
        cache = self.folder / "cache"
        for component in (CACHE / "helm-safe-upgrade/testcluster").iterdir():
            if component.is_dir():
                made = cache / "helm-safe-upgrade/testcluster" / component.name
                made.mkdir(parents=True)
                for program in component.iterdir():
                    if program.name == server:
                        (made / server).write_text(f"#!/bin/sh\n{script}\n")
                        (made / server).chmod(0o755)
                    else:
                        (made / program.name).symlink_to(program)
        return str(cache)

    def test_the_log_of_a_server_that_does_not_start_is_shown(self):
        for server in "kube-apiserver", "kwok":
            with self.subTest(server):
                cache = self.with_broken(server, "echo the disk is on fire >&2; exit 3")
                started = testcluster("up", self.state, XDG_CACHE_HOME=cache)
                self.assertEqual((started.returncode, started.stdout), (1, ""))
                self.assertIn(f"{server} ended while the cluster was starting", started.stderr)
                self.assertIn("the disk is on fire", started.stderr)
                self.assert_gone()
                shutil.rmtree(cache)

    def test_a_start_that_is_interrupted_leaves_nothing(self):
        for seen in "etcd", "kwok":
            with self.subTest(seen):
                starting = subprocess.Popen([TESTCLUSTER, "up", self.state], env=environment(), stdout=subprocess.PIPE)
                log = self.state / f"logs/{seen}.log"
                self.assertTrue(await_value(log.exists))
                starting.send_signal(signal.SIGTERM)
                self.assertEqual(starting.communicate(timeout=10)[0], b"")
                self.assertEqual(starting.returncode, 128 + signal.SIGTERM)
                self.assert_gone()


if __name__ == "__main__":
    unittest.main()
