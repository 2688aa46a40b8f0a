//! The view of a diff: everything that a renderer prints, computed once.

mod crds;
mod overview;
mod resources;
mod sections;

use crate::diff::changes::{Change, Op, changes};
use crate::diff::impact::Impact;
use crate::diff::key_differences::KeyDifference;
use crate::diff::lines::{self, Hunk};
use crate::diff::live::report::LiveReport;
use crate::diff::noise::{Noise, Tally};
use crate::diff::overrides::DeadOverride;
use crate::diff::regenerated::Regenerated;
use crate::diff::release::{Both, ReleaseDiff};
use crate::diff::resources::Change as Fate;
use crate::diff::structure::{Delta, Entry, Fate as Became, compare};
use crate::manifest::node::Node;
use crate::release::Release;
use crate::release::supplied::Origins;

pub use crds::Crds;
pub use resources::Resource;
pub use sections::Sections;

/// What a renderer needs computed.
#[derive(Clone, Copy, Debug)]
pub struct Detail {
    /// Hunks of lines.
    pub hunks: bool,
    /// JSON Patch operations.
    pub changes: bool,
    /// Unchanged lines around each change; `None` shows all.
    pub context: Option<usize>,
    /// Whether the same change in several objects is shown once. Only hunks are folded; operations are always whole.
    pub fold: bool,
    /// What is done with noise. Only hunks are freed of it.
    pub noise: Noise,
    /// Which sections are shown. What is not shown does not count as a difference either.
    pub sections: Sections,
}

impl Default for Detail {
    /// All there is, as it is.
    fn default() -> Self {
        Self { hunks: true, changes: true, context: Some(3), fold: false, noise: Noise::Show, sections: Sections::ALL }
    }
}

/// What is compared with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Two revisions of one release.
    #[default]
    Revisions,
    /// The last revision and the one that a rollback would go back to.
    Rollback,
    /// Two releases.
    Releases,
    /// The deployed revision and a proposed one.
    Upgrade,
    /// Nothing, and the first revision of a release that is not installed.
    Install,
    /// A revision and the cluster.
    Live(Box<LiveReport>),
    /// Two files.
    Files(Both<String>),
    /// Two charts, as they were named.
    Charts(Both<String>),
}

/// One of the two compared revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The release's name.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
    /// The revision's number.
    pub revision: u32,
    /// Its status, as Helm spells it.
    pub status: String,
    /// The chart's name.
    pub chart: String,
    /// The chart's version.
    pub chart_version: String,
    /// The version of what the chart installs.
    pub app_version: String,
    /// When it was made; RFC 3339.
    pub updated: String,
    /// What Helm noted about it.
    pub description: String,
}

/// How many objects met which fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Only in the new revision.
    pub added: usize,
    /// Only in the old one.
    pub removed: usize,
    /// In both, with other content.
    pub modified: usize,
    /// Equal in content.
    pub unchanged: usize,
    /// Those that differ and that the user did not want to see.
    pub suppressed: usize,
    /// Differences that rules ignore.
    pub ignored: usize,
    /// Of the modified ones, those that differ in noise only, and are left out therefore.
    pub hidden: usize,
}

/// A tree that differs, or not.
#[derive(Default)]
pub struct Section<'a> {
    /// Its operations.
    pub changes: Vec<Change<'a>>,
    /// Its hunks, if wanted.
    pub hunks: Vec<Hunk>,
}

/// A diff of two revisions, ready to be printed.
pub struct View<'a> {
    /// What is compared with what.
    pub subject: Subject,
    /// What the reader should know before the diff, a sentence each.
    pub notices: Vec<String>,
    /// Whether the reader wants all of it, however much that is.
    pub all: bool,
    /// The revision before.
    pub from: Revision,
    /// The revision after.
    pub to: Revision,
    /// The count of objects.
    pub summary: Summary,
    /// Which parts are shown.
    pub sections: Sections,
    /// What matters most of all that differs, if wanted.
    pub key_differences: Vec<KeyDifference>,
    /// What the change costs, if wanted and if there is anything to tell.
    pub impact: Option<Impact>,
    /// The objects that differ.
    pub resources: Vec<Resource<'a>>,
    /// The noise that was taken out of them.
    pub noise: Tally,
    /// What the chart makes anew at each render, and is left out of the objects.
    pub regenerated: &'a [Regenerated],
    /// The chart's custom resource definitions beside the cluster's, where they were looked at.
    pub crds: Option<Crds<'a>>,
    /// The values that the user supplied.
    pub values: Section<'a>,
    /// Where the new values of the user come from, each file or flag with what it set: `image.tag`. Only of what differs.
    pub origins: Vec<(String, Vec<String>)>,
    /// The values of the user that the new chart does not know any more.
    pub dead_overrides: &'a [DeadOverride],
    /// The values that the templates saw, where asked for.
    pub computed_values: Option<Section<'a>>,
    /// The charts' default values: operations only.
    pub defaults: Section<'a>,
    /// The chart's metadata.
    pub chart: Section<'a>,
    /// The notes.
    pub notes: &'a Both<String>,
    /// The notes' hunks, if wanted.
    pub notes_hunks: Vec<Hunk>,
}

impl<'a> View<'a> {
    /// Computes what is to be printed.
    #[must_use]
    pub fn new(diff: &'a ReleaseDiff, releases: &'a Both<Release>, detail: Detail) -> Self {
        let count = |change| diff.manifest.count(change);
        let operations = Detail { hunks: false, changes: true, ..detail };
        let sections = detail.sections;
        let (shown, tally, hidden) = match sections.resources {
            true => resources::resources(&diff.manifest, detail),
            false => (Vec::new(), Tally::default(), 0),
        };
        let computed = diff.computed_values.as_ref().filter(|_| sections.values);
        let notes_hunks = match detail.hunks && sections.notes && diff.notes.changed() {
            true => lines::text_hunks(&diff.notes.old, &diff.notes.new, detail.context),
            false => Vec::new(),
        };
        Self {
            subject: Subject::default(),
            notices: Vec::new(),
            all: detail.context.is_none(),
            from: revision(&releases.old),
            to: revision(&releases.new),
            summary: Summary {
                added: count(Fate::Added),
                removed: count(Fate::Removed),
                modified: count(Fate::Modified) - hidden,
                unchanged: diff.manifest.unchanged,
                suppressed: diff.manifest.suppressed,
                ignored: diff.manifest.ignored,
                hidden,
            },
            sections,
            key_differences: if sections.key_differences {
                overview::key_differences(diff, releases)
            } else {
                Vec::new()
            },
            impact: sections.impact.then(|| overview::impact(diff, releases)).flatten(),
            resources: shown,
            noise: tally,
            regenerated: &diff.regenerated,
            crds: diff.crds.as_ref().filter(|_| sections.crds).map(|crds| Crds::new(crds, detail)),
            values: match sections.values {
                true => section(&diff.values, Detail { changes: true, ..detail }),
                false => Section::default(),
            },
            origins: Vec::new(),
            dead_overrides: if sections.values { &diff.about_values.dead } else { &[] },
            defaults: match &diff.about_values.defaults {
                Some(both) if sections.chart => section(both, operations),
                _ => Section::default(),
            },
            computed_values: computed.map(|both| section(both, detail)),
            chart: if sections.chart { section(&diff.chart, operations) } else { Section::default() },
            notes: &diff.notes,
            notes_hunks,
        }
        .with_origins(&diff.about_values.origins)
    }

    /// Finds the origins of the user's values that differ.
    fn with_origins(mut self, known: &Origins) -> Self {
        for change in &mut self.values.changes {
            // What is gone was set by nobody.
            if change.op == Op::Remove {
                continue;
            }
            for origin in known.at(&change.path) {
                change.origins.push(origin.to_owned());
                let place = change.location.clone();
                match self.origins.iter_mut().find(|(name, _)| name == origin) {
                    Some((_, places)) => places.push(place),
                    None => self.origins.push((origin.to_owned(), vec![place])),
                }
            }
        }
        self
    }

    /// Whether the notes differ and are shown.
    #[must_use]
    pub fn notes_changed(&self) -> bool {
        self.sections.notes && self.notes.changed()
    }

    /// The same view, of another subject than two revisions.
    #[must_use]
    pub fn about(self, subject: Subject) -> Self {
        Self { subject, ..self }
    }

    /// The same view, with what the reader should know first.
    #[must_use]
    pub fn with_notices(self, notices: Vec<String>) -> Self {
        Self { notices, ..self }
    }

    /// Whether nothing differs in what is shown. Key differences and the impact are drawn from the objects, and count only
    /// where those are not shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let same = |section: &Section<'_>| section.changes.is_empty() && section.hunks.is_empty();
        self.resources.is_empty()
            && self.noise.objects.is_empty()
            // Those that could not be compared are told, and are no difference.
            && self.crds.as_ref().is_none_or(|crds| crds.resources.is_empty())
            && same(&self.values)
            && self.computed_values.as_ref().is_none_or(same)
            && same(&self.defaults)
            && same(&self.chart)
            && !self.notes_changed()
            && (self.sections.resources || (self.key_differences.is_empty() && self.impact.is_none()))
    }
}

fn revision(release: &Release) -> Revision {
    Revision {
        release: release.name.clone(),
        namespace: release.namespace.clone(),
        revision: release.revision,
        status: release.info.status.clone(),
        chart: release.chart.name().to_owned(),
        chart_version: release.chart.version().to_owned(),
        app_version: release.chart.app_version().to_owned(),
        updated: release.info.last_deployed.clone(),
        description: release.info.description.clone(),
    }
}

/// Where one side has nothing at all, each key of the other came or went by itself.
fn appeared(both: &Both<Node>) -> Option<Delta<'_>> {
    let entries = |node: &'_ Node| node.as_map().filter(|entries| !entries.is_empty()).is_some();
    let delta = match (both.old.is_empty(), both.new.is_empty()) {
        (true, false) if entries(&both.new) => {
            let new = both.new.as_map()?.iter();
            new.map(|(key, value)| Entry { key, fate: Became::Added(value) }).collect()
        }
        (false, true) if entries(&both.old) => {
            let old = both.old.as_map()?.iter();
            old.map(|(key, value)| Entry { key, fate: Became::Removed(value) }).collect()
        }
        _ => return None,
    };
    Some(Delta::Map(delta))
}

fn section(both: &Both<Node>, detail: Detail) -> Section<'_> {
    if !both.changed() {
        return Section::default();
    }
    let delta = appeared(both).unwrap_or_else(|| compare(&both.old, &both.new));
    Section {
        changes: if detail.changes { changes(&delta) } else { Vec::new() },
        hunks: if detail.hunks { lines::hunks(&delta, detail.context) } else { Vec::new() },
    }
}
