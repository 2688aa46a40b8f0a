//! Promoting and aborting a canary: with the chart, the values and the flags that it was begun with.

use clap::Parser as _;

use super::begin::Parts;
use super::{cluster_of, drive, kept};
use crate::chart::{Location, locate};
use crate::cli::args::{
    CanaryAbortArgs, CanaryArgs, CanaryPromoteArgs, Command, Format, GoingOnArgs, ReportFormat, SafeUpgrade,
};
use crate::cli::guard::{Question, confirm};
use crate::cli::{Environment, configuration, connection};
use crate::error::{Error, Kind};
use crate::execute::interrupts::Interrupts;
use crate::record::canary::Store;
use crate::upgrade::canary::kept::{Kept, Why};
use crate::upgrade::canary::next::Terms;

/// `helm safe-upgrade canary promote`.
pub(super) async fn promote(arguments: CanaryPromoteArgs, environment: &Environment) -> Result<u8, Error> {
    let CanaryPromoteArgs { release, chart, full, going_on } = arguments;
    let terms = Terms { promote: true, full, abort: false };
    go_on((&release, chart), going_on, terms, environment).await
}

/// `helm safe-upgrade canary abort`.
pub(super) async fn abort(arguments: CanaryAbortArgs, environment: &Environment) -> Result<u8, Error> {
    let terms = Terms { abort: true, ..Terms::default() };
    go_on((&arguments.release, None), arguments.going_on, terms, environment).await
}

async fn go_on(
    (release, chart): (&str, Option<String>),
    going_on: GoingOnArgs,
    terms: Terms,
    environment: &Environment,
) -> Result<u8, Error> {
    let interrupts = Interrupts::listen(environment.is_of_helm())?;
    let storage = connection::storage(&going_on.cluster, environment).await?;
    let (cluster, namespace) = (cluster_of(&storage)?.within(storage.namespace()), storage.namespace().to_owned());
    let store = Store::of(&cluster, &namespace, release);
    let mut kept = kept(&store, release, &namespace).await?;
    let mut arguments = arguments_of(&kept, chart, going_on)?;
    has_configuration(&mut arguments, &kept, terms)?;
    if !terms.abort {
        is_there(&kept, arguments.guarded.chart.as_deref().unwrap_or_default())?;
    }
    let interval = arguments.steps.interval.and_then(|long| long.try_into().ok());
    let parts = Parts::of(arguments, environment).await?;
    let interval = interval.or(parts.policy.canary.interval).unwrap_or(super::given::INTERVAL);
    let mut work = parts.work(interval, &interrupts, environment).await?;
    if let Some(values) = &kept.values {
        work.request.upgrade.flags.values.files = vec!["-".to_owned()];
        work.request.upgrade.stdin = Some(values.clone().into_bytes());
        work.supplied = serde_json::from_str(values).ok();
    }
    // The way back makes no step, and may be all that is left of the release.
    if !terms.abort {
        work.set_base_values(&kept).await?;
    }
    let question = match terms.abort {
        true => ("abort the canary of", format!("Bring {release} back to revision {}? [y/N] ", kept.base)),
        false => ("promote the canary of", question(&kept, terms)),
    };
    let question = Question { doing: question.0, release, ask: question.1, shows: false };
    confirm(question, work.guard.yes, &interrupts).await?;
    if !terms.abort && kept.halted.as_ref().is_some_and(|halt| halt.why == Why::Failed) {
        let message = format!("cannot promote the canary of release \"{release}\": a step failed, and it is not back");
        return Err(Error::new(Kind::Refused, message).hint(super::hint_of(&kept, "abort")));
    }
    drive(&work, &store, &mut kept, terms).await
}

fn question(kept: &Kept, terms: Terms) -> String {
    let at = if terms.full { kept.steps.len() - 1 } else { kept.passed.min(kept.steps.len() - 1) };
    let title = crate::report::style::clean(&kept.steps[at].title).into_owned();
    format!("{} of {} steps of {} have passed. Go on with {title}? [y/N] ", kept.passed, kept.steps.len(), kept.release)
}

/// So must the configuration: gates and windows stand there. The way back takes none of them.
fn has_configuration(arguments: &mut CanaryArgs, kept: &Kept, terms: Terms) -> Result<(), Error> {
    let config = &mut arguments.guarded.diff.config;
    let Some(missing) = config.clone().filter(|path| !path.exists()) else { return Ok(()) };
    // Another checkout of the same repository has it elsewhere.
    *config = None;
    if terms.abort || configuration::found(None).is_some_and(|path| path.file_name() == missing.file_name()) {
        return Ok(());
    }
    let (release, path) = (&kept.release, missing.display());
    let message =
        format!("cannot go on with the canary of release \"{release}\": its configuration is not at {path} any more");
    let hint = format!("name it: helm safe-upgrade canary promote {release} --config FILE -n {}", kept.namespace);
    Err(Error::new(Kind::NotFound, message).hint(hint))
}

/// The chart must be found where it was, or be named anew.
fn is_there(kept: &Kept, chart: &str) -> Result<(), Error> {
    if let Location::Local(path) = locate(chart)
        && path.exists()
    {
        return Ok(());
    }
    if !std::path::Path::new(chart).is_absolute() {
        return Ok(());
    }
    let message =
        format!("cannot go on with the canary of release \"{}\": the chart is not at {chart} any more", kept.release);
    Err(Error::new(Kind::NotFound, message)
        .hint(format!("name it: helm safe-upgrade canary promote {} CHART -n {}", kept.release, kept.namespace)))
}

/// The arguments that it was begun with, and what is said anew.
fn arguments_of(kept: &Kept, chart: Option<String>, going_on: GoingOnArgs) -> Result<CanaryArgs, Error> {
    let mut words: Vec<String> = ["helm-safe-upgrade", "canary"].map(str::to_owned).to_vec();
    words.extend(kept.flags.iter().cloned());
    words.push("--".to_owned());
    words.push(kept.release.clone());
    words.push(chart.clone().unwrap_or_else(|| kept.chart.named.clone()));
    let damaged = || {
        let message = format!("cannot go on with the canary of release \"{}\": its flags can't be read", kept.release);
        Error::new(Kind::Damaged, message).hint(super::hint_of(kept, "abort"))
    };
    let parsed = SafeUpgrade::try_parse_from(words).map(SafeUpgrade::wanted).map_err(|_| damaged())?;
    let Command::Canary(arguments) = parsed else { return Err(damaged()) };
    let mut arguments = *arguments;
    let GoingOnArgs { yes, accept, config, override_window, output, cluster, display } = going_on;
    let guarded = &mut arguments.guarded;
    guarded.guard.yes = yes;
    guarded.guard.accept.extend(accept);
    guarded.diff.config = config.or(guarded.diff.config.take());
    guarded.terms.override_window = override_window.or(guarded.terms.override_window.take());
    guarded.diff.cluster = cluster;
    guarded.diff.display = display;
    guarded.diff.output = match output {
        ReportFormat::Text => Format::Text,
        ReportFormat::Json => Format::Json,
    };
    // A version that was a range, or none at all, is the one that it was.
    if chart.is_none() && matches!(locate(&kept.chart.named), Location::Remote) && !kept.chart.named.contains("://") {
        guarded.source.chart_version = Some(kept.chart.version.clone());
    }
    if kept.chart.named.starts_with("oci://") {
        guarded.source.chart_version = Some(kept.chart.version.clone());
    }
    Ok(arguments)
}
