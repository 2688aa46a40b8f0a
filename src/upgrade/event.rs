//! What happens during a run, as it happens: the terminal, a log and `-o json` read the same events.

use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use crate::upgrade::judge::{Row, Sign, State};
use crate::upgrade::next::Ending;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// An upgrade.
    Upgrade,
    /// The first installation.
    Install,
    /// A rollback.
    Rollback,
    /// Looking at what is there already.
    Look,
    /// Watching it for a while after it became ready.
    Soak,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything is ready.
    Ready,
    /// It failed.
    Failed,
    /// It was not ready in time.
    TimedOut,
    /// It was stopped.
    Interrupted,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// Where the release is before anything is done.
    Observed {
        /// The release's name.
        release: String,
        /// Its namespace.
        namespace: String,
        /// The deployed revision.
        deployed: Option<u32>,
        /// The last revision, and its status as Helm spells it.
        last: Option<(u32, String)>,
        /// The revisions that are marked as proven.
        proven: Vec<u32>,
        /// The revision that a failure would lead back to.
        target: Option<u32>,
        /// The command that goes back, to copy.
        rollback: Option<String>,
        /// Whether there is nothing to change.
        nothing_to_do: bool,
    },
    /// Something that should be known.
    Notice {
        /// One sentence.
        text: String,
    },
    /// Something that the user should worry about.
    Warning {
        /// One sentence.
        text: String,
    },
    /// A task begins.
    Begun {
        /// What begins.
        task: Task,
        /// The revision that it makes.
        revision: u32,
        /// The revision that it goes back to.
        to: Option<u32>,
        /// The chart, with its version.
        chart: String,
        /// Seconds that it may take.
        timeout: u64,
    },
    /// How far a task is.
    Progress {
        /// What is under way.
        task: Task,
        /// One row for each object that takes its time.
        #[serde(serialize_with = "plain_rows")]
        rows: Vec<Row>,
        /// Signs of trouble whose grace is not over.
        #[serde(serialize_with = "plain_signs")]
        signs: Vec<Sign>,
        /// Seconds since it began.
        elapsed: f64,
    },
    /// The helm process of a task has ended.
    HelmEnded {
        /// What it was for.
        task: Task,
        /// Whether Helm calls it a success.
        success: bool,
        /// Helm's message; empty for a success.
        message: String,
    },
    /// A task has ended.
    Verdict {
        /// What has ended.
        task: Task,
        /// How.
        result: Verdict,
        /// Why, a sentence each.
        reasons: Vec<String>,
        /// Seconds that it took.
        elapsed: f64,
    },
    /// A test, a gate or the soak.
    Gate {
        /// What it is: `helm test`, `soak 30s`.
        name: String,
        /// How it stands: `running`, `passed`, `failed`, `inconclusive`.
        state: GateState,
        /// More about it, one sentence.
        detail: String,
    },
    /// The evidence of a failure is kept.
    Evidence {
        /// The folder.
        folder: String,
        /// The archive of it.
        archive: String,
        /// The likely cause, one sentence.
        cause: Option<String>,
        /// What to do about it.
        hint: Option<String>,
    },
    /// A revision's record was changed.
    Recorded {
        /// The revision.
        revision: u32,
        /// Its status now.
        status: String,
        /// Its description now.
        description: String,
    },
    /// What runs was compared with what the revision says.
    Compared {
        /// The revision.
        revision: u32,
        /// How many objects were compared.
        objects: usize,
        /// Those that differ.
        differing: Vec<String>,
    },
    /// A revision is marked as proven.
    Proven {
        /// The revision.
        revision: u32,
    },
    /// Old revisions were removed.
    Pruned {
        /// Which.
        revisions: Vec<u32>,
    },
    /// The run has ended.
    Done(Report),
}

/// How a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateState {
    /// It runs.
    Running,
    /// It says that all is well.
    Passed,
    /// It says that something is wrong.
    Failed,
    /// It could not tell.
    Inconclusive,
}

/// What happened in a run, in short.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// How it ended.
    pub ending: Ending,
    /// Whether it was interrupted.
    pub interrupted: bool,
    /// One sentence about that.
    pub summary: String,
    /// The revision that was deployed before.
    pub from: Option<u32>,
    /// The revision that this run made.
    pub revision: Option<u32>,
    /// The revision that is deployed now.
    pub deployed: Option<u32>,
    /// Why it failed, a sentence each.
    pub reasons: Vec<String>,
    /// The likely cause, one sentence.
    pub cause: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The folder with the evidence.
    pub evidence: Option<String>,
    /// The same as one file, a `.tar.gz`.
    pub archive: Option<String>,
    /// What to do next; one sentence or a command each.
    pub next: Vec<String>,
    /// How long each part took.
    pub parts: Vec<Part>,
}

impl Report {
    /// Of a run that has made no revision: the one that was deployed stays so.
    #[must_use]
    pub fn unchanged((release, namespace): (&str, &str), revision: u32, ending: Ending, summary: String) -> Self {
        Self {
            release: release.to_owned(),
            namespace: namespace.to_owned(),
            ending,
            interrupted: false,
            summary,
            from: Some(revision),
            revision: None,
            deployed: Some(revision),
            reasons: Vec::new(),
            cause: None,
            hint: None,
            evidence: None,
            archive: None,
            next: Vec::new(),
            parts: Vec::new(),
        }
    }
}

/// A part of a run, and how long it took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// What it was.
    pub name: String,
    /// How it ended, in a few words.
    pub result: String,
    /// Seconds.
    pub seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlainRow<'a> {
    object: String,
    namespace: &'a str,
    state: &'static str,
    reason: &'a str,
    ready: u32,
    wanted: u32,
    updated: u32,
    old: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlainSign<'a> {
    rule: &'static str,
    object: String,
    pod: Option<&'a str>,
    container: Option<&'a str>,
    message: &'a str,
    since: String,
    due: Option<String>,
}

fn plain_rows<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(rows.len()))?;
    for row in rows {
        let (state, reason) = row.state.told();
        let Row { ready, wanted, updated, old, .. } = *row;
        let (object, namespace) = (row.key.to_string(), row.key.namespace.as_str());
        list.serialize_element(&PlainRow { object, namespace, state, reason, ready, wanted, updated, old })?;
    }
    list.end()
}

fn plain_signs<S: Serializer>(signs: &[Sign], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(signs.len()))?;
    for sign in signs {
        list.serialize_element(&PlainSign {
            rule: sign.rule,
            object: sign.object.to_string(),
            pod: sign.pod.as_deref(),
            container: sign.container.as_deref(),
            message: &sign.message,
            since: sign.since.to_string(),
            due: sign.due.map(|due| due.to_string()),
        })?;
    }
    list.end()
}

impl State {
    /// The state in a word, and more about it.
    #[must_use]
    pub fn told(&self) -> (&'static str, &str) {
        match self {
            Self::Ready => ("ready", ""),
            Self::Waiting(reason) => ("waiting", reason),
            Self::Failed(reason) => ("failed", reason),
            Self::Unverified(reason) => ("unverified", reason),
            Self::Unknown(reason) => ("unknown", reason),
        }
    }
}
