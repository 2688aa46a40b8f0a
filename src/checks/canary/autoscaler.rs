//! Whether an autoscaler scales what the steps of a canary scale: it would undo each of them.
//!
//! Source: Kubernetes documentation, "Horizontal Pod Autoscaling": it sets the scale of its target at each period.

use crate::checks::replicas::{Autoscalers, autoscalers};
use crate::checks::scene::{Scene, Workload, is};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, Wanted};
use crate::manifest::document::Object;
use crate::manifest::observed::Observed;

const KIND: &str = "HorizontalPodAutoscaler";
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
    let scaling: Vec<&Observed> = there.iter().filter(|one| scaled.contains(&target(one))).collect();
    let is_there = |name: &str| scaling.iter().any(|one| one.name() == name);
    let brought = brought(&scene, snapshot.namespace).into_iter().filter(|(_, by)| !is_there(&by.id.name));
    let found: Vec<Finding> = scaling
        .iter()
        .map(|one| match canary.scales && is_removed(&scene, one) {
            true => removed(one),
            false => told(one, canary.scales),
        })
        .chain(brought.map(|(about, by)| comes(about, by, canary.scales)))
        .collect();
    match found.is_empty() {
        true => vec![Finding::new(NAME, Severity::Pass, "no autoscaler scales what the steps scale")],
        false => found,
    }
}

/// The workloads that an autoscaler of the step's own manifest scales, and that autoscaler.
fn brought<'a>(scene: &Scene<'a>, namespace: &str) -> Vec<(String, &'a Object)> {
    let own = Autoscalers::of(scene, false);
    let workloads = scene.workloads().filter(|one| one.kind.has_replicas() && one.pair.namespace == namespace);
    let by = |one: Workload<'a>| Some((one.pair.new.id.clone(), own.scaling(one.pair.new, one.pair.namespace)?));
    workloads.filter_map(by).map(|(id, by)| (format!("{}/{}", id.kind.to_lowercase(), id.name), by)).collect()
}

/// Whether the step removes an autoscaler.
fn is_removed(scene: &Scene<'_>, autoscaler: &Observed) -> bool {
    scene.gone.iter().any(|object| is(&object.id, "autoscaling", KIND) && object.id.name == autoscaler.name())
}

fn removed(autoscaler: &Observed) -> Finding {
    let message = format!(
        "horizontalpodautoscaler/{} scales it until the step removes it: what the step sets may be undone by then",
        autoscaler.name()
    );
    Finding::new(NAME, Severity::Warning, message).about(target_of(autoscaler))
}

fn comes(about: String, autoscaler: &Object, scales: bool) -> Finding {
    let id = &autoscaler.id;
    let by = format!("{}/{} comes with the step, and scales it", id.kind.to_lowercase(), id.name);
    undoing(by, scales).about(about)
}

fn told(autoscaler: &Observed, scales: bool) -> Finding {
    let number = |key| autoscaler.number(&["spec", key]);
    let (least, most) = (number("minReplicas").unwrap_or(1), number("maxReplicas").unwrap_or(1));
    let by = format!("horizontalpodautoscaler/{} scales it between {least} and {most} pods", autoscaler.name());
    undoing(by, scales).about(target_of(autoscaler))
}

fn target_of(autoscaler: &Observed) -> String {
    let of = |key| autoscaler.text(&["spec", "scaleTargetRef", key]).to_owned();
    format!("{}/{}", of("kind").to_lowercase(), of("name"))
}

fn undoing(by: String, scales: bool) -> Finding {
    match scales {
        true => Finding::new(NAME, Severity::Blocker, format!("{by}: it undoes what the steps set")).hint(
            "switch it off for the canary (many charts have autoscaling.enabled), or let the steps set weights: --step",
        ),
        false => Finding::new(NAME, Severity::Info, format!("{by}: how many each step has is its choice")),
    }
}
