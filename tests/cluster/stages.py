#!/usr/bin/env python3
"""Prints stages.yaml: what kwok lets pods do, chosen by the image tag of each container.

  stages.py >stages.yaml

README.md lists the tags. Of several stages that fit a pod kwok takes any, so their selectors exclude each other.
"""

# How long a pod of these tags takes to change, in milliseconds.
SLOW, LATE, HEALS, BACK_OFF, PULL_AGAIN = 3000, 5000, 4000, 500, 3000

# The signs of trouble; where a pod shows several, the first is the one that its event tells of.
SIGNS = ["missing", "crash", "oom", "unready"]
EVENTS = {
    "missing": ("Failed", "Failed to pull image: manifest unknown"),
    "crash": ("BackOff", "Back-off restarting failed container"),
    "oom": ("BackOff", "Back-off restarting failed container"),
    "unready": ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    "late": ("BackOff", "Back-off restarting failed container"),
}

# The look of a container: ready, restarts, state, last state.
RUNNING = "{running: {startedAt: {{ $now | Quote }}}}"
CRASH_LOOP = '{waiting: {reason: CrashLoopBackOff, message: "back-off 5m0s restarting failed container"}}'
PULL_ERROR = '{waiting: {reason: ErrImagePull, message: "manifest unknown"}}'
PULL_BACK_OFF = '{waiting: {reason: ImagePullBackOff, message: "Back-off pulling image"}}'


def terminated(code, reason):
    times = "startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}"
    return f"{{terminated: {{exitCode: {code}, reason: {reason}, {times}}}}}"


IN_GOOD_HEALTH = (True, 0, RUNNING, None)
INITIALIZING = (False, 0, "{waiting: {reason: PodInitializing}}", None)
COMPLETED = (False, 0, terminated(0, "Completed"), None)


def ended(code, reason):
    """How a container that ended badly looks: of a service it is started again, of a task it is not."""
    return {
        "service": (False, 3, CRASH_LOOP, terminated(code, reason)),
        "task": (False, 0, terminated(code, reason), None),
    }


def always(ready, state):
    return {"service": (ready, 0, state, None), "task": (ready, 0, state, None)}


# What a container of a tag looks like when its pod starts.
STARTED = {
    "missing": always(False, PULL_ERROR),
    "oom": ended(137, "OOMKilled"),
    "crash": ended(1, "Error"),
    "unready": always(False, RUNNING),
}
BACKED_OFF = {**STARTED, "missing": always(False, PULL_BACK_OFF)}
CRASHED_LATE = {"late": ended(1, "Error")}


def tag(*words):
    """A pattern of images one of whose tag's words, as in `1.2-crash`, is one of these; `latest` is not `late`."""
    return f":([^/@]*[-._])?({'|'.join(words)})([-._@]|$)"


def expression(key, operator, *values):
    listed = f", values: [{', '.join(values)}]" if values else ""
    return f"    - {{key: '{key}', operator: {operator}{listed}}}\n"


def tagged(*words, operator="In"):
    images = "(.spec.initContainers // [])[].image, .spec.containers[].image"
    return expression(f'[{images} | test("{tag(*words)}")] | any | tostring', operator, "'true'")


def untagged(*words):
    return tagged(*words, operator="NotIn")


def waits_for(reason, operator="In"):
    statuses = "(.status.initContainerStatuses // []) + (.status.containerStatuses // [])"
    return expression(f"{statuses} | .[].state.waiting.reason", operator, reason)


def ready(value):
    return expression('.status.conditions.[] | select(.type == "Ready") | .status', "In", f"'{value}'")


def phase(*values):
    return expression(".status.phase", "In", *values)


# A service's pod is restarted for ever; a task's, such as that of a Job or a test hook, runs to its end.
SERVICE = expression(".spec.restartPolicy", "In", "Always")
TASK = expression(".spec.restartPolicy", "NotIn", "Always")
NEW = phase("Pending") + expression(".status.containerStatuses", "DoesNotExist")


def look_fields(ready, restarts, state, last):
    text = f"ready: {str(ready).lower()}, started: {str('running' in state).lower()}, restartCount: {restarts}, state: {state}"
    return text + (f", lastState: {last}" if last else "")


def statuses(field, looks, kind, ordinary):
    """The statuses of all containers of a field: each by its own tag, those without a sign of trouble by the
    branches `ordinary`, (condition, look) pairs whose last condition is None."""
    branches = [(f'regexMatch "{tag(word)}" .image', look[kind]) for word, look in looks.items()] + ordinary
    text = f"      {{{{ range .spec.{field} }}}}\n"
    text += '      - {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "",\n'
    for index, (condition, look) in enumerate(branches):
        if len(branches) > 1:
            text += f"      {{{{ {'else ' if index else ''}{f'if {condition} ' if condition else ''}}}}}\n"
        text += f"        {look_fields(*look)}}}\n"
    return text + "      {{ end }}\n" * (1 + (len(branches) > 1))


def status(phase_name, looks, kind, otherwise):
    """The template of a pod's status; `otherwise` is the look of containers without a sign of trouble."""
    if looks:
        condition = 'status: "False", reason: ContainersNotReady'
    else:
        condition = 'status: "True"' if otherwise[0] else 'status: "False", reason: PodCompleted'
    initialized, waiting = '"True"', []
    text = "      {{ $now := Now }}\n"
    if looks:
        # As long as an init container has not ended well, the pod is Pending and its containers wait.
        match = f'regexMatch "{tag(*[word for word in looks if word != "unready"])}" .image'
        text += "      {{ $blocked := false }}\n"
        text += f"      {{{{ range .spec.initContainers }}}}{{{{ if {match} }}}}{{{{ $blocked = true }}}}"
        text += "{{ end }}{{ end }}\n"
        initialized, waiting = '{{ if $blocked }}"False"{{ else }}"True"{{ end }}', [("$blocked", INITIALIZING)]
        if phase_name == "Running":
            phase_name = "{{ if $blocked }}Pending{{ else }}Running{{ end }}"
    pod_ip = "{{ PodIPWith .spec.nodeName (or .spec.hostNetwork false) .metadata.uid .metadata.name .metadata.namespace | Quote }}"
    text += f"      phase: {phase_name}\n      startTime: {{{{ or .status.startTime $now | Quote }}}}\n"
    text += f"      hostIP: {{{{ NodeIPWith .spec.nodeName | Quote }}}}\n      podIP: {pod_ip}\n      podIPs: [{{ip: {pod_ip}}}]\n"
    text += f"      conditions:\n      - {{type: Initialized, status: {initialized}, lastTransitionTime: {{{{ $now | Quote }}}}}}\n"
    for name in "ContainersReady", "Ready":
        text += f"      - {{type: {name}, {condition}, lastTransitionTime: {{{{ $now | Quote }}}}}}\n"
    sidecar = [('eq (default "" .restartPolicy) "Always"', IN_GOOD_HEALTH), (None, (True, *COMPLETED[1:]))]
    text += "      initContainerStatuses:\n" + statuses("initContainers", looks, kind, sidecar)
    return text + "      containerStatuses:\n" + statuses("containers", looks, kind, [*waiting, (None, otherwise)])


def stage(name, select, template, delay=0, event=None):
    text = "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\n"
    text += f"metadata: {{name: {name}}}\nspec:\n  resourceRef: {{apiGroup: v1, kind: Pod}}\n  selector:\n    matchExpressions:\n"
    text += expression(".metadata.deletionTimestamp", "DoesNotExist") + expression(".spec.nodeName", "Exists") + select
    if delay:
        text += f"  delay: {{durationMilliseconds: {delay}}}\n"
    text += "  next:\n"
    if event:
        text += f"    event: {{type: Warning, reason: {event[0]}, message: '{event[1]}'}}\n"
    return text + "    statusTemplate: |\n" + template


def pod_stages():
    good = status("Running", {}, "service", IN_GOOD_HEALTH)
    yield stage("pod-starts", NEW + untagged(*SIGNS, "slow"), good)
    yield stage("pod-starts-slowly", NEW + tagged("slow") + untagged(*SIGNS), good, SLOW)
    for kind, restarts in ("service", SERVICE), ("task", TASK):
        for index, word in enumerate(SIGNS):
            select = NEW + restarts + tagged(word) + (untagged(*SIGNS[:index]) if index else "")
            ends = kind == "task" and word in ("crash", "oom")
            name = "Pending" if word == "missing" else "Failed" if ends else "Running"
            yield stage(f"{kind}-{word}", select, status(name, STARTED, kind, IN_GOOD_HEALTH), event=EVENTS[word])
        backed_off = status("Pending", BACKED_OFF, kind, IN_GOOD_HEALTH)
        yield stage(f"{kind}-backs-off", phase("Pending") + restarts + waits_for("ErrImagePull"), backed_off, BACK_OFF)
        # As a kubelet does, on a quicker clock, but for an image that will be there: that is found when its pod heals.
        backing_off = phase("Pending") + restarts + waits_for("ImagePullBackOff") + untagged("heals")
        pulled_again = status("Pending", STARTED, kind, IN_GOOD_HEALTH)
        yield stage(f"{kind}-pulls-again", backing_off, pulled_again, PULL_AGAIN, EVENTS["missing"])
        name = "Running" if kind == "service" else "Failed"
        late = status(name, CRASHED_LATE, kind, IN_GOOD_HEALTH)
        yield stage(f"{kind}-late", phase("Running") + restarts + ready(True) + tagged("late"), late, LATE, EVENTS["late"])
    heals = phase("Pending", "Running") + ready(False) + waits_for("ErrImagePull", "NotIn") + tagged("heals")
    yield stage("pod-heals", heals, good, HEALS)
    completes = phase("Running") + TASK + ready(True) + untagged("late")
    yield stage("task-completes", completes, status("Succeeded", {}, "task", COMPLETED))


OTHER_STAGES = """---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-is-deleted}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: '.metadata.deletionTimestamp', operator: Exists}
  next: {delete: true}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-is-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select(.type == "Ready") | .status', operator: NotIn, values: ['True']}
    # One with this label is lost once it has been ready, or never comes up.
    - {key: '.metadata.labels.lost', operator: DoesNotExist}
  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      conditions:
      {{ range NodeConditions }}
      - type: {{ .type | Quote }}
        status: {{ .status | Quote }}
        reason: {{ .reason | Quote }}
        message: {{ .message | Quote }}
        lastHeartbeatTime: {{ $now | Quote }}
        lastTransitionTime: {{ $now | Quote }}
      {{ end }}
      addresses:
      - {type: InternalIP, address: {{ NodeIP | Quote }}}
      - {type: Hostname, address: {{ .metadata.name | Quote }}}
      daemonEndpoints: {kubeletEndpoint: {Port: {{ NodePort }}}}
"""

if __name__ == "__main__":
    print("# Made by stages.py.")
    print("".join(pod_stages()) + OTHER_STAGES, end="")
