//! Rights gained and lost: rules of Roles and ClusterRoles, and who is bound to them.
//!
//! A rule grants each of its verbs on each of its resources in each of its groups, so both sides are taken apart into
//! single rights. One is gained if no right of the old side covers it, wildcards heeded. (API reference, `PolicyRule`.)

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::scene::{Changed, Scene};
use super::{Finding, Findings, Severity, Turn, items, short, string};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

const GROUP: &str = "rbac.authorization.k8s.io";

/// No role grants more single rights than this; of one that does, only that is said.
const MOST_RIGHTS: usize = 20_000;

/// Verbs that let their holder become someone else, or grant what they don't have. (Kubernetes documentation, "Role Based
/// Access Control Good Practices".)
const ESCALATING: [&str; 3] = ["escalate", "bind", "impersonate"];

/// Stands for the group of paths that are no resources.
const PATHS: &str = "/";

/// Resources that those verbs are meant for, and those in which every right is.
const ESCALATED: [&str; 9] = [
    "roles",
    "clusterroles",
    "rolebindings",
    "clusterrolebindings",
    "serviceaccounts",
    "users",
    "groups",
    "secrets",
    "nodes",
];

/// Resources with which a holder may take over other pods or accounts (same source).
const POWERFUL: [&str; 8] = [
    "secrets",
    "pods/exec",
    "pods/attach",
    "pods/ephemeralcontainers",
    "serviceaccounts/token",
    "nodes/proxy",
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
];

/// Groups that hold everyone, or everyone who is known.
const EVERYONE: [&str; 4] =
    ["system:anonymous", "system:unauthenticated", "system:authenticated", "system:serviceaccounts"];

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in scene.changed.iter().filter(|changed| changed.id().group == GROUP) {
        match changed.id().kind.as_str() {
            "Role" | "ClusterRole" => role(changed, findings),
            "RoleBinding" | "ClusterRoleBinding" => binding(changed, findings),
            _ => {}
        }
    }
}

/// A right: a verb on a resource (of a name, if one is said), or on a path that is no resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Right<'a> {
    group: &'a str,
    resource: &'a str,
    name: &'a str,
    verb: &'a str,
}

fn role(changed: &Changed<'_>, findings: &mut Findings) {
    let cluster = changed.id().kind == "ClusterRole";
    let (Some(old), Some(new)) = (rights(changed.old), rights(changed.new)) else {
        let note = format!("grants more than {MOST_RIGHTS} rights: not compared one by one");
        findings.push(Finding::new(Severity::Warning, changed.id()).note(note));
        return;
    };
    let gained: BTreeSet<&Right<'_>> = new.iter().filter(|right| !right.is_covered(&old)).collect();
    let lost: BTreeSet<&Right<'_>> = old.iter().filter(|right| !right.is_covered(&new)).collect();
    if !gained.is_empty() {
        let severity = gained.iter().map(|right| right.severity(cluster)).max().unwrap_or(Severity::Notice);
        let turns = grouped(&gained).into_iter().map(|right| Turn::new("", None, Some(right))).collect();
        findings.push(Finding::new(severity, changed.id()).turns(turns));
    }
    if !lost.is_empty() && changed.new.is_some() {
        let turns = grouped(&lost).into_iter().map(|right| Turn::new("", Some(right), None)).collect();
        findings.push(Finding::new(Severity::Info, changed.id()).turns(turns));
    }
}

/// The single rights of a role; none if there are too many.
fn rights(role: Option<&Object>) -> Option<HashSet<Right<'_>>> {
    let mut found = HashSet::new();
    let Some(role) = role else { return Some(found) };
    for rule in items(&role.node, &["rules"]) {
        let list = |key: &str| items(rule, &[key]).iter().filter_map(Node::as_str).collect::<Vec<&str>>();
        let (groups, resources, verbs) = (list("apiGroups"), list("resources"), list("verbs"));
        let mut names = list("resourceNames");
        if names.is_empty() {
            names.push("");
        }
        let paths = list("nonResourceURLs");
        let count =
            groups.len().saturating_mul(resources.len()).saturating_mul(names.len()).saturating_add(paths.len());
        if found.len().saturating_add(count.saturating_mul(verbs.len())) > MOST_RIGHTS {
            return None;
        }
        for verb in verbs {
            found.extend(paths.iter().map(|path| Right { group: PATHS, resource: path, name: "", verb }));
            for group in &groups {
                for resource in &resources {
                    found.extend(names.iter().map(|name| Right { group, resource, name, verb }));
                }
            }
        }
    }
    Some(found)
}

impl<'a> Right<'a> {
    /// Whether one of these rights grants it.
    fn is_covered(&self, by: &HashSet<Right<'a>>) -> bool {
        let sub = self.resource.split_once('/').filter(|(parent, _)| !parent.is_empty());
        let groups = if self.group == PATHS { [PATHS; 2] } else { [self.group, "*"] };
        let names = [self.name, ""];
        let verbs = [self.verb, "*"];
        let mut resources = vec![self.resource.to_owned(), "*".to_owned()];
        resources.extend(sub.map(|(_, sub)| format!("*/{sub}")));
        let grants = |resource: &String| {
            groups.iter().any(|group| {
                names.iter().any(|name| verbs.iter().any(|verb| by.contains(&Right { group, resource, name, verb })))
            })
        };
        resources.iter().any(grants)
    }

    fn severity(&self, cluster: bool) -> Severity {
        let wildcard = self.resource == "*" || self.group == "*";
        // Every verb is escalate, bind and impersonate, too.
        let escalates = ESCALATING.contains(&self.verb) || (self.verb == "*" && ESCALATED.contains(&self.resource));
        let reads = !matches!(self.verb, "create" | "delete" | "update" | "patch" | "deletecollection");
        let powerful = POWERFUL.contains(&self.resource);
        match (cluster, wildcard || escalates) {
            (_, true) => Severity::Danger,
            (true, _) if self.resource == "secrets" && self.name.is_empty() && reads => Severity::Danger,
            _ if self.verb == "*" => Severity::Warning,
            _ if powerful && (self.name.is_empty() || self.resource != "secrets") => Severity::Warning,
            _ => Severity::Notice,
        }
    }
}

/// Rights with equal verbs on equal names in one line: `get, list deployments, daemonsets (apps)`.
fn grouped(rights: &BTreeSet<&Right<'_>>) -> Vec<String> {
    let mut verbs: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for right in rights {
        verbs.entry((right.group, right.resource, right.name)).or_default().push(right.verb);
    }
    let mut resources: BTreeMap<(Vec<&str>, &str, &str), Vec<&str>> = BTreeMap::new();
    for ((group, resource, name), verbs) in verbs {
        resources.entry((verbs, group, name)).or_default().push(resource);
    }
    let line = |((verbs, group, name), resources): ((Vec<&str>, &str, &str), Vec<&str>)| {
        let all = |texts: &[&str]| if texts.contains(&"*") { "*".to_owned() } else { texts.join(", ") };
        let verbs = if verbs.contains(&"*") { "every verb".to_owned() } else { verbs.join(", ") };
        let resources = if all(&resources) == "*" { "every resource".to_owned() } else { all(&resources) };
        let group = match group {
            "" | PATHS => String::new(),
            "*" => " in every group".to_owned(),
            group => format!(" ({group})"),
        };
        let name = if name.is_empty() { String::new() } else { format!(" named {name}") };
        short(&format!("{verbs} on {resources}{group}{name}"))
    };
    resources.into_iter().map(line).collect()
}

fn binding(changed: &Changed<'_>, findings: &mut Findings) {
    let Some(new) = changed.new else { return };
    let role = |node: &Node| format!("{}/{}", field(node, &["roleRef", "kind"]), field(node, &["roleRef", "name"]));
    let (was, is) = (changed.old.map(|old| role(&old.node)), role(&new.node));
    // With another role, every subject has other rights.
    let known = match changed.old.filter(|_| was.as_ref() == Some(&is)) {
        Some(old) => items(&old.node, &["subjects"]).iter().map(subject).collect(),
        None => HashSet::new(),
    };
    let gained: Vec<String> =
        items(&new.node, &["subjects"]).iter().map(subject).filter(|one| !known.contains(one)).collect();
    if gained.is_empty() {
        return;
    }
    let everyone = items(&new.node, &["subjects"]).iter().any(|one| EVERYONE.contains(&field(one, &["name"]).as_str()));
    let severity = match field(&new.node, &["roleRef", "name"]).as_str() {
        "cluster-admin" => Severity::Danger,
        _ if everyone => Severity::Danger,
        "admin" | "edit" => Severity::Warning,
        _ => Severity::Notice,
    };
    let given = |subject: String| Turn::new("", None, Some(format!("{} to {subject}", short(&is))));
    findings.push(Finding::new(severity, changed.id()).turns(gained.into_iter().map(given).collect()));
}

fn subject(node: &Node) -> String {
    let (kind, name) = (field(node, &["kind"]), field(node, &["name"]));
    match string(node, &["namespace"]) {
        Some(namespace) => short(&format!("{kind}/{namespace}/{name}")),
        None => short(&format!("{kind}/{name}")),
    }
}

fn field(node: &Node, path: &[&str]) -> String {
    node.find(path).map(super::text).unwrap_or_default()
}
