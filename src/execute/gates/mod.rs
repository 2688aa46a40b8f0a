//! Asking gates: each gives one [`Answer`], and none takes longer than it may.

mod ask;
mod helm_test;
mod nodes;
mod soak;
pub(super) mod web;

use std::ffi::OsString;
use std::time::Duration;

use crate::upgrade::gates::Gate;

pub(super) use ask::{Asker, ask_for_good, shown};
pub(super) use nodes::standing as standing_of;
pub(super) use soak::state;

/// What is asked after everything is ready, before a revision is called proven.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// The chart's own tests.
    pub test: Option<Tests>,
    /// The gates, in their order.
    pub gates: Vec<Gate>,
    /// How long one answer of a gate may take.
    pub timeout: Duration,
    /// For how long everything is watched on.
    pub soak: Option<Soak>,
    /// What to do where a gate can't tell.
    pub inconclusive: OnInconclusive,
    /// Variables for commands, besides the process's own.
    pub environment: Vec<(OsString, OsString)>,
    /// Asks the user, where there is one: the question, and the answer as typed. It may block.
    pub ask: Option<fn(&str) -> Option<String>>,
}

/// The tests of the chart: `helm test`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tests {
    /// How long each may take.
    pub timeout: Duration,
    /// Which; Helm's `--filter`.
    pub filter: Vec<String>,
}

/// Watching on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soak {
    /// For how long.
    pub duration: Duration,
    /// How often the gates are asked.
    pub interval: Duration,
    /// A gate fails with so many failed answers in a row.
    pub threshold: u32,
}

/// What to do where a gate can't tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnInconclusive {
    /// As where it has failed.
    Fail,
    /// As where it has passed.
    Pass,
    /// Ask the user. Where there is none, the revision stays, and is not proven.
    #[default]
    Ask,
}
