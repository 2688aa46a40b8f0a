//! What must hold for every pair of trees: the reported operations turn the old one into the new one, the lines of a
//! full diff are the two texts, and a masked Secret gives nothing away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use helm_safe_upgrade::diff::changes::{Change, Op, changes};
use helm_safe_upgrade::diff::impact::{self, Setting};
use helm_safe_upgrade::diff::key_differences;
use helm_safe_upgrade::diff::lines::{Tag, hunks};
use helm_safe_upgrade::diff::release::Both;
use helm_safe_upgrade::diff::resources::{Side, compare as compare_resources};
use helm_safe_upgrade::diff::schema::Schema;
use helm_safe_upgrade::diff::structure::{Rules, compare, compare_by};
use helm_safe_upgrade::manifest::document::Manifest;
use helm_safe_upgrade::manifest::emit::{self, Lead};
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::manifest::node::Node;
use proptest::prelude::*;
use serde_json::{Value, json};

fn node(value: &Value) -> Node {
    serde_json::from_value(value.clone()).unwrap()
}

fn value(node: &Node) -> Value {
    serde_json::to_value(node).unwrap()
}

/// Trees with few keys and values, so that two of them have much in common.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4_i64).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
        Just(json!("one\ntwo\nthree")),
        Just(json!("one\n2\nthree\n")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner.clone(), 0..5).prop_map(|map| json!(map)),
            // Texts that hold JSON or YAML.
            inner.clone().prop_map(|value| Value::from(json!({"k": value, "l": 1}).to_string())),
            inner.clone().prop_map(|value| Value::from(yaml_text(&json!({"k": value, "l": 1})))),
            // Lists under a field whose items may share the name that identifies them.
            prop::collection::vec(("[AB]", inner.clone()), 0..5).prop_map(|items| {
                let env: Vec<Value> = items.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
                json!({"env": env})
            }),
            // Lists of named items, in any order.
            prop::collection::vec(("[p-w]", inner), 0..6).prop_map(|items| {
                let mut seen = std::collections::HashSet::new();
                let named = items.into_iter().filter(|(name, _)| seen.insert(name.clone()));
                Value::from(named.map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>())
            }),
        ]
    })
}

fn yaml_text(value: &Value) -> String {
    lines_of(&node(value)).iter().map(|line| format!("{line}\n")).collect()
}

/// A custom resource with a list whose items its schema's keys identify, and that may share them all the same.
fn resource() -> impl Strategy<Value = Value> {
    let item = (0..3_u8, prop::option::of("left|right"), 0..3_u8).prop_map(|(slot, side, value)| match side {
        Some(side) => json!({"slot": slot, "side": side, "value": value, "name": "same"}),
        None => json!({"slot": slot, "value": value, "name": "same"}),
    });
    (prop::collection::vec(item, 0..6), tree())
        .prop_map(|(parts, rest)| json!({"spec": {"parts": parts, "rest": rest}}))
}

fn schema() -> Schema {
    let parts = json!({"x-kubernetes-list-map-keys": ["slot", "side"],
        "items": {"properties": {"side": {"default": "left"}}}});
    Schema::of(&node(&json!({"properties": {"spec": {"properties": {"parts": parts}}}}))).unwrap()
}

/// Applies all operations in order. Those within a text must turn what it held into what it holds.
fn patched(old: &Value, changes: &[Change<'_>]) -> Value {
    let mut document = old.clone();
    for change in changes {
        if let Some(inner) = &change.within {
            let held = |node: Option<&Node>| value(&node.unwrap().embedded().unwrap().node);
            assert_eq!(patched(&held(change.old), &inner.changes), held(change.new));
        }
        if change.path.is_empty() {
            document = value(change.new.unwrap());
        } else {
            apply(&mut document, change);
        }
    }
    document
}

/// Applies one operation as RFC 6902 says.
fn apply(document: &mut Value, change: &Change<'_>) {
    let new = change.new.map(value);
    match change.op {
        Op::Add => insert(document, &change.path, new.unwrap()),
        Op::Remove => assert_eq!(take(document, &change.path), value(change.old.unwrap())),
        Op::Replace => {
            let place = document.pointer_mut(&change.path).expect("the place to replace exists");
            assert_eq!(*place, value(change.old.unwrap()));
            *place = new.unwrap();
        }
        Op::Move => {
            let moved = take(document, change.from.as_deref().unwrap());
            insert(document, &change.path, moved);
        }
    }
}

fn split(path: &str) -> (&str, String) {
    let (parent, last) = path.rsplit_once('/').unwrap();
    (parent, last.replace("~1", "/").replace("~0", "~"))
}

fn insert(document: &mut Value, path: &str, new: Value) {
    let (parent, last) = split(path);
    match document.pointer_mut(parent).expect("the parent exists") {
        Value::Array(items) => items.insert(last.parse().unwrap(), new),
        Value::Object(entries) => assert!(entries.insert(last, new).is_none(), "the key is new"),
        other => panic!("{other} holds nothing"),
    }
}

fn take(document: &mut Value, path: &str) -> Value {
    let (parent, last) = split(path);
    match document.pointer_mut(parent).expect("the parent exists") {
        Value::Array(items) => items.remove(last.parse().unwrap()),
        Value::Object(entries) => entries.remove(&last).expect("the key exists"),
        other => panic!("{other} holds nothing"),
    }
}

fn lines_of(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    emit::write(node, &Lead::root(), &mut |line| lines.push(line));
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_operations_turn_the_old_tree_into_the_new_one(old in tree(), new in tree()) {
        let (old_node, new_node) = (node(&old), node(&new));
        for rules in [Rules::default(), Rules { texts: true, ..Rules::default() }] {
            let delta = compare_by(&old_node, &new_node, rules);
            prop_assert_eq!(&patched(&old, &changes(&delta)), &new);
        }
    }

    #[test]
    fn the_operations_hold_for_lists_with_the_keys_of_a_schema(old in resource(), new in resource()) {
        let (old_node, new_node, schema) = (node(&old), node(&new), schema());
        let delta = compare_by(&old_node, &new_node, Rules { schema: Some(&schema), ..Rules::default() });
        prop_assert_eq!(patched(&old, &changes(&delta)), new);
    }

    #[test]
    fn what_a_text_holds_is_compared_where_both_sides_hold_it(old in 0..9_u8, new in 0..9_u8, yaml in any::<bool>()) {
        let text = |n: u8| {
            let held = json!({"list": [{"name": "a", "value": n}], "other": "x"});
            Value::from(if yaml { yaml_text(&held) } else { held.to_string() })
        };
        let (old_node, new_node) = (node(&text(old)), node(&text(new)));
        let delta = compare_by(&old_node, &new_node, Rules { texts: true, ..Rules::default() });
        let found = changes(&delta);
        let within: Vec<&str> =
            found.iter().flat_map(|c| &c.within).flat_map(|w| &w.changes).map(|c| c.path.as_str()).collect();
        prop_assert_eq!(within, if old == new { vec![] } else { vec!["/list/0/value"] });
    }

    #[test]
    fn scalars_in_another_order_have_only_moved(
        values in prop::collection::vec(0..12_u8, 1..20),
        seed in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let mut turned = values.clone();
        for (at, index) in seed.iter().enumerate().take(turned.len()) {
            turned.swap(at, index.index(values.len()));
        }
        let (old, new) = (json!(values), json!(turned));
        let (old_node, new_node) = (node(&old), node(&new));
        let delta = compare(&old_node, &new_node);
        let found = changes(&delta);
        prop_assert!(found.iter().all(|change| change.op == Op::Move), "{old} {new}");
        prop_assert_eq!(patched(&old, &found), new);
    }

    #[test]
    fn moved_items_are_moved_and_not_written_anew(
        names in prop::collection::hash_set(0..30_u32, 2..20),
        order in any::<prop::sample::Index>(),
    ) {
        let names: Vec<u32> = names.into_iter().collect();
        let list = |names: &[u32]| Value::from(names.iter().map(|n| json!({"name": format!("n{n}")})).collect::<Vec<_>>());
        let mut turned = names.clone();
        turned.rotate_left(order.index(names.len()));
        turned.swap(0, names.len() - 1);
        let (old, new) = (node(&list(&names)), node(&list(&turned)));
        let delta = compare(&old, &new);
        prop_assert!(changes(&delta).iter().all(|change| change.op == Op::Move));
    }

    #[test]
    fn a_full_diff_shows_every_line_of_both_sides(old in tree(), new in tree()) {
        let (old, new) = (node(&old), node(&new));
        prop_assume!(old != new);
        let hunks = hunks(&compare(&old, &new), None);
        prop_assert_eq!(hunks.len(), 1);
        let side = |without: Tag| -> Vec<String> {
            let lines = hunks[0].lines.iter().filter(|line| line.tag != without);
            lines.map(|line| line.segments.iter().map(|s| s.text.as_str()).collect()).collect()
        };
        // Keys may stand in another order, and a list item's dash alone; the content is the same.
        let sorted = |lines: Vec<String>| {
            let mut words: Vec<String> = lines.iter().map(|line| line.replace("- ", " ").trim().to_owned()).collect();
            words.retain(|line| !line.is_empty() && line != "-");
            words.sort();
            words
        };
        prop_assert_eq!(sorted(side(Tag::Added)), sorted(lines_of(&old)));
        prop_assert_eq!(sorted(side(Tag::Removed)), sorted(lines_of(&new)));
    }

    #[test]
    fn no_byte_of_a_secret_is_in_its_object(content in "[a-zA-Z0-9]{6,40}", key in "k[a-z]{3,8}") {
        // Its first letter keeps the key from being a word of YAML, such as `off`.
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  {key}: \"X{content}X\"\n");
        let manifest = Manifest::new(text);
        let masker = Masker::new(b"key");
        for document in manifest.documents(false) {
            for object in masker.open(&document) {
                let shown = serde_json::to_string(&object.node).unwrap() + &lines_of(&object.node).join("\n");
                prop_assert!(!shown.contains(&content));
                let debug = format!("{object:?} {document:?} {manifest:?}");
                prop_assert!(!debug.contains(&content));
                prop_assert!(shown.contains(&key) && shown.contains("masked"), "the key stays readable");
            }
        }
    }
}

/// A tree in which the keys of workloads, rights and Services hold anything: text where a list should be, and the reverse.
fn odd_object() -> impl Strategy<Value = Value> {
    const KEYS: &str = "spec|template|metadata|labels|annotations|containers|initContainers|resources|requests|limits|cpu|name|image|replicas|volumes|configMap|envFrom|configMapRef|ports|port|rules|verbs|apiGroups|resources|subjects|roleRef|volumeClaimTemplates|selector|scaleTargetRef|maxReplicas|strategy|rollingUpdate|maxSurge|securityContext|capabilities|add|jobTemplate|type|data|immutable|storage|host|parallelism|overhead";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(web|a:1|x@sha256:0|\\*|100%|-1|1e99|9Ei|Always|Deployment|é→)".prop_map(Value::from),
    ];
    let tree = leaf.prop_recursive(7, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(KEYS, inner, 0..6).prop_map(|map| json!(map)),
        ]
    });
    const KINDS: [(&str, &str); 16] = [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "Pod"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("v1", "PersistentVolumeClaim"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("networking.k8s.io/v1", "Ingress"),
        ("v1", "Namespace"),
        ("monitoring.example.com/v1", "Prometheus"),
    ];
    (prop::sample::select(&KINDS[..]), tree.clone(), tree.clone(), tree).prop_map(|((version, kind), spec, rules, data)| {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, "spec": spec, "rules": rules, "subjects": rules, "data": data, "immutable": data})
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_object_is_too_odd_for_key_differences_and_impact(old in prop::collection::vec(odd_object(), 0..5), new in prop::collection::vec(odd_object(), 0..5)) {
        let manifest = |objects: &[Value]| Manifest::new(objects.iter().map(|object| format!("---\n{object}\n")).collect());
        let (old, new) = (manifest(&old), manifest(&new));
        let side = |manifest| Side { documents: Manifest::documents(manifest, false), namespace: "" };
        let diff = compare_resources(&side(&old), &side(&new), &Masker::new(b"k"));
        let namespaces = Both { old: "", new: "" };
        for one in key_differences::find(&diff, namespaces, true) {
            prop_assert!(!one.objects.is_empty() && !one.text().is_empty(), "{one:?}");
        }
        for nodes in [None, Some(u64::MAX)] {
            let _ = impact::find(&diff, Setting { namespaces, upgrade: true, nodes }).is_telling();
        }
    }
}
