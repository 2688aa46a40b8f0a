//! What happens to a canary beside what happens in each of its steps.

use serde::Serialize;

use super::kept::{Halt, Kept};
use super::pods::Pods;
use crate::upgrade::event::Report;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum CanaryEvent<'a> {
    /// What would be done.
    CanaryPlanned {
        /// The release's name.
        release: &'a str,
        /// The revision to which a failure leads back.
        base: u32,
        /// What runs before.
        before: &'a [Pods],
        /// The steps.
        steps: &'a [Planned],
    },
    /// An earlier run is gone on with.
    CanaryResumed {
        /// How many steps have passed.
        passed: usize,
        /// How many there are.
        steps: usize,
    },
    /// A step begins.
    CanaryStepBegun {
        /// Which; 1 is the first.
        number: usize,
        /// How many there are.
        steps: usize,
        /// What it sets.
        title: &'a str,
    },
    /// A step has ended.
    CanaryStepEnded {
        /// Which; 1 is the first.
        number: usize,
        /// How its upgrade ended.
        report: &'a Report,
    },
    /// A workload of the release was scaled: down beside a second one, or up to what it had.
    CanaryScaled {
        /// The workload.
        workload: String,
        /// Its pods now.
        replicas: u32,
    },
    /// It does not go on, and is kept.
    CanaryHalted {
        /// Why.
        halt: &'a Halt,
        /// The command that goes on.
        promote: &'a str,
        /// The command that goes back.
        abort: &'a str,
    },
    /// It is over.
    CanaryDone {
        /// How.
        outcome: Outcome,
        /// How far it came.
        canary: Box<Told<'a>>,
        /// Why what ran beside the release is still there; nothing where it is not.
        left: Option<&'a str>,
    },
}

/// A step, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// What it sets.
    pub title: String,
    /// The pods of each workload.
    pub pods: Vec<Pods>,
    /// Whether it pauses after it.
    pub pause: bool,
    /// Whether it asks after it.
    pub confirm: bool,
}

/// How a canary ended, or why it does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The last step is proven.
    Proven,
    /// It pauses, as wanted.
    Paused,
    /// Whether a step is good could not be told.
    Unclear,
    /// A check says no, or Helm does.
    Refused,
    /// A step failed, and the release is back.
    RolledBack,
    /// A step failed, and the release is not back.
    NotRolledBack,
    /// It was interrupted, and the release is back.
    Interrupted,
    /// It was brought back as wanted.
    Aborted,
    /// Somebody else has changed the release; it was left to them.
    Overtaken,
}

/// What is told of a canary: without flags and values, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told<'a> {
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The chart, with its version.
    pub chart: String,
    /// The second release, where it runs beside the stable one.
    pub beside: Option<&'a str>,
    /// The revision to which a failure leads back.
    pub base: u32,
    /// How many steps have passed.
    pub passed: usize,
    /// The steps.
    pub steps: Vec<ToldStep<'a>>,
    /// Why it does not go on.
    pub halted: Option<&'a Halt>,
    /// Who began it.
    pub by: &'a str,
    /// When.
    pub started: jiff::Timestamp,
    /// When something last happened.
    pub changed: jiff::Timestamp,
}

/// What is told of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldStep<'a> {
    /// What it sets.
    pub title: &'a str,
    /// How it stands.
    pub state: StepState,
    /// The revision that it made.
    pub revision: Option<u32>,
    /// When it began.
    pub started: Option<jiff::Timestamp>,
    /// When it ended.
    pub ended: Option<jiff::Timestamp>,
    /// Whether it pauses after it.
    pub pause: bool,
    /// Whether somebody is asked after it.
    pub confirm: bool,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It has passed.
    Passed,
    /// It was left out by `promote --full`.
    Skipped,
    /// It was begun, and has not passed.
    Begun,
    /// It comes later.
    Waiting,
}

impl<'a> Told<'a> {
    /// What is told of a canary.
    #[must_use]
    pub fn of(kept: &'a Kept) -> Self {
        let step = |(at, step): (usize, &'a super::Step)| {
            let done = kept.done.iter().find(|done| done.step == at);
            let state = match done {
                Some(done) if done.passed => StepState::Passed,
                Some(_) => StepState::Begun,
                None if at < kept.passed => StepState::Skipped,
                None => StepState::Waiting,
            };
            ToldStep {
                title: &step.title,
                state,
                revision: done.and_then(|done| done.revision),
                started: done.map(|done| done.started),
                ended: done.and_then(|done| done.ended),
                pause: step.pause,
                confirm: step.confirm,
            }
        };
        Self {
            release: &kept.release,
            namespace: &kept.namespace,
            chart: format!("{}-{}", kept.chart.name, kept.chart.version),
            beside: kept.stable.as_ref().map(|stable| stable.canary.as_str()),
            base: kept.base,
            passed: kept.passed,
            steps: kept.steps.iter().enumerate().map(step).collect(),
            halted: kept.halted.as_ref(),
            by: &kept.by,
            started: kept.started,
            changed: kept.changed,
        }
    }
}
