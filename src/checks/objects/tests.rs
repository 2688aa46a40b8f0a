//! What is made of dry runs. That the server says these things is tested on a real one (`tests/checks/objects.rs`).

use super::super::tests::says_all as findings;
use super::super::trial::{Outcome, Trial, Trials};
use super::super::{Finding, Severity, Snapshot, snapshot};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::live::Ownership;
use crate::manifest::node::Node;
use crate::manifest::refusal::{Cause, Refusal};

fn trial(kind: &str, outcome: Outcome) -> Trial {
    let id = ObjectId {
        group: if kind == "Deployment" { "apps".into() } else { String::new() },
        version: "v1".into(),
        kind: kind.into(),
        namespace: Some("shop".into()),
        name: "web".into(),
    };
    Trial { id, source: None, hook: false, is_new: false, live: Ok(None), warnings: Vec::new(), outcome }
}

fn refused(code: u16, message: &str, causes: &[(&str, &str, &str)]) -> Outcome {
    let causes = causes.iter().map(|(reason, field, message)| Cause {
        reason: (*reason).into(),
        field: (*field).into(),
        message: (*message).into(),
    });
    Outcome::Refused(Box::new(Refusal {
        code,
        message: message.into(),
        causes: causes.collect(),
        ..Refusal::default()
    }))
}

/// What the checks say of these trials, but for what passes.
fn said(trials: Trials, change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
    let all = findings(|snapshot| {
        snapshot.trials = Ok(trials);
        change(snapshot);
    });
    all.into_iter().filter(|finding| finding.severity != Severity::Pass).collect()
}

fn of(objects: Vec<Trial>) -> Trials {
    Trials { by_server: true, objects, ..Trials::default() }
}

/// Check, severity, message of the only finding.
fn only(trials: Trials) -> (&'static str, Severity, String) {
    let mut found = said(trials, |_| {});
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    (finding.check, finding.severity, finding.message)
}

#[test]
fn each_refusal_is_told_by_the_check_of_its_class() {
    let selector = ("FieldValueInvalid", "spec.selector", "Invalid value: {}: field is immutable");
    let conflict = ("FieldManagerConflict", ".spec.replicas", "conflict with \"hpa\" using apps/v1");
    let cases = [
        (refused(422, "invalid", &[selector]), "immutable", "spec.selector may not change"),
        (
            refused(422, "invalid", &[("FieldValueInvalid", "spec.replicas", "must be positive")]),
            "invalid",
            "spec.replicas",
        ),
        (
            refused(500, "failed", &[("FieldValueInvalid", "spec.x", "field not declared in schema")]),
            "invalid",
            "spec.x",
        ),
        (refused(400, "cannot be handled as a Deployment", &[]), "invalid", "cannot be handled"),
        (refused(409, "conflict", &[conflict]), "field-conflict", "hpa owns a field"),
        (refused(403, "x is forbidden: exceeded quota: few", &[]), "admission", "denies it: exceeded quota"),
        (refused(400, "admission webhook \"w\" denied the request: no", &[]), "admission", "denied the request"),
        (
            refused(500, "Internal error occurred: failed calling webhook \"w\"", &[]),
            "admission",
            "denies it: failed calling",
        ),
        (refused(403, "x", &[("NamespaceTerminating", "", "")]), "namespace", "on its way out"),
    ];
    for (outcome, check, part) in cases {
        let (found, severity, message) = only(of(vec![trial("Deployment", outcome)]));
        assert_eq!((found, severity), (check, Severity::Blocker), "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_kind_that_nobody_knows_is_told_unless_it_is_one_of_kubernetes() {
    let (check, severity, message) = only(of(vec![trial("Widget", Outcome::Unserved)]));
    assert_eq!((check, severity), ("definition", Severity::Blocker));
    assert!(message.contains("does not know Widget of v1"), "{message}");
    assert!(said(of(vec![trial("Deployment", Outcome::Unserved)]), |_| {}).is_empty(), "another check tells of it");
}

#[test]
fn an_object_may_be_wrong_in_two_ways() {
    let causes = [("", "spec.selector", "field is immutable"), ("", "spec.replicas", "must be positive")];
    let found = said(of(vec![trial("Deployment", refused(422, "", &causes))]), |_| {});
    assert_eq!(found.iter().map(|finding| finding.check).collect::<Vec<_>>(), ["invalid", "immutable"]);
    assert!(found.iter().all(|finding| finding.resource == "Deployment/web"), "{found:#?}");
}

#[test]
fn replacing_does_not_go_with_applying_at_the_server() {
    let (check, severity, message) = only(Trials { replaces: true, ..of(Vec::new()) });
    assert_eq!((check, severity), ("field-conflict", Severity::Blocker), "{message}");
    assert!(said(Trials { replaces: true, by_server: false, ..of(Vec::new()) }, |_| {}).is_empty());
}

#[test]
fn what_was_not_tried_does_not_pass() {
    let untried = Outcome::Untried("you may not patch deployments.apps".into());
    let found = said(of(vec![trial("Deployment", untried)]), |_| {});
    let checks: Vec<&str> = found.iter().map(|finding| finding.check).collect();
    let expected = ["deprecated-api", "admission", "invalid", "immutable", "field-conflict", "namespace"];
    assert_eq!(checks, expected, "{found:#?}");
    assert!(found.iter().all(|finding| finding.severity == Severity::Unknown));
    assert!(found[1].evidence[0].contains("Deployment/web: you may not patch"), "{found:#?}");
    let none = findings(|snapshot| snapshot.trials = Err("no answer".into()));
    assert_eq!(none.iter().filter(|finding| finding.severity == Severity::Unknown).count(), 8, "{none:#?}");
}

#[test]
fn what_an_object_misses_and_the_upgrade_brings_is_not_known_to_be_wrong() {
    let missing = Outcome::Refused(Box::new(Refusal {
        code: 404,
        kind: "namespaces".into(),
        name: "shop".into(),
        ..Refusal::default()
    }));
    let of_namespace =
        |creates_namespace| Trials { creates_namespace, ..of(vec![trial("Deployment", missing.clone())]) };
    let found = said(of_namespace(false), |_| {});
    assert_eq!((found[0].check, found[0].severity), ("namespace", Severity::Blocker), "{found:#?}");
    let found = said(of_namespace(true), |_| {});
    assert!(found.iter().all(|finding| finding.severity == Severity::Unknown), "{found:#?}");
    assert!(found[0].evidence[0].contains("namespace \"shop\" comes with the upgrade"), "{found:#?}");

    let account =
        "pods \"web\" is forbidden: error looking up service account shop/own: serviceaccount \"own\" not found";
    let new = |kind: &str, name: &str| {
        let object = serde_json::json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
        Object::of(serde_json::from_value::<Node>(object).unwrap())
    };
    let pod = || of(vec![trial("Pod", refused(403, account, &[]))]);
    assert_eq!(said(pod(), |_| {})[0].severity, Severity::Blocker);
    let objects = snapshot::Objects { old: Vec::new(), new: vec![new("ServiceAccount", "own")], back: Ok(None) };
    let objects = Box::leak(Box::new(objects));
    let found = said(pod(), |snapshot| snapshot.objects = objects);
    assert!(found.iter().all(|finding| finding.severity == Severity::Unknown), "{found:#?}");
}

#[test]
fn an_object_that_is_somebody_elses_blocks_unless_it_is_taken_over() {
    let owner = |release: Option<&str>| Ownership {
        managed_by: release.map(|_| "Helm".to_owned()),
        release: release.map(str::to_owned),
        release_namespace: release.map(|_| "shop".to_owned()),
        deleting: false,
    };
    let with = |live: snapshot::Known<Option<Ownership>>, takes_ownership| {
        let trial = Trial { is_new: true, live, ..trial("Deployment", Outcome::Accepted) };
        Trials { takes_ownership, ..of(vec![trial]) }
    };
    let (check, severity, message) = only(with(Ok(Some(owner(Some("other")))), false));
    assert_eq!((check, severity), ("ownership", Severity::Blocker));
    assert!(message.contains("belongs to release \"other\" in namespace \"shop\""), "{message}");
    assert!(only(with(Ok(Some(owner(None))), false)).2.contains("belongs to no release"));
    assert_eq!(only(with(Ok(Some(owner(Some("other")))), true)).1, Severity::Warning);
    assert_eq!(only(with(Err("no".into()), false)).1, Severity::Unknown);
    assert_eq!(only(with(Ok(Some(Ownership { deleting: true, ..owner(None) })), false)).1, Severity::Warning);
    assert!(said(with(Ok(Some(owner(Some("web")))), false), |_| {}).is_empty(), "its own, left by a failed revision");
}

#[test]
fn a_field_that_the_server_drops_is_a_warning_where_it_is_new() {
    let warned =
        Trial { warnings: vec!["unknown field \"spec.replica\"".into()], ..trial("Deployment", Outcome::Accepted) };
    let (check, severity, _) = only(of(vec![warned.clone()]));
    assert_eq!((check, severity), ("invalid", Severity::Warning));
    let object = serde_json::json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replica": 1}});
    let old = vec![Object::of(serde_json::from_value::<Node>(object).unwrap())];
    let objects = Box::leak(Box::new(snapshot::Objects { old, new: Vec::new(), back: Ok(None) }));
    let found = said(of(vec![warned]), |snapshot| snapshot.objects = objects);
    assert_eq!(found[0].severity, Severity::Info);
    let other = Trial { warnings: vec!["v1 Endpoints is deprecated".into()], ..trial("Deployment", Outcome::Accepted) };
    assert!(said(of(vec![other]), |_| {}).iter().all(|finding| finding.check != "invalid"));
}

#[test]
fn objects_of_which_the_same_is_found_are_one_finding() {
    let down = || refused(500, "Internal error occurred: failed calling webhook \"w\"", &[]);
    let objects = (0..30).map(|number| {
        let mut trial = trial("Deployment", down());
        trial.id.name = format!("web-{number}");
        trial
    });
    let found = said(of(objects.collect()), |_| {});
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].evidence[0].contains("web-1,") && found[0].evidence[0].contains("and 19 more"), "{found:#?}");
}

#[test]
fn a_revision_that_can_not_be_stored_is_told() {
    let record = Some(refused(403, "secrets \"x\" is forbidden: exceeded quota: few", &[]));
    let (check, severity, message) = only(Trials { record, ..of(Vec::new()) });
    assert_eq!((check, severity), ("admission", Severity::Blocker));
    assert!(message.contains("could not store it: exceeded quota: few"), "{message}");
}

/// What these checks say of one refused trial, given what the cluster has: check and severity of what did not pass.
fn said_beside(old: &str, new: &str, cluster: &str, refusal: (&str, Outcome)) -> Vec<(&'static str, Severity)> {
    use crate::checks::capacity::{quota, volume_growth};
    use crate::checks::disruption::node_ports;
    let case = crate::checks::tests::Case { old, new, cluster, ..Default::default() };
    let checks = [
        &super::admission::CHECK,
        &super::invalid::CHECK,
        &super::immutable::CHECK,
        &quota::CHECK,
        &node_ports::CHECK,
        &volume_growth::CHECK,
    ];
    let trial = trial(refusal.0, refusal.1);
    let found = case.all_findings(&checks, |snapshot| snapshot.trials = Ok(of(vec![trial.clone()])));
    let found = found.into_iter().filter(|one| one.severity != Severity::Pass);
    found.map(|one| (one.check, one.severity)).collect()
}

#[test]
fn what_a_check_of_its_own_tells_is_not_told_twice() {
    let quota = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\n\
        spec: {hard: {count/configmaps: '1'}}\nstatus: {hard: {count/configmaps: '1'}, used: {count/configmaps: '1'}}\n";
    let (old, new) =
        ("---\nkind: Secret\nmetadata: {name: a}\n", "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n");
    let denied = |resource: &str| {
        let message =
            format!("exceeded quota: few, requested: {resource}=1, used: {resource}=1, limited: {resource}=1");
        ("ConfigMap", refused(403, &message, &[]))
    };
    let found = said_beside(old, new, quota, denied("count/configmaps"));
    assert_eq!(found, [("admission", Severity::Info), ("quota", Severity::Blocker)]);
    // What the other check does not tell is told here.
    let found = said_beside(old, new, "", denied("count/configmaps"));
    assert_eq!(found, [("admission", Severity::Blocker)]);
    let found = said_beside(old, new, quota, denied("count/secrets"));
    assert_eq!(found, [("admission", Severity::Blocker), ("quota", Severity::Blocker)]);

    let service = |name: &str, rest: &str| {
        format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{{rest}}}\n")
    };
    let port = "type: NodePort, ports: [{port: 80, nodePort: 30001}]";
    let taken = service("first", port).replace("{name: first}", "{name: first, namespace: other}");
    let (old, new) = (service("web", "ports: [{port: 80}]"), service("web", port));
    let cause = ("", "spec.ports[0].nodePort", "Invalid value: 30001: provided port is already allocated");
    let found = said_beside(&old, &new, &taken, ("Service", refused(422, "", &[cause])));
    assert_eq!(found, [("invalid", Severity::Info), ("node-ports", Severity::Blocker)]);
    let both = [cause, ("", "spec.type", "Unsupported value")];
    let found = said_beside(&old, &new, &taken, ("Service", refused(422, "", &both)));
    assert_eq!(found, [("invalid", Severity::Blocker), ("node-ports", Severity::Blocker)]);

    let claim = |size: &str, class: &str| {
        format!(
            "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: web}}\n\
             spec: {{storageClassName: {class}, resources: {{requests: {{storage: {size}}}}}}}\nstatus: {{phase: Bound, capacity: {{storage: {size}}}}}\n"
        )
    };
    let cause = ("", "spec.resources.requests.storage", "Forbidden: field can not be less than status.capacity");
    let shrinks = || ("PersistentVolumeClaim", refused(422, "", &[cause]));
    let found = said_beside(&claim("2Gi", "a"), &claim("1Gi", "a"), &claim("2Gi", "a"), shrinks());
    assert_eq!(found, [("immutable", Severity::Info), ("volume-growth", Severity::Blocker)]);
    let found = said_beside(&claim("2Gi", "a"), &claim("1Gi", "b"), &claim("2Gi", "a"), shrinks());
    assert_eq!(found, [("immutable", Severity::Blocker), ("volume-growth", Severity::Blocker)]);
}
