//! Jobs that are gone because they have finished. One with `ttlSecondsAfterFinished` is removed so long after its end, maybe at once
//! (k8s.io/kubernetes, pkg/controller/ttlafterfinished), and is as it should be then.

use std::collections::HashMap;

use super::{Key, Wanted};
use crate::manifest::observed::Observed;

/// How a Job that is not there any more ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collected {
    /// It was seen to be complete.
    Complete,
    /// It was seen to have failed.
    Failed,
    /// It was removed after its end, which was not seen, or was that of an older one.
    Unseen,
}

/// The Jobs that went.
#[derive(Debug, Default)]
pub(super) struct Gone(HashMap<Key, Collected>);

impl Gone {
    /// An object goes that was like this last. That one failed which was there before says nothing of the upgrade.
    pub(super) fn note(&mut self, object: &Observed, is_changed: bool) {
        let says = |name| object.condition(name).is_some_and(crate::manifest::observed::Condition::is_true);
        let failed = says("Failed") || says("FailureTarget");
        let expires = object.at(&["spec", "ttlSecondsAfterFinished"]).is_some();
        let key = Key::of(object);
        if !key.is("batch", "Job") {
            return;
        }
        if failed && is_changed {
            self.0.insert(key, Collected::Failed);
        } else if failed {
            self.0.insert(key, Collected::Unseen);
        } else if says("Complete") {
            self.0.insert(key, Collected::Complete);
        } else if expires {
            self.0.insert(key, Collected::Unseen);
        }
    }

    /// It is there again.
    pub(super) fn forget(&mut self, key: &Key) {
        if !self.0.is_empty() {
            self.0.remove(key);
        }
    }

    pub(super) fn of(&self, wanted: &Wanted) -> Option<Collected> {
        self.0.get(&wanted.key).copied().or(wanted.expires.then_some(Collected::Unseen))
    }
}
