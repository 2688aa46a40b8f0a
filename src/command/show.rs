//! `helm safe-upgrade show`: what a revision holds, with what is secret masked.

use crate::cluster::Cluster;
use crate::command::{Stages, history};
use crate::error::Error;
use crate::helm::Helm;
use crate::manifest::document::{Document, Object};
use crate::manifest::mask::Masker;
use crate::manifest::mask_values::{mask_urls, mask_values};
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::Sensitive;
use crate::release::Release;
use crate::release::head::Head;
use crate::release::history::Entry;
use crate::report::releases::show::ShowView;
use crate::storage::Storage;

/// Which parts of a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The values.
    pub values: bool,
    /// The chart's metadata.
    pub chart: bool,
    /// The objects without hooks.
    pub manifest: bool,
    /// The hooks.
    pub hooks: bool,
    /// The notes.
    pub notes: bool,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The release's name.
    pub release: String,
    /// The revision; the last one if not named.
    pub revision: Option<u32>,
    /// Which parts of it.
    pub parts: Parts,
    /// Whether the values are those that the templates saw, and not only the user's.
    pub all_values: bool,
}

/// Reads the revision.
///
/// # Errors
/// If it does not exist or can't be read.
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<ShowView, Error> {
    let name = &options.release;
    super::revdiff::validate_name(name)?;
    stages.stage(&format!("reading the release {name}"));
    let revision = match options.revision {
        Some(revision) => revision,
        None => match storage.history(name).await?.revisions().last() {
            Some(&last) => last,
            None => return Err(storage.no_release(name).await),
        },
    };
    let release = storage.read_one(name, revision).await?;
    let entry = Entry { revision, ..Entry::default() };
    let row = history::of_head(&entry, &Head::of(&release));
    Ok(ShowView { revision: row, ..view(&release, masker, options) })
}

fn view(release: &Release, masker: &Masker, options: &Options) -> ShowView {
    let documents = release.documents();
    let (parts, empty) = (options.parts, || Node::new(Value::Null));
    let mut sensitive = Sensitive::default();
    if masker.masks() && (parts.values || parts.notes) {
        sensitive = Sensitive::of(documents.iter());
    }
    let values = parts.values.then(|| {
        let values = if options.all_values { release.computed_values() } else { release.config.clone() };
        mask_values(values, empty(), &sensitive, masker).0
    });
    let notes = parts.notes.then(|| {
        if !masker.masks() {
            return release.info.notes.clone();
        }
        sensitive.gather_values(&release.computed_values());
        sensitive.mask_text(&release.info.notes, masker)
    });
    let open = |hooks: bool| -> Vec<Object> {
        let wanted = |document: &&Document<'_>| document.is_hook() == hooks;
        documents.iter().filter(wanted).flat_map(|document| masker.open(document)).collect()
    };
    ShowView {
        values,
        notes,
        chart: parts.chart.then(|| mask_urls(release.chart.metadata.clone(), masker)),
        manifest: parts.manifest.then(|| open(false)),
        hooks: parts.hooks.then(|| open(true)),
        ..ShowView::default()
    }
}
