//! Whether a release is ready or has failed.
//!
//! The judge is asked after each change, and when a grace ends. It remembers nothing but since when each sign and each state is
//! there; all else it reads from the world. Equal worlds at equal times are judged equally.

mod judgement;
mod memory;
mod row;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::readiness::{self, Readiness};
use super::revision;
use super::rules::{self, Found, Suspect};
use super::world::{Collected, Key, PodRef, Wanted, World};
use crate::manifest::observed::Observed;

use memory::{Memory, Round};

pub use judgement::{Judgement, Look, PodLook, Row, Sign, State, Verdict};

/// How long to wait for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A container that crashes may be restarted less often than that.
    pub max_restarts: u32,
    /// How long signs that often heal may last.
    pub fail_fast_after: SignedDuration,
    /// A custom resource whose status says nothing keeps the release from being ready.
    pub strict: bool,
    /// Jobs must be complete.
    pub wait_for_jobs: bool,
}

impl Default for Patience {
    /// 3 restarts, a minute, neither strict nor waiting for Jobs.
    fn default() -> Self {
        Self { max_restarts: 3, fail_fast_after: SignedDuration::from_secs(60), strict: false, wait_for_jobs: false }
    }
}

/// Remembers since when each sign and each state of one world is there.
#[derive(Debug, Default)]
pub struct Judge {
    patience: Patience,
    memory: Memory,
    /// By the place among what is wanted.
    states: HashMap<usize, (std::mem::Discriminant<State>, Timestamp)>,
}

/// A wanted object with what is looked at to judge it.
struct Seen<'a> {
    wanted: &'a Wanted,
    object: &'a Observed,
    readiness: Readiness,
    /// Its pods, and whether each is of the newest revision.
    pods: Vec<(PodRef<'a>, bool)>,
}

impl Judge {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Judges the release as it is now. Linear in the number of wanted objects and their pods.
    pub fn judge(&mut self, world: &World, now: Timestamp) -> Judgement {
        let mut round = self.memory.look(now);
        let mut rows = Vec::new();
        // What is known of what is out of sight may be over: neither a failure nor ready comes of it.
        let mut is_open = !world.is_in_sight();
        for (place, wanted) in world.wanted().iter().enumerate() {
            let Some(mut row) = self.row(world, place, wanted, &mut round) else { continue };
            row.since = Some(self.since(place, &row.state, now));
            is_open |= !wanted.hook && self.is_open(&wanted.key, &row.state);
            rows.push(row);
        }
        let signs = self.memory.keep(round);
        let overdue: Vec<Sign> = signs.iter().filter(|sign| is_overdue(sign, now)).cloned().collect();
        let look_again = signs.iter().filter_map(|sign| sign.due).filter(|due| *due > now).min();
        let verdict = match (overdue.is_empty(), is_open) {
            (false, _) => Verdict::Failed(overdue),
            (true, true) => Verdict::Waiting,
            (true, false) => Verdict::Ready,
        };
        Judgement { rows, verdict, signs, look_again }
    }

    /// The row of a wanted object, where it has one; its signs are added to the others.
    fn row(&self, world: &World, place: usize, wanted: &Wanted, round: &mut Round) -> Option<Row> {
        let key = &wanted.key;
        if !readiness::takes_time(key) {
            return None;
        }
        if let Some(reason) = world.unseen(&key.group, &key.kind) {
            return Some(row::absent(wanted, State::Unknown(reason.to_owned())));
        }
        let Some(object) = world.object(key) else {
            return (!wanted.hook).then(|| row::absent(wanted, without_object(world, wanted)));
        };
        // The object of a hook that was there before is left over from another run.
        if wanted.hook && !world.is_new(object) {
            return None;
        }
        let seen = self.look(world, wanted, object);
        let first = round.signs.len();
        let in_sight = world.is_seen(key);
        for mut found in self.signs_of(world, &seen) {
            found.paused |= !in_sight;
            round.add(place, key, found);
        }
        Some(row::of(world, &seen, &round.signs[first..], round.now))
    }

    fn look<'a>(&self, world: &'a World, wanted: &'a Wanted, object: &'a Observed) -> Seen<'a> {
        // A hook is waited for by Helm, so of its Job it is told whether it is complete.
        let patience = Patience { wait_for_jobs: self.patience.wait_for_jobs || wanted.hook, ..self.patience };
        let subject = readiness::Subject { object, key: &wanted.key, world, patience: &patience };
        let readiness = readiness::of(&subject);
        Seen { wanted, object, readiness, pods: revision::pods(world, &wanted.key, object) }
    }

    fn signs_of<'a>(&'a self, world: &'a World, seen: &'a Seen<'a>) -> Vec<Found<'a>> {
        let key = &seen.wanted.key;
        // A Job that has only started counts as ready where Jobs are not waited for.
        let done = seen.readiness == Readiness::Ready && !key.is("batch", "Job");
        if done || !world.is_changed(seen.object) {
            return Vec::new();
        }
        let counts =
            |pod: &PodRef<'_>| world.is_new(pod.object) && !pod.facts.leaving && !world.is_lost_node(&pod.facts.node);
        let pods: Vec<PodRef<'a>> =
            seen.pods.iter().filter(|(pod, new)| *new && counts(pod)).map(|(pod, _)| *pod).collect();
        let (object, hook, readiness) = (seen.object, seen.wanted.hook, &seen.readiness);
        rules::find(&Suspect { world, key, object, hook, readiness, pods, patience: &self.patience })
    }

    /// Since when the object is in a state of this kind.
    fn since(&mut self, place: usize, state: &State, now: Timestamp) -> Timestamp {
        let kind = std::mem::discriminant(state);
        let known = self.states.entry(place).or_insert((kind, now));
        if known.0 != kind {
            *known = (kind, now);
        }
        known.1
    }

    /// Whether the state keeps the release from being ready.
    fn is_open(&self, key: &Key, state: &State) -> bool {
        match state {
            State::Ready => false,
            State::Unverified(_) => self.patience.strict && readiness::is_custom(key),
            State::Waiting(_) | State::Failed(_) | State::Unknown(_) => true,
        }
    }
}

/// The state of what is not there: a Job that has finished may be removed at any time.
fn without_object(world: &World, wanted: &Wanted) -> State {
    match world.collected(wanted) {
        Some(Collected::Complete) => State::Ready,
        Some(Collected::Failed) => State::Failed("has failed, and was removed".to_owned()),
        Some(Collected::Unseen) => State::Unverified("is removed when it has finished".to_owned()),
        None => State::Waiting("is not there yet".to_owned()),
    }
}

fn is_overdue(sign: &Sign, now: Timestamp) -> bool {
    sign.due.is_some_and(|due| due <= now)
}
