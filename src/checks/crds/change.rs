//! What a chart changes about custom resource definitions, and what its folder `crds/` has otherwise than the cluster.

use super::compare::SchemaChange;
use super::{Definition, by_hand, definitions, live, name, serves, versions};
use crate::checks::scene::string;
use crate::checks::wanted::Wanted;
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, capped};
use crate::manifest::node::Node;

const NAME: &str = "crd-change";

/// So many changes of a definition are told.
const MOST: usize = 12;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "what the chart changes about custom resource definitions", run)
        .worst(Severity::Blocker)
        .rights("get customresourcedefinitions, where the chart changes or adds some")
        .wants(wants);

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let definitions = definitions(proposal.objects, proposal.crds, None);
    let asked = definitions.iter().filter(|definition| definition.old.is_some() || definition.applied);
    asked.map(|definition| live(definition.new)).collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let definitions = definitions(snapshot.objects, snapshot.diff.crds.as_ref(), Some(snapshot.lists));
    let mut findings: Vec<Finding> = definitions.iter().flat_map(|definition| look(snapshot, definition)).collect();
    findings.extend(not_applied(snapshot, &definitions));
    let problems = snapshot.diff.crds.iter().flat_map(|crds| &crds.problems);
    findings.extend(problems.map(|problem| {
        let about = problem.id.as_ref().map_or_else(|| problem.file.clone(), ToString::to_string);
        let message = format!("whether the cluster has it as the chart does is not known: {}", problem.reason);
        Finding::new(NAME, Severity::Unknown, message).about(about)
    }));
    if findings.is_empty() {
        let message = "the chart changes no custom resource definition, and the cluster has those of its folder crds/";
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn look(snapshot: &Snapshot<'_>, definition: &Definition<'_>) -> Vec<Finding> {
    let about = definition.new.id.to_string();
    let Some(old) = definition.old else {
        if let (true, Err(reason)) = (definition.applied, snapshot.lists.get(&live(definition.new))) {
            let message = format!("whether the cluster has another one already is not known: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message).about(about)];
        }
        return Vec::new();
    };
    let mut findings = Vec::new();
    match stored(snapshot, definition) {
        Ok(stored) => {
            let kept: Vec<&str> = versions(&definition.new.node).filter_map(name).collect();
            let gone: Vec<String> = stored.into_iter().filter(|one| !kept.contains(&one.as_str())).collect();
            if !gone.is_empty() {
                let message =
                    format!("objects are stored in {}, which it has no more: the server refuses it", gone.join(", "));
                let hint = "store all objects anew in another version first, and take it out of status.storedVersions";
                findings.push(Finding::new(NAME, refused(definition), message).about(about.clone()).hint(hint));
            }
        }
        Err(reason) => {
            let message = format!("in which versions objects are stored is not known: {reason}");
            findings.push(Finding::new(NAME, Severity::Unknown, message).about(about.clone()));
        }
    }
    let scope = |node: &'_ Node| string(node, &["spec", "scope"]).map(str::to_owned);
    if let (Some(was), Some(is)) = (scope(old), scope(&definition.new.node))
        && was != is
    {
        let message = format!("its scope is {is} now, and was {was}: the server refuses it");
        let hint = "a definition of another scope must be made anew, which deletes every object of its kind";
        findings.push(Finding::new(NAME, refused(definition), message).about(about.clone()).hint(hint));
    }
    let (grave, evidence) = told(definition);
    if !evidence.is_empty() && definition.applied {
        let severity = if grave { Severity::Warning } else { Severity::Info };
        let message = match definition.is_new {
            true => "it takes less than the one that the cluster has already",
            false => "it takes less than before",
        };
        findings.push(Finding::new(NAME, severity, message).about(about).seen_by(evidence));
    }
    findings
}

/// What the server refuses stops an upgrade that applies it.
fn refused(definition: &Definition<'_>) -> Severity {
    if definition.applied { Severity::Blocker } else { Severity::Warning }
}

/// What the folder `crds/` has and the cluster has not, or in another way: a finding each, as charts bring a dozen of them and
/// change them all with every version.
fn not_applied(snapshot: &Snapshot<'_>, definitions: &[Definition<'_>]) -> Vec<Finding> {
    let applies = snapshot.trials.as_ref().is_ok_and(|trials| trials.applies_crds);
    let ours = definitions.iter().filter(|definition| !definition.applied);
    let (others, missing): (Vec<_>, Vec<_>) = ours.partition(|definition| definition.old.is_some());
    let missing = if applies { Vec::new() } else { missing };
    let missing_says = (
        "it is in the chart's folder crds/ and not in the cluster: an upgrade does not apply it",
        "they are in the chart's folder crds/ and not in the cluster: an upgrade does not apply them",
    );
    let others_say = (
        "the cluster has another one than the chart's folder crds/: an upgrade does not apply it",
        "the cluster has others than the chart's folder crds/: an upgrade does not apply them",
    );
    [(missing, missing_says), (others, others_say)]
        .into_iter()
        .filter_map(|(definitions, says)| together(snapshot, &definitions, says))
        .collect()
}

/// One finding of one definition, or of several.
fn together(snapshot: &Snapshot<'_>, definitions: &[&Definition<'_>], (one, several): (&str, &str)) -> Option<Finding> {
    let (message, about, it, evidence) = match definitions {
        [] => return None,
        [definition] => (one, definition.new.id.to_string(), "it", told(definition).1),
        many => {
            let lines = many.iter().flat_map(|definition| {
                let id = definition.new.id.to_string();
                match told(definition).1 {
                    changes if changes.is_empty() => vec![id],
                    changes => changes.iter().map(|change| format!("{id}: {change}")).collect(),
                }
            });
            (several, format!("{} definitions", many.len()), "them", capped(lines.collect(), MOST))
        }
    };
    let hint = format!("if the new version needs {it}, before the upgrade: {}", by_hand(&snapshot.chart));
    Some(Finding::new(NAME, Severity::Warning, message).about(about).seen_by(evidence).hint(hint))
}

/// In which versions objects are stored, as the cluster says.
fn stored(snapshot: &Snapshot<'_>, definition: &Definition<'_>) -> Result<Vec<String>, String> {
    let live = snapshot.lists.get(&live(definition.new))?;
    let stored = live.iter().filter_map(|live| live.at(&["status", "storedVersions"])?.as_list()).flatten();
    Ok(stored.filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// What is different, and whether it can break what uses it.
fn told(definition: &Definition<'_>) -> (bool, Vec<String>) {
    let Some(old) = definition.old else { return (false, Vec::new()) };
    let mut lines = Vec::new();
    for version in versions(old).filter(|one| serves(one)) {
        let Some(version_name) = name(version) else { continue };
        match versions(&definition.new.node).find(|one| name(one) == Some(version_name)) {
            None => lines.push(format!("{version_name} is gone: nothing can be read or written in it")),
            Some(new) if !serves(new) => lines.push(format!("{version_name} is not served any more")),
            Some(_) => {}
        }
    }
    let strategy = |node: &'_ Node| string(node, &["spec", "conversion", "strategy"]).unwrap_or("None").to_owned();
    let (was, is) = (strategy(old), strategy(&definition.new.node));
    if was != is {
        lines.push(format!("versions are converted by {is} now, and were by {was}"));
    }
    for (version, changes) in definition.changes() {
        let line = |change: &SchemaChange| format!("{version} {}: {}", change.path, change.what);
        lines.extend(changes.iter().map(line));
    }
    (!lines.is_empty(), capped(lines, MOST))
}
