//! What the checks found, and who may do what.

use serde_json::{Value, json};

use crate::cluster;
use crate::user::User;

/// A finding: check, severity, message.
pub(crate) type Found = (String, String, String);

/// The findings of `helm safe-upgrade check … -o json`.
pub(crate) fn found(user: &User, line: &str) -> Vec<Found> {
    let shown = user.types(line);
    let document: Value = serde_json::from_str(&shown.stdout).expect(&shown.stderr);
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|one| (text(one, "check"), text(one, "severity"), text(one, "message"))).collect()
}

/// There is such a finding, with this in its message.
pub(crate) fn has(findings: &[Found], check: &str, severity: &str, part: &str) {
    let one = findings.iter().any(|one| one.0 == check && one.1 == severity && one.2.contains(part));
    assert!(one, "{check} {severity} {part:?} in {findings:#?}");
}

/// All that a check says passes.
pub(crate) fn passes(findings: &[Found], check: &str) {
    let said: Vec<&Found> = findings.iter().filter(|one| one.0 == check).collect();
    assert!(!said.is_empty() && said.iter().all(|one| one.1 == "pass"), "{check}: {said:#?}");
}

/// Lets a user do these things in the namespace: API group, resource, verbs.
pub(crate) fn allow(user: &User, who: &str, rules: &[(&str, &str, &[&str])]) {
    let rules: Vec<_> = rules
        .iter()
        .map(|(group, resource, verbs)| json!({"apiGroups": [group], "resources": [resource], "verbs": verbs}))
        .collect();
    cluster::allow(&user.namespace, who, who, &json!(rules));
}
