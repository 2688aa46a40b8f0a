//! Looking before the first step: what each of them asks for, what the first one changes, and what speaks against it.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::given::Given;
use super::work::{At, Work};
use crate::cli::checklist::Checked;
use crate::cli::console::{Telling, event_line};
use crate::cli::output;
use crate::command::upgrade::{self, Proposed};
use crate::error::{Error, Kind};
use crate::execute::Prepared;
use crate::execute::scale::replicas;
use crate::manifest::document::Object;
use crate::release::Release;
use crate::report::canary::PlanView;
use crate::upgrade::canary::Step;
use crate::upgrade::canary::event::{CanaryEvent, Planned};
use crate::upgrade::canary::kept::{Chart, Stable, Workload};
use crate::upgrade::canary::pods::{self, Pods};

/// So many steps are rendered at the same time.
const AT_ONCE: usize = 2;

/// What was found.
pub(super) struct Looked {
    pub(super) checked: Checked,
    /// The revision to which a failure leads back.
    pub(super) base: u32,
    /// The newest revision.
    pub(super) newest: u32,
    /// The chart, but for how it was named.
    pub(super) chart: Chart,
    pub(super) stable: Option<Stable>,
    /// What runs with more pods than its manifest says, where no second release runs beside it.
    pub(super) scaled: Vec<Workload>,
}

/// Looks, and shows what was found.
pub(super) async fn look(work: &mut Work<'_>, given: &Given, beside: Option<Vec<String>>) -> Result<Looked, Error> {
    let deaf = work.console(Telling::Nothing, "", None);
    let plain = work.prepare((&with_values(work, given), &work.options), &deaf).await?;
    if let Some(error) = plain.locked {
        return Err(error);
    }
    let releases = &plain.proposed.outcome.releases;
    let base = base_of(work, &plain)?;
    let newest = plain.proposed.last;
    let mut before = pods_of(work, &releases.old);
    let mut stable = match beside {
        Some(set) => Some(second(work, given, set).await?),
        None => None,
    };
    if stable.is_some() {
        work.is_beside(&releases.old);
    }
    let rendered = render(work, (given, base), stable.as_ref()).await?;
    useful(&rendered, given)?;
    let last = rendered.last().map_or(&releases.new, |last| &last.outcome.releases.new);
    let scaled = match &mut stable {
        Some(stable) => {
            stable.workloads = scaled(work, (&releases.new, last), &mut before).await?;
            stable.deployed = Some(releases.old.revision);
            Vec::new()
        }
        None => scaled_up(work, (&releases.new, last), &mut before).await,
    };
    let at = |at| At { steps: &given.steps, at, base: Some(base), label: "", metrics: &[], stable: stable.as_ref() };
    let planned = planned(work, (given, &rendered), (&before, stable.as_ref()));
    let (request, options) = (work.request(at(0)), work.options(at(0))?);
    let prepared = match stable {
        Some(_) => work.prepare((&request, &options), &deaf).await?,
        None => plain,
    };
    let checked = work.check((&request, &options), &prepared, &deaf).await;
    work.run.progress.clear();
    let chart = &prepared.proposed.outcome.releases.new.chart;
    let chart = Chart {
        named: String::new(),
        name: chart.name().to_owned(),
        version: chart.version().to_owned(),
        content: chart.content.clone(),
    };
    let view = PlanView {
        release: work.name(),
        chart: &chart,
        base,
        before: &before,
        steps: &planned,
        interval: work.interval,
        beside: stable.as_ref(),
    };
    show(work, &view)?;
    work.run.show(&prepared.proposed.outcome)?;
    checked.show(&work.run)?;
    Ok(Looked { checked, base, newest, chart, stable, scaled })
}

/// What each step sets, and the pods that there are then.
fn planned(
    work: &Work<'_>,
    (given, rendered): (&Given, &[Proposed]),
    (before, stable): (&[Pods], Option<&Stable>),
) -> Vec<Planned> {
    let last = given.steps.len() - 1;
    let one = |(at, (step, proposed)): (usize, (&Step, &Proposed))| {
        let mut pods = pods_of(work, &proposed.outcome.releases.new);
        if stable.is_some() && at < last {
            pods.extend(left(before, stable, step.replicas.unwrap_or_default()));
        }
        Planned { title: step.title.clone(), pods, pause: step.pause, confirm: step.confirm }
    };
    given.steps.iter().zip(rendered).enumerate().map(one).collect()
}

/// The plan, first of all.
fn show(work: &Work<'_>, view: &PlanView<'_>) -> Result<(), Error> {
    match work.telling {
        Telling::Events => {
            let event = CanaryEvent::CanaryPlanned {
                release: view.release,
                base: view.base,
                before: view.before,
                steps: view.steps,
            };
            event_line(None::<&()>, &event);
            Ok(())
        }
        _ => {
            let text = view.text(work.run.painter(), work.run.environment.columns);
            output::write_result(false, work.run.environment, |out| out.write_all(text.as_bytes()))
        }
    }
}

/// The first step as an upgrade like any other: what it would go back to is what a canary goes back to.
fn with_values(work: &Work<'_>, given: &Given) -> upgrade::Request {
    work.request(At { steps: &given.steps, at: 0, base: None, label: "", metrics: &[], stable: None })
}

/// The revision from before, to which a failure leads back.
fn base_of(work: &Work<'_>, plain: &Prepared) -> Result<u32, Error> {
    let name = work.name();
    if plain.proposed.is_first {
        let message = format!("cannot begin a canary of release \"{name}\": it is not installed");
        return Err(Error::new(Kind::NotFound, message)
            .hint(format!("install it first: helm safe-upgrade {name} CHART --install")));
    }
    // A failure leads back to what runs, where that is good.
    let is_bad =
        |revision: &u32| plain.history.entries().iter().any(|one| one.revision == *revision && one.marks.is_bad());
    let runs = plain.deployed.filter(|revision| plain.deployed_seen_good && !is_bad(revision));
    runs.or(plain.target).ok_or_else(|| {
        let message = format!("cannot begin a canary of release \"{name}\": it has no good revision to go back to");
        let why = plain.deployed_troubles.first().cloned().unwrap_or_else(|| "no revision is proven".to_owned());
        Error::new(Kind::Refused, message).hint(format!("{why}; helm safe-upgrade diagnose {name} says more"))
    })
}

/// The pods of a release.
fn pods_of(work: &Work<'_>, release: &Release) -> Vec<Pods> {
    let documents = release.documents();
    let objects: Vec<Object> = documents.iter().flat_map(|document| work.run.masker.open(document)).collect();
    pods::of(&objects)
}

/// Has Helm render all steps.
async fn render(
    work: &Work<'_>,
    (given, base): (&Given, u32),
    stable: Option<&Stable>,
) -> Result<Vec<Proposed>, Error> {
    let rendering = (0..given.steps.len()).map(|at| {
        let request = work.request(At { steps: &given.steps, at, base: Some(base), label: "", metrics: &[], stable });
        async move {
            let seams = upgrade::Seams { storage: &work.storage, helm: &work.helm, cluster: &work.cluster };
            upgrade::propose(seams, &request, &work.run.masker, &work.run.options, &()).await
        }
    });
    stream::iter(rendering).buffered(AT_ONCE).try_collect().await
}

/// A step that changes nothing is a mistake: most likely the value has another name.
fn useful(rendered: &[Proposed], given: &Given) -> Result<(), Error> {
    let manifest = |proposed: &'_ Proposed| proposed.outcome.releases.new.name.clone();
    for (at, pair) in rendered.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        let same = before.outcome.releases.new.manifest.is_same_as(&after.outcome.releases.new.manifest);
        if same && manifest(before) == manifest(after) {
            let (number, title) = (at + 2, &given.steps[at + 1].title);
            let message =
                format!("cannot make a canary in these steps: step {number} ({title}) changes nothing of the manifest");
            let hint = match given.steps[at + 1].replicas {
                Some(_) => format!(
                    "no template uses {}: --replicas-key names the value that sets how many pods there are",
                    given.replicas_key
                ),
                None => "the chart does not use these values, or they are as the step before has them".to_owned(),
            };
            return Err(Error::new(Kind::Usage, message).hint(hint));
        }
    }
    Ok(())
}

/// The second release beside the stable one, which stays.
async fn second(work: &Work<'_>, given: &Given, set: Vec<String>) -> Result<Stable, Error> {
    let name = work.name();
    let canary = format!("{name}-canary");
    if canary.len() > 53 {
        return Err(Error::new(
            Kind::Usage,
            format!("cannot run {canary:?} beside \"{name}\": Helm takes names of 53 characters"),
        )
        .hint("without --keep-stable the canary runs within the release"));
    }
    if given.steps.len() < 2 {
        return Err(Error::new(Kind::Usage, "cannot keep the stable release: there is one step, and it is the last")
            .hint("--steps 1,3,10 runs two steps beside it, and upgrades it with the third"));
    }
    // It would be upgraded, and removed in the end, although it is somebody's.
    if !work.storage.history(&canary).await?.is_empty() {
        let message = format!("cannot run {canary:?} beside \"{name}\": there is a release of this name already");
        return Err(Error::new(Kind::Refused, message).hint(format!("helm uninstall {canary}")));
    }
    Ok(Stable { canary, set, workloads: Vec::new(), deployed: None })
}

/// The workloads that the steps scale, with the pods that they have: those whose number differs between the first step and the last one.
async fn run_with(
    work: &Work<'_>,
    (first, last): (&Release, &Release),
    before: &mut [Pods],
) -> Result<Vec<Workload>, Error> {
    let (first, last) = (pods_of(work, first), pods_of(work, last));
    let mut workloads = Vec::new();
    for pods in before.iter_mut() {
        let said = |all: &[Pods]| all.iter().find(|one| one.object == pods.object).map(|one| one.replicas);
        let differs = said(&first) != said(&last);
        if !differs || !matches!(pods.object.0.as_str(), "Deployment" | "StatefulSet") {
            continue;
        }
        let (kind, name) = pods.object.clone();
        // The manifest may say another number than there is: somebody has scaled it since.
        let replicas = replicas(&work.cluster, work.storage.namespace(), (&kind, &name)).await?;
        *pods = pods.with(u64::from(replicas));
        workloads.push(Workload { kind, name, replicas });
    }
    Ok(workloads)
}

/// Those of the stable release beside which a second one grows.
async fn scaled(work: &Work<'_>, ends: (&Release, &Release), before: &mut [Pods]) -> Result<Vec<Workload>, Error> {
    let workloads = run_with(work, ends, before).await?;
    if workloads.is_empty() {
        let message = format!(
            "cannot keep the stable release: the steps scale no Deployment or StatefulSet that \"{}\" has",
            work.name()
        );
        return Err(Error::new(Kind::Refused, message).hint("set weights instead: --step canary.weight=10"));
    }
    Ok(workloads)
}

/// Those that have more pods than their manifest says, with which no way back would leave them. Where that can't be seen there are none:
/// a rollback does what it can.
async fn scaled_up(work: &Work<'_>, ends: (&Release, &Release), before: &mut [Pods]) -> Vec<Workload> {
    let said = before.to_vec();
    let mut workloads = run_with(work, ends, before).await.unwrap_or_default();
    workloads.retain(|workload| {
        let declared = said.iter().find(|pods| pods.object.0 == workload.kind && pods.object.1 == workload.name);
        declared.and_then(|pods| pods.replicas).is_some_and(|declared| u64::from(workload.replicas) > declared)
    });
    workloads
}

/// The pods of the stable release that are left beside so many of the canary.
fn left(before: &[Pods], stable: Option<&Stable>, count: u32) -> Vec<Pods> {
    let is_scaled = |pods: &Pods| {
        stable.is_some_and(|stable| {
            stable.workloads.iter().any(|one| one.kind == pods.object.0 && one.name == pods.object.1)
        })
    };
    let with = |pods: &Pods| match (is_scaled(pods), pods.replicas) {
        (true, Some(all)) => pods.with(all.saturating_sub(u64::from(count)).max(1).min(all)),
        _ => pods.clone(),
    };
    before.iter().map(with).collect()
}
