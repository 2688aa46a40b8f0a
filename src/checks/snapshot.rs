//! All that was observed before an upgrade, as data. What could not be observed is a value that says why.

pub mod values;

use jiff::Timestamp;

use super::apis::Apis;
use super::canary::Canary;
use super::chart::ChartSeen;
use super::elsewhere::Elsewhere;
use super::escalation::Grants;
use super::release::{LeftBehind, Live};
use super::trial::Trials;
use super::wanted::Lists;
use super::window::Window;
use crate::diff::release::{Both, ReleaseDiff};
use crate::manifest::document::Object;
use crate::manifest::hook;
use crate::release::Release;
use crate::release::history::History;

/// Something that was observed, or why it could not be: one sentence for a reader.
pub type Known<T> = Result<T, String>;

/// All that the checks look at.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    /// When it was taken.
    pub now: Timestamp,
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Whether it is installed by this.
    pub is_first: bool,
    /// Its revisions with their marks.
    pub history: &'a History,
    /// The deployed revision.
    pub deployed: Option<u32>,
    /// What of the deployed revision is not ready, or not live as its manifest says; a sentence each.
    pub troubles: &'a [String],
    /// The revision that a failure leads to.
    pub target: Option<u32>,
    /// Whether a failure is to lead back at all.
    pub goes_back: bool,
    /// The revision that the upgrade starts from, and the one that it would make.
    pub releases: &'a Both<Release>,
    /// Their objects, and those of the revision to go back to.
    pub objects: &'a Objects,
    /// What checks wanted to see of the cluster.
    pub lists: &'a Lists,
    /// How they differ, masked.
    pub diff: &'a ReleaseDiff,
    /// The chart, as the user named it.
    pub chart: ChartReference,
    /// What was seen of it.
    pub chart_seen: ChartSeen,
    /// `--no-hooks`: whether the user wants no hook to run.
    pub no_hooks: bool,
    /// Who holds the release's lease, or held it last.
    pub owner: Known<Option<Owner>>,
    /// The revisions that are marked as bad, newest first.
    pub bad: Vec<BadRevision>,
    /// What the user may do of what follows.
    pub rights: Known<Rights>,
    /// What the API server says of the objects of the upgrade in a dry run.
    pub trials: Known<Trials>,
    /// The same of the objects of the revision to go back to; `None` where there is none.
    pub rehearsal: Known<Option<Trials>>,
    /// Which API versions of the manifests the server serves.
    pub apis: Known<Apis>,
    /// What is known of the values.
    pub values: &'a values::GivenValues<'a>,
    /// What runs of the deployed revision; `None` where none is deployed.
    pub live: Option<Known<Live<'a>>>,
    /// How many revisions a Helm keeps that is run by hand; 0 is all.
    pub helm_keeps: u32,
    /// About how many bytes the new revision takes in Helm's storage; `None` where there is no limit.
    pub record_size: Known<Option<usize>>,
    /// What failed revisions have left in the cluster.
    pub left_over: Known<LeftBehind>,
    /// The rights that roles of the manifests give, and the user may not have.
    pub grants: Known<Vec<Grants>>,
    /// When upgrades may be made.
    pub window: &'a Window,
    /// What is proven in another place, where one is asked for.
    pub elsewhere: Option<&'a Elsewhere>,
    /// The step of a canary that it is.
    pub canary: Option<&'a Canary>,
}

impl<'a> Snapshot<'a> {
    /// The points at which this upgrade runs hooks.
    #[must_use]
    pub fn points(&self) -> &'static [&'static str] {
        hook::points_of_upgrade(self.is_first, self.no_hooks)
    }

    /// The points at which going back runs hooks.
    #[must_use]
    pub fn points_back(&self) -> &'static [&'static str] {
        hook::points_of_rollback(self.no_hooks)
    }

    /// The revision that a failure leads to; `None` where there is none.
    ///
    /// # Errors
    /// Why it could not be read, as a sentence.
    pub fn way_back(&self) -> Result<Option<Revision<'a>>, &'a str> {
        let Some(revision) = self.target.filter(|_| !self.is_first) else { return Ok(None) };
        let objects = match &self.objects.back {
            Ok(Some(objects)) => objects,
            Ok(None) if revision == self.releases.old.revision => &self.objects.old,
            Ok(None) => return Ok(None),
            Err(reason) => return Err(reason),
        };
        Ok(Some(Revision { revision, objects }))
    }
}

/// A revision with its objects.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'a> {
    /// Its number.
    pub revision: u32,
    /// Its objects, hooks among them.
    pub objects: &'a [Object],
}

/// The objects of the revisions, hooks among them. What is secret in them is masked.
#[derive(Clone, Debug)]
pub struct Objects {
    /// Of the revision that the upgrade starts from; none where there is none.
    pub old: Vec<Object>,
    /// Of the one that it would make.
    pub new: Vec<Object>,
    /// Of the revision that a failure leads to, where that is another than the one it starts from; `None` where it is none or
    /// the same.
    pub back: Known<Option<Vec<Object>>>,
}

/// How the user has named the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartReference {
    /// As it was typed.
    pub named: String,
    /// Where it is.
    pub place: Place,
    /// `--version`.
    pub version: Option<String>,
}

/// Where a chart comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder or an archive on this machine.
    Local,
    /// A chart repository.
    Repository,
    /// A registry.
    Registry,
    /// An archive at a URL.
    Url,
}

/// Who holds, or held, the lease of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Who, with the process.
    pub holder: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it last gave a sign of life.
    pub last_sign: Option<Timestamp>,
    /// The revision it works on.
    pub revision: Option<u32>,
    /// Whether it is at work; `None` if nobody knows.
    pub alive: Option<bool>,
}

/// A revision that is marked as bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRevision {
    /// Its number.
    pub revision: u32,
    /// Its description, if its manifest is the one that the upgrade would apply.
    pub same: Known<Option<String>>,
}

/// What the user may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Each right that was asked for, once.
    pub asked: Vec<Permission>,
    /// Objects whose kind the server does not serve, so that no right on them could be asked for.
    pub unserved: Vec<String>,
}

/// A right that is needed, and whether the user has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The verb, as in `patch`.
    pub verb: &'static str,
    /// As rules name it: `deployments.apps`, `pods/log`.
    pub resource: String,
    /// The namespace; `None` for a kind without namespaces.
    pub namespace: Option<String>,
    /// The objects that it is asked about; empty for all of the kind.
    pub names: Vec<String>,
    /// What it is needed for.
    pub need: Need,
    /// Whether the user has it, as far as the server's access rules tell.
    pub allowed: Known<bool>,
}

/// What a right is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Helm fails without it.
    Upgrade,
    /// Going back fails without it.
    GoingBack,
    /// Going back leaves objects behind without it.
    Cleaning,
    /// Without it a StatefulSet may not be led back by itself.
    Freeing,
    /// Without it nobody sees how far the roll-out is.
    Watching,
    /// Without it the evidence of a failure has no logs.
    Evidence,
    /// Without it two runs at once can't be told apart.
    Lease,
    /// Without it old revisions stay.
    Pruning,
}
