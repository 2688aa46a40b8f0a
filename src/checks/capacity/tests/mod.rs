//! What is short in the cluster is found, what is there passes, what may not be read is unknown.

mod quotas;
mod room;

use super::{classes, references};
use crate::checks::tests::Case;

/// A Deployment with this pod specification.
fn deployment(name: &str, fields: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec: {{{fields}selector: {{matchLabels: {{app: {name}}}}}, \
         template: {{metadata: {{labels: {{app: {name}}}}}, spec: {spec}}}}}\n"
    )
}

fn object(version: &str, kind: &str, name: &str, rest: &str) -> String {
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\n{rest}\n")
}

fn pod(rest: &str) -> String {
    format!("{{containers: [{{name: main, image: a{rest}}}]}}")
}

fn asking(image: &str, cpu: &str) -> String {
    format!(
        "{{containers: [{{name: main, image: {image}, resources: {{requests: {{cpu: {cpu}}}, limits: {{cpu: {cpu}}}}}}}]}}"
    )
}

const PLAIN: &str = "{containers: [{name: main, image: 'app:1'}]}";

const REFERS: &str = "{serviceAccountName: bot, imagePullSecrets: [{name: pull}], \
    volumes: [{name: a, configMap: {name: files}}, {name: b, persistentVolumeClaim: {claimName: disk}}, \
    {name: c, projected: {sources: [{secret: {name: maybe, optional: true}}]}}], \
    containers: [{name: main, image: 'app:2', envFrom: [{secretRef: {name: keys}}]}]}";

fn all_there() -> String {
    [
        ("ServiceAccount", "bot"),
        ("Secret", "pull"),
        ("ConfigMap", "files"),
        ("PersistentVolumeClaim", "disk"),
        ("Secret", "keys"),
    ]
    .map(|(kind, name)| object("v1", kind, name, ""))
    .concat()
}

#[test]
fn what_new_pods_refer_to_is_in_the_cluster_or_in_the_chart() {
    let (old, new, there) = (deployment("web", "", PLAIN), deployment("web", "", REFERS), all_there());
    let case = Case { old: &old, new: &new, ..Case::default() };
    let pass = ["pass : all that new pods refer to is there"];
    assert_eq!(Case { cluster: &there, ..case }.says(&references::CHECK), pass);
    let in_chart = format!("{new}{there}");
    let pass = ["pass : new pods refer to nothing but what the chart brings"];
    assert_eq!(Case { new: &in_chart, ..case }.says(&references::CHECK), pass);
    let unchanged = Case { old: &new, ..case };
    assert_eq!(unchanged.says(&references::CHECK), pass, "pods that stay as they are");
}

#[test]
fn what_is_missing_blocks_but_for_a_pull_secret() {
    let (old, new) = (deployment("web", "", PLAIN), deployment("web", "", REFERS));
    let case = Case { old: &old, new: &new, ..Case::default() };
    assert_eq!(
        case.says(&references::CHECK),
        [
            "blocker ConfigMap/files: it is neither in the cluster nor in the chart: its pods do not start",
            "blocker Secret/keys: it is neither in the cluster nor in the chart: its pods do not start",
            "blocker ServiceAccount/bot: it is neither in the cluster nor in the chart: its pods are refused",
            "blocker PersistentVolumeClaim/disk: it is neither in the cluster nor in the chart: its pods are never scheduled",
            "warning Secret/pull: it is neither in the cluster nor in the chart: images are pulled without it",
        ]
    );
    let unseen = Case { forbidden: &["Secret"], cluster: &all_there(), ..case }.says(&references::CHECK);
    assert_eq!(unseen, ["unknown : whether Secret keys and pull is there in namespace shop: you may not list secrets"]);
}

#[test]
fn what_may_be_made_by_something_else_is_a_warning() {
    let new = deployment("web", "", "{containers: [{name: main, image: a, envFrom: [{secretRef: {name: keys}}]}]}");
    let named = object("external-secrets.io/v1", "ExternalSecret", "web", "spec: {target: {name: keys}}");
    let hook = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: make, annotations: {helm.sh/hook: 'pre-install, pre-upgrade'}}\n\
        spec: {template: {spec: {containers: [{name: make, image: a}]}}}\n";
    let role =
        object("rbac.authorization.k8s.io/v1", "Role", "web", "rules: [{resources: [secrets], verbs: [create]}]");
    for maker in [named.as_str(), hook, &role] {
        let findings = Case { new: &format!("{new}{maker}"), ..Case::default() }.says(&references::CHECK);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("warning Secret/keys:"), "{findings:?}");
    }
}

#[test]
fn what_operators_may_make_is_no_blocker() {
    let new = deployment("web", "", "{containers: [{name: main, image: a, envFrom: [{secretRef: {name: db-keys}}]}]}");
    let custom = |group: &str, kind: &str, name: &str, spec: &str| {
        object(&format!("{group}/v1"), kind, name, &format!("spec: {spec}"))
    };
    let severity = |maker: &str| {
        let findings = Case { new: &format!("{new}{maker}"), ..Case::default() }.says(&references::CHECK);
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings[0].split(' ').next().unwrap_or_default().to_owned()
    };
    for maker in [
        custom("cert-manager.io", "Certificate", "web", "{secretName: db-keys}"),
        custom("external-secrets.io", "ExternalSecret", "web", "{target: {name: db-keys}}"),
        custom("bitnami.com", "SealedSecret", "db-keys", "{}"),
        custom("example.com", "Anything", "web", "{some: [{where: db-keys}]}"),
        custom("postgresql.example.com", "Cluster", "db", "{}"),
    ] {
        assert_eq!(severity(&maker), "warning", "{maker}");
    }
    for other in [
        custom("example.com", "Anything", "d", "{}"),
        custom("monitoring.coreos.com", "ServiceMonitor", "web", "{basicAuth: {name: db-keys}}"),
    ] {
        assert_eq!(severity(&other), "blocker", "{other}");
    }
}

#[test]
fn claims_that_a_stateful_set_makes_are_there() {
    let backup = |claim: &str| {
        deployment(
            "backup",
            "",
            &format!(
                "{{volumes: [{{name: a, persistentVolumeClaim: {{claimName: {claim}}}}}], containers: [{{name: main, image: a}}]}}"
            ),
        )
    };
    let set = "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\n\
        spec: {replicas: 2, volumeClaimTemplates: [{metadata: {name: data}}], template: {spec: {containers: [{name: main, image: a}]}}}\n";
    let says = |claim: &str| {
        let new = format!("{}{set}", backup(claim));
        Case { new: &new, ..Case::default() }.says(&references::CHECK)[0].clone()
    };
    for made in ["data-db-0", "data-db-1"] {
        assert!(says(made).starts_with("pass"), "{made}");
    }
    assert!(says("data-db-2").starts_with("warning PersistentVolumeClaim/data-db-2"), "it has no such pod yet");
    for other in ["data-db", "data-db-x", "other-db-0", "data-db-0-1"] {
        assert!(says(other).starts_with("blocker"), "{other}");
    }
}

#[test]
fn what_the_upgrade_deletes_or_makes_too_late_is_told() {
    let secret = object("v1", "Secret", "keys", "");
    let uses = |image: &str| {
        deployment(
            "web",
            "",
            &format!("{{containers: [{{name: main, image: {image}, envFrom: [{{secretRef: {{name: keys}}}}]}}]}}"),
        )
    };
    let old = format!("{}{secret}", uses("a"));
    let says = Case { old: &old, new: &uses("b"), cluster: &secret, ..Case::default() }.says(&references::CHECK);
    assert_eq!(
        says,
        ["warning Secret/keys: the upgrade deletes it, and it is still used: its pods do not start once it is gone"]
    );
    let stays = Case { old: &old, new: &uses("a"), cluster: &secret, ..Case::default() }.says(&references::CHECK);
    assert_eq!(stays, says, "pods that stay start again some day");
    let kept = secret.replace("name: keys", "name: keys, annotations: {helm.sh/resource-policy: keep}");
    for image in ["a", "b"] {
        let says = Case { old: &old, new: &uses(image), cluster: &kept, ..Case::default() }.says(&references::CHECK);
        assert!(says[0].starts_with("pass"), "it is kept in the cluster: {says:?}");
    }
    let hook = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}\n\
        spec: {template: {spec: {containers: [{name: main, image: a, envFrom: [{secretRef: {name: keys}}]}]}}}\n";
    let says = Case { new: &format!("{secret}{hook}"), ..Case::default() }.says(&references::CHECK);
    assert_eq!(
        says,
        [
            "blocker Secret/keys: a hook needs it before the upgrade makes it, and it is not there yet: its pods do not start"
        ]
    );
}

#[test]
fn a_key_that_the_charts_own_object_lacks_is_told() {
    let pod = "{containers: [{name: main, image: a, env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: KEY}}}]}]}";
    let says = |data: &str| {
        let new = deployment("web", "", pod) + &object("v1", "ConfigMap", "settings", data);
        Case { new: &new, ..Case::default() }.says(&references::CHECK)
    };
    assert!(says("data: {KEY: a}")[0].starts_with("pass"));
    assert!(says("data: {OTHER: a}")[0].starts_with("warning ConfigMap/settings: the chart puts no key KEY into it"));
}

#[test]
fn classes_that_are_missing_block_where_pods_or_claims_need_them() {
    let pod = "{priorityClassName: high, runtimeClassName: gvisor, containers: [{name: main, image: a}]}";
    let claim = object("v1", "PersistentVolumeClaim", "disk", "spec: {storageClassName: fast}");
    let ingress = object("networking.k8s.io/v1", "Ingress", "web", "spec: {ingressClassName: nginx}");
    let new = format!("{}{claim}{ingress}", deployment("web", "", pod));
    let case = Case { new: &new, ..Case::default() };
    let says = case.says(&classes::CHECK);
    let short: Vec<&str> = says.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        short,
        [
            "blocker StorageClass/fast",
            "blocker PriorityClass/high",
            "blocker RuntimeClass/gvisor",
            "warning IngressClass/nginx"
        ]
    );
    let there =
        [("StorageClass", "fast"), ("PriorityClass", "high"), ("RuntimeClass", "gvisor"), ("IngressClass", "nginx")]
            .map(|(kind, name)| object("v1", kind, name, ""))
            .concat();
    let pass = ["pass : all classes that new objects name are there"];
    assert_eq!(Case { cluster: &there, ..case }.says(&classes::CHECK), pass);
    let own = ["pass : new objects name no classes but the chart's own"];
    assert_eq!(Case { new: &format!("{new}{there}"), ..case }.says(&classes::CHECK), own);
    assert_eq!(Case { old: &new, ..case }.says(&classes::CHECK), own, "what was so before");
    let unseen = Case { cluster: &there, forbidden: &["PriorityClass"], ..case }.says(&classes::CHECK);
    assert_eq!(unseen, ["unknown : whether PriorityClass high is there: you may not list priorityclasses"]);
}

#[test]
fn a_volume_may_stand_for_its_class() {
    let claim = object("v1", "PersistentVolumeClaim", "disk", "spec: {storageClassName: manual}");
    let volume = |phase: &str| {
        object(
            "v1",
            "PersistentVolume",
            "pv",
            &format!("spec: {{storageClassName: manual}}\nstatus: {{phase: {phase}}}"),
        )
    };
    let says = |cluster: &str| Case { new: &claim, cluster, ..Case::default() }.says(&classes::CHECK)[0].clone();
    assert!(says(&volume("Available")).starts_with("pass"));
    assert!(says(&volume("Bound")).starts_with("blocker StorageClass/manual"));
    let any = object("v1", "PersistentVolumeClaim", "disk", "spec: {}");
    let says = |cluster: &str| Case { new: &any, cluster, ..Case::default() }.says(&classes::CHECK)[0].clone();
    assert!(says("").starts_with("warning StorageClass: "));
    let default = "---\nkind: StorageClass\nmetadata: {name: a, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}\n";
    assert!(says(default).starts_with("pass"));
}
