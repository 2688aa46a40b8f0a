//! The row of an object in the table of a roll-out.

use jiff::Timestamp;

use super::{Look, PodLook, Row, Seen, Sign, State, is_overdue};
use crate::upgrade::readiness::{self, Counts, Readiness};
use crate::upgrade::world::{Event, PodFacts, PodRef, Wanted, World, one_line};

/// So many characters of an event are shown.
const EVENT: usize = 200;

/// The row of an object of which nothing is known but its state.
pub(super) fn absent(wanted: &Wanted, state: State) -> Row {
    row(wanted, state, Counts::default())
}

/// The row of an object that shows these signs.
pub(super) fn of(world: &World, seen: &Seen<'_>, signs: &[Sign], now: Timestamp) -> Row {
    let counts = readiness::counts(seen.object, &seen.wanted.key);
    let mut row = row(seen.wanted, state(&seen.readiness, signs, now), counts);
    row.pods = seen.pods.iter().map(|(pod, new)| look(*pod, *new)).collect();
    row.event = last_event(world, seen).map(|event| one_line(&event.line(), EVENT));
    row
}

fn row(wanted: &Wanted, state: State, counts: Counts) -> Row {
    let Counts { ready, wanted: count, updated, old } = counts;
    let (key, hook) = (wanted.key.clone(), wanted.hook);
    Row { key, hook, state, ready, wanted: count, updated, old, pods: Vec::new(), since: None, event: None }
}

/// A sign says more than what is waited for.
fn state(readiness: &Readiness, signs: &[Sign], now: Timestamp) -> State {
    if let Some(sign) = signs.iter().find(|sign| is_overdue(sign, now)) {
        return State::Failed(sign.message.clone());
    }
    match (signs.first(), readiness) {
        (Some(sign), _) => State::Waiting(sign.message.clone()),
        (None, Readiness::Ready) => State::Ready,
        (None, Readiness::Unverified(text)) => State::Unverified(text.clone()),
        // What failed before its grace is over, or before the upgrade, is no failure of the upgrade.
        (None, Readiness::Waiting(text) | Readiness::Failed(text)) => State::Waiting(text.clone()),
    }
}

fn look(pod: PodRef<'_>, new: bool) -> PodLook {
    let facts = pod.facts;
    let look = match &*facts.phase {
        _ if facts.leaving => Look::Leaving,
        "Failed" => Look::Trouble,
        "Succeeded" => Look::Ready,
        _ if facts.ready => Look::Ready,
        _ if is_in_trouble(facts) => Look::Trouble,
        _ => Look::Starting,
    };
    PodLook { name: pod.object.name().to_owned(), new, look }
}

/// What a container waits for in the ordinary way; any other reason is a sign of trouble.
const ORDINARY: [&str; 3] = ["", "ContainerCreating", "PodInitializing"];

fn is_in_trouble(facts: &PodFacts) -> bool {
    let waits = facts.containers.iter().any(|container| !ORDINARY.contains(&&*container.waiting));
    waits || facts.unschedulable.is_some()
}

/// The newest event of the object and of its pods since the upgrade began.
fn last_event<'a>(world: &'a World, seen: &Seen<'a>) -> Option<&'a Event> {
    let newest = |object| world.events_of(object).last().filter(|event| event.fresh);
    let pods = seen.pods.iter().filter_map(|(pod, _)| newest(pod.object));
    newest(seen.object).into_iter().chain(pods).max_by_key(|event| event.at)
}
