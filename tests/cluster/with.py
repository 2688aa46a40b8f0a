#!/usr/bin/env python3
"""Runs a command against a test cluster of its own: with.py TESTCLUSTER COMMAND…

Two processes share the work. The guard, in a session of its own, starts the cluster and takes it down when
its pipe to the other closes, which it does however the other ends, by SIGKILL too. The other runs the command,
passes signals on to it and leaves with its exit code.
"""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile

PASSED_ON = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM}
# si_code of a signal that the terminal sent. It went to the command as well, so it is not passed on.
SI_KERNEL = 0x80


def guard(testcluster, state, lifeline, report):
    """Starts the cluster, reports its kubeconfig, waits for the end of the lifeline, takes the cluster down."""
    os.setsid()
    verb = "borrow" if os.environ.get("HSU_TEST_KUBECONFIG") else "up"
    starting = subprocess.Popen([testcluster, verb, state], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    selector = selectors.DefaultSelector()
    selector.register(lifeline, selectors.EVENT_READ)
    selector.register(starting.stdout, selectors.EVENT_READ)
    # Whichever comes first: the kubeconfig, or the end of the other process.
    if any(key.fd == lifeline for key, _ in selector.select()):
        starting.terminate()
        starting.wait()
    else:
        kubeconfig = starting.stdout.read()
        if starting.wait() == 0:
            os.write(report, kubeconfig)
        os.close(report)
        os.read(lifeline, 1)
    down = subprocess.run([testcluster, "down", state], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    shutil.rmtree(state, ignore_errors=True)
    return down.returncode


def environment(state, kubeconfig):
    """The caller's environment, with nothing left in it that leads Helm or a client to another cluster."""
    env = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("HELM_", "KUBERNETES_SERVICE_"))
    }
    return {**env, "KUBECONFIG": kubeconfig, "HSU_TEST_CLUSTER": state}


def run(command, env):
    """Runs the command to its end, or to that of a signal; returns the exit code."""
    child = os.posix_spawnp(command[0], command, env, setsigmask=[])
    while True:
        info = signal.sigwaitinfo(PASSED_ON | {signal.SIGCHLD})
        if info.si_signo != signal.SIGCHLD:
            if info.si_code != SI_KERNEL:
                os.kill(child, info.si_signo)
            continue
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def wait_for_cluster(reports):
    """The path of the kubeconfig; None when there is no cluster or a signal came first."""
    selector = selectors.DefaultSelector()
    selector.register(reports, selectors.EVENT_READ)
    while True:
        if selector.select(timeout=0.05):
            text = os.read(reports, 65536).decode().rstrip("\n")
            return text or None, 1
        if info := signal.sigtimedwait(PASSED_ON, 0):
            return None, 128 + info.si_signo


def main():
    testcluster, command = sys.argv[1], sys.argv[2:]
    state = tempfile.mkdtemp(prefix="helm-safe-upgrade-cluster-")
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON | {signal.SIGCHLD})
    lifeline, life = os.pipe()
    reports, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(life)
        os.close(reports)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os._exit(guard(testcluster, state, lifeline, report))
    os.close(lifeline)
    os.close(report)
    code = 1
    try:
        kubeconfig, code = wait_for_cluster(reports)
        if kubeconfig:
            code = run(command, environment(state, kubeconfig))
    except OSError as error:
        print(f'error: cannot run "{command[0]}": {error.strerror}', file=sys.stderr)
        code = 127
    finally:
        os.close(life)
        if os.waitpid(pid, 0)[1]:
            # Something has ended the guard before its work was done.
            subprocess.run([testcluster, "down", state], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    sys.exit(code)


if __name__ == "__main__":
    main()
