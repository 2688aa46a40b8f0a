//! The decisions of a batch, pure: in which order releases are upgraded ([`order`]), which part of them one machine takes
//! ([`shard`]), what is done next ([`next`]), and what is kept of it so that it can go on after a crash ([`kept`]).

pub mod event;
pub mod kept;
pub mod next;
pub mod order;
pub mod shard;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a release among those of several namespaces and clusters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Id {
    /// The context of the kubeconfig, where one is named.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The release's name.
    pub release: String,
}

impl Id {
    /// Whether this is a name of it: the release alone, with its namespace, or with its context as well.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        name == self.release || name == format!("{}/{}", self.namespace, self.release) || name == self.to_string()
    }
}

/// `shop/web`, or `production/shop/web` where a context is named.
impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(out, "{context}/")?;
        }
        write!(out, "{}/{}", self.namespace, self.release)
    }
}

/// How the upgrade of a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was upgraded, and is proven.
    Upgraded,
    /// There was nothing to change.
    Unchanged,
    /// It was upgraded, and a gate could not tell whether it is good.
    Unproven,
    /// Nothing was done: a check says no, it can't be rendered, or somebody else is at work on it.
    Refused,
    /// It failed, and is back at the revision from before.
    RolledBack,
    /// It failed, and is not back at a good revision.
    Failed,
    /// Nothing was done, for what became of others.
    Skipped,
    /// It was interrupted; nothing was changed, or it is back at the revision from before.
    Interrupted,
    /// It was upgraded, and is back at the revision from before, since another one failed.
    Undone,
    /// It was upgraded, another one failed, and it could not be brought back.
    NotUndone,
}

impl Outcome {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 10] = [
        Self::Failed,
        Self::NotUndone,
        Self::RolledBack,
        Self::Unproven,
        Self::Refused,
        Self::Interrupted,
        Self::Skipped,
        Self::Undone,
        Self::Upgraded,
        Self::Unchanged,
    ];

    /// Whether what needs the release may be upgraded.
    #[must_use]
    pub fn is_good(self) -> bool {
        matches!(self, Self::Upgraded | Self::Unchanged)
    }

    /// Whether it counts for `--max-failures`: the upgrade was begun, and was not good.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::RolledBack | Self::Unproven)
    }

    /// In words, for a reader.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Upgraded => "upgraded",
            Self::Unchanged => "nothing to do",
            Self::Unproven => "not proven",
            Self::Refused => "refused",
            Self::RolledBack => "rolled back",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::Undone => "undone",
            Self::NotUndone => "not undone",
        }
    }
}

/// How a release of a batch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It has not been begun.
    #[default]
    Waiting,
    /// It is being upgraded.
    Running,
    /// It has ended.
    Ended(Outcome),
}

impl Standing {
    /// How it ended, if it has.
    #[must_use]
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_named_as_far_as_need_be() {
        let id = Id { context: Some("eu".to_owned()), namespace: "shop".to_owned(), release: "web".to_owned() };
        for name in ["web", "shop/web", "eu/shop/web"] {
            assert!(id.is_named(name), "{name}");
        }
        assert!(!id.is_named("shop") && !id.is_named("b/web") && !id.is_named(""));
    }
}
