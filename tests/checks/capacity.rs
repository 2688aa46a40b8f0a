//! What the cluster lacks for the new pods: objects they refer to, classes, room in quotas and on nodes.

use k8s_openapi::api::core::v1::{LimitRange, PersistentVolumeClaim, ResourceQuota, ServiceAccount};
use serde_json::json;

use crate::cluster;
use crate::findings::{allow, found, has, passes};
use crate::user::User;

stories![
    what_new_pods_refer_to_is_looked_for,
    a_missing_class_stops_an_upgrade_that_helm_lets_through,
    a_quota_stops_an_upgrade_that_helm_lets_through,
    the_charts_own_quota_and_limits_count_as_the_upgrade_leaves_them,
    pods_beyond_a_limit_range_stop_the_upgrade,
    pods_that_find_no_node_are_a_warning,
    a_claim_grows_only_where_its_class_lets_it,
    who_may_list_nothing_is_told_what_is_unknown,
];

const CHECK: &str = "helm safe-upgrade check web risky";

fn checked(user: &User, flags: &str) -> Vec<crate::findings::Found> {
    found(user, &format!("{CHECK} {flags} -o json"))
}

fn what_new_pods_refer_to_is_looked_for(user: &User) {
    user.does("helm install web risky");
    let account = "--set pod.serviceAccountName=bot,pod.imagePullSecrets[0].name=pull";
    let findings = checked(user, account);
    has(&findings, "references", "blocker", "it is neither in the cluster nor in the chart: its pods are refused");
    has(&findings, "references", "warning", "images are pulled without it");
    user.types(&format!("{CHECK} {account}")).exits(3);
    cluster::create::<ServiceAccount>(&user.namespace, json!({"metadata": {"name": "bot"}}));
    passes(&checked(user, "--set pod.serviceAccountName=bot"), "references");
    let volume = "--set pod.volumes[0].name=a,pod.volumes[0].secret.secretName=web";
    passes(&checked(user, volume), "references");
    has(&checked(user, &format!("{volume} --set secret=false")), "references", "warning", "the upgrade deletes it");
}

fn a_missing_class_stops_an_upgrade_that_helm_lets_through(user: &User) {
    user.does("helm install web risky --set claim.enabled=false");
    let findings = checked(user, "--set pod.runtimeClassName=gvisor,ingress=nowhere");
    has(&findings, "classes", "blocker", "no such class: pods are refused");
    has(&findings, "classes", "warning", "unless its controller goes by the name alone, nobody serves it");
    let flags = "--set claim.enabled=true,claim.class=fast,pod.priorityClassName=high";
    let findings = checked(user, flags);
    has(&findings, "classes", "blocker", "no such class, and no free volume of it");
    has(&findings, "classes", "blocker", "no such class: pods are refused");
    user.types(&format!("{CHECK} {flags}")).exits(3);
    passes(&checked(user, "--set claim.enabled=true,pod.priorityClassName=system-node-critical"), "classes");
    user.does(&format!("helm upgrade web risky {flags} --dry-run=server"));
    user.types(&format!("helm upgrade web risky {flags} --wait --timeout 2s")).exits(1);
}

fn a_quota_stops_an_upgrade_that_helm_lets_through(user: &User) {
    let quota = json!({"metadata": {"name": "few"}, "spec": {"hard": {"pods": "2", "configmaps": "9"}}});
    cluster::create::<ResourceQuota>(&user.namespace, quota);
    let used =
        || cluster::find::<ResourceQuota>(&user.namespace, "few").and_then(|quota| quota.status?.used?.remove("pods"));
    // Until it is known what is used, nothing may be made.
    user.waits_for(|| used().is_some());
    user.does("helm install web risky");
    user.waits_for(|| used().is_some_and(|used| used.0 == "2"));
    passes(&checked(user, ""), "quota");
    has(&checked(user, "--set tag=2"), "quota", "blocker", "allows 2 pods, 2 are used, and the upgrade takes 1 more");
    has(&checked(user, "--set replicas=3"), "quota", "blocker", "its last pods are never made");
    passes(&checked(user, "--set tag=2,deployment.strategy.type=Recreate"), "quota");
    user.types(&format!("{CHECK} --set tag=2")).exits(3);
    user.does("helm upgrade web risky --set tag=2 --dry-run=server");
    user.types("helm upgrade web risky --set tag=2 --wait --timeout 2s").exits(1);
    cluster::merge::<ResourceQuota>(&user.namespace, "few", json!({"spec": {"hard": {"limits.cpu": "1"}}}));
    has(&checked(user, "--set tag=3"), "quota", "blocker", "wants each container to set what it counts");
}

fn the_charts_own_quota_and_limits_count_as_the_upgrade_leaves_them(user: &User) {
    user.does("helm install web risky --set quota.pods=2,limit.cpu=1,resources.limits.cpu=1 --wait");
    let used =
        || cluster::find::<ResourceQuota>(&user.namespace, "own").and_then(|quota| quota.status?.used?.remove("pods"));
    user.waits_for(|| used().is_some_and(|used| used.0 == "2"));
    let kept = "--set quota.pods=2,limit.cpu=1";
    has(
        &checked(user, &format!("{kept},tag=2,resources.limits.cpu=1")),
        "quota",
        "blocker",
        "the upgrade takes 1 more",
    );
    has(
        &checked(user, &format!("{kept},resources.limits.cpu=2")),
        "limit-range",
        "blocker",
        "LimitRange/own refuses it",
    );
    for more in ["--set quota.pods=3,limit.cpu=2,resources.limits.cpu=2", "--set resources.limits.cpu=2"] {
        let findings = checked(user, more);
        passes(&findings, "quota");
        passes(&findings, "limit-range");
    }
    user.does("helm upgrade web risky --set quota.pods=3,limit.cpu=2,resources.limits.cpu=2 --wait --timeout 30s");
    // What a quota that comes with the upgrade will find used is what runs.
    user.does("helm upgrade web risky --set resources.limits.cpu=2 --wait --timeout 30s");
    has(&checked(user, "--set quota.pods=2,tag=3,resources.limits.cpu=2"), "quota", "blocker", "2 pods, 2 are used");
}

fn pods_beyond_a_limit_range_stop_the_upgrade(user: &User) {
    let rule = json!({"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "1"}});
    cluster::create::<LimitRange>(&user.namespace, json!({"metadata": {"name": "usual"}, "spec": {"limits": [rule]}}));
    user.does("helm install web risky");
    passes(&checked(user, "--set tag=2"), "limit-range");
    let flags = "--set resources.limits.cpu=2";
    has(&checked(user, flags), "limit-range", "blocker", "LimitRange/usual refuses it");
    user.types(&format!("{CHECK} {flags}")).exits(3);
}

fn pods_that_find_no_node_are_a_warning(user: &User) {
    user.does("helm install web risky");
    passes(&checked(user, "--set tag=2,resources.requests.cpu=10m"), "capacity");
    let large = checked(user, "--set resources.requests.cpu=100");
    has(&large, "capacity", "warning", "asks for 100 cpu, and no node that takes it has more than 8");
    has(&checked(user, "--set pod.nodeSelector.disk=ssd"), "capacity", "warning", "no node takes its pods");
    has(&checked(user, "--set replicas=400"), "capacity", "warning", "find no room on the nodes");
    let node = format!("gpu-{}", user.namespace);
    let taints = json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]);
    let labels = json!({"gpu": user.namespace});
    let allocatable = json!({"cpu": "8", "memory": "8Gi", "pods": "10"});
    let object = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": labels},
        "spec": {"taints": taints}, "status": {"allocatable": allocatable, "capacity": allocatable},
    });
    cluster::post("/api/v1/nodes", &object);
    let there = format!("--set pod.nodeSelector.gpu={}", user.namespace);
    let tainted = checked(user, &there);
    let tolerating = checked(user, &format!("{there},pod.tolerations[0].operator=Exists"));
    cluster::remove(&format!("/api/v1/nodes/{node}"));
    has(&tainted, "capacity", "warning", "no node takes its pods");
    passes(&tolerating, "capacity");
    let json = |pod: serde_json::Value| checked(user, &format!("--set-json 'pod={pod}' --set replicas=4"));
    let required = |term: serde_json::Value| json!({"requiredDuringSchedulingIgnoredDuringExecution": term});
    let terms =
        json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]});
    let affinity = json(json!({"affinity": {"nodeAffinity": required(terms)}}));
    has(&affinity, "capacity", "warning", "no node takes its pods");
    let selector = json!({"matchLabels": {"app": "web"}});
    let host = json!([{"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}]);
    let apart = json(json!({"affinity": {"podAntiAffinity": required(host)}}));
    has(&apart, "capacity", "warning", "on a node of its own");
    let spread =
        json!({"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector});
    has(&json(json!({"topologySpreadConstraints": [spread]})), "capacity", "warning", "no node takes its pods");
    user.types(&format!("{CHECK} --set resources.requests.cpu=100 --accept way-back")).exits(0);
}

fn a_claim_grows_only_where_its_class_lets_it(user: &User) {
    let class = format!("fixed-{}", user.namespace);
    let spec = json!({
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class,
        "hostPath": {"path": "/nonexistent"},
    });
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": class}, "spec": spec});
    cluster::post("/api/v1/persistentvolumes", &volume);
    let line = format!("--set claim.class={class}");
    // The class itself is missing, but a volume is of it.
    passes(&found(user, &format!("{CHECK} --install {line} -o json")), "classes");
    user.does(&format!("helm install web risky {line}"));
    let claim =
        || cluster::find::<PersistentVolumeClaim>(&user.namespace, "files").and_then(|claim| claim.status?.phase);
    user.waits_for(|| claim().is_some_and(|phase| phase == "Bound"));
    let larger = format!("{line},claim.size=2Gi");
    has(&checked(user, &larger), "volume-growth", "blocker", "does not let it grow from 1Gi to 2Gi");
    has(&checked(user, &format!("{line},claim.size=500Mi")), "volume-growth", "blocker", "would shrink to 500Mi");
    let class = json!({"metadata": {"name": class}, "provisioner": "example.com/none", "allowVolumeExpansion": true});
    cluster::post("/apis/storage.k8s.io/v1/storageclasses", &class);
    passes(&checked(user, &larger), "volume-growth");
    let gone = checked(user, "--set claim.enabled=false");
    has(&gone, "deletions", "warning", "the data stay on PersistentVolume/");
}

fn who_may_list_nothing_is_told_what_is_unknown(user: &User) {
    user.does("helm install web risky");
    allow(user, "viewer", &[("", "secrets", &["get", "list"])]);
    let flags =
        "--set tag=2,claim.size=2Gi,pod.serviceAccountName=bot,pod.priorityClassName=high --kube-as-user viewer";
    let findings = checked(user, flags);
    for check in ["references", "classes", "quota", "limit-range", "capacity", "volume-growth", "pod-security"] {
        has(&findings, check, "unknown", "");
    }
}
