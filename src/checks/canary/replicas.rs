//! Whether the first step has fewer pods than run: an upgrade replaces all pods of a workload, so these few would take all the traffic.

use crate::checks::replicas::{live, now, said};
use crate::checks::scene::{Scene, Workload};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, Wanted};

const NAME: &str = "canary-replicas";

pub(crate) const CHECK: Check = Check::new(NAME, "whether the first step of a canary replaces all pods by fewer", run)
    .worst(Severity::Blocker)
    .rights("get the workloads")
    .wants(wants);

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    if !proposal.canary.is_some_and(|canary| canary.number == 1 && !canary.beside) {
        return Vec::new();
    }
    let scene = Scene::proposed(proposal);
    let scaled: Vec<Workload<'_>> = scene.workloads().filter(is_there).collect();
    scaled.into_iter().filter_map(|one| live(one.pair.new, one.pair.namespace)).collect()
}

fn is_there(workload: &Workload<'_>) -> bool {
    workload.kind.has_replicas() && workload.pair.old.is_some() && said(workload.pair.new).is_some()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let pass = |message: &str| vec![Finding::new(NAME, Severity::Pass, message)];
    let Some(canary) = snapshot.canary else { return pass("it is no canary") };
    if canary.beside {
        return pass("the canary runs beside the stable release");
    }
    if canary.number > 1 {
        return pass("it is not the first step");
    }
    let scene = Scene::of(snapshot);
    let found: Vec<Finding> = scene.workloads().filter(is_there).filter_map(|one| fewer(snapshot, &one)).collect();
    if found.is_empty() { pass("the first step has no fewer pods than run") } else { found }
}

fn fewer(snapshot: &Snapshot<'_>, workload: &Workload<'_>) -> Option<Finding> {
    let (new, namespace) = (workload.pair.new, workload.pair.namespace);
    let is = said(new)?;
    let runs = now(snapshot.lists, new, namespace).or_else(|| workload.pair.old.and_then(said))?;
    if is >= runs {
        return None;
    }
    let pods = |count: u64| if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") };
    let message = match workload.restarts() {
        true => format!("it runs {}, and the first step replaces all of them by {}", pods(runs), pods(is)),
        false => format!("it runs {}, and the first step leaves {} of them", pods(runs), pods(is)),
    };
    let hint = "--keep-stable runs the canary as a second release beside it; or begin with as many pods as run";
    Some(Finding::new(NAME, Severity::Blocker, message).about(new.id.to_string()).hint(hint))
}
