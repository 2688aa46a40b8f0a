"""Killing a guarded upgrade at random points: one more run must bring the release to a proven revision."""

import signal
import time

from release import EXIT_OK, EXIT_ROLLED_BACK, Release, check, upgrade

# What is upgraded to, how often in relation to others, and for how many seconds it is at work.
KINDS = {"good": (4, 3), "slow": (2, 6), "missing": (4, 8), "crash": (2, 5), "hook": (2, 6), "gate": (2, 6), "late": (1, 14)}
# How it is killed: which process gets which signals.
WAYS = {
    "SIGKILL": (6, "plugin", [signal.SIGKILL]),
    "SIGKILL of helm": (2, "helm", [signal.SIGKILL]),
    "SIGKILL of its helm": (2, "child", [signal.SIGKILL]),
    "SIGTERM": (2, "plugin", [signal.SIGTERM]),
    "SIGINT twice": (2, "plugin", [signal.SIGINT, signal.SIGINT]),
}
# Points at which to kill, besides random times.
POINTS = ["observed", "begun", "helm-ended", "verdict", "recorded", "compared", "proven", "evidence"]
LONGEST = 150


def pick(random, table):
    return random.choices(list(table), [entry[0] for entry in table.values()])[0]


class Plan:
    """One case, drawn from a random source."""

    def __init__(self, random, number):
        self.helm = "HELM3" if number % 2 else "HELM4"
        self.kind, self.way = pick(random, KINDS), pick(random, WAYS)
        self.point = random.choice(POINTS) if random.random() < 0.5 else None
        self.of_rollback = self.point is not None and random.random() < 0.4
        self.delay = random.uniform(0, 0.3) if self.point else random.uniform(0.02, KINDS[self.kind][1])
        self.between = random.uniform(0, 0.5)
        # Mostly the same is asked for again.
        self.again = self.kind if random.random() < 0.6 else random.choice(["good", "missing"])

    def __str__(self):
        at = f"{self.delay:.2f} s after {self.where()}" if self.point else f"after {self.delay:.2f} s"
        again = "the same" if self.again == self.kind else self.again
        return f"{self.helm.lower()}  {self.kind:<8}{self.way} {at}; then {again}"

    def where(self):
        return f"{self.point} of the rollback" if self.of_rollback else self.point

    def is_there(self, process):
        """Waits for the point. False if the run ends before."""
        if self.of_rollback and not process.await_event(lambda event: event.get("task") == "rollback", LONGEST):
            return False
        seen = len(process.events) if self.of_rollback else 0
        if self.point and not (self.of_rollback and self.point == "begun"):
            def later(event):
                return event["event"] == self.point and any(event is known for _, known in process.events[seen:])
            if not process.await_event(later, LONGEST):
                return False
        time.sleep(self.delay)
        return True


def run(world, random, number):
    """Plays one case. Returns its plan, and whether it was killed before it had ended by itself."""
    plan = Plan(random, number)
    release = Release(world, f"kill-{number}", plan.helm)
    try:
        release.install()
        first = upgrade(plan.kind, 2)
        process = release.start(first)
        _, role, signals = WAYS[plan.way]
        killed = plan.is_there(process) and process.send(role, signals[0])
        for which in signals[1:] if killed else []:
            time.sleep(plan.between)
            process.send(role, which)
        if killed and plan.way == "SIGKILL":
            process.wait(30)
        else:
            process.wait(LONGEST)
        proven = [revision.number for revision in release.revisions() if revision.proven]
        check(1 in proven, "revision 1 is not proven any more")
        second = first if plan.again == plan.kind else upgrade(plan.again, 3)
        code = release.start(second).wait(LONGEST)
        expected = EXIT_OK if second.good else EXIT_ROLLED_BACK
        check(code == expected, f"the second run ended with {code}, and not {expected}")
        release.assert_good(proven)
        return plan, killed
    except Exception as error:
        error.plan, error.story = plan, release.story()
        raise
    finally:
        release.remove()
