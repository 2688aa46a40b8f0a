//! The evidence of a failure, gathered before anything of it disappears: what the cluster knows, what containers wrote, what
//! Helm said, the likely causes. And written to a folder, where it outlives the rollback.
//!
//! What is gathered is masked at once, so nothing behind [`gather`] sees a secret of the release.

mod cluster;
mod files;
mod gather;
mod logs;
mod secrets;
mod subject;
mod view;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::manifest::mask::Masker;
use crate::release::Release;
use crate::report::diagnosis::{Diagnosis, Kept};
use crate::upgrade::diagnosis::evidence::{Changes, Evidence, Owner, Revision, Rollback};
use crate::upgrade::judge::Judgement;

pub use files::write;
pub use gather::{LONGEST, gather};
pub(crate) use secrets::Secrets;
pub use subject::{diff, revisions, told};

/// A moment of an upgrade, for the timeline: what happened, in one line.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// What is looked at, and what is known of it already.
#[derive(Clone)]
pub struct Subject<'a> {
    /// The revision; of an upgrade that Helm refused, as it was proposed.
    pub release: &'a Release,
    /// Its status as Helm spells it.
    pub status: String,
    /// Its description.
    pub description: String,
    /// The revision before it.
    pub previous: Option<&'a Release>,
    /// All revisions, the oldest first.
    pub history: Vec<Revision>,
    /// All that Helm printed; its secrets are masked here.
    pub helm_output: &'a str,
    /// How the release was judged last, while it was watched: signs may have gone since.
    pub judgement: Option<&'a Judgement>,
    /// How the upgrade was made: what is told by the two revisions is filled in.
    pub changes: Changes,
    /// Who is at work on the release, where that is somebody else.
    pub owner: Option<Owner>,
    /// The rollback, where one was tried.
    pub rollback: Option<Rollback>,
    /// What happened so far.
    pub timeline: Vec<Moment>,
    /// What the upgrade changed, as text or Markdown that is masked already; empty where it is not known.
    pub diff: &'a str,
}

impl<'a> Subject<'a> {
    /// A revision of which nothing else is known.
    #[must_use]
    pub fn new(release: &'a Release) -> Self {
        Self {
            release,
            status: release.info.status.clone(),
            description: release.info.description.clone(),
            previous: None,
            history: Vec::new(),
            helm_output: "",
            judgement: None,
            changes: Changes::default(),
            owner: None,
            rollback: None,
            timeline: Vec::new(),
            diff: "",
        }
    }
}

/// What was gathered. Everything in it is masked.
#[derive(Debug)]
pub struct Gathered {
    /// What the rules look at.
    pub evidence: Evidence,
    /// What is told of it.
    pub diagnosis: Diagnosis,
    /// What the upgrade changed.
    pub diff: String,
    /// The secrets that were masked, to mask what is written.
    secrets: secrets::Secrets,
}

/// Where evidence is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder that holds a folder for each piece of evidence. It is made if it is not there.
    pub folder: PathBuf,
    /// So many pieces of a release are kept; older ones are removed.
    pub keep: usize,
}

impl Place {
    /// This folder, and the last 20 of each release.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, keep: 20 }
    }
}

/// Gathers and writes the evidence, within [`LONGEST`]. What can't be read is said in it.
///
/// # Errors
/// If it can't be written. What was gathered, causes and all, is returned all the same.
pub async fn keep<C: Cluster>(
    cluster: &C,
    masker: &Masker,
    subject: Subject<'_>,
    place: &Place,
    now: fn() -> Timestamp,
) -> (Gathered, Result<Kept, Error>) {
    let mut gathered = gather(cluster, masker, subject, now).await;
    let written = write(&mut gathered, place, now());
    (gathered, written)
}
