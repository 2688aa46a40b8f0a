//! What is said of a release at one time.

use jiff::Timestamp;

use crate::upgrade::world::Key;

/// What is to be said of a release at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// One for each wanted object whose kind takes time or has a status, in the order wanted.
    pub rows: Vec<Row>,
    /// What it comes to.
    pub verdict: Verdict,
    /// All signs of failure, those whose grace has not ended too.
    pub signs: Vec<Sign>,
    /// When the next grace ends.
    pub look_again: Option<Timestamp>,
}

/// What it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Neither ready nor failed.
    Waiting,
    /// All that is wanted is ready.
    Ready,
    /// These signs have outlasted their grace.
    Failed(Vec<Sign>),
}

/// A sign of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// The rule's name, as in `crash-loop`.
    pub rule: &'static str,
    /// The wanted object that it is about.
    pub object: Key,
    /// The pod that shows it.
    pub pod: Option<String>,
    /// The container that shows it.
    pub container: Option<String>,
    /// One sentence in lower case, as in `cannot pull image "x:1": manifest unknown`.
    pub message: String,
    /// Since when it is there without a break.
    pub since: Timestamp,
    /// When its grace ends; `None` while it is paused, as an autoscaler acts or not all is in sight.
    pub due: Option<Timestamp>,
}

/// How a wanted object fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The object.
    pub key: Key,
    /// Whether it is the object of a hook.
    pub hook: bool,
    /// Its state.
    pub state: State,
    /// So many pods are ready.
    pub ready: u32,
    /// So many are wanted.
    pub wanted: u32,
    /// So many are of the new revision.
    pub updated: u32,
    /// So many are of an older one.
    pub old: u32,
    /// Its pods, to draw the roll-out.
    pub pods: Vec<PodLook>,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// The last event in one line.
    pub event: Option<String>,
}

/// The state of a wanted object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is ready.
    Ready,
    /// Not yet, and for what it waits.
    Waiting(String),
    /// It has failed, and why.
    Failed(String),
    /// Its status says nothing that tells.
    Unverified(String),
    /// It may not be looked at, and why.
    Unknown(String),
}

/// A pod in a roll-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodLook {
    /// Its name.
    pub name: String,
    /// Whether it is of the new revision.
    pub new: bool,
    /// How it looks.
    pub look: Look,
}

/// How a pod looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// It is ready, or has ended well.
    Ready,
    /// It is on its way to being ready.
    Starting,
    /// It is on its way out.
    Leaving,
    /// It shows a sign of failure.
    Trouble,
}

impl Judgement {
    /// Whether nothing but what may not be looked at keeps the release from being ready.
    #[must_use]
    pub fn is_only_unknown(&self) -> bool {
        let unknown = |row: &&Row| matches!(row.state, State::Unknown(_));
        let open = |row: &Row| matches!(row.state, State::Waiting(_) | State::Failed(_)) && !row.hook;
        self.rows.iter().any(|row| unknown(&row)) && !self.rows.iter().any(open)
    }
}
