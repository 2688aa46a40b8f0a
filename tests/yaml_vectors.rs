//! Our reading of YAML against Go's `sigs.k8s.io/yaml`, which made the answers in `vectors/yaml.json`.

use helm_safe_upgrade::manifest::node::{Node, Number, Value};
use helm_safe_upgrade::manifest::yaml;
use serde_json::Value as Json;

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    yaml: String,
    /// Go's answer.
    json: Option<Json>,
    /// Go's refusal.
    error: Option<String>,
}

fn from_json(json: &Json) -> Node {
    Node::new(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::String(text.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (key.as_str().into(), from_json(value))).collect())
        }
        Json::Number(number) => Value::Number(match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Number::Int(value),
            (None, Some(value)) => Number::UInt(value),
            (None, None) => Number::from_f64(number.as_f64().unwrap_or(f64::NAN)),
        }),
    })
}

/// What a failed comparison shows.
fn show(node: &Node) -> String {
    match node.value() {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, node)| format!("{key:?}:{}", show(node))).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

#[test]
fn reads_what_go_reads_and_refuses_what_go_refuses() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/yaml.json")).unwrap();
    assert_eq!(vectors.len(), 74);
    let mut wrong = Vec::new();
    for vector in vectors {
        let theirs = from_json(&vector.json.unwrap_or(Json::Null));
        match (yaml::parse(&vector.yaml), vector.error) {
            (Ok(ours), None) if ours == theirs => {}
            (Err(_), Some(_)) => {}
            (Ok(ours), None) => wrong.push(format!("{}: {} instead of {}", vector.name, show(&ours), show(&theirs))),
            (Err(ours), None) => wrong.push(format!("{}: {ours}", vector.name)),
            (Ok(ours), Some(error)) => wrong.push(format!("{}: {} instead of {error}", vector.name, show(&ours))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reads_a_thousand_levels_as_go_does() {
    let mut node = yaml::parse(&format!("a: {}{}\n", "[".repeat(1000), "]".repeat(1000))).unwrap();
    assert_eq!(node.as_map().map(<[_]>::len), Some(1));
    node = node.get("a").unwrap().clone();
    for _ in 1..1000 {
        node = node.as_list().unwrap()[0].clone();
    }
    assert_eq!(node.as_list().map(<[_]>::len), Some(0));
}
