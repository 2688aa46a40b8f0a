"""What every cluster holds from the start: nodes, a default storage class and a pool of volumes."""

NODES = 3
# A volume is bound once, so there must be as many as all tests of a cluster claim.
VOLUMES = 120
STORAGE_CLASS = "standard"


def node(number):
    name = f"node-{number}"
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    size = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": size, "capacity": size},
    }


def storage_class():
    """Nothing provisions volumes here, so claims bind to volumes of the pool, as soon as they are made."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
    }


def volume(number):
    """No kubelet mounts it, so its folder need not exist."""
    name = f"pool-{number:03}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/nonexistent/{name}"},
        },
    }


def objects():
    """All of them, each as (path of its kind, object)."""
    yield "/apis/storage.k8s.io/v1/storageclasses", storage_class()
    for number in range(1, NODES + 1):
        yield "/api/v1/nodes", node(number)
    for number in range(1, VOLUMES + 1):
        yield "/api/v1/persistentvolumes", volume(number)


def holds(actual, wanted):
    """Whether all of `wanted` is in `actual`, which may hold more."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(holds(actual.get(key), value) for key, value in wanted.items())
    return actual == wanted


def is_ready(actual):
    """Whether the cluster has taken a node or a volume in."""
    if actual["kind"] == "Node":
        conditions = actual["status"].get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return actual["kind"] != "PersistentVolume" or actual["status"].get("phase") == "Available"


def is_untouched(actual, wanted):
    """Whether an object is as it was made: no claim on a volume, no taint on a node, nothing changed."""
    spec, labels = actual.get("spec", {}), wanted["metadata"].get("labels", {})
    return (
        holds(actual, wanted)
        and actual["metadata"].get("labels", {}) == labels
        and "deletionTimestamp" not in actual["metadata"]
        and not {"claimRef", "taints", "unschedulable"} & spec.keys()
    )
