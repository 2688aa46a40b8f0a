//! What the API server said of each object in a dry run: nothing was stored, and everything that it does with a request for good
//! was done, its admission included.

use crate::manifest::identity::ObjectId;
use crate::manifest::live::Ownership;
use crate::manifest::refusal::Refusal;

use super::snapshot::Known;

/// The dry runs of one revision.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a flag of Helm's
pub struct Trials {
    /// Whether Helm applies at the server, else it sends patches of its own.
    pub by_server: bool,
    /// Whether Helm replaces what is there: `--force`.
    pub replaces: bool,
    /// Whether Helm takes over what is there as somebody else's: `--take-ownership`.
    pub takes_ownership: bool,
    /// Whether Helm makes the release's namespace first: `--create-namespace`, at an installation.
    pub creates_namespace: bool,
    /// Whether Helm applies the chart's folder `crds/` first, as it does at an installation.
    pub applies_crds: bool,
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
    /// Whose the object is that the cluster has under its name; asked for where `is_new`.
    pub live: Known<Option<Ownership>>,
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
