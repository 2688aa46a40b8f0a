//! What is made of changed definitions and of the objects of their kinds.

use std::slice::from_ref;

use super::super::snapshot::{Known, Objects};
use super::super::tests::says_all;
use super::super::wanted::Lists;
use super::super::{Finding, Proposal, Severity};
use super::{change, compare, fit::Fitting, objects};
use crate::diff::live::crd::CrdDiff;
use crate::diff::release::ReleaseDiff;
use crate::diff::resources::{Change, ResourceDiff};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use serde_json::{Value, json};

fn node(json: &Value) -> Node {
    serde_json::from_value(json.clone()).unwrap()
}

/// A definition of widgets with this schema of `spec` in version v1.
fn definition(spec: &Value) -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}})
}

fn widget(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

/// What the checks of definitions say where the cluster has these objects, but for what passes.
fn said(old: &[Value], new: &[Value], cluster: &Known<Vec<Value>>, folder: &[(Value, Value)]) -> Vec<Finding> {
    let all = |objects: &[Value]| objects.iter().map(|object| Object::of(node(object))).collect();
    let objects = Objects { old: all(old), new: all(new), back: Ok(None) };
    let crds = (!folder.is_empty()).then(|| {
        let mut crds = CrdDiff::default();
        crds.definitions.resources.extend(folder.iter().map(|(old, new)| {
            let (old, new) = (Some(Object::of(node(old))), Some(Object::of(node(new))));
            ResourceDiff { change: Change::Modified, old, new, drift: None }
        }));
        crds
    });
    let diff = ReleaseDiff { crds, ..ReleaseDiff::default() };
    let proposal = Proposal {
        release: "web",
        namespace: "shop",
        is_first: false,
        no_hooks: false,
        objects: &objects,
        crds: diff.crds.as_ref(),
        canary: None,
    };
    let wanted = [change::CHECK, objects::CHECK].into_iter().flat_map(|check| (check.wants)(&proposal));
    let lists = Lists::new(wanted.map(|wanted| {
        let kind = wanted.kind.kind.clone();
        let of_kind = cluster.clone().map(|objects| {
            let objects = objects.into_iter().filter(|object| object["kind"] == *kind);
            objects.filter_map(|object| Observed::new(node(&object), "", &kind)).collect()
        });
        (wanted, of_kind)
    }));
    let all = says_all(|snapshot| {
        let leaked: &'static (Objects, ReleaseDiff, Lists) = Box::leak(Box::new((objects, diff, lists)));
        (snapshot.objects, snapshot.diff, snapshot.lists) = (&leaked.0, &leaked.1, &leaked.2);
    });
    let ours = |finding: &Finding| finding.check.starts_with("crd-") && finding.severity != Severity::Pass;
    all.into_iter().filter(ours).collect()
}

fn changes(old: &Value, new: &Value) -> Vec<String> {
    let found = compare::schemas(&node(old), &node(new));
    found.into_iter().map(|change| format!("{}: {}", change.path, change.what)).collect()
}

#[test]
fn each_way_to_take_less_is_told() {
    let cases = [
        (json!({}), json!({"required": ["a"]}), "a: it is required now"),
        (json!({"properties": {"a": {}}}), json!({"properties": {}}), "a: the field is gone"),
        (json!({"type": "string"}), json!({"type": "integer"}), "the object: its type is integer now, and was string"),
        (json!({"enum": ["a", "b"]}), json!({"enum": ["b", "c"]}), "no longer allowed: a"),
        (json!({}), json!({"enum": ["b"]}), "only some values"),
        (json!({"minimum": 1}), json!({"minimum": 2}), "at least 2 now"),
        (json!({}), json!({"maxLength": 3}), "at most 3 now"),
        (json!({}), json!({"pattern": "^a"}), "it must match ^a now"),
        (json!({"nullable": true}), json!({}), "may not be null any more"),
        (json!({}), json!({"x-kubernetes-validations": [{"rule": "self.a > 1"}]}), "a new rule: self.a > 1"),
        (
            json!({"properties": {"l": {"items": {"properties": {"a": {"maximum": 5}}}}}}),
            json!({"properties": {"l": {"items": {"properties": {"a": {"maximum": 4}}}}}}),
            "l[].a: it may be at most 4 now",
        ),
    ];
    for (old, new, part) in cases {
        let found = changes(&old, &new);
        assert!(found.len() == 1 && found[0].contains(part), "{part}: {found:?}");
        assert_eq!(changes(&old, &old), [""; 0]);
    }
}

#[test]
fn what_takes_more_is_nothing_to_tell() {
    let cases = [
        (json!({"required": ["a"], "maximum": 1, "enum": ["a"]}), json!({"maximum": 2, "enum": ["a", "b"]})),
        (json!({"properties": {"a": {}}}), json!({"x-kubernetes-preserve-unknown-fields": true})),
        (json!({}), json!({"required": ["a"], "properties": {"a": {"default": 1}}})),
        (json!({"type": "integer"}), json!({"x-kubernetes-preserve-unknown-fields": true})),
    ];
    for (old, new) in cases {
        assert_eq!(changes(&old, &new), [""; 0]);
    }
}

#[test]
fn an_object_that_does_not_fit_is_found_without_its_values() {
    let schema = node(&json!({"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 4},
        "size": {"type": "integer", "minimum": 3},
        "mode": {"enum": ["a", "b"]},
        "any": {"x-kubernetes-int-or-string": true},
        "list": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "boolean"}},
    }}));
    let faults = |object: Value| Fitting::default().faults(&node(&object), &schema).into_iter().collect::<Vec<_>>();
    assert_eq!(
        faults(
            json!({"name": "abc", "size": 3, "mode": "a", "any": "1", "list": ["x"], "map": {"y": true}, "more": 1})
        ),
        [""; 0]
    );
    assert_eq!(faults(json!({})), ["name: it is required"]);
    let found =
        faults(json!({"name": "Secret", "size": 2, "mode": "hunter22", "any": 1.5, "list": [1, "x"], "map": {"y": 1}}));
    assert_eq!(
        found,
        [
            "any: it must be of type integer or string",
            "list: it may have at most 1 items",
            "list[0]: it must be of type string",
            "map.y: it must be of type boolean",
            "mode: its value is not one of those allowed",
            "name: it may have at most 4 characters",
            "name: it must match ^[a-z]+$",
            "size: it must be at least 3",
        ]
    );
}

#[test]
fn a_hostile_schema_comes_to_an_end() {
    let mut schema = json!({"pattern": "(a{1000}){1000}{1000}"});
    for _ in 0..200 {
        schema = json!({"type": "object", "properties": {"a": schema}});
    }
    let mut object = json!("aaaa");
    for _ in 0..200 {
        object = json!({"a": object});
    }
    assert!(Fitting::default().faults(&node(&object), &node(&schema)).is_empty());
    assert_eq!(changes(&schema, &json!({"type": "object", "properties": {"a": {"type": "string"}}})).len(), 1);
}

#[test]
fn objects_that_do_not_fit_a_changed_definition_are_named() {
    let (old, new) = (
        definition(&json!({"properties": {"size": {"type": "integer"}, "note": {"type": "string"}}})),
        definition(&json!({"properties": {"size": {"type": "integer", "minimum": 3}}})),
    );
    let cluster =
        Ok(vec![old.clone(), widget("small", &json!({"size": 1})), widget("noted", &json!({"size": 9, "note": "x"}))]);
    let found = said(from_ref(&old), from_ref(&new), &cluster, &[]);
    let lines: Vec<String> = found
        .iter()
        .map(|one| format!("{} {:?} {} {:?}", one.check, one.severity, one.message, one.evidence))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(
        lines[0].starts_with("crd-change Warning it takes less")
            && lines[0].contains("v1 spec.size: it must be at least 3 now"),
        "{lines:#?}"
    );
    assert!(
        lines[1].contains("one Widget of the cluster would not be valid") && lines[1].contains("shop/small: spec.size"),
        "{lines:#?}"
    );
    assert!(
        lines[2].contains("would lose a field") && lines[2].contains("shop/noted: spec.note is dropped"),
        "{lines:#?}"
    );
    // The same in the folder `crds/` is told, and applied by nobody.
    let found = said(&[], &[], &cluster, &[(old.clone(), new.clone())]);
    assert!(found[0].message.contains("an upgrade does not apply it"), "{found:#?}");
    assert!(found[1].message.contains("once it is applied"), "{found:#?}");
    let unread = said(&[old], &[new], &Err("you may not list widgets".into()), &[]);
    assert!(unread.iter().filter(|one| one.severity == Severity::Unknown).count() == 2, "{unread:#?}");
}

#[test]
fn definitions_that_nobody_applies_are_one_finding() {
    let (old, new) = (definition(&json!({})), definition(&json!({"required": ["size"]})));
    let renamed = |node: &serde_json::Value| {
        let mut node = node.clone();
        node["metadata"]["name"] = json!("gadgets.example.com");
        node
    };
    let pairs = [(old.clone(), new.clone()), (renamed(&old), renamed(&old))];
    let found = said(&[], &[], &Ok(Vec::new()), &pairs);
    let told: Vec<_> = found.iter().filter(|one| one.check == "crd-change").collect();
    assert_eq!(told.len(), 1, "{found:#?}");
    assert!(told[0].message.starts_with("the cluster has others"), "{told:#?}");
    assert_eq!(told[0].evidence.len(), 2, "{told:#?}");
    assert!(told[0].evidence[0].contains("v1 spec.size: it is required now"), "{told:#?}");
    assert!(told[0].hint.as_ref().is_some_and(|hint| hint.contains("helm show crds")), "{told:#?}");
}

#[test]
fn what_the_server_refuses_of_a_definition_blocks() {
    let old = definition(&json!({}));
    let mut live = old.clone();
    live["status"]["storedVersions"] = json!(["v1alpha1", "v1"]);
    let mut cluster_wide = old.clone();
    cluster_wide["spec"]["scope"] = "Cluster".into();
    let found = said(&[old], &[cluster_wide], &Ok(vec![live]), &[]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|one| one.severity == Severity::Blocker));
    assert!(found[0].message.contains("objects are stored in v1alpha1"), "{found:#?}");
    assert!(found[1].message.contains("its scope is Cluster now"), "{found:#?}");
}

#[test]
fn an_object_of_the_chart_must_fit_the_definition_that_comes_with_it() {
    let (old, new) = (definition(&json!({})), definition(&json!({"required": ["size"]})));
    let found = said(from_ref(&old), &[new, widget("web", &json!({}))], &Ok(vec![old.clone()]), &[]);
    let blocker = found.iter().find(|one| one.severity == Severity::Blocker).unwrap();
    assert_eq!((blocker.check, &*blocker.resource), ("crd-objects", "Widget/shop/web"), "{found:#?}");
    assert_eq!(blocker.evidence, ["spec.size: it is required"]);
}

#[test]
fn a_webhook_may_mend_what_does_not_fit() {
    let (old, new) = (definition(&json!({})), definition(&json!({"required": ["size"]})));
    let chart = [new, widget("web", &json!({}))];
    let webhook = |group: &str, resource: &str| {
        let rules =
            json!([{"apiGroups": [group], "resources": [resource], "operations": ["CREATE"], "apiVersions": ["*"]}]);
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "fill"}, "webhooks": [{"name": "fill.example.com", "rules": rules}]})
    };
    let severity = |cluster: &Known<Vec<Value>>, chart: &[Value]| {
        let found = said(from_ref(&old), chart, cluster, &[]);
        found.iter().find(|one| one.resource == "Widget/shop/web").map(|one| (one.severity, one.message.clone()))
    };
    let with = |webhook: Value| Ok(vec![old.clone(), webhook]);
    for (group, resource) in [("example.com", "widgets"), ("*", "*"), ("example.com", "*/*")] {
        let (severity, message) = severity(&with(webhook(group, resource)), &chart).unwrap();
        assert_eq!(severity, Severity::Warning);
        assert!(message.contains("unless the webhook fill.example.com mends it"), "{message}");
    }
    assert_eq!(severity(&with(webhook("example.com", "gadgets")), &chart).unwrap().0, Severity::Blocker);
    assert_eq!(severity(&Err("you may not list them".into()), &chart).unwrap().0, Severity::Unknown);
    let own = [chart.to_vec(), vec![webhook("example.com", "widgets")]].concat();
    assert_eq!(severity(&Ok(vec![old.clone()]), &own).unwrap().0, Severity::Warning, "it comes with the chart");
}

#[test]
fn a_definition_that_is_new_to_the_chart_is_held_against_the_cluster() {
    let (there, new) = (
        definition(&json!({"properties": {"size": {"type": "integer"}}})),
        definition(&json!({"properties": {"size": {"type": "integer", "minimum": 3}}})),
    );
    let cluster = Ok(vec![there.clone(), widget("small", &json!({"size": 1}))]);
    let found = said(&[], from_ref(&new), &cluster, &[]);
    let lines: Vec<String> =
        found.iter().map(|one| format!("{} {:?} {}", one.check, one.severity, one.message)).collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("crd-change Warning it takes less than the one that the cluster has"), "{lines:#?}");
    assert!(lines[1].contains("one Widget of the cluster would not be valid"), "{lines:#?}");
    let mut cluster_wide = new.clone();
    cluster_wide["spec"]["scope"] = "Cluster".into();
    let found = said(&[], &[cluster_wide], &Ok(vec![there]), &[]);
    assert_eq!((found[0].check, found[0].severity), ("crd-change", Severity::Blocker), "{found:#?}");
    assert!(said(&[], from_ref(&new), &Ok(Vec::new()), &[]).is_empty(), "it is new to the cluster, too");
    let unseen = said(&[], &[new], &Err("you may not get it".into()), &[]);
    assert_eq!(unseen.iter().map(|one| one.severity).collect::<Vec<_>>(), [Severity::Unknown], "{unseen:#?}");
}
