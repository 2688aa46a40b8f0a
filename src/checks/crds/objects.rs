//! Objects that do not fit the definition of their kind any more, once the chart has changed it.

use std::collections::BTreeSet;

use super::compare::SchemaChange;
use super::fit::Fitting;
use super::{Definition, definitions, schema_of};
use crate::checks::scene::{items, string};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, capped};
use crate::manifest::document::Object;
use crate::manifest::node::{Node, Value};
use crate::manifest::observed::Observed;

const NAME: &str = "crd-objects";

const WEBHOOKS: ListedKind = ListedKind::new(
    "admissionregistration.k8s.io",
    "v1",
    "mutatingwebhookconfigurations",
    "MutatingWebhookConfiguration",
);

/// So many objects are looked at, and so many are named.
const MOST_READ: usize = 20_000;
const MOST: usize = 10;

pub(in crate::checks) const CHECK: Check = Check::new(
    NAME,
    "objects that do not fit a changed custom resource definition any more",
    run,
)
.worst(Severity::Blocker)
.rights("list the objects of a kind whose definition is new or takes less than before, mutatingwebhookconfigurations")
.wants(wants);

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let definitions = definitions(proposal.objects, proposal.crds, None);
    let narrowed = definitions.iter().filter(|definition| definition.is_new || narrows(definition));
    let mut wanted: Vec<Wanted> = narrowed.filter_map(|definition| Some(definition.kept()?.0)).collect();
    let applied = definitions.iter().filter(|definition| definition.applied);
    let is_at_fault = applied.clone().any(|definition| !faulty(&proposal.objects.new, definition).is_empty());
    wanted.extend(is_at_fault.then(|| Wanted::all(WEBHOOKS)));
    wanted
}

fn narrows(definition: &Definition<'_>) -> bool {
    definition.changes().iter().any(|(_, changes)| !changes.is_empty())
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for definition in definitions(snapshot.objects, snapshot.diff.crds.as_ref(), Some(snapshot.lists)) {
        if narrows(&definition) {
            findings.extend(in_cluster(snapshot, &definition));
        }
        if definition.applied {
            findings.extend(of_the_chart(snapshot, &definition));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no object of a changed definition is known not to fit it"));
    }
    findings
}

/// The objects that are there.
fn in_cluster(snapshot: &Snapshot<'_>, definition: &Definition<'_>) -> Vec<Finding> {
    let about = definition.new.id.to_string();
    let Some((wanted, version)) = definition.kept() else { return Vec::new() };
    let objects = match snapshot.lists.get(&wanted) {
        Ok(objects) => objects,
        Err(reason) => {
            let message = format!("whether the objects of its kind still fit is not known: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message).about(about)];
        }
    };
    let Some((old, new)) =
        definition.old.and_then(|old| Some((schema_of(old, version)?, schema_of(&definition.new.node, version)?)))
    else {
        return Vec::new();
    };
    let changes = definition.changes().into_iter().find(|(name, _)| *name == version);
    let removed: Vec<SchemaChange> =
        changes.map(|(_, changes)| changes).unwrap_or_default().into_iter().filter(|change| change.removed).collect();
    let mut fitting = Fitting::default();
    let (mut unfit, mut losing) = (Vec::new(), Vec::new());
    for object in objects.iter().take(MOST_READ) {
        // What did not fit before is not the upgrade's doing.
        let before = fitting.faults(object.node(), old);
        let after = fitting.faults(object.node(), new);
        let name = named(object);
        unfit.extend(after.difference(&before).next().map(|fault| format!("{name}: {fault}")));
        let lost = removed.iter().find(|change| has(object.node(), &change.path));
        losing.extend(lost.map(|change| format!("{name}: {} is dropped", change.path)));
    }
    let kind = string(&definition.new.node, &["spec", "names", "kind"]).unwrap_or("its kind");
    let when = if definition.applied { "" } else { ", once it is applied" };
    let mut findings = Vec::new();
    if !unfit.is_empty() {
        let message = format!("{} of the cluster would not be valid any more{when}", count(unfit.len(), kind));
        let hint = "change the objects before the definition; the server refuses most changes to them afterwards";
        findings.push(
            Finding::new(NAME, Severity::Warning, message).about(about.clone()).seen_by(capped(unfit, MOST)).hint(hint),
        );
    }
    if !losing.is_empty() {
        let message =
            format!("{} of the cluster would lose a field when written next{when}", count(losing.len(), kind));
        findings
            .push(Finding::new(NAME, Severity::Warning, message).about(about.clone()).seen_by(capped(losing, MOST)));
    }
    if objects.len() > MOST_READ {
        let message = format!("only the first {MOST_READ} of {} objects were looked at", objects.len());
        findings.push(Finding::new(NAME, Severity::Unknown, message).about(about));
    }
    findings
}

/// The objects of the chart itself, which the server can't be asked about before it has the definition.
fn of_the_chart(snapshot: &Snapshot<'_>, definition: &Definition<'_>) -> Vec<Finding> {
    let faulty = faulty(&snapshot.objects.new, definition);
    if faulty.is_empty() {
        return Vec::new();
    }
    let (severity, message) = match mender(snapshot, definition) {
        Ok(None) => {
            (Severity::Blocker, "it does not fit the definition that comes with it: helm would fail".to_owned())
        }
        Ok(Some(webhook)) => (
            Severity::Warning,
            format!("it does not fit the definition that comes with it, unless the webhook {webhook} mends it"),
        ),
        Err(reason) => (
            Severity::Unknown,
            format!("it does not fit the definition that comes with it, unless a webhook mends it: {reason}"),
        ),
    };
    let finding = |(object, faults): (&Object, BTreeSet<String>)| {
        let finding = Finding::new(NAME, severity, message.clone()).about(object.id.to_string());
        finding.seen_by(capped(faults.into_iter().collect(), MOST))
    };
    faulty.into_iter().map(finding).collect()
}

/// The objects of a chart that do not fit its definition of their kind, with what is wrong with them.
fn faulty<'a>(new: &'a [Object], definition: &Definition<'_>) -> Vec<(&'a Object, BTreeSet<String>)> {
    let mut fitting = Fitting::default();
    let ours = new.iter().filter(|object| crate::checks::objects::defines(&definition.new.node, &object.id));
    let judged = ours.filter_map(|object| {
        let schema = schema_of(&definition.new.node, &object.id.version)?;
        Some((object, fitting.faults(&object.node, schema)))
    });
    judged.filter(|(_, faults)| !faults.is_empty()).collect()
}

/// A webhook that may change objects of this kind before the server looks whether they fit: of the cluster, or of the chart.
fn mender(snapshot: &Snapshot<'_>, definition: &Definition<'_>) -> Result<Option<String>, String> {
    let own = snapshot.objects.new.iter().filter(|object| object.id.kind == WEBHOOKS.kind).map(|object| &object.node);
    let there = snapshot.lists.get(&Wanted::all(WEBHOOKS))?.iter().map(Observed::node);
    let mut configurations = own.chain(there);
    let found = configurations.find_map(|configuration| {
        let webhooks = items(configuration, &["webhooks"]).iter();
        let mut mending =
            webhooks.filter(|webhook| items(webhook, &["rules"]).iter().any(|rule| takes(rule, definition)));
        Some(string(mending.next()?, &["name"]).unwrap_or_default().to_owned())
    });
    Ok(found)
}

/// Whether a rule of a webhook is about objects of this kind.
fn takes(rule: &Node, definition: &Definition<'_>) -> bool {
    let text = |path: &[&str]| string(&definition.new.node, path).unwrap_or_default();
    let (group, plural) = (text(&["spec", "group"]), text(&["spec", "names", "plural"]));
    let names = |key: &str, words: &[&str]| {
        items(rule, &[key]).iter().filter_map(Node::as_str).any(|word| words.contains(&word))
    };
    names("apiGroups", &[group, "*"]) && names("resources", &[plural, "*", "*/*"])
}

fn named(object: &Observed) -> String {
    match object.namespace() {
        "" => object.name().to_owned(),
        namespace => format!("{namespace}/{}", object.name()),
    }
}

fn count(many: usize, kind: &str) -> String {
    if many == 1 { format!("one {kind}") } else { format!("{many} {kind}s") }
}

/// Whether an object has something at `spec.items[].size`; `*` is any key.
fn has(node: &Node, path: &str) -> bool {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let below = |node: &Node| rest.is_none_or(|rest| has(node, rest));
    let (key, lists) = step.split_once("[]").map_or((step, 0), |(key, more)| (key, 1 + more.matches("[]").count()));
    match (key, node.value()) {
        ("*", Value::Map(entries)) => entries.iter().any(|(_, value)| in_lists(value, lists, &below)),
        _ => node.get(key).is_some_and(|value| in_lists(value, lists, &below)),
    }
}

fn in_lists(node: &Node, lists: usize, is_so: &dyn Fn(&Node) -> bool) -> bool {
    match lists {
        0 => is_so(node),
        _ => node.as_list().unwrap_or_default().iter().any(|item| in_lists(item, lists - 1, is_so)),
    }
}
