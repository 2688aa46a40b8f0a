"""That `testcluster with` runs a command as it would run without, and that its cluster goes whatever happens."""

import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from clusters import TESTCLUSTER, await_value, clean_up, environment, processes_of

# Tells where its cluster is and then waits to be interrupted.
WAIT = 'trap "echo interrupted; exit 3" INT TERM; echo "$HSU_TEST_CLUSTER"; while :; do sleep .05; done'


class With(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="testcluster-selftest-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.kubeconfig = self.folder / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({"kind": "Config"}))
        # All state folders are made in here.
        (self.folder / "states").mkdir()
        self.env = environment(TMPDIR=str(self.folder / "states"))
        # The same without a cluster of its own, for what a cluster has no part in.
        self.borrowed = {**self.env, "HSU_TEST_KUBECONFIG": str(self.kubeconfig)}

    def states(self):
        return list((self.folder / "states").iterdir())

    def assert_gone(self, state):
        self.assertTrue(await_value(lambda: not processes_of(state)), processes_of(state))
        self.assertTrue(await_value(lambda: not self.states()), self.states())

    def start(self, script, env):
        command = [TESTCLUSTER, "with", "sh", "-c", script]
        started = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(started.stdout.close)
        self.addCleanup(started.stderr.close)
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        return started

    def run_with(self, command, env, **options):
        return subprocess.run([TESTCLUSTER, "with", *command], env=env, capture_output=True, text=True, timeout=60, **options)

    def test_the_command_finds_its_cluster_and_no_other(self):
        elsewhere = {"KUBECONFIG": "/elsewhere", "HELM_KUBEAPISERVER": "https://elsewhere", "HELM_NAMESPACE": "elsewhere",
                     "KUBERNETES_SERVICE_HOST": "elsewhere"}
        script = 'cd "$0" && env -0 && "$HELM3" create web >&2 && "$HELM3" install web3 web >&2 && "$HELM4" install web4 web >&2'
        done = self.run_with(["sh", "-c", script, self.folder], {**self.env, **elsewhere})
        self.assertEqual(done.returncode, 0, done.stderr)
        env = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
        self.assertEqual(env["KUBECONFIG"], env["HSU_TEST_CLUSTER"] + "/kubeconfig")
        self.assertFalse({"HELM_KUBEAPISERVER", "HELM_NAMESPACE", "KUBERNETES_SERVICE_HOST"} & env.keys())
        self.assert_gone(env["HSU_TEST_CLUSTER"])

    def test_a_cluster_of_the_user_is_used_and_left_alone(self):
        script = 'echo "$KUBECONFIG"; "$0" reset "$HSU_TEST_CLUSTER"'
        done = self.run_with(["sh", "-c", script, TESTCLUSTER], self.borrowed)
        self.assertEqual((done.returncode, done.stdout), (1, f"{self.kubeconfig}\n"))
        self.assertIn("cannot reset a cluster that testcluster did not start", done.stderr)
        self.assertTrue(self.kubeconfig.exists())
        self.assertEqual(self.states(), [])

    def test_the_exit_code_and_standard_input_are_passed_through(self):
        done = self.run_with(["sh", "-c", "cat; exit 7"], self.borrowed, input="through")
        self.assertEqual((done.returncode, done.stdout), (7, "through"))
        self.assertEqual(self.run_with(["sh", "-c", "kill -KILL $$"], self.borrowed).returncode, 128 + signal.SIGKILL)
        missing = self.run_with(["no-such-command"], self.borrowed)
        self.assertEqual(missing.returncode, 127)
        self.assertIn('cannot run "no-such-command": No such file or directory', missing.stderr)

    def test_a_signal_is_passed_on(self):
        for signum, env in (signal.SIGINT, self.borrowed), (signal.SIGTERM, self.env):
            with self.subTest(signum):
                started = self.start(WAIT, env)
                state = started.stdout.readline().strip()
                self.addCleanup(clean_up, state)
                started.send_signal(signum)
                self.assertEqual(started.wait(10), 3)
                self.assertEqual(started.stdout.read(), "interrupted\n")
                self.assert_gone(state)

    def test_ctrl_c_reaches_the_command_once(self):
        # Counts for longer than it takes to pass a signal on.
        script = "import signal, sys, time; seen = []; signal.signal(signal.SIGINT, lambda *_: seen.append(1));"
        script += "print('started', flush=True); time.sleep(1); sys.exit(3 if len(seen) == 1 else 4)"
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe(TESTCLUSTER, [TESTCLUSTER, "with", sys.executable, "-c", script], self.borrowed)
        output = ""
        while "started" not in output:
            output += os.read(terminal, 4096).decode()
        # Held back until the command has had the terminal's own signal, so that one passed on would be another.
        os.kill(pid, signal.SIGSTOP)
        os.write(terminal, b"\x03")
        time.sleep(0.3)
        os.kill(pid, signal.SIGCONT)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 3)
        os.close(terminal)
        self.assertEqual(self.states(), [])

    def test_a_killed_run_leaves_no_cluster(self):
        started = self.start('echo "$HSU_TEST_CLUSTER"; exec sleep 5', self.env)
        state = started.stdout.readline().strip()
        self.addCleanup(clean_up, state)
        self.assertEqual(len(processes_of(state)), 5)
        started.kill()
        self.assert_gone(state)

    def test_a_guard_that_is_killed_leaves_no_cluster(self):
        started = self.start('echo "$HSU_TEST_CLUSTER"; sleep 1; exit 7', self.env)
        state = started.stdout.readline().strip()
        self.addCleanup(clean_up, state)
        children = map(int, pathlib.Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split())
        # The guard has a session of its own; the command has not.
        guard, = [pid for pid in children if os.getsid(pid) == pid]
        os.kill(guard, signal.SIGKILL)
        self.assertEqual(started.wait(20), 7)
        self.assertEqual(processes_of(state), [])
        self.assertEqual(self.states(), [])

    def test_a_run_that_is_interrupted_while_it_starts_leaves_no_cluster(self):
        for signum in signal.SIGTERM, signal.SIGKILL:
            with self.subTest(signum):
                started = self.start("echo ran", self.env)
                logs = (self.folder / "states").glob
                self.assertTrue(await_value(lambda: list(logs("*/logs/kube-apiserver.log"))))
                state = self.states()[0]
                self.addCleanup(clean_up, state)
                started.send_signal(signum)
                self.assertNotEqual(started.wait(10), 0)
                self.assertEqual(started.stdout.read(), "")
                self.assert_gone(state)

    def test_without_a_cluster_nothing_is_run(self):
        done = self.run_with(["echo", "ran"], {**self.env, "HSU_TEST_KUBECONFIG": f"{self.folder}/none"})
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot read the kubeconfig", done.stderr)
        self.assertEqual(self.states(), [])


if __name__ == "__main__":
    unittest.main()
