//! Whether an autoscaler scales what the steps of a canary scale: it would undo each of them.
//!
//! Source: Kubernetes documentation, "Horizontal Pod Autoscaling": it sets the scale of its target at each period.

use crate::checks::replicas::autoscalers;
use crate::checks::scene::Scene;
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, Wanted};
use crate::manifest::observed::Observed;

const NAME: &str = "canary-autoscaler";

pub(crate) const CHECK: Check = Check::new(NAME, "whether an autoscaler undoes the numbers of pods of a canary", run)
    .worst(Severity::Blocker)
    .rights("list horizontalpodautoscalers in the namespace")
    .wants(wants);

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    proposal.canary.map(|_| autoscalers(proposal.namespace)).into_iter().collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let Some(canary) = snapshot.canary else { return vec![Finding::new(NAME, Severity::Pass, "it is no canary")] };
    let there = match snapshot.lists.get(&autoscalers(snapshot.namespace)) {
        Ok(there) => there,
        Err(reason) => {
            let message = format!("whether an autoscaler scales what the steps scale: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let scene = Scene::of(snapshot);
    let mut scaled: Vec<(String, String)> = canary.stable.clone();
    let own = scene.workloads().filter(|one| one.kind.has_replicas() && one.pair.namespace == snapshot.namespace);
    scaled.extend(own.map(|one| (one.pair.new.id.kind.clone(), one.pair.new.id.name.clone())));
    let target = |one: &Observed| {
        let field = |key| one.text(&["spec", "scaleTargetRef", key]).to_owned();
        (field("kind"), field("name"))
    };
    let found: Vec<Finding> =
        there.iter().filter(|one| scaled.contains(&target(one))).map(|one| told(one, canary.scales)).collect();
    match found.is_empty() {
        true => vec![Finding::new(NAME, Severity::Pass, "no autoscaler scales what the steps scale")],
        false => found,
    }
}

fn told(autoscaler: &Observed, scales: bool) -> Finding {
    let number = |key| autoscaler.number(&["spec", key]);
    let (least, most) = (number("minReplicas").unwrap_or(1), number("maxReplicas").unwrap_or(1));
    let of = |key| autoscaler.text(&["spec", "scaleTargetRef", key]).to_owned();
    let about = format!("{}/{}", of("kind").to_lowercase(), of("name"));
    let by = format!("horizontalpodautoscaler/{} scales it between {least} and {most} pods", autoscaler.name());
    match scales {
        true => Finding::new(NAME, Severity::Blocker, format!("{by}: it undoes what the steps set")).about(about).hint(
            "switch it off for the canary (many charts have autoscaling.enabled), or let the steps set weights: --step",
        ),
        false => Finding::new(NAME, Severity::Info, format!("{by}: how many each step has is its choice")).about(about),
    }
}
