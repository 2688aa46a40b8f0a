//! Whether new pods and claims keep to the LimitRanges of their namespace. The API server takes a Deployment whatever its pods ask
//! for, and refuses the pods.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::checks::demand::Surroundings;
use crate::checks::scene::{Scene, Workload};
use crate::checks::wanted::{ListedKind, Lists, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::manifest::node::Node;

use super::left::{Rule, left};
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

/// What a namespace puts into pods and refuses: now, and after the upgrade.
pub(super) struct Both<'a> {
    before: Limits<'a>,
    after: Limits<'a>,
}

/// Each namespace that the release has objects in, with what is known of it.
pub(super) struct Namespaces<'a> {
    limits: BTreeMap<&'a str, Result<Both<'a>, &'a str>>,
    lists: &'a Lists,
}

impl<'a> Namespaces<'a> {
    pub(super) fn of(scene: &Scene<'a>, lists: &'a Lists) -> Self {
        let names = scene.pairs.iter().map(|pair| pair.namespace);
        let names: BTreeSet<&'a str> = names.chain(scene.gone.iter().map(|gone| scene.namespace_of(gone))).collect();
        let limits = |namespace| {
            let there = lists.get(&wanted(namespace))?;
            let after = Limits::of(left(scene, (namespace, "LimitRange"), there));
            Ok(Both { before: Limits::of(there.iter().map(Rule::of)), after })
        };
        Self { limits: names.into_iter().map(|name| (name, limits(name))).collect(), lists }
    }

    /// The LimitRanges of a namespace, or why they are not known.
    pub(super) fn limits(&self, namespace: &str) -> Result<&Both<'a>, &'a str> {
        self.limits
            .get(namespace)
            .map_or(Err("it was not looked at"), |limits| limits.as_ref().map_err(|reason| *reason))
    }
}

impl Surroundings for Namespaces<'_> {
    fn defaulted<'n>(&self, spec: &'n Node, namespace: &str) -> Cow<'n, Node> {
        self.limits(namespace).map_or(Cow::Borrowed(spec), |limits| limits.after.defaulted(spec))
    }

    fn lists(&self) -> Option<&Lists> {
        Some(self.lists)
    }
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let namespaces = Namespaces::of(&scene, snapshot.lists);
    let (mut findings, mut unseen) = (Vec::new(), BTreeMap::new());
    let mut found =
        |namespace: &str, about: String, broken: &dyn Fn(&Both<'_>) -> (BTreeSet<Broken>, bool)| match namespaces
            .limits(namespace)
        {
            Err(reason) => _ = unseen.insert(namespace.to_owned(), reason.to_owned()),
            Ok(limits) => findings.extend(finding(about, broken(limits))),
        };
    for workload in scene.workloads().filter(Workload::starts_pods) {
        let broken = |limits: &Both<'_>| {
            let of = |limits: &Limits<'_>, spec: &Node| limits.broken(&limits.defaulted(spec));
            let mut now = of(&limits.after, workload.spec);
            if workload.pair.old.is_none() {
                let claims = claim_templates(&workload.pair.new.node);
                now.extend(claims.iter().flat_map(|claim| limits.after.broken_by_claim(claim)));
            }
            let before = workload.old_spec().map(|spec| of(&limits.before, spec)).unwrap_or_default();
            let new = now.difference(&before).next().is_some();
            (now, new)
        };
        found(workload.pair.namespace, workload.pair.new.id.to_string(), &broken);
    }
    for pair in scene.of_kind("", "PersistentVolumeClaim").filter(|pair| pair.old.is_none()) {
        let broken = |limits: &Both<'_>| (limits.after.broken_by_claim(&pair.new.node), true);
        found(pair.namespace, pair.new.id.to_string(), &broken);
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
