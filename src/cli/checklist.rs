//! The checklist: shown beside the diff of a guarded upgrade, and alone by `helm safe-upgrade check`.

use std::io::{Result as Written, Write};

use crate::checks::{Findings, window};
use crate::cli::args::{Format, GuardArgs};
use crate::cli::output;
use crate::cli::revdiff::Run;
use crate::cluster::Cluster;
use crate::command::upgrade::Request;
use crate::error::{Error, Kind};
use crate::execute::checklist::elsewhere::Place;
use crate::execute::{Options, Prepared, Seams, checklist};
use crate::helm::Helm;
use crate::report::checks::ChecksView;

/// What the checks found of an upgrade.
pub(super) struct Checked {
    release: String,
    namespace: String,
    chart: String,
    shows_passed: bool,
    pub(super) findings: Findings,
}

/// How the checklist is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Markdown,
    Json,
    /// One event among others.
    Event,
}

/// Gathers what the checks look at, and runs them.
pub(super) async fn look<C: Cluster, H: Helm>(
    run: &Run<'_>,
    seams: &Seams<'_, C, H>,
    (request, options): (&Request, &Options),
    (prepared, place): (&Prepared, Option<&Place<C, H>>),
    guard: &GuardArgs,
) -> Checked {
    run.stages(true).stage("checking");
    let findings = checklist::run(seams, request, options, (prepared, place)).await;
    let chart = &prepared.proposed.outcome.releases.new.chart;
    Checked {
        release: request.upgrade.release.clone(),
        namespace: seams.storage.namespace().to_owned(),
        chart: format!("{}-{}", chart.name(), chart.version()),
        shows_passed: guard.show_passed,
        findings,
    }
}

impl Checked {
    /// What was found of an upgrade elsewhere.
    pub(super) fn of((release, namespace): (&str, &str), chart: String, findings: Findings, guard: &GuardArgs) -> Self {
        let (release, namespace) = (release.to_owned(), namespace.to_owned());
        Self { release, namespace, chart, shows_passed: guard.show_passed, findings }
    }

    /// Shows it in the form that goes with the format of the diff.
    pub(super) fn show(&self, run: &Run<'_>) -> Result<(), Error> {
        let form = match run.diff.format() {
            Format::Json => Form::Event,
            Format::Markdown => Form::Markdown,
            _ => Form::Text,
        };
        output::write_result(false, run.environment, |out| {
            if form == Form::Text {
                out.write_all(b"\n")?;
            }
            self.write(form, run, out)
        })
    }

    /// Prints it alone.
    pub(super) fn print(&self, run: &Run<'_>) -> Result<(), Error> {
        let form = match run.diff.format() {
            Format::Json => Form::Json,
            Format::Markdown => Form::Markdown,
            _ => Form::Text,
        };
        output::write_result(false, run.environment, |out| self.write(form, run, out))
    }

    /// Writes it.
    pub(super) fn write(&self, form: Form, run: &Run<'_>, mut out: &mut dyn Write) -> Written<()> {
        let view = ChecksView::new((&self.release, &self.namespace), self.chart.clone(), &self.findings);
        match form {
            Form::Text => view.write_text((run.painter(), run.environment.columns), self.shows_passed, &mut out),
            Form::Markdown => view.write_markdown(&mut out),
            Form::Json => view.write_json(&mut out),
            Form::Event => {
                let mut event = serde_json::to_value(&view).map_err(std::io::Error::from)?;
                event["event"] = "findings".into();
                writeln!(out, "{event}")
            }
        }
    }

    /// An error if a check says no that was not accepted.
    pub(super) fn refuse(&self, doing: &str) -> Result<(), Error> {
        let blocked = &self.findings.blocked;
        if blocked.is_empty() {
            return Ok(());
        }
        let checks = if blocked.len() == 1 { "the check" } else { "the checks" };
        let message =
            format!("cannot {doing} release \"{}\": blocked by {checks} {}", self.release, blocked.join(", "));
        let accept = blocked.iter().map(|name| match *name {
            window::NAME => "--override-window REASON".to_owned(),
            name => format!("--accept {name}"),
        });
        let accept: Vec<String> = accept.collect();
        let hint = format!("put right what is named above, or take the risk: {}", accept.join(" "));
        Err(Error::new(Kind::Refused, message).hint(hint))
    }
}
