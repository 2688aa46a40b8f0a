//! What is kept of a canary while it is under way, in the cluster with the release: any run goes on from there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Step;
use crate::upgrade::kept;
use crate::upgrade::next::Ending;

/// The version of what is kept. What another one says is not understood.
pub const SCHEMA_VERSION: u32 = 1;

/// Longer texts are cut, in characters.
const LONGEST_TEXT: usize = 300;

/// A canary, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kept {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Tells its revisions from others.
    pub id: String,
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The digest of what was asked for: chart, values and steps.
    pub plan: String,
    /// The chart.
    pub chart: Chart,
    /// The flags that it was begun with and goes on with, as words of a command line.
    pub flags: Vec<String>,
    /// The values that were supplied, merged, as JSON; `None` where there were none.
    pub values: Option<String>,
    /// Whether it runs as a second release beside the stable one, and how that was.
    pub stable: Option<Stable>,
    /// The workloads that ran with more pods than their manifest says, where no second release runs beside them, and how many: the way
    /// back gives them these again.
    #[serde(default)]
    pub scaled: Vec<Workload>,
    /// The revision from before, to which a failure leads back.
    pub base: u32,
    /// The newest revision there was before it.
    pub before: u32,
    /// The newest revision that the canary has seen or made.
    pub newest: u32,
    /// The steps.
    pub steps: Vec<Step>,
    /// How many of them have passed.
    pub passed: usize,
    /// The step that is at work.
    pub running: Option<usize>,
    /// What became of each step that was begun.
    pub done: Vec<Done>,
    /// Why it does not go on, where it does not.
    pub halted: Option<Halt>,
    /// What queries gave before the first step.
    pub metrics: Vec<Metric>,
    /// Who began it.
    pub by: String,
    /// When.
    pub started: Timestamp,
    /// When something last happened.
    pub changed: Timestamp,
}

/// A chart, so that it is found again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chart {
    /// As it was named; a path of this machine in full.
    pub named: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of its content.
    pub content: Option<String>,
}

/// The stable release beside which a canary runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stable {
    /// The name of the second release.
    pub canary: String,
    /// Values of the second release alone, as `--set` takes them.
    pub set: Vec<String>,
    /// The workloads that are scaled down, and how many pods they had.
    pub workloads: Vec<Workload>,
    /// The revision that was deployed, whose values the second release has; that from before where it is not known.
    #[serde(default)]
    pub deployed: Option<u32>,
}

/// A workload, and how many pods it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workload {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How many pods it had.
    pub replicas: u32,
}

impl Workload {
    /// How many pods it has while so many run beside it. One stays, so that there is something to compare with.
    #[must_use]
    pub fn left_beside(&self, count: u32) -> u32 {
        self.replicas.saturating_sub(count).max(1).min(self.replicas)
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Done {
    /// Which; 0 is the first.
    pub step: usize,
    /// The revision that it made.
    pub revision: Option<u32>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; nothing while it is at work, and after a crash.
    pub ended: Option<Timestamp>,
    /// Whether it has passed.
    pub passed: bool,
}

/// Why a canary does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Halt {
    /// Why.
    pub why: Why,
    /// One sentence.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why a canary does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It pauses after a step, as wanted.
    Paused,
    /// Somebody is to say that it goes on.
    Confirm,
    /// Whether a step is good could not be told.
    Unclear,
    /// A check says no to the next step.
    Refused,
    /// A step failed, and the release is not back at a good revision.
    Failed,
}

/// What a query gave before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metric {
    /// Where it was asked, and for what.
    pub gate: String,
    /// The labels and the value of each sample.
    pub samples: Vec<(String, f64)>,
}

impl Kept {
    /// Reads what was kept.
    ///
    /// # Errors
    /// Why it can't be understood.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let kept: Self = kept::read(bytes, SCHEMA_VERSION)?;
        let fits = !kept.steps.is_empty() && kept.passed <= kept.steps.len();
        if fits { Ok(kept) } else { Err("it has no step to go on with".to_owned()) }
    }

    /// The same as JSON.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        // Nothing in it can't be written: no map has keys but texts.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether this is the last step.
    #[must_use]
    pub fn is_last(&self, at: usize) -> bool {
        at + 1 >= self.steps.len()
    }

    /// What stands in the label of a step's revision behind the revision.
    #[must_use]
    pub fn label(&self, at: usize) -> String {
        format!("{}-{}", self.id, at + 1)
    }

    /// A step is begun.
    pub fn begin(&mut self, at: usize, now: Timestamp) {
        (self.running, self.halted, self.changed) = (Some(at), None, now);
        self.done.retain(|done| done.step != at);
        self.done.push(Done { step: at, revision: None, started: now, ended: None, passed: false });
    }

    /// The step that was at work has ended. Returns whether the canary is over.
    pub fn end(&mut self, ending: &Ended, now: Timestamp) -> bool {
        let Some(at) = self.running.take() else { return false };
        self.changed = now;
        let passed = matches!(ending.ending, Ending::Passed | Ending::Upgraded | Ending::Nothing);
        if let Some(done) = self.done.iter_mut().find(|done| done.step == at) {
            (done.revision, done.ended, done.passed) = (ending.revision, Some(now), passed);
        }
        self.newest = ending.newest.max(self.newest);
        let halt = |why, reason: &str| Some(Halt { why, reason: shortened(reason), since: now });
        match ending.ending {
            _ if passed => {
                self.passed = at + 1;
                let (step, name) = (&self.steps[at], format!("step {} of {}", at + 1, self.steps.len()));
                self.halted = match (self.is_last(at), step.pause, step.confirm) {
                    (true, ..) => return true,
                    (_, true, _) => halt(Why::Paused, &format!("it pauses after {name}, as wanted")),
                    (_, _, true) => halt(Why::Confirm, &format!("somebody is to confirm {name}")),
                    _ => None,
                };
                false
            }
            Ending::Unproven => {
                self.halted = halt(Why::Unclear, &ending.reason);
                false
            }
            // It stays with what it has made; where that is nothing, it is over.
            Ending::NotBegun if self.passed > 0 || ending.has_made => {
                self.halted = halt(Why::Refused, &ending.reason);
                false
            }
            Ending::NotRolledBack | Ending::NoWayBack | Ending::Kept => {
                self.halted = halt(Why::Failed, &ending.reason);
                false
            }
            _ => true,
        }
    }

    /// The last step is proven, as this revision says.
    pub fn prove(&mut self, revision: u32, now: Timestamp) {
        let at = self.steps.len().saturating_sub(1);
        let started = self.done.iter().find(|done| done.step == at).map_or(now, |done| done.started);
        self.done.retain(|done| done.step != at);
        self.done.push(Done { step: at, revision: Some(revision), started, ended: Some(now), passed: true });
        (self.passed, self.running, self.halted, self.changed) = (self.steps.len(), None, None, now);
        self.newest = revision.max(self.newest);
    }

    /// The release is not back at a good revision.
    pub fn fail(&mut self, reason: &str, now: Timestamp) {
        self.running = None;
        self.halted = Some(Halt { why: Why::Failed, reason: shortened(reason), since: now });
    }

    /// A check says no to the next step.
    pub fn refuse(&mut self, reason: &str, now: Timestamp) {
        self.running = None;
        self.halted = Some(Halt { why: Why::Refused, reason: shortened(reason), since: now });
    }
}

/// How the upgrade of a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub ending: Ending,
    /// The revision that it made, or looked at.
    pub revision: Option<u32>,
    /// The newest revision of the release that the canary has made.
    pub newest: u32,
    /// Whether the canary has made anything, in this step or before.
    pub has_made: bool,
    /// One sentence about it.
    pub reason: String,
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::upgrade::canary) fn kept(steps: usize, passed: usize) -> Kept {
        let counts = [1, 3, 10, 20, 40].into_iter().take(steps);
        Kept {
            schema_version: SCHEMA_VERSION,
            id: "abc".to_owned(),
            release: "web".to_owned(),
            namespace: "shop".to_owned(),
            plan: "digest".to_owned(),
            chart: Chart::default(),
            flags: Vec::new(),
            values: None,
            stable: None,
            scaled: Vec::new(),
            base: 2,
            before: 2,
            newest: 2 + passed as u32,
            steps: counts.map(|count| Step::to_replicas("replicaCount", count)).collect(),
            passed,
            running: None,
            done: Vec::new(),
            halted: None,
            metrics: Vec::new(),
            by: "ann@ci-7".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            changed: Timestamp::UNIX_EPOCH,
        }
    }

    fn ended(ending: Ending) -> Ended {
        Ended { ending, revision: Some(4), newest: 4, has_made: false, reason: "so\nit is".to_owned() }
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let kept = kept(3, 1);
        let bytes = kept.write();
        assert_eq!(Kept::read(&bytes), Ok(kept));
        for length in 0..bytes.len() {
            assert!(Kept::read(&bytes[..length]).is_err(), "{length}");
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(Kept::read(text.replace("\"passed\":1", "\"passed\":9").as_bytes()).is_err());
        let newer = text.replace("\"schemaVersion\":1", "\"schemaVersion\":2");
        assert_eq!(Kept::read(newer.as_bytes()).unwrap_err(), "it is of version 2, and not 1");
    }

    #[test]
    fn each_ending_of_a_step_has_its_consequence() {
        let now = Timestamp::UNIX_EPOCH;
        let table = [
            (Ending::Passed, false, 2, None),
            (Ending::Unproven, false, 1, Some(Why::Unclear)),
            (Ending::NotBegun, false, 1, Some(Why::Refused)),
            (Ending::RolledBack, true, 1, None),
            (Ending::Overtaken, true, 1, None),
            (Ending::NotRolledBack, false, 1, Some(Why::Failed)),
        ];
        for (ending, over, passed, why) in table {
            let mut kept = kept(3, 1);
            kept.begin(1, now);
            let found = kept.end(&ended(ending), now);
            assert_eq!((found, kept.passed, kept.halted.map(|halt| halt.why)), (over, passed, why), "{ending:?}");
            assert_eq!((kept.running, kept.newest), (None, 4));
        }
    }

    #[test]
    fn a_first_step_that_helm_refuses_ends_it_only_where_nothing_was_made() {
        for (has_made, why) in [(false, None), (true, Some(Why::Refused))] {
            let mut kept = kept(3, 0);
            kept.begin(0, Timestamp::UNIX_EPOCH);
            let over = kept.end(&Ended { has_made, ..ended(Ending::NotBegun) }, Timestamp::UNIX_EPOCH);
            assert_eq!((over, kept.halted.map(|halt| halt.why)), (!has_made, why));
        }
    }

    #[test]
    fn a_revision_that_is_proven_ends_it_as_if_nothing_had_come_between() {
        let mut kept = kept(3, 2);
        kept.begin(2, Timestamp::UNIX_EPOCH);
        kept.prove(5, Timestamp::UNIX_EPOCH);
        assert_eq!((kept.passed, kept.running, kept.newest), (3, None, 5));
        assert_eq!(kept.done.last().map(|done| (done.step, done.revision, done.passed)), Some((2, Some(5), true)));
    }

    #[test]
    fn a_step_pauses_or_asks_after_it_has_passed_and_the_last_one_does_neither() {
        for (at, pause, confirm, why) in [
            (0, true, false, Some(Why::Paused)),
            (0, false, true, Some(Why::Confirm)),
            (0, true, true, Some(Why::Paused)),
            (2, true, true, None),
        ] {
            let mut kept = kept(3, at);
            (kept.steps[at].pause, kept.steps[at].confirm) = (pause, confirm);
            kept.begin(at, Timestamp::UNIX_EPOCH);
            let over = kept.end(&ended(Ending::Passed), Timestamp::UNIX_EPOCH);
            assert_eq!((over, kept.halted.map(|halt| halt.why)), (at == 2, why), "{at} {pause} {confirm}");
        }
    }
}
