//! Whether accounts gain dangerous rights: by what their roles grant, by whom these are bound to, or since pods run as another account.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::scene::{Scene, distinct, items, listed, string};
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::key_differences::{KeyDifference, Topic};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

use super::privileges::differences;

const NAME: &str = "grants";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether accounts gain dangerous rights, or pods run as an account that has more", run);

const GROUP: &str = "rbac.authorization.k8s.io";

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = differences(snapshot, Topic::Rbac).iter().map(finding).collect();
    findings.extend(accounts(&Scene::of(snapshot)));
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no account gains dangerous rights"));
    }
    findings
}

fn finding(one: &KeyDifference) -> Finding {
    let objects = distinct(one.objects.iter().map(ToString::to_string));
    let finding = Finding::new(NAME, Severity::Warning, one.text()).about(listed(&objects));
    finding.hint("ask what it is for, and whether fewer rights or a Role of one namespace would do")
}

/// Pods that run as another account than before, to which the chart binds what the old one was not bound to.
fn accounts(scene: &Scene<'_>) -> Vec<Finding> {
    let bound = bound(scene);
    let account = |spec: &Node| {
        let named = string(spec, &["serviceAccountName"]).or_else(|| string(spec, &["serviceAccount"]));
        named.filter(|name| !name.is_empty()).unwrap_or("default").to_owned()
    };
    let mut findings = Vec::new();
    for workload in scene.workloads() {
        let Some((was, is)) = workload.old_spec().map(|old| (account(old), account(workload.spec))) else { continue };
        let roles =
            |name: &str| bound.get(&(workload.pair.namespace.to_owned(), name.to_owned())).cloned().unwrap_or_default();
        let gained: Vec<String> = roles(&is).difference(&roles(&was)).cloned().collect();
        if was != is && !gained.is_empty() {
            let message =
                format!("its pods run as ServiceAccount/{is} instead of {was}, which has {}", listed(&gained));
            findings.push(Finding::new(NAME, Severity::Warning, message).about(workload.pair.new.id.to_string()));
        }
    }
    findings
}

type Account = (String, String);

/// The roles that the new revision binds to each account, by namespace and name.
fn bound(scene: &Scene<'_>) -> BTreeMap<Account, BTreeSet<String>> {
    let mut bound: BTreeMap<Account, BTreeSet<String>> = BTreeMap::new();
    let bindings = scene.of_kind(GROUP, "RoleBinding").chain(scene.of_kind(GROUP, "ClusterRoleBinding"));
    for pair in bindings {
        let Some(role) = role(pair.new) else { continue };
        for subject in items(&pair.new.node, &["subjects"]) {
            if string(subject, &["kind"]) == Some("ServiceAccount") {
                let namespace = string(subject, &["namespace"]).unwrap_or(pair.namespace).to_owned();
                let name = string(subject, &["name"]).unwrap_or_default().to_owned();
                bound.entry((namespace, name)).or_default().insert(role.clone());
            }
        }
    }
    bound
}

fn role(binding: &Object) -> Option<String> {
    let field = |key| string(&binding.node, &["roleRef", key]);
    Some(format!("{}/{}", field("kind")?, field("name")?))
}
