//! Whether new pods and claims keep to the LimitRanges of their namespace. The API server takes a Deployment whatever its pods ask
//! for, and refuses the pods.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::scene::{Scene, Workload};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};

use super::limits::{Broken, Limits, claim_templates};

const NAME: &str = "limit-range";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether new pods and claims keep to the LimitRanges of their namespace", run)
        .worst(Severity::Blocker)
        .rights("list limitranges in the namespace")
        .wants(wants);

const LIMIT_RANGES: ListedKind = ListedKind::new("", "v1", "limitranges", "LimitRange");

/// The LimitRanges of a namespace.
pub(super) fn wanted(namespace: &str) -> Wanted {
    Wanted::within(LIMIT_RANGES, namespace)
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let pods = scene.workloads().filter(Workload::starts_pods).map(|one| one.pair.namespace);
    let claims =
        scene.of_kind("", "PersistentVolumeClaim").filter(|pair| pair.old.is_none()).map(|pair| pair.namespace);
    pods.chain(claims).map(wanted).collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let (mut findings, mut unseen) = (Vec::new(), BTreeMap::new());
    let mut found =
        |namespace: &str, about: String, broken: &dyn Fn(&Limits<'_>) -> (BTreeSet<Broken>, bool)| match snapshot
            .lists
            .get(&wanted(namespace))
        {
            Err(reason) => _ = unseen.insert(namespace.to_owned(), reason.to_owned()),
            Ok(ranges) => findings.extend(finding(about, broken(&Limits::of(ranges)))),
        };
    for workload in scene.workloads().filter(Workload::starts_pods) {
        let broken = |limits: &Limits<'_>| {
            let mut now = limits.broken(&limits.defaulted(workload.spec));
            if workload.pair.old.is_none() {
                let claims = claim_templates(&workload.pair.new.node);
                now.extend(claims.iter().flat_map(|claim| limits.broken_by_claim(claim)));
            }
            let before = workload.old_spec().map(|spec| limits.broken(&limits.defaulted(spec))).unwrap_or_default();
            let new = now.difference(&before).next().is_some();
            (now, new)
        };
        found(workload.pair.namespace, workload.pair.new.id.to_string(), &broken);
    }
    for pair in scene.of_kind("", "PersistentVolumeClaim").filter(|pair| pair.old.is_none()) {
        found(pair.namespace, pair.new.id.to_string(), &|limits| (limits.broken_by_claim(&pair.new.node), true));
    }
    for (namespace, reason) in unseen {
        let message = format!("the LimitRanges of namespace {namespace}: {reason}");
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    if findings.is_empty() {
        let message = "new pods and claims keep to the LimitRanges of their namespace";
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// What was so before is refused all the same once pods are made anew, but nobody knows how they came to run.
fn finding(about: String, (broken, new): (BTreeSet<Broken>, bool)) -> Option<Finding> {
    let range = &broken.first()?.range;
    let (severity, message) = match new {
        true => (Severity::Blocker, format!("LimitRange/{range} refuses it")),
        false => (Severity::Warning, format!("LimitRange/{range} refuses it, as it would have before")),
    };
    let evidence = broken.iter().map(|one| one.what.clone()).collect();
    let finding = Finding::new(NAME, severity, message).about(about).seen_by(evidence);
    Some(finding.hint("set requests and limits within these bounds"))
}
