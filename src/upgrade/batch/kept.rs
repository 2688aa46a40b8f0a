//! What is kept of a batch while it runs: how each release stands. A batch that was killed goes on from there, the report is drawn
//! from it, and the results of several shards are put together by it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Id, Outcome, Standing};
use crate::upgrade::kept;

/// The version of what is kept. What another one says is not understood.
pub const SCHEMA_VERSION: u32 = 1;

/// Longer texts are cut, in characters: a ConfigMap holds a megabyte.
const LONGEST_TEXT: usize = 300;

/// A batch, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The digest of the plan or of the selection: what is kept of another one is not taken up.
    pub batch: String,
    /// What the batch does, for a reader: `plan.yaml`, `nginx to 18.0.0`.
    pub title: String,
    /// The part of the batch, as in `0/4`, where it is dealt out.
    pub shard: Option<String>,
    /// Who runs it.
    pub by: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; nothing while it runs, and after a crash.
    pub ended: Option<Timestamp>,
    /// The last wave that was looked at again after its soak.
    pub looked_again: Option<u32>,
    /// The releases, in their order.
    pub releases: Vec<Entry>,
}

/// A release of a batch, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Entry {
    /// Which.
    pub id: Id,
    /// Its wave.
    pub wave: u32,
    /// Name and version of its chart before, where it was looked at and there was one.
    pub from_chart: Option<String>,
    /// Name and version of the chart that it is upgraded to.
    pub to_chart: Option<String>,
    /// Whether it is being upgraded.
    pub running: bool,
    /// How that ended.
    pub outcome: Option<Outcome>,
    /// Why, one sentence.
    pub reason: Option<String>,
    /// The revision that was deployed before.
    pub from: Option<u32>,
    /// The revision that was made.
    pub revision: Option<u32>,
    /// When it was begun.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The folder with the evidence of a failure, on the machine that ran it.
    pub evidence: Option<String>,
}

/// How one release ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How.
    pub outcome: Outcome,
    /// Why, one sentence.
    pub reason: Option<String>,
    /// The revision that was deployed before.
    pub from: Option<u32>,
    /// The revision that was made.
    pub revision: Option<u32>,
    /// The folder with the evidence.
    pub evidence: Option<String>,
}

impl Told {
    /// Nothing is known but how it ended, and why.
    #[must_use]
    pub fn new(outcome: Outcome, reason: Option<String>) -> Self {
        Self { outcome, reason, from: None, revision: None, evidence: None }
    }
}

impl Entry {
    /// A release that has not been begun.
    #[must_use]
    pub fn new(id: Id, wave: u32) -> Self {
        Self {
            id,
            wave,
            from_chart: None,
            to_chart: None,
            running: false,
            outcome: None,
            reason: None,
            from: None,
            revision: None,
            started: None,
            ended: None,
            evidence: None,
        }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.outcome, self.running) {
            (Some(outcome), _) => Standing::Ended(outcome),
            (None, true) => Standing::Running,
            (None, false) => Standing::Waiting,
        }
    }

    /// It is begun.
    pub fn begin(&mut self, now: Timestamp) {
        (self.running, self.started) = (true, Some(now));
    }

    /// It has ended.
    pub fn end(&mut self, told: Told, now: Timestamp) {
        let Told { outcome, reason, from, revision, evidence } = told;
        (self.running, self.outcome, self.ended) = (false, Some(outcome), Some(now));
        self.reason = reason.map(|reason| shortened(&reason));
        self.from = from.or(self.from);
        self.revision = revision.or(self.revision);
        self.evidence = evidence.or(self.evidence.take());
    }

    /// It waits again: whoever was at work on it is gone.
    fn wait(&mut self) {
        (self.running, self.outcome, self.reason) = (false, None, None);
        (self.started, self.ended) = (None, None);
    }
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

impl Kept {
    /// Reads what was kept.
    ///
    /// # Errors
    /// Why it can't be understood.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        kept::read(bytes, SCHEMA_VERSION)
    }

    /// The same as JSON.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        // Nothing in it can't be written: no map has keys but texts.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Makes ready to go on: what was being upgraded, and what was interrupted, is looked at once more. What has ended stays so.
    pub fn take_up(&mut self) {
        self.ended = None;
        for entry in &mut self.releases {
            if entry.running || entry.outcome == Some(Outcome::Interrupted) {
                entry.wait();
            }
        }
    }

    /// Whether every release has ended, and not by an interrupt.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.releases.iter().all(|entry| entry.outcome.is_some_and(|outcome| outcome != Outcome::Interrupted))
    }

    /// How many releases ended in this way.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.releases.iter().filter(|entry| entry.outcome == Some(outcome)).count()
    }

    /// How many have not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        self.releases.iter().filter(|entry| entry.outcome.is_none()).count()
    }

    /// Puts the results of several parts of one batch together.
    ///
    /// # Errors
    /// If they are of different batches, or one is there twice.
    pub fn gathered(parts: Vec<Self>) -> Result<Self, String> {
        let mut parts = parts.into_iter();
        let mut all = parts.next().ok_or("there are no results")?;
        let mut shards = vec![all.shard.clone()];
        for part in parts {
            if part.batch != all.batch {
                return Err(format!("they are of different batches: {} and {}", all.title, part.title));
            }
            if shards.contains(&part.shard) {
                let shard = part.shard.map_or_else(|| "the whole batch".to_owned(), |shard| format!("shard {shard}"));
                return Err(format!("{shard} is there twice"));
            }
            shards.push(part.shard);
            all.started = all.started.min(part.started);
            all.ended = all.ended.zip(part.ended).map(|(one, other)| one.max(other));
            all.releases.extend(part.releases);
        }
        all.shard = missing(&shards);
        Ok(all)
    }
}

/// The shards of which there are no results: `2/4, 3/4`.
fn missing(shards: &[Option<String>]) -> Option<String> {
    let count = shards.iter().flatten().find_map(|shard| shard.split_once('/')?.1.parse::<u32>().ok())?;
    // More is not dealt out, and a file may say anything.
    let missing = (0..count.min(10_000)).map(|index| format!("{index}/{count}"));
    let missing: Vec<String> = missing.filter(|shard| !shards.iter().flatten().any(|there| there == shard)).collect();
    (!missing.is_empty()).then(|| format!("without {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(shard: Option<&str>, outcomes: &[Option<Outcome>]) -> Kept {
        let entry = |(at, outcome): (usize, &Option<Outcome>)| {
            let id = Id { context: None, namespace: "shop".to_owned(), release: format!("web-{at}") };
            let mut entry = Entry::new(id, 0);
            if let Some(outcome) = outcome {
                entry.begin(Timestamp::UNIX_EPOCH);
                entry.end(Told::new(*outcome, Some("why\nso".to_owned())), Timestamp::UNIX_EPOCH);
            }
            entry
        };
        Kept {
            schema_version: SCHEMA_VERSION,
            batch: "abc".to_owned(),
            title: "plan.yaml".to_owned(),
            shard: shard.map(str::to_owned),
            by: "ann@ci-7".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            ended: Some(Timestamp::UNIX_EPOCH),
            looked_again: None,
            releases: outcomes.iter().enumerate().map(entry).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let kept = kept(Some("0/2"), &[Some(Outcome::Upgraded), None]);
        let bytes = kept.write();
        assert_eq!(Kept::read(&bytes), Ok(kept));
        for length in 0..bytes.len() {
            assert!(Kept::read(&bytes[..length]).is_err(), "{length}");
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(Kept::read(text.replace("\"batch\"", "\"other\"").as_bytes()).is_err());
        let newer = text.replace("\"schemaVersion\": 1", "\"schemaVersion\": 2");
        assert_eq!(Kept::read(newer.as_bytes()).unwrap_err(), "it is of version 2, and not 1");
    }

    #[test]
    fn taken_up_again_only_what_had_not_ended_waits() {
        let mut kept =
            kept(None, &[Some(Outcome::Upgraded), Some(Outcome::Interrupted), Some(Outcome::Failed), None, None]);
        kept.releases[3].begin(Timestamp::UNIX_EPOCH);
        assert!(!kept.is_over());
        kept.take_up();
        let standings: Vec<Standing> = kept.releases.iter().map(Entry::standing).collect();
        let (waiting, ended) = (Standing::Waiting, Standing::Ended);
        assert_eq!(standings, [ended(Outcome::Upgraded), waiting, ended(Outcome::Failed), waiting, waiting]);
        assert_eq!(kept.releases[0].reason.as_deref(), Some("why so"), "a reason is one line");
    }

    #[test]
    fn shards_are_gathered_and_missing_ones_named() {
        let part = |shard| kept(Some(shard), &[Some(Outcome::Upgraded)]);
        let all = Kept::gathered(vec![part("0/2"), part("1/2")]).unwrap();
        assert_eq!((all.releases.len(), all.shard), (2, None));
        assert_eq!(Kept::gathered(vec![part("1/2")]).unwrap().shard.as_deref(), Some("without 0/2"));
        let all = Kept::gathered(vec![part("0/4"), part("2/4")]).unwrap();
        assert_eq!(all.shard.as_deref(), Some("without 1/4, 3/4"));
        assert_eq!(Kept::gathered(vec![part("0/2"), part("0/2")]).unwrap_err(), "shard 0/2 is there twice");
        let other = Kept { batch: "other".to_owned(), ..part("1/2") };
        assert!(Kept::gathered(vec![part("0/2"), other]).unwrap_err().contains("different batches"));
    }
}
