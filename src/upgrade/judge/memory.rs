//! Since when each sign is there.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Sign;
use crate::manifest::observed::Observed;
use crate::upgrade::rules::Found;
use crate::upgrade::world::Key;

/// What makes two signs the same: the rule, the place among what is wanted, the pod's uid and the container.
type Id = (&'static str, usize, String, String);

/// Since when each sign was there when it was last looked.
#[derive(Debug, Default)]
pub(super) struct Memory(HashMap<Id, Since>);

/// Since when a sign is there, and since when its grace runs.
#[derive(Clone, Copy, Debug)]
struct Since {
    seen: Timestamp,
    counted: Timestamp,
}

/// One look at the world. What it does not find is forgotten.
pub(super) struct Round {
    before: HashMap<Id, Since>,
    found: HashMap<Id, Since>,
    pub(super) now: Timestamp,
    pub(super) signs: Vec<Sign>,
}

impl Memory {
    pub(super) fn look(&mut self, now: Timestamp) -> Round {
        Round { before: std::mem::take(&mut self.0), found: HashMap::new(), now, signs: Vec::new() }
    }

    /// All signs of the look, in the order found.
    pub(super) fn keep(&mut self, round: Round) -> Vec<Sign> {
        self.0 = round.found;
        round.signs
    }
}

impl Round {
    /// Notes a sign that is there now.
    pub(super) fn add(&mut self, place: usize, key: &Key, found: Found<'_>) {
        let uid = found.pod.map_or("", Observed::uid).to_owned();
        let id: Id = (found.rule, place, uid, found.container.unwrap_or_default().to_owned());
        let mut since = self.before.get(&id).copied().unwrap_or(Since { seen: self.now, counted: self.now });
        if found.paused {
            since.counted = self.now;
        }
        self.found.insert(id, since);
        let due = since.counted.checked_add(found.grace).unwrap_or(Timestamp::MAX);
        self.signs.push(Sign {
            rule: found.rule,
            object: key.clone(),
            pod: found.pod.map(|pod| pod.name().to_owned()),
            container: found.container.map(str::to_owned),
            message: found.message,
            since: since.seen,
            due: (!found.paused).then_some(due),
        });
    }
}
