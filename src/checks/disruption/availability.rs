//! Whether pods that serve go on to serve while they are replaced, and after: the strategy, the number of pods, readiness probes.
//!
//! Sources: API reference of `strategy` and `updateStrategy`; how a percentage is rounded is said in `diff/impact/rollout`.

use crate::checks::replicas::Autoscalers;
use crate::checks::scene::{Scene, Workload, string};
use crate::checks::selector::all_of;
use crate::checks::{Check, Finding, Severity, Snapshot};
use crate::diff::impact;
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::node::Node;

const NAME: &str = "availability";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether pods stay available: the strategy, how many there are, readiness probes", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let (before, after) = (Autoscalers::of(&scene, true), Autoscalers::of(&scene, false));
    let services: Vec<_> =
        scene.of_kind("", "Service").filter(|one| one.new.node.find(&["spec", "selector"]).is_some()).collect();
    let mut findings = Vec::new();
    for workload in scene.workloads().filter(|workload| workload.kind.rolls_out()) {
        let (new, namespace) = (workload.pair.new, workload.pair.namespace);
        let was = workload.pair.old.and_then(|old| before.pods(old, namespace)).map(|pods| pods.least);
        let is = after.pods(new, namespace).map(|pods| pods.least);
        let serves = services.iter().any(|service| {
            service.namespace == namespace && all_of(service.new.node.find(&["spec", "selector"]), workload.labels())
        });
        findings.extend(gap(&workload, was, is));
        findings.extend(count(&workload, was, is, serves));
        findings.extend(probe(&workload, serves));
    }
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no workload is less available than before"));
    }
    findings
}

/// Whether all pods of a workload may be gone at a time while they are replaced. As before it is only to be known, if it happens now.
fn gap(workload: &Workload<'_>, was: Option<u64>, is: Option<u64>) -> Option<Finding> {
    let new = workload.pair.new;
    let is = is.or((workload.kind == Kind::DaemonSet).then_some(100)).filter(|is| *is > 0)?;
    // The one pod of a StatefulSet is a matter of their number.
    if !takes_all(new, is) || by_hand(new) || workload.kind == Kind::StatefulSet {
        return None;
    }
    let did = workload.pair.old.is_some_and(|old| takes_all(old, was.unwrap_or(100)));
    let severity = match (did, workload.restarts()) {
        (false, _) if workload.pair.old.is_some() => Severity::Warning,
        (_, true) => Severity::Info,
        _ => return None,
    };
    let why = match string(&new.node, &["spec", "strategy", "type"]) {
        Some("Recreate") => "its strategy is Recreate",
        _ => "its maxUnavailable takes all pods at once",
    };
    let when = if workload.restarts() {
        "this upgrade leaves a gap without pods"
    } else {
        "each roll-out leaves a gap without pods"
    };
    let finding = Finding::new(NAME, severity, format!("{why}: {when}")).about(new.id.to_string());
    Some(match severity {
        Severity::Warning => finding
            .hint("strategy RollingUpdate with maxUnavailable: 0 keeps pods available, where two can run at once"),
        _ => finding,
    })
}

fn takes_all(object: &Object, pods: u64) -> bool {
    impact::fence(object, pods).is_some_and(|(_, unavailable)| unavailable >= pods)
}

fn by_hand(object: &Object) -> bool {
    string(&object.node, &["spec", "updateStrategy", "type"]) == Some("OnDelete")
}

/// Whether a workload is left with one pod, or none.
fn count(workload: &Workload<'_>, was: Option<u64>, is: Option<u64>, serves: bool) -> Option<Finding> {
    let (severity, message) = match (was, is?) {
        (Some(1..), 0) => (Severity::Warning, "no pods are left: it is scaled to 0".to_owned()),
        (Some(was @ 2..), 1) => {
            (Severity::Warning, format!("one pod is left of {was}: whenever that one stops, nothing is there"))
        }
        (None, 1) if serves => (Severity::Info, "it has one pod: whenever that one stops, nothing is there".to_owned()),
        _ => return None,
    };
    Some(Finding::new(NAME, severity, message).about(workload.pair.new.id.to_string()))
}

/// Whether a workload has no readiness probe, and had one, or is new and serves.
fn probe(workload: &Workload<'_>, serves: bool) -> Option<Finding> {
    let probed = |spec: &Node| workload::containers(spec).any(|one| one.node.find(&["readinessProbe"]).is_some());
    let message = match workload.old_spec() {
        _ if probed(workload.spec) => return None,
        Some(old) if probed(old) => "its readiness probe is gone: pods count as ready as soon as they run",
        None if serves => {
            "a service leads to its pods, and none of their containers has a readiness probe: they count as ready as soon as they run"
        }
        _ => return None,
    };
    Some(Finding::new(NAME, Severity::Warning, message).about(workload.pair.new.id.to_string()))
}
