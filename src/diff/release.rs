//! All that differs between two revisions: objects, values, chart and notes, with everything secret masked.

use crate::diff::live::crd::CrdDiff;
use crate::diff::overrides::AboutValues;
use crate::diff::regenerated::Regenerated;
use crate::diff::resources::{ManifestDiff, Side, compare as compare_resources};
use crate::manifest::document::Document;
use crate::manifest::mask::Masker;
use crate::manifest::mask_values::{mask_urls, mask_values};
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::Sensitive;
use crate::release::Release;

/// Which parts are compared.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// The hooks among the objects.
    pub hooks: bool,
    /// The values as computed, beside those the user supplied.
    pub computed_values: bool,
}

/// Something before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Both<T> {
    /// Before.
    pub old: T,
    /// After.
    pub new: T,
}

impl Default for Parts {
    /// What a user gets to see unless told otherwise.
    fn default() -> Self {
        Self { hooks: true, computed_values: false }
    }
}

impl<T: PartialEq> Both<T> {
    /// Whether the two differ.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.old != self.new
    }
}

/// The differences between two revisions. Nothing in here is secret any more.
#[derive(Debug, Default)]
pub struct ReleaseDiff {
    /// The objects, hooks among them.
    pub manifest: ManifestDiff,
    /// The values that the user supplied.
    pub values: Both<Node>,
    /// The values that the templates saw, where asked for.
    pub computed_values: Option<Both<Node>>,
    /// Where the user's values come from, and what the charts have to say about them.
    pub about_values: AboutValues,
    /// The charts' metadata.
    pub chart: Both<Node>,
    /// The notes.
    pub notes: Both<String>,
    /// What the chart makes anew at each render, and is left out of the objects therefore.
    pub regenerated: Vec<Regenerated>,
    /// The chart's custom resource definitions beside the cluster's, where they were looked at.
    pub crds: Option<CrdDiff>,
}

impl ReleaseDiff {
    /// Whether anything differs.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.manifest.resources.is_empty()
            || self.values.changed()
            || self.computed_values.as_ref().is_some_and(Both::changed)
            || self.about_values.defaults.as_ref().is_some_and(Both::changed)
            || self.chart.changed()
            || self.notes.changed()
    }
}

/// Compares two revisions.
#[must_use]
pub fn compare(old: &Release, new: &Release, masker: &Masker, parts: Parts) -> ReleaseDiff {
    let (all_old, all_new) = (old.documents(), new.documents());
    let before = Side { documents: wanted(&all_old, parts), namespace: &old.namespace };
    let after = Side { documents: wanted(&all_new, parts), namespace: &new.namespace };
    let manifest = compare_resources(&before, &after, masker);

    let mut values = Both { old: old.config.clone(), new: new.config.clone() };
    let mut defaults = defaults(old, new);
    let mut computed_values =
        parts.computed_values.then(|| Both { old: old.computed_values(), new: new.computed_values() });
    // Helm 3 and Helm 4 end the same notes in different ways.
    let notes_of = |release: &Release| release.info.notes.trim_end().to_owned();
    let mut notes = Both { old: notes_of(old), new: notes_of(new) };
    // Finding where secrets go is work, and needless where nothing is shown.
    let of_charts = [&computed_values, &defaults].into_iter().flatten().any(Both::changed);
    if masker.masks() && (values.changed() || notes.changed() || of_charts) {
        let mut sensitive = Sensitive::of(all_old.iter().chain(&all_new));
        if notes.changed() {
            for release in [old, new] {
                sensitive.gather_values(&release.computed_values());
            }
        }
        values = masked(values, &sensitive, masker);
        computed_values = computed_values.map(|both| masked(both, &sensitive, masker));
        defaults = defaults.map(|both| masked(both, &sensitive, masker));
        notes = notes.map(|text| sensitive.mask_text(&text, masker));
    }
    let chart = Both { old: old.chart.metadata.clone(), new: new.chart.metadata.clone() };
    let chart = chart.map(|metadata| mask_urls(metadata, masker));
    let about_values = AboutValues { defaults, ..AboutValues::default() };
    ReleaseDiff { manifest, values, computed_values, about_values, chart, notes, regenerated: Vec::new(), crds: None }
}

/// The defaults of both charts, where both are known and differ. (What Helm tells of a release in a database lacks them.)
fn defaults(old: &Release, new: &Release) -> Option<Both<Node>> {
    let known = |release: &Release| !release.chart.metadata.is_empty() && release.computed.is_none();
    if old.chart.values == new.chart.values {
        return None;
    }
    // With --reuse-values Helm stores the old values as the new chart's defaults: these are not what the chart has.
    if !known(old) || !known(new) || new.chart.values == old.computed_values() {
        return None;
    }
    let both = Both { old: without_globals(&old.chart.values, 0), new: without_globals(&new.chart.values, 0) };
    both.changed().then_some(both)
}

/// Defaults without the empty `global` that Helm adds to those of each subchart that is switched on.
fn without_globals(values: &Node, depth: usize) -> Node {
    let Value::Map(entries) = values.value() else { return values.clone() };
    let added = |key: &str, value: &Node| {
        depth > 0 && key == "global" && matches!(value.value(), Value::Map(entries) if entries.is_empty())
    };
    let entries = entries.iter().filter(|(key, value)| !added(key, value));
    let entries = entries.map(|(key, value)| (key.clone(), without_globals(value, depth + 1)));
    Node::new(Value::Map(entries.collect())).at(values.line())
}

fn masked(both: Both<Node>, sensitive: &Sensitive, masker: &Masker) -> Both<Node> {
    let (old, new) = mask_values(both.old, both.new, sensitive, masker);
    Both { old, new }
}

fn wanted<'a>(documents: &[Document<'a>], parts: Parts) -> Vec<Document<'a>> {
    documents.iter().copied().filter(|document| parts.hooks || !document.is_hook()).collect()
}

impl<T> Both<T> {
    fn map(self, mut change: impl FnMut(T) -> T) -> Self {
        Self { old: change(self.old), new: change(self.new) }
    }
}
