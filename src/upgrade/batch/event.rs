//! What happens in a batch beside what happens in the upgrade of each release.

use jiff::Timestamp;
use serde::Serialize;

use super::kept::{Entry, Kept};
use super::{Id, Outcome};

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum BatchEvent<'a> {
    /// A release was looked at, before anything is done.
    BatchLooked {
        /// What would be done.
        release: &'a Looked,
    },
    /// A release is begun.
    BatchBegun {
        /// Which.
        release: &'a Id,
    },
    /// A release has ended, or is left out.
    BatchEnded {
        /// How.
        release: &'a Entry,
        /// How far the batch is now.
        progress: Progress,
    },
    /// A release that was upgraded is brought back.
    BatchUndoing {
        /// Which.
        release: &'a Id,
    },
    /// A wave soaks.
    BatchSoaking {
        /// Which.
        wave: u32,
        /// Until when.
        until: Timestamp,
    },
    /// The batch has ended, or was interrupted.
    BatchDone {
        /// All of it.
        batch: &'a Kept,
    },
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// How many releases have ended.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// About how many seconds the others take, by what it took so far; soaks between waves come on top.
    pub seconds_left: Option<f64>,
}

impl Progress {
    /// How far a batch is that works on so many releases at the same time.
    #[must_use]
    pub fn of(kept: &Kept, concurrency: usize) -> Self {
        let of = kept.releases.len();
        let open = kept.open();
        let took = |entry: &Entry| Some(entry.ended?.duration_since(entry.started?).as_secs_f64());
        let worked: Vec<f64> = kept.releases.iter().filter(|entry| entry.outcome.is_some()).filter_map(took).collect();
        let rounds = open.div_ceil(concurrency.max(1)) as f64;
        let known = !worked.is_empty() && open > 0;
        let seconds_left = known.then(|| (worked.iter().sum::<f64>() / worked.len() as f64 * rounds).round());
        Self { done: of - open, of, seconds_left }
    }
}

/// What would be done to a release, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    /// Which release.
    pub id: Id,
    /// Its wave.
    pub wave: u32,
    /// Those that it needs.
    pub needs: Vec<Id>,
    /// Name and version of its chart now; nothing where it is installed.
    pub from_chart: Option<String>,
    /// Name and version of the chart that it is upgraded to; nothing where that is not known.
    pub to_chart: Option<String>,
    /// What would become of its objects.
    pub changes: Changes,
    /// The checks that say no.
    pub blockers: Vec<String>,
    /// The checks that have found something to be thought of, or could not tell.
    pub warnings: Vec<String>,
    /// How it stands already: it has ended in an earlier run, or will not be begun.
    pub outcome: Option<Outcome>,
    /// Why it will not be begun, or could not be now, one sentence.
    pub reason: Option<String>,
    /// Whether it could not be begun now, and is looked at again at its turn: what comes before may change that, or time.
    pub again: bool,
}

/// How many objects change, in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// There are more of them after.
    pub added: usize,
    /// They differ.
    pub changed: usize,
    /// They are gone after.
    pub removed: usize,
    /// Whether anything at all would change, such as values.
    pub any: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::kept::Told;

    #[test]
    fn the_time_left_follows_from_what_the_others_took() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let id = |number: usize| Id { context: None, namespace: "shop".to_owned(), release: format!("web-{number}") };
        let mut kept = Kept::of((0..9).map(|number| Entry::new(id(number), 0)).collect());
        assert_eq!(Progress::of(&kept, 4), Progress { done: 0, of: 9, seconds_left: None });
        // What was left out took no time, and says nothing.
        kept.releases[1].end(Told::new(Outcome::Skipped, None), second(0));
        assert_eq!(Progress::of(&kept, 4), Progress { done: 1, of: 9, seconds_left: None });
        kept.releases[0].begin(second(0));
        kept.releases[0].end(Told::new(Outcome::Upgraded, None), second(30));
        assert_eq!(Progress::of(&kept, 4), Progress { done: 2, of: 9, seconds_left: Some(60.0) });
        kept.releases.iter_mut().for_each(|entry| entry.end(Told::new(Outcome::Upgraded, None), second(30)));
        assert_eq!(Progress::of(&kept, 4), Progress { done: 9, of: 9, seconds_left: None });
    }
}
