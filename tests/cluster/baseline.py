"""What a cluster held when it came up. Everything else was made by tests, and reset removes it."""

# Made anew by the control plane whenever they are missing or needed; tests have no part in them.
LEFT_ALONE = {
    "componentstatuses",
    "ipaddresses.networking.k8s.io",
    "leases.coordination.k8s.io",
    "nodes.metrics.k8s.io",
    "pods.metrics.k8s.io",
    # The same objects as `events` of the core group.
    "events.events.k8s.io",
}
MADE_IN_EVERY_NAMESPACE = {("configmaps", "kube-root-ca.crt"), ("serviceaccounts", "default")}
MADE_LATER = {("configmaps", "kube-system", "kube-apiserver-legacy-service-account-token-tracking")}


def removable(api):
    """The kinds whose objects reset removes."""
    return [
        resource for resource in api.resources()
        if resource.key not in LEFT_ALONE and {"list", "delete"} <= set(resource.verbs)
    ]


def objects(api, resources):
    """All objects of these kinds that tests may have made, as (resource, metadata)."""
    for resource in resources:
        for metadata in api.list(resource):
            name, namespace = metadata["name"], metadata.get("namespace", "")
            if (resource.key, name) in MADE_IN_EVERY_NAMESPACE or (resource.key, namespace, name) in MADE_LATER:
                continue
            yield resource, metadata


def line(resource, metadata):
    return f"{resource.key} {metadata.get('namespace', '-')} {metadata['name']}"


def write(state, api):
    lines = [
        line(resource, metadata) for resource, metadata in objects(api, removable(api)) if resource.key != "events"
    ]
    (state / "baseline").write_text("".join(each + "\n" for each in lines))


def read(state):
    return set((state / "baseline").read_text().splitlines())
