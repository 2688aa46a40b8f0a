//! The events of watched objects: the newest few of each, cut to a bounded length.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::Timestamp;

use crate::manifest::emit::is_unprintable;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// So many events are kept of one object.
const PER_OBJECT: usize = 16;
/// Of so many objects events are kept; those that had none for the longest time go first.
const OBJECTS: usize = 20_000;
/// So many characters of a message are kept.
const MESSAGE: usize = 1000;

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event's own uid.
    pub uid: String,
    /// As in `FailedScheduling`.
    pub reason: String,
    /// In one line and cut, without characters that steer a terminal.
    pub message: String,
    /// Whether it is a warning.
    pub warning: bool,
    /// How often it was seen.
    pub count: i64,
    /// When it was last seen, by the clock of who reports it.
    pub at: Option<Timestamp>,
    /// Whether it was seen since the upgrade began.
    pub fresh: bool,
    namespace: String,
}

impl Event {
    /// `Warning FailedScheduling: 0/3 nodes are available`, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        if self.message.is_empty() { self.reason.clone() } else { format!("{}: {}", self.reason, self.message) }
    }
}

/// All events, by the uid of the object that they are about.
#[derive(Debug, Default)]
pub(super) struct Events {
    of: HashMap<String, Vec<Event>>,
    /// The uids in the order in which their first event came.
    order: VecDeque<String>,
    /// How often each event had been seen before the upgrade.
    before: HashMap<String, i64>,
}

impl Events {
    pub(super) fn set(&mut self, object: &Observed) {
        let about = about(object);
        if about.is_empty() {
            return;
        }
        let mut event = read(object);
        event.fresh = self.before.get(&event.uid).is_none_or(|count| event.count > *count);
        if !self.of.contains_key(about) {
            self.order.push_back(about.to_owned());
            if self.order.len() > OBJECTS
                && let Some(oldest) = self.order.pop_front()
            {
                self.of.remove(&oldest);
            }
        }
        let events = self.of.entry(about.to_owned()).or_default();
        events.retain(|other| other.uid != event.uid);
        let place = events.partition_point(|other| other.at <= event.at);
        events.insert(place, event);
        if events.len() > PER_OBJECT {
            events.remove(0);
        }
    }

    pub(super) fn gone(&mut self, object: &Observed) {
        if let Some(events) = self.of.get_mut(about(object)) {
            events.retain(|event| event.uid != object.uid());
        }
    }

    pub(super) fn replace(&mut self, namespace: Option<&str>, objects: &[Observed]) {
        let still: HashSet<&str> = objects.iter().map(Observed::uid).collect();
        for events in self.of.values_mut() {
            let elsewhere = |event: &Event| namespace.is_some_and(|namespace| namespace != event.namespace);
            events.retain(|event| elsewhere(event) || still.contains(&*event.uid));
        }
        for object in objects {
            self.set(object);
        }
        self.of.retain(|_, events| !events.is_empty());
        self.order.retain(|uid| self.of.contains_key(uid));
    }

    pub(super) fn mark_before(&mut self) {
        for event in self.of.values_mut().flatten() {
            event.fresh = false;
            let count = self.before.entry(event.uid.clone()).or_insert(event.count);
            *count = event.count.max(*count);
        }
    }

    /// The oldest first.
    pub(super) fn of(&self, uid: &str) -> &[Event] {
        self.of.get(uid).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The uid of the object that an event is about: `involvedObject` of the core group, `regarding` of `events.k8s.io`.
fn about(object: &Observed) -> &str {
    let core = object.text(&["involvedObject", "uid"]);
    if core.is_empty() { object.text(&["regarding", "uid"]) } else { core }
}

fn read(object: &Observed) -> Event {
    let first = |paths: &[&[&str]]| {
        paths.iter().map(|path| object.text(path)).find(|text| !text.is_empty()).unwrap_or_default().to_owned()
    };
    let times: [&[&str]; 5] = [
        &["series", "lastObservedTime"],
        &["lastTimestamp"],
        &["deprecatedLastTimestamp"],
        &["eventTime"],
        &["metadata", "creationTimestamp"],
    ];
    let counts: [&[&str]; 3] = [&["series", "count"], &["count"], &["deprecatedCount"]];
    Event {
        uid: object.uid().to_owned(),
        reason: one_line(&first(&[&["reason"]]), 128),
        message: one_line(&first(&[&["message"], &["note"]]), MESSAGE),
        warning: object.text(&["type"]) == "Warning",
        count: counts.iter().find_map(|path| object.number(path)).unwrap_or(1),
        at: times.iter().find_map(|path| object.at(path).and_then(Node::as_str)?.parse().ok()),
        fresh: true,
        namespace: object.namespace().to_owned(),
    }
}

/// Text from the cluster in one line: runs of white space are one space, what steers a terminal goes, and what exceeds the limit
/// is cut.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let space = (length > 0).then_some(' ');
        for character in space.into_iter().chain(word.chars().filter(|character| !is_unprintable(*character))) {
            if length == limit {
                line.push('…');
                return line;
            }
            line.push(character);
            length += 1;
        }
    }
    line
}
