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
    /// The clusters that its releases are in.
    pub clusters: Vec<ClusterIdentity>,
    /// Who runs it.
    pub by: String,
    /// Whether a failure brings back all that was upgraded.
    pub rollback_set: bool,
    /// Where releases could not be looked for, and why, a line each.
    pub left_out: Vec<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; nothing while it runs, and after a crash.
    pub ended: Option<Timestamp>,
    /// The last wave that was looked at again after its soak.
    pub looked_again: Option<u32>,
    /// The releases, in their order.
    pub releases: Vec<Entry>,
}

/// Tells a cluster from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterIdentity {
    /// The context that leads to it, where one is named.
    pub context: Option<String>,
    /// The URL of its API server.
    pub server: String,
    /// The uid of its namespace `kube-system`, where that may be read: it stays when the URL changes.
    pub uid: Option<String>,
}

impl ClusterIdentity {
    /// Whether both are the same cluster, as far as can be told.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.uid, &other.uid) {
            (Some(one), Some(other)) => one == other,
            _ => self.server == other.server,
        }
    }
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
    /// The last revision before, good or not: what the batch makes comes after it.
    #[serde(default)]
    pub last: Option<u32>,
    /// The revision that was made; the same where it was only looked at.
    pub revision: Option<u32>,
    /// The revision that is deployed in the end, where that is known.
    pub deployed: Option<u32>,
    /// Whether the batch itself has installed it: there was nothing before, and revision 1 is the batch's own.
    #[serde(default)]
    pub installed: bool,
    /// The checks that had found something to be thought of, or could not tell.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// When it was begun; also where it waits to be taken up after a crash.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The folder with the evidence of a failure, on the machine that ran it.
    pub evidence: Option<String>,
    /// Whether it was begun by an earlier run: what was there before is known better than it can be seen now.
    #[serde(skip)]
    pub taken_up: bool,
    /// The revision that an earlier run left as it was, where that is known.
    #[serde(skip)]
    pub left: Option<u32>,
}

/// Revisions of a release, as far as they can be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revisions {
    /// The one that is deployed.
    pub deployed: Option<u32>,
    /// The last one.
    pub last: Option<u32>,
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
    /// The revision that is deployed in the end, where that is known.
    pub deployed: Option<u32>,
    /// Whether it was installed by this run, as revision 1.
    pub installed: bool,
    /// The checks that warned just before, where they were asked.
    pub warnings: Option<Vec<String>>,
    /// The folder with the evidence.
    pub evidence: Option<String>,
}

impl Told {
    /// Nothing is known but how it ended, and why.
    #[must_use]
    pub fn new(outcome: Outcome, reason: Option<String>) -> Self {
        Self {
            outcome,
            reason,
            from: None,
            revision: None,
            deployed: None,
            installed: false,
            warnings: None,
            evidence: None,
        }
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
            last: None,
            revision: None,
            deployed: None,
            installed: false,
            warnings: Vec::new(),
            started: None,
            ended: None,
            evidence: None,
            taken_up: false,
            left: None,
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

    /// It is about to be begun, and stands like this. What an earlier run has made already is not made again.
    pub fn start_from(&mut self, seen: Revisions) {
        let is_made = self.taken_up && seen.deployed.is_some() && seen.deployed == self.own();
        self.last = if is_made { seen.deployed.map(|own| own - 1) } else { seen.last.or(self.last) };
        if !self.taken_up {
            self.from = seen.deployed;
        }
    }

    /// The revision that the batch makes, or has made.
    fn own(&self) -> Option<u32> {
        self.left.or_else(|| Some(self.last.or(self.from)? + 1))
    }

    /// It is begun.
    pub fn begin(&mut self, now: Timestamp) {
        (self.running, self.started) = (true, Some(now));
    }

    /// It has ended.
    pub fn end(&mut self, told: Told, now: Timestamp) {
        let Told { outcome, reason, from, revision, deployed, installed, warnings, evidence } = told;
        (self.running, self.outcome, self.ended) = (false, Some(outcome), Some(now));
        self.reason = reason.map(|reason| shortened(&reason));
        // A run that went on after a crash may find the new revision deployed already.
        if !self.taken_up {
            self.from = from.or(self.from);
        }
        self.revision = revision.or(self.revision);
        self.deployed = deployed;
        self.installed |= installed;
        self.warnings = warnings.unwrap_or(std::mem::take(&mut self.warnings));
        self.evidence = evidence.or(self.evidence.take());
    }

    /// It waits again: whoever was at work on it is gone.
    fn wait(&mut self) {
        let is_left = self.is_left();
        // Where it was brought back, or never changed, what is deployed then is what it is upgraded from.
        self.taken_up = self.running || is_left || self.revision.is_some() && self.deployed == self.revision;
        if !self.taken_up {
            (self.from, self.last) = (None, None);
        }
        self.left = self.revision;
        // What was at work stays begun.
        self.started = self.started.filter(|_| self.running || is_left);
        (self.running, self.outcome, self.reason) = (false, None, None);
        (self.revision, self.deployed, self.installed, self.ended) = (None, None, false, None);
    }

    /// Of one that an earlier run has begun: whether somebody has seen to it since, since another revision is deployed than the one
    /// before and the one that was made. It is theirs then, and waits as one that was never begun.
    pub fn give_up(&mut self, seen: Revisions) -> bool {
        let (true, Some(from), Some(deployed)) = (self.taken_up, self.from, seen.deployed) else { return false };
        let is_theirs = deployed != from && self.own() != Some(deployed);
        if is_theirs {
            (self.taken_up, self.started) = (false, None);
            (self.from, self.last, self.left) = (None, None, None);
        }
        is_theirs
    }

    /// Whether it was interrupted with the revision that was made left as it is: pending, or deployed and not proven.
    fn is_left(&self) -> bool {
        let is_back = self.deployed.is_some() && self.deployed > self.revision;
        let was_made = self.revision.is_some() && self.revision != self.from;
        self.outcome == Some(Outcome::Interrupted) && was_made && !is_back
    }

    /// Whether its upgrade was begun and is not good. What was only looked at, since there was nothing to change, is none of it.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        let was_changed = self.revision.is_none() || self.revision != self.from;
        was_changed && self.outcome.is_some_and(Outcome::is_failure)
    }

    /// Whether what runs is a revision that the batch made.
    #[must_use]
    pub fn runs_new(&self) -> bool {
        let may = matches!(self.outcome, Some(Outcome::Upgraded | Outcome::Unproven | Outcome::Failed));
        may && self.revision.is_some() && self.deployed == self.revision && self.revision != self.from
    }

    /// How it stands once it was brought back, or could not be. What was not good itself stays a failure.
    #[must_use]
    pub fn brought_back(&self, told: Told) -> Told {
        if self.outcome == Some(Outcome::Upgraded) {
            return told;
        }
        let own = self.reason.clone().unwrap_or_default();
        match told.outcome {
            Outcome::Undone => {
                let reason = told.reason.as_ref().map(|how| format!("{own}; {how}")).unwrap_or(own);
                Told { outcome: Outcome::RolledBack, reason: Some(reason), ..told }
            }
            _ => {
                let why = told.reason.clone().unwrap_or_default();
                Told { outcome: Outcome::Failed, reason: Some(format!("{own}; not brought back: {why}")), ..told }
            }
        }
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

    /// A batch of these releases that has begun, for tests.
    #[cfg(test)]
    pub(crate) fn of(releases: Vec<Entry>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            batch: String::new(),
            title: String::new(),
            shard: None,
            clusters: Vec::new(),
            by: String::new(),
            rollback_set: false,
            left_out: Vec::new(),
            started: Timestamp::UNIX_EPOCH,
            ended: None,
            looked_again: None,
            releases,
        }
    }

    /// Makes ready to go on: what was being upgraded, what was interrupted, and what was not begun, is looked at once more. With
    /// `stopped`, after too many failures, what was not begun stays so. Returns the positions of those that were being
    /// upgraded, or let go of: whoever was at work may have left a lease.
    pub fn take_up(&mut self, stopped: bool) -> Vec<usize> {
        self.ended = None;
        let mut running = Vec::new();
        for (at, entry) in self.releases.iter_mut().enumerate() {
            if entry.running || entry.is_left() {
                running.push(at);
            }
            // A run may have ended before it came to what the one before it had begun.
            entry.taken_up |= entry.outcome.is_none() && entry.started.is_some();
            let again = match entry.outcome {
                Some(Outcome::Interrupted) => true,
                Some(Outcome::Refused | Outcome::Skipped) => !stopped,
                _ => false,
            };
            if entry.running || again {
                entry.wait();
                // Its wave soaks once more, with it.
                self.looked_again = self.looked_again.filter(|wave| *wave < entry.wave);
            }
        }
        running
    }

    /// Whether every release has ended, and not by an interrupt, and none is to be brought back.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let ended = |entry: &Entry| entry.outcome.is_some_and(|outcome| outcome != Outcome::Interrupted);
        self.releases.iter().all(ended) && self.to_undo().next().is_none()
    }

    /// How many upgrades were begun and are not good.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.releases.iter().filter(|entry| entry.is_failure()).count()
    }

    /// The positions of those that are to be brought back.
    pub fn to_undo(&self) -> impl Iterator<Item = usize> {
        let failed = self.rollback_set && self.failures() > 0;
        let all = self.releases.iter().enumerate().filter(move |(_, entry)| failed && entry.runs_new());
        all.map(|(at, _)| at)
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

    /// How many have not ended that an earlier run has begun.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.releases.iter().filter(|entry| entry.outcome.is_none() && entry.started.is_some()).count()
    }

    /// Of named states those of the batch that was begun last, in the number of parts that it is dealt out in now; and the names of the
    /// others.
    #[must_use]
    pub fn newest(found: Vec<(String, Self)>) -> (Vec<Self>, Vec<String>) {
        let of = |kept: &Self| {
            let count = kept.shard.as_deref().and_then(|shard| Some(shard.split_once('/')?.1.to_owned()));
            (kept.batch.clone(), count)
        };
        let newest = found.iter().max_by_key(|(_, kept)| kept.started).map(|(_, kept)| of(kept));
        let (mut parts, mut others) = (Vec::new(), Vec::new());
        for (name, kept) in found {
            match newest.as_ref() == Some(&of(&kept)) {
                true => parts.push(kept),
                false => others.push(name),
            }
        }
        (parts, others)
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
            all.left_out.extend(part.left_out);
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
            batch: "abc".to_owned(),
            title: "plan.yaml".to_owned(),
            shard: shard.map(str::to_owned),
            by: "ann@ci-7".to_owned(),
            ended: Some(Timestamp::UNIX_EPOCH),
            ..Kept::of(outcomes.iter().enumerate().map(entry).collect())
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
    fn what_was_let_go_of_stays_begun() {
        let interrupted = |revision, deployed| {
            let mut kept = kept(None, &[None, Some(Outcome::RolledBack)]);
            kept.releases[0].from = Some(1);
            kept.releases[0].begin(Timestamp::UNIX_EPOCH);
            let told = Told { revision, deployed, ..Told::new(Outcome::Interrupted, None) };
            kept.releases[0].end(told, Timestamp::UNIX_EPOCH);
            assert!(!kept.is_over());
            let left = kept.take_up(true).contains(&0);
            assert_eq!(left, kept.releases[0].started.is_some());
            (kept.releases[0].started.is_some(), kept.releases[0].from)
        };
        assert_eq!(interrupted(Some(2), Some(1)), (true, Some(1)), "it is pending");
        assert_eq!(interrupted(Some(2), Some(2)), (true, Some(1)), "it runs");
        assert_eq!(interrupted(Some(2), None), (true, Some(1)), "nobody knows");
        assert_eq!(interrupted(Some(2), Some(3)), (false, None), "it is back");
        assert_eq!(interrupted(None, Some(1)), (false, None), "it was not changed");
    }

    #[test]
    fn what_was_there_before_stays_known_over_crashes() {
        let upgraded = |from, revision| {
            let (from, deployed) = (Some(from), Some(revision));
            Told { from, revision: Some(revision), deployed, ..Told::new(Outcome::Upgraded, None) }
        };
        // Killed while it was at work, and found with another revision of its own.
        for from in [Some(1), None] {
            let mut kept = kept(None, &[None]);
            kept.releases[0].from = from;
            kept.releases[0].begin(Timestamp::UNIX_EPOCH);
            kept.take_up(false);
            kept.releases[0].begin(Timestamp::UNIX_EPOCH);
            kept.releases[0].end(upgraded(2, 3), Timestamp::UNIX_EPOCH);
            assert_eq!((kept.releases[0].from, kept.releases[0].runs_new()), (from, true));
        }
        // Refused at its turn, and upgraded by hand before the next run.
        let mut kept = kept(None, &[Some(Outcome::Refused)]);
        kept.releases[0].from = Some(5);
        kept.looked_again = Some(0);
        kept.take_up(false);
        assert_eq!((kept.releases[0].from, kept.looked_again), (None, None), "its wave soaks once more");
        kept.releases[0].end(upgraded(6, 6), Timestamp::UNIX_EPOCH);
        assert!(!kept.releases[0].runs_new());
    }

    fn begun(last: Option<u32>, left: Option<u32>) -> Entry {
        let mut entry = kept(None, &[None]).releases.remove(0);
        (entry.taken_up, entry.started) = (true, Some(Timestamp::UNIX_EPOCH));
        (entry.from, entry.last, entry.left) = (Some(4), last, left);
        entry
    }

    fn seen(deployed: Option<u32>, last: u32) -> Revisions {
        Revisions { deployed, last: Some(last) }
    }

    #[test]
    fn what_somebody_has_seen_to_since_it_was_begun_is_theirs() {
        for (last, left, deployed) in [
            (None, None, Some(4)),
            (None, None, Some(5)),
            (None, None, None),
            (None, Some(7), Some(7)),
            (None, Some(7), Some(4)),
            (Some(5), None, Some(6)),
        ] {
            let mut entry = begun(last, left);
            let is_given_up = entry.give_up(seen(deployed, 9));
            assert!(!is_given_up && entry.from == Some(4) && entry.started.is_some(), "{last:?} {left:?} {deployed:?}");
        }
        for (last, left, deployed) in [
            (None, None, Some(6)),
            (None, Some(7), Some(5)),
            (None, Some(5), Some(7)),
            (Some(5), None, Some(5)),
            (Some(5), None, Some(7)),
        ] {
            let mut entry = begun(last, left);
            let is_given_up = entry.give_up(seen(deployed, 9));
            assert!(is_given_up && !entry.taken_up, "{last:?} {left:?} {deployed:?}");
            assert_eq!((entry.from, entry.last, entry.started), (None, None, None));
            assert!(!entry.give_up(seen(deployed, 9)), "it is given up once");
        }
    }

    #[test]
    fn what_a_batch_makes_after_a_failed_revision_stays_its_own_over_crashes() {
        let killed = |entry: Entry| {
            let mut kept = Kept::read(&Kept::of(vec![entry]).write()).unwrap();
            kept.take_up(false);
            kept.releases.remove(0)
        };
        // 4 is deployed and 5 failed: it makes 6, and is killed while that soaks.
        let mut entry = kept(None, &[None]).releases.remove(0);
        entry.start_from(seen(Some(4), 5));
        entry.begin(Timestamp::UNIX_EPOCH);
        let mut entry = killed(entry);
        assert!(!entry.give_up(seen(Some(6), 6)), "it is the batch's own");
        // It is killed once more while it only looks at it.
        entry.start_from(seen(Some(6), 6));
        entry.begin(Timestamp::UNIX_EPOCH);
        let mut entry = killed(entry);
        assert!(!entry.give_up(seen(Some(6), 6)), "it still is");
        entry.end(told(Outcome::Failed, (6, 6, 6)), Timestamp::UNIX_EPOCH);
        assert!(entry.is_failure() && entry.runs_new());
        // Had it been pending, another one is made.
        let mut entry = begun(Some(5), None);
        entry.start_from(seen(Some(4), 6));
        assert_eq!((entry.from, entry.own()), (Some(4), Some(7)));
    }

    #[test]
    fn taken_up_again_only_what_had_not_ended_waits() {
        let mut kept =
            kept(None, &[Some(Outcome::Upgraded), Some(Outcome::Interrupted), Some(Outcome::Failed), None, None]);
        kept.releases[3].begin(Timestamp::UNIX_EPOCH);
        assert!(!kept.is_over());
        assert_eq!(kept.take_up(false), [3]);
        let standings: Vec<Standing> = kept.releases.iter().map(Entry::standing).collect();
        let (waiting, ended) = (Standing::Waiting, Standing::Ended);
        assert_eq!(standings, [ended(Outcome::Upgraded), waiting, ended(Outcome::Failed), waiting, waiting]);
        assert_eq!(kept.releases[0].reason.as_deref(), Some("why so"), "a reason is one line");
    }

    #[test]
    fn what_was_not_begun_is_looked_at_again_unless_too_many_failed() {
        let outcomes = [Some(Outcome::Refused), Some(Outcome::Skipped), Some(Outcome::RolledBack)];
        let mut taken = kept(None, &outcomes);
        taken.take_up(false);
        assert_eq!(taken.open(), 2);
        let mut stopped = kept(None, &outcomes);
        stopped.take_up(true);
        assert_eq!(stopped.open(), 0);
    }

    fn told(outcome: Outcome, (from, revision, deployed): (u32, u32, u32)) -> Told {
        Told { from: Some(from), revision: Some(revision), deployed: Some(deployed), ..Told::new(outcome, None) }
    }

    #[test]
    fn what_was_there_before_a_crash_is_what_is_gone_back_to() {
        let mut kept = kept(None, &[None, None]);
        let now = Timestamp::UNIX_EPOCH;
        kept.releases[0].from = Some(5);
        kept.releases[0].begin(now);
        kept.take_up(false);
        // Revision 6 was made before the crash, so it was only looked at.
        kept.releases[0].end(told(Outcome::Upgraded, (6, 6, 6)), now);
        assert_eq!((kept.releases[0].from, kept.releases[0].runs_new()), (Some(5), true));
        kept.releases[1].end(told(Outcome::Upgraded, (6, 6, 6)), now);
        assert!(!kept.releases[1].runs_new(), "it was never changed");
        // One that was interrupted and is back begins from where it is then.
        kept.releases[0].end(told(Outcome::Interrupted, (5, 6, 7)), now);
        kept.take_up(false);
        assert_eq!((kept.releases[0].from, kept.releases[0].revision), (None, None));
    }

    #[test]
    fn what_only_was_looked_at_is_no_failure_and_what_failed_stays_one() {
        let mut kept = kept(None, &[None, None, None]);
        let now = Timestamp::UNIX_EPOCH;
        kept.rollback_set = true;
        kept.releases[0].end(told(Outcome::Upgraded, (1, 2, 2)), now);
        kept.releases[1].end(told(Outcome::Unproven, (4, 4, 4)), now);
        kept.releases[2].end(told(Outcome::Upgraded, (1, 2, 2)), now);
        assert_eq!((kept.failures(), kept.is_over()), (0, true));
        kept.releases[2].end(Told { reason: Some("not ready".to_owned()), ..told(Outcome::Failed, (1, 2, 2)) }, now);
        assert_eq!(kept.to_undo().collect::<Vec<_>>(), [0, 2]);
        assert!(!kept.is_over(), "the set is still to be brought back");
        let undone = Told { deployed: Some(3), ..Told::new(Outcome::Undone, None) };
        for at in [2, 0] {
            let told = kept.releases[at].brought_back(undone.clone());
            kept.releases[at].end(told, now);
        }
        let outcomes = [0, 2].map(|at| kept.releases[at].outcome);
        assert_eq!(outcomes, [Some(Outcome::Undone), Some(Outcome::RolledBack)]);
        assert_eq!((kept.failures(), kept.is_over(), kept.releases[2].reason.as_deref()), (1, true, Some("not ready")));
    }

    #[test]
    fn a_cluster_is_told_by_its_uid_and_else_by_its_server() {
        let of = |server: &str, uid: Option<&str>| ClusterIdentity {
            context: None,
            server: server.to_owned(),
            uid: uid.map(str::to_owned),
        };
        assert!(of("https://a", Some("1")).is_same(&of("https://b", Some("1"))));
        assert!(!of("https://a", Some("1")).is_same(&of("https://a", Some("2"))));
        assert!(of("https://a", None).is_same(&of("https://a", Some("1"))));
        assert!(!of("https://a", None).is_same(&of("https://b", None)));
    }

    #[test]
    fn the_parts_of_an_earlier_deal_do_not_count() {
        let part = |shard: &str, second| {
            let started = Timestamp::from_second(second).unwrap();
            (shard.to_owned(), Kept { started, ..kept(Some(shard), &[Some(Outcome::Upgraded)]) })
        };
        let (parts, others) = Kept::newest(vec![part("0/2", 1), part("1/2", 2), part("0/4", 4), part("3/4", 3)]);
        assert_eq!((parts.len(), others), (2, vec!["0/2".to_owned(), "1/2".to_owned()]));
        assert_eq!(Kept::newest(Vec::new()), (Vec::new(), Vec::new()));
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
