//! Whether new pods keep to the Pod Security level of their namespace. The API server takes a Deployment whatever its pods do,
//! and refuses the pods (Kubernetes documentation, "Pod Security Admission").

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::checks::scene::{Scene, Workload, is, string};
use crate::checks::trial::Trials;
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::diff::workload;

use super::standards::{Level, violations};

const NAME: &str = "pod-security";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether new pods keep to the Pod Security level of their namespace", run)
        .worst(Severity::Blocker)
        .rights("get the namespace")
        .wants(wants);

const NAMESPACES: ListedKind = ListedKind::new("", "v1", "namespaces", "Namespace");
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const VERSION: &str = "pod-security.kubernetes.io/enforce-version";

/// How the API server's warning starts.
const WOULD_VIOLATE: &str = "would violate PodSecurity";

/// So many violations of a workload are told.
const MOST: usize = 8;

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    new_pods(&scene).map(|workload| Wanted::one(NAMESPACES, workload.pair.namespace)).collect()
}

fn new_pods<'s, 'a: 's>(scene: &'s Scene<'a>) -> impl Iterator<Item = Workload<'a>> + 's {
    scene.workloads().filter(Workload::starts_pods)
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let mut findings = Vec::new();
    let mut unseen: BTreeMap<&str, String> = BTreeMap::new();
    let mut said: BTreeSet<String> = BTreeSet::new();
    let mut any = false;
    for workload in new_pods(&scene) {
        any = true;
        match level(snapshot, &scene, workload.pair.namespace) {
            Err(reason) => _ = unseen.insert(workload.pair.namespace, reason),
            Ok(None) => {}
            Ok(Some((level, pinned))) => {
                let finding = judge(&workload, level, pinned);
                said.extend(finding.iter().map(|_| workload.pair.new.id.name.clone()));
                findings.extend(finding);
            }
        }
    }
    if let Ok(trials) = &snapshot.trials {
        findings.extend(warned(&scene, trials, &said));
    }
    for (namespace, reason) in unseen {
        let message = format!("the Pod Security level of namespace {namespace}: {reason}");
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    if findings.is_empty() {
        let message =
            if any { "new pods keep to the Pod Security level of their namespace" } else { "no new pods are made" };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// The level that a namespace enforces, and whether it is that of a version; none where everything is allowed.
fn level(snapshot: &Snapshot<'_>, scene: &Scene<'_>, namespace: &str) -> Result<Option<(Level, bool)>, String> {
    let own = scene.all.iter().find(|object| is(&object.id, "", "Namespace") && object.id.name == namespace);
    if let Some(label) = own.and_then(|own| string(&own.node, &["metadata", "labels", ENFORCE])) {
        let version = own.and_then(|own| string(&own.node, &["metadata", "labels", VERSION]));
        return Ok(Level::of(label).map(|level| (level, version.is_some_and(|version| version != "latest"))));
    }
    let there = snapshot.lists.get(&Wanted::one(NAMESPACES, namespace)).map_err(str::to_owned)?;
    let Some(namespace) = there.first() else { return Ok(None) };
    let version = namespace.label(VERSION);
    Ok(Level::of(namespace.label(ENFORCE)).map(|level| (level, !version.is_empty() && version != "latest")))
}

fn judge(workload: &Workload<'_>, level: Level, pinned: bool) -> Option<Finding> {
    let of = |object| workload::template(object).map(|template| violations(template, level)).unwrap_or_default();
    let (now, before) = (of(workload.pair.new), workload.pair.old.map(of).unwrap_or_default());
    if now.is_empty() {
        return None;
    }
    // Pods that run although they are not allowed to may be exempt, or older than the label.
    let new = now.difference(&before).next().is_some();
    let severity = if new && !pinned { Severity::Blocker } else { Severity::Warning };
    let what = match severity {
        Severity::Blocker => "and refuses its pods",
        _ if new => "in an older version, which may refuse its pods",
        _ => "and refuses its pods, unless they are exempt: they were like this before",
    };
    let message = format!("the namespace enforces the Pod Security level {}, {what}", level.word());
    let mut evidence: Vec<String> = now.iter().take(MOST).cloned().collect();
    evidence.extend((now.len() > MOST).then(|| format!("{} more", now.len() - MOST)));
    let finding = Finding::new(NAME, severity, message).about(workload.pair.new.id.to_string()).seen_by(evidence);
    Some(finding.hint("set the securityContext of pod and containers, or ask for another level of the namespace"))
}

/// What the API server itself warned of in the dry run, as the namespace wants it to be warned of. As before, nobody need be told.
fn warned(scene: &Scene<'_>, trials: &Trials, said: &BTreeSet<String>) -> Vec<Finding> {
    let workloads: HashMap<(&str, &str), Workload<'_>> = scene
        .workloads()
        .map(|workload| ((workload.pair.new.id.kind.as_str(), workload.pair.new.id.name.as_str()), workload))
        .collect();
    let trials = trials.applied().filter(|trial| !said.contains(&trial.id.name));
    let about = trials.filter_map(|trial| {
        let warning = trial.warnings.iter().find(|warning| warning.contains(WOULD_VIOLATE))?;
        let level = if warning.contains("\"baseline:") { Level::Baseline } else { Level::Restricted };
        let of = |object| workload::template(object).map(|template| violations(template, level)).unwrap_or_default();
        let workload = workloads.get(&(trial.id.kind.as_str(), trial.id.name.as_str()));
        let old = workload.and_then(|workload| Some((of(workload.pair.old?), of(workload.pair.new))));
        if old.is_some_and(|(before, now)| now.is_subset(&before)) {
            return None;
        }
        let message = "the API server takes it, and warns of its pods: they break rules that the namespace warns of";
        let finding = Finding::new(NAME, Severity::Warning, message).about(trial.id.to_string());
        Some(finding.seen_by(vec![warning.clone()]))
    });
    about.collect()
}
