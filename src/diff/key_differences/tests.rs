//! Each rule finds what it is for, and keeps quiet about what is well.

use super::{KeyDifference, Severity, find};
use crate::diff::release::Both;
use crate::diff::resources::{ManifestDiff, Side, compare};
use crate::diff::select::{Pattern, Selection};
use crate::manifest::document::Manifest;
use crate::manifest::mask::Masker;

fn diff(old: &str, new: &str) -> ManifestDiff {
    let (old, new) = (Manifest::new(old.to_owned()), Manifest::new(new.to_owned()));
    let side = |manifest| Side { documents: Manifest::documents(manifest, false), namespace: "shop" };
    compare(&side(&old), &side(&new), &Masker::new(b"k"))
}

fn found(old: &str, new: &str) -> Vec<KeyDifference> {
    find(&diff(old, new), Both { old: "shop", new: "shop" }, true)
}

/// `severity topic objects: text`, one a line.
fn lines(old: &str, new: &str) -> Vec<String> {
    let line = |one: &KeyDifference| {
        let objects: Vec<String> = one.objects.iter().map(ToString::to_string).collect();
        format!("{} {} {}: {}", one.severity.name(), one.topic.name(), objects.join(" "), one.text())
    };
    found(old, new).iter().map(line).collect()
}

/// The lines of one topic.
fn of(topic: &str, old: &str, new: &str) -> Vec<String> {
    let all = lines(old, new);
    all.into_iter().filter(|line| line.split(' ').nth(1) == Some(topic)).collect()
}

fn object(kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: {}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n", version(kind))
}

fn version(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => "rbac.authorization.k8s.io/v1",
        "Ingress" | "IngressClass" => "networking.k8s.io/v1",
        "StorageClass" => "storage.k8s.io/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "PriorityClass" => "scheduling.k8s.io/v1",
        "HTTPRoute" => "gateway.networking.k8s.io/v1",
        _ => "v1",
    }
}

/// A workload with this pod specification, and fields of its own.
fn workload(kind: &str, name: &str, fields: &str, pod: &str) -> String {
    object(kind, name, &format!("spec: {{{fields}template: {{metadata: {{labels: {{a: b}}}}, spec: {pod}}}}}"))
}

fn deployment(pod: &str) -> String {
    workload("Deployment", "web", "", pod)
}

fn image(name: &str, image: &str) -> String {
    deployment(&format!("{{containers: [{{name: {name}, image: '{image}'}}]}}"))
}

#[test]
fn images_are_compared_by_name_tag_and_digest() {
    for (old, new, expected) in [
        ("nginx:1.25", "nginx:1.26", "notice images Deployment/web: nginx 1.25 → 1.26"),
        (
            "r:5000/a/b:v1.0",
            "r:5000/a/b:v2.0",
            "notice images Deployment/web: r:5000/a/b v1.0 → v2.0 (new major version)",
        ),
        ("nginx:1.26.1", "nginx:1.9.9", "notice images Deployment/web: nginx 1.26.1 → 1.9.9 (older)"),
        ("a/nginx:1", "b/nginx:1", "notice images Deployment/web: a/nginx:1 → b/nginx:1"),
        ("nginx:1.25", "nginx", "warning images Deployment/web: nginx 1.25 → latest (no fixed version)"),
        (
            "nginx:1@sha256:aaaaaaaaaaaaaaaa",
            "nginx:1@sha256:bbbbbbbbbbbbbbbb",
            "notice images Deployment/web: nginx 1@sha256:aaaaaaaaaaaa → 1@sha256:bbbbbbbbbbbb (same tag, other content)",
        ),
        (
            "nginx:1@sha256:aaaa",
            "nginx:1",
            "notice images Deployment/web: nginx 1@sha256:aaaa → 1 (no longer pinned by digest)",
        ),
    ] {
        assert_eq!(of("images", &image("c", old), &image("c", new)), [expected], "{old} {new}");
    }
    assert!(of("images", &image("c", "nginx:1"), &(image("c", "nginx:1") + "# x: y\n")).is_empty());
}

#[test]
fn the_same_image_in_many_workloads_is_one_line() {
    let all = |tag: &str| -> String {
        let one = |n: usize| {
            workload("Deployment", &format!("w{n}"), "", &format!("{{containers: [{{name: c{n}, image: 'x:{tag}'}}]}}"))
        };
        (0..38).map(one).collect()
    };
    let found = found(&all("1.0"), &all("1.1"));
    let images: Vec<_> = found.iter().filter(|one| one.topic.name() == "images").collect();
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].objects.len(), 38);
}

#[test]
fn every_kind_of_workload_has_its_images_found() {
    let pod = |tag: &str| {
        format!("{{containers: [{{name: c, image: 'x:{tag}'}}], initContainers: [{{name: i, image: 'y:{tag}'}}]}}")
    };
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"] {
        assert_eq!(
            of("images", &workload(kind, "w", "", &pod("1")), &workload(kind, "w", "", &pod("2"))).len(),
            2,
            "{kind}"
        );
    }
    let cron = |tag: &str| {
        object("CronJob", "w", &format!("spec: {{jobTemplate: {{spec: {{template: {{spec: {}}}}}}}}}", pod(tag)))
    };
    assert_eq!(of("images", &cron("1"), &cron("2")).len(), 2);
    let bare = |tag: &str| object("Pod", "w", &format!("spec: {}", pod(tag)));
    assert_eq!(of("images", &bare("1"), &bare("2")).len(), 2);
    let custom = |tag: &str| {
        format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {{name: p}}\nspec: {{image: 'x:{tag}'}}\n"
        )
    };
    assert_eq!(of("images", &custom("1"), &custom("2")).len(), 1);
    // A kind of that name in another group runs no pods that we know of.
    let other = |tag: &str| workload("Deployment", "w", "", &pod(tag)).replace("apps/v1", "example.com/v1");
    assert!(of("images", &other("1"), &other("2")).is_empty());
}

#[test]
fn replicas_count_with_their_default_and_their_autoscaler() {
    let web = |fields: &str| workload("Deployment", "web", fields, "{containers: []}");
    assert_eq!(of("replicas", &web("replicas: 1, "), &web("replicas: 3, ")), ["notice replicas Deployment/web: 1 → 3"]);
    assert_eq!(of("replicas", &web("replicas: 2, "), &web("")), ["notice replicas Deployment/web: 2 → 1 (default)"]);
    assert!(of("replicas", &web(""), &web("replicas: 1, ")).is_empty());
    assert_eq!(
        of("replicas", &web("replicas: 2, "), &web("replicas: 0, ")),
        ["warning replicas Deployment/web: 2 → 0 (no pods are left)"]
    );
    let scaler = |most: u8| {
        object(
            "HorizontalPodAutoscaler",
            "web",
            &format!("spec: {{scaleTargetRef: {{kind: Deployment, name: web}}, maxReplicas: {most}}}"),
        )
    };
    assert_eq!(of("replicas", &scaler(3), &scaler(5)), ["notice replicas HorizontalPodAutoscaler/web: maximum 3 → 5"]);
    // The autoscaler did not change, and is looked into because it names the workload.
    let (old, new) = (web("replicas: 5, ") + &scaler(9), web("") + &scaler(9));
    assert_eq!(diff(&old, &new).opened, 1);
    assert_eq!(
        of("replicas", &old, &new),
        ["warning replicas Deployment/web: 5 → 1 (default) (until the autoscaler has chosen again)"]
    );
}

#[test]
fn resources_that_mean_the_same_are_the_same() {
    let with = |resources: &str| deployment(&format!("{{containers: [{{name: c, resources: {resources}}}]}}"));
    assert_eq!(
        of(
            "resources",
            &with("{requests: {cpu: 50m, memory: 64Mi}}"),
            &with("{requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 1Gi}}")
        ),
        ["notice resources Deployment/web: c: cpu request 50m → 100m, + memory limit 1Gi"]
    );
    assert!(
        lines(&with("{requests: {cpu: 1000m, memory: 1Gi}}"), &with("{requests: {cpu: 1, memory: 1024Mi}}"))
            .iter()
            .all(|line| line.contains("does not restart"))
    );
    assert_eq!(
        of("resources", &with("{limits: {memory: 2Gi}}"), &with("{limits: {memory: 1Gi}}")),
        ["warning resources Deployment/web: c: memory limit 2Gi → 1Gi (less memory than before)"]
    );
}

#[test]
fn services_tell_their_type_and_ports() {
    let with = |spec: &str| object("Service", "web", &format!("spec: {spec}"));
    assert_eq!(
        of(
            "services",
            &with("{ports: [{port: 80}]}"),
            &with("{type: LoadBalancer, ports: [{port: 80, nodePort: 30080}]}")
        ),
        [
            "warning services Service/web: type ClusterIP → LoadBalancer (reachable from outside the cluster)",
            "notice services Service/web: ports: + node port 30080",
        ]
    );
    assert_eq!(
        of(
            "services",
            &with("{ports: [{name: a, port: 80}, {name: b, port: 1}]}"),
            &with("{ports: [{name: a, port: 81}]}")
        ),
        ["warning services Service/web: ports: a 80/TCP → 81/TCP, - b 1/TCP"]
    );
    assert!(
        of("services", &with("{ports: [{port: 80}]}"), &with("{type: ClusterIP, ports: [{port: 80, protocol: TCP}]}"))
            .is_empty()
    );
}

#[test]
fn a_host_that_moves_is_not_lost() {
    let with = |name: &str, hosts: &str| object("Ingress", name, &format!("spec: {{rules: [{hosts}]}}"));
    assert_eq!(
        of("hosts", &with("a", "{host: x.example}"), &with("a", "{host: y.example}, {host: z.example}")),
        ["warning hosts Ingress/a: + y.example, + z.example, - x.example"]
    );
    let (old, new) = (with("a", "{host: x}, {host: y}"), with("a", "{host: x}") + &with("b", "{host: y}"));
    assert!(of("hosts", &old, &new).is_empty());
    let route = |hosts: &str| object("HTTPRoute", "r", &format!("spec: {{hostnames: [{hosts}]}}"));
    assert_eq!(of("hosts", &route("a"), &route("a, b")), ["notice hosts HTTPRoute/r: + b"]);
}

#[test]
fn claims_tell_their_size_and_class() {
    let with = |spec: &str| object("PersistentVolumeClaim", "data", &format!("spec: {spec}"));
    let size = |size: &str| with(&format!("{{resources: {{requests: {{storage: {size}}}}}}}"));
    assert_eq!(lines(&size("1Gi"), &size("2Gi")), ["notice storage PersistentVolumeClaim/data: size 1Gi → 2Gi"]);
    assert!(lines(&size("1Gi"), &size("1024Mi")).is_empty());
    assert_eq!(
        of("immutable", &size("2Gi"), &size("1Gi")),
        [
            "danger immutable PersistentVolumeClaim/data: spec.resources.requests.storage 2Gi → 1Gi (can't be changed: the upgrade fails unless the object is deleted first)"
        ]
    );
    let set = |size: &str| {
        workload(
            "StatefulSet",
            "db",
            &format!(
                "volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{resources: {{requests: {{storage: {size}}}}}}}}}], "
            ),
            "{}",
        )
    };
    assert_eq!(of("storage", &set("1Gi"), &set("2Gi")), ["notice storage StatefulSet/db: claim data: size 1Gi → 2Gi"]);
    assert_eq!(of("immutable", &set("1Gi"), &set("2Gi")).len(), 1);
    assert!(of("immutable", &set("1Gi"), &set("1024Mi")).is_empty());
    let mounts =
        |claim: &str| deployment(&format!("{{volumes: [{{name: d, persistentVolumeClaim: {{claimName: {claim}}}}}]}}"));
    assert_eq!(
        of("storage", &mounts("a"), &mounts("b")),
        ["warning storage Deployment/web: volume d: claim a → b (other data)"]
    );
}

#[test]
fn rights_gained_are_told_and_covered_ones_are_not() {
    let with = |kind: &str, rules: &str| object(kind, "r", &format!("rules: [{rules}]"));
    let rule = |groups: &str, resources: &str, verbs: &str| {
        format!("{{apiGroups: [{groups}], resources: [{resources}], verbs: [{verbs}]}}")
    };
    let pods = rule("''", "pods", "get, list");
    assert_eq!(
        of(
            "rbac",
            &with("Role", &pods),
            &with("Role", &format!("{pods}, {}", rule("apps", "deployments, daemonsets", "get, list")))
        ),
        ["notice rbac Role/r: + get, list on daemonsets, deployments (apps)"]
    );
    assert_eq!(
        of("rbac", &with("Role", ""), &with("Role", &rule("'*'", "'*'", "'*'"))),
        ["danger rbac Role/r: + every verb on every resource in every group"]
    );
    assert_eq!(
        of("rbac", &with("ClusterRole", ""), &with("ClusterRole", &rule("''", "secrets", "list"))),
        ["danger rbac ClusterRole/r: + list on secrets"]
    );
    assert_eq!(
        of("rbac", &with("Role", ""), &with("Role", &rule("''", "pods/exec", "create"))),
        ["warning rbac Role/r: + create on pods/exec"]
    );
    // The same rights in other words, and fewer of them.
    let split = format!("{}, {}", rule("''", "pods", "get"), rule("''", "pods", "list"));
    assert!(of("rbac", &with("Role", &pods), &with("Role", &split)).is_empty());
    assert_eq!(
        of("rbac", &with("Role", &rule("'*'", "'*'", "'*'")), &with("Role", &pods)),
        ["info rbac Role/r: - every verb on every resource in every group"]
    );
}

#[test]
fn subjects_gained_are_told() {
    let with = |role: &str, subjects: &str| {
        object(
            "ClusterRoleBinding",
            "b",
            &format!(
                "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\nsubjects: [{subjects}]"
            ),
        )
    };
    let account = |name: &str| format!("{{kind: ServiceAccount, name: {name}, namespace: shop}}");
    let (a, both) = (account("a"), format!("{}, {}", account("b"), account("a")));
    assert_eq!(
        of("rbac", &with("view", &a), &with("view", &both)),
        ["notice rbac ClusterRoleBinding/b: + ClusterRole/view to ServiceAccount/shop/b"]
    );
    assert_eq!(
        of("rbac", "", &with("cluster-admin", &a)),
        ["danger rbac ClusterRoleBinding/b: + ClusterRole/cluster-admin to ServiceAccount/shop/a"]
    );
    assert_eq!(found("", &with("view", "{kind: Group, name: 'system:anonymous'}"))[0].severity, Severity::Danger);
    assert!(of("rbac", &with("view", &both), &with("view", &a)).is_empty());
    let changed = lines(&with("view", &a), &with("edit", &a));
    assert!(changed[0].starts_with("danger immutable ClusterRoleBinding/b: roleRef.name view → edit"), "{changed:?}");
}

#[test]
fn access_to_the_host_is_loud_when_gained_and_quiet_when_there_before() {
    let plain = "{containers: [{name: c, image: x}]}";
    let open = "{hostNetwork: true, volumes: [{name: v, hostPath: {path: /var/run}}], containers: [{name: c, image: x, securityContext: {privileged: true, capabilities: {add: [NET_ADMIN, CHOWN]}}}]}";
    assert_eq!(
        of("privileges", &deployment(plain), &deployment(open)),
        [
            "danger privileges Deployment/web: + hostNetwork, + hostPath /var/run",
            "danger privileges Deployment/web: c: + capability CHOWN, + capability NET_ADMIN, + privileged",
        ]
    );
    assert!(of("privileges", &deployment(open), &deployment(plain)).is_empty());
    assert!(of("privileges", &deployment(open), &deployment(&open.replace("image: x", "image: y"))).is_empty());
    assert_eq!(of("privileges", "", &deployment(open)).len(), 2);
    let held = "{securityContext: {runAsNonRoot: true}, containers: [{name: c, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}";
    let loose = of("privileges", &deployment(held), &deployment(plain));
    assert!(loose.len() == 1 && loose[0].starts_with("warning") && loose[0].matches('+').count() == 3, "{loose:?}");
    // What the pod says holds for its containers.
    let moved = "{containers: [{name: c, securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}";
    assert!(of("privileges", &deployment(held), &deployment(moved)).is_empty());
}

#[test]
fn what_is_deleted_is_told_by_what_it_takes_along() {
    let severity = |kind: &str, rest: &str| {
        let found = found(&object(kind, "x", rest), "");
        found.iter().find(|one| one.topic.name() == "deleted").map(|one| (one.severity, one.note.clone()))
    };
    for kind in ["PersistentVolumeClaim", "Namespace", "CustomResourceDefinition", "PersistentVolume"] {
        assert_eq!(severity(kind, "").unwrap().0, Severity::Danger, "{kind}");
    }
    assert_eq!(severity("StatefulSet", "").unwrap().0, Severity::Warning);
    assert_eq!(
        severity("StatefulSet", "spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}").unwrap().0,
        Severity::Danger
    );
    assert_eq!(severity("ConfigMap", "").unwrap().0, Severity::Info);
    let kept = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x, annotations: {helm.sh/resource-policy: keep}}\n";
    assert_eq!(
        lines(kept, ""),
        ["info deleted PersistentVolumeClaim/x: Helm keeps it, and forgets it: helm.sh/resource-policy is keep"]
    );
    let hook = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x, annotations: {helm.sh/hook: pre-upgrade}}\nspec: {template: {spec: {a: 1}}}\n";
    assert!(lines(hook, "").is_empty() && lines(hook, &hook.replace("a: 1", "a: 2")).is_empty());
}

#[test]
fn what_the_server_refuses_to_change_is_told() {
    let refused = |kind: &str, old: &str, new: &str| {
        let found = of("immutable", &object(kind, "x", old), &object(kind, "x", new));
        assert!(found.iter().all(|line| line.starts_with("danger")), "{found:?}");
        !found.is_empty()
    };
    for (kind, old, new) in [
        ("Deployment", "spec: {selector: {matchLabels: {a: b}}}", "spec: {selector: {matchLabels: {a: c}}}"),
        ("DaemonSet", "spec: {selector: {matchLabels: {a: b}}}", "spec: {selector: {matchLabels: {a: b, c: d}}}"),
        ("StatefulSet", "spec: {serviceName: a}", "spec: {serviceName: b}"),
        ("StatefulSet", "spec: {replicas: 1}", "spec: {replicas: 1, podManagementPolicy: Parallel}"),
        ("Job", "spec: {template: {spec: {a: 1}}}", "spec: {template: {spec: {a: 2}}}"),
        ("Job", "spec: {completions: 1}", "spec: {completions: 2}"),
        ("Service", "spec: {clusterIP: 10.0.0.1}", "spec: {clusterIP: 10.0.0.2}"),
        ("Service", "spec: {ports: []}", "spec: {clusterIP: None}"),
        ("PersistentVolumeClaim", "spec: {storageClassName: a}", "spec: {storageClassName: b}"),
        ("ConfigMap", "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: c}"),
        ("Secret", "immutable: true\ndata: {a: YQ==}", "immutable: true\ndata: {a: Yg==}"),
        ("Secret", "type: Opaque", "type: kubernetes.io/tls"),
        ("StorageClass", "provisioner: a\nparameters: {a: b}", "provisioner: a\nparameters: {a: c}"),
        ("IngressClass", "spec: {controller: a}", "spec: {controller: b}"),
        ("PriorityClass", "value: 1", "value: 2"),
        ("CustomResourceDefinition", "spec: {scope: Cluster}", "spec: {scope: Namespaced}"),
        (
            "Pod",
            "spec: {containers: [{name: a, image: x, args: [a]}]}",
            "spec: {containers: [{name: a, image: x, args: [b]}]}",
        ),
    ] {
        assert!(refused(kind, old, new), "{kind} {old} {new}");
        assert!(!refused(kind, old, old), "{kind} {old}");
    }
}

#[test]
fn what_the_server_lets_change_is_not() {
    for (kind, old, new) in [
        ("Deployment", "spec: {replicas: 1}", "spec: {replicas: 2, template: {spec: {a: b}}}"),
        (
            "Deployment",
            "spec: {selector: {matchLabels: {a: b, c: d}}}",
            "spec: {selector: {matchLabels: {c: d, a: b}}, paused: true}",
        ),
        (
            "StatefulSet",
            "spec: {replicas: 1, template: {a: 1}}",
            "spec: {replicas: 2, template: {a: 2}, podManagementPolicy: OrderedReady, minReadySeconds: 3}",
        ),
        (
            "Job",
            "spec: {suspend: true, template: {spec: {a: 1}}}",
            "spec: {suspend: true, template: {spec: {a: 1}}, parallelism: 3, ttlSecondsAfterFinished: 3}",
        ),
        ("Service", "spec: {clusterIP: 10.0.0.1}", "spec: {ports: [{port: 1}]}"),
        (
            "PersistentVolumeClaim",
            "spec: {storageClassName: a, volumeMode: Filesystem}",
            "spec: {storageClassName: a, volumeName: x}",
        ),
        ("ConfigMap", "data: {a: b}", "immutable: true\ndata: {a: c}"),
        ("Secret", "data: {a: YQ==}", "type: Opaque\ndata: {a: Yg==}"),
        ("StorageClass", "provisioner: a\nreclaimPolicy: Delete", "provisioner: a\nallowVolumeExpansion: true"),
        ("Pod", "spec: {containers: [{name: a, image: x}]}", "spec: {containers: [{name: a, image: y}]}"),
    ] {
        let found = of("immutable", &object(kind, "x", old), &object(kind, "x", new));
        assert!(found.is_empty(), "{kind} {old} {new}: {found:?}");
    }
}

#[test]
fn a_changed_pod_template_restarts_the_pods_and_nothing_else_does() {
    let web = |fields: &str, image: &str| {
        workload("Deployment", "web", fields, &format!("{{containers: [{{name: c, image: {image}}}]}}"))
    };
    assert_eq!(of("restarts", &web("", "a"), &web("", "b")), ["notice restarts Deployment/web: c image"]);
    assert_eq!(
        of("restarts", &web("replicas: 1, ", "a"), &web("replicas: 2, ", "a")),
        ["info restarts Deployment/web: does not restart: the pod template stays the same"]
    );
    for (kind, fields, expected) in [
        (
            "Deployment",
            "strategy: {type: Recreate}, ",
            "warning restarts Deployment/w: c image (restarts with a gap: all pods stop before new ones start)",
        ),
        (
            "Deployment",
            "paused: true, ",
            "warning restarts Deployment/w: c image (restarts once it is resumed: it is paused)",
        ),
        ("Deployment", "replicas: 0, ", "info restarts Deployment/w: c image (it has no pods)"),
        (
            "DaemonSet",
            "updateStrategy: {type: OnDelete}, ",
            "warning restarts DaemonSet/w: c image (does not restart by itself: its updateStrategy is OnDelete)",
        ),
        (
            "StatefulSet",
            "updateStrategy: {rollingUpdate: {partition: 2}}, ",
            "warning restarts StatefulSet/w: c image (restarts in part: its updateStrategy has a partition)",
        ),
        ("StatefulSet", "updateStrategy: {rollingUpdate: {partition: 0}}, ", "notice restarts StatefulSet/w: c image"),
        (
            "ReplicaSet",
            "",
            "warning restarts ReplicaSet/w: c image (does not restart by itself: only new pods get the new template)",
        ),
    ] {
        let with = |image: &str| workload(kind, "w", fields, &format!("{{containers: [{{name: c, image: {image}}}]}}"));
        assert_eq!(of("restarts", &with("a"), &with("b")), [expected]);
    }
}

#[test]
fn what_uses_changed_configuration_and_keeps_its_template_should_restart() {
    let config = |kind: &str, value: &str| object(kind, "conf", &format!("data: {{key: {value}}}"));
    let env = deployment("{containers: [{name: c, envFrom: [{configMapRef: {name: conf}}]}]}");
    let mounted = deployment("{containers: [{name: c}], volumes: [{name: v, configMap: {name: conf}}]}");
    let sub_path = mounted.replace("{name: c}", "{name: c, volumeMounts: [{name: v, subPath: key}]}");
    let secret =
        deployment("{containers: [{name: c, env: [{name: E, valueFrom: {secretKeyRef: {name: conf, key: key}}}]}]}");
    for (workload, kind, start) in [
        (
            &env,
            "ConfigMap",
            "warning restarts Deployment/web: should restart, and does not: ConfigMap/conf changes, and environment",
        ),
        (
            &mounted,
            "ConfigMap",
            "notice restarts Deployment/web: does not restart, and ConfigMap/conf changes: the files are updated",
        ),
        (
            &sub_path,
            "ConfigMap",
            "warning restarts Deployment/web: should restart, and does not: ConfigMap/conf changes, and files mounted with subPath",
        ),
        (&secret, "Secret", "warning restarts Deployment/web: should restart, and does not: Secret/conf changes"),
    ] {
        let (old, new) = (config(kind, "YQ==") + workload, config(kind, "Yg==") + workload);
        let compared = diff(&old, &new);
        assert_eq!((compared.parsed, compared.opened, compared.resources.len()), (2, 1, 1));
        let found = of("restarts", &old, &new);
        assert!(found.len() == 1 && found[0].starts_with(start), "{found:?}");
    }
    // Labels only, another namespace, another kind, a workload that does not use it: all is well.
    let labelled = config("ConfigMap", "a").replace("{name: conf}", "{name: conf, labels: {a: b}}");
    assert!(of("restarts", &(config("ConfigMap", "a") + &env), &(labelled + &env)).is_empty());
    let elsewhere = |value| config("ConfigMap", value).replace("{name: conf}", "{name: conf, namespace: other}");
    assert!(of("restarts", &(elsewhere("a") + &env), &(elsewhere("b") + &env)).is_empty());
    assert!(of("restarts", &(config("Secret", "YQ==") + &env), &(config("Secret", "Yg==") + &env)).is_empty());
    let other = deployment("{containers: [{name: conf}]}");
    assert!(of("restarts", &(config("ConfigMap", "a") + &other), &(config("ConfigMap", "b") + &other)).is_empty());
    // A template that changes with it, as by a checksum, restarts the pods.
    let sum = |sum: &str| env.replace("{labels: {a: b}}", &format!("{{annotations: {{checksum/config: {sum}}}}}"));
    let found = of("restarts", &(config("ConfigMap", "a") + &sum("x1")), &(config("ConfigMap", "b") + &sum("x2")));
    assert_eq!(found, ["notice restarts Deployment/web: annotation checksum/config"]);
}

#[test]
fn what_is_not_selected_is_not_told() {
    let config = |value: &str| object("ConfigMap", "conf", &format!("data: {{key: {value}}}"));
    let env = deployment("{containers: [{name: c, envFrom: [{configMapRef: {name: conf}}]}]}");
    let told = |only: &str| {
        let mut compared = diff(&(config("a") + &env), &(config("b") + &env));
        Selection { only: vec![Pattern::new(only)], suppress: Vec::new() }.apply(&mut compared);
        find(&compared, Both { old: "shop", new: "shop" }, true).len()
    };
    assert_eq!((told("*"), told("configmap"), told("deployment"), told("service")), (1, 0, 0, 0));
}

#[test]
fn releases_side_by_side_delete_and_restart_nothing() {
    let compared = diff(&image("c", "a:1.0"), &(image("c", "a:1.1") + &object("Namespace", "x", "")));
    let found = find(&compared, Both { old: "shop", new: "shop" }, false);
    assert!(found.iter().all(|one| one.topic.name() == "images") && found.len() == 1, "{found:?}");
}

#[test]
fn ten_thousand_objects_take_linear_time() {
    let all = |tag: &str| -> String {
        let one = |n: usize| match n % 2 {
            0 => workload(
                "Deployment",
                &format!("w{n}"),
                "",
                &format!(
                    "{{containers: [{{name: c{n}, image: 'x{n}:{tag}', envFrom: [{{configMapRef: {{name: c{n}}}}}]}}]}}"
                ),
            ),
            _ => object("ConfigMap", &format!("c{n}"), &format!("data: {{a: {tag}}}")),
        };
        (0..10_000).map(one).collect()
    };
    // The half that is new is as much work as a change, and takes half the reading.
    let compared = diff("", &all("1.1"));
    let started = std::time::Instant::now();
    assert!(find(&compared, Both { old: "shop", new: "shop" }, true).len() >= 5_000);
    let taken = started.elapsed();
    assert!(taken.as_secs() < 5, "quadratic, this would take minutes: {taken:?}");
}
