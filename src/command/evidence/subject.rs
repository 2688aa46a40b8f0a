//! What is looked at after an upgrade has failed: the revision that was proposed, with what is known of how it was made.

use crate::command::evidence::Subject;
use crate::command::revdiff::Outcome;
use crate::command::upgrade::Proposed;
use crate::helm::Upgrade;
use crate::helm::flags::Reuse;
use crate::release::history::History;
use crate::report::markdown;
use crate::report::view::{Detail, View};
use crate::upgrade::diagnosis::evidence::{Changes, Revision};

/// The diff is kept as Markdown of so many bytes at most.
const LONGEST_DIFF: usize = 512 * 1024;

impl<'a> Subject<'a> {
    /// An upgrade that failed. `chart` is the chart as the user named it, for commands to copy. What Helm printed, how the release was judged
    /// last and what happened is for the caller to add.
    #[must_use]
    pub fn proposed(proposed: &'a Proposed, history: &History, chart: &str) -> Self {
        let releases = &proposed.outcome.releases;
        let own = releases.new.revision;
        let mut history = revisions(history);
        // Our own revision is pending until its failure is recorded; that is no other operation.
        history.retain(|one| one.revision < own);
        Self {
            previous: (!proposed.is_first).then_some(&releases.old),
            history,
            changes: told(&proposed.upgrade, chart),
            status: "failed".to_owned(),
            description: String::new(),
            ..Self::new(&releases.new)
        }
    }
}

/// What the command line tells of an upgrade.
#[must_use]
pub fn told(upgrade: &Upgrade, chart: &str) -> Changes {
    let flags = &upgrade.flags;
    Changes {
        values_files: flags.values.paths().map(str::to_owned).collect(),
        reuse_values: flags.reuse == Reuse::Reuse,
        chart_argument: chart.to_owned(),
        ..Changes::default()
    }
}

/// The revisions as far as their metadata tells.
#[must_use]
pub fn revisions(history: &History) -> Vec<Revision> {
    let entries = history.entries().iter();
    let revisions = entries.map(|entry| Revision {
        revision: entry.revision,
        status: entry.status_hint.clone(),
        proven: entry.marks.is_proven(),
        bytes: None,
    });
    revisions.collect()
}

/// What an upgrade changes, as Markdown; empty where it can't be drawn.
#[must_use]
pub fn diff(outcome: &Outcome) -> String {
    let view = View::new(&outcome.diff, &outcome.releases, Detail { fold: true, changes: false, ..Detail::default() });
    let view = view.about(outcome.subject.clone());
    let mut out = Vec::new();
    match markdown::write(&view, LONGEST_DIFF, &mut out) {
        Ok(()) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => String::new(),
    }
}
