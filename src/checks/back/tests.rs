//! What is made of the way back.

use std::slice::from_ref;

use super::super::snapshot::Objects;
use super::super::tests::says_all;
use super::super::trial::{Outcome, Trial, Trials};
use super::super::wanted::{ListedKind, Lists, Wanted};
use super::super::{Finding, Severity, Snapshot};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::manifest::refusal::Refusal;

fn object(json: serde_json::Value) -> Object {
    let is_hook = json["metadata"]["annotations"]["helm.sh/hook"].is_string();
    let node: Node = serde_json::from_value(json).unwrap();
    Object { hook: is_hook, ..Object::of(node) }
}

/// What the checks of the way back say of an upgrade from these objects to those, but for what passes.
fn said(
    old: &[serde_json::Value],
    new: &[serde_json::Value],
    change: impl FnOnce(&mut Snapshot<'_>),
) -> Vec<(&'static str, Severity, String)> {
    let all = |objects: &[serde_json::Value]| objects.iter().cloned().map(object).collect();
    let objects = Box::leak(Box::new(Objects { old: all(old), new: all(new), back: Ok(None) }));
    let findings = says_all(|snapshot| {
        snapshot.objects = objects;
        // The fixture's deployed revision has no number.
        snapshot.target = Some(snapshot.releases.old.revision);
        snapshot.rehearsal = Ok(Some(Trials::default()));
        change(snapshot);
    });
    let ours = |finding: &Finding| {
        ["rehearsal", "irreversible", "rollback-hooks"].contains(&finding.check) && finding.severity != Severity::Pass
    };
    findings.into_iter().filter(ours).map(|finding| (finding.check, finding.severity, finding.message)).collect()
}

fn claim(size: &str) -> serde_json::Value {
    serde_json::json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"resources": {"requests": {"storage": size}}}})
}

fn config(fields: serde_json::Value) -> serde_json::Value {
    let mut object = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}});
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

fn definition(versions: &[(&str, bool)]) -> serde_json::Value {
    let versions: Vec<_> =
        versions.iter().map(|(name, storage)| serde_json::json!({"name": name, "storage": storage})).collect();
    serde_json::json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"}, "spec": {"versions": versions}})
}

#[test]
fn what_the_server_refuses_to_take_back_blocks() {
    let role = |name: &str| {
        serde_json::json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "web"},
            "roleRef": {"name": name}})
    };
    let frozen = config(serde_json::json!({"immutable": true, "data": {"a": "2"}}));
    let cases = [
        (claim("1Gi"), claim("1025Mi"), "a claim can't shrink"),
        (config(serde_json::json!({"data": {"a": "1"}})), frozen, "it becomes immutable"),
        (definition(&[("v1", true)]), definition(&[("v1", false), ("v2", true)]), "it stores objects in version v2"),
        (role("reader"), role("writer"), "roleRef is set anew"),
    ];
    for (old, new, part) in cases {
        let found = said(from_ref(&old), from_ref(&new), |_| {});
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!((found[0].0, found[0].1), ("irreversible", Severity::Blocker));
        assert!(found[0].2.contains(part), "{found:#?}");
        let kept = said(&[old], &[new], |snapshot| snapshot.goes_back = false);
        assert_eq!(kept[0].1, Severity::Warning, "where nothing goes back, it is worth a thought");
    }
}

#[test]
fn what_can_be_taken_back_passes() {
    let cases = [
        (claim("1Gi"), claim("1024Mi")),
        (config(serde_json::json!({"data": {"a": "1"}})), config(serde_json::json!({"data": {"a": "2"}}))),
        (definition(&[("v1", false), ("v2", true)]), definition(&[("v1", true), ("v2", false)])),
    ];
    for (old, new) in cases {
        assert_eq!(said(&[old], &[new], |_| {}), []);
    }
}

#[test]
fn what_is_lost_on_the_way_back_is_a_warning() {
    let found = said(&[], &[claim("1Gi")], |_| {});
    assert_eq!((found[0].0, found[0].1), ("irreversible", Severity::Warning));
    assert!(found[0].2.contains("going back deletes it"), "{found:#?}");
    assert!(said(&[claim("1Gi")], &[], |_| {})[0].2.contains("going back makes an empty one"));
    let mut kept = claim("1Gi");
    kept["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep".into();
    assert_eq!(said(&[], &[kept], |_| {}), []);
    // What the upgrade would delete is kept where the cluster says so.
    let there = |annotations: serde_json::Value| -> &'static Lists {
        let mut live = claim("1Gi");
        live["metadata"]["annotations"] = annotations;
        let kind = ListedKind::new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim");
        let wanted = Wanted { kind, namespace: Some("shop".into()), name: Some("data".into()) };
        let live = Observed::new(serde_json::from_value(live).unwrap(), "v1", "PersistentVolumeClaim").unwrap();
        Box::leak(Box::new(Lists::new([(wanted, Ok(vec![live]))])))
    };
    let kept = there(serde_json::json!({"helm.sh/resource-policy": "keep"}));
    assert_eq!(said(&[claim("1Gi")], &[], |snapshot| snapshot.lists = kept), []);
    let other = there(serde_json::json!({"other": "keep"}));
    assert_eq!(said(&[claim("1Gi")], &[], |snapshot| snapshot.lists = other).len(), 1);
    let set = |replicas: u32| {
        serde_json::json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
            "spec": {"replicas": replicas, "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}})
    };
    assert_eq!(said(&[set(1)], &[set(3)], |_| {})[0].1, Severity::Info);
    assert_eq!(said(&[set(3)], &[set(1)], |_| {}), []);
}

#[test]
fn a_revision_that_the_server_does_not_take_today_is_no_way_back() {
    let trial = |outcome| {
        let id = object(claim("1Gi")).id;
        Trial { id, source: None, hook: false, is_new: false, live: Ok(None), warnings: Vec::new(), outcome }
    };
    let rehearsed = |outcome| {
        let trials = Trials { objects: vec![trial(outcome)], ..Trials::default() };
        said(&[], &[], |snapshot| snapshot.rehearsal = Ok(Some(trials)))
    };
    let refusal = Refusal { code: 403, message: "x is forbidden: exceeded quota: few".into(), ..Refusal::default() };
    let found = rehearsed(Outcome::Refused(Box::new(refusal)));
    assert_eq!((found[0].0, found[0].1), ("rehearsal", Severity::Blocker), "{found:#?}");
    assert!(found[0].2.contains("exceeded quota: few"), "{found:#?}");
    assert_eq!(rehearsed(Outcome::Untried("you may not".into()))[0].1, Severity::Unknown);
    assert_eq!(rehearsed(Outcome::Accepted), []);
    let unread = said(&[], &[], |snapshot| snapshot.rehearsal = Err("no".into()));
    assert_eq!((unread[0].0, unread[0].1), ("rehearsal", Severity::Unknown));
}

#[test]
fn a_target_that_could_not_be_read_is_not_known() {
    let objects = Box::leak(Box::new(Objects { old: Vec::new(), new: Vec::new(), back: Err("no".into()) }));
    let found = said(&[], &[], |snapshot| snapshot.objects = objects);
    assert!(found.iter().all(|one| one.1 == Severity::Unknown) && found.len() == 3, "{found:#?}");
}

#[test]
fn the_hooks_of_a_rollback_are_told_in_their_order() {
    let hook = |name: &str, point: &str, weight: &str| {
        serde_json::json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name,
            "annotations": {"helm.sh/hook": point, "helm.sh/hook-weight": weight}}})
    };
    let hooks =
        [hook("b", "pre-rollback,post-rollback", "5"), hook("a", "pre-rollback", "10"), hook("c", "pre-upgrade", "0")];
    let found = said(&hooks, &hooks, |_| {});
    assert_eq!((found[0].0, found[0].1), ("rollback-hooks", Severity::Info), "{found:#?}");
    assert!(found[0].2.starts_with("3 hooks run"), "{found:#?}");
}

#[test]
fn a_migration_is_not_undone() {
    let migration = |tag: &str, point: &str| {
        serde_json::json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "db-migrate", "annotations": {"helm.sh/hook": point}},
            "spec": {"template": {"spec": {"containers": [{"name": "main", "image": format!("app:{tag}")}]}}}})
    };
    let of = |old: &[serde_json::Value], new: &[serde_json::Value], change: fn(&mut Snapshot<'_>)| {
        let found = said(old, new, change);
        found.into_iter().filter(|one| one.0 == "irreversible").map(|one| (one.1, one.2)).collect::<Vec<_>>()
    };
    let (one, two) = (migration("1", "pre-upgrade"), migration("2", "pre-upgrade"));
    let plain = |_: &mut Snapshot<'_>| {};
    let found = of(from_ref(&one), from_ref(&two), plain);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Severity::Warning);
    assert!(found[0].1.contains("runs with the upgrade: going back does not undo it"), "{found:?}");
    assert_eq!(of(&[], from_ref(&two), plain).len(), 1, "it is new");
    assert_eq!(of(from_ref(&two), from_ref(&two), plain), [], "it did the same before");
    assert_eq!(of(&[], &[migration("2", "post-install")], plain), [], "it does not run");
    assert_eq!(of(&[], from_ref(&two), |snapshot| snapshot.no_hooks = true), []);
    // What ran since the revision to go back to counts too.
    let further = |snapshot: &mut Snapshot<'_>| {
        let mut objects = snapshot.objects.clone();
        objects.back = Ok(Some(Vec::new()));
        (snapshot.objects, snapshot.target) = (Box::leak(Box::new(objects)), Some(7));
    };
    let found = of(from_ref(&two), &[], further);
    assert!(found.len() == 1 && found[0].1.contains("going back to 7 does not undo it"), "{found:?}");
}
