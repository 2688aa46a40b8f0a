//! Release records, whole and broken: what decodes, and what an error says that never quotes the content.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use helm_safe_upgrade::manifest::node::Node;
use helm_safe_upgrade::release::decode::{DecodeError, decode, decode_within, from_json};
use helm_safe_upgrade::release::values::computed;
use serde_json::{Value, json};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn payload(record: &Value) -> Vec<u8> {
    STANDARD.encode(gzip(record.to_string().as_bytes())).into_bytes()
}

fn record() -> Value {
    json!({
        "name": "web", "namespace": "shop", "version": 3,
        "info": {"status": "deployed", "last_deployed": "2026-11-21T07:00:00Z", "description": "Upgrade complete", "notes": "hi"},
        "chart": {"metadata": {"name": "web", "version": "1.2.3", "appVersion": "9"}, "values": {"a": 1}, "templates": [{"name": "t", "data": "eA=="}]},
        "config": {"b": 2}, "manifest": "---\nkind: A\n",
        "hooks": [{"name": "h", "manifest": "kind: Job\n", "events": ["pre-upgrade"]}],
    })
}

#[test]
fn a_record_of_helm_3_is_read() {
    let release = decode(&payload(&record())).unwrap();
    assert_eq!((release.name.as_str(), release.namespace.as_str(), release.revision), ("web", "shop", 3));
    assert_eq!((release.chart.name(), release.chart.version(), release.chart.app_version()), ("web", "1.2.3", "9"));
    assert_eq!(release.info.status, "deployed");
    assert_eq!(release.documents().len(), 2, "the hook's document is one of them");
    assert_eq!(release.apply_method, None);
}

#[test]
fn a_record_of_helm_4_says_how_it_is_applied() {
    let mut record = record();
    record["apply_method"] = json!("ssa");
    assert_eq!(decode(&payload(&record)).unwrap().apply_method.as_deref(), Some("ssa"));
}

#[test]
fn fields_that_are_null_or_missing_are_empty() {
    let release =
        from_json(br#"{"name":"web","version":1,"info":{},"chart":null,"config":null,"hooks":null}"#).unwrap();
    assert!(release.manifest.is_empty() && release.hooks.is_empty() && release.config.is_empty());
}

#[test]
fn a_record_that_is_not_compressed_is_read() {
    assert_eq!(decode(STANDARD.encode(record().to_string()).as_bytes()).unwrap().revision, 3);
}

#[test]
fn a_bomb_is_not_inflated() {
    let bomb = STANDARD.encode(gzip(&vec![b' '; 3 << 20]));
    assert_eq!(decode_within(bomb.as_bytes(), 1 << 20).unwrap_err(), DecodeError::TooLarge);
}

#[test]
fn every_cut_of_a_record_is_an_error() {
    let whole = payload(&record());
    for end in 0..whole.len() - 1 {
        assert!(decode(&whole[..end]).is_err(), "cut after {end} bytes");
    }
}

#[test]
fn wrong_json_is_told_by_its_place_and_never_quoted() {
    let mut wrong = record();
    wrong["version"] = json!("hunter2-is-secret");
    let error = decode(&payload(&wrong)).unwrap_err().to_string();
    assert!(error.contains("a field has the wrong type at line 1"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    assert!(decode(STANDARD.encode("{\"name\":").as_bytes()).unwrap_err().to_string().contains("it ends too early"));
    assert!(decode(STANDARD.encode("hello").as_bytes()).unwrap_err().to_string().contains("no valid JSON"));
    assert!(decode(STANDARD.encode("{\"name\":\"x\",\"version\":0,\"info\":{}}").as_bytes()).is_err());
}

#[test]
fn json_nested_too_deep_is_an_error_and_no_crash() {
    let deep = format!(
        "{{\"name\":\"web\",\"version\":1,\"info\":{{}},\"config\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(decode(STANDARD.encode(gzip(deep.as_bytes())).as_bytes()).is_err());
}

fn node(value: Value) -> Node {
    serde_json::from_value(value).unwrap()
}

#[test]
fn computed_values_merge_maps_and_let_null_remove_a_default() {
    let defaults = node(json!({"a": {"x": 1, "y": 2}, "list": [1, 2], "gone": {"z": 1}, "kept": true}));
    let supplied = node(json!({"a": {"y": 3}, "list": [9], "gone": null, "new": "n"}));
    let expected = node(json!({"a": {"x": 1, "y": 3}, "list": [9], "kept": true, "new": "n"}));
    assert!(computed(&defaults, &supplied) == expected);
    assert!(computed(&defaults, &node(Value::Null)) == defaults);
}
