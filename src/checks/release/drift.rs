//! What was changed in the cluster, and would be set back by the upgrade.

use std::collections::HashMap;

use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::diff::changes::{self, Op, changes};
use crate::diff::resources::{Change, ResourceDiff};
use crate::manifest::document::Object;
use crate::manifest::emit;
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::named_like_a_secret;

use super::Live;

const NAME: &str = "drift";

/// So many fields of an object are shown.
const MOST_FIELDS: usize = 8;

/// A longer value is not shown.
const LONGEST_VALUE: usize = 60;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "what was changed in the cluster and would be overwritten by the upgrade", run)
        .rights("get the objects of the deployed revision");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let live = match &snapshot.live {
        None => {
            return vec![Finding::new(NAME, Severity::Pass, "no revision is deployed that could have been changed")];
        }
        Some(Err(reason)) => {
            let message = format!("what was changed in the cluster: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
        Some(Ok(live)) => live,
    };
    let mut findings = found(snapshot, live);
    if findings.is_empty() {
        let message = match live.diff.resources.is_empty() {
            true => "the objects are as the deployed manifest says",
            false => "nothing that was changed in the cluster would be overwritten",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn found(snapshot: &Snapshot<'_>, live: &Live<'_>) -> Vec<Finding> {
    let key = |object: &Object| object.id.key(snapshot.namespace);
    let plain = snapshot.objects.new.iter().filter(|object| !object.hook);
    let new: HashMap<_, &Object> = plain.map(|object| (key(object), object)).collect();
    let hint = format!(
        "helm revdiff live {} -n {} shows it; what should stay belongs into the values or the chart",
        snapshot.release, snapshot.namespace
    );
    let mut findings = Vec::new();
    for resource in &live.diff.resources {
        let Some(declared) = &resource.old else { continue };
        // What the upgrade deletes, nobody misses.
        let Some(new) = new.get(&key(declared)) else { continue };
        let about = declared.id.to_string();
        if resource.change == Change::Removed {
            let message = "it was deleted in the cluster, and the upgrade makes it anew";
            findings.push(Finding::new(NAME, Severity::Warning, message).about(about).hint(hint.clone()));
            continue;
        }
        let Some(fields) = overwritten(live, resource, new).filter(|fields| !fields.is_empty()) else { continue };
        let count = fields.len();
        let fields = capped(fields, MOST_FIELDS);
        let what = if count == 1 { "a field was".to_owned() } else { format!("{count} fields were") };
        let message = format!("{what} changed in the cluster, and the upgrade overwrites it");
        let message = if count == 1 { message } else { message.replace("overwrites it", "overwrites them") };
        let finding = Finding::new(NAME, Severity::Warning, message).about(about);
        findings.push(finding.seen_by(fields).hint(hint.clone()));
    }
    findings
}

/// The fields that the new manifest sets to something else than they are, a line each. What was only added stays as it is.
fn overwritten(live: &Live<'_>, resource: &ResourceDiff, new: &Object) -> Option<Vec<String>> {
    let delta = live.diff.delta(resource)?;
    let changes = changes(&delta);
    let drift = resource.drift.as_ref()?;
    let told = changes.iter().zip(drift.writers_of(&changes)).filter_map(|(change, writers)| {
        if !matches!(change.op, Op::Replace | Op::Remove) {
            return None;
        }
        let wanted = at_pointer(&new.node, &change.path);
        let same = match (wanted, change.new) {
            (Some(wanted), Some(is)) => wanted.content_hash() == is.content_hash(),
            (None, None) => true,
            _ => false,
        };
        let by = writers.first().map(|writer| format!(", by {}", writer.manager)).unwrap_or_default();
        let parts = change.location.split(['.', '[', ']', '=', '"', '/']);
        let turn = match parts.into_iter().any(named_like_a_secret) {
            true => "it was changed".to_owned(),
            false => turn(change, wanted),
        };
        (!same).then(|| format!("{}: {turn}{by}", change.location))
    });
    Some(told.collect())
}

/// `5 becomes 3`, where the values are short.
fn turn(change: &changes::Change<'_>, wanted: Option<&Node>) -> String {
    match (change.new.map(short), wanted.map(short)) {
        (Some(Some(is)), Some(Some(wanted))) => format!("{is} becomes {wanted}"),
        (None, Some(Some(wanted))) => format!("it was removed, and becomes {wanted}"),
        (None, _) => "it was removed".to_owned(),
        _ => "it was changed".to_owned(),
    }
}

fn short(node: &Node) -> Option<String> {
    let is_scalar = !matches!(node.value(), Value::Map(_) | Value::List(_));
    let text = is_scalar.then(|| emit::scalar(node).into_owned())?;
    (text.len() <= LONGEST_VALUE && !text.contains('\n')).then_some(text)
}

/// What is at a JSON Pointer.
fn at_pointer<'n>(node: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer.split('/').skip(1).try_fold(node, |node, step| {
        let step = step.replace("~1", "/").replace("~0", "~");
        match node.as_list() {
            Some(items) => items.get(step.parse::<usize>().ok()?),
            None => node.get(&step),
        }
    })
}
