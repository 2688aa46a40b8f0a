//! What the API server said of each object in a dry run: nothing was stored, and everything that it does with a request for good
//! was done, its admission included.

use crate::manifest::identity::ObjectId;
use crate::manifest::refusal::Refusal;

use super::snapshot::Known;

/// The dry runs of one revision.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    /// Whether Helm applies at the server (`true`), or sends patches of its own.
    pub by_server: bool,
    /// Each object that was sent, or could not be, in the order of the manifest.
    pub objects: Vec<Trial>,
    /// What became of the object in which Helm would store the revision; `None` where that is no object of the cluster.
    pub record: Option<Outcome>,
}

/// The dry run of one object.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Which object, with the namespace that it is applied in.
    pub id: ObjectId,
    /// The template it was rendered from.
    pub source: Option<String>,
    /// Whether it is a hook's. Those that run at an upgrade are tried as new objects.
    pub hook: bool,
    /// Whether the revision that runs does not have it.
    pub is_new: bool,
    /// What is in the cluster under its name; asked for where it matters.
    pub live: Known<Option<Live>>,
    /// What the server warns of: deprecated versions and fields, unknown fields, Pod Security. None of a Secret.
    pub warnings: Vec<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server takes it.
    Accepted,
    /// The server does not take it.
    Refused(Box<Refusal>),
    /// The server knows no such kind.
    Unserved,
    /// It was not tried: why, as a sentence.
    Untried(String),
}

/// What is in the cluster under an object's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// `app.kubernetes.io/managed-by`.
    pub managed_by: Option<String>,
    /// The release that it belongs to by its annotation `meta.helm.sh/release-name`.
    pub release: Option<String>,
    /// `meta.helm.sh/release-namespace`.
    pub release_namespace: Option<String>,
    /// Whether it is on its way out.
    pub deleting: bool,
}

impl Trials {
    /// Those of the objects that Helm applies, without the hooks.
    pub fn applied(&self) -> impl Iterator<Item = &Trial> {
        self.objects.iter().filter(|trial| !trial.hook)
    }

    /// Those that the server refused.
    pub fn refused(&self) -> impl Iterator<Item = (&Trial, &Refusal)> {
        self.objects.iter().filter_map(|trial| match &trial.outcome {
            Outcome::Refused(refusal) => Some((trial, &**refusal)),
            _ => None,
        })
    }

    /// Why some were not tried, each reason once with the objects.
    #[must_use]
    pub fn untried(&self) -> Vec<(&str, Vec<&Trial>)> {
        let mut found: Vec<(&str, Vec<&Trial>)> = Vec::new();
        for trial in &self.objects {
            let Outcome::Untried(reason) = &trial.outcome else { continue };
            match found.iter_mut().find(|(known, _)| known == reason) {
                Some((_, trials)) => trials.push(trial),
                None => found.push((reason, vec![trial])),
            }
        }
        found
    }
}
