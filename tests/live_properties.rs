//! What must hold for every object beside the one in the cluster: what the server fills in or spells in another way is
//! no drift, every change of a field that the manifest sets is, and no byte of a Secret is shown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use helm_safe_upgrade::diff::live::{Compared, compare};
use helm_safe_upgrade::diff::resources::Change;
use helm_safe_upgrade::manifest::document::Manifest;
use helm_safe_upgrade::manifest::live::{Declared, LiveObject};
use helm_safe_upgrade::manifest::mask::Masker;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Fields with texts, numbers, maps and lists of named items: what a manifest sets.
fn fields() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (1..9_i64).prop_map(Value::from),
        "[a-c]{1,3}".prop_map(Value::from),
        Just(json!(true)),
        Just(json!("60s")),
    ];
    let tree = leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-e]", inner.clone(), 1..5).prop_map(|map| json!(map)),
            prop::collection::btree_map("[p-w]", inner, 1..4).prop_map(|items| {
                let item = |(name, value)| json!({"name": name, "value": value});
                Value::from(items.into_iter().map(item).collect::<Vec<_>>())
            }),
        ]
    });
    prop::collection::btree_map("[a-e]", tree, 1..5).prop_map(|map| json!(map))
}

fn object(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
}

/// The sets of fields by which a manager owns all of this.
fn owned(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (format!("f:{key}"), owned(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) if items.iter().all(|item| item["name"].is_string()) => {
            let item = |item: &Value| (format!("k:{}", json!({"name": item["name"]})), owned(item));
            items.iter().map(item).collect::<Map<_, _>>().into()
        }
        _ => json!({}),
    }
}

/// The object as the server has it: with fields that it fills in everywhere, and its own spelling.
fn stored(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: Map<String, Value> = map.iter().map(|(key, value)| (key.clone(), stored(value))).collect();
            map.insert("filledIn".to_owned(), json!({"by": "the server"}));
            map.into()
        }
        // Items of a list with keys may come in another order.
        Value::Array(items) => items.iter().rev().map(stored).collect::<Vec<_>>().into(),
        Value::String(text) if text == "60s" => json!("1m0s"),
        other => other.clone(),
    }
}

fn live(declared: &Value) -> Value {
    let mut object = object(&stored(&declared["spec"]));
    let fields = json!({"f:spec": owned(&declared["spec"])});
    object["metadata"]["managedFields"] =
        json!([{"manager": "helm", "operation": "Apply", "time": "2026-11-21T09:00:00Z", "fieldsV1": fields}]);
    object["status"] = json!({"replicas": 3});
    object
}

fn compared(masker: &Masker, declared: &Value, live: &Value) -> Compared {
    let manifest = Manifest::new(declared.to_string());
    let declared = Declared::of(&manifest.documents(false)[0]).unwrap().remove(0);
    let live = LiveObject::from_json(live.to_string().as_bytes()).unwrap();
    compare(masker.open_live(&declared, Some(&live), None), None)
}

/// The pointers of all scalars that are no name of an item.
fn scalars(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter()
                .filter(|(key, _)| *key != "name")
                .for_each(|(key, value)| scalars(value, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| scalars(item, &format!("{at}/{index}"), found));
        }
        _ => found.push(at.to_owned()),
    }
}

proptest! {
    #[test]
    fn what_the_server_fills_in_and_respells_is_no_drift(spec in fields()) {
        let declared = object(&spec);
        let compared = compared(&Masker::new(b"key"), &declared, &live(&declared));
        prop_assert!(compared.diff.is_none(), "{declared}\n{:?}", compared.diff.and_then(|diff| diff.drift));
    }

    #[test]
    fn every_other_value_is_drift_and_has_its_author(spec in fields(), which in any::<prop::sample::Index>()) {
        let declared = object(&spec);
        let mut changed = live(&declared);
        let mut places = Vec::new();
        scalars(&spec, "", &mut places);
        let place = which.get(&places).clone();
        // In the stored object lists are the other way round, so that it is looked for by its names.
        *at_the_same_place(&mut changed["spec"], &spec, &place) = json!("changed by hand");
        changed["metadata"]["managedFields"][0]["manager"] = json!("kubectl-edit");
        let diff = compared(&Masker::new(b"key"), &declared, &changed).diff.expect("drift");
        prop_assert_eq!(diff.change, Change::Modified);
        let drift = diff.drift.unwrap();
        prop_assert_eq!(drift.written.len(), 1);
        prop_assert_eq!(&drift.written[0].path, &format!("/spec{place}"));
        prop_assert_eq!(drift.written[0].writers[0].manager.as_str(), "kubectl-edit");
    }

    #[test]
    fn no_byte_of_a_secret_is_shown(
        password in "[A-Za-z0-9]{12,24}", other in "[A-Za-z0-9]{12,24}", plain in any::<bool>(), repeats in any::<bool>()
    ) {
        use base64::Engine as _;
        let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let note = if repeats { format!("it was {other}, is {password}") } else { "none".to_owned() };
        let metadata = json!({"name": "s", "annotations": {"note": note}});
        let field = if plain { json!({"password": password}) } else { json!({"password": base64(&password)}) };
        let declared = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata,
            if plain { "stringData" } else { "data" }: field});
        // As an item of a list, without a type of its own.
        let live = json!({"metadata": {"name": "s", "annotations": {"note": format!("{other} {password}")}},
            "data": {"password": base64(&other), "more": base64(&password)}});
        let diff = compared(&Masker::new(b"key"), &declared, &live).diff;
        let shown = diff.map(|diff| {
            let side = |object: Option<helm_safe_upgrade::manifest::document::Object>| {
                object.map(|object| serde_json::to_string(&object.node).unwrap()).unwrap_or_default()
            };
            format!("{:?}{}{}", diff.drift, side(diff.old), side(diff.new))
        });
        let shown = shown.unwrap_or_default();
        for secret in [&password, &other, &base64(&password), &base64(&other)] {
            prop_assert!(!shown.contains(secret.as_str()), "{secret} in {shown}");
        }
    }

    #[test]
    fn nothing_that_a_server_sends_makes_it_panic(spec in fields(), odd in fields(), sets in fields()) {
        let mut live = object(&odd);
        live["metadata"]["managedFields"] = json!([{"manager": "x", "fieldsV1": sets}, {"manager": "y", "fieldsV1": {"f:spec": owned(&odd)}}]);
        let compared = compared(&Masker::new(b"key"), &object(&spec), &live);
        prop_assert!(compared.diff.is_none_or(|diff| diff.change == Change::Modified));
    }
}

/// The value in the stored tree that belongs to a pointer into the declared one.
fn at_the_same_place<'a>(stored: &'a mut Value, declared: &Value, pointer: &str) -> &'a mut Value {
    let (mut stored, mut declared) = (stored, declared);
    for step in pointer.split('/').skip(1) {
        if let Value::Array(items) = declared {
            let index: usize = step.parse().unwrap();
            declared = &items[index];
            let found = stored.as_array_mut().unwrap().iter_mut().find(|item| item["name"] == declared["name"]);
            stored = found.unwrap();
        } else {
            declared = &declared[step];
            stored = &mut stored[step];
        }
    }
    stored
}
