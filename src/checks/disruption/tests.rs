//! What the upgrade interrupts is found where it is new, and silent where it was so before.

use super::{autoscaler, availability, budget, deletions, node_ports, restarts, services};
use crate::checks::tests::Case;

/// A workload whose pods have the label `app` with its name.
fn workload(kind: &str, name: &str, fields: &str, container: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{fields}selector: {{matchLabels: {{app: {name}}}}}, \
         template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: main, {container}}}]}}}}}}\n"
    )
}

fn web(fields: &str) -> String {
    workload("Deployment", "web", fields, "image: a")
}

fn object(version: &str, kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

fn pdb(name: &str, spec: &str) -> String {
    object(
        "policy/v1",
        "PodDisruptionBudget",
        name,
        &format!("spec: {{selector: {{matchLabels: {{app: web}}}}, {spec}}}"),
    )
}

fn hpa(least: u32, most: u32) -> String {
    let spec = format!(
        "spec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}, minReplicas: {least}, maxReplicas: {most}}}"
    );
    object("autoscaling/v2", "HorizontalPodAutoscaler", "web", &spec)
}

const NEVER: &str = "no pod can ever be evicted, and no node that runs one be drained";

#[test]
fn a_budget_that_never_leaves_room_is_found() {
    let says = |budget: &str, more: &str| {
        let new = web("replicas: 2, ") + &pdb("web", budget) + more;
        Case { old: &web("replicas: 2, "), new: &new, ..Case::default() }.says(&budget::CHECK)[0].clone()
    };
    let web = "PodDisruptionBudget/web";
    assert_eq!(says("minAvailable: 2", ""), format!("blocker {web}: minAvailable is 2, and there are 2 pods: {NEVER}"));
    assert_eq!(
        says("minAvailable: 60%", ""),
        format!("blocker {web}: minAvailable is 60%, and there are 2 pods: {NEVER}")
    );
    assert_eq!(says("maxUnavailable: 0", ""), format!("warning {web}: maxUnavailable is 0: {NEVER}"));
    assert_eq!(says("minAvailable: 100%", ""), format!("warning {web}: minAvailable is 100%: {NEVER}"));
    for room in ["minAvailable: 1", "maxUnavailable: 1", "minAvailable: 50%", "maxUnavailable: 1%"] {
        assert!(says(room, "").starts_with("pass"), "{room}");
    }
    assert!(
        says("minAvailable: 2", &hpa(2, 4))
            .starts_with(&format!("warning {web}: minAvailable is 2, and the autoscaler"))
    );
    assert!(says("minAvailable: 2", &hpa(3, 4)).starts_with("pass"));
}

#[test]
fn pods_that_something_else_scales_are_no_deadlock() {
    let (old, new) = (web(""), web("") + &pdb("web", "minAvailable: 1"));
    let says =
        |new: &str, cluster: &str| Case { old: &old, new, cluster, ..Case::default() }.says(&budget::CHECK)[0].clone();
    let live = |count: u32| object("apps/v1", "Deployment", "web", &format!("spec: {{replicas: {count}}}"));
    assert!(says(&new, &live(3)).starts_with("pass"), "the cluster has three");
    let one = format!(
        "warning PodDisruptionBudget/web: minAvailable is 1, and there is 1 pod unless something scales them: {NEVER}"
    );
    assert_eq!(says(&new, &live(1)), one);
    assert_eq!(
        Case { old: &old, new: &new, forbidden: &["Deployment"], ..Case::default() }.says(&budget::CHECK),
        [one]
    );
    assert!(says(&new, &(live(1) + &hpa(2, 4))).starts_with("pass"), "an autoscaler that the chart does not bring");
    let keda = |least: u32| {
        let spec = format!("spec: {{scaleTargetRef: {{name: web}}, minReplicaCount: {least}, maxReplicaCount: 4}}");
        object("keda.sh/v1alpha1", "ScaledObject", "web", &spec)
    };
    assert!(says(&(new.clone() + &keda(2)), "").starts_with("pass"));
    assert!(says(&(new.clone() + &keda(0)), "").starts_with("warning"));
    let fixed = web("replicas: 1, ") + &pdb("web", "minAvailable: 1");
    assert!(says(&fixed, "").starts_with("blocker"));
    assert!(says(&fixed, &hpa(2, 4)).starts_with("pass"));
}

#[test]
fn a_budget_that_left_no_room_before_is_nothing_new() {
    let both = |replicas: u32| web(&format!("replicas: {replicas}, ")) + &pdb("web", "minAvailable: 2");
    let says = |old: u32, new: u32| {
        Case { old: &both(old), new: &both(new), ..Case::default() }.says(&budget::CHECK)[0].clone()
    };
    assert!(says(2, 1).starts_with("pass"));
    assert!(says(3, 2).starts_with("blocker"), "the replicas make it so");
}

#[test]
fn pods_with_two_budgets_can_not_be_evicted() {
    let (old, one) = (web("replicas: 3, "), pdb("web", "minAvailable: 1"));
    let foreign = pdb("other", "minAvailable: 1");
    let new = format!("{old}{one}");
    let case = Case { old: &old, new: &new, ..Case::default() };
    assert!(case.says(&budget::CHECK)[0].starts_with("pass"));
    let says = Case { cluster: &foreign, ..case }.says(&budget::CHECK);
    assert!(
        says[0].starts_with(
            "blocker PodDisruptionBudget/web: its pods have another budget as well, PodDisruptionBudget/other"
        ),
        "{says:?}"
    );
    let moved = Case { old: &format!("{old}{foreign}"), cluster: &foreign, ..case }.says(&budget::CHECK);
    assert!(moved[0].starts_with("pass"), "the other goes: {moved:?}");
    let unseen = Case { forbidden: &["PodDisruptionBudget"], ..case }.says(&budget::CHECK);
    assert_eq!(unseen, ["unknown : whether pods have another budget as well: you may not list poddisruptionbudgets"]);
}

#[test]
fn a_budget_for_no_pods_is_told() {
    let spec = "spec: {selector: {matchLabels: {app: other}}, minAvailable: 1}";
    let new = web("") + &object("policy/v1", "PodDisruptionBudget", "web", spec);
    let says = Case { old: &web(""), new: &new, ..Case::default() }.says(&budget::CHECK);
    assert_eq!(says, ["warning PodDisruptionBudget/web: it selects no pods of the new revision: it protects nothing"]);
    let says = Case { old: &new, new: &new, ..Case::default() }.says(&budget::CHECK);
    assert!(says[0].starts_with("pass"), "{says:?}");
}

fn availability(old: &str, new: &str) -> Vec<String> {
    Case { old, new, ..Case::default() }.says(&availability::CHECK)
}

#[test]
fn a_gap_without_pods_is_a_warning_where_it_is_new() {
    let recreate = |image: &str| {
        workload("Deployment", "web", "replicas: 3, strategy: {type: Recreate}, ", &format!("image: {image}"))
    };
    let says = availability(&web("replicas: 3, "), &recreate("a"));
    assert_eq!(says, ["warning Deployment/web: its strategy is Recreate: each roll-out leaves a gap without pods"]);
    let says = availability(&recreate("a"), &recreate("b"));
    assert_eq!(says, ["info Deployment/web: its strategy is Recreate: this upgrade leaves a gap without pods"]);
    assert!(availability(&recreate("a"), &recreate("a"))[0].starts_with("pass"));
    let all = web("replicas: 3, strategy: {rollingUpdate: {maxUnavailable: 100%, maxSurge: 0}}, ");
    assert!(availability(&web("replicas: 3, "), &all)[0].contains("its maxUnavailable takes all pods at once"));
    let daemon = |fields: &str| workload("DaemonSet", "agent", fields, "image: a");
    let says = availability(&daemon(""), &daemon("updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}, "));
    assert!(says[0].starts_with("warning DaemonSet/agent: its maxUnavailable takes all"), "{says:?}");
}

#[test]
fn fewer_pods_and_probes_than_before_are_told() {
    assert!(availability(&web("replicas: 3, "), &web("replicas: 0, "))[0].contains("no pods are left"));
    assert!(availability(&web("replicas: 3, "), &web("replicas: 1, "))[0].contains("one pod is left of 3"));
    assert!(availability(&web("replicas: 3, "), &web("replicas: 2, "))[0].starts_with("pass"));
    assert!(
        availability(&web("replicas: 3, "), &(web("replicas: 1, ") + &hpa(2, 5)))[0].starts_with("pass"),
        "the autoscaler keeps two"
    );
    let probed = workload("Deployment", "web", "replicas: 3, ", "image: a, readinessProbe: {tcpSocket: {port: 80}}");
    assert!(availability(&probed, &web("replicas: 3, "))[0].contains("its readiness probe is gone"));
    let service = object("v1", "Service", "web", "spec: {selector: {app: web}}");
    let served = format!("{}{service}", web("replicas: 3, "));
    assert!(availability("# none", &served)[0].contains("none of their containers has a readiness probe"));
    assert!(availability("# none", &format!("{probed}{service}"))[0].starts_with("pass"));
    assert!(availability(&served, &served)[0].starts_with("pass"));
}

#[test]
fn an_autoscaler_and_replicas_fight() {
    let (plain, both) = (web(""), web("replicas: 2, ") + &hpa(2, 9));
    let live = |count: u32| {
        object("autoscaling/v2", "HorizontalPodAutoscaler", "web", &format!("status: {{desiredReplicas: {count}}}"))
    };
    let case = Case { old: &plain, new: &both, ..Case::default() };
    assert!(
        case.says(&autoscaler::CHECK)[0]
            .starts_with("warning Deployment/web: it says replicas: 2 and has an autoscaler")
    );
    let again = Case { old: &both, ..case };
    assert!(Case { cluster: &live(2), ..again }.says(&autoscaler::CHECK)[0].starts_with("pass"));
    assert_eq!(
        Case { cluster: &live(7), ..again }.says(&autoscaler::CHECK),
        [
            "warning Deployment/web: the autoscaler has chosen 7 pods, and the upgrade sets them to 2: the others stop at once"
        ]
    );
    let unseen = Case { forbidden: &["HorizontalPodAutoscaler"], ..again }.says(&autoscaler::CHECK);
    assert!(unseen[0].starts_with("unknown Deployment/web: the upgrade sets its pods to 2"), "{unseen:?}");
    let alone = web("") + &hpa(2, 9);
    assert!(Case { old: &both, new: &alone, ..case }.says(&autoscaler::CHECK)[0].starts_with("pass"));
}

#[test]
fn an_autoscaler_needs_the_request_that_it_goes_by() {
    let metric =
        "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]";
    let hpa = hpa(2, 9).replace("minReplicas", &format!("{metric}, minReplicas"));
    let with = |container: &str| workload("Deployment", "web", "", container) + &hpa;
    let says = |new: &str| Case { old: &web(""), new, ..Case::default() }.says(&autoscaler::CHECK)[0].clone();
    assert!(
        says(&with("image: a")).starts_with("warning HorizontalPodAutoscaler/web: it goes by the utilization of cpu")
    );
    assert!(says(&with("image: a, resources: {requests: {cpu: 100m}}")).starts_with("pass"));
}

#[test]
fn what_does_not_reach_the_pods_is_told() {
    let set =
        |image: &str| workload("StatefulSet", "db", "updateStrategy: {type: OnDelete}, ", &format!("image: {image}"));
    let says = |old: &str, new: &str| Case { old, new, ..Case::default() }.says(&restarts::CHECK);
    assert_eq!(
        says(&set("a"), &set("b")),
        ["warning StatefulSet/db: does not restart by itself: its updateStrategy is OnDelete"]
    );
    assert!(says(&set("a"), &set("a"))[0].starts_with("pass"));
    let uses = workload("Deployment", "web", "", "image: a, envFrom: [{configMapRef: {name: settings}}]");
    let with =
        |value: &str| format!("{uses}{}", object("v1", "ConfigMap", "settings", &format!("data: {{a: {value}}}")));
    assert!(
        says(&with("one"), &with("two"))[0]
            .starts_with("warning Deployment/web: should restart, and does not: ConfigMap/settings changes")
    );
}

fn service(spec: &str) -> String {
    object("v1", "Service", "web", &format!("spec: {{{spec}}}"))
}

fn services(old: &str, new: &str) -> String {
    Case { old, new, ..Case::default() }.says(&services::CHECK)[0].clone()
}

#[test]
fn a_service_that_leads_nowhere_is_told() {
    let with = |spec: &str| web("") + &service(spec);
    assert!(services(&web(""), &with("selector: {app: web}, ports: [{port: 80}]")).starts_with("pass"));
    assert!(
        services(&web(""), &with("selector: {app: wrong}")).contains("its selector fits no pods of the new revision")
    );
    assert!(
        services(&with("selector: {app: wrong}"), &with("selector: {app: wrong}")).starts_with("pass"),
        "as before"
    );
    assert!(
        services(&web(""), &with("type: ExternalName, externalName: a, selector: {app: wrong}")).starts_with("pass")
    );
    let renamed = web("").replace("app: web", "app: other") + &service("selector: {app: other}");
    assert!(services(&with("selector: {app: web}"), &renamed).contains("until new ones are ready, it leads nowhere"));
}

#[test]
fn a_port_that_no_container_has_is_told() {
    let with = |port: &str, target: &str| {
        workload("Deployment", "web", "", &format!("image: a, ports: [{{name: http, containerPort: {port}}}]"))
            + &service(&format!("selector: {{app: web}}, ports: [{{port: 80, targetPort: {target}}}]"))
    };
    let old = with("8080", "http");
    assert!(services(&old, &with("8080", "8080")).starts_with("pass"));
    assert!(services(&old, &with("8080", "web")).contains("no container of Deployment/web has the port web"));
    assert!(services(&old, &with("8080", "9090")).contains("has the port 9090"));
    assert!(services(&with("8080", "web"), &with("8080", "web")).starts_with("pass"), "as before");
}

#[test]
fn another_type_of_service_is_told() {
    let with = |kind: &str| web("") + &service(&format!("type: {kind}, selector: {{app: web}}"));
    assert!(
        services(&with("LoadBalancer"), &with("ClusterIP"))
            .contains("its type changes from LoadBalancer to ClusterIP: its address")
    );
    assert!(services(&with("ClusterIP"), &with("LoadBalancer")).contains("reached from outside"));
    assert!(services(&with("NodePort"), &with("NodePort")).starts_with("pass"));
}

#[test]
fn a_node_port_that_is_taken_blocks() {
    let with = |port: u32| service(&format!("type: NodePort, ports: [{{port: 80, nodePort: {port}}}]"));
    let other =
        "---\nkind: Service\nmetadata: {name: db, namespace: data}\nspec: {ports: [{port: 1, nodePort: 30001}]}\n";
    let case = Case { old: &with(30000), new: &with(30001), cluster: other, ..Case::default() };
    let taken =
        ["blocker Service/web: node port 30001 is taken by Service/db in namespace data: the server refuses it"];
    assert_eq!(case.says(&node_ports::CHECK), taken);
    assert!(Case { new: &with(30002), ..case }.says(&node_ports::CHECK)[0].starts_with("pass"));
    let own = with(30001).replace("name: web", "name: web, namespace: shop");
    assert!(Case { cluster: &own, ..case }.says(&node_ports::CHECK)[0].starts_with("pass"), "its own");
    assert!(Case { forbidden: &["Service"], ..case }.says(&node_ports::CHECK)[0].starts_with("unknown"));
    assert!(Case { old: &with(30001), ..case }.says(&node_ports::CHECK)[0].starts_with("pass"));
}

#[test]
fn data_that_goes_blocks_unless_it_is_kept() {
    let claim = object("v1", "PersistentVolumeClaim", "disk", "");
    let live = |policy: &str| {
        object("v1", "PersistentVolumeClaim", "disk", "spec: {volumeName: pv}")
            + &object("v1", "PersistentVolume", "pv", &format!("spec: {{persistentVolumeReclaimPolicy: {policy}}}"))
    };
    let case = Case { old: &claim, new: "# none", ..Case::default() };
    let says = |cluster: &str| Case { cluster, ..case }.says(&deletions::CHECK)[0].clone();
    assert_eq!(
        says(&live("Delete")),
        "blocker PersistentVolumeClaim/disk: it is deleted, and the data on PersistentVolume/pv with it"
    );
    assert!(says(&live("Retain")).starts_with("warning PersistentVolumeClaim/disk"));
    assert!(says("").starts_with("pass"), "it is gone already");
    let unseen = Case { forbidden: &["PersistentVolumeClaim"], ..case }.says(&deletions::CHECK);
    assert!(unseen[0].starts_with("unknown PersistentVolumeClaim/disk"), "{unseen:?}");
    let unseen = Case { forbidden: &["PersistentVolume"], cluster: &live("Delete"), ..case }.says(&deletions::CHECK);
    assert!(unseen[0].starts_with("unknown PersistentVolumeClaim/disk: it is deleted, and whether"), "{unseen:?}");
}

#[test]
fn what_is_kept_is_said_by_the_object_in_the_cluster() {
    for (version, kind, rest) in [
        ("v1", "PersistentVolumeClaim", "spec: {volumeName: pv}"),
        ("v1", "PersistentVolume", "spec: {persistentVolumeReclaimPolicy: Delete}"),
        ("v1", "Namespace", ""),
        ("v1", "Secret", "data: {a: YQ==}"),
        ("apps/v1", "StatefulSet", "spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", ""),
    ] {
        let plain = object(version, kind, "disk", rest);
        let kept = plain.replace("name: disk", "name: disk, annotations: {helm.sh/resource-policy: keep, other: a}");
        let case = Case { old: &plain, new: "# none", ..Case::default() };
        let says = |case: Case<'_>| case.says(&deletions::CHECK)[0].clone();
        assert!(says(Case { cluster: &kept, ..case }).starts_with("pass"), "{kind}, annotated by hand");
        let by_manifest = says(Case { old: &kept, cluster: &plain, ..case });
        assert!(!by_manifest.starts_with("pass"), "{kind}: {by_manifest}");
        let unseen = says(Case { cluster: &plain, forbidden: &[kind], ..case });
        assert!(unseen.starts_with(&format!("unknown {kind}/disk: ")), "{unseen}");
        assert!(says(case).starts_with("pass"), "{kind} is gone already");
    }
}

#[test]
fn definitions_and_secrets_that_go_are_told() {
    let definition = object(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "things.example.com",
        "spec: {group: example.com, names: {plural: things, kind: Thing}, \
         versions: [{name: v0, storage: true}, {name: v1, served: true}]}",
    );
    let case = Case { old: &definition, new: "# none", cluster: &definition, ..Case::default() };
    let says = |cluster: &str| Case { cluster, ..case }.says(&deletions::CHECK)[0].clone();
    assert!(says(&definition).starts_with("warning CustomResourceDefinition/things.example.com"));
    let one = format!("{definition}{}", object("example.com/v1", "Thing", "one", ""));
    assert!(says(&one).contains("the one object of its kind with it"), "in the version that is served");
    let unseen = Case { forbidden: &["Thing"], ..case }.says(&deletions::CHECK)[0].clone();
    assert!(unseen.starts_with("unknown CustomResourceDefinition/things.example.com: it is deleted, and whether"));
    let secret = object("v1", "Secret", "keys", "");
    let says = |text: &str| Case { old: text, cluster: text, ..case }.says(&deletions::CHECK)[0].clone();
    assert!(says(&secret).starts_with("warning Secret/keys"));
    assert!(says(&object("v1", "Namespace", "team", "")).starts_with("blocker Namespace/team"));
}
