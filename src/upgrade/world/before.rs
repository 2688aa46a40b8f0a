//! How an object was before the upgrade, and whether what became of it since is the upgrade's work.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// The objects that were there before, by their uid.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    pub(super) objects: HashMap<String, Before>,
}

/// How an object was before the upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Before {
    generation: i64,
    replicas: Option<i64>,
    /// Of all of its specification but the replicas.
    rest: u64,
}

impl Before {
    pub(super) fn of(object: &Observed) -> Self {
        // Of pods nothing but the generation is asked for, and there may be very many.
        let is_pod = object.text(&["kind"]) == "Pod";
        let spec = object.at(&["spec"]).filter(|_| !is_pod).and_then(Node::as_map).unwrap_or_default();
        let rest = spec.iter().filter(|(key, _)| &**key != "replicas").map(|(key, value)| {
            let mut hasher = DefaultHasher::new();
            (key, value.content_hash()).hash(&mut hasher);
            hasher.finish()
        });
        let replicas = if is_pod { None } else { object.number(&["spec", "replicas"]) };
        // The order of the keys does not count.
        Self { generation: object.generation(), replicas, rest: rest.fold(0, u64::wrapping_add) }
    }

    /// Whether the specification of the object is another one now. Where only its replicas are, an autoscaler or a user may have
    /// scaled it meanwhile: the upgrade did where they are as its manifest declares them.
    pub(super) fn is_changed(self, object: &Observed, declared: impl FnOnce() -> Option<i64>) -> bool {
        match object.generation() {
            // The server does not count how often such an object was changed.
            0 => Self::of(object) != self,
            generation if generation <= self.generation => false,
            _ => {
                let now = Self::of(object);
                let is_scaled = now.rest == self.rest && now.replicas != self.replicas;
                !is_scaled || now.replicas == declared()
            }
        }
    }
}
