//! Our reading of YAML against Go's `sigs.k8s.io/yaml`, which made the answers in `vectors/yaml.json`.

use helm_safe_upgrade::manifest::node::{Node, Number, Value};
use helm_safe_upgrade::manifest::yaml;
use serde_json::Value as Json;

/// Inputs that we read and Go refuses, each with the reason.
const LENIENT: &[(&str, &str)] = &[];

#[derive(serde::Deserialize)]
struct Vector {
    name: String,
    yaml: String,
    /// Go's answer.
    json: Option<Json>,
    /// Go's refusal.
    error: Option<String>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors/yaml.json")).expect("the vectors are JSON")
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
            (None, None) => Number::from_f64(number.as_f64().expect("a JSON number fits a float")),
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
fn reads_what_go_reads() {
    let mut wrong = Vec::new();
    for vector in vectors() {
        let ours = yaml::parse(&vector.yaml);
        let lenient = LENIENT.iter().any(|(name, _)| *name == vector.name);
        match (&ours, &vector.error) {
            (Ok(node), None) => {
                let theirs = from_json(&vector.json.unwrap_or(Json::Null));
                if *node != theirs {
                    wrong.push(format!("{}: {} instead of {}", vector.name, show(node), show(&theirs)));
                }
            }
            (Err(error), None) => wrong.push(format!("{}: {error}", vector.name)),
            (Ok(node), Some(error)) if !lenient => {
                wrong.push(format!("{}: {} instead of the error {error}", vector.name, show(node)));
            }
            (Err(_), Some(_)) if lenient => wrong.push(format!("{}: is refused by now", vector.name)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
