//! Hooks that look like migrations of a database. That going back does not undo them is told by the check `irreversible`.

use super::super::{Check, Finding, Severity, Snapshot};
use super::{Hook, running};
use crate::diff::workload::{containers, pod_spec};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

const NAME: &str = "migration";

pub(crate) const CHECK: Check =
    Check::new(NAME, "hooks that look like migrations of a database", run).worst(Severity::Info);

/// What names of migrations, and of the tools that make them, have in common. Found anywhere in a word.
const PARTS: &[&str] = &[
    "migrat",
    "alembic",
    "flyway",
    "liquibase",
    "dbmate",
    "sqitch",
    "skeema",
    "schema-up",
    "schema-setup",
    "schema_up",
    "upgradedb",
    "db-upgrade",
    "db_upgrade",
    "rake db:",
    "rails db:",
    "db:schema",
    "db upgrade",
    "database update",
    "prisma db",
    "atlas schema",
];

/// The same, as words of their own.
const WORDS: &[&str] = &["goose", "knex"];

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let hooks = running(&snapshot.objects.new, snapshot.points());
    let mut findings: Vec<Finding> = hooks.iter().filter_map(|hook| look(snapshot, hook)).collect();
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no hook that runs looks like a migration"));
    }
    findings
}

fn look(snapshot: &Snapshot<'_>, hook: &Hook<'_>) -> Option<Finding> {
    let object = hook.object;
    let seen = signs(object);
    if seen.is_empty() {
        return None;
    }
    let old = snapshot
        .objects
        .old
        .iter()
        .find(|old| old.hook && old.id.key(snapshot.namespace) == object.id.key(snapshot.namespace));
    // The same hook with the same image has most likely nothing left to do.
    let is_same = old.is_some_and(|old| pod_spec(old) == pod_spec(object));
    let message = match (is_same, old.is_some()) {
        (true, _) => "it looks like a migration of a database, and is the same as before",
        (false, true) => "it looks like a migration of a database, and has changed",
        (false, false) => "it looks like a migration of a database, and is new",
    };
    let finding = Finding::new(NAME, Severity::Info, message).about(object.id.to_string()).seen_by(seen);
    Some(if is_same { finding } else { finding.hint("take a backup first") })
}

/// Whether a hook looks like a migration.
pub(in crate::checks) fn looks_like_one(object: &Object) -> bool {
    !signs(object).is_empty()
}

/// Where it says that it is one. Arguments may hold passwords, so they are not quoted.
fn signs(object: &Object) -> Vec<String> {
    let mut seen = Vec::new();
    if sign(&object.id.name).is_some() {
        seen.push(format!("its name: {}", object.id.name));
    }
    for container in pod_spec(object).into_iter().flat_map(containers) {
        let image = container.node.get("image").and_then(Node::as_str).unwrap_or_default();
        if sign(image).is_some() {
            seen.push(format!("container {}: image {image}", container.name));
        }
        let words = ["command", "args"].into_iter().filter_map(|key| container.node.get(key)?.as_list()).flatten();
        let line = words.filter_map(Node::as_str).collect::<Vec<&str>>().join(" ");
        if let Some(sign) = sign(&line) {
            seen.push(format!("container {}: its command has {sign:?} in it", container.name));
        }
    }
    seen
}

fn sign(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let is_word = |word: &&&str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|one| one == **word);
    PARTS.iter().find(|part| text.contains(**part)).or_else(|| WORDS.iter().find(is_word)).copied()
}
