"""An API server that fails while an upgrade is at work: a healthy upgrade is not rolled back for that, a failing one is, and the
release is where it should be."""

import pathlib
import threading

from proxy import Faults, Proxy
from release import EXIT_OK, EXIT_ROLLED_BACK, Release, check, upgrade

LONGEST = 200


def chance(fault, probability):
    def apply(proxy):
        proxy.faults.chances[fault] = probability
    return apply


def once(fault):
    def apply(proxy):
        proxy.faults.once[fault] = 1
    return apply


def watches_dropped(proxy):
    proxy.faults.watch_seconds = 0.7


def slow(proxy):
    proxy.faults.count("latency")
    proxy.faults.latency = 0.15


def away(seconds):
    def apply(proxy):
        proxy.go_away(seconds)
    return apply


# What the proxy does, from a random moment of the upgrade on.
KINDS = {
    "429": chance("429", 0.1),
    "500": chance("500", 0.05),
    "503": chance("503", 0.05),
    "cut": chance("cut", 0.05),
    "cut-after": chance("cut-after", 0.03),
    "401 once": once("401"),
    "watches dropped": watches_dropped,
    "latency": slow,
    "away 5 s": away(5),
    "away 30 s": away(30),
}


FROM_THE_BEGINNING = ("watches dropped", "latency")


def run(world, random, number):
    """Plays one case. Returns what it was, and whether the fault came before the end."""
    kinds = list(KINDS)
    kind = kinds[(number - 1) % len(kinds)]
    helm = "HELM3" if ((number - 1) // len(kinds) + number) % 2 else "HELM4"
    wanted = random.choice(["good", "slow", "slow", "heals", "missing"])
    delay = random.uniform(0, 4)
    plan = f"{helm.lower()}  {wanted:<8}{kind} after {delay:.2f} s"
    release = Release(world, f"network-{number}", helm)
    proxy = None
    try:
        release.install()
        proxy = Proxy(world.state, release.folder, Faults(random))
        kubeconfig = release.folder / "kubeconfig"
        proxy.kubeconfig(pathlib.Path(world.environment["KUBECONFIG"]), kubeconfig)
        first = upgrade(wanted, 2)
        timer = threading.Timer(delay, KINDS[kind], [proxy])
        if kind in FROM_THE_BEGINNING:
            KINDS[kind](proxy)
        process = release.start(first, "--timeout", "120s", KUBECONFIG=str(kubeconfig))
        process.await_event(lambda event: event["event"] == "begun", 60)
        if kind not in FROM_THE_BEGINNING:
            timer.start()
        code = process.wait(LONGEST)
        timer.cancel()
        expected = EXIT_OK if first.good else EXIT_ROLLED_BACK
        counts = proxy.faults.counts
        check(code == expected, f"it ended with {code}, and not {expected}; faults: {counts}")
        release.assert_good([1])
        return f"{plan}; faults: {counts}", bool(counts)
    except Exception as error:
        error.plan, error.story = plan, release.story()
        raise
    finally:
        if proxy:
            proxy.shutdown()
            proxy.server_close()
        release.remove()
