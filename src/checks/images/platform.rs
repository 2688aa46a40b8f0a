//! Whether there are nodes of the architecture and operating system that pods ask for.

use std::collections::{BTreeMap, BTreeSet};

use super::super::wanted::{ListedKind, Wanted};
use super::super::{Check, Finding, Proposal, Severity, Snapshot, capped};
use super::{MOST, Pair, pairs};
use crate::diff::workload::pod_spec;
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const NAME: &str = "image-platform";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether there are nodes of the architecture that changed pods ask for", run)
        .rights("list nodes")
        .wants(wants);

const NODES: ListedKind = ListedKind::new("", "v1", "nodes", "Node");

/// The labels that say it, and the older ones, which mean the same.
const ARCHITECTURE: [&str; 2] = ["kubernetes.io/arch", "beta.kubernetes.io/arch"];
const SYSTEM: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];

/// Nodes matter where another image is to run, or pods ask for another platform.
fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let pairs = pairs(proposal.objects, proposal.namespace);
    if pairs.iter().any(matters) { vec![Wanted::all(NODES)] } else { Vec::new() }
}

fn matters(pair: &Pair<'_>) -> bool {
    let asks = |object: &Object| [ARCHITECTURE, SYSTEM].map(|labels| asked(object, labels));
    pair.is_changed() || pair.old_object.map(asks) != Some(asks(pair.object))
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let pairs: Vec<Pair<'_>> = pairs(snapshot.objects, snapshot.namespace).into_iter().filter(matters).collect();
    if pairs.is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, "no pod changes its image or what it asks of nodes")];
    }
    let nodes = match snapshot.lists.get(&Wanted::all(NODES)) {
        Ok([]) => {
            return vec![Finding::new(NAME, Severity::Unknown, "which architectures nodes have: there is no node")];
        }
        Ok(nodes) => nodes,
        Err(reason) => {
            let message = format!("which architectures nodes have: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let mut findings = Vec::new();
    for (what, labels) in [("architecture", ARCHITECTURE), ("operating system", SYSTEM)] {
        findings.extend(look(what, labels, nodes, &pairs));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "there are nodes for each pod that changes"));
    }
    findings
}

fn look(what: &str, labels: [&str; 2], nodes: &[Observed], pairs: &[Pair<'_>]) -> Vec<Finding> {
    let there: BTreeSet<&str> = nodes
        .iter()
        .map(|node| labels.map(|label| node.label(label)).into_iter().find(|one| !one.is_empty()).unwrap_or_default())
        .collect();
    if there.contains("") {
        let message = format!("which {what} nodes have: some have no label {}", labels[0]);
        return vec![Finding::new(NAME, Severity::Unknown, message)];
    }
    let have = format!("nodes have: {}", there.iter().copied().collect::<Vec<&str>>().join(", "));
    let mut missing: BTreeMap<String, String> = BTreeMap::new();
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for pair in pairs {
        match asked(pair.object, labels) {
            Some(asked) if !asked.iter().any(|one| there.contains(one.as_str())) => {
                let asked: Vec<String> = asked.into_iter().collect();
                missing.insert(pair.object.id.to_string(), asked.join(" or "));
            }
            None if there.len() > 1 && pair.is_changed() => {
                open.insert(pair.image.whole);
            }
            _ => {}
        }
    }
    let mut findings: Vec<Finding> = missing
        .into_iter()
        .map(|(object, asked)| {
            let message = format!("its pods ask for the {what} {asked}, which no node has");
            let finding = Finding::new(NAME, Severity::Warning, message).about(object).seen_by(vec![have.clone()]);
            finding.hint("they stay unscheduled, unless nodes of that kind are added on demand")
        })
        .collect();
    if !open.is_empty() {
        let message = format!("nodes differ in their {what}, and pods ask for none: the images must be there for each");
        let images = open.into_iter().map(str::to_owned).collect();
        findings.push(Finding::new(NAME, Severity::Info, message).seen_by([vec![have], capped(images, MOST)].concat()));
    }
    findings
}

/// The values of the labels that a pod's nodes may have; `None` where it asks for none. Of several terms of a node affinity one must
/// hold, so one that says nothing of the label allows all.
fn asked(object: &Object, labels: [&str; 2]) -> Option<BTreeSet<String>> {
    let spec = pod_spec(object)?;
    let selected = labels.iter().find_map(|label| spec.find(&["nodeSelector", label])?.as_str());
    if let Some(selected) = selected {
        return Some(BTreeSet::from([selected.to_owned()]));
    }
    let required = ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
    let terms = spec.find(&required)?.as_list()?;
    let of_term = |term: &Node| {
        let mut expressions = term.get("matchExpressions")?.as_list()?.iter();
        let ours = expressions.find(|one| {
            let text = |key| one.get(key).and_then(Node::as_str).unwrap_or_default();
            labels.contains(&text("key")) && text("operator") == "In"
        })?;
        let values = ours.get("values")?.as_list()?.iter().filter_map(Node::as_str).map(str::to_owned);
        Some(values.collect::<Vec<String>>())
    };
    let all: Vec<Vec<String>> = terms.iter().map(of_term).collect::<Option<_>>()?;
    (!all.is_empty()).then(|| all.concat().into_iter().collect())
}
